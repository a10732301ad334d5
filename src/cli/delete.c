/* delete.c -- ursactl delete. */
#include "cli.h"

int run_delete(struct cli *cli)
{
    struct str name = cli->arguments[1], mesh;
    struct client_answer answer;
    enum res_type type;

    if (cli_find_type(cli, cli->arguments[0], &type) != ERR_NONE)
        return cli_misuse(cli, STR_FMT, STR_ARG(cli->err.text));
    if (name.n == 0)
        return cli_misuse(cli, "the name is empty");
    if (cli_connect(cli) != ERR_NONE)
        return cli_fail(cli);
    if (connection_send(cli->connection, "DELETE", url_of_type(cli->arena, type, cli->options->mesh, name),
                        NULL, STR_NONE, cli->arena, &answer, &cli->err) != ERR_NONE) {
        if (cli->err.kind == ERR_NOT_FOUND)
            cli_not_found(cli, type, name);
        return cli_fail(cli);
    }
    mesh = res_type_info(type)->scope == SCOPE_MESH ? cli->options->mesh : STR("");
    printf(STR_FMT " deleted\n", STR_ARG(cli_resource_label(cli->arena, type, mesh, name)));
    return 0;
}
