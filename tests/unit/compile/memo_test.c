/* The memo's mechanism, with functions over three numbers. */
#include "../../../src/compile/memo.h"

#include "../../lib/test.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"

/* The world: numbers by index. Versions are the values themselves plus 1. */
enum { NUMBER, SUM, SIGN, REPORT, PICK, LABEL, NAME, DOUBLE, ASK_NAMED, ALL, NAME_ALL, N_FUNCTIONS };

static struct memo_value number(void *world, struct str args)
{
    struct key_reader r = key_read(args);
    return (struct memo_value){NULL, (uint64_t)((const int *)world)[key_get_u32(&r)] + 1};
}

static uint64_t ask(struct memo_ctx *ctx, unsigned function, uint32_t arg)
{
    key_u32(memo_call(ctx, function), arg);
    memo_get(ctx);
    return memo_last_version(ctx) - 1;
}

static int64_t sum_takes; /* ns, on a clock of ours; 0: nobody looks */

/* (n): the first n numbers together */
static struct memo_value sum(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    uint64_t total = 0;
    if (sum_takes)
        clock_fake(clock_mono_ns() + sum_takes, 0);
    for (uint32_t i = 0, n = key_get_u32(&r); i < n; i++)
        total += ask(ctx, NUMBER, i);
    return (struct memo_value){(void *)(uintptr_t)total, total + 1};
}

/* (n): whether that is more than nothing */
static struct memo_value sign(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    return (struct memo_value){NULL, (uint64_t)(ask(ctx, SUM, key_get_u32(&r)) > 0) + 1};
}

static struct memo_value report(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    return (struct memo_value){NULL, ask(ctx, SIGN, key_get_u32(&r)) * 10 + 1};
}

/* (): the number that number 0 names */
static struct memo_value pick(struct memo_ctx *ctx, struct str args)
{
    (void)args;
    return (struct memo_value){NULL, ask(ctx, NUMBER, (uint32_t)ask(ctx, NUMBER, 0)) + 1};
}

/* (n): the sum of n numbers as a call, which nobody has evaluated */
static struct memo_value name(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    ask(ctx, NUMBER, 0);
    key_u32(memo_call(ctx, SUM), key_get_u32(&r));
    struct call *c = memo_name(ctx);
    memo_keep(ctx, c);
    return (struct memo_value){c, call_id(c)};
}

/* call, (factor): its value times the factor and the number that the call's label is long */
static struct memo_value multiple(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    EXPECT_INT("arguments that are calls", memo_n_calls(ctx), 2);
    memo_get_call(ctx, memo_call_at(ctx, 0));
    uint64_t value = (memo_last_version(ctx) - 1) * key_get_u32(&r) + call_args(memo_call_at(ctx, 1)).n;
    return (struct memo_value){(void *)(uintptr_t)value, value + 1};
}

/* (n): twice what was named */
static struct memo_value ask_named(struct memo_ctx *ctx, struct str args)
{
    buf_add_str(memo_call(ctx, NAME), args);
    const struct call *named = memo_get(ctx);
    EXPECT_INT("function", call_function(named), SUM);
    buf_add_str(memo_call(ctx, LABEL), STR("abc"));
    const struct call *label = memo_name(ctx);
    struct buf *k = memo_call(ctx, DOUBLE);
    memo_add_call(ctx, named);
    memo_add_call(ctx, label);
    key_u32(k, 2);
    memo_get(ctx);
    uint64_t value = memo_last_version(ctx) - 1;
    return (struct memo_value){(void *)(uintptr_t)value, value + 1};
}

/* calls: how many there are, having asked for all of them */
static struct memo_value all(struct memo_ctx *ctx, struct str args)
{
    (void)args;
    for (size_t i = 0; i < memo_n_calls(ctx); i++)
        memo_get_call(ctx, memo_call_at(ctx, i));
    return (struct memo_value){NULL, memo_n_calls(ctx) + 1};
}

/* (n): a call of ALL with the sums of 1 to n numbers, the last of them in a call of ALL of its own */
static struct memo_value name_all(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    struct call *sums[8];
    uint32_t n = key_get_u32(&r);
    for (uint32_t i = 0; i < n; i++) {
        key_u32(memo_call(ctx, SUM), i + 1);
        sums[i] = memo_name(ctx);
    }
    memo_call(ctx, ALL);
    memo_add_call(ctx, sums[n - 1]);
    struct call *last = memo_name(ctx);
    memo_call(ctx, ALL);
    for (uint32_t i = 0; i + 1 < n; i++)
        memo_add_call(ctx, sums[i]);
    memo_add_call(ctx, last);
    struct call *c = memo_name(ctx);
    memo_keep(ctx, c);
    return (struct memo_value){c, call_id(c)};
}

static const struct memo_fn fn_all = {.name = "all", .run = all, .asks_all = true},
                            fn_name_all = {.name = "name_all", .run = name_all};
static const struct memo_fn fn_number = {.name = "number", .read = number},
                            fn_sum = {.name = "sum", .run = sum}, fn_sign = {.name = "sign", .run = sign},
                            fn_report = {.name = "report", .run = report},
                            fn_pick = {.name = "pick", .run = pick}, fn_label = {.name = "label"},
                            fn_name = {.name = "name", .run = name},
                            fn_double = {.name = "double", .run = multiple},
                            fn_ask_named = {.name = "ask_named", .run = ask_named};
static const struct memo_fn *const functions[N_FUNCTIONS] = {
    &fn_number, &fn_sum,    &fn_sign,      &fn_report, &fn_pick,    &fn_label,
    &fn_name,   &fn_double, &fn_ask_named, &fn_all,    &fn_name_all};

static int hold(struct memo *m, unsigned function, uint32_t arg)
{
    key_u32(memo_outer_call(m, function), arg);
    return (int)(uintptr_t)memo_hold(m);
}

static void set(struct memo *m, int *world, uint32_t i, int value)
{
    world[i] = value;
    key_u32(memo_outer_call(m, NUMBER), i);
    memo_touch(m);
}

static json_int_t stat(const struct memo *m, const char *function, const char *what)
{
    json_t *all = memo_stats(m);
    json_int_t n = json_integer_value(json_get(json_get(all, function), what));
    json_decref(all);
    return n;
}

#define EXPECT_RUNS(name, m, sums, signs, reports)                                                           \
    do {                                                                                                     \
        EXPECT_INT(name, stat(m, "sum", "runs"), sums);                                                      \
        EXPECT_INT(name, stat(m, "sign", "runs"), signs);                                                    \
        EXPECT_INT(name, stat(m, "report", "runs"), reports);                                                \
    } while (0)

TEST(runs_only_what_read_something_that_changed)
{
    int world[3] = {1, 2, 3};
    struct memo *m = memo_new(functions, N_FUNCTIONS, world);
    hold(m, REPORT, 2);
    EXPECT_RUNS("first", m, 1, 1, 1);
    hold(m, REPORT, 2);
    EXPECT_RUNS("again", m, 1, 1, 1);
    set(m, world, 2, 30);
    hold(m, REPORT, 2);
    EXPECT_RUNS("nobody read it", m, 1, 1, 1);
    set(m, world, 1, 2);
    hold(m, REPORT, 2);
    EXPECT_RUNS("touched, the same", m, 1, 1, 1);
    set(m, world, 1, 5);
    EXPECT_RUNS("nothing runs before it is asked for", m, 1, 1, 1);
    hold(m, REPORT, 2);
    EXPECT_RUNS("cut off behind sign", m, 2, 2, 1);
    set(m, world, 0, 5);
    set(m, world, 1, 1);
    hold(m, REPORT, 2);
    EXPECT_RUNS("cut off behind sum: other numbers, the same total", m, 3, 2, 1);
    set(m, world, 0, 0);
    set(m, world, 1, 0);
    hold(m, REPORT, 2);
    EXPECT_RUNS("all of it", m, 4, 3, 2);
    memo_free(m);
}

TEST(what_is_touched_many_times_is_read_once)
{
    int world[3] = {1, 2, 3};
    struct memo *m = memo_new(functions, N_FUNCTIONS, world);
    hold(m, SUM, 3);
    EXPECT_INT("first", stat(m, "number", "runs"), 3);
    for (int i = 0; i < 100; i++) {
        set(m, world, 1, 100 + i);
        memo_touch_all(m, NUMBER);
    }
    EXPECT_INT("not before somebody asks", stat(m, "number", "runs"), 3);
    EXPECT_INT("the last value counts", hold(m, SUM, 3), 1 + 199 + 3);
    EXPECT_INT("once each", stat(m, "number", "runs"), 6);
    set(m, world, 1, 5);
    set(m, world, 1, 199);
    hold(m, SUM, 3);
    EXPECT_INT("there and back is no change", stat(m, "sum", "runs"), 2);

    set(m, world, 1, 7);
    key_u32(memo_outer_call(m, SUM), 3);
    memo_release(m);
    memo_collect(m);
    EXPECT_INT("dropped while touched", stat(m, "number", "entries"), 0);
    EXPECT_INT("read anew", hold(m, SUM, 3), 1 + 7 + 3);
    memo_free(m);
}

TEST(arguments_tell_calls_apart)
{
    int world[3] = {1, 2, 3};
    struct memo *m = memo_new(functions, N_FUNCTIONS, world);
    hold(m, SUM, 1);
    hold(m, SUM, 2);
    hold(m, SUM, 3);
    EXPECT_INT("sums", stat(m, "sum", "entries"), 3);
    EXPECT_INT("numbers are shared", stat(m, "number", "entries"), 3);
    set(m, world, 2, 9);
    hold(m, SUM, 1);
    hold(m, SUM, 2);
    hold(m, SUM, 3);
    EXPECT_INT("one of them read it", stat(m, "sum", "runs"), 4);
    memo_free(m);
}

TEST(what_nobody_reaches_is_dropped)
{
    int world[3] = {1, 2, 3};
    struct memo *m = memo_new(functions, N_FUNCTIONS, world);
    hold(m, PICK, 0);
    hold(m, SUM, 1);
    EXPECT_INT("0 and 1", stat(m, "number", "entries"), 2);
    set(m, world, 0, 2);
    hold(m, PICK, 0);
    memo_collect(m);
    EXPECT_INT("0 and 2: 1 is no longer read", stat(m, "number", "entries"), 2);
    set(m, world, 1, 77);
    hold(m, PICK, 0);
    EXPECT_INT("nor looked at", stat(m, "pick", "runs"), 2);
    key_u32(memo_outer_call(m, PICK), 0);
    memo_release(m);
    memo_collect(m);
    EXPECT_INT("released", stat(m, "pick", "entries"), 0);
    EXPECT_INT("0 still has a reader", stat(m, "number", "entries"), 1);
    key_u32(memo_outer_call(m, SUM), 1);
    memo_release(m);
    memo_collect(m);
    EXPECT_INT("empty", stat(m, "number", "entries") + stat(m, "sum", "entries"), 0);
    memo_free(m);
}

TEST(clearing_forgets_everything)
{
    int world[3] = {1, 2, 3};
    struct memo *m = memo_new(functions, N_FUNCTIONS, world);
    hold(m, REPORT, 3);
    memo_clear(m);
    EXPECT_INT("entries", stat(m, "report", "entries"), 0);
    hold(m, REPORT, 3);
    EXPECT_RUNS("built anew", m, 2, 2, 2);
    set(m, world, 0, 0);
    memo_touch_all(m, NUMBER);
    hold(m, REPORT, 3);
    EXPECT_RUNS("and incremental again", m, 3, 3, 2);
    memo_free(m);
}

TEST(a_call_is_named_without_a_value_and_lives_while_somebody_holds_it)
{
    int world[3] = {1, 2, 3};
    struct memo *m = memo_new(functions, N_FUNCTIONS, world);
    hold(m, NAME, 2);
    EXPECT_INT("nothing ran", stat(m, "sum", "runs"), 0);
    memo_collect(m);
    EXPECT_INT("but the call is there", stat(m, "sum", "entries"), 1);
    set(m, world, 0, 5);
    hold(m, NAME, 2);
    memo_collect(m);
    EXPECT_INT("an equal value holds it as before", stat(m, "sum", "entries"), 1);
    key_u32(memo_outer_call(m, NAME), 2);
    memo_release(m);
    memo_collect(m);
    EXPECT_INT("gone with its holder", stat(m, "sum", "entries"), 0);
    memo_free(m);
}

TEST(calls_are_arguments)
{
    int world[3] = {1, 2, 3};
    struct memo *m = memo_new(functions, N_FUNCTIONS, world);
    EXPECT_INT("twice 3, and the label", hold(m, ASK_NAMED, 2), 2 * 3 + 3);
    hold(m, ASK_NAMED, 2);
    EXPECT_INT("shared", stat(m, "double", "runs"), 1);
    set(m, world, 1, 7);
    EXPECT_INT("through the call", hold(m, ASK_NAMED, 2), 2 * 8 + 3);
    EXPECT_INT("nothing is named anew", stat(m, "name", "runs"), 1);
    set(m, world, 0, 3);
    set(m, world, 1, 5);
    EXPECT_INT("other numbers", hold(m, ASK_NAMED, 2), 2 * 8 + 3);
    EXPECT_INT("cut off behind the sum", stat(m, "double", "runs"), 2);
    memo_collect(m);
    EXPECT_INT("all are wanted", stat(m, "label", "entries") + stat(m, "double", "entries"), 2);
    key_u32(memo_outer_call(m, ASK_NAMED), 2);
    memo_release(m);
    memo_collect(m);
    for (size_t i = 0; i < N_FUNCTIONS; i++)
        EXPECT_INT(functions[i]->name, stat(m, functions[i]->name, "entries"), 0);
    memo_free(m);
}

TEST(what_is_held_and_became_stale_is_named_once)
{
    int world[3] = {1, 2, 3};
    struct memo *m = memo_new(functions, N_FUNCTIONS, world);
    struct str args;
    hold(m, REPORT, 2);
    hold(m, SUM, 3);
    EXPECT_TRUE("nothing yet", !memo_next_stale(m, &args));
    set(m, world, 2, 30);
    EXPECT_TRUE("who read it", memo_next_stale(m, &args));
    struct key_reader r = key_read(args);
    EXPECT_INT("sum of three", key_get_u32(&r), 3);
    EXPECT_TRUE("nobody else", !memo_next_stale(m, &args));
    set(m, world, 1, 5);
    EXPECT_TRUE("through two others", memo_next_stale(m, &args));
    r = key_read(args);
    EXPECT_INT("the report of two; the sum is stale as it was", key_get_u32(&r), 2);
    EXPECT_TRUE("once", !memo_next_stale(m, &args));
    hold(m, REPORT, 2);
    hold(m, SUM, 3);
    set(m, world, 0, 9);
    hold(m, SUM, 3);
    EXPECT_TRUE("one is left", memo_next_stale(m, &args) && !memo_next_stale(m, &args));
    set(m, world, 0, 8);
    hold(m, REPORT, 2);
    key_u32(memo_outer_call(m, SUM), 3);
    memo_release(m);
    memo_collect(m);
    EXPECT_TRUE("released", !memo_next_stale(m, &args));
    memo_free(m);
}

TEST(what_is_asked_for_is_made_in_steps)
{
    int world[3] = {1, 2, 3};
    struct memo *m = memo_new(functions, N_FUNCTIONS, world);
    sum_takes = NS_PER_MS;
    clock_fake(NS_PER_S, 0);
    for (int round = 0; round < 2; round++) {
        key_u32(memo_outer_call(m, NAME_ALL), 3);
        struct call *c = (struct call *)(uintptr_t)memo_look(m);
        EXPECT_TRUE("one, since the time is up", !memo_advance(m, c, clock_mono_ns()));
        EXPECT_TRUE("the next", !memo_advance(m, c, clock_mono_ns() + 1));
        EXPECT_TRUE("the last, which is deeper", !memo_advance(m, c, clock_mono_ns() + NS_PER_MS));
        int64_t now = clock_mono_ns();
        EXPECT_TRUE("nothing is left", memo_advance(m, c, now + 1));
        EXPECT_TRUE("and nothing was done", clock_mono_ns() == now);
        EXPECT_INT("each ran once", stat(m, "sum", "runs"), 3 * (round + 1));
        set(m, world, 0, world[0] + 1);
    }
    memo_collect(m);
    EXPECT_INT("nobody wanted it in the end", stat(m, "sum", "entries"), 0);
    memo_free(m);
    sum_takes = 0;
    clock_fake(-1, -1);
}
