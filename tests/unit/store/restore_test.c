/* restore_test.c -- what a backup must be, and that the store is as it was when it is not. */
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "fixture.h"

/* A closed store with one Mesh of that name. */
static void make_store(struct fixture *f, const char *mesh)
{
    fixture_init(f, STORE_SQLITE);
    put_alone(f, ORIGIN_API, RES_MESH, "", mesh, "");
    fixture_close(f);
}

static void sql(const char *path, const char *text)
{
    sqlite3 *db = NULL;
    if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
        FAIL("%s: %s", text, sqlite3_errmsg(db));
    sqlite3_close(db);
}

static void write_file(const char *path, const char *text, int64_t at)
{
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    EXPECT_INT(path, pwrite(fd, text, strlen(text), at), strlen(text));
    close(fd);
}

static struct str suffixed(struct fixture *f, const char *suffix)
{
    return arena_printf(&f->arena, "%s%s", f->path, suffix);
}

static bool is_there(struct fixture *f, const char *suffix)
{
    return access(suffixed(f, suffix).p, F_OK) == 0;
}

static enum err_kind restore(struct fixture *f, const char *from, struct store_restored *done)
{
    err_init(&f->err, &f->arena);
    return store_restore(from, &f->options, done, &f->err);
}

/* The Mesh that the store at 'path' has. */
static struct str mesh_of(struct fixture *f, struct str path)
{
    struct store_options options = f->options;
    struct store *store = NULL;
    options.path = path.p;
    err_init(&f->err, &f->arena);
    if (store_open(&options, &store, &f->err) != ERR_NONE)
        return f->err.text;
    struct snap *snap = store_snap(store);
    struct snap_range range = snap_range(snap, RES_MESH, STR_NONE);
    struct str name = range.n == 1 ? arena_str(&f->arena, snap_at(&range, 0)->key.name) : STR("not one");
    snap_unref(snap);
    store_close(store);
    return name;
}

static void remove_kept(struct fixture *f)
{
    static const char *const suffixes[] = {".before-restore", ".before-restore-wal", ".before-restore-2"};
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
        unlink(suffixed(f, suffixes[i]).p);
}

TEST(a_backup_takes_the_stores_place)
{
    struct fixture store, backup;
    struct store_restored done;
    struct stat st;
    make_store(&store, "old");
    make_store(&backup, "new");
    for (int round = 1; round <= 2; round++) {
        EXPECT_INT("restore", restore(&store, backup.path, &done), ERR_NONE);
        EXPECT_INT("revision", done.revision, 1);
        EXPECT_INT("resources", done.n_resources, 1);
        EXPECT_STR("kept", str_from_c(done.kept),
                   suffixed(&store, round == 1 ? ".before-restore" : ".before-restore-2").p);
        EXPECT_STR("store", mesh_of(&store, str_from_c(store.path)), "new");
    }
    EXPECT_STR("the old one", mesh_of(&store, suffixed(&store, ".before-restore")), "old");
    EXPECT_INT("stat", stat(store.path, &st), 0);
    EXPECT_INT("mode", st.st_mode & 0777, 0600);
    EXPECT_TRUE("nothing else", !is_there(&store, ".restore") && !is_there(&store, ".restore-wal"));
    EXPECT_STR("backup", mesh_of(&store, str_from_c(backup.path)), "new");
    remove_kept(&store);
    fixture_fini(&store);
    fixture_fini(&backup);
}

TEST(a_backup_makes_a_store_where_there_is_none)
{
    struct fixture store, backup;
    struct store_restored done;
    fixture_prepare(&store, STORE_SQLITE);
    make_store(&backup, "new");
    EXPECT_INT("restore", restore(&store, backup.path, &done), ERR_NONE);
    EXPECT_STR("kept", str_from_c(done.kept), "");
    EXPECT_STR("store", mesh_of(&store, str_from_c(store.path)), "new");
    fixture_fini(&store);
    fixture_fini(&backup);
}

/* What the daemon had answered may stand in its log only. */
TEST(the_old_stores_log_is_kept_too)
{
    struct fixture store, backup;
    struct store_restored done;
    sqlite3 *db = NULL;
    make_store(&store, "old");
    make_store(&backup, "new");
    EXPECT_INT("open", sqlite3_open(store.path, &db), SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_exec(
        db,
        "UPDATE resources SET name = 'in-the-log', format = 0, spec = X'7B7D'; UPDATE meshes SET name "
        "= 'in-the-log'",
        NULL, NULL, NULL);
    sqlite3_close(db);
    EXPECT_TRUE("a log", is_there(&store, "-wal"));
    EXPECT_INT("restore", restore(&store, backup.path, &done), ERR_NONE);
    EXPECT_STR("store", mesh_of(&store, str_from_c(store.path)), "new");
    EXPECT_STR("the old one", mesh_of(&store, suffixed(&store, ".before-restore")), "in-the-log");
    remove_kept(&store);
    fixture_fini(&store);
    fixture_fini(&backup);
}

TEST(a_damaged_store_is_replaced_and_kept)
{
    struct fixture store, backup;
    struct store_restored done;
    make_store(&store, "old");
    make_store(&backup, "new");
    write_file(store.path, "\xff\xff", 16); /* the size of its pages */
    write_file(suffixed(&store, "-wal").p, "some of a log", 0);
    EXPECT_INT("restore", restore(&store, backup.path, &done), ERR_NONE);
    EXPECT_STR("store", mesh_of(&store, str_from_c(store.path)), "new");
    EXPECT_TRUE("kept", is_there(&store, ".before-restore") && is_there(&store, ".before-restore-wal"));
    remove_kept(&store);
    fixture_fini(&store);
    fixture_fini(&backup);
}

TEST(what_is_no_backup_is_refused)
{
    static const struct {
        const char *name, *change; /* SQL on the backup */
        const char *file, *bytes;  /* or these bytes into "" (the backup itself) or a file beside it ... */
        int64_t at;                /* ... from there on; -1: alone in it */
        enum err_kind want;
        const char *says;
    } rows[] = {
        {"newer schema", "PRAGMA user_version = 99", NULL, NULL, 0, ERR_STALE, "schema is version 99"},
        {"other application", "PRAGMA application_id = 7", NULL, NULL, 0, ERR_INVALID,
         "is not a store of Ursa"},
        {"no SQLite file", NULL, "",
         "just some text, longer than a header: ....................................."
         "..............................",
         -1, ERR_INVALID, "this is not an SQLite file"},
        {"nothing", NULL, "", "", -1, ERR_INVALID, "the file is empty"},
        {"a copy of a running store", NULL, "-wal", "log", 0, ERR_INVALID, "there is a log beside it"},
        {"damaged page", NULL, "", "\xff\xff\xff\xff\xff\xff\xff\xff", 8192, ERR_IO, "the backup is damaged"},
        {"a row in no mesh",
         "INSERT INTO resources (type, mesh, name, spec, origin, created, modified, revision)"
         " VALUES ('Secret', 'ghost', 's', X'7B7D', 0, 0, 0, 1)",
         NULL, NULL, 0, ERR_IO, "the backup is damaged"},
        {"a spec that does not decode", "UPDATE resources SET spec = CAST('{\"mtls\":1}' AS BLOB)", NULL,
         NULL, 0, ERR_IO, "no store can be opened from it"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture store, backup;
        struct store_restored done;
        make_store(&store, "old");
        make_store(&backup, "new");
        if (rows[i].change)
            sql(backup.path, rows[i].change);
        if (rows[i].file) {
            struct str path = suffixed(&backup, rows[i].file);
            if (rows[i].at < 0)
                EXPECT_INT("truncate", truncate(path.p, 0), 0);
            write_file(path.p, rows[i].bytes, rows[i].at < 0 ? 0 : rows[i].at);
        }
        EXPECT_INT(rows[i].name, restore(&store, backup.path, &done), rows[i].want);
        if (str_find(store.err.text, str_from_c(rows[i].says)) == store.err.text.n)
            FAIL("%s: got \"" STR_FMT "\"", rows[i].name, STR_ARG(store.err.text));
        EXPECT_STR(rows[i].name, mesh_of(&store, str_from_c(store.path)), "old");
        EXPECT_TRUE(rows[i].name, !is_there(&store, ".restore") && !is_there(&store, ".before-restore"));
        fixture_fini(&store);
        fixture_fini(&backup);
    }
}

TEST(places_that_cannot_be_are_refused)
{
    struct fixture store, backup;
    struct store_restored done;
    make_store(&store, "old");
    make_store(&backup, "new");
    EXPECT_INT("no backup", restore(&store, "/nonexistent/backup", &done), ERR_NOT_FOUND);
    EXPECT_INT("a folder", restore(&store, "/tmp", &done), ERR_INVALID);
    EXPECT_INT("itself", restore(&store, store.path, &done), ERR_INVALID);
    write_file(store.path, "some other file", 0);
    EXPECT_INT("another's file", restore(&store, backup.path, &done), ERR_INVALID);
    EXPECT_TRUE("untouched", !is_there(&store, ".restore") && !is_there(&store, ".before-restore"));
    err_init(&store.err, &store.arena);
    store.options.path = "/nonexistent/store";
    EXPECT_INT("no folder", restore(&store, backup.path, &done), ERR_IO);
    fixture_fini(&store);
    fixture_fini(&backup);
}

/* Nothing is left where nothing was. */
TEST(a_restore_at_fault_makes_no_store)
{
    struct fixture store, backup;
    struct store_restored done;
    fixture_prepare(&store, STORE_SQLITE);
    make_store(&backup, "new");
    sql(backup.path, "UPDATE resources SET format = -1");
    EXPECT_INT("restore", restore(&store, backup.path, &done), ERR_STALE);
    EXPECT_TRUE("nothing", !is_there(&store, "") && !is_there(&store, ".restore"));
    fixture_fini(&store);
    fixture_fini(&backup);
}

TEST(an_older_backup_replaces_a_newer_versions_store)
{
    struct fixture store, backup;
    struct store_restored done;
    make_store(&store, "old");
    make_store(&backup, "new");
    sql(store.path, "PRAGMA user_version = 99");
    EXPECT_INT("restore", restore(&store, backup.path, &done), ERR_NONE);
    EXPECT_STR("store", mesh_of(&store, str_from_c(store.path)), "new");
    remove_kept(&store);
    fixture_fini(&store);
    fixture_fini(&backup);
}
