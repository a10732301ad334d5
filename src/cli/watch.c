/* watch.c -- ursactl watch: what happens, as it happens. When the connection is lost it is made again, and
 * goes on where it was. */
#include "watch.h"

#include <unistd.h>

#include "cli.h"
#include "render.h"
#include "sse.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"

#define FIRST_PAUSE_S 1
#define LAST_PAUSE_S 30

struct watch {
    struct cli *cli;
    struct sse sse;
    bool heard; /* something came over this connection */
    bool ever;  /* something came at all: from then on a lost connection is made again */
};

/* ---- telling ---- */

/* Everything that has no place of its own: "reason=..." */
static struct str rest_of(struct arena *a, const json_t *data)
{
    static const char *const told[] = {"revision", "time", "op", "state", "type", "mesh", "name"};
    struct str out = STR("");
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)data, key, value)
    {
        bool is_told = false;

        for (size_t i = 0; i < ARRAY_LEN(told); i++)
            is_told |= str_eq(json_key_str(key), str_from_c(told[i]));
        if (!is_told && !json_is_null(value))
            out = arena_printf(a, STR_FMT "%s%s=" STR_FMT, STR_ARG(out), out.n ? " " : "", key,
                               STR_ARG(json_is_string(value) ? json_str(value) : json_format(a, value)));
    }
    return out;
}

struct str watch_line(struct arena *a, struct str name, const json_t *data)
{
    struct str op = json_str(json_get(data, "op"));
    struct str parts[] = {render_date(a, json_str(json_get(data, "time"))),
                          arena_printf(a, "%lld", (long long)json_integer_value(json_get(data, "revision"))),
                          name,
                          cli_resource_label(a, res_type_by_name(json_str(json_get(data, "type"))),
                                             json_str(json_get(data, "mesh")),
                                             json_str(json_get(data, "name"))),
                          op.n ? op : json_str(json_get(data, "state")),
                          rest_of(a, data)};
    struct str line = STR("");

    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (parts[i].n)
            line = arena_printf(a, STR_FMT "%s" STR_FMT, STR_ARG(line), line.n ? " " : "", STR_ARG(parts[i]));
    return str_printable(a, line);
}

static bool tell(void *ctx, const struct sse_event *event)
{
    const struct watch *w = ctx;
    struct arena scratch;
    JSON_AUTO data = NULL;
    struct err ignored;

    arena_init(&scratch);
    err_init(&ignored, &scratch);
    if (json_parse(event->data, &data, &ignored) == ERR_NONE && json_is_object(data)) {
        json_object_set_new(data, "event", json_from_str(event->name));
        if (w->cli->options->output == OUTPUT_JSON) {
            render_text(json_format(&scratch, data));
            putchar('\n');
        } else if (w->cli->options->output == OUTPUT_YAML) {
            render_text(STR("---\n"));
            render_tree(&scratch, data, OUTPUT_YAML);
        } else {
            json_object_del(data, "event");
            render_text(watch_line(&scratch, event->name, data));
            putchar('\n');
        }
        fflush(stdout);
    }
    arena_fini(&scratch);
    return !ferror(stdout);
}

static bool take(void *ctx, const void *p, size_t n)
{
    struct watch *w = ctx;

    w->heard = w->ever = true;
    return sse_feed(&w->sse, p, n, tell, w);
}

/* ---- asking ---- */

static struct str events_url(struct cli *cli, enum res_type type)
{
    const struct options *o = cli->options;
    struct arena *a = cli->arena;
    struct str query = query_add(a, STR(""), "mesh", o->mesh_given ? o->mesh : STR(""));

    query = query_add(a, query, "type", type != RES_N ? res_type_info(type)->name : STR(""));
    query =
        query_add(a, query, "since", o->since >= 0 ? arena_printf(a, "%lld", (long long)o->since) : STR(""));
    return arena_printf(a, "/events%s" STR_FMT, query.n ? "?" : "", STR_ARG(query));
}

/* Returns when the stream has ended: ERR_NONE or ERR_UNAVAILABLE when it may be asked for again. */
static enum err_kind listen_once(struct watch *w, struct str url, struct arena *scratch, struct err *e)
{
    struct str id = buf_str(&w->sse.id);
    const char *header = id.n ? arena_printf(scratch, "Last-Event-ID: " STR_FMT, STR_ARG(id)).p : NULL;

    sse_restart(&w->sse);
    return connection_stream(w->cli->connection, "GET", url, "text/event-stream", header, take, w, scratch,
                             e);
}

static int watch(struct watch *w, struct str url)
{
    struct arena scratch;
    struct err e;

    for (unsigned pause = FIRST_PAUSE_S;;) {
        arena_init(&scratch);
        err_init(&e, &scratch);
        w->heard = false;
        enum err_kind kind = listen_once(w, url, &scratch, &e);
        bool is_over = ferror(stdout) || !w->ever || (kind != ERR_NONE && kind != ERR_UNAVAILABLE);
        if (is_over && kind != ERR_NONE)
            render_error(&e);
        if (!is_over) {
            pause = w->heard ? FIRST_PAUSE_S : pause * 2 < LAST_PAUSE_S ? pause * 2 : LAST_PAUSE_S;
            render_line(
                arena_printf(&scratch, "ursactl: the connection is lost; trying again in %us", pause));
        }
        arena_fini(&scratch);
        if (is_over)
            return kind != ERR_NONE;
        sleep(pause);
    }
}

int run_watch(struct cli *cli)
{
    struct watch w = {.cli = cli};
    enum res_type type = RES_N;
    int status;

    if (cli->n_arguments > 0 && cli_find_type(cli, cli->arguments[0], &type) != ERR_NONE)
        return cli_misuse(cli, STR_FMT, STR_ARG(cli->err.text));
    if (cli_connect(cli) != ERR_NONE)
        return cli_fail(cli);
    sse_init(&w.sse);
    status = watch(&w, events_url(cli, type));
    sse_fini(&w.sse);
    return status;
}
