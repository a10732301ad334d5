/* The CA that Ursa makes for a mesh: its root certificate, its secrets, what conf may say. */
#include "world.h"

TEST(root_certificate)
{
    struct ca_backend backend = backend_of("builtin", NULL);
    struct str cert_pem, key_pem, text;
    struct world w;
    X509 *cert;
    EVP_PKEY *key;
    char subject[128];

    world_init(&w);
    EXPECT_INT("new", ca_builtin_new(STR("demo"), &backend, &w.arena, &cert_pem, &key_pem, &w.err), ERR_NONE);
    cert = cert_of(cert_pem);
    key = key_of(key_pem);
    text = extensions_of(&w.arena, cert);

    X509_NAME_oneline(X509_get_subject_name(cert), subject, sizeof(subject));
    EXPECT_CSTR("subject", subject, "/O=Kuma/OU=Mesh/CN=demo");
    X509_NAME_oneline(X509_get_issuer_name(cert), subject, sizeof(subject));
    EXPECT_CSTR("issuer", subject, "/O=Kuma/OU=Mesh/CN=demo");
    EXPECT_INT("version 3", X509_get_version(cert), X509_VERSION_3);
    EXPECT_INT("begins", seconds_of(X509_get0_notBefore(cert)), NOW_S - 10);
    EXPECT_INT("ends", seconds_of(X509_get0_notAfter(cert)), NOW_S + INT64_C(3650) * 24 * 3600);
    EXPECT_INT("signature", X509_get_signature_nid(cert), NID_ecdsa_with_SHA256);
    EXPECT_TRUE("the key is P-256", pkey_is_p256(key));
    EXPECT_INT("the key is its own", X509_check_private_key(cert, key), 1);
    EXPECT_TRUE("PKCS#8", str_has_prefix(key_pem, STR("-----BEGIN PRIVATE KEY-----\n")));
    EXPECT_LINE("CA", text, "X509v3 Basic Constraints: critical|CA:TRUE");
    EXPECT_LINE("usage", text, "X509v3 Key Usage: critical|Certificate Sign, CRL Sign");
    EXPECT_LINE("trust domain", text, "X509v3 Subject Alternative Name:|URI:spiffe://demo");
    EXPECT_TRUE("key id", X509_get0_subject_key_id(cert) != NULL);
    EXPECT_INT("four extensions, no more", X509_get_ext_count(cert), 4);
    EXPECT_INT("it trusts itself", verify_error(cert, cert, X509_PURPOSE_ANY), 0);
    EVP_PKEY_free(key);
    X509_free(cert);
    world_fini(&w);
}

TEST(conf_decides_key_and_life)
{
    static const struct {
        const char *name, *conf;
        int bits;
        bool rsa;
        int64_t life_s;
    } rows[] = {
        {"no conf", NULL, 256, false, INT64_C(3650) * 86400},
        {"empty conf", "{}", 256, false, INT64_C(3650) * 86400},
        {"caCert null", "{\"caCert\":null}", 256, false, INT64_C(3650) * 86400},
        {"unknown keys", "{\"x\":1,\"caCert\":{\"y\":2}}", 256, false, INT64_C(3650) * 86400},
        {"zero bits", "{\"caCert\":{\"RSAbits\":0}}", 256, false, INT64_C(3650) * 86400},
        {"empty expiration", "{\"caCert\":{\"expiration\":\"\"}}", 256, false, INT64_C(3650) * 86400},
        {"RSA", "{\"caCert\":{\"RSAbits\":2048,\"expiration\":\"1d\"}}", 2048, true, 86400},
        {"RSA, number with a point", "{\"caCert\":{\"RSAbits\":2048.0}}", 2048, true, INT64_C(3650) * 86400},
        {"RSA, quoted", "{\"caCert\":{\"RSAbits\":\"2048\"}}", 2048, true, INT64_C(3650) * 86400},
        {"RSA of 3072", "{\"caCert\":{\"RSAbits\":3072}}", 3072, true, INT64_C(3650) * 86400},
        {"P-256", "{\"caCert\":{\"ecCurve\":\"P-256\"}}", 256, false, INT64_C(3650) * 86400},
        {"P-384", "{\"caCert\":{\"ecCurve\":\"P-384\",\"expiration\":\"1h\"}}", 384, false, 3600},
        {"P-384, zero bits", "{\"caCert\":{\"ecCurve\":\"P-384\",\"RSAbits\":0}}", 384, false,
         INT64_C(3650) * 86400},
        {"one second", "{\"caCert\":{\"expiration\":\"1s\"}}", 256, false, 1},
    };
    struct world w;

    world_init(&w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ca_backend backend = backend_of("builtin", rows[i].conf);
        struct str cert_pem, key_pem;
        X509 *cert;
        EVP_PKEY *key;

        EXPECT_INT(rows[i].name, ca_builtin_new(STR("demo"), &backend, &w.arena, &cert_pem, &key_pem, &w.err),
                   ERR_NONE);
        cert = cert_of(cert_pem);
        key = key_of(key_pem);
        EXPECT_INT(rows[i].name, EVP_PKEY_get_bits(key), rows[i].bits);
        EXPECT_INT(rows[i].name, EVP_PKEY_is_a(key, "RSA"), rows[i].rsa);
        EXPECT_INT(rows[i].name, X509_get_signature_nid(cert),
                   rows[i].rsa           ? NID_sha256WithRSAEncryption
                   : rows[i].bits == 384 ? NID_ecdsa_with_SHA384
                                         : NID_ecdsa_with_SHA256);
        EXPECT_INT(rows[i].name, seconds_of(X509_get0_notAfter(cert)), NOW_S + rows[i].life_s);
        EXPECT_INT(rows[i].name, verify_error(cert, cert, X509_PURPOSE_ANY), 0);
        EVP_PKEY_free(key);
        X509_free(cert);
    }
    world_fini(&w);
}

TEST(secret_names)
{
    struct world w;
    struct res_key cert, key;
    struct ca_backend backend = backend_of("builtin", NULL);

    world_init(&w);
    cert = ca_builtin_cert_secret(&w.arena, STR("demo"), STR("ca-1"));
    key = ca_builtin_key_secret(&w.arena, STR("demo"), STR("ca-1"));
    EXPECT_INT("type", cert.type, RES_SECRET);
    EXPECT_STR("mesh", cert.mesh, "demo");
    EXPECT_STR("certificate", cert.name, "demo.ca-builtin-cert-ca-1");
    EXPECT_STR("key", key.name, "demo.ca-builtin-key-ca-1");
    EXPECT_TRUE("uses its certificate", ca_backend_uses_secret(STR("demo"), &backend, cert.name));
    EXPECT_TRUE("uses its key", ca_backend_uses_secret(STR("demo"), &backend, key.name));
    EXPECT_TRUE("not that of another mesh", !ca_backend_uses_secret(STR("b"), &backend, key.name));
    EXPECT_TRUE("not that of another backend",
                !ca_backend_uses_secret(STR("demo"), &backend, STR("demo.ca-builtin-key-ca-2")));
    world_fini(&w);
}

#define NAME64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define AT "mtls.backends[0]."
#define DNS AT "conf.mtls.backends.name: "

TEST(backend_faults)
{
    static const char json_kind[] = AT "conf: could not convert backend config: json: cannot unmarshal "
                                       "string into Go value of type map[string]json.RawMessage";
    static const char curve[] = AT "conf.caCert.ecCurve: must be P-256 or P-384";
    static const char bits[] = AT "conf.caCert.RSAbits: must be 2048, 3072 or 4096";
    static const struct {
        const char *name, *type, *backend, *conf, *want; /* NULL: accepted */
    } rows[] = {
        {"builtin", "builtin", "ca-1", NULL, NULL},
        {"empty name", "builtin", "", NULL, NULL},
        {"underscores", "builtin", "_a_", NULL, NULL},
        {"dots", "builtin", "a.b", NULL, NULL},
        {"dot at the end", "builtin", "a.", NULL, NULL},
        {"upper case", "builtin", "CA_1", NULL, DNS "\"CA_1\" name must be valid dns name"},
        {"blank", "builtin", "a b", NULL, DNS "\"a b\" name must be valid dns name"},
        {"empty name of an odd mesh", "builtin", NULL, "{\"caCert\":{\"RSAbits\":8}}", bits},
        {"quote", "builtin", "a\"", NULL, DNS "\"a\\\"\" name must be valid dns name"},
        {"two dots", "builtin", "a..b", NULL, DNS "\"a..b\" name must be valid dns name"},
        {"label begins with a dash", "builtin", "a.-b", NULL, DNS "\"a.-b\" name must be valid dns name"},
        {"label of 63", "builtin", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL, NULL},
        {"label of 64 and more", "builtin", NAME64, NULL, DNS "\"" NAME64 "\" name must be valid dns name"},
        {"too long", "builtin", NAME64 NAME64 NAME64 NAME64, NULL,
         DNS "Backend name is too long. Max length: 255; " DNS "\"" NAME64 NAME64 NAME64 NAME64
             "\" name must be valid dns name"},
        {"unknown type", "vault", "v", NULL, AT "type: could not find installed plugin for this type"},
        {"no type", "", "v", NULL, AT "type: could not find installed plugin for this type"},

        {"conf", "builtin", "ca-1", "{\"caCert\":{\"RSAbits\":4096,\"expiration\":\"10y\"}}", NULL},
        {"caCert is a text", "builtin", "ca-1", "{\"caCert\":\"x\"}", json_kind},
        {"conf and name", "builtin", "A", "{\"caCert\":{\"RSAbits\":8}}",
         AT "conf.caCert.RSAbits: must be 2048, 3072 or 4096; " DNS "\"A\" name must be valid dns name"},
        {"8 bits", "builtin", "ca-1", "{\"caCert\":{\"RSAbits\":8}}", bits},
        {"2047 bits", "builtin", "ca-1", "{\"caCert\":{\"RSAbits\":2047}}", bits},
        {"4097 bits", "builtin", "ca-1", "{\"caCert\":{\"RSAbits\":4097}}", bits},
        {"half a bit", "builtin", "ca-1", "{\"caCert\":{\"RSAbits\":2048.5}}", bits},
        {"negative bits", "builtin", "ca-1", "{\"caCert\":{\"RSAbits\":-2048}}", bits},
        {"very many bits", "builtin", "ca-1", "{\"caCert\":{\"RSAbits\":1e300}}", bits},
        {"bits are a text", "builtin", "ca-1", "{\"caCert\":{\"RSAbits\":\"many\"}}",
         AT "conf: could not convert backend config: json: cannot unmarshal string into Go value of type "
            "uint32"},
        {"bits are a list", "builtin", "ca-1", "{\"caCert\":{\"RSAbits\":[]}}",
         AT
         "conf: could not convert backend config: json: cannot unmarshal array into Go value of type uint32"},
        {"expiration", "builtin", "ca-1", "{\"caCert\":{\"expiration\":\"10 years\"}}",
         AT "conf.caCert.expiration: has to be a valid format"},
        {"expiration 0", "builtin", "ca-1", "{\"caCert\":{\"expiration\":\"0\"}}",
         AT "conf.caCert.expiration: has to be greater than 0"},
        {"beyond the clock", "builtin", "ca-1", "{\"caCert\":{\"expiration\":\"290y\"}}",
         AT "conf.caCert.expiration: is too long"},
        {"expiration is a number", "builtin", "ca-1", "{\"caCert\":{\"expiration\":5}}",
         AT "conf: could not convert backend config: json: cannot unmarshal number into Go value of type "
            "string"},
        {"odd bits", "builtin", "ca-1", "{\"caCert\":{\"RSAbits\":2560}}", bits},
        {"P-384", "builtin", "ca-1", "{\"caCert\":{\"ecCurve\":\"P-384\"}}", NULL},
        {"another curve", "builtin", "ca-1", "{\"caCert\":{\"ecCurve\":\"P-521\"}}", curve},
        {"curve in lower case", "builtin", "ca-1", "{\"caCert\":{\"ecCurve\":\"p-256\"}}", curve},
        {"curve is a number", "builtin", "ca-1", "{\"caCert\":{\"ecCurve\":256}}",
         AT "conf: could not convert backend config: json: cannot unmarshal number into Go value of type "
            "string"},
        {"RSA and a curve", "builtin", "ca-1", "{\"caCert\":{\"RSAbits\":2048,\"ecCurve\":\"P-256\"}}",
         AT "conf.caCert.ecCurve: cannot be defined together with RSAbits"},
        {"all wrong", "builtin", "ca-1",
         "{\"caCert\":{\"RSAbits\":8,\"ecCurve\":\"x\",\"expiration\":\"x\"}}",
         AT "conf.caCert.RSAbits: must be 2048, 3072 or 4096; " AT
            "conf.caCert.ecCurve: must be P-256 or P-384; " AT
            "conf.caCert.expiration: has to be a valid format"},
        {"both wrong", "builtin", "ca-1", "{\"caCert\":{\"RSAbits\":8,\"expiration\":\"x\"}}",
         AT "conf.caCert.RSAbits: must be 2048, 3072 or 4096; " AT
            "conf.caCert.expiration: has to be a valid format"},
    };
    struct world w;

    world_init(&w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ca_backend backend = backend_of(rows[i].type, rows[i].conf);

        backend.name = str_from_c(rows[i].backend);
        EXPECT_INT(rows[i].name, ca_check_backend(w.snap, STR("demo"), &backend, NULL, 0, &w.err),
                   rows[i].want ? ERR_INVALID : ERR_NONE);
        EXPECT_STR(rows[i].name, world_fault(&w), rows[i].want ? rows[i].want : "(no error)");
    }
    world_fini(&w);
}

TEST(leaves_live_ten_years_at_most)
{
    static const struct {
        const char *expiration, *want; /* NULL: accepted */
    } rows[] = {{"10y", NULL},
                {"87600h", NULL},
                {"3651d", AT "dpCert.rotation.expiration: must not be longer than 10y"},
                {"290y", AT "dpCert.rotation.expiration: must not be longer than 10y"}};
    struct world w;

    world_init(&w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct dp_cert_rotation rotation = {.expiration = str_from_c(rows[i].expiration)};
        struct dp_cert dp_cert = {.rotation = &rotation};
        struct ca_backend backend = backend_of("builtin", NULL);

        backend.dp_cert = &dp_cert;
        EXPECT_INT(rows[i].expiration, ca_check_backend(w.snap, STR("demo"), &backend, NULL, 0, &w.err),
                   rows[i].want ? ERR_INVALID : ERR_NONE);
        EXPECT_STR(rows[i].expiration, world_fault(&w), rows[i].want ? rows[i].want : "(no error)");
    }
    world_fini(&w);
}

/* What the check refuses is not made either, should it get there. */
TEST(bad_conf_makes_no_root)
{
    struct ca_backend backend = backend_of("builtin", "{\"caCert\":{\"RSAbits\":8}}");
    struct str cert, key;
    struct world w;

    world_init(&w);
    EXPECT_INT("new", ca_builtin_new(STR("demo"), &backend, &w.arena, &cert, &key, &w.err), ERR_INVALID);
    EXPECT_STR("text", world_fault(&w), "conf.caCert.RSAbits: must be 2048, 3072 or 4096");
    world_fini(&w);
}

TEST(leaf_lifetimes)
{
    static const struct {
        const char *expiration; /* NULL: no rotation given */
        int64_t want_s;
    } rows[] = {{NULL, 86400}, {"", 86400}, {"0", 86400}, {"bad", 86400}, {"1h", 3600},
                {"25s", 25},   {"10s", 10}, {"9s", 10},   {"1ms", 10},    {"10y", INT64_C(3650) * 86400}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct dp_cert_rotation rotation = {.expiration = str_from_c(rows[i].expiration)};
        struct dp_cert dp_cert = {.rotation = rows[i].expiration ? &rotation : NULL};
        struct ca_backend backend = backend_of("builtin", NULL);

        EXPECT_INT("no dpCert", ca_leaf_life_ns(&backend), 86400 * NS_PER_S);
        backend.dp_cert = &dp_cert;
        EXPECT_INT(rows[i].expiration ? rows[i].expiration : "none", ca_leaf_life_ns(&backend),
                   rows[i].want_s * NS_PER_S);
    }
}
