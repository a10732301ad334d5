/* ursa/resource.h -- what a resource is: the type table, the resource object, decoding, validation, encoding.
 *
 * A struct resource is immutable once published and reference-counted; any thread may read it. Everything
 * reachable from it lives in its own arena. The typed specs are in ursa/kinds.h. Rules and texts:
 * resources.md; observed behaviour of kuma-cp 2.4.10. */
#ifndef URSA_RESOURCE_H
#define URSA_RESOURCE_H

#include <jansson.h>
#include <stdatomic.h>

#include "ursa/base/blob.h"
#include "ursa/base/err.h"
#include "ursa/base/yaml.h"
#include "ursa/kinds.h"

enum res_type {
#define RES_TYPE(id, ...) RES_##id,
#include "ursa/types.def"
#undef RES_TYPE
    RES_N,
    RES_N_SHOWN = RES_MESH_POSTURE /* the types from here on are internal */
};

enum res_scope { SCOPE_GLOBAL, SCOPE_MESH };

enum res_trait {
    RES_POLICY = 1 << 0,     /* listed in /policies */
    RES_INSPECT = 1 << 1,    /* has GET .../{name}/dataplanes */
    RES_INBOUND = 1 << 2,    /* /policies says isInbound: of policies with a targetRef only */
    RES_OUTBOUND = 1 << 3,   /* /policies says isOutbound: likewise */
    RES_NAMESPACED = 1 << 9, /* has a namespace where ?format=k8s shows it as Kubernetes would keep it */
    RES_ADMIN = 1 << 4,      /* reading and writing needs admin rights */
    RES_READ_ONLY = 1 << 5,  /* written by the control plane only: PUT and DELETE answer 405 */
    RES_NO_HISTORY = 1 << 6, /* stored, but makes no revision and no history */
    RES_DERIVED = 1 << 7,    /* never stored: computed from the snapshot when read */
    RES_TARGET_REF = 1 << 8, /* its fields stand under "spec" and begin with a targetRef; it has a schema */
    RES_SEALED = 1 << 10,    /* may hold a key or a password: sealed where it is stored, wiped from memory */
    RES_TARGET_POLICY = RES_POLICY | RES_INSPECT | RES_TARGET_REF | RES_NAMESPACED
};

struct field; /* src/resource/field.h: one row of a field table */

struct res_type_info {
    enum res_type type;
    struct str name;       /* "TrafficPermission" */
    struct str path;       /* "traffic-permissions" */
    struct str cli;        /* "traffic-permission" */
    struct str cli_plural; /* "traffic-permissions" */
    enum res_scope scope;
    unsigned traits;
    const struct field *fields;                     /* the spec's field table */
    size_t spec_size;                               /* sizeof the struct in kinds.h */
    void (*check)(const void *spec, struct err *e); /* the type's own rules: every fault becomes a cause */
};

const struct res_type_info *res_type_info(enum res_type); /* never NULL */
/* Look-ups; RES_N when there is none, or it is internal. */
enum res_type res_type_by_name(struct str);
enum res_type res_type_by_path(struct str);
enum res_type res_type_by_cli(struct str word);    /* singular or plural */
enum res_type res_type_by_stored_name(struct str); /* internal ones too */

/* Global types have an empty mesh. */
struct res_key {
    enum res_type type;
    struct str mesh, name;
};
/* By type, mesh, name, byte-wise. */
int res_key_cmp(const struct res_key *, const struct res_key *);

/* Who brought it: by hand over the API, a connecting proxy (goes after its last stream), or Ursa itself. */
enum res_origin { ORIGIN_API, ORIGIN_PROXY, ORIGIN_SYSTEM };

struct resource {
    atomic_uint refs;
    struct arena arena; /* holds everything below */
    struct res_key key;
    enum res_origin origin;
    uint64_t revision;      /* of the last change; 0 before it is stored */
    int64_t created_ns;     /* wall clock */
    int64_t modified_ns;    /* likewise; 0 before it is stored */
    struct blob *spec_json; /* canonical JSON of the spec: what is stored, what equality means */
    /* Of a Dataplane whose Envoy told how it is: what it told (below), and the spec's JSON
     * with that in it, which is what clients are shown. Else empty and NULL. No part of equality. */
    struct str health;
    struct blob *shown_json;
    const void *spec; /* struct <kind>_spec of kinds.h */
};

/* An object under construction with refs == 1, empty spec and spec_json NULL; key is copied. */
struct resource *resource_new(const struct res_key *);
struct resource *resource_ref(struct resource *);
void resource_unref(struct resource *); /* NULL is ignored; secrets are wiped */

/* Steps 3 to 5 of a PUT (resources.md 1.2): holds the document (type, mesh, name at the top, spec fields
 * beside them, or under "spec" when it has a targetRef) against its type's schema if there is one, decodes
 * it, then checks the type's rules. ERR_MALFORMED: text is kuma-cp's detail without the "invalid <Type>
 * object: '...'" wrapping, and the one cause says in our words where the fault is and what was expected;
 * ERR_INVALID: all causes in rule order. The key is taken from the document as it stands (missing parts are
 * empty) and is not checked here. On success *out has refs == 1 and revision 0. */
MUST_USE enum err_kind resource_decode(enum res_type, const json_t *doc, struct resource **out,
                                       struct err *e);
/* Judges a value in Envoy's own words, which this room keeps as text: YAML or JSON of a 'message' such as
 * "envoy.config.cluster.v3.Cluster", 'whole' or a patch. False and the reason, in the arena, when it is none.
 */
typedef bool resource_native_check(struct str message, struct str text, bool whole, struct arena *,
                                   struct str *reason);
/* Whoever knows Envoy's messages says so once, before it decodes what users wrote; clients do not, and leave
 * it to the server. */
void resource_set_native_check(resource_native_check *);
/* The document's own "type" (the key's case does not matter), for resource_check_meta; borrowed, STR_NONE
 * when absent. */
struct str resource_doc_type(const json_t *doc);
/* Step 6: name, type and mesh of the body against those wanted (of the URL), then their syntax. 'body_type'
 * is the document's "type". */
MUST_USE enum err_kind resource_check_meta(const struct res_key *want, struct str body_type,
                                           const struct res_key *body, struct err *e);
/* The syntax part alone, for keys that come from elsewhere. A secret's name may have dots here: those of an
 * authority do ("<mesh>.ca-builtin-cert-<backend>"), and what is exported must go in again. */
MUST_USE enum err_kind resource_check_key(const struct res_key *, struct err *e);

/* The type's JSON Schema (draft 2020-12, without "$schema"), made of its field table; rules that a table
 * cannot say are not in it. Caller owns it.
 *   TAKEN   takes whatever resource_decode() takes: members that the type does not have, which are dropped;
 *           of most types null for absent, numbers in quotes, snake_case. (Keys in another case than they are
 *           meant are just more such members.)
 *   STRICT  the same without room for other members, and with type, mesh and name: finds slips of the pen
 *   SHOWN   what resource_to_json() gives, and what clients had better write */
enum schema_of { SCHEMA_TAKEN, SCHEMA_STRICT, SCHEMA_SHOWN };
json_t *resource_schema(enum res_type, enum schema_of);

/* Builds one from a spec struct (copied deeply through its encoded form): for what Ursa itself writes. */
struct resource *resource_from_spec(const struct res_key *, const void *spec);
/* The same resource (key, origin, revision, times) with another spec. */
struct resource *resource_with_spec(const struct resource *, const void *spec);
/* ---- the health of a Dataplane's inbounds, as its Envoy tells it ----
 * One byte an inbound. What is told has the last word over the document's own 'health', and is kept beside
 * the document: it makes no history. */
#define HEALTH_UNKNOWN '-' /* nothing was told: the document's word holds */
#define HEALTH_READY '1'
#define HEALTH_NOT_READY '0'
/* The same Dataplane (key, origin, revision, times, document) with this health, of as many bytes as it has
 * inbounds; bytes that are missing, or others than these, are unknown. A new object. */
struct resource *dataplane_with_health(const struct resource *, struct str health);
/* A Dataplane that is about to be stored, with what still holds of the health of the one before it (NULL:
 * there is none): that of inbounds which are probed as they were, and of which the document says nothing new.
 * Returns a new reference: to the same object when no health has to do with it, else to one that is not
 * stored yet. */
struct resource *dataplane_keep_health(struct resource *fresh, const struct resource *before);

/* A copy with another spec JSON; no rule is checked: stored text and derived objects. NULL and 'e' when it
 * does not decode. */
struct resource *resource_from_stored(const struct res_key *, struct str spec_json, struct err *e);

/* Appends the object as GET shows it: type, mesh, name, creationTime, modificationTime, then the spec in
 * field order; in kuma-cp's shape, as what stands 'level' deep in something larger, without a newline at the
 * end. No tree is built: this is what answers are made of. */
void resource_print(const struct resource *, size_t level, struct buf *out);
/* Likewise the beginning of an object that is about a resource: its brace and the meta part (type, mesh,
 * name, times), without a comma. */
void resource_print_meta(const struct resource *, struct str type_name, size_t level, struct buf *out);
/* The spec alone, compact; borrowed. */
struct str resource_spec_text(const struct resource *);
/* What resource_print() shows as a tree, but as the document was written: without what Envoy tells of it.
 * Caller owns it. */
json_t *resource_to_json(const struct resource *);
/* The spec alone, as it is shown. */
json_t *resource_spec_to_json(const struct resource *);
/* The meta part alone (type, mesh, name, times): insights' and inspect's lists. */
json_t *resource_meta_to_json(const struct resource *, struct str type_name);

/* Typed access; the type must be right (asserted). */
const struct mesh_spec *resource_mesh(const struct resource *);
const struct dataplane_spec *resource_dataplane(const struct resource *);
const struct policy_spec *
resource_policy(const struct resource *); /* any source/destination policy: sources and destinations */
/* Any policy with a targetRef: its own, with which its spec begins. */
const struct target_ref *resource_target_ref(const struct resource *);
/* A targetRef in the JSON of a stored policy, such as an item's; all absent when it is none. Copied to the
 * arena. */
void target_ref_from_json(const json_t *, struct arena *, struct target_ref *out);
const struct traffic_route_spec *resource_traffic_route(const struct resource *);
const struct timeout_spec *resource_timeout(const struct resource *);
const struct circuit_breaker_spec *resource_circuit_breaker(const struct resource *);
const struct retry_spec *resource_retry(const struct resource *);
const struct secret_spec *resource_secret(const struct resource *); /* Secret and GlobalSecret */
const struct dataplane_insight_spec *resource_dataplane_insight(const struct resource *);
const struct mesh_posture_spec *resource_mesh_posture(const struct resource *);
const struct selector_spec *
resource_selectors(const struct resource *); /* any policy with one list of selectors */
const struct zone_spec *resource_zone(const struct resource *);
const struct zone_insight_spec *resource_zone_insight(const struct resource *);
const struct zone_ingress_spec *resource_zone_ingress(const struct resource *);
const struct zone_egress_spec *resource_zone_egress(const struct resource *);
const struct external_service_spec *resource_external_service(const struct resource *);
const struct mesh_gateway_spec *resource_mesh_gateway(const struct resource *);
const struct mesh_gateway_route_spec *resource_mesh_gateway_route(const struct resource *);
const struct traffic_log_spec *resource_traffic_log(const struct resource *);
const struct traffic_trace_spec *resource_traffic_trace(const struct resource *);
const struct health_check_spec *resource_health_check(const struct resource *);
const struct rate_limit_spec *resource_rate_limit(const struct resource *);
const struct fault_injection_spec *resource_fault_injection(const struct resource *);
const struct proxy_template_spec *resource_proxy_template(const struct resource *);
const struct virtual_outbound_spec *resource_virtual_outbound(const struct resource *);

/* What a VirtualOutbound calls a service with these tags. False and the reason, in the arena, when its
 * template gives no DNS name or no port: a parameter's tag is missing, for example. */
MUST_USE bool virtual_outbound_host(const struct virtual_outbound_conf *, const struct tags *, struct arena *,
                                    struct str *host, struct str *reason);
MUST_USE bool virtual_outbound_port(const struct virtual_outbound_conf *, const struct tags *, struct arena *,
                                    uint32_t *port, struct str *reason);

/* Tag sets (sorted by key). */
struct str tags_get(const struct tags *, struct str key); /* STR_NONE when absent */
/* The tags of both; where a key is in both, 'over' has the say. */
struct tags tags_merged(struct arena *, const struct tags *base, const struct tags *over);
/* Every tag of the selector is in the set with the same value, or "*" for any; the empty selector matches
 * all. */
bool selector_matches(const struct tags *selector, const struct tags *set);
struct rank {
    unsigned n_exact, n_wildcards;
};
struct rank selector_rank(const struct tags *selector);
/* More tags first, then more exact ones: positive when 'a' is more specific. */
int rank_cmp(struct rank a, struct rank b);

/* What a VirtualOutbound makes of an inbound with these tags. False when it does not select it, or when its
 * templates give no name or no port for it. */
struct virtual_outbound {
    struct str domain;
    uint32_t port;
    struct tags tags; /* what it leads to: those of the inbound's that its parameters name */
    struct rank rank; /* of its most specific selector that matches */
};
MUST_USE bool virtual_outbound_of(const struct virtual_outbound_spec *, const struct tags *, struct arena *,
                                  struct virtual_outbound *out);

/* resources.md 6.1 S4: some inbound's tags match, or the gateway's do. */
bool selector_matches_dataplane(const struct tags *selector, const struct dataplane_spec *);
bool inbound_is_served(const struct dp_inbound *); /* it has a port and a service: it gets a listener */
/* The service that names a proxy: of its first inbound, or of its gateway. */
struct str dataplane_service(const struct dataplane_spec *);

#define TAG_SERVICE STR("kuma.io/service")
#define TAG_PROTOCOL STR("kuma.io/protocol")
#define TAG_ZONE STR("kuma.io/zone")

/* Membership (Mesh.constraints): the reference's sentence as a cause when the Dataplane may not be in the
 * mesh. */
MUST_USE enum err_kind mesh_check_membership(const struct mesh_spec *, struct str mesh,
                                             const struct dataplane_spec *, struct err *e);

/* Step 8 of a PUT: the resource with what the reference fills in when it is stored. Returns a new reference:
 * to the same object when there is nothing to fill in, else to a new one. */
struct resource *mesh_apply_defaults(struct resource *mesh);
/* 'zone' "": none. 'is_new': it is being created, not updated. */
struct resource *dataplane_apply_defaults(struct resource *dataplane, struct str zone, bool is_new);

/* "10y", "24h": one number, one unit of y w d h m s ms. */
MUST_USE bool ca_duration_parse(struct str, int64_t *ns);

#endif
