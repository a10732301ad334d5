/* churn.c -- a small HTTP/1.1 client on the load's own loop, and the book of changes. */
#include "churn.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http1.h"
#include "load.h"
#include "spread.h"
#include "ursa/base/clock.h"

#define CLIENTS_MAX 64u
#define CHANGES_A_CLIENT 4u /* a second, so that the API does not take a connection for idle */
#define ANSWER_MAX (1u << 20)
#define QUIET_NS (500 * NS_PER_MS)

struct victim {
    struct VEC(int64_t) due_at; /* of its moves, the first to port VICTIM_PORT + 1 */
    uint32_t n_sent;
};

/* One kept connection. A victim belongs to one client, so that its moves are made in order. */
struct client {
    struct churn *churn;
    struct watch watch;
    struct buf answer;
    struct VEC(uint32_t) waiting; /* victims whose next move was due while it was busy */
    size_t n_taken;               /* from the front of them */
    bool is_open, is_busy;
    int64_t due_at; /* of the change that is under way */
};

struct churn {
    struct load *load;
    struct churn_plan plan;
    struct timer tick;
    struct settling settling; /* at its end */
    int64_t started_at;
    uint64_t n_due, n_answered, n_refused;
    uint64_t n_messages; /* of all proxies, before it began */
    struct client clients[CLIENTS_MAX];
    uint32_t n_clients;
    struct victim *victims;
    /* From the moment that a change was due to its answer, and to its arrival at a proxy. */
    struct spread answered, reached;
};

/* ---- requests ---- */

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void on_answer(struct watch *w, uint32_t events);

static void client_open(struct client *c)
{
    struct sockaddr_in api = {.sin_family = AF_INET,
                              .sin_port = htons(c->churn->load->options.api_port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    c->watch = (struct watch){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .ready = on_answer};
    if (c->watch.fd < 0 || connect(c->watch.fd, (struct sockaddr *)&api, sizeof(api)) < 0)
        die("ads_load: the API cannot be reached");
    loop_watch(&c->churn->load->place.loop, &c->watch, EPOLLIN);
    c->is_open = true;
}

static void client_close(struct client *c)
{
    if (!c->is_open)
        return;
    loop_watch(&c->churn->load->place.loop, &c->watch, 0);
    close(c->watch.fd);
    c->is_open = false;
}

static void client_init(struct client *c, struct churn *churn)
{
    *c = (struct client){.churn = churn};
    buf_init(&c->answer, 2 * ANSWER_MAX);
}

static void client_fini(struct client *c)
{
    client_close(c);
    buf_fini(&c->answer);
    VEC_FINI(&c->waiting);
}

static void client_send(struct client *c, uint32_t number)
{
    const struct churn_plan *plan = &c->churn->plan;
    struct victim *victim = &c->churn->victims[number];
    struct buf body, out;

    if (!c->is_open)
        client_open(c);
    c->is_busy = true;
    c->due_at = victim->due_at.v[victim->n_sent++];
    buf_init(&body, ANSWER_MAX);
    buf_init(&out, ANSWER_MAX);
    buf_printf(&body,
               "{\"type\":\"Dataplane\",\"mesh\":\"" STR_FMT "\",\"name\":\"victim-%u\",\"networking\":"
               "{\"address\":\"" VICTIM_NETWORK "%u.%u\",\"inbound\":[{\"port\":%u,\"tags\":"
               "{\"kuma.io/service\":\"svc-%u\",\"kuma.io/protocol\":\"" STR_FMT "\"}}]}}",
               STR_ARG(plan->mesh), number, number >> 8, number & 255, VICTIM_PORT + victim->n_sent,
               number % (uint32_t)plan->n_services, STR_ARG(plan->protocol));
    buf_printf(&out,
               "PUT /meshes/" STR_FMT "/dataplanes/victim-%u HTTP/1.1\r\nHost: localhost\r\n"
               "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
               STR_ARG(plan->mesh), number, body.n);
    buf_add_str(&out, buf_str(&body));
    if (send(c->watch.fd, out.p, out.n, MSG_NOSIGNAL) != (ssize_t)out.n)
        die("ads_load: a change cannot be sent");
    buf_fini(&body);
    buf_fini(&out);
}

/* ---- answers ---- */

static void take_answer(struct client *c, const struct http1_answer *answer)
{
    struct churn *churn = c->churn;

    if (answer->status / 100 != 2 && churn->n_refused++ == 0)
        fprintf(stderr, "ads_load: a change was answered: " STR_FMT "\n", STR_ARG(buf_str(&c->answer)));
    churn->n_answered++;
    spread_add(&churn->answered, clock_mono_ns() - c->due_at);
    buf_consume(&c->answer, answer->size);
    c->is_busy = false;
    if (c->n_taken < c->waiting.n) {
        client_send(c, c->waiting.v[c->n_taken++]);
    } else {
        VEC_CLEAR(&c->waiting);
        c->n_taken = 0;
    }
}

static void end_when_done(struct churn *);

static void on_answer(struct watch *w, uint32_t events)
{
    struct client *c = CONTAINER_OF(w, struct client, watch);
    char bytes[8192];
    ssize_t n = recv(w->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    struct http1_answer answer;

    (void)events;
    if (n <= 0 && !c->is_busy) { /* it has had nothing to say for long */
        client_close(c);
        return;
    }
    if (n <= 0) {
        fprintf(stderr, "ads_load: the API closed a connection\n");
        exit(1);
    }
    buf_add(&c->answer, bytes, (size_t)n);
    if (http1_answer_read(buf_str(&c->answer), &answer))
        take_answer(c, &answer);
    end_when_done(c->churn);
}

/* ---- the rate ---- */

static void make_due(struct churn *churn, int64_t at)
{
    uint32_t number = (uint32_t)(churn->n_due++ % churn->plan.n_victims);
    struct client *c = &churn->clients[number % churn->n_clients];

    VEC_PUSH(&churn->victims[number].due_at, at);
    if (c->is_busy)
        VEC_PUSH(&c->waiting, number);
    else
        client_send(c, number);
}

static void on_tick(struct timer *timer, int64_t now)
{
    struct churn *churn = CONTAINER_OF(timer, struct churn, tick);
    int64_t step = NS_PER_S / (int64_t)churn->plan.rate;
    uint64_t n = churn->plan.rate * churn->plan.seconds;

    while (churn->n_due < n && churn->started_at + (int64_t)churn->n_due * step <= now)
        make_due(churn, churn->started_at + (int64_t)churn->n_due * step);
    if (churn->n_due < n)
        timer_set(&churn->load->place.loop.timers, timer, churn->started_at + (int64_t)churn->n_due * step);
}

void churn_start(struct load *l, const struct churn_plan *plan)
{
    struct churn *churn = l->churn;

    if (!churn) {
        churn = l->churn = xcalloc(1, sizeof(*churn));
        churn->victims = xcalloc(plan->n_victims, sizeof(churn->victims[0]));
        for (size_t i = 0; i < l->n_proxies; i++)
            l->proxies[i].moves_seen = xcalloc(plan->n_victims, sizeof(uint32_t));
    } else if (plan->n_victims != churn->plan.n_victims) {
        fprintf(stderr, "ads_load: a churn has the victims of the first\n");
        exit(2);
    }
    churn->load = l;
    churn->plan = *plan;
    churn->plan.mesh = arena_str(&l->catalog.arena, plan->mesh);
    churn->plan.protocol = arena_str(&l->catalog.arena, plan->protocol);
    churn->n_messages = l->n_messages;
    churn->n_due = churn->n_answered = churn->n_refused = 0;
    churn->answered = churn->reached = (struct spread){0};
    churn->n_clients = (uint32_t)(plan->rate / CHANGES_A_CLIENT);
    churn->n_clients = churn->n_clients < 1             ? 1
                       : churn->n_clients > CLIENTS_MAX ? CLIENTS_MAX
                                                        : churn->n_clients;
    for (size_t i = 0; i < churn->n_clients; i++)
        client_init(&churn->clients[i], churn);
    churn->started_at = clock_mono_ns();
    churn->tick.expire = on_tick;
    timer_set(&l->place.loop.timers, &churn->tick, churn->started_at);
}

/* ---- what the proxies see ---- */

void churn_take(struct load *l, struct proxy *p, const struct content *k)
{
    struct churn *churn = l->churn;
    int64_t now = clock_mono_ns();

    if (!p->moves_seen || !str_eq(p->mesh, churn->plan.mesh))
        return;
    for (size_t i = 0; i < k->stamps.n; i++) {
        const struct stamp *s = &k->stamps.v[i];

        if (s->victim >= churn->plan.n_victims)
            continue;
        while (p->moves_seen[s->victim] < s->number)
            spread_add(&churn->reached, now - churn->victims[s->victim].due_at.v[p->moves_seen[s->victim]++]);
    }
}

/* Changes that did not reach proxies which saw an earlier one. */
static uint64_t count_missing(const struct churn *churn)
{
    uint64_t n = 0;

    for (size_t i = 0; i < churn->load->n_ordered; i++)
        for (size_t k = 0; k < churn->plan.n_victims; k++) {
            uint32_t seen = churn->load->proxies[i].moves_seen[k];

            n += seen > 0 ? churn->victims[k].n_sent - seen : 0;
        }
    return n;
}

static void report(struct load *l)
{
    const struct churn *churn = l->churn;
    const struct spread *s = &churn->reached;

    printf("{\"event\":\"churned\",\"changes\":%" PRIu64 ",\"refused\":%" PRIu64
           ",\"seconds\":%.3f,\"messages\":%" PRIu64 ",\"seen\":%" PRIu64 ",\"missing\":%" PRIu64,
           churn->n_answered, churn->n_refused, (double)(l->last_message_at - churn->started_at) / 1e9,
           l->n_messages - churn->n_messages, s->n, count_missing(churn));
    printf(",\"answered_p50_ms\":%.3f,\"answered_p99_ms\":%.3f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"last_ms\":%."
           "3f}\n",
           spread_percentile(&churn->answered, 50), spread_percentile(&churn->answered, 99),
           spread_percentile(s, 50), spread_percentile(s, 99), (double)s->longest / 1e6);
    fflush(stdout);
}

static void end_when_done(struct churn *churn)
{
    if (churn->n_answered < churn->plan.rate * churn->plan.seconds)
        return;
    for (size_t i = 0; i < churn->n_clients; i++)
        client_fini(&churn->clients[i]);
    load_settle(churn->load, &churn->settling, QUIET_NS, report);
}
