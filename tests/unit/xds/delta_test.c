/* delta_test.c -- conversations in the incremental variant (script.h). The client's words:
 * - ask eds a,b: a first request for these names, with the versions that the client has
 * - say eds +c,-a: subscribes to c, unsubscribes from a, and answers nothing
 * - ack cds [+c,-a]: accepts the last response; nack lds: refuses it; oldack, oldnack: the one before the
 * last
 * - stale eds [+c]: with a nonce that was never sent */
#include "script.h"

struct versions {
    uint64_t v['z' + 1]; /* of the resource of that name; 0: none */
};
struct client_type {
    struct versions has, heard;
    uint64_t nonce;
};

void client_hears(struct script *sc, const struct xds_response *r)
{
    struct client_type *c = &sc->types[r->type];
    for (size_t i = 0; i < r->n; i++)
        c->heard.v[(unsigned char)r->v[i]->name.p[0]] = r->v[i]->version;
    for (size_t i = 0; i < r->removed.n; i++)
        c->heard.v[(unsigned char)r->removed.v[i][0]] = 0;
    c->nonce = r->nonce;
}

void client_reconnects(struct script *sc, bool with_nothing)
{
    for (enum xds_type t = 0; t < XDS_N; t++) {
        sc->types[t].nonce = 0;
        if (with_nothing)
            sc->types[t] = (struct client_type){0};
    }
}

/* What the client says to have: of the names that it asks for, or of all. */
static size_t versions_given(const struct client_type *c, const struct discovery_request *r,
                             struct discovery_version *out, char (*texts)[VERSION_TEXT_SIZE])
{
    static char letters['z' + 1];
    size_t n = 0;
    for (unsigned char name = 'z'; name >= 'a'; name--) { /* in no order that anything could rely on */
        bool wanted = r->n_names == 0;
        letters[name] = (char)name;
        for (size_t i = 0; i < r->n_names; i++)
            wanted |= r->names[i].p[0] == (char)name || r->names[i].p[0] == '*';
        if (!wanted || c->has.v[name] == 0)
            continue;
        version_format(c->has.v[name], texts[n]);
        out[n] = (struct discovery_version){str_from(&letters[name], 1), str_from_c(texts[n])};
        n++;
    }
    return n;
}

void client_says(struct script *sc, struct str word, enum xds_type t, struct str args)
{
    struct client_type *c = &sc->types[t];
    struct str subscribe[16], unsubscribe[16], name;
    struct discovery_version versions[26];
    char texts[26][VERSION_TEXT_SIZE], nonce[24] = "";
    struct discovery_request r = {
        .type = t, .names = subscribe, .unsubscribed = unsubscribe, .versions = versions};
    bool refuses = str_has_suffix(word, STR("nack")), answers = refuses || str_has_suffix(word, STR("ack"));
    uint64_t answered = c->nonce - str_has_prefix(word, STR("old"));
    while (args.n > 0 && str_next(&args, ',', &name)) {
        if (str_has_prefix(name, STR("-")))
            unsubscribe[r.n_unsubscribed++] = str_slice(name, 1, name.n);
        else
            subscribe[r.n_names++] = str_slice(name, str_has_prefix(name, STR("+")), name.n);
    }
    if (str_eq(word, STR("ask")))
        r.n_versions = versions_given(c, &r, versions, texts);
    else if (str_eq(word, STR("stale")))
        answered = 99;
    else if (!answers)
        answered = 0;
    if (answers && refuses)
        c->heard = c->has;
    else if (answers)
        c->has = c->heard;
    if (answered && !str_eq(word, STR("ask")))
        snprintf(nonce, sizeof(nonce), "%llu", (unsigned long long)answered);
    r.response_nonce = str_from_c(nonce);
    r.has_error = refuses;
    r.error_message = refuses ? STR("no good") : STR_NONE;
    (void)session_request(&sc->session, &r);
}

static void talk(const char *name, const char *script)
{
    struct client_type types[XDS_N] = {0};
    run_script(XDS_DELTA, types, name, script);
}

#define ASK_AGAIN "ask cds;ask eds a,b;ask sds s;ask lds;ask rds r;ask ecds p;"

TEST(conversations)
{
    static const struct {
        const char *name, *script;
    } rows[] = {
        {"cold start as Envoy does it",
         "set c=a1,b1 e=a1,b1 s=s1 l=l1 r=r1;"
         "ask cds;= cds(a1,b1);"
         "ask eds a,b;ask sds s;= eds(a1,b1) sds(s1);ack eds;ack sds;ack cds;=;"
         "ask lds;= lds(l1);ask rds r;= rds(r1);ack lds;ack rds;="},
        {"asked before there is a configuration", "ask cds;=;ask eds a;=;set c=a1 e=a1;= cds(a1) eds(a1)"},
        {"an empty set is an answer", "set c=;ask cds;= cds();ack cds;="},
        {"an unchanged configuration is silent", STEADY "set c=a1,b1 e=a1,b1;="},
        {"only what changed is sent",
         STEADY "set e=a1,b2;= eds(b2);ack eds;=;set l=l1,m1 s=s2 x=p2;= sds(s2) lds(m1) ecds(p2)"},
        {"a listener goes", STEADY "set l=m1;= lds(m1,-l);ack lds;=;set l=;= lds(-m);ack lds;="},
        {"a change that was undone before it was sent", STEADY "set l=l2;set l=l1;="},
        {"a slow reader gets the newest only",
         STEADY "set e=a2,b1 l=l2;set e=a3,b1 l=l3;set e=a3,b1 l=l4,m1;set l=l4;= eds(a3) lds(l4)"},
        {"a NACK is not sent again, and holds up nothing",
         STEADY "set l=l2,m1 x=p2;= lds(l2,m1) ecds(p2);nack lds;=;set x=p3;= ecds(p3);=;"
                "set e=a2,b1;= eds(a2)"},
        {"a NACK of one resource leaves it until it changes",
         STEADY "set e=a2,b1;= eds(a2);nack eds;=;set e=a2,b2;= eds(b2);ack eds;set e=a3,b2;= eds(a3)"},
        {"after a NACK of several all go with the next change", STEADY
         "set e=a2,b2;= eds(a2,b2);nack eds;=;set e=a2,b3;= eds(a2,b3);ack eds;=;set e=a3,b3;= eds(a3)"},
        {"a NACK of an older response counts too",
         STEADY "set e=a2,b2;= eds(a2,b2);set e=a2,b3;= eds(b3);oldnack eds;ack eds;=;"
                "set e=a2,b4;= eds(a2,b4)"},
        {"a refused removal is told again with the next change",
         STEADY "set l=m1;= lds(m1,-l);nack lds;=;set l=m2;= lds(m2,-l);ack lds;set l=m3;= lds(m3);ack lds"},
        {"a refused removal alone",
         STEADY "set l=;= lds(-l);nack lds;=;set l=m1;= lds(m1,-l);ack lds;set l=l1,m1;= lds(l1);ack lds"},
        {"a refused removal that is undone",
         STEADY "set l=;= lds(-l);nack lds;=;set l=l1;= lds(l1);ack lds;="},
        {"what was refused and goes back is sent", STEADY "set l=l2;= lds(l2);nack lds;set l=l1;= lds(l1)"},
        {"a stale nonce answers nothing, and its names count",
         STEADY "stale eds;=;set e=a1,b1,c1;=;stale eds +c;= eds(c1);ack eds;="},
        {"a name asked for again is sent again",
         STEADY "say eds +a;= eds(a1);ack eds;=;say sds +s;= sds(s1)"},
        {"a name that was given up is not sent",
         STEADY "say eds -a;=;set e=a2,b2;= eds(b2);say eds +a;= eds(a2);ack eds;set e=a3,b2;= eds(a3)"},
        {"an unknown name is said to be missing at once, and sent when it is there",
         STEADY "say sds +t;= sds(-t);ack sds;=;set s=s1,t1;= sds(t1);ack sds;="},
        {"an unknown name alone", "set c=a1;ask sds t;= sds(-t);ack sds;=;set s=t1;= sds(t1)"},
        {"an unknown name that is given up", STEADY "say sds +t;= sds(-t);say sds -t;set s=s1,t1;="},
        {"repeated and unsorted names", "set e=a1,b1;ask eds b,a,b;= eds(a1,b1);ack eds;="},
        {"endpoints follow every clusters response",
         STEADY "set c=a2,b1;= cds(a2) eds(a1);ack eds;ack cds;=;set c=a2,b2 e=a1,b2;= cds(b2) eds(b2)"},
        {"endpoints do not wait for the clusters' ACK",
         STEADY "set c=a2,b1;= cds(a2) eds(a1);set e=a2,b1;= eds(a2);ack eds;ack cds;="},
        {"endpoints of a new cluster, when they are asked for",
         STEADY "set c=a1,b1,c1 e=a1,b1,c1;= cds(c1);say eds +c;= eds(c1);ack eds;ack cds;="},
        {"endpoints that are gone follow as missing", STEADY "set c=a2,b1 e=b1;= cds(a2) eds(-a)"},
        {"routes wait until new clusters are warm",
         STEADY "set c=a1,b1,c1 e=a1,b1,c1 l=l2 r=r2 x=p2;= cds(c1) ecds(p2);waits yes;"
                "say eds +c;= eds(c1);ack eds;=;ack cds;waits no;= lds(l2) rds(r2);ack rds;="},
        {"a refused cluster does not hold up routes for ever",
         STEADY "set c=a1,b1,c1 r=r2;= cds(c1);nack cds;= rds(r2)"},
        {"a client that does not answer is not waited for for ever",
         STEADY "set c=a1,b1,c1 l=l2;= cds(c1);waits yes;impatience;= lds(l2);waits no"},
        {"what is asked for does not wait", STEADY "set c=a1,b1,c1 r=r1,q1;= cds(c1);say rds +q;= rds(q1)"},
        {"a changed cluster does not hold up routes", STEADY "set c=a2,b1 r=r2;= cds(a2) eds(a1) rds(r2)"},
        {"listeners, then endpoints, then clusters go",
         STEADY "set c=a1 e=a1 l=l2;= lds(l2);=;ack lds;= eds(-b) cds(-b);ack eds;ack cds;say eds -b;="},
        {"a cluster goes after the routes to it",
         STEADY "set c=a1 e=a1 r=r2;= rds(r2);=;ack rds;= eds(-b) cds(-b)"},
        {"a cluster goes and nothing waits for it", STEADY "set c=a1 e=a1;= eds(-b) cds(-b)"},
        {"a client that gave the endpoints up first",
         STEADY "set c=a1 e=a1 l=l2;= lds(l2);say eds -b;ack lds;= cds(-b)"},
        {"a cluster comes and one goes",
         STEADY "set c=b1,c1 e=b1,c1 l=l2;= cds(c1);say eds +c;= eds(c1);ack eds;=;"
                "ack cds;= lds(l2);=;ack lds;= eds(-a) cds(-a)"},
        {"a refused listener keeps its clusters",
         STEADY "set c=a1 e=a1 l=l2;= lds(l2);nack lds;=;set l=l3;= lds(l3);ack lds;= eds(-b) cds(-b)"},
        {"a cluster comes back before it went",
         STEADY "set c=a1 e=a1 l=l2;= lds(l2);set c=a1,b1 e=a1,b1;=;ack lds;="},
        {"a cluster comes back changed before it went",
         STEADY "set c=a1 e=a1 l=l2;= lds(l2);set c=a1,b2 e=a1,b1;= cds(b2) eds(b1);ack lds;="},
        {"a held cluster outlives others that come",
         STEADY "set c=a1 e=a1 l=l2;= lds(l2);nack lds;set c=a1,c1;= cds(c1);ack cds;=;"
                "set l=l3;= lds(l3);ack lds;= eds(-b) cds(-b)"},
        {"removed and added again",
         STEADY "set c=a1 e=a1;= eds(-b) cds(-b);ack eds;ack cds;say eds -b;=;set c=a1,b1 e=a1,b1;= cds(b1);"
                "say eds +b;= eds(b1)"},
        {"removed and added again, and the client has not given up the name yet",
         STEADY "set c=a1 e=a1;= eds(-b) cds(-b);set c=a1,b1 e=a1,b1;= cds(b1) eds(b1);say eds -b;"
                "say eds +b;= eds(b1)"},
        {"secrets, routes and filters are the client's to give up",
         STEADY "set s= l=l2 r= x=;= lds(l2);ack lds;=;say sds -s;say rds -r;=;set s=s2 r=r2;="},
        {"one that comes back is there again",
         STEADY "set r= l=l2;= lds(l2);ack lds;=;set r=r1;=;set r=;=;set r=r2;= rds(r2)"},
        {"reconnect: silence to all that is equal", STEADY "reconnect;" ASK_AGAIN "=;set e=a2,b1;= eds(a2)"},
        {"reconnect before there is a configuration",
         STEADY "reconnect late;" ASK_AGAIN "=;set;=;set e=a2,b1;= eds(a2)"},
        {"reconnect: what changed",
         STEADY "reconnect late;" ASK_AGAIN "set e=a2,b1 s=s2;= eds(a2) sds(s2);ack eds;ack sds;="},
        {"reconnect: what is gone", STEADY
         "reconnect late;" ASK_AGAIN "set c=a1 e=a1 l=m1;= lds(m1,-l);ack lds;= eds(-b) cds(-b);ack cds;="},
        {"reconnect: what is gone stays until it has told its listeners and routes",
         STEADY "reconnect;set c=a1 e=a1 l=l2 r=r2;ask cds;=;waits yes;ask eds a,b;ask sds s;=;ask lds;= "
                "lds(l2);ack lds;"
                "=;ask rds r;= rds(r2);waits no;ack rds;= eds(-b) cds(-b)"},
        {"reconnect: it does not stay for ever",
         STEADY "reconnect;set c=a1;ask cds;=;waits yes;impatience;= cds(-b)"},
        {"reconnect: what is new does not wait for that",
         STEADY "reconnect;set c=a1,n1 e=a1,n1;ask cds;= cds(n1);ask eds a,b,n;= eds(n1)"},
        {"reconnect: what was refused is tried again",
         STEADY "set l=l2;= lds(l2);nack lds;reconnect;ask lds;= lds(l2)"},
        {"reconnect: changed clusters bring their endpoints",
         STEADY "reconnect;set c=a2,b1;ask cds;= cds(a2);ask eds a,b;= eds(a1);ack eds;ack cds;="},
        {"reconnect: clusters changed, endpoints asked first",
         STEADY "reconnect;set c=a2,b1;ask eds a,b;=;ask cds;= cds(a2) eds(a1)"},
        {"reconnect: a name that it lacks",
         STEADY "reconnect;set e=a1,b1,c1;ask eds a,b;=;say eds +c;= eds(c1)"},
        {"restart of the client", STEADY "restart;ask cds;= cds(a1,b1);ask eds a,b;= eds(a1,b1)"},
        {"clusters by name", "set c=a1,b1;ask cds b;= cds(b1);ack cds;set c=a2,b1;=;set c=a2,b2;= cds(b2);"
                             "ack cds;say cds +a;= cds(a2);ack cds;say cds -a,-b;set c=a3,b3;="},
        {"the star is a wildcard, and can be taken back",
         "set c=a1,b1 s=s1,t1;ask cds *;= cds(a1,b1);ask sds *;= sds(s1,t1);ack sds;set s=s1;= sds(-t);"
         "say sds -*;set s=s2;=;say sds +*;= sds(s2)"},
        {"the star and a name", "set s=s1;ask sds *,t;= sds(s1,-t);ack sds;set s=s1,t1;= sds(t1);"
                                "say sds -*;set s=s2,t2;= sds(t2)"},
        {"a name given up under a wildcard is said again",
         "set s=s1;ask sds *,s,t;= sds(s1,-t);ack sds;say sds -s,-t;= sds(s1,-t);ack sds;="},
        {"reconnect with a wildcard and nothing else",
         "set s=s1;ask sds *;= sds(s1);ack sds;reconnect;ask sds *;=;set s=;= sds(-s)"},
        {"it serves when it has listeners and secrets",
         "serves no;set c=a1 e=a1 s=s1 l=l1 r=r1;serves no;ask cds;ask lds;= cds(a1) lds(l1);serves no;"
         "ack lds;serves no;ask sds s;serves no;= sds(s1);serves no;ack sds;serves yes;"
         "set l=l2;serves no;= lds(l2);nack lds;serves no;set l=l3;= lds(l3);ack lds;serves yes;"
         "set e=a2;serves yes"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        talk(rows[i].name, rows[i].script);
}

TEST(what_a_client_lacks)
{
    static const struct {
        const char *name, *script;
    } rows[] = {
        {"a cold start",
         "at 3;set c=a1 e=a1 s=s1 l=l1 r=r1;lacks 3 cds request;ask cds;lacks 3 cds sending;= cds(a1);"
         "lacks 3 cds answer;ask eds a;lacks 3 cds answer;= eds(a1);ack eds;ask sds s;= sds(s1);ack sds;"
         "ack cds;lacks 3 lds request;ask lds;= lds(l1);ack lds;lacks 3 rds request;ask rds r;= rds(r1);"
         "lacks 3 rds answer;ack rds;lacks 3 nothing;lacks 4 nothing"},
        {"a change",
         STEADY "at 9;set l=l2;lacks 9 lds sending;= lds(l2);lacks 9 lds answer;ack lds;lacks 9 nothing"},
        {"a refusal stands out", STEADY
         "set e=a2,b1 l=l2 r=r2;= eds(a2) lds(l2) rds(r2);nack lds;lacks 1 lds consent;ack rds;ack eds;"
         "lacks 1 lds consent;set l=l3;lacks 1 lds sending;= lds(l3);ack lds;lacks 1 nothing"},
        {"routes of a new listener are asked for first",
         STEADY "set l=l1,m1 r=q1,r1;= lds(m1);ack lds;lacks 1 rds request;say rds +q;= rds(q1);ack rds;"
                "lacks 1 nothing"},
        {"a cluster that goes", STEADY "set c=a1 e=a1 r=r2;= rds(r2);ack rds;lacks 1 cds sending;"
                                       "= eds(-b) cds(-b);ack cds;ack eds;lacks 1 nothing"},
        {"a reconnect with everything", STEADY "reconnect;lacks 1 cds request;" ASK_AGAIN "lacks 1 nothing"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        talk(rows[i].name, rows[i].script);
}
