/* main.c -- ads_load: many simulated proxies in one process, with real TLS, HTTP/2 and aggregated discovery,
 * as Envoy speaks it; or with REST discovery, for which Envoy has a connection for each thing that it asks
 * for.
 *
 *     ads_load --port=5678 --proxies=FILE [--transport=delta|sotw|rest] [--sources=N] [--parallel=N]
 * [--resume]
 *              [--endpoints=N] [--api-port=5681] [--hold] [--seconds=60]
 *
 * FILE has a line "MESH NAME [TOKEN|- [DATAPLANE]]" for each proxy; DATAPLANE, JSON up to the end of the
 * line, is brought by the proxy. They connect at once, --parallel handshakes at a time, from --sources
 * loopback addresses; a connection that is lost is opened again. --hold waits for orders. A proxy is
 * configured when it holds listeners, everything that they and clusters refer to, and --endpoints endpoints.
 *
 * Orders on standard input, events on standard output as lines of JSON:
 *
 *     connect [N]        the next N connect; "configured" when all of them are ("incomplete" when time is
 *                        over): times since the order, and since each one's first request
 *     reconnect          all drop their connections and return at once; "reconnected"
 *     mark [N [MESH [NAME]]]
 *                        "marked" now, "pushed" when N proxies (of the mesh) have received something since,
 *                        or something new whose name begins so; SIGUSR1 is "mark"
 *     report             "pushed" with what the mark has seen so far
 *     settle [MS]        "settled" when nothing was received for so long: totals
 *     churn RATE SECONDS MESH VICTIMS SERVICES PROTOCOL
 *                        changes through the API (churn.h); "churned"
 *     quit               as the end of input
 *
 * Times in _ns are CLOCK_MONOTONIC, so that a driver can relate them to its own. Exit code 1: not all were
 * configured. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "load.h"

/* Mapped for good: names and Dataplanes are parts of it. */
static struct str map_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    void *p = MAP_FAILED;

    if (fd >= 0 && fstat(fd, &st) == 0)
        p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED) {
        fprintf(stderr, "ads_load: %s: %s\n", path, strerror(errno));
        exit(2);
    }
    close(fd);
    return str_from(p, (size_t)st.st_size);
}

static void read_proxies(struct load *l, const char *path)
{
    struct str lines = map_file(path), line;
    struct VEC(struct proxy) proxies = {0};

    while (str_next(&lines, '\n', &line)) {
        struct str mesh, name, token = STR_NONE;

        if (!str_next(&line, ' ', &mesh) || !str_next(&line, ' ', &name))
            continue;
        if (!str_next(&line, ' ', &token) || str_eq(token, STR("-")))
            token = STR_NONE;
        struct proxy p = {.load = l,
                          .mesh = mesh,
                          .name = name,
                          .dataplane = line,
                          .token = token,
                          .number = (uint32_t)proxies.n};

        VEC_PUSH(&proxies, p);
    }
    for (size_t i = 0; i < proxies.n; i++)
        list_init(&proxies.v[i].questions);
    l->proxies = proxies.v;
    l->n_proxies = proxies.n;
}

static void allow_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

struct arguments {
    struct load_options load;
    const struct protocol *protocol;
    const char *file;
    bool holds;
};

static bool read_protocol(struct arguments *a, const char *text)
{
    static const struct protocol *const protocols[] = {&protocol_delta, &protocol_sotw, &protocol_rest};

    for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
        if (strcmp(text, protocols[i]->name) == 0) {
            a->protocol = protocols[i];
            return true;
        }
    return false;
}

static bool read_number(const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
    return str_to_uint(str_from_c(text), most, out) && *out >= least;
}

static bool read_argument(struct arguments *a, int option, const char *text)
{
    struct load_options *o = &a->load;
    uint64_t n = 0;
    bool ok = true;

    switch (option) {
    case 'p':
        ok = read_number(text, 1, 65535, &n);
        o->port = (uint16_t)n;
        break;
    case 'a':
        ok = read_number(text, 1, 65535, &n);
        o->api_port = (uint16_t)n;
        break;
    case 'i':
        ok = read_number(text, 1, 65535, &n);
        o->n_sources = (uint32_t)n;
        break;
    case 'w':
        ok = read_number(text, 1, UINT32_MAX, &n);
        o->n_parallel = n;
        break;
    case 'e':
        ok = read_number(text, 0, UINT32_MAX, &n);
        o->n_endpoints = n;
        break;
    case 's':
        ok = read_number(text, 1, 86400, &n);
        o->seconds = (int64_t)n;
        break;
    case 't':
        return read_protocol(a, text);
    case 'f':
        a->file = text;
        break;
    case 'r':
        o->resumes = true;
        break;
    case 'h':
        a->holds = true;
        break;
    default:
        return false;
    }
    return ok;
}

static bool read_arguments(struct arguments *a, int argc, char **argv)
{
    static const struct option options[] = {{"port", required_argument, NULL, 'p'},
                                            {"proxies", required_argument, NULL, 'f'},
                                            {"seconds", required_argument, NULL, 's'},
                                            {"transport", required_argument, NULL, 't'},
                                            {"sources", required_argument, NULL, 'i'},
                                            {"parallel", required_argument, NULL, 'w'},
                                            {"endpoints", required_argument, NULL, 'e'},
                                            {"api-port", required_argument, NULL, 'a'},
                                            {"resume", no_argument, NULL, 'r'},
                                            {"hold", no_argument, NULL, 'h'},
                                            {0}};
    int option;

    *a = (struct arguments){
        .load = {.port = 5678, .api_port = 5681, .n_sources = 1, .n_parallel = 256, .seconds = 60},
        .protocol = &protocol_delta};
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (!read_argument(a, option, optarg))
            return false;
    return a->file != NULL;
}

int main(int argc, char **argv)
{
    struct load *l = xcalloc(1, sizeof(*l));
    struct arguments a;

    if (!read_arguments(&a, argc, argv)) {
        fprintf(stderr,
                "usage: ads_load --port=PORT --proxies=FILE [--transport=delta|sotw|rest] [--sources=N] "
                "[--parallel=N] [--resume] [--endpoints=N] [--api-port=PORT] [--hold] "
                "[--seconds=N]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    allow_descriptors();
    l->options = a.load;
    l->protocol = a.protocol;
    list_init(&l->waiting);
    catalog_init(&l->catalog);
    conn_place_init(&l->place, a.load.port, a.load.n_sources, a.load.resumes, a.protocol->alpn);
    read_proxies(l, a.file);
    orders_watch(l);
    if (!a.holds)
        load_connect(l, l->n_proxies);
    return load_run(l) ? 0 : 1; /* the process's memory goes with it */
}
