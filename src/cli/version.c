/* version.c -- ursactl version. */
#include "ursa/version.h"
#include "cli.h"
#include "render.h"
#include "ursa/base/json.h"

int run_version(struct cli *cli)
{
    JSON_AUTO index = NULL;

    puts("Client: Ursa " URSA_VERSION);
    fflush(stdout);
    if (cli_connect(cli) != ERR_NONE ||
        connection_get(cli->connection, STR("/"), cli->arena, &index, &cli->err) != ERR_NONE)
        return cli_fail(cli);
    struct str own = json_str(json_get(index, "ursaVersion")), kuma = json_str(json_get(index, "version"));
    if (cli->options->detailed)
        printf("Server: " STR_FMT, STR_ARG(json_format_pretty(cli->arena, index)));
    else if (own.n)
        printf("Server: Ursa " STR_FMT " (compatible with Kuma " STR_FMT ")\n", STR_ARG(own), STR_ARG(kuma));
    else
        printf("Server: " STR_FMT " " STR_FMT "\n", STR_ARG(json_str(json_get(index, "tagline"))),
               STR_ARG(kuma));
    return 0;
}
