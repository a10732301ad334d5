/* bootstrap.c -- POST /bootstrap: what kuma-dp and ursa-dp ask before they start Envoy (rest-api.md section
 * 10). The answer's document itself is made by compile/bootstrap.c. */
#include "ursa/bootstrap.h"

#include "router.h"
#include "server.h"
#include "ursa/base/base64.h"

/* Texts that end kuma-dp instead of letting it try again and again. */
static const char token_required[] = "Dataplane Token is required. Generate token using 'kumactl generate "
                                     "dataplane-token > /path/file' and provide it via "
                                     "--dataplane-token-file=/path/file argument to Kuma DP";
static const char not_a_ca[] = "A data plane proxy is trying to verify the control plane using the "
                               "certificate which is not a certificate authority (basic constraint "
                               "'CA' is set to 'false').\nProvide CA that was used to sign a certificate "
                               "used in the control plane by using 'kuma-dp run "
                               "--ca-cert-file=file' or via KUMA_CONTROL_PLANE_CA_CERT_FILE";

struct asked {
    json_t *body; /* owned */
    struct str mesh, name, token, resource_text, ca_pem, host;
    enum bootstrap_proxy proxy;
    enum bootstrap_transport transport;
    const struct resource *dataplane; /* the one brought, or the stored one */
    struct resource *brought;         /* owned */
};

static void refuse(struct request *r, unsigned status, struct str text)
{
    if (text.n)
        answer_text(r, status, TYPE_TEXT, text);
    else
        answer_empty(r, status);
}

/* "field: reason; field: reason", or the text. */
static struct str faults(struct request *r)
{
    struct buf out;

    if (r->err.n_causes == 0)
        return r->err.text;
    buf_init(&out, BUF_MAX_RESOURCE);
    for (size_t i = 0; i < r->err.n_causes; i++)
        buf_printf(&out, "%s" STR_FMT ": " STR_FMT, i ? "; " : "", STR_ARG(r->err.causes[i].field),
                   STR_ARG(r->err.causes[i].reason));
    struct str text = arena_str(&r->arena, buf_str(&out));
    buf_fini(&out);
    return text;
}

/* The Host header without its port; brackets of an IPv6 address go. */
static struct str host_name(struct str host)
{
    size_t colon = str_rchr(host, ':');

    if (str_has_prefix(host, STR("[")))
        return str_slice(host, 1, str_chr(host, ']'));
    return str_chr(host, ':') == colon ? str_slice(host, 0, colon) : host;
}

/* ---- checks: each answers and returns false when the proxy may not start ---- */

static bool check_token_given(struct request *r, const struct asked *q)
{
    if (!r->options->bootstrap.authenticate || q->token.n ||
        json_str(json_get(q->body, "dataplaneTokenPath")).n)
        return true;
    refuse(r, 422, str_from_c(token_required));
    return false;
}

/* Envoy will check the control plane's certificate for the name it dials: a name that is not in it cannot
 * work. */
static bool check_host(struct request *r, const struct asked *q)
{
    struct str_list sans;
    bool is_ca;
    int64_t expires;
    struct buf list;

    if (r->options->bootstrap.xds_host.n)
        return true;
    if (cert_describe(blob_str(r->server->api->server_cert), &r->arena, &sans, &is_ca, &expires, &r->err) !=
        ERR_NONE) {
        answer_error(r);
        return false;
    }
    buf_init(&list, BUF_MAX_RESOURCE);
    for (size_t i = 0; i < sans.n; i++) {
        if (str_eq_nocase(sans.v[i], q->host)) {
            buf_fini(&list);
            return true;
        }
        buf_printf(&list, "%s\"" STR_FMT "\"", i ? " " : "", STR_ARG(sans.v[i]));
    }
    refuse(
        r, 400,
        arena_printf(&r->arena,
                     "A data plane proxy is trying to connect to the control plane using \"" STR_FMT
                     "\" address, but the certificate in the control plane has the following SANs [" STR_FMT
                     "]. Either change the --cp-address to one of those, or give the control plane a "
                     "certificate with this name "
                     "(general.tlsCertFile and general.tlsKeyFile) and restart it.",
                     STR_ARG(q->host), STR_ARG(buf_str(&list))));
    buf_fini(&list);
    return false;
}

/* The certificate that Envoy is to trust: the request's, else our own. */
static bool check_ca(struct request *r, struct asked *q)
{
    struct str_list sans;
    int64_t expires;
    bool is_ca;

    if (q->ca_pem.n == 0)
        q->ca_pem = blob_str(r->server->api->server_cert);
    if (cert_describe(q->ca_pem, &r->arena, &sans, &is_ca, &expires, &r->err) != ERR_NONE)
        refuse(r, 400,
               arena_printf(&r->arena, "caCert is not a certificate: " STR_FMT, STR_ARG(r->err.text)));
    else if (!is_ca)
        refuse(r, 400, str_from_c(not_a_ca));
    else
        return true;
    return false;
}

static enum err_kind decode_brought(struct request *r, struct asked *q)
{
    const struct res_type_info *type = res_type_info(RES_DATAPLANE);
    struct yaml_doc *docs;
    size_t n;

    if (yaml_parse(q->resource_text, 1, &docs, &n, &r->err) != ERR_NONE)
        return r->err.kind;
    if (n != 1)
        return err_set(&r->err, ERR_MALFORMED, "the resource is empty");
    JSON_AUTO root = docs[0].root;
    if (!json_is_object(root) || !str_eq(resource_doc_type(root), type->name)) {
        err_cause_at(&r->err, STR("type"),
                     arena_printf(&r->arena, "must be \"" STR_FMT "\"", STR_ARG(type->name)));
        return r->err.kind;
    }
    if (resource_decode(RES_DATAPLANE, root, &q->brought, &r->err) != ERR_NONE)
        return r->err.kind;
    const struct res_key *key = &q->brought->key;
    const struct dp_networking *net = resource_dataplane(q->brought)->networking;
    if (!snap_find_mesh(r->snap, key->mesh))
        err_cause_at(&r->err, STR("mesh"),
                     arena_printf(&r->arena, "mesh \"" STR_FMT "\" does not exist", STR_ARG(key->mesh)));
    else if (net->transparent_proxying && net->n_outbound > 0)
        err_cause_at(&r->err, STR("outbound"),
                     STR("should be empty since dataplane is in Transparent Proxying mode"));
    else if (resource_check_key(key, &r->err) == ERR_NONE)
        q->dataplane = q->brought;
    return r->err.kind;
}

static bool find_dataplane(struct request *r, struct asked *q)
{
    if (q->resource_text.n && decode_brought(r, q) != ERR_NONE) {
        refuse(r, 422, faults(r));
        return false;
    }
    if (q->resource_text.n == 0)
        q->dataplane = snap_find(r->snap, RES_DATAPLANE, q->mesh, q->name);
    if (!q->dataplane)
        refuse(r, 404, STR_NONE); /* kuma-dp asks again until somebody creates it */
    return q->dataplane != NULL;
}

/* A token that the stream would refuse is refused here, where the launcher still can say so and end. */
static bool check_token(struct request *r, const struct asked *q)
{
    const struct credential shown = {.text = q->token, .source = r->source};
    struct token_claims claims;

    if (!r->options->bootstrap.authenticate || q->token.n == 0)
        return true;
    if (token_verify(r->options->auth.tokens, r->snap, TOKEN_DATAPLANE, q->dataplane->key.mesh, &shown,
                     &r->arena, &claims, &r->err) == ERR_NONE &&
        token_check_dataplane(&claims, q->dataplane, &r->err) == ERR_NONE)
        return true;
    refuse(r, r->err.kind == ERR_TOO_OFTEN ? 429 : 422, r->err.text);
    return false;
}

/* So is what the writer would not let in; whoever has no token learns nothing of the mesh's rules. */
static bool check_membership(struct request *r, const struct asked *q)
{
    const struct resource *mesh = snap_find_mesh(r->snap, q->dataplane->key.mesh);

    if (!q->brought || !mesh ||
        mesh_check_membership(resource_mesh(mesh), mesh->key.name, resource_dataplane(q->brought), &r->err) ==
            ERR_NONE)
        return true;
    refuse(r, 422, faults(r));
    return false;
}

/* ---- the answer ---- */

/* 0 for what is no port. A free object's numbers may be written 8080.0, and be any. */
static uint16_t port_value(const json_t *v)
{
    double n = json_number_value(v);

    return n >= 1 && n <= UINT16_MAX ? (uint16_t)n : 0;
}

/* Applications whose metrics kuma-dp merges: those of the Mesh's Prometheus backend in use that are not
 * switched off. */
static json_t *aggregate_json(struct request *r, const struct asked *q)
{
    const struct resource *mesh = snap_find_mesh(r->snap, q->dataplane->key.mesh);
    const struct mesh_metrics *metrics = mesh ? resource_mesh(mesh)->metrics : NULL;
    json_t *list = json_array(), *app;
    size_t b = 0, i;

    while (metrics && b < metrics->n_backends && !str_eq(metrics->backends[b].name, metrics->enabled_backend))
        b++;
    if (!metrics || metrics->enabled_backend.n == 0 || b == metrics->n_backends ||
        !metrics->backends[b].conf.text.p)
        return list;
    json_t *conf = json_loadb(metrics->backends[b].conf.text.p, metrics->backends[b].conf.text.n, 0, NULL);
    json_array_foreach(json_get(conf, "aggregate"), i, app)
    {
        json_t *enabled = json_get(app, "enabled"), *entry;
        struct str address = json_str(json_get(app, "address"));
        if (json_is_false(enabled))
            continue;
        entry = json_object();
        json_object_set_new(entry, "name", json_from_str(json_str(json_get(app, "name"))));
        json_object_set_new(
            entry, "address",
            json_from_str(address.n ? address : resource_dataplane(q->dataplane)->networking->address));
        json_object_set_new(entry, "port", json_integer(port_value(json_get(app, "port"))));
        json_object_set_new(entry, "path", json_from_str(json_str(json_get(app, "path"))));
        json_array_append_new(list, entry);
    }
    json_decref(conf);
    return list;
}

static struct str make_bootstrap(struct request *r, const struct asked *q)
{
    const struct api_bootstrap *o = &r->options->bootstrap;
    const struct dataplane_spec *spec = resource_dataplane(q->dataplane);
    const struct dp_networking *net = spec->networking;
    const json_t *metrics = json_get(q->body, "metricsResources");
    const struct bootstrap_input in = {
        .proxy = q->proxy,
        .transport = q->transport,
        .builtin_gateway = net->gateway && net->gateway->type == GATEWAY_BUILTIN,
        .mesh = q->mesh,
        .name = q->name,
        .service = dataplane_service(spec),
        .admin_address = o->admin_address,
        .admin_port = net->admin && net->admin->port ? (uint16_t)net->admin->port : o->admin_port,
        .xds_host = o->xds_host.n ? o->xds_host : q->host,
        .xds_port = o->xds_port,
        .health_discovery = o->health_discovery,
        .ca_pem = q->ca_pem,
        .token = q->token,
        .dataplane_resource = q->resource_text,
        .version = json_get(q->body, "version"),
        .features = json_get(q->body, "features"),
        .dynamic_metadata = json_get(q->body, "dynamicMetadata"),
        .dns_port = port_value(json_get(q->body, "dnsPort")),
        .empty_dns_port = port_value(json_get(q->body, "emptyDnsPort")),
        .access_log_socket = json_str(json_get(q->body, "accessLogSocketPath")),
        .metrics_socket = json_str(json_get(metrics, "socketPath")),
        .metrics_cert = json_str(json_get(metrics, "certPath")),
        .metrics_key = json_str(json_get(metrics, "keyPath")),
        .max_heap_bytes =
            (uint64_t)json_integer_value(json_get(json_get(q->body, "resources"), "maxHeapSizeBytes")),
    };

    return bootstrap_yaml(&r->arena, &in);
}

static void answer_bootstrap(struct request *r, const struct asked *q)
{
    struct str yaml = make_bootstrap(r, q);
    bool transparent = networking_is_transparent(resource_dataplane(q->dataplane)->networking);

    if (!str_eq(request_header(r, "Accept"), STR(TYPE_JSON))) {
        answer_text(r, 200, "text/x-yaml", yaml);
        return;
    }
    answer_json_compact(r, 200,
                        json_pack("{s:o,s:{s:{s:b},s:{s:o}}}", "bootstrap",
                                  json_from_str(base64_encode(&r->arena, yaml)), "kumaSidecarConfiguration",
                                  "networking", "isUsingTransparentProxy", transparent, "metrics",
                                  "aggregate", aggregate_json(r, q)));
}

void bootstrap_post(struct request *r)
{
    struct asked q = {.proxy = BOOTSTRAP_DATAPLANE, .transport = r->options->bootstrap.transport};

    if (json_parse(buf_str(&r->body), &q.body, &r->err) != ERR_NONE || !json_is_object(q.body)) {
        json_decref(q.body);
        refuse(r, 400, STR_NONE);
        return;
    }
    q.mesh = json_str(json_get(q.body, "mesh"));
    q.name = json_str(json_get(q.body, "name"));
    q.token = str_trim(json_str(json_get(q.body, "dataplaneToken")));
    q.resource_text = json_str(json_get(q.body, "dataplaneResource"));
    q.ca_pem = json_str(json_get(q.body, "caCert"));
    q.host = host_name(request_header(r, "Host"));
    r->title = "Could not make the bootstrap";
    if (check_token_given(r, &q) && check_host(r, &q)) {
        if (!bootstrap_proxy_parse(json_str(json_get(q.body, "proxyType")), &q.proxy))
            refuse(r, 422, STR("proxyType: must be dataplane, ingress or egress"));
        else if (q.proxy != BOOTSTRAP_DATAPLANE)
            refuse(r, 422, STR("proxyType: zone proxies are not available in this version"));
        else if (json_get(q.body, "xdsTransport") &&
                 !bootstrap_transport_parse(json_str(json_get(q.body, "xdsTransport")), &q.transport))
            refuse(r, 422, STR("xdsTransport: must be delta, sotw or rest"));
        else if (find_dataplane(r, &q) && check_token(r, &q) && check_membership(r, &q) && check_ca(r, &q))
            answer_bootstrap(r, &q);
    }
    resource_unref(q.brought);
    json_decref(q.body);
}
