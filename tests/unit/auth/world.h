/* world.h -- what the tests of auth stand on: an arena, an error, a clock that stands, and a snapshot of
 * secrets. */
#ifndef URSA_TESTS_AUTH_WORLD_H
#define URSA_TESTS_AUTH_WORLD_H

#include "../../lib/test.h"
#include "ursa/auth.h"
#include "ursa/base/clock.h"
#include "ursa/base/pkey.h"

#define NOW_S INT64_C(1800000000)

/* What the settings give when nobody says otherwise. */
#define ADMINS_ONLY                                                                                          \
    {                                                                                                        \
        {&(struct str){"mesh-system:admin", 17}, 1},                                                         \
        {                                                                                                    \
            &(struct str){"mesh-system:admin", 17}, 1                                                        \
        }                                                                                                    \
    }
#define EVERYBODY                                                                                            \
    {                                                                                                        \
        {NULL, 0},                                                                                           \
        {                                                                                                    \
            (struct str[]){{"mesh-system:unauthenticated", 27}, {"mesh-system:authenticated", 25}}, 2        \
        }                                                                                                    \
    }
#define DEFAULT_LISTS                                                                                        \
    .admin_resources = ADMINS_ONLY, .generate_dp_token = ADMINS_ONLY, .generate_user_token = ADMINS_ONLY,    \
    .generate_zone_token = ADMINS_ONLY, .view_config_dump = EVERYBODY, .view_stats = EVERYBODY,              \
    .view_clusters = EVERYBODY

struct world {
    struct arena arena;
    struct err err;
    struct resource *secrets[80];
    size_t n_secrets;
    struct snap *snap;
};

static inline void world_init(struct world *w)
{
    *w = (struct world){.n_secrets = 0};
    arena_init(&w->arena);
    err_init(&w->err, &w->arena);
    clock_fake(0, NOW_S * NS_PER_S);
    w->snap = snap_from_list(NULL, 0, 1);
}

static inline void world_fini(struct world *w)
{
    snap_unref(w->snap);
    for (size_t i = 0; i < w->n_secrets; i++)
        resource_unref(w->secrets[i]);
    arena_fini(&w->arena);
    clock_fake(-1, -1);
}

/* Adds a secret; one of that name that is already there is replaced. */
static inline void world_put(struct world *w, struct res_key key, struct str data)
{
    struct resource *r = resource_from_spec(&key, &(struct secret_spec){.data = data});
    size_t at = 0;

    while (at < w->n_secrets && res_key_cmp(&w->secrets[at]->key, &key) != 0)
        at++;
    if (at < w->n_secrets)
        resource_unref(w->secrets[at]);
    else
        w->n_secrets++;
    w->secrets[at] = r;
    snap_unref(w->snap);
    w->snap = snap_from_list(w->secrets, w->n_secrets, 1);
}

static inline void world_put_key(struct world *w, enum token_kind kind, const char *mesh, unsigned serial,
                                 struct str pem)
{
    world_put(w, signing_key_secret(&w->arena, kind, str_from_c(mesh), serial), pem);
}

static inline struct str world_new_key(struct world *w)
{
    struct str pem;

    EXPECT_INT("new key", signing_key_new(&w->arena, &pem, &w->err), ERR_NONE);
    return pem;
}

/* The text of the error, and a clean one for the next call. */
static inline struct str world_fault(struct world *w)
{
    struct str text = w->err.kind ? w->err.text : STR("(no error)");

    err_init(&w->err, &w->arena);
    return text;
}

#endif
