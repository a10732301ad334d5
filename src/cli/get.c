/* get.c -- ursactl get: resources as tables, YAML or JSON. */
#include "cli.h"
#include "overviews.h"
#include "render.h"
#include "tables.h"
#include "ursa/base/json.h"

/* Proxies and zones know more than is stored of them: the wide table is of their overviews. Of the past only
 * what was stored is known. */
static bool wants_overview(const struct cli *cli, enum res_type type)
{
    return cli->options->output == OUTPUT_WIDE && cli->options->revision < 0 && overview_path(type).n > 0;
}

static struct str url_of(struct cli *cli, enum res_type type, struct str mesh, struct str name)
{
    return wants_overview(cli, type) ? overview_url(cli->arena, type, mesh, name)
                                     : url_of_type(cli->arena, type, mesh, name);
}

static int get_list(struct cli *cli, enum res_type type)
{
    const struct options *o = cli->options;
    struct str mesh = o->all_meshes ? STR("") : o->mesh;
    JSON_AUTO list = NULL;

    if (connection_get_list(cli->connection, url_of(cli, type, mesh, STR("")), cli_revision_query(cli),
                            o->size, o->offset, cli->arena, &list, &cli->err) != ERR_NONE)
        return cli_fail(cli);
    if (render_is_tree(o->output))
        render_tree(cli->arena, list, (enum output)o->output);
    else
        cli_print_list(
            table_of_resources(cli->arena, type, json_get(list, "items"), o->output == OUTPUT_WIDE), list);
    return 0;
}

static int get_one(struct cli *cli, enum res_type type, struct str name)
{
    const struct options *o = cli->options;
    struct str query = cli_revision_query(cli), url = url_of(cli, type, o->mesh, name);
    JSON_AUTO item = NULL;

    if (query.n)
        url = arena_printf(cli->arena, STR_FMT "?" STR_FMT, STR_ARG(url), STR_ARG(query));
    if (connection_get(cli->connection, url, cli->arena, &item, &cli->err) != ERR_NONE) {
        if (cli->err.kind == ERR_NOT_FOUND && query.n == 0) /* else it may be the revision that is gone */
            cli_not_found(cli, type, name);
        return cli_fail(cli);
    }
    if (!render_is_tree(o->output)) {
        JSON_AUTO items = json_pack("[O]", item);
        render_text(table_of_resources(cli->arena, type, items, o->output == OUTPUT_WIDE));
    } else {
        render_tree(cli->arena, item, (enum output)o->output);
    }
    return 0;
}

int run_get(struct cli *cli)
{
    const struct options *o = cli->options;
    enum res_type type;

    if (cli_find_type(cli, cli->arguments[0], &type) != ERR_NONE)
        return cli_misuse(cli, STR_FMT, STR_ARG(cli->err.text));
    if (cli->n_arguments == 2 && (o->all_meshes || o->size >= 0 || o->offset >= 0))
        return cli_misuse(cli, "--all-meshes, --size and --offset are for lists: leave out the name");
    if (cli->n_arguments == 2 && cli->arguments[1].n == 0)
        return cli_misuse(cli, "the name is empty");
    if (cli_connect(cli) != ERR_NONE)
        return cli_fail(cli);
    return cli->n_arguments == 2 ? get_one(cli, type, cli->arguments[1]) : get_list(cli, type);
}
