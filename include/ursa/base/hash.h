/* ursa/base/hash.h -- content hashes (versions) and keyed hashes (tables). Any thread. */
#ifndef URSA_BASE_HASH_H
#define URSA_BASE_HASH_H

#include "ursa/base/str.h"

/* First 8 bytes of SHA-256, big endian: equal over restarts and machines. What versions are made of. */
uint64_t hash_content(const void *p, size_t n);
/* Folds one more value into a running content hash. */
uint64_t hash_mix(uint64_t seed, uint64_t value);
/* SipHash-2-4 under a key chosen at start: for tables whose keys come from outside. */
uint64_t hash_key(const void *p, size_t n);
/* The same under a key of the caller's. */
uint64_t hash_siphash(const uint64_t key[2], const void *p, size_t n);
/* The whole SHA-256. */
void hash_sha256(const void *p, size_t n, uint8_t out[32]);

#endif
