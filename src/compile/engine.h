/* What the engine's files share; private to compile/. Everything here belongs to the compile thread. */
#ifndef URSA_COMPILE_ENGINE_H
#define URSA_COMPILE_ENGINE_H

#include "issuer.h"
#include "resolver.h"
#include "ursa/base/clock_watch.h"
#include "ursa/base/list.h"
#include "ursa/base/map.h"
#include "ursa/base/timers.h"
#include "ursa/base/turns.h"
#include "ursa/base/vec.h"
#include "ursa/compile.h"

struct engine {
    struct mailbox box;
    struct clock_watch clock;
    pthread_t thread;
    atomic_uint_fast64_t applied; /* any thread reads it */
    /* below: the compile thread's */
    struct snap *snap; /* the newest */
    struct issuer *issuer;
    struct resolver *resolver;
    struct health_check_options health;
    struct vip_names vips;
    struct map meshes;     /* struct engine_mesh, by name */
    struct list by_age;    /* struct engine_mesh.by_age: whose view moved longest ago comes first */
    struct turns ready;    /* struct engine_mesh.ready: who has something to do */
    struct list lacking;   /* struct engine_mesh.lacking: whose proxies lack something */
    struct timers resting; /* struct engine_mesh.rest */
    struct list waiters;
    struct list addresses; /* struct address_query.waiting */
    struct VEC(struct engine_query *) queries;
    bool stop;
    struct mail stop_mail;
};

/* A mesh that has attached proxies; without any there is no such object, and its changes cost nothing.
 *
 * Changes are noted and taken up by a pass: the view moves on, proxies that they may concern become due, and
 * are asked for in slices. All of a pass sees one view; what arrives meanwhile waits for the next one. */
struct engine_mesh {
    struct engine *engine;
    char *name;
    struct view *view; /* NULL: the mesh does not exist */
    struct compiler *compiler;
    struct list by_age;
    struct list proxies; /* struct engine_proxy.in_mesh */
    size_t n_proxies;
    struct map by_name;                /* one of the proxies of that name, which leads to its twins */
    struct map checked;                /* likewise of those that are told what to check, and nothing else */
    struct VEC(struct change) changes; /* that the view lacks, in order; with references of their own */
    uint64_t changed_since;            /* the sequence of the first of them; 0: there are none */
    struct list due;                   /* struct engine_proxy.due: to be asked for, at the view as it is */
    struct list waiting;               /* likewise: not before the view has moved */
    size_t n_held;                     /* proxies that have one and wait for a certificate of the next */
    uint64_t
        lacks_since; /* the first sequence of which a proxy that is due or held may lack something; 0: none */
    bool expects;    /* the changes announce proxies that have not attached yet */
    bool leads;      /* the pass is the newcomers' until the rest is over */
    bool collects;   /* when none is due any more, the memo has garbage */
    int64_t spent;   /* ns, in this pass */
    size_t n_delivered;  /* in this pass */
    int64_t rests_until; /* the next pass begins no earlier */
    struct turn ready;
    struct list lacking;
    struct timer rest;
};

struct engine_proxy {
    struct mail attach, detach;
    struct engine *engine;
    struct proxy_params params;
    struct arena arena; /* texts of the parameters */
    struct engine_mesh *mesh;
    struct list in_mesh, due;
    struct list twins; /* the other streams of this proxy; no head */
    struct config_set *delivered;
    struct blob *checks; /* that were delivered */
    bool answered;       /* something was delivered, if only that there is nothing */
    bool held;           /* counted in n_held */
    void (*deliver)(void *ctx, struct config_set *, uint64_t sequence); /* one of the two */
    void (*deliver_checks)(void *ctx, struct blob *);
    void *ctx;
    void (*detached)(void *ctx);
    void *detached_ctx;
};

/* ---- mesh.c ---- */
void engine_mesh_add(struct engine *, struct engine_proxy *);
/* With the last of them the mesh goes too. */
void engine_mesh_remove(struct engine_proxy *);
/* A change that the state of this sequence is the first to have. */
void engine_mesh_note(struct engine_mesh *, const struct change *, uint64_t sequence);
/* It was the last one noted. */
bool engine_mesh_has_noted(const struct engine_mesh *, const struct change *);
/* The proxy's certificates came or are to be renewed; false: nobody of that name is attached. */
bool engine_mesh_touch(struct engine_mesh *, struct str proxy);
/* A host name stands for something else now. */
void engine_mesh_touch_host(struct engine_mesh *, struct str name);
/* Moves on to the newest snapshot when that has nothing new for the mesh. */
void engine_mesh_refresh(struct engine_mesh *);
/* Asks for proxies that are due, until that took 'budget_ns' or none is left. */
void engine_mesh_run(struct engine_mesh *, int64_t budget_ns);

/* ---- applied.c: who waits for a sequence ---- */
/* Says what is applied by now, and answers those who waited for it. */
void engine_publish_applied(struct engine *);

/* ---- addresses.c: who waits for what a host name stands for ---- */
void engine_answer_addresses(struct engine *);

/* Answers a query of engine_ask(); NULL: there is no such thing. */
json_t *engine_explain(const struct map *meshes, struct str what);
/* The mesh that the query is about, if there is one, has delivered all that it has compiled for. */
bool engine_explains_now(const struct map *meshes, struct str what);

#endif
