/* What Envoys are to check for us: made of the Dataplane and the settings, delivered when it changes. */
#include <string.h>

#include "engine_world.h"
#include "ursa/base/json.h"

static const struct health_check_options options = {.report_interval_ns = 5 * NS_PER_S,
                                                    .timeout_ns = 2 * NS_PER_S,
                                                    .interval_ns = NS_PER_S,
                                                    .no_traffic_interval_ns = 3 * NS_PER_S,
                                                    .healthy_threshold = 1,
                                                    .unhealthy_threshold = 4};

static void start_with_health(void *ctx, struct store *store)
{
    struct engine_options with = {.store = store, .health = options};
    struct arena a;
    struct err e;
    (void)ctx;
    arena_init(&a);
    err_init(&e, &a);
    EXPECT_INT("engine_start", engine_start(&with, &engine, &e), ERR_NONE);
    arena_fini(&a);
}

/* ---- who is told what to check; written by the compile thread, read after settle() ---- */
struct checked {
    struct engine_proxy *proxy;
    unsigned n_deliveries;
    struct blob *checks;
    struct mailbox box;
    struct mail gone;
};

static void take(void *ctx, struct blob *checks)
{
    struct checked *c = ctx;
    blob_unref(c->checks);
    c->checks = blob_ref(checks);
    c->n_deliveries++;
}

static void watch(struct checked *c, const char *name, uint32_t admin_port)
{
    struct proxy_params params = {.mesh = STR("m"), .name = str_from_c(name), .admin_port = admin_port};
    *c = (struct checked){.gone.handle = nothing};
    mailbox_init(&c->box);
    c->proxy = engine_attach_health(engine, &params, take, c);
}

static void watch_ended(void *ctx)
{
    struct checked *c = ctx;
    mailbox_send(&c->box, &c->gone);
}

static void unwatch(struct checked *c)
{
    engine_detach(c->proxy, watch_ended, c);
    EXPECT_TRUE("detached", mailbox_wait(&c->box, 10000));
    mailbox_run(&c->box);
    mailbox_fini(&c->box);
    blob_unref(c->checks);
}

/* One line a check: "name address:port timeout interval healthy/unhealthy kind", then how often to tell. */
static struct str text_of(const struct blob *checks, struct arena *a)
{
    struct err e;
    JSON_AUTO tree = NULL;
    err_init(&e, a);
    if (!checks)
        return STR("none");
    EXPECT_INT("decodes",
               envoy_decode(STR("envoy.service.health.v3.HealthCheckSpecifier"), blob_str(checks), &tree, &e),
               ERR_NONE);
    struct str text = STR("");
    const json_t *list = json_get(tree, "clusterHealthChecks");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i), *how = json_array_get(json_get(one, "healthChecks"), 0);
        const json_t *where = json_array_get(json_get(one, "localityEndpoints"), 0);
        where = json_array_get(json_get(where, "endpoints"), 0);
        where = json_get(json_get(where, "address"), "socketAddress");
        const json_t *from = json_get(json_get(one, "upstreamBindConfig"), "sourceAddress");
        text = arena_printf(
            a, STR_FMT "%s %s:%d %s %s %d/%d %s%s%s; ", STR_ARG(text),
            json_string_value(json_get(one, "clusterName")), json_string_value(json_get(where, "address")),
            (int)json_integer_value(json_get(where, "portValue")),
            json_string_value(json_get(how, "timeout")), json_string_value(json_get(how, "interval")),
            (int)json_integer_value(json_get(how, "healthyThreshold")),
            (int)json_integer_value(json_get(how, "unhealthyThreshold")),
            json_get(how, "tcpHealthCheck")
                ? "tcp"
                : json_string_value(json_get(json_get(how, "httpHealthCheck"), "path")),
            from ? " from " : "", from ? json_string_value(json_get(from, "address")) : "");
    }
    return arena_printf(a, STR_FMT "%s", STR_ARG(text), json_string_value(json_get(tree, "interval")));
}

#define MESH "type: Mesh\nname: m\n---\n"
#define DATAPLANE(name, address, inbounds)                                                                   \
    "type: Dataplane\nmesh: m\nname: " name "\nnetworking: {address: " address ", inbound: [" inbounds "]"
#define INBOUND(port, more) "{port: " port ", tags: {kuma.io/service: a}" more "}"
#define ENVOY "kuma:envoy:admin 127.0.0.1:9901 2s 1s 1/4 /ready; "

TEST(what_is_to_be_checked)
{
    static const struct {
        const char *name, *dataplane;
        uint32_t admin_port;
        const char *want;
    } rows[] = {
        {"Envoy itself", DATAPLANE("d", "10.0.0.1", INBOUND("80", "")) "}", 9901, ENVOY "5s"},
        {"not even that", DATAPLANE("d", "10.0.0.1", INBOUND("80", "")) "}", 0, "5s"},
        {"a probe, as often told as looked",
         DATAPLANE("d", "10.0.0.1", INBOUND("80", ", serviceProbe: {tcp: {}}")) "}", 9901,
         ENVOY "localhost:80 10.0.0.1:80 2s 1s 1/4 tcp; 1s"},
        {"a probe of its own",
         DATAPLANE(
             "d", "10.0.0.1",
             INBOUND("80",
                     ", servicePort: 8080, serviceAddress: 127.0.0.1, serviceProbe: {interval: 10s, timeout: "
                     "3s, healthyThreshold: 2, unhealthyThreshold: 5, tcp: {}}")) "}",
         0, "localhost:8080 127.0.0.1:8080 3s 10s 2/5 tcp; 5s"},
        {"a hasty one",
         DATAPLANE("d", "10.0.0.1", INBOUND("80", ", serviceProbe: {interval: 0.01s, tcp: {}}")) "}", 0,
         "localhost:80 10.0.0.1:80 2s 0.010s 1/4 tcp; 0.500s"},
        {"one workload of two inbounds",
         DATAPLANE("d", "10.0.0.1",
                   INBOUND("80", ", servicePort: 8080, serviceProbe: {tcp: {}}") ", " INBOUND(
                       "81", ", servicePort: 8080, serviceProbe: {tcp: {}}")) "}",
         0, "localhost:8080 10.0.0.1:8080 2s 1s 1/4 tcp; 1s"},
        {"two workloads on a port",
         DATAPLANE("d", "10.0.0.1",
                   INBOUND("80", ", servicePort: 8080, serviceProbe: {tcp: {}}") ", " INBOUND(
                       "81", ", servicePort: 8080, serviceAddress: 10.0.0.9, serviceProbe: {tcp: {}}")) "}",
         0,
         "localhost:8080 10.0.0.1:8080 2s 1s 1/4 tcp; localhost:8080:10.0.0.9 10.0.0.9:8080 2s 1s 1/4 tcp; "
         "1s"},
        {"past a redirection",
         DATAPLANE("d", "10.0.0.1",
                   INBOUND("80", ", serviceProbe: {tcp: {}}")) ", transparentProxying: "
                                                               "{redirectPortInbound: 15006, "
                                                               "redirectPortOutbound: 15001}}",
         0, "localhost:80 10.0.0.1:80 2s 1s 1/4 tcp from 127.0.0.6; 1s"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world *w = world_new(start_with_health, NULL);
        struct checked d;
        struct arena a;
        arena_init(&a);
        apply(w, MESH);
        apply(w, rows[i].dataplane);
        watch(&d, "d", rows[i].admin_port);
        settle(w);
        EXPECT_STR(rows[i].name, text_of(d.checks, &a), rows[i].want);
        unwatch(&d);
        world_free(w, stop);
        arena_fini(&a);
    }
}

static json_int_t runs_of(const char *function)
{
    json_t *mesh = ask("mesh/m");
    json_int_t n = json_integer_value(json_get(json_get(json_get(mesh, "functions"), function), "runs"));
    json_decref(mesh);
    return n;
}

TEST(checks_are_delivered_when_they_change_and_shared)
{
    struct world *w = world_new(start_with_health, NULL);
    struct checked a, b;
    apply(w, MESH);
    watch(&a, "a", 9901);
    settle(w);
    EXPECT_TRUE("no Dataplane yet", a.n_deliveries == 1 && !a.checks);
    apply(w, DATAPLANE("a", "10.0.0.1", INBOUND("80", "")) "}");
    apply(w, DATAPLANE("b", "10.0.0.2", INBOUND("80", "")) "}");
    settle(w);
    watch(&b, "b", 9901);
    settle(w);
    EXPECT_INT("it came", a.n_deliveries, 2);
    EXPECT_TRUE("proxies without probes share", a.checks && a.checks == b.checks);
    EXPECT_INT("made once", runs_of("checks"), 1);

    json_int_t before = runs_of("health_checks");
    apply(w, DATAPLANE("c", "10.0.0.3", INBOUND("80", ", serviceProbe: {tcp: {}}")) "}");
    apply(
        w,
        "type: Timeout\nmesh: m\nname: t\nsources: [{match: {kuma.io/service: '*'}}]\ndestinations: [{match: "
        "{kuma.io/service: '*'}}]\nconf: {connectTimeout: 1s}\n");
    settle(w);
    EXPECT_INT("what others do runs nothing", runs_of("health_checks"), before);
    apply(w, DATAPLANE("a", "10.0.0.1", INBOUND("80", ", health: {ready: false}")) "}");
    settle(w);
    EXPECT_INT("nor does it deliver what is equal", a.n_deliveries, 2);
    apply(w, DATAPLANE("a", "10.0.0.1", INBOUND("80", ", serviceProbe: {tcp: {}}")) "}");
    settle(w);
    EXPECT_INT("a probe came", a.n_deliveries, 3);
    EXPECT_INT("to nobody else", b.n_deliveries, 1);
    world_delete(w, RES_DATAPLANE, STR("m"), STR("a"));
    settle(w);
    EXPECT_TRUE("gone", a.n_deliveries == 4 && !a.checks);
    unwatch(&a);
    EXPECT_INT("the other stays", runs_of("checks"), 2);
    unwatch(&b);
    world_free(w, stop);
}

/* Else its certificate would be made for nobody, and thrown away. */
TEST(a_health_stream_asks_for_nothing_but_checks)
{
    struct world *w = world_new(start_with_health, NULL);
    struct checked a;
    apply(w, "type: Mesh\nname: m\nmtls: {enabledBackend: ca, backends: [{name: ca, type: builtin}]}\n");
    apply(w, DATAPLANE("a", "10.0.0.1", INBOUND("80", "")) "}");
    watch(&a, "a", 9901);
    settle(w);
    EXPECT_INT("checks", runs_of("checks"), 1);
    EXPECT_INT("parts of a configuration", runs_of("parts"), 0);
    EXPECT_INT("identities", runs_of("in_identity"), 0);
    unwatch(&a);
    world_free(w, stop);
}
