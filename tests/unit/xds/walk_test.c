/* walk_test.c -- random configurations, a client that reads, answers, refuses and reconnects at random.
 * Whatever happened, once it has accepted everything it holds exactly the newest configuration, and then
 * nothing is sent any more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../src/xds/session.h"
#include "../../lib/test.h"
#include "ursa/base/alloc.h"

#define N_NAMES 6 /* resources 'a' to 'f' of each type; content 0: there is none */
#define N_STEPS 400
#define N_WALKS 200

static const enum xds_type types[] = {XDS_CLUSTER, XDS_ENDPOINT, XDS_LISTENER, XDS_ROUTE};

struct model {
    unsigned content[XDS_N][N_NAMES];
};
struct client {
    struct model has;
    uint64_t accepted[XDS_N], nonce[XDS_N];
    bool subscribed[XDS_N];
};
struct walk {
    struct session session;
    struct model newest;
    struct config_set *config; /* a reference of ours: the last one is freed by hand */
    struct client client;
};

static struct xds_resource *resource_make(enum xds_type type, unsigned name, unsigned content)
{
    char text[] = {(char)('a' + name), (char)content, (char)type};
    struct xds_resource *r = xcalloc(1, sizeof(*r));
    r->any = blob_new(text, sizeof(text));
    r->name = str_slice(blob_str(r->any), 0, 1);
    r->type = type;
    r->version = r->any->hash;
    atomic_init(&r->refs, 1);
    return r;
}

static struct config_set *config_make(const struct model *m)
{
    struct config_set *set = xcalloc(1, sizeof(*set));
    atomic_init(&set->refs, 1);
    for (enum xds_type t = 0; t < XDS_N; t++) {
        struct xds_list *l = xcalloc(1, sizeof(*l) + N_NAMES * sizeof(l->v[0]));
        atomic_init(&l->refs, 1);
        for (unsigned i = 0; i < N_NAMES; i++) {
            if (m->content[t][i])
                l->v[l->n++] = resource_make(t, i, m->content[t][i]);
        }
        set->lists[t] = l;
    }
    return set;
}

static void configure(struct walk *w)
{
    config_set_unref(w->config);
    w->config = config_make(&w->newest);
    session_set_config(&w->session, w->config);
}

/* Clusters bring endpoints of their name, listeners routes. */
static enum xds_type parent_of(enum xds_type t)
{
    return t == XDS_ENDPOINT ? XDS_CLUSTER : t == XDS_ROUTE ? XDS_LISTENER : XDS_N;
}

static void request(struct walk *w, enum xds_type t, bool refuse)
{
    struct client *c = &w->client;
    static const char letters[] = "abcdef";
    struct str names[N_NAMES];
    char version[VERSION_TEXT_SIZE] = "", nonce[24] = "";
    struct discovery_request r = {.type = t, .names = names, .has_error = refuse, .error_message = STR("no")};
    enum xds_type parent = parent_of(t);
    for (unsigned i = 0; parent != XDS_N && i < N_NAMES; i++) {
        if (c->has.content[parent][i])
            names[r.n_names++] = str_from(&letters[i], 1);
    }
    if (parent != XDS_N && r.n_names == 0 && !c->subscribed[t])
        return;
    c->subscribed[t] = true;
    if (c->accepted[t])
        version_format(c->accepted[t], version);
    if (c->nonce[t])
        snprintf(nonce, sizeof(nonce), "%llu", (unsigned long long)c->nonce[t]);
    r.version_info = str_from_c(version);
    r.response_nonce = str_from_c(nonce);
    (void)session_request(&w->session, &r);
}

static void accept(struct walk *w, const struct xds_response *r)
{
    unsigned *has = w->client.has.content[r->type];
    if (xds_type_info(r->type)->whole_set)
        memset(has, 0, sizeof(w->client.has.content[0]));
    for (size_t i = 0; i < r->n; i++)
        has[r->v[i]->name.p[0] - 'a'] = r->v[i]->any->p[1];
    w->client.accepted[r->type] = r->version;
}

/* Takes one response; true when there was one. */
static bool hear(struct walk *w, bool refuse)
{
    struct xds_response r;
    enum xds_type t = session_due(&w->session);
    if (t == XDS_N)
        return false;
    session_send(&w->session, t, &r);
    w->client.nonce[t] = r.nonce;
    if (!refuse)
        accept(w, &r);
    request(w, t, refuse);
    if (!refuse && t == XDS_CLUSTER)
        request(w, XDS_ENDPOINT, false);
    if (!refuse && t == XDS_LISTENER)
        request(w, XDS_ROUTE, false);
    xds_response_fini(&r);
    return true;
}

static void reconnect(struct walk *w)
{
    session_fini(&w->session);
    session_init(&w->session);
    session_set_config(&w->session, w->config);
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        w->client.nonce[types[i]] = 0;
        w->client.subscribed[types[i]] = false;
    }
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        request(w, types[i], false);
}

static void step(struct walk *w)
{
    unsigned what = (unsigned)test_rand_below(10);
    enum xds_type t = types[test_rand_below(ARRAY_LEN(types))];
    if (what < 4) {
        w->newest.content[t][test_rand_below(N_NAMES)] = (unsigned)test_rand_below(4);
        configure(w);
    } else if (what < 9) {
        (void)hear(w, test_rand_below(8) == 0);
    } else if (test_rand_below(10) == 0) {
        reconnect(w);
    }
}

/* Everything changes and all is accepted: a refusal has no after-effects then. Nothing cannot change, so
 * there is something of every type. */
static void settle(struct walk *w)
{
    int n = 0;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        for (unsigned k = 0; k < N_NAMES; k++)
            w->newest.content[types[i]][k] += w->newest.content[types[i]][k] || k == 0 ? 10 : 0;
    }
    configure(w);
    while (hear(w, false)) {
        if (++n > 100)
            FAIL("it never falls silent");
    }
}

static void expect_newest(struct walk *w, const char *when)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        enum xds_type t = types[i], parent = parent_of(t);
        for (unsigned k = 0; k < N_NAMES; k++) {
            unsigned want = w->newest.content[t][k];
            /* What is gone by name is left to its owner, which is gone too or never asks again. */
            if (parent != XDS_N && (want == 0 || w->newest.content[parent][k] == 0))
                continue;
            EXPECT_INT(when, w->client.has.content[t][k], want);
        }
    }
}

TEST(a_client_ends_up_with_the_newest)
{
    for (int i = 0; i < N_WALKS; i++) {
        struct walk w = {0};
        session_init(&w.session);
        configure(&w);
        reconnect(&w);
        for (int k = 0; k < N_STEPS; k++)
            step(&w);
        settle(&w);
        expect_newest(&w, "settled");
        reconnect(&w);
        EXPECT_TRUE("after a reconnect nothing is sent", !hear(&w, false));
        session_fini(&w.session);
        config_set_unref(w.config);
    }
}
