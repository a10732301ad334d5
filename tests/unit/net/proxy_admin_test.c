/* Asking proxies, over loopback: who is asked, what they may answer, when it ends. The peers here speak
 * without TLS; flow/inspect_test.py has real Envoys behind certificates. */
#include "../../lib/test.h"
#include "ursa/proxy_admin.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ursa/base/clock.h"
#include "ursa/base/listen.h"

#define OK "HTTP/1.1 200 OK\r\ncontent-length: "
#define WHO OK "28\r\n\r\n{\"node\": {\"id\": \"mesh.web\"}}"

/* Answers each request with the next text; NULL ends the connection, "..." says nothing until the peer ends
 * it. */
struct peer {
    int listen_fd;
    uint16_t port;
    const char *answers[3];
    pthread_t thread;
};

static bool read_request(int fd)
{
    char seen[4] = "", c;

    while (memcmp(seen, "\r\n\r\n", 4) != 0) {
        if (recv(fd, &c, 1, 0) != 1)
            return false;
        memmove(seen, seen + 1, 3);
        seen[3] = c;
    }
    return true;
}

static void *serve(void *arg)
{
    struct peer *p = arg;
    int fd = accept(p->listen_fd, NULL, NULL);

    for (size_t i = 0; fd >= 0 && i < ARRAY_LEN(p->answers) && p->answers[i] && read_request(fd); i++) {
        const char *text = p->answers[i];
        if (strcmp(text, "...") == 0)
            (void)!read_request(fd); /* until the other side ends it */
        else if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
            break;
    }
    if (fd >= 0) {
        shutdown(fd, SHUT_WR); /* what is unread when it is closed would become a reset */
        while (read_request(fd))
            ;
        close(fd);
    }
    return NULL;
}

static void peer_start(struct peer *p)
{
    struct arena a;
    struct err e;
    int flags = 0;

    arena_init(&a);
    err_init(&e, &a);
    p->listen_fd = listen_tcp("127.0.0.1", 0, &p->port, &e);
    EXPECT_TRUE("listens", p->listen_fd >= 0);
    arena_fini(&a);
    /* The test's end blocks. */
    flags = fcntl(p->listen_fd, F_GETFL);
    fcntl(p->listen_fd, F_SETFL, flags & ~O_NONBLOCK);
    pthread_create(&p->thread, NULL, serve, p);
}

static void peer_stop(struct peer *p)
{
    shutdown(p->listen_fd, SHUT_RDWR);
    pthread_join(p->thread, NULL);
    close(p->listen_fd);
}

static bool came;
static void note(struct mail *mail)
{
    (void)mail;
    came = true;
}

static void shout(struct buf *body)
{
    buf_add_str(body, STR("!"));
}

static struct proxy_admin *start(int64_t deadline_ns, unsigned n_threads)
{
    const struct proxy_admin_options options = {
        .n_threads = n_threads, .max_waiting = 1, .deadline_ns = deadline_ns, .max_body = 64};
    struct proxy_admin *admin = NULL;
    struct arena a;
    struct err e;

    arena_init(&a);
    err_init(&e, &a);
    EXPECT_INT("start", proxy_admin_start(&options, &admin, &e), ERR_NONE);
    arena_fini(&a);
    return admin;
}

static struct proxy_question question(struct mailbox *box, const char *address, uint16_t port)
{
    return (struct proxy_question){.mail.handle = note,
                                   .box = box,
                                   .address = str_from_c(address),
                                   .port = port,
                                   .node_id = STR("mesh.web"),
                                   .path = "/stats",
                                   .finish = shout};
}

static const struct {
    const char *name, *answers[3], *want; /* the body, or the reason */
    int64_t deadline_ns;                  /* 0: as long as it takes */
} rows[] = {
    {"an answer", {WHO, OK "5\r\n\r\nhello"}, "hello!", 0},
    {"in chunks",
     {WHO, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
     "hello!",
     0},
    {"another proxy",
     {OK "25\r\n\r\n{\"node\": {\"id\": \"b.web\"}}", OK "5\r\n\r\nhello"},
     "what listens at the proxy's admin port is not this proxy",
     0},
    {"somebody else",
     {OK "2\r\n\r\n{}", OK "5\r\n\r\nhello"},
     "what listens at the proxy's admin port is not this proxy",
     0},
    {"no Envoy",
     {OK "5\r\n\r\n<html", OK "5\r\n\r\nhello"},
     "what listens at the proxy's admin port is no Envoy",
     0},
    {"a refusal",
     {WHO, "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n"},
     "the proxy answered with status 403",
     0},
    {"too much", {WHO, OK "65\r\n\r\n"}, "the answer is larger than 64 bytes", 0},
    {"an end before the answer", {WHO}, "the answer is no HTTP/1.1: it ends too early", 0},
    {"another protocol", {"220 mail.example.com ESMTP\r\n"}, "the answer is no HTTP/1.1: its status line", 0},
    {"silence", {"..."}, "the proxy did not answer in time", 20 * NS_PER_MS},
    {"silence after the first answer", {WHO, "..."}, "the proxy did not answer in time", 20 * NS_PER_MS},
};

TEST(only_the_proxy_itself_is_asked_and_only_so_long)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct peer peer = {.answers = {rows[i].answers[0], rows[i].answers[1], rows[i].answers[2]}};
        struct proxy_admin *admin = start(rows[i].deadline_ns ? rows[i].deadline_ns : 30 * NS_PER_S, 1);
        struct mailbox box;

        peer_start(&peer);
        mailbox_init(&box);
        struct proxy_question q = question(&box, "127.0.0.1", peer.port);
        EXPECT_TRUE(rows[i].name, proxy_admin_ask(admin, &q));
        EXPECT_TRUE(rows[i].name, mailbox_wait(&box, 30000));
        mailbox_run(&box);
        EXPECT_STR(rows[i].name, q.kind == ERR_NONE ? buf_str(&q.body) : str_from_c(q.reason), rows[i].want);
        EXPECT_TRUE(rows[i].name, q.kind == ERR_NONE || q.kind == ERR_PEER);
        buf_fini(&q.body);
        proxy_admin_stop(admin);
        peer_stop(&peer);
        mailbox_fini(&box);
    }
}

TEST(addresses_are_addresses)
{
    static const struct {
        const char *name, *address, *want;
        uint16_t port;
    } addresses[] = {
        {"a name", "localhost",
         "the proxy offers its admin port without TLS, which is asked on this machine only", 80},
        {"another machine", "192.0.2.1",
         "the proxy offers its admin port without TLS, which is asked on this machine only", 80},
        {"all of this machine's", "0.0.0.0",
         "the proxy offers its admin port without TLS, which is asked on this machine only", 80},
        {"no port", "127.0.0.1", "the proxy's address is no IP address with a port", 0},
    };
    struct proxy_admin *admin = start(30 * NS_PER_S, 1);
    struct mailbox box;

    mailbox_init(&box);
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        struct proxy_question q = question(&box, addresses[i].address, addresses[i].port);
        EXPECT_TRUE(addresses[i].name, proxy_admin_ask(admin, &q));
        EXPECT_TRUE(addresses[i].name, mailbox_wait(&box, 30000));
        mailbox_run(&box);
        EXPECT_CSTR(addresses[i].name, q.reason, addresses[i].want);
        buf_fini(&q.body);
    }
    proxy_admin_stop(admin);
    mailbox_fini(&box);
}

/* One is asked, one waits, a third is one too many; and stopping ends them at once. */
TEST(waiting_is_bounded_and_stopping_ends_it)
{
    struct peer peer = {.answers = {"..."}};
    struct proxy_admin *admin = start(300 * NS_PER_S, 1);
    struct proxy_question q[3];
    struct mailbox box;
    size_t n_came = 0;
    int64_t end = clock_mono_ns() + 30 * NS_PER_S;

    peer_start(&peer);
    mailbox_init(&box);
    for (size_t i = 0; i < ARRAY_LEN(q); i++)
        q[i] = question(&box, "127.0.0.1", peer.port);
    EXPECT_TRUE("the first", proxy_admin_ask(admin, &q[0]));
    while (!proxy_admin_ask(admin, &q[1])) /* until the thread has taken the first */
        EXPECT_TRUE("in time", clock_mono_ns() < end);
    while (proxy_admin_ask(admin, &q[2])) /* it was as fast as that: then nothing waited */
        FAIL("one too many was taken");
    proxy_admin_cancel(admin);
    EXPECT_TRUE("afterwards", !proxy_admin_ask(admin, &q[2]));
    while (n_came < 2 && mailbox_wait(&box, 30000))
        n_came += mailbox_run(&box);
    EXPECT_INT("both", n_came, 2);
    EXPECT_INT("the first", q[0].kind, ERR_UNAVAILABLE);
    EXPECT_INT("the second", q[1].kind, ERR_UNAVAILABLE);
    proxy_admin_stop(admin);
    peer_stop(&peer);
    mailbox_fini(&box);
}
