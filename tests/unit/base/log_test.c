/* Log lines, captured in memory in place of standard error. */
#include "../../lib/test.h"

#include <sys/mman.h>
#include <unistd.h>

#include "ursa/base/arena.h"
#include "ursa/base/clock.h"
#include "ursa/base/log.h"

static int stderr_copy, capture = -1;

static void capture_begin(void)
{
    stderr_copy = dup(STDERR_FILENO);
    capture = memfd_create("log", 0);
    dup2(capture, STDERR_FILENO);
}

/* What was logged since; standard error is itself again. */
static struct str capture_end(struct arena *a)
{
    off_t n = lseek(capture, 0, SEEK_END);
    char *p = arena_alloc(a, (size_t)n + 1);

    if (pread(capture, p, (size_t)n, 0) != n)
        n = 0;
    dup2(stderr_copy, STDERR_FILENO);
    close(stderr_copy);
    close(capture);
    return str_from(p, (size_t)n);
}

TEST(lines)
{
    static const struct {
        const char *name, *value;
        bool json;
        const char *want;
    } rows[] = {
        {"plain", "web-1", false, "2026-11-23T09:22:27.311Z info xds proxy=web-1\n"},
        {"newline", "a\nb\tc\rd", false, "2026-11-23T09:22:27.311Z info xds proxy=a\\nb\\tc\\rd\n"},
        {"controls", "\x1b[1m\x7f", false, "2026-11-23T09:22:27.311Z info xds proxy=\\x1b[1m\\x7f\n"},
        {"C1 control", "\xc2\x9b", false, "2026-11-23T09:22:27.311Z info xds proxy=\\u009b\n"},
        {"UTF-8", "\u00e4", false, "2026-11-23T09:22:27.311Z info xds proxy=\u00e4\n"},
        {"bad UTF-8", "\xff", false, "2026-11-23T09:22:27.311Z info xds proxy=\\xff\n"},
        {"json", "web-1", true,
         "{\"time\":\"2026-11-23T09:22:27.311Z\",\"level\":\"info\",\"module\":\"xds\",\"message\":\"proxy="
         "web-1\"}\n"},
        {"json escapes", "\"\\\n\x01\xff", true,
         "{\"time\":\"2026-11-23T09:22:27.311Z\",\"level\":\"info\",\"module\":\"xds\","
         "\"message\":\"proxy=\\\"\\\\\\n\\u0001\\ufffd\"}\n"},
    };
    struct arena a;

    arena_init(&a);
    clock_fake(0, INT64_C(1795425747311999999));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        log_set_json(rows[i].json);
        capture_begin();
        log_info("xds", "proxy=%s", rows[i].value);
        struct str got = capture_end(&a);

        log_set_json(false);
        EXPECT_STR(rows[i].name, got, rows[i].want);
    }
    clock_fake(-1, -1);
    arena_fini(&a);
}

static void chatter(int n)
{
    for (int i = 0; i < n; i++)
        log_warn("noise", "i=%d", i);
}

static int count_lines(struct str s)
{
    int n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '\n';
    return n;
}

TEST(a_site_writes_ten_lines_a_second)
{
    struct arena a;

    arena_init(&a);
    clock_fake(5 * NS_PER_S, 0);
    capture_begin();
    chatter(27);
    EXPECT_INT("first second", count_lines(capture_end(&a)), 10);
    clock_fake(6 * NS_PER_S, 0);
    capture_begin();
    chatter(2);
    EXPECT_STR(
        "next second", capture_end(&a),
        "1970-01-01T00:00:00.000Z warn noise i=0 suppressed=17\n1970-01-01T00:00:00.000Z warn noise i=1\n");
    clock_fake(-1, -1);
    arena_fini(&a);
}

TEST(a_long_text_stays_one_line)
{
    struct arena a;

    arena_init(&a);
    capture_begin();
    log_info("xds", "%10000d", 1);
    struct str got = capture_end(&a);

    EXPECT_INT("one line", count_lines(got), 1);
    EXPECT_TRUE("cut", got.n < 5000 && got.p[got.n - 1] == '\n');
    capture_begin();
    log_set_json(true);
    char controls[5000];
    for (size_t i = 0; i < sizeof(controls); i++)
        controls[i] = 1;
    log_info("xds", "%.*s", (int)sizeof(controls), controls);
    log_set_json(false);
    got = capture_end(&a);
    EXPECT_TRUE("whole even when every byte is escaped", str_has_suffix(got, STR("\\u0001\"}\n")));
    arena_fini(&a);
}

TEST(levels)
{
    enum log_level level;

    log_set_level(LOG_WARN);
    EXPECT_TRUE("warn at warn", log_wants("xds", LOG_WARN));
    EXPECT_TRUE("info at warn", !log_wants("xds", LOG_INFO));
    log_set_module_level("xds", LOG_DEBUG);
    EXPECT_TRUE("a module of its own", log_wants("xds", LOG_DEBUG) && !log_wants("store", LOG_INFO));
    log_set_module_level("xds", LOG_ERROR);
    EXPECT_TRUE("changed again", !log_wants("xds", LOG_WARN));
    log_set_module_level("a-name-that-is-longer-than-any-module", LOG_DEBUG);
    EXPECT_TRUE("no such module", !log_wants("a-name-that-is-longer-than-any-module", LOG_DEBUG));
    log_set_level(LOG_INFO);
    EXPECT_TRUE("all follow again", log_wants("xds", LOG_INFO) && !log_wants("xds", LOG_DEBUG));

    EXPECT_TRUE("parse", log_level_parse(STR("debug"), &level) && level == LOG_DEBUG);
    EXPECT_TRUE("parse the first", log_level_parse(STR("error"), &level) && level == LOG_ERROR);
    EXPECT_TRUE("no level", !log_level_parse(STR("fatal"), &level));
}
