/* authorities.c -- the CAs of a mesh: how long each has to go, and whether it can sign at all. */
#include "expiry.h"

#define NAMED_MAX 5 /* meshes that are named in one finding */

static void tell_expiry(struct mesh_exam *m, const struct ca_backend *b, int64_t expires_ns)
{
    struct exam *x = m->exam;
    struct arena *a = x->arena;
    struct finding *f = expiry_add(x, FOUND_CA_EXPIRES, FOUND_CA_EXPIRED, m->name, expires_ns);

    if (!f)
        return;
    f->resource = arena_printf(a, "mtls.backends " STR_FMT, STR_ARG(b->name));
    f->text = arena_printf(a, "the CA of backend " STR_FMT " " STR_FMT "%s", STR_ARG(b->name),
                           STR_ARG(expiry_text(x, expires_ns)),
                           f->id == FOUND_CA_EXPIRED
                               ? ": it signs nothing any more, and its proxies refuse each other"
                               : "; from then on it signs nothing, and its proxies refuse each other");
    if (b != mesh_enabled_backend(m->spec))
        f->remedy =
            arena_printf(a, "remove backend " STR_FMT " of Mesh " STR_FMT ", which nobody issues from",
                         STR_ARG(b->name), STR_ARG(m->name));
    else if (str_eq(b->type, STR("builtin")))
        f->remedy = arena_printf(a, "ursactl rotate ca --mesh " STR_FMT, STR_ARG(m->name));
    else
        f->remedy =
            arena_printf(a, "apply Mesh " STR_FMT " with another certificate and key in backend " STR_FMT,
                         STR_ARG(m->name), STR_ARG(b->name));
}

static void check_backend(struct mesh_exam *m, const struct ca_backend *b)
{
    struct authority *authority;
    struct finding *f;
    struct err e;

    err_init(&e, m->exam->arena);
    if (authority_load(m->exam->world->snap, m->name, b, &authority, &e) == ERR_NONE) {
        const struct known_ca known = {authority_version(authority), m->name, b->name};

        tell_expiry(m, b, authority_expires_ns(authority));
        VEC_PUSH(&m->exam->authorities, known);
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

/* ---- one CA in several meshes ---- */

static int by_version(const void *left, const void *right)
{
    const struct known_ca *a = left, *b = right;

    if (a->version != b->version)
        return a->version < b->version ? -1 : 1;
    return str_cmp(a->mesh, b->mesh);
}

/* The names of the first meshes of n, which are sorted, each once. */
static struct str names_of(struct arena *a, const struct known_ca *v, size_t n, size_t *n_meshes)
{
    struct str text = STR("");

    *n_meshes = 0;
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && str_eq(v[i].mesh, v[i - 1].mesh))
            continue;
        if (++*n_meshes <= NAMED_MAX)
            text =
                arena_printf(a, STR_FMT "%s" STR_FMT, STR_ARG(text), text.n ? ", " : "", STR_ARG(v[i].mesh));
    }
    return *n_meshes > NAMED_MAX ? arena_printf(a, STR_FMT ", ...", STR_ARG(text)) : text;
}

static void tell_shared(struct exam *x, const struct known_ca *v, size_t n)
{
    size_t n_meshes;
    struct str names = names_of(x->arena, v, n, &n_meshes);
    struct finding *f = n_meshes > 1 ? exam_add(x, FOUND_CA_SHARED, FINDING_INFO, STR("")) : NULL;

    if (!f)
        return;
    f->resource = arena_printf(x->arena, "mtls.backends of %zu meshes", n_meshes);
    f->text = arena_printf(x->arena,
                           "the meshes " STR_FMT
                           " have the same CA: what keeps them apart is the name in a certificate "
                           "alone, and who has its key may be anybody in each",
                           STR_ARG(names));
    f->remedy = STR("give each a CA of its own in mtls.backends, unless this is meant");
}

void check_shared(struct exam *x)
{
    struct known_ca *v = x->authorities.v;
    size_t n = x->authorities.n;

    if (n > 0)
        qsort(v, n, sizeof(v[0]), by_version);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && v[end].version == v[i].version;)
            end++;
        tell_shared(x, &v[i], end - i);
    }
}
