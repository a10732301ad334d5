/* posture.c -- the steps between two postures; tests/unit/ca/posture_test.c walks them with proxies that lag.
 *
 * What may go at once is right with every posture that a proxy may still be at: to trust more, to accept
 * more. All else waits until nobody is behind, and then takes only what everybody is ready for: a CA that all
 * trust, TLS that all accept. Back to where all come from it waits for nobody: that is right with all that
 * they have been told since. So of any two proxies each can talk to the other. */
#include "ursa/posture.h"

/* ---- comparing ---- */

static bool issuer_eq(const struct posture_issuer *a, const struct posture_issuer *b)
{
    if (!a || !b)
        return a == b;
    return str_eq(a->backend, b->backend) && str_eq(a->cert, b->cert) && str_eq(a->key, b->key) &&
           str_eq(a->roots, b->roots) && a->leaf_life.ns == b->leaf_life.ns;
}

static bool root_eq(const struct posture_root *a, const struct posture_root *b)
{
    return str_eq(a->backend, b->backend) && str_eq(a->roots, b->roots);
}

static bool has_root(const struct mesh_posture_spec *p, const struct posture_root *root)
{
    for (size_t i = 0; i < p->n_trusted; i++)
        if (root_eq(&p->trusted[i], root))
            return true;
    return false;
}

bool posture_eq(const struct mesh_posture_spec *a, const struct mesh_posture_spec *b)
{
    if (a->serve != b->serve || a->dial != b->dial || !issuer_eq(a->issuer, b->issuer) ||
        a->n_trusted != b->n_trusted)
        return false;
    for (size_t i = 0; i < a->n_trusted; i++)
        if (!has_root(b, &a->trusted[i]))
            return false;
    return true;
}

/* Whoever trusts the certificates of one trusts those of the other. */
static bool same_authority(const struct posture_issuer *a, const struct posture_issuer *b)
{
    return a && b && str_eq(a->cert, b->cert) && str_eq(a->roots, b->roots);
}

static bool trusts(const struct mesh_posture_spec *p, const struct posture_issuer *issuer)
{
    for (size_t i = 0; i < p->n_trusted; i++)
        if (str_eq(p->trusted[i].roots, issuer->roots))
            return true;
    return false;
}

/* ---- the steps ---- */

static void trust_also(struct mesh_posture_spec *out, const struct mesh_posture_spec *wanted, struct arena *a)
{
    struct posture_root *all = ARENA_ARRAY(a, struct posture_root, out->n_trusted + wanted->n_trusted);
    size_t n = 0;

    for (size_t i = 0; i < wanted->n_trusted; i++)
        all[n++] = wanted->trusted[i];
    for (size_t i = 0; i < out->n_trusted; i++)
        if (!has_root(wanted, &out->trusted[i]))
            all[n++] = out->trusted[i];
    out->trusted = all;
    out->n_trusted = n;
}

static void trust_only(struct mesh_posture_spec *out, const struct mesh_posture_spec *wanted)
{
    out->trusted = wanted->trusted;
    out->n_trusted = wanted->n_trusted;
}

static void go_at_once(const struct mesh_posture_spec *present, const struct mesh_posture_spec *wanted,
                       struct arena *a, struct mesh_posture_spec *out)
{
    trust_also(out, wanted, a);
    /* Without an issuer nobody dials TLS, so nobody asks for a certificate. */
    if (!present->issuer || same_authority(present->issuer, wanted->issuer))
        out->issuer = wanted->issuer;
    if (present->serve == SERVE_PLAIN && wanted->serve != SERVE_PLAIN)
        out->serve = SERVE_BOTH;
    if (present->serve == SERVE_TLS && wanted->serve != SERVE_TLS)
        out->serve = SERVE_BOTH;
}

static void go_acked(const struct mesh_posture_spec *present, const struct mesh_posture_spec *wanted,
                     struct mesh_posture_spec *out)
{
    bool both_issue = present->issuer && wanted->issuer;

    if (both_issue && same_authority(present->issuer, wanted->issuer))
        trust_only(out, wanted);
    else if (both_issue && trusts(present, wanted->issuer))
        out->issuer = wanted->issuer;
    if (present->serve != SERVE_BOTH)
        return;
    if (present->dial != wanted->dial)
        out->dial = wanted->dial;
    else if (wanted->serve == SERVE_TLS)
        out->serve = SERVE_TLS;
    else if (wanted->serve == SERVE_PLAIN)
        *out = *wanted;
}

static struct mesh_posture_spec *without_before(const struct mesh_posture_spec *p, struct arena *a)
{
    struct mesh_posture_spec *copy = ARENA_NEW(a, struct mesh_posture_spec);

    *copy = *p;
    copy->before = NULL;
    return copy;
}

void posture_next(const struct mesh_posture_spec *present, const struct mesh_posture_spec *wanted, bool acked,
                  struct arena *a, struct mesh_posture_spec *out)
{
    struct mesh_posture_spec *before =
        acked || !present->before ? without_before(present, a) : present->before;
    struct mesh_posture_spec further;

    *out = *present;
    go_at_once(present, wanted, a, out);
    further = *out;
    go_acked(present, wanted, &further);
    if (acked || posture_eq(&further, before))
        *out = further;
    out->before = before;
}

/* ---- for people ---- */

const char *posture_serve_word(const struct mesh_posture_spec *p)
{
    static const char *const words[] = {"plain", "both", "tls"};

    return words[p->serve];
}

const char *posture_dial_word(const struct mesh_posture_spec *p)
{
    static const char *const words[] = {"plain", "ready", "tls"};

    return words[p->dial];
}

struct str posture_text(const struct mesh_posture_spec *p, struct arena *a)
{
    struct str text = arena_printf(a, "serve %s, dial %s", posture_serve_word(p), posture_dial_word(p));

    if (!p->issuer)
        return text;
    text = arena_printf(a, STR_FMT ", issue from " STR_FMT ", trust", STR_ARG(text),
                        STR_ARG(p->issuer->backend));
    for (size_t i = 0; i < p->n_trusted; i++)
        text = arena_printf(a, STR_FMT "%s " STR_FMT, STR_ARG(text), i ? " and" : "",
                            STR_ARG(p->trusted[i].backend));
    return text;
}
