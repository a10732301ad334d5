/* The tables of get and inspect: kumactl's columns and cells, from answers of a control plane. */
#include "../../lib/test.h"

#include <stdlib.h>
#include <time.h>

#include "../../../src/cli/tables.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"

#define TIMES "\"creationTime\":\"2026-11-23T09:00:00Z\",\"modificationTime\":\"2026-11-23T09:00:00Z\""
#define NOW_NS (INT64_C(1795424405) * NS_PER_S) /* five seconds later */

/* The items, parsed, to be released by the caller. */
static json_t *parse(struct arena *a, const char *text)
{
    struct err e;
    json_t *items = NULL;

    err_init(&e, a);
    EXPECT_INT(text, json_parse(str_from_c(text), &items, &e), ERR_NONE);
    return items;
}

TEST(tables_of_get)
{
    static const struct {
        enum res_type type;
        const char *items, *want;
    } rows[] = {
        {RES_MESH,
         "[{\"name\":\"plain\"," TIMES "},{\"name\":\"full\"," TIMES
         ",\"mtls\":{\"enabledBackend\":\"ca-2\",\"backends\":[{\"name\":\"ca-1\",\"type\":\"builtin\"},"
         "{\"name\":\"ca-2\",\"type\":\"provided\"}]},\"metrics\":{\"backends\":[{\"name\":\"p\",\"type\":"
         "\"prometheus\"}]},\"logging\":{\"backends\":[{\"name\":\"file\",\"type\":\"file\"},{\"name\":"
         "\"tcp\","
         "\"type\":\"tcp\"}]},\"routing\":{\"localityAwareLoadBalancing\":true,\"zoneEgress\":false}}]",
         "NAME    mTLS            METRICS   LOGGING              TRACING   LOCALITY   ZONEEGRESS   AGE\n"
         "plain   off             off       off                  off       off        off          5s\n"
         "full    provided/ca-2   off       file/file, tcp/tcp   off       on         off          5s\n"},
        {RES_DATAPLANE,
         "[{\"mesh\":\"m\",\"name\":\"a\"," TIMES ",\"networking\":{\"address\":\"10.0.0.1\","
         "\"advertisedAddress\":\"192.0.2.1\",\"inbound\":[{\"tags\":{\"kuma.io/service\":\"web\"}}]}}]",
         "MESH   NAME   TAGS                  ADDRESS     AGE\nm      a      kuma.io/service=web   192.0.2.1 "
         "  5s\n"},
        {RES_TIMEOUT, "[{\"mesh\":\"m\",\"name\":\"t\"," TIMES "}]", "MESH   NAME   AGE\nm      t      5s\n"},
        {RES_GLOBAL_SECRET, "[{\"name\":\"s\"," TIMES "}]", "NAME   AGE\ns      5s\n"},
        {RES_SECRET, "[]", "MESH   NAME   AGE\n"},
        {RES_DATAPLANE, "[{\"name\":5,\"networking\":[]}]",
         "MESH   NAME   TAGS   ADDRESS   AGE\n                               never\n"},
    };
    struct arena a;

    arena_init(&a);
    clock_fake(0, NOW_NS);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        JSON_AUTO items = parse(&a, rows[i].items);

        EXPECT_STR(rows[i].want, table_of_resources(&a, rows[i].type, items, false), rows[i].want);
    }
    clock_fake(-1, -1);
    arena_fini(&a);
}

TEST(wide_tables_of_get)
{
    static const struct {
        enum res_type type;
        const char *items, *want;
    } rows[] = {
        {RES_TIMEOUT,
         "[{\"mesh\":\"m\",\"name\":\"t\"," TIMES ",\"sources\":[{\"match\":{\"b\":\"2\",\"a\":\"1\"}},"
         "{\"match\":{\"kuma.io/service\":\"*\"}}],\"destinations\":[{\"match\":{\"kuma.io/"
         "service\":\"web\"}}]}]",
         "MESH   NAME   AGE   APPLIES TO                                                CREATED\n"
         "m      t      5s    from a=1,b=2 | kuma.io/service=* to kuma.io/service=web   2026-11-23 "
         "09:00:00\n"},
        {RES_MESH_TIMEOUT,
         "[{\"mesh\":\"m\",\"name\":\"t\"," TIMES
         ",\"spec\":{\"targetRef\":{\"kind\":\"MeshSubset\",\"tags\":{\"v\":"
         "\"1\"}},\"to\":[{\"targetRef\":{\"kind\":\"MeshService\",\"name\":\"web\"}}]}}]",
         "MESH   NAME   AGE   APPLIES TO                           CREATED\n"
         "m      t      5s    MeshSubset(v=1) to MeshService/web   2026-11-23 09:00:00\n"},
        {RES_DATAPLANE,
         "[{\"mesh\":\"m\",\"name\":\"a\"," TIMES
         ",\"dataplane\":{\"networking\":{\"address\":\"10.0.0.1\",\"inbound\":"
         "[{\"port\":80},{\"port\":81}]}},\"dataplaneInsight\":{\"subscriptions\":[{\"connectTime\":"
         "\"2026-11-23T08:59:00Z\",\"version\":{\"envoy\":{\"version\":\"1.40.0\"}}}]}}]",
         "MESH   NAME   TAGS   ADDRESS    AGE   PORTS   KIND      STATUS   KUMA-DP VERSION   ENVOY VERSION   "
         "CREATED\n"
         "m      a             10.0.0.1   5s    80,81   sidecar   Online                     1.40.0          "
         "2026-11-23 09:00:00\n"},
        {RES_MESH_GATEWAY,
         "[{\"mesh\":\"m\",\"name\":\"g\"," TIMES
         ",\"selectors\":[{\"match\":{\"kuma.io/service\":\"gw\"}}],\"conf\":{"
         "\"listeners\":[{\"port\":80,\"protocol\":\"HTTP\"},{\"port\":443,\"protocol\":\"TLS\"}]}}]",
         "MESH   NAME   AGE   APPLIES TO           LISTENERS          CREATED\n"
         "m      g      5s    kuma.io/service=gw   HTTP:80, TLS:443   2026-11-23 09:00:00\n"},
        {RES_SERVICE_INSIGHT,
         "[{\"mesh\":\"m\",\"name\":\"s\"," TIMES
         ",\"status\":\"partially_degraded\",\"dataplanes\":{\"total\":3,\"online\":"
         "2},\"addressPort\":\"s.mesh:80\"}]",
         "MESH   NAME   STATUS               DATAPLANES   AGE   TYPE       ADDRESS     CREATED\n"
         "m      s      Partially degraded   2/3          5s    internal   s.mesh:80   2026-11-23 "
         "09:00:00\n"},
    };
    struct arena a;

    arena_init(&a);
    setenv("TZ", "UTC", 1);
    tzset();
    clock_fake(0, NOW_NS);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        JSON_AUTO items = parse(&a, rows[i].items);

        EXPECT_STR(rows[i].want, table_of_resources(&a, rows[i].type, items, true), rows[i].want);
    }
    clock_fake(-1, -1);
    arena_fini(&a);
}

/* The cells of the table's second line. */
static struct str cell(struct arena *a, struct str table, const char *header)
{
    struct str rest = table, head, row;
    size_t start, end;

    (void)(str_next(&rest, '\n', &head) && str_next(&rest, '\n', &row));
    start = str_find(head, str_from_c(header));
    EXPECT_TRUE(header, start < head.n);
    end = start + str_find(str_slice(head, start, head.n), STR("   "));
    while (end < head.n && head.p[end] == ' ')
        end++;
    return arena_str(a, str_trim(str_slice(row, start, end < head.n ? end : row.n)));
}

#define DATAPLANE(inbound) "\"dataplane\":{\"networking\":{\"address\":\"10.0.0.1\"," inbound "}}"
#define ONE_INBOUND "\"inbound\":[{\"port\":80,\"tags\":{\"kuma.io/service\":\"a\"}}]"
#define ONLINE "{\"connectTime\":\"2026-11-23T08:59:00Z\"}"

TEST(status_of_proxies)
{
    static const struct {
        const char *name, *item, *status, *notes;
    } rows[] = {
        {"never connected", DATAPLANE(ONE_INBOUND), "Offline", ""},
        {"connected", DATAPLANE(ONE_INBOUND) ",\"dataplaneInsight\":{\"subscriptions\":[" ONLINE "]}",
         "Online", ""},
        {"gone",
         DATAPLANE(ONE_INBOUND) ",\"dataplaneInsight\":{\"subscriptions\":[{\"connectTime\":"
                                "\"2026-11-23T08:59:00Z\",\"disconnectTime\":\"2026-11-23T08:59:30Z\"}]}",
         "Offline", ""},
        {"one of two inbounds is not ready",
         DATAPLANE(
             "\"inbound\":[{\"port\":80,\"tags\":{\"kuma.io/service\":\"a\"},\"health\":{}},"
             "{\"port\":81,\"health\":{\"ready\":true}}]") ",\"dataplaneInsight\":{\"subscriptions\":[" ONLINE
                                                           "]}",
         "Partially degraded", "inbound[port=80,svc=a] is not ready"},
        {"no inbound is ready",
         DATAPLANE("\"inbound\":[{\"port\":80,\"tags\":{\"kuma.io/"
                   "service\":\"a\"},\"health\":{\"ready\":false}}]") ",\"dataplaneInsight\":{"
                                                                      "\"subscriptions\":[" ONLINE "]}",
         "Offline", "inbound[port=80,svc=a] is not ready"},
        {"a gateway",
         DATAPLANE("\"gateway\":{\"tags\":{\"kuma.io/service\":\"g\"}}") ",\"dataplaneInsight\":{"
                                                                         "\"subscriptions\":[" ONLINE "]}",
         "Online", ""},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        JSON_AUTO items = parse(&a, arena_printf(&a, "[{\"mesh\":\"m\",\"name\":\"n\",%s}]", rows[i].item).p);
        struct str table = table_of_dataplanes(&a, items);

        EXPECT_STR(rows[i].name, cell(&a, table, "STATUS"), rows[i].status);
        EXPECT_STR(rows[i].name, cell(&a, table, "NOTES"), rows[i].notes);
    }
    arena_fini(&a);
}

TEST(figures_of_a_proxy)
{
    static const char item[] = "[{\"mesh\":\"m\",\"name\":\"n\"," DATAPLANE(
        ONE_INBOUND) ",\"dataplaneInsight\":{\"subscriptions\":["
                     "{\"connectTime\":\"2026-11-23T07:00:00Z\",\"disconnectTime\":\"2026-11-23T08:00:00Z\","
                     "\"status\":{\"total\":"
                     "{\"responsesSent\":\"4\",\"responsesRejected\":\"1\"}}},"
                     "{\"connectTime\":\"2026-11-23T08:59:00Z\",\"status\":{\"lastUpdateTime\":\"2026-11-"
                     "23T09:00:00Z\",\"total\":"
                     "{\"responsesSent\":\"38\"}},\"version\":{\"kumaDp\":{\"version\":\"2.4.10\"},\"envoy\":"
                     "{\"version\":\"1.40.0\"},"
                     "\"dependencies\":{\"coredns\":\"1.8.3\"}}}],"
                     "\"mTLS\":{\"certificateExpirationTime\":\"2026-11-24T09:00:00Z\","
                     "\"lastCertificateRegeneration\":"
                     "\"2026-11-23T08:58:05Z\",\"certificateRegenerations\":3,\"issuedBackend\":\"ca-1\","
                     "\"supportedBackends\":[\"ca-1\",\"ca-2\"]}}}]";
    static const struct {
        const char *header, *want;
    } rows[] = {
        {"MESH", "m"},
        {"NAME", "n"},
        {"TAGS", "kuma.io/service=a"},
        {"LAST CONNECTED AGO", "1m"},
        {"LAST UPDATED AGO", "5s"},
        {"TOTAL UPDATES", "42"},
        {"TOTAL ERRORS", "1"},
        {"CERT REGENERATED AGO", "2m"},
        {"CERT EXPIRATION", "2026-11-24 09:00:00"},
        {"CERT REGENERATIONS", "3"},
        {"CERT BACKEND", "ca-1"},
        {"SUPPORTED CERT BACKENDS", "ca-1,ca-2"},
        {"KUMA-DP VERSION", "2.4.10"},
        {"ENVOY VERSION", "1.40.0"},
        {"DEPENDENCIES VERSIONS", "coredns: 1.8.3"},
    };
    struct arena a;

    arena_init(&a);
    setenv("TZ", "UTC", 1);
    tzset();
    clock_fake(0, NOW_NS);
    JSON_AUTO items = parse(&a, item);
    struct str table = table_of_dataplanes(&a, items);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT_STR(rows[i].header, cell(&a, table, rows[i].header), rows[i].want);
    clock_fake(-1, -1);
    arena_fini(&a);
}

TEST(meshes_have_a_column_for_each_policy_in_use)
{
    static const struct {
        const char *items, *want;
    } rows[] = {
        {"[]", "MESH   DATAPLANES   SERVICES\n"},
        {"[{\"name\":\"a\",\"dataplanes\":{\"total\":3,\"online\":2},\"services\":{\"total\":2},\"policies\":"
         "{\"TrafficPermission\":{\"total\":4}}},{\"name\":\"b\",\"policies\":{\"Retry\":{\"total\":1}}}]",
         "MESH   DATAPLANES   SERVICES   RETRIES   TRAFFIC PERMISSIONS\n"
         "a      2/3          2          0         4\n"
         "b      0/0          0          1         0\n"},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        JSON_AUTO items = parse(&a, rows[i].items);

        EXPECT_STR(rows[i].items, table_of_meshes(&a, items), rows[i].want);
    }
    arena_fini(&a);
}
