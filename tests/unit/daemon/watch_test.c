/* Files that become other ones in all the ways in which tools do that. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../src/daemon/watch.h"
#include "../../lib/test.h"
#include "ursa/base/arena.h"

struct fixture {
    struct arena arena;
    char folder[32];
    struct watch *watch;
};

static const char *at(struct fixture *f, const char *name)
{
    return arena_printf(&f->arena, "%s/%s", f->folder, name).p;
}

static void write_file(struct fixture *f, const char *name, const char *text)
{
    int fd = open(at(f, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct str s = str_from_c(text);

    EXPECT_TRUE(name, fd >= 0 && write(fd, s.p, s.n) == (ssize_t)s.n);
    close(fd);
}

static void fixture_init(struct fixture *f)
{
    arena_init(&f->arena);
    snprintf(f->folder, sizeof(f->folder), "/tmp/ursa-watch-XXXXXX");
    EXPECT_TRUE("folder", mkdtemp(f->folder) != NULL);
    f->watch = watch_new();
}

static void fixture_fini(struct fixture *f)
{
    const char *command = arena_printf(&f->arena, "rm -r %s", f->folder).p;

    EXPECT_INT("removed", system(command), 0); /* NOLINT(cert-env33-c) */
    watch_free(f->watch);
    arena_fini(&f->arena);
}

static void watch_one(struct fixture *f, const char *name)
{
    struct str path = str_from_c(at(f, name));

    watch_files(f->watch, &(struct str_list){.v = &path, .n = 1});
    EXPECT_TRUE(name, !watch_differs(f->watch));
}

/* The kernel has told already when the call that made the change returns. */
static bool is_told(struct fixture *f)
{
    struct pollfd fd = {.fd = watch_fd(f->watch), .events = POLLIN};
    bool told = poll(&fd, 1, 0) == 1;

    watch_drain(f->watch);
    return told && poll(&fd, 1, 0) == 0;
}

static void link_anew(struct fixture *f, const char *target, const char *name)
{
    (void)unlink(at(f, "fresh"));
    EXPECT_INT(target, symlink(target, at(f, "fresh")), 0);
    EXPECT_INT(name, rename(at(f, "fresh"), at(f, name)), 0);
}

#define EXPECT_CHANGE(name)                                                                                  \
    do {                                                                                                     \
        EXPECT_TRUE(name, is_told(&f));                                                                      \
        EXPECT_TRUE(name, watch_differs(f.watch));                                                           \
    } while (0)

TEST(a_file)
{
    struct fixture f;

    fixture_init(&f);
    write_file(&f, "tls.crt", "one");
    watch_one(&f, "tls.crt");
    write_file(&f, "tls.crt", "other");
    EXPECT_CHANGE("written in place");
    watch_one(&f, "tls.crt");
    write_file(&f, "other.tmp", "third");
    EXPECT_TRUE("another file", is_told(&f) && !watch_differs(f.watch));
    EXPECT_INT("rename", rename(at(&f, "other.tmp"), at(&f, "tls.crt")), 0);
    EXPECT_CHANGE("renamed");
    watch_one(&f, "tls.crt");
    EXPECT_INT("unlink", unlink(at(&f, "tls.crt")), 0);
    EXPECT_TRUE("gone", is_told(&f));
    EXPECT_TRUE("there is nothing to read", !watch_differs(f.watch));
    write_file(&f, "tls.crt", "back!!");
    EXPECT_CHANGE("back");
    fixture_fini(&f);
}

/* live/tls.crt -> ../archive/tls1.crt, as ACME clients do it. */
TEST(a_link)
{
    struct fixture f;

    fixture_init(&f);
    EXPECT_INT("live", mkdir(at(&f, "live"), 0700), 0);
    EXPECT_INT("archive", mkdir(at(&f, "archive"), 0700), 0);
    write_file(&f, "archive/tls1.crt", "one");
    write_file(&f, "archive/tls2.crt", "two");
    link_anew(&f, "../archive/tls1.crt", "live/tls.crt");
    watch_one(&f, "live/tls.crt");
    link_anew(&f, "../archive/tls2.crt", "live/tls.crt");
    EXPECT_CHANGE("another target");
    watch_one(&f, "live/tls.crt");
    write_file(&f, "archive/tls2.crt", "another");
    EXPECT_CHANGE("the target is written");
    fixture_fini(&f);
}

/* tls.crt -> ..data/tls.crt, ..data -> ..2026_1, as Kubernetes does it. */
TEST(a_linked_folder)
{
    struct fixture f;

    fixture_init(&f);
    EXPECT_INT("1", mkdir(at(&f, "..2026_1"), 0700), 0);
    EXPECT_INT("2", mkdir(at(&f, "..2026_2"), 0700), 0);
    write_file(&f, "..2026_1/tls.crt", "one");
    write_file(&f, "..2026_2/tls.crt", "two");
    link_anew(&f, "..2026_1", "..data");
    link_anew(&f, "..data/tls.crt", "tls.crt");
    watch_one(&f, "tls.crt");
    link_anew(&f, "..2026_2", "..data");
    EXPECT_CHANGE("another folder");
    watch_one(&f, "tls.crt");
    EXPECT_TRUE("through the link", !is_told(&f));
    fixture_fini(&f);
}

/* current/tls.crt, current -> /absolute/1. */
TEST(a_link_on_the_way)
{
    struct fixture f;

    fixture_init(&f);
    EXPECT_INT("1", mkdir(at(&f, "1"), 0700), 0);
    EXPECT_INT("2", mkdir(at(&f, "2"), 0700), 0);
    write_file(&f, "1/tls.crt", "one");
    write_file(&f, "2/tls.crt", "two");
    link_anew(&f, at(&f, "1"), "current");
    watch_one(&f, "current/tls.crt");
    link_anew(&f, at(&f, "2"), "current");
    EXPECT_CHANGE("another folder");
    watch_one(&f, "current/tls.crt");
    write_file(&f, "2/tls.crt", "another");
    EXPECT_CHANGE("written there");
    fixture_fini(&f);
}

TEST(links_in_a_circle_end)
{
    struct fixture f;

    fixture_init(&f);
    link_anew(&f, "b", "a");
    link_anew(&f, "a", "b");
    watch_one(&f, "a");
    EXPECT_INT("unlink", unlink(at(&f, "a")), 0);
    write_file(&f, "a", "a file");
    EXPECT_CHANGE("a file at last");
    fixture_fini(&f);
}
