/* test.c -- registers, runs and counts the tests of one program. */
#include "test.h"

#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ursa/base/vec.h"

#define DEFAULT_SECONDS 60

static struct test *first, **last = &first;
static uint64_t seed, rand_state;
static size_t n_skipped;

void test_register(struct test *t)
{
    *last = t;
    last = &t->next;
}

uint64_t test_seed(void)
{
    return seed;
}

/* SplitMix64. */
uint64_t test_rand(void)
{
    uint64_t x = rand_state += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

uint64_t test_rand_below(uint64_t limit)
{
    return test_rand() % limit;
}

/* Does not return. cmocka prints what print_error was given and goes on with the next test. */
void test_fail(const char *file, int line, const char *fmt, ...)
{
    char text[8192];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    print_error("%s\n", text);
    _fail(file, line);
}

void test_skip(const char *file, int line, const char *reason)
{
    n_skipped++;
    print_message("%s:%d: skipped: %s\n", file, line, reason);
    _skip(file, line);
}

void test_expect_true(const char *file, int line, const char *name, const char *what, bool holds)
{
    if (!holds)
        test_fail(file, line, "%s: %s does not hold", name, what);
}

void test_expect_int(const char *file, int line, const char *name, const char *what, int64_t got,
                     int64_t want)
{
    if (got != want)
        test_fail(file, line, "%s: %s\n   got %" PRId64 "\n  want %" PRId64, name, what, got, want);
}

void test_expect_str(const char *file, int line, const char *name, const char *what, struct str got,
                     struct str want)
{
    if (!str_eq(got, want))
        test_fail(file, line, "%s: %s\n   got <" STR_FMT ">\n  want <" STR_FMT ">", name, what, STR_ARG(got),
                  STR_ARG(want));
}

static void on_alarm(int signal_number)
{
    static const char text[] = "the program's time limit has passed (URSA_TEST_TIMEOUT)\n";

    (void)signal_number;
    if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
        _exit(2);
    _exit(1);
}

static uint64_t env_number(const char *name, uint64_t otherwise)
{
    uint64_t value;
    const char *text = getenv(name);

    if (!text)
        return otherwise;
    if (!str_to_uint(str_from_c(text), UINT64_MAX, &value)) {
        fprintf(stderr, "%s is no number: %s\n", name, text);
        exit(2);
    }
    return value;
}

/* Each test starts from the seed, so that one fails alone as it fails in company. */
static int reseed(void **state)
{
    (void)state;
    rand_state = seed;
    return 0;
}

int main(int argc, char **argv)
{
    struct VEC(struct CMUnitTest) tests = {0};

    for (const struct test *t = first; t; t = t->next) {
        if (argc > 1 && !strstr(t->name, argv[1]))
            continue;
        VEC_PUSH(&tests, ((struct CMUnitTest){.name = t->name, .test_func = t->run, .setup_func = reseed}));
    }
    seed = env_number("URSA_TEST_SEED", (uint64_t)getpid() * 1000003 % 1000000);
    signal(SIGALRM, on_alarm);
    alarm((unsigned)env_number("URSA_TEST_TIMEOUT", DEFAULT_SECONDS));
    printf("%s: seed %" PRIu64 "\n", argv[0], seed);
    fflush(stdout);

    int failed = tests.n == 0 ? 0 : _cmocka_run_group_tests(argv[0], tests.v, tests.n, NULL, NULL);
    size_t n_failed = failed < 0 ? tests.n : (size_t)failed;

    fflush(stderr);
    printf("%zu passed, %zu failed, %zu skipped\n", tests.n - n_failed - n_skipped, n_failed, n_skipped);
    VEC_FINI(&tests);
    return n_failed > 0;
}
