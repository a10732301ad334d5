/* inspect.c -- ursactl inspect: proxies and meshes with what the control plane knows of them. */
#include "cli.h"
#include "render.h"
#include "table.h"
#include "tables.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"

/* Every item of a list, as a table or as it is. */
static int show_list(struct cli *cli, struct str path, struct str query,
                     struct str (*table_fn)(struct arena *, const json_t *items))
{
    JSON_AUTO list = NULL;

    if (cli_connect(cli) != ERR_NONE ||
        connection_get_list(cli->connection, path, query, -1, -1, cli->arena, &list, &cli->err) != ERR_NONE)
        return cli_fail(cli);
    if (cli->options->output == OUTPUT_TABLE)
        render_text(table_fn(cli->arena, json_get(list, "items")));
    else
        render_tree(cli->arena, list, (enum output)cli->options->output);
    return 0;
}

/* ---- dataplanes: the columns are kumactl's ---- */

static const char *const dataplane_headers[] = {"MESH",
                                                "NAME",
                                                "TAGS",
                                                "STATUS",
                                                "LAST CONNECTED AGO",
                                                "LAST UPDATED AGO",
                                                "TOTAL UPDATES",
                                                "TOTAL ERRORS",
                                                "CERT REGENERATED AGO",
                                                "CERT EXPIRATION",
                                                "CERT REGENERATIONS",
                                                "CERT BACKEND",
                                                "SUPPORTED CERT BACKENDS",
                                                "KUMA-DP VERSION",
                                                "ENVOY VERSION",
                                                "DEPENDENCIES VERSIONS",
                                                "NOTES"};

/* The sum of a counter over all subscriptions; 64-bit numbers are texts in JSON. */
static struct str sum(struct arena *a, const json_t *subscriptions, const char *counter)
{
    const json_t *subscription;
    uint64_t total = 0, n;
    size_t i;

    json_array_foreach(subscriptions, i, subscription)
    {
        const json_t *value = json_get(json_get(json_get(subscription, "status"), "total"), counter);
        if (str_to_uint(json_str(value), UINT64_MAX, &n))
            total += n;
    }
    return arena_printf(a, "%llu", (unsigned long long)total);
}

static bool is_connected(const json_t *subscriptions)
{
    const json_t *subscription;
    size_t i;

    json_array_foreach(subscriptions, i, subscription)
    {
        if (json_get(subscription, "connectTime") && !json_get(subscription, "disconnectTime"))
            return true;
    }
    return false;
}

/* Inbounds that are not ready, for the notes; their number is in *n. */
static struct str unready_inbounds(struct arena *a, const json_t *networking, size_t *n)
{
    struct str notes = STR("");
    const json_t *inbound;
    size_t i;

    *n = 0;
    json_array_foreach(json_get(networking, "inbound"), i, inbound)
    {
        const json_t *health = json_get(inbound, "health");
        if (!health || json_is_true(json_get(health, "ready")))
            continue;
        notes = arena_printf(a, STR_FMT "%sinbound[port=%lld,svc=" STR_FMT "] is not ready", STR_ARG(notes),
                             *n ? ";" : "", (long long)json_integer_value(json_get(inbound, "port")),
                             STR_ARG(json_str(json_get(json_get(inbound, "tags"), TAG_SERVICE.p))));
        (*n)++;
    }
    return notes;
}

/* COMPAT: kumactl's rule, except for a proxy without inbounds, which it always calls offline. A gateway has
 * none that could be unready. */
static struct str status_of(struct arena *a, const json_t *networking, const json_t *subscriptions,
                            struct str *notes)
{
    size_t n_inbounds = json_array_size(json_get(networking, "inbound")), n_unready;

    *notes = unready_inbounds(a, networking, &n_unready);
    if (json_get(networking, "gateway"))
        return is_connected(subscriptions) ? STR("Online") : STR("Offline");
    if (!is_connected(subscriptions) || (n_inbounds > 0 && n_unready == n_inbounds))
        return STR("Offline");
    return n_unready ? STR("Partially degraded") : STR("Online");
}

/* "a: 1, b: 2", "-" for none; or the items of a list: "a,b". */
static struct str join_dependencies(struct arena *a, const json_t *dependencies)
{
    struct str out = STR("");
    const char *name;
    json_t *version;

    json_object_foreach((json_t *)(uintptr_t)dependencies, name, version)
    {
        out = arena_printf(a, STR_FMT "%s%s: " STR_FMT, STR_ARG(out), out.n ? ", " : "", name,
                           STR_ARG(json_str(version)));
    }
    return out.n ? out : STR("-");
}

static struct str join_list(struct arena *a, const json_t *list)
{
    struct str out = STR("");
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        out = arena_printf(a, STR_FMT "%s" STR_FMT, STR_ARG(out), i ? "," : "", STR_ARG(json_str(item)));
    }
    return out;
}

static void add_dataplane(struct table *t, const json_t *item, int64_t now)
{
    const json_t *networking = json_get(json_get(item, "dataplane"), "networking"),
                 *insight = json_get(item, "dataplaneInsight"),
                 *subscriptions = json_get(insight, "subscriptions"), *mtls = json_get(insight, "mTLS"),
                 *last = json_array_get(subscriptions, json_array_size(subscriptions) - 1),
                 *version = json_get(last, "version");
    struct arena *a = t->arena;
    struct str cells[ARRAY_LEN(dataplane_headers)], notes;
    struct str backend = mtls ? json_str(json_get(mtls, "issuedBackend")) : STR("-");
    size_t n = 0;

    cells[n++] = json_str(json_get(item, "mesh"));
    cells[n++] = json_str(json_get(item, "name"));
    cells[n++] = render_dataplane_tags(a, networking);
    cells[n++] = status_of(a, networking, subscriptions, &notes);
    cells[n++] = render_ago(a, json_str(json_get(last, "connectTime")), now);
    cells[n++] = render_ago(a, json_str(json_get(json_get(last, "status"), "lastUpdateTime")), now);
    cells[n++] = sum(a, subscriptions, "responsesSent");
    cells[n++] = sum(a, subscriptions, "responsesRejected");
    cells[n++] = render_ago(a, json_str(json_get(mtls, "lastCertificateRegeneration")), now);
    cells[n++] = render_date(a, json_str(json_get(mtls, "certificateExpirationTime")));
    cells[n++] =
        arena_printf(a, "%lld", (long long)json_integer_value(json_get(mtls, "certificateRegenerations")));
    cells[n++] = backend;
    cells[n++] = join_list(a, json_get(mtls, "supportedBackends"));
    cells[n++] = json_str(json_get(json_get(version, "kumaDp"), "version"));
    cells[n++] = json_str(json_get(json_get(version, "envoy"), "version"));
    cells[n++] = join_dependencies(a, json_get(version, "dependencies"));
    cells[n++] = notes;
    table_add(t, cells);
}

struct str table_of_dataplanes(struct arena *a, const json_t *items)
{
    const json_t *item;
    struct table table;
    size_t i;

    table_init(&table, a, ARRAY_LEN(dataplane_headers), dataplane_headers);
    json_array_foreach(items, i, item)
    {
        add_dataplane(&table, item, clock_wall_ns());
    }
    return table_render(&table);
}

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
    return query;
}

int run_inspect_dataplanes(struct cli *cli)
{
    struct str mesh = cli->options->all_meshes ? STR("") : cli->options->mesh;
    struct str path = arena_printf(cli->arena, STR_FMT "+insights",
                                   STR_ARG(url_of_type(cli->arena, RES_DATAPLANE, mesh, STR(""))));

    return show_list(cli, path, dataplane_query(cli), table_of_dataplanes);
}

/* ---- meshes ---- */

/* The policies to show: one column for each type that some mesh has. */
static size_t policy_columns(const json_t *items, enum res_type *types)
{
    const json_t *item;
    size_t n = 0, i;

    for (unsigned t = 0; t < RES_N; t++) {
        const struct res_type_info *info = res_type_info((enum res_type)t);
        bool used = false;

        json_array_foreach(items, i, item)
        {
            used |= json_get(json_get(item, "policies"), info->name.p) != NULL;
        }
        if (used)
            types[n++] = info->type;
    }
    return n;
}

/* "traffic-permissions" -> "TRAFFIC PERMISSIONS" */
static const char *header_of(struct arena *a, enum res_type type)
{
    char *text = arena_cstr(a, res_type_info(type)->cli_plural);

    for (char *c = text; *c; c++)
        *c = *c == '-' ? ' ' : *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
    return text;
}

static long long total_of(const json_t *stat, const char *what)
{
    return (long long)json_integer_value(json_get(stat, what));
}

struct str table_of_meshes(struct arena *a, const json_t *items)
{
    const char *headers[3 + RES_N] = {"MESH", "DATAPLANES", "SERVICES"};
    struct str cells[3 + RES_N];
    enum res_type types[RES_N];
    size_t n = policy_columns(items, types), i;
    const json_t *item;
    struct table table;

    for (size_t t = 0; t < n; t++)
        headers[3 + t] = header_of(a, types[t]);
    table_init(&table, a, 3 + n, headers);
    json_array_foreach(items, i, item)
    {
        const json_t *dataplanes = json_get(item, "dataplanes"), *policies = json_get(item, "policies");

        cells[0] = json_str(json_get(item, "name"));
        cells[1] =
            arena_printf(a, "%lld/%lld", total_of(dataplanes, "online"), total_of(dataplanes, "total"));
        cells[2] = arena_printf(a, "%lld", total_of(json_get(item, "services"), "total"));
        for (size_t t = 0; t < n; t++)
            cells[3 + t] = arena_printf(
                a, "%lld", total_of(json_get(policies, res_type_info(types[t])->name.p), "total"));
        table_add(&table, cells);
    }
    return table_render(&table);
}

int run_inspect_meshes(struct cli *cli)
{
    struct str path = url_of_type(cli->arena, RES_MESH_INSIGHT, STR(""), STR(""));

    return show_list(cli, path, STR(""), table_of_meshes);
}
