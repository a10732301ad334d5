/* ticket_test.c -- how long a ticket's key is good. */
#include "../../../src/net/ticket.h"

#include <string.h>

#include "../../lib/test.h"

static int64_t now = 1000 * NS_PER_S;

static void pass(int64_t ns)
{
    now += ns;
    clock_fake(now, 0);
}

static bool opens(struct tickets *t, const struct ticket_key *sealed)
{
    struct ticket_key found;
    return tickets_open(t, sealed->name, &found) && memcmp(&found, sealed, sizeof(found)) == 0;
}

TEST(keys_turn_over)
{
    struct ticket_key first, second, third;
    pass(0);
    struct tickets *t = tickets_new();
    EXPECT_TRUE("none yet", !opens(t, &(struct ticket_key){0}));
    tickets_seal(t, &first);
    pass(TICKET_KEY_LIFE - 1);
    tickets_seal(t, &second);
    EXPECT_TRUE("the same for an hour", memcmp(&first, &second, sizeof(first)) == 0);
    pass(1);
    tickets_seal(t, &second);
    EXPECT_TRUE("then another", memcmp(first.seal, second.seal, sizeof(first.seal)) != 0);
    EXPECT_TRUE("by another name", memcmp(first.name, second.name, sizeof(first.name)) != 0);
    EXPECT_TRUE("opens", opens(t, &second));
    EXPECT_TRUE("what the first sealed opens still", opens(t, &first));
    pass(TICKET_KEY_LIFE - 1);
    EXPECT_TRUE("until the last that it sealed has expired", opens(t, &first));
    pass(1);
    EXPECT_TRUE("and no longer", !opens(t, &first));
    tickets_seal(t, &third);
    EXPECT_TRUE("the one before", opens(t, &second));
    pass(2 * TICKET_KEY_LIFE);
    EXPECT_TRUE("when nobody came for long", !opens(t, &third));
    tickets_free(t);
    tickets_free(NULL);
    clock_fake(-1, -1);
}

TEST(no_ticket_is_good_elsewhere)
{
    struct ticket_key here, there;
    struct tickets *a = tickets_new(), *b = tickets_new();
    tickets_seal(a, &here);
    tickets_seal(b, &there);
    EXPECT_TRUE("here", opens(a, &here));
    EXPECT_TRUE("not there", !opens(b, &here));
    tickets_free(a);
    tickets_free(b);
}
