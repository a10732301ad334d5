/* blob.c -- immutable, reference-counted bytes with their content hash. */
#include "ursa/base/blob.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/base/hash.h"

struct blob *blob_new(const void *p, size_t n)
{
    struct blob *b = xmalloc(sizeof(*b) + n + 1);

    atomic_init(&b->refs, 1);
    b->secret = false;
    b->hash = hash_content(p, n);
    b->n = n;
    if (n > 0)
        memcpy(b->p, p, n);
    b->p[n] = 0;
    return b;
}

struct blob *blob_new_secret(const void *p, size_t n)
{
    struct blob *b = blob_new(p, n);

    b->secret = true;
    return b;
}

struct blob *blob_from_buf(const struct buf *b)
{
    return blob_new(b->p, b->n);
}

struct blob *blob_ref(struct blob *b)
{
    if (b)
        atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

void blob_unref(struct blob *b)
{
    if (!b)
        return;
    /* Release: what this holder read is read before; acquire: the last one sees that all others are done. */
    unsigned before = atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel);

    assert(before > 0);
    if (before > 1)
        return;
    if (b->secret)
        free_secret(b, sizeof(*b) + b->n);
    else
        free(b);
}

bool blob_eq(const struct blob *a, const struct blob *b)
{
    if (a == b)
        return true;
    return a && b && a->hash == b->hash && str_eq(blob_str(a), blob_str(b));
}

struct str blob_str(const struct blob *b)
{
    return b ? str_from(b->p, b->n) : STR_NONE;
}
