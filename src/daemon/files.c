/* files.c -- see files.h. */
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ursa/base/file.h"
#include "ursa/ca.h"

#define RATE_MAX 1000000u
#define FILE_MAX ((size_t)1 << 20)
#define CLIENT_CERTS_MAX (16u << 20)

static const char *default_work_dir(struct arena *a)
{
    const char *state = getenv("STATE_DIRECTORY"); /* set by systemd for StateDirectory= */
    const char *home = getenv("HOME");

    if (state && *state)
        return arena_cstr(a, str_from_c(state));
    return arena_printf(a, "%s/.ursa", home && *home ? home : "/var/lib").p;
}

static enum err_kind make_folder(const char *path, struct err *e)
{
    struct stat st;

    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return err_set(e, ERR_IO, "general.workDir %s: %m", path);
    if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
        return err_set(e, ERR_IO, "general.workDir %s: it is no folder", path);
    if (access(path, W_OK | X_OK) != 0)
        return err_set(e, ERR_IO, "general.workDir %s: %m", path);
    return ERR_NONE;
}

void files_name(struct config *c, struct arena *a)
{
    if (!*c->work_dir)
        c->work_dir = default_work_dir(a);
    if (!*c->sqlite_path)
        c->sqlite_path = arena_printf(a, "%s/ursa.db", c->work_dir).p;
    c->makes_seal_key = !*c->seal_key_file;
    if (c->makes_seal_key)
        c->seal_key_file = arena_printf(a, "%s/seal.key", c->work_dir).p;
    if (!*c->audit_file)
        c->audit_file = arena_printf(a, "%s/audit.jsonl", c->work_dir).p;
}

enum err_kind files_prepare(struct config *c, struct arena *a, struct err *e)
{
    files_name(c, a);
    return make_folder(c->work_dir, e);
}

struct store_options files_store(const struct config *c)
{
    return (struct store_options){.kind = (enum store_kind)c->store_kind,
                                  .path = c->sqlite_path,
                                  .key_file = c->seal_key_file,
                                  .makes_key_file = c->makes_seal_key,
                                  .history_revisions = c->history_revisions,
                                  .history_age_ns = c->history_age_ns};
}

enum err_kind files_read(const char *path, struct arena *a, struct str *text, struct err *e)
{
    return file_read(path, FILE_ANY, FILE_MAX, a, text, e);
}

/* The key goes first: without it a certificate would be taken for one of a finished pair. */
static enum err_kind make_pair(const char *cert, const char *key, struct arena *a, struct err *e)
{
    struct str cert_pem, key_pem;

    if (server_cert_new(a, &cert_pem, &key_pem, e) != ERR_NONE)
        return e->kind;
    if (file_write(key, key_pem, e) == ERR_NONE && file_write(cert, cert_pem, e) == ERR_NONE)
        log_info("daemon", "made a self-signed certificate for the proxies' port file=%s", cert);
    str_wipe(key_pem);
    return e->kind;
}

static void name_server_pair(const struct config *c, struct arena *a, const char **cert, const char **key)
{
    *cert = *c->tls_cert_file ? c->tls_cert_file : arena_printf(a, "%s/ursa-cp.crt", c->work_dir).p;
    *key = *c->tls_cert_file ? c->tls_key_file : arena_printf(a, "%s/ursa-cp.key", c->work_dir).p;
}

enum err_kind files_make_server_cert(const struct config *c, struct arena *a, struct err *e)
{
    const char *cert, *key;

    name_server_pair(c, a, &cert, &key);
    if (!*c->tls_cert_file && access(cert, F_OK) != 0 && errno == ENOENT)
        return make_pair(cert, key, a, e);
    return ERR_NONE;
}

static enum err_kind read_pair(const char *cert, const char *key, struct arena *a, struct str *cert_pem,
                               struct str *key_pem, struct err *e)
{
    if (files_read(cert, a, cert_pem, e) == ERR_NONE && files_read(key, a, key_pem, e) == ERR_NOT_FOUND)
        err_set(e, ERR_NOT_FOUND, "%s is there but not its key %s: bring the key back, or remove both", cert,
                key);
    return e->kind;
}

enum err_kind files_server_cert(const struct config *c, struct arena *a, struct str *cert_pem,
                                struct str *key_pem, struct err *e)
{
    const char *cert, *key;

    name_server_pair(c, a, &cert, &key);
    return read_pair(cert, key, a, cert_pem, key_pem, e);
}

enum err_kind files_https_cert(const struct config *c, struct arena *a, struct str *cert_pem,
                               struct str *key_pem, struct err *e)
{
    if (!*c->https_cert_file)
        return files_server_cert(c, a, cert_pem, key_pem, e);
    return read_pair(c->https_cert_file, c->https_key_file, a, cert_pem, key_pem, e);
}

/* ---- clients' certificates ---- */

static int is_certificate(const struct dirent *entry)
{
    struct str name = str_from_c(entry->d_name);

    return str_has_suffix(name, STR(".pem")) || str_has_suffix(name, STR(".crt"));
}

enum err_kind files_client_certs(const struct config *c, struct arena *a, struct str *pem, struct err *e)
{
    struct dirent **entries = NULL;
    struct buf all;
    int n;

    *pem = STR("");
    if (!*c->client_certs_dir)
        return ERR_NONE;
    n = scandir(c->client_certs_dir, &entries, is_certificate, alphasort);
    if (n < 0)
        return err_set(e, ERR_IO, "apiServer.auth.clientCertsDir %s: %m", c->client_certs_dir);
    if (n == 0)
        log_warn("daemon", "folder=%s holds no *.pem and no *.crt: no client certificate is good",
                 c->client_certs_dir);
    buf_init(&all, CLIENT_CERTS_MAX);
    for (int i = 0; i < n; i++) {
        struct str text;
        const char *path = arena_printf(a, "%s/%s", c->client_certs_dir, entries[i]->d_name).p;

        if (e->kind == ERR_NONE && files_read(path, a, &text, e) == ERR_NONE)
            buf_printf(&all, STR_FMT "\n", STR_ARG(text));
        free(entries[i]);
    }
    free(entries);
    if (!buf_ok(&all))
        err_set(e, ERR_LIMIT, "apiServer.auth.clientCertsDir %s: more than %u bytes of certificates",
                c->client_certs_dir, CLIENT_CERTS_MAX);
    *pem = arena_str(a, buf_str(&all));
    buf_fini(&all);
    return e->kind;
}

/* ---- all of them ---- */

static void add_path(struct str_list *paths, const char *path)
{
    paths->v[paths->n++] = str_from_c(path);
}

void files_of_certificates(const struct config *c, struct arena *a, struct str_list *paths)
{
    struct dirent **entries = NULL;
    const char *cert, *key;
    int n = c->https_enabled && *c->client_certs_dir
                ? scandir(c->client_certs_dir, &entries, is_certificate, alphasort)
                : 0;

    *paths = (struct str_list){.v = ARENA_ARRAY(a, struct str, 5 + (size_t)(n > 0 ? n : 0))};
    name_server_pair(c, a, &cert, &key);
    add_path(paths, cert);
    add_path(paths, key);
    if (c->https_enabled && *c->https_cert_file) {
        add_path(paths, c->https_cert_file);
        add_path(paths, c->https_key_file);
    }
    if (c->https_enabled && *c->client_certs_dir)
        add_path(paths, arena_printf(a, "%s/.", c->client_certs_dir).p);
    for (int i = 0; i < n; i++) {
        add_path(paths, arena_printf(a, "%s/%s", c->client_certs_dir, entries[i]->d_name).p);
        free(entries[i]);
    }
    free(entries);
}

/* ---- keys of tokens ---- */

static enum err_kind read_trusted_key(const struct public_key *from, struct arena *a, struct trusted_key *out,
                                      struct err *e)
{
    struct str pem = from->key;

    *out = (struct trusted_key){.kid = from->kid, .mesh = from->mesh};
    if (from->key_file && files_read(from->key_file, a, &pem, e) != ERR_NONE)
        return e->kind;
    return trusted_key_read(pem, out, e);
}

static void read_trust(const struct token_settings *s, const char *setting, struct arena *a,
                       struct token_trust *trust, struct err *e)
{
    trust->issues = s->issues;
    trust->use_secrets = s->use_secrets;
    trust->keys = ARENA_ARRAY(a, struct trusted_key, s->keys.n);
    for (size_t i = 0; i < s->keys.n; i++) {
        struct trusted_key *key = &trust->keys[trust->n_keys];
        struct err reason;

        err_init(&reason, a);
        if (read_trusted_key(&s->keys.v[i], a, key, &reason) == ERR_NONE)
            trust->n_keys++;
        else
            err_cause_at(e, arena_printf(a, "%s[%zu]", setting, i), reason.text);
    }
}

enum err_kind files_token_trusts(const struct config *c, struct arena *a, struct token_trusts *out,
                                 struct err *e)
{
    uint32_t rate = (uint32_t)(c->bad_tokens_a_second < RATE_MAX ? c->bad_tokens_a_second : RATE_MAX);
    const struct rate_limit limit = {.burst = rate, .a_second = rate};

    *out = token_trusts_default;
    read_trust(&c->user_tokens, "apiServer.authn.tokens.validator.publicKeys", a, &out->of[TOKEN_USER], e);
    read_trust(&c->dp_tokens, "dpServer.authn.dpProxy.dpToken.validator.publicKeys", a,
               &out->of[TOKEN_DATAPLANE], e);
    out->throttle = throttle_new(&limit);
    if (e->kind != ERR_NONE)
        files_forget_tokens(out);
    return e->kind;
}

void files_forget_tokens(struct token_trusts *trusts)
{
    for (size_t kind = 0; kind < TOKEN_KINDS; kind++) {
        for (size_t i = 0; i < trusts->of[kind].n_keys; i++)
            EVP_PKEY_free(trusts->of[kind].keys[i].key);
        trusts->of[kind].n_keys = 0;
    }
    throttle_free(trusts->throttle);
    trusts->throttle = NULL;
}
