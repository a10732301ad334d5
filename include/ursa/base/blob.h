/* ursa/base/blob.h -- immutable, reference-counted bytes: encoded resources, certificates, answers.
 *
 * Any thread may take and drop references. 'hash' is the content hash (hash.h), computed when made. */
#ifndef URSA_BASE_BLOB_H
#define URSA_BASE_BLOB_H

#include <stdatomic.h>

#include "ursa/base/buf.h"

struct blob {
    atomic_uint refs;
    bool secret; /* wiped before it is freed */
    uint64_t hash;
    size_t n;
    uint8_t p[]; /* n bytes and a NUL */
};

struct blob *blob_new(const void *p, size_t n);
struct blob *blob_new_secret(const void *p, size_t n);
struct blob *blob_from_buf(const struct buf *); /* copies */
struct blob *blob_ref(struct blob *);           /* returns its argument; NULL is passed through */
void blob_unref(struct blob *);                 /* NULL is ignored */
bool blob_eq(const struct blob *, const struct blob *);
struct str blob_str(const struct blob *);

#endif
