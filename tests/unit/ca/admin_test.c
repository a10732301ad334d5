/* Certificates of the control plane itself: towards Envoy's admin listener, and of its own servers. */
#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

#include "world.h"

static struct str new_ca(struct world *w)
{
    struct str pem;

    EXPECT_INT("new", admin_ca_new(&w->arena, STR("Envoy Admin CA"), &pem, &w->err), ERR_NONE);
    return pem;
}

TEST(admin_ca)
{
    struct world w;
    struct str pem, text;
    X509 *cert;
    EVP_PKEY *key;
    char subject[128];

    world_init(&w);
    pem = new_ca(&w);
    cert = cert_of(pem);
    key = key_of(pem); /* OpenSSL finds it behind the certificate, as kuma-cp does */
    text = extensions_of(&w.arena, cert);
    X509_NAME_oneline(X509_get_subject_name(cert), subject, sizeof(subject));
    EXPECT_CSTR("subject", subject, "/O=Kuma/OU=Mesh/CN=Envoy Admin CA");
    EXPECT_INT("begins", seconds_of(X509_get0_notBefore(cert)), NOW_S - 300);
    EXPECT_INT("key", X509_check_private_key(cert, key), 1);
    EXPECT_LINE("CA", text, "X509v3 Basic Constraints: critical|CA:TRUE");
    EXPECT_LINE("usage", text, "X509v3 Key Usage: critical|Certificate Sign, CRL Sign");
    EXPECT_INT("no names", X509_get_ext_by_NID(cert, NID_subject_alt_name, -1), -1);
    EXPECT_TRUE("certificate first", str_has_prefix(pem, STR("-----BEGIN CERTIFICATE-----\n")));
    EXPECT_TRUE("key last", str_has_suffix(pem, STR("-----END PRIVATE KEY-----\n")));
    EVP_PKEY_free(key);
    X509_free(cert);
    world_fini(&w);
}

TEST(admin_servers)
{
    static const struct {
        const char *address, *want;
    } rows[] = {
        {"10.0.0.7", "X509v3 Subject Alternative Name: critical|IP Address:10.0.0.7"},
        {"fd00::7", "X509v3 Subject Alternative Name: critical|IP Address:FD00:0:0:0:0:0:0:7"},
        {"node-7.example", "X509v3 Subject Alternative Name: critical|DNS:node-7.example"},
    };
    struct world w;
    struct str pem;

    world_init(&w);
    pem = new_ca(&w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct leaf *leaf;
        struct admin_ca *ca;
        struct blob *ca_pem;
        struct str text;
        X509 *cert, *root;

        EXPECT_INT("load", admin_ca_load(pem, &ca, &w.err), ERR_NONE);
        EXPECT_INT("issue", admin_server_cert(ca, str_from_c(rows[i].address), &leaf, &w.err), ERR_NONE);
        ca_pem = admin_ca_cert(ca);
        cert = cert_of(blob_str(leaf->cert_pem));
        root = cert_of(blob_str(ca_pem));
        text = extensions_of(&w.arena, cert);
        EXPECT_LINE(rows[i].address, text, rows[i].want);
        EXPECT_LINE(rows[i].address, text, "X509v3 Key Usage: critical|Digital Signature");
        EXPECT_LINE(rows[i].address, text, "X509v3 Extended Key Usage:|TLS Web Server Authentication");
        EXPECT_INT("ends", leaf->expires_ns, (NOW_S + INT64_C(3650) * 86400) * NS_PER_S);
        EXPECT_INT("as server", verify_error(cert, root, X509_PURPOSE_SSL_SERVER), 0);
        EXPECT_TRUE("not as client", verify_error(cert, root, X509_PURPOSE_SSL_CLIENT) != 0);
        EXPECT_INT("no key in the CA's text", str_find(blob_str(ca_pem), STR("PRIVATE")), ca_pem->n);
        X509_free(cert);
        X509_free(root);
        admin_ca_unref(ca);
        leaf_unref(leaf);
    }
    world_fini(&w);
}

TEST(admin_client)
{
    struct world w;
    struct str pem, text;
    struct leaf *leaf;
    X509 *cert, *root;

    world_init(&w);
    pem = new_ca(&w);
    EXPECT_INT("issue", admin_client_cert(pem, &leaf, &w.err), ERR_NONE);
    cert = cert_of(blob_str(leaf->cert_pem));
    root = cert_of(pem);
    text = extensions_of(&w.arena, cert);
    EXPECT_LINE("name", text, "X509v3 Subject Alternative Name: critical|DNS:kuma-cp");
    EXPECT_LINE("side", text, "X509v3 Extended Key Usage:|TLS Web Client Authentication");
    EXPECT_INT("as client", verify_error(cert, root, X509_PURPOSE_SSL_CLIENT), 0);
    X509_free(cert);
    X509_free(root);
    leaf_unref(leaf);
    world_fini(&w);
}

TEST(admin_faults)
{
    static const struct {
        const char *name, *ca, *address, *want; /* ca NULL: a good one */
    } rows[] = {
        {"empty address", NULL, "", "\"\" is neither an address nor a host name"},
        {"blank", NULL, "a b", "\"a b\" is neither an address nor a host name"},
        {"no CA", "", "10.0.0.1", "no certificate found: PEM is expected"},
        {"broken CA", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "10.0.0.1",
         "the certificate cannot be read"},
    };
    struct world w;
    struct str good;

    world_init(&w);
    good = new_ca(&w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct leaf *leaf = NULL;
        struct admin_ca *ca;
        enum err_kind kind = admin_ca_load(rows[i].ca ? str_from_c(rows[i].ca) : good, &ca, &w.err);

        EXPECT_TRUE(rows[i].name, !ca == (kind != ERR_NONE));
        if (kind == ERR_NONE)
            kind = admin_server_cert(ca, str_from_c(rows[i].address), &leaf, &w.err);
        EXPECT_INT(rows[i].name, kind, ERR_INVALID);
        EXPECT_TRUE(rows[i].name, !leaf);
        admin_ca_unref(ca);
        EXPECT_STR(rows[i].name, world_fault(&w), rows[i].want);
    }
    world_fini(&w);
}

static bool has(const struct str_list *list, const char *value)
{
    for (size_t i = 0; i < list->n; i++) {
        if (str_eq(list->v[i], str_from_c(value)))
            return true;
    }
    return false;
}

TEST(server_certificate)
{
    char host[256] = "";
    struct world w;
    struct str cert_pem, key_pem, text;
    struct str_list sans;
    bool is_ca;
    int64_t expires;
    X509 *cert;
    EVP_PKEY *key;

    world_init(&w);
    EXPECT_INT("new", server_cert_new(&w.arena, &cert_pem, &key_pem, &w.err), ERR_NONE);
    EXPECT_INT("describe", cert_describe(cert_pem, &w.arena, &sans, &is_ca, &expires, &w.err), ERR_NONE);
    EXPECT_INT("hostname", gethostname(host, sizeof(host) - 1), 0);
    EXPECT_TRUE("hostname", has(&sans, host));
    EXPECT_TRUE("localhost", has(&sans, "localhost"));
    EXPECT_TRUE("loopback", has(&sans, "127.0.0.1"));
    for (size_t i = 0; i < sans.n; i++) {
        for (size_t k = 0; k < i; k++)
            EXPECT_TRUE(sans.v[i].p, !str_eq(sans.v[i], sans.v[k]));
    }
    EXPECT_TRUE("CA", is_ca);
    EXPECT_INT("expires", expires, (NOW_S + INT64_C(3650) * 86400) * NS_PER_S);

    cert = cert_of(cert_pem);
    key = key_of(key_pem);
    text = extensions_of(&w.arena, cert);
    EXPECT_INT("key", X509_check_private_key(cert, key), 1);
    EXPECT_LINE("usage", text, "X509v3 Key Usage: critical|Digital Signature, Certificate Sign");
    EXPECT_LINE("side", text, "X509v3 Extended Key Usage:|TLS Web Server Authentication");
    EXPECT_INT("who trusts it accepts it, strictly", verify_error(cert, cert, X509_PURPOSE_SSL_SERVER), 0);
    EXPECT_INT("as localhost", X509_check_host(cert, "localhost", 0, 0, NULL), 1);
    EXPECT_INT("as 127.0.0.1", X509_check_ip_asc(cert, "127.0.0.1", 0), 1);
    EVP_PKEY_free(key);
    X509_free(cert);
    world_fini(&w);
}

TEST(describing_others)
{
    struct world w;
    struct str_list sans;
    struct admin_ca *ca;
    struct leaf *leaf;
    bool is_ca;
    int64_t expires;

    world_init(&w);
    EXPECT_INT("load", admin_ca_load(new_ca(&w), &ca, &w.err), ERR_NONE);
    EXPECT_INT("issue", admin_server_cert(ca, STR("fd00::7"), &leaf, &w.err), ERR_NONE);
    admin_ca_unref(ca);
    EXPECT_INT("describe", cert_describe(blob_str(leaf->cert_pem), &w.arena, &sans, &is_ca, &expires, &w.err),
               ERR_NONE);
    EXPECT_INT("names", sans.n, 1);
    EXPECT_STR("address", sans.v[0], "fd00::7");
    EXPECT_TRUE("no CA", !is_ca);
    leaf_unref(leaf);
    EXPECT_INT("no names", cert_describe(new_ca(&w), &w.arena, &sans, &is_ca, &expires, &w.err), ERR_NONE);
    EXPECT_INT("names", sans.n, 0);
    EXPECT_TRUE("CA", is_ca);
    struct str many = STR("");
    for (int i = 0; i < 17; i++) {
        struct str text = new_ca(&w);

        EXPECT_INT("up to 16", cert_describe(i ? many : text, &w.arena, &sans, &is_ca, &expires, &w.err),
                   ERR_NONE);
        many = arena_printf(&w.arena, STR_FMT STR_FMT, STR_ARG(many), STR_ARG(text));
    }
    EXPECT_INT("no more", cert_describe(many, &w.arena, &sans, &is_ca, &expires, &w.err), ERR_INVALID);
    EXPECT_STR("no more", world_fault(&w), "more than 16 certificates in one text");
    EXPECT_INT("garbage", cert_describe(STR("x"), &w.arena, &sans, &is_ca, &expires, &w.err), ERR_INVALID);
    world_fini(&w);
}
