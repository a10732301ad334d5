/* field.h -- field tables: what a spec looks like, said once.
 *
 * A table is an array of rows, one a member of the struct it describes, in the order in which the reference
 * prints them, ended by F_END. Decoding (decode.c), encoding (encode.c) and, for policies with a targetRef,
 * the schema (schema.c) are driven by it. The macros check the member's C type at compile time. */
#ifndef URSA_RESOURCE_FIELD_H
#define URSA_RESOURCE_FIELD_H

#include <jansson.h>

#include "ursa/base/err.h"
#include "ursa/kinds.h"

enum field_kind {
    /* plain scalars: zero is absent */
    FIELD_STR,
    FIELD_BYTES,
    FIELD_BOOL,
    FIELD_U32,
    FIELD_U64, /* printed as a quoted string */
    FIELD_ENUM,
    /* scalars that know whether they were given */
    FIELD_OPT_STR, /* given: p != NULL */
    FIELD_OPT_BOOL,
    FIELD_OPT_U32,
    FIELD_OPT_DOUBLE,
    FIELD_OPT_FLOAT, /* a double with the precision of a float */
    FIELD_OPT_BYTES, /* given: p != NULL */
    FIELD_DURATION,
    FIELD_TIME,
    /* messages */
    FIELD_SUB,    /* a pointer, NULL when absent; printed as {} when empty */
    FIELD_INLINE, /* embedded; always printed */
    FIELD_FREE,   /* any JSON object */
    /* lists and maps: empty is absent */
    FIELD_TAGS,
    FIELD_STR_LIST,
    FIELD_BYTES_LIST,
    FIELD_U32_LIST,
    FIELD_ENUM_LIST,
    FIELD_LIST, /* of messages: a pointer and a count */
    FIELD_MAP,  /* from name to message: elements that begin with 'struct str key' */
    /* of policies with a targetRef */
    FIELD_SPEC,   /* "spec": the whole struct; below it the case of keys does not matter */
    FIELD_CHOICE, /* one of 'names'; 0 when absent, which names->v[0] == NULL says */
    FIELD_SPAN,   /* a duration, printed as Go does */
    FIELD_INT_OR_STR,
    FIELD_I32, /* zero is absent */
    FIELD_OPT_I32,
    FIELD_OPT_I64,
    FIELD_I32_LIST,
    FIELD_ANY /* any JSON value, as it came */
};

struct enum_names {
    const char *full_name; /* as the reference's message spells it */
    const char *const *v;  /* indexed by number; NULL: that number has no name */
    size_t n;
};

struct str_pattern {
    const char *regex; /* as messages show it */
    bool (*matches)(struct str);
};

/* What the schema of a policy with a targetRef says of a value besides its kind; 0 and NULL: nothing. */
struct field_limits {
    const char *format; /* of an integer: "int32" */
    bool bounded;       /* 'min' holds, and 'max' unless it is 0 */
    int64_t min, max;
    size_t min_len, max_len;     /* of a text, in characters */
    size_t min_items, max_items; /* of a list */
    const struct str_pattern *pattern;
    const struct enum_names *one_of; /* of a text or number that is no FIELD_CHOICE */
};

struct field {
    const char *name;  /* lowerCamelCase; NULL ends the table */
    const char *alias; /* the accepted snake_case spelling, or NULL */
    enum field_kind kind;
    uint8_t oneof;                  /* 0, or the number of the group of which only one member may be set */
    uint16_t offset;                /* of the member in its struct */
    uint16_t count;                 /* LIST, MAP: offset of the count */
    uint16_t given;                 /* TAGS, MAP: offset of a bool that is true even for {}; 0: none */
    uint16_t size;                  /* SUB, LIST, MAP: of one element */
    uint16_t value;                 /* MAP: offset of the message in the element */
    const struct field *fields;     /* SUB, INLINE, LIST, MAP */
    const struct enum_names *names; /* ENUM, ENUM_LIST, CHOICE */
    /* of policies with a targetRef */
    bool required;   /* the schema demands it; printed even when it is empty */
    bool keep_empty; /* lists: [] is not absent but a pointer that is not NULL, and printed; ANY: null is a
                        value */
    const struct field_limits *limits;
};

/* offsetof, but only for a member of type 'C'. */
#define FIELD_AT(T, m, C) _Generic(((T *)0)->m, C : offsetof(T, m))
#define FIELD_ROW(K, C, n, T, m, ...)                                                                        \
    {                                                                                                        \
        .name = (n), .kind = (K), .offset = FIELD_AT(T, m, C), __VA_ARGS__                                   \
    }

/* F_X("name", struct it_is_in, member, .further = settings) */
#define F_STR(n, T, ...) FIELD_ROW(FIELD_STR, struct str, n, T, __VA_ARGS__)
#define F_BYTES(n, T, ...) FIELD_ROW(FIELD_BYTES, struct str, n, T, __VA_ARGS__)
#define F_BOOL(n, T, ...) FIELD_ROW(FIELD_BOOL, bool, n, T, __VA_ARGS__)
#define F_U32(n, T, ...) FIELD_ROW(FIELD_U32, uint32_t, n, T, __VA_ARGS__)
#define F_U64(n, T, ...) FIELD_ROW(FIELD_U64, uint64_t, n, T, __VA_ARGS__)
#define F_OPT_STR(n, T, ...) FIELD_ROW(FIELD_OPT_STR, struct str, n, T, __VA_ARGS__)
#define F_OPT_BOOL(n, T, ...) FIELD_ROW(FIELD_OPT_BOOL, struct opt_bool, n, T, __VA_ARGS__)
#define F_OPT_U32(n, T, ...) FIELD_ROW(FIELD_OPT_U32, struct opt_u32, n, T, __VA_ARGS__)
#define F_OPT_DOUBLE(n, T, ...) FIELD_ROW(FIELD_OPT_DOUBLE, struct opt_double, n, T, __VA_ARGS__)
#define F_OPT_FLOAT(n, T, ...) FIELD_ROW(FIELD_OPT_FLOAT, struct opt_double, n, T, __VA_ARGS__)
#define F_OPT_BYTES(n, T, ...) FIELD_ROW(FIELD_OPT_BYTES, struct str, n, T, __VA_ARGS__)
#define F_DURATION(n, T, ...) FIELD_ROW(FIELD_DURATION, struct opt_dur, n, T, __VA_ARGS__)
#define F_TIME(n, T, ...) FIELD_ROW(FIELD_TIME, struct opt_time, n, T, __VA_ARGS__)
#define F_FREE(n, T, ...) FIELD_ROW(FIELD_FREE, struct free_json, n, T, __VA_ARGS__)
#define F_TAGS(n, T, ...) FIELD_ROW(FIELD_TAGS, struct tags, n, T, __VA_ARGS__)
#define F_STR_LIST(n, T, ...) FIELD_ROW(FIELD_STR_LIST, struct str_list, n, T, __VA_ARGS__)
#define F_BYTES_LIST(n, T, ...) FIELD_ROW(FIELD_BYTES_LIST, struct str_list, n, T, __VA_ARGS__)
#define F_U32_LIST(n, T, ...) FIELD_ROW(FIELD_U32_LIST, struct u32_list, n, T, __VA_ARGS__)
/* ... member, the enum's names */
#define F_ENUM(n, T, m, e, ...) FIELD_ROW(FIELD_ENUM, uint32_t, n, T, m, .names = &(e), __VA_ARGS__)
#define F_ENUM_LIST(n, T, m, e, ...)                                                                         \
    FIELD_ROW(FIELD_ENUM_LIST, struct u32_list, n, T, m, .names = &(e), __VA_ARGS__)
/* ... member, the member's own table */
#define F_SUB(n, T, m, f, ...)                                                                               \
    {                                                                                                        \
        .name = (n), .kind = FIELD_SUB, .offset = offsetof(T, m), .size = sizeof(*((T *)0)->m),              \
        .fields = (f), __VA_ARGS__                                                                           \
    }
#define F_INLINE(n, T, m, f, ...)                                                                            \
    {                                                                                                        \
        .name = (n), .kind = FIELD_INLINE, .offset = offsetof(T, m), .fields = (f), __VA_ARGS__              \
    }
/* ... pointer, count, an element's table */
#define F_LIST(n, T, m, c, f, ...)                                                                           \
    {                                                                                                        \
        .name = (n), .kind = FIELD_LIST, .offset = offsetof(T, m), .count = FIELD_AT(T, c, size_t),          \
        .size = sizeof(*((T *)0)->m), .fields = (f), __VA_ARGS__                                             \
    }
/* ... pointer, count, element type, the message's member in the element, the message's table */
#define F_MAP(n, T, m, c, E, v, f, ...)                                                                      \
    {                                                                                                        \
        .name = (n), .kind = FIELD_MAP, .offset = FIELD_AT(T, m, E *), .count = FIELD_AT(T, c, size_t),      \
        .size = sizeof(E), .value = offsetof(E, v), .fields = (f), __VA_ARGS__                               \
    }
/* ... of policies with a targetRef */
#define F_SPEC(f)                                                                                            \
    {                                                                                                        \
        .name = "spec", .kind = FIELD_SPEC, .fields = (f)                                                    \
    }
#define F_CHOICE(n, T, m, e, ...) FIELD_ROW(FIELD_CHOICE, uint32_t, n, T, m, .names = &(e), __VA_ARGS__)
#define F_SPAN(n, T, ...) FIELD_ROW(FIELD_SPAN, struct opt_dur, n, T, __VA_ARGS__)
#define F_INT_OR_STR(n, T, ...) FIELD_ROW(FIELD_INT_OR_STR, struct int_or_str, n, T, __VA_ARGS__)
#define F_I32(n, T, ...) FIELD_ROW(FIELD_I32, int32_t, n, T, __VA_ARGS__)
#define F_OPT_I32(n, T, ...) FIELD_ROW(FIELD_OPT_I32, struct opt_i32, n, T, __VA_ARGS__)
#define F_OPT_I64(n, T, ...) FIELD_ROW(FIELD_OPT_I64, struct opt_i64, n, T, __VA_ARGS__)
#define F_I32_LIST(n, T, ...) FIELD_ROW(FIELD_I32_LIST, struct i32_list, n, T, __VA_ARGS__)
#define F_ANY(n, T, ...) FIELD_ROW(FIELD_ANY, struct any_json, n, T, __VA_ARGS__)
#define F_END                                                                                                \
    {                                                                                                        \
        .name = NULL                                                                                         \
    }

/* The enum's name of a number, STR_NONE when it has none. */
struct str enum_name(const struct enum_names *, uint32_t);
MUST_USE bool enum_number(const struct enum_names *, struct str name, uint32_t *number);

/* Makes a member absent again. */
void field_clear(const struct field *, void *spec);

/* A tree from text that this room has printed. */
json_t *json_read_own(struct str text);

/* The word that the reference's messages use for the kind of a JSON value. */
const char *json_kind_name(const json_t *);

/* The member of a JSON object that a row describes, by its name or else its alias; with 'any_case', and for
 * "spec" always, whatever the case of its key: an exact match goes before others, the last of which counts.
 * NULL when there is none. */
const json_t *field_value(const struct field *, const json_t *object, bool any_case);

/* A policy with a targetRef is held against its schema before it is decoded: every fault becomes a cause, in
 * the words of the reference. */
MUST_USE enum err_kind fields_check_schema(const struct field *, struct str type_name, const json_t *doc,
                                           struct err *e);

/* Fills 'spec' (zeroed) from a JSON object or null; strings are copied into the arena. The first fault in
 * table order gives ERR_MALFORMED, whose text begins as the reference's does and then says where, what was
 * expected and what was found. */
MUST_USE enum err_kind fields_decode(const struct field *, const json_t *, const struct path *at,
                                     struct arena *, void *spec, struct err *e);
/* The members that are present, in table order; the caller owns the object. The scratch arena may be reset
 * afterwards. */
json_t *fields_encode(const struct field *, const void *spec, struct arena *scratch);

#endif
