/* policies.c -- a new mesh's default policies, as the reference creates them (resources.md 2.1).
 *
 * All select every source and every destination. They are ordinary resources: users change and delete them.
 */
#include "policies.h"

#include "ursa/base/clock.h"

#define EVERY_SERVICE                                                                                        \
    {                                                                                                        \
        .v = &any_service, .n = 1                                                                            \
    }
#define EVERYTHING                                                                                           \
    {                                                                                                        \
        .sources = &any, .n_sources = 1, .destinations = &any, .n_destinations = 1                           \
    }
#define NUMBER(n)                                                                                            \
    {                                                                                                        \
        .set = true, .v = (n)                                                                                \
    }
#define MILLISECONDS(n)                                                                                      \
    {                                                                                                        \
        .set = true, .ns = (n)*NS_PER_MS                                                                     \
    }
#define SECONDS(n)                                                                                           \
    {                                                                                                        \
        .set = true, .ns = (n)*NS_PER_S                                                                      \
    }

static struct tag any_service = {.key = STR_INIT("kuma.io/service"), .value = STR_INIT("*")};
static struct selector any = {.match = EVERY_SERVICE};

static const struct traffic_permission_spec allow_all = {.select = EVERYTHING};

static struct dp_empty given;
static struct load_balancer round_robin = {.round_robin = &given};
static struct route_conf route_conf = {
    .load_balancer = &round_robin, .destination = EVERY_SERVICE, .destination_given = true};
static const struct traffic_route_spec route_all = {.select = EVERYTHING, .conf = &route_conf};

static struct timeout_tcp timeout_tcp = {.idle_timeout = SECONDS(3600)};
static struct timeout_http timeout_http = {
    .request_timeout = SECONDS(15), .idle_timeout = SECONDS(3600), .stream_idle_timeout = SECONDS(1800)};
static struct timeout_conf timeout_conf = {
    .connect_timeout = SECONDS(5), .tcp = &timeout_tcp, .http = &timeout_http};
static const struct timeout_spec timeout_all = {.select = EVERYTHING, .conf = &timeout_conf};

static struct thresholds thresholds = {.max_connections = NUMBER(1024),
                                       .max_pending_requests = NUMBER(1024),
                                       .max_retries = NUMBER(3),
                                       .max_requests = NUMBER(1024)};
static struct circuit_breaker_conf circuit_breaker_conf = {.thresholds = &thresholds};
static const struct circuit_breaker_spec circuit_breaker_all = {.select = EVERYTHING,
                                                                .conf = &circuit_breaker_conf};

static struct back_off back_off = {.base_interval = MILLISECONDS(25), .max_interval = MILLISECONDS(250)};
static struct retry_http retry_http = {
    .num_retries = NUMBER(5), .per_try_timeout = SECONDS(16), .back_off = &back_off};
static struct retry_tcp retry_tcp = {.max_connect_attempts = 5};
static struct retry_grpc retry_grpc = {
    .num_retries = NUMBER(5), .per_try_timeout = SECONDS(16), .back_off = &back_off};
static struct retry_conf retry_conf = {.http = &retry_http, .tcp = &retry_tcp, .grpc = &retry_grpc};
static const struct retry_spec retry_all = {.select = EVERYTHING, .conf = &retry_conf};

const struct default_policy default_policies[] = {
    {RES_TRAFFIC_PERMISSION, "allow-all", &allow_all},
    {RES_TRAFFIC_ROUTE, "route-all", &route_all},
    {RES_TIMEOUT, "timeout-all", &timeout_all},
    {RES_CIRCUIT_BREAKER, "circuit-breaker-all", &circuit_breaker_all},
    {RES_RETRY, "retry-all", &retry_all},
};
const size_t n_default_policies = ARRAY_LEN(default_policies);
