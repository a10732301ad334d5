/* ticket.c -- makes, turns over and forgets the keys of tickets. */
#include "ticket.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/base/rand.h"

struct tickets *tickets_new(void)
{
    struct tickets *t = xcalloc(1, sizeof(*t));

    lock_init(&t->lock);
    return t;
}

void tickets_free(struct tickets *t)
{
    if (!t)
        return;
    lock_fini(&t->lock);
    OPENSSL_cleanse(t, sizeof(*t));
    free(t);
}

static bool is_older(const struct ticket_key *k, int64_t age)
{
    return k->made_at == 0 || clock_mono_ns() - k->made_at >= age;
}

static void turn_over(struct tickets *t)
{
    struct ticket_key fresh = {.made_at = clock_mono_ns()};

    rand_bytes(fresh.name, sizeof(fresh.name));
    rand_bytes(fresh.seal, sizeof(fresh.seal));
    rand_bytes(fresh.mac, sizeof(fresh.mac));
    lock_take(&t->lock);
    if (is_older(&t->newest, TICKET_KEY_LIFE)) { /* else another thread was faster */
        t->last = t->newest;
        t->newest = fresh;
    }
    lock_drop(&t->lock);
    OPENSSL_cleanse(&fresh, sizeof(fresh));
}

void tickets_seal(struct tickets *t, struct ticket_key *out)
{
    for (;;) {
        lock_take(&t->lock);
        *out = t->newest;
        lock_drop(&t->lock);
        if (!is_older(out, TICKET_KEY_LIFE))
            return;
        turn_over(t);
    }
}

static bool copy_if(const struct ticket_key *k, const uint8_t name[16], struct ticket_key *out)
{
    if (is_older(k, 2 * TICKET_KEY_LIFE) || memcmp(k->name, name, sizeof(k->name)) != 0)
        return false;
    *out = *k;
    return true;
}

bool tickets_open(struct tickets *t, const uint8_t name[16], struct ticket_key *out)
{
    lock_take(&t->lock);
    bool found = copy_if(&t->newest, name, out) || copy_if(&t->last, name, out);

    lock_drop(&t->lock);
    return found;
}
