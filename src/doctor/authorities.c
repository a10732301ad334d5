/* authorities.c -- the CAs of a mesh: how long each has to go, and whether it can sign at all. */
#include "exam.h"
#include "ursa/base/clock.h"

static struct str days_left(struct arena *a, int64_t expires_ns, int64_t now_ns)
{
    const int64_t hour = 3600 * NS_PER_S;
    int64_t left = expires_ns - now_ns;

    if (left >= 48 * hour)
        return arena_printf(a, "in %lld days", (long long)(left / (24 * hour)));
    return left >= hour ? arena_printf(a, "in %lld hours", (long long)(left / hour))
                        : arena_printf(a, "in %lld minutes", (long long)(left / (60 * NS_PER_S)));
}

static void tell_expiry(struct mesh_exam *m, const struct ca_backend *b, int64_t expires_ns)
{
    struct exam *x = m->exam;
    struct arena *a = x->arena;
    enum expiry expiry = expiry_of(expires_ns, x->world->now_ns);
    bool past = expiry == EXPIRY_PAST;
    struct finding *f;

    if (expiry == EXPIRY_FAR)
        return;
    f = mesh_add(m, past ? FOUND_CA_EXPIRED : FOUND_CA_EXPIRES,
                 expiry == EXPIRY_NEAR ? FINDING_WARNING : FINDING_ERROR);
    if (!f)
        return;
    f->resource = arena_printf(a, "mtls.backends " STR_FMT, STR_ARG(b->name));
    if (past)
        f->text = arena_printf(a,
                               "the CA of backend " STR_FMT " expired at " STR_FMT
                               ": it signs no certificate any more, and its proxies refuse each other",
                               STR_ARG(b->name), STR_ARG(time_format(a, expires_ns)));
    else
        f->text = arena_printf(a, "the CA of backend " STR_FMT " expires at " STR_FMT ", " STR_FMT,
                               STR_ARG(b->name), STR_ARG(time_format(a, expires_ns)),
                               STR_ARG(days_left(a, expires_ns, x->world->now_ns)));
    f->remedy = arena_printf(a,
                             "give Mesh " STR_FMT " another backend in mtls.backends and name it in "
                             "mtls.enabledBackend",
                             STR_ARG(m->name));
}

static void check_backend(struct mesh_exam *m, const struct ca_backend *b)
{
    struct authority *authority;
    struct finding *f;
    struct err e;

    err_init(&e, m->exam->arena);
    if (authority_load(m->exam->world->snap, m->name, b, &authority, &e) == ERR_NONE) {
        tell_expiry(m, b, authority_expires_ns(authority));
        authority_unref(authority);
        return;
    }
    f = mesh_add(m, FOUND_CA_UNUSABLE, FINDING_ERROR);
    if (!f)
        return;
    f->resource = arena_printf(m->exam->arena, "mtls.backends " STR_FMT, STR_ARG(b->name));
    f->text = e.text;
    f->remedy = arena_printf(m->exam->arena,
                             "put back what conf of backend " STR_FMT " of Mesh " STR_FMT
                             " names, or take another backend",
                             STR_ARG(b->name), STR_ARG(m->name));
}

void check_authorities(struct mesh_exam *m)
{
    const struct mesh_mtls *mtls = m->spec->mtls;

    for (size_t i = 0; mtls && i < mtls->n_backends; i++)
        check_backend(m, &mtls->backends[i]);
}
