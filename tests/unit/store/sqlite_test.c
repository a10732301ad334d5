/* sqlite_test.c -- the file itself: who may open it, what it refuses, history, damage. */
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "fixture.h"

/* The whole file, in the arena. */
static struct str file_bytes(struct fixture *f)
{
    struct stat st;
    int fd = open(f->path, O_RDONLY);
    if (fd < 0 || fstat(fd, &st) != 0)
        FAIL("cannot read %s", f->path);
    char *p = arena_alloc(&f->arena, (size_t)st.st_size + 1);
    if (read(fd, p, (size_t)st.st_size) != st.st_size)
        FAIL("short read of %s", f->path);
    close(fd);
    return str_from(p, (size_t)st.st_size);
}

/* Runs SQL on the closed store's file; answers the first column of the last row, -1 when there is none. */
static int64_t sql(struct fixture *f, const char *text)
{
    sqlite3 *db = NULL;
    int64_t answer = -1;
    if (sqlite3_open(f->path, &db) != SQLITE_OK)
        FAIL("sqlite3_open");
    for (const char *rest = text; *rest;) {
        sqlite3_stmt *stmt = NULL;
        if (sqlite3_prepare_v2(db, rest, -1, &stmt, &rest) != SQLITE_OK)
            FAIL("%s: %s", text, sqlite3_errmsg(db));
        int step;
        while ((step = sqlite3_step(stmt)) == SQLITE_ROW)
            answer = sqlite3_column_int64(stmt, 0);
        sqlite3_finalize(stmt);
        if (step != SQLITE_DONE)
            FAIL("%s: %s", text, sqlite3_errmsg(db));
    }
    sqlite3_close(db);
    return answer;
}

/* Any other program: the sqlite3 shell, a backup script. */
static bool outsider_is_refused(struct fixture *f)
{
    sqlite3 *db = NULL;
    bool refused = sqlite3_open(f->path, &db) != SQLITE_OK ||
                   sqlite3_exec(db, "SELECT * FROM state", NULL, NULL, NULL) == SQLITE_BUSY;
    sqlite3_close(db);
    return refused;
}

static enum err_kind try_open(struct fixture *f)
{
    struct store *second = NULL;
    err_init(&f->err, &f->arena);
    enum err_kind kind = store_open(&f->options, &second, &f->err);
    store_close(second);
    return kind;
}

TEST(the_file_is_its_owners_only)
{
    struct fixture f;
    struct stat st;
    mode_t old = umask(0);
    fixture_init(&f, STORE_SQLITE);
    umask(old);
    EXPECT_INT("stat", stat(f.path, &st), 0);
    EXPECT_INT("mode", st.st_mode & 0777, 0600);
    fixture_fini(&f);
}

TEST(an_odd_umask_does_no_harm)
{
    struct fixture f;
    struct stat st;
    mode_t old = umask(0777);
    fixture_prepare(&f, STORE_SQLITE);
    chmod(f.folder, 0700);
    fixture_open(&f);
    umask(old);
    EXPECT_INT("stat", stat(f.path, &st), 0);
    EXPECT_INT("mode", st.st_mode & 0777, 0600);
    fixture_fini(&f);
}

/* A process of its own, made before the store is opened: it inherits nothing of it. The file must not even be
 * read: what the first one has written may be in its log only. */
TEST(a_second_opener_is_refused)
{
    struct fixture f;
    int go[2];
    fixture_prepare(&f, STORE_SQLITE);
    EXPECT_INT("pipe", pipe(go), 0);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        bool says = read(go[0], &byte, 1) == 1 && try_open(&f) == ERR_CONFLICT &&
                    str_has_suffix(f.err.text, STR(": the store is in use by another process"));
        _exit(says && outsider_is_refused(&f) ? 0 : 1);
    }
    fixture_open(&f);
    put_alone(&f, ORIGIN_API, RES_MESH, "", "m", "");
    EXPECT_INT("write", write(go[1], "", 1), 1);
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_INT("child", status, 0);
    put_alone(&f, ORIGIN_API, RES_MESH, "", "n", ""); /* the first one goes on */
    close(go[0]);
    close(go[1]);
    fixture_fini(&f);
}

TEST(files_that_are_not_ours_are_refused_untouched)
{
    static const struct {
        const char *name, *change;
        enum err_kind want;
        const char *says;
    } rows[] = {
        {"newer schema", "PRAGMA user_version = 99", ERR_STALE, "the store's schema is version 99"},
        {"other application", "PRAGMA application_id = 7", ERR_INVALID,
         "is not a store of Ursa (application id 0x7)"},
        {"no application", "PRAGMA application_id = 0", ERR_INVALID, "is not a store of Ursa"},
        {"newer type",
         "INSERT INTO resources (type, name, spec, origin, created, modified, revision)"
         " VALUES ('Zeppelin', 'z', X'7B7D', 0, 0, 0, 1)",
         ERR_STALE, "it holds a Zeppelin"},
        {"newer format", "UPDATE resources SET format = -1", ERR_STALE, "written by a newer version"},
        {"key that is not there", "UPDATE resources SET format = 7", ERR_DENIED,
         "sealed with key 0000000000000007, which is not in "},
        {"damaged seal", "UPDATE resources SET spec = CAST(spec || X'00' AS BLOB)", ERR_IO,
         "stored Mesh mesh= name=m revision=1: its seal does not hold"},
        {"spec that does not decode", "UPDATE resources SET format = 0, spec = CAST('{\"mtls\":1}' AS BLOB)",
         ERR_IO, "name=m"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        fixture_init(&f, STORE_SQLITE);
        put_alone(&f, ORIGIN_API, RES_MESH, "", "m", "");
        fixture_close(&f);
        sql(&f, rows[i].change);
        struct str before = file_bytes(&f);
        EXPECT_INT(rows[i].name, try_open(&f), rows[i].want);
        if (str_find(f.err.text, str_from_c(rows[i].says)) == f.err.text.n)
            FAIL("%s: got \"" STR_FMT "\", want it to say \"%s\"", rows[i].name, STR_ARG(f.err.text),
                 rows[i].says);
        EXPECT_TRUE(rows[i].name, str_eq(before, file_bytes(&f)));
        fixture_fini(&f);
    }
}

/* The newer version may have died before its log went into the file: the header still shows the old number.
 */
TEST(a_newer_schema_in_the_log_is_refused_untouched)
{
    struct fixture f;
    fixture_init(&f, STORE_SQLITE);
    fixture_close(&f);
    sqlite3 *db = NULL;
    EXPECT_INT("open", sqlite3_open(f.path, &db), SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    EXPECT_INT("change", sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    struct str before = file_bytes(&f);
    EXPECT_INT("header is old", before.p[63], 5);
    EXPECT_INT("kind", try_open(&f), ERR_STALE);
    EXPECT_TRUE("untouched", str_eq(before, file_bytes(&f)));
    fixture_fini(&f);
}

TEST(what_is_no_sqlite_file_is_refused_untouched)
{
    static const char *const texts[] = {"hello\n", "SQLite format 3", "\0\0\0\0"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct fixture f;
        fixture_prepare(&f, STORE_SQLITE);
        int fd = open(f.path, O_CREAT | O_WRONLY, 0600);
        size_t n = i == 2 ? 4 : strlen(texts[i]);
        EXPECT_INT("write", write(fd, texts[i], n), n);
        close(fd);
        struct str before = file_bytes(&f);
        EXPECT_INT(texts[i], try_open(&f), ERR_INVALID);
        EXPECT_TRUE(texts[i], str_eq(before, file_bytes(&f)));
        fixture_fini(&f);
    }
}

TEST(a_folder_that_is_not_there_is_an_error)
{
    struct fixture f;
    fixture_prepare(&f, STORE_SQLITE);
    f.options.path = "/nonexistent/store.db";
    EXPECT_INT("kind", try_open(&f), ERR_IO);
    EXPECT_STR("text", f.err.text, "/nonexistent/store.db: open: No such file or directory");
    fixture_fini(&f);
}

TEST(damage_is_found_at_open)
{
    struct fixture f;
    fixture_init(&f, STORE_SQLITE);
    put_alone(&f, ORIGIN_API, RES_MESH, "", "m", "");
    for (int i = 0; i < 200; i++) {
        char name[16];
        snprintf(name, sizeof(name), "s%d", i);
        put_alone(&f, ORIGIN_API, RES_SECRET, "m", name, "YQ==");
    }
    fixture_close(&f);
    struct str bytes = file_bytes(&f);
    int fd = open(f.path, O_WRONLY);
    for (size_t at = 4096; at + 8 < bytes.n; at += 4096) /* the head of every page but the first */
        EXPECT_INT("write", pwrite(fd, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, (off_t)at), 8);
    close(fd);
    EXPECT_INT("kind", try_open(&f), ERR_IO);
    fixture_fini(&f);
}

TEST(a_row_in_no_mesh_is_refused_by_the_schema)
{
    struct fixture f;
    fixture_init(&f, STORE_SQLITE);
    put_alone(&f, ORIGIN_API, RES_MESH, "", "m", "");
    put_alone(&f, ORIGIN_API, RES_SECRET, "m", "s", "YQ==");
    fixture_close(&f);
    static const char *const rows[] = {
        "UPDATE resources SET mesh = 'ghost' WHERE name = 's'",
        "DELETE FROM meshes WHERE name = 'm'",
        "INSERT INTO resources (type, name, spec, origin, created, modified, revision) VALUES ('Mesh', 'm', "
        "'', 0, 0, 0, 0)",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        sqlite3 *db = NULL;
        sqlite3_open(f.path, &db);
        sqlite3_exec(db, "PRAGMA foreign_keys = ON", NULL, NULL, NULL);
        EXPECT_INT(rows[i], sqlite3_exec(db, rows[i], NULL, NULL, NULL), SQLITE_CONSTRAINT);
        sqlite3_close(db);
    }
    fixture_fini(&f);
}

TEST(history_keeps_what_was_superseded)
{
    struct fixture f;
    fixture_init(&f, STORE_SQLITE);
    put_alone(&f, ORIGIN_API, RES_MESH, "", "m", "");          /* revision 1 */
    put_alone(&f, ORIGIN_API, RES_SECRET, "m", "s", "YQ==");   /* 2 */
    put_alone(&f, ORIGIN_API, RES_SECRET, "m", "s", "Yg==");   /* 3 supersedes 2 */
    put_alone(&f, ORIGIN_PROXY, RES_DATAPLANE, "m", "p", "a"); /* none */
    put_alone(&f, ORIGIN_PROXY, RES_DATAPLANE, "m", "p", "b"); /* none */
    put_alone(&f, ORIGIN_SYSTEM, RES_DATAPLANE_INSIGHT, "m", "p", "");
    group_begin(&f);
    tx_begin(&f, ORIGIN_API, 2000);
    put(&f, RES_SECRET, "m", "s", "Yw=="); /* written and replaced in one transaction: never seen */
    put(&f, RES_SECRET, "m", "s", "ZA==");
    del(&f, RES_MESH, "", "m");
    EXPECT_INT("revision", tx_end(&f, true), 4);
    group_commit(&f);
    fixture_close(&f);
    EXPECT_INT("rows", sql(&f, "SELECT count(*) FROM history"), 3);
    EXPECT_INT("first secret", sql(&f, "SELECT superseded FROM history WHERE revision = 2"), 3);
    EXPECT_INT("second secret", sql(&f, "SELECT superseded FROM history WHERE revision = 3"), 4);
    EXPECT_INT("mesh", sql(&f, "SELECT superseded FROM history WHERE type = 'Mesh'"), 4);
    EXPECT_INT("revisions", sql(&f, "SELECT count(*) FROM revisions WHERE author = 'tester'"), 4);
    EXPECT_INT("live rows", sql(&f, "SELECT count(*) FROM resources"), 0);
    fixture_fini(&f);
}

/* Writes 'n' versions of one secret at the given times apart. */
static void write_versions(struct fixture *f, size_t n, int64_t start_ns, int64_t step_ns)
{
    for (size_t i = 0; i < n; i++) {
        group_begin(f);
        tx_begin(f, ORIGIN_API, start_ns + (int64_t)i * step_ns);
        put(f, RES_GLOBAL_SECRET, "", "s", i % 2 ? "YQ==" : "Yg==");
        tx_end(f, true);
        group_commit(f);
    }
}

TEST(history_is_bounded_by_count_and_age)
{
    static const struct {
        const char *name;
        uint64_t revisions;
        int64_t age_ns;
        int64_t want;
    } rows[] = {
        {"no limit reached", 1000, 0, 99}, {"ten revisions", 10, 0, 10},       {"none", 0, 0, 0},
        {"young ones", 1000, 200, 21},     {"young ones, fewer", 10, 200, 10},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        fixture_prepare(&f, STORE_SQLITE);
        f.options.history_revisions = rows[i].revisions;
        f.options.history_age_ns = rows[i].age_ns;
        fixture_open(&f);
        write_versions(&f, 100, 10000, 10);
        fixture_close(&f);
        EXPECT_INT(rows[i].name, sql(&f, "SELECT count(*) FROM history"), rows[i].want);
        EXPECT_INT(rows[i].name, sql(&f, "SELECT revision FROM state"), 100);
        fixture_fini(&f);
    }
}

/* A lowered limit must not turn the next commit into a long one. */
TEST(old_history_goes_in_bounded_steps)
{
    struct fixture f;
    fixture_init(&f, STORE_SQLITE);
    group_begin(&f);
    for (size_t i = 0; i < 600; i++) {
        tx_begin(&f, ORIGIN_API, 1);
        put(&f, RES_GLOBAL_SECRET, "", "s", i % 2 ? "YQ==" : "Yg==");
        tx_end(&f, true);
    }
    group_commit(&f);
    fixture_close(&f);
    EXPECT_INT("before", sql(&f, "SELECT count(*) FROM history"), 599);
    f.options.history_revisions = 10;
    fixture_open(&f);
    write_versions(&f, 1, 2, 1);
    fixture_close(&f);
    EXPECT_INT("one step", sql(&f, "SELECT count(*) FROM history"), 600 - 65);
    fixture_open(&f);
    write_versions(&f, 20, 2, 1);
    fixture_close(&f);
    EXPECT_INT("in the end", sql(&f, "SELECT count(*) FROM history"), 10);
    EXPECT_INT("revisions", sql(&f, "SELECT count(*) FROM revisions"), 10);
    fixture_fini(&f);
}

/* A group may hold more transactions than one step forgets: history must not grow with them. */
TEST(history_is_bounded_under_load)
{
    struct fixture f;
    fixture_prepare(&f, STORE_SQLITE);
    f.options.history_revisions = 10;
    fixture_open(&f);
    for (size_t group = 0; group < 4; group++) {
        group_begin(&f);
        for (size_t i = 0; i < 300; i++) {
            tx_begin(&f, ORIGIN_API, 1);
            put(&f, RES_GLOBAL_SECRET, "", "s", i % 2 ? "YQ==" : "Yg==");
            put(&f, RES_GLOBAL_SECRET, "", "t", i % 2 ? "YQ==" : "Yg==");
            tx_end(&f, true);
        }
        group_commit(&f);
    }
    fixture_close(&f);
    EXPECT_INT("history", sql(&f, "SELECT count(*) FROM history"), 20);
    EXPECT_INT("revisions", sql(&f, "SELECT count(*) FROM revisions"), 10);
    fixture_fini(&f);
}

TEST(the_log_goes_into_the_file_while_it_runs)
{
    struct fixture f;
    struct stat st;
    char wal[128];
    fixture_init(&f, STORE_SQLITE);
    write_versions(&f, 1500, 1, 1);
    snprintf(wal, sizeof(wal), "%s-wal", f.path);
    EXPECT_INT("stat", stat(wal, &st), 0);
    EXPECT_TRUE("log stays small", st.st_size < 8 << 20);
    struct store_stats stats;
    store_stats(f.store, &stats);
    EXPECT_TRUE("size counts both", stats.file_bytes > (uint64_t)st.st_size);
    EXPECT_TRUE("a commit was timed", stats.last_commit_ns > 0);
    EXPECT_TRUE("healthy", !stats.failed);
    fixture_fini(&f);
}
