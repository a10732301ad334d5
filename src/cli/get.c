/* get.c -- ursactl get: resources as tables, YAML or JSON. */
#include "cli.h"
#include "render.h"
#include "table.h"
#include "tables.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"

#define MAX_COLUMNS 8

/* How a type's table looks; the columns are kumactl's. */
struct columns {
    size_t n;
    const char *headers[MAX_COLUMNS];
    void (*fill)(struct arena *, const json_t *item, struct str *cells); /* all but the last, the age */
};

/* ---- rows ---- */

static void fill_global(struct arena *a, const json_t *item, struct str *cells)
{
    (void)a;
    cells[0] = json_str(json_get(item, "name"));
}

static void fill_scoped(struct arena *a, const json_t *item, struct str *cells)
{
    (void)a;
    cells[0] = json_str(json_get(item, "mesh"));
    cells[1] = json_str(json_get(item, "name"));
}

static void fill_dataplane(struct arena *a, const json_t *item, struct str *cells)
{
    const json_t *networking = json_get(item, "networking");
    struct str advertised = json_str(json_get(networking, "advertisedAddress"));

    fill_scoped(a, item, cells);
    cells[2] = render_dataplane_tags(a, networking);
    cells[3] = advertised.n ? advertised : json_str(json_get(networking, "address"));
}

/* "type/name" of those backends whose name is 'only', or of all when that is empty; "off" for none. */
static struct str backends(struct arena *a, const json_t *group, struct str only)
{
    struct str out = STR("");
    const json_t *backend;
    size_t i;

    json_array_foreach(json_get(group, "backends"), i, backend)
    {
        struct str name = json_str(json_get(backend, "name")), type = json_str(json_get(backend, "type"));
        if (only.n == 0 || str_eq(name, only))
            out = arena_printf(a, STR_FMT "%s" STR_FMT "/" STR_FMT, STR_ARG(out), out.n ? ", " : "",
                               STR_ARG(type), STR_ARG(name));
    }
    return out.n ? out : STR("off");
}

/* The backend that 'enabledBackend' names. */
static struct str enabled_backend(struct arena *a, const json_t *group)
{
    struct str name = json_str(json_get(group, "enabledBackend"));

    return name.n ? backends(a, group, name) : STR("off");
}

static struct str on_off(const json_t *value)
{
    return json_is_true(value) ? STR("on") : STR("off");
}

static void fill_mesh(struct arena *a, const json_t *item, struct str *cells)
{
    const json_t *routing = json_get(item, "routing");

    cells[0] = json_str(json_get(item, "name"));
    cells[1] = enabled_backend(a, json_get(item, "mtls"));
    cells[2] = enabled_backend(a, json_get(item, "metrics"));
    cells[3] = backends(a, json_get(item, "logging"), STR(""));
    cells[4] = backends(a, json_get(item, "tracing"), STR(""));
    cells[5] = on_off(json_get(routing, "localityAwareLoadBalancing"));
    cells[6] = on_off(json_get(routing, "zoneEgress"));
}

static const struct columns *columns_of(enum res_type type)
{
    static const struct columns global = {2, {"NAME", "AGE"}, fill_global},
                                scoped = {3, {"MESH", "NAME", "AGE"}, fill_scoped},
                                dataplane = {5, {"MESH", "NAME", "TAGS", "ADDRESS", "AGE"}, fill_dataplane},
                                mesh = {8,
                                        {"NAME", "mTLS", "METRICS", "LOGGING", "TRACING", "LOCALITY",
                                         "ZONEEGRESS", "AGE"},
                                        fill_mesh};

    if (type == RES_MESH)
        return &mesh;
    if (type == RES_DATAPLANE)
        return &dataplane;
    return res_type_info(type)->scope == SCOPE_MESH ? &scoped : &global;
}

static void add_row(struct table *t, const struct columns *c, const json_t *item)
{
    struct str cells[MAX_COLUMNS] = {{NULL, 0}};

    c->fill(t->arena, item, cells);
    cells[c->n - 1] = render_ago(t->arena, json_str(json_get(item, "modificationTime")), clock_wall_ns());
    table_add(t, cells);
}

/* ---- the command ---- */

struct str table_of_resources(struct arena *a, enum res_type type, const json_t *items)
{
    const struct columns *columns = columns_of(type);
    const json_t *item;
    struct table table;
    size_t i;

    table_init(&table, a, columns->n, columns->headers);
    json_array_foreach(items, i, item)
    {
        add_row(&table, columns, item);
    }
    return table_render(&table);
}

static void print_list(struct cli *cli, enum res_type type, const json_t *list)
{
    int64_t next = next_offset(json_str(json_get(list, "next")));

    render_text(table_of_resources(cli->arena, type, json_get(list, "items")));
    if (next >= 0)
        printf("\nRerun command with --offset=%lld argument to retrieve more resources\n", (long long)next);
}

static int get_list(struct cli *cli, enum res_type type)
{
    const struct options *o = cli->options;
    struct str mesh = o->all_meshes ? STR("") : o->mesh;
    JSON_AUTO list = NULL;

    if (connection_get_list(cli->connection, url_of_type(cli->arena, type, mesh, STR("")), STR(""), o->size,
                            o->offset, cli->arena, &list, &cli->err) != ERR_NONE)
        return cli_fail(cli);
    if (o->output == OUTPUT_TABLE)
        print_list(cli, type, list);
    else
        render_tree(cli->arena, list, (enum output)o->output);
    return 0;
}

static int get_one(struct cli *cli, enum res_type type, struct str name)
{
    const struct options *o = cli->options;
    JSON_AUTO item = NULL;

    if (connection_get(cli->connection, url_of_type(cli->arena, type, o->mesh, name), cli->arena, &item,
                       &cli->err) != ERR_NONE) {
        if (cli->err.kind == ERR_NOT_FOUND)
            cli_not_found(cli, type, name);
        return cli_fail(cli);
    }
    if (o->output == OUTPUT_TABLE) {
        JSON_AUTO items = json_pack("[O]", item);
        render_text(table_of_resources(cli->arena, type, items));
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
