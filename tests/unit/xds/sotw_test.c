/* sotw_test.c -- conversations in the state-of-the-world variant (script.h). The client's words:
 * - ask eds a,b: a first request, or one that answers nothing; with the version that the client has
 * - say eds a,b: the client's next request: the last nonce, the version it has accepted, these names
 * - ack cds [names]: accepts the last response, with these names or those of before
 * - nack lds: refuses it
 * - old eds a,b: a request that still carries the nonce before the last */
#include "script.h"

struct client_type {
    uint64_t received, accepted, nonce;
    char names[128];
};

static void request(struct script *sc, enum xds_type type, const char *names, uint64_t version,
                    uint64_t nonce, bool refuse)
{
    struct str list[16], rest = str_from_c(names);
    char version_text[VERSION_TEXT_SIZE] = "", nonce_text[24] = "";
    struct discovery_request r = {.type = type, .names = list, .has_error = refuse};
    if (version)
        version_format(version, version_text);
    if (nonce)
        snprintf(nonce_text, sizeof(nonce_text), "%llu", (unsigned long long)nonce);
    if (refuse)
        r.error_message = STR("no good");
    r.version_info = str_from_c(version_text);
    r.response_nonce = str_from_c(nonce_text);
    while (rest.n > 0 && str_next(&rest, ',', &list[r.n_names]))
        r.n_names++;
    (void)session_request(&sc->session, &r);
}

void client_hears(struct script *sc, const struct xds_response *r)
{
    sc->types[r->type].received = r->version;
    sc->types[r->type].nonce = r->nonce;
}

void client_reconnects(struct script *sc, bool with_nothing)
{
    for (enum xds_type t = 0; t < XDS_N; t++) {
        sc->types[t].nonce = 0;
        if (with_nothing)
            sc->types[t] = (struct client_type){0};
    }
}

void client_says(struct script *sc, struct str word, enum xds_type t, struct str rest)
{
    struct str names;
    struct client_type *c = &sc->types[t];
    bool given = str_next(&rest, ' ', &names), old = str_has_prefix(word, STR("old"));
    bool accepts = str_eq(word, STR("ack")), refuses = str_has_suffix(word, STR("nack"));
    if (given)
        snprintf(c->names, sizeof(c->names), STR_FMT, STR_ARG(names));
    else if (!accepts && !refuses)
        c->names[0] = '\0';
    if (accepts)
        c->accepted = c->received;
    if (str_eq(word, STR("ask")))
        c->nonce = 0;
    request(sc, t, c->names, c->accepted, old ? c->nonce - 1 : c->nonce, refuses);
}

static void talk(const char *name, const char *script)
{
    struct client_type types[XDS_N] = {0};
    run_script(XDS_SOTW, types, name, script);
}

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
        {"an ACK is not answered", STEADY "say cds;=;say lds;="},
        {"only what changed is sent",
         STEADY "set e=a1,b2;= eds(b2);ack eds;=;set s=s2 x=p2;= sds(s2) ecds(p2)"},
        {"a listeners change is the whole set", STEADY "set l=l1,m1;= lds(l1,m1)"},
        {"an unchanged configuration is silent", STEADY "set c=a1,b1 e=a1,b1;="},
        {"a NACK is not sent again",
         STEADY "set l=l2;= lds(l2);nack lds;=;set e=a2,b1;= eds(a2);=;set l=l3;= lds(l3);ack lds;="},
        {"a NACK does not hold up other types",
         STEADY "set l=l2 x=p2;= lds(l2) ecds(p2);nack lds;set x=p3;= ecds(p3)"},
        {"a NACK of one resource leaves it until it changes",
         STEADY "set e=a2,b1;= eds(a2);nack eds;=;set e=a2,b2;= eds(b2)"},
        {"after a NACK of several all go with the next change", STEADY
         "set e=a2,b2;= eds(a2,b2);nack eds;=;set e=a2,b3;= eds(a2,b3);ack eds;=;set e=a3,b3;= eds(a3)"},
        {"a NACK of an older response counts too",
         STEADY "set e=a2,b2;= eds(a2,b2);set e=a2,b3;= eds(b3);oldnack eds;ack eds;=;"
                "set e=a2,b4;= eds(a2,b4)"},
        {"a stale nonce is ignored", STEADY "set e=a2,b1;= eds(a2);old eds a,b,c;=;ack eds a,b;="},
        {"names grow: only the new ones",
         STEADY "set c=a1,b1,c1 e=a1,b1,c1;= cds(a1,b1,c1);say eds a,b,c;= eds(c1);ack eds;ack cds;="},
        {"names grow again with an ACK", STEADY "set e=a2,b1,c1;= eds(a2);ack eds a,b,c;= eds(c1);ack eds;="},
        {"names shrink: nothing to send but the version",
         STEADY "say eds a;= eds();ack eds;=;set e=a1,b2;=;say eds a,b;= eds(b2)"},
        {"repeated and unsorted names", "set e=a1,b1;ask eds b,a,b;= eds(a1,b1);ack eds;="},
        {"an unknown name is answered, then sent when it is there",
         STEADY "say sds s,t;= sds();ack sds;=;set s=s1,t1;= sds(t1)"},
        {"an unknown name alone", "set c=a1;ask sds t;= sds();ack sds;=;set s=t1;= sds(t1)"},
        {"a resource that goes and comes back equal",
         STEADY "set e=a1;= eds();ack eds;=;set e=a1,b1;= eds(b1);ack eds;="},
        {"the same question twice is answered",
         STEADY "say eds a,b;= eds(a1,b1);ack eds;=;say sds s;= sds(s1)"},
        {"endpoints follow a changed cluster",
         STEADY "set c=a2,b1;= cds(a2,b1) eds(a1,b1);old eds a,b;=;ack eds;ack cds;="},
        {"endpoints do not wait for the clusters' ACK",
         STEADY "set c=a2,b1;= cds(a2,b1) eds(a1,b1);set e=a2,b1;= eds(a2);ack eds;ack cds;="},
        {"routes wait until new clusters are warm",
         STEADY "set c=a1,b1,c1 e=a1,b1,c1 r=r2 x=p2;= cds(a1,b1,c1) ecds(p2);"
                "say eds a,b,c;= eds(c1);ack eds;=;ack cds;= rds(r2);ack rds;="},
        {"a refused cluster does not hold up routes for ever",
         STEADY "set c=a1,b1,c1 r=r2;= cds(a1,b1,c1);nack cds;= rds(r2)"},
        {"a client that does not answer is not waited for for ever",
         STEADY "waits no;set c=a1,b1,c1 l=l2 r=r2;= cds(a1,b1,c1);waits yes;set l=l3;=;waits yes;"
                "impatience;= lds(l3) rds(r2);waits no;set c=a1,b1,c1,d1 r=r3;= cds(a1,b1,c1,d1);waits yes;"
                "ack cds;waits no;= rds(r3)"},
        {"a wait that has lost its object",
         STEADY "set c=a1,b1,c1 r=r2;= cds(a1,b1,c1);waits yes;set r=r1;=;waits no"},
        {"what is asked for does not wait",
         STEADY "set c=a1,b1,c1 r=r1,q1;= cds(a1,b1,c1);say rds r,q;= rds(q1)"},
        {"a changed cluster does not hold up routes",
         STEADY "set c=a2,b1 r=r2;= cds(a2,b1) eds(a1,b1) rds(r2)"},
        {"a cluster goes after the routes to it",
         STEADY "set c=a1 e=a1 r=r2;= eds() rds(r2);ack eds;=;ack rds;= cds(a1);ack cds;=;say eds a;="},
        {"a cluster comes and one goes",
         STEADY "set c=b1,c1 e=b1,c1 l=l2;= cds(a1,b1,c1) eds();say eds a,b,c;= eds(c1);ack eds;=;"
                "ack cds;= lds(l2);=;ack lds;= cds(b1,c1);ack cds;="},
        {"a cluster goes and nothing waits for it", STEADY "set c=a1 e=a1;= cds(a1) eds()"},
        {"a refused listener keeps its clusters",
         STEADY "set c=a1 e=a1 l=l2;= eds() lds(l2);nack lds;=;set l=l3;= lds(l3);ack lds;= cds(a1)"},
        {"a cluster comes back before it went", STEADY "set c=a1 l=l2;= lds(l2);set c=a1,b1;=;ack lds;="},
        {"a cluster comes back changed before it went",
         STEADY "set c=a1 l=l2;= lds(l2);set c=a1,b2;= cds(a1,b2) eds(a1,b1);ack lds;="},
        {"removed and added again after it went",
         STEADY "set c=a1 e=a1;= cds(a1) eds();ack cds;say eds a;=;set c=a1,b1 e=a1,b1;= cds(a1,b1);say eds "
                "a,b;= eds(b1)"},
        {"reconnect: silence to all that is equal", STEADY
         "reconnect;ask cds;ask eds a,b;ask sds s;ask lds;ask rds r;ask ecds p;=;set e=a2,b1;= eds(a2)"},
        {"reconnect after partial responses",
         STEADY "set e=a2,b1;= eds(a2);ack eds;set e=a2,b2;= eds(b2);ack eds;reconnect;ask eds a,b;="},
        {"reconnect after names went",
         STEADY "set c=a1 e=a1;= cds(a1) eds();ack cds;ack eds;say eds a;=;reconnect;ask cds;ask eds a;="},
        {"reconnect: changed secrets only",
         STEADY "reconnect;set s=s2;ask cds;ask eds a,b;ask sds s;ask lds;= sds(s2)"},
        {"reconnect: another version means everything",
         STEADY "reconnect;set e=a2,b1;ask eds a,b;= eds(a2,b1)"},
        {"reconnect: changed clusters bring the endpoints",
         STEADY "reconnect;set c=a2,b1;ask cds;= cds(a2,b1);ask eds a,b;= eds(a1,b1)"},
        {"reconnect: clusters changed, endpoints asked first",
         STEADY "reconnect;set c=a2,b1;ask eds a,b;=;ask cds;= cds(a2,b1) eds(a1,b1)"},
        {"reconnect: asking twice means waiting", STEADY "reconnect;ask eds a,b;=;ask eds a,b;= eds(a1,b1)"},
        {"reconnect: the clusters it has are known again",
         STEADY "reconnect;ask cds;ask lds;=;set c=a1 l=l2;= lds(l2);ack lds;= cds(a1)"},
        {"restart of the client", STEADY "restart;ask cds;= cds(a1,b1);ask eds a,b;= eds(a1,b1)"},
        {"a slow reader gets the newest only",
         STEADY "set e=a2,b1 l=l2;set e=a3,b1 l=l3;set e=a3,b1 l=l4;= eds(a3) lds(l4);ack eds;ack lds;="},
        {"a change that was undone before it was sent", STEADY "set l=l2;set l=l1;="},
        {"it serves when it has listeners and secrets",
         "serves no;set c=a1 e=a1 s=s1 l=l1 r=r1;serves no;ask cds;ask lds;= cds(a1) lds(l1);serves no;"
         "ack lds;serves no;ask sds s;serves no;= sds(s1);serves no;ack sds;serves yes;"
         "set l=l2;serves no;= lds(l2);nack lds;serves no;set l=l3;= lds(l3);ack lds;serves yes;set "
         "e=a2;serves yes"},
        {"without secrets it serves with its listeners", "set l=l1;ask lds;= lds(l1);ack lds;serves yes"},
        {"clusters by name", "set c=a1,b1;ask cds b;= cds(b1);ack cds;set c=a2,b1;=;set c=a2,b2;= "
                             "cds(b2);ack cds;say cds a,b;= cds(a2,b2)"},
        {"from names to nothing is not a wildcard",
         "set c=a1,b1;ask cds b;= cds(b1);ack cds;say cds;= cds();ack cds;="},
        {"the star is a wildcard",
         "set c=a1,b1 s=s1,t1;ask cds *;= cds(a1,b1);ask sds *;= sds(s1,t1);ack sds;="},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        talk(rows[i].name, rows[i].script);
}

TEST(what_a_client_lacks)
{
    static const struct {
        const char *name, *script;
    } rows[] = {
        {"nothing is there", "lacks 1 config;ask cds;lacks 1 config"},
        {"a cold start",
         "at 3;set c=a1 e=a1 s=s1 l=l1 r=r1;lacks 3 cds request;ask cds;lacks 3 cds sending;= cds(a1);"
         "lacks 3 cds answer;ask eds a;lacks 3 cds answer;= eds(a1);ack eds;ask sds s;= sds(s1);ack sds;ack "
         "cds;"
         "lacks 3 lds request;ask lds;= lds(l1);ack lds;lacks 3 rds request;ask rds r;= rds(r1);lacks 3 rds "
         "answer;"
         "ack rds;lacks 3 nothing;lacks 4 nothing"},
        {"an unchanged configuration is there at once",
         STEADY "at 9;lacks 9 nothing;set c=a1,b1;lacks 9 nothing"},
        {"a change",
         STEADY "at 9;set l=l2;lacks 9 lds sending;= lds(l2);lacks 9 lds answer;ack lds;lacks 9 nothing"},
        {"a refusal stands out", STEADY
         "set e=a2,b1 l=l2 r=r2;= eds(a2) lds(l2) rds(r2);nack lds;lacks 1 lds consent;ack rds;ack eds;"
         "lacks 1 lds consent;set l=l3;lacks 1 lds sending;= lds(l3);ack lds;lacks 1 nothing"},
        {"a refusal of what came later does not take back what was accepted",
         STEADY "at 5;set l=l2;= lds(l2);ack lds;at 6;set l=l3;= lds(l3);nack lds;lacks 5 nothing;lacks 6 "
                "lds consent"},
        {"routes of a new listener are asked for first",
         STEADY "set l=l1,m1 r=q1,r1;= lds(l1,m1);ack lds;lacks 1 rds request;say rds q,r;= rds(q1);ack "
                "rds;lacks 1 nothing"},
        {"held back until new clusters are warm",
         STEADY "set c=a1,b1,c1 r=r2;= cds(a1,b1,c1);lacks 1 cds answer;ack cds;lacks 1 rds sending;= "
                "rds(r2);ack rds;"
                "lacks 1 nothing"},
        {"a cluster that goes",
         STEADY "set c=a1 r=r2;= rds(r2);ack rds;lacks 1 cds sending;= cds(a1);ack cds;lacks 1 nothing"},
        {"one that is never quiet comes on",
         STEADY "at 5;set l=l2;= lds(l2);at 6;set l=l3;= lds(l3);at 7;set l=l4;= lds(l4);lacks 5 lds answer;"
                "oldack lds;lacks 5 nothing;lacks 6 lds answer;at 8;set l=l5;= lds(l5);lacks 7 lds answer;"
                "oldack lds;lacks 7 nothing;lacks 8 lds answer;ack lds;lacks 8 nothing"},
        {"a reconnect with everything", STEADY
         "reconnect;lacks 1 cds request;ask cds;ask eds a,b;ask sds s;ask lds;ask rds r;lacks 1 ecds request;"
         "ask ecds p;lacks 1 nothing"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        talk(rows[i].name, rows[i].script);
}
