/* ursa/api.h -- the HTTP/1.1 servers (libmicrohttpd in one epoll loop of ours): REST API, diagnostics, and
 * the proxies' bootstrap.
 *
 * One thread. Reads are answered from snapshots; a write is handed to admit and its request suspended until
 * the commit. */
#ifndef URSA_API_H
#define URSA_API_H

#include <sys/socket.h>

#include "ursa/bootstrap.h"
#include "ursa/doctor.h"
#include "ursa/net.h"

enum api_server {
    API_REST, /* 5681; over TLS, 5682: net's, which hands its connections here */
    API_DP,   /* HTTP/1.1 of port 5678: /bootstrap, /v3/discovery:... */
    API_DIAG, /* 5680 */
    API_SERVERS
};

struct api_bootstrap {   /* bootstrapServer.params and what a bootstrap answer needs */
    struct str xds_host; /* "": the request's Host */
    uint16_t xds_port;
    struct str admin_address;
    uint16_t admin_port;
    struct str server_cert_pem;
    enum bootstrap_transport transport; /* of proxies that ask for none */
    bool authenticate;                  /* a token is required */
    bool health_discovery;              /* Envoys ask what they are to check */
};
struct api_options {
    struct store *store;
    struct admit *admit;
    struct engine *engine;
    struct auth_config auth;
    struct access_config access;
    struct api_bootstrap bootstrap;
    const char *rest_address, *diag_address; /* to bind; no rest_address: plain HTTP is off */
    uint16_t rest_port, diag_port;           /* 0: any; see api_port */
    size_t max_body;                         /* bytes of a request body, 1 MiB */
    size_t max_connections;
    struct events *events;    /* for GET /events */
    size_t max_event_streams; /* clients of it at once */
    size_t max_waiters;       /* GET /status requests that wait at once */
    unsigned timeout_s;       /* for a body, for reading an answer, between two requests; 0: no limit */
    struct str instance_id, cluster_id, hostname;
    json_t *config;    /* effective configuration, secrets masked: GET /config; borrowed */
    doctor_look *look; /* facts for GET /doctor; NULL: there are none */
    void *look_ctx;
    bool read_only;               /* apiServer.readOnly */
    struct str_list cors_domains; /* origins, or regular expressions for them, whose pages may read answers */
    /* Takes a line of the audit log, newline included; on the API's thread. NULL: there is no log. */
    void (*audit)(void *ctx, struct str line);
    void *audit_ctx;
};
/* Whether such a domain can be used. */
bool api_check_origin_pattern(struct str domain);

struct api;
MUST_USE enum err_kind api_start(const struct api_options *, struct api **out, struct err *e);
/* Connects /debug/proxy to the streams; NULL before the port is closed. Any thread. */
void api_set_net(struct api *, struct net *);
/* net_options.http1 and net_https.http1: give the connection to the API_DP and the API_REST server; ctx is
 * the struct api. Any thread. */
void api_take_http1(void *ctx, const struct net_http1 *);
void api_take_https(void *ctx, const struct net_http1 *);
/* The proxies' port has another certificate from now on: later bootstraps trust this one. Any thread. */
void api_set_server_cert(struct api *, struct str pem);
void api_set_ready(struct api *, bool ready); /* what /ready answers */
/* The daemon is about to stop: ends the streams of events, which would else keep the ports open. Any thread.
 */
void api_end_streams(struct api *);
void api_stop(struct api *); /* finishes suspended requests, joins; NULL is ignored */
uint16_t api_port(const struct api *, enum api_server);

#endif
