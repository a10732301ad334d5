/* Arguments as bytes: numbers in four bytes, texts behind their length. */
#include "key.h"

#include <assert.h>
#include <string.h>

void key_u32(struct buf *b, uint32_t v)
{
    buf_add(b, &v, sizeof v);
}

void key_i64(struct buf *b, int64_t v)
{
    buf_add(b, &v, sizeof v);
}

void key_str(struct buf *b, struct str s)
{
    key_u32(b, (uint32_t)s.n);
    buf_add_str(b, s);
}

void key_tags(struct buf *b, const struct tags *tags)
{
    key_u32(b, (uint32_t)tags->n);
    for (size_t i = 0; i < tags->n; i++) {
        key_str(b, tags->v[i].key);
        key_str(b, tags->v[i].value);
    }
}

void key_strs(struct buf *b, const struct str_list *list)
{
    key_u32(b, (uint32_t)list->n);
    for (size_t i = 0; i < list->n; i++)
        key_str(b, list->v[i]);
}

struct key_reader key_read(struct str args)
{
    return (struct key_reader){args.p, args.p + args.n};
}

void key_set(struct buf *b, const struct str_list *list, struct arena *scratch)
{
    struct str_list set = {.v = ARENA_ARRAY(scratch, struct str, list->n)};
    for (size_t i = 0; i < list->n; i++)
        set.v[i] = list->v[i];
    set.n = str_sort_distinct(set.v, list->n);
    key_strs(b, &set);
}

bool key_more(const struct key_reader *r)
{
    return r->p < r->end;
}

uint32_t key_get_u32(struct key_reader *r)
{
    uint32_t v;
    assert((size_t)(r->end - r->p) >= sizeof v);
    memcpy(&v, r->p, sizeof v);
    r->p += sizeof v;
    return v;
}

int64_t key_get_i64(struct key_reader *r)
{
    int64_t v;
    assert((size_t)(r->end - r->p) >= sizeof v);
    memcpy(&v, r->p, sizeof v);
    r->p += sizeof v;
    return v;
}

bool key_at_end(const struct key_reader *r)
{
    return r->p == r->end;
}

struct str key_get_str(struct key_reader *r)
{
    uint32_t n = key_get_u32(r);
    assert((size_t)(r->end - r->p) >= n);
    struct str s = {r->p, n};
    r->p += n;
    return s;
}

struct tags key_get_tags(struct key_reader *r, struct arena *a)
{
    struct tags tags = {NULL, key_get_u32(r)};
    tags.v = ARENA_ARRAY(a, struct tag, tags.n);
    for (size_t i = 0; i < tags.n; i++) {
        tags.v[i].key = key_get_str(r);
        tags.v[i].value = key_get_str(r);
    }
    return tags;
}

struct str_list key_get_strs(struct key_reader *r, struct arena *a)
{
    struct str_list list = {.n = key_get_u32(r)};
    list.v = ARENA_ARRAY(a, struct str, list.n);
    for (size_t i = 0; i < list.n; i++)
        list.v[i] = key_get_str(r);
    return list;
}
