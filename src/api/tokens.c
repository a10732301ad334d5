/* tokens.c -- POST /tokens/{dataplane,user,zone,zone-ingress}: issues a token, answered as bare text
 * (rest-api.md 9.1).
 *
 * Rights were checked before the body was read (routes.def). A token is never logged. */
#include "audit.h"
#include "router.h"
#include "ursa/base/clock.h"
#include "ursa/base/rand.h"

#define NOTED_TEXT 256
#define NOTED_GROUPS 50
#define DEFAULT_LIFE_NS (3650 * 24 * 3600 * NS_PER_S)

/* The members of all four requests together; texts are borrowed from 'body'. */
struct token_request {
    json_t *body; /* owned */
    struct token_claims claims;
    struct str valid_for;
    bool has_scope;
};

/* ---- reading: false when a member is of the wrong JSON kind; absent and null are the empty value ---- */

static bool read_text(const json_t *o, const char *key, struct str *out)
{
    const json_t *v = json_get(o, key);

    *out = json_str(v);
    return !v || json_is_null(v) || json_is_string(v);
}

static bool read_list(const json_t *v, struct arena *a, struct str_list *out)
{
    size_t n = json_array_size(v);

    *out = (struct str_list){.v = ARENA_ARRAY(a, struct str, n + 1)};
    if (!v || json_is_null(v))
        return true;
    for (; out->n < n && json_is_string(json_array_get(v, out->n)); out->n++)
        out->v[out->n] = json_str(json_array_get(v, out->n));
    return json_is_array(v) && out->n == n;
}

static bool read_tags(json_t *v, struct arena *a, struct token_claims *claims)
{
    const char *name;
    json_t *values;

    claims->tags = ARENA_ARRAY(a, struct token_tag, json_object_size(v) + 1);
    json_object_foreach(v, name, values)
    {
        struct token_tag *tag = &claims->tags[claims->n_tags++];

        tag->name = json_key_str(name);
        if (!read_list(values, a, &tag->values))
            return false;
    }
    return !v || json_is_null(v) || json_is_object(v);
}

static bool read_members(struct token_request *q, struct arena *a)
{
    struct token_claims *c = &q->claims;
    const json_t *o = q->body, *scope = json_get(o, "scope");

    q->has_scope = json_is_array(scope);
    return (json_is_object(o) || json_is_null(o)) && read_text(o, "name", &c->name) &&
           read_text(o, "mesh", &c->mesh) && read_text(o, "type", &c->type) &&
           read_text(o, "zone", &c->zone) && read_text(o, "validFor", &q->valid_for) &&
           read_list(json_get(o, "groups"), a, &c->groups) && read_list(scope, a, &c->scope) &&
           read_tags(json_get(o, "tags"), a, c);
}

/* COMPAT: a body that cannot be decoded is answered without a word. */
static bool read_request(struct request *r, struct token_request *q)
{
    struct err ignored;

    *q = (struct token_request){0};
    err_init(&ignored, &r->arena);
    if (json_parse(buf_str(&r->body), &q->body, &ignored) == ERR_NONE && read_members(q, &r->arena))
        return true;
    answer_empty(r, 400);
    return false;
}

/* ---- checks ---- */

static void fault(struct request *r, const char *field, struct str reason)
{
    err_cause_at(&r->err, str_from_c(field), reason);
}

static void require(struct request *r, const char *field, bool given)
{
    if (!given)
        fault(r, field, STR("cannot be empty"));
}

/* How long the token shall live; ten years unless it says so. */
static int64_t check_life(struct request *r, struct str valid_for)
{
    int64_t life = 0;

    if (valid_for.n == 0)
        return DEFAULT_LIFE_NS;
    if (!duration_parse(valid_for, &life))
        fault(
            r, "validFor",
            arena_printf(&r->arena, "is invalid: " STR_FMT, STR_ARG(duration_explain(&r->arena, valid_for))));
    return life;
}

static void check_proxy_type(struct request *r, struct str type)
{
    if (type.n > 0 && !str_eq(type, STR("dataplane")) && !str_eq(type, STR("ingress")) &&
        !str_eq(type, STR("egress")))
        fault(r, "type", arena_printf(&r->arena, STR_FMT " is not a valid proxy type", STR_ARG(type)));
}

/* Whose rights end at a mesh learn nothing of another, not even whether it is there. False after
 * refusing. */
static bool may_issue_for_mesh(struct request *r, struct str mesh)
{
    const struct access_scope scope = {.reach = REACH_MESH, .type = RES_N, .mesh = mesh};

    if (access_check(&r->options->access, &r->user, r->route->access, &scope, &r->err) == ERR_NONE)
        return true;
    answer_error(r);
    return false;
}

/* A slip in a group that names a mesh would give a user less than was meant, and nobody would be told. */
static void check_groups(struct request *r, const struct str_list *groups)
{
    for (size_t i = 0; i < groups->n; i++) {
        struct str mesh;

        if (mesh_role_is_meant(groups->v[i]) && mesh_role_parse(groups->v[i], &mesh) == MESH_ROLE_NONE)
            err_cause(&r->err, AT_INDEX(AT_FIELD(NULL, "groups"), i),
                      STR_FMT " is none of mesh:<mesh>:viewer, mesh:<mesh>:operator, mesh:<mesh>:admin",
                      STR_ARG(str_quote(&r->arena, groups->v[i])));
    }
}

/* ---- answering ---- */

/* For the audit log: enough to revoke it, and nothing to use it. */
static void note_token(struct request *r, enum token_kind kind, const struct token_claims *c, int64_t life_ns)
{
    static const char *const kinds[] = {[TOKEN_DATAPLANE] = "dataplane",
                                        [TOKEN_USER] = "user",
                                        [TOKEN_ZONE] = "zone",
                                        [TOKEN_ZONE_INGRESS] = "zone-ingress"};
    const struct {
        const char *key;
        struct str text;
    } texts[] = {{"id", c->id}, {"name", c->name}, {"mesh", c->mesh}, {"zone", c->zone}, {"type", c->type}};
    json_t *token = json_object(), *groups = json_array();

    json_object_set_new(token, "kind", json_string(kinds[kind]));
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (texts[i].text.n > 0)
            json_object_set_new(token, texts[i].key, json_from_str(str_cut(texts[i].text, NOTED_TEXT)));
    }
    for (size_t i = 0; i < c->groups.n && i < NOTED_GROUPS; i++)
        json_array_append_new(groups, json_from_str(str_cut(c->groups.v[i], NOTED_TEXT)));
    json_object_set_new(token, "groups", groups);
    json_object_set_new(token, "validFor", json_from_str(duration_format_go(&r->arena, life_ns)));
    audit_note(r, "token", token);
}

static void issue(struct request *r, enum token_kind kind, struct token_claims *claims, int64_t life_ns)
{
    struct str jwt;

    claims->id = rand_uuid(&r->arena);
    note_token(r, kind, claims, life_ns);
    r->title = "Invalid request";
    if (!r->options->auth.tokens->of[kind].issues) {
        r->title = "Could not issue a token";
        err_set(&r->err, ERR_INVALID, "issuing tokens using the control plane is disabled.");
    } else if (r->err.kind == ERR_NONE) {
        if (token_issue(r->snap, kind, claims, life_ns, &r->arena, &jwt, &r->err) == ERR_NONE) {
            answer_text(r, 200, "text/plain", jwt);
            return;
        }
        r->show_text = r->err.kind == ERR_NOT_FOUND; /* which key is missing */
        r->title = r->show_text ? "Signing Key not found" : "Could not issue a token";
    }
    answer_error(r);
}

void token_dataplane_post(struct request *r)
{
    struct token_request q;
    int64_t life;

    if (read_request(r, &q) && may_issue_for_mesh(r, q.claims.mesh)) {
        require(r, "mesh", q.claims.mesh.n > 0);
        life = check_life(r, q.valid_for);
        check_proxy_type(r, q.claims.type);
        issue(r, TOKEN_DATAPLANE, &q.claims, life);
    }
    json_decref(q.body);
}

void token_user_post(struct request *r)
{
    struct token_request q;
    int64_t life;

    if (read_request(r, &q)) {
        require(r, "name", q.claims.name.n > 0);
        require(r, "validFor", q.valid_for.n > 0);
        life = check_life(r, q.valid_for);
        if (life == 0)
            fault(r, "validFor", STR("cannot be empty or nil"));
        check_groups(r, &q.claims.groups);
        issue(r, TOKEN_USER, &q.claims, life);
    }
    json_decref(q.body);
}

void token_zone_post(struct request *r)
{
    struct token_request q;

    if (read_request(r, &q)) {
        require(r, "scope", q.has_scope);
        issue(r, TOKEN_ZONE, &q.claims, check_life(r, q.valid_for));
    }
    json_decref(q.body);
}

void token_zone_ingress_post(struct request *r)
{
    struct token_request q;

    if (read_request(r, &q)) {
        require(r, "zone", q.claims.zone.n > 0);
        issue(r, TOKEN_ZONE_INGRESS, &q.claims, check_life(r, q.valid_for));
    }
    json_decref(q.body);
}
