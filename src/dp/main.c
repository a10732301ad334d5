/* main.c -- ursa-dp: fetches a proxy's bootstrap, runs Envoy with it, passes signals on, ends when Envoy
 * ends. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fetch.h"
#include "ursa/base/clock.h"
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
    ssize_t n = fd < 0 ? -1 : write(fd, yaml.p, yaml.n);

    if (fd >= 0 && close(fd) != 0)
        n = -1;
    return n == (ssize_t)yaml.n ? ERR_NONE : err_set(e, ERR_IO, "%s: %m", p->bootstrap.p);
}

/* In the child: never returns. Envoy must not outlive its launcher. Listeners that change are drained at
 * once: what policies say comes beside listeners, so a changed one means that its connections are no longer
 * what the operator wants. */
static void become_envoy(const struct options *o, const struct place *p, const sigset_t *old_mask)
{
    struct arena a;
    const char *args[16];
    size_t n = 0;

    arena_init(&a);
    args[n++] = o->binary_path;
    args[n++] = "--config-path";
    args[n++] = p->bootstrap.p;
    args[n++] = "--drain-time-s";
    args[n++] = arena_printf(&a, "%lld", (long long)(o->drain_time_ns / NS_PER_S)).p;
    args[n++] = "--drain-strategy";
    args[n++] = "immediate";
    args[n++] = "--disable-hot-restart";
    args[n++] = "--log-level";
    args[n++] = o->envoy_log_level;
    args[n++] = "--concurrency";
    args[n++] = o->concurrency;
    args[n] = NULL;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    sigprocmask(SIG_SETMASK, old_mask, NULL);
    /* execvp() changes nothing it is given: the cast is POSIX's own historical gap. */
    execvp(o->binary_path, (char *const *)(uintptr_t)args);
    fprintf(stderr, "ursa-dp: cannot run Envoy (%s): %s; say where it is with --binary-path\n",
            o->binary_path, strerror(errno));
    _exit(127);
}

/* Passes signals to Envoy until it ends; its exit status, or 128 + the signal that ended it. */
static int run_envoy(const struct options *o, const struct place *p)
{
    sigset_t signals, old_mask;
    int status;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGUSR1); /* Envoy reopens its logs */
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, &old_mask);
    pid_t envoy = fork();
    if (envoy == 0)
        become_envoy(o, p, &old_mask);
    if (envoy < 0) {
        log_error("dp", "cannot start Envoy error=%m");
        return 1;
    }
    log_info("dp", "Envoy is running pid=%d", (int)envoy);
    while (waitpid(envoy, &status, WNOHANG) != envoy) {
        int sig = sigwaitinfo(&signals, NULL);
        if (sig > 0 && sig != SIGCHLD)
            kill(envoy, sig);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int command_run(int argc, char **argv)
{
    struct arena arena;
    struct options options;
    struct place place = {.temporary = false};
    struct bootstrap bootstrap;
    struct err e;
    enum log_level level;
    int status = 1;

    arena_init(&arena);
    err_init(&e, &arena);
    if (options_read(&options, argc, argv, &arena, &status)) {
        status = 1;
        if (log_level_parse(str_from_c(options.log_level), &level))
            log_set_level(level);
        choose_place(&options, &arena, &place);
        struct str socket = arena_printf(&arena, STR_FMT "/access-log.sock", STR_ARG(place.dir));
        if (bootstrap_fetch(&options, socket, &arena, &bootstrap, &e) == ERR_NONE &&
            make_place(&options, &place, &e) == ERR_NONE &&
            write_bootstrap(&place, bootstrap.yaml, &e) == ERR_NONE) {
            log_info("dp", "bootstrap fetched mesh=" STR_FMT " proxy=" STR_FMT, STR_ARG(bootstrap.mesh),
                     STR_ARG(bootstrap.name));
            status = run_envoy(&options, &place);
        } else {
            fprintf(stderr, "ursa-dp: " STR_FMT "\n", STR_ARG(err_render(&e, &arena)));
        }
        remove_place(&place);
    }
    arena_fini(&arena);
    return status;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "--help";

    if (strcmp(command, "version") == 0 || strcmp(command, "--version") == 0) {
        puts("ursa-dp " URSA_VERSION);
        return 0;
    }
    if (strcmp(command, "run") == 0)
        return command_run(argc - 1, argv + 1);
    char help[] = "--help", *help_args[] = {argv[0], help, NULL};
    command_run(2, help_args);
    return argc > 1 && (strcmp(command, "--help") == 0 || strcmp(command, "help") == 0) ? 0 : 2;
}
