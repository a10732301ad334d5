/* catalog.h -- what the simulated proxies were sent, each name and each content once for all of them.
 *
 * Tens of thousands of proxies hold mostly the same resources: a content is decoded when it comes for the
 * first time, and known by its hash from then on. What a proxy keeps is a pointer. Nothing is freed before
 * the process ends. */
#ifndef URSA_BENCH_CATALOG_H
#define URSA_BENCH_CATALOG_H

#include "ursa/base/arena.h"
#include "ursa/base/json.h"
#include "ursa/base/map.h"
#include "ursa/base/vec.h"
#include "ursa/envoy.h"

struct name {
    struct str text;
    enum xds_type type;
};
struct names VEC(struct name *);

/* One of the endpoints that a churn moves (churn.h): which, and to where. */
struct stamp {
    uint32_t victim, number;
};

struct content {
    uint64_t hash;
    struct name *name;
    struct str version; /* as delta names it; STR_NONE in state of the world */
    size_t size;        /* on the wire */
    uint32_t n_endpoints;
    struct names refs; /* what it makes a proxy ask for */
    struct VEC(struct stamp) stamps;
};

struct catalog {
    struct arena arena;
    struct map contents, names[XDS_N];
};

void catalog_init(struct catalog *);
struct name *catalog_name(struct catalog *, enum xds_type, struct str text);
/* 'any' is the wire of a google.protobuf.Any. Ends the process when the resource cannot be read. */
struct content *catalog_content(struct catalog *, enum xds_type, struct str any, struct str version);

/* The same of a resource as JSON, which names no version of its own. */
struct content *catalog_content_json(struct catalog *, enum xds_type, const json_t *resource);

/* A churn's endpoints are at 127.250.x.y, where x and y number them; their port says how often they moved. */
#define VICTIM_NETWORK "127.250."
#define VICTIM_PORT 10000u

#endif
