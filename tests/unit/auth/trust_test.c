/* Tokens that are issued elsewhere: which key counts for which token. */
#include <openssl/x509.h>

#include "forge.h"
#include "known.h"

/* The public half of a private key, as a trusted one. */
static struct trusted_key trusted(struct world *w, const char *kid, const char *mesh, struct str key_pem)
{
    struct trusted_key out = {.kid = str_from_c(kid), .mesh = str_from_c(mesh)};
    PKEY_AUTO key = NULL;
    uint8_t *der = NULL;

    EXPECT_INT("private", pkey_read(key_pem, &key, &w->err), ERR_NONE);
    int n = i2d_PUBKEY(key, &der);
    struct blob *pem = pem_encode("PUBLIC KEY", der, (size_t)n, false);

    OPENSSL_free(der);
    EXPECT_INT("public", trusted_key_read(blob_str(pem), &out, &w->err), ERR_NONE);
    blob_unref(pem);
    return out;
}

#define HEADER(kid) "{\"alg\":\"ES256\",\"kid\":\"" kid "\"}"
#define CLAIMS "{\"Name\":\"a\",\"Mesh\":\"demo\",\"exp\":1800003600,\"nbf\":1799999700,\"jti\":\"id-1\"}"

TEST(tokens_of_trusted_keys)
{
    enum whose { OURS, THEIRS, RSA_OF_THEIRS };
    static const char no_key[] = "authentication failed: there is no public key with the token's kid";
    static const struct {
        const char *name, *header;
        enum whose signer;
        const char *mesh;
        bool use_secrets;
        const char *want; /* NULL: good */
    } rows[] = {
        {"theirs", HEADER("offline/a"), THEIRS, "demo", true, NULL},
        {"theirs, and secrets do not count", HEADER("offline/a"), THEIRS, "demo", false, NULL},
        {"ours", HEADER("1"), OURS, "demo", true, NULL},
        {"ours, and secrets do not count", HEADER("1"), OURS, "demo", false, no_key},
        {"a key of another mesh", HEADER("offline/b"), THEIRS, "demo", false, no_key},
        {"a key of another mesh, for that mesh", HEADER("offline/b"), THEIRS, "other", true, NULL},
        {"a trusted kid, signed with our key", HEADER("offline/a"), OURS, "demo", true,
         "authentication failed: the signature is invalid"},
        {"a trusted kid hides a serial", HEADER("2"), THEIRS, "demo", true, NULL},
        {"and what that serial's secret signed", HEADER("2"), OURS, "demo", true,
         "authentication failed: the signature is invalid"},
        {"another kind of key", "{\"alg\":\"RS256\",\"kid\":\"rsa\"}", RSA_OF_THEIRS, "demo", true, NULL},
        {"the key decides on the alg", HEADER("rsa"), RSA_OF_THEIRS, "demo", true,
         "authentication failed: the token's alg does not fit the signing key, which is for RS256"},
    };
    struct token_trusts trusts = token_trusts_default;
    struct world w;

    world_init(&w);
    struct str ours = world_new_key(&w), keys[] = {ours, world_new_key(&w), str_from_c(known_rsa_key)};
    struct trusted_key v[] = {
        trusted(&w, "offline/a", "demo", keys[THEIRS]), trusted(&w, "offline/b", "other", keys[THEIRS]),
        trusted(&w, "2", "demo", keys[THEIRS]), trusted(&w, "rsa", "demo", keys[RSA_OF_THEIRS])};

    world_put_key(&w, TOKEN_DATAPLANE, "demo", 1, ours);
    world_put_key(&w, TOKEN_DATAPLANE, "demo", 2, ours);
    trusts.of[TOKEN_DATAPLANE].keys = v;
    trusts.of[TOKEN_DATAPLANE].n_keys = ARRAY_LEN(v);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str jwt = forge(&w, keys[rows[i].signer], rows[i].header, CLAIMS, BY_KEY);
        struct token_claims c;

        trusts.of[TOKEN_DATAPLANE].use_secrets = rows[i].use_secrets;
        EXPECT_INT(rows[i].name,
                   token_verify(&trusts, w.snap, TOKEN_DATAPLANE, str_from_c(rows[i].mesh),
                                &(struct credential){.text = jwt}, &w.arena, &c, &w.err),
                   rows[i].want ? ERR_UNAUTHENTICATED : ERR_NONE);
        if (rows[i].want)
            EXPECT_STR(rows[i].name, world_fault(&w), rows[i].want);
        else
            EXPECT_STR(rows[i].name, c.name, "a");
    }
    struct token_claims c;
    struct str jwt = forge(&w, keys[THEIRS], HEADER("offline/a"), CLAIMS, BY_KEY);

    world_put(&w,
              (struct res_key){
                  .type = RES_SECRET, .mesh = STR("demo"), .name = STR("dataplane-token-revocations-demo")},
              STR("id-1"));
    EXPECT_INT("revoked",
               token_verify(&trusts, w.snap, TOKEN_DATAPLANE, STR("demo"), &(struct credential){.text = jwt},
                            &w.arena, &c, &w.err),
               ERR_UNAUTHENTICATED);
    EXPECT_STR("revoked", world_fault(&w), "authentication failed: token is revoked");
    for (size_t i = 0; i < ARRAY_LEN(v); i++)
        EVP_PKEY_free(v[i].key);
    world_fini(&w);
}
