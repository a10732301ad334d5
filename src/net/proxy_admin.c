/* proxy_admin.c -- see ursa/proxy_admin.h. */
#include "ursa/proxy_admin.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "dial.h"
#include "http1_answer.h"
#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "ursa/base/json.h"
#include "ursa/ca.h"

#define MAX_SERVER_INFO (1u << 20)
#define READ_SIZE 16384 /* a TLS record */

struct proxy_admin {
    struct proxy_admin_options options;
    struct workers *workers;
    atomic_uint n_open; /* questions that have not been answered */
    atomic_bool cancelled;
    int cancel_fd; /* readable once cancelled */
};

/* ---- one question ---- */

static enum err_kind get(struct dial *d, const char *path, struct http1_answer *answer, struct err *e)
{
    struct str head = arena_printf(e->arena,
                                   "GET %s HTTP/1.1\r\nHost: proxy-admin\r\nAccept: */*\r\n"
                                   "User-Agent: ursa-cp\r\n\r\n",
                                   path);
    uint8_t bytes[READ_SIZE];
    size_t n, used;

    if (dial_write(d, head, e) != ERR_NONE)
        return e->kind;
    while (answer->state != HTTP1_DONE) {
        if (dial_read(d, bytes, sizeof(bytes), &n, e) != ERR_NONE)
            return e->kind;
        if (n == 0 && http1_answer_closed(answer, e) != ERR_NONE)
            return e->kind;
        if (n > 0 && http1_answer_feed(answer, bytes, n, &used, e) != ERR_NONE)
            return e->kind;
    }
    if (answer->status != 200)
        return err_set(e, ERR_PEER, "the proxy answered with status %u", answer->status);
    return ERR_NONE;
}

/* Any service of this machine may listen at a port that a resource names, and so may another mesh's proxy:
 * only the Envoy that says it is this proxy is asked further. */
static enum err_kind check_identity(struct dial *d, struct str node_id, struct err *e)
{
    struct http1_answer answer;
    JSON_AUTO info = NULL;

    http1_answer_init(&answer, MAX_SERVER_INFO);
    if (get(d, "/server_info", &answer, e) == ERR_NONE &&
        json_parse(buf_str(&answer.body), &info, e) != ERR_NONE)
        err_set(e, ERR_PEER, "what listens at the proxy's admin port is no Envoy");
    else if (e->kind == ERR_NONE && !str_eq(json_str(json_get(json_get(info, "node"), "id")), node_id))
        err_set(e, ERR_PEER, "what listens at the proxy's admin port is not this proxy");
    http1_answer_fini(&answer);
    return e->kind;
}

/* The control plane's certificate is made for the occasion: some 0.2 ms. */
static enum err_kind tls_of(struct str ca_pem, SSL_CTX **out, struct err *e)
{
    struct leaf *leaf;

    *out = NULL;
    if (!ca_pem.p)
        return ERR_NONE;
    if (admin_client_cert(ca_pem, &leaf, e) != ERR_NONE)
        return e->kind;
    enum err_kind kind = dial_context_new(blob_str(leaf->cert_pem), blob_str(leaf->key_pem), ca_pem, out, e);
    leaf_unref(leaf);
    return kind;
}

static enum err_kind ask(struct proxy_admin *p, struct proxy_question *q, struct err *e)
{
    struct dial d = {.deadline_ns = clock_mono_ns() + p->options.deadline_ns, .cancel_fd = p->cancel_fd};
    struct http1_answer answer;
    SSL_CTX *tls;

    if (!q->ca_pem.p && !str_eq(q->address, STR("127.0.0.1")) && !str_eq(q->address, STR("::1")))
        return err_set(e, ERR_PEER,
                       "the proxy offers its admin port without TLS, which is asked on this machine only");
    if (tls_of(q->ca_pem, &tls, e) != ERR_NONE ||
        dial_open(&d, q->address, q->port, q->host, tls, e) != ERR_NONE) {
        SSL_CTX_free(tls);
        return e->kind;
    }
    http1_answer_init(&answer, p->options.max_body);
    if (check_identity(&d, q->node_id, e) == ERR_NONE && get(&d, q->path, &answer, e) == ERR_NONE) {
        q->body = answer.body;
        buf_init(&answer.body, 0);
    }
    http1_answer_fini(&answer);
    dial_close(&d);
    SSL_CTX_free(tls);
    return e->kind;
}

static void run(struct work *work)
{
    struct proxy_question *q = CONTAINER_OF(work, struct proxy_question, work);
    struct proxy_admin *p = q->admin;
    struct arena a;
    struct err e;

    arena_init(&a);
    err_init(&e, &a);
    COUNT(proxy_admin_questions);
    if (ask(p, q, &e) == ERR_NONE && q->finish)
        q->finish(&q->body);
    if (e.kind != ERR_NONE)
        COUNT(proxy_admin_failures);
    q->kind = e.kind == ERR_NONE || e.kind == ERR_UNAVAILABLE ? e.kind : ERR_PEER;
    struct str text = err_render(&e, &a);
    snprintf(q->reason, sizeof(q->reason), STR_FMT, STR_ARG(text));
    arena_fini(&a);
    atomic_fetch_sub(&p->n_open, 1);
}

bool proxy_admin_ask(struct proxy_admin *p, struct proxy_question *q)
{
    if (atomic_load(&p->cancelled))
        return false;
    if (atomic_fetch_add(&p->n_open, 1) >= p->options.n_threads + p->options.max_waiting) {
        atomic_fetch_sub(&p->n_open, 1);
        return false;
    }
    q->kind = ERR_UNAVAILABLE; /* unless its turn comes */
    snprintf(q->reason, sizeof(q->reason), "the control plane is stopping");
    buf_init(&q->body, p->options.max_body);
    q->admin = p;
    q->work = (struct work){.run = run, .mail = &q->mail, .box = q->box};
    workers_give(p->workers, &q->work, STR_NONE, WORK_NOW);
    return true;
}

/* ---- life ---- */

enum err_kind proxy_admin_start(const struct proxy_admin_options *options, struct proxy_admin **out,
                                struct err *e)
{
    int cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (cancel_fd < 0)
        return err_set(e, ERR_IO, "cannot make an eventfd: %m");
    struct proxy_admin *p = xcalloc(1, sizeof(*p));

    p->options = *options;
    p->cancel_fd = cancel_fd;
    p->workers = workers_new("proxy-admin", options->n_threads);
    *out = p;
    return ERR_NONE;
}

void proxy_admin_cancel(struct proxy_admin *p)
{
    uint64_t one = 1;

    atomic_store(&p->cancelled, true);
    if (write(p->cancel_fd, &one, sizeof(one)) < 0)
        COUNT(proxy_admin_cancel_lost); /* the counter is full: it is readable */
}

void proxy_admin_stop(struct proxy_admin *p)
{
    if (!p)
        return;
    proxy_admin_cancel(p);
    workers_stop(p->workers);
    close(p->cancel_fd);
    free(p);
}
