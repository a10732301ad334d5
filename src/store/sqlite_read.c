/* sqlite_read.c -- what is read from the file: everything at open, and history on the reader's connection.
 *
 * The reader's connection belongs to the reader's thread. A read transaction of it sees one moment and holds
 * nobody up; the log only cannot be emptied beyond that moment until it ends. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "sqlite.h"

#define READER_WAIT_MS 2000
#define BACKUP_SPARE_BYTES                                                                                   \
    (16u << 20) /* that a backup leaves: the log may be so large (journal_size_limit) */

static struct str column_str(sqlite3_stmt *stmt, int i)
{
    const void *p = sqlite3_column_blob(stmt, i);
    return str_from(p, (size_t)sqlite3_column_bytes(stmt, i));
}

/* ---- resources ---- */

#define COL_HEALTH RESOURCE_COLUMNS_N /* only of what is live */

void sqlite_read_row(sqlite3_stmt *stmt, struct sqlite_row *out)
{
    struct str type = column_str(stmt, 0);
    *out = (struct sqlite_row){.type = type,
                               .key = {.type = res_type_by_stored_name(type),
                                       .mesh = column_str(stmt, 1),
                                       .name = column_str(stmt, 2)},
                               .spec = column_str(stmt, 3),
                               .format = sqlite3_column_int64(stmt, 4),
                               .origin = (enum res_origin)sqlite3_column_int(stmt, 5),
                               .created_ns = sqlite3_column_int64(stmt, 6),
                               .modified_ns = sqlite3_column_int64(stmt, 7),
                               .revision = (uint64_t)sqlite3_column_int64(stmt, 8)};
}

static struct resource *told(struct resource *dataplane, struct str health)
{
    struct resource *made = dataplane_with_health(dataplane, health);
    resource_unref(dataplane);
    return made;
}

static struct resource *decode_row(const struct sqlite *b, const struct sqlite_row *row, struct err *e)
{
    struct resource *r = NULL;
    struct buf plain;
    buf_init(&plain, BUF_MAX_RESOURCE);
    bool opened = row->format == 0 || sqlite_unseal(b, row, &plain, e) == ERR_NONE;
    if (opened)
        r = resource_from_stored(&row->key, row->format != 0 ? buf_str(&plain) : row->spec, e);
    buf_wipe(&plain);
    if (opened && !r) {
        err_add_context(e, "%s: stored " STR_FMT " mesh=" STR_FMT " name=" STR_FMT, b->path,
                        STR_ARG(row->type), STR_ARG(row->key.mesh), STR_ARG(row->key.name));
        e->kind = ERR_IO;
    }
    return r;
}

static enum err_kind load_row(struct sqlite *b, sqlite3_stmt *stmt, struct resource **out, struct err *e)
{
    struct sqlite_row row;
    sqlite_read_row(stmt, &row);
    if (row.key.type == RES_N || row.format < 0)
        return err_set(e, ERR_STALE,
                       "%s: written by a newer version: it holds a " STR_FMT
                       " this version cannot read; use that version",
                       b->path, STR_ARG(row.type));
    struct resource *r = decode_row(b, &row, e);
    if (!r)
        return e->kind;
    struct str health = sqlite3_column_count(stmt) > COL_HEALTH ? column_str(stmt, COL_HEALTH) : STR("");
    if (health.n > 0 && row.key.type == RES_DATAPLANE)
        r = told(r, health);
    r->origin = row.origin;
    r->created_ns = row.created_ns;
    r->modified_ns = row.modified_ns;
    r->revision = row.revision;
    *out = r;
    return ERR_NONE;
}

static enum err_kind load_rows(struct sqlite *b, sqlite3_stmt *stmt,
                               void (*each)(void *ctx, struct resource *), void *ctx, struct err *e)
{
    int step;
    while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct resource *r = NULL;
        if (load_row(b, stmt, &r, e) != ERR_NONE)
            return e->kind;
        each(ctx, r);
    }
    return step == SQLITE_DONE ? ERR_NONE : sqlite_fault_of(b->path, sqlite3_db_handle(stmt), "read", e);
}

/* The one row of 'state'. */
static enum err_kind read_counters(struct sqlite *b, sqlite3 *db, uint64_t *revision, uint64_t *pruned,
                                   struct err *e)
{
    static const char *const sql = "SELECT revision, pruned FROM state WHERE id = 1";
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
        *revision = (uint64_t)sqlite3_column_int64(stmt, 0);
        *pruned = (uint64_t)sqlite3_column_int64(stmt, 1);
    } else {
        sqlite_fault_of(b->path, db, sql, e);
    }
    sqlite3_finalize(stmt);
    return e->kind;
}

enum err_kind sqlite_load(struct backend *base, void (*each)(void *ctx, struct resource *), void *ctx,
                          uint64_t *revision, struct err *e)
{
    static const char *const rows = "SELECT " RESOURCE_COLUMNS ", health FROM resources";
    struct sqlite *b = sqlite_of(base);
    sqlite3_stmt *stmt = NULL;
    uint64_t pruned;
    if (read_counters(b, b->db, revision, &pruned, e) != ERR_NONE)
        return e->kind;
    if (sqlite3_prepare_v2(b->db, rows, -1, &stmt, NULL) != SQLITE_OK)
        return sqlite_fault(b, rows, e);
    enum err_kind kind = load_rows(b, stmt, each, ctx, e);
    sqlite3_finalize(stmt);
    return kind == ERR_NONE ? sqlite_reseal(b, e) : kind; /* not before all is known to be good */
}

enum err_kind sqlite_load_vips(struct backend *base, void (*each)(void *ctx, const struct vip_row *),
                               void *ctx, struct err *e)
{
    static const char *const rows = "SELECT mesh, kind, name, address, unused FROM vips";
    struct sqlite *b = sqlite_of(base);
    sqlite3_stmt *stmt = NULL;
    int step = sqlite3_prepare_v2(b->db, rows, -1, &stmt, NULL);
    while (stmt && (step = sqlite3_step(stmt)) == SQLITE_ROW)
        each(ctx, &(struct vip_row){.mesh = column_str(stmt, 0),
                                    .kind = (enum vip_kind)sqlite3_column_int(stmt, 1),
                                    .name = column_str(stmt, 2),
                                    .address = (uint32_t)sqlite3_column_int64(stmt, 3),
                                    .unused_ns = sqlite3_column_int64(stmt, 4)});
    enum err_kind kind = step == SQLITE_DONE ? ERR_NONE : sqlite_fault(b, rows, e);
    sqlite3_finalize(stmt);
    sqlite3_db_release_memory(b->db); /* the file is not read again */
    return kind;
}

/* ---- the reader's connection ---- */

static enum err_kind exec(struct sqlite *b, sqlite3 *db, const char *sql, struct err *e)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? ERR_NONE
                                                                : sqlite_fault_of(b->path, db, sql, e);
}

static enum err_kind open_reader(struct sqlite *b, struct err *e)
{
    static const char *const settings = "PRAGMA query_only = ON;"
                                        "PRAGMA cache_size = -2000;" /* KiB */
                                        "PRAGMA temp_store = MEMORY;"
                                        "PRAGMA trusted_schema = OFF;"
                                        "PRAGMA cell_size_check = ON";
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    sqlite3 *db = NULL;
    if (sqlite3_open_v2(b->path, &db, flags, SQLITE_VFS) != SQLITE_OK) {
        sqlite_fault_of(b->path, db, "open", e);
    } else {
        sqlite3_busy_timeout(db, READER_WAIT_MS);
        sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        exec(b, db, settings, e);
    }
    if (e->kind == ERR_NONE)
        b->reader = db;
    else
        sqlite3_close(db);
    return e->kind;
}

enum err_kind sqlite_read_begin(struct backend *base, uint64_t *newest, uint64_t *pruned, struct err *e)
{
    struct sqlite *b = sqlite_of(base);
    if (!b->reader && open_reader(b, e) != ERR_NONE)
        return e->kind;
    if (exec(b, b->reader, "BEGIN", e) != ERR_NONE)
        return e->kind;
    return read_counters(b, b->reader, newest, pruned, e);
}

void sqlite_read_end(struct backend *base)
{
    struct sqlite *b = sqlite_of(base);
    if (b->reader && !sqlite3_get_autocommit(b->reader))
        sqlite3_exec(b->reader, "ROLLBACK", NULL, NULL, NULL); /* nothing was written */
    if (b->reader)
        sqlite3_db_release_memory(b->reader);
}

/* ---- history ---- */

#define BIND_TYPE 3
#define BIND_MESH 4
#define BIND_NAME 5
#define BIND_MESH_TYPE 6

/* Rows that satisfy 'when', which binds 1 and 2, and belong to the scope. Text is put together, and not one
 * statement used for all scopes, so that each finds its index. */
static sqlite3_stmt *prepare_rows(struct sqlite *b, const char *columns, const char *when,
                                  const struct history_scope *scope, struct err *e)
{
    const char *type = scope->type == RES_N ? "" : " AND type = ?3", *mesh = "";
    sqlite3_stmt *stmt = NULL;
    char sql[512];
    if (scope->mesh.p && scope->type == RES_MESH)
        mesh = " AND mesh IS NULL AND name = ?4";
    else if (scope->mesh.p && scope->type == RES_N)
        mesh = " AND (mesh = ?4 OR (mesh IS NULL AND type = ?6 AND name = ?4))";
    else if (scope->mesh.p)
        mesh = " AND mesh = ?4";
    snprintf(sql, sizeof(sql), "SELECT %s FROM history WHERE %s%s%s%s", columns, when, type, mesh,
             scope->name.p ? " AND name = ?5" : "");
    if (sqlite3_prepare_v2(b->reader, sql, -1, &stmt, NULL) != SQLITE_OK) {
        sqlite_fault_of(b->path, b->reader, sql, e);
        return NULL;
    }
    if (scope->type != RES_N)
        sqlite_bind_str(stmt, BIND_TYPE, res_type_info(scope->type)->name);
    if (scope->mesh.p)
        sqlite_bind_str(stmt, BIND_MESH, scope->mesh);
    if (scope->name.p)
        sqlite_bind_str(stmt, BIND_NAME, scope->name);
    if (scope->mesh.p && scope->type == RES_N)
        sqlite_bind_str(stmt, BIND_MESH_TYPE, res_type_info(RES_MESH)->name);
    return stmt;
}

enum err_kind sqlite_read_state(struct backend *base, uint64_t revision, const struct history_scope *scope,
                                void (*each)(void *ctx, struct resource *), void *ctx, struct err *e)
{
    struct sqlite *b = sqlite_of(base);
    sqlite3_stmt *stmt = prepare_rows(b, RESOURCE_COLUMNS, "superseded > ?1 AND revision <= ?1", scope, e);
    if (!stmt)
        return e->kind;
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)revision);
    enum err_kind kind = load_rows(b, stmt, each, ctx, e);
    sqlite3_finalize(stmt);
    return kind;
}

enum err_kind sqlite_read_rows(struct backend *base, uint64_t first, uint64_t last,
                               const struct history_scope *scope,
                               void (*each)(void *ctx, const struct history_row *), void *ctx, struct err *e)
{
    struct sqlite *b = sqlite_of(base);
    sqlite3_stmt *stmt =
        prepare_rows(b, "type, mesh, name, origin, revision, superseded",
                     "(revision BETWEEN ?1 AND ?2 OR superseded BETWEEN ?1 AND ?2)", scope, e);
    int step;
    if (!stmt)
        return e->kind;
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)first);
    sqlite3_bind_int64(stmt, 2, (sqlite3_int64)last);
    while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct history_row row = {
            .key = {.type = res_type_by_name(column_str(stmt, 0)),
                    .mesh = column_str(stmt, 1),
                    .name = column_str(stmt, 2)},
            .origin = (enum res_origin)sqlite3_column_int(stmt, 3),
            .revision = (uint64_t)sqlite3_column_int64(stmt, 4),
            .superseded = (uint64_t)sqlite3_column_int64(stmt, 5),
        };
        if (row.key.type != RES_N) /* a newer version's: no resource of this one's was ever it */
            each(ctx, &row);
    }
    if (step != SQLITE_DONE)
        sqlite_fault_of(b->path, b->reader, "read history", e);
    sqlite3_finalize(stmt);
    return e->kind;
}

enum err_kind sqlite_read_revision(struct backend *base, uint64_t revision, struct arena *arena,
                                   struct history_entry *out, struct err *e)
{
    static const char *const sql = "SELECT author, origin, time FROM revisions WHERE revision = ?1";
    struct sqlite *b = sqlite_of(base);
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(b->reader, sql, -1, &stmt, NULL) != SQLITE_OK)
        return sqlite_fault_of(b->path, b->reader, sql, e);
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)revision);
    int step = sqlite3_step(stmt);
    out->revision = revision;
    if (step == SQLITE_ROW) {
        out->author = arena_str(arena, column_str(stmt, 0));
        out->origin = (enum res_origin)sqlite3_column_int(stmt, 1);
        out->time_ns = sqlite3_column_int64(stmt, 2);
    } else if (step != SQLITE_DONE) {
        sqlite_fault_of(b->path, b->reader, sql, e);
    }
    sqlite3_finalize(stmt);
    return e->kind;
}

/* ---- backup ---- */

/* All pages in one step: the reader's transaction is the moment that is copied. The copy has no log, and what
 * becomes of it before it is whole is of no interest. */
static enum err_kind copy_pages(struct sqlite *b, sqlite3 *to, const char *path, struct err *e)
{
    if (sqlite3_exec(to, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", NULL, NULL, NULL) !=
        SQLITE_OK)
        return sqlite_fault_of(path, to, "open", e);
    sqlite3_backup *copy = sqlite3_backup_init(to, "main", b->reader, "main");
    if (!copy)
        return sqlite_fault_of(path, to, "backup", e);
    int step = sqlite3_backup_step(copy, -1);
    if (sqlite3_backup_finish(copy) != SQLITE_OK || step != SQLITE_DONE)
        return sqlite_fault_of(path, to, "backup", e);
    return ERR_NONE;
}

/* Makes the file, copies, and opens it for reading; it has a name only meanwhile. Another process cannot make
 * one of the same name: it does not get the store. */
static enum err_kind copy_all(struct sqlite *b, const char *path, int *fd, struct err *e)
{
    sqlite3 *to = NULL;
    int made = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (made < 0 || fchmod(made, 0600) != 0)
        err_set(e, ERR_IO, "%s: %m", path);
    if (made >= 0)
        close(made);
    if (e->kind != ERR_NONE)
        return e->kind;
    if (sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                        NULL) != SQLITE_OK)
        sqlite_fault_of(path, to, "open", e);
    else
        copy_pages(b, to, path, e);
    sqlite3_close(to);
    if (e->kind == ERR_NONE && (*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) < 0)
        err_set(e, ERR_IO, "%s: %m", path);
    return e->kind;
}

/* A backup must not take the room that the next commits need. */
static enum err_kind check_room(const struct sqlite *b, struct err *e)
{
    static const char *const sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
    sqlite3_stmt *stmt = NULL;
    struct statvfs fs;
    uint64_t need = BACKUP_SPARE_BYTES;
    if (sqlite3_prepare_v2(b->reader, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
        need += (uint64_t)sqlite3_column_int64(stmt, 0);
    else
        sqlite_fault_of(b->path, b->reader, sql, e);
    sqlite3_finalize(stmt);
    if (e->kind == ERR_NONE && statvfs(b->path, &fs) != 0)
        err_set(e, ERR_IO, "%s: %m", b->path);
    if (e->kind != ERR_NONE)
        return e->kind;
    uint64_t room = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (room < need)
        return err_set(
            e, ERR_NO_SPACE,
            "a backup needs %llu bytes on the store's disk while it is under way, so that writes go "
            "on: %llu are free",
            (unsigned long long)need, (unsigned long long)room);
    return ERR_NONE;
}

enum err_kind sqlite_backup(struct backend *base, int *fd, struct err *e)
{
    struct sqlite *b = sqlite_of(base);
    if (check_room(b, e) != ERR_NONE)
        return e->kind;
    struct str path = arena_printf(e->arena, "%s.backup", b->path);
    unlink(path.p); /* of a process that was killed in the middle */
    copy_all(b, path.p, fd, e);
    unlink(path.p);
    return e->kind;
}
