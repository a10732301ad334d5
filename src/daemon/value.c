/* value.c -- see value.h. */
#include "value.h"

#include "ursa/api.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"
#include "ursa/store.h"

static const char *const log_levels[] = {"error", "warn", "info", "debug"};
static const char *const store_kinds[] = {"sqlite", "memory"};
static const char *const dp_authn_types[] = {"none", "dpToken"};
static const char *const authn_types[] = {
    [AUTHN_TOKENS] = "tokens", [AUTHN_CLIENT_CERTS] = "adminClientCerts"};

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
    case VIP_POOL:
        return "IPv4 addresses such as 240.0.0.0/4";
    case LOG_LEVEL:
        return "error, warn, info or debug";
    case STORE:
        return "sqlite or memory";
    case DP_AUTHN:
        return "dpToken or none";
    case XDS_TRANSPORT:
        return "delta, sotw or rest";
    case AUTHN:
        return "tokens or adminClientCerts";
    case ACCESS:
        return "static";
    case LIST:
        return "a list of texts";
    case ORIGINS:
        return "a list of origins such as https://gui.example.com, or of regular expressions for them";
    case MESH_ROLES:
        return "a list of user:<name>=<mesh>:<role> and group:<name>=<mesh>:<role>, where the role is "
               "viewer, "
               "operator or admin";
    case PUBLIC_KEYS:
        return "a list of {kid, key} or {kid, keyFile}";
    case MESH_PUBLIC_KEYS:
        return "a list of {kid, mesh, key} or {kid, mesh, keyFile}";
    }
    return "";
}

static bool scalar_parse(const struct setting *s, struct str text, struct arena *a, struct config *c)
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
    case VIP_POOL:
        return vip_pool_parse(text, member);
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
    case XDS_TRANSPORT:
        return bootstrap_transport_parse(text, member);
    case AUTHN:
        if (!parse_choice(text, authn_types, ARRAY_LEN(authn_types), &choice))
            return false;
        *(enum authn_type *)member = (enum authn_type)choice;
        return true;
    case ACCESS:
        *(const char **)member = arena_cstr(a, text);
        return str_eq(text, STR("static"));
    case LIST:
    case ORIGINS:
    case MESH_ROLES:
    case PUBLIC_KEYS:
    case MESH_PUBLIC_KEYS:
        break;
    }
    return false;
}

/* ---- lists ---- */

static bool kind_is_list(enum kind kind)
{
    return kind == LIST || kind == ORIGINS || kind == MESH_ROLES;
}

static bool list_store(const struct setting *s, const struct str_list *list, struct arena *a,
                       struct config *c, struct str *wrong)
{
    void *member = (char *)c + s->offset;
    struct mesh_grants grants = {.v = ARENA_ARRAY(a, struct mesh_grant, list->n + 1)};

    for (size_t i = 0; s->kind == ORIGINS && i < list->n; i++) {
        if (!api_check_origin_pattern(list->v[i])) {
            *wrong = str_quote(a, list->v[i]);
            return false;
        }
    }
    if (s->kind != MESH_ROLES) {
        *(struct str_list *)member = *list;
        return true;
    }
    for (size_t i = 0; i < list->n; i++) {
        if (!mesh_grant_parse(list->v[i], a, &grants.v[grants.n++])) {
            *wrong = str_quote(a, list->v[i]);
            return false;
        }
    }
    *(struct mesh_grants *)member = grants;
    return true;
}

static bool list_parse(const struct setting *s, struct str text, struct arena *a, struct config *c,
                       struct str *wrong)
{
    struct str_list list = {.v = ARENA_ARRAY(a, struct str, text.n + 1)};
    struct str part;

    while (text.n > 0 && str_next(&text, ',', &part))
        list.v[list.n++] = arena_str(a, str_trim(part));
    return list_store(s, &list, a, c, wrong);
}

/* ---- public keys ---- */

static bool kind_is_keys(enum kind kind)
{
    return kind == PUBLIC_KEYS || kind == MESH_PUBLIC_KEYS;
}

/* The text of a member; a number is what YAML makes of "kid: 1". */
static struct str key_member(const json_t *item, const char *name, struct arena *a)
{
    const json_t *v = json_object_get(item, name);

    if (json_is_integer(v))
        return arena_printf(a, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
    return arena_str(a, json_str(v));
}

/* What is wrong with the list's item; STR_NONE: nothing. */
static struct str key_from_json(const json_t *item, bool of_mesh, struct arena *a, struct public_key *out)
{
    static const char *const known[] = {"kid", "key", "keyFile", "mesh"};
    size_t n_known = of_mesh ? 4 : 3, n_given = 0;

    *out = (struct public_key){.kid = key_member(item, "kid", a),
                               .key = key_member(item, "key", a),
                               .mesh = of_mesh ? key_member(item, "mesh", a) : STR("")};
    struct str file = key_member(item, "keyFile", a);

    for (size_t i = 0; i < n_known; i++)
        n_given += json_object_get(item, known[i]) != NULL;
    if (!json_is_object(item) || n_given != json_object_size(item))
        return STR("one with something else");
    if (out->kid.n == 0)
        return STR("one whose kid is missing or no text");
    if (of_mesh && out->mesh.n == 0)
        return STR("one without mesh");
    if ((out->key.n > 0) == (file.n > 0))
        return file.n > 0 ? STR("one with both key and keyFile") : STR("one with neither key nor keyFile");
    out->key_file = file.n > 0 ? arena_cstr(a, file) : NULL;
    return STR_NONE;
}

static bool keys_from_json(const struct setting *s, const json_t *list, struct arena *a, struct config *c,
                           struct str *wrong)
{
    struct public_keys keys = {.v = ARENA_ARRAY(a, struct public_key, json_array_size(list) + 1)};

    if (!json_is_array(list))
        return false;
    for (; keys.n < json_array_size(list); keys.n++) {
        *wrong = key_from_json(json_array_get(list, keys.n), s->kind == MESH_PUBLIC_KEYS, a, &keys.v[keys.n]);
        if (wrong->p)
            return false;
    }
    *(struct public_keys *)(void *)((char *)c + s->offset) = keys;
    return true;
}

/* A public key is no secret, and a path says where one is. */
static json_t *keys_to_json(const struct public_keys *keys)
{
    json_t *out = json_array();

    for (size_t i = 0; i < keys->n; i++) {
        const struct public_key *k = &keys->v[i];
        json_t *o = json_object();

        json_object_set_new(o, "kid", json_from_str(k->kid));
        if (k->mesh.n > 0)
            json_object_set_new(o, "mesh", json_from_str(k->mesh));
        if (k->key_file)
            json_object_set_new(o, "keyFile", json_string(k->key_file));
        else
            json_object_set_new(o, "key", json_from_str(k->key));
        json_array_append_new(out, o);
    }
    return out;
}

bool value_parse(const struct setting *s, struct str text, struct arena *a, struct config *c,
                 struct str *wrong)
{
    if (kind_is_list(s->kind))
        return list_parse(s, text, a, c, wrong);
    *wrong = str_quote(a, text);
    if (kind_is_keys(s->kind)) /* COMPAT: kuma-cp has no variable for them either */
        return text.n == 0;
    return scalar_parse(s, text, a, c);
}

/* The scalar's text, as the environment would spell it; STR_NONE for a list or section. */
static struct str scalar_text(struct arena *a, const json_t *v)
{
    if (json_is_string(v))
        return json_str(v);
    if (json_is_boolean(v))
        return json_is_true(v) ? STR("true") : STR("false");
    if (json_is_integer(v))
        return arena_printf(a, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
    if (json_is_real(v))
        return arena_printf(a, "%g", json_real_value(v));
    return STR_NONE;
}

static struct str describe(struct arena *a, const json_t *v)
{
    struct str text = scalar_text(a, v);

    if (json_is_string(v))
        return str_quote(a, text);
    return text.p              ? text
           : json_is_array(v)  ? STR("a list")
           : json_is_object(v) ? STR("a section")
                               : STR("null");
}

bool value_from_json(const struct setting *s, const json_t *v, struct arena *a, struct config *c,
                     struct str *wrong)
{
    struct str_list list = {.v = ARENA_ARRAY(a, struct str, json_array_size(v) + 1)};
    struct str text = scalar_text(a, v);

    *wrong = describe(a, v);
    if (kind_is_keys(s->kind))
        return keys_from_json(s, v, a, c, wrong);
    if (!kind_is_list(s->kind))
        return text.p && scalar_parse(s, text, a, c);
    if (!json_is_array(v))
        return false;
    for (; list.n < json_array_size(v); list.n++) {
        const json_t *item = json_array_get(v, list.n);

        if (!json_is_string(item)) {
            *wrong = arena_printf(a, "one with " STR_FMT, STR_ARG(describe(a, item)));
            return false;
        }
        list.v[list.n] = arena_str(a, json_str(item));
    }
    return list_store(s, &list, a, c, wrong);
}

/* ---- showing ---- */

static json_t *list_to_json(const struct str_list *list)
{
    json_t *out = json_array();

    for (size_t i = 0; i < list->n; i++)
        json_array_append_new(out, json_from_str(list->v[i]));
    return out;
}

static json_t *grants_to_json(const struct mesh_grants *grants, struct arena *a)
{
    json_t *out = json_array();

    for (size_t i = 0; i < grants->n; i++)
        json_array_append_new(out, json_from_str(mesh_grant_format(&grants->v[i], a)));
    return out;
}

json_t *value_to_json(const struct setting *s, const struct config *c)
{
    const void *member = (const char *)c + s->offset;
    struct arena scratch;
    json_t *out;

    switch (s->kind) {
    case STRING:
    case ACCESS:
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
    case VIP_POOL:
        arena_init(&scratch);
        out = json_from_str(vip_pool_format(&scratch, member));
        arena_fini(&scratch);
        return out;
    case LOG_LEVEL:
        return json_string(log_levels[*(const enum log_level *)member]);
    case STORE:
        return json_string(store_kinds[*(const int *)member == STORE_MEMORY]);
    case DP_AUTHN:
        return json_string(dp_authn_types[*(const bool *)member]);
    case XDS_TRANSPORT:
        return json_from_str(bootstrap_transport_name(*(const enum bootstrap_transport *)member));
    case AUTHN:
        return json_string(authn_types[*(const enum authn_type *)member]);
    case LIST:
    case ORIGINS:
        return list_to_json(member);
    case MESH_ROLES:
        arena_init(&scratch);
        out = grants_to_json(member, &scratch);
        arena_fini(&scratch);
        return out;
    case PUBLIC_KEYS:
    case MESH_PUBLIC_KEYS:
        return keys_to_json(member);
    }
    return NULL;
}

struct str value_default_yaml(const struct setting *s, struct arena *a)
{
    struct str rest = str_from_c(s->default_text), out = STR("["), part;

    if (s->kind == STRING)
        return str_quote(a, rest);
    if (kind_is_keys(s->kind))
        return STR("[]");
    if (!kind_is_list(s->kind))
        return rest;
    while (rest.n > 0 && str_next(&rest, ',', &part))
        out = arena_printf(a, STR_FMT "%s" STR_FMT, STR_ARG(out), out.n > 1 ? ", " : "",
                           STR_ARG(str_quote(a, part)));
    return arena_printf(a, STR_FMT "]", STR_ARG(out));
}
