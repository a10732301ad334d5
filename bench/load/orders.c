/* orders.c -- what the driver wants, a line each; main.c lists them. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "churn.h"
#include "load.h"
#include "ursa/base/clock.h"

#define WORDS_MAX 8

struct order {
    struct str words[WORDS_MAX];
    size_t n;
};

/* The number at a place of the order; 'otherwise' when it says none there. */
static uint64_t number_at(const struct order *o, size_t i, uint64_t otherwise)
{
    uint64_t n;

    return i < o->n && str_to_uint(o->words[i], UINT32_MAX, &n) ? n : otherwise;
}

static void order_connect(struct load *l, const struct order *o)
{
    load_connect(l, number_at(o, 1, l->n_proxies));
}

static void order_reconnect(struct load *l, const struct order *o)
{
    (void)o;
    load_reconnect(l);
}

static void order_mark(struct load *l, const struct order *o)
{
    load_mark(l, number_at(o, 1, l->n_configured), o->words[2], o->words[3]);
}

static void order_report(struct load *l, const struct order *o)
{
    (void)o;
    load_report_mark(l);
}

static void order_settle(struct load *l, const struct order *o)
{
    load_settle(l, &l->settling, (int64_t)number_at(o, 1, 500) * NS_PER_MS, load_report_settled);
}

static void order_churn(struct load *l, const struct order *o)
{
    struct churn_plan plan = {.rate = number_at(o, 1, 0),
                              .seconds = number_at(o, 2, 0),
                              .mesh = o->words[3],
                              .n_victims = number_at(o, 4, 0),
                              .n_services = number_at(o, 5, 0),
                              .protocol = o->words[6]};

    if (o->n == 7 && plan.rate > 0 && plan.seconds > 0 && plan.n_victims > 0 && plan.n_services > 0)
        churn_start(l, &plan);
    else
        fprintf(stderr, "ads_load: churn wants RATE SECONDS MESH VICTIMS SERVICES PROTOCOL\n");
}

static void order_quit(struct load *l, const struct order *o)
{
    (void)o;
    l->is_over = true;
}

static void take_order(struct load *l, struct str line)
{
    static const struct {
        struct str word;
        void (*run)(struct load *, const struct order *);
    } orders[] = {
        {STR_INIT("connect"), order_connect}, {STR_INIT("reconnect"), order_reconnect},
        {STR_INIT("mark"), order_mark},       {STR_INIT("report"), order_report},
        {STR_INIT("settle"), order_settle},   {STR_INIT("churn"), order_churn},
        {STR_INIT("quit"), order_quit},
    };
    struct order o = {0};

    while (o.n < WORDS_MAX && str_next(&line, ' ', &o.words[o.n]))
        o.n++;
    for (size_t i = 0; i < ARRAY_LEN(orders); i++)
        if (str_eq(o.words[0], orders[i].word)) {
            orders[i].run(l, &o);
            return;
        }
    fprintf(stderr, "ads_load: unknown order " STR_FMT "\n", STR_ARG(o.words[0]));
}

static void on_input(struct watch *w, uint32_t events)
{
    struct load *l = CONTAINER_OF(w, struct load, input);
    char bytes[1024];
    ssize_t n = read(w->fd, bytes, sizeof(bytes));
    struct str lines = str_from(bytes, n > 0 ? (size_t)n : 0), line;

    (void)events;
    if (n <= 0) {
        loop_watch(&l->place.loop, w, 0);
        l->is_over = true;
        return;
    }
    while (str_next(&lines, '\n', &line))
        if (line.n > 0)
            take_order(l, str_trim(line));
}

static void on_signal(struct watch *w, uint32_t events)
{
    struct load *l = CONTAINER_OF(w, struct load, signals);
    struct signalfd_siginfo info;

    (void)events;
    if (read(w->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        load_mark(l, l->n_configured, STR_NONE, STR_NONE);
}

void orders_watch(struct load *l)
{
    sigset_t usr1;
    struct stat st;

    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sigprocmask(SIG_BLOCK, &usr1, NULL);
    l->signals = (struct watch){.fd = signalfd(-1, &usr1, SFD_CLOEXEC | SFD_NONBLOCK), .ready = on_signal};
    loop_watch(&l->place.loop, &l->signals, EPOLLIN);
    /* A file or /dev/null cannot be waited for, and gives no orders. */
    l->input = (struct watch){.fd = STDIN_FILENO, .ready = on_input};
    if (isatty(STDIN_FILENO) ||
        (fstat(STDIN_FILENO, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))))
        loop_watch(&l->place.loop, &l->input, EPOLLIN);
}
