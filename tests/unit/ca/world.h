/* world.h -- what the tests of ca stand on: an arena, an error, a clock that stands, meshes with a CA, and
 * OpenSSL's eyes. */
#ifndef URSA_TESTS_CA_WORLD_H
#define URSA_TESTS_CA_WORLD_H

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

#include "../../lib/test.h"
#include "ursa/base/clock.h"
#include "ursa/base/pkey.h"
#include "ursa/ca.h"

#define NOW_S INT64_C(1800000000)
#define DAY_NS (24 * 3600 * NS_PER_S)

struct world {
    struct arena arena;
    struct err err;
    struct resource *secrets[16];
    size_t n_secrets;
    unsigned serial; /* of the last certificate that was brought */
    struct snap *snap;
};

static inline void world_init(struct world *w)
{
    *w = (struct world){.n_secrets = 0};
    arena_init(&w->arena);
    err_init(&w->err, &w->arena);
    clock_fake(0, NOW_S * NS_PER_S);
    w->snap = snap_from_list(NULL, 0, 1);
}

static inline void world_fini(struct world *w)
{
    snap_unref(w->snap);
    for (size_t i = 0; i < w->n_secrets; i++)
        resource_unref(w->secrets[i]);
    arena_fini(&w->arena);
    clock_fake(-1, -1);
}

static inline void world_put(struct world *w, struct res_key key, struct str data)
{
    w->secrets[w->n_secrets++] = resource_from_spec(&key, &(struct secret_spec){.data = data});
    snap_unref(w->snap);
    w->snap = snap_from_list(w->secrets, w->n_secrets, 1);
}

/* A backend of type builtin (or another) whose conf is this JSON text; NULL: none. */
static inline struct ca_backend backend_of(const char *type, const char *conf)
{
    return (struct ca_backend){
        .name = STR("ca-1"), .type = str_from_c(type), .conf = {.text = str_from_c(conf)}};
}

/* Makes the builtin CA of a mesh, stores its secrets and loads it. */
static inline struct authority *world_authority(struct world *w, const char *mesh, const char *conf)
{
    struct ca_backend backend = backend_of("builtin", conf);
    struct str m = str_from_c(mesh), cert, key;
    struct authority *ca;

    EXPECT_INT(mesh, ca_builtin_new(m, &backend, &w->arena, &cert, &key, &w->err), ERR_NONE);
    world_put(w, ca_builtin_cert_secret(&w->arena, m, backend.name), cert);
    world_put(w, ca_builtin_key_secret(&w->arena, m, backend.name), key);
    EXPECT_INT(mesh, authority_load(w->snap, m, &backend, &ca, &w->err), ERR_NONE);
    return ca;
}

static inline struct str world_fault(struct world *w)
{
    struct str text = w->err.kind ? err_render(&w->err, &w->arena) : STR("(no error)");

    err_init(&w->err, &w->arena);
    return text;
}

/* ---- OpenSSL's eyes ---- */

static inline X509 *cert_of(struct str pem)
{
    BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
    X509 *cert = PEM_read_bio_X509(in, NULL, NULL, NULL);

    BIO_free(in);
    EXPECT_TRUE("a certificate", cert != NULL);
    return cert;
}

static inline EVP_PKEY *key_of(struct str pem)
{
    BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);

    BIO_free(in);
    EXPECT_TRUE("a key", key != NULL);
    return key;
}

/* All extensions as the openssl program prints them, one a line: "X509v3 Key Usage: critical|Digital
 * Signature". */
static inline struct str extensions_of(struct arena *a, const X509 *cert)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *text;
    long n;
    struct str copy;

    for (int i = 0; i < X509_get_ext_count(cert); i++) {
        X509_EXTENSION *ext = X509_get_ext(cert, i);

        i2a_ASN1_OBJECT(out, X509_EXTENSION_get_object(ext));
        BIO_printf(out, ":%s|", X509_EXTENSION_get_critical(ext) ? " critical" : "");
        X509V3_EXT_print(out, ext, 0, 0);
        BIO_printf(out, "\n");
    }
    n = BIO_get_mem_data(out, &text);
    copy = arena_str(a, str_from(text, (size_t)n));
    BIO_free(out);
    return copy;
}

/* Does the text have this whole line? */
static inline bool has_line(struct str text, const char *line)
{
    struct str rest = text, part;

    while (str_next(&rest, '\n', &part)) {
        if (str_eq(part, str_from_c(line)))
            return true;
    }
    return false;
}

#define EXPECT_LINE(name, text, line)                                                                        \
    do {                                                                                                     \
        if (!has_line((text), (line)))                                                                       \
            FAIL("%s: no line \"%s\" in:\n" STR_FMT, (name), (line), STR_ARG(text));                         \
    } while (0)

static inline int64_t seconds_of(const ASN1_TIME *t)
{
    struct tm tm;

    return ASN1_TIME_to_tm(t, &tm) == 1 ? timegm(&tm) : -1;
}

/* X509_verify_cert() of a leaf under one root, at the fake clock's time: 0, or OpenSSL's error number. */
static inline int verify_error(X509 *leaf, X509 *root, int purpose)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    int error;

    X509_STORE_add_cert(store, root);
    X509_STORE_CTX_init(ctx, store, leaf, NULL);
    X509_STORE_CTX_set_time(ctx, 0, (time_t)(clock_wall_ns() / NS_PER_S));
    X509_STORE_CTX_set_purpose(ctx, purpose);
    X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT);
    error = X509_verify_cert(ctx) == 1 ? 0 : X509_STORE_CTX_get_error(ctx);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    return error;
}

#endif
