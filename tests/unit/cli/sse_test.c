/* Server-sent events: the same ones however the bytes arrive. */
#include "../../lib/test.h"

#include "../../../src/cli/sse.h"
#include "ursa/base/arena.h"

struct seen {
    struct arena *arena;
    struct str text;
    size_t n, max;
};

static bool take(void *ctx, const struct sse_event *event)
{
    struct seen *s = ctx;

    s->text = arena_printf(s->arena, STR_FMT "[" STR_FMT "|" STR_FMT "|" STR_FMT "]", STR_ARG(s->text),
                           STR_ARG(event->name), STR_ARG(event->id), STR_ARG(event->data));
    return ++s->n < s->max;
}

TEST(events_are_read)
{
    static const struct {
        const char *bytes, *want;
    } rows[] = {
        {"event: a\nid: 1-0\ndata: {}\n\n", "[a|1-0|{}]"},
        {"event:a\r\nid:1\r\ndata:x\r\n\r\n", "[a|1|x]"},
        {": a comment\n\n\ndata: x\n\n", "[||x]"},
        {"id: 1\ndata: a\n\ndata: b\n\n", "[|1|a][|1|b]"},
        {"data: a\ndata: b\n\n", "[||a\nb]"},
        {"event: a\n\ndata: b\n\n", "[||b]"},
        {"retry: 5\nnonsense\ndata:  x\n\n", "[|| x]"},
        {"data: unfinished\n", ""},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str bytes = str_from_c(rows[i].bytes);

        for (size_t step = 1; step <= bytes.n; step++) { /* pieces of every size */
            struct seen seen = {.arena = &a, .text = STR(""), .max = SIZE_MAX};
            struct sse s;

            sse_init(&s);
            for (size_t at = 0; at < bytes.n; at += step)
                EXPECT_TRUE(rows[i].bytes, sse_feed(&s, bytes.p + at,
                                                    at + step < bytes.n ? step : bytes.n - at, take, &seen));
            EXPECT_STR(rows[i].bytes, seen.text, rows[i].want);
            sse_fini(&s);
        }
    }
    arena_fini(&a);
}

TEST(a_stream_ends_when_nobody_wants_more_or_it_is_too_large)
{
    static const char two[] = "data: a\n\ndata: b\n\n";
    struct arena a;
    struct sse s;
    char piece[4096] = {0};
    bool more = true;

    arena_init(&a);
    struct seen seen = {.arena = &a, .text = STR(""), .max = 1};
    sse_init(&s);
    EXPECT_TRUE("one", !sse_feed(&s, two, sizeof(two) - 1, take, &seen));
    EXPECT_STR("one", seen.text, "[||a]");
    sse_restart(&s);
    for (size_t i = 0; more && i < 1000; i++)
        more = sse_feed(&s, piece, sizeof(piece), take, &seen);
    EXPECT_TRUE("a line without an end", !more);
    sse_fini(&s);
    arena_fini(&a);
}

TEST(the_id_of_the_last_whole_event_outlives_the_connection)
{
    static const char first[] = "id: 7-1\ndata: a\n\nid: 7-2\nda", second[] = "data: b\n\n";
    struct arena a;
    struct sse s;

    arena_init(&a);
    struct seen seen = {.arena = &a, .text = STR(""), .max = SIZE_MAX};
    sse_init(&s);
    EXPECT_TRUE("first", sse_feed(&s, first, sizeof(first) - 1, take, &seen));
    sse_restart(&s);
    EXPECT_TRUE("second", sse_feed(&s, second, sizeof(second) - 1, take, &seen));
    EXPECT_STR("both", seen.text, "[|7-1|a][|7-1|b]");
    sse_fini(&s);
    arena_fini(&a);
}
