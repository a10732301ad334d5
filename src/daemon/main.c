/* main.c -- ursa-cp's command line. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "check.h"
#include "examine.h"
#include "man.h"
#include "restore.h"
#include "rotate.h"
#include "run.h"
#include "ursa/version.h"

extern char **environ;

static const char usage_text[] =
    "usage: ursa-cp run [--config-file FILE]   run the control plane\n"
    "       ursa-cp restore --from FILE [--config-file FILE]\n"
    "                                         put a backup in place of the store; the old one is kept beside "
    "it\n"
    "       ursa-cp seal rotate [--config-file FILE]\n"
    "                                         put a new key in front of those that the store is sealed with\n"
    "       ursa-cp check FILE|DIR|-...       check resources as the API would, without one\n"
    "       ursa-cp doctor [-o text|json] [--config-file FILE]\n"
    "                                         what is wrong or soon will be, with its remedy: of the control "
    "plane that\n"
    "                                         runs, else of the store and the settings alone\n"
    "       ursa-cp settings                  print every setting with its default, as a configuration "
    "file\n"
    "       ursa-cp version                   print the version\n";

static void usage(FILE *out)
{
    fputs(usage_text, out);
}

/* False after telling every fault. */
static bool load(const char *file, struct arena *arena, struct config *config)
{
    struct err e;

    err_init(&e, arena);
    if (config_load(file, environ, arena, config, &e) == ERR_NONE) {
        log_set_level(config->log_level);
        log_set_json(config->log_json);
        return true;
    }
    if (e.text.n)
        fprintf(stderr, "ursa-cp: " STR_FMT "\n", STR_ARG(e.text));
    for (size_t i = 0; i < e.n_causes; i++)
        fprintf(stderr, "ursa-cp: " STR_FMT ": " STR_FMT "\n", STR_ARG(e.causes[i].field),
                STR_ARG(e.causes[i].reason));
    return false;
}

/* Keys live in this memory: no core files, and nobody but root may look into it. */
static void hide_memory(void)
{
    const struct rlimit none = {0};

    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0)
        log_warn("daemon", "cannot forbid core files, which would hold keys error=%m");
}

enum command { RUN, RESTORE, SEAL_ROTATE };

/* Those that need the configuration. Restoring also needs --from. Exit status 2: the command line or the
 * configuration is at fault, nothing was touched. */
static int command_with_config(int argc, char **argv, enum command command)
{
    bool restores = command == RESTORE;
    static const struct option options[] = {{"config-file", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"from", required_argument, NULL, 'f'},
                                            {0}};
    static const struct option without_from[] = {
        {"config-file", required_argument, NULL, 'c'}, {"help", no_argument, NULL, 'h'}, {0}};
    const char *file = NULL, *from = NULL;
    struct arena arena;
    struct config config;
    int status = 2, option;

    optind = command == SEAL_ROTATE ? 3 : 2; /* behind the command */
    while ((option = getopt_long(argc, argv, "c:h", restores ? options : without_from, NULL)) != -1) {
        if (option == 'c') {
            file = optarg;
        } else if (option == 'f') {
            from = optarg;
        } else {
            usage(option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    if (optind < argc || (restores && !from)) {
        if (optind < argc)
            fprintf(stderr, "ursa-cp: unexpected argument %s\n", argv[optind]);
        else
            fputs("ursa-cp: restore needs --from FILE, the backup\n", stderr);
        return 2;
    }
    arena_init(&arena);
    bool loaded = load(file, &arena, &config);
    if (loaded && !config.allow_core_dumps)
        hide_memory();
    if (loaded)
        status = restores                 ? restore_run(&config, from)
                 : command == SEAL_ROTATE ? rotate_run(&config)
                                          : daemon_run(&config, file);
    arena_fini(&arena);
    return status;
}

static int command_doctor(int argc, char **argv)
{
    static const struct option options[] = {{"config-file", required_argument, NULL, 'c'},
                                            {"output", required_argument, NULL, 'o'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *file = NULL, *output = "text";
    struct arena arena;
    struct config config;
    int status = 2, option;

    optind = 2; /* behind the command */
    while ((option = getopt_long(argc, argv, "c:o:h", options, NULL)) != -1) {
        if (option == 'c') {
            file = optarg;
        } else if (option == 'o' && (strcmp(optarg, "text") == 0 || strcmp(optarg, "json") == 0)) {
            output = optarg;
        } else {
            usage(option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "ursa-cp: unexpected argument %s\n", argv[optind]);
        return 2;
    }
    arena_init(&arena);
    if (load(file, &arena, &config))
        status = examine_run(&config, strcmp(output, "json") == 0);
    arena_fini(&arena);
    return status;
}

static void write_man(struct buf *out)
{
    man_write(out, str_from_c(usage_text));
}

static int print(void (*write_fn)(struct buf *))
{
    struct buf out;

    buf_init(&out, 1u << 20);
    write_fn(&out);
    bool written = fwrite(out.p, 1, out.n, stdout) == out.n && fflush(stdout) == 0;
    buf_fini(&out);
    if (!written)
        perror("ursa-cp: standard output");
    return written ? 0 : 1;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";

    if (strcmp(command, "run") == 0)
        return command_with_config(argc, argv, RUN);
    if (strcmp(command, "restore") == 0)
        return command_with_config(argc, argv, RESTORE);
    if (strcmp(command, "seal") == 0 && argc > 2 && strcmp(argv[2], "rotate") == 0)
        return command_with_config(argc, argv, SEAL_ROTATE);
    if (strcmp(command, "check") == 0)
        return check_command(argc, argv);
    if (strcmp(command, "doctor") == 0)
        return command_doctor(argc, argv);
    if (strcmp(command, "settings") == 0)
        return print(config_write_sample);
    if (strcmp(command, "man") == 0)
        return print(write_man);
    if (strcmp(command, "version") == 0 || strcmp(command, "--version") == 0) {
        puts("ursa-cp " URSA_VERSION);
        return 0;
    }
    bool asked = strcmp(command, "--help") == 0 || strcmp(command, "-h") == 0 || strcmp(command, "help") == 0;
    usage(asked ? stdout : stderr);
    return asked ? 0 : 2;
}
