/* loops_test.c -- a group of two services, each with the mailbox of its loop: what they share. */
#include "world.h"

#include <pthread.h>
#include <time.h>

#define WEB(name) DATAPLANE("default", name, "10.0.0.1", "80", "web")
#define FIRST(name) FIRST_OF("default." name)
#define BROUGHT(name)                                                                                        \
    "{'node': {'id': 'default." name                                                                         \
    "', 'metadata': {'dataplane.resource': '" BROUGHT_TEXT(name) "'}}, " CDS "}"
#define BROUGHT_TEXT(name)                                                                                   \
    "type: Dataplane\\nmesh: default\\nname: " name "\\nnetworking: {address: 10.0.0.1, "                    \
    "inbound: [{port: 80, tags: {kuma.io/service: web}}]}"

struct loops {
    struct world w; /* the first loop's box is the asker's and the observer's, too */
    struct mailbox other_box;
    struct ads *first, *other;
};

static void start(struct loops *l)
{
    world_init(&l->w);
    engine_at = UINT64_MAX;
    mailbox_init(&l->other_box);
    ads_start(&l->w, false);
    l->first = l->w.ads;
    l->other = ads_new(l->w.group, &l->other_box);
}

/* Lets the mail of both take its ways. */
static void run(struct loops *l)
{
    settle(&l->w);
    while (mailbox_run(&l->w.box) + mailbox_run(&l->other_box) > 0)
        ;
}

static void stop(struct loops *l)
{
    ads_stop_waiting(l->first);
    ads_stop_waiting(l->other);
    while (!ads_is_idle(l->first) || !ads_is_idle(l->other))
        run(l);
    ads_free(l->other);
    mailbox_fini(&l->other_box);
    world_fini(&l->w);
}

static void open_on(struct loops *l, struct ads *ads, struct peer *p, const char *first)
{
    l->w.ads = ads;
    peer_open(&l->w, p, STR_NONE);
    l->w.ads = l->first;
    peer_says(p, first);
    run(l);
}

static void close_peer(struct loops *l, struct peer *p)
{
    ads_close(p->stream);
    run(l);
}

static void after(struct loops *l, int64_t ns)
{
    l->w.now_ns += ns;
    clock_fake(l->w.now_ns, NOW_S * NS_PER_S + l->w.now_ns);
    ads_run_timers(l->first, l->w.now_ns);
    ads_run_timers(l->other, l->w.now_ns);
    run(l);
}

static void accept_all(struct loops *l, struct peer *p)
{
    json_t *m;
    char text[256];
    peer_says(p, "{" LDS "}");
    while ((m = peer_hears(p))) {
        snprintf(text, sizeof(text), "{'typeUrl': '%s', 'responseNonce': '%s'}",
                 json_string_value(json_get(m, "typeUrl")), json_string_value(json_get(m, "nonce")));
        peer_says(p, text);
        json_decref(m);
    }
    run(l);
}

static bool answered;

static void take_answer(struct mail *mail)
{
    (void)mail;
    answered = true;
}

static struct ads_question *ask(struct loops *l, uint64_t sequence)
{
    struct ads_question *q = ads_question_new();
    answered = false;
    q->mail.handle = take_answer;
    q->box = &l->w.box;
    q->sequence = sequence;
    q->deadline = l->w.now_ns + NS_PER_S;
    q->id = 7;
    q->user = user_admin;
    ads_ask(l->w.group, q);
    run(l);
    return q;
}

/* "applied/pending/refused"; "" without an answer. */
static const char *told(const struct ads_question *q)
{
    static char text[64];
    text[0] = '\0';
    if (answered)
        snprintf(text, sizeof(text), "%zu/%zu/%zu", q->n_applied, q->n_pending, q->n_refused);
    return text;
}

TEST(a_question_is_for_the_proxies_of_all_loops)
{
    struct loops l;
    struct peer a, b;
    start(&l);
    put(&l.w, dataplane_make(WEB("web-1")));
    put(&l.w, dataplane_make(WEB("web-2")));
    open_on(&l, l.first, &a, FIRST("web-1"));
    open_on(&l, l.other, &b, FIRST("web-2"));
    engine_delivers("a");
    run(&l);
    struct ads_question *q = ask(&l, 1);
    EXPECT_CSTR("neither has it", told(q), "");
    accept_all(&l, &a);
    EXPECT_CSTR("one has it", told(q), "");
    accept_all(&l, &b);
    EXPECT_CSTR("both have", told(q), "2/0/0");
    ads_question_free(q);

    engine_at = 1;
    q = ask(&l, 2);
    after(&l, NS_PER_S);
    EXPECT_CSTR("time is up", told(q), "0/2/0");
    EXPECT_INT("both are named", q->n_laggards, 2);
    ads_question_free(q);

    q = ask(&l, 2);
    ads_hurry(l.w.group, 7);
    run(&l);
    EXPECT_CSTR("in a hurry", told(q), "0/2/0");
    ads_question_free(q);
    engine_passes(2);
    close_peer(&l, &a);
    close_peer(&l, &b);
    stop(&l);
}

TEST(a_proxy_speaks_on_its_newest_stream_wherever_that_is)
{
    struct loops l;
    struct peer old, new;
    start(&l);
    put(&l.w, dataplane_make(WEB("web-1")));
    open_on(&l, l.first, &old, FIRST("web-1"));
    engine_delivers("a");
    run(&l);
    struct ads_question *q = ask(&l, 1);
    EXPECT_CSTR("the old one does not answer", told(q), "");
    open_on(&l, l.other, &new, FIRST("web-1"));
    engine_delivers("a");
    run(&l);
    EXPECT_CSTR("this part waits no more, the other has begun without it", told(q), "0/0/0");
    ads_question_free(q);
    q = ask(&l, 1);
    accept_all(&l, &new);
    EXPECT_CSTR("the new one counts", told(q), "1/0/0");
    ads_question_free(q);
    close_peer(&l, &new);
    q = ask(&l, 1);
    EXPECT_CSTR("the old one again", told(q), "");
    close_peer(&l, &old);
    EXPECT_CSTR("it is gone", told(q), "0/0/0");
    ads_question_free(q);
    stop(&l);
}

TEST(the_last_stream_of_all_loops_decides)
{
    struct loops l;
    struct peer a, b;
    start(&l);
    open_on(&l, l.first, &a, BROUGHT("web-1"));
    EXPECT_CSTR("brought", owner_of(&l.w, "web-1"), "proxy");
    open_on(&l, l.other, &b, BROUGHT("web-1"));
    JSON_AUTO o = ads_proxy_json(l.w.group, STR("default"), STR("web-1"));
    EXPECT_INT("both are shown", json_array_size(json_get(o, "streams")), 2);
    close_peer(&l, &a);
    after(&l, DELAY_NS);
    EXPECT_CSTR("still held", owner_of(&l.w, "web-1"), "proxy");
    close_peer(&l, &b);
    after(&l, DELAY_NS - 1);
    EXPECT_CSTR("it may come back", owner_of(&l.w, "web-1"), "proxy");
    open_on(&l, l.first, &a, BROUGHT("web-1"));
    after(&l, DELAY_NS);
    EXPECT_CSTR("it came back, on the other loop", owner_of(&l.w, "web-1"), "proxy");
    close_peer(&l, &a);
    after(&l, DELAY_NS);
    EXPECT_CSTR("its time is up", owner_of(&l.w, "web-1"), "");
    EXPECT_CSTR("observed in order", l.w.events,
                "connected default.web-1, connected default.web-1, disconnected default.web-1, "
                "disconnected default.web-1, connected default.web-1, disconnected default.web-1");
    stop(&l);
}

TEST(a_proxy_has_so_many_streams_on_all_loops)
{
    struct loops l;
    struct peer peers[33];
    start(&l);
    put(&l.w, dataplane_make(WEB("web-1")));
    for (size_t i = 0; i < ARRAY_LEN(peers); i++)
        open_on(&l, i % 2 ? l.other : l.first, &peers[i], FIRST("web-1"));
    EXPECT_INT("the 32nd", peers[31].kind, ERR_NONE);
    EXPECT_INT("one more", peers[32].kind, ERR_LIMIT);
    for (size_t i = 0; i < ARRAY_LEN(peers); i++)
        close_peer(&l, &peers[i]);
    stop(&l);
}

/* ---- with a thread for each loop ---- */

struct thread {
    struct loops *l;
    pthread_barrier_t *both;
    bool stop;
};
#define ROUNDS 300

/* The clock of the program stands still. */
static void spin_us(int us)
{
    struct timespec now, began;
    clock_gettime(CLOCK_MONOTONIC, &began);
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - began.tv_sec) * 1000000 + (now.tv_nsec - began.tv_nsec) / 1000 < us);
}

/* Opens a stream on the loop of this thread, and waits until it is served. */
static void be_served(struct ads *ads, struct mailbox *box, struct peer *p)
{
    const struct credential nothing = {.text = STR_NONE};
    *p = (struct peer){.stream = ads_open(ads, XDS_SOTW, &transport, p, &nothing)};
    peer_says(p, BROUGHT("web-1"));
    while (!engine_has(p->stream) && p->kind == ERR_NONE) {
        mailbox_wait(box, -1);
        mailbox_run(box);
    }
}

/* The first loop: has the proxy's stream, loses it, and finds that the proxy's time is up. */
static void *lose_streams(void *arg)
{
    struct thread *t = arg;
    struct loops *l = t->l;
    for (int i = 0;; i++) {
        struct peer p;
        pthread_barrier_wait(t->both);
        if (t->stop)
            return NULL;
        be_served(l->first, &l->w.box, &p);
        pthread_barrier_wait(t->both);
        ads_close(p.stream);
        spin_us(i); /* so that it happens at every stage of the other's coming */
        ads_run_timers(l->first, l->w.now_ns + 2 * DELAY_NS);
        pthread_barrier_wait(t->both);
    }
}

static struct str stored_owner(struct loops *l)
{
    writer_passes(&l->w);
    return str_from_c(owner_of(&l->w, "web-1"));
}

/* While one loop removes the Dataplane of a proxy that is gone, the proxy comes back on the other. Whatever
 * is first, in the end it is served and stored. */
TEST(a_proxy_comes_back_while_it_is_removed)
{
    struct loops l;
    pthread_barrier_t both;
    pthread_t id;
    struct thread t = {&l, &both, false};
    start(&l);
    pthread_barrier_init(&both, NULL, 2);
    if (pthread_create(&id, NULL, lose_streams, &t) != 0)
        FAIL("pthread_create");
    for (int i = 0; i < ROUNDS; i++) {
        struct peer p;
        pthread_barrier_wait(&both);
        pthread_barrier_wait(&both); /* the other is served */
        be_served(l.other, &l.other_box, &p);
        pthread_barrier_wait(&both);
        EXPECT_INT("served", p.kind, ERR_NONE);
        EXPECT_STR("stored", stored_owner(&l), "proxy");
        ads_close(p.stream);
        mailbox_run(&l.other_box);
    }
    t.stop = true;
    pthread_barrier_wait(&both);
    pthread_join(id, NULL);
    pthread_barrier_destroy(&both);
    stop(&l);
}
