/* ursa/admit.h -- the one writer. Changes from the API, from connecting proxies, from timers and insights
 * enter here.
 *
 * A request is one client transaction: all of its operations or none. The writer thread takes what is waiting
 * as one commit group (one fsync), runs the cross-resource rules on the newest state, commits, publishes, and
 * then answers every request of the group. */
#ifndef URSA_ADMIT_H
#define URSA_ADMIT_H

#include "ursa/auth.h"
#include "ursa/ca.h"
#include "ursa/documents.h"
#include "ursa/store.h"

struct admit;
/* What VIPs are taken from (IPv4, host byte order); n == 0: the reference's 240.0.0.0/4. */
struct vip_pool {
    uint32_t first, n;
};
/* "240.0.0.0/4"; of at least four addresses. */
MUST_USE bool vip_pool_parse(struct str, struct vip_pool *);
struct str vip_pool_format(struct arena *, const struct vip_pool *);
struct admit_options {
    struct store *store;
    bool skip_mesh_creation; /* defaults.skipMeshCreation: no mesh "default" on a fresh store */
    bool bootstrap_admin_token;
    struct str zone; /* "" in standalone */
    struct vip_pool vips;
    struct str_list ca_folders; /* of files of provided CAs; borrowed while the writer runs */
};
/* Creates what a fresh store lacks (mesh default, global secrets, the admin token), then starts the writer
 * thread. */
MUST_USE enum err_kind admit_start(const struct admit_options *, struct admit **out, struct err *e);
/* Answers all that was submitted, joins the thread; NULL is ignored. No submit may run beside it or after it.
 */
void admit_stop(struct admit *);

enum admit_op_kind { ADMIT_PUT, ADMIT_DELETE, ADMIT_HEALTH, ADMIT_ADVANCE, ADMIT_RENEW_CA };
enum admit_outcome { OUTCOME_NONE, OUTCOME_CREATED, OUTCOME_UPDATED, OUTCOME_UNCHANGED, OUTCOME_DELETED };
struct admit_op {
    enum admit_op_kind kind;
    struct resource *res; /* PUT: owned reference; decoded and checked as a document */
    struct res_key key;   /* DELETE, HEALTH, ADVANCE: in the request's arena */
    struct str health;    /* HEALTH: what the Dataplane's Envoy tells (dataplane_with_health), likewise */
    bool keep_unchanged;  /* PUT of an equal spec writes nothing and is not judged (apply); else it bumps
                             modificationTime as kuma-cp does */
    bool if_base; /* only while what is stored is still the object that the caller judged; else ERR_STALE
                   */
    struct resource *base; /* that object: owned reference; NULL: nothing is stored */
    /* Anything but ERR_NONE refuses the operation for what is stored then (NULL: nothing). Runs on the
     * writer's thread. NULL: no condition. */
    enum err_kind (*condition)(const void *ctx, const struct resource *stored, struct err *e);
    const void *condition_ctx; /* in the request's arena */
    bool restores; /* PUT of what was stored once: nothing is filled in, and a Mesh gets no policies and keys
                      but those that come along */
    bool if_origin_proxy; /* DELETE only a Dataplane that a proxy brought; any other, or none, is OUTCOME_NONE
                             and no fault */
    /* answers */
    enum admit_outcome outcome; /* with a fault: what it would have been (the API's title depends on it) */
    struct err err;             /* kind ERR_NONE when the operation itself is fine */
};
struct offline;
struct admit_request {
    struct mail mail;    /* the writer's, while submitted */
    struct roots *roots; /* likewise: what was made or read before the writer had the request */
    struct arena arena;  /* keys, author, texts of the answer */
    struct str author;   /* user name, proxy, or "ursa" */
    enum res_origin origin;
    bool dry_run;                  /* check everything, write nothing */
    const struct offline *offline; /* admit_check()'s; NULL otherwise */
    struct admit_op *ops; /* in the arena; the writer orders them: deletes of what is neither a Mesh nor a
                             Secret, puts (Meshes, Secrets, the rest), deletes of Secrets, of Meshes */
    size_t n_ops;
    /* Finds out the operations, on the writer's thread, from the state that they will change; NULL: they are
     * there already. */
    void (*plan)(struct admit_request *, const struct snap *newest);
    void *plan_ctx; /* freed with the request */
    void (*plan_free)(void *);
    /* answers */
    enum err_kind
        kind; /* ERR_NONE: committed; else the first fault's kind, nothing of the request was written */
    uint64_t revision; /* the transaction's; the store's when it made no history */
    uint64_t sequence; /* snap_sequence() of the snapshot that shows it: what to wait for */
    void (*done)(
        struct admit_request *); /* runs on the writer thread after publishing; must only hand over */
    void *ctx;
};
struct admit_request *admit_request_new(size_t n_ops);
void admit_request_free(struct admit_request *); /* NULL is ignored */
/* Any thread; the request comes back through done() exactly once. Beyond 10,000 waiting requests, 5,000
 * for one whose origin is not ORIGIN_API, it comes back with ERR_UNAVAILABLE at once, on the caller's own
 * thread. Who submits may not touch it before done().
 */
void admit_submit(struct admit *, struct admit_request *);
/* Blocks until done: start-up, tools and tests; never a loop thread. */
void admit_run(struct admit *, struct admit_request *);

/* A request of the control plane itself: the next step of the mesh that this record (posture_record) has on
 * its way, since all proxies have taken it over. The outcome: UPDATED, DELETED (the mesh has arrived), or
 * UNCHANGED when it cannot go further now, or has another record by now. */
struct admit_request *admit_advance_new(struct resource *record);
/* A request that gives a builtin backend a new root and key, which its mesh is then led to (posture.h):
 * 'secret' is that of its certificate (ca_builtin_cert_secret). ERR_NOT_FOUND when the mesh has no such
 * backend, ERR_CONFLICT while the mesh is still on its way. With 'base' (referenced) the outcome is UNCHANGED
 * unless that is what is stored. */
struct admit_request *admit_renew_ca_new(const struct res_key *secret, struct resource *base);

/* ---- going back ---- */
/* A request whose operations make a mesh (its Mesh included), or everything (mesh.p == NULL), what it was in
 * a state of the past (history_at), as one transaction: 'to' is referenced. All rules hold, as for any write.
 * What makes no history stays as it is. Secrets that are there stay as they are, and so do all that belong to
 * no mesh: going back would bring back keys and tokens that were taken out of use. Those that are gone come
 * back with their mesh, or alone when they sign no tokens. */
struct admit_kept {
    struct res_key key;
    enum admit_outcome outcome; /* OUTCOME_UNCHANGED, or OUTCOME_DELETED with its mesh */
    struct str reason;
};
/* 'may_make_mesh': to make or remove the Mesh itself is allowed; else that operation is ERR_DENIED. */
struct admit_request *admit_rollback_new(struct snap *to, struct str mesh, bool may_make_mesh);
/* What differed and has no operation of its own: the request's, sorted by key. */
const struct admit_kept *admit_rollback_kept(const struct admit_request *, size_t *n);

/* ---- offline ---- */
/* Checks a request on the caller's thread, away from any control plane: against a store in memory that holds
 * these meshes, without any rule of their own, and is forgotten. */
struct offline {
    const struct str *meshes;
    size_t n_meshes;
    bool secrets_elsewhere; /* secrets that a Mesh names are taken to be stored, and to be what it needs */
};
MUST_USE enum err_kind admit_check(const struct offline *, struct admit_request *, struct err *e);

/* ---- documents ---- */
/* A request that puts all documents that decoded, whose resources it takes; for checking only when others did
 * not. NULL when there is nothing to ask: no document decoded, or one that did not may be a Mesh, for whose
 * absence everything in it would be blamed. */
struct admit_request *admit_documents(struct documents *, bool dry_run);
/* What is wrong with a document: by itself, or to the rules of the request; 'req' may be NULL. */
const struct err *admit_document_err(const struct admit_request *req, const struct document *);

#endif
