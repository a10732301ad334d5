/* progress.h -- one line on standard error that says how far long work is. */
#ifndef URSA_CLI_PROGRESS_H
#define URSA_CLI_PROGRESS_H

#include "ursa/base/defs.h"

/* Replaces the line; nothing happens unless standard error is a terminal. Quick work should not call it. */
void progress_show(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* Removes it, before anything else is printed. */
void progress_end(void);

#endif
