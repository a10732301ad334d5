/* The heap's wrappers. That they end the process when memory is gone cannot be shown from inside. */
#include "../../lib/test.h"

#include <stdlib.h>
#include <string.h>

#include "ursa/base/alloc.h"

TEST(nothing_is_something)
{
    void *p[] = {xmalloc(0), xcalloc(0, 8), xcalloc(8, 0), xrealloc(NULL, 0)};

    for (size_t i = 0; i < ARRAY_LEN(p); i++) {
        EXPECT_TRUE("not NULL", p[i] != NULL);
        free(p[i]);
    }
    free_secret(NULL, 8);
}

TEST(memory_is_zeroed_kept_and_copied)
{
    static const char zero[64];
    char *p = xcalloc(8, 8);

    EXPECT_TRUE("xcalloc zeroes", memcmp(p, zero, sizeof(zero)) == 0);
    memcpy(p, "abc", 4);
    p = xrealloc(p, 4096);
    EXPECT_CSTR("xrealloc keeps", p, "abc");
    free_secret(p, 4096);

    char *copy = xstrndup(str_slice(STR("abcdef"), 1, 3));
    EXPECT_CSTR("xstrndup ends the text", copy, "bc");
    free(copy);
    copy = xstrndup(STR_NONE);
    EXPECT_CSTR("xstrndup of nothing", copy, "");
    free(copy);
    copy = xstrdup("xyz");
    EXPECT_CSTR("xstrdup", copy, "xyz");
    free(copy);
}
