/* Which route a request takes, and which targets are none. */
#include "asked.h"

/* A path that the pattern stands for. */
static const char *example(struct arena *a, const char *pattern)
{
    static const struct {
        const char *pattern, *example;
    } parts[] = {{"{mesh}", "m"},
                 {"{name}", "n"},
                 {"{global}", "global-secrets"},
                 {"{scoped}", "timeouts"},
                 {"{policy}", "retries"}};
    struct str rest = str_from_c(pattern + 1), part, path = STR("");

    while (str_next(&rest, '/', &part)) {
        for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
            if (str_eq(part, str_from_c(parts[i].pattern)))
                part = str_from_c(parts[i].example);
        }
        path = arena_printf(a, STR_FMT "/" STR_FMT, STR_ARG(path), STR_ARG(part));
    }
    return arena_cstr(a, path);
}

TEST(every_row_is_reached)
{
    size_t n;
    const struct route *rows = router_rows(&n);

    for (size_t i = 0; i < n; i++) {
        struct arena a;
        struct request r;

        arena_init(&a);
        asked_init(&r, rows[i].method, example(&a, rows[i].pattern));
        r.port = rows[i].port;
        EXPECT_INT(rows[i].pattern, router_parse_uri(&r), ERR_NONE);
        EXPECT_INT(rows[i].pattern, router_find(&r), ERR_NONE);
        if (r.route != &rows[i])
            FAIL("%s of method %d is hidden by %s", rows[i].pattern, rows[i].method, r.route->pattern);
        EXPECT_TRUE(rows[i].pattern, r.route->handle != NULL);
        asked_fini(&r);
        arena_fini(&a);
    }
}

static const struct {
    const char *name, *uri;
    const char *want; /* "segment|segment ?key=value", or NULL: refused */
} targets[] = {
    {"root", "/", ""},
    {"one", "/meshes", "meshes"},
    {"trailing slash", "/meshes/", "meshes"},
    {"empty part", "/meshes//default", "meshes||default"},
    {"two slashes at the end", "/meshes//", "meshes|"},
    {"two slashes at the start", "//meshes", "|meshes"},
    {"dots are names", "/meshes/../etc/passwd", "meshes|..|etc|passwd"},
    {"encoded dots too", "/meshes/%2e%2E", "meshes|.."},
    {"an encoded slash is no separator", "/meshes/a%2Fb", "meshes|a/b"},
    {"decoded once", "/meshes/%2525", "meshes|%25"},
    {"plus is plus in a path", "/dataplanes+insights", "dataplanes+insights"},
    {"bytes above ASCII", "/meshes/%c3%a4", "meshes|\xc3\xa4"},
    {"query", "/meshes?size=1&offset=2", "meshes ?size=1 ?offset=2"},
    {"query without a value", "/meshes?size", "meshes ?size="},
    {"empty query", "/meshes?", "meshes"},
    {"empty pairs", "/meshes?&&a=b&", "meshes ?a=b"},
    {"plus is a blank in a query", "/meshes?a=b+c%20d%2B", "meshes ?a=b c d+"},
    {"equals sign in a value", "/meshes?tag=a=b", "meshes ?tag=a=b"},
    {"question mark in a query", "/meshes?a=b?c", "meshes ?a=b?c"},
    {"most segments", "/1/2/3/4/5/6/7/8", "1|2|3|4|5|6|7|8"},
    {"a segment too many", "/1/2/3/4/5/6/7/8/9", NULL},
    {"no path", "meshes", NULL},
    {"absolute form", "http://127.0.0.1/meshes", NULL},
    {"nothing", "", NULL},
    {"NUL", "/meshes/%00", NULL},
    {"NUL in a query", "/meshes?a=%00", NULL},
    {"encoded line feed", "/meshes/a%0ab", NULL},
    {"encoded DEL", "/meshes/%7f", NULL},
    {"raw control byte", "/meshes/\x01", NULL},
    {"raw blank", "/meshes/a b", NULL},
    {"raw DEL", "/meshes/\x7f", NULL},
    {"cut escape", "/meshes/%4", NULL},
    {"cut escape, percent only", "/meshes/%", NULL},
    {"no hexadecimal", "/meshes/%zz", NULL},
    {"bad escape in a query's key", "/meshes?%g1=b", NULL},
};

TEST(targets_are_split_and_decoded_once)
{
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        struct request r;
        struct str got = STR("");

        asked_init(&r, GET, targets[i].uri);
        if (router_parse_uri(&r) != ERR_NONE) {
            EXPECT_TRUE(targets[i].name, targets[i].want == NULL);
            asked_fini(&r);
            continue;
        }
        for (size_t s = 0; s < r.n_segments; s++)
            got = arena_printf(&r.arena, STR_FMT "%s" STR_FMT, STR_ARG(got), s ? "|" : "",
                               STR_ARG(r.segments[s]));
        for (size_t q = 0; q < r.n_query; q++)
            got = arena_printf(&r.arena, STR_FMT " ?" STR_FMT "=" STR_FMT, STR_ARG(got),
                               STR_ARG(r.query[q].key), STR_ARG(r.query[q].value));
        EXPECT_STR(targets[i].name, got, targets[i].want ? targets[i].want : "refused");
        asked_fini(&r);
    }
}

TEST(a_query_has_at_most_so_many_values)
{
    struct arena a;
    struct str uri;

    arena_init(&a);
    for (int round = 0; round < 2; round++) {
        struct request r;

        uri = STR("/meshes?");
        for (int i = 0; i < MAX_QUERY + round; i++)
            uri = arena_printf(&a, STR_FMT "&a=%d", STR_ARG(uri), i);
        asked_init(&r, GET, arena_cstr(&a, uri));
        EXPECT_INT("refused", router_parse_uri(&r), round ? ERR_INVALID : ERR_NONE);
        asked_fini(&r);
    }
    arena_fini(&a);
}

static const struct {
    const char *name;
    enum api_server port;
    enum method method;
    const char *uri;
    const char *want; /* pattern, "404", or "405 Allow" */
} look_ups[] = {
    {"index", API_REST, GET, "/", "/"},
    {"list", API_REST, GET, "/meshes", "/{global}"},
    {"list over meshes", API_REST, GET, "/timeouts", "/{scoped}"},
    {"list in a mesh", API_REST, GET, "/meshes/m/timeouts/", "/meshes/{mesh}/{scoped}"},
    {"item", API_REST, PUT, "/meshes/m/timeouts/t", "/meshes/{mesh}/{scoped}/{name}"},
    {"a mesh named like a type", API_REST, GET, "/meshes/timeouts", "/{global}/{name}"},
    {"an item named like a path", API_REST, GET, "/meshes/m/timeouts/dataplanes+insights",
     "/meshes/{mesh}/{scoped}/{name}"},
    {"special before general", API_REST, GET, "/meshes/m/service-insights/s",
     "/meshes/{mesh}/service-insights/{name}"},
    {"unknown plural", API_REST, GET, "/nothings", "404"},
    {"unknown plural in a mesh", API_REST, GET, "/meshes/m/nothings", "404"},
    {"global type in a mesh", API_REST, GET, "/meshes/m/global-secrets", "404"},
    {"item of a mesh-scoped type without a mesh", API_REST, GET, "/timeouts/t", "404"},
    {"deeper than anything", API_REST, GET, "/meshes/m/timeouts/t/x", "404"},
    {"empty mesh", API_REST, GET, "/meshes//timeouts", "404"},
    {"empty name", API_REST, GET, "/meshes/m/timeouts//", "404"},
    {"empty first part", API_REST, GET, "//meshes", "404"},
    {"other case", API_REST, GET, "/Meshes", "404"},
    {"braces are no wildcard", API_REST, GET, "/{global}", "404"},
    {"wrong method on a list", API_REST, PUT, "/meshes/m/timeouts", "405 GET"},
    {"wrong method on an item", API_REST, POST, "/meshes/m/timeouts/t", "405 PUT, DELETE, GET"},
    {"unknown method", API_REST, METHOD_OTHER, "/meshes", "405 GET"},
    {"wrong method on /apply", API_REST, GET, "/apply", "405 POST"},
    {"a route of another server", API_REST, GET, "/metrics", "404"},
    {"bootstrap is the proxies'", API_REST, POST, "/bootstrap", "404"},
    {"the API is not the proxies'", API_DP, GET, "/meshes", "404"},
    {"nor the diagnostics'", API_DIAG, GET, "/meshes", "404"},
};

TEST(requests_find_their_route)
{
    for (size_t i = 0; i < ARRAY_LEN(look_ups); i++) {
        struct request r;
        struct str got = STR("404");

        asked_init(&r, look_ups[i].method, look_ups[i].uri);
        r.port = look_ups[i].port;
        EXPECT_INT(look_ups[i].name, router_parse_uri(&r), ERR_NONE);
        enum err_kind kind = router_find(&r);
        if (kind == ERR_NONE)
            got = str_from_c(r.route->pattern);
        else if (kind == ERR_METHOD)
            got = arena_printf(&r.arena, "405 %s", r.allow);
        EXPECT_STR(look_ups[i].name, got, look_ups[i].want);
        asked_fini(&r);
    }
}

TEST(a_route_says_type_mesh_and_name)
{
    struct request r;

    asked_init(&r, GET, "/meshes/m%20x/timeouts/t%2Fy?size=1");
    EXPECT_INT("parsed", router_parse_uri(&r), ERR_NONE);
    EXPECT_INT("found", router_find(&r), ERR_NONE);
    EXPECT_INT("type", r.type, RES_TIMEOUT);
    EXPECT_STR("mesh", r.mesh, "m x");
    EXPECT_STR("name", r.name, "t/y");
    EXPECT_STR("path as sent", r.path, "/meshes/m%20x/timeouts/t%2Fy");
    asked_fini(&r);
}

TEST(absolute_targets)
{
    static const struct {
        const char *target, *host, *want; /* NULL: refused */
    } rows[] = {
        {"/meshes", "a", "/meshes"},
        {"http://a/meshes", "a", "/meshes"},
        {"HTTPS://A:1/meshes?x=/y", "a:1", "/meshes?x=/y"},
        {"http://a", "a", "/"},
        {"http://a?x=/y", "a", "/?x=/y"},
        {"http://[::1]:5681//x", "[::1]:5681", "//x"},
        {"http://b/meshes", "a", NULL},
        {"http://a:1/meshes", "a", NULL},
        {"http://u@a/meshes", "a", NULL},
        {"http:///meshes", "a", NULL},
        {"ftp://a/meshes", "a", "ftp://a/meshes"}, /* no path: refused when it is parsed */
    };
    struct request r;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        asked_init(&r, GET, rows[i].target);
        EXPECT_INT(rows[i].target, router_take_absolute(&r, str_from_c(rows[i].host)), rows[i].want != NULL);
        if (rows[i].want)
            EXPECT_STR(rows[i].target, r.uri, rows[i].want);
        asked_fini(&r);
    }
}
