/* xds/session.c -- a stream's requests: which subscription they belong to, and what was refused. */
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/base/count.h"

void session_init(struct session *s, enum xds_variant variant)
{
    *s = (struct session){.rules = rules_of(variant)};
    for (enum xds_type t = 0; t < XDS_N; t++)
        subscription_init(&s->subs[t], t, s->rules);
}

void session_fini(struct session *s)
{
    for (enum xds_type t = 0; t < XDS_N; t++)
        subscription_fini(&s->subs[t]);
    config_set_unref(s->config);
    free(s->nack);
}

static void keep_refusal(struct session *s, const struct discovery_request *r)
{
    struct str type = xds_type_info(r->type)->short_name, text = r->error_message;
    size_t size = type.n + 2 + text.n + 1;
    free(s->nack);
    s->nack = xmalloc(size);
    snprintf(s->nack, size, STR_FMT ": " STR_FMT, STR_ARG(type), STR_ARG(text));
}

enum request_sense session_request(struct session *s, const struct discovery_request *r)
{
    if (r->type == XDS_N) { /* an extension of some client's; it does not have to be an error */
        COUNT(xds_requests_of_unknown_type);
        return REQUEST_IGNORED;
    }
    enum request_sense sense = s->rules->request(&s->subs[r->type], r);
    if (sense == REQUEST_OPENED && r->type == XDS_CLUSTER)
        s->came_back = r->n_versions > 0;
    if (sense == REQUEST_ACK || sense == REQUEST_NACK)
        headway_answered(s, r->type, sense == REQUEST_ACK);
    if (sense == REQUEST_ACK)
        COUNT(xds_acks);
    if (sense == REQUEST_NACK) {
        COUNT(xds_nacks);
        keep_refusal(s, r);
    }
    return sense;
}

size_t session_names_size(const struct session *s)
{
    size_t size = 0;
    for (enum xds_type t = 0; t < XDS_N; t++)
        size += s->rules->names_size(&s->subs[t]);
    return size;
}
