/* Answers about one proxy or one policy, as kumactl prints them. */
#include "../../lib/test.h"

#include "../../../src/cli/inspect.h"
#include "ursa/base/json.h"

static json_t *parse(struct arena *a, const char *text)
{
    json_t *tree = NULL;
    struct err e;

    err_init(&e, a);
    EXPECT_INT(text, json_parse(str_from_c(text), &tree, &e), ERR_NONE);
    return tree;
}

static void check(struct str (*text_fn)(struct arena *, const json_t *), const char *answer, const char *want)
{
    struct arena a;

    arena_init(&a);
    JSON_AUTO tree = parse(&a, answer);
    EXPECT_STR(answer, text_fn(&a, tree), want);
    arena_fini(&a);
}

TEST(policies_of_a_sidecar)
{
    check(text_of_policies,
          "{\"kind\":\"SidecarDataplane\",\"items\":["
          "{\"type\":\"inbound\",\"name\":\"127.0.0.1:8081:8081\",\"service\":\"web\",\"matchedPolicies\":{"
          "\"P\":[{\"name\":\"all\"}]}},"
          "{\"type\":\"outbound\",\"name\":\"127.0.0.1:9001\",\"service\":\"backend\",\"matchedPolicies\":{"
          "\"T\":[{\"name\":\"t\"}],\"R\":[{"
          "\"name\":\"r1\"},{\"name\":\"r2\"}]}},"
          "{\"type\":\"service\",\"name\":\"backend\",\"service\":\"backend\",\"matchedPolicies\":{\"C\":[{"
          "\"name\":\"bad\\u001b[31m\"}]}},"
          "{\"type\":\"dataplane\",\"matchedPolicies\":{\"M\":[{\"name\":\"m\"}]}}]}",
          "DATAPLANE:\n  M\n    m\n\n"
          "INBOUND 127.0.0.1:8081:8081(web):\n  P\n    all\n\n"
          "OUTBOUND 127.0.0.1:9001(backend):\n  R\n    r1\n    r2\n  T\n    t\n\n"
          "SERVICE backend:\n  C\n    bad?[31m\n\n");
    check(text_of_policies, "{\"items\":[]}", "");
}

TEST(policies_of_a_builtin_gateway)
{
    check(text_of_policies,
          "{\"kind\":\"MeshGatewayDataplane\",\"gateway\":{\"name\":\"g\"},\"listeners\":[{\"port\":8080,"
          "\"protocol\":\"HTTP\",\"hosts\":[{"
          "\"hostName\":\"*\",\"routes\":[{\"route\":\"r\",\"destinations\":[{\"tags\":{\"kuma.io/"
          "service\":\"web\"},\"policies\":{\"Retry\":{"
          "\"name\":\"all\"}}}]}]}]}],\"policies\":{}}",
          "MESHGATEWAY:\n\nLISTENER (HTTP:8080):\n  HOSTNAME *:\n    ROUTE r:\n      DESTINATION "
          "kuma.io/service=web:\n"
          "        Retry\n          all\n");
}

TEST(rules_of_a_proxy)
{
    check(text_of_rules,
          "{\"items\":[{\"type\":\"ClientSubset\",\"addresses\":[\"127.0.0.1:80\"],\"policyType\":\"P\","
          "\"subset\":{\"v\":\"1\"},\"conf\":{"
          "\"action\":\"Allow\"},\"origins\":[{\"name\":\"a\"},{\"name\":\"b\"}]},{\"type\":"
          "\"DestinationSubset\",\"service\":\"web\","
          "\"policyType\":\"T\",\"subset\":{},\"conf\":{\"idleTimeout\":\"20s\"},\"origins\":[{\"name\":"
          "\"c\"}]}]}",
          "P for clients with v=1 at 127.0.0.1:80:\n  from a, b\n    action: Allow\n\n"
          "T for destination web:\n  from c\n    idleTimeout: 20s\n\n");
    check(text_of_rules, "{\"items\":null}", "No policy with a targetRef applies to it\n");
}

TEST(proxies_of_a_policy)
{
    check(text_of_attached,
          "{\"items\":[{\"dataplane\":{\"name\":\"web-1\"},\"attachments\":[{\"type\":\"inbound\",\"name\":"
          "\"127.0.0.1:8081:8081\",\"service\":"
          "\"web\"}]},{\"dataplane\":{\"name\":\"web-2\"},\"attachments\":[{\"type\":\"dataplane\"}]},{"
          "\"dataplane\":{\"name\":\"gw-1\"}}]}",
          "Affected data plane proxies:\n\n  web-1:\n    inbound 127.0.0.1:8081:8081(web)\n\n  web-2\n  "
          "gw-1\n");
    check(text_of_attached, "{\"items\":[]}", "Affected data plane proxies:\n\n");
}
