/* overviews.c -- see overviews.h. */
#include "overviews.h"

#include "connection.h"
#include "render.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"

/* COMPAT: the paths and keys are kuma-cp's, as irregular as they are. */
static const struct {
    enum res_type type;
    struct str path;
    const char *spec, *insight;
} overviews[] = {
    {RES_DATAPLANE, STR_INIT("dataplanes+insights"), "dataplane", "dataplaneInsight"},
    {RES_ZONE, STR_INIT("zones+insights"), "zone", "zoneInsight"},
    {RES_ZONE_INGRESS, STR_INIT("zoneingresses+insights"), "zoneIngress", "zoneIngressInsight"},
    {RES_ZONE_EGRESS, STR_INIT("zoneegressoverviews"), "zoneEgress", "zoneEgressInsight"},
};

struct str overview_path(enum res_type type)
{
    for (size_t i = 0; i < ARRAY_LEN(overviews); i++)
        if (overviews[i].type == type)
            return overviews[i].path;
    return STR_NONE;
}

struct str overview_url(struct arena *a, enum res_type type, struct str mesh, struct str name)
{
    bool in_mesh = res_type_info(type)->scope == SCOPE_MESH && mesh.n > 0;

    return arena_printf(a, "%s" STR_FMT "/" STR_FMT "%s" STR_FMT, in_mesh ? "/meshes/" : "",
                        STR_ARG(in_mesh ? url_encode(a, mesh) : STR("")), STR_ARG(overview_path(type)),
                        name.n ? "/" : "", STR_ARG(url_encode(a, name)));
}

const json_t *overview_spec(const json_t *item)
{
    for (size_t i = 0; i < ARRAY_LEN(overviews); i++) {
        const json_t *spec = json_get(item, overviews[i].spec);
        if (json_is_object(spec)) /* a zone proxy has a text "zone" of its own */
            return spec;
    }
    return item;
}

static const json_t *insight_of(const json_t *item)
{
    for (size_t i = 0; i < ARRAY_LEN(overviews); i++) {
        const json_t *insight = json_get(item, overviews[i].insight);
        if (insight)
            return insight;
    }
    return item;
}

static const json_t *subscriptions_of(const json_t *item)
{
    return json_get(insight_of(item), "subscriptions");
}

static const json_t *last_subscription(const json_t *item)
{
    const json_t *subscriptions = subscriptions_of(item);

    return json_array_get(subscriptions, json_array_size(subscriptions) - 1);
}

const json_t *overview_mtls(const json_t *item)
{
    return json_get(insight_of(item), "mTLS");
}

/* ---- status ---- */

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

struct str overview_notes(struct arena *a, const json_t *item)
{
    size_t n;

    return unready_inbounds(a, json_get(overview_spec(item), "networking"), &n);
}

/* COMPAT: kumactl's rule, except for a proxy without inbounds, which it always calls offline. A gateway has
 * none that could be unready. */
struct str overview_status(struct arena *a, const json_t *item)
{
    const json_t *networking = json_get(overview_spec(item), "networking");
    size_t n_inbounds = json_array_size(json_get(networking, "inbound")), n_unready;

    unready_inbounds(a, networking, &n_unready);
    if (!is_connected(subscriptions_of(item)))
        return STR("Offline");
    if (json_get(networking, "gateway") || n_unready == 0)
        return STR("Online");
    return n_unready == n_inbounds ? STR("Offline") : STR("Partially degraded");
}

/* ---- figures ---- */

/* The sum of a counter over all subscriptions; 64-bit numbers are texts in JSON. */
static struct str sum(struct arena *a, const json_t *item, const char *counter)
{
    const json_t *subscription;
    uint64_t total = 0, n;
    size_t i;

    json_array_foreach(subscriptions_of(item), i, subscription)
    {
        const json_t *value = json_get(json_get(json_get(subscription, "status"), "total"), counter);
        if (str_to_uint(json_str(value), UINT64_MAX, &n))
            total += n;
    }
    return arena_printf(a, "%llu", (unsigned long long)total);
}

struct str overview_connected(struct arena *a, const json_t *item)
{
    return render_ago(a, json_str(json_get(last_subscription(item), "connectTime")), clock_wall_ns());
}

struct str overview_updated(struct arena *a, const json_t *item)
{
    const json_t *status = json_get(last_subscription(item), "status");

    return render_ago(a, json_str(json_get(status, "lastUpdateTime")), clock_wall_ns());
}

struct str overview_updates(struct arena *a, const json_t *item)
{
    return sum(a, item, "responsesSent");
}

struct str overview_errors(struct arena *a, const json_t *item)
{
    return sum(a, item, "responsesRejected");
}

/* ---- versions ---- */

static struct str version(const json_t *item, const char *of)
{
    return json_str(json_get(json_get(json_get(last_subscription(item), "version"), of), "version"));
}

struct str overview_dp_version(struct arena *a, const json_t *item)
{
    (void)a;
    return version(item, "kumaDp");
}

struct str overview_envoy_version(struct arena *a, const json_t *item)
{
    (void)a;
    return version(item, "envoy");
}

struct str overview_cp_version(struct arena *a, const json_t *item)
{
    (void)a;
    return version(item, "kumaCp");
}

/* It is in the configuration that the zone's control plane sent: JSON in a text. */
struct str overview_store(struct arena *a, const json_t *item)
{
    struct err ignored;
    JSON_AUTO config = NULL;

    err_init(&ignored, a);
    if (json_parse(json_str(json_get(last_subscription(item), "config")), &config, &ignored) != ERR_NONE)
        return STR("");
    return arena_str(a, json_str(json_get(json_get(config, "store"), "type")));
}

/* "a: 1, b: 2", "-" for none. */
struct str overview_dependencies(struct arena *a, const json_t *item)
{
    const json_t *all = json_get(json_get(last_subscription(item), "version"), "dependencies");
    struct str out = STR("");
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)all, name, value)
    {
        out = arena_printf(a, STR_FMT "%s%s: " STR_FMT, STR_ARG(out), out.n ? ", " : "", name,
                           STR_ARG(json_str(value)));
    }
    return out.n ? out : STR("-");
}
