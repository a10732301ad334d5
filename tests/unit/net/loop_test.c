/* loop_test.c -- turns and slices: no crowd keeps others waiting. Every job and every letter takes 1 ms of a
 * clock that stands still otherwise. */
#include "../../../src/net/loop.h"

#include <string.h>

#include "../../lib/test.h"
#include "ursa/base/clock.h"

#define COST NS_PER_MS
#define MANY 100

static int64_t now;
static char done[2 * MANY + 1]; /* the names of what has run, in order */

struct task {
    struct job job;
    char name;
};
struct letter {
    struct mail mail;
    char name;
};

static void note(char name)
{
    done[strlen(done)] = name;
    now += COST;
    clock_fake(now, 0);
}

static void run_task(struct job *job)
{
    note(CONTAINER_OF(job, struct task, job)->name);
}

static void read_letter(struct mail *mail)
{
    note(CONTAINER_OF(mail, struct letter, mail)->name);
}

static void start(struct loop *l)
{
    now = 1000 * NS_PER_S;
    clock_fake(now, 0);
    memset(done, 0, sizeof(done));
    loop_init(l);
}

static void stop(struct loop *l)
{
    while (loop_run_mail(l) > 0)
        ;
    loop_fini(l);
    clock_fake(-1, -1);
}

static void add(struct loop *l, struct task *t, char name, uint64_t lane)
{
    job_init(&t->job, run_task);
    t->name = name;
    loop_work(l, &t->job, lane);
}

TEST(lanes_take_turns)
{
    struct loop l;
    struct task crowd[MANY], two[2], late;
    start(&l);
    for (size_t i = 0; i < MANY; i++)
        add(&l, &crowd[i], 'a', 7);
    add(&l, &two[0], 'b', 8);
    add(&l, &two[1], 'b', 8);
    loop_pass(&l, INT64_MAX);
    EXPECT_CSTR("a pass is short", done, "a");
    loop_pass(&l, INT64_MAX);
    add(&l, &late, 'c', 9 + LOOP_LANES);
    loop_work(&l, &late.job, 9); /* asking twice is asking once */
    for (size_t i = 0; i < 4; i++)
        loop_pass(&l, INT64_MAX);
    EXPECT_CSTR("in turn, and who has had nothing first", done, "abcaba");
    for (size_t i = 0; i < MANY; i++)
        loop_pass(&l, now);
    EXPECT_INT("all have run", strlen(done), MANY + 3);
    stop(&l);
}

/* However long it is that a crowd has been served already: who was away comes before all of the rest. */
TEST(who_had_little_does_not_wait_for_who_had_much)
{
    struct loop l;
    struct task crowd[MANY], few[4];
    start(&l);
    for (size_t i = 0; i < MANY; i++)
        add(&l, &crowd[i], 'a', 7);
    for (size_t i = 0; i < 10; i++)
        loop_pass(&l, INT64_MAX);
    EXPECT_CSTR("alone", done, "aaaaaaaaaa");
    for (size_t i = 0; i < ARRAY_LEN(few); i++)
        add(&l, &few[i], 'b', 8);
    for (size_t i = 0; i < ARRAY_LEN(few); i++)
        loop_pass(&l, INT64_MAX);
    EXPECT_CSTR("all of it at once", done + 10, "bbbb");
    for (size_t i = 0; i < MANY; i++)
        loop_pass(&l, now);
    EXPECT_INT("all have run", strlen(done), MANY + 4);
    stop(&l);
}

TEST(what_is_taken_back_does_not_run)
{
    struct loop l;
    struct task a, b;
    start(&l);
    add(&l, &a, 'a', 1);
    add(&l, &b, 'b', 2);
    EXPECT_TRUE("waits", job_waits(&a.job));
    loop_work_cancel(&a.job);
    EXPECT_TRUE("does not wait", !job_waits(&a.job));
    loop_pass(&l, INT64_MAX);
    EXPECT_CSTR("only the other", done, "b");
    loop_work(&l, &a.job, 1);
    loop_pass(&l, INT64_MAX);
    EXPECT_CSTR("until it is asked for again", done, "ba");
    stop(&l);
}

TEST(mail_comes_in_order_and_in_slices)
{
    struct loop l;
    struct letter letters[MANY], last;
    struct task job;
    start(&l);
    for (size_t i = 0; i < MANY; i++) {
        letters[i] = (struct letter){.mail.handle = read_letter, .name = 'm'};
        mailbox_send(&l.mailbox, &letters[i].mail);
    }
    loop_pass(&l, INT64_MAX);
    EXPECT_CSTR("a slice", done, "mm");
    last = (struct letter){.mail.handle = read_letter, .name = 'z'};
    mailbox_send(&l.mailbox, &last.mail);
    add(&l, &job, 'j', 1);
    loop_pass(&l, INT64_MAX);
    EXPECT_CSTR("the rest does not hold up the work", done,
                "mmmm"
                "j");
    for (size_t i = 0; i < MANY / 2; i++)
        loop_pass(&l, now);
    EXPECT_INT("all have come", strlen(done), MANY + 2);
    EXPECT_INT("the last in the end", done[MANY + 1], 'z');
    stop(&l);
}
