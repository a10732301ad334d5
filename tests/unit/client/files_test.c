/* Files that the clients read. */
#include "../../lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ursa/client.h"

TEST(a_file_is_read_up_to_its_limit)
{
    static const struct {
        const char *name, *content;
        size_t max;
        enum err_kind kind;
    } rows[] = {
        {"empty", "", 10, ERR_NONE},
        {"full", "0123456789", 10, ERR_NONE},
        {"one too many", "0123456789a", 10, ERR_LIMIT},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str content = str_from_c(rows[i].content), got;
        int fd = memfd_create("file", MFD_CLOEXEC);
        struct arena a;
        struct err e;

        arena_init(&a);
        err_init(&e, &a);
        if (fd < 0 || write(fd, content.p, content.n) != (ssize_t)content.n)
            FAIL("no file in memory");
        struct str path = arena_printf(&a, "/proc/self/fd/%d", fd);
        EXPECT_INT(rows[i].name, client_read_file(path.p, rows[i].max, &a, &got, &e), rows[i].kind);
        if (rows[i].kind == ERR_NONE)
            EXPECT_STR(rows[i].name, got, rows[i].content);
        close(fd);
        arena_fini(&a);
    }
}

TEST(what_cannot_be_read_is_named)
{
    static const struct {
        const char *path, *want;
        enum err_kind kind;
    } rows[] = {
        {"/nonexistent/token", "/nonexistent/token: No such file or directory", ERR_NOT_FOUND},
        {"/proc/self", "/proc/self: Is a directory", ERR_IO},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str got;
        struct arena a;
        struct err e;

        arena_init(&a);
        err_init(&e, &a);
        EXPECT_INT(rows[i].path, client_read_file(rows[i].path, 10, &a, &got, &e), rows[i].kind);
        EXPECT_STR(rows[i].path, e.text, rows[i].want);
        arena_fini(&a);
    }
}

TEST(the_own_certificate_comes_before_the_systems)
{
    char home[] = "/tmp/ursa-files-test-XXXXXX";
    struct arena a;

    arena_init(&a);
    if (!mkdtemp(home))
        FAIL("no folder");
    const char *folder = arena_printf(&a, "%s/.ursa", home).p,
               *cert = arena_printf(&a, "%s/ursa-cp.crt", folder).p;
    setenv("HOME", home, 1);
    struct str before = client_local_ca_file(&a);
    FILE *f = mkdir(folder, 0700) == 0 ? fopen(cert, "w") : NULL;
    if (f)
        fclose(f);
    struct str after = client_local_ca_file(&a);
    unlink(cert);
    rmdir(folder);
    rmdir(home);
    EXPECT_TRUE("without one: the system's or none",
                before.n == 0 || str_eq(before, STR("/var/lib/ursa/ursa-cp.crt")));
    EXPECT_STR("the own", after, cert);
    arena_fini(&a);
}
