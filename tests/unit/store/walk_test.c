/* walk_test.c -- random transactions against both back ends and a model that is an array of lines.
 *
 * After every group both stores must show what the model says, and SQLite must still do so when it is opened
 * again. */
#include "fixture.h"

#define N_MESHES 3
#define N_NAMES 6
#define N_STEPS 150

/* The model: what each place holds, "" for nothing. */
struct world {
    char mesh[N_MESHES]; /* 1: there */
    char secret[N_MESHES][N_NAMES][5];
    char global[N_NAMES][5];
};

static const char *const mesh_names[N_MESHES] = {"a", "ab", "b"};
static const char *const names[N_NAMES] = {"k0", "k1", "k2", "k3", "k4", "k5"};
static const char *const values[] = {"YQ==", "Yg==", "Yw=="};

struct action {
    bool is_delete;
    enum res_type type;
    size_t mesh, name, value;
};

static struct action random_action(void)
{
    static const enum res_type types[] = {RES_MESH, RES_SECRET, RES_SECRET, RES_SECRET, RES_GLOBAL_SECRET};
    return (struct action){
        .is_delete = test_rand_below(3) == 0,
        .type = types[test_rand_below(ARRAY_LEN(types))],
        .mesh = test_rand_below(N_MESHES),
        .name = test_rand_below(N_NAMES),
        .value = test_rand_below(ARRAY_LEN(values)),
    };
}

static enum err_kind model_apply(struct world *w, const struct action *a)
{
    char *place = a->type == RES_SECRET ? w->secret[a->mesh][a->name] : w->global[a->name];
    if (a->type == RES_MESH) {
        if (a->is_delete && !w->mesh[a->mesh])
            return ERR_NOT_FOUND;
        if (a->is_delete)
            memset(w->secret[a->mesh], 0, sizeof(w->secret[a->mesh]));
        w->mesh[a->mesh] = !a->is_delete;
        return ERR_NONE;
    }
    if (a->is_delete && !place[0])
        return ERR_NOT_FOUND;
    if (!a->is_delete && a->type == RES_SECRET && !w->mesh[a->mesh])
        return ERR_INVALID;
    memset(place, 0, 5);
    if (!a->is_delete)
        memcpy(place, values[a->value], 4);
    return ERR_NONE;
}

static enum err_kind store_apply(struct fixture *f, const struct action *a)
{
    const char *mesh = a->type == RES_SECRET ? mesh_names[a->mesh] : "";
    const char *name = a->type == RES_MESH ? mesh_names[a->mesh] : names[a->name];
    return a->is_delete ? del(f, a->type, mesh, name) : put(f, a->type, mesh, name, values[a->value]);
}

static void expect_holds(const struct snap *snap, enum res_type type, const char *mesh, const char *name,
                         const char *value)
{
    const struct resource *r = snap_find(snap, type, str_from_c(mesh), str_from_c(name));
    char want[32];
    snprintf(want, sizeof(want), "{\"data\":\"%s\"}", value);
    EXPECT_TRUE(name, (r != NULL) == (value[0] != '\0'));
    if (r)
        EXPECT_STR(name, blob_str(r->spec_json), want);
}

static void expect_world(struct fixture *f, const struct world *w)
{
    struct snap *snap = store_snap(f->store);
    size_t n = 0;
    for (size_t m = 0; m < N_MESHES; m++) {
        n += w->mesh[m] ? 1 : 0;
        EXPECT_TRUE(mesh_names[m],
                    (snap_find_mesh(snap, str_from_c(mesh_names[m])) != NULL) == (w->mesh[m] != 0));
        for (size_t i = 0; i < N_NAMES; i++) {
            expect_holds(snap, RES_SECRET, mesh_names[m], names[i], w->secret[m][i]);
            n += w->secret[m][i][0] ? 1 : 0;
        }
    }
    for (size_t i = 0; i < N_NAMES; i++) {
        expect_holds(snap, RES_GLOBAL_SECRET, "", names[i], w->global[i]);
        n += w->global[i][0] ? 1 : 0;
    }
    snap_unref(snap);
    struct store_stats stats;
    store_stats(f->store, &stats);
    EXPECT_INT("resources", stats.n_resources, n);
}

struct walk {
    struct fixture memory, sqlite;
    struct world world;
};

/* A client transaction of a few actions, the same on both stores; kept or undone. */
static void walk_tx(struct walk *w, int64_t now_ns)
{
    struct world before = w->world;
    bool keep = test_rand_below(4) != 0;
    tx_begin(&w->memory, ORIGIN_API, now_ns);
    tx_begin(&w->sqlite, ORIGIN_API, now_ns);
    for (size_t i = 0, n = 1 + test_rand_below(5); i < n; i++) {
        struct action a = random_action();
        enum err_kind want = model_apply(&w->world, &a);
        EXPECT_INT("memory", store_apply(&w->memory, &a), want);
        EXPECT_INT("sqlite", store_apply(&w->sqlite, &a), want);
    }
    EXPECT_INT("revision", tx_end(&w->memory, keep), tx_end(&w->sqlite, keep));
    if (!keep)
        w->world = before;
}

static void walk_group(struct walk *w, int64_t now_ns)
{
    struct world before = w->world;
    group_begin(&w->memory);
    group_begin(&w->sqlite);
    for (size_t i = 0, n = test_rand_below(4); i < n; i++)
        walk_tx(w, now_ns + (int64_t)i);
    if (test_rand_below(8) == 0) {
        store_rollback(w->memory.store);
        store_rollback(w->sqlite.store);
        w->world = before;
    } else {
        group_commit(&w->memory);
        group_commit(&w->sqlite);
    }
}

TEST(random_transactions_agree_with_the_model_also_after_reopening)
{
    struct walk w = {.world = {{0}}};
    fixture_init(&w.memory, STORE_MEMORY);
    fixture_init(&w.sqlite, STORE_SQLITE);
    for (size_t step = 0; step < N_STEPS; step++) {
        walk_group(&w, (int64_t)step * 10);
        expect_world(&w.memory, &w.world);
        expect_world(&w.sqlite, &w.world);
        EXPECT_TRUE("both show the same", str_eq(store_text(&w.memory), store_text(&w.sqlite)));
        if (step % 10 == 9) {
            fixture_close(&w.sqlite);
            fixture_open(&w.sqlite);
            EXPECT_TRUE("opened again", str_eq(store_text(&w.memory), store_text(&w.sqlite)));
        }
        arena_reset(&w.memory.arena);
        arena_reset(&w.sqlite.arena);
    }
    fixture_fini(&w.memory);
    fixture_fini(&w.sqlite);
}
