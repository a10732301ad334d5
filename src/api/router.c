/* router.c -- see router.h. */
#include "router.h"

#include <string.h>

/* Only the REST API is described in /openapi.json. */
#define OPERATION_OF_REST(handler) operations_def_row_of_##handler
#define OPERATION_OF_DP(handler) OPERATIONS
#define OPERATION_OF_DIAG(handler) OPERATIONS

static const struct route routes[] = {
#define ROUTE(port, method, pattern, access, flags, handler)                                                 \
    {API_##port, method, pattern, access, flags, handler, OPERATION_OF_##port(handler)},
#include "routes.def"
#undef ROUTE
};

static const char *const method_names[METHODS] = {"GET", "PUT", "POST", "DELETE"};

const struct route *router_rows(size_t *n)
{
    *n = ARRAY_LEN(routes);
    return routes;
}

enum method router_method(struct str name)
{
    for (size_t i = 0; i < METHODS; i++) {
        if (str_eq(name, str_from_c(method_names[i])))
            return (enum method)i;
    }
    return METHOD_OTHER;
}

const char *router_method_name(enum method method)
{
    return method_names[method];
}

/* ---- the URI ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c | 32) >= 'a' && (c | 32) <= 'f')
        return (c | 32) - 'a' + 10;
    return -1;
}

/* Percent-decoding; 'plus' is a blank in queries only. Refuses bad escapes and control bytes, also encoded
 * ones (%00). */
static bool decode(struct arena *a, struct str in, bool plus_is_blank, struct str *out)
{
    char *p = arena_alloc(a, in.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < in.n; i++) {
        unsigned char c = (unsigned char)in.p[i];
        if (c == '%') {
            int high = i + 2 < in.n ? hex_digit(in.p[i + 1]) : -1;
            int low = i + 2 < in.n ? hex_digit(in.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (unsigned char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_blank) {
            c = ' ';
        }
        if (c < 0x20 || c == 0x7f)
            return false;
        p[n++] = (char)c;
    }
    *out = str_from(p, n);
    return true;
}

static bool parse_path(struct request *r)
{
    struct str rest = r->path, part;

    if (!str_has_prefix(rest, STR("/")))
        return false;
    rest = str_slice(rest, 1, rest.n);
    while (str_next(&rest, '/', &part)) {
        if (part.n == 0 && !rest.p)
            break; /* a trailing slash changes nothing */
        if (r->n_segments == MAX_SEGMENTS || !decode(&r->arena, part, false, &r->segments[r->n_segments++]))
            return false;
    }
    return true;
}

static bool parse_query(struct request *r, struct str text)
{
    struct str part;

    while (text.p && str_next(&text, '&', &part)) {
        size_t cut = str_chr(part, '=');
        if (part.n == 0)
            continue;
        if (r->n_query == MAX_QUERY)
            return false;
        struct query *q = &r->query[r->n_query++];
        if (!decode(&r->arena, str_slice(part, 0, cut), true, &q->key) ||
            !decode(&r->arena, str_slice(part, cut + 1, part.n), true, &q->value))
            return false;
    }
    return true;
}

enum err_kind router_parse_uri(struct request *r)
{
    size_t cut = str_chr(r->uri, '?');

    r->path = str_slice(r->uri, 0, cut);
    for (size_t i = 0; i < r->uri.n; i++) {
        unsigned char c = (unsigned char)r->uri.p[i];
        if (c <= 0x20 || c == 0x7f)
            return err_set(&r->err, ERR_INVALID, "the request target has a control byte or blank");
    }
    if (!parse_path(r) || !parse_query(r, cut < r->uri.n ? str_slice(r->uri, cut + 1, r->uri.n) : STR_NONE))
        return err_set(&r->err, ERR_INVALID, "the request target is malformed or has too many parts");
    return ERR_NONE;
}

/* ---- look-up ---- */

struct match {
    enum res_type type;
    struct str mesh, name;
};

static bool segment_matches(struct str pattern, struct str segment, struct match *m)
{
    if (str_eq(pattern, STR("{mesh}"))) {
        m->mesh = segment;
        return segment.n > 0;
    }
    if (str_eq(pattern, STR("{name}"))) {
        m->name = segment;
        return segment.n > 0;
    }
    if (str_eq(pattern, STR("{global}")) || str_eq(pattern, STR("{scoped}"))) {
        enum res_scope scope = str_eq(pattern, STR("{global}")) ? SCOPE_GLOBAL : SCOPE_MESH;
        m->type = res_type_by_path(segment);
        return m->type != RES_N && res_type_info(m->type)->scope == scope;
    }
    if (str_eq(pattern, STR("{policy}"))) {
        m->type = res_type_by_path(segment);
        return m->type != RES_N && (res_type_info(m->type)->traits & RES_INSPECT);
    }
    return str_eq(pattern, segment);
}

static bool pattern_matches(const char *pattern, const struct request *r, struct match *m)
{
    struct str rest = str_from_c(pattern + 1), part;
    size_t i = 0;

    *m = (struct match){.type = RES_N};
    if (pattern[1] == '\0')
        return r->n_segments == 0;
    while (str_next(&rest, '/', &part)) {
        if (i == r->n_segments || !segment_matches(part, r->segments[i++], m))
            return false;
    }
    return i == r->n_segments;
}

static void note_allowed(struct request *r, const struct route *route)
{
    const char *name = method_names[route->method];

    r->allow = r->allow ? arena_printf(&r->arena, "%s, %s", r->allow, name).p : name;
}

enum err_kind router_find(struct request *r)
{
    const char *pattern = NULL;
    struct match m;

    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        const struct route *route = &routes[i];
        if (route->port != r->port || (pattern && strcmp(pattern, route->pattern) != 0))
            continue;
        if (!pattern && !pattern_matches(route->pattern, r, &m))
            continue;
        pattern = route->pattern;
        note_allowed(r, route);
        if (route->method == r->method)
            r->route = route;
    }
    if (!pattern)
        return err_set(&r->err, ERR_NOT_FOUND, "no such path");
    if (!r->route)
        return err_set(&r->err, ERR_METHOD, "method not allowed here");
    r->allow = NULL;
    r->type = m.type;
    r->mesh = m.mesh;
    if ((r->route->flags & ROUTE_MESH_QUERY) && request_query(r, "mesh").n > 0)
        r->mesh = request_query(r, "mesh");
    r->name = m.name;
    return ERR_NONE;
}
