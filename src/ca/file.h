/* file.h -- files that a provided CA is read from: only below folders that the operator of this control plane
 * has named, whatever links there are. */
#ifndef URSA_CA_FILE_H
#define URSA_CA_FILE_H

#include "ursa/ca.h"

/* The whole text into the arena, or a cause at 'at', which tells nothing of files elsewhere. */
void ca_file_read(const struct str_list *folders, struct str path, struct arena *, struct str *text,
                  const struct path *at, struct err *e);

#endif
