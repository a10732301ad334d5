/* server.h -- what the rest of the room needs of the running API. */
#ifndef URSA_API_SERVER_H
#define URSA_API_SERVER_H

#include <pthread.h>

#include "audit.h"
#include "cors.h"
#include "event_streams.h"
#include "request.h"
#include "ursa/base/timers.h"
#include "ursa/proxy_admin.h"

/* What libmicrohttpd keeps for a connection: its header must fit in, and the answer's. Above 32 KiB it is a
 * mapping of its own, which is given back between requests (peer.c). On the proxies' port polls wait in the
 * midst of a request, all the time, and their headers are a token and little else. */
#define CONNECTION_MEMORY (36u << 10)
#define PROXY_CONNECTION_MEMORY (12u << 10)

/* What libmicrohttpd cannot know of a connection that came over TLS. */
struct secured {
    struct str client_cert; /* subject of the client's certificate, found good; STR_NONE: it showed none */
    char text[];
};

struct server {
    struct api *api;
    enum api_server port;
    struct MHD_Daemon *daemon;
    int listen_fd; /* -1: none (API_DP) */
    uint16_t bound_port;
    bool is_listening;  /* it is watched: not while there are no descriptors */
    struct timer pause; /* until it is watched again */
    size_t n_peers;
    struct list requests;   /* live ones */
    struct secured *taking; /* what is known of the connection that libmicrohttpd is about to begin with */
};

struct api {
    struct api_options options;
    struct server servers[API_SERVERS];
    struct proxy_admin *proxy_admin; /* asks proxies what they hold */
    struct blob *server_cert;        /* PEM of the proxies' port: what a bootstrap tells Envoy to trust */
    struct blob *schemas[RES_N][2];  /* of schemas.c: by type, then lenient or strict; NULL until asked for */
    struct mailbox mailbox;          /* finished writes, handed-over connections, answers of the engine */
    int epoll_fd;
    struct buf spare_body; /* the memory of the last poll's, for the next one */
    struct timers timers;
    int64_t now; /* monotonic, of this pass of the loop */
    pthread_t thread;
    bool started;
    atomic_bool stopping, ready;
    struct lock net_lock; /* protects net while /debug/proxy uses it */
    struct net *net;      /* NULL before the proxies' port is open and after it is closed */
    struct event_streams streams;
    size_t n_asking; /* GET /status requests that wait */
    size_t n_suspended;
    size_t n_backups; /* POST /backup requests that are not over */
    struct audit_limits audit;
    struct cors cors;
    struct blob *openapi; /* GET /openapi.json, once somebody asked */
};

/* The request waits for mail, or goes on waiting; the loop goes on. Only from a handler or a continuation. */
void request_suspend(struct request *);
/* Runs 'gone' once, when the peer of a suspended request closes its connection, or its half of it: the
 * library does not look at connections that are suspended. Until request_forget_peer(), or the end of the
 * request. */
void request_watch_peer(struct request *, void (*gone)(struct request *));
void request_forget_peer(struct request *);
/* From the API thread: its answer is set (or set now); the loop sends it. */
void request_resume(struct request *);

/* status.c: whether the proxies that the request is about have the state that it sees. The deadline is over:
 * unless that is set, the answer comes at once. 'handle' takes it, with the request as 'ctx'. */
struct ads_question *api_question_new(struct request *, void (*handle)(struct mail *));
/* Hands the question to the proxies' loops; false while their port is not open. */
MUST_USE bool api_ask_proxies(struct api *, struct ads_question *);
/* Adds "proxies" and "laggards" to an answer. */
void api_put_proxies(json_t *body, const struct ads_question *);
/* backup.c: ends the request's part in it, if it has one. */
void backup_forget(struct request *);
/* Drops the documents that schemas.c keeps. */
void schemas_forget(struct api *);

#endif
