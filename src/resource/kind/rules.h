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
    /* The type's own rule, before those of the single tags; may be NULL. */
    void (*map_check)(const struct tags *, const struct path *at, struct err *);
};
void rule_tags(const struct tag_rules *, const struct tags *, const struct path *at, struct err *);

/* sources and destinations. Class A: sources name a service, destinations nothing but a service. Class B: any
 * tags. */
void rule_selectors_a(const struct policy_spec *, struct err *);
void rule_selectors_b(const struct policy_spec *, struct err *);
/* A split's or route's destination: a selector with kuma.io/service. */
void rule_destination(const struct tags *, const struct path *at, struct err *);

void rule_port(uint32_t port, const struct path *at, struct err *);
/* Given and zero: the reason is 'text'. */
void rule_duration_not_zero(struct opt_dur, const char *text, const struct path *at, struct err *);
void rule_u32_not_zero(struct opt_u32, const char *text, const struct path *at, struct err *);

bool is_ip(struct str);             /* IPv4 dotted or IPv6 text */
bool meets_loopback(struct str ip); /* 127.0.0.1 or every address: a listener there can be met at 127.0.0.1 */
bool is_dns_name(struct str);       /* and no IP */
/* What Go's url.ParseRequestURI accepts: "/path", or a URL with a scheme. 'port' (may be NULL) gets its text,
 * "" when there is none. */
bool is_request_uri(struct str, struct str *port);
/* "host:port", neither empty; IPv6 in brackets. */
bool is_host_port(struct str);

/* An access-log format (resources.md 1.6); false and the reason when it is not valid. */
MUST_USE bool log_format_check(struct str format, struct arena *, struct str *reason);
/* A regular expression of RE2's syntax; false and Go's reason when it does not compile. */
MUST_USE bool regex_check(struct str regex, struct arena *, struct str *reason);

#endif
