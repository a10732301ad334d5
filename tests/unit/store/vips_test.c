/* vips_test.c -- the addresses of a mesh's names: kept, undone, reopened, gone with their mesh. */
#include "fixture.h"

static struct str vips_text(const struct snap *snap, const char *mesh, struct arena *a)
{
    struct vip_iter it = snap_vips(snap, str_from_c(mesh));
    struct str text = STR("");
    for (const struct vip *v; (v = vip_next(&it));)
        text = arena_printf(a, STR_FMT "%s%d:" STR_FMT "=%x,%d", STR_ARG(text), text.n ? " " : "",
                            (int)v->kind, STR_ARG(v->name), v->address, (int)v->unused_ns);
    return text;
}

static struct str stored(struct fixture *f, const char *mesh)
{
    struct snap *snap = store_snap(f->store);
    struct str text = vips_text(snap, mesh, &f->arena);
    snap_unref(snap);
    return text;
}

static void put_vip(struct fixture *f, const char *mesh, const char *name, uint32_t address)
{
    store_tx_vip_put(f->store, str_from_c(mesh), VIP_SERVICE, str_from_c(name), address, 0);
}

static void init_with_meshes(struct fixture *f, enum store_kind kind)
{
    fixture_init(f, kind);
    put_alone(f, ORIGIN_API, RES_MESH, "", "m", "");
    put_alone(f, ORIGIN_API, RES_MESH, "", "n", "");
}

TEST(they_are_kept_and_read_again)
{
    struct fixture f;
    init_with_meshes(&f, STORE_SQLITE);
    group_begin(&f);
    tx_begin(&f, ORIGIN_API, 1000);
    put_vip(&f, "m", "web", 0xf0000000);
    put_vip(&f, "m", "api", 0xffffffff);
    store_tx_vip_put(f.store, STR("m"), VIP_DOMAIN, STR("web"), 5, 77);
    put_vip(&f, "n", "web", 0xf0000000);
    tx_end(&f, true);
    group_commit(&f);
    EXPECT_STR("m", stored(&f, "m"), "0:api=ffffffff,0 0:web=f0000000,0 1:web=5,77");
    fixture_close(&f);
    fixture_open(&f);
    EXPECT_STR("m, read again", stored(&f, "m"), "0:api=ffffffff,0 0:web=f0000000,0 1:web=5,77");
    EXPECT_STR("n, read again", stored(&f, "n"), "0:web=f0000000,0");

    group_begin(&f);
    tx_begin(&f, ORIGIN_API, 1000);
    store_tx_vip_delete(f.store, STR("m"), VIP_SERVICE, STR("web"));
    put_vip(&f, "m", "new", 0xf0000000); /* the address is free by now */
    store_tx_vip_put(f.store, STR("m"), VIP_DOMAIN, STR("web"), 5, 0);
    tx_end(&f, true);
    group_commit(&f);
    fixture_close(&f);
    fixture_open(&f);
    EXPECT_STR("changed", stored(&f, "m"), "0:api=ffffffff,0 0:new=f0000000,0 1:web=5,0");
    fixture_fini(&f);
}

TEST(a_mesh_takes_its_own_along)
{
    for (size_t i = 0; i < ARRAY_LEN(store_kinds); i++) {
        struct fixture f;
        init_with_meshes(&f, store_kinds[i]);
        group_begin(&f);
        tx_begin(&f, ORIGIN_API, 1000);
        put_vip(&f, "m", "web", 1);
        put_vip(&f, "n", "web", 1);
        tx_end(&f, true);
        tx_begin(&f, ORIGIN_API, 1000);
        EXPECT_TRUE(store_kind_names[store_kinds[i]], del(&f, RES_MESH, "", "m") == ERR_NONE);
        tx_end(&f, true);
        group_commit(&f);
        EXPECT_STR(store_kind_names[store_kinds[i]], stored(&f, "m"), "");
        EXPECT_STR(store_kind_names[store_kinds[i]], stored(&f, "n"), "0:web=1,0");
        fixture_fini(&f);
    }
}

TEST(what_is_undone_changes_none)
{
    struct fixture f;
    init_with_meshes(&f, STORE_SQLITE);
    group_begin(&f);
    tx_begin(&f, ORIGIN_API, 1000);
    put_vip(&f, "m", "web", 1);
    tx_end(&f, true);
    tx_begin(&f, ORIGIN_API, 1000);
    put_vip(&f, "m", "api", 2);
    store_tx_vip_delete(f.store, STR("m"), VIP_SERVICE, STR("web"));
    EXPECT_TRUE("mesh", del(&f, RES_MESH, "", "n") == ERR_NONE);
    tx_end(&f, false);
    EXPECT_STR("inside", vips_text(store_pending(f.store), "m", &f.arena), "0:web=1,0");
    group_commit(&f);
    fixture_close(&f);
    fixture_open(&f);
    EXPECT_STR("kept", stored(&f, "m"), "0:web=1,0");

    group_begin(&f);
    tx_begin(&f, ORIGIN_API, 1000);
    put_vip(&f, "m", "lost", 3);
    tx_end(&f, true);
    store_rollback(f.store);
    EXPECT_STR("a group that is given up", stored(&f, "m"), "0:web=1,0");
    fixture_fini(&f);
}

TEST(a_snapshot_stands_still_and_meshes_share_nothing)
{
    struct fixture f;
    init_with_meshes(&f, STORE_MEMORY);
    struct snap *before = store_snap(f.store);
    group_begin(&f);
    tx_begin(&f, ORIGIN_API, 1000);
    put_vip(&f, "m", "web", 1);
    tx_end(&f, true);
    group_commit(&f);
    struct snap *after = store_snap(f.store);
    EXPECT_STR("before", vips_text(before, "m", &f.arena), "");
    EXPECT_TRUE("published", snap_sequence(after) > snap_sequence(before));
    EXPECT_INT("no revision", snap_revision(after), snap_revision(before));
    EXPECT_TRUE("m is another", !snap_vips_same(before, after, STR("m")));
    EXPECT_TRUE("n is the same", snap_vips_same(before, after, STR("n")));
    snap_unref(before);
    snap_unref(after);
    fixture_fini(&f);
}

TEST(the_lowest_free_address_is_found)
{
    static const struct {
        const char *name;
        uint32_t taken[5], n_taken, first, n;
        bool found;
        uint32_t want;
    } rows[] = {
        {"none taken", {0}, 0, 10, 4, true, 10},
        {"behind the first", {10}, 1, 10, 4, true, 11},
        {"a gap", {10, 11, 13}, 3, 10, 4, true, 12},
        {"the first is free", {11, 12}, 2, 10, 4, true, 10},
        {"outside does not count", {1, 9, 14, 15, 16}, 5, 10, 4, true, 10},
        {"the last", {9, 10, 11, 12, 14}, 5, 10, 4, true, 13},
        {"all taken", {10, 11, 12, 13}, 4, 10, 4, false, 14},
        {"the end of the space", {0xfffffffe}, 1, 0xfffffffe, 2, true, 0xffffffff},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct snap *snap = snap_from_list(NULL, 0, 1);
        struct arena a;
        uint32_t got;
        arena_init(&a);
        for (uint32_t k = 0; k < rows[i].n_taken; k++)
            snap_add_vip(snap, STR("m"), VIP_SERVICE, arena_printf(&a, "s%u", k), rows[i].taken[k]);
        bool found = snap_vips_free(snap, STR("m"), rows[i].first, rows[i].n, &got);
        EXPECT_INT(rows[i].name, found, rows[i].found);
        EXPECT_INT(rows[i].name, got, rows[i].want);
        snap_unref(snap);
        arena_fini(&a);
    }
}
