/* file.c -- see file.h. The kernel keeps the path below its folder (openat2), so there is no moment between a
 * check and the opening. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FILE_MAX (64u << 10) /* sixteen certificates are a quarter of it */

/* What of an absolute path is below the folder; STR_NONE: it is elsewhere. */
static struct str below(struct str folder, struct str path)
{
    while (str_has_suffix(folder, STR("/")))
        folder.n--;
    if (!str_has_prefix(path, folder) || path.n <= folder.n + 1 || path.p[folder.n] != '/')
        return STR_NONE;
    while (folder.n + 1 < path.n && path.p[folder.n + 1] == '/')
        folder.n++;
    return str_slice(path, folder.n + 1, path.n);
}

/* A FIFO must not hold anybody up: it is opened without waiting, and then it is no regular file. */
static int open_below(const char *folder, const char *rest)
{
    const struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                                 .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    int at = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    long fd = at < 0 ? -1 : syscall(SYS_openat2, at, rest, &how, sizeof(how));
    int fault = errno;

    if (at >= 0)
        close(at);
    errno = fault;
    return (int)fd;
}

static const char *fault_of(int fault)
{
    switch (fault) {
    case ENOENT:
    case ENOTDIR:
        return "there is no such file";
    case EXDEV:
    case ELOOP:
        return "it leads out of its folder of general.caFolders";
    default:
        return strerrordesc_np(fault);
    }
}

static bool read_all(int fd, struct arena *a, size_t size, struct str *text)
{
    char *p = arena_alloc(a, size + 1);
    size_t n = 0;
    ssize_t more;

    while (n < size && (more = read(fd, p + n, size - n)) != 0) {
        if (more < 0 && errno != EINTR)
            return false;
        n += more > 0 ? (size_t)more : 0;
    }
    *text = str_from(p, n);
    return true;
}

void ca_file_read(const struct str_list *folders, struct str path, struct arena *a, struct str *text,
                  const struct path *at, struct err *e)
{
    struct str rest = STR_NONE;
    struct stat st;
    size_t i = 0;
    int fd;

    while (i < folders->n && !rest.p)
        rest = below(folders->v[i++], path);
    if (!rest.p || str_chr(path, '\0') < path.n) {
        err_cause(e, at, "%s",
                  folders->n ? "it is in none of the folders of general.caFolders"
                             : "files of the control plane cannot be used (general.caFolders names no "
                               "folder): store the text as a secret");
        return;
    }
    fd = open_below(arena_cstr(a, folders->v[i - 1]), arena_cstr(a, rest));
    if (fd < 0)
        err_cause(e, at, "%s", fault_of(errno));
    else if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        err_cause(e, at, "it is no regular file");
    else if (st.st_size > FILE_MAX)
        err_cause(e, at, "it is larger than %u bytes", FILE_MAX);
    else if (!read_all(fd, a, (size_t)st.st_size, text))
        err_cause(e, at, "%m");
    if (fd >= 0)
        close(fd);
}
