/* index.c -- what clients ask first: who answers here, with which configuration and policies, and who they
 * are to it. */
#include "router.h"
#include "ursa/version.h"

/* COMPAT: kumactl refuses to add a control plane whose tagline is not Kuma and warns unless the version is
 * its own; Ursa's own name and version stand in further keys, which it ignores. */
void index_get(struct request *r)
{
    const struct api_options *o = r->options;
    json_t *body = json_object();

    json_object_set_new(body, "hostname", json_from_str(o->hostname));
    json_object_set_new(body, "tagline", json_string("Kuma"));
    json_object_set_new(body, "product", json_string("Ursa"));
    json_object_set_new(body, "version", json_string(KUMA_COMPAT_VERSION));
    json_object_set_new(body, "instanceId", json_from_str(o->instance_id));
    json_object_set_new(body, "clusterId", json_from_str(o->cluster_id));
    json_object_set_new(body, "ursaVersion", json_string(URSA_VERSION));
    answer_json(r, 200, body);
}

void config_get(struct request *r)
{
    struct str text = json_format_canonical(&r->arena, r->options->config);

    answer_text(r, 200, TYPE_JSON, text);
}

/* "TrafficPermission" -> "Traffic Permission"; a run of capitals stays one word ("MeshHTTPRoute" -> "Mesh
 * HTTP Route"). */
static struct str display_name(struct arena *a, struct str name)
{
    struct buf out;

    buf_init(&out, 256);
    for (size_t i = 0; i < name.n; i++) {
        bool upper = name.p[i] >= 'A' && name.p[i] <= 'Z';
        bool lower_before = i > 0 && name.p[i - 1] >= 'a';
        bool lower_after = i + 1 < name.n && name.p[i + 1] >= 'a';
        if (i > 0 && upper && (lower_before || lower_after))
            buf_add_byte(&out, ' ');
        buf_add_byte(&out, (uint8_t)name.p[i]);
    }
    struct str text = arena_str(a, buf_str(&out));
    buf_fini(&out);
    return text;
}

static struct str plural(struct arena *a, struct str name)
{
    if (str_has_suffix(name, STR("y")) && !str_has_suffix(name, STR("ay")))
        return arena_printf(a, STR_FMT "ies", STR_ARG(str_slice(name, 0, name.n - 1)));
    if (str_has_suffix(name, STR("ch")))
        return arena_printf(a, STR_FMT "es", STR_ARG(name));
    return arena_printf(a, STR_FMT "s", STR_ARG(name));
}

static json_t *policy_json(struct arena *a, const struct res_type_info *type)
{
    struct str display = display_name(a, type->name);
    json_t *policy = json_object();

    json_object_set_new(policy, "name", json_from_str(type->name));
    json_object_set_new(policy, "readOnly", json_boolean(type->traits & RES_READ_ONLY));
    json_object_set_new(policy, "path", json_from_str(type->path));
    json_object_set_new(policy, "singularDisplayName", json_from_str(display));
    json_object_set_new(policy, "pluralDisplayName", json_from_str(plural(a, display)));
    json_object_set_new(policy, "isExperimental", json_false());
    json_object_set_new(policy, "isTargetRefBased", json_boolean(type->traits & RES_TARGET_REF));
    json_object_set_new(policy, "isInbound", json_boolean(type->traits & RES_INBOUND));
    json_object_set_new(policy, "isOutbound", json_boolean(type->traits & RES_OUTBOUND));
    return policy;
}

void policies_get(struct request *r)
{
    const struct res_type_info *sorted[RES_N];
    json_t *list = json_array(), *body = json_object();
    size_t n = 0;

    for (int t = 0; t < RES_N; t++) {
        const struct res_type_info *type = res_type_info((enum res_type)t);
        size_t at = n;
        if (!(type->traits & RES_POLICY))
            continue;
        for (; at > 0 && str_cmp(type->name, sorted[at - 1]->name) < 0; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = type;
        n++;
    }
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, policy_json(&r->arena, sorted[i]));
    json_object_set_new(body, "policies", list);
    answer_json(r, 200, body);
}

void who_am_i_get(struct request *r)
{
    json_t *groups = json_array(), *body = json_object();

    for (size_t i = 0; i < r->user.groups.n; i++)
        json_array_append_new(groups, json_from_str(r->user.groups.v[i]));
    json_object_set_new(body, "name", json_from_str(r->user.name));
    json_object_set_new(body, "groups", groups);
    answer_json(r, 200, body);
}
