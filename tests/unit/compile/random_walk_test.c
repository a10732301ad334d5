/* Thousands of generated changes over three meshes: after each of them what every proxy gets incrementally
 * is, byte for byte, what a build from nothing gives; only functions that the change may concern ran; and
 * meshes that it does not name run nothing. */
#include "model.h"

/* ThreadSanitizer has nothing to find in one thread, and makes each step ten times slower. */
#if defined(__SANITIZE_THREAD__)
#define N_STEPS 50
#elif defined(__SANITIZE_ADDRESS__)
#define N_STEPS 600
#else
#define N_STEPS 2000
#endif
#define N_MESHES 3
#define N_PROXIES 8

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

static struct str some_transparency(struct arena *a)
{
    if (chance(50))
        return STR("");
    return arena_printf(a,
                        ", \"transparentProxying\": {\"redirectPortInbound\": 15006, "
                        "\"redirectPortOutbound\": %s%s%s%s}",
                        ONE_OF("0", "15001", "15001", "15001"),
                        ONE_OF("", ", \"redirectPortInboundV6\": 15010"),
                        ONE_OF("", "", ", \"reachableServices\": [\"web\"]",
                               ", \"reachableServices\": [\"db\", \"web\", \"db\"]"),
                        ONE_OF("", "", ", \"directAccessServices\": [\"web\", \"*\"]",
                               ", \"directAccessServices\": [\"db\", \"web\", \"db\"]"));
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
    struct str transparent = some_transparency(a);
    return arena_printf(a,
                        "\"networking\": {\"address\": \"10.0.0.%d\", \"inbound\": [" STR_FMT
                        "], \"outbound\": [" STR_FMT "]" STR_FMT "}%s",
                        1 + (int)test_rand_below(250), STR_ARG(in), STR_ARG(out), STR_ARG(transparent),
                        some_probes());
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
    if (chance(30))
        return STR("\"networking\": {\"outbound\": {\"passthrough\": false}}");
    return arena_printf(a,
                        "\"mtls\": {\"enabledBackend\": \"ca\", \"backends\": [{\"name\": \"ca\", \"type\": "
                        "\"builtin\", \"mode\": \"%s\"}]}",
                        ONE_OF("STRICT", "PERMISSIVE"));
}

static struct str some_virtual_outbound(struct arena *a)
{
    struct str match = some_tags(a, true);
    return arena_printf(a,
                        "\"selectors\": [{\"match\": " STR_FMT "}], \"conf\": {\"host\": \"%s\", \"port\": "
                        "\"%s\", \"parameters\": [{\"name\": \"s\", \"tagKey\": \"kuma.io/service\"}, "
                        "{\"name\": \"version\"}]}",
                        STR_ARG(match), ONE_OF("{{.s}}.x", "{{.s}}.x", "one.x"),
                        ONE_OF("80", "81", "{{.version}}"));
}

static void some_vip(struct model *m, struct str mesh)
{
    static const char *const domains[] = {"web.x", "api.x", "db.x", "auth.x", "one.x"};
    bool is_domain = chance(50);
    const char *name = is_domain ? one_of(domains, ARRAY_LEN(domains)) : some_service();
    model_put_vip(m, mesh, is_domain ? VIP_DOMAIN : VIP_SERVICE, str_from_c(name),
                  0xf0000000 + (uint32_t)test_rand_below(20));
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

/* What two ingresses of another zone say to have of the mesh, sometimes behind one address; each mesh has its
 * own. */
static void some_ingress(struct model *m, struct str in, struct arena *a)
{
    struct str name = arena_printf(a, "zi-" STR_FMT "-%d", STR_ARG(in), (int)test_rand_below(2));
    struct str services = STR("");
    if (chance(20)) {
        model_delete(m, &(struct res_key){RES_ZONE_INGRESS, STR(""), name});
        return;
    }
    for (uint64_t n = test_rand_below(4); n > 0; n--)
        services =
            arena_printf(a,
                         STR_FMT "%s{\"mesh\": \"" STR_FMT
                                 "\", \"instances\": %d, \"tags\": {\"kuma.io/service\": \"%s\", "
                                 "\"kuma.io/zone\": \"east\", \"kuma.io/protocol\": \"http\"%s}}",
                         STR_ARG(services), services.n ? ", " : "", STR_ARG(in), (int)test_rand_below(3),
                         some_service(), ONE_OF("", "", ", \"version\": \"v1\""));
    model_put_spec(m, RES_ZONE_INGRESS, STR(""), name,
                   arena_printf(a,
                                "\"zone\": \"%s\", \"networking\": {\"address\": \"10.9.0.1\", \"port\": "
                                "10001, \"advertisedAddress\": \"192.0.2.%s\", \"advertisedPort\": 10001}, "
                                "\"availableServices\": [" STR_FMT "]",
                                ONE_OF("east", "east", "east", ""), ONE_OF("1", "1", "2"),
                                STR_ARG(services)));
}

/* One change of one mesh, or a few that belong together. */
static void step(struct model *m, size_t mesh, struct arena *a)
{
    static const enum res_type policies[] = {RES_TIMEOUT,       RES_RETRY,         RES_CIRCUIT_BREAKER,
                                             RES_TRAFFIC_ROUTE, RES_TRAFFIC_ROUTE, RES_TRAFFIC_PERMISSION};
    struct str in = mesh_name(mesh);
    uint64_t kind = test_rand_below(115);
    if (chance(20))
        some_vip(m, in);
    if (chance(10)) {
        some_ingress(m, in, a);
    } else if (kind >= 100) {
        struct str name = arena_printf(a, "v%d", (int)test_rand_below(3));
        if (chance(40))
            model_delete(m, &(struct res_key){RES_VIRTUAL_OUTBOUND, in, name});
        else
            model_put_spec(m, RES_VIRTUAL_OUTBOUND, in, name, some_virtual_outbound(a));
    } else if (kind < 40) {
        struct str name = proxy_name(test_rand_below(N_PROXIES));
        struct res_key key = {RES_DATAPLANE, in, name};
        size_t at = model_at(m, &key);
        if (chance(25))
            model_delete(m, &key);
        else if (at < m->v.n && chance(30)) /* what its Envoy tells */
            model_put(m, dataplane_with_health(m->v.v[at], str_from_c(ONE_OF("11", "00", "01", "-1", "--"))));
        else
            model_put_spec(m, RES_DATAPLANE, in, name, some_dataplane(a));
    } else if (kind < 80) {
        enum res_type type = policies[test_rand_below(ARRAY_LEN(policies))];
        struct str name = arena_printf(a, "p%d", (int)test_rand_below(3));
        if (chance(30))
            model_delete(m, &(struct res_key){type, in, name});
        else {
            struct str selectors = some_selectors(a), conf = some_conf(a, type);
            model_put_spec(m, type, in, name,
                           arena_printf(a, STR_FMT STR_FMT, STR_ARG(selectors), STR_ARG(conf)));
        }
    } else if (kind < 92) { /* mostly all of them at once, so that services become ready and cease to be */
        const char *backend = ONE_OF("ca", "other");
        size_t n = chance(70) ? N_PROXIES : 1, first = test_rand_below(N_PROXIES);
        for (size_t i = 0; i < n; i++)
            model_put_spec(m, RES_DATAPLANE_INSIGHT, in, proxy_name((first + i) % N_PROXIES),
                           arena_printf(a, "\"mTLS\": {\"issuedBackend\": \"%s\"}", backend));
    } else if (kind < 99) {
        model_put_spec(m, RES_MESH, STR(""), in, some_mesh(a));
    } else { /* the mesh and all that is in it */
        for (size_t i = 0; i < m->v.n; i++) {
            if (str_eq(m->v.v[i]->key.mesh, in))
                model_delete(m, &m->v.v[i--]->key);
        }
        model_delete(m, &(struct res_key){RES_MESH, STR(""), in});
    }
}

/* ---- which functions may run ---- */
#define FOR_PROXIES "list parts proxy "
#define FOR_OUTBOUNDS                                                                                        \
    "matches choose_outbound plan outbound policy cluster routes outbound_template "                         \
    "outbound_listener " FOR_PROXIES
#define FOR_INBOUNDS "choose_inbound policy inbound inbound_rbac inbound_listener " FOR_PROXIES

#define FOR_VIPS "domains vips dns_listener protocol endpoints " FOR_OUTBOUNDS

/* Beside inputs. What is not here may run everything. */
static const struct {
    enum res_type type;
    const char *functions;
} may_run[] = {
    {RES_TIMEOUT, FOR_OUTBOUNDS},
    {RES_RETRY, FOR_OUTBOUNDS},
    {RES_CIRCUIT_BREAKER, FOR_OUTBOUNDS},
    {RES_TRAFFIC_ROUTE, FOR_OUTBOUNDS "protocol endpoints "},
    {RES_VIRTUAL_OUTBOUND, FOR_VIPS},
    {RES_TRAFFIC_PERMISSION, FOR_INBOUNDS},
    {RES_ZONE_INGRESS, "protocol endpoints cluster " FOR_OUTBOUNDS},
    {RES_DATAPLANE_INSIGHT, "cluster list proxy "},
};

static bool is_word(struct str words, struct str word)
{
    struct str one;
    while (str_next(&words, ' ', &one)) {
        if (str_eq(one, word))
            return true;
    }
    return false;
}

static bool type_may_run(enum res_type type, struct str function)
{
    for (size_t i = 0; i < ARRAY_LEN(may_run); i++) {
        if (may_run[i].type == type)
            return is_word(str_from_c(may_run[i].functions), function);
    }
    return true;
}

/* Only health, which is no part of a document. */
static bool is_told(const struct change *c)
{
    return c->before && c->after && blob_eq(c->before->spec_json, c->after->spec_json);
}

static bool step_may_run(const struct model *m, struct str function)
{
    for (size_t i = 0; i < m->changes.n; i++) {
        const struct change *c = &m->changes.v[i];
        if (is_told(c) && change_key(c)->type == RES_DATAPLANE
                ? is_word(STR("protocol endpoints list proxy "), function)
                : type_may_run(change_key(c)->type, function))
            return true;
    }
    if (m->vips_changed && is_word(STR(FOR_VIPS), function))
        return true;
    return str_has_prefix(function, STR("in_"));
}

static json_int_t runs_of(const json_t *stats, const char *function)
{
    return json_integer_value(json_get(json_get(stats, function), "runs"));
}

/* NULL 'm': nothing may have run. */
static void expect_runs(const struct model *m, const json_t *before, const struct compiler *c)
{
    json_t *after = compiler_stats(c), *counts;
    const char *function;
    json_object_foreach(after, function, counts)
    {
        if (runs_of(after, function) > runs_of(before, function) &&
            !(m && step_may_run(m, str_from_c(function))))
            FAIL("%s ran", function);
    }
    json_decref(after);
}

/* ---- the walk ---- */
static void compare(struct follower *f, struct snap *snap)
{
    struct follower full;
    follower_init(&full, f->mesh);
    follow(&full, snap, &(struct model){0});
    for (size_t i = 0; i < N_PROXIES; i++)
        expect_full(f, &full, proxy_name(i));
    follower_fini(&full);
}

/* Who is not named as possibly stale has what it had. */
static void expect_named(struct follower *f, struct config_set *last[N_PROXIES], bool all)
{
    bool named[N_PROXIES] = {false};
    for (struct str name; compiler_next_stale(f->compiler, &name);)
        named[name.p[0] - '0'] = true;
    for (size_t i = 0; i < N_PROXIES; i++) {
        struct config_set *set = config(f->compiler, f->mesh, proxy_name(i));
        EXPECT_TRUE("not named, not changed", all || named[i] || set == last[i]);
        config_set_unref(last[i]);
        last[i] = set;
    }
}

/* Of a mesh that did not change every proxy must be as it was, which the runs say; now and then it is
 * compared all the same. */
static void move(struct follower *f, struct config_set *last[N_PROXIES], struct snap *snap,
                 const struct model *m, bool changed, bool is_compared)
{
    bool existed = f->view;
    json_t *before = compiler_stats(f->compiler);
    follow(f, snap, m);
    expect_named(f, last, !existed || !f->view);
    if (changed || is_compared)
        compare(f, snap);
    compiler_collect(f->compiler);
    if (existed && f->view)
        expect_runs(changed ? m : NULL, before, f->compiler);
    json_decref(before);
}

TEST(incremental_is_full_and_runs_what_the_change_concerns)
{
    struct model m = {0};
    struct follower meshes[N_MESHES];
    struct config_set *last[N_MESHES][N_PROXIES] = {{NULL}};
    struct arena a;
    arena_init(&a);
    for (size_t i = 0; i < N_MESHES; i++) {
        model_put_spec(&m, RES_MESH, STR(""), mesh_name(i), some_mesh(&a));
        model_end_step(&m);
        follower_init(&meshes[i], mesh_name(i));
    }
    for (size_t at = 0; at < N_STEPS; at++) {
        size_t changed = test_rand_below(N_MESHES);
        for (uint64_t n = 1 + test_rand_below(3); n > 0; n--)
            step(&m, changed, &a);
        struct snap *snap = model_snap(&m);
        for (size_t i = 0; i < N_MESHES; i++)
            move(&meshes[i], last[i], snap, &m, i == changed || at == 0, at % 50 == 0);
        snap_unref(snap);
        model_end_step(&m);
        arena_reset(&a);
    }
    for (size_t i = 0; i < N_MESHES; i++) {
        for (size_t k = 0; k < N_PROXIES; k++)
            config_set_unref(last[i][k]);
        follower_fini(&meshes[i]);
    }
    model_fini(&m);
    arena_fini(&a);
}
