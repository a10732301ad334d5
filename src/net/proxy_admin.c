/* proxy_admin.c -- see ursa/proxy_admin.h. */
#include "ursa/proxy_admin.h"

#include <pthread.h>
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
#define MAX_THREADS 16

struct proxy_admin {
    struct proxy_admin_options options;
    struct lock lock;    /* protects what follows */
    pthread_cond_t wake; /* there is a question, or the end */
    struct mail *first, *last;
    unsigned n_waiting;
    bool cancelled;
    int cancel_fd; /* readable once cancelled */
    pthread_t threads[MAX_THREADS];
    unsigned n_threads;
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

static void work_on(struct proxy_admin *p, struct proxy_question *q)
{
    struct arena a;
    struct err e;

    arena_init(&a);
    err_init(&e, &a);
    buf_init(&q->body, p->options.max_body);
    COUNT(proxy_admin_questions);
    if (ask(p, q, &e) == ERR_NONE && q->finish)
        q->finish(&q->body);
    if (e.kind != ERR_NONE)
        COUNT(proxy_admin_failures);
    q->kind = e.kind == ERR_NONE || e.kind == ERR_UNAVAILABLE ? e.kind : ERR_PEER;
    struct str text = err_render(&e, &a);
    snprintf(q->reason, sizeof(q->reason), STR_FMT, STR_ARG(text));
    arena_fini(&a);
    mailbox_send(q->box, &q->mail);
}

/* ---- threads ---- */

static struct mail *next_question(struct proxy_admin *p)
{
    struct mail *mail;

    lock_take(&p->lock);
    while (!p->first && !p->cancelled)
        pthread_cond_wait(&p->wake, &p->lock.mutex);
    mail = p->first;
    if (mail) {
        p->first = mail->next;
        p->n_waiting--;
    }
    lock_drop(&p->lock);
    return mail;
}

static void *work(void *arg)
{
    struct proxy_admin *p = arg;
    struct mail *mail;

    while ((mail = next_question(p)))
        work_on(p, CONTAINER_OF(mail, struct proxy_question, mail));
    return NULL;
}

enum err_kind proxy_admin_start(const struct proxy_admin_options *options, struct proxy_admin **out,
                                struct err *e)
{
    struct proxy_admin *p = xcalloc(1, sizeof(*p));

    p->options = *options;
    lock_init(&p->lock);
    pthread_cond_init(&p->wake, NULL);
    p->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (p->cancel_fd < 0)
        err_set(e, ERR_IO, "cannot make an eventfd: %m");
    while (e->kind == ERR_NONE && p->n_threads < options->n_threads && p->n_threads < MAX_THREADS) {
        if (pthread_create(&p->threads[p->n_threads], NULL, work, p) != 0)
            err_set(e, ERR_IO, "cannot start a thread that asks proxies");
        else
            pthread_setname_np(p->threads[p->n_threads++], "proxy-admin");
    }
    if (e->kind != ERR_NONE) {
        proxy_admin_stop(p);
        return e->kind;
    }
    *out = p;
    return ERR_NONE;
}

bool proxy_admin_ask(struct proxy_admin *p, struct proxy_question *q)
{
    bool taken;

    lock_take(&p->lock);
    taken = p->n_waiting < p->options.max_waiting && !p->cancelled;
    if (taken) {
        q->mail.next = NULL;
        if (p->first)
            p->last->next = &q->mail;
        else
            p->first = &q->mail;
        p->last = &q->mail;
        p->n_waiting++;
        pthread_cond_signal(&p->wake);
    }
    lock_drop(&p->lock);
    return taken;
}

void proxy_admin_cancel(struct proxy_admin *p)
{
    uint64_t one = 1;

    lock_take(&p->lock);
    p->cancelled = true;
    pthread_cond_broadcast(&p->wake);
    lock_drop(&p->lock);
    if (p->cancel_fd >= 0 && write(p->cancel_fd, &one, sizeof(one)) < 0)
        COUNT(proxy_admin_cancel_lost); /* the counter is full: it is readable */
}

void proxy_admin_stop(struct proxy_admin *p)
{
    if (!p)
        return;
    proxy_admin_cancel(p);
    for (unsigned i = 0; i < p->n_threads; i++)
        pthread_join(p->threads[i], NULL);
    if (p->cancel_fd >= 0)
        close(p->cancel_fd);
    pthread_cond_destroy(&p->wake);
    lock_fini(&p->lock);
    free(p);
}
