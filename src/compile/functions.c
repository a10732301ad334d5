/* The table of functions, and what they share. */
#include "functions.h"

#include "ursa/base/count.h"
#include "ursa/base/hash.h"
#include "ursa/base/json.h"
#include "ursa/base/log.h"

const struct memo_fn fn_text = {.name = "text"};

struct call *name_text(struct memo_ctx *ctx, struct str text)
{
    buf_add_str(memo_call(ctx, FN_TEXT), text);
    return memo_name(ctx);
}

const struct mesh_input *ask_mesh(struct memo_ctx *ctx)
{
    memo_call(ctx, FN_IN_MESH);
    return memo_get(ctx);
}

struct str ask_address(struct memo_ctx *ctx, struct str text)
{
    if (envoy_address_is_ip(text))
        return text;
    key_str(memo_call(ctx, FN_IN_HOST), text);
    const struct host *h = memo_get(ctx);
    return h && host_state(h) == HOST_KNOWN ? host_address(h) : STR_NONE;
}

const struct dataplane_spec *ask_with_address(struct memo_ctx *ctx, const struct dataplane_spec *dp)
{
    struct str address = ask_address(ctx, dp->networking->address);
    if (str_eq(address, dp->networking->address))
        return dp;
    struct arena *a = memo_arena(ctx);
    struct dataplane_spec *copy = ARENA_NEW(a, struct dataplane_spec);
    struct dp_networking *net = ARENA_NEW(a, struct dp_networking);
    *copy = *dp;
    *net = *dp->networking;
    copy->networking = net;
    net->address = address;
    if (address.n == 0) {
        net->n_inbound = 0;
        copy->probes = NULL;
    }
    return copy;
}

const struct remote *ask_remote(struct memo_ctx *ctx, struct str service)
{
    key_str(memo_call(ctx, FN_IN_REMOTE), service);
    return memo_get(ctx);
}

enum protocol ask_protocol(struct memo_ctx *ctx, struct str service)
{
    key_str(memo_call(ctx, FN_PROTOCOL), service);
    memo_get(ctx);
    return (enum protocol)(memo_last_version(ctx) - 1);
}

const struct resource *ask_policy(struct memo_ctx *ctx, enum res_type type, struct str name)
{
    if (name.n == 0)
        return NULL;
    struct buf *k = memo_call(ctx, FN_IN_POLICY);
    key_u32(k, type);
    key_str(k, name);
    return memo_get(ctx);
}

void key_policies(struct buf *k, const struct str names[POLICY_N], enum policy_target target)
{
    for (size_t i = 0; i < POLICY_N; i++) {
        if (policy_get((enum policy_id)i)->targets & target)
            key_str(k, names[i]);
    }
}

void ask_policies(struct memo_ctx *ctx, struct key_reader *r, enum policy_target target,
                  const struct resource *res[POLICY_N])
{
    for (unsigned id = 0; id < POLICY_N; id++) {
        res[id] = NULL;
        if (!(policy_get(id)->targets & target))
            continue;
        struct str name = key_get_str(r);
        if (name.n == 0)
            continue;
        struct buf *k = memo_call(ctx, FN_POLICY);
        key_u32(k, id);
        key_u32(k, target);
        key_str(k, name);
        res[id] = memo_get(ctx);
    }
}

/* ---- a policy, as far as one target is concerned ---- */
/* What the target looks like before policies change it. */
static json_t *blank(enum policy_target target)
{
    if (target == TARGET_CLUSTER)
        return envoy_eds_cluster(STR("blank"));
    if (target == TARGET_ROUTES)
        return envoy_routes(STR("blank"), STR("blank"),
                            envoy_pack("[o]", envoy_prefix_route("/", json_object())));
    return json_object();
}

/* Its version is what it writes, under every protocol: a request limit that changes is no news for a
 * listener. */
static struct memo_value run_policy(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    const struct policy *policy = policy_get((enum policy_id)key_get_u32(&r));
    enum policy_target target = (enum policy_target)key_get_u32(&r);
    const struct resource *res = ask_policy(ctx, policy->type, key_get_str(&r));
    if (!res)
        return (struct memo_value){0};
    uint64_t version = 0;
    for (int p = PROTOCOL_UNKNOWN; p <= PROTOCOL_GRPC; p++) {
        json_t *tree = blank(target);
        policy->apply(res, target, (enum protocol)p, tree);
        struct str text = json_format_canonical(memo_arena(ctx), tree);
        version = hash_mix(version, hash_content(text.p, text.n));
        json_decref(tree);
    }
    return (struct memo_value){resource_ref((struct resource *)(uintptr_t)res), version | 1};
}
static void drop_policy(void *res)
{
    resource_unref(res);
}
const struct memo_fn fn_policy = {.name = "policy", .run = run_policy, .drop = drop_policy};

/* ---- the protocol of a service ---- */
static struct memo_value run_protocol(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    struct str service = key_get_str(&r);
    key_str(memo_call(ctx, FN_IN_SERVICE), service);
    const struct service *s = memo_get(ctx);
    enum protocol p = s ? s->protocol : PROTOCOL_NONE;
    const struct remote *remote = ask_remote(ctx, service);
    if (remote)
        p = protocol_common(p, remote->protocol);
    return (struct memo_value){NULL, (uint64_t)p + 1}; /* the version says it all */
}
const struct memo_fn fn_protocol = {.name = "protocol", .run = run_protocol};

/* ---- results ---- */
static struct memo_value report_failed(struct str what, struct err *e)
{
    struct str text = err_render(e, e->arena);
    log_error("compile", "a " STR_FMT " could not be built: " STR_FMT, STR_ARG(what), STR_ARG(text));
    COUNT(compile_failed);
    return (struct memo_value){0};
}

static struct memo_value report_resource(enum xds_type type, struct err *e)
{
    return report_failed(xds_type_info(type)->short_name, e);
}

struct memo_value value_encoded(struct memo_ctx *ctx, struct xds_resource *r)
{
    struct compiler *c = memo_world(ctx);
    r = intern_resource(&c->intern, r);
    return (struct memo_value){r, hash_mix(r->version, r->type) | 1};
}

struct memo_value value_resource(struct memo_ctx *ctx, enum xds_type type, json_t *tree)
{
    struct err e;
    err_init(&e, memo_arena(ctx));
    struct xds_resource *r = xds_resource_new(type, tree, &e);
    json_decref(tree);
    return r ? value_encoded(ctx, r) : report_resource(type, &e);
}

struct memo_value value_secret(struct memo_ctx *ctx, json_t *tree)
{
    struct err e;
    err_init(&e, memo_arena(ctx));
    struct xds_resource *r = xds_resource_new_secret(XDS_SECRET, tree, &e);
    envoy_secret_wipe(tree);
    return r ? value_encoded(ctx, r) : report_resource(XDS_SECRET, &e);
}

struct memo_value value_template(struct memo_ctx *ctx, enum xds_type type, json_t *tree, json_t *open)
{
    struct err e;
    err_init(&e, memo_arena(ctx));
    struct xds_template *t = xds_template_new(type, tree, open, &e);
    json_decref(tree);
    return t ? (struct memo_value){t, xds_template_version(t) | 1} : report_resource(type, &e);
}

void drop_template(void *t)
{
    xds_template_free(t);
}

struct memo_value value_message(struct memo_ctx *ctx, struct str message, json_t *tree)
{
    struct err e;
    struct buf wire;
    struct blob *blob = NULL;
    err_init(&e, memo_arena(ctx));
    buf_init(&wire, BUF_MAX_RESOURCE);
    if (envoy_encode(message, tree, &wire, &e) == ERR_NONE)
        blob = blob_from_buf(&wire);
    buf_fini(&wire);
    json_decref(tree);
    return blob ? (struct memo_value){blob, blob->hash | 1} : report_failed(message, &e);
}

void drop_resource(void *r)
{
    xds_resource_unref(r);
}

/* ---- calls of a part ---- */
struct calls *calls_new(void)
{
    return xcalloc(1, sizeof(struct calls));
}

void calls_add(struct calls *c, enum xds_type type, struct memo_ctx *ctx)
{
    VEC_PUSH(&c->v[type], memo_name(ctx));
}

void calls_add_all(struct calls *c, const struct calls *from)
{
    for (size_t t = 0; t < XDS_N; t++) {
        for (size_t i = 0; i < from->v[t].n; i++)
            VEC_PUSH(&c->v[t], from->v[t].v[i]);
    }
}

void calls_fold(struct calls *c, struct memo_ctx *ctx)
{
    for (size_t t = 0; t < XDS_N; t++) {
        size_t n = c->v[t].n;
        if (n == 0 || (n == 1 && call_function(c->v[t].v[0]) == FN_LIST))
            continue;
        memo_call(ctx, FN_LIST);
        for (size_t i = 0; i < n; i++)
            memo_add_call(ctx, c->v[t].v[i]);
        VEC_CLEAR(&c->v[t]);
        calls_add(c, (enum xds_type)t, ctx);
    }
}

struct memo_value value_calls(struct memo_ctx *ctx, struct calls *c)
{
    uint64_t version = 0;
    for (size_t t = 0; t < XDS_N; t++) {
        version = hash_mix(version, c->v[t].n);
        for (size_t i = 0; i < c->v[t].n; i++) {
            version = hash_mix(version, call_id(c->v[t].v[i]));
            memo_keep(ctx, c->v[t].v[i]);
        }
    }
    return (struct memo_value){c, version | 1};
}

void drop_calls(void *value)
{
    struct calls *c = value;
    for (size_t t = 0; t < XDS_N; t++)
        VEC_FINI(&c->v[t]);
    free(c);
}

/* ---- shared between parts ---- */
void key_tag_sets(struct buf *k, struct tag_sets sets)
{
    key_u32(k, (uint32_t)sets.n);
    for (size_t i = 0; i < sets.n; i++)
        key_tags(k, &sets.v[i]);
}

struct tag_sets key_get_tag_sets(struct key_reader *r, struct arena *a)
{
    size_t n = key_get_u32(r);
    struct tags *v = ARENA_ARRAY(a, struct tags, n);
    for (size_t i = 0; i < n; i++)
        v[i] = key_get_tags(r, a);
    return (struct tag_sets){n, v};
}

json_t *tags_to_json(const struct tags *tags, struct str without)
{
    json_t *o = json_object();
    for (size_t i = 0; i < tags->n; i++) {
        if (!str_eq(tags->v[i].key, without))
            envoy_set_str(o, tags->v[i].key, json_from_str(tags->v[i].value));
    }
    return o;
}

struct str name_identity_secret(struct arena *a, struct str mesh)
{
    return arena_printf(a, "identity_cert:secret:" STR_FMT, STR_ARG(mesh));
}

struct str name_ca_secret(struct arena *a, struct str mesh)
{
    return arena_printf(a, "mesh_ca:secret:" STR_FMT, STR_ARG(mesh));
}

struct envoy_tls tls_with_mesh(struct arena *a, const struct mesh_input *mesh)
{
    return (struct envoy_tls){
        .identity_secret = name_identity_secret(a, mesh->name),
        .ca_secret = name_ca_secret(a, mesh->name),
        .san_type = "URI",
        .san_match = "prefix",
        .san = identity_domain(a, mesh->name),
    };
}
