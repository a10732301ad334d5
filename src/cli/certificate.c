/* certificate.c -- see offline.h: ursactl generate tls-certificate. */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "cli.h"
#include "offline.h"
#include "render.h"
#include "ursa/base/rand.h"

#define SKEW_S 300L /* other machines' clocks may lag behind so much */
#define TEN_YEARS_S (10L * 365 * 24 * 3600)
#define RSA_BITS 2048

static bool add_extension(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    bool done = extension && X509_add_ext(cert, extension, -1);

    X509_EXTENSION_free(extension);
    return done;
}

/* Not through X509V3_EXT_conf: a comma in a name would begin another. */
static bool add_host(GENERAL_NAMES *names, struct arena *a, struct str host)
{
    struct str text = arena_str(a, host);
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(text.p);
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *dns = address ? NULL : ASN1_IA5STRING_new();

    if (!name || (!address && (!dns || !ASN1_STRING_set(dns, text.p, (int)text.n))))
        return false;
    if (address)
        GENERAL_NAME_set0_value(name, GEN_IPADD, address);
    else
        GENERAL_NAME_set0_value(name, GEN_DNS, dns);
    return sk_GENERAL_NAME_push(names, name) > 0;
}

static bool add_hosts(X509 *cert, struct arena *a, const struct str_list *hosts)
{
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    bool done = names;

    for (size_t i = 0; done && i < hosts->n; i++)
        done = add_host(names, a, hosts->v[i]);
    done = done && (hosts->n == 0 || X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0) == 1);
    GENERAL_NAMES_free(names);
    return done;
}

static bool set_name(X509 *cert, struct str name)
{
    X509_NAME *subject = X509_get_subject_name(cert);

    return X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, (const uint8_t *)name.p,
                                      (int)str_cut(name, ub_common_name).n, -1, 0) &&
           X509_set_issuer_name(cert, subject);
}

static bool set_serial(X509 *cert)
{
    return ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), rand_u64() >> 1);
}

/* Its own authority: whoever is to trust it is given it. */
static bool fill_in(X509 *cert, const struct certificate_plan *plan, EVP_PKEY *key, struct arena *a)
{
    struct str name = plan->hosts.n ? plan->hosts.v[0] : STR("ursa");

    return X509_set_version(cert, X509_VERSION_3) && set_serial(cert) && set_name(cert, name) &&
           X509_gmtime_adj(X509_getm_notBefore(cert), -SKEW_S) &&
           X509_gmtime_adj(X509_getm_notAfter(cert), TEN_YEARS_S) && X509_set_pubkey(cert, key) &&
           add_extension(cert, NID_basic_constraints, "critical,CA:TRUE") &&
           add_extension(cert, NID_key_usage, "critical,digitalSignature,keyEncipherment,keyCertSign") &&
           add_extension(cert, NID_ext_key_usage, plan->is_client ? "clientAuth" : "serverAuth") &&
           add_hosts(cert, a, &plan->hosts) && X509_sign(cert, key, EVP_sha256()) > 0;
}

static struct str take_text(struct arena *a, struct blob *blob)
{
    struct str text = arena_str(a, blob_str(blob));

    blob_unref(blob);
    return text;
}

enum err_kind certificate_new(const struct certificate_plan *plan, struct arena *a, struct str *cert_pem,
                              struct str *key_pem, struct err *e)
{
    X509 *cert = X509_new();
    PKEY_AUTO key = NULL;
    uint8_t *der = NULL;
    int n = 0;

    if ((plan->is_ecdsa ? pkey_new_ec(&key, e) : pkey_new_rsa(RSA_BITS, &key, e)) == ERR_NONE) {
        if (cert && fill_in(cert, plan, key, a))
            n = i2d_X509(cert, &der);
        if (n <= 0)
            ERR_BUG_HERE(e, "OpenSSL cannot make the certificate");
    }
    if (e->kind == ERR_NONE) {
        *cert_pem = take_text(a, pem_encode("CERTIFICATE", der, (size_t)n, false));
        *key_pem = take_text(a, pkey_to_pem(key));
    }
    OPENSSL_free(der);
    X509_free(cert);
    ERR_clear_error();
    return e->kind;
}

/* "-" is standard output. */
static enum err_kind save(struct cli *cli, struct str path, unsigned mode, struct str text)
{
    if (!str_eq(path, STR("-")))
        return client_write_file(path, mode, text, cli->arena, &cli->err);
    render_text(text);
    return ERR_NONE;
}

int run_generate_tls_certificate(struct cli *cli)
{
    const struct options *o = cli->options;
    struct certificate_plan plan = {.is_client = o->certificate_type == 1,
                                    .is_ecdsa = o->key_type == 1,
                                    .hosts = {o->hostnames.v, o->hostnames.n}};
    struct str cert, key;

    if (!plan.is_client && plan.hosts.n == 0)
        return cli_misuse(
            cli, "a server's certificate needs --hostname: the names and addresses that clients dial");
    if (certificate_new(&plan, cli->arena, &cert, &key, &cli->err) != ERR_NONE)
        return cli_fail(cli);
    if (save(cli, o->key_file, 0600, key) == ERR_NONE && save(cli, o->cert_file, 0644, cert) == ERR_NONE &&
        !str_eq(o->key_file, STR("-")) && !str_eq(o->cert_file, STR("-")))
        printf("Private key saved in " STR_FMT "\nCertificate saved in " STR_FMT "\n", STR_ARG(o->key_file),
               STR_ARG(o->cert_file));
    str_wipe(key);
    return cli->err.kind == ERR_NONE ? 0 : cli_fail(cli);
}
