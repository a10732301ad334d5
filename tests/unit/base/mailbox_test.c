/* The mailbox: order, the eventfd, and several senders at once. */
#include "../../lib/test.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ursa/base/alloc.h"
#include "ursa/base/mailbox.h"

struct letter {
    struct mail mail;
    int sender, number;
};

enum { N_SENDERS = 4, N_LETTERS = 5000 };

static int next_number[N_SENDERS];

static void read_letter(struct mail *m)
{
    struct letter *l = CONTAINER_OF(m, struct letter, mail);

    EXPECT_INT("each sender's letters in order", l->number, next_number[l->sender]);
    next_number[l->sender]++;
    free(l);
}

static void send(struct mailbox *box, int sender, int number)
{
    struct letter *l = xmalloc(sizeof(*l));

    *l = (struct letter){.mail.handle = read_letter, .sender = sender, .number = number};
    mailbox_send(box, &l->mail);
}

static bool readable(const struct mailbox *box)
{
    struct pollfd fd = {.fd = box->event_fd, .events = POLLIN};

    return poll(&fd, 1, 0) == 1;
}

TEST(one_thread)
{
    struct mailbox box;

    mailbox_init(&box);
    next_number[0] = 0;
    EXPECT_TRUE("fresh: not readable", !readable(&box));
    EXPECT_TRUE("fresh: nothing", !mailbox_take(&box));
    EXPECT_TRUE("fresh: wait gives up", !mailbox_wait(&box, 0));
    send(&box, 0, 0);
    send(&box, 0, 1);
    EXPECT_TRUE("readable", readable(&box));
    EXPECT_TRUE("wait returns", mailbox_wait(&box, -1));
    EXPECT_INT("both are run", mailbox_run(&box), 2);
    EXPECT_TRUE("cleared", !readable(&box));
    send(&box, 0, 2);
    EXPECT_TRUE("readable again", readable(&box));
    EXPECT_INT("run again", mailbox_run(&box), 1);
    mailbox_fini(&box);
}

struct sender {
    struct mailbox *box;
    int number;
};

static void *send_all(void *arg)
{
    struct sender *s = arg;

    for (int i = 0; i < N_LETTERS; i++)
        send(s->box, s->number, i);
    return NULL;
}

TEST(no_letter_is_lost)
{
    struct mailbox box;
    pthread_t threads[N_SENDERS];
    struct sender senders[N_SENDERS];
    size_t n = 0;

    mailbox_init(&box);
    for (int i = 0; i < N_SENDERS; i++) {
        next_number[i] = 0;
        senders[i] = (struct sender){.box = &box, .number = i};
        pthread_create(&threads[i], NULL, send_all, &senders[i]);
    }
    while (n < (size_t)N_SENDERS * N_LETTERS && mailbox_wait(&box, 10000))
        n += mailbox_run(&box);
    for (int i = 0; i < N_SENDERS; i++)
        pthread_join(threads[i], NULL);
    EXPECT_INT("all arrived", n, N_SENDERS * N_LETTERS);
    mailbox_fini(&box);
}

static void *send_one(void *box)
{
    send(box, 0, 0);
    return NULL;
}

/* Whoever waits for the last letter frees the box next, while its sender may still be about to wake it. */
TEST(the_box_may_go_as_soon_as_its_last_letter_is_there)
{
    for (int i = 0; i < 500; i++) {
        struct mailbox *box = xmalloc(sizeof(*box));
        pthread_t sender;
        eventfd_t wakes = 0;

        mailbox_init(box);
        next_number[0] = 0;
        pthread_create(&sender, NULL, send_one, box);
        while (mailbox_run(box) == 0)
            ;
        mailbox_fini(box);
        free(box);
        int next = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); /* most likely the same number */

        pthread_join(sender, NULL);
        eventfd_read(next, &wakes);
        close(next);
        EXPECT_INT("nobody wrote to what took the descriptor's place", wakes, 0);
    }
}
