/* offline.c -- see offline.h: signing keys, and tokens that are signed here. */
#include "offline.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "render.h"
#include "ursa/base/base64.h"
#include "ursa/base/jws.h"

#define MAX_KEY_FILE 65536
#define RSA_BITS 2048 /* what kumactl makes, and every kuma-cp takes */

enum err_kind offline_read_key(struct str path, struct arena *a, EVP_PKEY **key, struct err *e)
{
    struct str text;

    *key = NULL;
    if (client_read_file(arena_cstr(a, path), MAX_KEY_FILE, a, &text, e) != ERR_NONE)
        return e->kind;
    if (pkey_read(text, key, e) != ERR_NONE)
        err_add_context(e, STR_FMT, STR_ARG(path));
    str_wipe(text);
    return e->kind;
}

enum err_kind offline_sign(struct str key_path, struct str kid, enum token_kind kind,
                           struct token_claims *claims, int64_t valid_ns, struct arena *a, struct str *token,
                           struct err *e)
{
    PKEY_AUTO key = NULL;
    enum jws_alg alg;

    if (offline_read_key(key_path, a, &key, e) != ERR_NONE)
        return e->kind;
    if (!jws_key_alg(key, &alg))
        return err_set(e, ERR_INVALID, STR_FMT ": expected " JWS_KEY_EXPECTED, STR_ARG(key_path));
    claims_stamp(claims, valid_ns, a);
    return jws_sign(key, alg, kid, claims_write(a, kind, claims), a, token, e);
}

/* ---- generate signing-key, generate public-key ---- */

enum key_format { KEY_RAW, KEY_PEM, KEY_PEM_BASE64 };

/* COMPAT: PKCS#1, as kuma-cp keeps its keys. "raw" is what goes into a secret's data: base64 of the bytes. */
int run_generate_signing_key(struct cli *cli)
{
    bool raw = cli->options->key_format == KEY_RAW;
    PKEY_AUTO key = NULL;
    uint8_t *der = NULL;

    if (pkey_new_rsa(RSA_BITS, &key, &cli->err) != ERR_NONE)
        return cli_fail(cli);
    int n = i2d_PrivateKey(key, &der);
    if (n <= 0) {
        ERR_BUG_HERE(&cli->err, "OpenSSL cannot write the key");
        return cli_fail(cli);
    }
    struct blob *pem = pem_encode(PEM_STRING_RSA, der, (size_t)n, true);
    struct str text = raw ? base64_encode(cli->arena, str_from(der, (size_t)n))
                      : cli->options->key_format == KEY_PEM_BASE64 ? base64_encode(cli->arena, blob_str(pem))
                                                                   : arena_str(cli->arena, blob_str(pem));
    render_text(text);
    if (cli->options->key_format != KEY_PEM && isatty(STDOUT_FILENO))
        putchar('\n');
    str_wipe(text);
    OPENSSL_clear_free(der, (size_t)n);
    blob_unref(pem);
    return 0;
}

int run_generate_public_key(struct cli *cli)
{
    PKEY_AUTO key = NULL;
    uint8_t *der = NULL;

    if (offline_read_key(cli->options->signing_key_path, cli->arena, &key, &cli->err) != ERR_NONE)
        return cli_fail(cli);
    int n = i2d_PUBKEY(key, &der);
    if (n <= 0) {
        ERR_BUG_HERE(&cli->err, "OpenSSL cannot write the public key");
        return cli_fail(cli);
    }
    struct blob *pem = pem_encode(PEM_STRING_PUBLIC, der, (size_t)n, false);
    render_text(blob_str(pem));
    blob_unref(pem);
    OPENSSL_free(der);
    return 0;
}
