/* script.h -- conversations with an Envoy as scripts, for both variants of the protocol. A script is a list
 * of commands, separated by ';'; the words with which the client speaks are those of the variant's test.
 * Beside these:
 * - set c=a1,b1 e=a1: the newest configuration. c clusters, e endpoints, s secrets, l listeners, r routes,
 *   x extensions; the digit is the resource's content
 * - reconnect: a new stream; the client keeps what it accepted. reconnect late: its configuration comes later
 * - restart: the same, and the client has nothing
 * - at 7: the newest configuration is right for the states up to sequence 7
 * - lacks 7 lds answer: what keeps the client from having the state of sequence 7; "lacks 7 nothing"
 * - serves yes, serves no: whether the client has the newest listeners and secrets
 * - waits yes, waits no: whether something is held back until the client answers; impatience: no longer
 * - = cds(a1,b1) eds(a1,-b): what is sent now, all of it, in order, and what is said to be gone; "=" alone:
 *   nothing */
#ifndef URSA_TEST_XDS_SCRIPT_H
#define URSA_TEST_XDS_SCRIPT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../src/xds/session.h"
#include "../../lib/test.h"
#include "ursa/base/alloc.h"
#include "ursa/base/hash.h"

#define MAX_SETS 16

/* A client that has clusters a and b, their endpoints, secret s, listener l with route r, extension p. */
#define STEADY                                                                                               \
    "set c=a1,b1 e=a1,b1 s=s1 l=l1 r=r1 x=p1;"                                                               \
    "ask cds;ask eds a,b;ask sds s;ask lds;ask rds r;ask ecds p;"                                            \
    "= cds(a1,b1) eds(a1,b1) sds(s1) lds(l1) rds(r1) ecds(p1);"                                              \
    "ack cds;ack eds;ack sds;ack lds;ack rds;ack ecds;=;"

struct client_type; /* what the variant's client remembers of a type */
struct script {
    struct session session;
    enum xds_variant variant;
    struct client_type *types; /* [XDS_N] */
    struct config_set *sets[MAX_SETS];
    size_t n_sets;
};

/* Of the variant's test: the client says something, hears something, has a new stream. */
void client_says(struct script *, struct str word, enum xds_type, struct str args);
void client_hears(struct script *, const struct xds_response *);
void client_reconnects(struct script *, bool with_nothing);

static inline int by_name(const void *a, const void *b)
{
    return str_cmp((*(struct xds_resource *const *)a)->name, (*(struct xds_resource *const *)b)->name);
}

static inline struct xds_resource *resource_make(enum xds_type type, struct str text)
{
    struct xds_resource *r = xcalloc(1, sizeof(*r));
    r->any = blob_new(text.p, text.n);
    r->name = str_slice(blob_str(r->any), 0, text.n - 1);
    r->type = type;
    r->version = r->any->hash;
    atomic_init(&r->refs, 1);
    return r;
}

static inline struct xds_list *list_make(enum xds_type type, struct str texts)
{
    struct xds_list *l = xcalloc(1, sizeof(*l) + 32 * sizeof(l->v[0]));
    struct str text;
    while (texts.n > 0 && str_next(&texts, ',', &text))
        l->v[l->n++] = resource_make(type, text);
    atomic_init(&l->refs, 1);
    qsort(l->v, l->n, sizeof(l->v[0]), by_name);
    for (size_t i = 0; i < l->n; i++)
        l->version = hash_mix(l->version, l->v[i]->version);
    return l;
}

static inline enum xds_type type_of_letter(char c)
{
    static const char letters[] = "ceslrx";
    return (enum xds_type)(strchr(letters, c) - letters);
}

static inline enum xds_type type_of_word(struct str word)
{
    for (enum xds_type t = 0; t < XDS_N; t++) {
        if (str_eq(xds_type_info(t)->short_name, word))
            return t;
    }
    FAIL("no type " STR_FMT, STR_ARG(word));
    return XDS_N;
}

/* Made by hand and freed by hand: the script keeps a reference of its own all the time. Equal lists are one
 * object, as the compiler's are. */
static inline struct config_set *set_make(struct script *sc, struct str rest)
{
    struct config_set *set = xcalloc(1, sizeof(*set)),
                      *before = sc->n_sets > 0 ? sc->sets[sc->n_sets - 1] : NULL;
    struct str word;
    atomic_init(&set->refs, 1);
    while (rest.n > 0 && str_next(&rest, ' ', &word))
        set->lists[type_of_letter(word.p[0])] =
            list_make(type_of_letter(word.p[0]), str_slice(word, 2, word.n));
    for (enum xds_type t = 0; t < XDS_N; t++) {
        if (!set->lists[t] && before)
            set->lists[t] = before->lists[t];
        else if (!set->lists[t])
            set->lists[t] = list_make(t, STR_NONE);
    }
    sc->sets[sc->n_sets++] = set;
    return set;
}

static inline void sets_free(struct script *sc)
{
    for (size_t i = sc->n_sets; i-- > 0;) {
        for (enum xds_type t = 0; t < XDS_N; t++) {
            struct xds_list *l = sc->sets[i]->lists[t];
            if (i > 0 && l == sc->sets[i - 1]->lists[t])
                continue;
            EXPECT_INT("references to a list left", l->refs, 1);
            xds_list_unref(l);
        }
        EXPECT_INT("references left", sc->sets[i]->refs, 1);
        free(sc->sets[i]);
    }
}

/* Pulls everything, at most 20 responses: more is a loop. */
static inline void pull_all(struct script *sc, char *out, size_t size)
{
    size_t n = 0;
    enum xds_type t;
    out[0] = '\0';
    for (int i = 0; i < 20 && (t = session_due(&sc->session)) != XDS_N; i++) {
        struct xds_response r;
        session_send(&sc->session, t, &r);
        n += (size_t)snprintf(out + n, size - n, "%s%s(", n ? " " : "", xds_type_info(t)->short_name.p);
        for (size_t k = 0; k < r.n; k++)
            n += (size_t)snprintf(out + n, size - n, "%s" STR_FMT, k ? "," : "",
                                  STR_ARG(blob_str(r.v[k]->any)));
        for (size_t k = 0; k < r.removed.n; k++)
            n += (size_t)snprintf(out + n, size - n, "%s-%s", k + r.n ? "," : "", r.removed.v[k]);
        n += (size_t)snprintf(out + n, size - n, ")");
        client_hears(sc, &r);
        xds_response_fini(&r);
    }
}

static inline void reconnect(struct script *sc, bool with_nothing, bool late)
{
    session_fini(&sc->session);
    session_init(&sc->session, sc->variant);
    client_reconnects(sc, with_nothing);
    if (sc->n_sets > 0 && !late)
        session_set_config(&sc->session, sc->sets[sc->n_sets - 1]);
}

static inline void expect_lack(const char *at, struct script *sc, struct str args)
{
    static const char *const words[] = {"nothing",  "config", "request", "sending",
                                        "clusters", "answer", "consent"};
    struct str sequence_text;
    uint64_t sequence;
    char got[64], *want;
    if (!str_next(&args, ' ', &sequence_text) || !str_to_uint(sequence_text, UINT64_MAX, &sequence))
        FAIL("%s: no sequence", at);
    struct session_lack lack = session_lacks(&sc->session, sequence);
    snprintf(got, sizeof(got), "%s%s%s", lack.type == XDS_N ? "" : xds_type_info(lack.type)->short_name.p,
             lack.type == XDS_N ? "" : " ", words[lack.what]);
    want = xstrndup(args);
    EXPECT_CSTR(at, got, want);
    free(want);
}

static inline void run_script(enum xds_variant variant, struct client_type *types, const char *name,
                              const char *text)
{
    struct script sc = {.variant = variant, .types = types};
    struct str rest = str_from_c(text), command;
    char got[512], at[64];
    session_init(&sc.session, variant);
    for (int i = 1; str_next(&rest, ';', &command); i++) {
        struct str word, args = str_trim(command);
        snprintf(at, sizeof(at), "%s, command %d", name, i);
        (void)str_next(&args, ' ', &word);
        if (str_eq(word, STR("="))) {
            pull_all(&sc, got, sizeof(got));
            char *want = xstrndup(args);
            EXPECT_CSTR(at, got, want);
            free(want);
        } else if (str_eq(word, STR("set"))) {
            session_set_config(&sc.session, set_make(&sc, args));
        } else if (str_eq(word, STR("reconnect")) || str_eq(word, STR("restart"))) {
            reconnect(&sc, str_eq(word, STR("restart")), str_eq(args, STR("late")));
        } else if (str_eq(word, STR("impatience"))) {
            session_stop_waiting(&sc.session);
        } else if (str_eq(word, STR("waits"))) {
            (void)session_due(&sc.session);
            EXPECT_INT(at, sc.session.waits, str_eq(args, STR("yes")));
        } else if (str_eq(word, STR("at"))) {
            if (!str_to_uint(args, UINT64_MAX, &sc.session.sequence))
                FAIL("%s: no sequence", at);
        } else if (str_eq(word, STR("lacks"))) {
            expect_lack(at, &sc, args);
        } else if (str_eq(word, STR("serves"))) {
            EXPECT_INT(at, session_is_serving(&sc.session), str_eq(args, STR("yes")));
        } else {
            struct str type;
            (void)str_next(&args, ' ', &type);
            client_says(&sc, word, type_of_word(type), args);
        }
    }
    session_fini(&sc.session);
    sets_free(&sc);
}

#endif
