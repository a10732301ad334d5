/* ads_test.c -- the life of ADS streams: who may open one, the Dataplanes that proxies bring, configurations,
 * the end. */
#include "world.h"

#define WEB DATAPLANE("default", "web-1", "10.0.0.1", "80", "web")
#define WEB_8080 DATAPLANE("default", "web-1", "10.0.0.1", "8080", "web")
#define WEB_2 DATAPLANE("default", "web-2", "10.0.0.2", "80", "web")
#define DB_8080 DATAPLANE("default", "web-1", "10.0.0.1", "8080", "db")
/* A first request of default.web-1, with or without a Dataplane; YAML, since apostrophes are quotes here. */
#define FIRST FIRST_OF("default.web-1")
#define BROUGHT(service, port)                                                                               \
    "{'node': {'id': 'default.web-1', 'metadata': {'dataplane.resource': "                                   \
    "'type: Dataplane\\nmesh: default\\nname: web-1\\nnetworking:\\n  address: 10.0.0.1\\n  inbound:\\n  "   \
    "- port: " port "\\n    tags: {kuma.io/service: " service "}\\n'}}, " CDS "}"

static struct str token(struct world *w, const struct token_claims *claims, int64_t valid_s)
{
    struct str jwt;
    struct snap *snap = store_snap(w->store);
    if (token_issue(snap, TOKEN_DATAPLANE, claims, valid_s * NS_PER_S, &w->arena, &jwt, &w->err) != ERR_NONE)
        FAIL("token: " STR_FMT, STR_ARG(w->err.text));
    snap_unref(snap);
    return jwt;
}

static struct str token_for(struct world *w, const char *mesh, const char *name, const char *service)
{
    struct str value = str_from_c(service);
    struct token_tag tag = {.name = TAG_SERVICE, .values = {&value, 1}};
    struct token_claims claims = {
        .mesh = str_from_c(mesh), .name = str_from_c(name), .tags = &tag, .n_tags = service != NULL};
    return token(w, &claims, 3600);
}

TEST(refusals)
{
    enum bearer { NO_TOKEN, GARBAGE, RIGHT, OTHER_MESH, OTHER_NAME, OTHER_TAG, TAG_API };
    static const struct {
        const char *name;
        enum bearer bearer;
        const char *request;
        enum err_kind kind;
        const char *text; /* a part of it */
    } rows[] = {
        {"right", RIGHT, FIRST, ERR_NONE, ""},
        {"no node", RIGHT, "{" CDS "}", ERR_INVALID, "invalid node ID"},
        {"no dot", RIGHT, "{'node': {'id': 'web-1'}}", ERR_INVALID,
         "invalid node ID: the name should be provided after the dot"},
        {"no name", RIGHT, "{'node': {'id': 'default.'}}", ERR_INVALID,
         "invalid node ID: name must not be empty"},
        {"no such Dataplane", RIGHT, "{'node': {'id': 'default.web-2'}}", ERR_NOT_FOUND,
         "resource \"default.web-2\" not found; create a Dataplane in Kuma CP first or pass it as an "
         "argument to kuma-dp"},
        {"no such mesh", RIGHT, "{'node': {'id': 'nomesh.web-1'}}", ERR_NOT_FOUND,
         "resource \"nomesh.web-1\" not found"},
        {"a zone proxy", RIGHT,
         "{'node': {'id': 'default.web-1', 'metadata': {'dataplane.proxyType': 'ingress'}}}", ERR_INVALID,
         "unsupported proxy type \"ingress\""},
        {"an admin address of somebody else", RIGHT,
         "{'node': {'id': 'default.web-1', 'metadata': {'dataplane.admin.address': '10.0.0.7'}}}",
         ERR_INVALID, "dataplane.admin.address"},
        {"no token", NO_TOKEN, FIRST, ERR_UNAUTHENTICATED, "authentication failed"},
        {"garbage", GARBAGE, FIRST, ERR_UNAUTHENTICATED, "authentication failed"},
        {"token of another mesh", OTHER_MESH, FIRST, ERR_UNAUTHENTICATED, "authentication failed"},
        {"token of another name", OTHER_NAME, FIRST, ERR_DENIED,
         "authentication failed: proxy name from requestor: web-1 is different than in token: web-9"},
        {"token of another service", OTHER_TAG, FIRST, ERR_DENIED, "which is not allowed with this token"},
        {"brings what is no document", RIGHT,
         "{'node': {'id': 'default.web-1', 'metadata': {'dataplane.resource': '{'}}}", ERR_MALFORMED,
         "dataplane.resource"},
        {"a stranger brings what is no document", GARBAGE,
         "{'node': {'id': 'default.web-1', 'metadata': {'dataplane.resource': '{'}}}", ERR_UNAUTHENTICATED,
         "authentication failed"},
        {"brings a Dataplane of another mesh", OTHER_MESH,
         "{'node': {'id': 'default.web-1', 'metadata': {'dataplane.resource': '{type: Dataplane, mesh: "
         "other, name: web-1, "
         "networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web}}]}}'}}}",
         ERR_UNAUTHENTICATED, "authentication failed"},
        {"brings another type", RIGHT,
         "{'node': {'id': 'default.web-1', 'metadata': {'dataplane.resource': 'type: Mesh'}}}", ERR_INVALID,
         "is no type of a proxy's resource"},
        {"brings an invalid Dataplane", RIGHT,
         "{'node': {'id': 'default.web-1', 'metadata': {'dataplane.resource': "
         "'{type: Dataplane, mesh: default, name: web-1, networking: {address: 10.0.0.1}}'}}}",
         ERR_INVALID, "networking"},
        {"brings another proxy's", NO_TOKEN + RIGHT,
         "{'node': {'id': 'default.web-2', 'metadata': {'dataplane.resource': '{type: Dataplane, mesh: "
         "default, name: web-1, "
         "networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web}}]}}'}}}",
         ERR_DENIED, "proxyId default.web-2 does not match proxy resource default.web-1"},
        {"takes over another service's proxy", TAG_API, BROUGHT("api", "80"), ERR_DENIED,
         "you are trying to override existing proxy to which you don't have an access."},
    };
    struct world w;
    world_init(&w);
    put_mesh(&w, "other");
    put(&w, dataplane_make(WEB));
    ads_start(&w, true);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str tokens[] = {[NO_TOKEN] = STR_NONE,
                               [GARBAGE] = STR("x.y.z"),
                               [RIGHT] = token_for(&w, "default", "", NULL),
                               [OTHER_MESH] = token_for(&w, "other", "", NULL),
                               [OTHER_NAME] = token_for(&w, "default", "web-9", NULL),
                               [OTHER_TAG] = token_for(&w, "default", "", "api"),
                               [TAG_API] = token_for(&w, "default", "", "api")};
        struct peer p;
        peer_open(&w, &p, tokens[rows[i].bearer]);
        peer_says(&p, rows[i].request);
        EXPECT_CSTR(rows[i].name, err_kind_name(p.kind), err_kind_name(rows[i].kind));
        if (!strstr(p.text, rows[i].text))
            FAIL("%s: got <%s>, want <%s> in it", rows[i].name, p.text, rows[i].text);
        EXPECT_TRUE(rows[i].name, !ads_pull(p.stream, &(struct xds_message){0}));
        peer_close(&w, &p);
    }
    world_fini(&w);
}

TEST(only_the_newest_configuration_is_sent)
{
    struct world w;
    struct peer p;
    world_init(&w);
    put(&w, dataplane_make(WEB));
    ads_start(&w, false);
    peer_open(&w, &p, STR_NONE);
    peer_says(&p, FIRST);
    mailbox_run(&w.box); /* what the observer is told */
    engine_delivers("a");
    engine_delivers("b");
    EXPECT_INT("one mail for both", mailbox_run(&w.box), 1);
    engine_delivers("c");
    mailbox_run(&w.box);
    JSON_AUTO m = peer_hears(&p);
    EXPECT_STR("name", json_str(json_get(json_array_get(json_get(m, "resources"), 0), "name")), "c");
    EXPECT_TRUE("no more", peer_hears(&p) == NULL);
    peer_close(&w, &p);
    world_fini(&w);
}

/* The listeners that belong to new clusters wait for the client's word on these, but not for ever. */
TEST(a_client_that_never_answers_gets_its_listeners)
{
    struct world w;
    struct peer p;
    world_init(&w);
    put(&w, dataplane_make(WEB));
    ads_start(&w, false);
    peer_open(&w, &p, STR_NONE);
    peer_says(&p, FIRST);
    peer_says(&p, "{" LDS "}");
    engine_delivers("a");
    mailbox_run(&w.box);
    EXPECT_CSTR("the first clusters", peer_hears_type(&p), "Cluster");
    EXPECT_CSTR("the first listeners", peer_hears_type(&p), "Listener");
    EXPECT_CSTR("no more", peer_hears_type(&p), "");
    EXPECT_INT("nothing waits", ads_deadline(w.ads), INT64_MAX);
    engine_delivers("b");
    mailbox_run(&w.box);
    EXPECT_CSTR("new clusters", peer_hears_type(&p), "Cluster");
    EXPECT_CSTR("the listeners wait", peer_hears_type(&p), "");
    int64_t deadline = ads_deadline(w.ads);
    EXPECT_INT("deadline", deadline, w.now_ns + 20 * NS_PER_S);
    pass_time(&w, 10 * NS_PER_S);
    engine_delivers("c");
    mailbox_run(&w.box);
    EXPECT_CSTR("newer clusters", peer_hears_type(&p), "Cluster");
    EXPECT_CSTR("the listeners still wait", peer_hears_type(&p), "");
    EXPECT_INT("not any longer for that", ads_deadline(w.ads), deadline);
    int n_wakes = p.n_wakes;
    pass_time(&w, 10 * NS_PER_S);
    EXPECT_INT("woken", p.n_wakes, n_wakes + 1);
    EXPECT_CSTR("the listeners", peer_hears_type(&p), "Listener");
    EXPECT_INT("nothing waits", ads_deadline(w.ads), INT64_MAX);
    engine_delivers("d");
    mailbox_run(&w.box);
    EXPECT_CSTR("new clusters again", peer_hears_type(&p), "Cluster");
    EXPECT_CSTR("the listeners wait again", peer_hears_type(&p), "");
    peer_close(&w, &p);
    EXPECT_INT("nobody waits", ads_deadline(w.ads), w.now_ns + DELAY_NS); /* its removal */
    world_fini(&w);
}

TEST(a_stream_keeps_its_node)
{
    struct world w;
    struct peer p;
    world_init(&w);
    put(&w, dataplane_make(WEB));
    ads_start(&w, false);
    peer_open(&w, &p, STR_NONE);
    peer_says(&p, FIRST);
    peer_says(&p, "{" CDS "}");
    EXPECT_INT("no node is the same node", p.kind, ERR_NONE);
    peer_says(&p, "{'node': {'id': 'default.web-2'}, " CDS "}");
    EXPECT_INT("kind", p.kind, ERR_INVALID);
    EXPECT_CSTR(
        "text", p.text,
        "stream was authenticated for ID default.web-1. Received request is for node with ID default.web-2. "
        "Node ID cannot be changed after stream is initialized");
    peer_close(&w, &p);
    EXPECT_CSTR("observed", w.events, "connected default.web-1, disconnected default.web-1");
    world_fini(&w);
}

TEST(a_proxy_brings_its_dataplane)
{
    struct world w;
    struct peer p, q;
    world_init(&w);
    ads_start(&w, false);
    peer_open(&w, &p, STR_NONE);
    peer_says(&p, BROUGHT("web", "80"));
    EXPECT_TRUE("not attached before it is stored", attached == NULL);
    peer_says(&p, "{" CDS "}"); /* a request that does not wait for it */
    settle(&w);
    EXPECT_CSTR("stored", owner_of(&w, "web-1"), "proxy");
    EXPECT_TRUE("attached", attached != NULL);
    EXPECT_CSTR("observed", w.events, "connected default.web-1");

    peer_open(&w, &q, STR_NONE); /* a second stream of the same proxy */
    peer_says(&q, BROUGHT("web", "80"));
    settle(&w);
    peer_close(&w, &p);
    pass_time(&w, DELAY_NS);
    EXPECT_CSTR("one stream is left", owner_of(&w, "web-1"), "proxy");
    peer_close(&w, &q);
    pass_time(&w, DELAY_NS - 1);
    EXPECT_CSTR("just before its time", owner_of(&w, "web-1"), "proxy");
    EXPECT_INT("deadline", ads_deadline(w.ads), w.now_ns + 1);
    pass_time(&w, 1);
    EXPECT_CSTR("removed", owner_of(&w, "web-1"), "");
    EXPECT_INT("no timer is left", ads_deadline(w.ads), INT64_MAX);
    world_fini(&w);
}

TEST(coming_back_in_time)
{
    struct world w;
    struct peer p;
    world_init(&w);
    ads_start(&w, false);
    for (int i = 0; i < 3; i++) {
        peer_open(&w, &p, STR_NONE);
        peer_says(&p, BROUGHT("web", "80"));
        settle(&w);
        pass_time(&w, 2 * DELAY_NS);
        peer_close(&w, &p);
        pass_time(&w, DELAY_NS / 2);
        EXPECT_CSTR("still there", owner_of(&w, "web-1"), "proxy");
    }
    world_fini(&w);
}

TEST(closing_while_the_dataplane_is_being_stored)
{
    struct world w;
    struct peer p;
    world_init(&w);
    ads_start(&w, false);
    peer_open(&w, &p, STR_NONE);
    peer_says(&p, BROUGHT("web", "80"));
    ads_close(p.stream);
    settle(&w);
    EXPECT_TRUE("never attached", attached == NULL);
    EXPECT_CSTR("never observed", w.events, "");
    pass_time(&w, DELAY_NS);
    EXPECT_CSTR("removed in its time", owner_of(&w, "web-1"), "");
    world_fini(&w);
}

TEST(a_dataplane_of_the_api_stays)
{
    struct world w;
    struct peer p;
    world_init(&w);
    put(&w, dataplane_make(WEB_8080));
    ads_start(&w, false);
    peer_open(&w, &p, STR_NONE);
    peer_says(&p, BROUGHT("web", "80"));
    settle(&w);
    struct snap *snap = store_snap(w.store);
    const struct resource *r = snap_find(snap, RES_DATAPLANE, STR("default"), STR("web-1"));
    EXPECT_INT("the newer text counts", resource_dataplane(r)->networking->inbound[0].port, 80);
    snap_unref(snap);
    peer_close(&w, &p);
    pass_time(&w, DELAY_NS);
    EXPECT_CSTR("stays", owner_of(&w, "web-1"), "api");
    world_fini(&w);
}

/* What one proxy can make us remember has a bound: it needs one stream, and some more while it reconnects. */
TEST(a_proxy_has_so_many_streams)
{
    enum { MOST = 32 };
    struct world w;
    struct peer peers[MOST], more, other;
    world_init(&w);
    put(&w, dataplane_make(WEB));
    put(&w, dataplane_make(WEB_2));
    ads_start(&w, false);
    for (size_t i = 0; i < MOST; i++) {
        peer_open(&w, &peers[i], STR_NONE);
        peer_says(&peers[i], FIRST);
        EXPECT_CSTR("one of them", err_kind_name(peers[i].kind), err_kind_name(ERR_NONE));
    }
    peer_open(&w, &more, STR_NONE);
    peer_says(&more, FIRST);
    EXPECT_CSTR("one more", err_kind_name(more.kind), err_kind_name(ERR_LIMIT));
    EXPECT_CSTR("text", more.text, "proxy default.web-1 has too many streams");
    peer_close(&w, &more);
    peer_open(&w, &other, STR_NONE);
    peer_says(&other, "{'node': {'id': 'default.web-2'}, " CDS "}");
    EXPECT_CSTR("another proxy's", err_kind_name(other.kind), err_kind_name(ERR_NONE));
    peer_close(&w, &other);
    peer_close(&w, &peers[0]);
    peer_open(&w, &peers[0], STR_NONE);
    peer_says(&peers[0], BROUGHT("web", "80"));
    settle(&w);
    EXPECT_CSTR("one instead of another", err_kind_name(peers[0].kind), err_kind_name(ERR_NONE));
    for (size_t i = 0; i < MOST; i++)
        peer_close(&w, &peers[i]);
    world_fini(&w);
}

/* A request for 70,000 names, which cost 3.4 MiB. */
static void asks_for_many_named(struct peer *p, enum xds_type type, const char *prefix)
{
    struct str url = xds_type_info(type)->type_url;
    struct buf wire;
    buf_init(&wire, DISCOVERY_REQUEST_MAX);
    buf_add(&wire, (uint8_t[]){p->variant == XDS_DELTA ? 0x12 : 0x22, (uint8_t)url.n}, 2);
    buf_add_str(&wire, url);
    for (unsigned i = 0; i < 70000; i++)
        buf_printf(&wire, "\x1a\x0b%s-%06u", prefix, i);
    EXPECT_TRUE("fits into a request", buf_ok(&wire));
    ads_receive(p->stream, buf_str(&wire));
    buf_fini(&wire);
}

static void asks_for_many(struct peer *p, enum xds_type type)
{
    asks_for_many_named(p, type, "name");
}

TEST(a_delta_stream_may_collect_so_many_names)
{
    struct world w;
    struct peer p;
    char prefix[16];
    int n = 0;
    world_init(&w);
    put(&w, dataplane_make(WEB));
    ads_start(&w, false);
    peer_open_variant(&w, &p, XDS_DELTA, STR_NONE);
    peer_says(&p, FIRST);
    for (; p.kind == ERR_NONE && n < 10; n++) {
        snprintf(prefix, sizeof(prefix), "na%02d", n);
        asks_for_many_named(&p, XDS_SECRET, prefix);
        if (n == 0)
            asks_for_many_named(&p, XDS_SECRET, prefix); /* the same again costs nothing more */
    }
    EXPECT_TRUE("some", n > 2 && n < 10);
    EXPECT_CSTR("text", p.text, "proxy default.web-1 asks for too many resources by name");
    peer_close(&w, &p);
    world_fini(&w);
}

TEST(a_proxy_may_subscribe_to_so_many_names)
{
    enum { MOST = 9 }; /* streams with twice so many names */
    struct world w;
    struct peer peers[MOST], more;
    world_init(&w);
    put(&w, dataplane_make(WEB));
    ads_start(&w, false);
    for (size_t i = 0; i < MOST; i++) {
        peer_open(&w, &peers[i], STR_NONE);
        peer_says(&peers[i], FIRST);
        asks_for_many(&peers[i], XDS_ENDPOINT);
        asks_for_many(&peers[i], XDS_SECRET);
        asks_for_many(&peers[i], XDS_SECRET); /* the same again costs nothing more */
        EXPECT_CSTR("of two types", err_kind_name(peers[i].kind), err_kind_name(ERR_NONE));
    }
    asks_for_many(&peers[0], XDS_ROUTE);
    EXPECT_CSTR("of three", err_kind_name(peers[0].kind), err_kind_name(ERR_LIMIT));
    EXPECT_CSTR("text", peers[0].text, "proxy default.web-1 asks for too many resources by name");
    peer_close(&w, &peers[0]);
    for (size_t i = 0; i < 2; i++) { /* the first takes the place of the one that went */
        peer_open(&w, i ? &more : &peers[0], STR_NONE);
        struct peer *p = i ? &more : &peers[0];
        peer_says(p, FIRST);
        asks_for_many(p, XDS_ENDPOINT);
        asks_for_many(p, XDS_SECRET);
        EXPECT_CSTR(i ? "on one stream more" : "instead", err_kind_name(p->kind),
                    err_kind_name(i ? ERR_LIMIT : ERR_NONE));
    }
    for (size_t i = 0; i < MOST; i++)
        peer_close(&w, &peers[i]);
    peer_close(&w, &more);
    world_fini(&w);
}

TEST(a_mesh_that_is_not_there)
{
    struct world w;
    struct peer p;
    world_init(&w);
    ads_start(&w, false);
    peer_open(&w, &p, STR_NONE);
    peer_says(&p,
              "{'node': {'id': 'ghost.web-1', 'metadata': {'dataplane.resource': '{type: Dataplane, mesh: "
              "ghost, name: web-1, "
              "networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web}}]}}'}}}");
    settle(&w);
    EXPECT_TRUE("refused", p.kind != ERR_NONE);
    if (!strstr(p.text, "could not register proxy passed in kuma-dp run: ") || !strstr(p.text, "ghost"))
        FAIL("text: %s", p.text);
    peer_close(&w, &p);
    world_fini(&w);
}

TEST(what_a_restart_finds_gets_a_longer_grace)
{
    struct world w;
    struct peer p;
    world_init(&w);
    ads_start(&w, false);
    peer_open(&w, &p, STR_NONE);
    peer_says(&p, BROUGHT("web", "80"));
    settle(&w);
    peer_close(&w, &p);
    ads_end(&w); /* a shutdown removes nothing */
    ads_start(&w, false);
    pass_time(&w, 59 * NS_PER_S);
    EXPECT_CSTR("the proxy has time", owner_of(&w, "web-1"), "proxy");
    pass_time(&w, NS_PER_S);
    EXPECT_CSTR("it did not come", owner_of(&w, "web-1"), "");
    world_fini(&w);
}

TEST(the_end_of_the_dataplane_ends_the_stream)
{
    struct world w;
    struct peer p;
    world_init(&w);
    put(&w, dataplane_make(WEB));
    ads_start(&w, false);
    peer_open(&w, &p, STR_NONE);
    peer_says(&p, FIRST);
    engine_delivers("a");
    engine_delivers(NULL);
    mailbox_run(&w.box);
    EXPECT_INT("kind", p.kind, ERR_NOT_FOUND);
    engine_delivers("a"); /* what comes late is of no interest */
    mailbox_run(&w.box);
    peer_close(&w, &p);
    world_fini(&w);
}

static void revoke(struct world *w, struct str jwt)
{
    struct token_claims claims;
    struct snap *snap = store_snap(w->store);
    EXPECT_INT("verify",
               token_verify(&token_trusts_default, snap, TOKEN_DATAPLANE, STR("default"),
                            &(struct credential){.text = jwt}, &w->arena, &claims, &w->err),
               ERR_NONE);
    snap_unref(snap);
    struct res_key key = {RES_SECRET, STR("default"), STR("dataplane-token-revocations-default")};
    struct secret_spec spec = {.data = claims.id};
    put(w, resource_from_spec(&key, &spec));
}

TEST(tokens_are_asked_for_again)
{
    enum change { NOTHING, REVOKED, KEY_GONE, EXPIRED, OTHER_SECRET };
    static const struct {
        const char *name;
        enum change change;
        enum err_kind kind;
        int n_verified; /* on the second request */
    } rows[] = {
        {"nothing changed", NOTHING, ERR_NONE, 0},    {"another secret changed", OTHER_SECRET, ERR_NONE, 0},
        {"revoked", REVOKED, ERR_UNAUTHENTICATED, 1}, {"its key is gone", KEY_GONE, ERR_UNAUTHENTICATED, 1},
        {"expired", EXPIRED, ERR_UNAUTHENTICATED, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world w;
        struct peer p;
        world_init(&w);
        put(&w, dataplane_make(WEB));
        ads_start(&w, true);
        struct str jwt = token_for(&w, "default", "web-1", "web");
        struct res_key other = {RES_SECRET, STR("default"), STR("mine")};
        struct res_key key = signing_key_secret(&w.arena, TOKEN_DATAPLANE, STR("default"), 1);
        peer_open(&w, &p, jwt);
        peer_says(&p, FIRST);
        if (rows[i].change == REVOKED)
            revoke(&w, jwt);
        if (rows[i].change == OTHER_SECRET)
            put(&w, resource_from_spec(&other, &(struct secret_spec){.data = STR("x")}));
        if (rows[i].change == KEY_GONE)
            put(&w, resource_from_spec(&key, &(struct secret_spec){.data = STR("no key")}));
        if (rows[i].change == EXPIRED)
            clock_fake(w.now_ns, (NOW_S + 3600) * NS_PER_S);
        int64_t before = count_get("xds_tokens_verified");
        peer_says(&p, "{" CDS "}");
        EXPECT_CSTR(rows[i].name, err_kind_name(p.kind), err_kind_name(rows[i].kind));
        EXPECT_INT(rows[i].name, count_get("xds_tokens_verified") - before, rows[i].n_verified);
        peer_close(&w, &p);
        world_fini(&w);
    }
}

/* Whoever may be the web must not go on as the database because somebody has renamed its Dataplane. */
TEST(a_token_is_held_against_the_dataplane_of_now)
{
    enum signal { REQUEST, CONFIGURATION };
    static const struct {
        const char *name, *service;
        enum signal signal;
        bool brings;
        enum err_kind kind;
    } rows[] = {
        {"the same tags, a request", "web", REQUEST, false, ERR_NONE},
        {"the same tags, a configuration", "web", CONFIGURATION, false, ERR_NONE},
        {"other tags, a request", "db", REQUEST, false, ERR_DENIED},
        {"other tags, a configuration", "db", CONFIGURATION, false, ERR_DENIED},
        {"other tags than it brought, a request", "db", REQUEST, true, ERR_DENIED},
        {"other tags than it brought, a configuration", "db", CONFIGURATION, true, ERR_DENIED},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world w;
        struct peer p;
        world_init(&w);
        if (!rows[i].brings)
            put(&w, dataplane_make(WEB));
        ads_start(&w, true);
        peer_open(&w, &p, token_for(&w, "default", "web-1", "web"));
        peer_says(&p, rows[i].brings ? BROUGHT("web", "80") : FIRST);
        settle(&w);
        put(&w, dataplane_make(strcmp(rows[i].service, "db") == 0 ? DB_8080 : WEB_8080));
        if (rows[i].signal == REQUEST)
            peer_says(&p, "{" CDS "}");
        else
            engine_delivers("a");
        mailbox_run(&w.box);
        EXPECT_CSTR(rows[i].name, err_kind_name(p.kind), err_kind_name(rows[i].kind));
        json_t *heard = peer_hears(&p);
        EXPECT_INT(rows[i].name, heard != NULL, rows[i].signal == CONFIGURATION && p.kind == ERR_NONE);
        json_decref(heard);
        peer_close(&w, &p);
        world_fini(&w);
    }
}

/* A write by hand that the writer comes to between a stream's first look and its registration. */
TEST(a_registration_meets_a_write_by_hand)
{
    static const struct {
        const char *name;
        const char *before, *meanwhile; /* Dataplanes; NULL: none, deleted */
        enum err_kind kind;
        const char *owner, *later;
    } rows[] = {
        {"made by hand meanwhile", NULL, WEB_8080, ERR_NONE, "api", "api"},
        {"another service's, made by hand meanwhile", NULL, DB_8080, ERR_DENIED, "api", "api"},
        {"deleted by hand meanwhile", WEB_8080, NULL, ERR_NONE, "proxy", ""},
        {"given to another service meanwhile", WEB_8080, DB_8080, ERR_DENIED, "api", "api"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world w;
        struct peer p;
        struct gate gate;
        world_init(&w);
        if (rows[i].before)
            put(&w, dataplane_make(rows[i].before));
        ads_start(&w, true);
        peer_open(&w, &p, token_for(&w, "default", "web-1", "web"));
        gate_close(&w, &gate);
        submit_by_hand(&w, rows[i].meanwhile);
        peer_says(&p, BROUGHT("web", "80"));
        gate_open(&gate);
        settle(&w);
        settle(&w); /* the second try */
        EXPECT_CSTR(rows[i].name, err_kind_name(p.kind), err_kind_name(rows[i].kind));
        EXPECT_CSTR(rows[i].name, owner_of(&w, "web-1"), rows[i].owner);
        peer_close(&w, &p);
        pass_time(&w, DELAY_NS);
        EXPECT_CSTR(rows[i].name, owner_of(&w, "web-1"), rows[i].later);
        world_fini(&w);
    }
}

/* However long the writer takes: what it stores for a stream that is gone by then is removed in its time. */
TEST(a_registration_that_takes_longer_than_the_delay)
{
    struct world w;
    struct peer p;
    struct gate gate;
    world_init(&w);
    ads_start(&w, false);
    gate_close(&w, &gate);
    peer_open(&w, &p, STR_NONE);
    peer_says(&p, BROUGHT("web", "80"));
    ads_close(p.stream);
    w.now_ns += 2 * DELAY_NS;
    clock_fake(w.now_ns, NOW_S * NS_PER_S + w.now_ns);
    ads_run_timers(w.ads, w.now_ns);
    gate_open(&gate);
    settle(&w);
    EXPECT_CSTR("stored", owner_of(&w, "web-1"), "proxy");
    pass_time(&w, DELAY_NS);
    EXPECT_CSTR("removed in its time", owner_of(&w, "web-1"), "");
    world_fini(&w);
}

TEST(what_is_shown_of_a_proxy)
{
    struct world w;
    struct peer p;
    world_init(&w);
    put(&w, dataplane_make(WEB));
    ads_start(&w, false);
    EXPECT_TRUE("not connected", ads_proxy_json(w.group, STR("default"), STR("web-1")) == NULL);
    peer_open(&w, &p, STR_NONE);
    peer_says(&p, FIRST);
    engine_delivers("a");
    mailbox_run(&w.box);
    json_decref(peer_hears(&p));
    peer_says(&p, "{" CDS ", 'responseNonce': '1', 'errorDetail': {'message': 'bad cluster'}}");
    JSON_AUTO o = ads_proxy_json(w.group, STR("default"), STR("web-1"));
    json_t *stream = json_array_get(json_get(o, "streams"), 0),
           *cds = json_get(json_get(stream, "types"), "cds");
    EXPECT_STR("transport", json_str(json_get(stream, "transport")), "sotw");
    EXPECT_STR("subscribed", json_str(json_get(cds, "subscribed")), "*");
    EXPECT_INT("sent", json_integer_value(json_get(cds, "responsesSent")), 1);
    EXPECT_INT("rejected", json_integer_value(json_get(cds, "responsesRejected")), 1);
    EXPECT_STR("acknowledged", json_str(json_get(cds, "acknowledgedVersion")), "");
    EXPECT_STR("text", json_str(json_get(stream, "lastRejection")), "cds: bad cluster");
    EXPECT_TRUE("not sent again", peer_hears(&p) == NULL);
    peer_close(&w, &p);
    EXPECT_TRUE("gone", ads_proxy_json(w.group, STR("default"), STR("web-1")) == NULL);
    world_fini(&w);
}

TEST(what_is_shown_of_a_delta_stream)
{
    struct world w;
    struct peer p;
    world_init(&w);
    put(&w, dataplane_make(WEB));
    ads_start(&w, false);
    peer_open_variant(&w, &p, XDS_DELTA, STR_NONE);
    peer_says(&p, FIRST);
    peer_says(&p, "{'typeUrl': 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment', "
                  "'resourceNamesSubscribe': ['a', 'b']}");
    engine_delivers("a");
    mailbox_run(&w.box);
    json_decref(peer_hears(&p));
    peer_says(&p, "{" CDS ", 'responseNonce': '1'}");
    JSON_AUTO o = ads_proxy_json(w.group, STR("default"), STR("web-1"));
    json_t *stream = json_array_get(json_get(o, "streams"), 0),
           *cds = json_get(json_get(stream, "types"), "cds"),
           *eds = json_get(json_get(stream, "types"), "eds");
    EXPECT_STR("transport", json_str(json_get(stream, "transport")), "delta");
    EXPECT_STR("subscribed", json_str(json_get(cds, "subscribed")), "*");
    EXPECT_INT("by name", json_integer_value(json_get(eds, "subscribed")), 2);
    EXPECT_INT("sent", json_integer_value(json_get(cds, "responsesSent")), 1);
    EXPECT_INT("accepted", json_integer_value(json_get(cds, "responsesAcknowledged")), 1);
    EXPECT_INT("version", json_str(json_get(cds, "sentVersion")).n, 16);
    EXPECT_STR("accepted version", json_str(json_get(cds, "acknowledgedVersion")),
               json_str(json_get(cds, "sentVersion")).p);
    peer_close(&w, &p);
    world_fini(&w);
}

TEST(what_the_compiler_is_told)
{
    struct world w;
    struct peer p;
    world_init(&w);
    put(&w, dataplane_make(WEB));
    ads_start(&w, false);
    peer_open(&w, &p, STR_NONE);
    peer_says(&p, "{'node': {'id': 'default.web-1', 'metadata': {'dataplane.admin.port': '9902', "
                  "'dataplane.admin.address': '::1', "
                  "'dataplane.dns.port': '70000', 'features': ['x', 'feature-tcp-accesslog-via-named-pipe'], "
                  "'accessLogSocketPath': '/a', 'metricsSocketPath': '/m', 'metricsCertPath': '/c', "
                  "'metricsKeyPath': '/k'}}}");
    EXPECT_TRUE("attached", attached != NULL);
    const struct proxy_params *got = &attached->params;
    EXPECT_STR("mesh", got->mesh, "default");
    EXPECT_STR("name", got->name, "web-1");
    EXPECT_INT("admin port", got->admin_port, 9902);
    EXPECT_STR("admin address", got->admin_address, "::1");
    EXPECT_INT("a port that is none", got->dns_port, 0);
    EXPECT_TRUE("feature", got->log_pipe_feature);
    EXPECT_STR("log socket", got->access_log_socket, "/a");
    EXPECT_STR("metrics socket", got->metrics_socket, "/m");
    EXPECT_STR("certificate", got->metrics_cert, "/c");
    EXPECT_STR("key", got->metrics_key, "/k");
    peer_close(&w, &p);
    world_fini(&w);
}
