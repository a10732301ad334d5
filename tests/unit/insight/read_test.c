/* read_test.c -- overviews and insights of a snapshot, in the shapes of fixtures/rest/05-dataplanes and
 * 08-connected-proxy. */
#include <stdlib.h>
#include <string.h>

#include "../../lib/test.h"
#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"
#include "ursa/insight.h"

#define MADE NS_PER_S          /* 1970-01-01T00:00:01Z */
#define TOUCHED (2 * NS_PER_S) /* the newest resource */

struct world {
    struct arena arena;
    struct resource *list[32];
    size_t n;
    struct snap *snap;
};

static void world_init(struct world *w)
{
    *w = (struct world){.n = 0};
    arena_init(&w->arena);
}

static void world_fini(struct world *w)
{
    snap_unref(w->snap);
    for (size_t i = 0; i < w->n; i++)
        resource_unref(w->list[i]);
    arena_fini(&w->arena);
}

static void add(struct world *w, enum res_type type, const char *mesh, const char *name, const char *spec)
{
    struct err e;
    struct res_key key = {type, str_from_c(mesh), str_from_c(name)};
    err_init(&e, &w->arena);
    struct resource *r = resource_from_stored(&key, str_from_c(spec), &e);
    if (!r)
        FAIL("%s: " STR_FMT, name, STR_ARG(err_render(&e, &w->arena)));
    r->created_ns = r->modified_ns = MADE;
    w->list[w->n++] = r;
}

/* The last one added is the newest. */
static const struct snap *snap_of(struct world *w)
{
    w->list[w->n - 1]->modified_ns = TOUCHED;
    w->snap = snap_from_list(w->list, w->n, 1);
    return w->snap;
}

static struct str text_of(struct world *w, json_t *taken)
{
    struct str s = taken ? json_format(&w->arena, taken) : STR("none");
    json_decref(taken);
    return s;
}

#define INBOUND(service) "{\"port\":80,\"tags\":{\"kuma.io/service\":\"" service "\"}}"
#define UNREADY(service) "{\"port\":80,\"tags\":{\"kuma.io/service\":\"" service "\"},\"health\":{}}"
#define DP(inbounds) "{\"networking\":{\"address\":\"10.0.0.1\",\"inbound\":[" inbounds "]}}"
#define GATEWAY(service, type)                                                                               \
    "{\"networking\":{\"address\":\"10.0.0.1\",\"gateway\":{" type                                           \
    "\"tags\":{\"kuma.io/service\":\"" service "\"}}}}"
#define EMPTY_STATUS "\"status\":{\"total\":{},\"cds\":{},\"eds\":{},\"lds\":{},\"rds\":{}}"
#define VERSION                                                                                              \
    "\"version\":{\"kumaDp\":{\"version\":\"2.4.10\",\"kumaCpCompatible\":true},"                            \
    "\"envoy\":{\"version\":\"1.40.0\",\"kumaDpCompatible\":true}}"
#define MTLS "\"mTLS\":{\"issuedBackend\":\"ca\",\"supportedBackends\":[\"ca\",\"cb\"]}"
#define ONLINE                                                                                               \
    "{\"subscriptions\":[{\"id\":\"1\",\"connectTime\":\"1970-01-01T00:00:01Z\"," EMPTY_STATUS "," VERSION   \
    "}]," MTLS "}"
#define GONE                                                                                                 \
    "{\"subscriptions\":[{\"id\":\"1\",\"connectTime\":\"1970-01-01T00:00:01Z\","                            \
    "\"disconnectTime\":\"1970-01-01T00:00:01Z\"," EMPTY_STATUS "," VERSION "}]}"
#define TIMES "\"creationTime\":\"1970-01-01T00:00:01Z\",\"modificationTime\":\"1970-01-01T00:00:02Z\""
#define OLD_TIMES "\"creationTime\":\"1970-01-01T00:00:01Z\",\"modificationTime\":\"1970-01-01T00:00:01Z\""

/* The proxies of fixtures/rest/05-dataplanes. */
static void add_recorded(struct world *w)
{
    static const char policy[] = "{\"sources\":[{\"match\":{\"kuma.io/service\":\"*\"}}],"
                                 "\"destinations\":[{\"match\":{\"kuma.io/service\":\"*\"}}]}";
    add(w, RES_MESH, "", "demo", "{}");
    add(w, RES_TRAFFIC_PERMISSION, "demo", "allow-all", policy);
    add(w, RES_RETRY, "demo", "retry-all", policy);
    add(w, RES_DATAPLANE, "demo", "web-1", DP(INBOUND("web")));
    add(w, RES_DATAPLANE, "demo", "web-2", DP(INBOUND("web")));
    add(w, RES_DATAPLANE, "demo", "backend-1", DP(INBOUND("backend")));
    add(w, RES_DATAPLANE, "demo", "edge-1", GATEWAY("edge", ""));
    add(w, RES_DATAPLANE, "demo", "bgw-1", GATEWAY("bgw", "\"type\":\"BUILTIN\","));
    add(w, RES_MESH, "", "other", "{}");
    add(w, RES_DATAPLANE, "other", "web-1", DP(INBOUND("web")));
}

TEST(mesh_insights)
{
    struct world w;
    world_init(&w);
    add_recorded(&w);
    const struct snap *snap = snap_of(&w);
    EXPECT_STR("nobody is online", text_of(&w, insight_mesh(snap, snap_find_mesh(snap, STR("demo")))),
               "{\"type\":\"MeshInsight\",\"name\":\"demo\"," OLD_TIMES ","
               "\"dataplanes\":{\"total\":5,\"offline\":5},"
               "\"policies\":{\"Retry\":{\"total\":1},\"TrafficPermission\":{\"total\":1}},"
               "\"dpVersions\":{\"kumaDp\":{\"unknown\":{\"total\":5,\"offline\":5}},"
               "\"envoy\":{\"unknown\":{\"total\":5,\"offline\":5}}},"
               "\"mTLS\":{},\"services\":{\"total\":4,\"internal\":4},"
               "\"dataplanesByType\":{\"standard\":{\"total\":3,\"offline\":3},\"gateway\":{\"total\":2,"
               "\"offline\":2}}}");
    world_fini(&w);
}

TEST(an_empty_mesh)
{
    struct world w;
    world_init(&w);
    add(&w, RES_MESH, "", "demo", "{}");
    const struct snap *snap = snap_of(&w);
    EXPECT_STR("no proxies, no policies", text_of(&w, insight_mesh(snap, snap_find_mesh(snap, STR("demo")))),
               "{\"type\":\"MeshInsight\",\"name\":\"demo\"," TIMES
               ",\"dataplanes\":{},\"dpVersions\":{},\"mTLS\":{},"
               "\"services\":{},\"dataplanesByType\":{\"standard\":{},\"gateway\":{}}}");
    size_t n = 7;
    (void)insight_service_names(snap, STR("demo"), &w.arena, &n);
    EXPECT_INT("services", n, 0);
    world_fini(&w);
}

TEST(a_mesh_with_connected_proxies)
{
    struct world w;
    world_init(&w);
    add(&w, RES_MESH, "", "demo", "{}");
    add(&w, RES_DATAPLANE, "demo", "web-1", DP(INBOUND("web")));
    add(&w, RES_DATAPLANE, "demo", "web-2", DP(INBOUND("web") "," UNREADY("web")));
    add(&w, RES_DATAPLANE_INSIGHT, "demo", "web-2", ONLINE);
    add(&w, RES_DATAPLANE_INSIGHT, "demo", "web-1", ONLINE);
    const struct snap *snap = snap_of(&w);
    EXPECT_STR("one is degraded", text_of(&w, insight_mesh(snap, snap_find_mesh(snap, STR("demo")))),
               "{\"type\":\"MeshInsight\",\"name\":\"demo\"," TIMES ","
               "\"dataplanes\":{\"total\":2,\"online\":1,\"partiallyDegraded\":1},"
               "\"dpVersions\":{\"kumaDp\":{\"2.4.10\":{\"total\":2,\"online\":1,\"partiallyDegraded\":1}},"
               "\"envoy\":{\"1.40.0\":{\"total\":2,\"online\":1,\"partiallyDegraded\":1}}},"
               "\"mTLS\":{\"issuedBackends\":{\"ca\":{\"total\":2,\"online\":1,\"partiallyDegraded\":1}},"
               "\"supportedBackends\":{\"ca\":{\"total\":2,\"online\":1,\"partiallyDegraded\":1},"
               "\"cb\":{\"total\":2,\"online\":1,\"partiallyDegraded\":1}}},"
               "\"services\":{\"total\":1,\"internal\":1},"
               "\"dataplanesByType\":{\"standard\":{\"total\":2,\"online\":1,\"partiallyDegraded\":1},"
               "\"gateway\":{}}}");
    world_fini(&w);
}

TEST(service_insights)
{
    static const struct {
        const char *mesh, *service, *want;
    } rows[] = {
        {"demo", "backend",
         "\"status\":\"offline\",\"dataplanes\":{\"total\":1,\"offline\":1},\"addressPort\":\"backend.mesh:"
         "80\""},
        {"demo", "bgw",
         "\"status\":\"offline\",\"dataplanes\":{\"total\":1,\"offline\":1},\"serviceType\":\"gateway_"
         "builtin\""},
        {"demo", "edge",
         "\"status\":\"online\",\"dataplanes\":{\"total\":1,\"online\":1},\"issuedBackends\":{\"ca\":1},"
         "\"serviceType\":\"gateway_delegated\""},
        {"demo", "web",
         "\"status\":\"partially_degraded\",\"dataplanes\":{\"total\":2,\"online\":1,\"offline\":1},"
         "\"issuedBackends\":{\"ca\":1},\"addressPort\":\"web.mesh:80\""},
        {"demo", "nope", "\"dataplanes\":{},\"addressPort\":\"nope.mesh:80\""},
        {"nomesh", "web", NULL},
    };
    struct world w;
    world_init(&w);
    add_recorded(&w);
    add(&w, RES_DATAPLANE_INSIGHT, "demo", "web-2", GONE);
    add(&w, RES_DATAPLANE_INSIGHT, "demo", "edge-1", ONLINE);
    add(&w, RES_DATAPLANE_INSIGHT, "demo", "web-1", ONLINE);
    const struct snap *snap = snap_of(&w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str want = STR("none");
        if (rows[i].want)
            want = arena_printf(&w.arena,
                                "{\"type\":\"ServiceInsight\",\"mesh\":\"%s\",\"name\":\"%s\"," TIMES ",%s}",
                                rows[i].mesh, rows[i].service, rows[i].want);
        EXPECT_STR(rows[i].service,
                   text_of(&w, insight_service(snap, str_from_c(rows[i].mesh), str_from_c(rows[i].service))),
                   want.p);
    }
    size_t n;
    struct str *names = insight_service_names(snap, STR("demo"), &w.arena, &n), all = STR_NONE;
    for (size_t i = 0; i < n; i++)
        all = arena_printf(&w.arena, STR_FMT "%s" STR_FMT, STR_ARG(all), i ? " " : "", STR_ARG(names[i]));
    EXPECT_STR("names", all, "backend bgw edge web");
    world_fini(&w);
}

#define OUTSIDE(service)                                                                                     \
    "{\"networking\":{\"address\":\"a.example:80\"},\"tags\":{\"kuma.io/service\":\"" service "\"}}"

TEST(external_services_are_services)
{
    struct world w;
    world_init(&w);
    add(&w, RES_MESH, "", "demo", "{}");
    add(&w, RES_DATAPLANE, "demo", "web-1", DP(INBOUND("web")));
    add(&w, RES_EXTERNAL_SERVICE, "demo", "es-1", OUTSIDE("outside"));
    add(&w, RES_EXTERNAL_SERVICE, "demo", "es-2", OUTSIDE("outside"));
    add(&w, RES_EXTERNAL_SERVICE, "demo", "es-3", OUTSIDE("web"));
    const struct snap *snap = snap_of(&w);
    JSON_AUTO mesh = insight_mesh(snap, snap_find_mesh(snap, STR("demo")));
    EXPECT_STR("of the mesh", json_format(&w.arena, json_get(mesh, "services")),
               "{\"total\":3,\"internal\":1,\"external\":2}");
    size_t n;
    struct str *names = insight_service_names(snap, STR("demo"), &w.arena, &n);
    EXPECT_INT("names", n, 2);
    EXPECT_STR("first", names[0], "outside");
    EXPECT_STR("outside", text_of(&w, insight_service(snap, STR("demo"), STR("outside"))),
               "{\"type\":\"ServiceInsight\",\"mesh\":\"demo\",\"name\":\"outside\"," TIMES
               ",\"status\":\"not_available\",\"dataplanes\":{},\"serviceType\":\"external\"}");
    EXPECT_STR("a proxy offers it too", text_of(&w, insight_service(snap, STR("demo"), STR("web"))),
               "{\"type\":\"ServiceInsight\",\"mesh\":\"demo\",\"name\":\"web\"," TIMES
               ",\"status\":\"offline\",\"dataplanes\":{\"total\":1,\"offline\":1},\"addressPort\":\"web."
               "mesh:80\"}");
    world_fini(&w);
}

/* The overview, compact. */
static struct str overview_of(struct world *w, const struct snap *snap, const struct resource *dp,
                              bool always)
{
    struct buf out;
    struct err e;
    json_t *tree = NULL;

    buf_init(&out, BUF_MAX_RESOURCE);
    err_init(&e, &w->arena);
    overview_print(snap, dp, always, 0, &out);
    EXPECT_INT("it is JSON", json_parse(buf_str(&out), &tree, &e), ERR_NONE);
    buf_add_byte(&out, '\n');
    EXPECT_STR("laid out", buf_str(&out), json_format_pretty(&w->arena, tree).p);
    buf_fini(&out);
    return text_of(w, tree);
}

TEST(overviews)
{
    struct world w;
    world_init(&w);
    add(&w, RES_MESH, "", "demo", "{}");
    add(&w, RES_DATAPLANE, "demo", "web-1", DP(INBOUND("web")));
    add(&w, RES_DATAPLANE, "demo", "web-2", DP(INBOUND("web")));
    add(&w, RES_DATAPLANE_INSIGHT, "demo", "web-2", GONE);
    const struct snap *snap = snap_of(&w);
    const struct resource *never = snap_find(snap, RES_DATAPLANE, STR("demo"), STR("web-1"));
    const struct resource *gone = snap_find(snap, RES_DATAPLANE, STR("demo"), STR("web-2"));
    EXPECT_STR("item", overview_of(&w, snap, never, true),
               "{\"type\":\"DataplaneOverview\",\"mesh\":\"demo\",\"name\":\"web-1\"," OLD_TIMES
               ",\"dataplane\":" DP(INBOUND("web")) ",\"dataplaneInsight\":{}}");
    EXPECT_STR("in a list", overview_of(&w, snap, never, false),
               "{\"type\":\"DataplaneOverview\",\"mesh\":\"demo\",\"name\":\"web-1\"," OLD_TIMES
               ",\"dataplane\":" DP(INBOUND("web")) "}");
    EXPECT_STR("was connected", overview_of(&w, snap, gone, false),
               "{\"type\":\"DataplaneOverview\",\"mesh\":\"demo\",\"name\":\"web-2\"," OLD_TIMES
               ",\"dataplane\":" DP(INBOUND("web")) ",\"dataplaneInsight\":" GONE "}");
    world_fini(&w);
}

#define ZONE_GONE                                                                                            \
    "{\"subscriptions\":[{\"id\":\"1\",\"globalInstanceId\":\"g\",\"connectTime\":\"1970-01-01T00:00:01Z\"," \
    "\"disconnectTime\":\"1970-01-01T00:00:02Z\"}]}"
#define ZONE_ONLINE                                                                                          \
    "{\"subscriptions\":[{\"id\":\"1\",\"globalInstanceId\":\"g\",\"connectTime\":\"1970-01-01T00:00:01Z\"}" \
    "]}"
#define AT_PORT "{\"networking\":{\"address\":\"10.0.0.1\",\"port\":10001}}"

TEST(zones_have_overviews_too)
{
    static const struct {
        const char *name;
        enum res_type type, insight_type;
        const char *spec, *insight, *want; /* behind the meta part */
    } rows[] = {
        {"a zone", RES_ZONE, RES_ZONE_INSIGHT, "{\"enabled\":true}", NULL,
         "\"zone\":{\"enabled\":true},\"zoneInsight\":{}}"},
        {"a zone that left", RES_ZONE, RES_ZONE_INSIGHT, "{}", ZONE_GONE,
         "\"zone\":{},\"zoneInsight\":" ZONE_GONE "}"},
        {"a zone ingress", RES_ZONE_INGRESS, RES_ZONE_INGRESS_INSIGHT, AT_PORT, GONE,
         "\"zoneIngress\":" AT_PORT ",\"zoneIngressInsight\":" GONE "}"},
        {"a zone egress", RES_ZONE_EGRESS, RES_ZONE_EGRESS_INSIGHT, AT_PORT, NULL,
         "\"zoneEgress\":" AT_PORT ",\"zoneEgressInsight\":{}}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world w;
        world_init(&w);
        add(&w, rows[i].type, "", "z", rows[i].spec);
        if (rows[i].insight)
            add(&w, rows[i].insight_type, "", "z", rows[i].insight);
        const struct snap *snap = snap_of(&w);
        struct str name = res_type_info(rows[i].type)->name;
        struct str want = arena_printf(&w.arena, "{\"type\":\"" STR_FMT "Overview\",\"name\":\"z\",%s,%s",
                                       STR_ARG(name), rows[i].insight ? OLD_TIMES : TIMES, rows[i].want);
        EXPECT_STR(rows[i].name,
                   overview_of(&w, snap, snap_find(snap, rows[i].type, STR_NONE, STR("z")), true), want.p);
        world_fini(&w);
    }
}

TEST(which_zones_are_online)
{
    static const struct {
        const char *name, *insight;
        bool want;
    } rows[] = {{"never connected", NULL, false},
                {"no subscriptions", "{}", false},
                {"connected", ZONE_ONLINE, true},
                {"gone", ZONE_GONE, false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world w;
        world_init(&w);
        add(&w, RES_ZONE, "", "z", "{}");
        if (rows[i].insight)
            add(&w, RES_ZONE_INSIGHT, "", "z", rows[i].insight);
        const struct snap *snap = snap_of(&w);
        EXPECT_INT(rows[i].name, zone_is_online(snap, snap_find(snap, RES_ZONE, STR_NONE, STR("z"))),
                   rows[i].want);
        world_fini(&w);
    }
}

TEST(who_is_online)
{
    static const struct {
        const char *name, *insight;
        bool want;
    } rows[] = {
        {"never connected", NULL, false},
        {"no subscriptions", "{}", false},
        {"connected", ONLINE, true},
        {"gone", GONE, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world w;
        world_init(&w);
        add(&w, RES_DATAPLANE, "demo", "web-1", DP(INBOUND("web")));
        if (rows[i].insight)
            add(&w, RES_DATAPLANE_INSIGHT, "demo", "web-1", rows[i].insight);
        const struct snap *snap = snap_of(&w);
        EXPECT_INT(rows[i].name,
                   dataplane_is_online(snap, snap_find(snap, RES_DATAPLANE, STR("demo"), STR("web-1"))),
                   rows[i].want);
        world_fini(&w);
    }
}

static size_t count_all(void *world, enum res_type type)
{
    return snap_range(((struct world *)world)->snap, type, STR_NONE).n;
}

TEST(global_insights)
{
    struct world w;
    world_init(&w);
    add_recorded(&w);
    add(&w, RES_GLOBAL_SECRET, "", "s", "{}");
    snap_of(&w);
    clock_fake(0, MADE);
    EXPECT_STR("fresh", text_of(&w, insight_global(count_all, &w)),
               "{\"type\":\"GlobalInsights\",\"creationTime\":\"1970-01-01T00:00:01Z\",\"resources\":{"
               "\"GlobalSecret\":{\"total\":1},\"Mesh\":{\"total\":2},\"Zone\":{\"total\":0},"
               "\"ZoneEgress\":{\"total\":0},\"ZoneIngress\":{\"total\":0}}}");
    clock_fake(-1, -1);
    world_fini(&w);
}
