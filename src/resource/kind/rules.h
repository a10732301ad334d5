/* rules.h -- rules that several types share: texts and order are those of the reference (resources.md 1.5).
 *
 * A check adds every fault it finds as a cause and does not stop; 'at' is the place of what it checks. */
#ifndef URSA_RESOURCE_KIND_RULES_H
#define URSA_RESOURCE_KIND_RULES_H

#include "ursa/resource.h"

struct tag_rules {
    bool selector; /* values may hold '/', or be "*" */
    bool at_least_one;
    bool needs_service; /* kuma.io/service must be there */
    bool only_service;  /* and nothing else may */
    bool no_reserved;   /* neither it nor the protocol, the zone or an external service's name may */
    /* The type's own rule, before those of the single tags; may be NULL. */
    void (*map_check)(const struct tags *, const struct path *at, struct err *);
};
void rule_tags(const struct tag_rules *, const struct tags *, const struct path *at, struct err *);

/* sources and destinations. Class A: sources name a service, destinations nothing but a service. Class B: any
 * tags. Class C: destinations name an HTTP protocol. */
void rule_selectors_a(const struct policy_spec *, struct err *);
void rule_selectors_b(const struct policy_spec *, struct err *);
void rule_selectors_c(const struct policy_spec *, struct err *);
/* selectors: each has a tag; says more than that in 'rules'. */
struct selector_rules {
    bool at_least_one, at_most_one;
    bool needs_service; /* each of them */
};
void rule_selectors(const struct selector_rules *, const struct selector_spec *, struct err *);
/* A split's or route's destination: a selector with kuma.io/service. */
void rule_destination(const struct tags *, const struct path *at, struct err *);

/* A tag_rules.map_check: kuma.io/protocol, when it is there, is one that Envoy can be configured for. */
void rule_protocol_tag(const struct tags *, const struct path *at, struct err *);

void rule_port(uint32_t port, const struct path *at, struct err *);
/* Where a proxy listens: an IP address or a DNS name. */
void rule_address(struct str address, const struct path *at, struct err *);
/* Given, and from 0 to 100. */
void rule_percentage(struct opt_double, const struct path *at, struct err *);
void rule_data_source(const struct data_source *, const struct path *at, struct err *); /* NULL is fine */
/* Given and zero: the reason is 'text'. */
void rule_duration_not_zero(struct opt_dur, const char *text, const struct path *at, struct err *);
void rule_u32_not_zero(struct opt_u32, const char *text, const struct path *at, struct err *);

bool is_ip(struct str);             /* IPv4 dotted or IPv6 text */
bool meets_loopback(struct str ip); /* 127.0.0.1 or every address: a listener there can be met at 127.0.0.1 */
bool is_dns_name(struct str);       /* and no IP */
bool is_tag_name(struct str);       /* its characters: "" has none that is wrong */
bool is_http_status(uint32_t);      /* one that IANA has a name for, as Go's net/http lists them */
bool are_escapes_valid(struct str); /* every '%' begins an escape of two hexadecimal digits */
/* The parts of what Go's url.ParseRequestURI accepts; p == NULL or empty when absent. */
struct request_uri {
    struct str scheme, opaque, user, port, path, query;
};
MUST_USE bool request_uri_split(struct str, struct request_uri *);
/* Of [user@]host[:port], whose port may be empty. */
MUST_USE bool authority_split(struct str, struct request_uri *);
/* What Go's url.ParseRequestURI accepts: "/path", or a URL with a scheme. 'port' (may be NULL) gets its text,
 * "" when there is none. */
bool is_request_uri(struct str, struct str *port);
/* Cuts at the last colon; IPv6 stands in brackets, which go. Both are "" when it cannot be cut. */
bool host_port_split(struct str, struct str *host, struct str *port);
/* "host:port", neither empty. */
bool is_host_port(struct str);

bool is_url(struct str);       /* [scheme://][user@]host[:port][/path], as the reference's library knows it */
bool is_file_path(struct str); /* absolute, of Unix or Windows */

/* A value in Envoy's own words: resource_native_check. */
#define NATIVE_RESOURCE STR("google.protobuf.Any") /* any that travels by itself, named by its "@type" */
#define NATIVE_CLUSTER STR("envoy.config.cluster.v3.Cluster")
#define NATIVE_LISTENER STR("envoy.config.listener.v3.Listener")
#define NATIVE_VIRTUAL_HOST STR("envoy.config.route.v3.VirtualHost")
#define NATIVE_NETWORK_FILTER STR("envoy.config.listener.v3.Filter")
#define NATIVE_HTTP_FILTER STR("envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter")
void rule_native(struct str message, struct str text, bool whole, const struct path *at, struct err *);

/* An access-log format (resources.md 1.6); false and the reason when it is not valid. */
MUST_USE bool log_format_check(struct str format, struct arena *, struct str *reason);
/* A regular expression of RE2's syntax; false and Go's reason when it does not compile. */
MUST_USE bool regex_check(struct str regex, struct arena *, struct str *reason);

#endif
