/* The clients' HTTP against a server of one request: what is sent, what is taken from the answer, what a
 * failure is called. */
#include "../../lib/test.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ursa/client.h"

/* Takes one connection, keeps the request and answers 'reply'. */
struct server {
    int fd;
    uint16_t port;
    const char *reply;
    char request[4096];
    pthread_t thread;
};

static bool is_whole(const char *request)
{
    const char *body = strstr(request, "\r\n\r\n"), *size = strstr(request, "Content-Length: ");

    return body && (!size || strlen(body + 4) >= (size_t)strtol(size + strlen("Content-Length: "), NULL, 10));
}

static void *serve(void *ctx)
{
    struct server *s = ctx;
    int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
    size_t n = 0;
    ssize_t got;

    while (!is_whole(s->request) && n + 1 < sizeof(s->request) &&
           (got = read(fd, s->request + n, sizeof(s->request) - 1 - n)) > 0)
        n += (size_t)got;
    (void)!write(fd, s->reply, strlen(s->reply));
    close(fd);
    return NULL;
}

static void server_start(struct server *s, const char *reply)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(at);

    *s = (struct server){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .reply = reply};
    if (bind(s->fd, (const struct sockaddr *)&at, size) != 0 || listen(s->fd, 1) != 0 ||
        getsockname(s->fd, (struct sockaddr *)&at, &size) != 0)
        FAIL("no server");
    s->port = ntohs(at.sin_port);
    if (pthread_create(&s->thread, NULL, serve, s) != 0)
        FAIL("no thread");
}

static void server_join(struct server *s)
{
    pthread_join(s->thread, NULL);
    close(s->fd);
}

TEST(a_request_and_its_answer)
{
    static const struct str header = STR_INIT("X-Why: test");
    const struct client_options options = {
        .token = STR("secret"), .headers = &header, .n_headers = 1, .timeout_ms = 10000};
    static const char *const lines[] = {"PUT /meshes/m?dry=1 HTTP/1.1\r\n",
                                        "Authorization: Bearer secret\r\n",
                                        "X-Why: test\r\n",
                                        "Content-Type: application/yaml\r\n",
                                        "Accept: */*\r\n",
                                        "\r\n\r\ntype: Mesh"};
    struct server s;
    struct client *c;
    struct client_answer answer;
    struct arena a;
    struct err e;

    arena_init(&a);
    err_init(&e, &a);
    setenv("http_proxy", "http://127.0.0.1:1", 1); /* must not be asked */
    server_start(&s, "HTTP/1.1 201 Created\r\nursa-revision: 7\r\nContent-Type: application/json\r\n"
                     "Content-Length: 2\r\n\r\n{}");
    if (client_new(&options, &c, &e) != ERR_NONE)
        FAIL("client_new");
    struct str url = arena_printf(&a, "http://127.0.0.1:%u/meshes/m?dry=1", s.port);
    enum err_kind kind =
        client_send(c, "PUT", url, "application/yaml", NULL, STR("type: Mesh"), &a, &answer, &e);
    server_join(&s);
    unsetenv("http_proxy");
    EXPECT_STR("error", e.text, "");
    EXPECT_INT("kind", kind, ERR_NONE);
    EXPECT_INT("status", answer.status, 201);
    EXPECT_STR("revision", answer.revision, "7");
    EXPECT_STR("type", answer.content_type, "application/json");
    EXPECT_STR("body", answer.body, "{}");
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        if (!strstr(s.request, lines[i]))
            EXPECT_CSTR(lines[i], s.request, lines[i]);
    client_free(c);
    arena_fini(&a);
}

TEST(a_body_is_sent_once)
{
    const struct client_options options = {.timeout_ms = 10000};
    struct client *c;
    struct client_answer answer;
    struct arena a;
    struct err e;

    arena_init(&a);
    err_init(&e, &a);
    if (client_new(&options, &c, &e) != ERR_NONE)
        FAIL("client_new");
    for (int i = 0; i < 2; i++) {
        struct server s;

        server_start(&s, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
        struct str url = arena_printf(&a, "http://127.0.0.1:%u/", s.port);
        EXPECT_INT(
            "sent",
            client_send(c, i ? "DELETE" : "POST", url, NULL, NULL, i ? STR_NONE : STR("x"), &a, &answer, &e),
            ERR_NONE);
        server_join(&s);
        EXPECT_STR("no body", answer.body, "");
        EXPECT_TRUE(i ? "the second has none" : "the first has one",
                    (strstr(s.request, "Content-Length: 1") != NULL) == (i == 0));
        EXPECT_TRUE("method", str_has_prefix(str_from_c(s.request), i ? STR("DELETE / ") : STR("POST / ")));
    }
    client_free(c);
    arena_fini(&a);
}

TEST(nobody_answers)
{
    static const struct {
        const char *name, *reply; /* NULL: the port is closed */
    } rows[] = {
        {"closed port", NULL},
        {"hangs up", ""},
        {"no HTTP", "SSH-2.0-OpenSSH\r\n"},
        {"cut off", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct client_options options = {.timeout_ms = 10000};
        struct server s = {.port = 1};
        struct client *c;
        struct client_answer answer;
        struct arena a;
        struct err e;

        arena_init(&a);
        err_init(&e, &a);
        if (rows[i].reply)
            server_start(&s, rows[i].reply);
        if (client_new(&options, &c, &e) != ERR_NONE)
            FAIL("client_new");
        struct str url = arena_printf(&a, "http://127.0.0.1:%u/", s.port);
        enum err_kind kind = client_send(c, "GET", url, NULL, NULL, STR_NONE, &a, &answer, &e);
        if (rows[i].reply)
            server_join(&s);
        EXPECT_INT(rows[i].name, kind, ERR_UNAVAILABLE);
        EXPECT_TRUE(rows[i].name,
                    str_has_prefix(e.text, arena_printf(&a, "no answer from " STR_FMT, STR_ARG(url))));
        client_free(c);
        arena_fini(&a);
    }
}
