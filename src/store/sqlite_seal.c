/* sqlite_seal.c -- rows that may hold a key (RES_SEALED) are sealed: 'format' is 0 for plain text, else the
 * number of the key that opens it.
 *
 * The seal binds a row's text to what else the row says, so that a row which was put in another one's place
 * does not open. Rows that are not sealed with the first key -- of a store that is older than sealing, or
 * after a new key came -- are sealed with it when the store is opened. */
#include <inttypes.h>
#include <string.h>

#include "key_file.h"
#include "sqlite.h"
#include "ursa/base/log.h"
#include "ursa/base/vec.h"

/* ---- one row ---- */

/* Lengths stand before texts, so that no two rows have the same. */
static struct str bound_of(const struct sqlite_row *row, struct buf *out)
{
    const struct res_key *key = &row->key;
    buf_init(out, BUF_MAX_RESOURCE);
    buf_printf(out, "%d %zu %zu %zu " STR_FMT STR_FMT STR_FMT, (int)row->origin, row->type.n, key->mesh.n,
               key->name.n, STR_ARG(row->type), STR_ARG(key->mesh), STR_ARG(key->name));
    buf_printf(out, " %" PRId64 " %" PRId64 " %" PRIu64, row->created_ns, row->modified_ns, row->revision);
    return buf_str(out);
}

static void seal(const struct seal_ring *ring, const struct sqlite_row *row, struct str plain,
                 struct buf *out)
{
    struct buf bound;
    seal_wrap(ring, bound_of(row, &bound), plain, out);
    buf_fini(&bound);
}

struct str sqlite_seal(struct sqlite *b, const struct resource *r)
{
    const struct sqlite_row row = {.type = res_type_info(r->key.type)->name,
                                   .key = r->key,
                                   .origin = r->origin,
                                   .created_ns = r->created_ns,
                                   .modified_ns = r->modified_ns,
                                   .revision = r->revision};
    buf_clear(&b->sealed);
    seal(b->ring, &row, blob_str(r->spec_json), &b->sealed);
    return buf_str(&b->sealed);
}

enum err_kind sqlite_unseal(const struct sqlite *b, const struct sqlite_row *row, struct buf *out,
                            struct err *e)
{
    struct buf bound;
    bool good = seal_unwrap(b->ring, row->format, bound_of(row, &bound), row->spec, out);
    buf_fini(&bound);
    if (good)
        return ERR_NONE;
    return err_set(e, ERR_IO,
                   "%s: stored " STR_FMT " mesh=" STR_FMT " name=" STR_FMT " revision=%" PRIu64
                   ": its seal does not hold: it was damaged, or changed by another "
                   "program; restore a backup",
                   b->path, STR_ARG(row->type), STR_ARG(row->key.mesh), STR_ARG(row->key.name),
                   row->revision);
}

/* ---- the keys ---- */

/* Steps through the rows of a query, each of which is one number. */
static enum err_kind each_number(struct sqlite *b, sqlite3_stmt *stmt, void (*each)(void *ctx, int64_t),
                                 void *ctx, struct err *e)
{
    int step;
    while ((step = sqlite3_step(stmt)) == SQLITE_ROW)
        each(ctx, sqlite3_column_int64(stmt, 0));
    return step == SQLITE_DONE ? ERR_NONE : sqlite_fault(b, "read", e);
}

struct numbers {
    struct VEC(int64_t) list;
};

static void add_number(void *ctx, int64_t number)
{
    VEC_PUSH(&((struct numbers *)ctx)->list, number);
}

/* The numbers of the keys that rows are sealed with. */
static enum err_kind find_needed(struct sqlite *b, struct numbers *needed, struct err *e)
{
    static const char *const sql = "SELECT format FROM resources WHERE format > 0 UNION"
                                   " SELECT format FROM history WHERE format > 0";
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(b->db, sql, -1, &stmt, NULL) != SQLITE_OK)
        return sqlite_fault(b, sql, e);
    (void)each_number(b, stmt, add_number, needed, e);
    sqlite3_finalize(stmt);
    return e->kind;
}

static enum err_kind refuse_without(const char *path, const char *key_file, int64_t number, struct err *e)
{
    return err_set(e, ERR_DENIED,
                   "%s: it is sealed with key %016" PRIx64 ", which is not in %s: put the key file back that "
                   "belongs to this store, or name it (store.sealKeyFile); nothing was changed",
                   path, number, key_file);
}

static enum err_kind read_keys(struct sqlite *b, const struct store_options *options, bool is_sealed,
                               struct err *e)
{
    if (key_file_read(options->key_file, &b->ring, e) != ERR_NOT_FOUND || is_sealed)
        return e->kind;
    if (!options->makes_key_file)
        return err_set(e, ERR_NOT_FOUND,
                       "%s: there is no such key file: 'ursa-cp seal rotate' makes one (store.sealKeyFile)",
                       options->key_file);
    err_init(e, e->arena);
    if (key_file_make(options->key_file, &b->ring, e) == ERR_NONE)
        log_info("store", "made the key that secrets are sealed with file=%s key=%016" PRIx64,
                 options->key_file, seal_ring_number(b->ring, 0));
    return e->kind;
}

enum err_kind sqlite_take_keys(struct sqlite *b, const struct store_options *options, struct err *e)
{
    struct numbers needed = {0};
    if (find_needed(b, &needed, e) == ERR_NONE &&
        read_keys(b, options, needed.list.n > 0, e) == ERR_NOT_FOUND && needed.list.n > 0)
        (void)refuse_without(b->path, options->key_file, needed.list.v[0], e);
    for (size_t i = 0; i < needed.list.n && e->kind == ERR_NONE; i++)
        if (!seal_ring_has(b->ring, needed.list.v[i]))
            (void)refuse_without(b->path, options->key_file, needed.list.v[i], e);
    VEC_FINI(&needed.list);
    return e->kind;
}

/* ---- sealing what is there ---- */

struct reseal {
    struct sqlite *b;
    const char *table;
    size_t n, n_plain; /* rows that were sealed; those of them that were plain text */
};

/* The table's rows that should be sealed with the first key and are not. */
static enum err_kind find_stale(struct reseal *s, struct numbers *rows, struct err *e)
{
    struct sqlite *b = s->b;
    sqlite3_stmt *stmt = NULL;
    for (enum res_type type = 0; type < RES_N && e->kind == ERR_NONE; type++) {
        if (!(res_type_info(type)->traits & RES_SEALED))
            continue;
        struct str sql = arena_printf(
            e->arena, "SELECT rowid FROM %s WHERE type = ?1 AND format >= 0 AND format <> ?2", s->table);
        if (sqlite3_prepare_v2(b->db, sql.p, -1, &stmt, NULL) != SQLITE_OK)
            return sqlite_fault(b, sql.p, e);
        sqlite_bind_str(stmt, 1, res_type_info(type)->name);
        sqlite3_bind_int64(stmt, 2, seal_ring_number(b->ring, 0));
        (void)each_number(b, stmt, add_number, rows, e);
        sqlite3_finalize(stmt);
    }
    return e->kind;
}

static enum err_kind write_sealed(struct reseal *s, sqlite3_stmt *write, int64_t id,
                                  const struct sqlite_row *row, struct str plain, struct err *e)
{
    struct sqlite *b = s->b;
    buf_clear(&b->sealed);
    seal(b->ring, row, plain, &b->sealed);
    sqlite3_bind_int64(write, 1, id);
    sqlite3_bind_blob64(write, 2, b->sealed.p, b->sealed.n, SQLITE_STATIC);
    sqlite3_bind_int64(write, 3, seal_ring_number(b->ring, 0));
    if (sqlite3_step(write) != SQLITE_DONE)
        return sqlite_fault(b, "seal", e);
    sqlite3_reset(write);
    s->n++;
    s->n_plain += row->format == 0;
    return ERR_NONE;
}

/* Seals the row that 'read' stands on by 'write'. */
static enum err_kind reseal_row(struct reseal *s, sqlite3_stmt *read, sqlite3_stmt *write, int64_t id,
                                struct err *e)
{
    struct sqlite_row row;
    struct buf plain;
    sqlite_read_row(read, &row);
    buf_init(&plain, BUF_MAX_RESOURCE);
    if (row.format == 0)
        buf_add_str(&plain, row.spec);
    if (row.format == 0 || sqlite_unseal(s->b, &row, &plain, e) == ERR_NONE)
        write_sealed(s, write, id, &row, buf_str(&plain), e);
    buf_wipe(&plain);
    return e->kind;
}

static enum err_kind reseal_rows(struct reseal *s, const struct numbers *rows, struct err *e)
{
    struct sqlite *b = s->b;
    struct arena *a = e->arena;
    struct str read_sql = arena_printf(a, "SELECT " RESOURCE_COLUMNS " FROM %s WHERE rowid = ?1", s->table);
    struct str write_sql = arena_printf(a, "UPDATE %s SET spec = ?2, format = ?3 WHERE rowid = ?1", s->table);
    sqlite3_stmt *read = NULL, *write = NULL;
    if (sqlite3_prepare_v2(b->db, read_sql.p, -1, &read, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(b->db, write_sql.p, -1, &write, NULL) != SQLITE_OK)
        sqlite_fault(b, "prepare", e);
    for (size_t i = 0; i < rows->list.n && e->kind == ERR_NONE; i++) {
        sqlite3_bind_int64(read, 1, rows->list.v[i]);
        if (sqlite3_step(read) != SQLITE_ROW)
            sqlite_fault(b, read_sql.p, e);
        else
            (void)reseal_row(s, read, write, rows->list.v[i], e);
        sqlite3_reset(read);
    }
    sqlite3_finalize(read);
    sqlite3_finalize(write);
    return e->kind;
}

static enum err_kind reseal_table(struct reseal *s, const char *table, struct err *e)
{
    struct numbers rows = {0};
    s->table = table;
    if (find_stale(s, &rows, e) == ERR_NONE)
        (void)reseal_rows(s, &rows, e);
    VEC_FINI(&rows.list);
    return e->kind;
}

static enum err_kind reseal(struct reseal *s, struct err *e)
{
    struct sqlite *b = s->b;
    if (sqlite_exec(b, "BEGIN IMMEDIATE", e) != ERR_NONE || reseal_table(s, "resources", e) != ERR_NONE ||
        reseal_table(s, "history", e) != ERR_NONE)
        return e->kind; /* closing rolls back */
    if (s->n > 0 && sqlite_exec(b, "UPDATE state SET traces = 1 WHERE id = 1", e) != ERR_NONE)
        return e->kind;
    return sqlite_exec(b, "COMMIT", e);
}

/* Unused parts of pages, and the log, may still hold what stood there before. Also after a process was killed
 * between the commit above and the end of this. */
static enum err_kind sweep(struct sqlite *b, struct err *e)
{
    int64_t traces = 0;
    if (sqlite_query_number(b, "SELECT traces FROM state WHERE id = 1", &traces, e) != ERR_NONE || !traces)
        return e->kind;
    if (sqlite_exec(b, "VACUUM", e) != ERR_NONE)
        return e->kind;
    if (sqlite3_wal_checkpoint_v2(b->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) != SQLITE_OK)
        return sqlite_fault(b, "checkpoint", e);
    return sqlite_exec(b, "UPDATE state SET traces = 0 WHERE id = 1", e);
}

enum err_kind sqlite_reseal(struct sqlite *b, struct err *e)
{
    struct reseal s = {.b = b};
    if (reseal(&s, e) != ERR_NONE || sweep(b, e) != ERR_NONE) {
        err_add_context(e, "%s: sealing what is stored", b->path);
        return e->kind;
    }
    if (s.n > 0)
        log_info("store", "path=%s sealed=%zu key=%016" PRIx64, b->path, s.n, seal_ring_number(b->ring, 0));
    if (s.n_plain > 0)
        log_warn("store",
                 "path=%s plain=%zu rows were not sealed before now: older backups, and files beside the "
                 "store that a restore kept, hold their keys in plain text",
                 b->path, s.n_plain);
    return ERR_NONE;
}
