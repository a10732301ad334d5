/* main.c -- ursactl: finds the command, runs it, answers with its exit status. */
#include <errno.h>
#include <string.h>

#include "cli.h"
#include "complete.h"
#include "progress.h"
#include "render.h"
#include "ursa/base/log.h"
#include "ursa/version.h"

/* In the order of --log-level's words; "off" leaves errors, of which there are none. */
static void set_log_level(int choice)
{
    static const enum log_level levels[] = {LOG_ERROR, LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG};

    log_set_level(levels[choice]);
}

static int run(int argc, char **argv, struct arena *arena)
{
    struct cli cli = {.arena = arena};
    struct parsed parsed;
    int status;

    err_init(&cli.err, arena);
    enum err_kind kind = parse_arguments(argc, argv, arena, &parsed, &cli.err);
    cli.topic = parsed.topic;
    if (kind != ERR_NONE)
        return cli_misuse(&cli, STR_FMT, STR_ARG(cli.err.text));
    if (!parsed.command) {
        bool asked = parsed.options.help;
        help_print(arena, parsed.topic, asked ? stdout : stderr);
        return asked ? 0 : 2;
    }
    set_log_level(parsed.options.log_level);
    cli.options = &parsed.options;
    cli.policy = parsed.policy;
    cli.arguments = parsed.arguments;
    cli.n_arguments = parsed.n_arguments;
    status = parsed.command->run(&cli);
    progress_end();
    connection_close(cli.connection);
    return status;
}

int main(int argc, char **argv)
{
    struct arena arena;
    int status;

    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("ursactl " URSA_VERSION);
        return 0;
    }
    arena_init(&arena);
    if (argc >= 2 && strcmp(argv[1], "__complete") == 0)
        status = complete_main(argc - 1, argv + 1, &arena);
    else
        status = run(argc, argv, &arena);
    arena_fini(&arena);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "Error: cannot write the output: %s\n", strerror(errno));
        status = status ? status : 1;
    }
    return status;
}
