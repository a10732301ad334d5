/* rollback.c -- ursactl rollback: the state of a revision is the state again. */
#include "rollback.h"

#include "cli.h"
#include "render.h"
#include "ursa/base/buf.h"
#include "ursa/base/json.h"

static void add_item(struct buf *out, struct arena *a, const json_t *item, const char *note)
{
    struct str reason = json_str(json_get(item, "reason"));
    struct str label = cli_resource_label(a, res_type_by_name(json_str(json_get(item, "type"))),
                                          json_str(json_get(item, "mesh")), json_str(json_get(item, "name")));

    buf_printf(out, STR_FMT " " STR_FMT "%s%s" STR_FMT "\n", STR_ARG(label),
               STR_ARG(json_str(json_get(item, "outcome"))), note, reason.n ? ": " : "", STR_ARG(reason));
}

struct str text_of_rollback(struct arena *a, const json_t *answer)
{
    bool dry = json_is_true(json_get(answer, "dryRun"));
    json_int_t n_omitted = json_integer_value(json_get(answer, "omitted"));
    const json_t *items = json_get(answer, "items"), *item;
    struct buf out;
    size_t i;

    buf_init(&out, SIZE_MAX);
    json_array_foreach(items, i, item)
    {
        add_item(&out, a, item, dry ? " (dry run)" : "");
    }
    if (n_omitted)
        buf_printf(&out, "and %lld more\n", (long long)n_omitted);
    if (json_array_size(items) == 0)
        buf_printf(&out, "nothing to change\n");
    else if (dry)
        buf_printf(&out, "nothing was changed (dry run)\n");
    else
        buf_printf(&out, "revision %lld\n", (long long)json_integer_value(json_get(answer, "revision")));
    struct str text = arena_str(a, buf_str(&out));
    buf_fini(&out);
    return text;
}

int run_rollback(struct cli *cli)
{
    const struct options *o = cli->options;
    struct str query = arena_printf(cli->arena, "to=%lld", (long long)o->to);
    struct client_answer answer;
    JSON_AUTO tree = NULL;

    query = query_add(cli->arena, query, "mesh", o->mesh_given ? o->mesh : STR(""));
    query = query_add(cli->arena, query, "dryRun", o->dry_run ? STR("true") : STR(""));
    if (cli_connect(cli) != ERR_NONE ||
        connection_send(cli->connection, "POST",
                        arena_printf(cli->arena, "/rollback?" STR_FMT, STR_ARG(query)), NULL, STR_NONE,
                        cli->arena, &answer, &cli->err) != ERR_NONE ||
        json_parse(answer.body, &tree, &cli->err) != ERR_NONE)
        return cli_fail(cli);
    if (render_is_tree(o->output))
        render_tree(cli->arena, tree, (enum output)o->output);
    else
        render_text(text_of_rollback(cli->arena, tree));
    return 0;
}
