/* What the remembered functions share: their numbers, the types of their values, helpers. Private to
 * compile/. */
#ifndef URSA_COMPILE_FUNCTIONS_H
#define URSA_COMPILE_FUNCTIONS_H

#include "intern.h"
#include "memo.h"
#include "resolver.h"
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
    struct VEC(struct host *) asked; /* host names that were looked up for the first time when last read */
};

/* ---- values ---- */
struct mesh_input {
    struct str name;
    bool mtls; /* its members have certificates */
    enum tls_serve serve;
    enum tls_dial dial;
    bool locality_aware;
    struct str backend; /* that issues them: its name */
    uint64_t backend_hash;
};
struct policy_list { /* sorted by name */
    size_t n;
    const struct resource *v[];
};
/* Of a certificate that is being made: no content hash is even. */
#define VERSION_SOON 2u
struct admin_cert {
    struct leaf *leaf;
    struct blob *ca;
};
/* A transparent proxy's outbounds at VIPs, and what DNS calls them. */
struct vip_outbound {
    struct str address;
    uint32_t port;
    struct tags tags;
};
/* Of two that are called the same the first kind has the name. */
enum vip_name_kind { NAME_VIRTUAL, NAME_SERVICE, NAME_DOTTED };
struct vip_name {
    struct str domain;
    enum vip_name_kind kind;
    uint32_t address; /* IPv4, host byte order */
};
struct vips {
    struct arena arena;
    struct VEC(struct vip_outbound) outbounds;
    struct VEC(struct vip_name) names; /* sorted and distinct by domain */
};
/* What a transparent proxy may dial by address. */
struct direct_targets {
    struct arena arena;
    struct VEC(struct direct_target) v; /* sorted by 'where' */
};
struct direct_target {
    struct str where; /* address and port, as a key has them */
    struct call *listener;
};
struct name_list { /* chosen policies; "" where none matched */
    size_t n;
    struct str v[];
};
/* The policies that a source's tags are selected by, one text a kind; NULL: of no matter for outbounds. */
struct matches {
    struct call *v[POLICY_N];
};
/* A part of a proxy: which resources it has, by the calls that make them or lists of them. */
struct calls {
    struct VEC(struct call *) v[XDS_N];
};
/* Where outbounds lead, for every source that the same policies select. */
struct plan {
    struct calls *shared;
    size_t n_http;
    struct call *http[]; /* texts: the outbounds whose listeners say who calls */
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
/* Bytes as an argument that many calls share. */
struct call *name_text(struct memo_ctx *, struct str);
const struct mesh_input *ask_mesh(struct memo_ctx *);
/* An IP address as it is, a host name's address; STR_NONE when it has none. */
struct str ask_address(struct memo_ctx *, struct str);
/* The Dataplane with an address in place of a host name. When that has none, what would listen on it is left
 * out. */
const struct dataplane_spec *ask_with_address(struct memo_ctx *, const struct dataplane_spec *);
const struct remote *ask_remote(struct memo_ctx *, struct str service); /* NULL: no other zone offers it */
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
struct memo_value value_encoded(struct memo_ctx *, struct xds_resource *); /* takes it over */
/* Of a resource in which one text is open. */
struct memo_value value_template(struct memo_ctx *, enum xds_type, json_t *tree, json_t *open);
void drop_template(void *);
/* A message that is no resource: a struct blob. Takes over the tree. */
struct memo_value value_message(struct memo_ctx *, struct str message, json_t *tree);
void drop_resource(void *);

/* ---- calls of a part ---- */
struct calls *calls_new(void);
/* Adds the call that was started in 'ctx'. */
void calls_add(struct calls *, enum xds_type, struct memo_ctx *);
void calls_add_all(struct calls *, const struct calls *);
/* Leaves at most one call a type, a list. */
void calls_fold(struct calls *, struct memo_ctx *);
struct memo_value value_calls(struct memo_ctx *, struct calls *);
void drop_calls(void *);

/* ---- shared between parts ---- */
void key_tag_sets(struct buf *, struct tag_sets);
struct tag_sets key_get_tag_sets(struct key_reader *, struct arena *);
json_t *tags_to_json(const struct tags *, struct str without);
/* SDS names of the mesh. */
struct str name_identity_secret(struct arena *, struct str mesh);
struct str name_ca_secret(struct arena *, struct str mesh);
/* A side of mutual TLS that takes any member of its mesh for the other. */
struct envoy_tls tls_with_mesh(struct arena *, const struct mesh_input *);
/* Where a transparent proxy's connections to its own workload come from: the rules that redirect leave this
 * address alone. */
struct str redirect_source(bool ipv6);
/* Where we reach Envoy's admin port, by what its node says of the address; STR_NONE: nowhere. */
struct str admin_loopback(struct str admin_address);
#define ADMIN_NAME STR("kuma:envoy:admin")
#define ADMIN_SECRET STR("admin_cert:secret")
#define ADMIN_CA_SECRET STR("admin_ca:secret")

/* ---- parts of a proxy ---- */
/* What a proxy says of itself and is configured by; lives in the arguments of its functions. */
struct params {
    struct str name, admin_address;
    uint32_t admin_port, dns_port, empty_dns_port;
};
struct params params_read(struct str args);
/* Each adds what it has for this proxy. */
typedef void part_fn(struct memo_ctx *, const struct params *, const struct dataplane_spec *,
                     struct calls *out);
part_fn part_outbound, part_inbound, part_transparent, part_dns, part_direct, part_probes, part_admin,
    part_secrets;

void call_proxy(struct buf *, const struct proxy_params *);

#endif
