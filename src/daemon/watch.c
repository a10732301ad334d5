/* watch.c -- see watch.h.
 *
 * Folders are watched, not files: a file that is replaced takes its watch along. Those are the folder of the
 * file, and the folder of each link on the way to it. What happens there may concern others (the store is in
 * the work dir), so whether anything has changed is decided by what stat() says. */
#include "watch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ursa/base/alloc.h"
#include "ursa/base/arena.h"
#include "ursa/base/hash.h"
#include "ursa/base/log.h"

#define EVENTS (IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF)
#define MAX_LINKS 16

struct watch {
    int fd;
    struct arena arena;
    struct str_list paths;
    uint64_t seen; /* what they were like */
};

struct watch *watch_new(void)
{
    struct watch *w = xcalloc(1, sizeof(*w));

    w->fd = -1;
    arena_init(&w->arena);
    return w;
}

void watch_free(struct watch *w)
{
    if (!w)
        return;
    if (w->fd >= 0)
        close(w->fd);
    arena_fini(&w->arena);
    free(w);
}

/* ---- what they are like ---- */

/* 0 while one is missing: then there is nothing to be read yet. */
static uint64_t look(const struct watch *w)
{
    uint64_t seen = 1;

    for (size_t i = 0; i < w->paths.n; i++) {
        struct stat st;

        if (stat(w->paths.v[i].p, &st) != 0)
            return 0;
        const uint64_t marks[] = {st.st_dev, st.st_ino, (uint64_t)st.st_size, (uint64_t)st.st_mtim.tv_sec,
                                  (uint64_t)st.st_mtim.tv_nsec};

        seen = hash_mix(seen, hash_content(marks, sizeof(marks)));
    }
    return seen | 1;
}

bool watch_differs(const struct watch *w)
{
    uint64_t now = look(w);

    return now && now != w->seen;
}

/* ---- where it may happen ---- */

static void watch_folder(const struct watch *w, const char *path, size_t n)
{
    char folder[PATH_MAX];

    snprintf(folder, sizeof(folder), "%.*s", n ? (int)n : 1, n ? path : *path == '/' ? "/" : ".");
    if (inotify_add_watch(w->fd, folder, EVENTS) < 0)
        log_warn("daemon", "folder=%s cannot be watched: its certificates are read again on SIGHUP error=%m",
                 folder);
}

/* The link at path[..n], with what it leads to in its place; false: it is none. */
static bool follow(const char *path, size_t n, char out[PATH_MAX])
{
    char link[PATH_MAX], target[PATH_MAX];
    ssize_t size;
    size_t folder = n;
    int length;

    snprintf(link, sizeof(link), "%.*s", (int)n, path);
    size = readlink(link, target, sizeof(target) - 1);
    if (size <= 0)
        return false;
    target[size] = '\0';
    while (folder > 0 && path[folder - 1] != '/')
        folder--;
    length = snprintf(out, PATH_MAX, "%.*s%s%s", *target == '/' ? 0 : (int)folder, path, target, path + n);
    return length > 0 && length < PATH_MAX;
}

/* Part by part; at a link that part's folder is watched, and then its target's path from its beginning. */
static void watch_path(const struct watch *w, const char *given)
{
    char path[PATH_MAX], next[PATH_MAX];
    int links = 0;
    size_t at = 0, folder = 0;

    snprintf(path, sizeof(path), "%s", given);
    while (path[at]) {
        size_t end = at + 1;

        while (path[end] && path[end] != '/')
            end++;
        if (path[at] != '/' || end > at + 1) {
            folder = at;
            if (links < MAX_LINKS && follow(path, end, next)) {
                watch_folder(w, path, at);
                memcpy(path, next, sizeof(path));
                links++;
                at = folder = 0;
                continue;
            }
        }
        at = end;
    }
    watch_folder(w, path, folder);
}

void watch_files(struct watch *w, const struct str_list *paths)
{
    if (w->fd >= 0)
        close(w->fd);
    arena_reset(&w->arena);
    w->paths = (struct str_list){.v = ARENA_ARRAY(&w->arena, struct str, paths->n + 1), .n = paths->n};
    for (size_t i = 0; i < paths->n; i++)
        w->paths.v[i] = str_from(arena_cstr(&w->arena, paths->v[i]), paths->v[i].n);
    w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (w->fd < 0)
        log_warn("daemon", "files cannot be watched: certificates are read again on SIGHUP error=%m");
    for (size_t i = 0; i < paths->n && w->fd >= 0; i++)
        watch_path(w, w->paths.v[i].p);
    w->seen = look(w);
}

int watch_fd(const struct watch *w)
{
    return w->fd;
}

void watch_drain(struct watch *w)
{
    char events[4096];
    ssize_t n;

    do
        n = read(w->fd, events, sizeof(events));
    while (n > 0 || (n < 0 && errno == EINTR));
}
