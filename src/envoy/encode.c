/* envoy/encode.c -- a JSON tree to protobuf wire.
 *
 * The fields of an object are first sorted into slots in the order of their numbers, then written: equal
 * trees give equal bytes whatever the order of their keys. A fault is noted and the walk goes on, so that all
 * are reported; the caller's buffer gets nothing then. */
#include "codec.h"

#include <stdlib.h>

#include "required.h"

#include "ursa/base/alloc.h"

struct encoder {
    struct buf *out;
    struct err *e;
    unsigned depth;
    bool skips_unknown; /* fields that the schema does not know are left out */
    bool is_whole;      /* what Envoy demands of a message must be there */
};

static void encode_body(struct encoder *, const struct schema_message *, const json_t *,
                        const struct path *at);

static bool takes_null(const struct schema_field *f)
{
    return codec_form(f) == FORM_VALUE || (f->kind == KIND_ENUM && schema_field_enum(f)->is_null);
}

static void encode_message(struct encoder *x, uint32_t number, const struct schema_message *m,
                           const json_t *v, const struct path *at)
{
    size_t start = pb_begin(x->out, number);
    encode_body(x, m, v, at);
    pb_end(x->out, start);
}

static void encode_bytes(struct encoder *x, const struct schema_field *f, const json_t *v, bool always,
                         const struct path *at)
{
    size_t before = x->out->n;
    size_t start = pb_begin(x->out, f->number);
    if (!json_is_string(v) || !bytes_from_base64(json_str(v), x->out))
        err_cause(x->e, at, "must be bytes in base64");
    if (x->out->n == start && !always)
        x->out->n = before;
    else
        pb_end(x->out, start);
}

/* One value that is no list and no map; 'always': also when it is the default. */
static void encode_single(struct encoder *x, const struct schema_field *f, const json_t *v, bool always,
                          const struct path *at)
{
    if (f->kind == KIND_MESSAGE) {
        encode_message(x, f->number, schema_field_message(f), v, at);
    } else if (f->kind == KIND_BYTES) {
        encode_bytes(x, f, v, always, at);
    } else if (f->kind == KIND_STRING) {
        if (!json_is_string(v))
            err_cause(x->e, at, "must be a string");
        else if (always || json_string_length(v) > 0)
            pb_put_bytes(x->out, f->number, json_str(v));
    } else {
        uint64_t bits;
        if (scalar_from_json(f, v, at, &bits, x->e) && (always || bits != 0)) {
            pb_put_tag(x->out, f->number, scalar_wire_type(f->kind));
            scalar_put(x->out, scalar_wire_type(f->kind), bits);
        }
    }
}

static bool refuse_null(struct encoder *x, const struct schema_field *f, const json_t *v,
                        const struct path *at)
{
    if (!json_is_null(v) || takes_null(f))
        return false;
    err_cause(x->e, at, "must not be null");
    return true;
}

static void encode_list(struct encoder *x, const struct schema_field *f, const json_t *v,
                        const struct path *at)
{
    if (!json_is_array(v)) {
        err_cause(x->e, at, "must be an array");
        return;
    }
    size_t n = json_array_size(v);
    bool packed = (f->flags & FIELD_PACKED) && n > 0;
    size_t start = packed ? pb_begin(x->out, f->number) : 0;
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(v, i);
        const struct path *at_item = AT_INDEX(at, i);
        uint64_t bits;
        if (refuse_null(x, f, item, at_item))
            continue;
        if (!packed)
            encode_single(x, f, item, true, at_item);
        else if (scalar_from_json(f, item, at_item, &bits, x->e))
            scalar_put(x->out, scalar_wire_type(f->kind), bits);
    }
    if (packed)
        pb_end(x->out, start);
}

struct map_entry {
    struct str key;
    uint64_t bits; /* of keys that are no strings */
    uint64_t rank; /* their order; 0 for strings */
    const json_t *value;
};

static int entry_cmp(const void *left, const void *right)
{
    const struct map_entry *a = left, *b = right;
    return a->rank != b->rank ? (a->rank < b->rank ? -1 : 1) : str_cmp(a->key, b->key);
}

static bool is_signed(enum schema_kind kind)
{
    return kind == KIND_INT32 || kind == KIND_INT64 || kind == KIND_SINT32 || kind == KIND_SINT64 ||
           kind == KIND_SFIXED32 || kind == KIND_SFIXED64;
}

/* The entries of 'v' whose keys are good, sorted; the caller frees them. */
static struct map_entry *sorted_entries(struct encoder *x, const struct schema_field *key_field,
                                        const json_t *v, const struct path *at, size_t *n)
{
    struct map_entry *entries = xmalloc((json_object_size(v) + 1) * sizeof(entries[0]));
    const char *key;
    json_t *value;
    *n = 0;
    json_object_foreach(codec_mutable(v), key, value)
    {
        struct map_entry entry = {.key = json_key_str(key), .value = value};
        if (key_field->kind != KIND_STRING) {
            if (!scalar_from_key(key_field, entry.key, AT_KEY(at, entry.key), &entry.bits, x->e))
                continue;
            entry.rank = is_signed(key_field->kind) ? entry.bits ^ UINT64_C(1) << 63 : entry.bits;
        }
        entries[(*n)++] = entry;
    }
    qsort(entries, *n, sizeof(entries[0]), entry_cmp);
    return entries;
}

static void encode_map(struct encoder *x, const struct schema_field *f, const json_t *v,
                       const struct path *at)
{
    const struct schema_field *key_field = codec_key_field(f), *value_field = codec_value_field(f);
    size_t n;
    if (!json_is_object(v)) {
        err_cause(x->e, at, "must be an object");
        return;
    }
    struct map_entry *entries = sorted_entries(x, key_field, v, at, &n);
    for (size_t i = 0; i < n; i++) {
        const struct path *at_entry = AT_KEY(at, entries[i].key);
        if (refuse_null(x, value_field, entries[i].value, at_entry))
            continue;
        if (i > 0 && key_field->kind != KIND_STRING && entries[i].bits == entries[i - 1].bits)
            err_cause(x->e, at_entry, "is given twice"); /* "1" and "01" */
        size_t start = pb_begin(x->out, f->number);
        if (key_field->kind == KIND_STRING) {
            pb_put_bytes(x->out, key_field->number, entries[i].key);
        } else {
            pb_put_tag(x->out, key_field->number, scalar_wire_type(key_field->kind));
            scalar_put(x->out, scalar_wire_type(key_field->kind), entries[i].bits);
        }
        encode_single(x, value_field, entries[i].value, true, at_entry);
        pb_end(x->out, start);
    }
    free(entries);
}

static void encode_field(struct encoder *x, const struct schema_field *f, const json_t *v,
                         const struct path *at)
{
    if (f->flags & FIELD_MAP)
        encode_map(x, f, v, at);
    else if (f->flags & FIELD_REPEATED)
        encode_list(x, f, v, at);
    else
        encode_single(x, f, v, f->flags & FIELD_PRESENCE, at);
}

/* Sorts the members of 'v' into slots, one a field of 'm'. An Any's "@type" is nobody's field. */
static void fill_slots(struct encoder *x, const struct schema_message *m, const json_t *v, bool in_any,
                       const struct path *at, const json_t **slots)
{
    const struct schema_field *fields = schema_message_fields(m);
    const char *key;
    json_t *value;
    json_object_foreach(codec_mutable(v), key, value)
    {
        struct str name = json_key_str(key);
        if (in_any && str_eq(name, STR("@type")))
            continue;
        const struct schema_field *f = schema_find_field(m, name);
        if (!f && x->skips_unknown)
            continue;
        if (!f)
            err_cause(x->e, AT_STR(at, name), "unknown field of %s", schema_name(m->name));
        else if (json_is_null(value) && (!takes_null(f) || (f->flags & (FIELD_REPEATED | FIELD_MAP))))
            continue; /* as if it were not there */
        else if (slots[f - fields])
            err_cause(x->e, AT_STR(at, name), "is given twice, as \"%s\" and as \"%s\"", schema_name(f->name),
                      schema_name(f->proto_name));
        else
            slots[f - fields] = value;
    }
}

static void refuse_second_of_oneof(struct encoder *x, const struct schema_field *fields, const json_t **slots,
                                   size_t i, const struct path *at)
{
    for (size_t k = 0; k < i; k++) {
        if (slots[k] && fields[k].oneof == fields[i].oneof) {
            err_cause(x->e, AT_FIELD(at, schema_name(fields[i].name)), "must not be set together with \"%s\"",
                      schema_name(fields[k].name));
            return;
        }
    }
}

static void encode_fields(struct encoder *x, const struct schema_message *m, const json_t *v, bool in_any,
                          const struct path *at)
{
    const json_t *slots[SCHEMA_MAX_FIELDS];
    const struct schema_field *fields = schema_message_fields(m);
    uint64_t oneofs = 0;
    if (!json_is_object(v)) {
        err_cause(x->e, at, "must be an object");
        return;
    }
    memset(slots, 0, m->n_fields * sizeof(slots[0]));
    fill_slots(x, m, v, in_any, at, slots);
    if (x->is_whole)
        required_check(m, slots, at, x->e);
    for (size_t i = 0; i < m->n_fields; i++) {
        if (!slots[i])
            continue;
        uint64_t oneof = fields[i].oneof ? UINT64_C(1) << fields[i].oneof : 0;
        if (oneofs & oneof)
            refuse_second_of_oneof(x, fields, slots, i, at);
        oneofs |= oneof;
        encode_field(x, &fields[i], slots[i], AT_FIELD(at, schema_name(fields[i].name)));
    }
}

/* The content of an Any beside "@type": that message's fields, or "value" for those with a form of their own.
 */
static void encode_any_content(struct encoder *x, const struct schema_message *m, const json_t *v,
                               const struct path *at)
{
    const json_t *value = json_get(v, "value");
    if (m->form == FORM_PLAIN || (m->form == FORM_EMPTY && !value)) {
        encode_fields(x, m, v, true, at);
        return;
    }
    const char *key;
    json_t *ignored;
    json_object_foreach(codec_mutable(v), key, ignored)
    {
        if (strcmp(key, "@type") != 0 && strcmp(key, "value") != 0)
            err_cause(x->e, AT_FIELD(at, key), "unknown field: %s stands in \"value\"", schema_name(m->name));
    }
    if (value)
        encode_body(x, m, value, AT_FIELD(at, "value"));
    else
        err_cause(x->e, AT_FIELD(at, "value"), "must be set");
}

static void encode_any(struct encoder *x, const json_t *v, const struct path *at)
{
    static const struct schema_field value_field = {.number = 2, .kind = KIND_BYTES};
    if (!json_is_object(v)) {
        err_cause(x->e, at, "must be an object");
        return;
    }
    if (json_object_size(v) == 0)
        return;
    struct str url = json_str(json_get(v, "@type"));
    struct str type = codec_type_of_url(url);
    if (type.n == 0) {
        err_cause(x->e, AT_FIELD(at, "@type"),
                  "must be a type URL such as type.googleapis.com/google.protobuf.Struct");
        return;
    }
    pb_put_str(x->out, 1, url);
    const struct schema_message *m = schema_find_message(type);
    const json_t *value = json_get(v, "value");
    if (m) {
        size_t before = x->out->n;
        size_t start = pb_begin(x->out, value_field.number);
        bool is_whole = x->is_whole;
        x->is_whole = false; /* COMPAT: the reference does not look into an Any */
        encode_any_content(x, m, v, at);
        x->is_whole = is_whole;
        if (x->out->n == start)
            x->out->n = before; /* an empty message is no bytes, which proto3 does not write */
        else
            pb_end(x->out, start);
    } else if (json_is_string(value) && json_object_size(v) == 2) {
        encode_bytes(x, &value_field, value, false,
                     AT_FIELD(at, "value")); /* as the decoder shows what it does not know */
    } else {
        err_cause(x->e, AT_FIELD(at, "@type"), "unknown message type \"" STR_FMT "\"", STR_ARG(type));
    }
}

static void encode_time(struct encoder *x, const json_t *v, bool is_duration, const struct path *at)
{
    struct time_value t;
    struct str text = json_str(v);
    if (is_duration ? !duration_from_text(text, &t) : !timestamp_from_text(text, &t)) {
        err_cause(x->e, at, "must be a %s",
                  is_duration ? "duration in seconds such as \"1.5s\""
                              : "time such as \"2006-01-02T15:04:05Z\"");
        return;
    }
    pb_put_uint(x->out, 1, (uint64_t)t.seconds);
    pb_put_uint(x->out, 2, (uint64_t)t.nanos);
}

/* "userName,a.b" is two paths, user_name and a.b. */
static void encode_field_mask(struct encoder *x, const json_t *v, const struct path *at)
{
    if (!json_is_string(v)) {
        err_cause(x->e, at, "must be a string of field paths with commas between them");
        return;
    }
    struct str rest = json_str(v), part;
    while (rest.n > 0 && str_next(&rest, ',', &part)) {
        size_t start = pb_begin(x->out, 1);
        for (size_t i = 0; i < part.n; i++) {
            bool upper = part.p[i] >= 'A' && part.p[i] <= 'Z';
            if (upper)
                buf_add_byte(x->out, '_');
            buf_add_byte(x->out, (uint8_t)(upper ? part.p[i] - 'A' + 'a' : part.p[i]));
        }
        pb_end(x->out, start);
    }
}

/* google.protobuf.Value is a oneof whose member follows from the kind of JSON value. */
static void encode_value(struct encoder *x, const struct schema_message *m, const json_t *v,
                         const struct path *at)
{
    static const char *const members[] = {
        [JSON_OBJECT] = "structValue",  [JSON_ARRAY] = "listValue",  [JSON_STRING] = "stringValue",
        [JSON_INTEGER] = "numberValue", [JSON_REAL] = "numberValue", [JSON_TRUE] = "boolValue",
        [JSON_FALSE] = "boolValue",     [JSON_NULL] = "nullValue",
    };
    encode_single(x, schema_find_field(m, str_from_c(members[json_typeof(v)])), v, true, at);
}

static void encode_form(struct encoder *x, const struct schema_message *m, const json_t *v,
                        const struct path *at)
{
    switch ((enum schema_form)m->form) {
    case FORM_PLAIN:
    case FORM_EMPTY:
        encode_fields(x, m, v, false, at);
        break;
    case FORM_ANY:
        encode_any(x, v, at);
        break;
    case FORM_DURATION:
    case FORM_TIMESTAMP:
        encode_time(x, v, m->form == FORM_DURATION, at);
        break;
    case FORM_STRUCT:
    case FORM_LIST:
    case FORM_WRAPPER:
        encode_field(x, schema_message_fields(m), v, at); /* they have one field */
        break;
    case FORM_VALUE:
        encode_value(x, m, v, at);
        break;
    case FORM_FIELD_MASK:
        encode_field_mask(x, v, at);
        break;
    }
}

static void encode_body(struct encoder *x, const struct schema_message *m, const json_t *v,
                        const struct path *at)
{
    x->depth += codec_levels(m);
    if (x->depth > CODEC_MAX_DEPTH)
        err_cause(x->e, at, "nested deeper than %d messages", CODEC_MAX_DEPTH);
    else
        encode_form(x, m, v, at);
    x->depth -= codec_levels(m);
}

static enum err_kind encode_message_named(struct encoder *x, struct str message, const json_t *tree)
{
    const struct schema_message *m = schema_find_message(message);
    struct buf *out = x->out;
    struct err *e = x->e;
    if (!m)
        return err_set(e, ERR_INVALID, "unknown message type \"" STR_FMT "\"", STR_ARG(message));
    size_t n_before = out->n, n_causes = e->n_causes;
    encode_body(x, m, tree, NULL);
    if (e->n_causes > n_causes) {
        out->n = n_before;
        return ERR_INVALID;
    }
    if (!buf_ok(out)) {
        out->n = n_before;
        return err_set(e, ERR_LIMIT, STR_FMT " is larger than %zu bytes", STR_ARG(message), out->cap);
    }
    return ERR_NONE;
}

enum err_kind envoy_encode(struct str message, const json_t *tree, struct buf *out, struct err *e)
{
    struct encoder x = {.out = out, .e = e};
    return encode_message_named(&x, message, tree);
}

enum err_kind envoy_encode_native(struct str message, const json_t *tree, bool whole, struct buf *out,
                                  struct err *e)
{
    struct encoder x = {.out = out, .e = e, .skips_unknown = true, .is_whole = whole};
    return encode_message_named(&x, message, tree);
}

bool envoy_message_known(struct str message)
{
    return schema_find_message(message) != NULL;
}
