/* xds/status.c -- the streams' state as it is shown: a copy that the loop renews after every message, and of
 * which the observer, on its thread, is told by mail. */
#include "status.h"

#include <stdlib.h>
#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"

void status_board_init(struct status_board *b, const struct ads_options *options, struct mailbox *mailbox)
{
    lock_init(&b->lock);
    list_init(&b->reports);
    b->options = options;
    b->mailbox = mailbox;
}

void status_board_fini(struct status_board *b)
{
    lock_fini(&b->lock);
}

/* ---- to the observer, on its thread ---- */

static void take_back(struct mail *mail)
{
    struct status_report *r = CONTAINER_OF(mail, struct status_report, mail);
    r->released(r);
}

/* What the observer takes along from under the lock. */
struct news {
    struct xds_counters counters[XDS_N];
    char *nack;
    struct config_set *config;
    bool over;
};

static void take_news(struct status_report *r, struct news *news)
{
    lock_take(&r->board->lock);
    for (enum xds_type t = 0; t < XDS_N; t++)
        news->counters[t] = r->status.types[t].counters;
    news->nack = r->status.nack ? xstrdup(r->status.nack) : NULL;
    news->config = r->config ? config_set_ref(r->config) : NULL;
    news->over = r->over;
    r->mailed = false;
    lock_drop(&r->board->lock);
}

static void tell(struct mail *mail)
{
    struct status_report *r = CONTAINER_OF(mail, struct status_report, mail);
    const struct ads_options *o = r->board->options;
    struct news news;
    take_news(r, &news);
    struct xds_status status = {.mesh = r->status.mesh,
                                .name = r->status.name,
                                .subscription = r->status.subscription,
                                .connected_ns = r->status.connected_ns,
                                .counters = news.counters,
                                .version = r->version,
                                .config = news.config,
                                .last_nack = str_from_c(news.nack)};
    if (!r->announced)
        o->observe(o->observe_ctx, XDS_CONNECTED, &status);
    r->announced = true;
    o->observe(o->observe_ctx, XDS_CHANGED, &status);
    if (news.over)
        o->observe(o->observe_ctx, XDS_DISCONNECTED, &status);
    free(news.nack);
    config_set_unref(news.config);
    if (news.over) {
        r->mail.handle = take_back;
        mailbox_send(r->board->mailbox, &r->mail);
    }
}

/* ---- from the stream, on the loop's thread ---- */

static void copy_subscription(struct status_report *r, const struct subscription *sub)
{
    enum xds_type t = sub->type;
    r->status.types[t].active = sub->active;
    r->status.types[t].wildcard = sub->wildcard;
    r->status.types[t].n_names = sub->n_names;
    r->status.types[t].offered = sub->version;
    r->status.types[t].acked = sub->acked;
    r->status.types[t].nonce = sub->nonce;
    r->status.types[t].counters = sub->counters;
}

static void renew(struct status_report *r, struct session *s, bool over)
{
    bool refused_anew = s->nack && (!r->status.nack || strcmp(s->nack, r->status.nack) != 0);
    char *nack = refused_anew ? xstrdup(s->nack) : NULL, *old_nack = NULL;
    struct config_set *config = session_is_serving(s) ? config_set_ref(s->config) : NULL, *old = r->config;
    lock_take(&r->board->lock);
    for (enum xds_type t = 0; t < XDS_N; t++)
        copy_subscription(r, &s->subs[t]);
    if (nack) {
        old_nack = r->status.nack;
        r->status.nack = nack;
    }
    r->config = config;
    r->over = over;
    bool send = !r->mailed;
    r->mailed = true;
    lock_drop(&r->board->lock);
    free(old_nack);
    config_set_unref(old);
    if (send)
        mailbox_send(r->board->options->observe_box, &r->mail);
}

void status_report_add(struct status_board *b, struct status_report *r,
                       void (*released)(struct status_report *))
{
    r->board = b;
    r->released = released;
    r->mail.handle = tell;
    lock_take(&b->lock);
    list_add_tail(&b->reports, &r->node);
    lock_drop(&b->lock);
}

void status_report_update(struct status_report *r, struct session *s)
{
    renew(r, s, false);
}

void status_report_end(struct status_report *r, struct session *s)
{
    renew(r, s, true);
}

void status_report_remove(struct status_report *r)
{
    lock_take(&r->board->lock);
    list_del(&r->node);
    lock_drop(&r->board->lock);
}

void status_report_fini(struct status_report *r)
{
    free(r->status.nack);
    config_set_unref(r->config);
}

/* ---- to readers ---- */

static const struct stream_status *status_at(struct list *node)
{
    return &LIST_ITEM(node, struct status_report, node)->status;
}

static bool is_of(const struct stream_status *r, struct str mesh, struct str name)
{
    return str_eq(r->mesh, mesh) && str_eq(r->name, name);
}

/* What a reader takes along from under the lock: the proxy's reports and their texts. */
static struct stream_status *copy_reports(struct status_board *b, struct str mesh, struct str name,
                                          struct arena *arena, size_t *n)
{
    size_t n_found = 0;
    *n = 0;
    lock_take(&b->lock);
    LIST_FOR (node, &b->reports)
        n_found += is_of(status_at(node), mesh, name);
    struct stream_status *copies = ARENA_ARRAY(arena, struct stream_status, n_found);
    LIST_FOR (node, &b->reports) {
        const struct stream_status *r = status_at(node);
        if (!is_of(r, mesh, name))
            continue;
        copies[*n] = *r;
        copies[*n].subscription = arena_str(arena, r->subscription);
        copies[*n].nack = r->nack ? arena_cstr(arena, str_from_c(r->nack)) : NULL;
        ++*n;
    }
    lock_drop(&b->lock);
    return copies;
}

static json_t *version_json(uint64_t version)
{
    char text[VERSION_TEXT_SIZE] = "";
    if (version != 0)
        version_format(version, text);
    return json_string(text);
}

static json_t *type_json(const struct stream_status *r, enum xds_type t)
{
    json_t *o = json_object();
    const struct xds_counters *c = &r->types[t].counters;
    json_object_set_new(o, "subscribed",
                        r->types[t].wildcard ? json_string("*")
                                             : json_integer((json_int_t)r->types[t].n_names));
    json_object_set_new(o, "sentVersion", version_json(r->types[t].offered));
    json_object_set_new(o, "acknowledgedVersion", version_json(r->types[t].acked));
    json_object_set_new(o, "nonce", json_integer((json_int_t)r->types[t].nonce));
    json_object_set_new(o, "responsesSent", json_integer((json_int_t)c->responses_sent));
    json_object_set_new(o, "responsesAcknowledged", json_integer((json_int_t)c->responses_acknowledged));
    json_object_set_new(o, "responsesRejected", json_integer((json_int_t)c->responses_rejected));
    return o;
}

static json_t *report_json(const struct stream_status *r, struct arena *arena)
{
    static const char *const names[] = {[XDS_SOTW] = "sotw", [XDS_DELTA] = "delta", [XDS_REST] = "rest"};
    json_t *o = json_object(), *types = json_object();
    json_object_set_new(o, "subscription", json_from_str(r->subscription));
    json_object_set_new(o, "connectTime", json_from_str(time_format(arena, r->connected_ns)));
    json_object_set_new(o, "transport", json_string(names[r->variant]));
    json_object_set_new(o, "types", types);
    for (enum xds_type t = 0; t < XDS_N; t++) {
        if (r->types[t].active)
            json_object_set_new(types, xds_type_info(t)->short_name.p, type_json(r, t));
    }
    if (r->nack)
        json_object_set_new(o, "lastRejection", json_string(r->nack));
    return o;
}

void status_board_list(struct status_board *b, struct str mesh, struct str name, json_t *streams)
{
    struct arena arena;
    size_t n;
    arena_init(&arena);
    struct stream_status *reports = copy_reports(b, mesh, name, &arena, &n);
    for (size_t i = 0; i < n; i++)
        json_array_append_new(streams, report_json(&reports[i], &arena));
    arena_fini(&arena);
}
