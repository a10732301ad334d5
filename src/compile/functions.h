/* What the remembered functions share: their numbers, the types of their values, helpers. Private to
 * compile/. */
#ifndef URSA_COMPILE_FUNCTIONS_H
#define URSA_COMPILE_FUNCTIONS_H

#include "intern.h"
#include "memo.h"
#include "ursa/base/vec.h"
#include "ursa/compile.h"
#include "ursa/envoy_build.h"

enum fn {
#define FN(id, name) FN_##id,
#include "functions.def"
#undef FN
    FN_N
};
#define FN(id, name) extern const struct memo_fn fn_##name;
#include "functions.def"
#undef FN

/* The memo's world: only inputs look at the view. */
struct compiler {
    struct view *view; /* NULL: the mesh is gone */
    char *mesh;
    struct compiler_options options;
    struct intern intern;
    struct memo *memo;
};

/* ---- values ---- */
struct mesh_input {
    struct str name;
    bool mtls, permissive, locality_aware;
    struct str backend; /* the enabled one's name */
};
struct policy_list { /* sorted by name */
    size_t n;
    const struct resource *v[];
};
struct admin_cert {
    struct leaf *leaf;
    struct blob *ca;
};
struct name_list { /* chosen policies; "" where none matched */
    size_t n;
    struct str v[];
};
/* A part of a proxy: which resources it has, by the calls that make them. */
struct calls {
    struct arena arena;
    struct VEC(struct str) v[XDS_N];
};
struct part_list {
    struct xds_list *list;
    size_t n_failed; /* resources that could not be built */
};
struct proxy_result {
    struct config_set *set;
    size_t n_failed;
};

/* Nothing that a proxy is sent differs. */
bool config_set_eq(const struct config_set *, const struct config_set *);

/* ---- asking for inputs and simple functions ---- */
const struct mesh_input *ask_mesh(struct memo_ctx *);
enum protocol ask_protocol(struct memo_ctx *, struct str service);
const struct resource *ask_policy(struct memo_ctx *, enum res_type, struct str name); /* NULL for "" */

/* ---- the policies that a resource is built under: the names of those that may change the target ---- */
void key_policies(struct buf *, const struct str names[POLICY_N], enum policy_target);
/* Reads them back and asks for the policies; the others are NULL. */
void ask_policies(struct memo_ctx *, struct key_reader *, unsigned targets,
                  const struct resource *res[POLICY_N]);

/* ---- results ---- */
/* Encodes and interns; takes over the tree. A tree that Envoy's schema refuses is logged and gives "nothing".
 */
struct memo_value value_resource(struct memo_ctx *, enum xds_type, json_t *tree);
struct memo_value value_secret(struct memo_ctx *, json_t *tree);
struct memo_value value_calls(struct calls *);
void drop_resource(void *);
void drop_calls(void *);
/* Adds the call that was started in 'ctx' to a part. */
struct calls *calls_new(void);
void calls_add(struct calls *, enum xds_type, struct memo_ctx *);

/* ---- shared between parts ---- */
void key_tag_sets(struct buf *, struct tag_sets);
struct tag_sets key_get_tag_sets(struct key_reader *, struct arena *);
json_t *tags_to_json(const struct tags *, struct str without);
/* SDS names of the mesh. */
struct str name_identity_secret(struct arena *, struct str mesh);
struct str name_ca_secret(struct arena *, struct str mesh);
#define ADMIN_NAME STR("kuma:envoy:admin")
#define ADMIN_SECRET STR("admin_cert:secret")
#define ADMIN_CA_SECRET STR("admin_ca:secret")

/* ---- calls of the parts ---- */
void call_outbound(struct buf *, struct tag_sets, const struct dp_networking *);
void call_inbound(struct buf *, const struct dp_networking *);
void call_probes(struct buf *, const struct dataplane_spec *); /* it has probes */
void call_proxy(struct buf *, const struct proxy_params *);

#endif
