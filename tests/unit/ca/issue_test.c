/* Workload certificates: every property, the chain, the borders of a mesh. */
#include <pthread.h>

#include "world.h"

static const struct str web[] = {STR_INIT("spiffe://demo/web"), STR_INIT("kuma://kuma.io/protocol/http"),
                                 STR_INIT("kuma://kuma.io/service/web")};

static struct leaf *issue(struct world *w, struct authority *ca, int64_t life_ns)
{
    struct leaf *leaf;

    EXPECT_INT("issue", authority_issue(ca, web, ARRAY_LEN(web), life_ns, &leaf, &w->err), ERR_NONE);
    return leaf;
}

TEST(leaf_certificate)
{
    struct world w;
    struct authority *ca;
    struct leaf *leaf;
    struct str text;
    X509 *cert, *root;
    EVP_PKEY *key;

    world_init(&w);
    ca = world_authority(&w, "demo", NULL);
    leaf = issue(&w, ca, DAY_NS);
    cert = cert_of(blob_str(leaf->cert_pem));
    root = cert_of(blob_str(authority_bundle(ca)));
    key = key_of(blob_str(leaf->key_pem));
    text = extensions_of(&w.arena, cert);

    EXPECT_INT("version 3", X509_get_version(cert), X509_VERSION_3);
    EXPECT_INT("empty subject", X509_NAME_entry_count(X509_get_subject_name(cert)), 0);
    EXPECT_INT("issuer", X509_NAME_cmp(X509_get_issuer_name(cert), X509_get_subject_name(root)), 0);
    EXPECT_INT("begins", seconds_of(X509_get0_notBefore(cert)), NOW_S - 10);
    EXPECT_INT("ends", seconds_of(X509_get0_notAfter(cert)), NOW_S + 86400);
    EXPECT_INT("issued", leaf->issued_ns, NOW_S * NS_PER_S);
    EXPECT_INT("expires", leaf->expires_ns, NOW_S * NS_PER_S + DAY_NS);
    EXPECT_INT("signature", X509_get_signature_nid(cert), NID_ecdsa_with_SHA256);
    EXPECT_TRUE("P-256", pkey_is_p256(key));
    EXPECT_INT("key and certificate", X509_check_private_key(cert, key), 1);
    EXPECT_TRUE("PKCS#8", str_has_prefix(blob_str(leaf->key_pem), STR("-----BEGIN PRIVATE KEY-----\n")));
    EXPECT_TRUE("the key is wiped one day", leaf->key_pem->secret);
    EXPECT_LINE("no CA", text, "X509v3 Basic Constraints: critical|CA:FALSE");
    EXPECT_LINE("usage", text, "X509v3 Key Usage: critical|Digital Signature, Key Agreement");
    EXPECT_LINE("both sides", text,
                "X509v3 Extended Key Usage:|TLS Web Server Authentication, TLS Web Client Authentication");
    EXPECT_LINE(
        "names", text,
        "X509v3 Subject Alternative Name: critical|URI:spiffe://demo/web, URI:kuma://kuma.io/protocol/http, "
        "URI:kuma://kuma.io/service/web");
    EXPECT_INT("issuer's key id",
               ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(cert), X509_get0_subject_key_id(root)), 0);
    EXPECT_INT("five extensions, no more", X509_get_ext_count(cert), 5);
    EXPECT_INT("accepted as server", verify_error(cert, root, X509_PURPOSE_SSL_SERVER), 0);
    EXPECT_INT("accepted as client", verify_error(cert, root, X509_PURPOSE_SSL_CLIENT), 0);
    EXPECT_TRUE("version", leaf->version == leaf->cert_pem->hash && leaf->version != 0);

    EVP_PKEY_free(key);
    X509_free(cert);
    X509_free(root);
    leaf_unref(leaf);
    authority_unref(ca);
    world_fini(&w);
}

/* Who set the clock, and to what, is not known: the certificate is good by both. */
TEST(for_two_clocks)
{
    static const struct {
        const char *name;
        int64_t other, begins, ends; /* s */
        enum err_kind want;
    } rows[] = {
        {"the same", 0, -10, 86400, ERR_NONE},
        {"an hour behind", -3600, -3610, 86400, ERR_NONE},
        {"a day ahead", 86400, -10, 2 * 86400, ERR_NONE},
        {"back to 1970", -NOW_S, -NOW_S - 10, 86400, ERR_NONE},
        {"beyond every date", INT64_MAX / NS_PER_S - NOW_S - 1000, 0, 0, ERR_INVALID},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world w;
        struct leaf *leaf;
        world_init(&w);
        struct authority *ca = world_authority(&w, "demo", NULL);
        EXPECT_INT(rows[i].name,
                   authority_issue_for_two_clocks(ca, web, ARRAY_LEN(web), DAY_NS, rows[i].other * NS_PER_S,
                                                  &leaf, &w.err),
                   rows[i].want);
        if (leaf) {
            EXPECT_INT(rows[i].name, leaf->begins_ns / NS_PER_S, NOW_S + rows[i].begins);
            EXPECT_INT(rows[i].name, leaf->expires_ns / NS_PER_S, NOW_S + rows[i].ends);
            EXPECT_INT("issued", leaf->issued_ns, NOW_S * NS_PER_S);
        }
        leaf_unref(leaf);
        authority_unref(ca);
        world_fini(&w);
    }
}

TEST(rsa_roots_sign_too)
{
    struct world w;
    struct authority *ca;
    struct leaf *leaf;
    X509 *cert, *root;

    world_init(&w);
    ca = world_authority(&w, "demo", "{\"caCert\":{\"RSAbits\":2048}}");
    leaf = issue(&w, ca, DAY_NS);
    cert = cert_of(blob_str(leaf->cert_pem));
    root = cert_of(blob_str(authority_bundle(ca)));
    EXPECT_INT("signature", X509_get_signature_nid(cert), NID_sha256WithRSAEncryption);
    EXPECT_INT("chain", verify_error(cert, root, X509_PURPOSE_SSL_SERVER), 0);
    X509_free(cert);
    X509_free(root);
    leaf_unref(leaf);
    authority_unref(ca);
    world_fini(&w);
}

TEST(serials_and_keys_are_fresh)
{
    struct world w;
    struct authority *ca;
    struct leaf *leaves[32];
    X509 *certs[ARRAY_LEN(leaves)];
    int longest = 0;

    world_init(&w);
    ca = world_authority(&w, "demo", NULL);
    for (size_t i = 0; i < ARRAY_LEN(leaves); i++) {
        BIGNUM *serial;

        leaves[i] = issue(&w, ca, DAY_NS);
        certs[i] = cert_of(blob_str(leaves[i]->cert_pem));
        serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certs[i]), NULL);
        EXPECT_TRUE("positive, at most 128 bits",
                    !BN_is_negative(serial) && !BN_is_zero(serial) && BN_num_bits(serial) <= 128);
        longest = BN_num_bits(serial) > longest ? BN_num_bits(serial) : longest;
        BN_free(serial);
        for (size_t k = 0; k < i; k++) {
            EXPECT_TRUE("serial", ASN1_INTEGER_cmp(X509_get0_serialNumber(certs[i]),
                                                   X509_get0_serialNumber(certs[k])) != 0);
            EXPECT_TRUE("key", !blob_eq(leaves[i]->key_pem, leaves[k]->key_pem));
            EXPECT_TRUE("version", leaves[i]->version != leaves[k]->version);
        }
    }
    EXPECT_TRUE("serials use their room", longest > 120);
    for (size_t i = 0; i < ARRAY_LEN(leaves); i++) {
        X509_free(certs[i]);
        leaf_unref(leaves[i]);
    }
    authority_unref(ca);
    world_fini(&w);
}

TEST(meshes_do_not_trust_each_other)
{
    struct world w;
    struct authority *a, *b;
    struct leaf *leaf;
    X509 *cert, *root_a, *root_b;

    world_init(&w);
    a = world_authority(&w, "demo", NULL);
    b = world_authority(&w, "other", NULL);
    leaf = issue(&w, a, DAY_NS);
    cert = cert_of(blob_str(leaf->cert_pem));
    root_a = cert_of(blob_str(authority_bundle(a)));
    root_b = cert_of(blob_str(authority_bundle(b)));
    EXPECT_INT("own mesh", verify_error(cert, root_a, X509_PURPOSE_SSL_CLIENT), 0);
    EXPECT_INT("other mesh", verify_error(cert, root_b, X509_PURPOSE_SSL_CLIENT),
               X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    EXPECT_TRUE("versions", authority_version(a) != authority_version(b));
    X509_free(cert);
    X509_free(root_a);
    X509_free(root_b);
    leaf_unref(leaf);
    authority_unref(a);
    authority_unref(b);
    world_fini(&w);
}

/* Two meshes of one name in time: a CA that was made anew is another one. */
TEST(a_new_ca_is_another_one)
{
    struct world w, v;
    struct authority *a, *b;
    struct leaf *leaf;
    X509 *cert, *root;

    world_init(&w);
    world_init(&v);
    a = world_authority(&w, "demo", NULL);
    b = world_authority(&v, "demo", NULL);
    leaf = issue(&w, a, DAY_NS);
    cert = cert_of(blob_str(leaf->cert_pem));
    root = cert_of(blob_str(authority_bundle(b)));
    EXPECT_TRUE("refused", verify_error(cert, root, X509_PURPOSE_SSL_CLIENT) != 0);
    X509_free(cert);
    X509_free(root);
    leaf_unref(leaf);
    authority_unref(a);
    authority_unref(b);
    world_fini(&v);
    world_fini(&w);
}

TEST(identities_that_are_not_signed)
{
    static const struct {
        const char *name, *uri;
        enum err_kind want;
    } rows[] = {
        {"own service", "spiffe://demo/web", ERR_NONE},
        {"own tag", "kuma://team/a", ERR_NONE},
        {"another mesh", "spiffe://other/web", ERR_DENIED},
        {"a mesh that begins alike", "spiffe://demo2/web", ERR_DENIED},
        {"a mesh in a path", "spiffe://demo.evil/web", ERR_DENIED},
        {"the trust domain itself", "spiffe://demo/", ERR_DENIED},
        {"the trust domain, no path", "spiffe://demo", ERR_DENIED},
        {"upper case scheme", "SPIFFE://demo/web", ERR_DENIED},
        {"another scheme", "https://demo/web", ERR_DENIED},
        {"empty", "", ERR_DENIED},
        {"blank", "spiffe://demo/a b", ERR_INVALID},
        {"newline", "kuma://team/a\n", ERR_INVALID},
        {"not ASCII", "spiffe://demo/\xc3\xa4", ERR_INVALID},
    };
    struct world w;
    struct authority *ca;
    struct leaf *leaf;

    world_init(&w);
    ca = world_authority(&w, "demo", NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str uris[] = {STR("spiffe://demo/web"), str_from_c(rows[i].uri)};

        EXPECT_INT(rows[i].name, authority_issue(ca, uris, 2, DAY_NS, &leaf, &w.err), rows[i].want);
        EXPECT_INT(rows[i].name, leaf != NULL, rows[i].want == ERR_NONE);
        leaf_unref(leaf);
        err_init(&w.err, &w.arena);
    }
    EXPECT_INT("no identity", authority_issue(ca, NULL, 0, DAY_NS, &leaf, &w.err), ERR_INVALID);
    authority_unref(ca);
    world_fini(&w);
}

TEST(times)
{
    static const struct {
        const char *name;
        int64_t now_s, life_ns;
        enum err_kind want;
    } rows[] = {
        {"one second", NOW_S, NS_PER_S, ERR_NONE},
        {"longer than its CA", NOW_S, 30 * DAY_NS, ERR_NONE},
        {"no time", NOW_S, 0, ERR_INVALID},
        {"negative", NOW_S, -1, ERR_INVALID},
        {"too long for the clock", NOW_S, INT64_MAX, ERR_INVALID},
        {"the CA's last second", NOW_S + 3599, NS_PER_S, ERR_NONE},
        {"the CA has expired", NOW_S + 3600, NS_PER_S, ERR_UNAVAILABLE},
    };
    struct world w;
    struct authority *ca;

    world_init(&w);
    ca = world_authority(&w, "demo", "{\"caCert\":{\"expiration\":\"1h\"}}");
    EXPECT_INT("CA expires", authority_expires_ns(ca), (NOW_S + 3600) * NS_PER_S);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct leaf *leaf;

        clock_fake(0, rows[i].now_s * NS_PER_S);
        EXPECT_INT(rows[i].name, authority_issue(ca, web, ARRAY_LEN(web), rows[i].life_ns, &leaf, &w.err),
                   rows[i].want);
        if (rows[i].want == ERR_UNAVAILABLE)
            EXPECT_STR(rows[i].name, world_fault(&w),
                       "the CA of trust domain spiffe://demo/ has expired at 2027-01-15T09:00:00Z");
        leaf_unref(leaf);
        err_init(&w.err, &w.arena);
    }
    authority_unref(ca);
    world_fini(&w);
}

TEST(expired_leaves_are_refused)
{
    struct world w;
    struct authority *ca;
    struct leaf *leaf;
    X509 *cert, *root;

    world_init(&w);
    ca = world_authority(&w, "demo", NULL);
    leaf = issue(&w, ca, 60 * NS_PER_S);
    cert = cert_of(blob_str(leaf->cert_pem));
    root = cert_of(blob_str(authority_bundle(ca)));
    EXPECT_INT("now", verify_error(cert, root, X509_PURPOSE_SSL_CLIENT), 0);
    clock_fake(0, (NOW_S + 61) * NS_PER_S);
    EXPECT_INT("later", verify_error(cert, root, X509_PURPOSE_SSL_CLIENT), X509_V_ERR_CERT_HAS_EXPIRED);
    clock_fake(0, (NOW_S - 10) * NS_PER_S);
    EXPECT_INT("a clock that lags", verify_error(cert, root, X509_PURPOSE_SSL_CLIENT), 0);
    clock_fake(0, (NOW_S - 11) * NS_PER_S);
    EXPECT_TRUE("a clock that lags too much", verify_error(cert, root, X509_PURPOSE_SSL_CLIENT) != 0);
    X509_free(cert);
    X509_free(root);
    leaf_unref(leaf);
    authority_unref(ca);
    world_fini(&w);
}

/* ---- loading ---- */

TEST(authorities_that_cannot_be_loaded)
{
    struct ca_backend backend = backend_of("builtin", NULL), vault = backend_of("vault", NULL);
    struct str cert, key, other_cert, other_key;
    struct world w;

    world_init(&w);
    EXPECT_INT("new", ca_builtin_new(STR("demo"), &backend, &w.arena, &cert, &key, &w.err), ERR_NONE);
    EXPECT_INT("new", ca_builtin_new(STR("demo"), &backend, &w.arena, &other_cert, &other_key, &w.err),
               ERR_NONE);
    const struct {
        const char *name;
        struct str cert, key; /* p == NULL: no such secret */
        const char *want;
    } rows[] = {
        {"no secrets", STR_NONE, STR_NONE, "secret \"demo.ca-builtin-cert-ca-1\" is missing"},
        {"no key", cert, STR_NONE, "secret \"demo.ca-builtin-key-ca-1\" is missing"},
        {"no certificate", STR_NONE, key, "secret \"demo.ca-builtin-cert-ca-1\" is missing"},
        {"swapped", key, cert, "no certificate found: PEM is expected"},
        {"empty", STR(""), key, "no certificate found: PEM is expected"},
        {"garbage", cert, STR("abc"), "no private key found: PEM is expected"},
        {"another key", cert, other_key, "the private key does not belong to the certificate"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct authority *ca;
        struct world v;

        world_init(&v);
        if (rows[i].cert.p)
            world_put(&v, ca_builtin_cert_secret(&v.arena, STR("demo"), backend.name), rows[i].cert);
        if (rows[i].key.p)
            world_put(&v, ca_builtin_key_secret(&v.arena, STR("demo"), backend.name), rows[i].key);
        EXPECT_TRUE(rows[i].name, authority_load(v.snap, STR("demo"), &backend, &ca, &v.err) != ERR_NONE);
        EXPECT_TRUE(rows[i].name, ca == NULL);
        EXPECT_STR(rows[i].name, world_fault(&v),
                   arena_printf(&v.arena, "CA \"ca-1\" of mesh \"demo\": %s", rows[i].want).p);
        world_fini(&v);
    }
    EXPECT_INT("unknown type",
               authority_load(w.snap, STR("demo"), &vault, &(struct authority *){NULL}, &w.err), ERR_INVALID);
    world_fini(&w);
}

/* A leaf's secret has no business in the bundle that every peer gets. */
TEST(bundle_holds_certificates_only)
{
    struct ca_backend backend = backend_of("builtin", NULL);
    struct str cert, key, bundle;
    struct authority *ca;
    struct world w;

    world_init(&w);
    EXPECT_INT("new", ca_builtin_new(STR("demo"), &backend, &w.arena, &cert, &key, &w.err), ERR_NONE);
    world_put(&w, ca_builtin_cert_secret(&w.arena, STR("demo"), backend.name),
              arena_printf(&w.arena, "a note\n" STR_FMT STR_FMT, STR_ARG(cert), STR_ARG(key)));
    world_put(&w, ca_builtin_key_secret(&w.arena, STR("demo"), backend.name), key);
    EXPECT_INT("load", authority_load(w.snap, STR("demo"), &backend, &ca, &w.err), ERR_NONE);
    bundle = blob_str(authority_bundle(ca));
    EXPECT_TRUE("the certificate", str_eq(bundle, cert));
    EXPECT_INT("no key", str_find(bundle, STR("PRIVATE")), bundle.n);
    authority_unref(ca);
    world_fini(&w);
}

TEST(references)
{
    struct world w;
    struct authority *ca;
    struct leaf *leaf;

    world_init(&w);
    ca = world_authority(&w, "demo", NULL);
    leaf = issue(&w, ca, DAY_NS);
    EXPECT_TRUE("same authority", authority_ref(ca) == ca);
    EXPECT_TRUE("same leaf", leaf_ref(leaf) == leaf);
    authority_unref(ca);
    leaf_unref(leaf);
    leaf_unref(issue(&w, ca, DAY_NS)); /* still alive: a sanitizer would tell */
    EXPECT_TRUE("alive", leaf->cert_pem->n > 0);
    authority_unref(ca);
    leaf_unref(leaf);
    authority_unref(NULL);
    leaf_unref(NULL);
    EXPECT_TRUE("NULL passes", !authority_ref(NULL) && !leaf_ref(NULL));
    world_fini(&w);
}

/* ---- threads ---- */

static void *issue_many(void *ca)
{
    struct arena arena;
    struct err e;
    bool good = true;

    arena_init(&arena);
    for (int i = 0; i < 50; i++) {
        struct leaf *leaf;

        err_init(&e, &arena);
        good = authority_issue(ca, web, ARRAY_LEN(web), DAY_NS, &leaf, &e) == ERR_NONE && good;
        leaf_unref(leaf);
    }
    arena_fini(&arena);
    authority_unref(ca);
    return good ? ca : NULL;
}

TEST(threads_share_an_authority)
{
    pthread_t threads[4];
    struct authority *ca;
    struct world w;

    world_init(&w);
    ca = world_authority(&w, "demo", NULL);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        EXPECT_INT("start", pthread_create(&threads[i], NULL, issue_many, authority_ref(ca)), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        void *result;

        pthread_join(threads[i], &result);
        EXPECT_TRUE("all were issued", result != NULL);
    }
    authority_unref(ca);
    world_fini(&w);
}
