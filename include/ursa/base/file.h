/* ursa/base/file.h -- small files, read and written as wholes. Any thread; each call waits for the disk. */
#ifndef URSA_BASE_FILE_H
#define URSA_BASE_FILE_H

#include "ursa/base/err.h"

enum file_trust {
    FILE_ANY,
    FILE_PRIVATE /* holds a key: no link, ours or root's, and nobody else may read or write it */
};
/* A regular file of at most 'max' bytes, into the arena. ERR_NOT_FOUND when there is none; else the text says
 * what is wrong. */
MUST_USE enum err_kind file_read(const char *path, enum file_trust, size_t max, struct arena *,
                                 struct str *text, struct err *e);
/* Puts a file that only its owner may read in place of what is there: all of it or nothing, and on disk when
 * it returns. */
MUST_USE enum err_kind file_write(const char *path, struct str text, struct err *e);
/* Writes everything and waits until it is on disk; false: errno says why not. */
MUST_USE bool file_write_all(int fd, struct str text);
/* Makes it last that a file of this path came, or went. */
MUST_USE enum err_kind file_sync_folder(const char *path, struct err *e);

#endif
