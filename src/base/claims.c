/* claims.c -- token claims to JSON and back (rest-api.md 9.2). */
#include "ursa/base/claims.h"

#include "ursa/base/clock.h"
#include "ursa/base/json.h"
#include "ursa/base/rand.h"

#define NOT_BEFORE_SLACK_S 300 /* other machines' clocks may lag behind so much */

/* now + valid in whole seconds, rounded down; a sum in nanoseconds would overflow for a life of centuries. */
static int64_t expiry(int64_t now_ns, int64_t valid_ns)
{
    int64_t s = now_ns / NS_PER_S + valid_ns / NS_PER_S;
    int64_t rest = now_ns % NS_PER_S + valid_ns % NS_PER_S;

    if (rest >= NS_PER_S)
        return s + 1;
    return rest < 0 ? s - 1 : s;
}

void claims_stamp(struct token_claims *c, int64_t valid_ns, struct arena *a)
{
    int64_t now = clock_wall_ns();

    c->issued_at = now / NS_PER_S;
    c->not_before = c->issued_at - NOT_BEFORE_SLACK_S;
    c->expires_at = expiry(now, valid_ns);
    if (c->id.n == 0)
        c->id = rand_uuid(a);
}

/* ---- writing ---- */

static json_t *list_to_json(const struct str_list *list)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->n; i++)
        json_array_append_new(array, json_from_str(list->v[i]));
    return array;
}

static json_t *tags_to_json(struct arena *a, const struct token_claims *c)
{
    json_t *tags = json_object();

    for (size_t i = 0; i < c->n_tags; i++)
        json_object_set_new(tags, arena_cstr(a, c->tags[i].name), list_to_json(&c->tags[i].values));
    return tags;
}

static void set_own_claims(json_t *o, struct arena *a, enum token_kind kind, const struct token_claims *c)
{
    switch (kind) {
    case TOKEN_DATAPLANE:
        json_object_set_new(o, "Name", json_from_str(c->name));
        json_object_set_new(o, "Mesh", json_from_str(c->mesh));
        json_object_set_new(o, "Tags", tags_to_json(a, c));
        json_object_set_new(o, "Type", json_from_str(c->type));
        break;
    case TOKEN_USER:
        json_object_set_new(o, "Name", json_from_str(c->name));
        json_object_set_new(o, "Groups", c->groups.n ? list_to_json(&c->groups) : json_null());
        break;
    case TOKEN_ZONE:
        json_object_set_new(o, "Zone", json_from_str(c->zone));
        json_object_set_new(o, "Scope", list_to_json(&c->scope));
        break;
    case TOKEN_ZONE_INGRESS:
        json_object_set_new(o, "Zone", json_from_str(c->zone));
        break;
    }
}

struct str claims_write(struct arena *a, enum token_kind kind, const struct token_claims *c)
{
    JSON_AUTO o = json_object();

    set_own_claims(o, a, kind, c);
    json_object_set_new(o, "exp", json_integer(c->expires_at));
    json_object_set_new(o, "nbf", json_integer(c->not_before));
    json_object_set_new(o, "iat", json_integer(c->issued_at));
    json_object_set_new(o, "jti", json_from_str(c->id));
    return json_format(a, o);
}

/* ---- reading: each function answers false when the value is of the wrong kind; absent and null are the
 * empty value ---- */

static bool read_text(const json_t *v, struct arena *a, struct str *out)
{
    if (!v || json_is_null(v)) {
        *out = STR_NONE;
        return true;
    }
    *out = arena_str(a, json_str(v));
    return json_is_string(v);
}

static bool read_list(const json_t *v, struct arena *a, struct str_list *out)
{
    *out = (struct str_list){0};
    if (!v || json_is_null(v))
        return true;
    if (!json_is_array(v))
        return false;
    out->v = ARENA_ARRAY(a, struct str, json_array_size(v));
    for (; out->n < json_array_size(v); out->n++) {
        const json_t *element = json_array_get(v, out->n);

        if (!json_is_string(element))
            return false;
        out->v[out->n] = arena_str(a, json_str(element));
    }
    return true;
}

static bool read_tags(json_t *v, struct arena *a, struct token_claims *c)
{
    const char *name;
    json_t *values;

    if (!v || json_is_null(v))
        return true;
    if (!json_is_object(v))
        return false;
    c->tags = ARENA_ARRAY(a, struct token_tag, json_object_size(v));
    json_object_foreach(v, name, values)
    {
        struct token_tag *tag = &c->tags[c->n_tags++];

        tag->name = arena_str(a, str_from_c(name));
        if (!read_list(values, a, &tag->values))
            return false;
    }
    return true;
}

static bool read_own_claims(json_t *o, enum token_kind kind, struct arena *a, struct token_claims *c)
{
    switch (kind) {
    case TOKEN_DATAPLANE:
        return read_text(json_get(o, "Name"), a, &c->name) && read_text(json_get(o, "Mesh"), a, &c->mesh) &&
               read_tags(json_get(o, "Tags"), a, c) && read_text(json_get(o, "Type"), a, &c->type);
    case TOKEN_USER:
        return read_text(json_get(o, "Name"), a, &c->name) && read_list(json_get(o, "Groups"), a, &c->groups);
    case TOKEN_ZONE:
        return read_text(json_get(o, "Zone"), a, &c->zone) && read_list(json_get(o, "Scope"), a, &c->scope);
    case TOKEN_ZONE_INGRESS:
        return read_text(json_get(o, "Zone"), a, &c->zone);
    }
    return false;
}

static bool read_time(const json_t *v, int64_t *out)
{
    *out = v ? json_integer_value(v) : 0;
    return !v || json_is_integer(v);
}

enum err_kind claims_read(struct str text, enum token_kind kind, struct arena *a, struct token_claims *c,
                          struct err *e)
{
    JSON_AUTO o = NULL;

    *c = (struct token_claims){0};
    if (json_parse(text, &o, e) || !json_is_object(o))
        return err_set(e, ERR_UNAUTHENTICATED, "the token's payload is not a JSON object");
    if (!json_get(o, "exp")) /* nobody makes them, and nobody could end them but by replacing the key */
        return err_set(e, ERR_UNAUTHENTICATED, "the token has no exp claim");
    if (!read_own_claims(o, kind, a, c) || !read_time(json_get(o, "exp"), &c->expires_at) ||
        !read_time(json_get(o, "nbf"), &c->not_before) || !read_time(json_get(o, "iat"), &c->issued_at) ||
        !read_text(json_get(o, "jti"), a, &c->id))
        return err_set(e, ERR_UNAUTHENTICATED, "a claim of the token has the wrong JSON kind");
    return ERR_NONE;
}
