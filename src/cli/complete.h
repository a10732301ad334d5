/* complete.h -- what may come next on a command line that is being typed. */
#ifndef URSA_CLI_COMPLETE_H
#define URSA_CLI_COMPLETE_H

#include "command.h"
#include "ursa/base/buf.h"

/* Where names come from: appends "name\n" for each resource of the type, at most one page of them. */
typedef void complete_names_fn(void *ctx, const struct options *, enum res_type, struct buf *out);

/* argv[1..argc) are the words after "ursactl"; the last one, maybe empty, is being typed. Appends one
 * candidate a line, with a tab and what it means when that is known; the line ":files" asks for file names.
 */
void complete_line(int argc, char **argv, struct arena *a, complete_names_fn *names, void *ctx,
                   struct buf *out);

/* "ursactl __complete WORD...", which the scripts of 'ursactl completion' call. */
int complete_main(int argc, char **argv, struct arena *);

#endif
