/* load.c -- connects the proxies, counts what happens to them and prints it, a line of JSON for each event.
 */
#include "load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "ursa/base/clock.h"

#define LOSSES_SHOWN 10
#define RETRY_NS (500 * NS_PER_MS) /* as Envoy's first */

/* ---- the spread of times ---- */

static int time_order(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

struct times VEC(int64_t); /* ns since their event */

static double percentile(const struct times *sorted, size_t percent)
{
    return sorted->n > 0 ? (double)sorted->v[(sorted->n - 1) * percent / 100] / 1e6 : 0.0;
}

/* Sorts, prints and empties them; 'prefix' begins the members' names. */
static void print_times(struct times *times, const char *prefix)
{
    if (times->n > 0)
        qsort(times->v, times->n, sizeof(times->v[0]), time_order);
    printf(",\"%sfirst_ms\":%.3f,\"%sp50_ms\":%.3f,\"%sp99_ms\":%.3f,\"%slast_ms\":%.3f", prefix,
           percentile(times, 0), prefix, percentile(times, 50), prefix, percentile(times, 99), prefix,
           percentile(times, 100));
    VEC_FINI(times);
}

/* ---- connecting ---- */

/* 'each' is the time from a proxy's own first request. */
static void report_cohort(struct load *l, const char *event)
{
    struct times since_order = {0}, each = {0};

    for (size_t i = l->cohort.first; i < l->cohort.first + l->cohort.n; i++) {
        const struct proxy *p = &l->proxies[i];

        if (!p->is_configured)
            continue;
        VEC_PUSH(&since_order, p->configured_at - l->cohort.started_at);
        VEC_PUSH(&each, p->configured_at - p->asked_at);
    }
    printf("{\"event\":\"%s\",\"proxies\":%zu,\"configured\":%zu,\"lost\":%zu,\"started_ns\":%" PRId64
           ",\"ended_ns\":%" PRId64 ",\"bytes\":%" PRIu64 ",\"messages\":%" PRIu64,
           event, l->cohort.n, since_order.n, l->n_lost, l->cohort.started_at, clock_mono_ns(),
           l->place.n_bytes, l->n_messages);
    print_times(&since_order, "");
    print_times(&each, "each_");
    printf("}\n");
    fflush(stdout);
}

static void leave_cohort(struct load *l, const struct proxy *p)
{
    if (p->number < l->cohort.first || p->number >= l->cohort.first + l->cohort.n ||
        l->cohort.n_waiting == 0 || --l->cohort.n_waiting > 0)
        return;
    report_cohort(l, l->is_reconnecting ? "reconnected" : "configured");
    l->is_reconnecting = false;
}

static void order(struct load *l, size_t first, size_t n)
{
    l->cohort = (struct cohort){.first = first, .n = n, .n_waiting = n, .started_at = clock_mono_ns()};
    l->n_started = first;
    l->n_ordered = first + n;
}

void load_connect(struct load *l, size_t n)
{
    size_t left = l->n_proxies - l->n_ordered;

    order(l, l->n_ordered, n < left ? n : left);
    if (l->cohort.n == 0)
        report_cohort(l, "configured");
}

void load_reconnect(struct load *l)
{
    for (size_t i = 0; i < l->n_ordered; i++) {
        timer_clear(&l->place.loop.timers, &l->proxies[i].retry);
        l->protocol->close(&l->proxies[i]);
    }
    l->is_reconnecting = true;
    order(l, 0, l->n_ordered);
}

void load_open_soon(struct load *l, struct opening *o)
{
    list_add_tail(&l->waiting, &o->node);
}

void load_end_opening(struct load *l, struct opening *o)
{
    list_del(&o->node);
    l->n_opening -= o->is_under_way;
    o->is_under_way = false;
}

/* Between two passes, so that closed connections are buried. */
static void open_some(struct load *l)
{
    while (!list_empty(&l->waiting) && l->n_opening < l->options.n_parallel) {
        struct opening *o = LIST_ITEM(l->waiting.next, struct opening, node);

        list_del(&o->node);
        o->is_under_way = true;
        l->n_opening++;
        o->open(o);
    }
    while (l->n_started < l->n_ordered && l->n_opening < l->options.n_parallel) {
        struct proxy *p = &l->proxies[l->n_started++];

        l->n_opening++;
        l->protocol->open(p);
    }
}

bool load_run(struct load *l)
{
    int64_t until = clock_mono_ns() + l->options.seconds * NS_PER_S;

    while (!l->is_over && clock_mono_ns() < until) {
        open_some(l);
        loop_pass(&l->place.loop, until);
    }
    if (l->cohort.n_waiting > 0)
        report_cohort(l, "incomplete");
    return l->n_configured == l->n_ordered;
}

void load_opened(struct load *l, struct proxy *p)
{
    l->n_opening--;
    if (l->is_reconnecting)
        leave_cohort(l, p);
}

void load_configured(struct load *l, struct proxy *p)
{
    p->is_configured = true;
    p->configured_at = clock_mono_ns();
    l->n_configured++;
    leave_cohort(l, p);
}

/* ---- connections that are lost ---- */

static void on_retry(struct timer *timer, int64_t now)
{
    struct proxy *p = CONTAINER_OF(timer, struct proxy, retry);

    (void)now;
    p->load->n_opening++;
    p->load->protocol->open(p);
}

void load_lost(struct load *l, struct proxy *p, const char *why)
{
    l->n_opening -= !p->is_open;
    if (l->n_lost++ < LOSSES_SHOWN)
        fprintf(stderr, "ads_load: " STR_FMT "." STR_FMT ": %s\n", STR_ARG(p->mesh), STR_ARG(p->name), why);
    p->retry.expire = on_retry;
    timer_set(&l->place.loop.timers, &p->retry, clock_mono_ns() + RETRY_NS + p->number % 256 * NS_PER_MS);
}

/* ---- what comes after a moment ---- */

void load_report_mark(struct load *l)
{
    struct mark *m = &l->mark;
    struct times times = {0};

    if (m->at == 0)
        return;
    for (size_t i = 0; i < l->n_proxies; i++)
        if (l->proxies[i].pushed_at != 0)
            VEC_PUSH(&times, l->proxies[i].pushed_at - m->at);
    printf("{\"event\":\"pushed\",\"received\":%zu,\"lost\":%zu,\"mark_ns\":%" PRId64 ",\"bytes\":%" PRIu64
           ",\"messages\":%" PRIu64,
           times.n, l->n_lost, m->at, l->place.n_bytes - m->n_bytes, l->n_messages - m->n_messages);
    print_times(&times, "");
    printf("}\n");
    fflush(stdout);
    m->at = 0;
}

/* Once the whole of the last response is counted. */
static void report_when_all(struct job *job)
{
    load_report_mark(CONTAINER_OF(job, struct load, mark.report));
}

static struct str kept(struct load *l, struct str text)
{
    return text.n > 0 ? arena_str(&l->catalog.arena, text) : STR_NONE;
}

void load_mark(struct load *l, size_t n_expected, struct str mesh, struct str name)
{
    load_report_mark(l);
    for (size_t i = 0; i < l->n_proxies; i++)
        l->proxies[i].pushed_at = 0;
    l->mark = (struct mark){.at = clock_mono_ns(),
                            .mesh = kept(l, mesh),
                            .name = kept(l, name),
                            .n_expected = n_expected,
                            .n_bytes = l->place.n_bytes,
                            .n_messages = l->n_messages};
    job_init(&l->mark.report, report_when_all);
    printf("{\"event\":\"marked\",\"mark_ns\":%" PRId64 "}\n", l->mark.at);
    fflush(stdout);
}

static void count(struct load *l, struct proxy *p)
{
    struct mark *m = &l->mark;

    if (m->at == 0 || p->pushed_at != 0 || (m->mesh.n > 0 && !str_eq(m->mesh, p->mesh)))
        return;
    p->pushed_at = l->last_message_at;
    if (++m->n_pushed == m->n_expected)
        loop_work(&l->place.loop, &m->report, 0);
}

void load_received(struct load *l, struct proxy *p)
{
    l->n_messages++;
    l->last_message_at = clock_mono_ns();
    if (l->mark.name.n == 0)
        count(l, p);
}

void load_renewed(struct load *l, struct proxy *p, const struct name *name)
{
    if (l->mark.name.n > 0 && str_has_prefix(name->text, l->mark.name))
        count(l, p);
}

/* ---- quiet ---- */

static void look_for_quiet(struct timer *timer, int64_t now)
{
    struct settling *s = CONTAINER_OF(timer, struct settling, timer);
    int64_t quiet_at = s->load->last_message_at + s->quiet_ns;

    if (now < quiet_at)
        timer_set(&s->load->place.loop.timers, timer, quiet_at);
    else
        s->done(s->load);
}

void load_settle(struct load *l, struct settling *s, int64_t quiet_ns, void (*done)(struct load *))
{
    s->load = l;
    s->quiet_ns = quiet_ns;
    s->done = done;
    s->timer.expire = look_for_quiet;
    timer_set(&l->place.loop.timers, &s->timer, clock_mono_ns() + quiet_ns);
}

/* 'final_bytes': what all proxies hold, each resource as it stands. */
void load_report_settled(struct load *l)
{
    struct rusage use;
    size_t fewest = SIZE_MAX, final = 0, missing = 0;

    for (size_t i = 0; i < l->n_ordered; i++) {
        const struct holdings *h = &l->proxies[i].holdings;

        fewest = h->n_endpoints < fewest ? h->n_endpoints : fewest;
        final += h->n_bytes;
        missing += h->n_missing;
    }
    getrusage(RUSAGE_SELF, &use);
    printf("{\"event\":\"settled\",\"last_ns\":%" PRId64 ",\"bytes\":%" PRIu64 ",\"messages\":%" PRIu64
           ",\"final_bytes\":%zu,\"fewest_endpoints\":%zu,\"missing\":%zu,\"lost\":%zu"
           ",\"load_cpu_s\":%.3f,\"load_rss_kb\":%ld}\n",
           l->last_message_at, l->place.n_bytes, l->n_messages, final, l->n_ordered > 0 ? fewest : 0, missing,
           l->n_lost,
           (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
               (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6,
           use.ru_maxrss);
    fflush(stdout);
}
