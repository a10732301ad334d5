/* inspect.c -- ursactl inspect: proxies, zones, meshes and services with what the control plane knows of
 * them, and one proxy through its Envoy's admin API. The tables are kumactl's. */
#include "inspect.h"

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

int run_inspect_zones(struct cli *cli)
{
    return show_list(cli, overview_url(cli->arena, RES_ZONE, STR(""), STR("")), STR(""), table_of_zones);
}

int run_inspect_zone_ingresses(struct cli *cli)
{
    return show_list(cli, overview_url(cli->arena, RES_ZONE_INGRESS, STR(""), STR("")), STR(""),
                     table_of_zone_proxies);
}

int run_inspect_zone_egresses(struct cli *cli)
{
    return show_list(cli, overview_url(cli->arena, RES_ZONE_EGRESS, STR(""), STR("")), STR(""),
                     table_of_zone_proxies);
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

/* ---- one proxy, one policy ---- */

static bool is_json(const struct client_answer *answer)
{
    return str_has_prefix(answer->content_type, STR("application/json"));
}

/* The answer to a GET as it came, or, when it is JSON that people are to read, as text of 'text_fn'. */
static int show_one(struct cli *cli, struct str url, enum res_type type,
                    struct str (*text_fn)(struct arena *, const json_t *))
{
    struct client_answer answer;
    JSON_AUTO tree = NULL;

    if (cli->arguments[0].n == 0)
        return cli_misuse(cli, "the name is empty");
    if (cli_connect(cli) != ERR_NONE)
        return cli_fail(cli);
    if (connection_send(cli->connection, "GET", url, NULL, STR_NONE, cli->arena, &answer, &cli->err) !=
        ERR_NONE) {
        if (cli->err.kind == ERR_NOT_FOUND && is_json(&answer)) /* else it is the page that is not there */
            cli_not_found(cli, type, cli->arguments[0]);
        return cli_fail(cli);
    }
    if (is_json(&answer) && json_parse(answer.body, &tree, &cli->err) != ERR_NONE)
        return cli_fail(cli);
    if (!tree)
        render_text(answer.body);
    else if (text_fn && !render_is_tree(cli->options->output))
        render_text(text_fn(cli->arena, tree));
    else
        render_tree(cli->arena, tree, cli->options->output == OUTPUT_YAML ? OUTPUT_YAML : OUTPUT_JSON);
    return 0;
}

/* COMPAT: "config-dump" is /xds. */
static const char *const views[] = {"policies", "rules", "xds", "stats", "clusters"};
enum view { VIEW_POLICIES, VIEW_RULES };

int run_inspect_dataplane(struct cli *cli)
{
    static struct str (*const texts[])(struct arena *, const json_t *) = {
        [VIEW_POLICIES] = text_of_policies, [VIEW_RULES] = text_of_rules};
    const char *view = views[cli->options->view];
    struct str base = url_of_type(cli->arena, RES_DATAPLANE, cli->options->mesh, cli->arguments[0]);

    return show_one(cli, arena_printf(cli->arena, STR_FMT "/%s", STR_ARG(base), view), RES_DATAPLANE,
                    (size_t)cli->options->view < ARRAY_LEN(texts) ? texts[cli->options->view] : NULL);
}

/* COMPAT: these paths are not the types' own. */
static int show_zone_proxy(struct cli *cli, enum res_type type, const char *path)
{
    struct str name = url_encode(cli->arena, cli->arguments[0]);

    return show_one(cli,
                    arena_printf(cli->arena, "/%s/" STR_FMT "/%s", path, STR_ARG(name),
                                 views[VIEW_RULES + 1 + cli->options->zone_proxy_view]),
                    type, NULL);
}

int run_inspect_zone_ingress(struct cli *cli)
{
    return show_zone_proxy(cli, RES_ZONE_INGRESS, "zoneingresses");
}

int run_inspect_zone_egress(struct cli *cli)
{
    return show_zone_proxy(cli, RES_ZONE_EGRESS,
                           arena_cstr(cli->arena, res_type_info(RES_ZONE_EGRESS)->path));
}

static int show_attached(struct cli *cli, enum res_type type)
{
    struct str base = url_of_type(cli->arena, type, cli->options->mesh, cli->arguments[0]);

    return show_one(cli, arena_printf(cli->arena, STR_FMT "/dataplanes", STR_ARG(base)), type,
                    text_of_attached);
}

int run_inspect_policy(struct cli *cli)
{
    if (cli->policy == RES_N)
        return cli_misuse(cli, "POLICY stands for a type of policy, such as timeout");
    return show_attached(cli, cli->policy);
}

int run_inspect_meshgateway(struct cli *cli)
{
    return show_attached(cli, RES_MESH_GATEWAY);
}
