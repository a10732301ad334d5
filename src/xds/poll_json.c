/* xds/poll_json.c -- DiscoveryRequest and DiscoveryResponse (envoy.service.discovery.v3) as protobuf's JSON.
 */
#include "poll.h"

#include <assert.h>
#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/base/json.h"
#include "ursa/envoy_build.h"

#define NAMES_MAX 1000
#define NAME_MAX_SIZE 4096
#define ERROR_TEXT_MAX 4096

/* Protobuf's JSON may have a field's name in either form. */
static json_t *field(const json_t *o, const char *snake, const char *camel)
{
    json_t *v = json_get(o, snake);
    return v ? v : json_get(o, camel);
}

static enum err_kind take_text(const json_t *v, const char *what, struct arena *a, struct str *out,
                               struct err *e)
{
    if (v && !json_is_null(v) && !json_is_string(v))
        return err_set(e, ERR_MALFORMED, "%s is no text", what);
    *out = arena_str(a, json_str(v));
    return ERR_NONE;
}

static enum err_kind take_names(const json_t *names, struct arena *a, struct discovery_request *r,
                                struct err *e)
{
    if (names && !json_is_null(names) && !json_is_array(names))
        return err_set(e, ERR_MALFORMED, "resource_names is no list");
    size_t n = json_array_size(names);
    if (n > NAMES_MAX)
        return err_set(e, ERR_LIMIT, "a poll may name at most %d resources", NAMES_MAX);
    r->names = ARENA_ARRAY(a, struct str, n);
    for (size_t i = 0; i < n; i++) {
        const json_t *name = json_array_get(names, i);
        if (take_text(name, "a resource name", a, &r->names[i], e) != ERR_NONE)
            return e->kind;
        if (!json_is_string(name) || r->names[i].n == 0)
            return err_set(e, ERR_MALFORMED, "a resource name is empty");
        if (r->names[i].n > NAME_MAX_SIZE)
            return err_set(e, ERR_LIMIT, "a resource name has more than %d bytes", NAME_MAX_SIZE);
        r->n_names++;
    }
    return ERR_NONE;
}

static enum err_kind take_node(json_t *node, struct arena *a, struct discovery_node *out, struct err *e)
{
    json_t *metadata = json_get(node, "metadata");
    if (!json_is_object(node) || (metadata && !json_is_object(metadata)))
        return err_set(e, ERR_MALFORMED, "the discovery request has no node");
    out->given = true;
    out->metadata = json_incref(metadata);
    if (take_text(json_get(node, "id"), "node.id", a, &out->id, e) != ERR_NONE)
        return e->kind;
    return take_text(json_get(node, "cluster"), "node.cluster", a, &out->cluster, e);
}

static enum err_kind take_error(const json_t *error, struct arena *a, struct discovery_request *r,
                                struct err *e)
{
    r->has_error = json_is_object(error);
    if (take_text(json_get(error, "message"), "error_detail.message", a, &r->error_message, e) == ERR_NONE)
        r->error_message = str_cut(r->error_message, ERROR_TEXT_MAX);
    return e->kind;
}

static enum err_kind take_request(json_t *o, struct arena *a, struct discovery_request *r, struct err *e)
{
    if (take_node(json_get(o, "node"), a, &r->node, e) != ERR_NONE ||
        take_text(field(o, "version_info", "versionInfo"), "version_info", a, &r->version_info, e) !=
            ERR_NONE ||
        take_text(field(o, "type_url", "typeUrl"), "type_url", a, &r->type_url, e) != ERR_NONE ||
        take_names(field(o, "resource_names", "resourceNames"), a, r, e) != ERR_NONE ||
        take_error(field(o, "error_detail", "errorDetail"), a, r, e) != ERR_NONE)
        return e->kind;
    if (r->type_url.n > 0 && xds_type_by_url(r->type_url) != r->type)
        return err_set(e, ERR_INVALID, "type_url is not that of the path");
    r->n_names = names_normalize(r->names, r->n_names);
    return ERR_NONE;
}

enum err_kind ads_poll_read(struct ads_poll *p, enum xds_type type, struct str json, struct err *e)
{
    json_t *body = NULL;
    p->request.type = type;
    if (json.n > DISCOVERY_REQUEST_MAX)
        return err_set(e, ERR_LIMIT, "a discovery request may have at most %u bytes", DISCOVERY_REQUEST_MAX);
    if (json_parse(json, &body, e) != ERR_NONE)
        return e->kind;
    enum err_kind kind = json_is_object(body) ? take_request(body, &p->arena, &p->request, e)
                                              : err_set(e, ERR_MALFORMED, "the body is no object");
    json_decref(body);
    return kind;
}

/* ---- answers ---- */

static bool is_source(const char *key)
{
    static const char *const names[] = {"edsConfig", "sdsConfig", "configSource"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(key, names[i]) == 0)
            return true;
    }
    return false;
}

void poll_replace_sources(json_t *tree)
{
    const char *key;
    json_t *item;
    size_t i;
    json_array_foreach(tree, i, item)
    {
        poll_replace_sources(item);
    }
    json_object_foreach(tree, key, item)
    {
        if (is_source(key) && json_get(item, "ads"))
            json_object_set_new(tree, key, envoy_polling());
        else
            poll_replace_sources(item);
    }
}

static json_t *resource_json(const struct xds_resource *r)
{
    json_t *tree = xds_resource_to_json(r);
    poll_replace_sources(tree);
    json_object_set_new(tree, "@type", json_from_str(xds_type_info(r->type)->type_url));
    return tree;
}

char *poll_response_json(enum xds_type type, uint64_t version, struct xds_resource *const *v, size_t n,
                         size_t *size)
{
    char text[VERSION_TEXT_SIZE];
    JSON_AUTO response = json_object();
    json_t *resources = json_array();
    version_format(version, text);
    json_object_set_new(response, "versionInfo", json_string(text));
    json_object_set_new(response, "typeUrl", json_from_str(xds_type_info(type)->type_url));
    json_object_set_new(response, "resources", resources);
    for (size_t i = 0; i < n; i++)
        json_array_append_new(resources, resource_json(v[i]));
    /* Measured first: a buffer that grows would leave copies of keys behind. */
    *size = json_dumpb(response, NULL, 0, JSON_COMPACT);
    char *out = xmalloc(*size + 1);
    size_t written = json_dumpb(response, out, *size, JSON_COMPACT);
    assert(written == *size);
    (void)written;
    return out;
}
