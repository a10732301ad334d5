/* What host names stand for, for those who are no proxies: the resolver knows it, or finds it out. */
#include "engine.h"

#include <string.h>

static void handle_arrival(struct mail *mail)
{
    struct address_query *q = CONTAINER_OF(mail, struct address_query, arrival);
    q->host = resolver_hold(q->engine->resolver, q->name);
    list_add_tail(&q->engine->addresses, &q->waiting);
}

void engine_find_address(struct engine *e, struct address_query *q)
{
    q->engine = e;
    q->arrival.handle = handle_arrival;
    list_init(&q->waiting);
    mailbox_send(&e->box, &q->arrival);
}

void engine_answer_addresses(struct engine *e)
{
    LIST_FOR (node, &e->addresses) {
        struct address_query *q = LIST_ITEM(node, struct address_query, waiting);
        if (host_state(q->host) == HOST_ASKED && !e->stop)
            continue;
        struct str address = host_address(q->host);
        memcpy(q->address, address.p, address.n);
        q->address[address.n] = '\0';
        host_release(q->host);
        list_del(&q->waiting);
        mailbox_send(q->box, &q->mail);
    }
}
