/* main.c -- ursa-dp: fetches a proxy's bootstrap, runs Envoy with it, passes signals on, ends when Envoy
 * ends. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "envoy.h"
#include "fetch.h"
#include "ursa/base/log.h"
#include "ursa/base/rand.h"
#include "ursa/version.h"

struct place {
    struct str dir, bootstrap; /* NUL-terminated */
    bool temporary;            /* removed at the end: the bootstrap holds the token */
};

/* Names the folder; it is made when there is something to put in. */
static void choose_place(const struct options *o, struct arena *a, struct place *p)
{
    p->dir = o->config_dir ? str_from_c(o->config_dir)
                           : arena_printf(a, "/tmp/ursa-dp-%016llx", (unsigned long long)rand_u64());
    p->bootstrap = arena_printf(a, STR_FMT "/bootstrap.yaml", STR_ARG(p->dir));
}

static enum err_kind make_place(const struct options *o, struct place *p, struct err *e)
{
    p->temporary = !o->config_dir && mkdir(p->dir.p, 0700) == 0;
    if (!p->temporary && (!o->config_dir || (mkdir(p->dir.p, 0700) != 0 && errno != EEXIST)))
        return err_set(e, ERR_IO, "%s: %m", p->dir.p);
    return ERR_NONE;
}

static void remove_place(const struct place *p)
{
    if (p->temporary) {
        unlink(p->bootstrap.p);
        rmdir(p->dir.p);
    }
}

static enum err_kind write_bootstrap(const struct place *p, struct str yaml, struct err *e)
{
    int fd = open(p->bootstrap.p, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    bool written = f && fwrite(yaml.p, 1, yaml.n, f) == yaml.n;

    if (f && fclose(f) != 0)
        written = false;
    return written ? ERR_NONE : err_set(e, ERR_IO, "%s: %m", p->bootstrap.p);
}

/* The exit status. */
static int run(const struct options *o, struct arena *a)
{
    struct place place = {.temporary = false};
    struct proxy proxy;
    struct str yaml;
    struct err e;
    int status = 1;

    err_init(&e, a);
    choose_place(o, a, &place);
    struct str socket = arena_printf(a, STR_FMT "/access-log.sock", STR_ARG(place.dir));
    if (bootstrap_fetch(o, socket, a, &proxy, &yaml, &e) == ERR_NONE &&
        make_place(o, &place, &e) == ERR_NONE && write_bootstrap(&place, yaml, &e) == ERR_NONE) {
        log_info("dp", "bootstrap fetched mesh=" STR_FMT " proxy=" STR_FMT, STR_ARG(proxy.mesh),
                 STR_ARG(proxy.name));
        status = envoy_run(o, place.bootstrap.p);
    } else {
        fprintf(stderr, "ursa-dp: " STR_FMT "\n", STR_ARG(err_render(&e, a)));
    }
    remove_place(&place);
    return status;
}

static int command_run(int argc, char **argv)
{
    struct options options;
    struct arena arena;
    int status;

    arena_init(&arena);
    if (options_read(&options, argc, argv, &arena, &status)) {
        log_set_level(options.log_level);
        status = run(&options, &arena);
    }
    arena_fini(&arena);
    return status;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";

    if (strcmp(command, "version") == 0 || strcmp(command, "--version") == 0) {
        puts("ursa-dp " URSA_VERSION);
        return 0;
    }
    if (strcmp(command, "run") == 0)
        return command_run(argc, argv);
    if (strcmp(command, "man") == 0) {
        struct buf page;

        buf_init(&page, 1u << 20);
        options_write_man(&page);
        fwrite(page.p, 1, page.n, stdout);
        buf_fini(&page);
        return fflush(stdout) == 0 ? 0 : 1;
    }
    bool asked = strcmp(command, "--help") == 0 || strcmp(command, "-h") == 0 || strcmp(command, "help") == 0;
    options_print_help(asked ? stdout : stderr);
    return asked ? 0 : 2;
}
