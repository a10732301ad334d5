/* worker.h -- one thread with its loop, and what its connections share. Workers share the listening sockets,
 * their numbers of connections, and what the group of their services shares. */
#ifndef URSA_NET_WORKER_H
#define URSA_NET_WORKER_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "frames.h"
#include "loop.h"
#include "ursa/net.h"

/* As much as a TLS record holds: what is read fits, so no decrypted byte stays behind in OpenSSL. */
#define SCRATCH_SIZE 16384

/* A port's listening socket, and the certificate that it begins with. */
struct port {
    int fd;       /* -1: there is none */
    SSL_CTX *tls; /* NULL: likewise */
    uint16_t number;
    atomic_size_t n_conns; /* on all workers, and on their way to one */
};

/* A port as one worker has it: where connections come in, and what becomes of them. */
struct door {
    struct worker *worker;
    struct port *port; /* NULL: it is shut */
    struct watch listener;
    struct timer listener_pause;
    SSL_CTX *tls; /* for new connections */
    size_t max_conns;
    net_take_http1 *http1;
    void *http1_ctx;
};

struct conn;
struct worker {
    struct loop loop;
    struct ads *ads;
    struct insight *insight; /* the first worker's; NULL */
    struct worker *siblings; /* all workers, itself too */
    size_t n_siblings;
    atomic_size_t n_assigned; /* connections that are its own, or on their way to it */
    struct door proxies;      /* gRPC, bootstrap */
    struct door https;        /* the API; without a certificate it is shut */
    struct list conns;
    size_t n_conns;
    struct frames frames;
    size_t n_held;          /* bytes of incomplete requests, at most HELD_MAX on all workers */
    struct timer trim;      /* gives memory back to the system after a crowd came or went */
    size_t n_changes;       /* connections opened and closed since it last did */
    int64_t changed_at;     /* when the last did */
    atomic_size_t n_vacant; /* how many more have closed than have taken their place since */
    int64_t stop_at;        /* INT64_MAX: not stopping; else when the rest is closed */
    pthread_t thread;
    uint8_t scratch[SCRATCH_SIZE];
};

/* Its loop is initialised, so that others can be given its mailbox. */
void worker_init(struct worker *, const struct net_options *, struct ads_group *, struct insight *);
/* Begins to accept. Ports stay where they are; certificates are referenced. */
void worker_open(struct worker *, struct port *proxies, struct port *https);
void worker_fini(struct worker *); /* the thread has ended, its service is idle */
void worker_run(struct worker *);  /* the thread's body, until worker_stop */
/* Any thread. */
void worker_stop(struct worker *, int grace_ms);
/* The context is referenced. With 'drains' connections of clients that showed a certificate are drained. */
void door_use_tls(struct door *, SSL_CTX *, bool drains);

/* A connection opens or has closed. */
void worker_add(struct worker *, struct conn *);
void worker_remove(struct worker *, struct conn *);

/* listener.c: accepts connections until stopped, and gives each to the worker that has the fewest. */
void listener_start(struct door *);
void listener_stop(struct door *);
void listener_forget(struct door *); /* a connection that came in by it has closed */

#endif
