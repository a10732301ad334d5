/* rules_test.c -- every cross-resource rule with the reference's words, and what is filled in on the way. */
#include "fixture.h"

#define EXTERNAL(mesh, name, service)                                                                        \
    "{\"type\":\"ExternalService\",\"mesh\":\"" mesh "\",\"name\":\"" name "\",\"networking\":{\"address\":" \
    "\"h:80\"},\"tags\":{\"kuma.io/service\":\"" service "\"}}"
#define LIMIT(mesh, name, destination)                                                                       \
    "{\"type\":\"RateLimit\",\"mesh\":\"" mesh "\",\"name\":\"" name                                         \
    "\",\"sources\":[{\"match\":{\"kuma.io/service\":\"*\"}}],\"destinations\":[{\"match\":{" destination    \
    "}}],\"conf\":{}}"
#define OF_EXTERNAL "RateLimit applied to external service only supports kuma.io/service as destination match"

TEST(rules_answer_with_the_references_words)
{
    static const struct {
        const char *name;
        const char *setup[4];   /* a request that must succeed; may be empty */
        const char *request[4]; /* the one under test */
        const char *want;
    } rows[] = {
        {"a resource in no mesh",
         {NULL},
         {DATAPLANE("ghost", "d", "a")},
         "created; 0: Mesh is not found: mesh: mesh of name ghost is not found"},
        {"a secret in no mesh",
         {NULL},
         {SECRET("ghost", "s")},
         "created; 0: Mesh is not found: mesh: mesh of name ghost is not found"},
        {"a dataplane before its mesh", {NULL}, {DATAPLANE("m", "d", "a"), MESH("m")}, "created, created"},
        {"two faulty documents",
         {NULL},
         {DATAPLANE("g1", "d", "a"), MESH("m"), SECRET("g2", "s")},
         "created, created, created; 0: Mesh is not found: mesh: mesh of name g1 is not found"
         "; 2: Mesh is not found: mesh: mesh of name g2 is not found"},
        {"only the faulty mesh is blamed",
         {NULL},
         {DATAPLANE("m", "d", "a"),
          MESH_WITH("m", "\"mtls\":{\"backends\":[{\"name\":\"c\",\"type\":\"magic\"}]}")},
         "created, created; 1: mtls.backends[0].type: could not find installed plugin for this type"},
        {"a mesh with dataplanes stays",
         {MESH("m"), DATAPLANE("m", "d", "a")},
         {"-Mesh//m"},
         "deleted; 0: mesh: unable to delete mesh, there are still some dataplanes attached"},
        {"a mesh goes with its last dataplane",
         {MESH("m"), DATAPLANE("m", "d", "a")},
         {"-Mesh//m", "-Dataplane/m/d"},
         "deleted, deleted"},
        {"a mesh goes with all else", {MESH("m"), SECRET("m", "s")}, {"-Mesh//m"}, "deleted"},
        {"what is not there cannot be deleted",
         {NULL},
         {"-Mesh//ghost", "-Secret/ghost/s"},
         "deleted, deleted; 0: Not found; 1: Not found"},
        {"another CA while mTLS is on",
         {MESH_WITH("m", MTLS("ca-1"))},
         {MESH_WITH("m", MTLS("ca-2"))},
         "updated"},
        {"mTLS off", {MESH_WITH("m", MTLS("ca-1"))}, {MESH("m")}, "updated"},
        {"mTLS on", {MESH("m")}, {MESH_WITH("m", MTLS("ca-2"))}, "updated"},
        {"an unknown kind of CA",
         {MESH("m")},
         {MESH_WITH("m", "\"mtls\":{\"backends\":[{\"name\":\"c\",\"type\":\"magic\"}]}")},
         "updated; 0: mtls.backends[0].type: could not find installed plugin for this type"},
        {"the CA's certificate is in use",
         {MESH_WITH("m", MTLS("ca-1"))},
         {"-Secret/m/m.ca-builtin-cert-ca-1"},
         "deleted; 0: name: The secret \"m.ca-builtin-cert-ca-1\" that you are trying to remove is currently "
         "in use in "
         "Mesh \"m\" in mTLS backend \"ca-1\". Please remove the reference from the \"ca-1\" backend before "
         "removing the "
         "secret."},
        {"the CA's key is in use",
         {MESH_WITH("m", MTLS("ca-1"))},
         {"-Secret/m/m.ca-builtin-key-ca-1"},
         "deleted; 0: name: The secret \"m.ca-builtin-key-ca-1\" that you are trying to remove is currently "
         "in use in "
         "Mesh \"m\" in mTLS backend \"ca-1\". Please remove the reference from the \"ca-1\" backend before "
         "removing the "
         "secret."},
        {"a CA secret and its reference go together",
         {MESH_WITH("m", MTLS("ca-1"))},
         {"-Secret/m/m.ca-builtin-key-ca-1", MESH("m")},
         "deleted, updated"},
        {"a signing key may go", {MESH("m")}, {"-Secret/m/dataplane-token-signing-key-m-1"}, "deleted"},
        {"a secret of that name in another mesh",
         {MESH_WITH("m", MTLS("ca-1")), MESH("n"), SECRET("n", "s")},
         {"-Secret/n/s"},
         "deleted"},
        {"not a member",
         {MESH_WITH("m",
                    "\"constraints\":{\"dataplaneProxy\":{\"requirements\":[{\"tags\":{\"team\":\"a\"}}]}}")},
         {DATAPLANE("m", "d", "a")},
         "created; 0: networking.inbound[0].tags: dataplane cannot be a member of mesh \"m\" because its "
         "tags \"kuma.io/service=a\" "
         "does not fulfill "
         "any requirements defined on the Mesh"},
        {"not a member of a mesh that comes along",
         {NULL},
         {DATAPLANE("m", "d", "a"), MESH_WITH("m", "\"constraints\":{\"dataplaneProxy\":{\"restrictions\":[{"
                                                   "\"tags\":{\"kuma.io/service\":\"*\"}}]}}")},
         "created, created; 0: networking.inbound[0].tags: dataplane cannot be a member of mesh \"m\" "
         "because its tags "
         "\"kuma.io/service=a\" matches "
         "restricted tags \"kuma.io/service=*\" defined on the Mesh"},
        {"a limit of an external service",
         {MESH("m"), EXTERNAL("m", "es", "out")},
         {LIMIT("m", "a", "\"kuma.io/service\":\"out\",\"x\":\"1\""),
          LIMIT("m", "b", "\"kuma.io/service\":\"*\",\"x\":\"1\""),
          LIMIT("m", "c", "\"kuma.io/service\":\"in\",\"x\":\"1\"")},
         "created, created, created; 0: ratelimit: " OF_EXTERNAL "; 1: ratelimit: " OF_EXTERNAL},
        {"a limit of external services by name alone",
         {MESH("m"), EXTERNAL("m", "es", "out")},
         {LIMIT("m", "a", "\"kuma.io/service\":\"out\""), LIMIT("m", "b", "\"x\":\"1\"")},
         "created, created"},
        {"an external service under a limit",
         {MESH("m"), MESH("n"), LIMIT("m", "a", "\"kuma.io/service\":\"*\",\"x\":\"1\"")},
         {EXTERNAL("m", "es", "out"), EXTERNAL("n", "es", "out")},
         "created, created; 0: externalservice: ExternalService would match RateLimit 'a' which includes "
         "incompatible destination matches"},
        {"both at once",
         {MESH("m")},
         {LIMIT("m", "a", "\"kuma.io/service\":\"out\",\"x\":\"1\""), EXTERNAL("m", "es", "out")},
         "created, created; 1: externalservice: ExternalService would match RateLimit 'a' which includes "
         "incompatible destination matches"},
        {"a mesh goes with its external services and limits",
         {MESH("m"), EXTERNAL("m", "es", "out"), LIMIT("m", "a", "\"x\":\"1\"")},
         {"-Mesh//m"},
         "deleted"},
        {"an external service in no mesh",
         {NULL},
         {EXTERNAL("ghost", "es", "out"), LIMIT("ghost", "a", "\"x\":\"1\"")},
         "created, created; 0: Mesh is not found: mesh: mesh of name ghost is not found"
         "; 1: Mesh is not found: mesh: mesh of name ghost is not found"},
        {"an insight by hand",
         {MESH("m"), DATAPLANE("m", "d", "a")},
         {"{\"type\":\"DataplaneInsight\",\"mesh\":\"m\",\"name\":\"d\"}"},
         "none; 0: Method not allowed"},
        {"an insight deleted by hand", {NULL}, {"-DataplaneInsight/m/d"}, "deleted; 0: Method not allowed"},
        {"a derived type", {NULL}, {"-MeshInsight//m"}, "deleted; 0: Method not allowed"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        fixture_init(&f);
        if (rows[i].setup[0]) {
            struct admit_request *setup = request_of(rows[i].setup);
            admit_run(f.admit, setup);
            EXPECT_INT(rows[i].name, setup->kind, ERR_NONE);
            admit_request_free(setup);
        }
        uint64_t before = revision_of(&f);
        struct admit_request *req = request_of(rows[i].request);
        admit_run(f.admit, req);
        EXPECT_STR(rows[i].name, answer(req, &f.arena), rows[i].want);
        bool is_fault = strstr(rows[i].want, "; ") != NULL;
        EXPECT_TRUE(rows[i].name, (req->kind != ERR_NONE) == is_fault);
        EXPECT_INT(rows[i].name, req->revision,
                   is_fault ? before : before + 1); /* one revision, or nothing written */
        EXPECT_INT(rows[i].name, revision_of(&f), req->revision);
        admit_request_free(req);
        fixture_fini(&f);
    }
}

TEST(a_faulty_request_writes_nothing)
{
    struct fixture f;
    fixture_init(&f);
    run_docs(&f, DOCS(MESH("m"), SECRET("m", "s"), SECRET("ghost", "s"), "-Mesh//default"));
    EXPECT_STR("meshes", names_of(&f, RES_MESH, ""), "default");
    fixture_fini(&f);
}

TEST(a_dry_run_checks_everything_and_writes_nothing)
{
    static const struct {
        const char *name, *doc, *want;
        enum err_kind kind;
    } rows[] = {
        {"fine", MESH_WITH("m", MTLS("ca-1")), "created", ERR_NONE},
        {"faulty", SECRET("ghost", "s"),
         "created; 0: Mesh is not found: mesh: mesh of name ghost is not found", ERR_INVALID},
    };
    struct fixture f;
    fixture_init(&f);
    uint64_t before = revision_of(&f);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct admit_request *req = request_of(DOCS(rows[i].doc));
        req->dry_run = true;
        admit_run(f.admit, req);
        EXPECT_STR(rows[i].name, answer(req, &f.arena), rows[i].want);
        EXPECT_INT(rows[i].name, req->kind, rows[i].kind);
        EXPECT_INT(rows[i].name, req->revision, before);
        EXPECT_STR(rows[i].name, names_of(&f, RES_MESH, ""), "default");
        admit_request_free(req);
    }
    fixture_fini(&f);
}

TEST(an_equal_put_bumps_the_time_unless_told_not_to)
{
    static const struct {
        const char *name;
        bool keep_unchanged;
        enum res_origin origin;
        const char *want;
        int64_t modified_ns, revisions;
    } rows[] = {
        {"like the reference", false, ORIGIN_API, "updated", 2, 1},
        {"apply", true, ORIGIN_API, "unchanged", 1, 0},
        {"apply over a proxy's own", true, ORIGIN_PROXY, "updated", 2, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        fixture_init(&f);
        clock_fake(1, 1);
        struct admit_request *first = request_of(DOCS(DATAPLANE("default", "d", "a")));
        first->origin = rows[i].origin;
        EXPECT_STR(rows[i].name, run_request(&f, first), "created");
        uint64_t before = revision_of(&f);
        clock_fake(2, 2);
        struct admit_request *second = request_of(DOCS(DATAPLANE("default", "d", "a")));
        second->ops[0].keep_unchanged = rows[i].keep_unchanged;
        EXPECT_STR(rows[i].name, run_request(&f, second), rows[i].want);
        EXPECT_INT(rows[i].name, revision_of(&f) - before, rows[i].revisions);
        struct snap *snap = store_snap(f.store);
        const struct resource *r = snap_find(snap, RES_DATAPLANE, STR("default"), STR("d"));
        EXPECT_INT(rows[i].name, r->created_ns, 1);
        EXPECT_INT(rows[i].name, r->modified_ns, rows[i].modified_ns);
        EXPECT_INT(rows[i].name, r->origin, ORIGIN_API);
        snap_unref(snap);
        clock_fake(-1, -1);
        fixture_fini(&f);
    }
}

TEST(a_dataplane_gets_its_zone_and_an_unknown_health)
{
    static const char *const probed =
        "{\"type\":\"Dataplane\",\"mesh\":\"default\",\"name\":\"d\",\"networking\":{\"address\":\"10.0.0."
        "1\",\"inbound\":"
        "[{\"port\":80,\"tags\":{\"kuma.io/service\":\"a\"},\"serviceProbe\":{\"tcp\":{}}}]}}";
    struct fixture f;
    fixture_prepare(&f);
    f.options.zone = STR("east");
    writer_start(&f);
    EXPECT_STR("create", run_docs(&f, DOCS(probed)), "created");
    EXPECT_STR("create", spec_of(&f, RES_DATAPLANE, "default", "d"),
               "{\"networking\":{\"address\":\"10.0.0.1\",\"inbound\":[{\"port\":80,\"tags\":{\"kuma.io/"
               "service\":\"a\","
               "\"kuma.io/zone\":\"east\"},\"health\":{},\"serviceProbe\":{\"tcp\":{}}}]}}");
    EXPECT_STR("update", run_docs(&f, DOCS(probed)), "updated");
    EXPECT_STR("update", spec_of(&f, RES_DATAPLANE, "default", "d"),
               "{\"networking\":{\"address\":\"10.0.0.1\",\"inbound\":[{\"port\":80,\"tags\":{\"kuma.io/"
               "service\":\"a\","
               "\"kuma.io/zone\":\"east\"},\"serviceProbe\":{\"tcp\":{}}}]}}");
    fixture_fini(&f);
}

static uint64_t newest_revision(const struct fixture *f)
{
    struct snap *snap = store_snap(f->store);
    uint64_t revision = snap_revision(snap);
    snap_unref(snap);
    return revision;
}

static struct str tell(struct fixture *f, const char *name, const char *health, const struct resource *base)
{
    struct admit_request *req = admit_request_new(1);
    req->author = STR("default.d");
    req->origin = ORIGIN_SYSTEM;
    req->ops[0] = (struct admit_op){.kind = ADMIT_HEALTH,
                                    .key = {RES_DATAPLANE, STR("default"), str_from_c(name)},
                                    .health = str_from_c(health),
                                    .if_base = base != NULL,
                                    .base = base ? resource_ref((struct resource *)(uintptr_t)base) : NULL};
    uint64_t before = newest_revision(f);
    admit_run(f->admit, req);
    EXPECT_INT("no history", newest_revision(f), before);
    struct str text = answer(req, &f->arena);
    admit_request_free(req);
    return text;
}

TEST(what_an_envoy_tells_makes_no_history_and_outlives_the_document)
{
    struct fixture f;
    fixture_init(&f);
    static const char *const d = DATAPLANE("default", "d", "a");
    EXPECT_STR("none yet", tell(&f, "d", "1", NULL), "updated; 0: Not found");
    EXPECT_STR("create", run_docs(&f, DOCS(d)), "created");
    struct snap *old = store_snap(f.store);
    const struct resource *first = snap_find(old, RES_DATAPLANE, STR("default"), STR("d"));
    EXPECT_STR("told", tell(&f, "d", "0", first), "updated");
    EXPECT_STR("told again", tell(&f, "d", "0", NULL), "unchanged");
    EXPECT_STR("about an older one", tell(&f, "d", "1", first),
               "updated; 0: it was changed at the same time");
    EXPECT_STR("put again", run_docs(&f, DOCS(d)), "updated");
    struct snap *now = store_snap(f.store);
    EXPECT_STR("kept", snap_find(now, RES_DATAPLANE, STR("default"), STR("d"))->health, "0");
    snap_unref(now);
    snap_unref(old);
    EXPECT_STR("delete", run_docs(&f, DOCS("-Dataplane/default/d")), "deleted");
    EXPECT_STR("create", run_docs(&f, DOCS(d)), "created");
    now = store_snap(f.store);
    EXPECT_INT("not kept", snap_find(now, RES_DATAPLANE, STR("default"), STR("d"))->health.n, 0);
    snap_unref(now);
    fixture_fini(&f);
}

static struct str run_as(struct fixture *f, enum res_origin origin, bool if_origin_proxy, const char *doc)
{
    struct admit_request *req = request_of(DOCS(doc));
    req->origin = origin;
    req->ops[0].if_origin_proxy = if_origin_proxy;
    return run_request(f, req);
}

/* What a caller judged on a snapshot may be another object by the time the writer comes to it. */
TEST(a_put_can_ask_for_what_its_caller_judged)
{
    enum base { NOTHING, THE_FIRST, THE_SECOND };
    static const struct {
        const char *name;
        enum base base;
        const char *want;
    } rows[] = {
        {"judged before there was one", NOTHING, "updated; 0: it was changed at the same time"},
        {"judged before it was replaced", THE_FIRST, "updated; 0: it was changed at the same time"},
        {"judged as it is", THE_SECOND, "updated"},
        {"judged as it was before that", THE_SECOND, "updated; 0: it was changed at the same time"},
    };
    struct fixture f;
    struct resource *bases[3] = {NULL};
    fixture_init(&f);
    for (enum base b = THE_FIRST; b <= THE_SECOND; b++) {
        run_as(&f, ORIGIN_API, false, DATAPLANE("default", "d", "a"));
        struct snap *snap = store_snap(f.store);
        const struct resource *r = snap_find(snap, RES_DATAPLANE, STR("default"), STR("d"));
        bases[b] = resource_ref((struct resource *)(uintptr_t)r);
        snap_unref(snap);
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct admit_request *req = request_of(DOCS(DATAPLANE("default", "d", "b")));
        struct resource *base = bases[rows[i].base];
        req->ops[0].if_base = true;
        req->ops[0].base = base ? resource_ref(base) : NULL;
        EXPECT_STR(rows[i].name, run_request(&f, req), rows[i].want);
    }
    for (size_t i = 0; i < ARRAY_LEN(bases); i++)
        resource_unref(bases[i]);
    fixture_fini(&f);
}

TEST(a_proxys_dataplane_comes_and_goes_with_its_insight)
{
    static const char *const insight = "{\"type\":\"DataplaneInsight\",\"mesh\":\"default\",\"name\":\"d\"}";
    static const struct {
        const char *name;
        enum res_origin origin;
        bool if_origin_proxy;
        const char *doc, *want, *dataplanes, *insights;
    } rows[] = {
        {"an insight of nobody is dropped", ORIGIN_SYSTEM, false, insight, "none", "", ""},
        {"the proxy registers", ORIGIN_PROXY, false, DATAPLANE("default", "d", "a"), "created", "d", ""},
        {"its insight", ORIGIN_SYSTEM, false, insight, "created", "d", "d"},
        {"it leaves", ORIGIN_PROXY, true, "-Dataplane/default/d", "deleted", "", ""},
        {"it leaves again", ORIGIN_PROXY, true, "-Dataplane/default/d", "none", "", ""},
        {"one by hand", ORIGIN_API, false, DATAPLANE("default", "d", "a"), "created", "d", ""},
        {"stays when its proxy leaves", ORIGIN_PROXY, true, "-Dataplane/default/d", "none", "d", ""},
        {"and is deleted by hand", ORIGIN_API, false, "-Dataplane/default/d", "deleted", "", ""},
    };
    struct fixture f;
    fixture_init(&f);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        EXPECT_STR(rows[i].name, run_as(&f, rows[i].origin, rows[i].if_origin_proxy, rows[i].doc),
                   rows[i].want);
        EXPECT_STR(rows[i].name, names_of(&f, RES_DATAPLANE, "default"), rows[i].dataplanes);
        EXPECT_STR(rows[i].name, names_of(&f, RES_DATAPLANE_INSIGHT, "default"), rows[i].insights);
    }
    fixture_fini(&f);
}
