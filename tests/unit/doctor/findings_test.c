/* findings_test.c -- each finding appears in a world that has the fault, and not in one that has it not. */
#include "ursa/posture.h"
#include "world.h"

#define DOCS_MAX 8

#define MESH(mtls) "{'type':'Mesh','name':'blue'" mtls "}"
#define MTLS(conf)                                                                                           \
    ",'mtls':{'enabledBackend':'ca','backends':[{'name':'ca','type':'builtin','conf':{" conf "}}]}"
#define MTLS_MODE(mode)                                                                                      \
    ",'mtls':{'enabledBackend':'ca','backends':[{'name':'ca','type':'builtin','mode':'" mode "'}]}"
#define CONSTRAINT(team) ",'constraints':{'dataplaneProxy':{'requirements':[{'tags':{'team':'" team "'}}]}}"
#define UNREADY                                                                                              \
    "{'type':'Dataplane','mesh':'blue','name':'web','networking':{'address':'10.0.0.1','inbound':"           \
    "[{'port':80,'health':{'ready':false},'tags':{'kuma.io/service':'web'}}]}}"
#define PERMISSION(action)                                                                                   \
    "{'type':'MeshTrafficPermission','mesh':'blue','name':'p','spec':{'targetRef':{'kind':'Mesh'},"          \
    "'from':[{'targetRef':{'kind':'Mesh'},'default':{'action':'" action "'}}]}}"
#define DATAPLANE(name, tags)                                                                                \
    "{'type':'Dataplane','mesh':'blue','name':'" name "','networking':{'address':'10.0.0.1','inbound':"      \
    "[{'port':80,'tags':{" tags "}}]}}"
#define WEB DATAPLANE("web", "'kuma.io/service':'web','kuma.io/protocol':'http','team':'a'")
#define CLASSIC(type, sources, destinations, rest)                                                           \
    "{'type':'" type "','mesh':'blue','name':'p','sources':[{'match':{" sources "}}],"                       \
    "'destinations':[{'match':{" destinations "}}]" rest "}"
#define TARGETED(ref)                                                                                        \
    "{'type':'MeshTimeout','mesh':'blue','name':'p','spec':{'targetRef':{" ref "},"                          \
    "'to':[{'targetRef':{'kind':'Mesh'},'default':{'idleTimeout':'1s'}}]}}"
#define TIMEOUT ",'conf':{'connectTimeout':'1s'}"
#define TRACE(tags) "{'type':'TrafficTrace','mesh':'blue','name':'p','selectors':[{'match':{" tags "}}]}"
#define INGRESS(mesh)                                                                                        \
    "{'type':'ZoneIngress','name':'i','networking':{'address':'1.1.1.1','port':1},'availableServices':"      \
    "[{'mesh':'" mesh "','tags':{'kuma.io/service':'far'},'instances':1}]}"
#define ANY "'kuma.io/service':'*'"
#define SVC(name) "'kuma.io/service':'" name "'"

/* A world. */
struct given {
    const char *docs[DOCS_MAX];
    const char *config;
    int days;                        /* since all was made */
    void (*prepare)(struct world *); /* what no text says; may be NULL */
};

/* ---- what no text says ---- */

static void put_secret(struct world *w, enum res_type type, const char *mesh, const char *name,
                       const char *data)
{
    world_put_secret(w, (struct res_key){type, str_from_c(mesh), str_from_c(name)}, str_from_c(data));
}

static void admin_token(struct world *w)
{
    put_secret(w, RES_GLOBAL_SECRET, "", "admin-user-token", "x");
}

static void key_of_tokens(struct world *w)
{
    put_secret(w, RES_SECRET, "blue", "dataplane-token-signing-key-blue-1", "x");
}

static void newer_key_of_tokens(struct world *w)
{
    key_of_tokens(w);
    put_secret(w, RES_SECRET, "blue", "dataplane-token-signing-key-blue-2", "x");
    w->v[w->n - 1]->modified_ns += 300 * DAY_NS;
}

static void revoked_on_lines(struct world *w)
{
    put_secret(w, RES_SECRET, "blue", "dataplane-token-revocations-blue", "0a-1b,2c-3d\n4e-5f\n");
}

static void revoked(struct world *w)
{
    put_secret(w, RES_SECRET, "blue", "dataplane-token-revocations-blue", "0a-1b,2c-3d,4e-5f\n");
}

static void revoked_token(struct world *w)
{
    put_secret(w, RES_GLOBAL_SECRET, "", "user-token-revocations", "eyJ.eyJ.x");
}

static void revoked_id(struct world *w)
{
    put_secret(w, RES_GLOBAL_SECRET, "", "user-token-revocations", "x");
}

static void own_certificate(struct world *w)
{
    static struct doctor_certificate c = {STR_INIT("the proxies' port"), STR_INIT("/w/ursa-cp.crt"),
                                          STR_INIT("general.tlsCertFile"), MADE_NS + 40 * DAY_NS};

    w->facts.certificates = &c;
    w->facts.n_certificates = 1;
}

static void open_file(struct world *w)
{
    static struct doctor_file f = {STR_INIT("/w/ursa.db"), 0644};

    w->facts.files = &f;
    w->facts.n_files = 1;
}

static void closed_file(struct world *w)
{
    static struct doctor_file f = {STR_INIT("/w/ursa.db"), 0600};

    w->facts.files = &f;
    w->facts.n_files = 1;
}

static void disk_of(struct world *w, uint64_t mib)
{
    w->facts.disk_path = STR("/w");
    w->facts.disk_free = mib << 20;
}

static void full_disk(struct world *w)
{
    disk_of(w, 63);
}

static void low_disk(struct world *w)
{
    disk_of(w, 511);
}

static void roomy_disk(struct world *w)
{
    disk_of(w, 513);
}

static void from_the_future(struct world *w)
{
    w->v[0]->modified_ns += 61 * NS_PER_S;
}

/* The same CA in a mesh "red". */
static void shared_authority(struct world *w)
{
    const struct resource *blue = NULL;

    for (size_t i = 0; i < w->n; i++)
        if (w->v[i]->key.type == RES_MESH)
            blue = w->v[i];
    const struct ca_backend *b = &resource_mesh(blue)->mtls->backends[0];
    struct str cert = STR_NONE, key = STR_NONE;
    for (size_t i = 0; i < w->n; i++) {
        if (w->v[i]->key.type == RES_SECRET && str_has_prefix(w->v[i]->key.name, STR("blue.ca-builtin-cert")))
            cert = resource_secret(w->v[i])->data;
        if (w->v[i]->key.type == RES_SECRET && str_has_prefix(w->v[i]->key.name, STR("blue.ca-builtin-key")))
            key = resource_secret(w->v[i])->data;
    }
    const struct res_key red = {RES_MESH, STR(""), STR("red")};
    world_keep(w, resource_from_spec(&red, resource_mesh(blue)));
    world_put_secret(w, ca_builtin_cert_secret(&w->arena, red.name, b->name), cert);
    world_put_secret(w, ca_builtin_key_secret(&w->arena, red.name, b->name), key);
}

static void on_its_way(struct world *w)
{
    const struct res_key key = posture_key(STR("blue"));
    const struct mesh_posture_spec posture = {.serve = SERVE_BOTH, .since = {true, MADE_NS}};
    world_keep(w, resource_from_spec(&key, &posture));
}

static void insight_of_web(struct world *w, const struct dataplane_insight_spec *spec)
{
    const struct res_key key = {RES_DATAPLANE_INSIGHT, STR("blue"), STR("web")};

    world_keep(w, resource_from_spec(&key, spec));
}

static void online_with(struct world *w, const char *backend, int64_t issued_ns)
{
    struct dp_subscription s = {.id = STR("1"), .connect_time = {true, MADE_NS}};
    struct dp_mtls_insight mtls = {.certificate_expiration_time = {true, issued_ns + DAY_NS},
                                   .last_certificate_regeneration = {true, issued_ns},
                                   .issued_backend = str_from_c(backend)};
    const struct dataplane_insight_spec spec = {.subscriptions = &s, .n_subscriptions = 1, .mtls = &mtls};

    insight_of_web(w, &spec);
}

static void web_is_online(struct world *w)
{
    online_with(w, "ca", MADE_NS);
}

static void web_has_old_backend(struct world *w)
{
    online_with(w, "old", MADE_NS);
}

static void web_is_not_renewed(struct world *w)
{
    online_with(w, "ca", MADE_NS - DAY_NS / 20 * 18);
}

static void web_has_expired(struct world *w)
{
    online_with(w, "ca", MADE_NS - DAY_NS / 20 * 21);
}

static void web_left(struct world *w)
{
    struct dp_subscription s = {.id = STR("1"),
                                .connect_time = {true, MADE_NS - DAY_NS},
                                .disconnect_time = {true, MADE_NS - NS_PER_S * 61}};
    const struct dataplane_insight_spec spec = {.subscriptions = &s, .n_subscriptions = 1};

    insight_of_web(w, &spec);
}

static void web_left_a_moment_ago(struct world *w)
{
    struct dp_subscription s = {.id = STR("1"),
                                .connect_time = {true, MADE_NS - DAY_NS},
                                .disconnect_time = {true, MADE_NS - NS_PER_S * 59}};
    const struct dataplane_insight_spec spec = {.subscriptions = &s, .n_subscriptions = 1};

    insight_of_web(w, &spec);
}

static void laggard(struct world *w, bool refused)
{
    static struct ads_laggard l = {
        .mesh = STR_INIT("blue"), .name = STR_INIT("web"), .reason = STR_INIT("LDS: no such filter")};

    l.refused = refused;
    w->laggards = &l;
    w->n_laggards = 1;
}

static void web_refuses(struct world *w)
{
    laggard(w, true);
}

static void web_is_slow(struct world *w)
{
    laggard(w, false);
}

/* ---- the table ---- */

#define DOCS(...)                                                                                            \
    {                                                                                                        \
        .docs = { __VA_ARGS__ }                                                                              \
    }
#define AFTER(n_days, ...)                                                                                   \
    {                                                                                                        \
        .docs = {__VA_ARGS__}, .days = (n_days)                                                              \
    }
#define WITH(what, ...)                                                                                      \
    {                                                                                                        \
        .docs = {__VA_ARGS__}, .prepare = (what)                                                             \
    }
#define CONFIG(text)                                                                                         \
    {                                                                                                        \
        .docs = {MESH("")}, .config = (text)                                                                 \
    }

static const struct row {
    const char *name;
    const char *want; /* the line that is there in the first world, and not in the second */
    struct given sick, well;
} rows[] = {
    {"a CA that ends in 30 days", "ca-expires warning blue: mtls.backends ca",
     AFTER(11, MESH(MTLS("'caCert':{'expiration':'40d'}"))),
     AFTER(9, MESH(MTLS("'caCert':{'expiration':'40d'}")))},
    {"a CA that ends in 7 days", "ca-expires error blue: mtls.backends ca",
     AFTER(34, MESH(MTLS("'caCert':{'expiration':'40d'}"))),
     AFTER(32, MESH(MTLS("'caCert':{'expiration':'40d'}")))},
    {"a CA that has ended", "ca-expired error blue: mtls.backends ca",
     AFTER(41, MESH(MTLS("'caCert':{'expiration':'40d'}"))),
     AFTER(39, MESH(MTLS("'caCert':{'expiration':'40d'}")))},
    {"a CA whose secret is gone", "ca-unusable error blue: mtls.backends ca",
     DOCS(MESH(",'mtls':{'enabledBackend':'ca','backends':[{'name':'ca','type':'provided',"
               "'conf':{'cert':{'secret':'gone'},'key':{'secret':'gone'}}}]}")),
     DOCS(MESH(MTLS("")))},
    {"the local administrator", "open-admin warning : apiServer.authn.localhostIsAdmin",
     CONFIG("{'apiServer':{'authn':{'localhostIsAdmin':true}}}"),
     CONFIG("{'apiServer':{'authn':{'localhostIsAdmin':false}}}")},
    {"anonymous writes", "anonymous-writes error : apiServer.authn.anonymousWrites",
     CONFIG("{'apiServer':{'authn':{'anonymousWrites':true}}}"),
     CONFIG("{'apiServer':{'authn':{'anonymousWrites':false}}}")},
    {"anonymous reads", "anonymous-reads info : apiServer.authn.anonymousReads",
     CONFIG("{'apiServer':{'authn':{'anonymousReads':true}}}"),
     CONFIG("{'apiServer':{'authn':{'anonymousReads':false}}}")},
    {"anonymous reads beside roles", "anonymous-reads warning : apiServer.authn.anonymousReads",
     CONFIG("{'apiServer':{'authn':{'anonymousReads':true}},'access':{'static':{'meshRoles':['user:a=b:"
            "viewer']}}}"),
     CONFIG("{'apiServer':{'authn':{'anonymousReads':true}},'access':{'static':{'meshRoles':[]}}}")},
    {"the plain API for others", "plain-api error : apiServer.http.interface",
     CONFIG("{'apiServer':{'http':{'enabled':true,'interface':'0.0.0.0'}}}"),
     CONFIG("{'apiServer':{'http':{'enabled':true,'interface':'127.0.0.1'}}}")},
    {"the plain API, off", "plain-api error : apiServer.http.interface",
     CONFIG("{'apiServer':{'http':{'enabled':true,'interface':'::'}}}"),
     CONFIG("{'apiServer':{'http':{'enabled':false,'interface':'::'}}}")},
    {"every page", "cors-open warning : apiServer.corsAllowedDomains",
     CONFIG("{'apiServer':{'corsAllowedDomains':['https://a.example','.*']}}"),
     CONFIG("{'apiServer':{'corsAllowedDomains':['https://a.example']}}")},
    {"no proof of proxies", "proxies-unauthenticated error : dpServer.authn.dpProxy.type",
     CONFIG("{'dpServer':{'authn':{'dpProxy':{'type':'none'}}}}"),
     CONFIG("{'dpServer':{'authn':{'dpProxy':{'type':'dpToken'}}}}")},
    {"diagnostics for others", "diagnostics-open info : diagnostics.interface",
     CONFIG("{'diagnostics':{'interface':'::'}}"), CONFIG("{'diagnostics':{'interface':'::1'}}")},
    {"no audit log", "no-audit-log info : audit.file", CONFIG("{'audit':{'file':'off'}}"),
     CONFIG("{'audit':{'file':'-'}}")},
    {"a store in memory", "store-in-memory warning : store.type", CONFIG("{'store':{'type':'memory'}}"),
     CONFIG("{'store':{'type':'sqlite'}}")},
    {"a key beside the store", "seal-key-beside-store info : store.sealKeyFile",
     CONFIG("{'store':{'type':'sqlite','sqlite':{'path':'/w/ursa.db'},'sealKeyFile':'/w/seal.key'}}"),
     CONFIG("{'store':{'type':'sqlite','sqlite':{'path':'/w/ursa.db'},'sealKeyFile':'/k/seal.key'}}")},
    {"core files", "core-dumps-allowed warning : general.allowCoreDumps",
     CONFIG("{'general':{'allowCoreDumps':true}}"), CONFIG("{'general':{'allowCoreDumps':false}}")},
    {"guessing", "guessing-unlimited warning : general.badTokensPerSecond",
     CONFIG("{'general':{'badTokensPerSecond':0}}"), CONFIG("{'general':{'badTokensPerSecond':1}}")},
    {"secrets for everybody", "access-open error : access.static.adminResources.groups",
     CONFIG("{'access':{'static':{'adminResources':{'groups':['mesh-system:unauthenticated']}}}}"),
     CONFIG("{'access':{'static':{'adminResources':{'groups':['mesh-system:admin']}}}}")},
    {"tokens for anonymous", "access-open error : access.static.generateUserToken.users",
     CONFIG("{'access':{'static':{'generateUserToken':{'users':['mesh-system:anonymous']}}}}"),
     CONFIG("{'access':{'static':{'generateUserToken':{'users':['mesh-system:admin']}}}}")},
    {"tokens for every user", "access-open warning : access.static.generateDpToken.groups",
     CONFIG("{'access':{'static':{'generateDpToken':{'groups':['mesh-system:authenticated']}}}}"),
     CONFIG("{'access':{'static':{'generateDpToken':{'groups':['team-a']}}}}")},
    {"dumps for everybody", "views-open info : access.static.viewConfigDump.groups",
     CONFIG("{'access':{'static':{'viewConfigDump':{'groups':['mesh-system:unauthenticated']}}}}"),
     CONFIG("{'access':{'static':{'viewConfigDump':{'groups':['mesh-system:authenticated']}}}}")},
    {"no dataplane token is good",
     "no-token-is-good error : dpServer.authn.dpProxy.dpToken.validator.useSecrets",
     CONFIG("{'dpServer':{'authn':{'dpProxy':{'type':'dpToken','dpToken':{'validator':{'useSecrets':false,'"
            "publicKeys':[]}}}}}}"),
     CONFIG("{'dpServer':{'authn':{'dpProxy':{'type':'dpToken','dpToken':{'validator':{'useSecrets':false,'"
            "publicKeys':[{'kid':'k','mesh':'blue','keyFile':'f'}]}}}}}}")},
    {"nor needed", "no-token-is-good error : dpServer.authn.dpProxy.dpToken.validator.useSecrets",
     CONFIG("{'dpServer':{'authn':{'dpProxy':{'type':'dpToken','dpToken':{'validator':{'useSecrets':false,'"
            "publicKeys':[]}}}}}}"),
     CONFIG("{'dpServer':{'authn':{'dpProxy':{'type':'none','dpToken':{'validator':{'useSecrets':false,'"
            "publicKeys':[]}}}}}}")},
    {"no user token is good", "no-token-is-good error : apiServer.authn.tokens.validator.useSecrets",
     CONFIG("{'apiServer':{'authn':{'type':'tokens','tokens':{'validator':{'useSecrets':false,'publicKeys':[]"
            "}}}}}"),
     CONFIG("{'apiServer':{'authn':{'type':'tokens','tokens':{'validator':{'useSecrets':true,'publicKeys':[]}"
            "}}}}")},
    {"a key of no mesh",
     "public-key-of-no-mesh warning : dpServer.authn.dpProxy.dpToken.validator.publicKeys[0]",
     CONFIG("{'dpServer':{'authn':{'dpProxy':{'type':'dpToken','dpToken':{'validator':{'useSecrets':true,'"
            "publicKeys':[{'kid':'k','mesh':'green','keyFile':'f'}]}}}}}}"),
     CONFIG("{'dpServer':{'authn':{'dpProxy':{'type':'dpToken','dpToken':{'validator':{'useSecrets':true,'"
            "publicKeys':[{'kid':'k','mesh':'blue','keyFile':'f'}]}}}}}}")},
    {"a CA of two meshes", "ca-shared info : mtls.backends of 2 meshes",
     WITH(shared_authority, MESH(MTLS(""))),
     DOCS(MESH(MTLS("")), "{'type':'Mesh','name':'red'" MTLS("") "}")},
    {"PERMISSIVE", "mtls-permissive warning blue: Mesh blue", DOCS(MESH(MTLS_MODE("PERMISSIVE"))),
     DOCS(MESH(MTLS_MODE("STRICT")))},
    {"a mesh that does not get on",
     "mesh-on-its-way warning blue: Mesh blue",
     {.docs = {MESH(MTLS(""))}, .prepare = on_its_way, .days = 1},
     {.docs = {MESH(MTLS(""))}, .prepare = on_its_way}},
    {"permissions without mTLS", "permissions-without-mtls warning blue: Mesh blue",
     DOCS(MESH(""), WEB, CLASSIC("TrafficPermission", SVC("web"), ANY, "")),
     DOCS(MESH(MTLS("")), WEB, CLASSIC("TrafficPermission", SVC("web"), ANY, ""))},
    {"a permission for all without mTLS", "permissions-without-mtls warning blue: Mesh blue",
     DOCS(MESH(""), WEB, CLASSIC("TrafficPermission", ANY, SVC("web"), "")),
     DOCS(MESH(""), WEB, CLASSIC("TrafficPermission", ANY, ANY, ""))},
    {"targeted permissions without mTLS", "permissions-without-mtls warning blue: Mesh blue",
     DOCS(MESH(""), PERMISSION("Deny")), DOCS(MESH(MTLS("")), PERMISSION("Deny"))},
    {"nobody may talk", "nobody-may-talk error blue: Mesh blue", DOCS(MESH(MTLS("")), WEB),
     DOCS(MESH(MTLS("")), WEB, PERMISSION("Allow"))},
    {"nobody is there", "nobody-may-talk error blue: Mesh blue", DOCS(MESH(MTLS("")), WEB),
     DOCS(MESH(MTLS("")))},
    {"the token of the first start", "bootstrap-admin-token warning : GlobalSecret admin-user-token",
     WITH(admin_token, MESH("")), DOCS(MESH(""))},
    {"an old key",
     "signing-key-old info blue: Secret dataplane-token-signing-key-blue-1",
     {.docs = {MESH("")}, .prepare = key_of_tokens, .days = 366},
     {.docs = {MESH("")}, .prepare = key_of_tokens, .days = 364}},
    {"an old key and a newer one",
     "signing-key-old info blue: Secret dataplane-token-signing-key-blue-2",
     {.docs = {MESH("")}, .prepare = newer_key_of_tokens, .days = 666},
     {.docs = {MESH("")}, .prepare = newer_key_of_tokens, .days = 366}},
    {"revocations on lines", "revocation-of-nothing warning blue: Secret dataplane-token-revocations-blue",
     WITH(revoked_on_lines, MESH("")), WITH(revoked, MESH(""))},
    {"a whole token", "revocation-of-nothing warning : GlobalSecret user-token-revocations",
     WITH(revoked_token, MESH("")), WITH(revoked_id, MESH(""))},
    {"a server's certificate",
     "server-certificate-expires warning : /w/ursa-cp.crt",
     {.docs = {MESH("")}, .prepare = own_certificate, .days = 11},
     {.docs = {MESH("")}, .prepare = own_certificate, .days = 9}},
    {"a server's certificate of the past",
     "server-certificate-expired error : /w/ursa-cp.crt",
     {.docs = {MESH("")}, .prepare = own_certificate, .days = 41},
     {.docs = {MESH("")}, .prepare = own_certificate, .days = 39}},
    {"a store that others may read", "file-open-to-others error : /w/ursa.db", WITH(open_file, MESH("")),
     WITH(closed_file, MESH(""))},
    {"a disk that is nearly full", "disk-low warning : /w", WITH(low_disk, MESH("")),
     WITH(roomy_disk, MESH(""))},
    {"a disk that is full", "disk-low error : /w", WITH(full_disk, MESH("")), WITH(low_disk, MESH(""))},
    {"the clock", "clock-behind error : clock", WITH(from_the_future, MESH("")), DOCS(MESH(""))},
    {"a member no more", "dataplane-not-let-in warning blue: Dataplane web", DOCS(MESH(CONSTRAINT("b")), WEB),
     DOCS(MESH(CONSTRAINT("a")), WEB)},
    {"who was never there", "proxy-offline warning blue: Dataplane web", AFTER(1, MESH(""), WEB),
     DOCS(MESH(""), WEB)},
    {"who left", "proxy-offline warning blue: Dataplane web", WITH(web_left, MESH(""), WEB),
     WITH(web_left_a_moment_ago, MESH(""), WEB)},
    {"who is there",
     "proxy-offline warning blue: Dataplane web",
     AFTER(1, MESH(""), WEB),
     {.docs = {MESH(""), WEB}, .prepare = web_is_online, .days = 1}},
    {"who is not ready", "proxy-offline warning blue: Dataplane web", AFTER(1, MESH(""), WEB),
     AFTER(1, MESH(""), UNREADY)},
    {"who refuses", "proxy-refuses error blue: Dataplane web", WITH(web_refuses, MESH(""), WEB),
     WITH(web_is_slow, MESH(""), WEB)},
    {"a certificate of another backend", "certificate-of-other-backend warning blue: Dataplane web",
     WITH(web_has_old_backend, MESH(MTLS("")), WEB), WITH(web_is_online, MESH(MTLS("")), WEB)},
    {"a certificate that is late", "certificate-not-renewed warning blue: Dataplane web",
     WITH(web_is_not_renewed, MESH(MTLS("")), WEB), WITH(web_is_online, MESH(MTLS("")), WEB)},
    {"a certificate of the past", "certificate-not-renewed error blue: Dataplane web",
     WITH(web_has_expired, MESH(MTLS("")), WEB), WITH(web_is_not_renewed, MESH(MTLS("")), WEB)},
    {"a certificate where there is no mTLS", "certificate-not-renewed error blue: Dataplane web",
     WITH(web_has_expired, MESH(MTLS("")), WEB), WITH(web_has_expired, MESH(""), WEB)},
    {"sources that are not there", "policy-matches-nothing warning blue: TrafficPermission p",
     DOCS(MESH(""), WEB, CLASSIC("TrafficPermission", SVC("wbe"), ANY, "")),
     DOCS(MESH(""), WEB, CLASSIC("TrafficPermission", SVC("web"), ANY, ""))},
    {"destinations that are not there", "policy-matches-nothing warning blue: TrafficPermission p",
     DOCS(MESH(""), WEB, CLASSIC("TrafficPermission", ANY, SVC("web") ",'team':'b'", "")),
     DOCS(MESH(""), WEB, CLASSIC("TrafficPermission", ANY, SVC("web") ",'team':'a'", ""))},
    {"an external destination", "policy-matches-nothing warning blue: Timeout p",
     DOCS(MESH(""), WEB, CLASSIC("Timeout", ANY, SVC("db"), TIMEOUT)),
     DOCS(MESH(""), WEB, CLASSIC("Timeout", ANY, SVC("db"), TIMEOUT),
          "{'type':'ExternalService','mesh':'blue','name':'db','tags':{'kuma.io/service':'db'},"
          "'networking':{'address':'db:80'}}")},
    {"what another zone offers", "policy-matches-nothing warning blue: Timeout p",
     DOCS(MESH(""), WEB, CLASSIC("Timeout", ANY, SVC("far"), TIMEOUT), INGRESS("red")),
     DOCS(MESH(""), WEB, CLASSIC("Timeout", ANY, SVC("far"), TIMEOUT), INGRESS("blue"))},
    {"a mesh with nobody in it", "policy-matches-nothing warning blue: Timeout p",
     DOCS(MESH(""), WEB, CLASSIC("Timeout", SVC("x"), ANY, TIMEOUT)),
     DOCS(MESH(""), CLASSIC("Timeout", SVC("x"), ANY, TIMEOUT))},
    {"selectors", "policy-matches-nothing warning blue: TrafficTrace p",
     DOCS(MESH(""), WEB, TRACE("'team':'b'")), DOCS(MESH(""), WEB, TRACE("'team':'*'"))},
    {"a service that a targetRef names", "policy-matches-nothing warning blue: MeshTimeout p",
     DOCS(MESH(""), WEB, TARGETED("'kind':'MeshService','name':'wbe'")),
     DOCS(MESH(""), WEB, TARGETED("'kind':'MeshService','name':'web'"))},
    {"a subset that a targetRef names", "policy-matches-nothing warning blue: MeshTimeout p",
     DOCS(MESH(""), WEB, TARGETED("'kind':'MeshSubset','tags':{'team':'b'}")),
     DOCS(MESH(""), WEB, TARGETED("'kind':'MeshSubset','tags':{'team':'a'}"))},
};

static struct str findings_of(struct world *w, const struct given *given)
{
    const struct doctor_reader all = {.control_plane = true, .user = &user_admin};
    struct findings found;

    world_init(w);
    for (size_t i = 0; i < DOCS_MAX && given->docs[i]; i++)
        world_add(w, given->docs[i]);
    if (given->config)
        w->config = world_json(w, given->config);
    if (given->prepare)
        given->prepare(w);
    w->now_ns = MADE_NS + given->days * DAY_NS;
    return world_findings(w, &all, &found);
}

static bool has_line(struct str text, const char *line)
{
    struct str one;

    while (text.n > 0 && str_next(&text, '\n', &one))
        if (str_eq(one, str_from_c(line)))
            return true;
    return false;
}

TEST(findings_are_of_those_who_have_the_fault)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world sick, well;
        struct str found = findings_of(&sick, &rows[i].sick);

        if (!has_line(found, rows[i].want))
            FAIL("%s: not found: %s\nin: " STR_FMT, rows[i].name, rows[i].want, STR_ARG(found));
        found = findings_of(&well, &rows[i].well);
        if (has_line(found, rows[i].want))
            FAIL("%s: found where the fault is not: " STR_FMT, rows[i].name, STR_ARG(found));
        world_fini(&sick);
        world_fini(&well);
    }
}
