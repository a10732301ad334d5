/* ursa/base/json.h -- bounded JSON reading and small helpers over jansson. Any thread. */
#ifndef URSA_BASE_JSON_H
#define URSA_BASE_JSON_H

#include <jansson.h>

#include "ursa/base/buf.h"
#include "ursa/base/err.h"

#define JSON_MAX_NESTING 64
/* Values a text may have, in JSON and in YAML: reading one costs up to a microsecond and 300 bytes. So many
 * in the first megabyte, which is all that a request has by default; then one more for 8 bytes. */
static inline size_t json_max_values(size_t text_size)
{
    const size_t first = 1 << 20;

    return 50000 + (text_size > first ? (text_size - first) / 8 : 0);
}

/* Keys that one object may have of them: more fit into no cache, where each costs several times as much. */
static inline size_t json_max_keys(size_t text_size)
{
    return json_max_values(text_size) / 5;
}

/* Reads one JSON value (object, array or scalar); of duplicate keys the last wins; integers past int64 become
 * reals, halves of surrogate pairs U+FFFD. Refused: depth > 64, too many values or keys, NUL in strings,
 * invalid UTF-8. ERR_MALFORMED with "line L, column C: <fault>", the fault in the words of Go's
 * encoding/json; an empty or truncated text gives exactly "unexpected end of JSON input". The caller owns
 * *out. */
MUST_USE enum err_kind json_parse(struct str text, json_t **out, struct err *e);

struct str json_str(const json_t *); /* text of a string node, STR_NONE for anything else; borrowed */
json_t *json_from_str(struct str);
struct str json_key_str(const char *key);
/* Member or NULL; 'o' may be NULL or no object. */
json_t *json_get(const json_t *o, const char *key);
/* Compact, insertion order; text in the arena. */
struct str json_format(struct arena *, const json_t *);
/* kuma-cp's shape: one blank per level, "key": value, trailing newline. */
struct str json_format_pretty(struct arena *, const json_t *);
/* Compact with sorted keys: equal trees give equal bytes. */
struct str json_format_canonical(struct arena *, const json_t *);
/* Appends a string in quotes. */
void json_write_string(struct buf *, struct str);
/* Appends in kuma-cp's shape, without the newline at the end, what stands 'level' deep in something larger:
 * a tree, or text as json_format() writes it. The text may begin inside an object or end there. */
void json_write_pretty(struct buf *, const json_t *, size_t level);
void json_indent(struct buf *, struct str text, size_t level);
/* A finite real as Go writes it: the shortest digits that read back as 'v', NUL-terminated. */
#define JSON_REAL_TEXT 64
void json_real_text(double v, char text[JSON_REAL_TEXT]);

static inline void json_cleanup(json_t **v)
{
    json_decref(*v);
}
#define JSON_AUTO __attribute__((cleanup(json_cleanup))) json_t *

#endif
