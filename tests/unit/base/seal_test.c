/* seal_test.c -- what is sealed opens with its key and its place only, and key files are read with care. */
#include "../../lib/test.h"
#include "ursa/base/seal.h"

#define KEY_A "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_B "HxABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4="

static struct seal_ring *ring_of(const char *text)
{
    struct seal_ring *ring = NULL;
    struct arena arena;
    struct err e;
    arena_init(&arena);
    err_init(&e, &arena);
    if (seal_ring_read(str_from_c(text), &ring, &e) != ERR_NONE)
        FAIL("\"%s\": " STR_FMT, text, STR_ARG(e.text));
    arena_fini(&arena);
    return ring;
}

/* Opens 'sealed' and compares; -1: it does not open. */
static int opens(const struct seal_ring *ring, int64_t number, const char *bound, struct str sealed,
                 const char *want)
{
    struct buf out;
    buf_init(&out, 1000);
    bool good = seal_unwrap(ring, number, str_from_c(bound), sealed, &out);
    int result = good ? str_eq(buf_str(&out), str_from_c(want)) : -1;
    EXPECT_TRUE("nothing when it does not open", good || out.n == 0);
    buf_wipe(&out);
    return result;
}

TEST(what_is_sealed_opens_with_its_key_and_its_place)
{
    static const char *const texts[] = {"", "a", "a longer text than one block of the cipher has"};
    struct seal_ring *a = ring_of(KEY_A), *b = ring_of(KEY_B), *both = ring_of(KEY_B "\n" KEY_A "\n");
    int64_t number = seal_ring_number(a, 0);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct buf sealed, again;
        buf_init(&sealed, 1000);
        buf_init(&again, 1000);
        seal_wrap(a, STR("place"), str_from_c(texts[i]), &sealed);
        seal_wrap(a, STR("place"), str_from_c(texts[i]), &again);
        EXPECT_TRUE("another nonce each time", !str_eq(buf_str(&sealed), buf_str(&again)));
        EXPECT_INT("its own", opens(a, number, "place", buf_str(&sealed), texts[i]), 1);
        EXPECT_INT("an older key", opens(both, number, "place", buf_str(&sealed), texts[i]), 1);
        EXPECT_INT("other place", opens(a, number, "plac", buf_str(&sealed), texts[i]), -1);
        EXPECT_INT("no such key", opens(b, number, "place", buf_str(&sealed), texts[i]), -1);
        EXPECT_INT("wrong key", opens(b, seal_ring_number(b, 0), "place", buf_str(&sealed), texts[i]), -1);
        for (size_t n = 0; n < sealed.n; n++) {
            sealed.p[n] ^= 1;
            EXPECT_INT("changed", opens(a, number, "place", buf_str(&sealed), texts[i]), -1);
            sealed.p[n] ^= 1;
            EXPECT_INT("cut", opens(a, number, "place", str_from(sealed.p, n), texts[i]), -1);
        }
        buf_fini(&sealed);
        buf_fini(&again);
    }
    seal_ring_free(a);
    seal_ring_free(b);
    seal_ring_free(both);
}

TEST(key_files_say_which_line_is_wrong)
{
    static const struct {
        const char *name, *text, *says; /* NULL: it is good */
    } rows[] = {
        {"one", KEY_A, NULL},
        {"with comments", "# new\n\n  " KEY_A "\r\n# old\n" KEY_B "\n", NULL},
        {"empty", "", "there is no key in it"},
        {"comments only", "# none\n", "there is no key in it"},
        {"short", "# x\nAAEC\n", "line 2: a key is 32 bytes"},
        {"no base64", "secret words", "line 1: a key is 32 bytes"},
        {"twice", KEY_A "\n" KEY_A "\n", "line 2: this key is there already"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct seal_ring *ring = NULL;
        struct arena arena;
        struct err e;
        arena_init(&arena);
        err_init(&e, &arena);
        enum err_kind kind = seal_ring_read(str_from_c(rows[i].text), &ring, &e);
        EXPECT_INT(rows[i].name, kind, rows[i].says ? ERR_INVALID : ERR_NONE);
        EXPECT_TRUE(rows[i].name, !rows[i].says || str_has_prefix(e.text, str_from_c(rows[i].says)));
        EXPECT_TRUE("shows no key", str_find(e.text, STR("secret")) == e.text.n);
        seal_ring_free(ring);
        arena_fini(&arena);
    }
}

TEST(fresh_keys_are_good_and_different)
{
    struct arena a;
    arena_init(&a);
    struct seal_ring *one = ring_of(arena_cstr(&a, seal_key_line(&a)));
    struct seal_ring *two = ring_of(arena_cstr(&a, seal_key_line(&a)));
    EXPECT_TRUE("positive", seal_ring_number(one, 0) > 0);
    EXPECT_TRUE("different", !seal_ring_has(one, seal_ring_number(two, 0)));
    seal_ring_free(one);
    seal_ring_free(two);
    arena_fini(&a);
}
