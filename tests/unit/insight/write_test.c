/* write_test.c -- what is stored of a proxy while it comes, goes and is sent configurations. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/test.h"
#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "ursa/base/json.h"
#include "ursa/base/log.h"
#include "ursa/insight.h"

#define NOW_S INT64_C(1800000000)
#define FLUSH_NS (10 * NS_PER_S)

struct world {
    struct store *store;
    struct admit *admit;
    struct insight *insight;
    struct arena arena;
    struct err err;
    int64_t mono_ns;
    struct xds_counters counters[XDS_N];
    struct config_set config;
    struct leaf leaf;
};

static void insight_start_with(struct world *w, const char *instance, int64_t flush_ns)
{
    struct insight_options options = {
        .admit = w->admit, .store = w->store, .instance_id = str_from_c(instance), .flush_ns = flush_ns};
    w->insight = insight_new(&options);
}

static void insight_start(struct world *w, const char *instance)
{
    insight_start_with(w, instance, FLUSH_NS);
}

static void put(struct world *w, enum res_type type, const char *mesh, const char *name, const char *spec)
{
    struct res_key key = {type, str_from_c(mesh), str_from_c(name)};
    struct admit_request *req = admit_request_new(1);
    req->origin = type == RES_DATAPLANE_INSIGHT ? ORIGIN_SYSTEM : ORIGIN_API;
    req->author = STR("test");
    req->ops[0] =
        (struct admit_op){.kind = ADMIT_PUT, .res = resource_from_stored(&key, str_from_c(spec), &w->err)};
    admit_run(w->admit, req);
    if (req->kind != ERR_NONE)
        FAIL("%s: " STR_FMT, name, STR_ARG(err_render(&req->ops[0].err, &req->arena)));
    admit_request_free(req);
}

static void world_init(struct world *w)
{
    static const struct store_options memory = {.kind = STORE_MEMORY};
    *w = (struct world){.mono_ns = NS_PER_S};
    log_set_level(LOG_ERROR);
    clock_fake(w->mono_ns, NOW_S * NS_PER_S);
    arena_init(&w->arena);
    err_init(&w->err, &w->arena);
    if (store_open(&memory, &w->store, &w->err) != ERR_NONE)
        FAIL("store_open");
    struct admit_options options = {.store = w->store};
    if (admit_start(&options, &w->admit, &w->err) != ERR_NONE)
        FAIL("admit_start");
    put(w, RES_DATAPLANE, "default", "web-1",
        "{\"networking\":{\"address\":\"10.0.0.1\",\"inbound\":[{\"port\":80,\"tags\":{\"kuma.io/"
        "service\":\"web\"}}]}}");
}

static void world_fini(struct world *w)
{
    insight_free(w->insight);
    admit_stop(w->admit);
    store_close(w->store);
    arena_fini(&w->arena);
    clock_fake(-1, -1);
}

/* Waits until the writer has answered what was submitted. */
static void settle(struct world *w)
{
    struct admit_request *req = admit_request_new(1);
    req->origin = ORIGIN_PROXY;
    req->author = STR("test");
    req->ops[0] = (struct admit_op){
        .kind = ADMIT_DELETE, .key = {RES_DATAPLANE, STR("default"), STR("nobody")}, .if_origin_proxy = true};
    admit_run(w->admit, req);
    admit_request_free(req);
}

static void pass_time(struct world *w, int64_t ns)
{
    w->mono_ns += ns;
    clock_fake(w->mono_ns, NOW_S * NS_PER_S + w->mono_ns - NS_PER_S);
    insight_run_timers(w->insight, w->mono_ns);
    settle(w);
}

static void happens(struct world *w, enum xds_event event, const char *name, const char *subscription)
{
    struct tag dependency = {STR("coredns"), STR("1.10")};
    struct kuma_dp_version dp = {.version = STR("2.4.10"), .kuma_cp_compatible = true};
    struct envoy_version envoy = {.version = STR("1.40.0"), .kuma_dp_compatible = true};
    struct proxy_version version = {&dp, &envoy, {&dependency, 1}};
    struct xds_status status = {.mesh = STR("default"),
                                .name = str_from_c(name),
                                .subscription = str_from_c(subscription),
                                .connected_ns = clock_wall_ns(),
                                .counters = w->counters,
                                .version = &version,
                                .config = event == XDS_CONNECTED ? NULL : &w->config};
    insight_observe(w->insight, event, &status);
    settle(w);
}

static struct str stored(struct world *w, const char *name)
{
    struct snap *snap = store_snap(w->store);
    const struct resource *r = snap_find(snap, RES_DATAPLANE_INSIGHT, STR("default"), str_from_c(name));
    json_t *spec = r ? resource_spec_to_json(r) : NULL;
    struct str text = spec ? json_format(&w->arena, spec) : STR("none");
    json_decref(spec);
    snap_unref(snap);
    return text;
}

#define AT(s) "\"2027-01-15T08:00:" s "Z\""
#define EMPTY_STATUS "\"status\":{\"total\":{},\"cds\":{},\"eds\":{},\"lds\":{},\"rds\":{}}"
#define VERSION                                                                                              \
    "\"version\":{\"kumaDp\":{\"version\":\"2.4.10\",\"kumaCpCompatible\":true},"                            \
    "\"envoy\":{\"version\":\"1.40.0\",\"kumaDpCompatible\":true},\"dependencies\":{\"coredns\":\"1.10\"}}"
#define SUB(id, cp, rest) "{\"id\":\"" id "\",\"controlPlaneInstanceId\":\"" cp "\"," rest "}"
#define COUNTS(n) "\"responsesSent\":\"" n "\",\"responsesAcknowledged\":\"" n "\""

TEST(connecting_and_leaving_are_written_at_once)
{
    struct world w;
    world_init(&w);
    insight_start(&w, "cp-1");
    happens(&w, XDS_CONNECTED, "web-1", "s1");
    EXPECT_STR("connected", stored(&w, "web-1"),
               "{\"subscriptions\":[" SUB("s1", "cp-1",
                                          "\"connectTime\":" AT("00") "," EMPTY_STATUS "," VERSION) "]}");
    pass_time(&w, 5 * NS_PER_S);
    happens(&w, XDS_DISCONNECTED, "web-1", "s1");
    EXPECT_STR("gone", stored(&w, "web-1"),
               "{\"subscriptions\":[" SUB("s1", "cp-1",
                                          "\"connectTime\":" AT("00") ",\"disconnectTime\":" AT(
                                              "05") "," EMPTY_STATUS "," VERSION) "]}");
    world_fini(&w);
}

static bool has(struct str text, const char *part)
{
    return str_find(text, str_from_c(part)) < text.n;
}

/* A proxy that comes and goes without end (one whose certificate its Envoy does not like, or a hostile one)
 * keeps the disk to itself no more than others. */
TEST(a_restless_proxy_is_written_a_few_times)
{
    struct world w;
    char id[16];
    world_init(&w);
    insight_start(&w, "cp-1");
    int64_t before = count_get("insight_writes");
    for (int i = 0; i < 100; i++) {
        snprintf(id, sizeof(id), "s%d", i);
        happens(&w, XDS_CONNECTED, "web-1", id);
        happens(&w, XDS_DISCONNECTED, "web-1", id);
    }
    happens(&w, XDS_CONNECTED, "web-1", "last");
    EXPECT_INT("at once", count_get("insight_writes") - before, 4);
    pass_time(&w, FLUSH_NS);
    EXPECT_INT("in its turn", count_get("insight_writes") - before, 5);
    struct str text = stored(&w, "web-1");
    EXPECT_TRUE("the newest state", has(str_slice(text, str_find(text, STR("s99")), text.n), "\"last\""));
    EXPECT_TRUE("which is connected",
                !has(str_slice(text, str_find(text, STR("\"last\"")), text.n), "disconnectTime"));
    happens(&w, XDS_DISCONNECTED, "web-1", "last");
    EXPECT_INT("at once again", count_get("insight_writes") - before, 6);
    world_fini(&w);
}

TEST(a_timer_is_never_due_at_once)
{
    struct world w;
    world_init(&w);
    insight_start_with(&w, "cp-1", 0);
    happens(&w, XDS_CONNECTED, "web-1", "s1");
    EXPECT_INT("deadline", insight_deadline(w.insight), w.mono_ns + NS_PER_S / 10);
    world_fini(&w);
}

TEST(counters_are_written_in_batches)
{
    struct world w;
    world_init(&w);
    insight_start(&w, "cp-1");
    happens(&w, XDS_CONNECTED, "web-1", "s1");
    pass_time(&w, NS_PER_S);
    int64_t before = count_get("insight_writes");
    for (int i = 1; i <= 3; i++) {
        w.counters[XDS_CLUSTER] =
            (struct xds_counters){.responses_sent = (uint64_t)i, .responses_acknowledged = (uint64_t)i};
        w.counters[XDS_SECRET] = w.counters[XDS_CLUSTER];
        happens(&w, XDS_CHANGED, "web-1", "s1");
    }
    EXPECT_INT("nothing yet", count_get("insight_writes") - before, 0);
    pass_time(&w, FLUSH_NS);
    EXPECT_INT("one write", count_get("insight_writes") - before, 1);
    EXPECT_STR(
        "secrets count in the total only", stored(&w, "web-1"),
        "{\"subscriptions\":[" SUB(
            "s1", "cp-1",
            "\"connectTime\":" AT("00") ",\"status\":{\"lastUpdateTime\":" AT("01") ",\"total\":{" COUNTS(
                "6") "},\"cds\":{" COUNTS("3") "},\"eds\":{},\"lds\":{},\"rds\":{}}"
                                               "," VERSION) "]}");
    pass_time(&w, FLUSH_NS);
    happens(&w, XDS_CHANGED, "web-1", "s1");
    EXPECT_INT("nothing changed, no timer", insight_deadline(w.insight), INT64_MAX);
    EXPECT_INT("nothing written", count_get("insight_writes") - before, 1);
    world_fini(&w);
}

TEST(certificates)
{
    struct world w;
    world_init(&w);
    put(&w, RES_MESH, "", "default",
        "{\"mtls\":{\"enabledBackend\":\"ca\",\"backends\":[{\"name\":\"ca\",\"type\":\"builtin\"}]}}");
    insight_start(&w, "cp-1");
    happens(&w, XDS_CONNECTED, "web-1", "s1");
    w.leaf =
        (struct leaf){.issued_ns = NOW_S * NS_PER_S, .expires_ns = (NOW_S + 30) * NS_PER_S, .version = 1};
    w.config = (struct config_set){.identity = &w.leaf, .issued_backend = STR("ca")};
    happens(&w, XDS_CHANGED, "web-1", "s1");
    const char *first =
        "\"mTLS\":{\"certificateExpirationTime\":" AT("30") ",\"lastCertificateRegeneration\":" AT(
            "00") ",\"certificateRegenerations\":1,\"issuedBackend\":\"ca\",\"supportedBackends\":[\"ca\"]}";
    if (!has(stored(&w, "web-1"), first))
        FAIL("at once: " STR_FMT, STR_ARG(stored(&w, "web-1")));
    w.leaf.version = 2;
    happens(&w, XDS_CHANGED, "web-1", "s1");
    EXPECT_TRUE("renewed", has(stored(&w, "web-1"), "\"certificateRegenerations\":2"));
    insight_free(w.insight);
    insight_start(&w, "cp-2");
    w.leaf.version = 3;
    happens(&w, XDS_CONNECTED, "web-1", "s2");
    happens(&w, XDS_CHANGED, "web-1", "s2");
    EXPECT_TRUE("counted on after a restart", has(stored(&w, "web-1"), "\"certificateRegenerations\":3"));
    w.config = (struct config_set){0};
    happens(&w, XDS_CHANGED, "web-1", "s2");
    EXPECT_TRUE("cleared without mTLS", !has(stored(&w, "web-1"), "mTLS"));
    world_fini(&w);
}

TEST(two_finished_subscriptions_are_kept)
{
    struct world w;
    world_init(&w);
    insight_start(&w, "cp-1");
    static const char *const ids[] = {"s1", "s2", "s3"};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        happens(&w, XDS_CONNECTED, "web-1", ids[i]);
        happens(&w, XDS_DISCONNECTED, "web-1", ids[i]);
        pass_time(&w, 3 * FLUSH_NS); /* forgotten in between: the store knows */
    }
    happens(&w, XDS_CONNECTED, "web-1", "s4");
    EXPECT_TRUE("the oldest is dropped", !has(stored(&w, "web-1"), "\"s1\""));
    EXPECT_TRUE("two are kept", has(stored(&w, "web-1"), "\"s2\"") && has(stored(&w, "web-1"), "\"s3\""));
    EXPECT_TRUE("beside the live one", has(stored(&w, "web-1"), "\"s4\""));
    world_fini(&w);
}

TEST(two_streams_of_one_proxy)
{
    struct world w;
    world_init(&w);
    insight_start(&w, "cp-1");
    happens(&w, XDS_CONNECTED, "web-1", "s1");
    happens(&w, XDS_CONNECTED, "web-1", "s2");
    EXPECT_TRUE("both are open", !has(stored(&w, "web-1"), "disconnectTime"));
    happens(&w, XDS_DISCONNECTED, "web-1", "s1");
    struct str text = stored(&w, "web-1");
    EXPECT_TRUE("one is left", has(str_slice(text, 0, str_find(text, STR("\"s2\""))), "disconnectTime"));
    EXPECT_TRUE("the other is open",
                !has(str_slice(text, str_find(text, STR("\"s2\"")), text.n), "disconnectTime"));
    world_fini(&w);
}

TEST(what_an_earlier_instance_left_open_is_closed)
{
    struct world w;
    world_init(&w);
    put(&w, RES_DATAPLANE_INSIGHT, "default", "web-1",
        "{\"subscriptions\":[" SUB("old", "cp-0", "\"connectTime\":" AT("00") "," EMPTY_STATUS) "]}");
    clock_fake(w.mono_ns, (NOW_S + 7) * NS_PER_S);
    insight_start(&w, "cp-1");
    settle(&w);
    EXPECT_STR("closed", stored(&w, "web-1"),
               "{\"subscriptions\":[" SUB(
                   "old", "cp-0",
                   "\"connectTime\":" AT("00") ",\"disconnectTime\":" AT("07") "," EMPTY_STATUS) "]}");
    world_fini(&w);
}

TEST(a_dataplane_that_is_gone_gets_no_insight)
{
    struct world w;
    world_init(&w);
    insight_start(&w, "cp-1");
    happens(&w, XDS_CONNECTED, "web-2", "s1");
    happens(&w, XDS_DISCONNECTED, "web-2", "s1");
    EXPECT_STR("nothing", stored(&w, "web-2"), "none");
    pass_time(&w, FLUSH_NS);
    EXPECT_INT("and no timer", insight_deadline(w.insight), INT64_MAX);
    world_fini(&w);
}

TEST(of_a_crowd_only_some_have_their_turn_at_once)
{
    struct world w;
    size_t n_runs = 0;
    world_init(&w);
    insight_start(&w, "cp-1");
    for (int i = 0; i < 250; i++) {
        char name[16];
        snprintf(name, sizeof(name), "web-%d", i);
        happens(&w, XDS_CONNECTED, name, name);
        happens(&w, XDS_DISCONNECTED, name, name);
    }
    for (w.mono_ns += FLUSH_NS; insight_deadline(w.insight) <= w.mono_ns; n_runs++)
        pass_time(&w, 0);
    EXPECT_INT("slices", n_runs, 3);
    EXPECT_INT("and no timer", insight_deadline(w.insight), INT64_MAX);
    world_fini(&w);
}
