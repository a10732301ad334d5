/* load.h -- all simulated proxies of the process: who connects when, what they have in common, what is
 * counted. One thread. */
#ifndef URSA_BENCH_LOAD_H
#define URSA_BENCH_LOAD_H

#include "proxy.h"

struct load_options {
    uint16_t port, api_port;
    uint32_t n_sources;
    size_t n_parallel;  /* handshakes at a time */
    size_t n_endpoints; /* a proxy that holds fewer is not configured yet */
    bool resumes;
    int64_t seconds; /* after that it ends in any case */
};

/* Proxies that were ordered to connect together: reported when each is configured. */
struct cohort {
    size_t first, n, n_waiting;
    int64_t started_at;
};

/* What came since a moment: reported when so many proxies have received something. */
struct mark {
    int64_t at;      /* 0: there is none */
    struct str mesh; /* STR_NONE: proxies of all meshes count */
    struct str name; /* what begins with it counts, when it is new; STR_NONE: every response does */
    size_t n_expected, n_pushed;
    uint64_t n_bytes, n_messages; /* totals then */
    struct job report;
};

/* Somebody waits until nothing was received for a while. */
struct settling {
    struct load *load;
    int64_t quiet_ns;
    struct timer timer;
    void (*done)(struct load *);
};

/* A connection of a proxy beside its first: it waits until there is room for one more handshake. */
struct opening {
    struct list node;
    void (*open)(struct opening *);
    bool is_under_way;
};

struct churn;
struct load {
    struct conn_place place;
    struct load_options options;
    const struct protocol *protocol;
    struct catalog catalog;
    struct names changed, more[XDS_N], less[XDS_N]; /* while one response is read */
    struct proxy *proxies;
    size_t n_proxies;
    size_t n_ordered, n_started; /* the first so many of them are to connect, have begun to */
    size_t n_opening, n_configured;
    struct list waiting; /* struct opening */
    size_t n_lost;       /* connections that ended or did not come about; each is tried again */
    bool is_reconnecting;
    struct cohort cohort;
    struct mark mark;
    struct settling settling; /* of an order */
    uint64_t n_messages;
    int64_t last_message_at;
    struct churn *churn; /* NULL: there was none yet */
    struct watch signals, input;
    bool is_over;
};

/* Runs until the input ends, "quit" or the time is over; true when all proxies that were to connect are
 * configured. */
bool load_run(struct load *);
/* ---- orders ---- */
void load_connect(struct load *, size_t n);
/* Drops every connection and opens all again. */
void load_reconnect(struct load *);
void load_mark(struct load *, size_t n_expected, struct str mesh, struct str name);
void load_report_mark(struct load *); /* what the mark has seen so far; ends it */
/* Calls 'done' once nothing was received for that long. */
void load_settle(struct load *, struct settling *, int64_t quiet_ns, void (*done)(struct load *));
void load_report_settled(struct load *);
/* Reads orders from standard input, and SIGUSR1. */
void orders_watch(struct load *);

/* ---- what happens to a proxy ---- */
void load_open_soon(struct load *, struct opening *);
/* The handshake is over, or is no longer wanted; any number of times. */
void load_end_opening(struct load *, struct opening *);
void load_opened(struct load *, struct proxy *);
void load_received(struct load *, struct proxy *);
void load_renewed(struct load *, struct proxy *, const struct name *); /* it holds another content now */
void load_configured(struct load *, struct proxy *);
void load_lost(struct load *, struct proxy *, const char *why);

#endif
