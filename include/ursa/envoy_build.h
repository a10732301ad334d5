/* ursa/envoy_build.h -- small builders of Envoy's configuration as JSON trees that read like its YAML.
 *
 * They know messages, not meshes: every argument is a plain value. A builder returns a new tree and takes
 * over the trees it is given; NULL trees are left out. A tree that could not be built is JSON null, which
 * xds_resource_new() refuses, so callers check once, at the end. Pure; any thread. */
#ifndef URSA_ENVOY_BUILD_H
#define URSA_ENVOY_BUILD_H

#include "ursa/envoy.h"

/* json_pack that never returns NULL; "s%" with PACK_STR(s) is a string slice, "o*" a tree that may be NULL.
 */
json_t *envoy_pack(const char *fmt, ...);
#define PACK_STR(s) ((s).p ? (s).p : ""), (s).n
/* Adds "@type": "type.googleapis.com/<message>" to the object. */
json_t *envoy_any(const char *message, json_t *body);
/* {"name", "typedConfig"}: the shape of every extension. */
json_t *envoy_extension(const char *name, const char *message, json_t *body);
/* "1.500s" */
json_t *envoy_duration(int64_t ns);
json_t *envoy_bytes(struct str);                                   /* base64 */
void envoy_set_str(json_t *object, struct str key, json_t *value); /* a key that is no C string */
/* Statistics names: every byte outside [A-Za-z0-9_-] becomes '_'. */
struct str envoy_stat_name(struct arena *, struct str);
/* "10.0.0.1:80", "[::1]:80" */
struct str envoy_host_port(struct arena *, struct str address, uint32_t port);
json_t *envoy_address(struct str address, uint32_t port);
bool envoy_address_is_ip(struct str address); /* a socket address is one; host names need a DNS cluster */
json_t *envoy_ads(void); /* the ConfigSource of everything that comes over the same stream */
/* Likewise of a client that polls, over the cluster of that name, which the bootstrap has. */
#define ENVOY_POLLED_CLUSTER "rest_cluster"
json_t *envoy_polling(void);

/* ---- clusters, endpoints ---- */
/* An endpoint list comes by EDS; proxies always speak HTTP/2 to each other. */
json_t *envoy_eds_cluster(struct str name);
/* One fixed endpoint. */
json_t *envoy_static_cluster(struct str name, struct str address, uint32_t port);
/* Wherever the client wanted to go. */
json_t *envoy_original_dst_cluster(struct str name);
/* What it dials comes from this address. */
void envoy_cluster_set_source(json_t *cluster, struct str address);
/* "httpProtocolOptions" or "http2ProtocolOptions". */
void envoy_cluster_set_http(json_t *cluster, const char *options);
/* The commonHttpProtocolOptions of the cluster, made when absent; borrowed. */
json_t *envoy_cluster_common_http(json_t *cluster);
void envoy_cluster_set_tls(json_t *cluster, json_t *transport_socket);
json_t *envoy_endpoints(struct str cluster_name,
                        json_t *localities); /* an array of LocalityLbEndpoints; may be empty */
json_t *envoy_endpoint(struct str address, uint32_t port, uint32_t weight, json_t *metadata);

/* ---- listeners ---- */
json_t *envoy_listener(struct str name, struct str address, uint32_t port, const char *direction);
void envoy_listener_add_chain(json_t *listener, json_t *chain);
void envoy_listener_set_tags(json_t *listener, json_t *tags); /* metadata "io.kuma.tags" */
void envoy_listener_inspect_tls(json_t *listener);
/* It gets connections only from the listener to which the kernel redirects them. */
void envoy_listener_set_redirected(json_t *listener);
/* DNS over UDP: names of the table, and all others from the resolver at this loopback port. */
json_t *envoy_dns_listener(struct str name, struct str address, uint32_t port, uint32_t resolver_port,
                           json_t *virtual_domains);
json_t *envoy_dns_domain(struct str name, json_t *addresses);
json_t *envoy_chain(json_t *match, json_t *filters, json_t *transport_socket);

/* ---- filters ---- */
/* The connection manager's own message, to be changed before it is wrapped; routes come by RDS when
 * 'route_name' is given. */
json_t *envoy_hcm(struct str stat_prefix, struct str route_name, json_t *http_filters);
json_t *envoy_hcm_filter(json_t *hcm);
/* The request header is set before anything else looks at the request. */
json_t *envoy_early_header(const char *header, json_t *value); /* takes over the value */
json_t *envoy_router(void);
json_t *envoy_grpc_stats(void);
/* A filter whose configuration comes by ECDS under the filter's name. */
json_t *envoy_discovered_http_filter(struct str name, const char *message);
json_t *envoy_discovered_config(struct str name, const char *message, json_t *body); /* that resource */
/* One cluster, or several with weights: an array of {name, weight}. */
json_t *envoy_tcp_proxy(struct str stat_prefix, const json_t *clusters);
json_t *envoy_tcp_filter(json_t *tcp_proxy);
json_t *envoy_network_rbac(struct str stat_prefix, json_t *rules);
#define ENVOY_HTTP_RBAC "envoy.extensions.filters.http.rbac.v3.RBAC"

/* ---- routes ---- */
/* One virtual host for every domain. */
json_t *envoy_routes(struct str name, struct str virtual_host, json_t *routes);
/* Calls 'each' for every route of every virtual host. */
void envoy_routes_each(json_t *route_config, void (*each)(void *ctx, json_t *route), void *ctx);
/* {"cluster"} or {"weightedClusters"} */
json_t *envoy_route_action(const json_t *clusters);
json_t *envoy_prefix_route(const char *prefix, json_t *action);

/* ---- TLS ---- */
struct envoy_tls {
    struct str identity_secret, ca_secret; /* SDS names */
    const char *san_type;                  /* "URI", "DNS" */
    const char *san_match;                 /* "exact", "prefix" */
    struct str san;
};
json_t *envoy_upstream_tls(const struct envoy_tls *, const char *alpn, struct str sni);
json_t *envoy_downstream_tls(const struct envoy_tls *); /* requires a client certificate */
json_t *envoy_secret_certificate(struct str name, struct str chain_pem, struct str key_pem);
/* Overwrites the private key and frees the tree. */
void envoy_secret_wipe(json_t *secret);
json_t *envoy_secret_ca(struct str name, struct str bundle_pem);

#endif
