/* xds/status.c -- the streams' state as it is shown: a copy that the loop renews after every message. */
#include "status.h"

#include <stdlib.h>
#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"

void status_board_init(struct status_board *b)
{
    lock_init(&b->lock);
    list_init(&b->reports);
}

void status_board_fini(struct status_board *b)
{
    lock_fini(&b->lock);
}

void status_report_add(struct status_board *b, struct status_report *r)
{
    lock_take(&b->lock);
    list_add_tail(&b->reports, &r->node);
    lock_drop(&b->lock);
}

void status_report_update(struct status_board *b, struct status_report *r, const struct sotw *s)
{
    bool refused_anew = s->nack && (!r->nack || strcmp(s->nack, r->nack) != 0);
    char *nack = refused_anew ? xstrdup(s->nack) : NULL, *old = NULL;
    lock_take(&b->lock);
    for (enum xds_type t = 0; t < XDS_N; t++) {
        const struct subscription *sub = &s->subs[t];
        r->types[t].active = sub->active;
        r->types[t].wildcard = sub->wildcard;
        r->types[t].n_names = sub->n_wanted;
        r->types[t].offered = sub->version;
        r->types[t].acked = sub->acked;
        r->types[t].nonce = sub->nonce;
        r->types[t].counters = sub->counters;
    }
    if (nack) {
        old = r->nack;
        r->nack = nack;
    }
    lock_drop(&b->lock);
    free(old);
}

void status_report_remove(struct status_board *b, struct status_report *r)
{
    lock_take(&b->lock);
    list_del(&r->node);
    lock_drop(&b->lock);
    free(r->nack);
    r->nack = NULL;
}

static bool is_of(const struct status_report *r, struct str mesh, struct str name)
{
    return str_eq(r->mesh, mesh) && str_eq(r->name, name);
}

/* What a reader takes along from under the lock: the proxy's reports and their texts. */
static struct status_report *copy_reports(struct status_board *b, struct str mesh, struct str name,
                                          struct arena *arena, size_t *n)
{
    size_t n_found = 0;
    *n = 0;
    lock_take(&b->lock);
    LIST_FOR (node, &b->reports)
        n_found += is_of(LIST_ITEM(node, struct status_report, node), mesh, name);
    struct status_report *copies = ARENA_ARRAY(arena, struct status_report, n_found);
    LIST_FOR (node, &b->reports) {
        const struct status_report *r = LIST_ITEM(node, struct status_report, node);
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

static json_t *type_json(const struct status_report *r, enum xds_type t)
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

static json_t *report_json(const struct status_report *r, struct arena *arena)
{
    json_t *o = json_object(), *types = json_object();
    json_object_set_new(o, "subscription", json_from_str(r->subscription));
    json_object_set_new(o, "connectTime", json_from_str(time_format(arena, r->connected_ns)));
    json_object_set_new(o, "types", types);
    for (enum xds_type t = 0; t < XDS_N; t++) {
        if (r->types[t].active)
            json_object_set_new(types, xds_type_info(t)->short_name.p, type_json(r, t));
    }
    if (r->nack)
        json_object_set_new(o, "lastRejection", json_string(r->nack));
    return o;
}

json_t *status_board_json(struct status_board *b, struct str mesh, struct str name)
{
    struct arena arena;
    size_t n;
    json_t *o = NULL;
    arena_init(&arena);
    struct status_report *reports = copy_reports(b, mesh, name, &arena, &n);
    if (n > 0) {
        json_t *streams = json_array();
        o = json_object();
        json_object_set_new(o, "mesh", json_from_str(mesh));
        json_object_set_new(o, "name", json_from_str(name));
        json_object_set_new(o, "streams", streams);
        for (size_t i = 0; i < n; i++)
            json_array_append_new(streams, report_json(&reports[i], &arena));
    }
    arena_fini(&arena);
    return o;
}
