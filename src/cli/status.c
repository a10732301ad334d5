/* status.c -- ursactl status, and apply --wait: which proxies have a revision, and who has not and why. */
#include "status.h"

#include "cli.h"
#include "progress.h"
#include "render.h"
#include "table.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"

#define MAX_WAIT_NS (5 * 60 * NS_PER_S) /* what the control plane waits at most */
#define ANSWER_NS (10 * NS_PER_S)       /* for the answer itself */

static long long number(const json_t *o, const char *key)
{
    return (long long)json_integer_value(json_get(o, key));
}

struct str status_text(struct arena *a, const json_t *answer)
{
    static const char *const headers[] = {"MESH", "NAME", "STATE", "REASON"};
    const json_t *proxies = json_get(answer, "proxies"), *laggard;
    struct table table;
    size_t i;
    struct str text = arena_printf(a, "revision %lld: %s by %lld of %lld proxies", number(answer, "revision"),
                                   json_is_true(json_get(answer, "applied")) ? "applied" : "not yet applied",
                                   number(proxies, "applied"), number(proxies, "total"));

    if (number(proxies, "total") == 0)
        text = arena_printf(a, "revision %lld: applied, for no proxy is online", number(answer, "revision"));
    if (number(proxies, "pending") || number(proxies, "refused"))
        text = arena_printf(a, STR_FMT " (%lld pending, %lld refused)", STR_ARG(text),
                            number(proxies, "pending"), number(proxies, "refused"));
    if (json_array_size(json_get(answer, "laggards")) == 0)
        return arena_printf(a, STR_FMT "\n", STR_ARG(text));
    table_init(&table, a, ARRAY_LEN(headers), headers);
    json_array_foreach(json_get(answer, "laggards"), i, laggard)
    {
        struct str cells[ARRAY_LEN(headers)] = {
            json_str(json_get(laggard, "mesh")), json_str(json_get(laggard, "name")),
            json_str(json_get(laggard, "state")), json_str(json_get(laggard, "reason"))};
        table_add(&table, cells);
    }
    return arena_printf(a, STR_FMT "\n\n" STR_FMT, STR_ARG(text), STR_ARG(table_render(&table)));
}

static struct str status_url(struct cli *cli, int64_t revision, int64_t wait_ns)
{
    const struct options *o = cli->options;
    struct arena *a = cli->arena;
    struct str query = query_add(a, STR(""), "mesh", o->mesh_given ? o->mesh : STR(""));

    query = query_add(a, query, "revision",
                      revision >= 0 ? arena_printf(a, "%lld", (long long)revision) : STR(""));
    query = query_add(a, query, "wait", wait_ns >= 0 ? duration_format_go(a, wait_ns) : STR(""));
    return arena_printf(a, "/status%s" STR_FMT, query.n ? "?" : "", STR_ARG(query));
}

int status_show(struct cli *cli, int64_t revision, int64_t wait_ns)
{
    JSON_AUTO answer = NULL;

    if (wait_ns > MAX_WAIT_NS)
        return cli_misuse(cli, "--wait: the control plane waits 5m at most");
    if (cli_connect(cli) != ERR_NONE)
        return cli_fail(cli);
    if (wait_ns >= 0) {
        connection_allow(cli->connection, wait_ns + ANSWER_NS);
        progress_show("waiting for the proxies ...");
    }
    enum err_kind kind =
        connection_get(cli->connection, status_url(cli, revision, wait_ns), cli->arena, &answer, &cli->err);
    progress_end();
    if (kind != ERR_NONE)
        return cli_fail(cli);
    if (render_is_tree(cli->options->output))
        render_tree(cli->arena, answer, (enum output)cli->options->output);
    else
        render_text(status_text(cli->arena, answer));
    return json_is_true(json_get(answer, "applied")) ? 0 : 1;
}

int run_status(struct cli *cli)
{
    return status_show(cli, cli->options->revision, cli->options->wait_ns);
}
