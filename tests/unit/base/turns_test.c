/* Who was served least comes first; who was away is owed something, but not everything. */
#include "../../lib/test.h"

#include "ursa/base/turns.h"

#define MS NS_PER_MS

static struct turns all;
static struct turn a, b, c;

static void start(void)
{
    turns_init(&all);
    turn_init(&a);
    turn_init(&b);
    turn_init(&c);
}

static char name_of(const struct turn *t)
{
    return t == &a ? 'a' : t == &b ? 'b' : t == &c ? 'c' : '-';
}

/* The next one has its turn, which takes so long, and waits again. */
static char next(int64_t ns)
{
    struct turn *t = turns_take(&all);

    if (!t)
        return '-';
    turn_served(t, ns);
    turns_wait(&all, t);
    return name_of(t);
}

TEST(equal_turns_go_round)
{
    char got[7] = "";
    start();
    turns_wait(&all, &a);
    turns_wait(&all, &b);
    turns_wait(&all, &c);
    turns_wait(&all, &a); /* asking twice is asking once */
    for (size_t i = 0; i < 6; i++)
        got[i] = next(MS);
    EXPECT_CSTR("in the order in which they came", got, "abcabc");
    turn_leave(&b);
    turn_leave(&b);
    EXPECT_TRUE("does not wait", !turn_waits(&b) && turn_waits(&a));
    EXPECT_INT("without the one that left", next(MS), 'a');
    EXPECT_INT("likewise", next(MS), 'c');
    turn_leave(&a);
    turn_leave(&c);
    EXPECT_TRUE("nobody", !turns_anyone(&all) && !turns_take(&all));
}

TEST(time_is_shared_not_turns)
{
    unsigned n_a = 0, n_b = 0;
    start();
    turns_wait(&all, &a);
    turns_wait(&all, &b);
    for (size_t i = 0; i < 4000; i++) {
        struct turn *t = turns_take(&all);

        turn_served(t, t == &a ? 3 * MS : MS);
        turns_wait(&all, t);
        n_a += t == &a;
        n_b += t == &b;
    }
    EXPECT_INT("a third of the turns of whose turns are a third as long", n_b, 3 * n_a);
}

TEST(who_was_away_has_what_it_is_owed_and_no_more)
{
    static const struct {
        const char *name;
        int64_t alone;   /* that 'a' was served while 'b' was away */
        unsigned want_b; /* turns of 1 ms that 'b' then has before 'a' has one */
    } rows[] = {
        {"a moment", 3 * MS, 3},
        {"as long as it is owed", TURNS_CREDIT, TURNS_CREDIT / MS},
        {"for ever", 1000 * TURNS_CREDIT, TURNS_CREDIT / MS},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        unsigned n = 0;

        start();
        turns_wait(&all, &a);
        for (int64_t ns = 0; ns < rows[i].alone; ns += MS)
            next(MS);
        turns_wait(&all, &b);
        while (next(MS) == 'b')
            n++;
        EXPECT_TRUE(rows[i].name, n == rows[i].want_b || n == rows[i].want_b + 1);
    }
}

/* What one has had is not forgotten by going away for a moment. */
TEST(going_away_gains_nothing)
{
    unsigned n_a = 0, n_b = 0;
    start();
    turns_wait(&all, &a);
    turns_wait(&all, &b);
    for (size_t i = 0; i < 1000; i++) {
        struct turn *t = turns_take(&all);

        n_a += t == &a;
        n_b += t == &b;
        turn_served(t, MS);
        turn_leave(&b);
        turns_wait(&all, &b);
        turns_wait(&all, t);
    }
    EXPECT_INT("equal parts", n_a, n_b);
}
