/* envoy/xds_template.c -- resources that differ in one text, encoded once.
 *
 * In protobuf a text stands inside messages that each begin with their length. A template is the bytes with a
 * mark for the text, and where these lengths are; filling it in writes them anew and copies the rest. */
#include "codec.h"

#include <assert.h>
#include <stdlib.h>

#include "ursa/base/alloc.h"
#include "wire.h"

/* A message, or at last the text, that the open text is in. */
struct level {
    size_t begin; /* of its content; the length is before that */
    size_t size;
};

struct xds_template {
    struct xds_resource *sample; /* the text is the mark */
    size_t n_levels;
    struct level levels[]; /* from the outermost */
};

#define MAX_LEVELS (2 * (size_t)CODEC_MAX_DEPTH)

/* What stands for the text; the other one differs in its first byte. */
#define MARK STR("\1open text\1")
#define OTHER_MARK STR("\2open text\1")

static size_t varint_size(size_t v)
{
    size_t n = 1;
    for (; v >= 0x80; v >>= 7)
        n++;
    return n;
}

static struct xds_resource *encode(enum xds_type type, json_t *tree, json_t *open, struct str mark,
                                   struct err *e)
{
    json_string_setn(open, mark.p, mark.n);
    return xds_resource_new(type, tree, e);
}

/* Where they differ, which is in one byte. */
static size_t find_difference(struct str a, struct str b)
{
    size_t at = 0;
    assert(a.n == b.n);
    while (at < a.n && a.p[at] == b.p[at])
        at++;
    assert(at < a.n && memcmp(a.p + at + 1, b.p + at + 1, a.n - at - 1) == 0);
    return at;
}

/* Where the mark is. Should another text of the tree have it in it, the one that changes is meant. */
static size_t find_mark(const struct xds_resource *sample, json_t *tree, json_t *open, struct err *e)
{
    struct str bytes = blob_str(sample->any);
    size_t at = str_find(bytes, MARK);
    if (str_find(str_slice(bytes, at + 1, bytes.n), MARK) == bytes.n - at - 1)
        return at;
    struct xds_resource *other = encode(sample->type, tree, open, OTHER_MARK, e);
    at = find_difference(bytes, blob_str(other->any));
    xds_resource_unref(other);
    return at;
}

/* The field of the message that holds the byte; the bytes are our own encoder's. */
static struct level enter(struct str bytes, struct level in, size_t at)
{
    struct pb_reader r;
    struct pb_field f;
    pb_reader_init(&r, str_slice(bytes, in.begin, in.begin + in.size));
    while (pb_next(&r, &f)) {
        size_t begin = f.wire_type == PB_BYTES ? (size_t)(f.bytes.p - bytes.p) : SIZE_MAX;
        if (begin <= at && at < begin + f.bytes.n)
            return (struct level){begin, f.bytes.n};
    }
    assert(!"no field holds the byte");
    return in;
}

static size_t find_levels(struct str bytes, size_t at, struct level levels[MAX_LEVELS])
{
    struct level in = {0, bytes.n};
    size_t n = 0;
    do {
        in = enter(bytes, in, at);
        assert(n < MAX_LEVELS);
        levels[n++] = in;
    } while (in.begin != at); /* what a message begins with is no text but a tag */
    return n;
}

struct xds_template *xds_template_new(enum xds_type type, json_t *tree, json_t *open, struct err *e)
{
    struct xds_resource *sample = encode(type, tree, open, MARK, e);
    if (!sample)
        return NULL;
    struct level levels[MAX_LEVELS];
    size_t n = find_levels(blob_str(sample->any), find_mark(sample, tree, open, e), levels);
    struct xds_template *t = xcalloc(1, sizeof *t + n * sizeof t->levels[0]);
    t->sample = sample;
    t->n_levels = n;
    memcpy(t->levels, levels, n * sizeof levels[0]);
    return t;
}

void xds_template_free(struct xds_template *t)
{
    if (!t)
        return;
    xds_resource_unref(t->sample);
    free(t);
}

uint64_t xds_template_version(const struct xds_template *t)
{
    return t->sample->version;
}

struct xds_resource *xds_template_fill(const struct xds_template *t, struct str text)
{
    struct str bytes = blob_str(t->sample->any);
    /* 'more' may be less than nothing, which unsigned numbers add just as well. */
    size_t sizes[MAX_LEVELS], more = text.n - MARK.n, at = 0;
    for (size_t i = t->n_levels; i-- > 0;) {
        sizes[i] = t->levels[i].size + more;
        more += varint_size(sizes[i]) - varint_size(t->levels[i].size);
    }
    struct buf b;
    buf_init(&b, BUF_MAX_RESOURCE);
    (void)buf_room(&b, bytes.n + more);
    for (size_t i = 0; i < t->n_levels; i++) {
        buf_add_str(&b, str_slice(bytes, at, t->levels[i].begin - varint_size(t->levels[i].size)));
        pb_put_varint(&b, sizes[i]);
        at = t->levels[i].begin;
    }
    buf_add_str(&b, text);
    buf_add_str(&b, str_slice(bytes, at + MARK.n, bytes.n));
    assert(buf_ok(&b) && b.n == bytes.n + more);
    struct xds_resource *r = xds_resource_from_any(t->sample->type, t->sample->name, &b, false);
    buf_fini(&b);
    return r;
}
