/* sqlite.h -- the SQLite back end's inside: shared by sqlite.c (writing) and sqlite_open.c (opening). */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include <sqlite3.h>

#include "backend.h"

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
    SQL_ARCHIVE,
    SQL_OLDEST_REVISIONS,
    SQL_PRUNE_HISTORY,
    SQL_PRUNE_REVISIONS,
    SQL_N
};

#define SQLITE_CHECKPOINT_PAGES 1000 /* 4 MB of log */

struct sqlite {
    struct backend base;
    char *path, *wal_path;
    sqlite3 *db;
    sqlite3_stmt *stmts[SQL_N];
    int wal_pages;                 /* in the log after the last commit */
    uint64_t revision;             /* the newest of this group; 0: none */
    int64_t n_revised, n_archived; /* revisions and rows of history that this group made */
};

extern const struct backend_ops sqlite_ops;

static inline struct sqlite *sqlite_of(struct backend *b)
{
    return CONTAINER_OF(b, struct sqlite, base);
}

MUST_USE enum err_kind sqlite_prepare(struct sqlite *, struct err *e);
/* The connection's last error as ours; 'doing' says at what. */
enum err_kind sqlite_fault(struct sqlite *, const char *doing, struct err *e);
void sqlite_free(struct sqlite *);

#endif
