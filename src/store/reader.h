/* reader.h -- the thread on which history is read: private to src/store/. */
#ifndef STORE_READER_H
#define STORE_READER_H

#include "backend.h"
#include "snap.h"

struct reader;

/* Both are borrowed. */
MUST_USE enum err_kind reader_start(struct backend *, struct snap_slot *, struct reader **out, struct err *e);
void reader_stop(struct reader *); /* runs all that was submitted, joins; NULL is ignored */
MUST_USE bool reader_submit(struct reader *, struct store_job *);

#endif
