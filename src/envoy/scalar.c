/* envoy/scalar.c -- numbers, enums and bytes between JSON and the wire. */
#include "scalar.h"

#include <assert.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ursa/base/json.h"

#define EXACT_INTEGERS 9007199254740992.0 /* 2^53: doubles below hold every integer */
#define ENUM_NAMES_MAX 400                /* bytes of names in a fault; the longest enum has 40 values */

enum pb_wire_type scalar_wire_type(enum schema_kind kind)
{
    switch (kind) {
    case KIND_DOUBLE:
    case KIND_FIXED64:
    case KIND_SFIXED64:
        return PB_FIXED64;
    case KIND_FLOAT:
    case KIND_FIXED32:
    case KIND_SFIXED32:
        return PB_FIXED32;
    case KIND_STRING:
    case KIND_BYTES:
    case KIND_MESSAGE:
        return PB_BYTES;
    case KIND_INT64:
    case KIND_UINT64:
    case KIND_INT32:
    case KIND_BOOL:
    case KIND_UINT32:
    case KIND_ENUM:
    case KIND_SINT32:
    case KIND_SINT64:
        break;
    }
    return PB_VARINT;
}

static bool read_int(const json_t *v, int64_t min, int64_t max, int64_t *out)
{
    if (json_is_string(v))
        return str_to_int(json_str(v), min, max, out);
    if (json_is_integer(v)) {
        *out = json_integer_value(v);
    } else if (json_is_real(v)) { /* 1e3 and 5.0 are integers too */
        double d = json_real_value(v);
        if (d != trunc(d) || fabs(d) > EXACT_INTEGERS)
            return false;
        *out = (int64_t)d;
    } else {
        return false;
    }
    return *out >= min && *out <= max;
}

static bool read_uint(const json_t *v, uint64_t max, uint64_t *out)
{
    if (json_is_string(v))
        return str_to_uint(json_str(v), max, out);
    int64_t i;
    if (!read_int(v, 0, INT64_MAX, &i))
        return false;
    *out = (uint64_t)i;
    return *out <= max;
}

static bool read_double(const json_t *v, double *out)
{
    if (json_is_number(v)) {
        *out = json_number_value(v);
        return true;
    }
    if (!json_is_string(v))
        return false;
    const char *text = json_string_value(v);
    size_t n = json_string_length(v);
    if (str_eq(json_str(v), STR("NaN")))
        *out = (double)NAN;
    else if (str_eq(json_str(v), STR("Infinity")))
        *out = (double)INFINITY;
    else if (str_eq(json_str(v), STR("-Infinity")))
        *out = -(double)INFINITY;
    else if (n == 0 || strspn(text, "+-.0123456789eE") != n)
        return false; /* strtod would take "inf" and "0x1p3" as well */
    else {
        char *end;
        *out = strtod(text, &end);
        return end == text + n && isfinite(*out);
    }
    return true;
}

static uint64_t zigzag(int64_t i)
{
    return (uint64_t)i << 1 ^ (i < 0 ? UINT64_MAX : 0);
}

static int64_t unzigzag(uint64_t bits)
{
    return (int64_t)(bits >> 1 ^ (~(bits & 1) + 1));
}

static bool int_from_json(const json_t *v, int64_t min, int64_t max, const struct path *at, int64_t *i,
                          struct err *e)
{
    if (read_int(v, min, max, i))
        return true;
    err_cause(e, at, "must be an integer in the range [%lld, %lld]", (long long)min, (long long)max);
    return false;
}

static bool uint_from_json(const json_t *v, uint64_t max, const struct path *at, uint64_t *bits,
                           struct err *e)
{
    if (read_uint(v, max, bits))
        return true;
    err_cause(e, at, "must be an integer in the range [0, %llu]", (unsigned long long)max);
    return false;
}

static bool double_from_json(const json_t *v, double max, const struct path *at, double *d, struct err *e)
{
    if (read_double(v, d) && !(isfinite(*d) && fabs(*d) > max))
        return true;
    err_cause(e, at, "must be a number, \"NaN\", \"Infinity\" or \"-Infinity\"");
    return false;
}

static void refuse_enum(const struct schema_enum *en, const json_t *v, const struct path *at, struct err *e)
{
    const struct schema_value *values = schema_values + en->first_value;
    struct buf names;
    buf_init(&names, ENUM_NAMES_MAX);
    for (size_t i = 0; i < en->n_values; i++)
        buf_printf(&names, "%s%s", i > 0 ? ", " : "", schema_name(values[i].name));
    struct str list = buf_str(&names);
    const char *more = buf_ok(&names) ? "" : ", ...";
    if (json_is_string(v))
        err_cause(e, at, "unknown value \"" STR_FMT "\", expected one of " STR_FMT "%s", STR_ARG(json_str(v)),
                  STR_ARG(list), more);
    else
        err_cause(e, at, "must be one of " STR_FMT "%s", STR_ARG(list), more);
    buf_fini(&names);
}

static bool enum_from_json(const struct schema_enum *en, const json_t *v, const struct path *at,
                           uint64_t *bits, struct err *e)
{
    int64_t i = 0;
    const struct schema_value *value = json_is_string(v) ? schema_find_value(en, json_str(v)) : NULL;
    if (value) {
        i = value->number;
    } else if (!(en->is_null && json_is_null(v)) &&
               (json_is_string(v) || !read_int(v, INT32_MIN, INT32_MAX, &i))) {
        refuse_enum(en, v, at, e);
        return false;
    }
    *bits = (uint64_t)i;
    return true;
}

bool scalar_from_json(const struct schema_field *f, const json_t *v, const struct path *at, uint64_t *bits,
                      struct err *e)
{
    int64_t i = 0;
    double d = 0;
    float single;
    uint32_t half;
    bool ok = true;
    switch ((enum schema_kind)f->kind) {
    case KIND_BOOL:
        ok = json_is_boolean(v);
        if (!ok)
            err_cause(e, at, "must be true or false");
        *bits = json_is_true(v);
        break;
    case KIND_ENUM:
        ok = enum_from_json(schema_field_enum(f), v, at, bits, e);
        break;
    case KIND_INT32:
    case KIND_SFIXED32:
        ok = int_from_json(v, INT32_MIN, INT32_MAX, at, &i, e);
        *bits = (uint64_t)i;
        break;
    case KIND_SINT32:
        ok = int_from_json(v, INT32_MIN, INT32_MAX, at, &i, e);
        *bits = zigzag(i);
        break;
    case KIND_INT64:
    case KIND_SFIXED64:
        ok = int_from_json(v, INT64_MIN, INT64_MAX, at, &i, e);
        *bits = (uint64_t)i;
        break;
    case KIND_SINT64:
        ok = int_from_json(v, INT64_MIN, INT64_MAX, at, &i, e);
        *bits = zigzag(i);
        break;
    case KIND_UINT32:
    case KIND_FIXED32:
        ok = uint_from_json(v, UINT32_MAX, at, bits, e);
        break;
    case KIND_UINT64:
    case KIND_FIXED64:
        ok = uint_from_json(v, UINT64_MAX, at, bits, e);
        break;
    case KIND_DOUBLE:
        ok = double_from_json(v, DBL_MAX, at, &d, e);
        memcpy(bits, &d, sizeof(d));
        break;
    case KIND_FLOAT:
        ok = double_from_json(v, (double)FLT_MAX, at, &d, e);
        single = ok ? (float)d : 0;
        memcpy(&half, &single, sizeof(half));
        *bits = half;
        break;
    case KIND_STRING:
    case KIND_BYTES:
    case KIND_MESSAGE:
        assert(!"no number");
    }
    return ok;
}

bool scalar_from_key(const struct schema_field *f, struct str key, const struct path *at, uint64_t *bits,
                     struct err *e)
{
    if (f->kind == KIND_BOOL) {
        *bits = str_eq(key, STR("true"));
        if (*bits || str_eq(key, STR("false")))
            return true;
        err_cause(e, at, "must be true or false");
        return false;
    }
    json_t *v = json_from_str(key);
    bool ok = scalar_from_json(f, v, at, bits, e);
    json_decref(v);
    return ok;
}

static json_t *int64_to_json(int64_t i)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%" PRId64, i);
    return json_stringn(text, (size_t)n);
}

static json_t *uint64_to_json(uint64_t u)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%" PRIu64, u);
    return json_stringn(text, (size_t)n);
}

static json_t *double_to_json(double d)
{
    if (isnan(d))
        return json_string("NaN");
    if (isinf(d))
        return json_string(d > 0 ? "Infinity" : "-Infinity");
    if (d == trunc(d) && fabs(d) < EXACT_INTEGERS && !(d == 0 && signbit(d)))
        return json_integer((json_int_t)d);
    return json_real(d);
}

/* The shortest decimal that reads back as the same float: 0.1, not 0.10000000149011612. */
static json_t *float_to_json(float single)
{
    char text[32];
    for (int digits = 6; digits <= 9 && isfinite(single); digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, (double)single);
        if (strtof(text, NULL) == single)
            return double_to_json(strtod(text, NULL));
    }
    return double_to_json((double)single);
}

json_t *scalar_to_json(const struct schema_field *f, uint64_t bits)
{
    double d;
    float single;
    uint32_t half = (uint32_t)bits;
    const char *name;
    switch ((enum schema_kind)f->kind) {
    case KIND_BOOL:
        return json_boolean(bits != 0);
    case KIND_ENUM:
        if (schema_field_enum(f)->is_null)
            return json_null();
        name = schema_find_value_name(schema_field_enum(f), (int32_t)half);
        return name ? json_string(name) : json_integer((int32_t)half);
    case KIND_INT32:
    case KIND_SFIXED32:
        return json_integer((int32_t)half);
    case KIND_SINT32:
        return json_integer((int32_t)unzigzag(half));
    case KIND_UINT32:
    case KIND_FIXED32:
        return json_integer(half);
    case KIND_SINT64:
        return int64_to_json(unzigzag(bits));
    case KIND_INT64:
    case KIND_SFIXED64:
        return int64_to_json((int64_t)bits);
    case KIND_UINT64:
    case KIND_FIXED64:
        return uint64_to_json(bits);
    case KIND_DOUBLE:
        memcpy(&d, &bits, sizeof(d));
        return double_to_json(d);
    case KIND_FLOAT:
        memcpy(&single, &half, sizeof(single));
        return float_to_json(single);
    case KIND_STRING:
    case KIND_BYTES:
    case KIND_MESSAGE:
        break;
    }
    assert(!"no number");
    return NULL;
}

struct str scalar_to_key(const struct schema_field *f, uint64_t bits, struct arena *a)
{
    if (f->kind == KIND_BOOL)
        return bits ? STR("true") : STR("false");
    json_t *v = scalar_to_json(f, bits);
    struct str key = json_is_string(v) ? arena_str(a, json_str(v))
                                       : arena_printf(a, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
    json_decref(v);
    return key;
}

void scalar_put(struct buf *b, enum pb_wire_type type, uint64_t bits)
{
    if (type == PB_VARINT)
        pb_put_varint(b, bits);
    else
        pb_put_fixed(b, type == PB_FIXED64 ? 8 : 4, bits);
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* Not base/base64.h's: protobuf's JSON takes both alphabets, and a key must not pass through an arena. */
bool bytes_from_base64(struct str text, struct buf *out)
{
    size_t n = text.n;
    while (n > 0 && text.n - n < 2 && text.p[n - 1] == '=')
        n--;
    if (n % 4 == 1 || (n < text.n && text.n % 4 != 0))
        return false;
    uint32_t group = 0;
    unsigned n_bits = 0;
    for (size_t i = 0; i < n; i++) {
        int digit = base64_digit(text.p[i]);
        if (digit < 0)
            return false;
        group = group << 6 | (uint32_t)digit;
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            buf_add_byte(out, (uint8_t)(group >> n_bits));
        }
    }
    return true;
}
