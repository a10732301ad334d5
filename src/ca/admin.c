/* admin.c -- the CA between the control plane and the admin listeners of proxies: each side shows the other a
 * certificate of it. */
#include <stdlib.h>

#include "cert.h"
#include "ursa/base/alloc.h"

#define ADMIN_CA_SKEW_NS (300 * NS_PER_S)

enum err_kind admin_ca_new(struct arena *a, struct str common_name, struct str *pem, struct err *e)
{
    PKEY_AUTO key = NULL;
    int64_t now = clock_wall_ns();
    struct blob *cert_text, *key_text;
    struct cert_plan plan;

    if (pkey_new_ec(&key, e))
        return e->kind;
    plan = (struct cert_plan){.key = key,
                              .common_name = common_name,
                              .not_before_ns = now - ADMIN_CA_SKEW_NS,
                              .not_after_ns = now + CERT_TEN_YEARS_NS};
    if (root_build(&plan, &cert_text, &key_text, e))
        return e->kind;
    *pem = arena_printf(a, STR_FMT STR_FMT, STR_ARG(blob_str(cert_text)), STR_ARG(blob_str(key_text)));
    blob_unref(cert_text);
    blob_unref(key_text);
    return ERR_NONE;
}

/* ---- issuing ---- */

struct admin_ca {
    atomic_uint refs;
    X509 *cert;
    EVP_PKEY *key;
    struct blob *cert_pem;
};

enum err_kind admin_ca_load(struct str ca_pem, struct admin_ca **out, struct err *e)
{
    CERTS_AUTO certs = NULL;
    PKEY_AUTO key = NULL;
    struct admin_ca *ca;

    *out = NULL;
    if (certs_read(ca_pem, &certs, e) || pkey_read(ca_pem, &key, e))
        return e->kind;
    ca = xcalloc(1, sizeof(*ca));
    atomic_init(&ca->refs, 1);
    ca->cert = sk_X509_value(certs, 0);
    X509_up_ref(ca->cert);
    X509_check_ca(ca->cert); /* reads the extensions now, so that the threads that share it only read */
    EVP_PKEY_up_ref(key);
    ca->key = key;
    ca->cert_pem = cert_to_pem(ca->cert);
    *out = ca;
    return ERR_NONE;
}

struct admin_ca *admin_ca_ref(struct admin_ca *ca)
{
    if (ca)
        atomic_fetch_add_explicit(&ca->refs, 1, memory_order_relaxed);
    return ca;
}

void admin_ca_unref(struct admin_ca *ca)
{
    if (!ca || atomic_fetch_sub_explicit(&ca->refs, 1, memory_order_acq_rel) != 1)
        return;
    X509_free(ca->cert);
    EVP_PKEY_free(ca->key);
    blob_unref(ca->cert_pem);
    free(ca);
}

struct blob *admin_ca_cert(const struct admin_ca *ca)
{
    return ca->cert_pem;
}

/* A certificate of the CA for one host name or address, for one side. */
static enum err_kind issue(const struct admin_ca *ca, struct str host, bool server, struct leaf **out,
                           struct err *e)
{
    NAMES_AUTO names = sk_GENERAL_NAME_new_null();
    PKEY_AUTO key = NULL;
    CERT_AUTO cert = NULL;
    int64_t now = clock_wall_ns();
    struct cert_plan plan;

    *out = NULL;
    if (pkey_new_ec(&key, e))
        return e->kind;
    if (!names_add_host(names, host))
        return err_set(e, ERR_INVALID, "\"" STR_FMT "\" is neither an address nor a host name",
                       STR_ARG(host));
    plan = (struct cert_plan){.key = key,
                              .issuer = ca->cert,
                              .issuer_key = ca->key,
                              .not_before_ns = now - CERT_SKEW_NS,
                              .not_after_ns = now + CERT_TEN_YEARS_NS,
                              .key_usage = KU_DIGITAL_SIGNATURE,
                              .server_auth = server,
                              .client_auth = !server,
                              .names = names};
    if (cert_build(&plan, &cert, e))
        return e->kind;
    *out = leaf_new(cert, STR(""), key, now);
    return ERR_NONE;
}

enum err_kind admin_server_cert(const struct admin_ca *ca, struct str address, struct leaf **out,
                                struct err *e)
{
    return issue(ca, address, true, out, e);
}

enum err_kind admin_client_cert(struct str ca_pem, struct leaf **out, struct err *e)
{
    struct admin_ca *ca;

    *out = NULL;
    if (admin_ca_load(ca_pem, &ca, e) != ERR_NONE)
        return e->kind;
    enum err_kind kind = issue(ca, STR("kuma-cp"), false, out, e);

    admin_ca_unref(ca);
    return kind;
}
