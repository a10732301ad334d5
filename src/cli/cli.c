/* cli.c -- see cli.h. */
#include "cli.h"

#include <stdarg.h>

#include "render.h"
#include "ursa/base/json.h"

enum err_kind cli_connect(struct cli *cli)
{
    if (cli->connection)
        return ERR_NONE;
    return connection_open(cli->options, cli->arena, &cli->connection, &cli->err);
}

int cli_fail(struct cli *cli)
{
    render_error(&cli->err);
    return 1;
}

int cli_misuse(const struct cli *cli, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    struct str text = arena_vprintf(cli->arena, fmt, args);
    va_end(args);
    fprintf(stderr, "Error: " STR_FMT "\n'ursactl help%s" STR_FMT "' tells more\n", STR_ARG(text),
            cli->topic.n ? " " : "", STR_ARG(cli->topic));
    return 2;
}

enum err_kind cli_find_type(struct cli *cli, struct str word, enum res_type *type)
{
    struct str words[2 * RES_N_SHOWN], all = STR("");

    *type = res_type_by_cli(word);
    if (*type != RES_N)
        return ERR_NONE;
    for (unsigned i = 0; i < RES_N_SHOWN; i++) {
        const struct res_type_info *info = res_type_info((enum res_type)i);
        words[2 * i] = info->cli;
        words[2 * i + 1] = info->cli_plural;
        all = arena_printf(cli->arena, STR_FMT "%s" STR_FMT, STR_ARG(all), i ? ", " : "", STR_ARG(info->cli));
    }
    return err_set(&cli->err, ERR_INVALID, "there is no type \"" STR_FMT "\"" STR_FMT "\nTypes: " STR_FMT,
                   STR_ARG(word), STR_ARG(suggest_text(cli->arena, word, words, ARRAY_LEN(words))),
                   STR_ARG(all));
}

struct str cli_resource_label(struct arena *a, enum res_type type, struct str mesh, struct str name)
{
    struct str word = type == RES_N ? STR("") : res_type_info(type)->cli;

    return arena_printf(a, STR_FMT "%s" STR_FMT "%s" STR_FMT, STR_ARG(word), word.n && mesh.n ? "/" : "",
                        STR_ARG(mesh), (word.n || mesh.n) && name.n ? "/" : "", STR_ARG(name));
}

void cli_not_found(struct cli *cli, enum res_type type, struct str name)
{
    const struct res_type_info *info = res_type_info(type);
    bool scoped = info->scope == SCOPE_MESH;

    err_init(&cli->err, cli->arena);
    err_set(&cli->err, ERR_NOT_FOUND, "there is no " STR_FMT " with name \"" STR_FMT "\"%s" STR_FMT "%s",
            STR_ARG(info->name), STR_ARG(name), scoped ? " in mesh \"" : "",
            STR_ARG(scoped ? cli->options->mesh : STR("")), scoped ? "\"" : "");
}

struct str cli_revision_query(const struct cli *cli)
{
    if (cli->options->revision < 0)
        return STR("");
    return arena_printf(cli->arena, "revision=%lld", (long long)cli->options->revision);
}

void cli_print_list(struct str table, const json_t *list)
{
    int64_t next = next_offset(json_str(json_get(list, "next")));

    render_text(table);
    if (next >= 0)
        printf("\nRerun command with --offset=%lld argument to retrieve more resources\n", (long long)next);
}
