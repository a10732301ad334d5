/* The secrets part: the proxy's identity and the mesh's root certificates, while mTLS is on. */
#include "../functions.h"

void part_secrets(struct memo_ctx *ctx, const struct params *params, const struct dataplane_spec *dp,
                  struct calls *out)
{
    (void)dp;
    if (!ask_mesh(ctx)->mtls)
        return;
    key_str(memo_call(ctx, FN_SECRET_IDENTITY), params->name);
    calls_add(out, XDS_SECRET, ctx);
    memo_call(ctx, FN_SECRET_CA);
    calls_add(out, XDS_SECRET, ctx);
}

static struct memo_value run_secret_identity(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    key_str(memo_call(ctx, FN_IN_IDENTITY), key_get_str(&r));
    const struct leaf *leaf = memo_get(ctx);
    if (!leaf)
        return (struct memo_value){0};
    struct str name = name_identity_secret(memo_arena(ctx), ask_mesh(ctx)->name);
    return value_secret(ctx,
                        envoy_secret_certificate(name, blob_str(leaf->cert_pem), blob_str(leaf->key_pem)));
}
const struct memo_fn fn_secret_identity = {
    .name = "secret_identity", .run = run_secret_identity, .drop = drop_resource};

static struct memo_value run_secret_ca(struct memo_ctx *ctx, struct str args)
{
    (void)args;
    memo_call(ctx, FN_IN_CA);
    const struct blob *bundle = memo_get(ctx);
    if (!bundle)
        return (struct memo_value){0};
    struct str name = name_ca_secret(memo_arena(ctx), ask_mesh(ctx)->name);
    return value_resource(ctx, XDS_SECRET, envoy_secret_ca(name, blob_str(bundle)));
}
const struct memo_fn fn_secret_ca = {.name = "secret_ca", .run = run_secret_ca, .drop = drop_resource};
