/* migrate.c -- the numbered schema steps of src/store/sql, embedded at build time.
 *
 * Step N takes a file from user_version N-1 to N. Steps are never changed once released, only added to. */
#include "migrate.h"

#include <stdio.h>

/* A build rule turns sql/NNNN-*.sql, in number order, into one string literal each. */
static const char *const steps[] = {
#include "store_migrations.inc"
};

unsigned migrate_newest(void)
{
    return ARRAY_LEN(steps);
}

static bool run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

bool migrate_run(sqlite3 *db, unsigned from)
{
    for (unsigned i = from; i < ARRAY_LEN(steps); i++)
        if (!run(db, steps[i]))
            return false;
    char stamp[96]; /* pragmas take no parameters */
    snprintf(stamp, sizeof(stamp), "PRAGMA application_id = %d; PRAGMA user_version = %u",
             MIGRATE_APPLICATION_ID, migrate_newest());
    return from == migrate_newest() || run(db, stamp);
}
