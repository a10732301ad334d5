/* file.c -- see ursa/base/file.h. What is written is written under another name, synced, then renamed. */
#include "ursa/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- reading ---- */

static enum err_kind check_trust(const char *path, const struct stat *st, struct err *e)
{
    if (st->st_uid != geteuid() && st->st_uid != 0)
        return err_set(e, ERR_DENIED,
                       "%s: it holds a key, and belongs to another user (uid %u): run this as that one, or "
                       "chown the file",
                       path, (unsigned)st->st_uid);
    if (st->st_mode & 077)
        return err_set(e, ERR_DENIED,
                       "%s: it holds a key, and others than its owner may use it (mode %03o): chmod 600",
                       path, (unsigned)(st->st_mode & 0777));
    return ERR_NONE;
}

static enum err_kind read_open(const char *path, int fd, enum file_trust trust, size_t max, struct arena *a,
                               struct str *text, struct err *e)
{
    struct stat st;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return err_set(e, ERR_IO, "%s: a regular file is expected", path);
    if (trust == FILE_PRIVATE && check_trust(path, &st, e) != ERR_NONE)
        return e->kind;
    if ((uint64_t)st.st_size > max)
        return err_set(e, ERR_LIMIT, "%s: larger than %zu bytes", path, max);
    char *p = arena_alloc(a, (size_t)st.st_size + 1);
    ssize_t n = read(fd, p, (size_t)st.st_size);
    if (n < 0)
        return err_set(e, ERR_IO, "%s: %m", path);
    *text = str_from(p, (size_t)n);
    return ERR_NONE;
}

enum err_kind file_read(const char *path, enum file_trust trust, size_t max, struct arena *a,
                        struct str *text, struct err *e)
{
    int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK; /* a FIFO must not hold the caller up */
    int fd = open(path, flags | (trust == FILE_PRIVATE ? O_NOFOLLOW : 0));

    if (fd < 0 && errno == ELOOP && trust == FILE_PRIVATE)
        return err_set(e, ERR_DENIED, "%s: it holds a key and must not be a link", path);
    if (fd < 0)
        return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %m", path);
    (void)read_open(path, fd, trust, max, a, text, e);
    close(fd);
    return e->kind;
}

/* ---- writing ---- */

bool file_write_all(int fd, struct str text)
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

enum err_kind file_sync_folder(const char *path, struct err *e)
{
    struct str whole = str_from_c(path);
    size_t cut = str_rchr(whole, '/');
    struct str folder = cut == whole.n ? STR(".") : cut == 0 ? STR("/") : str_slice(whole, 0, cut);
    int fd = open(arena_cstr(e->arena, folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || fsync(fd) != 0)
        err_set(e, ERR_IO, "%s: %m", path);
    if (fd >= 0)
        close(fd);
    return e->kind;
}

enum err_kind file_write(const char *path, struct str text, struct err *e)
{
    const char *fresh = arena_printf(e->arena, "%s.new", path).p;
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return err_set(e, ERR_IO, "%s: %m", fresh);
    bool written = fchmod(fd, 0600) == 0 && file_write_all(fd, text);
    if (close(fd) != 0 || !written || rename(fresh, path) != 0) {
        err_set(e, errno == ENOSPC ? ERR_NO_SPACE : ERR_IO, "%s: %m", path);
        unlink(fresh);
        return e->kind;
    }
    return file_sync_folder(path, e);
}
