/* audit_file.h -- where the audit log's lines go: a file of bounded size with one predecessor, or standard
 * output.
 *
 * Lines are written one write() each, so that what was answered is in the file even when the process is
 * killed. */
#ifndef URSA_DAEMON_AUDIT_FILE_H
#define URSA_DAEMON_AUDIT_FILE_H

#include "config.h"

struct audit_file;

/* audit.file "off" gives NULL. The file is made with mode 0600; one that others may read is narrowed to it.
 */
MUST_USE enum err_kind audit_file_open(const struct config *, struct audit_file **out, struct err *e);
void audit_file_close(struct audit_file *); /* NULL is ignored */
/* For api_options.audit; one thread at a time. What cannot be written is reported and counted. */
void audit_file_write(void *audit_file, struct str line);
/* The file may have been moved away: the next line goes to a new one of its name. Any thread; NULL is
 * ignored. */
void audit_file_reopen(struct audit_file *);

#endif
