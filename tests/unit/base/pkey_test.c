/* Private keys: what is written is what OpenSSL would write, what is read is a key and nothing else. */
#include "../../lib/test.h"

#include <openssl/pem.h>

#include "ursa/base/pkey.h"

/* OpenSSL's own encoding. */
static struct str by_openssl(struct arena *a, const EVP_PKEY *key)
{
    BIO *out = BIO_new(BIO_s_mem());
    struct str pem;
    char *text;
    long n;

    PEM_write_bio_PKCS8PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
    n = BIO_get_mem_data(out, &text);
    pem = arena_str(a, str_from(text, (size_t)n));
    BIO_free(out);
    return pem;
}

TEST(keys_are_written_as_openssl_does)
{
    struct arena a;
    struct err e;

    arena_init(&a);
    err_init(&e, &a);
    for (int i = 0; i < 200; i++) { /* one of 256 begins with a zero byte */
        PKEY_AUTO key = NULL;
        PKEY_AUTO again = NULL;
        struct blob *pem;

        EXPECT_INT("new", i == 0 ? pkey_new_rsa(2048, &key, &e) : pkey_new_ec(&key, &e), ERR_NONE);
        EXPECT_INT("P-256", pkey_is_p256(key), i != 0);
        pem = pkey_to_pem(key);
        EXPECT_TRUE("secret", pem->secret);
        EXPECT_TRUE("bytes", str_eq(blob_str(pem), by_openssl(&a, key)));
        EXPECT_INT("read", pkey_read(blob_str(pem), &again, &e), ERR_NONE);
        EXPECT_INT("same", EVP_PKEY_eq(key, again), 1);
        blob_unref(pem);
    }
    arena_fini(&a);
}

TEST(a_short_private_value_keeps_its_length)
{
    static const char pem[] = "-----BEGIN EC PRIVATE KEY-----\n"
                              "MDECAQEEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABoAoGCCqGSM49\n"
                              "AwEH\n"
                              "-----END EC PRIVATE KEY-----\n"; /* the number 1 */
    PKEY_AUTO key = NULL;
    PKEY_AUTO again = NULL;
    struct blob *out;
    struct arena a;
    struct err e;

    arena_init(&a);
    err_init(&e, &a);
    EXPECT_INT("read", pkey_read(str_from_c(pem), &key, &e), ERR_NONE);
    out = pkey_to_pem(key);
    EXPECT_INT("size", out->n, 241); /* the public point, which was not there, included */
    EXPECT_INT("read", pkey_read(blob_str(out), &again, &e), ERR_NONE);
    EXPECT_INT("same", EVP_PKEY_eq(key, again), 1);
    blob_unref(out);
    arena_fini(&a);
}

TEST(public_keys)
{
    static const char missing[] = "no public key found: PEM with PUBLIC KEY or RSA PUBLIC KEY is expected";
    static const char unreadable[] = "the public key cannot be read: an RSA or EC key is expected";
    static const char ec[] = "-----BEGIN PUBLIC KEY-----\n"
                             "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEc09yJUUCj9qFoXTgQjrssRkZ6/mW\n"
                             "XVZo7qzSqrWKRUMijAZdqV005zxX5nV09czetE/Tl1yJJ2cQEL/J3xs/8A==\n"
                             "-----END PUBLIC KEY-----\n";
    static const struct {
        const char *name, *text, *want; /* NULL: read */
    } rows[] = {
        {"EC", ec, NULL},
        {"RSA, PKCS#1",
         "a note\n-----BEGIN RSA PUBLIC KEY-----\nMAYCAQECAQM=\n-----END RSA PUBLIC KEY-----\n", NULL},
        {"a private key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", missing},
        {"nothing", "", missing},
        {"no ASN.1", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", unreadable},
        {"Ed25519",
         "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
         "-----END PUBLIC KEY-----\n",
         unreadable},
    };
    struct arena a;
    struct err e;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        PKEY_AUTO key = NULL;

        err_init(&e, &a);
        EXPECT_INT(rows[i].name, pkey_read_public(str_from_c(rows[i].text), &key, &e),
                   rows[i].want ? ERR_INVALID : ERR_NONE);
        EXPECT_TRUE(rows[i].name, (key == NULL) == (rows[i].want != NULL));
        if (rows[i].want)
            EXPECT_STR(rows[i].name, e.text, rows[i].want);
    }
    arena_fini(&a);
}

TEST(what_is_no_key)
{
    static const char missing[] = "no private key found: PEM is expected";
    static const char unreadable[] =
        "the private key cannot be read: an RSA or EC key without a password is expected";
    static const struct {
        const char *name, *text, *want;
    } rows[] = {
        {"empty", "", missing},
        {"words", "hello", missing},
        {"certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", missing},
        {"public key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", missing},
        {"cut off", "-----BEGIN PRIVATE KEY-----\nAAAA\n", missing},
        {"other label at the end", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
         missing},
        {"not base64", "-----BEGIN PRIVATE KEY-----\n****\n-----END PRIVATE KEY-----\n", missing},
        {"no ASN.1", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", unreadable},
        {"no RSA", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n", unreadable},
        {"no EC", "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n", unreadable},
        {"password", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
         unreadable},
        {"Ed25519",
         "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
         "-----END PRIVATE KEY-----\n",
         unreadable},
    };
    struct arena a;
    struct err e;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        PKEY_AUTO key = NULL;

        err_init(&e, &a);
        EXPECT_INT(rows[i].name, pkey_read(str_from_c(rows[i].text), &key, &e), ERR_INVALID);
        EXPECT_STR(rows[i].name, e.text, rows[i].want);
        EXPECT_TRUE(rows[i].name, key == NULL);
    }
    arena_fini(&a);
}

TEST(lines_of_pem)
{
    static const struct {
        size_t n;
        const char *want;
    } rows[] = {
        {0, "-----BEGIN X-----\n-----END X-----\n"},
        {1, "-----BEGIN X-----\nAA==\n-----END X-----\n"},
        {48, "-----BEGIN X-----\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n-----END "
             "X-----\n"},
        {49,
         "-----BEGIN "
         "X-----\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\nAA==\n-----END X-----\n"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        static const uint8_t zeros[64];
        struct blob *pem = pem_encode("X", zeros, rows[i].n, i % 2 == 0);

        EXPECT_STR("text", blob_str(pem), rows[i].want);
        EXPECT_INT("secret", pem->secret, i % 2 == 0);
        blob_unref(pem);
    }
}
