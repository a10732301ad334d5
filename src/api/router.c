/* router.c -- see router.h. */
#include "router.h"

#include <assert.h>
#include <pthread.h>
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

bool router_take_absolute(struct request *r, struct str host)
{
    static const struct str schemes[] = {STR_INIT("http://"), STR_INIT("https://")};

    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        if (!str_eq_nocase(str_slice(r->uri, 0, schemes[i].n), schemes[i]))
            continue;
        struct str rest = str_slice(r->uri, schemes[i].n, r->uri.n);
        size_t path = str_chr(rest, '/'), query = str_chr(rest, '?');
        size_t end = path < query ? path : query;

        r->uri = arena_printf(&r->arena, "%s" STR_FMT, path < query ? "" : "/",
                              STR_ARG(str_slice(rest, end, rest.n)));
        return str_eq_nocase(str_slice(rest, 0, end), host);
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

enum part_kind { PART_TEXT, PART_MESH, PART_NAME, PART_GLOBAL, PART_SCOPED, PART_POLICY };

struct part {
    enum part_kind kind;
    struct str text; /* as in the pattern */
};

/* A pattern with its methods, which are rows next to each other. */
struct pattern {
    const char *text;
    const struct route *rows;
    size_t n_rows, n_parts;
    struct part parts[MAX_SEGMENTS];
};

static struct pattern patterns[ARRAY_LEN(routes)];
static size_t n_patterns;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static enum part_kind part_kind(struct str text)
{
    static const struct str names[] = {
        [PART_TEXT] = STR_INIT(""),           [PART_MESH] = STR_INIT("{mesh}"),
        [PART_NAME] = STR_INIT("{name}"),     [PART_GLOBAL] = STR_INIT("{global}"),
        [PART_SCOPED] = STR_INIT("{scoped}"), [PART_POLICY] = STR_INIT("{policy}"),
    };

    for (size_t i = PART_MESH; i < ARRAY_LEN(names); i++) {
        if (str_eq(text, names[i]))
            return (enum part_kind)i;
    }
    return PART_TEXT;
}

/* Every request looks through the patterns: they are taken apart once. */
static void router_start(void)
{
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        struct pattern *p = &patterns[n_patterns];
        struct str rest = str_from_c(routes[i].pattern + 1), part;

        if (i > 0 && p[-1].rows->port == routes[i].port && strcmp(p[-1].text, routes[i].pattern) == 0) {
            p[-1].n_rows++;
            continue;
        }
        *p = (struct pattern){.text = routes[i].pattern, .rows = &routes[i], .n_rows = 1};
        while (rest.n > 0 && str_next(&rest, '/', &part)) {
            assert(p->n_parts < MAX_SEGMENTS);
            p->parts[p->n_parts++] = (struct part){.kind = part_kind(part), .text = part};
        }
        n_patterns++;
    }
}

struct match {
    enum res_type type;
    struct str mesh, name;
};

static bool part_matches(const struct part *part, struct str segment, struct match *m)
{
    switch (part->kind) {
    case PART_TEXT:
        return str_eq(part->text, segment);
    case PART_MESH:
        m->mesh = segment;
        return segment.n > 0;
    case PART_NAME:
        m->name = segment;
        return segment.n > 0;
    case PART_GLOBAL:
    case PART_SCOPED:
        m->type = res_type_by_path(segment);
        return m->type != RES_N &&
               res_type_info(m->type)->scope == (part->kind == PART_GLOBAL ? SCOPE_GLOBAL : SCOPE_MESH);
    case PART_POLICY:
        m->type = res_type_by_path(segment);
        return m->type != RES_N && (res_type_info(m->type)->traits & RES_INSPECT);
    }
    return false;
}

static bool pattern_matches(const struct pattern *p, const struct request *r, struct match *m)
{
    *m = (struct match){.type = RES_N};
    if (p->rows->port != r->port || p->n_parts != r->n_segments)
        return false;
    for (size_t i = 0; i < p->n_parts; i++) {
        if (!part_matches(&p->parts[i], r->segments[i], m))
            return false;
    }
    return true;
}

/* The Allow header of a 405. */
static const char *allowed(struct arena *a, const struct pattern *p)
{
    const char *list = method_names[p->rows[0].method];

    for (size_t i = 1; i < p->n_rows; i++)
        list = arena_printf(a, "%s, %s", list, method_names[p->rows[i].method]).p;
    return list;
}

enum err_kind router_find(struct request *r)
{
    size_t i = 0;
    struct match m;

    pthread_once(&once, router_start);
    while (i < n_patterns && !pattern_matches(&patterns[i], r, &m))
        i++;
    if (i == n_patterns)
        return err_set(&r->err, ERR_NOT_FOUND, "no such path");
    for (size_t k = 0; k < patterns[i].n_rows; k++) {
        if (patterns[i].rows[k].method == r->method)
            r->route = &patterns[i].rows[k];
    }
    if (!r->route) {
        r->allow = allowed(&r->arena, &patterns[i]);
        return err_set(&r->err, ERR_METHOD, "method not allowed here");
    }
    r->type = m.type;
    r->mesh = m.mesh;
    if ((r->route->flags & ROUTE_MESH_QUERY) && request_query(r, "mesh").n > 0)
        r->mesh = request_query(r, "mesh");
    r->name = m.name;
    return ERR_NONE;
}
