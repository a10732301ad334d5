/* Hashes against their published vectors, and what hash_mix promises. */
#include "../../lib/test.h"

#include <stdio.h>

#include "ursa/base/hash.h"

TEST(sha256_vectors)
{
    static const struct {
        const char *text, *want; /* FIPS 180-2 */
        uint64_t content;
    } rows[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
         UINT64_C(0xe3b0c44298fc1c14)},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
         UINT64_C(0xba7816bf8f01cfea)},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str s = str_from_c(rows[i].text);
        uint8_t digest[32];
        char got[65];

        hash_sha256(s.p, s.n, digest);
        for (size_t k = 0; k < sizeof(digest); k++)
            snprintf(got + 2 * k, 3, "%02x", digest[k]);
        EXPECT_CSTR(rows[i].text, got, rows[i].want);
        EXPECT_TRUE(rows[i].text, hash_content(s.p, s.n) == rows[i].content);
    }
    EXPECT_TRUE("NULL and 0", hash_content(NULL, 0) == rows[0].content);
}

TEST(siphash_vectors)
{
    /* The reference's vectors: key 00..0f, messages "", 00, 00 01, ... */
    static const uint64_t key[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
    static const struct {
        size_t n;
        uint64_t want;
    } rows[] = {
        {0, UINT64_C(0x726fdb47dd0e0e31)},
        {1, UINT64_C(0x74f839c593dc67fd)},
        {8, UINT64_C(0x93f5f5799a932462)},
        {15, UINT64_C(0xa129ca6149be45e5)},
    };
    uint8_t message[16];

    for (size_t i = 0; i < sizeof(message); i++)
        message[i] = (uint8_t)i;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT_INT("siphash", hash_siphash(key, message, rows[i].n), rows[i].want);
    EXPECT_TRUE("keyed hash is steady", hash_key("abc", 3) == hash_key("abc", 3));
    EXPECT_TRUE("keyed hash differs", hash_key("abc", 3) != hash_key("abd", 3));
}

TEST(mixing)
{
    EXPECT_TRUE("order counts", hash_mix(hash_mix(0, 1), 2) != hash_mix(hash_mix(0, 2), 1));
    EXPECT_TRUE("zeros count", hash_mix(hash_mix(0, 0), 0) != hash_mix(0, 0));
    /* Versions are made of it: a change would resend everything after an upgrade. */
    EXPECT_INT("the same on every machine", hash_mix(1, 2), UINT64_C(0x585149439c99b06e));
    for (int i = 0; i < 10000; i++) {
        uint64_t seed = test_rand(), value = test_rand();
        int changed = __builtin_popcountll(hash_mix(seed, value) ^ hash_mix(seed, value ^ 1));

        if (changed < 4)
            FAIL("one bit of input changed only %d bits of output", changed);
    }
}
