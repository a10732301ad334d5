/* ursa/mesh.h -- one mesh as it was at one revision: what the compiler reads.
 *
 * A view is immutable and reference-counted; any thread may read it. It holds its snapshot and, beside it,
 * the index of services. The next view is built from the last one and the changes between them and shares
 * every service that did not change. */
#ifndef URSA_MESH_H
#define URSA_MESH_H

#include "ursa/posture.h"

/* What the endpoints of a service speak (xds.md 7.2). */
enum protocol {
    PROTOCOL_NONE,
    PROTOCOL_UNKNOWN,
    PROTOCOL_TCP,
    PROTOCOL_KAFKA,
    PROTOCOL_HTTP,
    PROTOCOL_HTTP2,
    PROTOCOL_GRPC
};
enum protocol
protocol_parse(struct str tag_value); /* of kuma.io/protocol; missing or other: PROTOCOL_UNKNOWN */
/* The most that both can speak; PROTOCOL_NONE (no endpoint at all) is neutral. */
enum protocol protocol_common(enum protocol, enum protocol);
bool protocol_is_http(enum protocol); /* http, http2, grpc */

struct view;

/* One healthy inbound that offers a service. */
struct endpoint {
    struct str address; /* what other proxies dial */
    uint32_t port;
    const struct tags *tags; /* the inbound's */
};
/* All endpoints of a service, sorted by address, then port; immutable, shared between views,
 * reference-counted. */
struct service {
    atomic_uint refs;
    struct str name;
    uint64_t version; /* content hash: equal sets have equal versions */
    /* What all of its inbounds have in common, healthy or not: were the last healthy one to take the protocol
     * along, the listeners of its clients would change (docs/decisions/0004). */
    enum protocol protocol;
    size_t n_endpoints; /* may be 0: the service is known, nothing healthy offers it */
    const struct endpoint *endpoints;
};
/* The i-th of all its inbounds, healthy or not, and whose it is; NULL: there are no more. */
const struct dp_inbound *service_inbound(const struct service *, size_t i, const struct dp_networking **);
struct service *service_ref(const struct service *);
void service_unref(struct service *); /* NULL is ignored */

/* The first view of a mesh; NULL when the mesh is not in the snapshot. */
struct view *view_new(struct snap *, struct str mesh);
/* The next view; 'changes' are those of this mesh only (others are skipped). NULL when the mesh is gone.
 * Calls 'touched' (may be NULL) for every service whose endpoints may have changed. */
struct view *view_next(struct view *, struct snap *, const struct change *changes, size_t n_changes,
                       void (*touched)(void *ctx, struct str service), void *ctx);
struct view *view_ref(struct view *);
void view_unref(struct view *); /* NULL is ignored */

struct str view_mesh_name(const struct view *);
const struct mesh_spec *view_mesh(const struct view *);
const struct snap *view_snap(const struct view *); /* only for what belongs to this mesh */
uint64_t view_revision(const struct view *);
const struct resource *view_dataplane(const struct view *, struct str name); /* NULL when absent */
const struct service *view_service(const struct view *, struct str name);    /* NULL when nobody offers it */
/* By name; NULL: there are no more. O(log n). */
const struct service *view_service_at(const struct view *, size_t i);
/* What of its present posture can be told without reading a CA. */
struct stance view_stance(const struct view *);
/* Every proxy that offers the service (healthy or not) holds a certificate that all trust; false when none
 * offers it. What PERMISSIVE asks before a client turns TLS on (xds.md 4.5). COMPAT: the reference asks for
 * one of the enabled backend; with that a change of CAs would make clients speak plain text meanwhile. */
bool view_service_tls_ready(const struct view *, struct str service);
/* What other zones offer of a service of this mesh: behind their ingresses, which say what they have. Only
 * mTLS gets there: an ingress routes by the name that a client's TLS asks for. */
struct remote_endpoint {
    struct endpoint endpoint;
    uint32_t weight; /* instances behind it; not 0 */
};
struct remote {
    uint64_t version;       /* content hash */
    enum protocol protocol; /* that all have in common */
    size_t n;               /* not 0 */
    struct remote_endpoint *v;
    size_t n_ingresses; /* at different places */
    struct resource **ingresses;
};
struct remote *view_remote(const struct view *, struct str service); /* NULL: nothing; the caller's */
void remote_free(struct remote *);                                   /* NULL is ignored */
/* Calls 'tell' for every service that a ZoneIngress offers otherwise than before; O(services of the ingress).
 */
void remote_changes(const struct change *, void (*tell)(void *ctx, struct str mesh, struct str service),
                    void *ctx);
/* Policies (or any type) of this mesh, by name. */
struct snap_range view_range(const struct view *, enum res_type);

/* Where an inbound listens, what others dial, and where its workload is (resources.md; the address rules of
 * xds.md 5, 6). */
struct str inbound_address(const struct dp_networking *, const struct dp_inbound *);
struct str inbound_advertised_address(const struct dp_networking *, const struct dp_inbound *);
struct str inbound_workload_address(const struct dp_networking *, const struct dp_inbound *);
uint32_t inbound_workload_port(const struct dp_inbound *);
struct str outbound_address(const struct dp_outbound *);
/* What the health check of each inbound is called: "localhost:<workload port>", with the address behind it
 * for a workload that is not the first on its port. STR_NONE: it is not probed. */
void inbound_check_names(const struct dp_networking *, struct arena *, struct str names[]);
bool inbound_is_healthy(const struct dp_inbound *);
/* The kernel redirects what the workload receives and sends, so that nobody dials the proxy's listeners. */
bool networking_is_transparent(const struct dp_networking *);

#endif
