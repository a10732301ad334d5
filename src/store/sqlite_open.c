/* sqlite_open.c -- opening the store's file: whose it is, the lock, migrations, integrity.
 *
 * A file that is not ours, or of a newer version, is refused before anything of it is written. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "migrate.h"
#include "sqlite.h"
#include "ursa/base/alloc.h"
#include "ursa/base/log.h"

#define LOCK_WAIT_MS 250 /* a daemon that is just stopping may still hold the file */

/* The head of an SQLite file: https://www.sqlite.org/fileformat.html, section 1.3. */
#define HEADER_SIZE 100
#define HEADER_VERSION_AT 60
#define HEADER_APPLICATION_AT 68
static const char magic[16] = "SQLite format 3";

static enum err_kind check_owner(const char *path, uint32_t application, uint32_t version, struct err *e)
{
    if (application != MIGRATE_APPLICATION_ID)
        return err_set(
            e, ERR_INVALID,
            "%s: this SQLite file is not a store of Ursa (application id %#x): choose another path", path,
            application);
    if (version > migrate_newest())
        return err_set(e, ERR_STALE,
                       "%s: the store's schema is version %u, this program knows up to %u: run the newer "
                       "version that wrote it",
                       path, version, migrate_newest());
    return ERR_NONE;
}

static uint32_t big_endian(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Looks at the file without SQLite, which would write side files for its log even to read. */
enum err_kind sqlite_check_header(const char *path, int fd, struct err *e)
{
    uint8_t head[HEADER_SIZE];
    ssize_t n = pread(fd, head, sizeof(head), 0);
    if (n < 0)
        return err_set(e, ERR_IO, "%s: read: %s", path, strerror(errno));
    if (n == 0)
        return ERR_NONE; /* a new file */
    if (n < HEADER_SIZE || memcmp(head, magic, sizeof(magic)) != 0)
        return err_set(e, ERR_INVALID, "%s: this is not an SQLite file: choose another path", path);
    return check_owner(path, big_endian(head + HEADER_APPLICATION_AT), big_endian(head + HEADER_VERSION_AT),
                       e);
}

/* Creates the file, readable by its owner only whatever the umask is, or checks the one that is there. Closed
 * again before SQLite opens it: closing any descriptor of a file drops the process's locks on it. */
static enum err_kind prepare_file(const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd < 0)
        return err_set(e, ERR_IO, "%s: open: %s", path, strerror(errno));
    struct stat st;
    enum err_kind kind = ERR_NONE;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        kind = err_set(e, ERR_INVALID, "%s: not a regular file", path);
    else if (st.st_size == 0 && fchmod(fd, 0600) != 0)
        kind = err_set(e, ERR_IO, "%s: chmod: %s", path, strerror(errno));
    else
        kind = sqlite_check_header(path, fd, e);
    if (kind == ERR_NONE && st.st_size > 0 && (st.st_mode & 077))
        log_warn("store", "path=%s mode=%03o others may read the store", path, (unsigned)(st.st_mode & 0777));
    close(fd);
    return kind;
}

enum err_kind sqlite_exec(struct sqlite *b, const char *sql, struct err *e)
{
    return sqlite3_exec(b->db, sql, NULL, NULL, NULL) == SQLITE_OK ? ERR_NONE : sqlite_fault(b, sql, e);
}

/* The first column of the first row: an integer, or text that the caller frees. */
static enum err_kind query(struct sqlite *b, const char *sql, int64_t *number, char **text, struct err *e)
{
    sqlite3_stmt *stmt = NULL;
    enum err_kind kind = ERR_NONE;
    if (sqlite3_prepare_v2(b->db, sql, -1, &stmt, NULL) != SQLITE_OK || sqlite3_step(stmt) != SQLITE_ROW)
        kind = sqlite_fault(b, sql, e);
    else if (number)
        *number = sqlite3_column_int64(stmt, 0);
    else
        *text = xstrdup((const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    return kind;
}

enum err_kind sqlite_query_number(struct sqlite *b, const char *sql, int64_t *number, struct err *e)
{
    return query(b, sql, number, NULL, e);
}

/* Asks again through SQLite: the header's numbers may be older than the log's. A file without a schema is
 * nobody's yet. */
static enum err_kind check_inside(struct sqlite *b, unsigned *version, struct err *e)
{
    int64_t n_objects = 0, application = 0, user_version = 0;
    if (query(b, "SELECT count(*) FROM sqlite_schema", &n_objects, NULL, e) != ERR_NONE ||
        query(b, "PRAGMA application_id", &application, NULL, e) != ERR_NONE ||
        query(b, "PRAGMA user_version", &user_version, NULL, e) != ERR_NONE)
        return e->kind;
    *version = (unsigned)user_version;
    return n_objects ? check_owner(b->path, (uint32_t)application, *version, e) : ERR_NONE;
}

/* Takes the file's lock for as long as it is open, and brings the schema up to date: one transaction, so that
 * a new file is never seen half made, and a file that is refused is left as it was. */
static enum err_kind lock_and_migrate(struct sqlite *b, struct err *e)
{
    unsigned version = 0;
    if (sqlite_exec(b, "BEGIN EXCLUSIVE", e) != ERR_NONE) {
        if (e->kind == ERR_CONFLICT)
            err_set(e, ERR_CONFLICT, "%s: the store is in use by another process", b->path);
        return e->kind;
    }
    if (check_inside(b, &version, e) != ERR_NONE)
        return e->kind;                                                  /* closing rolls back */
    sqlite3_db_config(b->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL); /* the file is ours */
    if (!migrate_run(b->db, version))
        return sqlite_fault(b, "migrate", e);
    if (sqlite_exec(b, "COMMIT", e) == ERR_NONE && version < migrate_newest())
        log_info("store", "path=%s schema=%u migrated from=%u", b->path, migrate_newest(), version);
    return e->kind;
}

static enum err_kind check_integrity(struct sqlite *b, struct err *e)
{
    char *verdict = NULL;
    if (query(b, "PRAGMA quick_check(1)", NULL, &verdict, e) != ERR_NONE)
        return e->kind;
    enum err_kind kind = ERR_NONE;
    if (!verdict || strcmp(verdict, "ok") != 0)
        kind = err_set(e, ERR_IO, "%s: the store is damaged (%s): restore a backup", b->path,
                       verdict ? verdict : "no verdict");
    free(verdict);
    return kind;
}

static int note_wal_pages(void *ctx, sqlite3 *db, const char *name, int n_pages)
{
    (void)db, (void)name;
    ((struct sqlite *)ctx)->wal_pages = n_pages;
    return SQLITE_OK;
}

static enum err_kind open_db(struct sqlite *b, struct err *e)
{
    static const char *const settings =
        "PRAGMA journal_mode = WAL;"
        "PRAGMA synchronous = FULL;" /* answered means on disk */
        "PRAGMA foreign_keys = ON;"
        "PRAGMA secure_delete = ON;"            /* removed keys are overwritten */
        "PRAGMA journal_size_limit = 16777216;" /* after a large transaction the log shrinks again */
        "PRAGMA cache_size = -2000;"            /* KiB: rows are read once, at open */
        "PRAGMA temp_store = MEMORY;"
        "PRAGMA trusted_schema = OFF;"
        "PRAGMA cell_size_check = ON";
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(b->path, &b->db, flags, SQLITE_VFS) != SQLITE_OK)
        return sqlite_fault(b, "open", e);
    sqlite3_busy_timeout(b->db, LOCK_WAIT_MS);
    sqlite3_db_config(b->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
                      NULL); /* until the file is known to be ours */
    sqlite3_db_config(b->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (lock_and_migrate(b, e) != ERR_NONE || sqlite_exec(b, settings, e) != ERR_NONE ||
        check_integrity(b, e) != ERR_NONE)
        return e->kind;
    sqlite3_wal_hook(b->db, note_wal_pages, b); /* replaces the automatic checkpoint */
    return sqlite_prepare(b, e);
}

void sqlite_free(struct sqlite *b)
{
    for (size_t i = 0; i < SQL_N; i++)
        sqlite3_finalize(b->stmts[i]);
    sqlite3_close(b->reader); /* the writer's is the last, which empties the log */
    sqlite3_close(b->db);
    seal_ring_free(b->ring);
    buf_fini(&b->sealed);
    free(b->path);
    free(b->wal_path);
    free(b);
}

/* Copies that a process was making when it was killed. */
static void remove_leftovers(const char *path)
{
    static const char *const suffixes[] = {".backup", ".restore", ".restore-wal"};
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        size_t n = strlen(path) + strlen(suffixes[i]) + 1;
        char *leftover = xmalloc(n);
        snprintf(leftover, n, "%s%s", path, suffixes[i]);
        if (unlink(leftover) == 0)
            log_info("store", "path=%s removed: it was left behind by a killed process", leftover);
        free(leftover);
    }
}

enum err_kind sqlite_open(const struct store_options *options, struct backend **out, struct err *e)
{
    if (prepare_file(options->path, e) != ERR_NONE)
        return e->kind;
    struct sqlite *b = xcalloc(1, sizeof(*b));
    b->base.ops = &sqlite_ops;
    b->path = xstrdup(options->path);
    size_t n = strlen(options->path) + sizeof("-wal");
    b->wal_path = xmalloc(n);
    snprintf(b->wal_path, n, "%s-wal", options->path);
    buf_init(&b->sealed, BUF_MAX_RESOURCE);
    if (open_db(b, e) != ERR_NONE || sqlite_take_keys(b, options, e) != ERR_NONE) {
        sqlite_free(b);
        return e->kind;
    }
    remove_leftovers(options->path);
    *out = &b->base;
    return ERR_NONE;
}
