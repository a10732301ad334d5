/* hds_test.c -- health streams: what Envoys are told to check, who may tell, and what it makes of Dataplanes.
 */
#include "world.h"

#include "../../../src/xds/health.h"

#define MESSAGE "envoy.service.health.v3.HealthCheckRequestOrEndpointHealthResponse"
#define INBOUND(port, more) "{\"port\":" port ",\"tags\":{\"kuma.io/service\":\"web\"}" more "}"
#define WEB(inbounds)                                                                                        \
    "{\"type\":\"Dataplane\",\"mesh\":\"default\",\"name\":\"web-1\",\"networking\":{\"address\":\"10.0.0."  \
    "1\",\"inbound\":[" inbounds "]}}"
#define PROBE ",\"serviceProbe\":{\"tcp\":{}}"
#define ONE WEB(INBOUND("80", PROBE))
#define TWO WEB(INBOUND("80", PROBE) "," INBOUND("81", ""))
#define FIRST "{'healthCheckRequest': {'node': {'id': 'default.web-1'}}}"
#define CHECKED(name, status)                                                                                \
    "{'clusterName': '" name "', 'localityEndpointsHealth': [{'endpointsHealth': [{'healthStatus': '" status \
    "'}]}]}"
#define REPORT(clusters) "{'endpointHealthResponse': {'clusterEndpointsHealth': [" clusters "]}}"
#define FINE REPORT(CHECKED("kuma:envoy:admin", "HEALTHY") "," CHECKED("localhost:80", "HEALTHY"))
#define DOWN REPORT(CHECKED("kuma:envoy:admin", "HEALTHY") "," CHECKED("localhost:80", "TIMEOUT"))

/* ---- peers ---- */

struct health_peer {
    struct hds_stream *stream;
    struct peer heard; /* what the transport was told */
};

static void open_stream(struct world *w, struct health_peer *p, struct str token)
{
    *p = (struct health_peer){0};
    p->stream = hds_open(w->ads, &transport, &p->heard, &(struct credential){.text = token});
}

static void close_stream(struct world *w, struct health_peer *p)
{
    hds_close(p->stream);
    settle(w);
}

static void say(struct health_peer *p, const char *message)
{
    struct buf wire = encoded(STR(MESSAGE), message);
    hds_receive(p->stream, buf_str(&wire));
    buf_fini(&wire);
}

/* What is to be checked; NULL: the Dataplane is not there. */
static void engine_tells(struct world *w, const char *checks)
{
    struct blob *blob = checks ? blob_new(checks, strlen(checks)) : NULL;
    for (struct engine_proxy *p = attached; p; p = p->next)
        p->deliver_checks(p->ctx, blob);
    blob_unref(blob);
    while (mailbox_run(&w->box) > 0)
        ;
}

/* The next message, "" when there is none. */
static const char *hear(struct health_peer *p)
{
    static char text[64];
    struct xds_message m;
    text[0] = '\0';
    if (!hds_pull(p->stream, &m))
        return text;
    EXPECT_INT("one part, shared", m.n_parts, 1);
    snprintf(text, sizeof(text), STR_FMT, STR_ARG(m.parts[0].bytes));
    xds_message_fini(&m);
    return text;
}

static struct str health_of(struct world *w)
{
    struct snap *snap = store_snap(w->store);
    const struct resource *r = snap_find(snap, RES_DATAPLANE, STR("default"), STR("web-1"));
    struct str health = arena_str(&w->arena, r ? r->health : STR("none"));
    snap_unref(snap);
    return health;
}

/* ---- reports ---- */

TEST(reports_are_read_and_bounded)
{
    static const struct {
        const char *name;
        struct str wire;
        enum err_kind kind;
    } rows[] = {
        {"nothing", STR_INIT(""), ERR_MALFORMED},
        {"another field", STR_INIT("\x1a\x00"), ERR_MALFORMED},
        {"an empty report", STR_INIT("\x12\x00"), ERR_NONE},
        {"truncated", STR_INIT("\x12\x20xx"), ERR_MALFORMED},
        {"a cluster truncated", STR_INIT("\x12\x04\x12\x02\x0a\x09"), ERR_MALFORMED},
        {"an endpoint truncated", STR_INIT("\x12\x08\x12\x06\x12\x04\x12\x02\x0a\x09"), ERR_MALFORMED},
        {"a node truncated", STR_INIT("\x0a\x04\x0a\x02\x0a\x09"), ERR_MALFORMED},
    };
    struct arena a;
    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e;
        struct health_message m;
        err_init(&e, &a);
        EXPECT_CSTR(rows[i].name, err_kind_name(health_message_decode(rows[i].wire, &a, &m, &e)),
                    err_kind_name(rows[i].kind));
    }
    struct buf many;
    struct err e;
    struct health_message m;
    buf_init(&many, BUF_MAX_RESOURCE);
    for (size_t i = 0; i <= HEALTH_CHECKS_MAX; i++)
        pb_put_bytes(&many, 2, STR(""));
    struct buf wire;
    buf_init(&wire, BUF_MAX_RESOURCE);
    pb_put_bytes(&wire, 2, buf_str(&many));
    err_init(&e, &a);
    EXPECT_INT("too many", health_message_decode(buf_str(&wire), &a, &m, &e), ERR_LIMIT);
    buf_fini(&many);
    buf_fini(&wire);
    arena_fini(&a);
}

TEST(what_a_report_makes_of_inbounds)
{
    static const struct {
        const char *name, *dataplane, *before, *report, *told;
    } rows[] = {
        {"all is well", TWO, "", FINE, "11"},
        {"a workload is down", TWO, "11", DOWN, "01"},
        {"unknown is well", TWO, "",
         REPORT(CHECKED("kuma:envoy:admin", "UNKNOWN") "," CHECKED("localhost:80", "UNKNOWN")), "11"},
        {"anything else is not", TWO, "", REPORT(CHECKED("localhost:80", "DRAINING")), "01"},
        {"Envoy is not", TWO, "11",
         REPORT(CHECKED("kuma:envoy:admin", "UNHEALTHY") "," CHECKED("localhost:80", "HEALTHY")), "00"},
        {"nothing of the probe", TWO, "01", REPORT(CHECKED("kuma:envoy:admin", "HEALTHY")), "01"},
        {"nothing yet of the probe", TWO, "", REPORT(CHECKED("kuma:envoy:admin", "HEALTHY")), "-1"},
        {"of an inbound without a probe", WEB(INBOUND("80", "")), "", DOWN, "1"},
        {"a workload elsewhere on that port",
         WEB(INBOUND("80", PROBE) "," INBOUND("81",
                                              ",\"servicePort\":80,\"serviceAddress\":\"10.0.0.9\"" PROBE)),
         "", REPORT(CHECKED("localhost:80", "HEALTHY") "," CHECKED("localhost:80:10.0.0.9", "TIMEOUT")),
         "10"},
        {"one workload of two inbounds",
         WEB(INBOUND("80", PROBE) "," INBOUND("81", ",\"servicePort\":80" PROBE)), "",
         REPORT(CHECKED("localhost:80", "TIMEOUT")), "00"},
    };
    struct arena a;
    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e;
        struct health_message m;
        struct buf wire = encoded(STR(MESSAGE), rows[i].report);
        struct resource *document = dataplane_make(rows[i].dataplane);
        struct resource *before = dataplane_with_health(document, str_from_c(rows[i].before));
        err_init(&e, &a);
        EXPECT_INT(rows[i].name, health_message_decode(buf_str(&wire), &a, &m, &e), ERR_NONE);
        EXPECT_STR(rows[i].name, health_told(&m.report, before, &a), rows[i].told);
        resource_unref(before);
        resource_unref(document);
        buf_fini(&wire);
    }
    arena_fini(&a);
}

/* ---- streams ---- */

TEST(a_stream_hears_what_to_check_when_it_changes)
{
    struct world w;
    struct health_peer p;
    world_init(&w);
    ads_start(&w, false);
    open_stream(&w, &p, STR_NONE);
    say(&p, FIRST);
    engine_tells(&w, NULL);
    EXPECT_CSTR("it waits for its Dataplane", hear(&p), "");
    EXPECT_INT("and does not end", p.heard.kind, ERR_NONE);
    engine_tells(&w, "a");
    EXPECT_INT("wakes", p.heard.n_wakes, 1);
    EXPECT_CSTR("first", hear(&p), "a");
    EXPECT_CSTR("once", hear(&p), "");
    engine_tells(&w, "b");
    engine_tells(&w, "c");
    EXPECT_CSTR("the newest", hear(&p), "c");
    EXPECT_CSTR("alone", hear(&p), "");
    EXPECT_CSTR("it is no sign of life", w.events, "");
    close_stream(&w, &p);
    world_fini(&w);
}

TEST(what_is_told_is_written_when_it_is_news)
{
    struct world w;
    struct health_peer p;
    world_init(&w);
    put(&w, dataplane_make(TWO));
    ads_start(&w, false);
    open_stream(&w, &p, STR_NONE);
    say(&p, FIRST);
    engine_tells(&w, "a");
    int64_t before = count_get("hds_health_changes");
    static const struct {
        const char *name, *report, *health;
        int changes;
    } rows[] = {
        {"the first is news", FINE, "11", 1}, {"the same is not", FINE, "11", 1}, {"down", DOWN, "01", 2},
        {"still down", DOWN, "01", 2},        {"up again", FINE, "11", 3},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        say(&p, rows[i].report);
        settle(&w);
        EXPECT_STR(rows[i].name, health_of(&w), rows[i].health);
        EXPECT_INT(rows[i].name, count_get("hds_health_changes") - before, rows[i].changes);
        pass_time(&w, NS_PER_S);
    }
    for (int i = 0; i < 10; i++) /* who flaps at will writes four times a second at most */
        say(&p, i % 2 ? FINE : DOWN);
    settle(&w);
    EXPECT_INT("bounded", count_get("hds_health_changes") - before, 4);
    close_stream(&w, &p);
    EXPECT_STR("what was told last stays", health_of(&w), "01");
    world_fini(&w);
}

TEST(that_all_is_well_with_what_is_not_probed_is_no_news)
{
    struct world w;
    struct health_peer p;
    world_init(&w);
    put(&w, dataplane_make(WEB(INBOUND("80", ""))));
    ads_start(&w, false);
    open_stream(&w, &p, STR_NONE);
    say(&p, FIRST);
    int64_t before = count_get("hds_health_changes");
    say(&p, REPORT(CHECKED("kuma:envoy:admin", "HEALTHY")));
    EXPECT_INT("nothing is written", count_get("hds_health_changes") - before, 0);
    say(&p, REPORT(CHECKED("kuma:envoy:admin", "UNHEALTHY")));
    settle(&w);
    EXPECT_STR("that Envoy is not is", health_of(&w), "0");
    close_stream(&w, &p);
    world_fini(&w);
}

/* What was told of an older Dataplane is held against the newer one. */
TEST(a_dataplane_that_changes_at_the_same_time_is_judged_anew)
{
    struct world w;
    struct health_peer p;
    struct gate gate;
    world_init(&w);
    put(&w, dataplane_make(ONE));
    ads_start(&w, false);
    open_stream(&w, &p, STR_NONE);
    say(&p, FIRST);
    gate_close(&w, &gate);
    submit_by_hand(&w, TWO);
    say(&p, FINE);
    w.now_ns += NS_PER_S;
    clock_fake(w.now_ns, NOW_S * NS_PER_S + w.now_ns);
    gate_open(&gate);
    settle(&w); /* the first answer says that it was about an older one */
    settle(&w);
    EXPECT_STR("both inbounds", health_of(&w), "11");
    close_stream(&w, &p);
    world_fini(&w);
}

TEST(refusals)
{
    static const struct {
        const char *name, *first, *second;
        bool off, authenticate;
        enum err_kind kind;
        const char *text;
    } rows[] = {
        {"right", FIRST, FINE, false, false, ERR_NONE, ""},
        {"turned off", FIRST, "", true, false, ERR_METHOD, "turned off"},
        {"a report first", FINE, "", false, false, ERR_INVALID, "before the health check request"},
        {"no node", "{'healthCheckRequest': {}}", "", false, false, ERR_INVALID, "invalid node ID"},
        {"another proxy's later", FIRST, "{'healthCheckRequest': {'node': {'id': 'default.web-2'}}}", false,
         false, ERR_INVALID, "default.web-1"},
        {"no token", FIRST, "", false, true, ERR_UNAUTHENTICATED, "authentication failed"},
        {"no token, and no such proxy", "{'healthCheckRequest': {'node': {'id': 'default.web-2'}}}", "",
         false, true, ERR_UNAUTHENTICATED, "authentication failed"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world w;
        struct health_peer p;
        world_init(&w);
        put(&w, dataplane_make(TWO));
        ads_start_with(&w, rows[i].authenticate, !rows[i].off);
        open_stream(&w, &p, STR_NONE);
        say(&p, rows[i].first);
        if (rows[i].second[0])
            say(&p, rows[i].second);
        EXPECT_CSTR(rows[i].name, err_kind_name(p.heard.kind), err_kind_name(rows[i].kind));
        if (!strstr(p.heard.text, rows[i].text))
            FAIL("%s: got <%s>, want <%s> in it", rows[i].name, p.heard.text, rows[i].text);
        if (rows[i].kind != ERR_NONE)
            EXPECT_STR("nothing was written", health_of(&w), "");
        settle(&w);
        close_stream(&w, &p);
        world_fini(&w);
    }
}

TEST(a_proxy_has_so_many_streams)
{
    struct world w;
    struct health_peer peers[33];
    world_init(&w);
    ads_start(&w, false);
    for (size_t i = 0; i < ARRAY_LEN(peers); i++) {
        open_stream(&w, &peers[i], STR_NONE);
        say(&peers[i], FIRST);
        EXPECT_INT("the last is one too many", peers[i].heard.kind, i < 32 ? ERR_NONE : ERR_LIMIT);
    }
    for (size_t i = 0; i < ARRAY_LEN(peers); i++)
        close_stream(&w, &peers[i]);
    world_fini(&w);
}
