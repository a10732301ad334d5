/* rotate.c -- ursactl rotate ca: asks for another root, and tells how the mesh's proxies are led to it. */
#include "rotate.h"

#include <time.h>

#include "cli.h"
#include "progress.h"
#include "render.h"
#include "table.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"

#define WAIT_NS (5 * 60 * NS_PER_S) /* without --wait */
#define LOOK_NS (300 * NS_PER_MS)   /* a step takes longer than that */

/* "ca-1 (3b3687c5)": a backend that got a new root has two of one name for a while. */
static struct str authority_name(struct arena *a, const json_t *authority)
{
    const json_t *root = json_array_get(json_get(authority, "roots"), 0);

    return arena_printf(a, STR_FMT " (" STR_FMT ")", STR_ARG(json_str(json_get(authority, "backend"))),
                        STR_ARG(str_slice(json_str(json_get(root, "fingerprint")), 0, 8)));
}

struct str posture_line(struct arena *a, const json_t *posture)
{
    const json_t *issuer = json_get(posture, "issuer"), *trusted = json_get(posture, "trusted"), *authority;
    struct str text =
        arena_printf(a, "serve " STR_FMT ", dial " STR_FMT, STR_ARG(json_str(json_get(posture, "serve"))),
                     STR_ARG(json_str(json_get(posture, "dial"))));
    size_t i;

    if (!issuer)
        return text;
    text = arena_printf(a, STR_FMT ", issue from " STR_FMT ", trust", STR_ARG(text),
                        STR_ARG(authority_name(a, issuer)));
    json_array_foreach(trusted, i, authority) text = arena_printf(
        a, STR_FMT "%s " STR_FMT, STR_ARG(text), i ? " and" : "", STR_ARG(authority_name(a, authority)));
    return text;
}

struct str laggards_table(struct arena *a, const json_t *answer)
{
    static const char *const headers[] = {"NAME", "STATE", "REASON"};
    const json_t *laggards = json_get(answer, "laggards"), *laggard;
    struct table table;
    size_t i;

    table_init(&table, a, ARRAY_LEN(headers), headers);
    json_array_foreach(laggards, i, laggard)
    {
        struct str cells[ARRAY_LEN(headers)] = {json_str(json_get(laggard, "name")),
                                                json_str(json_get(laggard, "state")),
                                                json_str(json_get(laggard, "reason"))};
        table_add(&table, cells);
    }
    return table_render(&table);
}

static struct str ca_url(struct cli *cli)
{
    return arena_printf(cli->arena, "/meshes/" STR_FMT "/ca",
                        STR_ARG(url_encode(cli->arena, cli->options->mesh)));
}

static enum err_kind ask_for_it(struct cli *cli)
{
    struct str query = query_add(cli->arena, STR(""), "backend", cli->options->backend);
    struct client_answer answer;

    return connection_send(cli->connection, "POST",
                           arena_printf(cli->arena, STR_FMT "/rotate%s" STR_FMT, STR_ARG(ca_url(cli)),
                                        query.n ? "?" : "", STR_ARG(query)),
                           NULL, STR_NONE, cli->arena, &answer, &cli->err);
}

static void sleep_ns(int64_t ns)
{
    nanosleep(&(struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S}, NULL);
}

/* Tells each step; until the mesh has arrived, or the time is up. The caller owns the last answer. */
static enum err_kind follow(struct cli *cli, int64_t until_ns, json_t **last)
{
    struct str step = STR_NONE;

    for (;;) {
        JSON_AUTO answer = NULL;
        const json_t *proxies;

        if (connection_get(cli->connection, ca_url(cli), cli->arena, &answer, &cli->err) != ERR_NONE)
            return cli->err.kind;
        struct str line = posture_line(cli->arena, json_get(answer, "present"));
        bool settled = json_is_true(json_get(answer, "settled"));

        if (!step.p || !str_eq(step, line)) {
            progress_end();
            if (!render_is_tree(cli->options->output))
                render_text(arena_printf(cli->arena, STR_FMT "\n", STR_ARG(line)));
            step = line;
        }
        if (settled || clock_mono_ns() >= until_ns) {
            *last = json_incref(answer);
            return ERR_NONE;
        }
        proxies = json_get(answer, "proxies");
        progress_show("%lld of %lld proxies have it ...",
                      (long long)json_integer_value(json_get(proxies, "applied")),
                      (long long)json_integer_value(json_get(proxies, "total")));
        sleep_ns(LOOK_NS);
    }
}

int run_rotate_ca(struct cli *cli)
{
    int64_t wait = cli->options->wait_ns >= 0 ? cli->options->wait_ns : WAIT_NS;
    JSON_AUTO last = NULL;

    if (cli_connect(cli) != ERR_NONE)
        return cli_fail(cli);
    if (ask_for_it(cli) != ERR_NONE) {
        if (cli->err.kind == ERR_NOT_FOUND)
            cli_not_found(cli, RES_MESH, cli->options->mesh);
        return cli_fail(cli);
    }
    enum err_kind kind = follow(cli, clock_mono_ns() + wait, &last);

    progress_end();
    if (kind != ERR_NONE)
        return cli_fail(cli);
    bool settled = json_is_true(json_get(last, "settled"));

    if (render_is_tree(cli->options->output))
        render_tree(cli->arena, last, (enum output)cli->options->output);
    else if (settled)
        render_text(arena_printf(cli->arena, "mesh " STR_FMT " has arrived\n", STR_ARG(cli->options->mesh)));
    else
        render_text(arena_printf(cli->arena,
                                 "mesh " STR_FMT " is still on its way, and goes on by itself\n\n" STR_FMT,
                                 STR_ARG(cli->options->mesh), STR_ARG(laggards_table(cli->arena, last))));
    return settled ? 0 : 1;
}
