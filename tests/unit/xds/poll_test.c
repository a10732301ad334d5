/* poll_test.c -- clients that poll: what is answered, what waits, and what the proxy's stream makes of it. */
#include "../../../src/xds/poll.h"
#include "world.h"

#define WEB DATAPLANE("default", "web-1", "10.0.0.1", "80", "web")
#define NODE "'node': {'id': 'default.web-1'}"
#define BROUGHT                                                                                              \
    "{'node': {'id': 'default.web-1', 'metadata': {'dataplane.resource': "                                   \
    "'type: Dataplane\\nmesh: default\\nname: web-1\\nnetworking:\\n  address: 10.0.0.1\\n  inbound:\\n  "   \
    "- port: 80\\n    tags: {kuma.io/service: web}\\n'}}}"
#define AGAIN_NS (50 * NS_PER_MS)

/* One poll after the other, as far as a client is concerned. */
struct poller {
    struct world *w;
    enum xds_type type;
    struct str token;
    uint64_t id;
    bool waits;
    int status; /* 200, 304, or 0: a fault */
    enum err_kind kind;
    size_t n;                              /* resources */
    char text[512], version[32], name[32]; /* of the last resource */
};

static void take_answer(struct mail *mail)
{
    struct ads_poll *p = CONTAINER_OF(mail, struct ads_poll, mail);
    struct poller *c = p->ctx;
    c->waits = false;
    c->kind = p->kind;
    c->status = p->kind != ERR_NONE ? 0 : p->json ? 200 : 304;
    snprintf(c->text, sizeof(c->text), STR_FMT, STR_ARG(p->text));
    if (p->json) {
        struct err e;
        struct arena arena;
        JSON_AUTO tree = NULL;
        arena_init(&arena);
        err_init(&e, &arena);
        if (json_parse(str_from(p->json, p->json_size), &tree, &e) != ERR_NONE)
            FAIL("the answer is no JSON");
        snprintf(c->version, sizeof(c->version), STR_FMT, STR_ARG(json_str(json_get(tree, "versionInfo"))));
        const json_t *resources = json_get(tree, "resources");
        c->n = json_array_size(resources);
        snprintf(c->name, sizeof(c->name), STR_FMT,
                 STR_ARG(json_str(json_get(json_array_get(resources, c->n - 1), "name"))));
        arena_fini(&arena);
    }
    ads_poll_free(p);
}

static enum err_kind read_poll(struct poller *c, struct ads_poll *p, const char *body)
{
    struct err e;
    struct arena arena;
    char *text = xstrdup(body);
    for (char *at = text; *at; at++)
        *at = *at == '\'' ? '"' : *at;
    arena_init(&arena);
    err_init(&e, &arena);
    enum err_kind kind = ads_poll_read(p, c->type, str_from_c(text), &e);
    snprintf(c->text, sizeof(c->text), STR_FMT, STR_ARG(err_render(&e, &arena)));
    arena_fini(&arena);
    free(text);
    return kind;
}

static void poll_with(struct poller *c, const char *body)
{
    static uint64_t last_id;
    struct ads_poll *p = ads_poll_new(&(struct credential){.text = c->token});
    if (read_poll(c, p, body) != ERR_NONE)
        FAIL("%s: %s", body, c->text);
    p->mail.handle = take_answer;
    p->box = &c->w->box;
    p->ctx = c;
    p->id = c->id = ++last_id;
    c->waits = true;
    ads_poll(c->w->group, p);
    mailbox_run(&c->w->box); /* it comes in; then the writer has what it brought */
    settle(c->w);
}

/* With the version that it took over last. */
static void poll_again(struct poller *c)
{
    char body[256];
    snprintf(body, sizeof(body), "{" NODE ", 'version_info': '%s'}", c->version);
    poll_with(c, body);
}

static void deliver(struct world *w, const char *name)
{
    engine_delivers(name);
    settle(w);
}

static void start(struct world *w)
{
    world_init(w);
    put(w, dataplane_make(WEB));
    ads_start(w, false);
}

TEST(requests)
{
    static const struct {
        const char *name, *body;
        enum err_kind kind;
    } rows[] = {
        {"snake case", "{" NODE ", 'version_info': '1', 'resource_names': ['a']}", ERR_NONE},
        {"camel case", "{" NODE ", 'versionInfo': '1', 'resourceNames': ['a']}", ERR_NONE},
        {"the type of the path", "{" NODE ", " CDS "}", ERR_NONE},
        {"another type", "{" NODE ", " LDS "}", ERR_INVALID},
        {"no object", "[]", ERR_MALFORMED},
        {"no JSON", "{", ERR_MALFORMED},
        {"no node", "{}", ERR_MALFORMED},
        {"metadata that is no object", "{'node': {'id': 'a.b', 'metadata': 1}}", ERR_MALFORMED},
        {"an id that is no text", "{'node': {'id': 1}}", ERR_MALFORMED},
        {"a version that is no text", "{" NODE ", 'version_info': 1}", ERR_MALFORMED},
        {"names that are no list", "{" NODE ", 'resource_names': 'a'}", ERR_MALFORMED},
        {"a name that is no text", "{" NODE ", 'resource_names': [1]}", ERR_MALFORMED},
        {"a name that is empty", "{" NODE ", 'resource_names': ['']}", ERR_MALFORMED},
    };
    struct poller c = {.type = XDS_CLUSTER};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ads_poll *p = ads_poll_new(&(struct credential){0});
        EXPECT_CSTR(rows[i].name, err_kind_name(read_poll(&c, p, rows[i].body)), err_kind_name(rows[i].kind));
        if (i < 2) {
            EXPECT_STR("version", p->request.version_info, "1");
            EXPECT_INT("names", p->request.n_names, 1);
        }
        ads_poll_free(p);
    }
}

TEST(too_many_names)
{
    struct poller c = {.type = XDS_CLUSTER};
    struct buf body;
    buf_init(&body, BUF_MAX_RESOURCE);
    buf_printf(&body, "{" NODE ", 'resource_names': ['0'");
    for (int i = 1; i <= 1000; i++)
        buf_printf(&body, ", '%d'", i);
    buf_printf(&body, "]}");
    buf_add_byte(&body, '\0');
    struct ads_poll *p = ads_poll_new(&(struct credential){0});
    EXPECT_CSTR("too many", err_kind_name(read_poll(&c, p, (char *)body.p)), err_kind_name(ERR_LIMIT));
    ads_poll_free(p);
    buf_fini(&body);
}

TEST(sources_of_configuration)
{
    JSON_AUTO tree = json_pack("{s:{s:{s:{s:{}, s:s}, s:s}}, s:[{s:{s:{s:{}}}}], s:{s:{}}}", "a",
                               "edsClusterConfig", "edsConfig", "ads", "resourceApiVersion", "V3",
                               "serviceName", "x", "b", "rds", "configSource", "ads", "c", "ads");
    struct arena arena;
    arena_init(&arena);
    poll_replace_sources(tree);
    EXPECT_STR(
        "all of them, and nothing else", json_format_canonical(&arena, tree),
        "{\"a\":{\"edsClusterConfig\":{\"edsConfig\":{\"apiConfigSource\":{\"apiType\":\"REST\","
        "\"clusterNames\":[\"rest_cluster\"],\"refreshDelay\":\"0.050s\",\"requestTimeout\":\"30s\","
        "\"transportApiVersion\":\"V3\"},\"resourceApiVersion\":\"V3\"},\"serviceName\":\"x\"}},"
        "\"b\":[{\"rds\":{\"configSource\":{\"apiConfigSource\":{\"apiType\":\"REST\",\"clusterNames\":"
        "[\"rest_cluster\"],\"refreshDelay\":\"0.050s\",\"requestTimeout\":\"30s\","
        "\"transportApiVersion\":\"V3\"},\"resourceApiVersion\":\"V3\"}}}],\"c\":{\"ads\":{}}}");
    arena_fini(&arena);
}

TEST(a_poll_waits_for_news_and_not_for_ever)
{
    struct world w;
    start(&w);
    struct poller c = {.w = &w, .type = XDS_CLUSTER};
    poll_again(&c);
    EXPECT_TRUE("there is nothing yet", c.waits);
    deliver(&w, "a");
    EXPECT_INT("answered", c.status, 200);
    EXPECT_CSTR("the cluster", c.name, "a");
    poll_again(&c);
    EXPECT_TRUE("it has that", c.waits);
    deliver(&w, "b");
    EXPECT_INT("answered", c.status, 200);
    EXPECT_CSTR("the next", c.name, "b");
    poll_again(&c);
    pass_time(&w, POLL_LIMIT_NS - 1);
    EXPECT_TRUE("it waits still", c.waits);
    pass_time(&w, 1);
    EXPECT_INT("no news", c.status, 304);
    c.version[0] = '\0'; /* it has begun anew */
    poll_again(&c);
    EXPECT_INT("answered at once", c.status, 200);
    EXPECT_CSTR("the same", c.name, "b");
    EXPECT_CSTR("one connection all the time", w.events, "connected default.web-1");
    world_fini(&w);
}

TEST(names)
{
    struct world w;
    start(&w);
    struct poller all = {.w = &w, .type = XDS_CLUSTER}, one = all, none = all;
    poll_again(&all);
    deliver(&w, "a");
    poll_with(&one, "{" NODE ", 'resource_names': ['b', 'a']}");
    EXPECT_CSTR("what there is of the names", one.name, "a");
    EXPECT_TRUE("is another version than all", strcmp(one.version, all.version) != 0);
    poll_with(&none, "{" NODE ", 'resource_names': ['b']}");
    EXPECT_TRUE("there is nothing of that name", none.waits);
    poll_again(&all);
    deliver(&w, "b");
    EXPECT_CSTR("now there is", none.name, "b");
    EXPECT_CSTR("and all has that", all.name, "b");
    world_fini(&w);
}

/* Listeners that belong to new clusters go out when these are taken over: that is when the client comes back
 * with their version. */
TEST(listeners_wait_for_clusters)
{
    struct world w;
    start(&w);
    struct poller cds = {.w = &w, .type = XDS_CLUSTER}, lds = {.w = &w, .type = XDS_LISTENER};
    poll_again(&cds);
    poll_again(&lds);
    deliver(&w, "a");
    poll_again(&cds);
    poll_again(&lds);
    deliver(&w, "b");
    EXPECT_CSTR("the new cluster", cds.name, "b");
    EXPECT_INT("the old one stays as long as listeners may use it", cds.n, 2);
    EXPECT_TRUE("the listener waits", lds.waits);
    poll_again(&cds);
    EXPECT_TRUE("the listener does not wait any more", !lds.waits);
    EXPECT_CSTR("the new listener", lds.name, "b");
    EXPECT_TRUE("the old cluster is not given up yet", cds.waits);
    poll_again(&lds);
    EXPECT_TRUE("it goes when the listener is taken over", !cds.waits);
    EXPECT_INT("clusters", cds.n, 1);
    world_fini(&w);
}

/* News that are what the client had before the last answer are news: it may have taken that over. */
TEST(there_and_back_again)
{
    struct world w;
    start(&w);
    struct poller cds = {.w = &w, .type = XDS_CLUSTER}, lds = {.w = &w, .type = XDS_LISTENER};
    poll_again(&cds);
    poll_again(&lds);
    deliver(&w, "a");
    poll_again(&cds);
    poll_again(&lds);
    deliver(&w, "b");
    poll_again(&cds); /* has both clusters */
    poll_again(&lds);
    EXPECT_INT("only the new one", cds.n, 1);
    deliver(&w, "a"); /* before it was heard of whether the old one is gone */
    EXPECT_TRUE("the listener waits for its cluster", lds.waits);
    poll_again(&cds);
    EXPECT_INT("both again", cds.n, 2);
    EXPECT_TRUE("the listener still waits", lds.waits);
    poll_again(&cds);
    EXPECT_CSTR("the listener", lds.name, "a");
    world_fini(&w);
}

TEST(what_is_refused_is_not_sent_for_ever)
{
    struct world w;
    start(&w);
    struct poller c = {.w = &w, .type = XDS_CLUSTER};
    poll_again(&c);
    deliver(&w, "a");
    poll_again(&c);
    deliver(&w, "b");
    char refused[sizeof(c.version)], had[sizeof(c.version)] = "0123456789abcdef";
    snprintf(refused, sizeof(refused), "%s", c.version);
    for (int i = 0; i < 2; i++) { /* the answer may have been lost */
        snprintf(c.version, sizeof(c.version), "%s", had);
        poll_again(&c);
        EXPECT_INT("once more", c.status, 200);
    }
    snprintf(c.version, sizeof(c.version), "%s", had);
    poll_again(&c);
    EXPECT_TRUE("it refuses that", c.waits);
    JSON_AUTO shown = ads_proxy_json(w.group, STR("default"), STR("web-1"));
    const json_t *stream = json_array_get(json_get(shown, "streams"), 0);
    EXPECT_STR("how it is told", json_str(json_get(stream, "transport")), "rest");
    EXPECT_STR("what it says", json_str(json_get(stream, "lastRejection")),
               "cds: it was given this several times and keeps what it has");
    pass_time(&w, 10 * NS_PER_S);
    EXPECT_INT("now and then", c.status, 200);
    EXPECT_CSTR("the same", c.version, refused);
    snprintf(c.version, sizeof(c.version), "%s", had);
    poll_again(&c);
    EXPECT_TRUE("still refused", c.waits);
    deliver(&w, "c");
    EXPECT_CSTR("something else comes at once", c.name, "c");
    world_fini(&w);
}

TEST(a_proxy_is_there_as_long_as_it_polls)
{
    struct world w;
    start(&w);
    struct poller c = {.w = &w, .type = XDS_CLUSTER};
    poll_again(&c);
    deliver(&w, "a");
    for (int i = 0; i < 10; i++) {
        poll_again(&c);
        pass_time(&w, POLL_LIMIT_NS);
        EXPECT_INT("no news", c.status, 304);
        pass_time(&w, AGAIN_NS);
    }
    EXPECT_CSTR("it is there", w.events, "connected default.web-1");
    pass_time(&w, 15 * NS_PER_S);
    pass_time(&w, 60 * NS_PER_S - 1);
    EXPECT_CSTR("it may come back", w.events, "connected default.web-1");
    pass_time(&w, 1);
    EXPECT_CSTR("it does not", w.events, "connected default.web-1, disconnected default.web-1");
    EXPECT_TRUE("the engine knows", attached == NULL);
    world_fini(&w);
}

TEST(a_client_hangs_up)
{
    struct world w;
    start(&w);
    struct poller c = {.w = &w, .type = XDS_CLUSTER}, again = c;
    poll_again(&c);
    ads_poll_hurry(w.group, c.id);
    ads_poll_hurry(w.group, c.id + 1); /* nobody's */
    settle(&w);
    EXPECT_TRUE("answered", !c.waits);
    poll_again(&c);
    poll_again(&again); /* the same question: the first is given up */
    EXPECT_INT("the first", c.status, 304);
    EXPECT_TRUE("the second waits", again.waits);
    world_fini(&w);
    EXPECT_CSTR("it stops", err_kind_name(again.kind), err_kind_name(ERR_UNAVAILABLE));
}

TEST(who_may_poll)
{
    struct world w;
    world_init(&w);
    put(&w, dataplane_make(WEB));
    ads_start(&w, true);
    struct str jwt;
    struct snap *snap = store_snap(w.store);
    struct token_claims claims = {.mesh = STR("default"), .name = STR("web-1")};
    if (token_issue(snap, TOKEN_DATAPLANE, &claims, 3600 * NS_PER_S, &w.arena, &jwt, &w.err) != ERR_NONE)
        FAIL("token: " STR_FMT, STR_ARG(w.err.text));
    snap_unref(snap);
    struct poller good = {.w = &w, .type = XDS_CLUSTER, .token = jwt}, bad = good;
    bad.token = STR("x.y.z");
    poll_again(&good);
    EXPECT_TRUE("it waits", good.waits);
    poll_again(&bad);
    EXPECT_CSTR("another's token", err_kind_name(bad.kind), err_kind_name(ERR_UNAUTHENTICATED));
    EXPECT_TRUE("ends nothing of the other", good.waits);
    poll_with(&bad, "{'node': {'id': 'default.web-2'}}");
    EXPECT_CSTR("who is not there", err_kind_name(bad.kind), err_kind_name(ERR_NOT_FOUND));
    deliver(&w, NULL);
    EXPECT_CSTR("who goes", err_kind_name(good.kind), err_kind_name(ERR_NOT_FOUND));
    EXPECT_CSTR("observed", w.events, "connected default.web-1, disconnected default.web-1");
    world_fini(&w);
}

TEST(a_proxy_brings_its_dataplane)
{
    struct world w;
    world_init(&w);
    ads_start(&w, false);
    struct poller c = {.w = &w, .type = XDS_CLUSTER};
    poll_with(&c, BROUGHT);
    EXPECT_CSTR("stored", owner_of(&w, "web-1"), "proxy");
    deliver(&w, "a");
    EXPECT_CSTR("served", c.name, "a");
    pass_time(&w, 15 * NS_PER_S);
    pass_time(&w, 60 * NS_PER_S);
    EXPECT_CSTR("a while", owner_of(&w, "web-1"), "proxy");
    pass_time(&w, DELAY_NS);
    EXPECT_CSTR("gone", owner_of(&w, "web-1"), "");
    world_fini(&w);
}
