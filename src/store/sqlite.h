/* sqlite.h -- the SQLite back end's inside: shared by sqlite.c (writing), sqlite_read.c (reading) and
 * sqlite_open.c (opening). */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include <sqlite3.h>

#include "backend.h"
#include "ursa/base/seal.h"

enum sqlite_stmt_id {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_COUNT_REVISION,
    SQL_ADD_REVISION,
    SQL_ADD_MESH,
    SQL_REMOVE_MESH,
    SQL_INSERT,
    SQL_UPDATE,
    SQL_REMOVE,
    SQL_PUT_VIP,
    SQL_REMOVE_VIP,
    SQL_REMOVE_VIPS,
    SQL_ARCHIVE,
    SQL_OLDEST_REVISIONS,
    SQL_NOTE_PRUNED,
    SQL_PRUNE_HISTORY,
    SQL_PRUNE_REVISIONS,
    SQL_N
};

/* Locks the file for this process as a whole: others are kept out, several connections of ours are not. The
 * log's index is kept in memory, which they share. */
#define SQLITE_VFS "unix-excl"
#define SQLITE_CHECKPOINT_PAGES 1000 /* 4 MB of log */

struct sqlite {
    struct backend base;
    char *path, *wal_path;
    sqlite3 *db;
    sqlite3_stmt *stmts[SQL_N];
    struct seal_ring *ring;        /* the keys that rows are sealed with; it does not change */
    struct buf sealed;             /* the writer's: the spec of the row that it is writing */
    int wal_pages;                 /* in the log after the last commit */
    uint64_t revision;             /* the newest of this group; 0: none */
    int64_t n_revised, n_archived; /* revisions and rows of history that this group made */
    sqlite3 *reader;               /* the reader thread's connection; NULL before its first use */
};

extern const struct backend_ops sqlite_ops;

static inline struct sqlite *sqlite_of(struct backend *b)
{
    return CONTAINER_OF(b, struct sqlite, base);
}

MUST_USE enum err_kind sqlite_prepare(struct sqlite *, struct err *e);
/* The connection's last error as ours; 'doing' says at what. */
enum err_kind sqlite_fault(struct sqlite *, const char *doing, struct err *e);
/* The same for another connection than the writer's. */
enum err_kind sqlite_fault_of(const char *path, sqlite3 *, const char *doing, struct err *e);
void sqlite_bind_str(sqlite3_stmt *, int i, struct str);
MUST_USE enum err_kind sqlite_exec(struct sqlite *, const char *sql, struct err *e);
/* The first column of the first row. */
MUST_USE enum err_kind sqlite_query_number(struct sqlite *, const char *sql, int64_t *number, struct err *e);
void sqlite_free(struct sqlite *);
/* Is the file a store of ours, or empty? ERR_STALE: of a newer version. */
MUST_USE enum err_kind sqlite_check_header(const char *path, int fd, struct err *e);

/* A row of resources or of history, as it is stored. Its texts are the statement's. */
#define RESOURCE_COLUMNS "type, mesh, name, spec, format, origin, created, modified, revision"
#define RESOURCE_COLUMNS_N 9
struct sqlite_row {
    struct str type;
    struct res_key key; /* of type RES_N when it is none of ours */
    struct str spec;
    int64_t format; /* of 'spec': 0 plain, above: sealed with the key of this number */
    enum res_origin origin;
    int64_t created_ns, modified_ns;
    uint64_t revision;
};
void sqlite_read_row(sqlite3_stmt *, struct sqlite_row *out);

/* sqlite_seal.c. The spec of a row that is about to be written, sealed; valid until the next one. */
struct str sqlite_seal(struct sqlite *, const struct resource *);
/* Appends the plain text of a row that is sealed; the caller wipes it. ERR_IO names a row whose seal does not
 * hold. Any thread. */
MUST_USE enum err_kind sqlite_unseal(const struct sqlite *, const struct sqlite_row *, struct buf *out,
                                     struct err *e);
/* Reads the key file, or makes it: before anything else is read. */
MUST_USE enum err_kind sqlite_take_keys(struct sqlite *, const struct store_options *, struct err *e);
/* Seals what is not sealed with the file's first key, and leaves no trace of what was there. */
MUST_USE enum err_kind sqlite_reseal(struct sqlite *, struct err *e);

/* sqlite_read.c: the back end's functions of these names (backend.h). */
enum err_kind sqlite_load(struct backend *, void (*each)(void *ctx, struct resource *), void *ctx,
                          uint64_t *revision, struct err *e);
enum err_kind sqlite_load_vips(struct backend *, void (*each)(void *ctx, const struct vip_row *), void *ctx,
                               struct err *e);
enum err_kind sqlite_read_begin(struct backend *, uint64_t *newest, uint64_t *pruned, struct err *e);
void sqlite_read_end(struct backend *);
enum err_kind sqlite_read_state(struct backend *, uint64_t revision, const struct history_scope *,
                                void (*each)(void *ctx, struct resource *), void *ctx, struct err *e);
enum err_kind sqlite_read_rows(struct backend *, uint64_t first, uint64_t last, const struct history_scope *,
                               void (*each)(void *ctx, const struct history_row *), void *ctx, struct err *e);
enum err_kind sqlite_read_revision(struct backend *, uint64_t revision, struct arena *,
                                   struct history_entry *, struct err *e);
enum err_kind sqlite_backup(struct backend *, int *fd, struct err *e);

#endif
