/* envoy/decode.c -- protobuf wire to a JSON tree.
 *
 * Whatever the bytes are, the answer is a tree that envoy_encode takes back, or ERR_MALFORMED. As protobuf
 * demands, of a field that comes twice the last one counts, messages merge, lists grow, and a member of a
 * oneof ousts the others. */
#include "codec.h"

#include "ursa/base/base64.h"

struct decoder {
    struct err *e;
    struct arena scratch; /* texts on their way into the tree */
    unsigned depth;
};

static json_t *decode_message(struct decoder *, const struct schema_message *, struct str wire,
                              const struct path *at);

static json_t *malformed(struct decoder *d, const struct path *at, const char *what)
{
    struct str place = path_render(at, d->e->arena);
    err_set(d->e, ERR_MALFORMED, STR_FMT "%s%s", STR_ARG(place), place.n > 0 ? ": " : "", what);
    return NULL;
}

static json_t *decode_string(struct decoder *d, struct str s, const struct path *at)
{
    json_t *v = json_stringn(s.n > 0 ? s.p : "", s.n);
    return v ? v : malformed(d, at, "not UTF-8");
}

static json_t *decode_bytes(struct decoder *d, struct str s)
{
    return json_from_str(base64_encode(&d->scratch, s));
}

/* One value that is no list and no map; NULL on a fault. The wire type has been checked. */
static json_t *decode_single(struct decoder *d, const struct schema_field *f, const struct pb_field *p,
                             const struct path *at)
{
    if (f->kind == KIND_MESSAGE)
        return decode_message(d, schema_field_message(f), p->bytes, at);
    if (f->kind == KIND_STRING)
        return decode_string(d, p->bytes, at);
    if (f->kind == KIND_BYTES)
        return decode_bytes(d, p->bytes);
    return scalar_to_json(f, p->number_value);
}

static bool is_default(const struct schema_field *f, const struct pb_field *p)
{
    return scalar_wire_type(f->kind) == PB_BYTES ? p->bytes.n == 0 : p->number_value == 0;
}

/* What an absent scalar means, as a field of the wire. */
static struct pb_field default_of(const struct schema_field *f)
{
    return (struct pb_field){.number = f->number, .wire_type = scalar_wire_type(f->kind)};
}

static bool decode_packed(struct decoder *d, const struct schema_field *f, struct str run, json_t *list,
                          const struct path *at)
{
    struct pb_reader r;
    uint64_t bits;
    enum pb_wire_type type = scalar_wire_type(f->kind);
    pb_reader_init(&r, run);
    while (r.p < r.end) {
        bool ok = type == PB_VARINT ? pb_read_varint(&r, &bits)
                                    : pb_read_fixed(&r, type == PB_FIXED64 ? 8 : 4, &bits);
        if (!ok)
            return malformed(d, at, "cut off") != NULL;
        json_array_append_new(list, scalar_to_json(f, bits));
    }
    return true;
}

/* The member of 'o', made when missing. */
static json_t *obtain(json_t *o, const char *key, json_t *(*make)(void))
{
    json_t *v = json_object_get(o, key);
    if (!v) {
        v = make();
        json_object_set_new(o, key, v);
    }
    return v;
}

static bool decode_item(struct decoder *d, const struct schema_field *f, const struct pb_field *p,
                        json_t *into, const struct path *at)
{
    bool packed = p->wire_type != scalar_wire_type(f->kind);
    if (packed && p->bytes.n == 0)
        return true; /* none: as if the field were not there */
    json_t *list = obtain(into, schema_name(f->name), json_array);
    const struct path *at_item = AT_INDEX(at, json_array_size(list));
    if (packed)
        return decode_packed(d, f, p->bytes, list, at_item);
    json_t *v = decode_single(d, f, p, at_item);
    return v && json_array_append_new(list, v) == 0;
}

static bool decode_entry(struct decoder *d, const struct schema_field *f, struct str wire, json_t *into,
                         const struct path *at)
{
    const struct schema_field *key_field = codec_key_field(f), *value_field = codec_value_field(f);
    struct pb_field key = default_of(key_field), value = default_of(value_field), p;
    struct pb_reader r;
    pb_reader_init(&r, wire);
    while (pb_next(&r, &p)) {
        if (p.number == key_field->number && p.wire_type == key.wire_type)
            key = p;
        else if (p.number == value_field->number && p.wire_type == value.wire_type)
            value = p;
    }
    if (r.failed)
        return malformed(d, at, "cut off") != NULL;
    struct str name =
        key_field->kind == KIND_STRING ? key.bytes : scalar_to_key(key_field, key.number_value, &d->scratch);
    if (memchr(name.n ? name.p : "", '\0', name.n))
        return malformed(d, at, "a key contains NUL") != NULL;
    json_t *map = obtain(into, schema_name(f->name), json_object);
    json_t *v = decode_single(d, value_field, &value, AT_KEY(at, name));
    if (!v)
        return false;
    return json_object_setn_new(map, name.n ? name.p : "", name.n, v) == 0 ||
           malformed(d, at, "a key is not UTF-8");
}

static void oust_others_of_oneof(const struct schema_message *m, const struct schema_field *f, json_t *into)
{
    const struct schema_field *fields = schema_message_fields(m);
    for (size_t i = 0; i < m->n_fields; i++) {
        if (fields[i].oneof == f->oneof && &fields[i] != f)
            json_object_del(into, schema_name(fields[i].name));
    }
}

static bool decode_fields(struct decoder *, const struct schema_message *, struct str wire, json_t *into,
                          const struct path *at);

static bool decode_field(struct decoder *d, const struct schema_field *f, const struct pb_field *p,
                         json_t *into, const struct path *at)
{
    const char *name = schema_name(f->name);
    if (f->flags & FIELD_MAP)
        return decode_entry(d, f, p->bytes, into, at);
    if (f->flags & FIELD_REPEATED)
        return decode_item(d, f, p, into, at);
    json_t *earlier =
        f->kind == KIND_MESSAGE && codec_form(f) == FORM_PLAIN ? json_object_get(into, name) : NULL;
    if (earlier) {
        d->depth++;
        bool ok = decode_fields(d, schema_field_message(f), p->bytes, earlier, at);
        d->depth--;
        return ok;
    }
    if (!(f->flags & FIELD_PRESENCE) && is_default(f, p)) {
        json_object_del(into, name);
        return true;
    }
    json_t *v = decode_single(d, f, p, at);
    return v && json_object_set_new(into, name, v) == 0;
}

static bool wire_type_fits(const struct schema_field *f, unsigned wire_type)
{
    enum pb_wire_type want = scalar_wire_type(f->kind);
    return wire_type == want ||
           (wire_type == PB_BYTES && (f->flags & FIELD_REPEATED)); /* packed, or might be */
}

static bool decode_fields(struct decoder *d, const struct schema_message *m, struct str wire, json_t *into,
                          const struct path *at)
{
    struct pb_reader r;
    struct pb_field p;
    uint64_t oneofs = json_object_size(into) > 0 ? UINT64_MAX : 0; /* which may have a member already */
    pb_reader_init(&r, wire);
    while (pb_next(&r, &p)) {
        const struct schema_field *f = schema_find_number(m, p.number);
        if (!f || !wire_type_fits(f, p.wire_type))
            continue; /* newer than the table */
        uint64_t oneof = f->oneof ? UINT64_C(1) << f->oneof : 0;
        if (oneofs & oneof)
            oust_others_of_oneof(m, f, into);
        oneofs |= oneof;
        if (!decode_field(d, f, &p, into, AT_FIELD(at, schema_name(f->name))))
            return false;
    }
    return !r.failed || malformed(d, at, "cut off");
}

/* The last occurrences of a message's fields 1 and 2, which is all that an Any and the times have. */
static bool read_pair(struct str wire, struct pb_field *one, struct pb_field *two)
{
    struct pb_reader r;
    struct pb_field p;
    pb_reader_init(&r, wire);
    while (pb_next(&r, &p)) {
        if (p.number == 1 && p.wire_type == one->wire_type)
            *one = p;
        else if (p.number == 2 && p.wire_type == two->wire_type)
            *two = p;
    }
    return !r.failed;
}

static json_t *decode_any(struct decoder *d, struct str wire, const struct path *at)
{
    struct pb_field url = {.wire_type = PB_BYTES}, value = {.wire_type = PB_BYTES};
    if (!read_pair(wire, &url, &value))
        return malformed(d, at, "cut off");
    if (url.bytes.n == 0 && value.bytes.n == 0)
        return json_object();
    struct str type = codec_type_of_url(url.bytes);
    json_t *type_node = type.n > 0 ? json_stringn(url.bytes.p, url.bytes.n) : NULL;
    if (!type_node)
        return malformed(d, at, "not a type URL");
    json_t *tree = json_object(), *content;
    json_object_set_new(tree, "@type", type_node);
    const struct schema_message *m = schema_find_message(type);
    if (m && (m->form == FORM_PLAIN || m->form == FORM_EMPTY)) {
        if (++d->depth > CODEC_MAX_DEPTH)
            content = malformed(d, at, "nested too deep");
        else
            content = decode_fields(d, m, value.bytes, tree, at) ? json_incref(tree) : NULL;
        d->depth--;
        json_decref(tree);
        return content;
    }
    content = m ? decode_message(d, m, value.bytes, AT_FIELD(at, "value")) : decode_bytes(d, value.bytes);
    if (content) {
        json_object_set_new(tree, "value", content);
        return tree;
    }
    json_decref(tree);
    return NULL;
}

static json_t *decode_time(struct decoder *d, struct str wire, bool is_duration, const struct path *at)
{
    struct pb_field seconds = {.wire_type = PB_VARINT}, nanos = {.wire_type = PB_VARINT};
    if (!read_pair(wire, &seconds, &nanos))
        return malformed(d, at, "cut off");
    struct time_value t = {.seconds = (int64_t)seconds.number_value, .nanos = (int32_t)nanos.number_value};
    struct str text = is_duration ? duration_to_text(t, &d->scratch) : timestamp_to_text(t, &d->scratch);
    return text.n > 0 ? json_from_str(text) : malformed(d, at, "out of range");
}

static json_t *decode_field_mask(struct decoder *d, struct str wire, const struct path *at)
{
    struct pb_reader r;
    struct pb_field p;
    struct buf text;
    buf_init(&text, 2 * wire.n + 1);
    pb_reader_init(&r, wire);
    while (pb_next(&r, &p)) {
        if (p.number != 1 || p.wire_type != PB_BYTES)
            continue;
        if (text.n > 0)
            buf_add_byte(&text, ',');
        for (size_t i = 0; i < p.bytes.n; i++) {
            bool joint = p.bytes.p[i] == '_' && i + 1 < p.bytes.n && p.bytes.p[i + 1] >= 'a' &&
                         p.bytes.p[i + 1] <= 'z';
            if (joint)
                i++;
            buf_add_byte(&text, (uint8_t)(joint ? p.bytes.p[i] - 'a' + 'A' : p.bytes.p[i]));
        }
    }
    json_t *v = r.failed ? malformed(d, at, "cut off") : decode_string(d, buf_str(&text), at);
    buf_fini(&text);
    return v;
}

/* A message of one field whose JSON is that field's value: takes it out of the plain form. NULL: not there.
 */
static json_t *unwrap(json_t *plain)
{
    void *first = json_object_iter(plain);
    return first ? json_incref(json_object_iter_value(first)) : NULL;
}

static json_t *absent_form(struct decoder *d, const struct schema_message *m)
{
    const struct schema_field *f = schema_message_fields(m);
    const struct pb_field nothing = default_of(f);
    switch (m->form) {
    case FORM_STRUCT:
        return json_object();
    case FORM_LIST:
        return json_array();
    case FORM_VALUE:
        return json_null();
    default: /* a wrapper */
        return decode_single(d, f, &nothing, NULL);
    }
}

static json_t *decode_form(struct decoder *d, const struct schema_message *m, struct str wire,
                           const struct path *at)
{
    if (m->form == FORM_ANY)
        return decode_any(d, wire, at);
    if (m->form == FORM_DURATION || m->form == FORM_TIMESTAMP)
        return decode_time(d, wire, m->form == FORM_DURATION, at);
    if (m->form == FORM_FIELD_MASK)
        return decode_field_mask(d, wire, at);
    json_t *plain = json_object();
    if (!decode_fields(d, m, wire, plain, at)) {
        json_decref(plain);
        return NULL;
    }
    if (m->form == FORM_PLAIN || m->form == FORM_EMPTY)
        return plain;
    json_t *v = unwrap(plain);
    json_decref(plain);
    return v ? v : absent_form(d, m);
}

static json_t *decode_message(struct decoder *d, const struct schema_message *m, struct str wire,
                              const struct path *at)
{
    d->depth += codec_levels(m);
    json_t *v =
        d->depth > CODEC_MAX_DEPTH ? malformed(d, at, "nested too deep") : decode_form(d, m, wire, at);
    d->depth -= codec_levels(m);
    return v;
}

enum err_kind envoy_decode(struct str message, struct str wire, json_t **tree, struct err *e)
{
    const struct schema_message *m = schema_find_message(message);
    *tree = NULL;
    if (!m)
        return err_set(e, ERR_INVALID, "unknown message type \"" STR_FMT "\"", STR_ARG(message));
    struct decoder d = {.e = e};
    arena_init(&d.scratch);
    *tree = decode_message(&d, m, wire, NULL);
    arena_fini(&d.scratch);
    return *tree ? ERR_NONE : ERR_MALFORMED;
}
