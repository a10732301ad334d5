/* findings_test.c -- each finding appears in a world that has the fault, and not in one that has it not. */
#include "world.h"

#define DOCS_MAX 8

#define MESH(mtls) "{'type':'Mesh','name':'blue'" mtls "}"
#define MTLS(conf)                                                                                           \
    ",'mtls':{'enabledBackend':'ca','backends':[{'name':'ca','type':'builtin','conf':{" conf "}}]}"
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
    int days; /* since all was made */
};

#define DOCS(...)                                                                                            \
    {                                                                                                        \
        .docs = { __VA_ARGS__ }                                                                              \
    }
#define AFTER(n_days, ...)                                                                                   \
    {                                                                                                        \
        .docs = {__VA_ARGS__}, .days = (n_days)                                                              \
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
