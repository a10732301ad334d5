/* decode_scalar.c -- JSON to scalars; see decode.h. */
#include "decode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ursa/base/base64.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"

#define SHOWN_MAX 60
#define DURATION_TEXT "a duration such as \"5s\" or \"1h30m\""

/* As much of a wrong value as a message repeats. */
static struct str shown(struct str s)
{
    return str_cut(s, SHOWN_MAX);
}

/* Refuses 'v': the reference's sentence, and as a cause where it stands, what was expected and what is there.
 */
static bool refuse(struct decoder *d, const json_t *v, const struct path *at, const char *expected,
                   const char *sentence)
{
    struct arena *a = d->err->arena;
    struct str found = json_format(a, v), start = shown(found);

    err_cause(d->err, at, "expected %s, got " STR_FMT "%s", expected, STR_ARG(start),
              start.n < found.n ? "..." : "");
    err_set(d->err, ERR_MALFORMED, "%s", sentence);
    return false;
}

/* As refuse, but does not repeat the value: it may hold a secret. */
static bool refuse_silently(struct decoder *d, const struct path *at, const char *expected,
                            struct str sentence)
{
    err_cause(d->err, at, "expected %s", expected);
    err_set(d->err, ERR_MALFORMED, STR_FMT, STR_ARG(sentence));
    return false;
}

bool decode_refuse_kind(struct decoder *d, const json_t *v, const struct path *at, const char *go_type,
                        const char *expected)
{
    struct str s = arena_printf(d->err->arena, "json: cannot unmarshal %s into Go value of type %s",
                                json_kind_name(v), go_type);

    return refuse(d, v, at, expected, s.p);
}

/* A number that is one, but not of this type: the message repeats it. */
static bool refuse_number(struct decoder *d, const json_t *v, const struct path *at, const char *go_type,
                          const char *expected)
{
    struct arena *a = d->err->arena;
    struct str number = json_is_string(v) ? json_str(v) : json_format(a, v);
    struct str s = arena_printf(a, "json: cannot unmarshal number " STR_FMT " into Go value of type %s",
                                STR_ARG(shown(number)), go_type);

    return refuse(d, v, at, expected, s.p);
}

/* ---- scalars ---- */

bool decode_str(struct decoder *d, const json_t *v, const struct path *at, struct str *out)
{
    if (json_is_null(v)) {
        *out = STR("");
        return true;
    }
    if (!json_is_string(v))
        return decode_refuse_kind(d, v, at, "string", "a string");
    *out = arena_str(d->arena, json_str(v));
    return true;
}

bool decode_bool(struct decoder *d, const json_t *v, const struct path *at, bool *out)
{
    if (!json_is_boolean(v))
        return decode_refuse_kind(d, v, at, "bool", "true or false");
    *out = json_is_true(v);
    return true;
}

bool decode_uint(struct decoder *d, const json_t *v, const struct path *at, uint64_t max, uint64_t *out)
{
    const char *go_type = max == UINT32_MAX ? "uint32" : "uint64";
    const char *expected = max == UINT32_MAX ? "an integer from 0 to 4294967295" : "an integer of 0 or more";

    if (json_is_null(v))
        return true;
    if (json_is_string(v) && json_string_length(v) > 0 && strchr("-0123456789", json_string_value(v)[0]))
        return str_to_uint(json_str(v), max, out) || refuse_number(d, v, at, go_type, expected);
    if (!json_is_number(v))
        return decode_refuse_kind(d, v, at, go_type, expected);
    if (!json_is_integer(v) || json_integer_value(v) < 0 || (uint64_t)json_integer_value(v) > max)
        return refuse_number(d, v, at, go_type, expected);
    *out = (uint64_t)json_integer_value(v);
    return true;
}

bool decode_u32(struct decoder *d, const json_t *v, const struct path *at, uint32_t *out)
{
    uint64_t wide = 0;

    if (!decode_uint(d, v, at, UINT32_MAX, &wide))
        return false;
    *out = (uint32_t)wide;
    return true;
}

bool decode_int(struct decoder *d, const json_t *v, const struct path *at, int64_t min, int64_t max,
                int64_t *out)
{
    const char *go_type = max == INT32_MAX ? "int32" : "int64";
    const char *expected = max == INT32_MAX ? "an integer of 32 bits" : "an integer";

    if (json_is_null(v))
        return true;
    if (!json_is_number(v))
        return decode_refuse_kind(d, v, at, go_type, expected);
    if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max)
        return refuse_number(d, v, at, go_type, expected);
    *out = json_integer_value(v);
    return true;
}

bool decode_i32(struct decoder *d, const json_t *v, const struct path *at, int32_t *out)
{
    int64_t wide = 0;

    if (!decode_int(d, v, at, INT32_MIN, INT32_MAX, &wide))
        return false;
    *out = (int32_t)wide;
    return true;
}

bool decode_int_or_str(struct decoder *d, const json_t *v, const struct path *at, struct int_or_str *out)
{
    out->set = true;
    return json_is_string(v) ? decode_str(d, v, at, &out->text) : decode_i32(d, v, at, &out->n);
}

bool decode_double(struct decoder *d, const json_t *v, const struct path *at, double *out)
{
    if (json_is_string(v)) {
        char *end = NULL;

        *out = strtod(json_string_value(v), &end);
        if (json_string_length(v) == 0 || *end != '\0')
            return refuse_number(d, v, at, "float64", "a number");
    } else if (json_is_number(v)) {
        *out = json_number_value(v);
    } else {
        return decode_refuse_kind(d, v, at, "float64", "a number");
    }
    return isfinite(*out) || refuse_number(d, v, at, "float64", "a finite number");
}

bool decode_float(struct decoder *d, const json_t *v, const struct path *at, double *out)
{
    char text[32];

    if (!decode_double(d, v, at, out))
        return false;
    float kept = (float)*out;
    if (!isfinite(kept))
        return refuse_number(d, v, at, "float32", "a number of single precision");
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, (double)kept);
        if (strtof(text, NULL) == kept)
            break;
    }
    *out = strtod(text, NULL);
    return true;
}

/* "one of a, b" */
static const char *any_name(const struct enum_names *names, struct arena *a)
{
    struct str text = arena_printf(a, "one of");
    const char *separator = "";

    for (size_t i = 0; i < names->n; i++)
        if (names->v[i]) {
            text = arena_printf(a, STR_FMT "%s %s", STR_ARG(text), separator, names->v[i]);
            separator = ",";
        }
    return text.p;
}

bool decode_choice(struct decoder *d, const struct field *f, const json_t *v, const struct path *at,
                   uint32_t *out)
{
    return (json_is_string(v) && enum_number(f->names, json_str(v), out)) ||
           refuse(d, v, at, any_name(f->names, d->err->arena), "unknown value");
}

bool decode_enum(struct decoder *d, const struct field *f, const json_t *v, const struct path *at,
                 uint32_t *out)
{
    struct arena *a = d->err->arena;

    if (json_is_string(v)) {
        if (enum_number(f->names, json_str(v), out))
            return true;
        struct str raw = json_format(a, v);
        struct str s = arena_printf(a, "unknown value " STR_FMT " for enum %s", STR_ARG(str_quote(a, raw)),
                                    f->names->full_name);

        return refuse(d, v, at, any_name(f->names, a), s.p);
    }
    if (json_is_null(v))
        return true;
    if (!json_is_number(v))
        return decode_refuse_kind(d, v, at, "int32", "a name or a number");
    if (!json_is_integer(v) || json_integer_value(v) < INT32_MIN || json_integer_value(v) > INT32_MAX)
        return refuse_number(d, v, at, "int32", "a name or a number");
    *out = (uint32_t)(int32_t)json_integer_value(v);
    return true;
}

bool decode_duration(struct decoder *d, const json_t *v, const struct path *at, const char *prefix,
                     struct opt_dur *out)
{
    if (!json_is_string(v))
        return decode_refuse_kind(d, v, at, "string", DURATION_TEXT);
    if (!duration_parse(json_str(v), &out->ns)) {
        struct arena *a = d->err->arena;
        struct str s =
            arena_printf(a, "%s" STR_FMT, prefix, STR_ARG(duration_explain(a, shown(json_str(v)))));

        return refuse(d, v, at, DURATION_TEXT, s.p);
    }
    out->set = true;
    return true;
}

bool decode_time(struct decoder *d, const json_t *v, const struct path *at, struct opt_time *out)
{
    if (!json_is_string(v))
        return decode_refuse_kind(d, v, at, "string", "an RFC 3339 time");
    if (!time_parse(json_str(v), &out->ns))
        return refuse(d, v, at, "an RFC 3339 time", "bad Timestamp: parsing time failed");
    out->set = true;
    return true;
}

bool decode_bytes(struct decoder *d, const json_t *v, const struct path *at, struct str *out)
{
    struct arena *a = d->err->arena;
    size_t bad_at = 0;

    if (!json_is_string(v))
        return refuse_silently(
            d, at, "base64 text",
            arena_printf(a, "json: cannot unmarshal %s into Go value of type []uint8", json_kind_name(v)));
    if (!base64_decode(d->arena, json_str(v), out, &bad_at))
        return refuse_silently(d, at, "padded standard base64",
                               arena_printf(a, "illegal base64 data at input byte %zu", bad_at));
    return true;
}

bool decode_free(struct decoder *d, const json_t *v, const struct path *at, struct free_json *out)
{
    if (!json_is_object(v))
        return refuse_silently(
            d, at, "an object",
            arena_printf(
                d->err->arena,
                "bad StructValue: json: cannot unmarshal %s into Go value of type map[string]json.RawMessage",
                json_kind_name(v)));
    out->text = json_format_canonical(d->arena, v);
    return true;
}
