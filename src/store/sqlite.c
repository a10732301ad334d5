/* sqlite.c -- the durable back end: one SQLite file, in WAL mode, with every commit synced.
 *
 * The file is read once, at open; afterwards it is written through statements prepared once, and history is
 * read through a connection of its own (sqlite_read.c). The process holds the file's lock, so a second daemon
 * cannot open it. Opening stands in sqlite_open.c. */
#include "sqlite.h"

#include <errno.h>
#include <sys/stat.h>

#include "ursa/base/alloc.h"
#include "ursa/base/count.h"
#include "ursa/base/log.h"

/* ---- statements ---- */

/* A global resource's mesh is NULL: bind_mesh(). */
static const char *const statements[SQL_N] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_COUNT_REVISION] = "UPDATE state SET revision = ?1 WHERE id = 1",
    [SQL_ADD_REVISION] = "INSERT INTO revisions (revision, author, origin, time) VALUES (?1, ?2, ?3, ?4)",
    [SQL_ADD_MESH] = "INSERT INTO meshes (name) VALUES (?1)",
    [SQL_REMOVE_MESH] = "DELETE FROM meshes WHERE name = ?1",
    [SQL_INSERT] =
        "INSERT INTO resources (type, mesh, name, spec, origin, created, modified, revision, format, health)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [SQL_UPDATE] = "UPDATE resources SET spec = ?4, origin = ?5, created = ?6, modified = ?7, revision = ?8,"
                   " format = ?9, health = ?10 WHERE type = ?1 AND mesh IS ?2 AND name = ?3",
    [SQL_REMOVE] = "DELETE FROM resources WHERE type = ?1 AND mesh IS ?2 AND name = ?3",
    [SQL_PUT_VIP] = "INSERT INTO vips (mesh, kind, name, address, unused) VALUES (?1, ?2, ?3, ?4, ?5)"
                    " ON CONFLICT (mesh, kind, name) DO UPDATE SET address = ?4, unused = ?5",
    [SQL_REMOVE_VIP] = "DELETE FROM vips WHERE mesh = ?1 AND kind = ?2 AND name = ?3",
    [SQL_REMOVE_VIPS] = "DELETE FROM vips WHERE mesh = ?1",
    [SQL_ARCHIVE] =
        "INSERT INTO history"
        " (type, mesh, name, spec, labels, format, origin, created, modified, revision, superseded)"
        " VALUES (?1, ?2, ?3, ?4, '{}', ?9, ?5, ?6, ?7, ?8, ?10)",
    [SQL_OLDEST_REVISIONS] = "SELECT revision, time FROM revisions ORDER BY revision LIMIT ?1",
    [SQL_NOTE_PRUNED] = "UPDATE state SET pruned = ?1 WHERE id = 1 AND pruned < ?1",
    [SQL_PRUNE_HISTORY] = "DELETE FROM history WHERE rowid IN"
                          " (SELECT rowid FROM history WHERE superseded <= ?1 ORDER BY superseded LIMIT ?2)",
    [SQL_PRUNE_REVISIONS] = "DELETE FROM revisions WHERE revision <= ?1",
};
/* What a commit forgets at most, beside twice what it added itself: history that is too long gets shorter
 * with every commit, however much that brings, and none takes much longer than its own work does. */
#define PRUNE_REVISIONS 64
#define PRUNE_ROWS 256

enum err_kind sqlite_fault(struct sqlite *b, const char *doing, struct err *e)
{
    return sqlite_fault_of(b->path, b->db, doing, e);
}

enum err_kind sqlite_fault_of(const char *path, sqlite3 *db, const char *doing, struct err *e)
{
    int extended = sqlite3_extended_errcode(db), code = extended & 0xff;
    int os_error = sqlite3_system_errno(db);
    enum err_kind kind = ERR_BUG;
    switch (code) {
    case SQLITE_NOMEM:
        die_no_memory(0);
    case SQLITE_FULL:
        kind = ERR_NO_SPACE;
        break;
    case SQLITE_IOERR: /* a failed sync, for want of space or not, leaves it open what is on the disk */
        kind = (os_error == ENOSPC || os_error == EDQUOT) && extended != SQLITE_IOERR_FSYNC ? ERR_NO_SPACE
                                                                                            : ERR_IO;
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
        kind = ERR_IO;
        break;
    case SQLITE_BUSY:
        kind = ERR_CONFLICT;
        break;
    case SQLITE_TOOBIG:
        kind = ERR_LIMIT;
        break;
    default:
        break;
    }
    if (kind == ERR_BUG)
        return ERR_BUG_HERE(e, "%s: %s", doing, sqlite3_errmsg(db));
    return err_set(e, kind, "%s: %s: %s", path, doing, sqlite3_errmsg(db));
}

enum err_kind sqlite_prepare(struct sqlite *b, struct err *e)
{
    for (size_t i = 0; i < SQL_N; i++)
        if (sqlite3_prepare_v3(b->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT, &b->stmts[i], NULL) !=
            SQLITE_OK)
            return sqlite_fault(b, statements[i], e);
    return ERR_NONE;
}

void sqlite_bind_str(sqlite3_stmt *stmt, int i, struct str s)
{
    sqlite3_bind_text64(stmt, i, s.p ? s.p : "", s.n, SQLITE_STATIC, SQLITE_UTF8);
}

static void bind_mesh(sqlite3_stmt *stmt, int i, struct str mesh)
{
    if (mesh.n)
        sqlite_bind_str(stmt, i, mesh);
    else
        sqlite3_bind_null(stmt, i);
}

static void bind_key(sqlite3_stmt *stmt, const struct res_key *key)
{
    sqlite_bind_str(stmt, 1, res_type_info(key->type)->name);
    bind_mesh(stmt, 2, key->mesh);
    sqlite_bind_str(stmt, 3, key->name);
}

/* Runs a statement that answers no row; its parameters are bound. */
static enum err_kind run(struct sqlite *b, enum sqlite_stmt_id id, struct err *e)
{
    sqlite3_stmt *stmt = b->stmts[id];
    enum err_kind kind = sqlite3_step(stmt) == SQLITE_DONE ? ERR_NONE : sqlite_fault(b, statements[id], e);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt); /* drops the pointers to the caller's memory */
    return kind;
}

/* ---- groups and transactions ---- */

static void sqlite_rollback(struct backend *base)
{
    struct sqlite *b = sqlite_of(base);
    if (sqlite3_get_autocommit(b->db))
        return; /* SQLite did so itself, as after a full disk */
    struct arena arena;
    arena_init(&arena);
    struct err e;
    err_init(&e, &arena);
    if (run(b, SQL_ROLLBACK, &e) != ERR_NONE)
        log_error("store", "rollback failed: error=\"" STR_FMT "\"", STR_ARG(e.text));
    arena_fini(&arena);
}

/* Moves the log's pages into the file now and then: before a group, so that a fault is that group's and not
 * one of something already durable and answered. Not left to SQLite's automatic checkpoint, which hides its
 * faults: after a failed one the log still holds every commit, but the disk is not to be trusted with more.
 */
static enum err_kind checkpoint(struct sqlite *b, struct err *e)
{
    if (b->wal_pages < SQLITE_CHECKPOINT_PAGES)
        return ERR_NONE;
    if (sqlite3_wal_checkpoint_v2(b->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) != SQLITE_OK)
        return sqlite_fault(b, "checkpoint", e);
    b->wal_pages = 0;
    COUNT(store_checkpoints);
    return ERR_NONE;
}

static enum err_kind sqlite_begin(struct backend *base, struct err *e)
{
    struct sqlite *b = sqlite_of(base);
    b->revision = 0;
    b->n_revised = b->n_archived = 0;
    enum err_kind kind = checkpoint(b, e);
    return kind != ERR_NONE ? kind : run(b, SQL_BEGIN, e);
}

static enum err_kind sqlite_commit(struct backend *base, struct err *e)
{
    struct sqlite *b = sqlite_of(base);
    enum err_kind kind = ERR_NONE;
    if (b->revision) {
        sqlite3_bind_int64(b->stmts[SQL_COUNT_REVISION], 1, (sqlite3_int64)b->revision);
        kind = run(b, SQL_COUNT_REVISION, e);
    }
    if (kind == ERR_NONE)
        kind = run(b, SQL_COMMIT, e);
    if (kind != ERR_NONE)
        sqlite_rollback(base);
    return kind;
}

static enum err_kind sqlite_revise(struct backend *base, const struct store_origin *origin, uint64_t revision,
                                   struct err *e)
{
    struct sqlite *b = sqlite_of(base);
    sqlite3_stmt *stmt = b->stmts[SQL_ADD_REVISION];
    b->revision = revision;
    b->n_revised++;
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)revision);
    sqlite_bind_str(stmt, 2, origin->author);
    sqlite3_bind_int(stmt, 3, (int)origin->origin);
    sqlite3_bind_int64(stmt, 4, origin->now_ns);
    return run(b, SQL_ADD_REVISION, e);
}

/* ---- rows ---- */

static void bind_row(struct sqlite *b, sqlite3_stmt *stmt, const struct resource *r)
{
    bool sealed = res_type_info(r->key.type)->traits & RES_SEALED;
    struct str spec = sealed ? sqlite_seal(b, r) : blob_str(r->spec_json);
    bind_key(stmt, &r->key);
    sqlite3_bind_blob64(stmt, 4, spec.p, spec.n, SQLITE_STATIC);
    sqlite3_bind_int(stmt, 5, (int)r->origin);
    sqlite3_bind_int64(stmt, 6, r->created_ns);
    sqlite3_bind_int64(stmt, 7, r->modified_ns);
    sqlite3_bind_int64(stmt, 8, (sqlite3_int64)r->revision);
    sqlite3_bind_int64(stmt, 9, sealed ? seal_ring_number(b->ring, 0) : 0);
}

static enum err_kind write_row(struct sqlite *b, enum sqlite_stmt_id id, const struct resource *r,
                               struct err *e)
{
    bind_row(b, b->stmts[id], r);
    return run(b, id, e);
}

static enum err_kind write_live(struct sqlite *b, enum sqlite_stmt_id id, const struct resource *r,
                                struct err *e)
{
    sqlite_bind_str(b->stmts[id], 10, r->health);
    return write_row(b, id, r, e);
}

static enum err_kind write_mesh(struct sqlite *b, enum sqlite_stmt_id id, const struct res_key *key,
                                struct err *e)
{
    if (key->type != RES_MESH)
        return ERR_NONE;
    sqlite_bind_str(b->stmts[id], 1, key->name);
    return run(b, id, e);
}

static enum err_kind sqlite_insert(struct backend *base, const struct resource *r, struct err *e)
{
    struct sqlite *b = sqlite_of(base);
    enum err_kind kind = write_mesh(b, SQL_ADD_MESH, &r->key, e);
    return kind != ERR_NONE ? kind : write_live(b, SQL_INSERT, r, e);
}

static enum err_kind sqlite_update(struct backend *base, const struct resource *r, struct err *e)
{
    return write_live(sqlite_of(base), SQL_UPDATE, r, e);
}

static enum err_kind sqlite_remove(struct backend *base, const struct res_key *key, struct err *e)
{
    struct sqlite *b = sqlite_of(base);
    bind_key(b->stmts[SQL_REMOVE], key);
    enum err_kind kind = run(b, SQL_REMOVE, e);
    if (kind == ERR_NONE)
        kind = write_mesh(b, SQL_REMOVE_VIPS, key, e);
    return kind != ERR_NONE ? kind : write_mesh(b, SQL_REMOVE_MESH, key, e);
}

static void bind_vip(sqlite3_stmt *stmt, const struct vip_row *row)
{
    sqlite_bind_str(stmt, 1, row->mesh);
    sqlite3_bind_int(stmt, 2, (int)row->kind);
    sqlite_bind_str(stmt, 3, row->name);
}

static enum err_kind sqlite_put_vip(struct backend *base, const struct vip_row *row, struct err *e)
{
    struct sqlite *b = sqlite_of(base);
    sqlite3_stmt *stmt = b->stmts[SQL_PUT_VIP];
    bind_vip(stmt, row);
    sqlite3_bind_int64(stmt, 4, row->address);
    sqlite3_bind_int64(stmt, 5, row->unused_ns);
    return run(b, SQL_PUT_VIP, e);
}

static enum err_kind sqlite_remove_vip(struct backend *base, const struct vip_row *row, struct err *e)
{
    struct sqlite *b = sqlite_of(base);
    bind_vip(b->stmts[SQL_REMOVE_VIP], row);
    return run(b, SQL_REMOVE_VIP, e);
}

/* From the object, which is what the row says: finding and reading that again took as long as writing this.
 */
static enum err_kind sqlite_archive(struct backend *base, struct resource *r, uint64_t superseded,
                                    struct err *e)
{
    struct sqlite *b = sqlite_of(base);
    sqlite3_bind_int64(b->stmts[SQL_ARCHIVE], 10, (sqlite3_int64)superseded);
    b->n_archived++;
    return write_row(b, SQL_ARCHIVE, r, e);
}

/* The newest of the oldest revisions that are due, 0 when none is. */
static enum err_kind find_due(struct sqlite *b, uint64_t upto, int64_t before_ns, sqlite3_int64 *due,
                              struct err *e)
{
    sqlite3_stmt *stmt = b->stmts[SQL_OLDEST_REVISIONS];
    int step;
    *due = 0;
    sqlite3_bind_int64(stmt, 1, PRUNE_REVISIONS + 2 * b->n_revised);
    while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
        sqlite3_int64 revision = sqlite3_column_int64(stmt, 0);
        if ((uint64_t)revision > upto && sqlite3_column_int64(stmt, 1) >= before_ns)
            break;
        *due = revision;
    }
    enum err_kind kind = step == SQLITE_ROW || step == SQLITE_DONE
                             ? ERR_NONE
                             : sqlite_fault(b, statements[SQL_OLDEST_REVISIONS], e);
    sqlite3_reset(stmt);
    return kind;
}

static enum err_kind sqlite_prune(struct backend *base, uint64_t upto, int64_t before_ns, struct err *e)
{
    struct sqlite *b = sqlite_of(base);
    sqlite3_int64 due, most = PRUNE_ROWS + 2 * b->n_archived;
    if (find_due(b, upto, before_ns, &due, e) != ERR_NONE)
        return e->kind;
    /* What is past the limit cannot be told from now on, also where its rows go with later commits. */
    sqlite3_bind_int64(b->stmts[SQL_NOTE_PRUNED], 1, due > (sqlite3_int64)upto ? due : (sqlite3_int64)upto);
    if (run(b, SQL_NOTE_PRUNED, e) != ERR_NONE)
        return e->kind;
    if (due == 0)
        return ERR_NONE;
    sqlite3_bind_int64(b->stmts[SQL_PRUNE_HISTORY], 1, due);
    sqlite3_bind_int64(b->stmts[SQL_PRUNE_HISTORY], 2, most);
    if (run(b, SQL_PRUNE_HISTORY, e) != ERR_NONE)
        return e->kind;
    if (sqlite3_changes(b->db) == most)
        return ERR_NONE; /* there may be more: the next commit goes on */
    sqlite3_bind_int64(b->stmts[SQL_PRUNE_REVISIONS], 1, due);
    return run(b, SQL_PRUNE_REVISIONS, e);
}

static uint64_t sqlite_file_bytes(struct backend *base)
{
    struct sqlite *b = sqlite_of(base);
    struct stat file = {0}, wal = {0};
    if (stat(b->path, &file) != 0 || stat(b->wal_path, &wal) != 0)
        return (uint64_t)file.st_size; /* the log is not there before the first write */
    return (uint64_t)file.st_size + (uint64_t)wal.st_size;
}

static void sqlite_close(struct backend *base)
{
    sqlite_free(sqlite_of(base));
}

const struct backend_ops sqlite_ops = {
    .close = sqlite_close,
    .load = sqlite_load,
    .load_vips = sqlite_load_vips,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .revise = sqlite_revise,
    .insert = sqlite_insert,
    .update = sqlite_update,
    .remove = sqlite_remove,
    .put_vip = sqlite_put_vip,
    .remove_vip = sqlite_remove_vip,
    .archive = sqlite_archive,
    .prune = sqlite_prune,
    .file_bytes = sqlite_file_bytes,
    .read_begin = sqlite_read_begin,
    .read_end = sqlite_read_end,
    .read_state = sqlite_read_state,
    .read_rows = sqlite_read_rows,
    .read_revision = sqlite_read_revision,
    .backup = sqlite_backup,
};
