/* question_test.c -- who waits until the proxies have taken over a state: when the answer comes, and what it
 * says. */
#include "world.h"

#define WEB(name, mesh) DATAPLANE(mesh, name, "10.0.0.1", "80", "web")

static bool answered;

static void take_answer(struct mail *mail)
{
    (void)mail;
    answered = true;
}

static struct ads_question *question(struct world *w, uint64_t sequence, int64_t wait_ns)
{
    struct ads_question *q = ads_question_new();
    answered = false;
    q->mail.handle = take_answer;
    q->box = &w->box;
    q->sequence = sequence;
    q->deadline = wait_ns ? w->now_ns + wait_ns : 0;
    q->id = 7;
    q->user = user_admin;
    return q;
}

static struct ads_question *ask(struct world *w, uint64_t sequence, int64_t wait_ns)
{
    struct ads_question *q = question(w, sequence, wait_ns);
    ads_ask(w->group, q);
    return q;
}

/* Lets the mail take its ways. */
static void run(struct world *w)
{
    while (mailbox_run(&w->box) > 0)
        ;
}

/* "applied/pending/refused" and what is said of the laggards; "" without an answer. */
static const char *told(const struct ads_question *q)
{
    static char text[512];
    text[0] = '\0';
    if (!answered)
        return text;
    int n = snprintf(text, sizeof(text), "%zu/%zu/%zu", q->n_applied, q->n_pending, q->n_refused);
    for (size_t i = 0; i < q->n_laggards; i++)
        n += snprintf(text + n, sizeof(text) - (size_t)n, " " STR_FMT "." STR_FMT ": " STR_FMT,
                      STR_ARG(q->laggards[i].mesh), STR_ARG(q->laggards[i].name),
                      STR_ARG(q->laggards[i].reason));
    return text;
}

static void start(struct world *w)
{
    world_init(w);
    engine_at = UINT64_MAX;
    put(w, dataplane_make(WEB("web-1", "default")));
    put(w, dataplane_make(WEB("web-2", "default")));
    ads_start(w, false);
}

/* A mesh with a proxy web-1. */
static void put_blue(struct world *w)
{
    put_mesh(w, "blue");
    put(w, dataplane_make(WEB("web-1", "blue")));
}

static void connect_proxy(struct world *w, struct peer *p, const char *first)
{
    peer_open(w, p, STR_NONE);
    peer_says(p, first);
}

/* Takes everything that is sent and accepts it; then asks for listeners, if it has not yet. */
static void accept_all(struct peer *p)
{
    json_t *m;
    char text[256];
    while ((m = peer_hears(p))) {
        const char *url = json_string_value(json_get(m, "typeUrl")),
                   *nonce = json_string_value(json_get(m, "nonce"));
        snprintf(text, sizeof(text), "{'typeUrl': '%s', 'responseNonce': '%s'}", url, nonce);
        peer_says(p, text);
        json_decref(m);
    }
}

static void configure(struct world *w, struct peer *p)
{
    engine_delivers("a");
    run(w);
    peer_says(p, "{" LDS "}");
    accept_all(p);
}

TEST(nobody_is_there)
{
    struct world w;
    start(&w);
    struct ads_question *q = ask(&w, 1, 0);
    run(&w);
    EXPECT_CSTR("at once", told(q), "0/0/0");
    ads_question_free(q);
    world_fini(&w);
}

TEST(one_after_the_other)
{
    struct world w;
    struct peer a, b;
    start(&w);
    connect_proxy(&w, &a, FIRST_OF("default.web-1"));
    connect_proxy(&w, &b, FIRST_OF("default.web-2"));
    struct ads_question *q = ask(&w, 1, NS_PER_S);
    run(&w);
    EXPECT_CSTR("nothing yet", told(q), "");
    configure(&w, &b);
    run(&w);
    EXPECT_CSTR("one has it", told(q), "");
    peer_says(&a, "{" LDS "}");
    accept_all(&a);
    run(&w);
    EXPECT_CSTR("both", told(q), "2/0/0");
    ads_question_free(q);

    engine_delivers("b");
    run(&w);
    q = ask(&w, 2, 0);
    run(&w);
    EXPECT_CSTR("at once", told(q),
                "0/2/0 default.web-1: clusters are not sent yet: it reads slowly"
                " default.web-2: clusters are not sent yet: it reads slowly");
    ads_question_free(q);

    q = ask(&w, 2, NS_PER_S);
    run(&w);
    accept_all(&a);
    json_decref(peer_hears(&b));
    pass_time(&w, NS_PER_S - 1);
    EXPECT_CSTR("before its time", told(q), "");
    pass_time(&w, 1);
    EXPECT_CSTR("its time is up", told(q),
                "1/1/0 default.web-2: clusters were sent and are not acknowledged yet");
    ads_question_free(q);
    peer_close(&w, &a);
    peer_close(&w, &b);
    world_fini(&w);
}

TEST(refusals_and_disconnects_end_the_wait)
{
    struct world w;
    struct peer a, b;
    start(&w);
    connect_proxy(&w, &a, FIRST_OF("default.web-1"));
    connect_proxy(&w, &b, FIRST_OF("default.web-2"));
    configure(&w, &a);
    configure(&w, &b);
    engine_delivers("b");
    run(&w);
    struct ads_question *q = ask(&w, 2, NS_PER_S);
    run(&w);
    json_decref(peer_hears(&a));
    peer_says(&a, "{" CDS ", 'responseNonce': '2', 'errorDetail': {'message': 'no such type'}}");
    run(&w);
    EXPECT_CSTR("one refused", told(q), "");
    peer_close(&w, &b);
    run(&w);
    EXPECT_CSTR("the other left", told(q), "0/0/1 default.web-1: clusters were refused: no such type");
    ads_question_free(q);
    peer_close(&w, &a);
    world_fini(&w);
}

TEST(a_proxy_that_came_back_speaks_on_its_newest_stream)
{
    struct world w;
    struct peer old, fresh;
    start(&w);
    connect_proxy(&w, &old, FIRST_OF("default.web-1"));
    struct ads_question *q = ask(&w, 1, NS_PER_S);
    run(&w);
    connect_proxy(&w, &fresh, FIRST_OF("default.web-1"));
    configure(&w, &fresh);
    run(&w);
    EXPECT_CSTR("once, and applied", told(q), "1/0/0");
    ads_question_free(q);
    peer_close(&w, &fresh);
    peer_close(&w, &old);
    world_fini(&w);
}

TEST(what_the_engine_has_not_passed)
{
    static const struct {
        const char *name;
        uint64_t asked, passes;
        int64_t wait_ns, passed_ns;
        const char *want;
    } rows[] = {
        {"not waiting", 5, 4, 0, 0, "0/1/0 default.web-1: its configuration is still being compiled"},
        {"it passes", 5, 5, NS_PER_S, 0, "1/0/0"},
        {"it does not in time", 5, 4, NS_PER_S, NS_PER_S,
         "0/1/0 default.web-1: its configuration is still being compiled"},
        {"it has already", 4, 4, 0, 0, "1/0/0"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world w;
        struct peer p;
        start(&w);
        connect_proxy(&w, &p, FIRST_OF("default.web-1"));
        configure(&w, &p);
        engine_at = 4;
        struct ads_question *q = ask(&w, rows[i].asked, rows[i].wait_ns);
        run(&w);
        if (rows[i].passes > 4) {
            engine_passes(rows[i].passes);
            run(&w);
        }
        if (rows[i].passed_ns)
            pass_time(&w, rows[i].passed_ns);
        EXPECT_CSTR(rows[i].name, told(q), rows[i].want);
        engine_passes(5); /* what it owes comes late, and harms nobody */
        run(&w);
        ads_question_free(q);
        peer_close(&w, &p);
        world_fini(&w);
    }
}

/* A mesh that is asked about waits for no other, and says nothing of one. */
TEST(what_the_engine_has_passed_for_one_mesh)
{
    struct world w;
    struct peer a, b;
    start(&w);
    put_blue(&w);
    connect_proxy(&w, &a, FIRST_OF("default.web-1"));
    connect_proxy(&w, &b, FIRST_OF("blue.web-1"));
    configure(&w, &a);
    configure(&w, &b);
    engine_at = 4;
    struct ads_question *q = question(&w, 5, NS_PER_S);
    q->mesh = STR("default");
    ads_ask(w.group, q);
    run(&w);
    EXPECT_CSTR("nothing yet", told(q), "");
    EXPECT_STR("of its mesh", engine_owes[0].mesh, "default");
    engine_passes(4);
    run(&w);
    EXPECT_CSTR("it passed", told(q), "1/0/0");
    ads_question_free(q);

    engine_delivers("b");
    run(&w);
    accept_all(&a);
    accept_all(&b);
    engine_delivers("c");
    run(&w);
    engine_at = 5;
    q = ask(&w, 5, 0);
    run(&w);
    EXPECT_CSTR("the other mesh's has taken over what came before", told(q),
                "1/1/0 blue.web-1: clusters are not sent yet: it reads slowly");
    ads_question_free(q);
    peer_close(&w, &a);
    peer_close(&w, &b);
    world_fini(&w);
}

TEST(who_hangs_up_and_who_stops)
{
    struct world w;
    struct peer p;
    start(&w);
    connect_proxy(&w, &p, FIRST_OF("default.web-1"));
    configure(&w, &p);
    engine_delivers("b");
    run(&w);
    struct ads_question *q = ask(&w, 2, NS_PER_S);
    ads_hurry(w.group, 8);
    run(&w);
    EXPECT_CSTR("somebody else", told(q), "");
    ads_hurry(w.group, 7);
    run(&w);
    EXPECT_TRUE("answered at once", strstr(told(q), "0/1/0 ") == told(q));
    ads_hurry(w.group, 7); /* late: nobody of that name waits */
    run(&w);
    ads_question_free(q);

    q = ask(&w, 2, NS_PER_S);
    ads_hurry(w.group, 7);
    run(&w);
    EXPECT_TRUE("hung up before it was looked at", strstr(told(q), "0/1/0 ") == told(q));
    ads_question_free(q);

    q = ask(&w, 2, NS_PER_S);
    run(&w);
    ads_stop_waiting(w.ads);
    run(&w);
    EXPECT_TRUE("a stop answers", strstr(told(q), "0/1/0 ") == told(q));
    ads_question_free(q);
    q = ask(&w, 2, NS_PER_S);
    run(&w);
    EXPECT_TRUE("nobody waits any more", strstr(told(q), "0/1/0 ") == told(q));
    ads_question_free(q);
    peer_close(&w, &p);
    world_fini(&w);
}

TEST(whose_proxies)
{
    static const struct {
        const char *name, *mesh, *group;
        const char *want;
    } rows[] = {
        {"all", NULL, "mesh-system:admin", "2/0/0"},
        {"of a mesh", "blue", "mesh-system:admin", "1/0/0"},
        {"of the meshes that one may see", NULL, "mesh:blue:viewer", "1/0/0"},
        {"of no mesh", NULL, "mesh:green:viewer", "0/0/0"},
    };
    struct world w;
    struct peer a, b;
    start(&w);
    put_blue(&w);
    connect_proxy(&w, &a, FIRST_OF("default.web-1"));
    connect_proxy(&w, &b, FIRST_OF("blue.web-1"));
    configure(&w, &a);
    peer_says(&b, "{" LDS "}");
    accept_all(&b);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str group = str_from_c(rows[i].group);
        struct ads_question *q = question(&w, 1, 0);
        q->mesh = str_from_c(rows[i].mesh);
        q->user = (struct user){.name = STR("john"), .groups = {&group, 1}};
        ads_ask(w.group, q);
        run(&w);
        EXPECT_CSTR(rows[i].name, told(q), rows[i].want);
        ads_question_free(q);
    }
    peer_close(&w, &a);
    peer_close(&w, &b);
    world_fini(&w);
}
