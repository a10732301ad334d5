/* key_file.h -- the file with the keys that seal rows: private to src/store/. */
#ifndef STORE_KEY_FILE_H
#define STORE_KEY_FILE_H

#include "ursa/base/seal.h"

/* ERR_NOT_FOUND when there is none. */
MUST_USE enum err_kind key_file_read(const char *path, struct seal_ring **out, struct err *e);
/* Makes the file, with one key; there is none. */
MUST_USE enum err_kind key_file_make(const char *path, struct seal_ring **out, struct err *e);

#endif
