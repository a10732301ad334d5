/* admin.c -- the CA between the control plane and the admin listeners of proxies: each side shows the other a
 * certificate of it. */
#include "cert.h"

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

/* A certificate of the CA for one host name or address, for one side. */
static enum err_kind issue(struct str ca_pem, struct str host, bool server, struct leaf **out,
                           struct blob **ca_cert_pem, struct err *e)
{
    CERTS_AUTO ca = NULL;
    PKEY_AUTO ca_key = NULL;
    NAMES_AUTO names = sk_GENERAL_NAME_new_null();
    PKEY_AUTO key = NULL;
    CERT_AUTO cert = NULL;
    int64_t now = clock_wall_ns();
    struct cert_plan plan;

    *out = NULL;
    if (certs_read(ca_pem, &ca, e) || pkey_read(ca_pem, &ca_key, e) || pkey_new_ec(&key, e))
        return e->kind;
    if (!names_add_host(names, host))
        return err_set(e, ERR_INVALID, "\"" STR_FMT "\" is neither an address nor a host name",
                       STR_ARG(host));
    plan = (struct cert_plan){.key = key,
                              .issuer = sk_X509_value(ca, 0),
                              .issuer_key = ca_key,
                              .not_before_ns = now - CERT_SKEW_NS,
                              .not_after_ns = now + CERT_TEN_YEARS_NS,
                              .key_usage = KU_DIGITAL_SIGNATURE,
                              .server_auth = server,
                              .client_auth = !server,
                              .names = names};
    if (cert_build(&plan, &cert, e))
        return e->kind;
    *out = leaf_new(cert, key, now);
    if (ca_cert_pem)
        *ca_cert_pem = cert_to_pem(plan.issuer);
    return ERR_NONE;
}

enum err_kind admin_server_cert(struct str ca_pem, struct str address, struct leaf **out,
                                struct blob **ca_cert_pem, struct err *e)
{
    return issue(ca_pem, address, true, out, ca_cert_pem, e);
}

enum err_kind admin_client_cert(struct str ca_pem, struct leaf **out, struct err *e)
{
    return issue(ca_pem, STR("kuma-cp"), false, out, NULL, e);
}
