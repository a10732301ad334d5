/* overview_tables.c -- see tables.h: the tables of inspect. The columns are kumactl's. */
#include "columns.h"
#include "overviews.h"
#include "render.h"
#include "table.h"
#include "tables.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"

static struct str tags_cell(struct arena *a, const json_t *item)
{
    return render_dataplane_tags(a, json_get(overview_spec(item), "networking"));
}

/* ---- certificates ---- */

static struct str regenerated_cell(struct arena *a, const json_t *item)
{
    return render_ago(a, json_str(json_get(overview_mtls(item), "lastCertificateRegeneration")),
                      clock_wall_ns());
}

static struct str expiration_cell(struct arena *a, const json_t *item)
{
    return render_date(a, json_str(json_get(overview_mtls(item), "certificateExpirationTime")));
}

static struct str regenerations_cell(struct arena *a, const json_t *item)
{
    return arena_printf(
        a, "%lld", (long long)json_integer_value(json_get(overview_mtls(item), "certificateRegenerations")));
}

static struct str backend_cell(struct arena *a, const json_t *item)
{
    const json_t *mtls = overview_mtls(item);

    (void)a;
    return mtls ? json_str(json_get(mtls, "issuedBackend")) : STR("-");
}

static struct str backends_cell(struct arena *a, const json_t *item)
{
    const json_t *backend;
    struct str out = STR("");
    size_t i;

    json_array_foreach(json_get(overview_mtls(item), "supportedBackends"), i, backend)
    {
        out = arena_printf(a, STR_FMT "%s" STR_FMT, STR_ARG(out), i ? "," : "", STR_ARG(json_str(backend)));
    }
    return out;
}

/* ---- proxies and zones ---- */

#define CONNECTION_COLUMNS                                                                                   \
    {"STATUS", overview_status, false}, {"LAST CONNECTED AGO", overview_connected, false},                   \
        {"LAST UPDATED AGO", overview_updated, false}, {"TOTAL UPDATES", overview_updates, false},           \
    {                                                                                                        \
        "TOTAL ERRORS", overview_errors, false                                                               \
    }

struct str table_of_dataplanes(struct arena *a, const json_t *items)
{
    static const struct column columns[] = {{"MESH", cell_mesh, false},
                                            {"NAME", cell_name, false},
                                            {"TAGS", tags_cell, false},
                                            CONNECTION_COLUMNS,
                                            {"CERT REGENERATED AGO", regenerated_cell, false},
                                            {"CERT EXPIRATION", expiration_cell, false},
                                            {"CERT REGENERATIONS", regenerations_cell, false},
                                            {"CERT BACKEND", backend_cell, false},
                                            {"SUPPORTED CERT BACKENDS", backends_cell, false},
                                            {"KUMA-DP VERSION", overview_dp_version, false},
                                            {"ENVOY VERSION", overview_envoy_version, false},
                                            {"DEPENDENCIES VERSIONS", overview_dependencies, false},
                                            {"NOTES", overview_notes, false},
                                            {0}};

    return columns_render(a, columns, items, false);
}

struct str table_of_zones(struct arena *a, const json_t *items)
{
    static const struct column columns[] = {{"NAME", cell_name, false},
                                            CONNECTION_COLUMNS,
                                            {"ZONE-CP VERSION", overview_cp_version, false},
                                            {"BACKEND", overview_store, false},
                                            {0}};

    return columns_render(a, columns, items, false);
}

struct str table_of_zone_proxies(struct arena *a, const json_t *items)
{
    static const struct column columns[] = {{"NAME", cell_name, false},
                                            CONNECTION_COLUMNS,
                                            {"KUMA-DP VERSION", overview_dp_version, false},
                                            {"ENVOY VERSION", overview_envoy_version, false},
                                            {0}};

    return columns_render(a, columns, items, false);
}

/* ---- services ---- */

static struct str service_status_cell(struct arena *a, const json_t *item)
{
    return render_service_status(a, json_str(json_get(item, "status")));
}

static struct str online_cell(struct arena *a, const json_t *item)
{
    const json_t *dataplanes = json_get(item, "dataplanes");

    return arena_printf(a, "%lld/%lld", (long long)json_integer_value(json_get(dataplanes, "online")),
                        (long long)json_integer_value(json_get(dataplanes, "total")));
}

struct str table_of_services(struct arena *a, const json_t *items)
{
    static const struct column columns[] = {{"SERVICE", cell_name, false},
                                            {"STATUS", service_status_cell, false},
                                            {"DATAPLANES", online_cell, false},
                                            {0}};

    return columns_render(a, columns, items, false);
}

/* ---- meshes ---- */

/* The policies to show: one column for each type that some mesh has. */
static size_t policy_columns(const json_t *items, enum res_type *types)
{
    const json_t *item;
    size_t n = 0, i;

    for (unsigned t = 0; t < RES_N_SHOWN; t++) {
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
