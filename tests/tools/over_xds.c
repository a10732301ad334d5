/* over_xds.c -- a client without a network: it asks for every type, and for all that there is by name where a
 * type is asked for by name. */
#include "over_xds.h"

#include "../../src/xds/message.h"
#include "../../src/xds/poll.h"
#include "../../src/xds/session.h"
#include "ursa/base/json.h"
#include "world.h"

#define RESPONSES_MAX 100

struct client {
    enum xds_variant variant;
    struct session session;
    struct config_set *config;
    json_t **trees;
    struct arena arena; /* of one message */
    struct err e;
};

static struct str message_name(struct client *c, const char *what)
{
    return arena_printf(&c->arena, "envoy.service.discovery.v3.%sDiscovery%s",
                        c->variant == XDS_DELTA ? "Delta" : "", what);
}

static json_t *names_of(const struct xds_list *list)
{
    json_t *names = json_array();
    for (size_t i = 0; i < list->n; i++)
        json_array_append_new(names, json_from_str(list->v[i]->name));
    return names;
}

/* With 'response', accepts it; the state of the world repeats its names then. */
static void request(struct client *c, enum xds_type t, const json_t *response)
{
    JSON_AUTO tree = json_object();
    struct discovery_request r;
    struct buf wire;
    const char *names = c->variant == XDS_DELTA ? "resourceNamesSubscribe" : "resourceNames";
    json_object_set_new(tree, "typeUrl", json_from_str(xds_type_info(t)->type_url));
    if (!xds_type_info(t)->whole_set && (!response || c->variant != XDS_DELTA))
        json_object_set_new(tree, names, names_of(c->config->lists[t]));
    if (response)
        json_object_set(tree, "responseNonce", json_get(response, "nonce"));
    if (response && c->variant != XDS_DELTA)
        json_object_set(tree, "versionInfo", json_get(response, "versionInfo"));
    buf_init(&wire, DISCOVERY_REQUEST_MAX);
    if (envoy_encode(message_name(c, "Request"), tree, &wire, &c->e) != ERR_NONE ||
        discovery_request_decode(c->variant == XDS_DELTA ? XDS_DELTA : XDS_SOTW, buf_str(&wire), &c->arena,
                                 &r, &c->e) != ERR_NONE)
        die("request: " STR_FMT, STR_ARG(err_render(&c->e, &c->arena)));
    (void)session_request(&c->session, &r);
    discovery_request_fini(&r);
    buf_fini(&wire);
}

/* As a poll is answered, and read with Envoy's schema. A poll names no response, so that is added. */
static json_t *receive_json(struct client *c, const struct xds_response *response)
{
    size_t size;
    char *text = poll_response_json(response->type, response->version, response->v, response->n, &size);
    json_t *tree;
    struct buf wire;
    buf_init(&wire, SIZE_MAX);
    if (json_parse(str_from(text, size), &tree, &c->e) != ERR_NONE ||
        envoy_encode(message_name(c, "Response"), tree, &wire, &c->e) != ERR_NONE)
        die("response: " STR_FMT, STR_ARG(err_render(&c->e, &c->arena)));
    json_object_set_new(tree, "nonce", json_sprintf("%llu", (unsigned long long)response->nonce));
    buf_fini(&wire);
    free(text);
    return tree;
}

static json_t *receive(struct client *c, const struct xds_response *response)
{
    struct xds_message m;
    struct buf wire;
    json_t *tree;
    message_from_response(response, STR("dump"), &m);
    buf_init(&wire, SIZE_MAX);
    for (size_t i = 0; i < m.n_parts; i++)
        buf_add_str(&wire, m.parts[i].bytes);
    if (envoy_decode(message_name(c, "Response"), buf_str(&wire), &tree, &c->e) != ERR_NONE)
        die("response: " STR_FMT, STR_ARG(err_render(&c->e, &c->arena)));
    buf_fini(&wire);
    xds_message_fini(&m);
    return tree;
}

static void keep(struct client *c, enum xds_type t, const json_t *response)
{
    json_t *resource;
    size_t i;
    if (json_array_size(json_get(response, "removedResources")) > 0)
        die("a client that has nothing is told that something is gone");
    json_array_foreach(json_get(response, "resources"), i, resource)
    {
        json_t *tree = c->variant == XDS_DELTA ? json_get(resource, "resource") : resource;
        json_object_del(tree, "@type");
        json_array_append(c->trees[t], tree);
    }
}

void over_xds(enum xds_variant variant, struct config_set *config, json_t *trees[XDS_N])
{
    struct client c = {.variant = variant, .config = config, .trees = trees};
    enum xds_type t;
    arena_init(&c.arena);
    err_init(&c.e, &c.arena);
    session_init(&c.session, variant);
    session_set_config(&c.session, config);
    for (t = 0; t < XDS_N; t++) {
        trees[t] = json_array();
        if (xds_type_info(t)->whole_set || config->lists[t]->n > 0)
            request(&c, t, NULL);
    }
    for (int i = 0; (t = session_due(&c.session)) != XDS_N; i++) {
        struct xds_response r;
        if (i > RESPONSES_MAX)
            die("it never falls silent");
        session_send(&c.session, t, &r);
        JSON_AUTO response = variant == XDS_REST ? receive_json(&c, &r) : receive(&c, &r);
        keep(&c, t, response);
        request(&c, t, response);
        xds_response_fini(&r);
    }
    if (!session_is_serving(&c.session))
        die("the client has not been given all");
    session_fini(&c.session);
    arena_fini(&c.arena);
}
