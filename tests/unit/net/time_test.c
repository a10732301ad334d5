/* Time limits of connections. The clock stands still and is moved by hand. */
#include "server.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "ursa/base/clock.h"
#include "ursa/base/count.h"

static int64_t fake_now;

static void fake_ns_pass(int64_t ns)
{
    fake_now += ns;
    clock_fake(fake_now, 0);
    if (n_fake_services > 0)
        fake_tell("");
}

static void fake_time_passes(int64_t seconds)
{
    fake_ns_pass(seconds * NS_PER_S);
}

static uint16_t start_in_fake_time(void)
{
    fake_now = 1000 * NS_PER_S;
    clock_fake(fake_now, 0);
    return start();
}

static void stop_in_fake_time(void)
{
    stop();
    clock_fake(-1, -1);
}

/* An answer means that the server has read all that the client sent before, as the acknowledgements of
 * SETTINGS and PING. */
static void ask_again(struct call *call)
{
    call_drop(call);
    call_send(call, "echo again");
    WAIT_FOR(call->client, call_has_message(call));
}

TEST(silent_peers_are_pinged_and_given_up)
{
    struct client alive, gone;
    struct call call, lost;
    uint16_t port = start_in_fake_time();

    if (!client_open(&gone, port, STR("\x02h2")))
        FAIL("the handshake failed");
    client_start_h2(&gone, false);
    client_dial(&alive, port);
    call_start(&call, &alive);
    call_start(&lost, &gone);
    call_send(&call, "echo hello");
    call_send(&lost, "echo hello");
    WAIT_FOR(&alive, call_has_message(&call));
    WAIT_FOR(&gone, call_has_message(&lost));
    ask_again(&call);
    ask_again(&lost);
    fake_time_passes(31);
    WAIT_FOR(&alive, alive.n_pings == 1);
    WAIT_FOR(&gone, gone.n_pings == 1);
    ask_again(&call);
    fake_time_passes(16);
    WAIT_FOR(&gone, gone.closed);
    WAIT_FOR(&alive, fake.n_open == 1);
    EXPECT_TRUE("who answers stays", !alive.closed);
    call_end(&call);
    call_end(&lost);
    client_close(&alive);
    client_close(&gone);
    stop_in_fake_time();
}

/* Without a word from the client. What is received the second time was sent behind the timers of the first.
 */
static void hear_twice(struct call *call)
{
    for (int i = 0; i < 2; i++) {
        fake_tell("echo news");
        WAIT_FOR(call->client, call_has_message(call));
        call_drop(call);
    }
}

TEST(who_is_due_in_the_same_second_has_one_time)
{
    struct client early, late;
    struct call first, second;
    uint16_t port = start_in_fake_time();

    fake_ns_pass(NS_PER_S / 2);
    client_dial(&early, port);
    call_start(&first, &early);
    call_send(&first, "echo hello");
    WAIT_FOR(&early, call_has_message(&first));
    ask_again(&first);
    call_drop(&first);
    fake_ns_pass(NS_PER_S / 4);
    client_dial(&late, port);
    call_start(&second, &late);
    call_send(&second, "echo hello");
    WAIT_FOR(&late, call_has_message(&second));
    ask_again(&second);
    call_drop(&second);
    fake_ns_pass(30 * NS_PER_S);
    hear_twice(&first);
    hear_twice(&second);
    EXPECT_INT("both are due at a whole second", early.n_pings + late.n_pings, 0);
    fake_ns_pass(NS_PER_S / 4);
    WAIT_FOR(&early, early.n_pings == 1);
    WAIT_FOR(&late, late.n_pings == 1);
    call_end(&first);
    call_end(&second);
    client_close(&early);
    client_close(&late);
    stop_in_fake_time();
}

TEST(connections_without_use_are_closed)
{
    struct client c;
    struct call call;
    uint16_t port = start_in_fake_time();
    int fd = client_connect(port);

    client_dial(&c, port); /* accepted in order: the other is in its handshake now */
    call_start(&call, &c);
    WAIT_FOR(&c, fake.n_open == 1);
    fake_time_passes(6);
    client_wait_for_end(fd); /* no handshake */
    EXPECT_TRUE("a call may wait a while", !c.closed);
    fake_time_passes(25);
    WAIT_FOR(&c, c.closed);
    EXPECT_INT("goaway", c.goaway, NGHTTP2_NO_ERROR);
    EXPECT_INT("status", call.grpc_status, 14);
    close(fd);
    call_end(&call);
    client_close(&c);
    stop_in_fake_time();
}

TEST(the_service_s_timers_run)
{
    struct client c;

    client_dial(&c, start_in_fake_time());
    fake.n_timers_run = 0;
    fake.deadline = fake_now + 5 * NS_PER_S;
    fake_time_passes(4);
    fake_time_passes(2);
    WAIT_FOR(&c, fake.n_timers_run == 1);
    client_close(&c);
    stop_in_fake_time();
}

TEST(a_peer_that_takes_no_bytes_is_given_up)
{
    static const nghttp2_settings_entry wide[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 100 << 20}};
    struct client c, other;
    struct call call, well;
    uint16_t port = start_in_fake_time();

    client_dial(&c, port);
    nghttp2_submit_settings(c.h2, NGHTTP2_FLAG_NONE, wide, ARRAY_LEN(wide));
    nghttp2_session_set_local_window_size(c.h2, NGHTTP2_FLAG_NONE, 0, 100 << 20);
    call_start(&call, &c);
    call_send(&call, "big 50000000");
    client_send(&c);
    c.deaf = true;
    WAIT_FOR(&c, fake.n_pulled == 1);
    client_dial(&other, port);
    call_start(&well, &other);
    call_send(&well, "echo hello");
    WAIT_FOR(&other, call_has_message(&well));
    /* The server's socket takes a while to fill; from then on it is 30 s, and the PING's limit would be 45.
     */
    int seconds = 0;

    for (; seconds < 44 && fake.n_open == 2; seconds++) {
        fake_time_passes(1);
        ask_again(&well);
    }
    EXPECT_INT("open", fake.n_open, 1);
    EXPECT_TRUE("not before its time", seconds >= 30);
    WAIT_FOR(&other, fake.n_blobs == 0); /* its message is freed, a moment after its stream */
    call_end(&call);
    call_end(&well);
    client_close(&c);
    client_close(&other);
    stop_in_fake_time();
}

TEST(without_descriptors_accepting_rests)
{
    struct client c;
    struct rlimit limit, none;
    uint16_t port = start_in_fake_time();
    int fd = client_socket();
    int64_t before = count_get("net_accept_paused");

    getrlimit(RLIMIT_NOFILE, &limit);
    none = limit;
    none.rlim_cur = (rlim_t)fd + 1;
    setrlimit(RLIMIT_NOFILE, &none);
    client_connect_socket(fd, port);
    c.closed = true; /* client_step only waits */
    WAIT_FOR(&c, count_get("net_accept_paused") > before);
    for (int i = 0; i < 20; i++)
        client_step(&c);
    EXPECT_INT("tried once, since time stands still", count_get("net_accept_paused"), before + 1);
    setrlimit(RLIMIT_NOFILE, &limit);
    fake_time_passes(1);
    EXPECT_TRUE("accepted after the rest", client_open_fd(&c, fd, STR("\x02h2")));
    client_close(&c);
    stop_in_fake_time();
}

/* ---- whose turn it is ---- */

#define CROWD 50
static struct {
    sem_t reached, goes_on;
    atomic_size_t n_done; /* requests of the crowd, of which each takes a millisecond */
    atomic_size_t n_done_before_other;
} crowd;

static void stand_still(struct str mesh)
{
    (void)mesh;
    sem_post(&crowd.reached);
    sem_wait(&crowd.goes_on);
}

static void work(struct str mesh)
{
    if (str_eq(mesh, STR("other"))) {
        crowd.n_done_before_other = crowd.n_done;
        return;
    }
    clock_fake(clock_mono_ns() + NS_PER_MS, 0);
    crowd.n_done++;
}

static void dial_from(struct client *c, struct call *call, uint16_t port, const char *mesh)
{
    const char *const fields[] = {CALL("POST", ADS_PATH, "application/grpc"), "authorization", mesh, NULL};

    client_dial(c, port);
    call_start_with(call, c, fields);
    call_send(call, "echo hello");
    WAIT_FOR(c, call_has_message(call));
}

TEST(what_a_crowd_sends_holds_no_other_mesh_up)
{
    static struct client many[CROWD], other, holder;
    static struct call calls[CROWD], call, hold;
    uint16_t port = start_in_fake_time();

    sem_init(&crowd.reached, 0, 0);
    sem_init(&crowd.goes_on, 0, 0);
    crowd.n_done = 0;
    dial_from(&other, &call, port, "other");
    for (size_t i = 0; i < CROWD; i++)
        dial_from(&many[i], &calls[i], port, "crowd");
    dial_from(&holder, &hold, port, "holder");
    fake.work = stand_still;
    call_send(&hold, "work");
    client_send(&holder);
    sem_wait(&crowd.reached);
    fake.work = work;
    for (size_t i = 0; i < CROWD; i++) {
        call_send(&calls[i], "work");
        client_send(&many[i]);
    }
    call_send(&call, "work");
    client_send(&other);
    sem_post(&crowd.goes_on);
    ask_again(&call);
    EXPECT_TRUE("one of the crowd, or none", crowd.n_done_before_other <= 1);
    for (size_t i = 0; i < CROWD; i++) {
        ask_again(&calls[i]);
        call_end(&calls[i]);
        client_close(&many[i]);
    }
    EXPECT_INT("all were read", crowd.n_done, CROWD);
    call_end(&call);
    call_end(&hold);
    client_close(&other);
    client_close(&holder);
    stop_in_fake_time();
    sem_destroy(&crowd.reached);
    sem_destroy(&crowd.goes_on);
}
