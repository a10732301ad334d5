/* resource_tables.c -- see tables.h: how the resources of each type look as a table.
 *
 * The columns are kumactl's where it shows the type. With -o wide others follow: what the resource is about,
 * and of proxies how they are and which versions they run, for which the item is an overview (overviews.h).
 */
#include "columns.h"
#include "overviews.h"
#include "render.h"
#include "tables.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"

/* ---- cells of every type ---- */

static struct str age_cell(struct arena *a, const json_t *item)
{
    return render_ago(a, json_str(json_get(item, "modificationTime")), clock_wall_ns());
}

static struct str created_cell(struct arena *a, const json_t *item)
{
    return render_date(a, json_str(json_get(item, "creationTime")));
}

static struct str yes_no(const json_t *value)
{
    return json_is_true(value) ? STR("yes") : STR("no");
}

/* "address:port", either of which may be missing. */
static struct str address_of(struct arena *a, struct str address, const json_t *port)
{
    if (address.n == 0 || !json_is_integer(port))
        return address.n ? address : STR("-");
    return arena_printf(a, STR_FMT ":%lld", STR_ARG(address), (long long)json_integer_value(port));
}

static struct str join(struct arena *a, struct str list, const char *between, struct str item)
{
    return arena_printf(a, STR_FMT "%s" STR_FMT, STR_ARG(list), list.n ? between : "", STR_ARG(item));
}

/* ---- meshes ---- */

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
            out = join(a, out, ", ", arena_printf(a, STR_FMT "/" STR_FMT, STR_ARG(type), STR_ARG(name)));
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

static struct str mtls_cell(struct arena *a, const json_t *item)
{
    return enabled_backend(a, json_get(item, "mtls"));
}

static struct str metrics_cell(struct arena *a, const json_t *item)
{
    return enabled_backend(a, json_get(item, "metrics"));
}

static struct str logging_cell(struct arena *a, const json_t *item)
{
    return backends(a, json_get(item, "logging"), STR(""));
}

static struct str tracing_cell(struct arena *a, const json_t *item)
{
    return backends(a, json_get(item, "tracing"), STR(""));
}

static struct str locality_cell(struct arena *a, const json_t *item)
{
    (void)a;
    return on_off(json_get(json_get(item, "routing"), "localityAwareLoadBalancing"));
}

static struct str zone_egress_cell(struct arena *a, const json_t *item)
{
    (void)a;
    return on_off(json_get(json_get(item, "routing"), "zoneEgress"));
}

/* On unless it is forbidden. */
static struct str passthrough_cell(struct arena *a, const json_t *item)
{
    (void)a;
    const json_t *value = json_get(json_get(json_get(item, "networking"), "outbound"), "passthrough");

    return json_is_false(value) ? STR("off") : STR("on");
}

/* ---- proxies ---- */

static struct str tags_cell(struct arena *a, const json_t *item)
{
    return render_dataplane_tags(a, json_get(overview_spec(item), "networking"));
}

static struct str dataplane_address_cell(struct arena *a, const json_t *item)
{
    const json_t *networking = json_get(overview_spec(item), "networking");
    struct str advertised = json_str(json_get(networking, "advertisedAddress"));

    (void)a;
    return advertised.n ? advertised : json_str(json_get(networking, "address"));
}

static struct str ports_cell(struct arena *a, const json_t *item)
{
    const json_t *inbound;
    struct str out = STR("");
    size_t i;

    json_array_foreach(json_get(json_get(overview_spec(item), "networking"), "inbound"), i, inbound)
    {
        out = join(a, out, ",",
                   arena_printf(a, "%lld", (long long)json_integer_value(json_get(inbound, "port"))));
    }
    return out.n ? out : STR("-");
}

static struct str kind_cell(struct arena *a, const json_t *item)
{
    const json_t *gateway = json_get(json_get(overview_spec(item), "networking"), "gateway");
    struct str type = json_str(json_get(gateway, "type"));

    (void)a;
    if (!gateway)
        return STR("sidecar");
    return str_eq(type, STR("BUILTIN")) ? STR("builtin gateway") : STR("delegated gateway");
}

static struct str zone_cell(struct arena *a, const json_t *item)
{
    struct str zone = json_str(json_get(overview_spec(item), "zone"));

    (void)a;
    return zone.n ? zone : STR("-");
}

static struct str port_address_cell(struct arena *a, const json_t *item)
{
    const json_t *networking = json_get(overview_spec(item), "networking");

    return address_of(a, json_str(json_get(networking, "address")), json_get(networking, "port"));
}

static struct str advertised_cell(struct arena *a, const json_t *item)
{
    const json_t *networking = json_get(overview_spec(item), "networking");

    return address_of(a, json_str(json_get(networking, "advertisedAddress")),
                      json_get(networking, "advertisedPort"));
}

static struct str enabled_cell(struct arena *a, const json_t *item)
{
    const json_t *enabled = json_get(overview_spec(item), "enabled");

    (void)a;
    return json_is_false(enabled) ? STR("no") : STR("yes");
}

/* ---- services outside and gateways ---- */

static struct str own_tags_cell(struct arena *a, const json_t *item)
{
    return render_tags(a, json_get(item, "tags"), " ");
}

static struct str own_address_cell(struct arena *a, const json_t *item)
{
    (void)a;
    return json_str(json_get(json_get(item, "networking"), "address"));
}

static struct str tls_cell(struct arena *a, const json_t *item)
{
    (void)a;
    return yes_no(json_get(json_get(json_get(item, "networking"), "tls"), "enabled"));
}

static struct str listeners_cell(struct arena *a, const json_t *item)
{
    const json_t *listener;
    struct str out = STR("");
    size_t i;

    json_array_foreach(json_get(json_get(item, "conf"), "listeners"), i, listener)
    {
        out = join(a, out, ", ",
                   arena_printf(a, STR_FMT ":%lld", STR_ARG(json_str(json_get(listener, "protocol"))),
                                (long long)json_integer_value(json_get(listener, "port"))));
    }
    return out.n ? out : STR("-");
}

/* ---- policies: what they apply to ---- */

/* "kuma.io/service=a,version=1 | kuma.io/service=b" */
static struct str matches(struct arena *a, const json_t *list)
{
    const json_t *selector;
    struct str out = STR("");
    size_t i;

    json_array_foreach(list, i, selector)
    {
        out = join(a, out, " | ", render_tags(a, json_get(selector, "match"), ","));
    }
    return out;
}

/* "MeshService/web", "MeshSubset(version=1)" */
static struct str target(struct arena *a, const json_t *ref)
{
    struct str out = json_str(json_get(ref, "kind")), name = json_str(json_get(ref, "name"));
    struct str tags = render_tags(a, json_get(ref, "tags"), ",");

    if (name.n)
        out = arena_printf(a, STR_FMT "/" STR_FMT, STR_ARG(out), STR_ARG(name));
    return tags.n ? arena_printf(a, STR_FMT "(" STR_FMT ")", STR_ARG(out), STR_ARG(tags)) : out;
}

static struct str targets(struct arena *a, const json_t *list)
{
    const json_t *entry;
    struct str out = STR("");
    size_t i;

    json_array_foreach(list, i, entry)
    {
        out = join(a, out, " | ", target(a, json_get(entry, "targetRef")));
    }
    return out;
}

static struct str applies_cell(struct arena *a, const json_t *item)
{
    const json_t *spec = json_get(item, "spec");
    struct str out = spec ? target(a, json_get(spec, "targetRef")) : matches(a, json_get(item, "selectors"));
    struct str from = spec ? targets(a, json_get(spec, "from")) : matches(a, json_get(item, "sources"));
    struct str to = spec ? targets(a, json_get(spec, "to")) : matches(a, json_get(item, "destinations"));

    if (from.n)
        out = join(a, out, " ", arena_printf(a, "from " STR_FMT, STR_ARG(from)));
    if (to.n)
        out = join(a, out, " ", arena_printf(a, "to " STR_FMT, STR_ARG(to)));
    return out.n ? out : STR("-");
}

/* ---- insights ---- */

static struct str count_of(struct arena *a, const json_t *stat)
{
    return arena_printf(a, "%lld/%lld", (long long)json_integer_value(json_get(stat, "online")),
                        (long long)json_integer_value(json_get(stat, "total")));
}

static struct str dataplanes_cell(struct arena *a, const json_t *item)
{
    return count_of(a, json_get(item, "dataplanes"));
}

static struct str services_cell(struct arena *a, const json_t *item)
{
    return arena_printf(a, "%lld",
                        (long long)json_integer_value(json_get(json_get(item, "services"), "total")));
}

static struct str service_status_cell(struct arena *a, const json_t *item)
{
    return render_service_status(a, json_str(json_get(item, "status")));
}

static struct str service_type_cell(struct arena *a, const json_t *item)
{
    struct str type = json_str(json_get(item, "serviceType"));

    (void)a;
    return type.n ? type : STR("internal");
}

static struct str service_address_cell(struct arena *a, const json_t *item)
{
    struct str address = json_str(json_get(item, "addressPort"));

    (void)a;
    return address.n ? address : STR("-");
}

/* ---- the tables ---- */

#define CREATED                                                                                              \
    {                                                                                                        \
        "CREATED", created_cell, true                                                                        \
    }
#define PROXY_COLUMNS                                                                                        \
    {"STATUS", overview_status, true}, {"KUMA-DP VERSION", overview_dp_version, true},                       \
    {                                                                                                        \
        "ENVOY VERSION", overview_envoy_version, true                                                        \
    }

static const struct column mesh_columns[] = {{"NAME", cell_name, false},
                                             {"mTLS", mtls_cell, false},
                                             {"METRICS", metrics_cell, false},
                                             {"LOGGING", logging_cell, false},
                                             {"TRACING", tracing_cell, false},
                                             {"LOCALITY", locality_cell, false},
                                             {"ZONEEGRESS", zone_egress_cell, false},
                                             {"AGE", age_cell, false},
                                             {"PASSTHROUGH", passthrough_cell, true},
                                             CREATED,
                                             {0}};
static const struct column dataplane_columns[] = {{"MESH", cell_mesh, false},
                                                  {"NAME", cell_name, false},
                                                  {"TAGS", tags_cell, false},
                                                  {"ADDRESS", dataplane_address_cell, false},
                                                  {"AGE", age_cell, false},
                                                  {"PORTS", ports_cell, true},
                                                  {"KIND", kind_cell, true},
                                                  PROXY_COLUMNS,
                                                  CREATED,
                                                  {0}};
static const struct column zone_columns[] = {{"NAME", cell_name, false},
                                             {"AGE", age_cell, false},
                                             {"ENABLED", enabled_cell, true},
                                             {"STATUS", overview_status, true},
                                             {"ZONE-CP VERSION", overview_cp_version, true},
                                             CREATED,
                                             {0}};
static const struct column ingress_columns[] = {{"NAME", cell_name, false},
                                                {"AGE", age_cell, false},
                                                {"ZONE", zone_cell, true},
                                                {"ADDRESS", port_address_cell, true},
                                                {"ADVERTISED", advertised_cell, true},
                                                PROXY_COLUMNS,
                                                CREATED,
                                                {0}};
static const struct column egress_columns[] = {{"NAME", cell_name, false},
                                               {"AGE", age_cell, false},
                                               {"ZONE", zone_cell, true},
                                               {"ADDRESS", port_address_cell, true},
                                               PROXY_COLUMNS,
                                               CREATED,
                                               {0}};
static const struct column external_columns[] = {{"MESH", cell_mesh, false},
                                                 {"NAME", cell_name, false},
                                                 {"TAGS", own_tags_cell, false},
                                                 {"ADDRESS", own_address_cell, false},
                                                 {"AGE", age_cell, false},
                                                 {"TLS", tls_cell, true},
                                                 CREATED,
                                                 {0}};
static const struct column gateway_columns[] = {{"MESH", cell_mesh, false},
                                                {"NAME", cell_name, false},
                                                {"AGE", age_cell, false},
                                                {"APPLIES TO", applies_cell, true},
                                                {"LISTENERS", listeners_cell, true},
                                                CREATED,
                                                {0}};
static const struct column policy_columns[] = {{"MESH", cell_mesh, false},
                                               {"NAME", cell_name, false},
                                               {"AGE", age_cell, false},
                                               {"APPLIES TO", applies_cell, true},
                                               CREATED,
                                               {0}};
static const struct column dataplane_insight_columns[] = {{"MESH", cell_mesh, false},
                                                          {"NAME", cell_name, false},
                                                          {"AGE", age_cell, false},
                                                          PROXY_COLUMNS,
                                                          CREATED,
                                                          {0}};
static const struct column mesh_insight_columns[] = {{"NAME", cell_name, false},
                                                     {"DATAPLANES", dataplanes_cell, false},
                                                     {"SERVICES", services_cell, false},
                                                     {"AGE", age_cell, false},
                                                     CREATED,
                                                     {0}};
static const struct column service_insight_columns[] = {{"MESH", cell_mesh, false},
                                                        {"NAME", cell_name, false},
                                                        {"STATUS", service_status_cell, false},
                                                        {"DATAPLANES", dataplanes_cell, false},
                                                        {"AGE", age_cell, false},
                                                        {"TYPE", service_type_cell, true},
                                                        {"ADDRESS", service_address_cell, true},
                                                        CREATED,
                                                        {0}};
static const struct column scoped_columns[] = {
    {"MESH", cell_mesh, false}, {"NAME", cell_name, false}, {"AGE", age_cell, false}, CREATED, {0}};
static const struct column global_columns[] = {
    {"NAME", cell_name, false}, {"AGE", age_cell, false}, CREATED, {0}};

static const struct column *columns_of(enum res_type type)
{
    static const struct column *const own[RES_N] = {
        [RES_MESH] = mesh_columns,
        [RES_DATAPLANE] = dataplane_columns,
        [RES_ZONE] = zone_columns,
        [RES_ZONE_INGRESS] = ingress_columns,
        [RES_ZONE_EGRESS] = egress_columns,
        [RES_EXTERNAL_SERVICE] = external_columns,
        [RES_MESH_GATEWAY] = gateway_columns,
        [RES_DATAPLANE_INSIGHT] = dataplane_insight_columns,
        [RES_MESH_INSIGHT] = mesh_insight_columns,
        [RES_SERVICE_INSIGHT] = service_insight_columns,
    };
    const struct res_type_info *info = res_type_info(type);

    if (own[type])
        return own[type];
    if (info->traits & RES_POLICY)
        return policy_columns;
    return info->scope == SCOPE_MESH ? scoped_columns : global_columns;
}

struct str table_of_resources(struct arena *a, enum res_type type, const json_t *items, bool wide)
{
    return columns_render(a, columns_of(type), items, wide);
}
