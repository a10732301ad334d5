/* xds/node.c -- reads the node metadata that kuma-dp's and ursa-dp's bootstraps put there. The keys are
 * contract. */
#include "node.h"

#include "ursa/base/json.h"
#include "ursa/base/yaml.h"

#define DEPENDENCY_PREFIX "version.dependencies."

/* Versions are kept with every subscription of a proxy and written out with each of its changes. */
#define VERSION_TEXT_MAX 256
#define DEPENDENCIES_MAX 16

static enum err_kind split_id(struct str id, struct proxy_params *p, struct err *e)
{
    size_t dot = str_chr(id, '.');
    if (id.n == 0)
        return err_set(e, ERR_INVALID, "invalid node ID: Envoy ID must not be nil");
    if (dot == id.n)
        return err_set(e, ERR_INVALID, "invalid node ID: the name should be provided after the dot");
    if (dot + 1 == id.n)
        return err_set(e, ERR_INVALID, "invalid node ID: name must not be empty");
    p->mesh = str_slice(id, 0, dot);
    p->name = str_slice(id, dot + 1, id.n);
    return ERR_NONE;
}

static struct str text_of(const json_t *o, const char *key, struct arena *arena)
{
    struct str s = json_str(json_get(o, key));
    return s.p ? arena_str(arena, s) : STR_NONE;
}

static struct str version_text(struct str s, struct arena *arena)
{
    return s.p ? arena_str(arena, str_cut(s, VERSION_TEXT_MAX)) : STR_NONE;
}

static struct str version_of_key(const json_t *o, const char *key, struct arena *arena)
{
    return version_text(json_str(json_get(o, key)), arena);
}

/* Ports travel as decimal strings. COMPAT: what is no port counts as absent, as in the reference. */
static uint32_t port_of(const json_t *metadata, const char *key)
{
    uint64_t port;
    return str_to_uint(json_str(json_get(metadata, key)), 65535, &port) ? (uint32_t)port : 0;
}

static bool is_admin_address(struct str s)
{
    static const struct str allowed[] = {STR_INIT(""), STR_INIT("127.0.0.1"), STR_INIT("0.0.0.0"),
                                         STR_INIT("::1"), STR_INIT("::")};
    for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
        if (str_eq(s, allowed[i]))
            return true;
    }
    return false;
}

static bool has_feature(const json_t *metadata, struct str name)
{
    const json_t *features = json_get(metadata, "features");
    for (size_t i = 0; i < json_array_size(features); i++) {
        if (str_eq(json_str(json_array_get(features, i)), name))
            return true;
    }
    return false;
}

/* The reference accepts two minor versions on either side of its own, 2.4, and whatever is no version at all;
 * ursa-dp's own versions begin with 0. */
static bool is_compatible(struct str version)
{
    uint64_t major, minor;
    struct str part, rest = version;
    if (str_find(version, STR("preview")) < version.n)
        return true;
    if (!str_next(&rest, '.', &part) || !str_to_uint(part, UINT32_MAX, &major) ||
        !str_next(&rest, '.', &part) || !str_to_uint(part, UINT32_MAX, &minor))
        return true;
    return major == 0 || (major == 2 && minor >= 2 && minor <= 6);
}

static struct tags dependencies_of(json_t *metadata, struct arena *arena)
{
    json_t *dynamic = json_get(metadata, "dynamicMetadata"), *value;
    struct tags tags = {.v = ARENA_ARRAY(arena, struct tag, DEPENDENCIES_MAX)};
    const char *key;
    json_object_foreach(dynamic, key, value)
    {
        struct str name = str_from_c(key);
        if (!str_has_prefix(name, STR(DEPENDENCY_PREFIX)) || !json_is_string(value))
            continue;
        if (tags.n == DEPENDENCIES_MAX)
            break;
        name = str_slice(name, sizeof(DEPENDENCY_PREFIX) - 1, name.n);
        size_t at = tags.n++;
        for (; at > 0 && str_cmp(tags.v[at - 1].key, name) > 0; at--)
            tags.v[at] = tags.v[at - 1];
        tags.v[at] = (struct tag){version_text(name, arena), version_text(json_str(value), arena)};
    }
    return tags;
}

static struct proxy_version *version_of(json_t *metadata, struct arena *arena)
{
    json_t *version = json_get(metadata, "version");
    json_t *dp = json_get(version, "kumaDp"), *envoy = json_get(version, "envoy");
    if (!json_is_object(version))
        return NULL;
    struct proxy_version *v = ARENA_NEW(arena, struct proxy_version);
    v->kuma_dp = ARENA_NEW(arena, struct kuma_dp_version);
    *v->kuma_dp = (struct kuma_dp_version){.version = version_of_key(dp, "version", arena),
                                           .git_tag = version_of_key(dp, "gitTag", arena),
                                           .git_commit = version_of_key(dp, "gitCommit", arena),
                                           .build_date = version_of_key(dp, "buildDate", arena)};
    v->kuma_dp->kuma_cp_compatible = is_compatible(v->kuma_dp->version);
    v->envoy = ARENA_NEW(arena, struct envoy_version);
    *v->envoy =
        (struct envoy_version){.version = version_of_key(envoy, "version", arena),
                               .build = version_of_key(envoy, "build", arena),
                               .kuma_dp_compatible = json_is_true(json_get(envoy, "kumaDpCompatible"))};
    v->dependencies = dependencies_of(metadata, arena);
    return v;
}

enum err_kind proxy_node_read(const struct discovery_node *node, struct arena *arena, struct proxy_node *out,
                              struct err *e)
{
    json_t *md = node->metadata;
    struct proxy_params *p = &out->params;
    *out = (struct proxy_node){.id = arena_str(arena, node->id)};
    if (split_id(out->id, p, e) != ERR_NONE)
        return e->kind;
    struct str type = json_str(json_get(md, "dataplane.proxyType"));
    if (type.n > 0 && !str_eq(type, STR("dataplane")))
        return err_set(e, ERR_INVALID, "unsupported proxy type \"" STR_FMT "\"", STR_ARG(type));
    p->admin_port = port_of(md, "dataplane.admin.port");
    p->admin_address = text_of(md, "dataplane.admin.address", arena);
    if (!is_admin_address(p->admin_address))
        return err_set(e, ERR_INVALID, "dataplane.admin.address must be one of 127.0.0.1, 0.0.0.0, ::1, ::");
    p->dns_port = port_of(md, "dataplane.dns.port");
    p->empty_dns_port = port_of(md, "dataplane.dns.empty.port");
    p->log_pipe_feature = has_feature(md, STR("feature-tcp-accesslog-via-named-pipe"));
    p->access_log_socket = text_of(md, "accessLogSocketPath", arena);
    p->metrics_socket = text_of(md, "metricsSocketPath", arena);
    p->metrics_cert = text_of(md, "metricsCertPath", arena);
    p->metrics_key = text_of(md, "metricsKeyPath", arena);
    out->version = version_of(md, arena);
    out->dataplane = text_of(md, "dataplane.resource", arena);
    return ERR_NONE;
}

static enum err_kind decode(json_t *doc, struct resource **out, struct err *e)
{
    struct str type = resource_doc_type(doc);
    if (res_type_by_name(type) != RES_DATAPLANE)
        return err_set(e, ERR_INVALID, "\"" STR_FMT "\" is no type of a proxy's resource", STR_ARG(type));
    if (resource_decode(RES_DATAPLANE, doc, out, e) != ERR_NONE)
        return e->kind;
    if (resource_check_key(&(*out)->key, e) == ERR_NONE)
        return ERR_NONE;
    resource_unref(*out);
    *out = NULL;
    return e->kind;
}

enum err_kind proxy_node_decode_dataplane(const struct proxy_node *node, struct resource **out, struct err *e)
{
    struct yaml_doc *docs;
    size_t n;
    *out = NULL;
    enum err_kind kind = yaml_parse(node->dataplane, 1, &docs, &n, e);
    if (kind == ERR_NONE && n == 0)
        kind = err_set(e, ERR_INVALID, "it is empty");
    else if (kind == ERR_NONE) {
        kind = decode(docs[0].root, out, e);
        json_decref(docs[0].root);
    }
    if (kind != ERR_NONE)
        err_add_context(e, "the node metadata's dataplane.resource is not valid");
    return kind;
}
