/* schema.c -- the schema of policies with a targetRef (resources.md 5.1): what the raw document must look
 * like before it is decoded. The tables say it; faults are told in the words of the reference's OpenAPI
 * validator. */
#include <math.h>

#include "field.h"
#include "ursa/base/json.h"

#define WHOLE_MAX 9007199254740991.0 /* 2^53 - 1: beyond it a float64 is no sure integer */

static void check_members(const struct field *, const json_t *, const struct path *at, bool any_case,
                          struct err *);

/* COMPAT: the reference cuts its sentence at the first blank when it is about something in the spec; any
 * other has no field. */
static void complain(struct err *e, struct str sentence)
{
    size_t cut = str_has_prefix(sentence, STR("spec.")) ? str_chr(sentence, ' ') : sentence.n;

    if (cut < sentence.n)
        err_cause_at(e, str_slice(sentence, 0, cut), str_slice(sentence, cut + 1, sentence.n));
    else
        err_cause_at(e, STR(""), sentence);
}

static void PRINTF_LIKE(3, 4) fault(struct err *e, const struct path *at, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    struct str reason = arena_vprintf(e->arena, fmt, args);
    va_end(args);
    complain(e, arena_printf(e->arena, STR_FMT " in body " STR_FMT, STR_ARG(path_render(at, e->arena)),
                             STR_ARG(reason)));
}

/* ---- kinds ---- */

static const char *json_type_name(const json_t *v)
{
    return json_is_boolean(v) ? "boolean" : json_kind_name(v);
}

/* COMPAT: 5.0 is an integer for the schema; decoding refuses it. */
static bool is_whole(const json_t *v)
{
    double number = json_number_value(v);

    return json_is_number(v) && fabs(number) <= WHOLE_MAX && number == floor(number);
}

static void check_type(const char *type, const json_t *v, const struct path *at, struct err *e)
{
    if (!str_eq(str_from_c(type), str_from_c(json_type_name(v))))
        fault(e, at, "must be of type %s: \"%s\"", type, json_type_name(v));
}

static void check_integer(const char *format, const json_t *v, const struct path *at, struct err *e)
{
    if (is_whole(v))
        return;
    /* COMPAT: how the reference says it depends on what it finds. */
    if (!format || json_is_string(v) || json_is_array(v) || json_is_null(v))
        fault(e, at, "must be of type integer: \"%s\"", json_type_name(v));
    else
        fault(e, at, "must be of type %s: \"%s\"", format, json_is_number(v) ? "float64" : "");
}

static void check_int_or_str(const json_t *v, const struct path *at, struct err *e)
{
    if (json_is_string(v) || is_whole(v) || json_is_null(v))
        return;
    complain(e, arena_printf(e->arena, STR_FMT " must validate at least one schema (anyOf)",
                             STR_ARG(str_quote(e->arena, path_render(at, e->arena)))));
    check_integer(NULL, v, at, e);
}

/* ---- limits ---- */

static size_t n_chars(struct str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

/* The first of its faults. */
static void check_text(const struct field_limits *limits, struct str s, const struct path *at, struct err *e)
{
    if (limits->max_len && n_chars(s) > limits->max_len)
        fault(e, at, "should be at most %zu chars long", limits->max_len);
    else if (n_chars(s) < limits->min_len)
        fault(e, at, "should be at least %zu chars long", limits->min_len);
    else if (limits->pattern && !limits->pattern->matches(s))
        fault(e, at, "should match '%s'", limits->pattern->regex);
}

/* A whole number as Go's %v prints a float64: from a million on with an exponent. */
static struct str go_number(struct arena *a, int64_t n)
{
    struct str digits = arena_printf(a, "%lld", (long long)n), mantissa = digits;

    if (n < 1000000)
        return digits;
    while (mantissa.p[mantissa.n - 1] == '0')
        mantissa.n--;
    return arena_printf(a, "%c%s" STR_FMT "e+%02zu", digits.p[0], mantissa.n > 1 ? "." : "",
                        STR_ARG(str_slice(mantissa, 1, mantissa.n)), digits.n - 1);
}

static void check_bounds(const struct field_limits *limits, double number, const struct path *at,
                         struct err *e)
{
    if (number < (double)limits->min)
        fault(e, at, "should be greater than or equal to %lld", (long long)limits->min);
    if (limits->max && number > (double)limits->max)
        fault(e, at, "should be less than or equal to " STR_FMT, STR_ARG(go_number(e->arena, limits->max)));
}

static void check_items_count(const struct field_limits *limits, size_t n, const struct path *at,
                              struct err *e)
{
    if (n < limits->min_items)
        fault(e, at, "should have at least %zu items", limits->min_items);
    if (limits->max_items && n > limits->max_items)
        fault(e, at, "should have at most %zu items", limits->max_items);
}

static bool is_named(const struct enum_names *names, const json_t *v, struct arena *a)
{
    uint32_t ignored;

    return !json_is_null(v) &&
           enum_number(names, json_is_string(v) ? json_str(v) : json_format(a, v), &ignored);
}

static void check_choice(const struct enum_names *names, const json_t *v, const struct path *at,
                         struct err *e)
{
    struct str list = STR("");

    if (is_named(names, v, e->arena))
        return;
    for (size_t i = 0; i < names->n; i++)
        if (names->v[i])
            list = arena_printf(e->arena, STR_FMT "%s%s", STR_ARG(list), list.n ? " " : "", names->v[i]);
    fault(e, at, "should be one of [" STR_FMT "]", STR_ARG(list));
}

static void check_limits(const struct field_limits *limits, const json_t *v, const struct path *at,
                         struct err *e)
{
    if (!limits)
        return;
    if (json_is_string(v))
        check_text(limits, json_str(v), at, e);
    if (json_is_number(v) && limits->bounded)
        check_bounds(limits, json_number_value(v), at, e);
    if (json_is_array(v))
        check_items_count(limits, json_array_size(v), at, e);
    if (limits->one_of)
        check_choice(limits->one_of, v, at, e);
}

/* ---- lists, maps and objects ---- */

static void check_items(const struct field *f, const json_t *list, const struct path *at, bool any_case,
                        struct err *e)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);
        const struct path *at_item = AT_INDEX(at, i);

        if (f->kind == FIELD_STR_LIST) {
            check_type("string", v, at_item, e);
        } else if (f->kind == FIELD_I32_LIST) {
            check_integer("int32", v, at_item, e);
        } else {
            check_type("object", v, at_item, e);
            check_members(f->fields, v, at_item, any_case, e);
        }
    }
}

/* COMPAT: the reference writes a tag's place like a field's. */
static void check_tags(const json_t *tags, const struct path *at, struct err *e)
{
    json_t *o = (json_t *)(uintptr_t)tags; /* jansson's iterators only read it */

    for (void *it = json_object_iter(o); it; it = json_object_iter_next(o, it))
        check_type("string", json_object_iter_value(it), AT_FIELD(at, json_object_iter_key(it)), e);
}

static void check_value(const struct field *f, const json_t *v, const struct path *at, bool any_case,
                        struct err *e)
{
    switch ((int)f->kind) {
    case FIELD_STR:
    case FIELD_OPT_STR:
    case FIELD_SPAN:
        check_type("string", v, at, e);
        break;
    case FIELD_CHOICE:
        check_type("string", v, at, e);
        check_choice(f->names, v, at, e);
        break;
    case FIELD_BOOL:
    case FIELD_OPT_BOOL:
        check_type("boolean", v, at, e);
        break;
    case FIELD_U32:
    case FIELD_OPT_U32:
    case FIELD_I32:
    case FIELD_OPT_I32:
        check_integer("int32", v, at, e);
        break;
    case FIELD_OPT_I64:
        check_integer(f->limits ? f->limits->format : NULL, v, at, e);
        break;
    case FIELD_INT_OR_STR:
        check_int_or_str(v, at, e);
        break;
    case FIELD_SPEC:
    case FIELD_SUB:
    case FIELD_INLINE:
        check_type("object", v, at, e);
        check_members(f->fields, v, at, any_case, e);
        break;
    case FIELD_TAGS:
        check_type("object", v, at, e);
        check_tags(v, at, e);
        break;
    case FIELD_LIST:
    case FIELD_STR_LIST:
    case FIELD_I32_LIST:
        check_type("array", v, at, e);
        check_items(f, v, at, any_case, e);
        break;
    default: /* FIELD_ANY: anything is fine */
        break;
    }
    check_limits(f->limits, v, at, e);
}

static void check_members(const struct field *fields, const json_t *o, const struct path *at, bool any_case,
                          struct err *e)
{
    if (!json_is_object(o))
        return;
    for (const struct field *f = fields; f->name; f++) {
        const struct path *at_member = AT_FIELD(at, f->name);
        const json_t *v = any_case ? field_value(f, o, true) : json_get(o, f->name);

        if (v)
            check_value(f, v, at_member, any_case, e);
        else if (f->required)
            fault(e, at_member, "is required");
    }
}

enum err_kind fields_check_schema(const struct field *fields, struct str type_name, const json_t *doc,
                                  struct err *e)
{
    const char *names[] = {arena_cstr(e->arena, type_name)};
    const struct enum_names types = {.v = names, .n = 1};
    const struct field_limits its_type = {.one_of = &types};
    const struct field meta[] = {{.name = "type", .kind = FIELD_STR, .limits = &its_type},
                                 {.name = "mesh", .kind = FIELD_STR},
                                 {.name = "name", .kind = FIELD_STR},
                                 F_END};

    check_members(meta, doc, NULL, false, e);
    check_members(fields, doc, NULL, false, e);
    /* COMPAT: the schema wants keys spelled exactly, decoding does not. What only decoding would find is
     * looked at as well, so that nothing gets past the schema. */
    if (e->kind == ERR_NONE)
        check_members(fields, doc, NULL, true, e);
    return e->kind;
}
