/* audit_file.c -- see audit_file.h. */
#include "audit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "ursa/base/rate.h"

struct audit_file {
    struct arena arena;
    const char *path, *before; /* NULL: standard output */
    int fd;                    /* -1: could not be opened again */
    uint64_t size, max_size;
    int64_t complaints_full_at;
    atomic_bool reopen;
};

/* Nobody may make the daemon append to a file elsewhere, or wait for a reader. */
static int open_append(const char *path, uint64_t *size)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
    struct stat st;

    if (fd < 0)
        return -1;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        errno = EINVAL;
        return -1;
    }
    if ((st.st_mode & 0077) != 0 && fchmod(fd, 0600) != 0)
        log_warn("daemon", "audit file=%s may be read by others, and that cannot be changed error=%m", path);
    *size = (uint64_t)st.st_size;
    return fd;
}

enum err_kind audit_file_open(const struct config *c, struct audit_file **out, struct err *e)
{
    struct str file = str_from_c(c->audit_file);
    struct audit_file *f;

    *out = NULL;
    if (str_eq(file, STR("off")))
        return ERR_NONE;
    f = xcalloc(1, sizeof(*f));
    arena_init(&f->arena);
    f->max_size = c->audit_max_size;
    f->fd = STDOUT_FILENO;
    if (!str_eq(file, STR("-"))) {
        f->path = arena_cstr(&f->arena, file);
        f->before = arena_printf(&f->arena, "%s.1", f->path).p;
        f->fd = open_append(f->path, &f->size);
    }
    if (f->fd < 0) {
        err_set(e, ERR_IO, "audit.file %s: %s", f->path,
                errno == EINVAL ? "a regular file is expected" : strerrordesc_np(errno));
        audit_file_close(f);
        return e->kind;
    }
    *out = f;
    return ERR_NONE;
}

void audit_file_close(struct audit_file *f)
{
    if (!f)
        return;
    if (f->path && f->fd >= 0)
        close(f->fd);
    arena_fini(&f->arena);
    free(f);
}

static void open_again(struct audit_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = open_append(f->path, &f->size);
}

/* The file and its predecessor hold two times the limit at most. */
static void make_room(struct audit_file *f, size_t n)
{
    if (!f->path)
        return;
    if (atomic_exchange(&f->reopen, false) || f->fd < 0)
        open_again(f);
    if (f->fd < 0 || f->size == 0 || f->size + n <= f->max_size)
        return;
    if (rename(f->path, f->before) == 0)
        open_again(f);
    else if (errno == ENOENT) /* somebody has taken it away */
        open_again(f);
}

static void complain(struct audit_file *f, int error)
{
    static const struct rate_limit limit = {.burst = 1, .a_second = 1};

    COUNT(audit_lines_lost);
    if (rate_admit(&f->complaints_full_at, &limit, clock_mono_ns()))
        log_error("daemon", "audit file=%s cannot be written error=%s", f->path ? f->path : "-",
                  strerrordesc_np(error));
}

void audit_file_write(void *ctx, struct str line)
{
    struct audit_file *f = ctx;

    make_room(f, line.n);
    while (f->fd >= 0 && line.n > 0) {
        ssize_t n = write(f->fd, line.p, line.n);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        f->size += (uint64_t)n;
        line = str_slice(line, (size_t)n, line.n);
    }
    if (line.n > 0)
        complain(f, errno);
}

void audit_file_reopen(struct audit_file *f)
{
    if (f)
        atomic_store(&f->reopen, true);
}
