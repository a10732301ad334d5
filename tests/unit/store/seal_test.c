/* seal_test.c -- what may be a key is never in the store's file in plain text, and opens nowhere but in its
 * own row. */
#include <sqlite3.h>
#include <sys/stat.h>

#include "fixture.h"

#define OTHER_KEY "HxABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4=\n"
#define MARK "c2VhbGVkIGFuZCBmb3VuZCBub3doZXJl" /* in a secret's spec */

static void sql(const struct fixture *f, const char *text)
{
    sqlite3 *db = NULL;
    if (sqlite3_open(f->path, &db) != SQLITE_OK || sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
        FAIL("%s: %s", text, sqlite3_errmsg(db));
    sqlite3_close(db);
}

/* How often the mark stands in the store's file or its log. */
static size_t count_marks(struct fixture *f)
{
    static const char *const suffixes[] = {"", "-wal"};
    static char bytes[4 << 20];
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        int fd = open(arena_printf(&f->arena, "%s%s", f->path, suffixes[i]).p, O_RDONLY);
        ssize_t n = fd < 0 ? 0 : read(fd, bytes, sizeof(bytes));
        for (const char *at = bytes; n > 0 && (at = memmem(at, (size_t)(bytes + n - at), MARK, strlen(MARK)));
             at++)
            count++;
        if (fd >= 0)
            close(fd);
    }
    return count;
}

static enum err_kind try_open(struct fixture *f)
{
    err_init(&f->err, &f->arena);
    return store_open(&f->options, &f->store, &f->err);
}

static struct str data_of(struct fixture *f, const char *name)
{
    struct snap *snap = store_snap(f->store);
    const struct resource *r = snap_find(snap, RES_SECRET, STR("m"), str_from_c(name));
    struct str spec = r ? arena_str(&f->arena, blob_str(r->spec_json)) : STR("none");
    snap_unref(snap);
    return spec;
}

/* A store of a version that did not seal: three secrets, one of them with a past. */
static void make_plain(struct fixture *f)
{
    fixture_init(f, STORE_SQLITE);
    put_alone(f, ORIGIN_API, RES_MESH, "", "m", "");
    fixture_close(f);
    sql(f, "PRAGMA secure_delete = OFF; UPDATE resources SET format = 0, spec = X'7B7D';"
           "INSERT INTO revisions VALUES (2, 'x', 0, 1);"
           "UPDATE state SET revision = 2;");
    for (int i = 0; i < 3; i++)
        sql(f, arena_printf(
                   &f->arena,
                   "INSERT INTO resources (type, mesh, name, spec, origin, created, modified, revision)"
                   " VALUES ('Secret', 'm', 's%d', CAST('{\"data\":\"" MARK "\"}' AS BLOB), 0, 1, 1, 2)",
                   i)
                   .p);
    sql(f, "INSERT INTO history (type, mesh, name, spec, labels, format, origin, created, modified, revision,"
           " superseded) SELECT type, mesh, name, spec, labels, 0, origin, created, modified, 1, 2 FROM"
           " resources WHERE name = 's0'");
}

TEST(no_secret_is_written_in_plain_text)
{
    struct fixture f;
    fixture_init(&f, STORE_SQLITE);
    put_alone(&f, ORIGIN_API, RES_MESH, "", "m", "");
    put_alone(&f, ORIGIN_API, RES_SECRET, "m", "s", MARK);
    put_alone(&f, ORIGIN_API, RES_SECRET, "m", "s", "YQ==");
    put_alone(&f, ORIGIN_API, RES_SECRET, "m", "s", MARK);
    EXPECT_INT("in the file and the log", count_marks(&f), 0);
    fixture_close(&f);
    EXPECT_INT("in the file", count_marks(&f), 0);
    fixture_open(&f);
    EXPECT_STR("it is there", data_of(&f, "s"), "{\"data\":\"" MARK "\"}");
    fixture_fini(&f);
}

TEST(an_older_store_is_sealed_when_it_is_opened)
{
    struct fixture f;
    make_plain(&f);
    EXPECT_INT("before", count_marks(&f), 4);
    fixture_open(&f);
    EXPECT_INT("while it is open", count_marks(&f), 0);
    EXPECT_STR("it is there", data_of(&f, "s2"), "{\"data\":\"" MARK "\"}");
    fixture_close(&f);
    EXPECT_INT("afterwards", count_marks(&f), 0);
    fixture_open(&f);
    EXPECT_STR("and again", data_of(&f, "s0"), "{\"data\":\"" MARK "\"}");
    fixture_fini(&f);
}

/* The process was killed after the rows were sealed, before the file was swept. */
TEST(what_was_not_swept_is_swept_at_the_next_start)
{
    struct fixture f;
    fixture_init(&f, STORE_SQLITE);
    fixture_close(&f);
    sql(&f, "PRAGMA secure_delete = OFF; CREATE TABLE t (x TEXT); INSERT INTO t VALUES ('" MARK "');"
            "DROP TABLE t; UPDATE state SET traces = 1");
    EXPECT_INT("left behind", count_marks(&f), 1);
    fixture_open(&f);
    EXPECT_INT("swept", count_marks(&f), 0);
    fixture_fini(&f);
}

TEST(a_new_key_seals_everything_anew)
{
    struct fixture f;
    int64_t number = 0;
    make_plain(&f);
    fixture_open(&f);
    fixture_close(&f);
    EXPECT_INT("add", store_add_key(f.key_file, &number, &f.err), ERR_NONE);
    fixture_open(&f);
    EXPECT_STR("it is there", data_of(&f, "s0"), "{\"data\":\"" MARK "\"}");
    fixture_close(&f);
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    EXPECT_INT("open", sqlite3_open(f.path, &db), SQLITE_OK);
    sqlite3_prepare_v2(db,
                       "SELECT DISTINCT format FROM (SELECT format FROM resources UNION ALL SELECT"
                       " format FROM history)",
                       -1, &stmt, NULL);
    EXPECT_INT("one", sqlite3_step(stmt), SQLITE_ROW);
    EXPECT_INT("the new one", sqlite3_column_int64(stmt, 0), number);
    EXPECT_INT("no other", sqlite3_step(stmt), SQLITE_DONE);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    fixture_fini(&f);
}

TEST(a_store_without_its_key_is_refused_untouched)
{
    static const struct {
        const char *name, *key; /* NULL: there is no key file */
        mode_t mode;
        enum err_kind want;
        const char *says;
    } rows[] = {
        {"no file", NULL, 0, ERR_DENIED, "put the key file back that belongs to this store"},
        {"another key", OTHER_KEY, 0600, ERR_DENIED, "which is not in"},
        {"others may read it", FIXTURE_KEY, 0640, ERR_DENIED, "chmod 600"},
        {"damaged", "AAECAwQ=\n", 0600, ERR_INVALID, "line 1: a key is 32 bytes"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        struct stat before, after;
        fixture_init(&f, STORE_SQLITE);
        put_alone(&f, ORIGIN_API, RES_MESH, "", "m", "");
        fixture_close(&f);
        unlink(f.key_file);
        if (rows[i].key)
            fixture_write_key(&f, rows[i].key);
        chmod(f.key_file, rows[i].mode);
        stat(f.path, &before);
        EXPECT_INT(rows[i].name, try_open(&f), rows[i].want);
        stat(f.path, &after);
        EXPECT_TRUE(rows[i].name, str_find(f.err.text, str_from_c(rows[i].says)) < f.err.text.n);
        EXPECT_TRUE("names the file", str_find(f.err.text, str_from_c(f.key_file)) < f.err.text.n);
        EXPECT_TRUE("untouched", before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
        EXPECT_INT("no key file was made", access(f.key_file, F_OK), rows[i].key ? 0 : -1);
        fixture_fini(&f);
    }
}

TEST(a_key_file_that_is_a_link_is_refused)
{
    struct fixture f;
    fixture_prepare(&f, STORE_SQLITE);
    struct str real = arena_printf(&f.arena, "%s.real", f.key_file);
    EXPECT_INT("rename", rename(f.key_file, real.p), 0);
    EXPECT_INT("link", symlink(real.p, f.key_file), 0);
    EXPECT_INT("kind", try_open(&f), ERR_DENIED);
    EXPECT_TRUE("says so", str_find(f.err.text, STR("must not be a link")) < f.err.text.n);
    unlink(real.p);
    fixture_fini(&f);
}

/* A row's text in another row's place is no key of that one, not of an older one of the same name either. */
TEST(rows_that_were_swapped_are_refused)
{
    static const struct {
        const char *name, *change;
    } rows[] = {
        {"other name", "UPDATE resources SET spec = (SELECT spec FROM resources WHERE name = 's1')"
                       " WHERE name = 's2'"},
        {"other type", "UPDATE resources SET type = 'MeshGateway' WHERE name = 's2'"},
        {"older",
         "UPDATE resources SET spec = (SELECT spec FROM history WHERE name = 's2') WHERE name = 's2'"},
        {"other revision", "UPDATE resources SET revision = 1 WHERE name = 's2'"},
        {"other time", "UPDATE resources SET modified = 0 WHERE name = 's2'"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        fixture_init(&f, STORE_SQLITE);
        put_alone(&f, ORIGIN_API, RES_MESH, "", "m", "");
        put_alone(&f, ORIGIN_API, RES_SECRET, "m", "s1", "YQ==");
        put_alone(&f, ORIGIN_API, RES_SECRET, "m", "s2", "Yg==");
        put_alone(&f, ORIGIN_API, RES_SECRET, "m", "s2", "Yw==");
        fixture_close(&f);
        sql(&f, rows[i].change);
        EXPECT_INT(rows[i].name, try_open(&f), ERR_IO);
        EXPECT_TRUE(rows[i].name, str_find(f.err.text, STR("name=s2 revision=")) < f.err.text.n &&
                                      str_find(f.err.text, STR("its seal does not hold")) < f.err.text.n);
        fixture_fini(&f);
    }
}
