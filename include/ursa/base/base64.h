/* ursa/base/base64.h -- RFC 4648: standard (padded) and URL-safe (unpadded). Any thread. */
#ifndef URSA_BASE_BASE64_H
#define URSA_BASE_BASE64_H

#include "ursa/base/arena.h"

struct str base64_encode(struct arena *, struct str);
struct str base64_encode_url(struct arena *, struct str);
/* Newlines are skipped; padding is required. On failure *bad_at is the offset of the first bad byte. */
MUST_USE bool base64_decode(struct arena *, struct str, struct str *out, size_t *bad_at);
MUST_USE bool base64_decode_url(struct arena *, struct str, struct str *out);

#endif
