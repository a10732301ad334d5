/* history.c -- ursactl history: who changed what and when. */
#include "history.h"

#include "cli.h"
#include "columns.h"
#include "render.h"
#include "ursa/base/buf.h"
#include "ursa/base/json.h"

#define SHOWN_CHANGES 3 /* of a revision in a table that is not wide */

static struct str revision_cell(struct arena *a, const json_t *item)
{
    return arena_printf(a, "%lld", (long long)json_integer_value(json_get(item, "revision")));
}

static struct str time_cell(struct arena *a, const json_t *item)
{
    return render_date(a, json_str(json_get(item, "time")));
}

static struct str author_cell(struct arena *a, const json_t *item)
{
    struct str author = json_str(json_get(item, "author"));

    (void)a;
    return author.n ? author : STR("-");
}

static struct str origin_cell(struct arena *a, const json_t *item)
{
    (void)a;
    return json_str(json_get(item, "origin"));
}

/* The control plane tells of so many changes of one revision, and how many more there are. */
static struct str changes_text(struct arena *a, const json_t *item, size_t max)
{
    const json_t *changes = json_get(item, "changes"), *change;
    size_t n = json_array_size(changes), i;
    json_int_t n_more = json_integer_value(json_get(item, "omitted"));
    struct buf out;

    buf_init(&out, SIZE_MAX);
    json_array_foreach(changes, i, change)
    {
        struct str label =
            cli_resource_label(a, res_type_by_name(json_str(json_get(change, "type"))),
                               json_str(json_get(change, "mesh")), json_str(json_get(change, "name")));
        if (i == max)
            break;
        buf_printf(&out, "%s" STR_FMT " " STR_FMT, i ? ", " : "", STR_ARG(json_str(json_get(change, "op"))),
                   STR_ARG(label));
    }
    n_more += n > max ? (json_int_t)(n - max) : 0;
    if (n_more)
        buf_printf(&out, " and %lld more", (long long)n_more);
    struct str text = arena_str(a, buf_str(&out));
    buf_fini(&out);
    return text;
}

static struct str some_changes_cell(struct arena *a, const json_t *item)
{
    return changes_text(a, item, SHOWN_CHANGES);
}

static struct str all_changes_cell(struct arena *a, const json_t *item)
{
    return changes_text(a, item, SIZE_MAX);
}

struct str table_of_history(struct arena *a, const json_t *items, bool wide)
{
    const struct column columns[] = {{"REVISION", revision_cell, false},
                                     {"TIME", time_cell, false},
                                     {"AUTHOR", author_cell, false},
                                     {"ORIGIN", origin_cell, false},
                                     {"CHANGES", wide ? all_changes_cell : some_changes_cell, false},
                                     {0}};

    return columns_render(a, columns, items, wide);
}

int run_history(struct cli *cli)
{
    const struct options *o = cli->options;
    struct str query = query_add(cli->arena, STR(""), "mesh", o->mesh_given ? o->mesh : STR(""));
    enum res_type type;
    JSON_AUTO list = NULL;

    if (cli->n_arguments > 0) {
        if (cli_find_type(cli, cli->arguments[0], &type) != ERR_NONE)
            return cli_misuse(cli, STR_FMT, STR_ARG(cli->err.text));
        query = query_add(cli->arena, query, "type", res_type_info(type)->name);
    }
    if (cli->n_arguments > 1)
        query = query_add(cli->arena, query, "name", cli->arguments[1]);
    if (cli_connect(cli) != ERR_NONE ||
        connection_get_list(cli->connection, STR("/history"), query, o->size, o->offset, cli->arena, &list,
                            &cli->err) != ERR_NONE)
        return cli_fail(cli);
    if (render_is_tree(o->output))
        render_tree(cli->arena, list, (enum output)o->output);
    else
        cli_print_list(table_of_history(cli->arena, json_get(list, "items"), o->output == OUTPUT_WIDE), list);
    return 0;
}
