/* fake_ads.h -- stands in for xds and insight, so that net's tests link without them. Defines their
 * functions: for one file a program.
 *
 * What a client sends is an order: "echo TEXT" and "big N" send a message back, "token" the authorization
 * value, "variant" the protocol's, "fail" ends the call, "work" runs fake.work. */
#ifndef URSA_TESTS_UNIT_NET_FAKE_ADS_H
#define URSA_TESTS_UNIT_NET_FAKE_ADS_H

#include <stdlib.h>
#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/base/list.h"
#include "ursa/insight.h"

/* Read by the tests while the loop runs. */
static struct {
    atomic_size_t n_open, n_pulled;
    atomic_size_t n_health; /* opened streams of the health discovery service */
    atomic_size_t n_blobs;  /* references that messages hold */
    atomic_int_fast64_t deadline;
    atomic_size_t n_timers_run;
    void (*work)(struct str mesh); /* on the loop's thread */
} fake = {.deadline = INT64_MAX};

struct ads {
    struct mailbox *mailbox;
    struct list streams;
    atomic_size_t n_streams;
};
struct ads_stream {
    struct ads *ads;
    struct list node;
    const struct ads_transport *transport;
    void *peer;
    char *token;
    enum xds_variant variant;
    char *order; /* what to send next: as it came */
};
#define FAKE_LOOPS_MAX 4
static struct ads *fake_services[FAKE_LOOPS_MAX];
static size_t n_fake_services;

struct ads_group *ads_group_new(const struct ads_options *options)
{
    (void)options;
    n_fake_services = 0;
    return NULL;
}

void ads_group_free(struct ads_group *group)
{
    (void)group;
}

struct ads *ads_new(struct ads_group *group, struct mailbox *mailbox)
{
    struct ads *ads = xcalloc(1, sizeof(*ads));

    (void)group;
    ads->mailbox = mailbox;
    list_init(&ads->streams);
    fake_services[n_fake_services++] = ads;
    return ads;
}

bool ads_is_idle(const struct ads *ads)
{
    return list_empty(&ads->streams);
}

void ads_free(struct ads *ads)
{
    if (!list_empty(&ads->streams))
        abort();
    free(ads);
}

struct ads_stream *ads_open(struct ads *ads, enum xds_variant variant, const struct ads_transport *transport,
                            void *peer, const struct credential *authorization)
{
    struct ads_stream *s = xcalloc(1, sizeof(*s));

    s->ads = ads;
    s->variant = variant;
    s->transport = transport;
    s->peer = peer;
    s->token = xstrndup(authorization->text);
    list_add_tail(&ads->streams, &s->node);
    ads->n_streams++;
    fake.n_open++;
    return s;
}

/* A stream of the other service says so, and is otherwise one like all. */
struct hds_stream {
    struct ads_stream stream;
};
struct hds_stream *hds_open(struct ads *ads, const struct ads_transport *transport, void *peer,
                            const struct credential *authorization)
{
    fake.n_health++;
    return (struct hds_stream *)ads_open(ads, XDS_SOTW, transport, peer, authorization);
}

void hds_close(struct hds_stream *s)
{
    ads_close(&s->stream);
}

void hds_receive(struct hds_stream *s, struct str message)
{
    ads_receive(&s->stream, message);
}

bool hds_pull(struct hds_stream *s, struct xds_message *out)
{
    return ads_pull(&s->stream, out);
}

void ads_close(struct ads_stream *s)
{
    list_del(&s->node);
    s->ads->n_streams--;
    free(s->token);
    free(s->order);
    free(s);
    fake.n_open--;
}

static inline void fake_order(struct ads_stream *s, struct str order)
{
    if (str_eq(order, STR("fail"))) {
        s->transport->finish(s->peer, ERR_DENIED, STR("100% denied"));
        return;
    }
    if (str_eq(order, STR("work"))) {
        fake.work(str_from_c(s->token));
        return;
    }
    free(s->order);
    s->order = xstrndup(order);
    s->transport->wake(s->peer);
}

void ads_receive(struct ads_stream *s, struct str message)
{
    fake_order(s, message);
}

/* Bytes that tell where they are. */
static inline char fake_byte(size_t at)
{
    return (char)('a' + at * 7 % 26);
}

/* Large messages are many references to one blob of an odd size, with a small part between. */
#define FAKE_BLOB 10007

static inline void fake_big(size_t n, struct xds_message *out)
{
    char bytes[FAKE_BLOB];

    for (size_t i = 0; i < FAKE_BLOB; i++)
        bytes[i] = fake_byte(i);
    struct blob *blob = blob_new(bytes, FAKE_BLOB);

    out->n_parts = n / FAKE_BLOB + 1;
    out->parts = xcalloc(out->n_parts, sizeof(out->parts[0]));
    for (size_t i = 0; i + 1 < out->n_parts; i++)
        out->parts[i] = (struct message_part){.bytes = blob_str(blob), .owner = blob_ref(blob)};
    fake.n_blobs += out->n_parts - 1;
    blob_unref(blob);
    out->small = xcalloc(1, FAKE_BLOB);
    memcpy(out->small, bytes, n % FAKE_BLOB);
    out->parts[out->n_parts - 1].bytes = str_from(out->small, n % FAKE_BLOB);
    out->n_bytes = n;
}

static inline void fake_small(const char *text, struct xds_message *out)
{
    out->parts = xcalloc(1, sizeof(out->parts[0]));
    out->n_parts = 1;
    out->n_bytes = strlen(text);
    out->small = (uint8_t *)xstrdup(text);
    out->parts[0].bytes = str_from(out->small, out->n_bytes);
}

bool ads_pull(struct ads_stream *s, struct xds_message *out)
{
    int64_t n;

    if (!s->order)
        return false;
    *out = (struct xds_message){0};
    if (strncmp(s->order, "echo ", 5) == 0)
        fake_small(s->order + 5, out);
    else if (strcmp(s->order, "variant") == 0)
        fake_small(s->variant == XDS_DELTA ? "delta" : "sotw", out);
    else if (strcmp(s->order, "token") == 0)
        fake_small(s->token, out);
    else if (strncmp(s->order, "big ", 4) == 0 && str_to_int(str_from_c(s->order + 4), 0, 1 << 30, &n))
        fake_big((size_t)n, out);
    else
        return false;
    fake.n_pulled++;
    free(s->order);
    s->order = NULL;
    return true;
}

struct str ads_mesh(const struct ads_stream *s)
{
    return str_from_c(s->token); /* as if it named the mesh */
}

struct str hds_mesh(const struct hds_stream *s)
{
    return ads_mesh(&s->stream);
}

void xds_message_fini(struct xds_message *m)
{
    for (size_t i = 0; i < m->n_parts; i++) {
        if (m->parts[i].owner)
            fake.n_blobs--;
        blob_unref(m->parts[i].owner);
    }
    free(m->parts);
    free(m->small);
}

int64_t ads_deadline(const struct ads *ads)
{
    (void)ads;
    return fake.deadline;
}

void ads_stop_waiting(struct ads *ads)
{
    (void)ads;
}

void ads_run_timers(struct ads *ads, int64_t now)
{
    (void)ads;
    if (now < fake.deadline)
        abort();
    fake.deadline = INT64_MAX;
    fake.n_timers_run++;
}

struct insight *insight_new(const struct insight_options *options)
{
    (void)options;
    return NULL;
}

void insight_free(struct insight *insight)
{
    (void)insight;
}

void insight_observe(void *ctx, enum xds_event event, const struct xds_status *status)
{
    (void)ctx, (void)event, (void)status;
}

int64_t insight_deadline(const struct insight *insight)
{
    (void)insight;
    return INT64_MAX;
}

void insight_run_timers(struct insight *insight, int64_t now)
{
    (void)insight, (void)now;
}

/* ---- from the test's thread ---- */

struct fake_mail {
    struct mail mail;
    struct ads *ads;
    char order[64];
};

static inline void fake_handle(struct mail *mail)
{
    struct fake_mail *m = CONTAINER_OF(mail, struct fake_mail, mail);

    LIST_FOR (node, &m->ads->streams)
        if (m->order[0])
            fake_order(LIST_ITEM(node, struct ads_stream, node), str_from_c(m->order));
    free(m);
}

/* Gives an order to every open stream, as the engine's mail does; "" only wakes the loop. */
static inline void fake_tell(const char *order)
{
    for (size_t i = 0; i < n_fake_services; i++) {
        struct fake_mail *m = xcalloc(1, sizeof(*m));

        m->mail.handle = fake_handle;
        m->ads = fake_services[i];
        memcpy(m->order, order, strlen(order));
        mailbox_send(m->ads->mailbox, &m->mail);
    }
}

#endif
