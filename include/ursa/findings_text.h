/* ursa/findings_text.h -- findings of a doctor, as GET /doctor answers them, for people. Any thread. */
#ifndef URSA_FINDINGS_TEXT_H
#define URSA_FINDINGS_TEXT_H

#include <jansson.h>

#include "ursa/base/arena.h"

/* Each finding with its remedy, and how many there are. */
struct str findings_text(struct arena *, const json_t *answer);
/* How many are of that severity. */
size_t findings_count(const json_t *answer, const char *severity);

#endif
