/* The steps between postures: a table of single ones, and a random walk with proxies that lag, of which any
 * two must be able to talk at any time. */
#include "ursa/posture.h"

#include <string.h>

#include "../../lib/test.h"

/* ---- postures as words: "both/plain A AB": serve, dial, issuer, trusted; "off" ---- */

static struct mesh_posture_spec off(void)
{
    return (struct mesh_posture_spec){0};
}

static struct str letter(char c)
{
    static const char all[] = "ABCDEFGHIJ";
    return str_from(strchr(all, c), 1);
}

static struct mesh_posture_spec posture(struct arena *a, enum tls_serve serve, enum tls_dial dial,
                                        char issuer, const char *trusted)
{
    struct mesh_posture_spec p = {.serve = serve, .dial = dial, .n_trusted = strlen(trusted)};
    p.issuer = ARENA_NEW(a, struct posture_issuer);
    *p.issuer = (struct posture_issuer){
        .backend = letter(issuer), .cert = letter(issuer), .key = letter(issuer), .roots = letter(issuer)};
    p.trusted = ARENA_ARRAY(a, struct posture_root, p.n_trusted);
    for (size_t i = 0; i < p.n_trusted; i++)
        p.trusted[i] = (struct posture_root){letter(trusted[i]), letter(trusted[i])};
    return p;
}

static struct mesh_posture_spec parse(struct arena *a, const char *text)
{
    char serve[8], dial[8], issuer, trusted[16];
    if (strcmp(text, "off") == 0)
        return off();
    if (sscanf(text, "%7[a-z]/%7[a-z] %c %15s", serve, dial, &issuer, trusted) != 4)
        FAIL("\"%s\" is no posture", text);
    return posture(a,
                   strcmp(serve, "plain") == 0  ? SERVE_PLAIN
                   : strcmp(serve, "both") == 0 ? SERVE_BOTH
                                                : SERVE_TLS,
                   strcmp(dial, "plain") == 0   ? DIAL_PLAIN
                   : strcmp(dial, "ready") == 0 ? DIAL_READY
                                                : DIAL_TLS,
                   issuer, trusted);
}

static const char *print(struct arena *a, const struct mesh_posture_spec *p)
{
    static const char *const serve[] = {"plain", "both", "tls"}, *const dial[] = {"plain", "ready", "tls"};
    struct mesh_posture_spec none = off();
    if (posture_eq(p, &none))
        return "off";
    struct str text =
        arena_printf(a, "%s/%s %c ", serve[p->serve], dial[p->dial], p->issuer ? *p->issuer->backend.p : '-');
    for (size_t i = 0; i < p->n_trusted; i++)
        text = arena_printf(a, STR_FMT "%c", STR_ARG(text), *p->trusted[i].backend.p);
    return text.p;
}

TEST(each_step)
{
    static const struct {
        const char *name, *present, *wanted, *at_once, *acked;
    } rows[] = {
        {"off to strict", "off", "tls/tls A A", "both/plain A A", "both/plain A A"},
        {"... certificates are there", "both/plain A A", "tls/tls A A", "both/plain A A", "both/tls A A"},
        {"... all dial TLS", "both/tls A A", "tls/tls A A", "both/tls A A", "tls/tls A A"},
        {"off to permissive", "off", "both/ready A A", "both/plain A A", "both/plain A A"},
        {"... certificates are there", "both/plain A A", "both/ready A A", "both/plain A A",
         "both/ready A A"},
        {"strict to off", "tls/tls A A", "off", "both/tls A A", "both/tls A A"},
        {"... all accept plain", "both/tls A A", "off", "both/tls A A", "both/plain A A"},
        {"... nobody dials TLS", "both/plain A A", "off", "both/plain A A", "off"},
        {"permissive to off", "both/ready A A", "off", "both/ready A A", "both/plain A A"},
        {"strict to permissive", "tls/tls A A", "both/ready A A", "both/tls A A", "both/tls A A"},
        {"... all accept plain", "both/tls A A", "both/ready A A", "both/tls A A", "both/ready A A"},
        {"permissive to strict", "both/ready A A", "tls/tls A A", "both/ready A A", "both/tls A A"},
        {"a second backend", "tls/tls A A", "tls/tls A AB", "tls/tls A AB", "tls/tls A AB"},
        {"the other one issues", "tls/tls A AB", "tls/tls B AB", "tls/tls A AB", "tls/tls B AB"},
        {"the first one goes", "tls/tls B AB", "tls/tls B B", "tls/tls B BA", "tls/tls B B"},
        {"one replaces another", "tls/tls A A", "tls/tls B B", "tls/tls A BA", "tls/tls A BA"},
        {"... all trust it", "tls/tls A BA", "tls/tls B B", "tls/tls A BA", "tls/tls B BA"},
        {"... all have its certificates", "tls/tls B BA", "tls/tls B B", "tls/tls B BA", "tls/tls B B"},
        {"back while both are trusted", "tls/tls B BA", "tls/tls A A", "tls/tls B AB", "tls/tls A AB"},
        {"another before the first is trusted", "tls/tls A BA", "tls/tls C C", "tls/tls A CBA",
         "tls/tls A CBA"},
        {"another CA and another mode", "tls/tls A A", "both/ready B B", "both/tls A BA", "both/tls A BA"},
        {"off in the middle of a change of CAs", "tls/tls A BA", "off", "both/tls A BA", "both/tls A BA"},
        {"another CA while it goes off", "both/plain A A", "tls/tls B B", "both/plain A BA", "both/tls A BA"},
        {"nothing to do", "tls/tls A A", "tls/tls A A", "tls/tls A A", "tls/tls A A"},
    };
    struct arena a;
    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct mesh_posture_spec present = parse(&a, rows[i].present), wanted = parse(&a, rows[i].wanted),
                                 next;
        posture_next(&present, &wanted, false, &a, &next);
        EXPECT_CSTR(rows[i].name, print(&a, &next), rows[i].at_once);
        posture_next(&present, &wanted, true, &a, &next);
        EXPECT_CSTR(rows[i].name, print(&a, &next), rows[i].acked);
    }
    arena_fini(&a);
}

TEST(a_backend_may_change_its_name_and_what_it_issues_at_once)
{
    struct arena a;
    arena_init(&a);
    struct mesh_posture_spec present = parse(&a, "tls/tls A A"), wanted = parse(&a, "tls/tls A A"), next;
    wanted.issuer->backend = STR("renamed");
    wanted.issuer->leaf_life = (struct opt_dur){true, 5};
    posture_next(&present, &wanted, false, &a, &next);
    EXPECT_TRUE("at once", posture_eq(&next, &wanted));
    arena_fini(&a);
}

/* ---- the walk ---- */

enum { N_PROXIES = 4, N_STEPS = 20000, N_HISTORY = 64 };

/* All postures since the one that everybody had, the newest last. */
struct walk {
    struct arena *a;
    struct mesh_posture_spec history[N_HISTORY], wanted;
    size_t n, at[N_PROXIES];
    unsigned n_back; /* steps to where all came from, while some lagged */
};

static bool is_trusted(const struct mesh_posture_spec *by, const struct mesh_posture_spec *whose)
{
    for (size_t i = 0; whose->issuer && i < by->n_trusted; i++)
        if (str_eq(by->trusted[i].roots, whose->issuer->roots))
            return true;
    return false;
}

static bool can_talk(const struct mesh_posture_spec *client, const struct mesh_posture_spec *server)
{
    bool plain = server->serve != SERVE_TLS;
    bool tls = server->serve != SERVE_PLAIN && is_trusted(client, server) && is_trusted(server, client);
    return (client->dial == DIAL_TLS || plain) && (client->dial == DIAL_PLAIN || tls);
}

static void expect_all_talk(const struct walk *w)
{
    for (size_t i = 0; i < w->n; i++)
        for (size_t k = 0; k < w->n; k++)
            if (!can_talk(&w->history[i], &w->history[k]))
                FAIL("a client at \"%s\" cannot talk to a server at \"%s\"; wanted \"%s\"",
                     print(w->a, &w->history[i]), print(w->a, &w->history[k]), print(w->a, &w->wanted));
}

static const struct mesh_posture_spec *newest(const struct walk *w)
{
    return &w->history[w->n - 1];
}

static void go(struct walk *w, bool acked)
{
    struct mesh_posture_spec next;
    posture_next(newest(w), &w->wanted, acked, w->a, &next);
    if (posture_eq(newest(w), &next))
        return;
    if (w->n == N_HISTORY)
        FAIL("more than %d postures at a time", N_HISTORY);
    w->n_back += !acked && w->n > 1 && posture_eq(&next, &w->history[0]);
    if (posture_eq(&next, &w->wanted))
        next.before = NULL; /* it has arrived: the record is gone */
    w->history[w->n++] = next;
    expect_all_talk(w);
}

/* What everybody has left behind is forgotten. */
static bool forget(struct walk *w)
{
    size_t least = w->n - 1;
    for (size_t i = 0; i < N_PROXIES; i++)
        least = w->at[i] < least ? w->at[i] : least;
    w->n -= least;
    memmove(w->history, w->history + least, w->n * sizeof w->history[0]);
    for (size_t i = 0; i < N_PROXIES; i++)
        w->at[i] -= least;
    return w->n == 1;
}

static void one_follows(struct walk *w)
{
    size_t i = (size_t)test_rand_below(N_PROXIES);
    w->at[i] += (size_t)test_rand_below(w->n - w->at[i]);
    if (test_rand_below(2))
        w->at[i] = w->n - 1;
    if (forget(w))
        go(w, true);
}

static struct mesh_posture_spec any_wanted(struct arena *a)
{
    static const char *const some[] = {"off",
                                       "off",
                                       "tls/tls A A",
                                       "tls/tls A AB",
                                       "tls/tls B AB",
                                       "tls/tls B B",
                                       "both/ready A A",
                                       "both/ready B AB",
                                       "both/ready B B",
                                       "tls/tls C C",
                                       "tls/tls C CA",
                                       "both/ready C BC"};
    return parse(a, some[test_rand_below(ARRAY_LEN(some))]);
}

TEST(any_two_proxies_can_talk_whatever_is_wanted_meanwhile)
{
    struct arena a;
    arena_init(&a);
    struct walk w = {.a = &a, .n = 1, .history = {off()}, .wanted = off()};
    unsigned n_settled = 0;
    for (size_t step = 0; step < N_STEPS; step++) {
        if (w.n < N_HISTORY - 4 && test_rand_below(step % 1000 < 500 ? 20 : 3) == 0) {
            w.wanted = any_wanted(&a);
            go(&w, false);
        } else {
            one_follows(&w);
        }
        n_settled += w.n == 1 && posture_eq(newest(&w), &w.wanted);
    }
    EXPECT_TRUE("it arrived now and then", n_settled > N_STEPS / 100);
    EXPECT_TRUE("it went back now and then", w.n_back > N_STEPS / 1000);
    for (size_t i = 0; i < 20 * (size_t)N_PROXIES * 8; i++)
        one_follows(&w);
    EXPECT_CSTR("it arrives", print(&a, newest(&w)), print(&a, &w.wanted));
    arena_fini(&a);
}
