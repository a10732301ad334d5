/* walk_test.c -- random configurations, a client that reads, answers, refuses and reconnects at random, in
 * both variants of the protocol. Whatever happened, once it has accepted everything it holds exactly the
 * newest configuration, and then nothing is sent any more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../src/xds/session.h"
#include "../../lib/test.h"
#include "ursa/base/alloc.h"
#include "ursa/base/hash.h"

#define N_NAMES 6 /* resources 'a' to 'f' of each type; content 0: there is none */
#define N_STEPS 400
#define N_WALKS 200

static const enum xds_type types[] = {XDS_CLUSTER, XDS_ENDPOINT, XDS_LISTENER, XDS_ROUTE};

struct model {
    unsigned content[XDS_N][N_NAMES];
};
struct client {
    struct model has;
    uint64_t versions[XDS_N][N_NAMES]; /* of what it has; incremental */
    uint64_t accepted[XDS_N], nonce[XDS_N];
    bool subscribed[XDS_N], named[XDS_N][N_NAMES];
};
struct walk {
    enum xds_variant variant;
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
            if (m->content[t][i] == 0)
                continue;
            l->v[l->n] = resource_make(t, i, m->content[t][i]);
            l->version = hash_mix(l->version, l->v[l->n++]->version);
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

static const char letters[] = "abcdef";

/* Of a type with parents, what these name. */
static bool wants(const struct walk *w, enum xds_type t, unsigned i)
{
    enum xds_type parent = parent_of(t);
    return parent != XDS_N && w->client.has.content[parent][i];
}

/* Everything that the client wants, each time. */
static void fill_sotw(struct walk *w, struct discovery_request *r)
{
    static char version[VERSION_TEXT_SIZE];
    for (unsigned i = 0; i < N_NAMES; i++) {
        if (wants(w, r->type, i))
            r->names[r->n_names++] = str_from(&letters[i], 1);
    }
    version[0] = '\0';
    if (w->client.accepted[r->type])
        version_format(w->client.accepted[r->type], version);
    r->version_info = str_from_c(version);
}

/* What is new and what it does not want any more; at first what it has. */
static void fill_delta(struct walk *w, struct discovery_request *r)
{
    static char versions[N_NAMES][VERSION_TEXT_SIZE];
    struct client *c = &w->client;
    for (unsigned i = 0; i < N_NAMES; i++) {
        struct str name = str_from(&letters[i], 1);
        bool wanted = wants(w, r->type, i), named = c->named[r->type][i];
        if (wanted && !named)
            r->names[r->n_names++] = name;
        if (!wanted && named)
            r->unsubscribed[r->n_unsubscribed++] = name;
        c->named[r->type][i] = wanted;
        if (c->has.content[r->type][i] && !c->subscribed[r->type]) {
            version_format(c->versions[r->type][i], versions[i]);
            r->versions[r->n_versions++] = (struct discovery_version){name, str_from_c(versions[i])};
        }
        if (!wanted && parent_of(r->type) != XDS_N)
            c->has.content[r->type][i] = 0;
    }
}

static void request(struct walk *w, enum xds_type t, bool refuse)
{
    struct client *c = &w->client;
    struct str names[N_NAMES], unsubscribed[N_NAMES];
    struct discovery_version versions[N_NAMES];
    char nonce[24] = "";
    struct discovery_request r = {.type = t,
                                  .names = names,
                                  .unsubscribed = unsubscribed,
                                  .versions = versions,
                                  .has_error = refuse,
                                  .error_message = STR("no")};
    (w->variant == XDS_DELTA ? fill_delta : fill_sotw)(w, &r);
    if (parent_of(t) != XDS_N && r.n_names == 0 && !c->subscribed[t])
        return;
    c->subscribed[t] = true;
    if (c->nonce[t])
        snprintf(nonce, sizeof(nonce), "%llu", (unsigned long long)c->nonce[t]);
    r.response_nonce = str_from_c(nonce);
    (void)session_request(&w->session, &r);
}

static void accept(struct walk *w, const struct xds_response *r)
{
    struct client *c = &w->client;
    if (w->variant == XDS_SOTW && xds_type_info(r->type)->whole_set)
        memset(c->has.content[r->type], 0, sizeof(c->has.content[0]));
    for (size_t i = 0; i < r->n; i++) {
        c->has.content[r->type][r->v[i]->name.p[0] - 'a'] = r->v[i]->any->p[1];
        c->versions[r->type][r->v[i]->name.p[0] - 'a'] = r->v[i]->version;
    }
    for (size_t i = 0; i < r->removed.n; i++)
        c->has.content[r->type][r->removed.v[i][0] - 'a'] = 0;
    c->accepted[r->type] = r->version;
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
    session_init(&w->session, w->variant);
    session_set_config(&w->session, w->config);
    memset(w->client.named, 0, sizeof(w->client.named));
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
 * there is something of every type; and all that a parent may name, since asking for what is missing is
 * answered. */
static void settle(struct walk *w)
{
    int n = 0;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        for (unsigned k = 0; k < N_NAMES; k++)
            w->newest.content[types[i]][k] +=
                w->newest.content[types[i]][k] || k == 0 || parent_of(types[i]) != XDS_N ? 10 : 0;
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

static void walk(enum xds_variant variant)
{
    for (int i = 0; i < N_WALKS; i++) {
        struct walk w = {.variant = variant};
        session_init(&w.session, variant);
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

TEST(a_client_ends_up_with_the_newest)
{
    walk(XDS_SOTW);
}

TEST(a_delta_client_ends_up_with_the_newest)
{
    walk(XDS_DELTA);
}
