/* A CA that the operator brings: what is accepted, and kuma-cp's words for the rest. */
#include "ursa/base/base64.h"

#include "brought.h"

#define AT "mtls.backends[1].conf"

TEST(faults)
{
    static const char no_basic[] =
        AT ".cert[0]: basic constraint 'CA' must be set to 'true' (see X509-SVID: 4.1. Basic Constraints)";
    static const char no_sign[] =
        AT ".cert[0]: key usage extension 'keyCertSign' must be set (see X509-SVID: 4.3. Key Usage)";
    PKEY_AUTO key = NULL;
    PKEY_AUTO other = NULL;
    struct str ca, key_pem, not_ca, agreement, no_usage, chain, conversion;
    struct blob *pem;
    struct world w;

    world_init(&w);
    EXPECT_INT("key", pkey_new_ec(&key, &w.err), ERR_NONE);
    EXPECT_INT("key", pkey_new_ec(&other, &w.err), ERR_NONE);
    pem = pkey_to_pem(key);
    key_pem = blob_str(pem);
    ca = brought_pem(&w, &(struct brought){.key = key});
    not_ca = brought_pem(
        &w, &(struct brought){.key = key, .basic = "critical,CA:FALSE", .usage = "digitalSignature"});
    agreement = brought_pem(&w, &(struct brought){.key = key, .usage = "keyCertSign,keyAgreement"});
    no_usage = brought_pem(&w, &(struct brought){.key = key, .usage = ""});
    chain = arena_printf(&w.arena, STR_FMT STR_FMT, STR_ARG(ca), STR_ARG(not_ca));
    conversion = STR(AT ": could not convert backend config: ");
    world_put(&w, (struct res_key){.type = RES_SECRET, .mesh = STR("demo"), .name = STR("brought-cert")}, ca);
    world_put(&w, (struct res_key){.type = RES_SECRET, .mesh = STR("demo"), .name = STR("brought-key")},
              key_pem);
    world_put(&w, (struct res_key){.type = RES_SECRET, .mesh = STR("other"), .name = STR("theirs")}, ca);
    const struct {
        const char *name, *conf, *want; /* NULL: accepted */
    } rows[] = {
        {"inlineString", conf_of(&w, "inlineString", ca, key_pem), NULL},
        {"inline", conf_of(&w, "inline", base64_encode(&w.arena, ca), base64_encode(&w.arena, key_pem)),
         NULL},
        {"secrets", "{\"cert\":{\"secret\":\"brought-cert\"},\"key\":{\"secret\":\"brought-key\"}}", NULL},
        {"the last source wins",
         "{\"cert\":{\"inlineString\":null,\"secret\":\"brought-cert\"},\"key\":{\"secret\":\"brought-key\"}"
         "}",
         NULL},

        {"no conf", NULL, AT ".cert: has to be defined; " AT ".key: has to be defined"},
        {"empty conf", "{}", AT ".cert: has to be defined; " AT ".key: has to be defined"},
        {"no sources", "{\"cert\":{},\"key\":{\"secret\":\"\"}}",
         AT ".cert: data source has to be chosen. Available sources: secret, file, inline; " AT
            ".key.secret: cannot be empty"},
        {"empty inline", "{\"cert\":{\"inline\":\"\"},\"key\":{\"file\":\"\"}}",
         AT ".cert.inline: cannot be empty; " AT ".key.file: cannot be empty"},
        {"file that was not read",
         "{\"cert\":{\"file\":\"/etc/passwd\"},\"key\":{\"secret\":\"brought-key\"}}",
         AT ".cert: could not load data: Resource not found: type=\"Secret\" "
            "name=\"demo.ca-provided-cert-ca-1\" mesh=\"demo\"; " AT
            ".key: could not load data: Resource not found: type=\"Secret\" "
            "name=\"demo.ca-provided-cert-ca-1\" mesh=\"demo\""},
        {"cert is a text", "{\"cert\":\"x\",\"key\":{}}",
         AT ": could not convert backend config: json: cannot unmarshal string into Go value of type "
            "map[string]json.RawMessage"},
        {"secret is a number", "{\"cert\":{\"secret\":1},\"key\":{}}",
         AT ": could not convert backend config: json: cannot unmarshal number into Go value of type string"},
        {"bad base64", "{\"cert\":{\"inline\":\"*\"},\"key\":{}}",
         arena_printf(&w.arena, STR_FMT "illegal base64 data at input byte 0", STR_ARG(conversion)).p},
        {"no such secret", "{\"cert\":{\"secret\":\"brought-cert\"},\"key\":{\"secret\":\"nope\"}}",
         AT ".cert: could not load data: Resource not found: type=\"Secret\" name=\"nope\" mesh=\"demo\"; " AT
            ".key: could not load data: Resource not found: type=\"Secret\" name=\"nope\" mesh=\"demo\""},
        {"secret of another mesh", "{\"cert\":{\"secret\":\"theirs\"},\"key\":{\"secret\":\"brought-key\"}}",
         AT
         ".cert: could not load data: Resource not found: type=\"Secret\" name=\"theirs\" mesh=\"demo\"; " AT
         ".key: could not load data: Resource not found: type=\"Secret\" name=\"theirs\" mesh=\"demo\""},

        {"not PEM", conf_of(&w, "inlineString", STR("abc"), STR("def")),
         AT ".cert: not a valid TLS key pair: tls: failed to find any PEM data in certificate input"},
        {"key is not PEM", conf_of(&w, "inlineString", ca, STR("def")),
         AT ".cert: not a valid TLS key pair: tls: failed to find any PEM data in key input"},
        {"swapped", conf_of(&w, "inlineString", key_pem, ca),
         AT ".cert: not a valid TLS key pair: tls: failed to find \"CERTIFICATE\" PEM block in certificate "
            "input"},
        {"key is a certificate", conf_of(&w, "inlineString", ca, ca),
         AT ".cert: not a valid TLS key pair: tls: failed to parse private key"},
        {"no pair", conf_of(&w, "inlineString", brought_pem(&w, &(struct brought){.key = other}), key_pem),
         AT ".cert: not a valid TLS key pair: tls: private key does not match public key"},
        {"no CA", conf_of(&w, "inlineString", not_ca, key_pem),
         arena_printf(&w.arena, "%s; %s", no_basic, no_sign).p},
        {"no key usage", conf_of(&w, "inlineString", no_usage, key_pem), no_sign},
        {"key agreement", conf_of(&w, "inlineString", agreement, key_pem),
         AT ".cert[0]: key usage extension 'keyAgreement' must NOT be set (see X509-SVID: Appendix A. X.509 "
            "Field Reference)"},
        {"second of a chain", conf_of(&w, "inlineString", chain, key_pem),
         AT
         ".cert[1]: basic constraint 'CA' must be set to 'true' (see X509-SVID: 4.1. Basic Constraints); " AT
         ".cert[1]: key usage extension 'keyCertSign' must be set (see X509-SVID: 4.3. Key Usage)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ca_backend backend = backend_of("provided", rows[i].conf);
        struct authority *ca_loaded;

        EXPECT_INT(rows[i].name, ca_check_backend(w.snap, STR("demo"), &backend, NULL, 1, &w.err),
                   rows[i].want ? ERR_INVALID : ERR_NONE);
        EXPECT_STR(rows[i].name, world_fault(&w), rows[i].want ? rows[i].want : "(no error)");
        if (rows[i].want)
            continue;
        size_t used = w.arena.used;
        EXPECT_INT(rows[i].name, authority_load(w.snap, STR("demo"), &backend, &ca_loaded, &w.err), ERR_NONE);
        EXPECT_INT("no key stays in the caller's arena", w.arena.used, used);
        EXPECT_TRUE(rows[i].name, str_eq(blob_str(authority_bundle(ca_loaded)), ca));
        authority_unref(ca_loaded);
    }
    blob_unref(pem);
    world_fini(&w);
}

TEST(secrets_in_use)
{
    static const struct {
        const char *name, *conf, *secret;
        bool want;
    } rows[] = {
        {"certificate", "{\"cert\":{\"secret\":\"c\"},\"key\":{\"secret\":\"k\"}}", "c", true},
        {"key", "{\"cert\":{\"secret\":\"c\"},\"key\":{\"secret\":\"k\"}}", "k", true},
        {"another", "{\"cert\":{\"secret\":\"c\"},\"key\":{\"secret\":\"k\"}}", "x", false},
        {"inline text", "{\"cert\":{\"inlineString\":\"c\"},\"key\":{\"inlineString\":\"k\"}}", "c", false},
        {"a builtin's name", "{}", "demo.ca-builtin-cert-ca-1", false},
        {"broken conf", "{\"cert\":1}", "c", false},
        {"no conf", NULL, "c", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ca_backend backend = backend_of("provided", rows[i].conf);

        EXPECT_INT(rows[i].name, ca_backend_uses_secret(STR("demo"), &backend, str_from_c(rows[i].secret)),
                   rows[i].want);
    }
}

/* What the check refuses is not loaded either, should it get there. */
TEST(bad_confs_are_not_loaded)
{
    static const struct {
        const char *name, *conf, *want;
    } rows[] = {
        {"file", "{\"cert\":{\"secret\":\"c\"},\"key\":{\"file\":\"/etc/passwd\"}}",
         "CA \"ca-1\" of mesh \"demo\": could not load data: Resource not found: type=\"Secret\" "
         "name=\"demo.ca-provided-key-ca-1\" mesh=\"demo\""},
        {"no conf", NULL,
         "CA \"ca-1\" of mesh \"demo\": could not load data: unsupported type of the DataSource"},
        {"wrong kind", "{\"cert\":1}",
         "CA \"ca-1\" of mesh \"demo\": conf: could not convert backend config: json: cannot unmarshal "
         "number into Go value of "
         "type map[string]json.RawMessage"},
        {"missing secret", "{\"cert\":{\"secret\":\"c\"},\"key\":{\"secret\":\"k\"}}",
         "CA \"ca-1\" of mesh \"demo\": could not load data: Resource not found: type=\"Secret\" name=\"k\" "
         "mesh=\"demo\""},
    };
    struct world w;

    world_init(&w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ca_backend backend = backend_of("provided", rows[i].conf);
        struct authority *ca;

        EXPECT_TRUE(rows[i].name, authority_load(w.snap, STR("demo"), &backend, &ca, &w.err) != ERR_NONE);
        EXPECT_STR(rows[i].name, world_fault(&w), rows[i].want);
    }
    world_fini(&w);
}
