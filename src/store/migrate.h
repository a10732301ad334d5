/* migrate.h -- numbered schema steps: private to src/store/. */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include <sqlite3.h>

#include "ursa/base/err.h"

#define MIGRATE_APPLICATION_ID 0x55525341 /* "URSA" */

/* The schema version this build writes: PRAGMA user_version after all steps. */
unsigned migrate_newest(void);
/* Runs the steps after 'from' in the open transaction. On failure the last SQLite error is the connection's.
 */
MUST_USE bool migrate_run(sqlite3 *, unsigned from);

#endif
