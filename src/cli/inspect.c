/* inspect.c -- ursactl inspect: proxies, meshes and services with what the control plane knows of them. The
 * tables are kumactl's. */
#include "cli.h"
#include "overviews.h"
#include "render.h"
#include "table.h"
#include "tables.h"
#include "ursa/base/json.h"

/* Every item of a list, as a table or as it is. */
static int show_list(struct cli *cli, struct str path, struct str query,
                     struct str (*table_fn)(struct arena *, const json_t *items))
{
    JSON_AUTO list = NULL;

    if (cli_connect(cli) != ERR_NONE ||
        connection_get_list(cli->connection, path, query, -1, -1, cli->arena, &list, &cli->err) != ERR_NONE)
        return cli_fail(cli);
    if (render_is_tree(cli->options->output))
        render_tree(cli->arena, list, (enum output)cli->options->output);
    else
        render_text(table_fn(cli->arena, json_get(list, "items")));
    return 0;
}

/* ---- lists ---- */

/* COMPAT: a tag is "key:value" in the query. */
static struct str dataplane_query(struct cli *cli)
{
    const struct options *o = cli->options;
    struct str query = o->gateway ? STR("gateway=true") : STR("");

    for (size_t i = 0; i < o->tags.n; i++) {
        const struct pair *tag = &o->tags.v[i];
        struct str text =
            arena_printf(cli->arena, STR_FMT ":" STR_FMT, STR_ARG(tag->key), STR_ARG(tag->value));
        query = arena_printf(cli->arena, STR_FMT "%stag=" STR_FMT, STR_ARG(query), query.n ? "&" : "",
                             STR_ARG(url_encode(cli->arena, text)));
    }
    if (o->ingress) /* COMPAT: kumactl sends it, nobody reads it */
        query = arena_printf(cli->arena, STR_FMT "%singress=true", STR_ARG(query), query.n ? "&" : "");
    return query;
}

static struct str wanted_mesh(const struct cli *cli)
{
    return cli->options->all_meshes ? STR("") : cli->options->mesh;
}

int run_inspect_dataplanes(struct cli *cli)
{
    return show_list(cli, overview_url(cli->arena, RES_DATAPLANE, wanted_mesh(cli), STR("")),
                     dataplane_query(cli), table_of_dataplanes);
}

int run_inspect_meshes(struct cli *cli)
{
    return show_list(cli, url_of_type(cli->arena, RES_MESH_INSIGHT, STR(""), STR("")), STR(""),
                     table_of_meshes);
}

int run_inspect_services(struct cli *cli)
{
    return show_list(cli, url_of_type(cli->arena, RES_SERVICE_INSIGHT, wanted_mesh(cli), STR("")), STR(""),
                     table_of_services);
}
