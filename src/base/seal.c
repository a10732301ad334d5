/* seal.c -- AES-256-GCM with a nonce of its own for each text: nonce, ciphertext, tag.
 *
 * Nonces are random: one key may seal 2^32 texts before two of them are the same with a chance of 2^-32 (NIST
 * SP 800-38D, 8.3), which is a write a second for 136 years. */
#include "ursa/base/seal.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/base/base64.h"
#include "ursa/base/hash.h"
#include "ursa/base/rand.h"

#define KEY_SIZE 32
#define NONCE_SIZE 12
#define TAG_SIZE 16

struct seal_key {
    int64_t number;
    uint8_t bytes[KEY_SIZE];
};

struct seal_ring {
    EVP_CIPHER *cipher; /* looked up once: that takes longer than sealing a short text */
    size_t n;
    struct seal_key keys[SEAL_KEYS_MAX];
};

/* ---- keys ---- */

/* It must not help to find the key, which has all its 256 bits of chance behind a hash. Positive: the store
 * keeps it where 0 means that there is none. */
static int64_t number_of(const uint8_t key[KEY_SIZE])
{
    static const char label[] = "ursa seal key";
    uint8_t text[sizeof(label) + KEY_SIZE];

    memcpy(text, label, sizeof(label));
    memcpy(text + sizeof(label), key, KEY_SIZE);
    int64_t number = (int64_t)(hash_content(text, sizeof(text)) & INT64_MAX);
    explicit_bzero(text, sizeof(text));
    return number ? number : 1;
}

static const struct seal_key *find(const struct seal_ring *ring, int64_t number)
{
    for (size_t i = 0; i < ring->n; i++)
        if (ring->keys[i].number == number)
            return &ring->keys[i];
    return NULL;
}

static enum err_kind add_key(struct seal_ring *ring, struct str line, size_t at, struct arena *scratch,
                             struct err *e)
{
    struct str bytes;
    size_t bad_at;

    if (!base64_decode(scratch, line, &bytes, &bad_at) || bytes.n != KEY_SIZE)
        return err_set(e, ERR_INVALID, "line %zu: a key is 32 bytes in base64, 44 characters", at);
    int64_t number = number_of((const uint8_t *)bytes.p);
    if (find(ring, number))
        return err_set(e, ERR_INVALID, "line %zu: this key is there already", at);
    if (ring->n == SEAL_KEYS_MAX)
        return err_set(e, ERR_LIMIT, "more than %d keys", SEAL_KEYS_MAX);
    struct seal_key *key = &ring->keys[ring->n++];
    key->number = number;
    memcpy(key->bytes, bytes.p, KEY_SIZE);
    return ERR_NONE;
}

static enum err_kind read_lines(struct seal_ring *ring, struct str text, struct arena *scratch, struct err *e)
{
    struct str line;

    for (size_t at = 1; str_next(&text, '\n', &line); at++) {
        line = str_trim(line);
        if (line.n > 0 && line.p[0] != '#' && add_key(ring, line, at, scratch, e) != ERR_NONE)
            return e->kind;
    }
    return ring->n > 0 ? ERR_NONE : err_set(e, ERR_INVALID, "there is no key in it");
}

enum err_kind seal_ring_read(struct str text, struct seal_ring **out, struct err *e)
{
    struct seal_ring *ring = xcalloc(1, sizeof(*ring));
    struct arena scratch;

    *out = NULL;
    arena_init(&scratch);
    ring->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    if (!ring->cipher)
        ERR_BUG_HERE(e, "the cryptographic library has no AES-256-GCM");
    else
        (void)read_lines(ring, text, &scratch, e);
    arena_wipe(&scratch);
    if (e->kind == ERR_NONE)
        *out = ring;
    else
        seal_ring_free(ring);
    return e->kind;
}

void seal_ring_free(struct seal_ring *ring)
{
    if (!ring)
        return;
    EVP_CIPHER_free(ring->cipher);
    free_secret(ring, sizeof(*ring));
}

int64_t seal_ring_number(const struct seal_ring *ring, size_t i)
{
    assert(i < ring->n);
    return ring->keys[i].number;
}

bool seal_ring_has(const struct seal_ring *ring, int64_t number)
{
    return find(ring, number) != NULL;
}

struct str seal_key_line(struct arena *a)
{
    uint8_t key[KEY_SIZE];
    struct arena scratch;

    arena_init(&scratch);
    rand_bytes(key, sizeof(key));
    struct str line =
        arena_printf(a, STR_FMT "\n", STR_ARG(base64_encode(&scratch, str_from(key, KEY_SIZE))));
    arena_wipe(&scratch);
    explicit_bzero(key, sizeof(key));
    return line;
}

/* ---- sealing ---- */

static EVP_CIPHER_CTX *begin(const struct seal_ring *ring, const struct seal_key *key, const uint8_t *nonce,
                             struct str bound, bool seals)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n;

    if (!ctx)
        die_no_memory(0);
    if (EVP_CipherInit_ex2(ctx, ring->cipher, key->bytes, nonce, seals, NULL) != 1 ||
        EVP_CipherUpdate(ctx, NULL, &n, (const uint8_t *)bound.p, (int)bound.n) != 1)
        abort(); /* the parameters are ours: this cannot go wrong, and must not go on */
    return ctx;
}

void seal_wrap(const struct seal_ring *ring, struct str bound, struct str plain, struct buf *out)
{
    uint8_t *to = buf_room(out, NONCE_SIZE + plain.n + TAG_SIZE);
    int n, rest;

    assert(to && plain.n <= INT_MAX && bound.n <= INT_MAX); /* a row is smaller than a body may be */
    rand_bytes(to, NONCE_SIZE);
    EVP_CIPHER_CTX *ctx = begin(ring, &ring->keys[0], to, bound, true);
    uint8_t *body = to + NONCE_SIZE;
    if (EVP_CipherUpdate(ctx, body, &n, (const uint8_t *)plain.p, (int)plain.n) != 1 ||
        EVP_CipherFinal_ex(ctx, body + n, &rest) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, body + plain.n) != 1)
        abort();
    EVP_CIPHER_CTX_free(ctx);
    buf_grown(out, NONCE_SIZE + plain.n + TAG_SIZE);
}

bool seal_unwrap(const struct seal_ring *ring, int64_t number, struct str bound, struct str sealed,
                 struct buf *out)
{
    const struct seal_key *key = find(ring, number);
    int n, rest;

    if (!key || sealed.n < NONCE_SIZE + TAG_SIZE || sealed.n > INT_MAX)
        return false;
    const uint8_t *from = (const uint8_t *)sealed.p, *body = from + NONCE_SIZE;
    size_t size = sealed.n - NONCE_SIZE - TAG_SIZE;
    uint8_t tag[TAG_SIZE], *to = buf_room(out, size);
    memcpy(tag, body + size, TAG_SIZE);
    EVP_CIPHER_CTX *ctx = begin(ring, key, from, bound, false);
    bool good = to && EVP_CipherUpdate(ctx, to, &n, body, (int)size) == 1 &&
                EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) == 1 &&
                EVP_CipherFinal_ex(ctx, to + n, &rest) == 1;
    EVP_CIPHER_CTX_free(ctx);
    if (good)
        buf_grown(out, size);
    else if (to)
        explicit_bzero(to, size); /* what cannot be trusted is nobody's */
    return good;
}
