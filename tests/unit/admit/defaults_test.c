/* defaults_test.c -- what Ursa makes by itself: for a fresh store, and for every mesh. */
#include "fixture.h"
#include "ursa/auth.h"
#include "ursa/ca.h"

#define EVERY                                                                                                \
    "\"sources\":[{\"match\":{\"kuma.io/service\":\"*\"}}],\"destinations\":[{\"match\":{\"kuma.io/"         \
    "service\":\"*\"}}]"
#define RETRIES                                                                                              \
    "\"numRetries\":5,\"perTryTimeout\":\"16s\",\"backOff\":{\"baseInterval\":\"0.025s\",\"maxInterval\":"   \
    "\"0.250s\"}"

/* As recorded: fixtures/rest/00-fresh, 008 to 012. */
static const struct {
    enum res_type type;
    const char *prefix, *spec;
} recorded[] = {
    {RES_TRAFFIC_PERMISSION, "allow-all", "{" EVERY "}"},
    {RES_TRAFFIC_ROUTE, "route-all",
     "{" EVERY
     ",\"conf\":{\"loadBalancer\":{\"roundRobin\":{}},\"destination\":{\"kuma.io/service\":\"*\"}}}"},
    {RES_TIMEOUT, "timeout-all",
     "{" EVERY
     ",\"conf\":{\"connectTimeout\":\"5s\",\"tcp\":{\"idleTimeout\":\"3600s\"},\"http\":{\"requestTimeout\":"
     "\"15s\",\"idleTimeout\":\"3600s\",\"streamIdleTimeout\":\"1800s\"}}}"},
    {RES_RETRY, "retry-all",
     "{" EVERY ",\"conf\":{\"http\":{" RETRIES "},\"tcp\":{\"maxConnectAttempts\":5},\"grpc\":{" RETRIES
     "}}}"},
    {RES_CIRCUIT_BREAKER, "circuit-breaker-all",
     "{" EVERY
     ",\"conf\":{\"thresholds\":{\"maxConnections\":1024,\"maxPendingRequests\":1024,\"maxRetries\":3,"
     "\"maxRequests\":1024}}}"},
};

static void expect_policies(struct fixture *f, const char *mesh, const char *only_without)
{
    for (size_t i = 0; i < ARRAY_LEN(recorded); i++) {
        char name[64];
        snprintf(name, sizeof(name), "%s-%s", recorded[i].prefix, mesh);
        bool is_left_out = only_without && strcmp(only_without, recorded[i].prefix) == 0;
        EXPECT_STR(name, spec_of(f, recorded[i].type, mesh, name), is_left_out ? "" : recorded[i].spec);
    }
}

TEST(a_fresh_store_gets_what_the_reference_makes)
{
    struct fixture f;
    fixture_prepare(&f);
    f.options.bootstrap_admin_token = true;
    writer_start(&f);
    EXPECT_STR("meshes", names_of(&f, RES_MESH, ""), "default");
    EXPECT_STR("mesh", spec_of(&f, RES_MESH, "", "default"), "{}");
    expect_policies(&f, "default", NULL);
    EXPECT_STR("secrets", names_of(&f, RES_SECRET, "default"), "dataplane-token-signing-key-default-1");
    EXPECT_STR("global secrets", names_of(&f, RES_GLOBAL_SECRET, ""),
               "admin-user-token envoy-admin-ca inter-cp-ca user-token-signing-key-1 "
               "zone-ingress-token-signing-key-1 "
               "zone-token-signing-key-1");
    fixture_fini(&f);
}

TEST(the_admins_token_is_the_admins_for_ten_years)
{
    struct fixture f;
    struct token_claims claims;
    fixture_prepare(&f);
    f.options.bootstrap_admin_token = true;
    writer_start(&f);
    struct snap *snap = store_snap(f.store);
    const struct resource *secret = snap_find(snap, RES_GLOBAL_SECRET, STR_NONE, STR("admin-user-token"));
    enum err_kind kind =
        token_verify(&token_trusts_default, snap, TOKEN_USER, STR_NONE,
                     &(struct credential){.text = resource_secret(secret)->data}, &f.arena, &claims, &f.err);
    EXPECT_INT("verifies", kind, ERR_NONE);
    EXPECT_STR("name", claims.name, "mesh-system:admin");
    EXPECT_INT("groups", claims.groups.n, 1);
    EXPECT_STR("group", claims.groups.v[0], "mesh-system:admin");
    EXPECT_INT("life", claims.expires_at - claims.issued_at, 87600 * 3600);
    snap_unref(snap);
    fixture_fini(&f);
}

TEST(switches_leave_out_the_mesh_and_the_token)
{
    struct fixture f;
    fixture_prepare(&f);
    f.options.skip_mesh_creation = true;
    writer_start(&f);
    EXPECT_STR("meshes", names_of(&f, RES_MESH, ""), "");
    EXPECT_STR("global secrets", names_of(&f, RES_GLOBAL_SECRET, ""),
               "envoy-admin-ca inter-cp-ca user-token-signing-key-1 zone-ingress-token-signing-key-1 "
               "zone-token-signing-key-1");
    fixture_fini(&f);
}

TEST(only_a_start_brings_back_what_is_missing)
{
    struct fixture f;
    fixture_init(&f);
    uint64_t fresh = revision_of(&f);
    admit_stop(f.admit);
    writer_start(&f);
    EXPECT_INT("nothing was missing", revision_of(&f), fresh);
    EXPECT_STR("delete", run_docs(&f, DOCS("-Mesh//default", "-GlobalSecret//envoy-admin-ca")),
               "deleted, deleted");
    EXPECT_STR("gone", names_of(&f, RES_MESH, ""), "");
    admit_stop(f.admit);
    writer_start(&f);
    EXPECT_STR("back", names_of(&f, RES_MESH, ""), "default");
    expect_policies(&f, "default", NULL);
    EXPECT_TRUE("back", spec_of(&f, RES_GLOBAL_SECRET, "", "envoy-admin-ca").n > 0);
    fixture_fini(&f);
}

/* An admin who rotated a key and removed the first does not find it back. */
TEST(a_rotated_signing_key_stays_away)
{
    static const char *const second =
        "{\"type\":\"GlobalSecret\",\"name\":\"user-token-signing-key-2\",\"data\":\"YQ==\"}";
    struct fixture f;
    fixture_init(&f);
    run_docs(&f, DOCS(second, "-GlobalSecret//user-token-signing-key-1"));
    admit_stop(f.admit);
    writer_start(&f);
    EXPECT_STR("key", spec_of(&f, RES_GLOBAL_SECRET, "", "user-token-signing-key-1"), "");
    fixture_fini(&f);
}

TEST(a_new_mesh_gets_its_share_in_the_same_revision)
{
    static const struct {
        const char *name, *doc, *secrets, *without;
        bool has_policies;
    } rows[] = {
        {"plain", MESH("m"), "dataplane-token-signing-key-m-1", NULL, true},
        {"with mTLS", MESH_WITH("m", MTLS("ca-1")),
         "dataplane-token-signing-key-m-1 m.ca-builtin-cert-ca-1 m.ca-builtin-key-ca-1", NULL, true},
        {"a backend that is off",
         MESH_WITH("m", "\"mtls\":{\"backends\":[{\"name\":\"c\",\"type\":\"builtin\"}]}"),
         "dataplane-token-signing-key-m-1 m.ca-builtin-cert-c m.ca-builtin-key-c", NULL, true},
        {"no policies", MESH_WITH("m", "\"skipCreatingInitialPolicies\":[\"*\"]"),
         "dataplane-token-signing-key-m-1", NULL, false},
        {"one policy less", MESH_WITH("m", "\"skipCreatingInitialPolicies\":[\"Timeout\",\"nope\"]"),
         "dataplane-token-signing-key-m-1", "timeout-all", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        fixture_init(&f);
        uint64_t before = revision_of(&f);
        EXPECT_STR(rows[i].name, run_docs(&f, DOCS(rows[i].doc)), "created");
        EXPECT_INT(rows[i].name, revision_of(&f), before + 1);
        EXPECT_STR(rows[i].name, names_of(&f, RES_SECRET, "m"), rows[i].secrets);
        if (rows[i].has_policies)
            expect_policies(&f, "m", rows[i].without);
        else
            EXPECT_STR(rows[i].name, names_of(&f, RES_TRAFFIC_PERMISSION, "m"), "");
        fixture_fini(&f);
    }
}

TEST(what_comes_with_the_mesh_is_not_made_again)
{
    static const char *const own_key =
        "{\"type\":\"Secret\",\"mesh\":\"m\",\"name\":\"dataplane-token-signing-key-m-1\",\"data\":\"YQ==\"}";
    static const char *const own_policy =
        "{\"type\":\"TrafficPermission\",\"mesh\":\"m\",\"name\":\"allow-all-m\",\"sources\":[{\"match\":{"
        "\"kuma.io/service\":"
        "\"a\"}}],\"destinations\":[{\"match\":{\"kuma.io/service\":\"*\"}}]}";
    struct fixture f;
    fixture_init(&f);
    EXPECT_STR("put", run_docs(&f, DOCS(own_policy, own_key, MESH("m"))), "created, created, created");
    EXPECT_STR("key", spec_of(&f, RES_SECRET, "m", "dataplane-token-signing-key-m-1"), "{\"data\":\"YQ==\"}");
    EXPECT_STR("policy", spec_of(&f, RES_TRAFFIC_PERMISSION, "m", "allow-all-m"),
               "{\"sources\":[{\"match\":{\"kuma.io/"
               "service\":\"a\"}}],\"destinations\":[{\"match\":{\"kuma.io/service\":\"*\"}}]}");
    fixture_fini(&f);
}

TEST(an_update_makes_no_policies_and_keeps_the_ca)
{
    struct fixture f;
    fixture_init(&f);
    run_docs(&f, DOCS(MESH_WITH("m", MTLS("ca-1"))));
    struct str cert = spec_of(&f, RES_SECRET, "m", "m.ca-builtin-cert-ca-1");
    run_docs(&f, DOCS("-TrafficPermission/m/allow-all-m"));
    run_docs(&f, DOCS(MESH("m")));
    run_docs(&f, DOCS(MESH_WITH("m", MTLS("ca-2"))));
    EXPECT_STR(
        "secrets", names_of(&f, RES_SECRET, "m"),
        "dataplane-token-signing-key-m-1 m.ca-builtin-cert-ca-1 m.ca-builtin-cert-ca-2 m.ca-builtin-key-ca-1 "
        "m.ca-builtin-key-ca-2");
    EXPECT_TRUE("the first CA", str_eq(cert, spec_of(&f, RES_SECRET, "m", "m.ca-builtin-cert-ca-1")));
    EXPECT_STR("policy", names_of(&f, RES_TRAFFIC_PERMISSION, "m"), "");
    run_docs(&f, DOCS("-Mesh//m"));
    EXPECT_STR("gone", names_of(&f, RES_SECRET, "m"), "");
    run_docs(&f, DOCS(MESH_WITH("m", MTLS("ca-1"))));
    EXPECT_TRUE("another CA", !str_eq(cert, spec_of(&f, RES_SECRET, "m", "m.ca-builtin-cert-ca-1")));
    fixture_fini(&f);
}

TEST(a_meshs_ca_can_sign)
{
    struct fixture f;
    struct authority *ca = NULL;
    fixture_init(&f);
    run_docs(&f, DOCS(MESH_WITH("m", MTLS("ca-1"))));
    struct snap *snap = store_snap(f.store);
    const struct mesh_spec *mesh = resource_mesh(snap_find_mesh(snap, STR("m")));
    EXPECT_INT("load", authority_load(snap, STR("m"), mesh_enabled_backend(mesh), &ca, &f.err), ERR_NONE);
    authority_unref(ca);
    snap_unref(snap);
    fixture_fini(&f);
}
