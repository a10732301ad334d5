/* store_test.c -- what the store promises, held against both back ends. */
#include "fixture.h"

TEST(a_put_is_stored_with_its_times_origin_and_revision)
{
    for (size_t k = 0; k < ARRAY_LEN(store_kinds); k++) {
        const char *name = store_kind_names[k];
        struct fixture f;
        fixture_init(&f, store_kinds[k]);
        group_begin(&f);
        tx_begin(&f, ORIGIN_API, 10);
        EXPECT_INT(name, put(&f, RES_MESH, "", "m", ""), ERR_NONE);
        EXPECT_INT(name, put(&f, RES_SECRET, "m", "s", "YQ=="), ERR_NONE);
        EXPECT_INT(name, tx_end(&f, true), 1);
        tx_begin(&f, ORIGIN_SYSTEM, 20);
        EXPECT_INT(name, put(&f, RES_SECRET, "m", "s", "Yg=="), ERR_NONE);
        EXPECT_INT(name, tx_end(&f, true), 2);
        EXPECT_INT(name, store_text(&f).n, 0); /* nothing is visible before the commit */
        group_commit(&f);
        EXPECT_STR(name, store_text(&f),
                   "Mesh//m r1 o0 c10 m10 {}\n"
                   "Secret/m/s r2 o2 c10 m20 {\"data\":\"Yg==\"}\n");
        fixture_fini(&f);
    }
}

TEST(a_stored_object_stands_still)
{
    struct fixture f;
    fixture_init(&f, STORE_MEMORY);
    put_alone(&f, ORIGIN_API, RES_MESH, "", "m", "");
    struct resource *r = made(RES_SECRET, "m", "s", "YQ==");
    for (int round = 1; round <= 2; round++) {
        group_begin(&f);
        tx_begin(&f, ORIGIN_API, 1000 * round);
        EXPECT_INT("put", store_tx_put(f.store, r, &f.err), ERR_NONE);
        tx_end(&f, true);
        group_commit(&f);
        struct snap *snap = store_snap(f.store);
        const struct resource *stored = snap_find(snap, RES_SECRET, STR("m"), STR("s"));
        EXPECT_INT("stored", stored->modified_ns, 1000 * round);
        EXPECT_INT("no copy the first time only", stored == r, round == 1);
        EXPECT_INT("as it was stored first", r->modified_ns, 1000);
        snap_unref(snap);
    }
    resource_unref(r);
    fixture_fini(&f);
}

struct heard {
    uint64_t sequence, revision;
    size_t n_batches;
    char text[512];
};

static void hear(void *ctx, struct batch *b)
{
    struct heard *h = ctx;
    size_t n = 0;
    h->n_batches++;
    h->sequence = b->sequence;
    h->revision = b->revision;
    h->text[0] = '\0';
    for (size_t i = 0; i < b->n_changes; i++) {
        const struct res_key *key = change_key(&b->changes[i]);
        n += (size_t)snprintf(h->text + n, sizeof(h->text) - n, "%s%c" STR_FMT, i ? " " : "",
                              b->changes[i].op == CHANGE_DELETE ? '-'
                              : b->changes[i].before            ? '~'
                                                                : '+',
                              STR_ARG(key->name));
    }
}

TEST(only_history_moves_the_revision_and_every_batch_moves_the_sequence)
{
    static const struct {
        const char *name;
        enum res_origin origin;
        enum res_type type;
        const char *resource, *text;
        uint64_t revision, sequence;
        const char *changes;
    } rows[] = {
        {"a mesh", ORIGIN_API, RES_MESH, "m", "", 1, 2, "+m"},
        {"a proxy's dataplane", ORIGIN_PROXY, RES_DATAPLANE, "p", "a", 1, 3, "+p"},
        {"the same proxy's again", ORIGIN_PROXY, RES_DATAPLANE, "p", "b", 1, 4, "~p"},
        {"by hand over a proxy's", ORIGIN_API, RES_DATAPLANE, "p", "b", 2, 5, "~p"},
        {"a proxy's over one by hand", ORIGIN_PROXY, RES_DATAPLANE, "p", "b", 3, 6, "~p"},
        {"an insight", ORIGIN_SYSTEM, RES_DATAPLANE_INSIGHT, "p", "", 3, 7, "+p"},
        {"a secret", ORIGIN_SYSTEM, RES_SECRET, "s", "YQ==", 4, 8, "+s"},
    };
    for (size_t k = 0; k < ARRAY_LEN(store_kinds); k++) {
        struct fixture f;
        struct heard heard = {0};
        fixture_init(&f, store_kinds[k]);
        snap_unref(store_subscribe(f.store, hear, &heard));
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            const char *mesh = rows[i].type == RES_MESH ? "" : "m";
            uint64_t revision =
                put_alone(&f, rows[i].origin, rows[i].type, mesh, rows[i].resource, rows[i].text);
            EXPECT_INT(rows[i].name, revision, rows[i].revision);
            EXPECT_INT(rows[i].name, heard.revision, rows[i].revision);
            EXPECT_INT(rows[i].name, heard.sequence, rows[i].sequence);
            EXPECT_CSTR(rows[i].name, heard.text, rows[i].changes);
        }
        struct store_stats stats;
        store_stats(f.store, &stats);
        EXPECT_INT("stats", stats.revision, 4);
        EXPECT_INT("stats", stats.sequence, 8);
        EXPECT_INT("stats", stats.n_resources, 4);
        EXPECT_INT("stats", stats.commits, ARRAY_LEN(rows));
        EXPECT_INT("stats", stats.transactions, ARRAY_LEN(rows));
        fixture_fini(&f);
    }
}

TEST(who_subscribes_between_two_batches_misses_nothing)
{
    for (size_t k = 0; k < ARRAY_LEN(store_kinds); k++) {
        const char *name = store_kind_names[k];
        struct fixture f;
        struct heard heard = {0};
        fixture_init(&f, store_kinds[k]);
        put_alone(&f, ORIGIN_API, RES_MESH, "", "before", "");
        struct snap *snap = store_subscribe(f.store, hear, &heard);
        put_alone(&f, ORIGIN_API, RES_MESH, "", "after", "");
        EXPECT_TRUE(name, snap_find(snap, RES_MESH, STR_NONE, STR("before")));
        EXPECT_TRUE(name, !snap_find(snap, RES_MESH, STR_NONE, STR("after")));
        EXPECT_INT(name, heard.n_batches, 1);
        EXPECT_CSTR(name, heard.text, "+after");
        EXPECT_INT(name, heard.sequence, snap_sequence(snap) + 1);
        snap_unref(snap);
        fixture_fini(&f);
    }
}

static struct str shown(struct fixture *f)
{
    struct snap *snap = store_snap(f->store);
    struct str text = resource_spec_text(snap_find(snap, RES_DATAPLANE, STR("m"), STR("d")));
    text = arena_str(&f->arena, text);
    snap_unref(snap);
    return text;
}

TEST(what_an_envoy_tells_is_kept_beside_the_document)
{
    static const char document[] = "{\"networking\":{\"address\":\"10.0.0.1\",\"inbound\":[{\"port\":80,"
                                   "\"tags\":{\"kuma.io/service\":\"a\"}}]}}";
    for (size_t k = 0; k < ARRAY_LEN(store_kinds); k++) {
        const char *name = store_kind_names[k];
        struct fixture f;
        struct heard heard = {0};
        uint64_t revision;
        fixture_init(&f, store_kinds[k]);
        snap_unref(store_subscribe(f.store, hear, &heard));
        put_alone(&f, ORIGIN_API, RES_MESH, "", "m", "");
        put_alone(&f, ORIGIN_API, RES_DATAPLANE, "m", "d", "a");
        struct res_key key = key_of(RES_DATAPLANE, "m", "d"), absent = key_of(RES_DATAPLANE, "m", "e");
        group_begin(&f);
        tx_begin(&f, ORIGIN_SYSTEM, 5000);
        EXPECT_INT(name, store_tx_health(f.store, &absent, STR("1"), &f.err), ERR_NOT_FOUND);
        EXPECT_INT(name, store_tx_health(f.store, &key, STR("0"), &f.err), ERR_NONE);
        revision = tx_end(&f, true);
        group_commit(&f);
        EXPECT_INT("no revision", revision, 2);
        EXPECT_CSTR("the feed tells it", heard.text, "~d");
        for (int round = 0; round < (store_kinds[k] == STORE_SQLITE ? 2 : 1); round++) {
            EXPECT_STR(name, store_text(&f),
                       arena_printf(&f.arena,
                                    "Mesh//m r1 o0 c1000 m1000 {}\nDataplane/m/d r2 o0 c1000 m1000 %s h0\n",
                                    document)
                           .p);
            EXPECT_STR(name, shown(&f),
                       "{\"networking\":{\"address\":\"10.0.0.1\",\"inbound\":[{\"port\":80,\"tags\":{"
                       "\"kuma.io/service\":\"a\"},\"health\":{}}]}}");
            if (store_kinds[k] == STORE_SQLITE) { /* and a restart does not forget it */
                fixture_close(&f);
                fixture_open(&f);
            }
        }
        fixture_fini(&f);
    }
}

TEST(what_is_undone_leaves_no_trace)
{
    for (size_t k = 0; k < ARRAY_LEN(store_kinds); k++) {
        const char *name = store_kind_names[k];
        struct fixture f;
        struct heard heard = {0};
        fixture_init(&f, store_kinds[k]);
        snap_unref(store_subscribe(f.store, hear, &heard));
        put_alone(&f, ORIGIN_API, RES_MESH, "", "m", "");

        group_begin(&f);
        tx_begin(&f, ORIGIN_API, 2000);
        put(&f, RES_SECRET, "m", "kept", "YQ==");
        EXPECT_INT(name, tx_end(&f, true), 2);
        tx_begin(&f, ORIGIN_API, 3000);
        put(&f, RES_SECRET, "m", "kept", "Yg==");
        put(&f, RES_SECRET, "m", "undone", "Yg==");
        EXPECT_INT(name, del(&f, RES_MESH, "", "m"), ERR_NONE);
        EXPECT_INT(name, tx_end(&f, false), 2);
        group_commit(&f);
        EXPECT_CSTR(name, heard.text, "+kept");
        EXPECT_INT(name, heard.revision, 2);

        group_begin(&f);
        tx_begin(&f, ORIGIN_API, 4000);
        del(&f, RES_MESH, "", "m");
        EXPECT_INT(name, tx_end(&f, true), 3);
        store_rollback(f.store);
        EXPECT_INT(name, heard.n_batches, 2);

        group_begin(&f); /* an empty group publishes nothing */
        group_commit(&f);
        EXPECT_INT(name, heard.n_batches, 2);
        EXPECT_STR(name, store_text(&f),
                   "Mesh//m r1 o0 c1000 m1000 {}\n"
                   "Secret/m/kept r2 o0 c2000 m2000 {\"data\":\"YQ==\"}\n");
        fixture_fini(&f);
    }
}

TEST(a_mesh_takes_all_that_is_in_it_along)
{
    for (size_t k = 0; k < ARRAY_LEN(store_kinds); k++) {
        const char *name = store_kind_names[k];
        struct fixture f;
        struct heard heard = {0};
        fixture_init(&f, store_kinds[k]);
        snap_unref(store_subscribe(f.store, hear, &heard));
        group_begin(&f);
        tx_begin(&f, ORIGIN_API, 1);
        put(&f, RES_MESH, "", "a", "");
        put(&f, RES_MESH, "", "b", "");
        put(&f, RES_GLOBAL_SECRET, "", "a", "YQ==");
        put(&f, RES_SECRET, "a", "s1", "YQ==");
        put(&f, RES_SECRET, "a", "s2", "YQ==");
        put(&f, RES_SECRET, "b", "s1", "YQ==");
        put(&f, RES_DATAPLANE, "a", "d", "x");
        put(&f, RES_DATAPLANE_INSIGHT, "a", "d", "");
        tx_end(&f, true);
        group_commit(&f);

        group_begin(&f);
        tx_begin(&f, ORIGIN_API, 2);
        EXPECT_INT(name, del(&f, RES_MESH, "", "a"), ERR_NONE);
        tx_end(&f, true);
        group_commit(&f);
        EXPECT_CSTR(name, heard.text, "-d -s2 -s1 -d -a");
        EXPECT_STR(name, store_text(&f),
                   "Mesh//b r1 o0 c1 m1 {}\n"
                   "Secret/b/s1 r1 o0 c1 m1 {\"data\":\"YQ==\"}\n"
                   "GlobalSecret//a r1 o0 c1 m1 {\"data\":\"YQ==\"}\n");
        fixture_fini(&f);
    }
}

TEST(refused_writes_say_why_and_change_nothing)
{
    for (size_t k = 0; k < ARRAY_LEN(store_kinds); k++) {
        const char *name = store_kind_names[k];
        struct fixture f;
        fixture_init(&f, store_kinds[k]);
        group_begin(&f);
        tx_begin(&f, ORIGIN_API, 1);
        EXPECT_INT(name, put(&f, RES_SECRET, "ghost", "s", "YQ=="), ERR_INVALID);
        EXPECT_STR(name, f.err.text, "mesh of name ghost is not found");
        EXPECT_INT(name, del(&f, RES_MESH, "", "ghost"), ERR_NOT_FOUND);
        EXPECT_INT(name, tx_end(&f, false), 0);
        group_commit(&f);
        EXPECT_INT(name, store_text(&f).n, 0);
        fixture_fini(&f);
    }
}

TEST(ranges_are_one_meshs_in_order_and_page)
{
    static const char *const meshes[] = {"b", "a", "ab"};
    struct fixture f;
    fixture_init(&f, STORE_MEMORY);
    group_begin(&f);
    tx_begin(&f, ORIGIN_API, 1);
    for (size_t m = 0; m < ARRAY_LEN(meshes); m++) {
        put(&f, RES_MESH, "", meshes[m], "");
        put(&f, RES_SECRET, meshes[m], "z", "YQ==");
        put(&f, RES_SECRET, meshes[m], "y", "YQ==");
    }
    tx_end(&f, true);
    group_commit(&f);

    static const struct {
        const char *name, *mesh; /* NULL: all */
        enum res_type type;
        size_t first, n;
        const char *at0;
    } rows[] = {
        {"first mesh", "a", RES_SECRET, 0, 2, "a/y"},
        {"mesh with a longer name", "ab", RES_SECRET, 2, 2, "ab/y"},
        {"last mesh", "b", RES_SECRET, 4, 2, "b/y"},
        {"unknown mesh", "aa", RES_SECRET, 2, 0, NULL},
        {"mesh behind all", "c", RES_SECRET, 6, 0, NULL},
        {"all meshes", NULL, RES_SECRET, 0, 6, "a/y"},
        {"no such resources", "a", RES_DATAPLANE, 0, 0, NULL},
        {"global type", "a", RES_MESH, 0, 3, "/a"},
    };
    struct snap *snap = store_snap(f.store);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct snap_range range = snap_range(snap, rows[i].type, str_from_c(rows[i].mesh));
        EXPECT_INT(rows[i].name, range.first, rows[i].first);
        EXPECT_INT(rows[i].name, range.n, rows[i].n);
        size_t n = 0;
        struct snap_iter it = snap_iter(&range);
        for (const struct resource *r; (r = snap_next(&it)); n++)
            EXPECT_TRUE(rows[i].name, r == snap_at(&range, n));
        EXPECT_INT(rows[i].name, n, rows[i].n);
        if (n) {
            const struct resource *r = snap_at(&range, 0);
            EXPECT_STR(
                rows[i].name,
                arena_printf(&f.arena, STR_FMT "/" STR_FMT, STR_ARG(r->key.mesh), STR_ARG(r->key.name)),
                rows[i].at0);
        }
    }
    snap_unref(snap);
    fixture_fini(&f);
}

TEST(a_range_of_names_that_begin_alike)
{
    static const char *const names[] = {"k", "k-", "k-1", "k-10", "k-2", "k1", "l", "j-9"};
    static const struct {
        const char *name, *mesh, *prefix;
        size_t first, n;
    } rows[] = {
        {"some", "b", "k-", 18, 4},        {"one", "b", "k-10", 20, 1},     {"none", "b", "k-3", 22, 0},
        {"before all", "b", "a", 16, 0},   {"behind all", "b", "z", 24, 0}, {"all", "a", "", 0, 8},
        {"no such mesh", "aa", "k", 8, 0},
    };
    struct fixture f;
    fixture_init(&f, STORE_MEMORY);
    group_begin(&f);
    tx_begin(&f, ORIGIN_API, 1);
    for (const char *const *mesh = (const char *const[]){"a", "ab", "b", NULL}; *mesh; mesh++) {
        EXPECT_INT("mesh", put(&f, RES_MESH, "", *mesh, ""), ERR_NONE);
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
            EXPECT_INT(names[i], put(&f, RES_SECRET, *mesh, names[i], "YQ=="), ERR_NONE);
    }
    tx_end(&f, true);
    group_commit(&f);
    struct snap *snap = store_snap(f.store);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct snap_range range =
            snap_range_prefix(snap, RES_SECRET, str_from_c(rows[i].mesh), str_from_c(rows[i].prefix));
        EXPECT_INT(rows[i].name, range.first, rows[i].first);
        EXPECT_INT(rows[i].name, range.n, rows[i].n);
    }
    snap_unref(snap);
    fixture_fini(&f);
}

TEST(a_held_snapshot_stands_still)
{
    struct fixture f;
    fixture_init(&f, STORE_MEMORY);
    put_alone(&f, ORIGIN_API, RES_MESH, "", "m", "");
    put_alone(&f, ORIGIN_API, RES_SECRET, "m", "s", "YQ==");
    struct snap *held = store_snap(f.store);
    struct str before = snap_text(held, &f.arena);
    put_alone(&f, ORIGIN_API, RES_SECRET, "m", "s", "Yg==");
    put_alone(&f, ORIGIN_API, RES_SECRET, "m", "t", "Yg==");
    struct str after = snap_text(held, &f.arena);
    EXPECT_TRUE("equal text", str_eq(before, after));
    EXPECT_INT("revision", snap_revision(held), 2);
    snap_unref(held);
    fixture_fini(&f);
}

TEST(a_list_makes_a_snapshot)
{
    struct arena a;
    arena_init(&a);
    struct resource *list[] = {made(RES_SECRET, "m", "s", "YQ=="), made(RES_MESH, "", "m", "")};
    struct snap *snap = snap_from_list(list, ARRAY_LEN(list), 42);
    EXPECT_INT("revision", snap_revision(snap), 42);
    EXPECT_TRUE("mesh", snap_find_mesh(snap, STR("m")) == list[1]);
    EXPECT_TRUE("secret", snap_find(snap, RES_SECRET, STR("m"), STR("s")) == list[0]);
    EXPECT_TRUE("other scope", snap_find(snap, RES_SECRET, STR_NONE, STR("s")) == NULL);
    snap_unref(snap);
    for (size_t i = 0; i < ARRAY_LEN(list); i++)
        resource_unref(list[i]);
    arena_fini(&a);
}
