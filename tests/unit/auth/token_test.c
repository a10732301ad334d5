/* Tokens: what is issued, what is understood, and every way in which one is refused. */
#include <stdio.h>
#include <string.h>

#include "forge.h"
#include "known.h"
#include "ursa/base/base64.h"
#include "ursa/base/json.h"
#include "world.h"

#define HOUR_NS (3600 * NS_PER_S)

static enum err_kind verify(struct world *w, enum token_kind kind, const char *mesh, struct str jwt,
                            struct token_claims *c)
{
    return token_verify(&token_trusts_default, w->snap, kind, str_from_c(mesh),
                        &(struct credential){.text = jwt}, &w->arena, c, &w->err);
}

/* ---- round trips ---- */

TEST(dataplane_token_comes_back)
{
    struct str values[] = {STR("web"), STR("web-api")};
    struct token_tag tags[] = {{STR("kuma.io/service"), {values, 2}}, {STR("team"), {values, 1}}};
    struct token_claims in = {
        .name = STR("dp-1"), .mesh = STR("demo"), .tags = tags, .n_tags = 2, .type = STR("dataplane")};
    struct token_claims out;
    struct world w;
    struct str jwt;

    world_init(&w);
    world_put_key(&w, TOKEN_DATAPLANE, "demo", 1, world_new_key(&w));
    EXPECT_INT("issue", token_issue(w.snap, TOKEN_DATAPLANE, &in, HOUR_NS, &w.arena, &jwt, &w.err), ERR_NONE);
    EXPECT_INT("verify", verify(&w, TOKEN_DATAPLANE, "demo", jwt, &out), ERR_NONE);
    EXPECT_STR("name", out.name, "dp-1");
    EXPECT_STR("mesh", out.mesh, "demo");
    EXPECT_STR("type", out.type, "dataplane");
    EXPECT_INT("tags", out.n_tags, 2);
    EXPECT_STR("tag", out.tags[0].name, "kuma.io/service");
    EXPECT_INT("values", out.tags[0].values.n, 2);
    EXPECT_STR("value", out.tags[0].values.v[1], "web-api");
    EXPECT_INT("iat", out.issued_at, NOW_S);
    EXPECT_INT("nbf", out.not_before, NOW_S - 300);
    EXPECT_INT("exp", out.expires_at, NOW_S + 3600);
    EXPECT_INT("jti", out.id.n, 36);
    world_fini(&w);
}

TEST(zone_token_comes_back)
{
    struct str scopes[] = {STR("ingress"), STR("egress")};
    struct token_claims in = {.zone = STR("z"), .scope = {scopes, 2}}, out;
    struct world w;
    struct str jwt;

    world_init(&w);
    world_put_key(&w, TOKEN_ZONE, "", 1, world_new_key(&w));
    EXPECT_INT("issue", token_issue(w.snap, TOKEN_ZONE, &in, HOUR_NS, &w.arena, &jwt, &w.err), ERR_NONE);
    EXPECT_INT("verify", verify(&w, TOKEN_ZONE, "", jwt, &out), ERR_NONE);
    EXPECT_STR("zone", out.zone, "z");
    EXPECT_INT("scopes", out.scope.n, 2);
    EXPECT_STR("scope", out.scope.v[1], "egress");
    world_fini(&w);
}

/* Key order and capitals are what other readers of these tokens know. */
TEST(token_texts)
{
    struct str list[] = {STR("ingress"), STR("egress")};
    const struct {
        const char *name;
        enum token_kind kind;
        struct token_claims claims;
        const char *payload; /* up to the times */
    } rows[] = {
        {"dataplane, empty",
         TOKEN_DATAPLANE,
         {.mesh = STR("demo")},
         "{\"Name\":\"\",\"Mesh\":\"demo\",\"Tags\":{},\"Type\":\"\""},
        {"user",
         TOKEN_USER,
         {.name = STR("john"), .groups = {list, 1}},
         "{\"Name\":\"john\",\"Groups\":[\"ingress\"]"},
        {"user without groups", TOKEN_USER, {.name = STR("john")}, "{\"Name\":\"john\",\"Groups\":null"},
        {"zone",
         TOKEN_ZONE,
         {.zone = STR("z"), .scope = {list, 2}},
         "{\"Zone\":\"z\",\"Scope\":[\"ingress\",\"egress\"]"},
        {"zone-ingress", TOKEN_ZONE_INGRESS, {.zone = STR("z")}, "{\"Zone\":\"z\""},
    };
    struct world w;

    world_init(&w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str jwt, rest, part, text;
        struct str want =
            arena_printf(&w.arena, "%s,\"exp\":1800003600,\"nbf\":1799999700,\"iat\":1800000000,\"jti\":\"",
                         rows[i].payload);

        world_put_key(&w, rows[i].kind, "demo", 1, world_new_key(&w));
        EXPECT_INT(rows[i].name,
                   token_issue(w.snap, rows[i].kind, &rows[i].claims, HOUR_NS, &w.arena, &jwt, &w.err),
                   ERR_NONE);
        rest = jwt;
        EXPECT_TRUE(rows[i].name, str_next(&rest, '.', &part) && base64_decode_url(&w.arena, part, &text));
        EXPECT_STR(rows[i].name, text, "{\"alg\":\"ES256\",\"kid\":\"1\",\"typ\":\"JWT\"}");
        EXPECT_TRUE(rows[i].name, str_next(&rest, '.', &part) && base64_decode_url(&w.arena, part, &text));
        EXPECT_STR(rows[i].name, str_slice(text, 0, want.n), want.p);
        EXPECT_INT(rows[i].name, text.n, want.n + 36 + 2);
    }
    world_fini(&w);
}

TEST(lifetimes)
{
    static const struct {
        const char *name;
        int64_t wall_ns, valid_ns, want;
    } rows[] = {
        {"an hour", NOW_S * NS_PER_S, HOUR_NS, NOW_S + 3600},
        {"past", NOW_S * NS_PER_S, -HOUR_NS, NOW_S - 3600},
        {"a fraction is rounded down", NOW_S * NS_PER_S + 1, -1, NOW_S},
        {"and down below a second", NOW_S * NS_PER_S, -1, NOW_S - 1},
        {"two halves", NOW_S * NS_PER_S + NS_PER_S / 2, NS_PER_S / 2, NOW_S + 1},
        {"as long as a duration gets", NOW_S * NS_PER_S, INT64_MAX, NOW_S + INT64_MAX / NS_PER_S},
    };
    struct world w;

    world_init(&w);
    world_put_key(&w, TOKEN_USER, "", 1, world_new_key(&w));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct token_claims claims = {.name = STR("u")};
        struct str jwt, rest, part, text;
        JSON_AUTO payload = NULL;

        clock_fake(0, rows[i].wall_ns);
        EXPECT_INT(rows[i].name,
                   token_issue(w.snap, TOKEN_USER, &claims, rows[i].valid_ns, &w.arena, &jwt, &w.err),
                   ERR_NONE);
        rest = jwt;
        EXPECT_TRUE(rows[i].name, str_next(&rest, '.', &part) && str_next(&rest, '.', &part) &&
                                      base64_decode_url(&w.arena, part, &text) &&
                                      !json_parse(text, &payload, &w.err));
        EXPECT_INT(rows[i].name, json_integer_value(json_get(payload, "exp")), rows[i].want);
    }
    world_fini(&w);
}

/* ---- tokens and keys of others ---- */

TEST(tokens_of_other_implementations)
{
    static const struct {
        const char *name, *key, *token;
    } rows[] = {
        {"RS256, PKCS#1", known_rsa_key, known_rs256},
        {"ES256, EC PRIVATE KEY after EC PARAMETERS", known_ec_key, known_es256},
    };
    struct world w;

    world_init(&w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct token_claims c;

        world_put_key(&w, TOKEN_DATAPLANE, "demo", 1, str_from_c(rows[i].key));
        EXPECT_INT(rows[i].name, verify(&w, TOKEN_DATAPLANE, "demo", str_from_c(rows[i].token), &c),
                   ERR_NONE);
        EXPECT_STR(rows[i].name, c.name, "dp-1");
        EXPECT_STR(rows[i].name, c.tags[0].values.v[1], "web-api");
        EXPECT_STR(rows[i].name, c.id, "0b1c9f6e-3d1f-4d0e-9a62-2f0f8c3f1a11");
    }
    world_fini(&w);
}

/* The same key, however it is kept, makes and understands the same tokens. */
TEST(forms_of_a_key)
{
    struct world w;
    struct token_claims claims = {.mesh = STR("demo")}, out;
    struct str forms[4], jwt;
    PKEY_AUTO rsa = NULL;
    struct blob *pkcs8;
    uint8_t *der = NULL;
    int n;

    world_init(&w);
    EXPECT_INT("read", pkey_read(str_from_c(known_rsa_key), &rsa, &w.err), ERR_NONE);
    pkcs8 = pkey_to_pem(rsa);
    n = i2d_PrivateKey(rsa, &der);
    forms[0] = str_from_c(known_rsa_key);
    forms[1] = blob_str(pkcs8);
    forms[2] = str_from(der, (size_t)n); /* COMPAT: Kuma before 1.4 */
    forms[3] = arena_printf(&w.arena, "a note before it\n%s", known_rsa_key);
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        world_put_key(&w, TOKEN_DATAPLANE, "demo", 1, forms[i]);
        EXPECT_INT("known token", verify(&w, TOKEN_DATAPLANE, "demo", str_from_c(known_rs256), &out),
                   ERR_NONE);
        EXPECT_INT("issue", token_issue(w.snap, TOKEN_DATAPLANE, &claims, HOUR_NS, &w.arena, &jwt, &w.err),
                   ERR_NONE);
        EXPECT_INT("own token", verify(&w, TOKEN_DATAPLANE, "demo", jwt, &out), ERR_NONE);
    }
    OPENSSL_free(der);
    blob_unref(pkcs8);
    world_fini(&w);
}

/* ---- signing keys ---- */

TEST(the_highest_serial_signs)
{
    static const struct {
        const char *name, *secrets[4], *want_kid; /* NULL: no key */
    } rows[] = {
        {"one", {"dataplane-token-signing-key-demo-1"}, "1"},
        {"two", {"dataplane-token-signing-key-demo-1", "dataplane-token-signing-key-demo-2"}, "2"},
        {"numbers, not texts",
         {"dataplane-token-signing-key-demo-9", "dataplane-token-signing-key-demo-10"},
         "10"},
        {"other tails are no serials",
         {"dataplane-token-signing-key-demo-3", "dataplane-token-signing-key-demo-x9",
          "dataplane-token-signing-key-demo-07", "dataplane-token-signing-key-demo-7x"},
         "3"},
        {"another mesh's name",
         {"dataplane-token-signing-key-demo2-5", "dataplane-token-signing-key-demo-1"},
         "1"},
        {"legacy key without serial", {"dataplane-token-signing-key-demo"}, NULL},
        {"none", {NULL}, NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct token_claims claims = {.mesh = STR("demo")};
        struct str jwt, head, text;
        struct world w;

        world_init(&w);
        for (size_t k = 0; k < 4 && rows[i].secrets[k]; k++)
            world_put(&w,
                      (struct res_key){
                          .type = RES_SECRET, .mesh = STR("demo"), .name = str_from_c(rows[i].secrets[k])},
                      world_new_key(&w));
        if (rows[i].want_kid) {
            EXPECT_INT(rows[i].name,
                       token_issue(w.snap, TOKEN_DATAPLANE, &claims, HOUR_NS, &w.arena, &jwt, &w.err),
                       ERR_NONE);
            EXPECT_TRUE(rows[i].name, str_next(&jwt, '.', &head) && base64_decode_url(&w.arena, head, &text));
            EXPECT_TRUE(rows[i].name,
                        str_find(text, arena_printf(&w.arena, "\"kid\":\"%s\"", rows[i].want_kid)) < text.n);
        } else {
            EXPECT_INT(rows[i].name,
                       token_issue(w.snap, TOKEN_DATAPLANE, &claims, HOUR_NS, &w.arena, &jwt, &w.err),
                       ERR_NOT_FOUND);
            EXPECT_STR(rows[i].name, world_fault(&w),
                       "there is no signing key with KID 1. Secret of name "
                       "\"dataplane-token-signing-key-demo-1\" in mesh "
                       "\"demo\" is not found. If signing key was rotated, regenerate the token");
        }
        world_fini(&w);
    }
}

TEST(missing_global_key)
{
    struct token_claims claims = {.name = STR("u")};
    struct world w;
    struct str jwt;

    world_init(&w);
    EXPECT_INT("issue", token_issue(w.snap, TOKEN_USER, &claims, HOUR_NS, &w.arena, &jwt, &w.err),
               ERR_NOT_FOUND);
    EXPECT_STR("text", world_fault(&w),
               "there is no signing key with KID 1. GlobalSecret of name \"user-token-signing-key-1\" is not "
               "found. If "
               "signing key was rotated, regenerate the token");
    world_fini(&w);
}

TEST(unusable_keys)
{
    static const char p384[] = "-----BEGIN PRIVATE KEY-----\n"
                               "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDA=\n"
                               "-----END PRIVATE KEY-----\n";
    PKEY_AUTO small = NULL;
    struct world w;
    struct blob *small_pem;

    world_init(&w);
    EXPECT_INT("small key", pkey_new_rsa(1024, &small, &w.err), ERR_NONE);
    small_pem = pkey_to_pem(small);
    const struct {
        const char *name;
        struct str data;
    } rows[] = {
        {"text", STR("abc")},
        {"empty", STR("")},
        {"certificate label", STR("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")},
        {"broken PEM", STR("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n")},
        {"broken PKCS#8", str_from_c(p384)},
        {"encrypted",
         STR("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n"
             "-----END RSA PRIVATE KEY-----\n")},
        {"RSA of 1024 bits", blob_str(small_pem)},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct token_claims claims = {.mesh = STR("demo")};
        struct str jwt;

        world_put_key(&w, TOKEN_DATAPLANE, "demo", 1, rows[i].data);
        EXPECT_INT(rows[i].name,
                   token_issue(w.snap, TOKEN_DATAPLANE, &claims, HOUR_NS, &w.arena, &jwt, &w.err),
                   ERR_INVALID);
        EXPECT_TRUE(
            rows[i].name,
            str_has_prefix(world_fault(&w), STR("signing key \"dataplane-token-signing-key-demo-1\": ")));
    }
    blob_unref(small_pem);
    world_fini(&w);
}

/* ---- refusals ---- */

#define H(rest) "{\"alg\":\"ES256\"," rest "\"typ\":\"JWT\"}"
#define KID1 "\"kid\":\"1\","
#define P                                                                                                    \
    "{\"Name\":\"a\",\"Mesh\":\"demo\",\"Tags\":{},\"Type\":\"\",\"exp\":1800003600,\"nbf\":1799999700,"     \
    "\"jti\":\"id-1\"}"

TEST(refusals)
{
    static const char legacy[] =
        "tokens of Kuma before 1.4 (HS256 or without kid) are not supported: issue a new token";
    static const char bad_alg[] = "unsupported token alg. Allowed algorithms are ES256 and RS256";
    static const char misfit[] = "the token's alg does not fit the signing key, which is for ES256";
    static const char bad_kid[] = "the token's kid is not the serial number of a signing key";
    static const char bad_header[] = "the token's header must have a text alg and kid";
    static const char wrong[] = "the signature is invalid";
    static const char bad_claim[] = "a claim of the token has the wrong JSON kind";
    static const struct {
        const char *name, *header, *payload;
        enum signer signer;
        const char *want; /* NULL: accepted */
    } rows[] = {
        {"good", H(KID1), P, BY_KEY, NULL},
        {"typ is not needed", "{\"alg\":\"ES256\",\"kid\":\"1\"}", P, BY_KEY, NULL},
        {"unknown header", H(KID1 "\"x\":1,"), P, BY_KEY, NULL},
        {"unknown claim", H(KID1), "{\"Other\":[1],\"exp\":1800003600}", BY_KEY, NULL},
        {"lower-case claim is another one", H(KID1), "{\"name\":5,\"exp\":1800003600}", BY_KEY, NULL},
        {"null claims are absent ones", H(KID1), "{\"Name\":null,\"Tags\":null,\"exp\":1800003600}", BY_KEY,
         NULL},
        {"last second", H(KID1), "{\"exp\":1800000001}", BY_KEY, NULL},
        {"first second", H(KID1), "{\"exp\":1800003600,\"nbf\":1800000000}", BY_KEY, NULL},
        {"issued in our future", H(KID1), "{\"exp\":1800003600,\"iat\":1800000100}", BY_KEY, NULL},

        {"other key", H(KID1), P, BY_OTHER_KEY, wrong},
        {"bit flipped", H(KID1), P, BIT_FLIPPED, wrong},
        {"DER signature", H(KID1), P, AS_DER, wrong},
        {"no signature", H(KID1), P, BY_NOBODY, wrong},
        {"none", "{\"alg\":\"none\",\"kid\":\"1\"}", P, BY_NOBODY, bad_alg},
        {"None", "{\"alg\":\"None\",\"kid\":\"1\"}", P, BY_NOBODY, bad_alg},
        {"empty alg", "{\"alg\":\"\",\"kid\":\"1\"}", P, BY_NOBODY, bad_alg},
        {"HS256 under the public key", "{\"alg\":\"HS256\",\"kid\":\"1\"}", P, BY_HMAC_OF_PUBLIC_KEY, legacy},
        {"HS384", "{\"alg\":\"HS384\",\"kid\":\"1\"}", P, BY_HMAC_OF_PUBLIC_KEY, bad_alg},
        {"ES256 with an HMAC", H(KID1), P, BY_HMAC_OF_PUBLIC_KEY, wrong},
        {"RS256 with an EC key", "{\"alg\":\"RS256\",\"kid\":\"1\"}", P, BY_KEY, misfit},
        {"PS256", "{\"alg\":\"PS256\",\"kid\":\"1\"}", P, BY_KEY, bad_alg},
        {"ES384", "{\"alg\":\"ES384\",\"kid\":\"1\"}", P, BY_KEY, bad_alg},
        {"es256", "{\"alg\":\"es256\",\"kid\":\"1\"}", P, BY_KEY, bad_alg},
        {"no alg", "{\"kid\":\"1\"}", P, BY_KEY, bad_header},
        {"alg is a number", "{\"alg\":256,\"kid\":\"1\"}", P, BY_KEY, bad_header},
        {"critical extension", H(KID1 "\"crit\":[\"b64\"],"), P, BY_KEY,
         "the token's header has critical extensions"},
        {"header is a list", "[]", P, BY_KEY, "the token's header is not a JSON object"},
        {"header is no JSON", "x", P, BY_KEY, "the token's header is not a JSON object"},
        {"empty header", "", P, BY_KEY, "the token's header is not a JSON object"},

        {"no kid", H(""), P, BY_KEY, legacy},
        {"kid is a number", H("\"kid\":1,"), P, BY_KEY, bad_header},
        {"kid null", H("\"kid\":null,"), P, BY_KEY, bad_header},
        {"empty kid", H("\"kid\":\"\","), P, BY_KEY, bad_kid},
        {"kid 0", H("\"kid\":\"0\","), P, BY_KEY, bad_kid},
        {"kid 01", H("\"kid\":\"01\","), P, BY_KEY, bad_kid},
        {"kid +1", H("\"kid\":\"+1\","), P, BY_KEY, bad_kid},
        {"kid -1", H("\"kid\":\"-1\","), P, BY_KEY, bad_kid},
        {"kid 1.0", H("\"kid\":\"1.0\","), P, BY_KEY, bad_kid},
        {"kid with a blank", H("\"kid\":\" 1\","), P, BY_KEY, bad_kid},
        {"kid as a path", H("\"kid\":\"../../demo2-1\","), P, BY_KEY, bad_kid},
        {"kid as a file", H("\"kid\":\"/dev/null\","), P, BY_KEY, bad_kid},
        {"kid as a name", H("\"kid\":\"demo-1\","), P, BY_KEY, bad_kid},
        {"kid too large", H("\"kid\":\"99999999999999999999\","), P, BY_KEY, bad_kid},
        {"kid of no key", H("\"kid\":\"7\","), P, BY_KEY,
         "there is no signing key with KID 7. Secret of name \"dataplane-token-signing-key-demo-7\" in mesh "
         "\"demo\" is not "
         "found. If signing key was rotated, regenerate the token"},

        {"expired now", H(KID1), "{\"exp\":1800000000}", BY_KEY, "the token is expired"},
        {"expired long ago", H(KID1), "{\"exp\":-1}", BY_KEY, "the token is expired"},
        {"not yet", H(KID1), "{\"exp\":1800003600,\"nbf\":1800000001}", BY_KEY, "the token is not valid yet"},
        {"no exp", H(KID1), "{\"Name\":\"a\"}", BY_KEY, "the token has no exp claim"},
        {"exp null", H(KID1), "{\"exp\":null}", BY_KEY, bad_claim},
        {"exp is a text", H(KID1), "{\"exp\":\"1800003600\"}", BY_KEY, bad_claim},
        {"exp is a fraction", H(KID1), "{\"exp\":1800003600.5}", BY_KEY, bad_claim},
        {"exp is huge", H(KID1), "{\"exp\":1e300}", BY_KEY, bad_claim},
        {"name is a number", H(KID1), "{\"Name\":1,\"exp\":1800003600}", BY_KEY, bad_claim},
        {"tags is a list", H(KID1), "{\"Tags\":[],\"exp\":1800003600}", BY_KEY, bad_claim},
        {"tag is a text", H(KID1), "{\"Tags\":{\"a\":\"b\"},\"exp\":1800003600}", BY_KEY, bad_claim},
        {"tag value is a number", H(KID1), "{\"Tags\":{\"a\":[1]},\"exp\":1800003600}", BY_KEY, bad_claim},
        {"payload is a list", H(KID1), "[]", BY_KEY, "the token's payload is not a JSON object"},
        {"payload is empty", H(KID1), "", BY_KEY, "the token's payload is not a JSON object"},
        {"payload ends early", H(KID1), "{\"exp\":1800003600", BY_KEY,
         "the token's payload is not a JSON object"},
    };
    struct world w;
    struct str key;

    world_init(&w);
    key = world_new_key(&w);
    world_put_key(&w, TOKEN_DATAPLANE, "demo", 1, key);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str jwt = forge(&w, key, rows[i].header, rows[i].payload, rows[i].signer);
        struct token_claims c;
        enum err_kind got = verify(&w, TOKEN_DATAPLANE, "demo", jwt, &c);
        struct str text = world_fault(&w);

        EXPECT_INT(rows[i].name, got, rows[i].want ? ERR_UNAUTHENTICATED : ERR_NONE);
        if (rows[i].want)
            EXPECT_STR(rows[i].name, text,
                       arena_printf(&w.arena, "authentication failed: %s", rows[i].want).p);
        EXPECT_TRUE(rows[i].name, !rows[i].want || (c.name.n == 0 && c.expires_at == 0));
    }
    world_fini(&w);
}

TEST(texts_that_are_no_token)
{
    static const char segments[] = "authentication failed: the token contains an invalid number of segments";
    static const char alphabet[] = "authentication failed: the token is not base64url";
    struct world w;
    struct str key, good;

    world_init(&w);
    key = world_new_key(&w);
    world_put_key(&w, TOKEN_DATAPLANE, "demo", 1, key);
    good = forge(&w, key, H(KID1), P, BY_KEY);
    const struct {
        const char *name;
        struct str jwt;
        const char *want;
    } rows[] = {
        {"empty", STR(""), segments},
        {"absent", STR_NONE, segments},
        {"one part", STR("abc"), segments},
        {"two parts", STR("YQ.YQ"), segments},
        {"four parts", arena_printf(&w.arena, STR_FMT ".", STR_ARG(good)), segments},
        {"padding", arena_printf(&w.arena, STR_FMT "=", STR_ARG(good)), alphabet},
        {"newline at the end", arena_printf(&w.arena, STR_FMT "\n", STR_ARG(good)), alphabet},
        {"blank before", arena_printf(&w.arena, " " STR_FMT, STR_ARG(good)), alphabet},
        {"standard alphabet", STR("++++.////.++++"), alphabet},
        {"one digit left over", STR("YQ.YQ.Y"), alphabet},
        {"bits beyond the last byte", STR("YQ.YR.YQ"), alphabet},
        {"NUL", str_from("YQ\0.YQ.YQ", 9), alphabet},
        {"two dots", STR(".."), "authentication failed: the token's header is not a JSON object"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct token_claims c;

        EXPECT_INT(rows[i].name, verify(&w, TOKEN_DATAPLANE, "demo", rows[i].jwt, &c), ERR_UNAUTHENTICATED);
        EXPECT_STR(rows[i].name, world_fault(&w), rows[i].want);
    }
    world_fini(&w);
}

/* Of all single changes to a good token none is accepted. */
TEST(every_byte_counts)
{
    struct world w;
    struct str key, good;

    world_init(&w);
    key = world_new_key(&w);
    world_put_key(&w, TOKEN_DATAPLANE, "demo", 1, key);
    good = forge(&w, key, H(KID1), P, BY_KEY);
    for (size_t i = 0; i < good.n; i++) {
        struct token_claims c;
        char *text = arena_cstr(&w.arena, good);

        text[i] = text[i] == 'A' ? 'B' : 'A';
        if (verify(&w, TOKEN_DATAPLANE, "demo", str_from(text, good.n), &c) != ERR_UNAUTHENTICATED)
            FAIL("byte %zu may be changed", i);
        err_init(&w.err, &w.arena);
    }
    world_fini(&w);
}

TEST(size_limit)
{
    static const char before[] = "{\"Name\":\"", after[] = "\",\"exp\":1800003600}";
    struct world w;
    struct str key;

    world_init(&w);
    key = world_new_key(&w);
    world_put_key(&w, TOKEN_USER, "", 1, key);
    for (size_t n = 12150; n <= 12180; n++) { /* 16,384 characters lie in between */
        char *name = arena_alloc(&w.arena, n + 1);
        struct token_claims c;
        struct str jwt;
        bool fits;

        memset(name, 'x', n);
        jwt = forge(&w, key, H(KID1), arena_printf(&w.arena, "%s%s%s", before, name, after).p, BY_KEY);
        fits = jwt.n <= 16384;
        EXPECT_INT("kind", verify(&w, TOKEN_USER, "", jwt, &c), fits ? ERR_NONE : ERR_UNAUTHENTICATED);
        EXPECT_STR("text", world_fault(&w),
                   fits ? "(no error)" : "authentication failed: the token is longer than 16384 bytes");
        EXPECT_TRUE("both sides of the limit are tried", n != 12150 || fits);
        EXPECT_TRUE("both sides of the limit are tried", n != 12180 || !fits);
    }
    world_fini(&w);
}

TEST(too_long_is_not_issued)
{
    struct token_claims claims = {.mesh = STR("demo")};
    struct world w;
    struct str jwt;
    char *name;

    world_init(&w);
    world_put_key(&w, TOKEN_DATAPLANE, "demo", 1, world_new_key(&w));
    name = arena_alloc(&w.arena, 20001);
    memset(name, 'x', 20000);
    claims.name = str_from_c(name);
    EXPECT_INT("issue", token_issue(w.snap, TOKEN_DATAPLANE, &claims, HOUR_NS, &w.arena, &jwt, &w.err),
               ERR_LIMIT);
    world_fini(&w);
}

/* ---- who may use which key ---- */

TEST(tokens_of_other_meshes_and_kinds)
{
    static const struct {
        const char *name;
        enum token_kind issued, checked;
        const char *issued_mesh, *checked_mesh;
        bool accepted;
    } rows[] = {
        {"its mesh", TOKEN_DATAPLANE, TOKEN_DATAPLANE, "a", "a", true},
        {"another mesh", TOKEN_DATAPLANE, TOKEN_DATAPLANE, "a", "b", false},
        {"a mesh without a key", TOKEN_DATAPLANE, TOKEN_DATAPLANE, "a", "c", false},
        {"user", TOKEN_USER, TOKEN_USER, "", "", true},
        {"dataplane as user", TOKEN_DATAPLANE, TOKEN_USER, "a", "", false},
        {"user as dataplane", TOKEN_USER, TOKEN_DATAPLANE, "", "a", false},
        {"zone as user", TOKEN_ZONE, TOKEN_USER, "", "", false},
        {"zone as zone-ingress", TOKEN_ZONE, TOKEN_ZONE_INGRESS, "", "", false},
        {"zone-ingress", TOKEN_ZONE_INGRESS, TOKEN_ZONE_INGRESS, "", "", true},
    };
    struct world w;

    world_init(&w);
    world_put_key(&w, TOKEN_DATAPLANE, "a", 1, world_new_key(&w));
    world_put_key(&w, TOKEN_DATAPLANE, "b", 1, world_new_key(&w));
    world_put_key(&w, TOKEN_USER, "", 1, world_new_key(&w));
    world_put_key(&w, TOKEN_ZONE, "", 1, world_new_key(&w));
    world_put_key(&w, TOKEN_ZONE_INGRESS, "", 1, world_new_key(&w));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct token_claims claims = {.name = STR("n"), .mesh = str_from_c(rows[i].issued_mesh)}, out;
        struct str jwt;

        EXPECT_INT(rows[i].name,
                   token_issue(w.snap, rows[i].issued, &claims, HOUR_NS, &w.arena, &jwt, &w.err), ERR_NONE);
        EXPECT_INT(rows[i].name, verify(&w, rows[i].checked, rows[i].checked_mesh, jwt, &out),
                   rows[i].accepted ? ERR_NONE : ERR_UNAUTHENTICATED);
        err_init(&w.err, &w.arena);
    }
    world_fini(&w);
}

TEST(revocation)
{
    static const struct {
        const char *name, *list;
        bool revoked;
    } rows[] = {
        {"empty", "", false},
        {"the only one", "id-1", true},
        {"newline at the end", "id-1\n", true},
        {"last", "x,id-1\n", true},
        {"first", "id-1,x", true},
        {"middle", "x,id-1,y", true},
        {"others", "id-2,id-10,id", false},
        {"two newlines are none of the form", "id-1\n\n", false},
        {"blanks are none of the form", "x, id-1", false},
        {"other case", "ID-1", false},
    };
    struct world w;
    struct str key;

    world_init(&w);
    key = world_new_key(&w);
    world_put_key(&w, TOKEN_DATAPLANE, "demo", 1, key);
    world_put_key(&w, TOKEN_USER, "", 1, key);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str jwt = forge(&w, key, H(KID1), P, BY_KEY);
        struct token_claims c;

        world_put(&w,
                  (struct res_key){.type = RES_SECRET,
                                   .mesh = STR("demo"),
                                   .name = STR("dataplane-token-revocations-demo")},
                  str_from_c(rows[i].list));
        EXPECT_INT(rows[i].name, verify(&w, TOKEN_DATAPLANE, "demo", jwt, &c),
                   rows[i].revoked ? ERR_UNAUTHENTICATED : ERR_NONE);
        EXPECT_STR(rows[i].name, world_fault(&w),
                   rows[i].revoked ? "authentication failed: token is revoked" : "(no error)");
        EXPECT_INT("other kinds have lists of their own", verify(&w, TOKEN_USER, "", jwt, &c), ERR_NONE);
    }
    world_put(&w, (struct res_key){.type = RES_GLOBAL_SECRET, .name = STR("user-token-revocations")},
              STR("id-1"));
    EXPECT_INT("user",
               verify(&w, TOKEN_USER, "", forge(&w, key, H(KID1), P, BY_KEY), &(struct token_claims){0}),
               ERR_UNAUTHENTICATED);
    world_fini(&w);
}

TEST(old_keys_stay_valid_until_deleted)
{
    struct token_claims claims = {.mesh = STR("demo")}, c;
    struct world w;
    struct str old, fresh;

    world_init(&w);
    world_put_key(&w, TOKEN_DATAPLANE, "demo", 1, world_new_key(&w));
    EXPECT_INT("old", token_issue(w.snap, TOKEN_DATAPLANE, &claims, HOUR_NS, &w.arena, &old, &w.err),
               ERR_NONE);
    world_put_key(&w, TOKEN_DATAPLANE, "demo", 2, world_new_key(&w));
    EXPECT_INT("fresh", token_issue(w.snap, TOKEN_DATAPLANE, &claims, HOUR_NS, &w.arena, &fresh, &w.err),
               ERR_NONE);
    EXPECT_INT("old is valid", verify(&w, TOKEN_DATAPLANE, "demo", old, &c), ERR_NONE);
    EXPECT_INT("fresh is valid", verify(&w, TOKEN_DATAPLANE, "demo", fresh, &c), ERR_NONE);

    snap_unref(w.snap); /* the first of the two secrets goes */
    w.snap = snap_from_list(&w.secrets[1], 1, 2);
    EXPECT_INT("old is refused", verify(&w, TOKEN_DATAPLANE, "demo", old, &c), ERR_UNAUTHENTICATED);
    err_init(&w.err, &w.arena);
    EXPECT_INT("fresh is valid", verify(&w, TOKEN_DATAPLANE, "demo", fresh, &c), ERR_NONE);
    world_fini(&w);
}
