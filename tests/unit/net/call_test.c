/* Calls over loopback with real TLS and HTTP/2: what a proxy sends and gets, and how each call ends. */
#include "server.h"

#include <stdio.h>

TEST(requests_are_answered_and_pushes_follow)
{
    struct client c;
    struct call call;

    client_dial(&c, start());
    call_start(&call, &c);
    call_send(&call, "echo hello");
    WAIT_FOR(&c, call_has_message(&call));
    EXPECT_STR("answer", call_message(&call), "hello");
    EXPECT_INT("status", call.http_status, 200);
    call_drop(&call);
    for (int i = 0; i < 3; i++) {
        fake_tell("echo news");
        WAIT_FOR(&c, call_has_message(&call));
        EXPECT_STR("push", call_message(&call), "news");
        call_drop(&call);
    }
    EXPECT_INT("nothing else came", call.in.n, 0);
    call.half_close = true;
    call_send_bytes(&call, STR_NONE);
    WAIT_FOR(&c, call.ended);
    EXPECT_INT("half close ends the call well", call.grpc_status, 0);
    call_end(&call);
    client_close(&c);
    stop();
}

TEST(health_discovery_is_a_service_of_its_own)
{
    static const char *const fields[] = {
        CALL("POST", "/envoy.service.health.v3.HealthDiscoveryService/StreamHealthCheck", "application/grpc"),
        NULL};
    struct client c;
    struct call call;

    client_dial(&c, start());
    size_t before = fake.n_health;
    call_start_with(&call, &c, fields);
    call_send(&call, "echo healthy");
    WAIT_FOR(&c, call_has_message(&call));
    EXPECT_STR("answer", call_message(&call), "healthy");
    EXPECT_INT("opened", fake.n_health - before, 1);
    call_end(&call);
    client_close(&c);
    stop();
}

/* In one segment, and so in one read: more than a turn takes. */
TEST(records_that_come_together_are_all_taken)
{
    struct client c;
    struct call call;
    int cork = 1;

    client_dial(&c, start());
    call_start(&call, &c);
    call_send(&call, "echo hello");
    WAIT_FOR(&c, call_has_message(&call));
    call_drop(&call);
    setsockopt(c.fd, IPPROTO_TCP, TCP_CORK, &cork, sizeof(cork));
    for (int i = 0; i < 50; i++) {
        nghttp2_submit_ping(c.h2, NGHTTP2_FLAG_NONE, NULL);
        client_send(&c);
    }
    call_send(&call, "echo again");
    client_send(&c);
    cork = 0;
    setsockopt(c.fd, IPPROTO_TCP, TCP_CORK, &cork, sizeof(cork));
    WAIT_FOR(&c, call_has_message(&call));
    EXPECT_STR("the last of them", call_message(&call), "again");
    call_end(&call);
    client_close(&c);
    stop();
}

TEST(large_messages_pass_flow_control)
{
    static const size_t sizes[] = {0, 1, 16379, 16384, 65530, 65531, 1 << 20, 20000003};
    struct client c;
    struct call call;

    client_dial(&c, start());
    call_start(&call, &c);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        char order[32];

        snprintf(order, sizeof(order), "big %zu", sizes[i]);
        call_send(&call, order);
        WAIT_FOR(&c, call_has_message(&call));
        struct str m = call_message(&call);

        EXPECT_INT(order, m.n, sizes[i]);
        for (size_t k = 0; k < m.n; k++)
            if (m.p[k] != fake_byte(k % FAKE_BLOB))
                FAIL("%s: byte %zu is wrong", order, k);
        call_drop(&call);
    }
    call_end(&call);
    client_close(&c);
    stop();
}

TEST(two_calls_share_a_connection)
{
    struct client c;
    struct call a, b;

    client_dial(&c, start());
    call_start(&a, &c);
    call_start(&b, &c);
    call_send(&a, "big 3000000");
    call_send(&b, "echo quick");
    WAIT_FOR(&c, call_has_message(&b));
    EXPECT_STR("b", call_message(&b), "quick");
    WAIT_FOR(&c, call_has_message(&a));
    EXPECT_INT("a", call_message(&a).n, 3000000);
    call_end(&a);
    call_end(&b);
    client_close(&c);
    stop();
}

TEST(a_slow_reader_holds_one_message)
{
    struct client c, other;
    struct call call, well;
    uint16_t port = start();

    client_dial(&c, port);
    call_start(&call, &c);
    call_send(&call, "big 30000000");
    client_send(&c);
    client_dial(&other, port);
    call_start(&well, &other);
    for (int i = 0; i < 20; i++) { /* the first client has not read a byte meanwhile */
        fake_tell("big 30000000");
        call_send(&well, "echo on");
        WAIT_FOR(&other, call_has_message(&well));
        call_drop(&well);
    }
    EXPECT_TRUE("no more than one a push and client was made", fake.n_pulled <= 42);
    EXPECT_TRUE("the slow one holds one message", fake.n_blobs <= 2 * (30000000 / FAKE_BLOB));
    call_end(&call);
    client_close(&c);
    WAIT_FOR(&other, fake.n_open == 1);
    call_end(&well);
    client_close(&other);
    stop();
}

TEST(a_reset_closes_the_stream_only)
{
    struct client c;
    struct call a, b;

    client_dial(&c, start());
    call_start(&a, &c);
    call_start(&b, &c);
    call_send(&a, "echo a");
    call_send(&b, "echo b");
    WAIT_FOR(&c, call_has_message(&a) && call_has_message(&b));
    EXPECT_INT("open", fake.n_open, 2);
    call_drop(&b);
    nghttp2_submit_rst_stream(c.h2, NGHTTP2_FLAG_NONE, a.id, NGHTTP2_CANCEL);
    WAIT_FOR(&c, fake.n_open == 1);
    fake_tell("echo still");
    WAIT_FOR(&c, call_has_message(&b));
    EXPECT_STR("the other lives", call_message(&b), "still");
    call_end(&a);
    call_end(&b);
    client_close(&c);
    stop();
}

TEST(the_service_ends_a_call_with_its_status)
{
    static const struct {
        const char *name, *before;
        bool want_data;
    } rows[] = {
        {"as the first answer", NULL, false},
        {"after a message", "echo x", true},
    };
    struct client c;

    client_dial(&c, start());
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct call call;

        call_start(&call, &c);
        if (rows[i].before) {
            call_send(&call, rows[i].before);
            WAIT_FOR(&c, call_has_message(&call));
        }
        call_send(&call, "fail");
        WAIT_FOR(&c, call.ended);
        EXPECT_INT(rows[i].name, call.http_status, 200);
        EXPECT_INT(rows[i].name, call.grpc_status, 7);
        EXPECT_CSTR(rows[i].name, call.text, "100%25 denied");
        EXPECT_INT(rows[i].name, call.reset, NGHTTP2_NO_ERROR);
        EXPECT_INT(rows[i].name, call.in.n > 0, rows[i].want_data);
        WAIT_FOR(&c, fake.n_open == 0);
        call_end(&call);
    }
    client_close(&c);
    stop();
}

TEST(tokens_reach_the_service)
{
    static const char *const fields[] = {CALL("POST", ADS_PATH, "application/grpc"), "authorization",
                                         "secret", NULL};
    struct client c;
    struct call call;

    client_dial(&c, start());
    call_start_with(&call, &c, fields);
    call_send(&call, "token");
    WAIT_FOR(&c, call_has_message(&call));
    EXPECT_STR("token", call_message(&call), "secret");
    call_end(&call);
    client_close(&c);
    stop();
}

TEST(the_method_chooses_the_variant)
{
    static const struct {
        const char *path, *want;
    } rows[] = {{ADS_PATH, "sotw"}, {ADS_SERVICE "DeltaAggregatedResources", "delta"}};
    struct client c;
    struct call call;

    client_dial(&c, start());
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *const fields[] = {CALL("POST", rows[i].path, "application/grpc"), NULL};
        call_start_with(&call, &c, fields);
        call_send(&call, "variant");
        WAIT_FOR(&c, call_has_message(&call));
        EXPECT_STR(rows[i].path, call_message(&call), rows[i].want);
        call_end(&call);
    }
    client_close(&c);
    stop();
}

TEST(wrong_requests_are_refused_and_the_connection_lives)
{
    static const struct {
        const char *name;
        const char *fields[20];
        struct str bytes;
        int want_http, want_grpc;
    } rows[] = {
        {"another method", {CALL("POST", "/a.B/C", "application/grpc")}, STR_INIT(""), 200, 12},
        {"GET", {CALL("GET", ADS_PATH, "application/grpc")}, STR_INIT(""), 405, -1},
        {"JSON", {CALL("POST", ADS_PATH, "application/json")}, STR_INIT("{}"), 415, -1},
        {"two tokens",
         {CALL("POST", ADS_PATH, "application/grpc"), "authorization", "a", "authorization", "b"},
         STR_INIT(""),
         200,
         16},
        {"compressed", {CALL("POST", ADS_PATH, "application/grpc")}, STR_INIT("\1\0\0\0\1x"), 200, 12},
        {"too large", {CALL("POST", ADS_PATH, "application/grpc")}, STR_INIT("\0\0\x10\0\1x"), 200, 8},
        {"no frames", {CALL("POST", ADS_PATH, "application/grpc")}, STR_INIT("hello world"), 200, 3},
    };
    struct client c;

    client_dial(&c, start());
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct call call;

        call_start_with(&call, &c, rows[i].fields);
        call_send_bytes(&call, rows[i].bytes);
        WAIT_FOR(&c, call.ended);
        EXPECT_INT(rows[i].name, call.http_status, rows[i].want_http);
        EXPECT_INT(rows[i].name, call.grpc_status, rows[i].want_grpc);
        call_end(&call);
    }
    struct call call;

    call_start(&call, &c);
    call_send(&call, "echo alive");
    WAIT_FOR(&c, call_has_message(&call));
    call_end(&call);
    client_close(&c);
    stop();
}

TEST(a_call_that_ends_amid_a_message_is_an_error)
{
    struct client c;
    struct call call;

    client_dial(&c, start());
    call_start(&call, &c);
    call.half_close = true;
    call_send_bytes(&call, STR("\0\0\0\0\5ab"));
    WAIT_FOR(&c, call.ended);
    EXPECT_INT("status", call.grpc_status, 3);
    call_end(&call);
    client_close(&c);
    stop();
}

TEST(a_header_that_is_too_large_is_refused)
{
    static char large[17000];
    static const char *const fields[] = {CALL("POST", ADS_PATH, "application/grpc"), "x-large", large, NULL};
    struct client c;
    struct call call;

    memset(large, 'x', sizeof(large) - 1);
    client_dial(&c, start());
    call_start_with(&call, &c, fields);
    WAIT_FOR(&c, call.ended || c.closed);
    EXPECT_INT("status", call.http_status, 431);
    call_end(&call);
    client_close(&c);
    stop();
}
