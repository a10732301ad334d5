#include "ursa/base/workers.h"

#include <dirent.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../lib/test.h"

static struct {
    struct lock lock; /* protects n, order */
    unsigned n;
    char order[64];
    sem_t begun, goes_on;
} seen = {.lock = LOCK_INIT};

struct job {
    struct work work;
    struct mail mail;
    char letter; /* what 'order' gets */
    bool came_back;
};

static void run(struct work *w)
{
    lock_take(&seen.lock);
    seen.order[seen.n % sizeof seen.order] = CONTAINER_OF(w, struct job, work)->letter;
    seen.n++;
    lock_drop(&seen.lock);
}

static void run_and_block(struct work *w)
{
    run(w);
    sem_post(&seen.begun);
    sem_wait(&seen.goes_on);
}

static void come_back(struct mail *mail)
{
    struct job *j = CONTAINER_OF(mail, struct job, mail);
    EXPECT_TRUE("once", !j->came_back);
    j->came_back = true;
}

static void give(struct workers *ws, struct mailbox *box, struct job *j, const char *group, char letter,
                 enum work_when when)
{
    *j = (struct job){
        .work = {.run = run, .mail = &j->mail, .box = box}, .mail.handle = come_back, .letter = letter};
    workers_give(ws, &j->work, str_from_c(group), when);
}

static struct workers *workers_of(unsigned n)
{
    struct workers *ws = workers_new("test", n);
    seen.n = 0;
    sem_init(&seen.begun, 0, 0);
    sem_init(&seen.goes_on, 0, 0);
    return ws;
}

static void block(struct workers *ws, struct mailbox *box, struct job *j)
{
    *j = (struct job){.work = {.run = run_and_block, .mail = &j->mail, .box = box},
                      .mail.handle = come_back,
                      .letter = '-'};
    workers_give(ws, &j->work, STR("a"), WORK_NOW);
    sem_wait(&seen.begun);
}

static void wait_all(struct mailbox *box, size_t n)
{
    for (size_t came = 0; came < n; came += mailbox_run(box))
        EXPECT_TRUE("in time", mailbox_wait(box, 10000));
}

/* Those of the workers, by their name: a sanitizer may have one of its own. */
static bool is_worker(const char *id)
{
    char path[300], name[32] = "";
    snprintf(path, sizeof(path), "/proc/self/task/%s/comm", id);
    FILE *f = fopen(path, "r");
    bool is = f && fgets(name, sizeof(name), f) && strcmp(name, "test\n") == 0;
    if (f)
        fclose(f);
    return is;
}

static unsigned count_threads(void)
{
    unsigned n = 0;
    DIR *all = opendir("/proc/self/task");
    for (struct dirent *d; all && (d = readdir(all));)
        n += is_worker(d->d_name);
    if (all)
        closedir(all);
    return n;
}

/* A thread that was joined may be in the list for a moment yet. */
static unsigned settle_threads(unsigned wanted)
{
    for (int i = 0; i < 5000 && count_threads() != wanted; i++)
        usleep(1000);
    return count_threads();
}

/* The first of the tests: no thread of another one is left. */
TEST(threads_begin_with_work)
{
    struct mailbox box;
    struct job jobs[2];
    mailbox_init(&box);
    struct workers *ws = workers_of(4);
    EXPECT_INT("without work", count_threads(), 0);
    block(ws, &box, &jobs[0]);
    EXPECT_INT("with one work", count_threads(), 1);
    give(ws, &box, &jobs[1], "a", '1', WORK_LATER);
    EXPECT_INT("with two", count_threads(), 2);
    sem_post(&seen.goes_on);
    wait_all(&box, ARRAY_LEN(jobs));
    workers_stop(ws);
    EXPECT_INT("at the end", settle_threads(0), 0);
    mailbox_fini(&box);
}

TEST(groups_take_turns_and_what_is_wanted_later_comes_last)
{
    struct mailbox box;
    struct job jobs[8];
    mailbox_init(&box);
    struct workers *ws = workers_of(1);
    block(ws, &box, &jobs[0]);
    give(ws, &box, &jobs[1], "b", 'L', WORK_LATER);
    give(ws, &box, &jobs[2], "a", '1', WORK_NOW);
    give(ws, &box, &jobs[3], "a", '2', WORK_NOW);
    give(ws, &box, &jobs[4], "a", '3', WORK_NOW);
    give(ws, &box, &jobs[5], "b", 'x', WORK_NOW);
    give(ws, &box, &jobs[6], "", 'e', WORK_NOW);
    give(ws, &box, &jobs[7], "b", 'y', WORK_NOW);
    sem_post(&seen.goes_on);
    wait_all(&box, ARRAY_LEN(jobs));
    EXPECT_STR("order", str_from(seen.order, seen.n), "-1xe2y3L");
    workers_stop(ws);
    mailbox_fini(&box);
}

TEST(what_has_not_begun_comes_back_when_they_stop)
{
    struct mailbox box;
    struct job jobs[3];
    mailbox_init(&box);
    struct workers *ws = workers_of(1);
    give(ws, &box, &jobs[0], "a", '1', WORK_NOW);
    wait_all(&box, 1);
    EXPECT_TRUE("it ran", jobs[0].work.has_run);
    workers_stop(ws);

    ws = workers_of(1);
    block(ws, &box, &jobs[0]);
    give(ws, &box, &jobs[1], "a", '1', WORK_LATER);
    sem_post(&seen.goes_on);
    workers_stop(ws); /* the second may run or not */
    wait_all(&box, 2);
    EXPECT_TRUE("the one that ran", jobs[0].work.has_run);
    EXPECT_INT("has_run is true of what ran", seen.n, 1 + jobs[1].work.has_run);
    mailbox_fini(&box);
}

#define N_MANY 500

TEST(many_threads_do_all_of_it)
{
    struct mailbox box;
    static struct job jobs[N_MANY];
    mailbox_init(&box);
    struct workers *ws = workers_of(4);
    for (unsigned i = 0; i < N_MANY; i++)
        give(ws, &box, &jobs[i], i % 3 ? "a" : "b", '.', i % 2 ? WORK_NOW : WORK_LATER);
    wait_all(&box, N_MANY);
    for (unsigned i = 0; i < N_MANY; i++)
        EXPECT_TRUE("came back", jobs[i].came_back && jobs[i].work.has_run);
    EXPECT_INT("each ran once", seen.n, N_MANY);
    workers_stop(ws);
    mailbox_fini(&box);
}
