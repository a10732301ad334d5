/* worker.h -- one thread with its loop, and what its connections share. Nothing is shared between workers but
 * the listening socket. */
#ifndef URSA_NET_WORKER_H
#define URSA_NET_WORKER_H

#include <openssl/ssl.h>
#include <pthread.h>

#include "frames.h"
#include "loop.h"
#include "ursa/net.h"

/* As much as a TLS record holds: what is read fits, so no decrypted byte stays behind in OpenSSL. */
#define SCRATCH_SIZE 16384

/* A port: where connections come in, and what becomes of them. */
struct door {
    struct worker *worker;
    struct watch listener;
    struct timer listener_pause;
    SSL_CTX *tls; /* for new connections */
    size_t n_conns, max_conns;
    net_take_http1 *http1;
    void *http1_ctx;
};

struct conn;
struct worker {
    struct loop loop;
    struct ads *ads;
    struct insight *insight;
    struct door proxies; /* gRPC, bootstrap */
    struct door https;   /* the API; without a certificate it is shut */
    struct list conns;
    size_t n_conns;
    struct frames frames;
    size_t n_held;     /* bytes of incomplete requests */
    struct timer trim; /* gives memory back to the system after a crowd came or went */
    size_t n_changes;  /* connections opened and closed since it last did */
    int64_t stop_at;   /* INT64_MAX: not stopping; else when the rest is closed */
    pthread_t thread;
    uint8_t scratch[SCRATCH_SIZE];
};

/* A port's listening socket, and the certificate that it begins with. */
struct port {
    int fd;       /* -1: there is none */
    SSL_CTX *tls; /* NULL: likewise */
    uint16_t number;
};
/* Takes over none of them; certificates are referenced. */
void worker_init(struct worker *, const struct net_options *, const struct port *proxies,
                 const struct port *https);
void worker_fini(struct worker *); /* the thread has ended */
void worker_run(struct worker *);  /* the thread's body, until worker_stop */
/* Any thread. */
void worker_stop(struct worker *, int grace_ms);
/* The certificate is referenced. Connections of clients that showed one are drained. */
void door_use_tls(struct door *, SSL_CTX *);

/* A connection opens or has closed. */
void worker_add(struct worker *, struct conn *);
void worker_remove(struct worker *, struct conn *);

/* listener.c: accepts connections until stopped. */
void listener_start(struct door *, int fd);
void listener_stop(struct door *);

#endif
