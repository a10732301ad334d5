/* ads_load.c -- many simulated proxies in one process: real TLS, HTTP/2 and state-of-the-world ADS, as Envoy
 * speaks it.
 *
 *     ads_load --port=5678 --proxies=FILE [--seconds=60]
 *
 * FILE has a line "MESH NAME [TOKEN]" for each proxy. Each subscribes as Envoy does (clusters; their
 * endpoints and secrets; listeners once these are there; then the routes, secrets and filters that listeners
 * name), acknowledges everything and stays connected. Prints a line of JSON when all are configured. Then it
 * takes orders from standard input:
 *
 *     mark [N]   measures from now until N proxies (without N: all) have received something; SIGUSR1 is the
 * same as "mark" report     prints what the present mark has seen so far quit       as the end of input
 *
 * 'mark_ns' is CLOCK_MONOTONIC, so that a driver can relate it to its own times. Exit code 1: not all were
 * configured in time. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <nghttp2/nghttp2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../src/net/loop.h"
#include "../src/net/tls.h"
#include "ursa/base/clock.h"
#include "ursa/base/hash.h"
#include "ursa/base/map.h"
#include "ursa/envoy.h"

#define ADS_PATH "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"
#define PREFIX_SIZE 5u
#define MESSAGE_MAX (64u << 20)
#define WINDOW (256 << 20) /* Envoy's */

/* What a resource is called and what it makes a proxy ask for. Equal bytes are read once. */
struct known {
    struct str hash; /* the key */
    struct str name;
    struct names VEC(struct str) refs[XDS_N];
};

struct subscription {
    bool is_active, is_answered;
    struct str version, nonce;      /* of the last response; on the heap */
    struct names wanted;            /* sorted */
    struct map received;            /* names */
    struct VEC(struct known *) set; /* the newest whole set, of clusters and listeners */
};

struct load;
struct proxy {
    struct load *load;
    struct str mesh, name, token;
    struct watch watch;
    struct job send;
    SSL *ssl;
    bool is_connected, is_configured, has_failed;
    nghttp2_session *h2;
    int32_t stream;
    struct buf out; /* for TLS */
    size_t out_sent;
    struct buf requests; /* gRPC frames for the stream */
    size_t requests_sent;
    struct buf in; /* the message that is not whole yet */
    bool said_node;
    struct subscription subs[XDS_N];
    int64_t configured_at, pushed_at; /* 0: not yet */
};

struct load {
    struct loop loop;
    struct arena arena; /* names */
    struct map known;
    SSL_CTX *tls;
    struct sockaddr_in server;
    struct proxy *proxies;
    size_t n_proxies, n_configured, n_failed;
    int64_t started_at, marked_at; /* 0: no mark */
    size_t n_expected, n_pushed;   /* of the mark */
    uint64_t n_bytes, n_messages;
    uint64_t marked_bytes, marked_messages;
    struct watch signals, input;
    bool is_over;
    char scratch[16384];
};

/* ---- reading resources ---- */

static int str_order(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void names_add(struct load *l, struct names *names, const json_t *name)
{
    if (json_is_string(name))
        VEC_PUSH(names, arena_str(&l->arena, str_from_c(json_string_value(name))));
}

/* Anywhere in a resource: a secret, a route configuration or a filter that is to be fetched by name. */
static void find_refs(struct load *l, struct known *k, const json_t *tree)
{
    const char *key;
    json_t *child;
    size_t i;

    if (json_is_object(tree)) {
        if (json_object_get(tree, "sdsConfig"))
            names_add(l, &k->refs[XDS_SECRET], json_object_get(tree, "name"));
        if (json_object_get(tree, "configDiscovery"))
            names_add(l, &k->refs[XDS_EXTENSION], json_object_get(tree, "name"));
        names_add(l, &k->refs[XDS_ROUTE], json_object_get(tree, "routeConfigName"));
    }
    json_object_foreach((json_t *)(uintptr_t)tree, key, child) find_refs(l, k, child);
    json_array_foreach(tree, i, child) find_refs(l, k, child);
}

static void read_resource(struct load *l, enum xds_type type, struct str value, struct known *k)
{
    const struct xds_type_info *info = xds_type_info(type);
    struct arena scratch;
    struct err e;
    json_t *tree = NULL;

    arena_init(&scratch);
    err_init(&e, &scratch);
    if (envoy_decode(info->message, value, &tree, &e) != ERR_NONE) {
        fprintf(stderr, "ads_load: a resource cannot be read: " STR_FMT "\n", STR_ARG(e.text));
        exit(1);
    }
    const char *name = json_string_value(json_object_get(tree, info->name_field.p));
    const char *kind = json_string_value(json_object_get(tree, "type"));
    json_t *service = json_object_get(json_object_get(tree, "edsClusterConfig"), "serviceName");

    k->name = arena_str(&l->arena, str_from_c(name));
    if (type == XDS_CLUSTER && kind && strcmp(kind, "EDS") == 0)
        names_add(l, &k->refs[XDS_ENDPOINT], service ? service : json_object_get(tree, "name"));
    find_refs(l, k, tree);
    json_decref(tree);
    arena_fini(&scratch);
}

static struct known *know(struct load *l, enum xds_type type, struct str any)
{
    uint64_t hash = hash_content(any.p, any.n);
    struct known *k = map_find(&l->known, str_from(&hash, sizeof(hash)));
    struct pb_reader reader;
    struct pb_field field;

    if (k)
        return k;
    k = ARENA_NEW(&l->arena, struct known);
    k->hash = arena_str(&l->arena, str_from(&hash, sizeof(hash)));
    pb_reader_init(&reader, any);
    while (pb_next(&reader, &field))
        if (field.number == 2)
            read_resource(l, type, field.bytes, k);
    map_put(&l->known, k->hash, k);
    return k;
}

/* ---- what a proxy asks for ---- */

static void put_node(const struct proxy *p, struct buf *request)
{
    struct buf node;

    buf_init(&node, 4096);
    pb_put_header(&node, 1, p->mesh.n + 1 + p->name.n);
    buf_printf(&node, STR_FMT "." STR_FMT, STR_ARG(p->mesh), STR_ARG(p->name));
    pb_put_str(&node, 2, p->name);
    pb_put_bytes(request, 2, buf_str(&node));
    buf_fini(&node);
}

static void frame_write(struct buf *out, struct str message)
{
    uint32_t size = htonl((uint32_t)message.n);

    buf_add_byte(out, 0);
    buf_add(out, &size, sizeof(size));
    buf_add_str(out, message);
}

static void request(struct proxy *p, enum xds_type type)
{
    struct subscription *s = &p->subs[type];
    struct buf message;

    buf_init(&message, MESSAGE_MAX);
    pb_put_str(&message, 1, s->version);
    if (!p->said_node)
        put_node(p, &message);
    for (size_t i = 0; i < s->wanted.n; i++)
        pb_put_str(&message, 3, s->wanted.v[i]);
    pb_put_str(&message, 4, xds_type_info(type)->type_url);
    pb_put_str(&message, 5, s->nonce);
    frame_write(&p->requests, buf_str(&message));
    buf_fini(&message);
    p->said_node = s->is_active = true;
    nghttp2_session_resume_data(p->h2, p->stream);
    loop_work(&p->load->loop, &p->send);
}

static void collect(const struct subscription *from, enum xds_type type, struct names *out)
{
    for (size_t i = 0; i < from->set.n; i++)
        for (size_t k = 0; k < from->set.v[i]->refs[type].n; k++)
            VEC_PUSH(out, from->set.v[i]->refs[type].v[k]);
}

static bool names_eq(const struct names *a, const struct names *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!str_eq(a->v[i], b->v[i]))
            return false;
    return true;
}

static void names_sort(struct names *names)
{
    size_t n = 0;

    if (names->n > 0)
        qsort(names->v, names->n, sizeof(names->v[0]), str_order);
    for (size_t i = 0; i < names->n; i++)
        if (n == 0 || !str_eq(names->v[i], names->v[n - 1]))
            names->v[n++] = names->v[i];
    names->n = n;
}

/* Asks anew when the clusters and listeners name others than before. */
static void want(struct proxy *p, enum xds_type type)
{
    struct subscription *s = &p->subs[type];
    struct names wanted = {0};

    collect(&p->subs[XDS_CLUSTER], type, &wanted);
    collect(&p->subs[XDS_LISTENER], type, &wanted);
    names_sort(&wanted);
    bool is_new = !names_eq(&wanted, &s->wanted);

    VEC_FINI(&s->wanted);
    s->wanted = wanted;
    if (is_new)
        request(p, type);
}

static bool has_all(const struct subscription *s)
{
    for (size_t i = 0; i < s->wanted.n; i++)
        if (!map_find(&s->received, s->wanted.v[i]))
            return false;
    return true;
}

static void report_configured(struct load *l);

static void advance(struct proxy *p)
{
    static const enum xds_type named[] = {XDS_ENDPOINT, XDS_SECRET, XDS_ROUTE, XDS_EXTENSION};
    bool all = true;

    for (size_t i = 0; i < ARRAY_LEN(named); i++) {
        want(p, named[i]);
        all = all && has_all(&p->subs[named[i]]);
    }
    if (all && !p->subs[XDS_LISTENER].is_active)
        request(p, XDS_LISTENER); /* Envoy asks when its clusters are initialised */
    if (!all || !p->subs[XDS_LISTENER].is_answered || p->is_configured)
        return;
    p->is_configured = true;
    p->configured_at = clock_mono_ns();
    p->load->n_configured++;
    report_configured(p->load);
}

/* ---- what it receives ---- */

static void str_replace(struct str *s, struct str fresh)
{
    free((char *)(uintptr_t)s->p);
    *s = str_from(xstrndup(fresh), fresh.n);
}

static void take_response(struct proxy *p, struct str message)
{
    struct pb_reader reader;
    struct pb_field f;
    struct str version = STR_NONE, nonce = STR_NONE;
    enum xds_type type = XDS_N;

    /* The type follows the resources on the wire. */
    pb_reader_init(&reader, message);
    while (pb_next(&reader, &f))
        if (f.number == 1)
            version = f.bytes;
        else if (f.number == 4)
            type = xds_type_by_url(f.bytes);
        else if (f.number == 5)
            nonce = f.bytes;
    if (type == XDS_N)
        return;
    struct subscription *s = &p->subs[type];

    VEC_CLEAR(&s->set);
    pb_reader_init(&reader, message);
    while (pb_next(&reader, &f)) {
        if (f.number != 2)
            continue;
        struct known *k = know(p->load, type, f.bytes);

        map_put(&s->received, k->name, k);
        if (xds_type_info(type)->whole_set)
            VEC_PUSH(&s->set, k);
    }
    str_replace(&s->version, version);
    str_replace(&s->nonce, nonce);
    s->is_answered = true;
    request(p, type);
    advance(p);
}

static double ms_between(int64_t from, int64_t to)
{
    return (double)(to - from) / 1e6;
}

static int time_order(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static double percentile(const int64_t *sorted, size_t n, size_t percent, int64_t from)
{
    return n > 0 ? ms_between(from, sorted[(n - 1) * percent / 100]) : 0.0;
}

/* One line: the spread of the times at 'offset' in each proxy, those that are not 0. */
static void print_times(struct load *l, const char *event, size_t offset, int64_t from, uint64_t bytes,
                        uint64_t messages)
{
    int64_t *times = xcalloc(l->n_proxies, sizeof(times[0]));
    size_t n = 0;

    for (size_t i = 0; i < l->n_proxies; i++) {
        int64_t at = *(const int64_t *)(const void *)((const char *)&l->proxies[i] + offset);

        if (at != 0)
            times[n++] = at;
    }
    qsort(times, n, sizeof(times[0]), time_order);
    printf("{\"event\":\"%s\",\"proxies\":%zu,\"received\":%zu,\"failed\":%zu,\"mark_ns\":%" PRId64
           ",\"first_ms\":%.3f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"last_ms\":%.3f,\"bytes\":%" PRIu64
           ",\"messages\":%" PRIu64 "}\n",
           event, l->n_proxies, n, l->n_failed, from, percentile(times, n, 0, from),
           percentile(times, n, 50, from), percentile(times, n, 99, from), percentile(times, n, 100, from),
           bytes, messages);
    fflush(stdout);
    free(times);
}

static void report_configured(struct load *l)
{
    if (l->n_configured + l->n_failed == l->n_proxies)
        print_times(l, "configured", offsetof(struct proxy, configured_at), l->started_at, l->n_bytes,
                    l->n_messages);
}

static void report_pushed(struct load *l)
{
    if (l->marked_at == 0)
        return;
    print_times(l, "pushed", offsetof(struct proxy, pushed_at), l->marked_at, l->n_bytes - l->marked_bytes,
                l->n_messages - l->marked_messages);
    l->marked_at = 0;
}

static void take_message(struct proxy *p, struct str message)
{
    struct load *l = p->load;

    l->n_messages++;
    if (l->marked_at != 0 && p->pushed_at == 0) {
        p->pushed_at = clock_mono_ns();
        l->n_pushed++;
    }
    take_response(p, message);
}

static void mark(struct load *l, size_t n_expected)
{
    report_pushed(l);
    for (size_t i = 0; i < l->n_proxies; i++)
        l->proxies[i].pushed_at = 0;
    l->n_expected = n_expected;
    l->n_pushed = 0;
    l->marked_bytes = l->n_bytes;
    l->marked_messages = l->n_messages;
    l->marked_at = clock_mono_ns();
    printf("{\"event\":\"marked\",\"mark_ns\":%" PRId64 "}\n", l->marked_at);
    fflush(stdout);
}

/* ---- HTTP/2 ---- */

static void fail(struct proxy *p, const char *why)
{
    struct load *l = p->load;

    if (p->has_failed)
        return;
    p->has_failed = true;
    loop_watch(&l->loop, &p->watch, 0);
    loop_work_cancel(&p->send);
    if (p->is_configured)
        l->n_configured--;
    if (l->n_failed++ < 10)
        fprintf(stderr, "ads_load: " STR_FMT "." STR_FMT ": %s\n", STR_ARG(p->mesh), STR_ARG(p->name), why);
    if (!p->is_configured)
        report_configured(l);
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t size,
                   void *user)
{
    struct proxy *p = user;

    (void)session, (void)flags, (void)id;
    buf_add(&p->in, data, size);
    while (p->in.n >= PREFIX_SIZE) {
        uint32_t n;

        memcpy(&n, p->in.p + 1, sizeof(n));
        n = ntohl(n);
        if (p->in.n - PREFIX_SIZE < n)
            break;
        take_message(p, str_from(p->in.p + PREFIX_SIZE, n));
        buf_consume(&p->in, PREFIX_SIZE + n);
    }
    return buf_ok(&p->in) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags, void *user)
{
    (void)session, (void)frame, (void)flags;
    if (str_eq(str_from(name, name_size), STR("grpc-message")))
        fail(user, xstrndup(str_from(value, value_size)));
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    (void)session, (void)id, (void)code;
    fail(user, "the stream ended");
    return 0;
}

static ssize_t read_requests(nghttp2_session *session, int32_t id, uint8_t *p, size_t size, uint32_t *flags,
                             nghttp2_data_source *source, void *user)
{
    struct proxy *proxy = source->ptr;
    size_t n = proxy->requests.n - proxy->requests_sent;

    (void)session, (void)id, (void)flags, (void)user;
    n = n < size ? n : size;
    if (n == 0) {
        buf_fini(&proxy->requests);
        proxy->requests_sent = 0;
        return NGHTTP2_ERR_DEFERRED;
    }
    memcpy(p, proxy->requests.p + proxy->requests_sent, n);
    proxy->requests_sent += n;
    return (ssize_t)n;
}

static nghttp2_nv field(const char *name, struct str value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value.p, strlen(name), value.n, 0};
}

static void h2_begin(struct proxy *p)
{
    nghttp2_session_callbacks *callbacks;
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW}};
    const nghttp2_nv fields[] = {
        field(":method", STR("POST")),         field(":scheme", STR("https")),
        field(":authority", STR("localhost")), field(":path", STR(ADS_PATH)),
        field("te", STR("trailers")),          field("content-type", STR("application/grpc")),
        field("authorization", p->token)};
    nghttp2_data_provider provider = {.source.ptr = p, .read_callback = read_requests};

    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_client_new(&p->h2, callbacks, p);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(p->h2, NGHTTP2_FLAG_NONE, settings, ARRAY_LEN(settings));
    nghttp2_session_set_local_window_size(p->h2, NGHTTP2_FLAG_NONE, 0, WINDOW);
    p->stream =
        nghttp2_submit_request(p->h2, NULL, fields, ARRAY_LEN(fields) - (p->token.n == 0), &provider, NULL);
    request(p, XDS_CLUSTER);
}

static void send_all(struct proxy *p)
{
    const uint8_t *bytes;
    ssize_t n;

    if (p->has_failed || !p->is_connected)
        return;
    while ((n = nghttp2_session_mem_send(p->h2, &bytes)) > 0)
        buf_add(&p->out, bytes, (size_t)n);
    enum io io = tls_write(p->ssl, &p->out, &p->out_sent);

    if (n < 0 || io == IO_FAULT || io == IO_END)
        fail(p, "cannot send");
    else
        loop_watch(&p->load->loop, &p->watch, io == IO_WRITE ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void on_send(struct job *job)
{
    send_all(CONTAINER_OF(job, struct proxy, send));
}

static void receive(struct proxy *p)
{
    struct load *l = p->load;
    size_t n;
    enum io io = IO_OK;

    while (!p->has_failed && (io = tls_read(p->ssl, l->scratch, sizeof(l->scratch), &n)) == IO_OK) {
        l->n_bytes += n;
        if (nghttp2_session_mem_recv(p->h2, (const uint8_t *)l->scratch, n) < 0)
            fail(p, "HTTP/2 is broken");
    }
    if (io == IO_FAULT || io == IO_END)
        fail(p, io == IO_END ? "the server closed the connection" : tls_fault());
    if (l->marked_at != 0 && l->n_pushed >= l->n_expected)
        report_pushed(l);
}

static void on_ready(struct watch *w, uint32_t events)
{
    struct proxy *p = CONTAINER_OF(w, struct proxy, watch);

    (void)events;
    if (!p->is_connected) {
        enum io io = tls_handshake(p->ssl);

        if (io == IO_READ || io == IO_WRITE) {
            loop_watch(&p->load->loop, w, io == IO_READ ? EPOLLIN : EPOLLOUT);
            return;
        }
        if (io != IO_OK) {
            fail(p, tls_fault());
            return;
        }
        p->is_connected = true;
        h2_begin(p);
    }
    receive(p);
    send_all(p);
}

static void proxy_connect(struct proxy *p)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    p->watch = (struct watch){.fd = fd, .ready = on_ready};
    job_init(&p->send, on_send);
    buf_init(&p->out, MESSAGE_MAX);
    buf_init(&p->requests, MESSAGE_MAX);
    buf_init(&p->in, MESSAGE_MAX);
    p->ssl = SSL_new(p->load->tls);
    if (fd < 0 || !p->ssl ||
        (connect(fd, (struct sockaddr *)&p->load->server, sizeof(p->load->server)) < 0 &&
         errno != EINPROGRESS)) {
        fail(p, strerror(errno));
        return;
    }
    SSL_set_fd(p->ssl, fd);
    SSL_set_connect_state(p->ssl);
    loop_watch(&p->load->loop, &p->watch, EPOLLOUT);
}

/* ---- orders and the frame ---- */

static void on_signal(struct watch *w, uint32_t events)
{
    struct load *l = CONTAINER_OF(w, struct load, signals);
    struct signalfd_siginfo info;

    (void)events;
    if (read(w->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        mark(l, l->n_configured);
}

static void take_order(struct load *l, struct str line)
{
    struct str word;
    uint64_t n;

    if (!str_next(&line, ' ', &word))
        return;
    if (str_eq(word, STR("mark")))
        mark(l, str_to_uint(line, l->n_proxies, &n) ? n : l->n_configured);
    else if (str_eq(word, STR("report")))
        report_pushed(l);
    else if (str_eq(word, STR("quit")))
        l->is_over = true;
    else
        fprintf(stderr, "ads_load: unknown order " STR_FMT "\n", STR_ARG(word));
}

static void on_input(struct watch *w, uint32_t events)
{
    struct load *l = CONTAINER_OF(w, struct load, input);
    char bytes[256];
    ssize_t n = read(w->fd, bytes, sizeof(bytes));
    struct str lines = str_from(bytes, n > 0 ? (size_t)n : 0), line;

    (void)events;
    if (n <= 0) {
        loop_watch(&l->loop, w, 0);
        l->is_over = true;
        return;
    }
    while (str_next(&lines, '\n', &line))
        if (line.n > 0)
            take_order(l, str_trim(line));
}

static void read_proxies(struct load *l, const char *path)
{
    FILE *f = fopen(path, "r");
    char line[20000];
    struct VEC(struct proxy) proxies = {0};

    if (!f) {
        fprintf(stderr, "ads_load: %s: %s\n", path, strerror(errno));
        exit(2);
    }
    while (fgets(line, sizeof(line), f)) {
        struct str rest = str_trim(str_from_c(line)), word[3] = {0};

        for (size_t i = 0; i < ARRAY_LEN(word) && str_next(&rest, ' ', &word[i]); i++)
            word[i] = arena_str(&l->arena, word[i]);
        if (word[1].n > 0)
            VEC_PUSH(&proxies,
                     ((struct proxy){.load = l, .mesh = word[0], .name = word[1], .token = word[2]}));
    }
    fclose(f);
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

static void watch_orders(struct load *l)
{
    sigset_t usr1;
    struct stat st;

    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sigprocmask(SIG_BLOCK, &usr1, NULL);
    l->signals = (struct watch){.fd = signalfd(-1, &usr1, SFD_CLOEXEC | SFD_NONBLOCK), .ready = on_signal};
    loop_watch(&l->loop, &l->signals, EPOLLIN);
    /* A file or /dev/null cannot be waited for, and gives no orders. */
    l->input = (struct watch){.fd = STDIN_FILENO, .ready = on_input};
    if (isatty(STDIN_FILENO) ||
        (fstat(STDIN_FILENO, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))))
        loop_watch(&l->loop, &l->input, EPOLLIN);
}

static void run(struct load *l, int64_t seconds)
{
    int64_t until;

    l->started_at = clock_mono_ns();
    until = l->started_at + seconds * NS_PER_S;
    for (size_t i = 0; i < l->n_proxies; i++)
        proxy_connect(&l->proxies[i]);
    while (!l->is_over && clock_mono_ns() < until)
        loop_pass(&l->loop, until);
    report_pushed(l);
    if (l->n_configured + l->n_failed < l->n_proxies)
        print_times(l, "incomplete", offsetof(struct proxy, configured_at), l->started_at, l->n_bytes,
                    l->n_messages);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"port", required_argument, NULL, 'p'},
                                            {"proxies", required_argument, NULL, 'f'},
                                            {"seconds", required_argument, NULL, 's'},
                                            {0}};
    struct load *l = xcalloc(1, sizeof(*l));
    int64_t port = 5678, seconds = 60;
    const char *file = NULL;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        bool ok = option != '?';

        if (option == 'p')
            ok = str_to_int(str_from_c(optarg), 1, 65535, &port);
        else if (option == 's')
            ok = str_to_int(str_from_c(optarg), 1, 3600, &seconds);
        else
            file = optarg;
        if (!ok)
            return 2;
    }
    if (!file) {
        fprintf(stderr, "usage: ads_load --port=PORT --proxies=FILE [--seconds=N]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    allow_descriptors();
    loop_init(&l->loop);
    arena_init(&l->arena);
    map_init(&l->known);
    l->server = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    l->tls = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_alpn_protos(l->tls, (const unsigned char *)"\x02h2", 3);
    SSL_CTX_set_mode(l->tls, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    read_proxies(l, file);
    watch_orders(l);
    run(l, seconds);
    return l->n_configured == l->n_proxies ? 0 : 1; /* the process's memory goes with it */
}
