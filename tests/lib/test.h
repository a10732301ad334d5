/* tests/lib/test.h -- unit tests: a thin layer over cmocka.
 *
 *     TEST(ports_are_checked)
 *     {
 *         for (size_t i = 0; i < ARRAY_LEN(rows); i++)
 *             EXPECT_INT(rows[i].name, port_check(rows[i].port), rows[i].want);
 *     }
 *
 * A TEST registers itself; main() is in test.c. 'name' is that of the table's row and appears in the message.
 * A failed expectation ends its test. Usage of a program: prog [part of a test's name]. Environment:
 * URSA_TEST_SEED (for test_rand, printed at the start), URSA_TEST_TIMEOUT (seconds a program may take, 60).
 * The last line of output is "N passed, N failed, N skipped". */
#ifndef URSA_TESTS_LIB_TEST_H
#define URSA_TESTS_LIB_TEST_H

#include "ursa/base/str.h"

struct test {
    const char *name;
    void (*run)(void **state);
    struct test *next;
};
void test_register(struct test *);

#define TEST(test_name)                                                                                      \
    static void test_run_##test_name(void **);                                                               \
    __attribute__((constructor)) static void test_register_##test_name(void)                                 \
    {                                                                                                        \
        static struct test t = {.name = #test_name, .run = test_run_##test_name};                            \
        test_register(&t);                                                                                   \
    }                                                                                                        \
    static void test_run_##test_name(void **test_state __attribute__((unused)))

#define EXPECT_TRUE(name, condition) test_expect_true(__FILE__, __LINE__, (name), #condition, (condition))
#define EXPECT_INT(name, got, want)                                                                          \
    test_expect_int(__FILE__, __LINE__, (name), #got, (int64_t)(got), (int64_t)(want))
#define EXPECT_STR(name, got, want) test_expect_str(__FILE__, __LINE__, (name), #got, (got), str_from_c(want))
#define EXPECT_CSTR(name, got, want)                                                                         \
    test_expect_str(__FILE__, __LINE__, (name), #got, str_from_c(got), str_from_c(want))
#define FAIL(...) test_fail(__FILE__, __LINE__, __VA_ARGS__)
#define SKIP(reason) test_skip(__FILE__, __LINE__, (reason))

/* A reproducible generator: the same seed gives the same numbers. */
uint64_t test_seed(void);
uint64_t test_rand(void);
uint64_t test_rand_below(uint64_t limit);

void test_expect_true(const char *file, int line, const char *name, const char *what, bool holds);
void test_expect_int(const char *file, int line, const char *name, const char *what, int64_t got,
                     int64_t want);
void test_expect_str(const char *file, int line, const char *name, const char *what, struct str got,
                     struct str want);
void test_fail(const char *file, int line, const char *fmt, ...) PRINTF_LIKE(3, 4);
void test_skip(const char *file, int line, const char *reason);

#endif
