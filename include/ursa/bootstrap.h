/* ursa/bootstrap.h -- the configuration with which an Envoy starts, as POST /bootstrap answers it.
 *
 * A pure function of plain values; any thread. Whoever answers the request (api/) has checked them. The
 * result holds the proxy's token: it is not for logs. */
#ifndef URSA_BOOTSTRAP_H
#define URSA_BOOTSTRAP_H

#include <jansson.h>

#include "ursa/base/arena.h"

enum bootstrap_proxy { BOOTSTRAP_DATAPLANE, BOOTSTRAP_INGRESS, BOOTSTRAP_EGRESS, BOOTSTRAP_N };

/* How Envoy is to be told its configuration: what has changed, or each time all that there is of a type, or
 * it polls. */
enum bootstrap_transport { TRANSPORT_DELTA, TRANSPORT_SOTW, TRANSPORT_REST, TRANSPORT_N };

/* Texts may be "" and trees NULL where that makes sense; everything is borrowed. */
struct bootstrap_input {
    enum bootstrap_proxy proxy;
    enum bootstrap_transport transport;
    bool builtin_gateway;
    struct str mesh; /* of a dataplane */
    struct str name;
    struct str service;       /* of a dataplane: its first inbound's or its gateway's kuma.io/service */
    struct str admin_address; /* Envoy's admin endpoint */
    uint16_t admin_port;      /* 0: none */
    struct str xds_host; /* where Envoy finds the control plane; an address or a name, without brackets */
    uint16_t xds_port;
    bool health_discovery;             /* a dataplane's Envoy asks what it is to check */
    struct str ca_pem;                 /* who signed the control plane's certificate, or that certificate */
    struct str token;                  /* sent along as it is, without "Bearer" */
    struct str dataplane_resource;     /* the proxy's own resource as it sent it, JSON or YAML */
    const json_t *version;             /* {"kumaDp": {...}, "envoy": {...}} */
    const json_t *features;            /* array of strings */
    const json_t *dynamic_metadata;    /* object of strings */
    uint16_t dns_port, empty_dns_port; /* 0: none */
    struct str access_log_socket;      /* "": /tmp/kuma-al-<name>-<mesh>.sock */
    struct str metrics_socket;         /* "": /tmp/kuma-mh-<name>-<mesh>.sock */
    struct str metrics_cert, metrics_key; /* paths */
    uint64_t max_heap_bytes;              /* of a builtin gateway; 0: no limit */
};

/* "dataplane", "ingress", "egress"; "" means dataplane. */
MUST_USE bool bootstrap_proxy_parse(struct str, enum bootstrap_proxy *);

/* "delta", "sotw", "rest". */
MUST_USE bool bootstrap_transport_parse(struct str, enum bootstrap_transport *);
struct str bootstrap_transport_name(enum bootstrap_transport);

/* Reads like Envoy's envoy.config.bootstrap.v3.Bootstrap. The caller owns it. */
json_t *bootstrap_tree(const struct bootstrap_input *);
/* The same as YAML, in the arena. */
struct str bootstrap_yaml(struct arena *, const struct bootstrap_input *);

#endif
