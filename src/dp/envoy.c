/* envoy.c -- see envoy.h. */
#include "envoy.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ursa/base/clock.h"
#include "ursa/base/log.h"

#define MAX_VERSION_OUTPUT 1024

/* ---- its version ---- */

struct envoy_version envoy_version_parse(struct str output, struct arena *a)
{
    struct envoy_version v = {STR("unknown"), STR("unknown")};
    struct str mark = STR("version: "), rest, part;
    size_t at = str_find(output, mark);

    if (at == output.n)
        return v;
    rest = str_trim(str_slice(output, at + mark.n, output.n));
    v.build = rest = arena_str(a, str_slice(rest, 0, str_chr(rest, '\n')));
    rest = str_slice(rest, str_chr(rest, '/') + 1, rest.n);
    if (str_next(&rest, '/', &part) && part.n > 0)
        v.version = part;
    return v;
}

struct envoy_version envoy_version_ask(const char *program, struct arena *a)
{
    char text[MAX_VERSION_OUTPUT];
    size_t n = 0;
    ssize_t got = 1;
    int out[2];

    if (pipe(out) != 0)
        return envoy_version_parse(STR_NONE, a);
    pid_t child = fork();
    if (child == 0) {
        dup2(out[1], STDOUT_FILENO);
        close(out[0]);
        close(out[1]);
        execlp(program, program, "--version", (char *)NULL);
        _exit(127); /* running it for real will say why */
    }
    close(out[1]);
    while (child > 0 && got > 0 && n < sizeof(text)) {
        got = read(out[0], text + n, sizeof(text) - n);
        n += got > 0 ? (size_t)got : 0;
    }
    close(out[0]); /* before waiting: a program that goes on talking ends now */
    if (child > 0)
        waitpid(child, NULL, 0);
    return envoy_version_parse(str_from(text, n), a);
}

/* ---- running it ---- */

/* In the child. Envoy must not outlive its launcher. Listeners that change are drained at
 * once: what policies say comes beside listeners, so a changed one means that its connections are no longer
 * what the operator wants. */
NORETURN static void become_envoy(const struct options *o, const char *bootstrap_file, pid_t parent,
                                  const sigset_t *old_mask)
{
    struct arena a;
    const char *args[16];
    size_t n = 0;

    arena_init(&a);
    args[n++] = o->binary_path;
    args[n++] = "--config-path";
    args[n++] = bootstrap_file;
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
    if (getppid() != parent)
        _exit(1); /* the launcher died before the line above */
    sigprocmask(SIG_SETMASK, old_mask, NULL);
    /* execvp() changes nothing it is given: the cast is POSIX's own historical gap. */
    execvp(o->binary_path, (char *const *)(uintptr_t)args);
    fprintf(stderr, "ursa-dp: cannot run Envoy (%s): %s; say where it is with --binary-path\n",
            o->binary_path, strerror(errno));
    _exit(127);
}

int envoy_run(const struct options *o, const char *bootstrap_file)
{
    sigset_t signals, old_mask;
    pid_t self = getpid();
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
        become_envoy(o, bootstrap_file, self, &old_mask);
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
