/* From selected policies to rules (resources.md 6.6, R1 to R9, and 6.7): the examples that the reference
 * computed, and more. */
#include "docs.h"

#define DP                                                                                                   \
    "{'type': 'Dataplane', 'name': 'dp', 'networking': {'address': '10.0.0.1', 'inbound': ["                 \
    "{'port': 80, 'tags': {'kuma.io/service': 'web'}}]}}"
#define MESH "'targetRef': {'kind': 'Mesh'}"
#define POLICY_OF(type, name, rest) "{'type': '" type "', 'name': '" name "', 'spec': {" MESH ", " rest "}}"
#define SUBSET(tags) "'targetRef': {'kind': 'MeshSubset', 'tags': {" tags "}}"
#define SERVICE(name) "'targetRef': {'kind': 'MeshService', 'name': '" name "'}"
#define FROM(name, ref, action)                                                                              \
    POLICY_OF("MeshTrafficPermission", name, "'from': [{" ref ", 'default': {'action': '" action "'}}]")
#define TO(name, ref, conf) POLICY_OF("MeshTimeout", name, "'to': [{" ref ", 'default': {" conf "}}]")
#define HTTP(name, rules)                                                                                    \
    POLICY_OF("MeshHTTPRoute", name, "'to': [{" SERVICE("api") ", 'rules': [" rules "]}]")
#define PATH(value) "'matches': [{'path': {'type': 'Exact', 'value': '" value "'}}]"
#define REFS(name) "'backendRefs': [{'kind': 'MeshService', 'name': '" name "'}]"
#define TCP(name, more) POLICY_OF("MeshTCPRoute", name, "'to': [{" SERVICE("api") more "}]")
#define PATCH(name, change)                                                                                  \
    POLICY_OF("MeshProxyPatch", name,                                                                        \
              "'default': {'appendModifications': [{'cluster': {'operation': '" change "'}}]}")

enum list { LIST_TO, LIST_FROM, LIST_SINGLE };

/* "[k=v k!=v] conf [origins]; ..." */
static void print(struct arena *a, const struct rules *rules, struct buf *b)
{
    for (size_t i = 0; i < rules->n; i++) {
        const struct rule *r = &rules->v[i];
        buf_add_byte(b, '[');
        for (size_t k = 0; k < r->n_tags; k++) {
            struct str key = r->tags[k].key;
            if (str_eq(key, TAG_SERVICE))
                key = STR("s");
            buf_printf(b, "%s" STR_FMT "%s" STR_FMT, k ? " " : "", STR_ARG(key),
                       r->tags[k].negated ? "!=" : "=", STR_ARG(r->tags[k].value));
        }
        struct str conf = json_format_canonical(a, r->conf);
        buf_printf(b, "] " STR_FMT " [", STR_ARG(conf));
        for (size_t k = 0; k < r->n_origins; k++)
            buf_printf(b, "%s" STR_FMT, k ? " " : "", STR_ARG(r->origins[k]->key.name));
        buf_add_str(b, STR("]; "));
    }
}

static enum err_kind rules_of(struct docs *d, enum list list, enum res_type type, struct rules *rules,
                              struct err *e)
{
    struct places places = docs_places(d);
    struct selection s =
        target_select(&d->arena, docs_list(d, type), docs_list(d, RES_MESH_HTTP_ROUTE), &places);
    return list == LIST_TO     ? rules_to(&d->arena, s, rules, e)
           : list == LIST_FROM ? rules_from(&d->arena, s, 0, rules, e)
                               : rules_single(&d->arena, s, rules, e);
}

static const struct {
    const char *name;
    enum list list;
    enum res_type type;
    const char *docs[DOCS_MAX], *want; /* single quotes */
} rows[] = {
    {"the reference's first example: two keys",
     LIST_FROM,
     RES_MESH_TRAFFIC_PERMISSION,
     {DP, FROM("a", MESH, "Deny"), FROM("b", SUBSET("'team': 'a'"), "Allow"),
      FROM("c", SUBSET("'env': 'dev'"), "Deny")},
     "[env=dev team=a] {'action':'Deny'} [a b c]; [env!=dev team=a] {'action':'Allow'} [a b]; "
     "[env=dev team!=a] {'action':'Deny'} [a c]; [env!=dev team!=a] {'action':'Deny'} [a]; "},
    {"the second: two services",
     LIST_TO,
     RES_MESH_TIMEOUT,
     {DP, TO("p1", MESH, "'connectionTimeout': '10s', 'http': {'requestTimeout': '5s'}"),
      TO("p2", SERVICE("backend"), "'http': {'streamIdleTimeout': '1h'}"),
      TO("p3", SERVICE("db"), "'idleTimeout': '1s'")},
     "[s=db] {'connectionTimeout':'10s','http':{'requestTimeout':'5s'},'idleTimeout':'1s'} [p1 p3]; "
     "[s=backend] {'connectionTimeout':'10s','http':{'requestTimeout':'5s','streamIdleTimeout':'1h0m0s'}} "
     "[p1 p2]; "
     "[s!=backend s!=db] {'connectionTimeout':'10s','http':{'requestTimeout':'5s'}} [p1]; "},
    {"the third: two values of one key and another key",
     LIST_FROM,
     RES_MESH_TRAFFIC_PERMISSION,
     {DP, FROM("p1", SUBSET("'v': '1'"), "Allow"), FROM("p2", SUBSET("'v': '2'"), "Deny"),
      FROM("p3", SUBSET("'z': 'e'"), "Allow")},
     "[v=2 z=e] {'action':'Allow'} [p2 p3]; [v=1 z=e] {'action':'Allow'} [p1 p3]; "
     "[v!=1 v!=2 z=e] {'action':'Allow'} [p3]; [v=2 z!=e] {'action':'Deny'} [p2]; [v=1 z!=e] "
     "{'action':'Allow'} [p1]; "},
    {"the fourth: nobody is of both",
     LIST_FROM,
     RES_MESH_TRAFFIC_PERMISSION,
     {DP, FROM("p1", SERVICE("a"), "Allow"), FROM("p2", SERVICE("b"), "Deny")},
     "[s=b] {'action':'Deny'} [p2]; [s=a] {'action':'Allow'} [p1]; "},
    {"a later policy has the say",
     LIST_FROM,
     RES_MESH_TRAFFIC_PERMISSION,
     {DP, FROM("a", MESH, "Deny"), FROM("b", MESH, "Allow")},
     "[] {'action':'Allow'} [a b]; "},
    {"several items of one policy are one origin",
     LIST_TO,
     RES_MESH_TIMEOUT,
     {DP, POLICY_OF("MeshTimeout", "a",
                    "'to': [{" MESH ", 'default': {'idleTimeout': '1s'}}, {" MESH
                    ", 'default': {'connectionTimeout': '2s'}}]")},
     "[] {'connectionTimeout':'2s','idleTimeout':'1s'} [a]; "},
    {"lists are replaced",
     LIST_TO,
     RES_MESH_RETRY,
     {DP,
      POLICY_OF("MeshRetry", "a",
                "'to': [{" MESH ", 'default': {'http': {'numRetries': 2, 'retryOn': ['5xx', 'Reset']}}}]"),
      POLICY_OF("MeshRetry", "b", "'to': [{" MESH ", 'default': {'http': {'retryOn': ['429']}}}]")},
     "[] {'http':{'numRetries':2,'retryOn':['429']}} [a b]; "},
    {"but those that append",
     LIST_SINGLE,
     RES_MESH_PROXY_PATCH,
     {DP, PATCH("a", "Remove"), PATCH("b", "Remove")},
     "[] {'appendModifications':[{'cluster':{'operation':'Remove'}},{'cluster':{'operation':'Remove'}}]} [a "
     "b]; "},
    {"one thing about the whole proxy: the most specific first",
     LIST_SINGLE,
     RES_MESH_TRACE,
     {DP, POLICY_OF("MeshTrace", "a", "'default': {'backends': [], 'sampling': {'overall': 1}}"),
      "{'type': 'MeshTrace', 'name': 'b', 'spec': {" SERVICE(
          "web") ", 'default': {'backends': [], 'sampling': {'client': 2}}}}"},
     "[s=web] {'backends':[],'sampling':{'client':2,'overall':1}} [a b]; [s!=web] "
     "{'backends':[],'sampling':{'overall':1}} [a]; "},
    {"rules of equal matches become one at the place of the first",
     LIST_TO,
     RES_MESH_HTTP_ROUTE,
     {DP, HTTP("a", "{" PATH("/a") ", 'default': {" REFS("x") "}}, {" PATH("/b") ", 'default': {}}"),
      HTTP("b", "{" PATH("/c") ", 'default': {}}, {" PATH("/a") ", 'default': {'filters': []}}")},
     "[s=api] {'rules':["
     "{'default':{'backendRefs':[{'kind':'MeshService','name':'x'}],'filters':[]},'matches':[{'path':{'type':"
     "'Exact','value':'/a'}}]},"
     "{'default':{},'matches':[{'path':{'type':'Exact','value':'/b'}}]},"
     "{'default':{},'matches':[{'path':{'type':'Exact','value':'/c'}}]}]} [a b]; "},
    {"a TCP route says what its one rule says",
     LIST_TO,
     RES_MESH_TCP_ROUTE,
     {DP, TCP("a", ", 'rules': [{'default': {" REFS("x") "}}]")},
     "[s=api] {'backendRefs':[{'kind':'MeshService','name':'x'}]} [a]; "},
    {"or, without one, leads to itself",
     LIST_TO,
     RES_MESH_TCP_ROUTE,
     {DP, TCP("a", ", 'rules': [{'default': {" REFS("x") "}}]"), TCP("b", "")},
     "[s=api] {'backendRefs':[{'kind':'MeshService','name':'api','weight':1}]} [a b]; "},
    {"no items of that kind", LIST_FROM, RES_MESH_TIMEOUT, {DP, TO("a", MESH, "'idleTimeout': '1s'")}, ""},
    {"nothing about the whole proxy",
     LIST_SINGLE,
     RES_MESH_TIMEOUT,
     {DP, TO("a", MESH, "'idleTimeout': '1s'")},
     ""},
};

TEST(items_are_merged_into_rules)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct docs d;
        struct rules rules;
        struct err e;
        struct buf got;
        docs_init(&d, rows[i].docs);
        err_init(&e, &d.arena);
        buf_init(&got, 65536);
        EXPECT_INT(rows[i].name, rules_of(&d, rows[i].list, rows[i].type, &rules, &e), ERR_NONE);
        print(&d.arena, &rules, &got);
        char *want = arena_cstr(&d.arena, str_from_c(rows[i].want));
        for (char *p = want; *p; p++)
            *p = *p == '\'' ? '"' : *p;
        EXPECT_STR(rows[i].name, buf_str(&got), want);
        rules_fini(&rules);
        buf_fini(&got);
        docs_fini(&d);
    }
}

/* A policy on a route concerns the calls that match one of the route's rules. */
TEST(a_policy_on_a_route_speaks_of_each_of_its_rules)
{
    static const char *const docs[DOCS_MAX] = {
        DP, HTTP("r", "{" PATH("/a") ", 'default': {}}, {" PATH("/b") ", 'default': {}}"),
        "{'type': 'MeshTimeout', 'name': 't', 'spec': {'targetRef': {'kind': 'MeshHTTPRoute', 'name': 'r'}, "
        "'to': [{" MESH ", 'default': {'http': {'requestTimeout': '3s'}}}]}}",
        TO("u", MESH, "'http': {'requestTimeout': '1s'}")};
    struct docs d;
    struct rules rules;
    struct err e;
    docs_init(&d, docs);
    err_init(&e, &d.arena);
    EXPECT_INT("rules", rules_of(&d, LIST_TO, RES_MESH_TIMEOUT, &rules, &e), ERR_NONE);
    json_t *matches = docs_json(&d, "[{'path': {'value': '/b', 'type': 'Exact'}}]");
    struct tag tags[] = {{TAG_RULE_MATCHES, rule_matches_hash(&d.arena, matches)}, {TAG_SERVICE, STR("api")}};
    const struct rule *of_b = rules_find(&rules, &(struct tags){tags, 2});
    EXPECT_TRUE("a rule for /b", of_b);
    struct str conf = json_format_canonical(&d.arena, of_b->conf);
    EXPECT_STR("of the route", conf, "{\"http\":{\"requestTimeout\":\"3s\"}}");
    tags[0].value = STR("other");
    const struct rule *of_rest = rules_find(&rules, &(struct tags){tags, 2});
    EXPECT_TRUE("a rule for the rest", of_rest);
    conf = json_format_canonical(&d.arena, of_rest->conf);
    EXPECT_STR("not of the route", conf, "{\"http\":{\"requestTimeout\":\"1s\"}}");
    json_decref(matches);
    rules_fini(&rules);
    docs_fini(&d);
}

TEST(the_first_rule_that_concerns_somebody_is_theirs)
{
    static const char *const docs[DOCS_MAX] = {DP, FROM("a", MESH, "Deny"),
                                               FROM("b", SUBSET("'team': 'a'"), "Allow"),
                                               FROM("c", SUBSET("'env': 'dev'"), "Deny")};
    static const struct {
        const char *name;
        struct tag tags[2]; /* by key */
        size_t n;
        int want; /* number of the rule; -1: none */
    } who[] = {
        {"both", {{STR_INIT("env"), STR_INIT("dev")}, {STR_INIT("team"), STR_INIT("a")}}, 2, 0},
        {"one and another value",
         {{STR_INIT("env"), STR_INIT("x")}, {STR_INIT("team"), STR_INIT("a")}},
         2,
         1},
        {"other values", {{STR_INIT("env"), STR_INIT("x")}, {STR_INIT("team"), STR_INIT("x")}}, 2, 3},
        /* A key that must have another value must be there. */
        {"without a key", {{STR_INIT("team"), STR_INIT("a")}}, 1, -1},
        {"without any", {{STR_NONE, STR_NONE}}, 0, -1},
    };
    struct docs d;
    struct rules rules;
    struct err e;
    docs_init(&d, docs);
    err_init(&e, &d.arena);
    EXPECT_INT("rules", rules_of(&d, LIST_FROM, RES_MESH_TRAFFIC_PERMISSION, &rules, &e), ERR_NONE);
    for (size_t i = 0; i < ARRAY_LEN(who); i++) {
        struct tag tags[2] = {who[i].tags[0], who[i].tags[1]};
        const struct rule *got = rules_find(&rules, &(struct tags){tags, who[i].n});
        EXPECT_INT(who[i].name, got ? got - rules.v : -1, who[i].want);
    }
    rules_fini(&rules);
    docs_fini(&d);
}

/* Twenty clients of one kind are 21 rules, however the reference counts to 2^20; thirteen independent tags
 * are too many. */
TEST(combinations_are_bounded)
{
    for (int independent = 0; independent < 2; independent++) {
        struct docs d = {0};
        struct rules rules;
        struct err e;
        struct buf text;
        arena_init(&d.arena);
        err_init(&e, &d.arena);
        buf_init(&text, 65536);
        docs_add(&d, DP);
        buf_printf(&text, "{'type': 'MeshTrafficPermission', 'name': 'p', 'spec': {" MESH ", 'from': [{" MESH
                          ", 'default': {'action': 'Deny'}}");
        for (int i = 0; i < 20; i++)
            buf_printf(&text,
                       ", {'targetRef': {'kind': 'MeshSubset', 'tags': {'k%d': 'v%d'}}, 'default': "
                       "{'action': 'Allow'}}",
                       independent ? i : 0, i);
        buf_printf(&text, "]}}");
        docs_add(&d, arena_cstr(&d.arena, buf_str(&text)));
        enum err_kind kind = rules_of(&d, LIST_FROM, RES_MESH_TRAFFIC_PERMISSION, &rules, &e);
        EXPECT_INT("kind", kind, independent ? ERR_LIMIT : ERR_NONE);
        EXPECT_INT("rules", rules.n, independent ? 0 : 21);
        rules_fini(&rules);
        buf_fini(&text);
        docs_fini(&d);
    }
}
