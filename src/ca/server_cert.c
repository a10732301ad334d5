/* server_cert.c -- the control plane's own certificate: made for this machine when none is configured, and
 * described for the checks of a bootstrap request (rest-api.md 1, 10.2). */
#include "cert.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

/* ---- making one ---- */

static bool add_interface(GENERAL_NAMES *names, const struct sockaddr *address)
{
    const void *generic = address;

    if (address->sa_family == AF_INET)
        return names_add_ip(names, &((const struct sockaddr_in *)generic)->sin_addr, 4);
    if (address->sa_family == AF_INET6)
        return names_add_ip(names, &((const struct sockaddr_in6 *)generic)->sin6_addr, 16);
    return true;
}

static bool is_twice(const struct ifaddrs *first, const struct ifaddrs *at)
{
    for (; first != at; first = first->ifa_next) {
        const void *a = first->ifa_addr, *b = at->ifa_addr;

        if (!a || first->ifa_addr->sa_family != at->ifa_addr->sa_family)
            continue;
        if (at->ifa_addr->sa_family == AF_INET && memcmp(&((const struct sockaddr_in *)a)->sin_addr,
                                                         &((const struct sockaddr_in *)b)->sin_addr, 4) == 0)
            return true;
        if (at->ifa_addr->sa_family == AF_INET6 &&
            memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr, &((const struct sockaddr_in6 *)b)->sin6_addr,
                   16) == 0)
            return true;
    }
    return false;
}

static bool add_local_addresses(GENERAL_NAMES *names)
{
    struct ifaddrs *all, *at;
    bool done = true;

    if (getifaddrs(&all) < 0)
        return false;
    for (at = all; at && done; at = at->ifa_next)
        done = !at->ifa_addr || is_twice(all, at) || add_interface(names, at->ifa_addr);
    freeifaddrs(all);
    return done;
}

static bool add_local_names(GENERAL_NAMES *names)
{
    char host[256] = "";

    if (gethostname(host, sizeof(host) - 1) < 0)
        return false;
    if (strcmp(host, "localhost") != 0 && !names_add_host(names, str_from_c(host)))
        return false;
    return names_add_text(names, GEN_DNS, STR("localhost")) && add_local_addresses(names);
}

enum err_kind server_cert_new(struct arena *a, struct str *cert_pem, struct str *key_pem, struct err *e)
{
    NAMES_AUTO names = sk_GENERAL_NAME_new_null();
    PKEY_AUTO key = NULL;
    CERT_AUTO cert = NULL;
    int64_t now = clock_wall_ns();
    struct cert_plan plan;

    if (!add_local_names(names))
        return err_set(e, ERR_IO,
                       "cannot find the names and addresses of this machine for a server certificate");
    if (pkey_new_ec(&key, e))
        return e->kind;
    /* It is its own CA since clients are given it to trust. Its name is not empty, as kuma-cp's is: strict
     * verifiers refuse that. */
    plan = (struct cert_plan){.key = key,
                              .common_name = STR("ursa-cp"),
                              .not_before_ns = now - CERT_SKEW_NS,
                              .not_after_ns = now + CERT_TEN_YEARS_NS,
                              .is_ca = true,
                              .key_usage = KU_DIGITAL_SIGNATURE | KU_KEY_CERT_SIGN,
                              .server_auth = true,
                              .names = names};
    if (cert_build(&plan, &cert, e))
        return e->kind;
    *cert_pem = text_take(a, cert_to_pem(cert));
    *key_pem = text_take(a, pkey_to_pem(key));
    return ERR_NONE;
}

/* ---- describing one ---- */

/* The name as text; STR_NONE for other kinds than DNS names and addresses. */
static struct str name_text(struct arena *a, const GENERAL_NAME *name)
{
    int type;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    size_t n = type == GEN_DNS || type == GEN_IPADD ? (size_t)ASN1_STRING_length(value) : 0;
    char text[INET6_ADDRSTRLEN];

    if (type == GEN_DNS)
        return arena_str(a, str_from(ASN1_STRING_get0_data(value), n));
    if (n == 4 || n == 16)
        return arena_str(a, str_from_c(inet_ntop(n == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(value),
                                                 text, sizeof(text))));
    return STR_NONE;
}

static struct str_list name_list(struct arena *a, X509 *cert)
{
    NAMES_AUTO names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    int n = names ? sk_GENERAL_NAME_num(names) : 0;
    struct str_list list = {.v = ARENA_ARRAY(a, struct str, (size_t)n + 1)};

    for (int i = 0; i < n; i++) {
        struct str text = name_text(a, sk_GENERAL_NAME_value(names, i));

        if (text.p)
            list.v[list.n++] = text;
    }
    return list;
}

enum err_kind cert_describe(struct str cert_pem, struct arena *a, struct str_list *sans, bool *is_ca,
                            int64_t *expires_ns, struct err *e)
{
    CERTS_AUTO certs = NULL;
    X509 *cert;

    if (certs_read(cert_pem, &certs, e))
        return e->kind;
    cert = sk_X509_value(certs, 0);
    *sans = name_list(a, cert);
    *is_ca = X509_get_extension_flags(cert) & EXFLAG_CA;
    *expires_ns = cert_expires_ns(cert);
    return ERR_NONE;
}
