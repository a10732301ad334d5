/* hash.c -- SHA-256 for versions, SipHash-2-4 for tables whose keys come from outside. */
#include "ursa/base/hash.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/base/rand.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256; /* fetched once: a fetch costs more than hashing a small resource */
static uint64_t sip_key[2];

static void hash_start(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!sha256)
        die_no_memory(0); /* the default provider always has it */
    rand_bytes(sip_key, sizeof(sip_key));
}

void hash_sha256(const void *p, size_t n, uint8_t out[32])
{
    pthread_once(&once, hash_start);
    if (!EVP_Digest(n ? p : "", n, out, NULL, sha256, NULL))
        die_no_memory(n);
}

uint64_t hash_content(const void *p, size_t n)
{
    uint8_t digest[32];
    uint64_t hash = 0;

    hash_sha256(p, n, digest);
    for (size_t i = 0; i < 8; i++)
        hash = hash << 8 | digest[i];
    return hash;
}

static uint64_t rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

/* A bijection in which every input bit reaches every output bit (the finalizer of MurmurHash3). */
static uint64_t scatter(uint64_t x)
{
    x = (x ^ x >> 33) * UINT64_C(0xff51afd7ed558ccd);
    x = (x ^ x >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

/* A bijection in each argument, so two sequences that differ in one value never meet. */
uint64_t hash_mix(uint64_t seed, uint64_t value)
{
    return scatter(rotate(seed, 29) * UINT64_C(0x9e3779b97f4a7c15) +
                   scatter(value + UINT64_C(0x632be59bd9b4e019)));
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32) + v[3];
    v[2] += v[1];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static uint64_t load_le64(const uint8_t *p, size_t n)
{
    uint64_t x = 0;

    for (size_t i = 0; i < n; i++)
        x |= (uint64_t)p[i] << (8 * i);
    return x;
}

uint64_t hash_siphash(const uint64_t key[2], const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    uint64_t v[4] = {key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
                     key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573)};
    uint64_t last = (uint64_t)n << 56;

    for (; n >= 8; p += 8, n -= 8) {
        uint64_t word = load_le64(p, 8);

        v[3] ^= word;
        sip_round(v);
        sip_round(v);
        v[0] ^= word;
    }
    last |= load_le64(p, n);
    v[3] ^= last;
    sip_round(v);
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t hash_key(const void *p, size_t n)
{
    pthread_once(&once, hash_start);
    return hash_siphash(sip_key, p, n);
}
