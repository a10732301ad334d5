/* backup.c -- ursactl backup and restore: the store as one file. Taking it is the running control plane's,
 * putting it back is ursa-cp's own, since nobody may use a store meanwhile (docs/decisions/0012). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "progress.h"
#include "ursa/base/rand.h"

#define MEDIA_TYPE "application/vnd.sqlite3"
#define MAGIC "SQLite format 3" /* and its NUL */

struct backup {
    int fd;
    uint64_t n; /* bytes so far */
    uint8_t start[sizeof(MAGIC)];
    int fault; /* errno of a write that failed */
};

static bool take(void *ctx, const void *p, size_t n)
{
    struct backup *b = ctx;
    const uint8_t *at = p;

    for (size_t i = 0; i < n && b->n + i < sizeof(b->start); i++)
        b->start[b->n + i] = at[i];
    b->n += n;
    while (n > 0) {
        ssize_t written = write(b->fd, at, n);
        if (written < 0 && errno != EINTR) {
            b->fault = errno;
            return false;
        }
        if (written > 0) {
            at += written;
            n -= (size_t)written;
        }
    }
    progress_show("%llu MiB so far ...", (unsigned long long)(b->n >> 20));
    return true;
}

/* Into an open file; whole and on disk, or an error. */
static enum err_kind fetch(struct cli *cli, struct backup *b, struct str name)
{
    struct err *e = &cli->err;

    enum err_kind kind =
        connection_stream(cli->connection, "POST", STR("/backup"), MEDIA_TYPE, NULL, take, b, cli->arena, e);
    progress_end();
    if (b->fault) {
        errno = b->fault;
        return err_set(e, ERR_IO, STR_FMT ": %m", STR_ARG(name));
    }
    if (kind != ERR_NONE)
        return kind;
    if (b->n < sizeof(MAGIC) || memcmp(b->start, MAGIC, sizeof(MAGIC)) != 0)
        return err_set(e, ERR_MALFORMED, "what the control plane answers is no backup");
    if (fsync(b->fd) != 0 && errno != EINVAL && errno != EROFS) /* a pipe cannot */
        return err_set(e, ERR_IO, STR_FMT ": %m", STR_ARG(name));
    return ERR_NONE;
}

static int backup_to_stdout(struct cli *cli)
{
    struct backup b = {.fd = STDOUT_FILENO};

    if (isatty(STDOUT_FILENO))
        return cli_misuse(cli, "a backup is no text: name a file, or send it to another program");
    return fetch(cli, &b, STR("standard output")) == ERR_NONE ? 0 : cli_fail(cli);
}

/* Nobody else may read it, though its secrets are sealed. It takes its place when it is whole. */
int run_backup(struct cli *cli)
{
    struct str file = cli->arguments[0];
    struct str fresh =
        arena_printf(cli->arena, STR_FMT ".%016llx", STR_ARG(file), (unsigned long long)rand_u64());
    struct backup b = {.fd = -1};

    if (cli_connect(cli) != ERR_NONE)
        return cli_fail(cli);
    if (str_eq(file, STR("-")))
        return backup_to_stdout(cli);
    b.fd = open(fresh.p, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (b.fd < 0) {
        err_set(&cli->err, ERR_IO, STR_FMT ": %m", STR_ARG(file));
        return cli_fail(cli);
    }
    bool good = fetch(cli, &b, file) == ERR_NONE;
    close(b.fd);
    if (good && rename(fresh.p, arena_cstr(cli->arena, file)) != 0) {
        err_set(&cli->err, ERR_IO, STR_FMT ": %m", STR_ARG(file));
        good = false;
    }
    if (!good) {
        unlink(fresh.p);
        return cli_fail(cli);
    }
    printf("Backup of %llu bytes saved in " STR_FMT "\n"
           "Its secrets are sealed: restoring it takes the control plane's key file (store.sealKeyFile), so "
           "keep a copy of that elsewhere\n",
           (unsigned long long)b.n, STR_ARG(file));
    return 0;
}

/* ---- restore ---- */

/* The ursa-cp beside this program, else the one on the PATH. */
static struct str find_daemon(struct arena *a)
{
    char *self = realpath("/proc/self/exe", NULL);
    struct str path = self ? str_from_c(self) : STR("");
    struct str beside = arena_printf(a, STR_FMT "/ursa-cp", STR_ARG(str_slice(path, 0, str_rchr(path, '/'))));

    free(self);
    return access(beside.p, X_OK) == 0 ? beside : STR("ursa-cp");
}

int run_restore(struct cli *cli)
{
    char program[] = "ursa-cp", command[] = "restore", from[] = "--from", config[] = "--config-file";
    char *argv[] = {program, command, from, arena_cstr(cli->arena, cli->arguments[0]), NULL, NULL, NULL};

    if (cli->options->daemon_config.n) {
        argv[4] = config;
        argv[5] = arena_cstr(cli->arena, cli->options->daemon_config);
    }
    execvp(find_daemon(cli->arena).p, argv);
    err_set(&cli->err, ERR_IO, "ursa-cp restore: %m; it runs where the store is, as the user that owns it");
    return cli_fail(cli);
}
