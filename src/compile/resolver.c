/* Names that somebody holds, each looked up by the workers again and again. */
#include "resolver.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "ursa/base/log.h"
#include "ursa/base/map.h"
#include "ursa/base/timers.h"
#include "ursa/base/workers.h"

/* How long who holds a new name is told to wait; a name server that is slower is not waited for. */
#define FIRST_WAIT (500 * NS_PER_MS)
/* COMPAT: kuma-cp believes an answer for as long. */
#define REFRESH (10 * NS_PER_S)
#define MAX_THREADS 4

struct resolver {
    struct resolver_options options;
    struct workers *workers;
    struct map hosts; /* struct host, by name */
    struct timers timers;
    size_t n_asking; /* hosts that a worker has */
};

struct host {
    struct resolver *resolver;
    size_t n_holders;
    enum host_state state;
    char address[ADDRESS_SIZE];
    bool asking; /* 'work' and 'found' are a worker's */
    struct work work;
    struct mail answered;
    struct addresses found;
    struct timer timer; /* until the first answer: the end of waiting; then: the next question */
    char name[];
};

/* ---- on a worker's thread ---- */

static void look_up_system(const char *name, struct addresses *out)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *all = NULL;

    if (getaddrinfo(name, NULL, &hints, &all) != 0)
        return;
    for (const struct addrinfo *at = all; at && out->n < ADDRESSES_MAX; at = at->ai_next) {
        if (getnameinfo(at->ai_addr, at->ai_addrlen, out->v[out->n], ADDRESS_SIZE, NULL, 0, NI_NUMERICHOST) ==
            0)
            out->n++;
    }
    freeaddrinfo(all);
}

static void run_question(struct work *work)
{
    struct host *h = CONTAINER_OF(work, struct host, work);

    h->found.n = 0;
    h->resolver->options.look_up(h->name, &h->found);
}

/* ---- answers ---- */

static bool is_before(const char *a, const char *b)
{
    bool a_is_v6 = strchr(a, ':'), b_is_v6 = strchr(b, ':');

    return a_is_v6 != b_is_v6 ? b_is_v6 : strcmp(a, b) < 0;
}

/* The present address as long as it is among those found: name servers give several in turns, and nothing
 * shall change with their order. Else the first, IPv4 before IPv6. */
static const char *choose(const struct host *h)
{
    const char *best = h->found.v[0];

    for (size_t i = 0; i < h->found.n; i++) {
        if (strcmp(h->found.v[i], h->address) == 0)
            return h->address;
        if (is_before(h->found.v[i], best))
            best = h->found.v[i];
    }
    return best;
}

static void host_free(struct host *h)
{
    free(h);
}

static void set_state(struct host *h, enum host_state state)
{
    bool same = h->state == state;

    h->state = state;
    if (state == HOST_UNKNOWN && !same)
        log_warn("compile", "host=%s has no address: what needs it is left out", h->name);
    if (!same)
        h->resolver->options.changed(h->resolver->options.ctx, str_from_c(h->name));
}

static void take_found(struct host *h)
{
    const char *address = choose(h);
    bool moved = strcmp(address, h->address) != 0;

    if (moved) {
        log_info("compile", "host=%s address=%s", h->name, address);
        memcpy(h->address, address, ADDRESS_SIZE);
    }
    if (h->state != HOST_KNOWN)
        set_state(h, HOST_KNOWN);
    else if (moved)
        h->resolver->options.changed(h->resolver->options.ctx, str_from_c(h->name));
}

static void take_answer(struct mail *mail)
{
    struct host *h = CONTAINER_OF(mail, struct host, answered);

    h->asking = false;
    h->resolver->n_asking--;
    if (h->n_holders == 0) {
        host_free(h);
        return;
    }
    timer_set(&h->resolver->timers, &h->timer, clock_mono_ns() + REFRESH);
    if (h->found.n > 0)
        take_found(h);
    else if (h->state == HOST_ASKED)
        set_state(h, HOST_UNKNOWN);
}

/* ---- questions ---- */

static void ask(struct host *h)
{
    struct resolver *r = h->resolver;

    COUNT(compile_names_looked_up);
    h->asking = true;
    r->n_asking++;
    workers_give(r->workers, &h->work, str_from_c(h->name), h->state == HOST_ASKED ? WORK_NOW : WORK_LATER);
}

static void expire(struct timer *timer, int64_t now)
{
    struct host *h = CONTAINER_OF(timer, struct host, timer);

    (void)now;
    if (h->asking)
        set_state(h, HOST_UNKNOWN); /* for now: the answer is still to come */
    else
        ask(h);
}

struct host *resolver_hold(struct resolver *r, struct str name)
{
    struct host *h = map_find(&r->hosts, name);

    if (!h) {
        h = xcalloc(1, sizeof(*h) + name.n + 1);
        h->resolver = r;
        memcpy(h->name, name.p, name.n);
        h->work = (struct work){.run = run_question, .mail = &h->answered, .box = r->options.box};
        h->answered.handle = take_answer;
        h->timer.expire = expire;
        map_put(&r->hosts, str_from(h->name, name.n), h);
        timer_set(&r->timers, &h->timer, clock_mono_ns() + FIRST_WAIT);
        ask(h);
    }
    h->n_holders++;
    return h;
}

struct host *host_hold(struct host *h)
{
    h->n_holders++;
    return h;
}

void host_release(struct host *h)
{
    if (!h || --h->n_holders > 0)
        return;
    map_del(&h->resolver->hosts, str_from_c(h->name));
    timer_clear(&h->resolver->timers, &h->timer);
    if (!h->asking)
        host_free(h);
}

enum host_state host_state(const struct host *h)
{
    return h->state;
}

struct str host_address(const struct host *h)
{
    return str_from_c(h->address);
}

/* ---- life ---- */

int64_t resolver_deadline(const struct resolver *r)
{
    return timers_next(&r->timers);
}

void resolver_run(struct resolver *r, int64_t now_ns)
{
    timers_run(&r->timers, now_ns);
}

struct resolver *resolver_new(const struct resolver_options *options)
{
    struct resolver *r = xcalloc(1, sizeof(*r));

    r->options = *options;
    if (!r->options.look_up)
        r->options.look_up = look_up_system;
    r->workers = workers_new("ursa-names", MAX_THREADS);
    map_init(&r->hosts);
    return r;
}

void resolver_free(struct resolver *r)
{
    if (!r)
        return;
    assert(r->hosts.n == 0);
    workers_stop(r->workers);
    mailbox_run(r->options.box);
    assert(r->n_asking == 0);
    map_fini(&r->hosts);
    timers_fini(&r->timers);
    free(r);
}
