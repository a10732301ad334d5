/* tests/tools/fixed_certs.h -- certificates for tests of the compiler: texts that name what they were asked
 * for, the same every time. */
#ifndef URSA_TESTS_TOOLS_FIXED_CERTS_H
#define URSA_TESTS_TOOLS_FIXED_CERTS_H

#include "ursa/base/alloc.h"
#include "ursa/compile.h"

static inline struct blob *fixed_text(const char *what, struct str a, struct str b)
{
    struct buf text;
    buf_init(&text, 4096);
    buf_printf(&text, "%s " STR_FMT "/" STR_FMT, what, STR_ARG(a), STR_ARG(b));
    struct blob *blob = blob_from_buf(&text);
    buf_fini(&text);
    return blob;
}

static inline struct leaf *fixed_leaf(const char *what, struct str a, struct str b)
{
    struct leaf *leaf = xcalloc(1, sizeof *leaf);
    atomic_init(&leaf->refs, 1);
    leaf->cert_pem = fixed_text(what, a, b);
    leaf->key_pem = fixed_text("key", a, b);
    leaf->version = leaf->cert_pem->hash;
    return leaf;
}

static inline struct leaf *fixed_identity(void *ctx, const struct view *v, const struct resource *dp,
                                          bool *soon)
{
    struct str backend = view_stance(v).issuer;
    (void)ctx;
    (void)soon;
    return backend.p ? fixed_leaf("identity", dp->key.name, backend) : NULL;
}

/* Names the trusted backends, in the order in which they are listed. */
static inline struct blob *fixed_ca(void *ctx, const struct view *v)
{
    const struct resource *record = posture_record(view_snap(v), view_mesh_name(v));
    const struct mesh_posture_spec *posture = record ? resource_mesh_posture(record) : NULL;
    const struct mesh_mtls *mtls = view_mesh(v)->mtls;
    size_t n = posture ? posture->n_trusted : mtls && view_stance(v).issuer.p ? mtls->n_backends : 0;
    struct buf names;
    (void)ctx;
    buf_init(&names, 4096);
    for (size_t i = 0; i < n; i++) {
        struct str name = posture ? posture->trusted[i].backend : mtls->backends[i].name;
        buf_printf(&names, "%s" STR_FMT, i ? " " : "", STR_ARG(name));
    }
    struct blob *text = n ? fixed_text("root", view_mesh_name(v), buf_str(&names)) : NULL;
    buf_fini(&names);
    return text;
}

static inline struct leaf *fixed_admin_cert(void *ctx, const struct view *v, const struct resource *dp,
                                            struct blob **ca, bool *soon)
{
    (void)ctx;
    (void)v;
    (void)soon;
    *ca = fixed_text("root", STR("admin"), STR(""));
    return fixed_leaf("admin", resource_dataplane(dp)->networking->address, STR(""));
}

static const struct compiler_options fixed_certs = {
    .identity = fixed_identity, .ca = fixed_ca, .admin_cert = fixed_admin_cert};

#endif
