/* export.c -- ursactl export: everything that users wrote, as documents that apply takes back unchanged. What
 * the control plane computes (insights) and when it was written are left out; secrets are, unless they are
 * asked for. */
#include "cli.h"
#include "progress.h"
#include "render.h"
#include "ursa/base/json.h"
#include "ursa/base/yaml.h"

static void print_document(struct cli *cli, json_t *item)
{
    struct arena scratch; /* there may be very many */

    json_object_del(item, "creationTime");
    json_object_del(item, "modificationTime");
    arena_init(&scratch);
    if (cli->options->output == OUTPUT_JSON) {
        render_text(json_format(&scratch, item));
        putchar('\n');
    } else {
        render_text(STR("---\n"));
        render_text(yaml_format(&scratch, item));
    }
    arena_fini(&scratch);
}

static enum err_kind export_list(struct cli *cli, enum res_type type, struct str mesh)
{
    JSON_AUTO list = NULL;
    json_t *item;
    size_t i;

    if (connection_get_list(cli->connection, url_of_type(cli->arena, type, mesh, STR("")),
                            cli_revision_query(cli), -1, -1, cli->arena, &list, &cli->err) != ERR_NONE)
        return cli->err.kind;
    json_array_foreach(json_get(list, "items"), i, item)
    {
        print_document(cli, item);
    }
    return ERR_NONE;
}

static enum err_kind export_mesh(struct cli *cli, struct str mesh)
{
    struct str url = url_of_type(cli->arena, RES_MESH, STR(""), mesh), query = cli_revision_query(cli);
    JSON_AUTO item = NULL;

    if (query.n)
        url = arena_printf(cli->arena, STR_FMT "?" STR_FMT, STR_ARG(url), STR_ARG(query));
    if (connection_get(cli->connection, url, cli->arena, &item, &cli->err) != ERR_NONE) {
        if (cli->err.kind == ERR_NOT_FOUND && query.n == 0)
            cli_not_found(cli, RES_MESH, mesh);
        return cli->err.kind;
    }
    print_document(cli, item);
    return ERR_NONE;
}

static bool is_exported(const struct options *o, enum res_type type)
{
    const struct res_type_info *info = res_type_info(type);

    if (info->traits & RES_READ_ONLY)
        return false;
    if ((info->traits & RES_ADMIN) && !o->with_secrets)
        return false;
    return !o->mesh_given || info->scope == SCOPE_MESH;
}

int run_export(struct cli *cli)
{
    const struct options *o = cli->options;
    struct str mesh = o->mesh_given ? o->mesh : STR("");

    if (cli_connect(cli) != ERR_NONE || (o->mesh_given && export_mesh(cli, mesh) != ERR_NONE))
        return cli_fail(cli);
    for (enum res_type type = 0; type < RES_N_SHOWN; type++)
        if (is_exported(o, type) && export_list(cli, type, mesh) != ERR_NONE)
            return cli_fail(cli);
    return 0;
}
