/* files.c -- see files.h. What is written is written whole: to a temporary name, synced, then renamed. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ursa/ca.h"

#define PEM_FILE_MAX (1u << 20)

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

    if (mkdir(path, 0700) == 0)
        return ERR_NONE;
    if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return ERR_NONE;
    return err_set(e, ERR_IO, "general.workDir %s: %m", path);
}

enum err_kind files_prepare(struct config *c, struct arena *a, struct err *e)
{
    if (!*c->work_dir)
        c->work_dir = default_work_dir(a);
    if (make_folder(c->work_dir, e) != ERR_NONE)
        return e->kind;
    if (!*c->sqlite_path)
        c->sqlite_path = arena_printf(a, "%s/ursa.db", c->work_dir).p;
    if (!*c->tls_cert_file != !*c->tls_key_file)
        return err_set(e, ERR_INVALID,
                       "general.tlsCertFile and general.tlsKeyFile go together: set both or none");
    return ERR_NONE;
}

static enum err_kind read_pem(const char *path, struct arena *a, struct str *text, struct err *e)
{
    FILE *f = fopen(path, "re");
    struct stat st;

    if (!f)
        return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %m", path);
    if (fstat(fileno(f), &st) != 0 || st.st_size > PEM_FILE_MAX) {
        fclose(f);
        return err_set(e, ERR_LIMIT, "%s: larger than %u bytes", path, PEM_FILE_MAX);
    }
    char *p = arena_alloc(a, (size_t)st.st_size + 1);
    *text = str_from(p, fread(p, 1, (size_t)st.st_size, f));
    fclose(f);
    return ERR_NONE;
}

static bool write_all(int fd, struct str text)
{
    while (text.n > 0) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        text = str_slice(text, (size_t)n, text.n);
    }
    return fsync(fd) == 0;
}

static enum err_kind write_pem(const char *path, struct str text, struct arena *a, struct err *e)
{
    const char *fresh = arena_printf(a, "%s.new", path).p;
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return err_set(e, ERR_IO, "%s: %m", fresh);
    bool written = write_all(fd, text);
    if (close(fd) != 0 || !written || rename(fresh, path) != 0)
        return err_set(e, ERR_IO, "%s: %m", path);
    return ERR_NONE;
}

enum err_kind files_server_cert(const struct config *c, struct arena *a, struct str *cert_pem,
                                struct str *key_pem, struct err *e)
{
    bool configured = *c->tls_cert_file;
    const char *cert = configured ? c->tls_cert_file : arena_printf(a, "%s/ursa-cp.crt", c->work_dir).p;
    const char *key = configured ? c->tls_key_file : arena_printf(a, "%s/ursa-cp.key", c->work_dir).p;

    if (read_pem(cert, a, cert_pem, e) == ERR_NONE && read_pem(key, a, key_pem, e) == ERR_NONE)
        return ERR_NONE;
    if (configured || e->kind != ERR_NOT_FOUND)
        return e->kind;
    err_init(e, a);
    log_info("daemon", "making a self-signed certificate for the proxies' port file=%s", cert);
    /* The key goes first: a certificate without its key would be taken for a finished pair. */
    if (server_cert_new(a, cert_pem, key_pem, e) != ERR_NONE || write_pem(key, *key_pem, a, e) != ERR_NONE)
        return e->kind;
    return write_pem(cert, *cert_pem, a, e);
}
