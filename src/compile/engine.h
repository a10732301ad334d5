/* What the engine's files share; private to compile/. Everything here belongs to the compile thread. */
#ifndef URSA_COMPILE_ENGINE_H
#define URSA_COMPILE_ENGINE_H

#include "issuer.h"
#include "ursa/base/list.h"
#include "ursa/base/map.h"
#include "ursa/base/vec.h"
#include "ursa/compile.h"

/* A mesh that has attached proxies; without any there is no such object, and its changes cost nothing. */
struct engine_mesh {
    char *name;
    struct view *view; /* NULL: the mesh does not exist */
    struct compiler *compiler;
    struct list proxies; /* struct engine_proxy.in_mesh */
    size_t n_proxies;
    struct map by_name;                /* one of the proxies of that name, which leads to its twins */
    struct VEC(struct change) changes; /* of this pass, in order; borrowed from its batches */
    bool changed;                      /* in this pass: ask for every proxy again */
    bool has_new;                      /* a proxy that was not answered yet */
};

struct engine_proxy {
    struct mail attach, detach;
    struct engine *engine;
    struct proxy_params params;
    struct arena arena; /* texts of the parameters */
    struct engine_mesh *mesh;
    struct list in_mesh;
    struct list twins; /* the other streams of this proxy; no head */
    struct config_set *delivered;
    bool answered; /* something was delivered, if only that there is nothing */
    void (*deliver)(void *ctx, struct config_set *, uint64_t sequence);
    void *ctx;
    void (*detached)(void *ctx);
    void *detached_ctx;
};

/* Answers a query of engine_ask(); NULL: there is no such thing. */
json_t *engine_explain(const struct map *meshes, struct str what);

#endif
