/* envoy/required.c -- the fields without which Envoy refuses a message, of those that users write by hand:
 * clusters, listeners, routes and what stands in them. Envoy is the judge of the rest; what it refuses comes
 * back as a NACK. */
#include "required.h"

#include <string.h>

#include "ursa/base/json.h"

/* 'fields': names with commas between them; a group with '|' is a oneof of which a member must be set. */
static const struct {
    const char *message, *fields;
} required[] = {
    {"envoy.config.cluster.v3.Cluster", "name"},
    {"envoy.config.core.v3.Address", "socketAddress|pipe|envoyInternalAddress"},
    {"envoy.config.core.v3.HeaderValue", "key"},
    {"envoy.config.core.v3.HeaderValueOption", "header"},
    {"envoy.config.core.v3.Pipe", "path"},
    {"envoy.config.core.v3.SocketAddress", "address,portValue|namedPort"},
    {"envoy.config.endpoint.v3.ClusterLoadAssignment", "clusterName"},
    {"envoy.config.listener.v3.Filter", "name"},
    {"envoy.config.listener.v3.ListenerFilter", "name"},
    {"envoy.config.route.v3.DirectResponseAction", "status"},
    {"envoy.config.route.v3.HeaderMatcher", "name"},
    {"envoy.config.route.v3.QueryParameterMatcher", "name"},
    {"envoy.config.route.v3.Route", "match,route|redirect|directResponse|filterAction|nonForwardingAction"},
    {"envoy.config.route.v3.RouteAction",
     "cluster|clusterHeader|weightedClusters|clusterSpecifierPlugin|inlineClusterSpecifierPlugin"},
    {"envoy.config.route.v3.RouteMatch",
     "prefix|path|safeRegex|connectMatcher|pathSeparatedPrefix|pathMatchPolicy"},
    {"envoy.config.route.v3.VirtualHost", "name,domains"},
    {"envoy.config.route.v3.WeightedCluster", "clusters"},
    {"envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter", "name"},
};

static bool is_set(const struct schema_message *m, const json_t *const *slots, struct str name)
{
    const struct schema_field *f = schema_find_field(m, name);
    const json_t *v = f ? slots[f - schema_message_fields(m)] : NULL;

    if (!v || (f->oneof == 0 && json_is_string(v) && json_string_length(v) == 0))
        return false;
    return !(f->flags & FIELD_REPEATED) || json_array_size(v) > 0;
}

static bool any_is_set(const struct schema_message *m, const json_t *const *slots, struct str group)
{
    struct str rest = group, name;

    while (str_next(&rest, '|', &name))
        if (is_set(m, slots, name))
            return true;
    return false;
}

/* The rows are few and messages of users small: no look-up beats reading on. */
void required_check(const struct schema_message *m, const json_t *const *slots, const struct path *at,
                    struct err *e)
{
    const char *message = schema_name(m->name);

    for (size_t i = 0; i < ARRAY_LEN(required); i++) {
        struct str rest = str_from_c(required[i].fields), group;

        if (strcmp(required[i].message, message) != 0)
            continue;
        while (str_next(&rest, ',', &group))
            if (!any_is_set(m, slots, group))
                err_cause(e, at, STR_FMT " of %s must be set and not empty", STR_ARG(group), message);
    }
}
