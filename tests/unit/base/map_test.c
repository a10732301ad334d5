/* The hash map against a plain array. */
#include "../../lib/test.h"

#include <stdio.h>

#include "ursa/base/map.h"

enum { N_KEYS = 300 };

TEST(random_changes_agree_with_a_model)
{
    static char keys[N_KEYS][16];
    static int values[N_KEYS][2];
    void *model[N_KEYS] = {0};
    size_t n = 0;
    struct map m;

    map_init(&m);
    for (size_t i = 0; i < N_KEYS; i++)
        snprintf(keys[i], sizeof(keys[i]), "key-%zu", i);
    for (int step = 0; step < 20000; step++) {
        size_t i = test_rand_below(N_KEYS);
        struct str key = str_from_c(keys[i]);
        /* Long phases of growth and of decline. */
        bool put = test_rand_below(10) < (step / 2000 % 2 ? 2 : 8);

        if (put) {
            void *value = &values[i][test_rand_below(2)];

            EXPECT_TRUE("put returns the old value", map_put(&m, key, value) == model[i]);
            n += !model[i];
            model[i] = value;
        } else {
            EXPECT_TRUE("del returns the old value", map_del(&m, key) == model[i]);
            n -= model[i] != NULL;
            model[i] = NULL;
        }
        EXPECT_INT("count", m.n, n);
        size_t other = test_rand_below(N_KEYS);
        EXPECT_TRUE("find", map_find(&m, str_from_c(keys[other])) == model[other]);
    }

    size_t at = 0, walked = 0;
    struct str key;
    void *value;

    while (map_next(&m, &at, &key, &value)) {
        EXPECT_TRUE("walked entry is found", map_find(&m, key) == value);
        walked++;
    }
    EXPECT_INT("all are walked", walked, n);
    map_fini(&m);
}

TEST(empty_map)
{
    struct map m;
    size_t at = 0;
    struct str key;
    void *value;

    map_init(&m);
    EXPECT_TRUE("find", !map_find(&m, STR("a")));
    EXPECT_TRUE("del", !map_del(&m, STR("a")));
    EXPECT_TRUE("walk", !map_next(&m, &at, &key, &value));
    EXPECT_TRUE("the empty key is a key", !map_put(&m, STR_NONE, &at) && map_find(&m, STR("")) == &at);
    map_fini(&m);
}
