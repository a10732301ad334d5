/* xds/health.c -- reads reports without building a tree of them: every proxy sends one every few seconds. */
#include "health.h"

#define ENVOY_CHECK STR("kuma:envoy:admin")
#define NAME_MAX_SIZE 1024

enum { /* field numbers */
       EITHER_REQUEST = 1,
       EITHER_RESPONSE = 2,
       REQUEST_NODE = 1,
       RESPONSE_CLUSTERS = 2,
       CLUSTER_NAME = 1,
       CLUSTER_LOCALITIES = 2,
       LOCALITY_ENDPOINTS = 2,
       ENDPOINT_STATUS = 2,
       STATUS_UNKNOWN = 0,
       STATUS_HEALTHY = 1,
};

static bool is_message(const struct pb_field *f, uint32_t number)
{
    return f->number == number && f->wire_type == 2;
}

/* An absent status is unknown, which counts as healthy: Envoy has not looked yet. */
static bool endpoint_is_healthy(struct str wire, bool *malformed)
{
    struct pb_reader r;
    struct pb_field f;
    uint64_t status = STATUS_UNKNOWN;
    pb_reader_init(&r, wire);
    while (pb_next(&r, &f)) {
        if (f.number == ENDPOINT_STATUS && f.wire_type == 0)
            status = f.number_value;
    }
    *malformed |= r.failed;
    return status == STATUS_UNKNOWN || status == STATUS_HEALTHY;
}

static bool locality_is_healthy(struct str wire, bool *malformed)
{
    struct pb_reader r;
    struct pb_field f;
    bool healthy = true;
    pb_reader_init(&r, wire);
    while (pb_next(&r, &f)) {
        if (is_message(&f, LOCALITY_ENDPOINTS))
            healthy &= endpoint_is_healthy(f.bytes, malformed);
    }
    *malformed |= r.failed;
    return healthy;
}

static struct checked read_cluster(struct str wire, bool *malformed)
{
    struct pb_reader r;
    struct pb_field f;
    struct checked c = {.name = STR(""), .is_healthy = true};
    pb_reader_init(&r, wire);
    while (pb_next(&r, &f)) {
        if (is_message(&f, CLUSTER_NAME))
            c.name = f.bytes;
        else if (is_message(&f, CLUSTER_LOCALITIES))
            c.is_healthy &= locality_is_healthy(f.bytes, malformed);
    }
    *malformed |= r.failed || c.name.n > NAME_MAX_SIZE;
    return c;
}

static enum err_kind read_report(struct str wire, struct arena *arena, struct health_report *out,
                                 struct err *e)
{
    struct pb_reader r;
    struct pb_field f;
    size_t n = 0;
    bool malformed = false;
    pb_reader_init(&r, wire);
    while (pb_next(&r, &f))
        n += is_message(&f, RESPONSE_CLUSTERS);
    if (n > HEALTH_CHECKS_MAX)
        return err_set(e, ERR_LIMIT, "a health report may be about at most %d clusters", HEALTH_CHECKS_MAX);
    malformed = r.failed;
    out->v = ARENA_ARRAY(arena, struct checked, n);
    pb_reader_init(&r, wire);
    while (!malformed && pb_next(&r, &f)) {
        if (is_message(&f, RESPONSE_CLUSTERS))
            out->v[out->n++] = read_cluster(f.bytes, &malformed);
    }
    return malformed ? err_set(e, ERR_MALFORMED, "the health report is malformed") : ERR_NONE;
}

static enum err_kind read_request(struct str wire, struct discovery_node *node, struct err *e)
{
    struct pb_reader r;
    struct pb_field f;
    pb_reader_init(&r, wire);
    while (pb_next(&r, &f)) {
        if (is_message(&f, REQUEST_NODE) && discovery_node_decode(f.bytes, node, e) != ERR_NONE)
            return e->kind;
    }
    return r.failed ? err_set(e, ERR_MALFORMED, "the health check request is malformed") : ERR_NONE;
}

enum err_kind health_message_decode(struct str wire, struct arena *arena, struct health_message *out,
                                    struct err *e)
{
    struct pb_reader r;
    struct pb_field f;
    struct pb_field last = {0};
    *out = (struct health_message){0};
    pb_reader_init(&r, wire);
    while (pb_next(&r, &f)) {
        if (is_message(&f, EITHER_REQUEST) || is_message(&f, EITHER_RESPONSE))
            last = f;
    }
    if (r.failed || !last.number)
        return err_set(e, ERR_MALFORMED, "the message is neither a health check request nor a report");
    out->is_request = last.number == EITHER_REQUEST;
    enum err_kind kind = out->is_request ? read_request(last.bytes, &out->node, e)
                                         : read_report(last.bytes, arena, &out->report, e);
    if (kind != ERR_NONE)
        health_message_fini(out);
    return kind;
}

void health_message_fini(struct health_message *m)
{
    json_decref(m->node.metadata);
    m->node.metadata = NULL;
}

struct health_report health_report_copy(const struct health_report *r, struct arena *arena)
{
    struct health_report copy = {.n = r->n, .v = ARENA_ARRAY(arena, struct checked, r->n)};
    for (size_t i = 0; i < r->n; i++)
        copy.v[i] = (struct checked){arena_str(arena, r->v[i].name), r->v[i].is_healthy};
    return copy;
}

/* ---- what it means ---- */

static const struct checked *find(const struct health_report *r, struct str name)
{
    for (size_t i = 0; i < r->n; i++) {
        if (str_eq(r->v[i].name, name))
            return &r->v[i];
    }
    return NULL;
}

struct str health_told(const struct health_report *r, const struct resource *dataplane, struct arena *arena)
{
    const struct dp_networking *net = resource_dataplane(dataplane)->networking;
    const struct checked *envoy = find(r, ENVOY_CHECK);
    struct str *names = ARENA_ARRAY(arena, struct str, net->n_inbound);
    char *told = arena_alloc(arena, net->n_inbound + 1);
    inbound_check_names(net, arena, names);
    for (size_t i = 0; i < net->n_inbound; i++) {
        const struct checked *own = names[i].n ? find(r, names[i]) : NULL;
        if (envoy && !envoy->is_healthy)
            told[i] = HEALTH_NOT_READY;
        else if (own)
            told[i] = own->is_healthy ? HEALTH_READY : HEALTH_NOT_READY;
        else if (names[i].n)
            told[i] = dataplane->health.n > i ? dataplane->health.p[i] : HEALTH_UNKNOWN;
        else
            told[i] = HEALTH_READY;
    }
    return str_from(told, net->n_inbound);
}
