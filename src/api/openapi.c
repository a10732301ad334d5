/* openapi.c -- see openapi.h. */
#include "openapi.h"

#include <ctype.h>

#include "router.h"
#include "shape.h"
#include "ursa/base/yaml.h"
#include "ursa/version.h"

#define PARAMETER_REF "#/components/parameters/"
#define ABOUT                                                                                                \
    "The REST API of the Ursa control plane, a drop-in for Kuma " KUMA_COMPAT_VERSION                        \
    "'s. A change is answered when it is on disk. "                                                          \
    "Faults are told all at once, each with its field."

/* ---- query parameters and headers ---- */

enum where { QUERY, HEADER, ANSWER };

static const struct value {
    struct str name;
    enum where where;
    struct str shape, text;
} values[] = {
#define VALUE(name, where, shape, text) {STR_INIT(name), where, STR_INIT(shape), STR_INIT(text)},
#include "values.def"
#undef VALUE
};

static const struct value *value_find(struct str name, bool of_answer)
{
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        if (str_eq(values[i].name, name) && (values[i].where == ANSWER) == of_answer)
            return &values[i];
    return NULL;
}

static const char *where_name(enum where where)
{
    return where == QUERY ? "query" : where == HEADER ? "header" : "answer";
}

static json_t *reference(struct arena *a, const char *to, struct str name)
{
    return json_pack("{s:o}", "$ref", json_from_str(arena_printf(a, "%s" STR_FMT, to, STR_ARG(name))));
}

static json_t *parameter(const char *name, const char *in, json_t *take_schema, struct str text)
{
    json_t *o = json_pack("{s:s, s:s, s:o}", "name", name, "in", in, "description", json_from_str(text));

    if (str_eq(str_from_c(in), STR("path")))
        json_object_set_new(o, "required", json_true());
    json_object_set_new(o, "schema", take_schema);
    return o;
}

static json_t *path_parameters(void)
{
    json_t *name = json_pack("{s:s, s:s}", "type", "string", "pattern", "^[0-9a-z_-]+$");

    return json_pack("{s:o, s:o, s:o}", "path.mesh",
                     parameter("mesh", "path", json_incref(name), STR("The mesh")), "path.policy",
                     parameter("policy", "path", json_incref(name), STR("A type of policies, as in its URL")),
                     "path.name", parameter("name", "path", name, STR("The name")));
}

/* The components that values.def gives: parameters, and headers of answers. */
static enum err_kind add_values(json_t *parameters, json_t *headers, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        const struct value *v = &values[i];
        const char *name = arena_cstr(e->arena, v->name);
        json_t *schema = shape_parse(v->shape, e);

        if (!schema) {
            err_add_context(e, "values.def, %s", name);
            return e->kind;
        }
        if (v->where == ANSWER)
            json_object_set_new(
                headers, name,
                json_pack("{s:o, s:o}", "description", json_from_str(v->text), "schema", schema));
        else
            json_object_set_new(parameters, arena_printf(e->arena, "%s.%s", where_name(v->where), name).p,
                                parameter(name, where_name(v->where), schema, v->text));
    }
    return ERR_NONE;
}

/* ---- one operation ---- */

/* A route, of one type when its pattern stands for many. */
struct subject {
    const struct route *route;
    const struct operation *operation;
    enum res_type type;
    struct str path;
    struct err *err;
};

/* The text with each 'what' replaced. */
static struct str replace(struct arena *a, struct str text, struct str what, struct str with)
{
    size_t at = str_find(text, what);

    if (at == text.n)
        return text;
    struct str rest = replace(a, str_slice(text, at + what.n, text.n), what, with);
    return arena_printf(a, STR_FMT STR_FMT STR_FMT, STR_ARG(str_slice(text, 0, at)), STR_ARG(with),
                        STR_ARG(rest));
}

static struct str of_type(const struct subject *s, struct str text)
{
    struct arena *a = s->err->arena;

    if (s->type == RES_N)
        return text;
    struct str name = res_type_info(s->type)->name;
    text = replace(a, text, STR("$Resource"), arena_printf(a, "$" STR_FMT, STR_ARG(name)));
    return replace(a, text, STR("{type}"), name);
}

/* "get_meshes_mesh_timeouts_name": the method and the path, what is no letter or digit as '_'. */
static json_t *operation_id(const struct subject *s)
{
    struct arena *a = s->err->arena;
    struct str text = arena_printf(a, "%s" STR_FMT, router_method_name(s->route->method), STR_ARG(s->path));
    char *id = arena_alloc(a, text.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        bool plain = isalnum((unsigned char)text.p[i]);

        if (plain)
            id[n++] = (char)tolower((unsigned char)text.p[i]);
        else if (n > 0 && id[n - 1] != '_')
            id[n++] = '_';
    }
    while (n > 0 && id[n - 1] == '_')
        n--;
    return json_from_str(str_from(id, n));
}

static json_t *parameters_of(const struct subject *s)
{
    struct arena *a = s->err->arena;
    struct str rest = s->operation->parameters, name;
    json_t *list = json_array();

    if (str_find(s->path, STR("{mesh}")) < s->path.n)
        json_array_append_new(list, reference(a, PARAMETER_REF, STR("path.mesh")));
    if (str_find(s->path, STR("{policy}")) < s->path.n)
        json_array_append_new(list, reference(a, PARAMETER_REF, STR("path.policy")));
    if (str_find(s->path, STR("{name}")) < s->path.n)
        json_array_append_new(list, reference(a, PARAMETER_REF, STR("path.name")));
    while (str_next(&rest, ' ', &name)) {
        const struct value *v = name.n ? value_find(name, false) : NULL;

        if (v)
            json_array_append_new(
                list, reference(a, PARAMETER_REF,
                                arena_printf(a, "%s." STR_FMT, where_name(v->where), STR_ARG(name))));
        else if (name.n)
            err_set(s->err, ERR_INVALID, "the parameter " STR_FMT " has no row in values.def", STR_ARG(name));
    }
    return list;
}

static json_t *headers_of(const struct subject *s)
{
    struct str rest = s->operation->headers, name;
    json_t *headers = json_object();

    while (str_next(&rest, ' ', &name)) {
        if (name.n && value_find(name, true))
            json_object_set_new(headers, arena_cstr(s->err->arena, name),
                                reference(s->err->arena, "#/components/headers/", name));
        else if (name.n)
            err_set(s->err, ERR_INVALID, "the header " STR_FMT " has no row in values.def", STR_ARG(name));
    }
    return headers;
}

static json_t *body_of(const struct subject *s)
{
    json_t *schema = shape_parse(of_type(s, s->operation->body), s->err), *content = json_object();

    if (s->route->flags & ROUTE_JSON_BODY)
        json_object_set_new(content, TYPE_JSON, json_pack("{s:O*}", "schema", schema));
    if (s->route->flags & ROUTE_YAML_BODY)
        json_object_set_new(content, "application/yaml", json_pack("{s:O*}", "schema", schema));
    json_decref(schema);
    return json_pack("{s:b, s:o}", "required", 1, "content", content);
}

/* One status: a shape in JSON, a media type, or nothing. */
static json_t *answer_of(const struct subject *s, unsigned status, const json_t *shape)
{
    json_t *answer = json_pack("{s:s}", "description", status < 300 ? "Done" : "Refused"), *headers;
    struct str word = json_str(shape);

    if (status < 300) {
        headers = headers_of(s);
        if (json_object_size(headers))
            json_object_set(answer, "headers", headers);
        json_decref(headers);
    }
    if (str_chr(word, '/') < word.n)
        json_object_set_new(
            answer, "content",
            json_pack("{s:{s:{s:s}}}", arena_cstr(s->err->arena, word), "schema", "type", "string"));
    else if (!str_eq(word, STR("empty")))
        json_object_set_new(answer, "content",
                            json_pack("{s:{s:o*}}", TYPE_JSON, "schema", shape_to_schema(shape, s->err)));
    return answer;
}

static json_t *answers_of(const struct subject *s)
{
    struct arena *a = s->err->arena;
    struct str text = arena_printf(a, "{" STR_FMT "}", STR_ARG(of_type(s, s->operation->answers)));
    json_t *answers = json_object(), *shape;
    struct yaml_doc *docs = NULL;
    const char *status;
    size_t n = 0;

    if (yaml_parse(text, 1, &docs, &n, s->err) == ERR_NONE && n == 1) {
        json_object_foreach(docs[0].root, status, shape)
        {
            uint64_t number = 0;

            if (!str_to_uint(str_from_c(status), 599, &number) || number < 200)
                err_set(s->err, ERR_INVALID, "%s is no status of HTTP", status);
            json_object_set_new(answers, status, answer_of(s, (unsigned)number, shape));
        }
        json_decref(docs[0].root);
    }
    if (json_object_size(answers) == 0 && s->err->kind == ERR_NONE)
        err_set(s->err, ERR_INVALID,
                "answers are missing, as in \"200: {total: integer}\" or \"200: empty\"");
    json_object_set_new(answers, "default", reference(a, "#/components/responses/", STR("Fault")));
    return answers;
}

/* ---- rights ---- */

static const char *rights_text(enum access access)
{
    switch (access) {
    case ACCESS_PUBLIC:
        return "Open to everybody.";
    case ACCESS_READ:
        return "Open to whoever may read; users with roles of meshes see those meshes.";
    case ACCESS_WRITE:
        return "For users who may write, and operators of the mesh.";
    case ACCESS_ADMIN_RESOURCE:
        return "For administrators, of the control plane or of the mesh.";
    case ACCESS_ADMIN:
        return "For administrators of the control plane.";
    case ACCESS_ISSUE_ZONE_INGRESS_TOKEN:
    case ACCESS_ISSUE_USER_TOKEN:
    case ACCESS_ISSUE_ZONE_TOKEN:
        return "For those who may issue such tokens.";
    case ACCESS_ISSUE_DATAPLANE_TOKEN:
        return "For those who may issue such tokens, and administrators of the mesh.";
    case ACCESS_VIEW_CONFIG_DUMP:
    case ACCESS_VIEW_STATS:
    case ACCESS_VIEW_CLUSTERS:
        return "For those who may look into proxies.";
    }
    return "";
}

static enum access access_of(const struct subject *s)
{
    bool secret = s->type != RES_N && (res_type_info(s->type)->traits & RES_ADMIN);

    return secret ? ACCESS_ADMIN_RESOURCE : s->route->access;
}

/* Without credentials a caller may read, as long as the control plane is set up as it comes. */
static json_t *security_of(const struct subject *s)
{
    json_t *list = json_array();

    if (access_of(s) == ACCESS_PUBLIC || access_of(s) == ACCESS_READ)
        json_array_append_new(list, json_object());
    json_array_append_new(list, json_pack("{s:[]}", "bearer"));
    return list;
}

/* ---- paths ---- */

static enum err_kind add_operation(json_t *paths, const struct subject *s)
{
    const char *path = arena_cstr(s->err->arena, s->path);
    const char *method = s->route->method == GET    ? "get"
                         : s->route->method == PUT  ? "put"
                         : s->route->method == POST ? "post"
                                                    : "delete";
    json_t *item = json_object_get(paths, path), *o = json_object();

    if (!item)
        json_object_set_new(paths, path, item = json_object());
    json_object_set_new(o, "operationId", operation_id(s));
    json_object_set_new(o, "summary", json_from_str(of_type(s, s->operation->summary)));
    json_object_set_new(o, "description", json_string(rights_text(access_of(s))));
    json_object_set_new(o, "tags",
                        json_pack("[o]", s->type == RES_N ? json_string("control plane")
                                                          : json_from_str(res_type_info(s->type)->name)));
    json_object_set_new(o, "parameters", parameters_of(s));
    if (s->operation->body.n)
        json_object_set_new(o, "requestBody", body_of(s));
    json_object_set_new(o, "responses", answers_of(s));
    json_object_set_new(o, "security", security_of(s));
    json_object_set_new(item, method, o);
    if (s->err->kind != ERR_NONE)
        err_add_context(s->err, "operations.def, %s, for %s", s->operation->handler, s->route->pattern);
    return s->err->kind;
}

/* {mesh} and {name} stand for any segment. */
static bool pattern_covers(struct str pattern, struct str path)
{
    struct str wanted, found;

    while (pattern.p && path.p) {
        if (!str_next(&pattern, '/', &wanted) || !str_next(&path, '/', &found))
            return false;
        if (!str_eq(wanted, found) && !str_eq(wanted, STR("{mesh}")) && !str_eq(wanted, STR("{name}")))
            return false;
    }
    return !pattern.p && !path.p;
}

/* A path that a row above it answers. */
static bool is_hidden(const struct route *rows, const struct route *route, struct str path)
{
    for (const struct route *above = rows; above < route; above++)
        if (above->port == route->port && pattern_covers(str_from_c(above->pattern), path) &&
            !str_eq(str_from_c(above->pattern), str_from_c(route->pattern)))
            return true;
    return false;
}

static enum err_kind add_type_operations(json_t *paths, const struct route *rows, struct subject *s,
                                         struct str stands_for, enum res_scope scope)
{
    for (enum res_type t = 0; t < RES_N_SHOWN && s->err->kind == ERR_NONE; t++) {
        const struct res_type_info *type = res_type_info(t);

        s->type = t;
        s->path = replace(s->err->arena, str_from_c(s->route->pattern), stands_for, type->path);
        if (type->scope != scope || is_hidden(rows, s->route, s->path) ||
            ((type->traits & RES_READ_ONLY) && s->route->method != GET))
            continue;
        if (add_operation(paths, s) != ERR_NONE)
            break;
    }
    return s->err->kind;
}

static enum err_kind add_route(json_t *paths, const struct route *rows, const struct route *route,
                               struct err *e)
{
    struct str pattern = str_from_c(route->pattern);
    struct subject s = {.route = route,
                        .operation = operation_row(route->operation),
                        .type = RES_N,
                        .path = pattern,
                        .err = e};

    if (str_find(pattern, STR("{global}")) < pattern.n)
        return add_type_operations(paths, rows, &s, STR("{global}"), SCOPE_GLOBAL);
    if (str_find(pattern, STR("{scoped}")) < pattern.n)
        return add_type_operations(paths, rows, &s, STR("{scoped}"), SCOPE_MESH);
    return add_operation(paths, &s);
}

static enum err_kind add_paths(json_t *paths, struct err *e)
{
    size_t n;
    const struct route *rows = router_rows(&n);

    for (size_t i = 0; i < n && e->kind == ERR_NONE; i++)
        if (rows[i].port == API_REST)
            (void)add_route(paths, rows, &rows[i], e);
    return e->kind;
}

/* ---- the document ---- */

/* What is never stored has a shape instead of a table. */
static void add_types(json_t *schemas)
{
    for (enum res_type t = 0; t < RES_N_SHOWN; t++) {
        const struct res_type_info *type = res_type_info(t);

        if (!(type->traits & RES_DERIVED))
            json_object_set_new(schemas, type->name.p, resource_schema(t, SCHEMA_SHOWN));
    }
}

static json_t *fault_response(void)
{
    return json_pack("{s:s, s:{s:{s:{s:s}}, s:{s:{s:s}}}}", "description",
                     "What is wrong; as text when the path, the method or a media type is", "content",
                     TYPE_JSON, "schema", "$ref", SHAPE_REF "Error", TYPE_TEXT, "schema", "type", "string");
}

json_t *openapi_document(struct err *e)
{
    json_t *paths = json_object(), *schemas = json_object(), *parameters = path_parameters(),
           *headers = json_object();
    json_t *bearer = json_pack(
        "{s:s, s:s, s:s, s:s}", "type", "http", "scheme", "bearer", "bearerFormat", "JWT", "description",
        "A user's token. Requests from the control plane's own machine are its administrator's without one.");
    json_t *document =
        json_pack("{s:s, s:{s:s, s:s, s:s}, s:o, s:{s:o, s:o, s:o, s:{s:o}, s:{s:o}}}", "openapi", "3.1.0",
                  "info", "title", "Ursa", "version", URSA_VERSION, "description", ABOUT, "paths", paths,
                  "components", "schemas", schemas, "parameters", parameters, "headers", headers, "responses",
                  "Fault", fault_response(), "securitySchemes", "bearer", bearer);

    if (shape_add_all(schemas, e) == ERR_NONE && add_values(parameters, headers, e) == ERR_NONE &&
        add_paths(paths, e) == ERR_NONE) {
        add_types(schemas);
        return document;
    }
    json_decref(document);
    return NULL;
}
