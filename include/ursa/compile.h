/* ursa/compile.h -- from a mesh's view to the Envoy resources of each proxy, incrementally.
 *
 * The compiler is a set of pure functions of one view, each remembered by the memo (style.md section 8). A
 * proxy's configuration is an interned, immutable list of references to encoded resources: proxies with equal
 * lists share one. The engine runs the compilers of all meshes on the compile thread and hands finished
 * configurations over. */
#ifndef URSA_COMPILE_H
#define URSA_COMPILE_H

#include "ursa/admit.h"
#include "ursa/base/list.h"
#include "ursa/envoy.h"
#include "ursa/mesh.h"

/* ---- a proxy's configuration ---- */
/* The resources of one xDS type, sorted by name; interned by content. */
struct xds_list {
    atomic_uint refs;
    uint64_t version; /* content hash over the versions, which cover the names */
    size_t n;
    struct xds_list *base;    /* holds all but 'n_own' of the resources; NULL: this holds all itself */
    size_t n_own;             /* what is behind v[n], when there is a base */
    struct xds_resource *v[]; /* n of them */
};
struct xds_list *xds_list_ref(struct xds_list *); /* any thread */
void xds_list_unref(struct xds_list *);           /* any thread; NULL is ignored */
/* Of n resources sorted by name: the first at or after v[from] whose name is not less; n: there is none.
 * O(log of the distance), so that names are found one after the other. */
size_t xds_search(struct xds_resource *const *v, size_t n, size_t from, struct str name);
/* Immutable, reference-counted; any thread. */
struct config_set {
    atomic_uint refs;
    struct xds_list *lists[XDS_N]; /* never NULL */
    struct leaf *identity;         /* NULL without mTLS */
    struct str issued_backend;     /* "" without mTLS; lives in the set */
};
struct config_set *config_set_ref(struct config_set *);
void config_set_unref(struct config_set *);
/* Borrowed, NULL when absent; O(log n). */
struct xds_resource *config_set_find(const struct config_set *, enum xds_type, struct str name);

/* What a proxy says of itself when it connects (node metadata); constant for the life of its stream. */
struct proxy_params {
    struct str mesh, name;
    uint32_t admin_port;      /* 0: no admin listener */
    struct str admin_address; /* "" means 127.0.0.1 */
    bool log_pipe_feature;    /* feature-tcp-accesslog-via-named-pipe */
    struct str access_log_socket, metrics_socket, metrics_cert, metrics_key;
    uint32_t dns_port, empty_dns_port;
};

/* What Envoys check for us where a Dataplane does not say otherwise. */
struct health_check_options {
    int64_t
        report_interval_ns; /* Envoys tell at least this often; those with a shorter probe as often as that */
    int64_t timeout_ns, interval_ns, no_traffic_interval_ns;
    uint32_t healthy_threshold, unhealthy_threshold;
};

/* ---- one mesh's compiler: single-threaded, for tests, offline tools and the engine ---- */
struct compiler;
struct resolver;
struct host;
/* Issued certificates are inputs: callbacks, so that tests give fixed ones. Each returns a new reference, or
 * NULL when there is none: '*soon' says that it is being made, and compiler_touch_certificates() will tell;
 * else it is reported, and what needs it is left out. The engine's issue and renew. */
/* What services are called at their VIPs, and the port there. */
struct vip_names {
    const char *domain; /* behind the service's name; NULL: mesh */
    uint16_t port;      /* 0: 80 */
};
struct compiler_options {
    struct leaf *(*identity)(void *ctx, const struct view *, const struct resource *dataplane,
                             bool *soon);               /* of the authority that issues at the view */
    struct blob *(*ca)(void *ctx, const struct view *); /* trusted roots, PEM */
    struct leaf *(*admin_cert)(void *ctx, const struct view *, const struct resource *dataplane,
                               struct blob **ca, bool *soon); /* of the admin listener */
    void *ctx;
    struct resolver *resolver; /* of host names in Dataplanes; NULL: they have no addresses */
    struct health_check_options health;
    struct vip_names vips;
};
struct compiler *compiler_new(struct str mesh, const struct compiler_options *);
void compiler_free(struct compiler *); /* NULL is ignored */
/* Moves to a new view (takes a reference); marks what may have changed. Changes of other meshes are skipped.
 * NULL: the mesh is gone. */
void compiler_update(struct compiler *, struct view *, const struct change *changes, size_t n_changes);
/* The proxy's certificates came or are to be renewed: asks for them again. */
void compiler_touch_certificates(struct compiler *, struct str proxy);
/* The host name stands for something else now; false: nobody asked for it. */
bool compiler_touch_host(struct compiler *, struct str name);
/* The proxy's configuration at the present view; a new reference: the same object as long as nothing of it
 * changed. ERR_NOT_FOUND when its Dataplane does not exist; ERR_UNAVAILABLE while a certificate of its is
 * being made or a host name of the mesh is looked up for the first time, since a configuration is whole or
 * not there. Resources that could not be built are left out and
 * reported through the log and 'e' (ERR_BUG), the rest is delivered. What the proxy reaches is remembered
 * until compiler_forget(). */
MUST_USE enum err_kind compiler_config(struct compiler *, const struct proxy_params *,
                                       struct config_set **out, struct err *e);
/* Does a part of what compiler_config() has to do, until the time (clock_mono_ns) is up: the first proxy that
 * is asked for after a change makes what all the others share. False: there is more; what is asked for in
 * between sees the same view. */
bool compiler_advance(struct compiler *, const struct proxy_params *, int64_t until_ns);
void compiler_forget(struct compiler *, const struct proxy_params *);
/* Of the proxies that are remembered one whose configuration may have changed since it was asked for; each
 * comes once, by its name, which is valid until the compiler is used otherwise. False: there is no further
 * one. After compiler_clear(), and when the mesh came or went, none is remembered. */
bool compiler_next_stale(struct compiler *, struct str *name);
/* What the proxy's Envoy is to check for us: an envoy.service.health.v3.HealthCheckSpecifier on the wire; a
 * new reference. NULL when its Dataplane does not exist, or it could not be built, which is reported through
 * the log. Remembered until compiler_forget_health_checks(). */
struct blob *compiler_health_checks(struct compiler *, const struct proxy_params *);
void compiler_forget_health_checks(struct compiler *, const struct proxy_params *);
/* Drops what no remembered proxy reaches: after each batch. */
void compiler_collect(struct compiler *);
/* Forgets everything remembered: the next compiler_config is a full build. */
void compiler_clear(struct compiler *);
/* {"function": {"runs": n, "hits": n, "entries": n}, ...}: caller owns it. */
json_t *compiler_stats(const struct compiler *);

/* ---- the engine: all meshes, its own thread ---- */
#define ADDRESS_SIZE 46 /* INET6_ADDRSTRLEN */
struct engine;
struct engine_proxy; /* one attached proxy */
struct engine_options {
    struct store *store;
    struct health_check_options health;
    struct vip_names vips;
};
/* Subscribes to the store, so before its writer starts; after a fault that must not start any more. */
MUST_USE enum err_kind engine_start(const struct engine_options *, struct engine **out, struct err *e);
void engine_stop(struct engine *); /* joins; attached proxies must be gone; NULL is ignored */
/* Any thread. 'deliver' runs on the compile thread for the first configuration and after every change of it,
 * and with set == NULL when the Dataplane or its mesh is gone; it must only hand over (take a reference, send
 * mail). Two streams of one proxy attach twice. */
struct engine_proxy *engine_attach(struct engine *, const struct proxy_params *,
                                   void (*deliver)(void *ctx, struct config_set *set, uint64_t sequence),
                                   void *ctx);
/* Likewise for what the proxy's Envoy is to check; NULL: the Dataplane or its mesh is not there. */
struct engine_proxy *engine_attach_health(struct engine *, const struct proxy_params *,
                                          void (*deliver)(void *ctx, struct blob *checks), void *ctx);
/* Asynchronous; after 'detached' ran (compile thread) no delivery comes any more. */
void engine_detach(struct engine_proxy *, void (*detached)(void *ctx), void *ctx);
/* Sends 'mail' to 'box' as soon as all that the feed brought up to 'sequence' (snap_sequence) is compiled and
 * delivered: for the proxies of that mesh, or with STR_NONE for all. */
void engine_notify_applied(struct engine *, struct str mesh, uint64_t sequence, struct mailbox *box,
                           struct mail *mail);
uint64_t engine_applied(struct engine *);
/* For /debug: runs on the compile thread and sends the result; caller owns the JSON. what: "engine",
 * "mesh/<m>", "proxy/<m>/<p>", "rebuild/<m>". */
struct engine_query {
    struct mail mail; /* sent to 'box' when answered */
    struct mailbox *box;
    char *what;
    json_t *answer; /* NULL: not found */
};
void engine_ask(struct engine *, struct engine_query *);

/* The address that a host name in a resource stands for, which is the one that proxies are told. */
struct address_query {
    struct mail mail; /* sent to 'box' when answered, half a second later at the latest */
    struct mailbox *box;
    struct str name;            /* must live until then */
    char address[ADDRESS_SIZE]; /* the answer; "": none was found in time */
    /* the engine's */
    struct mail arrival;
    struct engine *engine;
    struct host *host;
    struct list waiting;
};
void engine_find_address(struct engine *, struct address_query *); /* any thread */

#endif
