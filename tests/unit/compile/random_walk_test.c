/* Hundreds of generated changes over three meshes: after each of them what every proxy gets incrementally is,
 * byte for byte, what a build from nothing gives; and meshes that a change does not name run nothing. */
#include <string.h>

#include "../../lib/test.h"
#include "../../tools/fixed_certs.h"
#include "ursa/base/json.h"

/* ThreadSanitizer has nothing to find in one thread, and makes each step ten times slower. */
#ifdef __SANITIZE_THREAD__
#define N_STEPS 50
#else
#define N_STEPS 500
#endif
#define N_MESHES 3
#define N_PROXIES 8
#define MAX_RESOURCES 512

/* ---- the world: resources by key, and what one step changed ---- */
struct model {
    struct resource *v[MAX_RESOURCES];
    size_t n;
    struct change changes[256];
    size_t n_changes;
    uint64_t revision;
};

static size_t model_at(const struct model *m, const struct res_key *key)
{
    size_t i = 0;
    while (i < m->n && res_key_cmp(&m->v[i]->key, key) != 0)
        i++;
    return i;
}

static void model_put(struct model *m, struct resource *r)
{
    size_t at = model_at(m, &r->key);
    struct resource *before = at < m->n ? m->v[at] : NULL;
    r->revision = ++m->revision;
    r->created_ns = before ? before->created_ns : (int64_t)(m->revision / 3); /* some are of one age */
    m->v[at] = r;
    m->n += !before;
    m->changes[m->n_changes++] = (struct change){CHANGE_PUT, before, resource_ref(r)};
}

static void model_delete(struct model *m, const struct res_key *key)
{
    size_t at = model_at(m, key);
    if (at == m->n)
        return;
    m->changes[m->n_changes++] = (struct change){CHANGE_DELETE, m->v[at], NULL};
    m->v[at] = m->v[--m->n];
}

static void model_end_step(struct model *m)
{
    for (size_t i = 0; i < m->n_changes; i++) {
        resource_unref(m->changes[i].before);
        resource_unref(m->changes[i].after);
    }
    m->n_changes = 0;
}

/* ---- generating documents ---- */
static bool chance(unsigned percent)
{
    return test_rand_below(100) < percent;
}

static const char *one_of(const char *const *v, size_t n)
{
    return v[test_rand_below(n)];
}
#define ONE_OF(...)                                                                                          \
    one_of((const char *const[]){__VA_ARGS__}, ARRAY_LEN(((const char *const[]){__VA_ARGS__})))

static const char *some_service(void)
{
    return ONE_OF("web", "api", "db", "auth");
}

static struct str some_tags(struct arena *a, bool wild)
{
    const char *service = wild && chance(50) ? "*" : some_service();
    const char *more = wild ? ONE_OF("", "", ", \"version\": \"*\"", ", \"version\": \"v1\"")
                            : ONE_OF("", ", \"version\": \"v1\"", ", \"version\": \"v2\"");
    return arena_printf(a, "{\"kuma.io/service\": \"%s\"%s}", service, more);
}

/* Mostly what the service speaks everywhere: one endpoint with another protocol makes all of it TCP. */
static const char *some_protocol(const char *service)
{
    if (chance(5))
        return ONE_OF("", ", \"kuma.io/protocol\": \"tcp\"", ", \"kuma.io/protocol\": \"http2\"");
    switch (service[0]) {
    case 'd':
        return ", \"kuma.io/protocol\": \"tcp\"";
    case 'a':
        return service[1] == 'u' ? ", \"kuma.io/protocol\": \"grpc\"" : ", \"kuma.io/protocol\": \"http\"";
    default:
        return ", \"kuma.io/protocol\": \"http\"";
    }
}

/* Of a workload that may be there or not. */
static const char *some_probes(void)
{
    if (chance(80))
        return "";
    return ONE_OF(", \"probes\": {\"port\": 9000}",
                  ", \"probes\": {\"port\": 9000, \"endpoints\": [{\"inboundPort\": 8080, "
                  "\"inboundPath\": \"/ready\", \"path\": \"/8080/ready\"}]}");
}

static struct str some_dataplane(struct arena *a)
{
    struct str in = STR(""), out = STR("");
    size_t n_in = 1 + test_rand_below(2), n_out = test_rand_below(4);
    for (size_t i = 0; i < n_in; i++) {
        const char *service = some_service();
        in = arena_printf(
            a,
            STR_FMT "%s{\"port\": %zu, \"servicePort\": %d, \"tags\": {\"kuma.io/service\": \"%s\"%s%s}%s}",
            STR_ARG(in), i ? ", " : "", 80 + i, 8080 + (int)test_rand_below(2), service,
            some_protocol(service),
            ONE_OF("", ", \"version\": \"v1\"", ", \"version\": \"v2\", \"kuma.io/zone\": \"z\""),
            ONE_OF("", "", "", ", \"health\": {\"ready\": false}"));
    }
    for (size_t i = 0; i < n_out; i++) {
        struct str tags = some_tags(a, false);
        out = arena_printf(a, STR_FMT "%s{\"port\": %zu, \"tags\": " STR_FMT "}", STR_ARG(out), i ? ", " : "",
                           10001 + i, STR_ARG(tags));
    }
    return arena_printf(a,
                        "\"networking\": {\"address\": \"10.0.0.%d\", \"inbound\": [" STR_FMT
                        "], \"outbound\": [" STR_FMT "]}%s",
                        1 + (int)test_rand_below(250), STR_ARG(in), STR_ARG(out), some_probes());
}

static struct str some_selectors(struct arena *a)
{
    struct str source = some_tags(a, true);
    return arena_printf(a,
                        "\"sources\": [{\"match\": " STR_FMT "}], \"destinations\": [{\"match\": "
                        "{\"kuma.io/service\": \"%s\"}}]",
                        STR_ARG(source), chance(40) ? "*" : some_service());
}

static struct str some_conf(struct arena *a, enum res_type type)
{
    struct str one, other;
    switch ((int)type) {
    case RES_TIMEOUT:
        return arena_printf(
            a, ", \"conf\": {\"connectTimeout\": \"%ds\", \"http\": {\"requestTimeout\": \"%ds\"%s}}",
            1 + (int)test_rand_below(3), 1 + (int)test_rand_below(3),
            ONE_OF("", ", \"idleTimeout\": \"9s\""));
    case RES_RETRY:
        return arena_printf(
            a, ", \"conf\": {\"http\": {\"numRetries\": %d}, \"tcp\": {\"maxConnectAttempts\": 2}}",
            1 + (int)test_rand_below(4));
    case RES_CIRCUIT_BREAKER:
        return arena_printf(a, ", \"conf\": {\"detectors\": {\"totalErrors\": {\"consecutive\": %d}}}",
                            1 + (int)test_rand_below(3));
    case RES_TRAFFIC_ROUTE:
        one = some_tags(a, false);
        other = some_tags(a, false);
        if (chance(50))
            return STR(", \"conf\": {\"destination\": {\"kuma.io/service\": \"*\"}}");
        return arena_printf(a,
                            ", \"conf\": {\"split\": [{\"weight\": %d, \"destination\": " STR_FMT
                            "}, {\"weight\": %d, \"destination\": " STR_FMT "}]}",
                            (int)test_rand_below(3), STR_ARG(one), 1 + (int)test_rand_below(9),
                            STR_ARG(other));
    default:
        return STR("");
    }
}

static struct str some_mesh(struct arena *a)
{
    if (chance(40))
        return STR("\"routing\": {}");
    return arena_printf(a,
                        "\"mtls\": {\"enabledBackend\": \"ca\", \"backends\": [{\"name\": \"ca\", \"type\": "
                        "\"builtin\", \"mode\": \"%s\"}]}",
                        ONE_OF("STRICT", "PERMISSIVE"));
}

static void put(struct model *m, enum res_type type, struct str mesh, struct str name, struct str spec)
{
    struct arena a;
    arena_init(&a);
    struct err e;
    err_init(&e, &a);
    struct str of = res_type_info(type)->scope == SCOPE_MESH
                        ? arena_printf(&a, ", \"mesh\": \"" STR_FMT "\"", STR_ARG(mesh))
                        : STR("");
    struct str text =
        arena_printf(&a, "{\"type\": \"" STR_FMT "\"" STR_FMT ", \"name\": \"" STR_FMT "\", " STR_FMT "}",
                     STR_ARG(res_type_info(type)->name), STR_ARG(of), STR_ARG(name), STR_ARG(spec));
    json_t *doc = NULL;
    struct resource *r = NULL;
    if (json_parse(text, &doc, &e) || resource_decode(type, doc, &r, &e))
        FAIL(STR_FMT ": " STR_FMT, STR_ARG(text), STR_ARG(err_render(&e, &a)));
    json_decref(doc);
    model_put(m, r);
    arena_fini(&a);
}

static struct str mesh_name(size_t i)
{
    static const char names[] = "abc";
    return (struct str){&names[i], 1};
}

static struct str proxy_name(size_t i)
{
    static const char names[] = "01234567";
    return (struct str){&names[i], 1};
}

/* One change of one mesh, or a few that belong together. */
static void step(struct model *m, size_t mesh, struct arena *a)
{
    static const enum res_type policies[] = {RES_TIMEOUT,       RES_RETRY,         RES_CIRCUIT_BREAKER,
                                             RES_TRAFFIC_ROUTE, RES_TRAFFIC_ROUTE, RES_TRAFFIC_PERMISSION};
    struct str in = mesh_name(mesh);
    uint64_t kind = test_rand_below(100);
    if (kind < 40) {
        struct str name = proxy_name(test_rand_below(N_PROXIES));
        if (chance(25))
            model_delete(m, &(struct res_key){RES_DATAPLANE, in, name});
        else
            put(m, RES_DATAPLANE, in, name, some_dataplane(a));
    } else if (kind < 80) {
        enum res_type type = policies[test_rand_below(ARRAY_LEN(policies))];
        struct str name = arena_printf(a, "p%d", (int)test_rand_below(3));
        if (chance(30))
            model_delete(m, &(struct res_key){type, in, name});
        else {
            struct str selectors = some_selectors(a), conf = some_conf(a, type);
            put(m, type, in, name, arena_printf(a, STR_FMT STR_FMT, STR_ARG(selectors), STR_ARG(conf)));
        }
    } else if (kind < 92) { /* mostly all of them at once, so that services become ready and cease to be */
        const char *backend = ONE_OF("ca", "other");
        size_t n = chance(70) ? N_PROXIES : 1, first = test_rand_below(N_PROXIES);
        for (size_t i = 0; i < n; i++)
            put(m, RES_DATAPLANE_INSIGHT, in, proxy_name((first + i) % N_PROXIES),
                arena_printf(a, "\"mTLS\": {\"issuedBackend\": \"%s\"}", backend));
    } else if (kind < 99) {
        put(m, RES_MESH, STR(""), in, some_mesh(a));
    } else { /* the mesh and all that is in it */
        for (size_t i = 0; i < m->n; i++) {
            if (str_eq(m->v[i]->key.mesh, in))
                model_delete(m, &m->v[i--]->key);
        }
        model_delete(m, &(struct res_key){RES_MESH, STR(""), in});
    }
}

/* ---- compiling ---- */
static struct config_set *config(struct compiler *c, struct str mesh, struct str proxy)
{
    struct arena a;
    arena_init(&a);
    struct err e;
    err_init(&e, &a);
    struct proxy_params params = {.mesh = mesh, .name = proxy, .admin_port = 9901};
    struct config_set *set = NULL;
    enum err_kind kind = compiler_config(c, &params, &set, &e);
    if (kind == ERR_BUG)
        FAIL(STR_FMT, STR_ARG(e.text));
    arena_fini(&a);
    return set;
}

static void expect_same(struct str proxy, const struct config_set *got, const struct config_set *want)
{
    EXPECT_TRUE("both or none", !got == !want);
    for (size_t t = 0; got && t < XDS_N; t++) {
        const struct xds_list *x = got->lists[t], *y = want->lists[t];
        EXPECT_INT(xds_type_info((enum xds_type)t)->short_name.p, x->n, y->n);
        EXPECT_TRUE("list version", x->version == y->version);
        for (size_t i = 0; i < x->n; i++) {
            EXPECT_TRUE("name", str_eq(x->v[i]->name, y->v[i]->name));
            if (!blob_eq(x->v[i]->any, y->v[i]->any))
                FAIL("proxy " STR_FMT ": " STR_FMT " differs", STR_ARG(proxy), STR_ARG(x->v[i]->name));
        }
    }
}

static uint64_t all_runs(const struct compiler *c)
{
    json_t *stats = compiler_stats(c), *counts;
    const char *function;
    json_int_t n = 0;
    json_object_foreach(stats, function, counts) n += json_integer_value(json_get(counts, "runs"));
    json_decref(stats);
    return (uint64_t)n;
}

TEST(incremental_is_full_and_meshes_are_isolated)
{
    struct model m = {0};
    struct compiler *compilers[N_MESHES];
    struct view *views[N_MESHES] = {NULL};
    struct arena a;
    arena_init(&a);
    for (size_t i = 0; i < N_MESHES; i++) {
        put(&m, RES_MESH, STR(""), mesh_name(i), some_mesh(&a));
        model_end_step(&m);
        compilers[i] = compiler_new(mesh_name(i), &fixed_certs);
    }
    for (size_t at = 0; at < N_STEPS; at++) {
        size_t changed = test_rand_below(N_MESHES);
        for (uint64_t n = 1 + test_rand_below(3); n > 0; n--)
            step(&m, changed, &a);
        struct snap *snap = snap_from_list(m.v, m.n, m.revision);
        for (size_t i = 0; i < N_MESHES; i++) {
            struct view *next = views[i] ? view_next(views[i], snap, m.changes, m.n_changes, NULL, NULL)
                                         : view_new(snap, mesh_name(i));
            uint64_t before = all_runs(compilers[i]);
            compiler_update(compilers[i], next, m.changes, m.n_changes);
            view_unref(views[i]);
            views[i] = next;
            struct view *first = view_new(snap, mesh_name(i));
            struct compiler *full = compiler_new(mesh_name(i), &fixed_certs);
            compiler_update(full, first, NULL, 0);
            view_unref(first);
            for (size_t k = 0; k < N_PROXIES; k++) {
                struct config_set *got = config(compilers[i], mesh_name(i), proxy_name(k));
                struct config_set *want = config(full, mesh_name(i), proxy_name(k));
                expect_same(proxy_name(k), got, want);
                config_set_unref(got);
                config_set_unref(want);
            }
            compiler_free(full);
            compiler_collect(compilers[i]);
            if (i != changed && at > 0)
                EXPECT_INT("runs of a mesh that did not change", all_runs(compilers[i]) - before, 0);
        }
        snap_unref(snap);
        model_end_step(&m);
        arena_reset(&a);
    }
    for (size_t i = 0; i < N_MESHES; i++) {
        compiler_free(compilers[i]);
        view_unref(views[i]);
    }
    for (size_t i = 0; i < m.n; i++)
        resource_unref(m.v[i]);
    arena_fini(&a);
}
