/* files.c -- see ursa/client.h: files that the clients read and write. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ursa/base/file.h"
#include "ursa/base/rand.h"
#include "ursa/client.h"

struct str client_local_ca_file(struct arena *a)
{
    const char *home = getenv("HOME");
    struct str own = home && *home ? arena_printf(a, "%s/.ursa/ursa-cp.crt", home) : STR_NONE;

    if (own.n && access(own.p, R_OK) == 0)
        return own;
    if (access("/var/lib/ursa/ursa-cp.crt", R_OK) == 0)
        return STR("/var/lib/ursa/ursa-cp.crt");
    return STR_NONE;
}

bool client_address_is_local(struct str url)
{
    size_t start = str_find(url, STR("://"));
    struct str host = start < url.n ? str_slice(url, start + 3, url.n) : url;

    host = str_slice(host, 0, str_chr(host, '/'));
    if (str_has_prefix(host, STR("[")))
        host = str_slice(host, 0, str_chr(host, ']') + 1);
    else
        host = str_slice(host, 0, str_chr(host, ':'));
    return str_eq_nocase(host, STR("localhost")) || str_eq(host, STR("127.0.0.1")) ||
           str_eq(host, STR("[::1]"));
}

enum err_kind client_read_file(const char *path, size_t max, struct arena *a, struct str *text, struct err *e)
{
    bool standard_input = strcmp(path, "-") == 0;
    FILE *f = standard_input ? stdin : fopen(path, "re");
    struct buf out;
    char piece[65536];
    size_t n;

    if (!f)
        return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %m", path);
    buf_init(&out, max);
    while ((n = fread(piece, 1, sizeof(piece), f)) > 0 && buf_ok(&out))
        buf_add(&out, piece, n);
    if (ferror(f))
        err_set(e, ERR_IO, "%s: %m", path);
    else if (!buf_ok(&out))
        err_set(e, ERR_LIMIT, "%s: larger than %zu bytes", path, max);
    else
        *text = arena_str(a, buf_str(&out));
    if (!standard_input)
        fclose(f);
    buf_fini(&out);
    return e->kind;
}

enum err_kind client_write_file(struct str path, unsigned mode, struct str text, struct arena *a,
                                struct err *e)
{
    char *real = realpath(arena_cstr(a, path), NULL);
    struct str target = real ? arena_str(a, str_from_c(real)) : arena_str(a, path);
    struct str fresh = arena_printf(a, STR_FMT ".%016llx", STR_ARG(target), (unsigned long long)rand_u64());

    free(real);
    int fd = open(fresh.p, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    bool good = fd >= 0 && file_write_all(fd, text);
    if (fd >= 0 && close(fd) != 0)
        good = false;
    if (!good || rename(fresh.p, target.p) != 0) {
        err_set(e, ERR_IO, "%s: %m", target.p);
        unlink(fresh.p);
    }
    return e->kind;
}
