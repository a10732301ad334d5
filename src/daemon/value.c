/* value.c -- see value.h. */
#include "value.h"

#include "ursa/base/clock.h"
#include "ursa/base/json.h"
#include "ursa/store.h"

static const char *const log_levels[] = {"error", "warn", "info", "debug"};
static const char *const store_kinds[] = {"sqlite", "memory"};
static const char *const dp_authn_types[] = {"none", "dpToken"};

static bool parse_choice(struct str text, const char *const *names, size_t n, size_t *out)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(text, str_from_c(names[i]))) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* What Go's strconv.ParseBool() takes: environments made for kuma-cp may say 1 or True. */
static bool parse_bool(struct str text, bool *out)
{
    *out = str_eq_nocase(text, STR("true")) || str_eq_nocase(text, STR("t")) || str_eq(text, STR("1"));
    return *out || str_eq_nocase(text, STR("false")) || str_eq_nocase(text, STR("f")) ||
           str_eq(text, STR("0"));
}

const char *value_expectation(enum kind kind)
{
    switch (kind) {
    case STRING:
        return "a string";
    case BOOL:
        return "true or false";
    case PORT:
        return "a port in the range [0, 65535]";
    case COUNT:
        return "a whole number";
    case DURATION:
        return "a duration such as 10s, 1500ms or 1h";
    case LOG_LEVEL:
        return "error, warn, info or debug";
    case STORE:
        return "sqlite or memory";
    case DP_AUTHN:
        return "dpToken or none";
    }
    return "";
}

bool value_parse(const struct setting *s, struct str text, struct arena *a, struct config *c)
{
    void *member = (char *)c + s->offset;
    uint64_t number;
    size_t choice;

    switch (s->kind) {
    case STRING:
        *(const char **)member = arena_cstr(a, text);
        return true;
    case BOOL:
        return parse_bool(text, member);
    case PORT:
        if (!str_to_uint(text, UINT16_MAX, &number))
            return false;
        *(uint16_t *)member = (uint16_t)number;
        return true;
    case COUNT:
        return str_to_uint(text, UINT32_MAX, member);
    case DURATION:
        return duration_parse(text, member) && *(int64_t *)member >= 0;
    case LOG_LEVEL:
        return log_level_parse(text, member);
    case STORE:
        if (!parse_choice(text, store_kinds, ARRAY_LEN(store_kinds), &choice))
            return false;
        *(int *)member = choice == 0 ? STORE_SQLITE : STORE_MEMORY;
        return true;
    case DP_AUTHN:
        if (!parse_choice(text, dp_authn_types, ARRAY_LEN(dp_authn_types), &choice))
            return false;
        *(bool *)member = choice == 1;
        return true;
    }
    return false;
}

json_t *value_to_json(const struct setting *s, const struct config *c)
{
    const void *member = (const char *)c + s->offset;
    struct arena scratch;
    json_t *out;

    switch (s->kind) {
    case STRING:
        return json_string(*(const char *const *)member);
    case BOOL:
        return json_boolean(*(const bool *)member);
    case PORT:
        return json_integer(*(const uint16_t *)member);
    case COUNT:
        return json_integer((json_int_t) * (const uint64_t *)member);
    case DURATION:
        arena_init(&scratch);
        out = json_from_str(duration_format_go(&scratch, *(const int64_t *)member));
        arena_fini(&scratch);
        return out;
    case LOG_LEVEL:
        return json_string(log_levels[*(const enum log_level *)member]);
    case STORE:
        return json_string(store_kinds[*(const int *)member == STORE_MEMORY]);
    case DP_AUTHN:
        return json_string(dp_authn_types[*(const bool *)member]);
    }
    return NULL;
}
