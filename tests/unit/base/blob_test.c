/* Reference-counted bytes. Leaks and double frees are for ASan to find. */
#include "../../lib/test.h"

#include <pthread.h>

#include "ursa/base/blob.h"
#include "ursa/base/hash.h"

TEST(content_and_equality)
{
    struct blob *a = blob_new("abc", 3), *b = blob_new_secret("abc", 3), *c = blob_new("abd", 3),
                *none = blob_new(NULL, 0);

    EXPECT_STR("bytes", blob_str(a), "abc");
    EXPECT_INT("NUL behind them", a->p[3], 0);
    EXPECT_TRUE("hash", a->hash == hash_content("abc", 3));
    EXPECT_TRUE("equal", blob_eq(a, b));
    EXPECT_TRUE("itself", blob_eq(a, a));
    EXPECT_TRUE("different", !blob_eq(a, c));
    EXPECT_TRUE("not NULL", !blob_eq(a, NULL));
    EXPECT_TRUE("NULL and NULL", blob_eq(NULL, NULL));
    EXPECT_INT("empty", blob_str(none).n, 0);
    EXPECT_INT("NULL has no bytes", blob_str(NULL).n, 0);
    EXPECT_TRUE("NULL passes", blob_ref(NULL) == NULL);
    blob_unref(NULL);
    blob_unref(a);
    blob_unref(b);
    blob_unref(c);
    blob_unref(none);

    struct buf buf;
    buf_init(&buf, 10);
    buf_add_str(&buf, STR("hi"));
    a = blob_from_buf(&buf);
    buf_fini(&buf);
    EXPECT_STR("from a buffer", blob_str(a), "hi");
    blob_unref(a);
}

static void *take_and_drop(void *shared)
{
    for (int i = 0; i < 10000; i++)
        blob_unref(blob_ref(shared));
    return NULL;
}

TEST(references_of_many_threads)
{
    struct blob *b = blob_new("shared", 6);
    pthread_t threads[4];

    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_create(&threads[i], NULL, take_and_drop, b);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    EXPECT_INT("all came back", atomic_load(&b->refs), 1);
    blob_unref(b);
}
