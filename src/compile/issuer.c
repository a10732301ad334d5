/* Certificates of proxies and when to renew them. */
#include "issuer.h"

#include <stdlib.h>
#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "ursa/base/hash.h"
#include "ursa/base/log.h"
#include "ursa/base/map.h"
#include "ursa/base/rand.h"
#include "ursa/base/vec.h"

#define RETRY_NS (30 * NS_PER_S) /* after a renewal that failed */

/* What one proxy was issued. */
struct holder {
    struct leaf *identity;
    uint64_t issued_for; /* URIs, backend, authority, lifetime */
    int64_t renew_at;    /* monotonic; INT64_MAX: no time is set */
    bool due;            /* that time has come: whoever asks next gets a new one */
    struct leaf *admin;
    struct blob *admin_ca;
    uint64_t admin_issued_for; /* CA, address */
    size_t key_size;
    char key[]; /* mesh NUL name */
};

/* The authority of a mesh, as loaded from one snapshot. */
struct loaded {
    struct authority *authority; /* NULL: it cannot be used */
    uint64_t sequence;           /* of that snapshot; 0: not loaded yet */
    char mesh[];
};

struct issuer {
    struct map holders, authorities;
    int64_t deadline; /* no holder's renew_at is earlier */
};

struct issuer *issuer_new(void)
{
    struct issuer *i = xcalloc(1, sizeof *i);
    map_init(&i->holders);
    map_init(&i->authorities);
    i->deadline = INT64_MAX;
    return i;
}

static void holder_free(struct holder *h)
{
    leaf_unref(h->identity);
    leaf_unref(h->admin);
    blob_unref(h->admin_ca);
    free(h);
}

void issuer_free(struct issuer *i)
{
    if (!i)
        return;
    size_t at = 0;
    struct str key;
    void *value;
    while (map_next(&i->holders, &at, &key, &value))
        holder_free(value);
    at = 0;
    while (map_next(&i->authorities, &at, &key, &value)) {
        struct loaded *l = value;
        authority_unref(l->authority);
        free(l);
    }
    map_fini(&i->holders);
    map_fini(&i->authorities);
    free(i);
}

static void report(const struct res_key *proxy, const char *what, const struct err *e)
{
    struct str text = err_render(e, e->arena);
    log_error("compile", "mesh=" STR_FMT " proxy=" STR_FMT " no %s: " STR_FMT, STR_ARG(proxy->mesh),
              STR_ARG(proxy->name), what, STR_ARG(text));
}

static struct str holder_key(struct arena *a, struct str mesh, struct str proxy)
{
    return arena_printf(a, STR_FMT "%c" STR_FMT, STR_ARG(mesh), 0, STR_ARG(proxy));
}

static struct holder *holder_get(struct issuer *i, struct arena *a, const struct resource *dp)
{
    struct str key = holder_key(a, dp->key.mesh, dp->key.name);
    struct holder *h = map_find(&i->holders, key);
    if (h)
        return h;
    h = xcalloc(1, sizeof *h + key.n);
    memcpy(h->key, key.p, key.n);
    h->key_size = key.n;
    h->renew_at = INT64_MAX;
    map_put(&i->holders, str_from(h->key, key.n), h);
    return h;
}

static void forget_proxy(struct issuer *i, struct str mesh, struct str proxy)
{
    struct arena a;
    arena_init(&a);
    struct holder *h = map_del(&i->holders, holder_key(&a, mesh, proxy));
    arena_fini(&a);
    if (h)
        holder_free(h);
}

static void forget_mesh(struct issuer *i, struct str mesh)
{
    struct loaded *l = map_del(&i->authorities, mesh);
    if (l)
        authority_unref(l->authority);
    free(l);
}

void issuer_note(struct issuer *i, const struct change *c)
{
    const struct res_key *key = change_key(c);
    if (!c->after && key->type == RES_DATAPLANE)
        forget_proxy(i, key->mesh, key->name);
    else if (!c->after && key->type == RES_MESH)
        forget_mesh(i, key->name);
}

/* ---- authorities ---- */
static struct loaded *loaded_get(struct issuer *i, struct str mesh)
{
    struct loaded *l = map_find(&i->authorities, mesh);
    if (l)
        return l;
    l = xcalloc(1, sizeof *l + mesh.n + 1);
    memcpy(l->mesh, mesh.p, mesh.n);
    map_put(&i->authorities, str_from(l->mesh, mesh.n), l);
    return l;
}

/* Borrowed. Loaded once a snapshot, since a batch may ask for a thousand proxies. */
static struct authority *authority_of(struct issuer *i, const struct view *v,
                                      const struct ca_backend *backend)
{
    struct str mesh = view_mesh_name(v);
    uint64_t sequence = snap_sequence(view_snap(v));
    struct loaded *l = loaded_get(i, mesh);
    if (l->sequence == sequence)
        return l->authority;
    struct arena a;
    arena_init(&a);
    struct err e;
    err_init(&e, &a);
    struct authority *fresh = NULL;
    if (authority_load(view_snap(v), mesh, backend, &fresh, &e)) {
        struct str text = err_render(&e, &a);
        log_error("compile", "mesh=" STR_FMT " backend=" STR_FMT " CA not usable: " STR_FMT, STR_ARG(mesh),
                  STR_ARG(backend->name), STR_ARG(text));
        fresh = NULL;
    }
    authority_unref(l->authority);
    l->authority = fresh;
    l->sequence = sequence;
    arena_fini(&a);
    return fresh;
}

static struct blob *give_ca(void *ctx, const struct view *v, const struct ca_backend *backend)
{
    struct authority *authority = authority_of(ctx, v, backend);
    return authority ? blob_ref(authority_bundle(authority)) : NULL;
}

/* ---- identities ---- */
/* At 4/5 of the life, less up to a twentieth of it, so that what was issued together is not renewed together.
 * From the life that was asked for and on the monotonic clock: a wall clock that jumps moves no renewal. */
static int64_t renewal_time(int64_t life_ns)
{
    return clock_mono_ns() + life_ns / 5 * 4 - (int64_t)(rand_u64() % (uint64_t)(life_ns / 20 + 1));
}

static void schedule(struct issuer *i, struct holder *h, int64_t at)
{
    h->renew_at = at;
    h->due = false;
    if (at < i->deadline)
        i->deadline = at;
}

static void issue(struct issuer *i, struct holder *h, const struct resource *dp,
                  const struct authority *authority, const struct str *uris, size_t n_uris, int64_t life_ns)
{
    struct arena a;
    arena_init(&a);
    struct err e;
    err_init(&e, &a);
    struct leaf *fresh;
    if (authority_issue(authority, uris, n_uris, life_ns, &fresh, &e)) {
        report(&dp->key, "certificate", &e);
        schedule(i, h, clock_mono_ns() + RETRY_NS);
    } else {
        leaf_unref(h->identity);
        h->identity = fresh;
        schedule(i, h, renewal_time(life_ns));
        COUNT(certificates_issued);
    }
    arena_fini(&a);
}

static struct leaf *give_identity(void *ctx, const struct view *v, const struct resource *dp,
                                  const struct ca_backend *backend)
{
    struct issuer *i = ctx;
    const struct authority *authority = authority_of(i, v, backend);
    if (!authority)
        return NULL;
    struct arena a;
    arena_init(&a);
    struct holder *h = holder_get(i, &a, dp);
    struct str *uris;
    size_t n;
    identity_uris(&a, dp->key.mesh, resource_dataplane(dp), &uris, &n);
    int64_t life = ca_leaf_life_ns(backend);
    uint64_t wanted = hash_mix(hash_content(backend->name.p, backend->name.n), authority_version(authority));
    wanted = hash_mix(wanted, (uint64_t)life);
    for (size_t k = 0; k < n; k++)
        wanted = hash_mix(wanted, hash_content(uris[k].p, uris[k].n));
    if (!h->identity || h->issued_for != wanted || h->due) {
        if (h->issued_for != wanted) { /* what it had is no longer true */
            leaf_unref(h->identity);
            h->identity = NULL;
            h->issued_for = wanted;
        }
        issue(i, h, dp, authority, uris, n, life);
    }
    arena_fini(&a);
    return h->identity ? leaf_ref(h->identity) : NULL;
}

int64_t issuer_deadline(const struct issuer *i)
{
    return i->deadline;
}

void issuer_run(struct issuer *i, int64_t now, bool (*renew)(void *, struct str, struct str), void *ctx)
{
    if (now < i->deadline)
        return;
    struct VEC(struct holder *) due = {0};
    size_t at = 0;
    struct str key;
    void *value;
    while (map_next(&i->holders, &at, &key, &value)) {
        struct holder *h = value;
        if (h->renew_at > now)
            continue;
        /* Without mTLS, or without a CA that can sign, nobody asks and no new time is set: one in the past
         * would make the engine spin. */
        h->renew_at = INT64_MAX;
        h->due = true;
        VEC_PUSH(&due, h);
    }
    for (size_t k = 0; k < due.n; k++) {
        struct str all = str_from(due.v[k]->key, due.v[k]->key_size);
        size_t mesh_size = str_chr(all, 0);
        if (!renew(ctx, str_slice(all, 0, mesh_size), str_slice(all, mesh_size + 1, all.n))) {
            map_del(&i->holders, all);
            holder_free(due.v[k]);
        }
    }
    VEC_FINI(&due);
    i->deadline = INT64_MAX;
    at = 0;
    while (map_next(&i->holders, &at, &key, &value)) {
        const struct holder *h = value;
        if (h->renew_at < i->deadline)
            i->deadline = h->renew_at;
    }
}

/* ---- the admin listener's certificate ---- */
static struct leaf *give_admin_cert(void *ctx, const struct view *v, const struct resource *dp,
                                    struct blob **ca)
{
    const struct resource *secret =
        snap_find(view_snap(v), RES_GLOBAL_SECRET, STR(""), STR("envoy-admin-ca"));
    if (!secret || !resource_secret(secret)->data.p)
        return NULL;
    struct str pem = resource_secret(secret)->data, address = resource_dataplane(dp)->networking->address;
    struct arena a;
    arena_init(&a);
    struct err e;
    err_init(&e, &a);
    struct holder *h = holder_get(ctx, &a, dp);
    uint64_t wanted = hash_mix(hash_content(pem.p, pem.n), hash_content(address.p, address.n));
    if (!h->admin || h->admin_issued_for != wanted) {
        leaf_unref(h->admin);
        blob_unref(h->admin_ca);
        h->admin = NULL;
        h->admin_ca = NULL;
        h->admin_issued_for = wanted;
        if (admin_server_cert(pem, address, &h->admin, &h->admin_ca, &e))
            report(&dp->key, "admin certificate", &e);
    }
    arena_fini(&a);
    if (!h->admin)
        return NULL;
    *ca = blob_ref(h->admin_ca);
    return leaf_ref(h->admin);
}

struct compiler_options issuer_options(struct issuer *i)
{
    return (struct compiler_options){
        .identity = give_identity, .ca = give_ca, .admin_cert = give_admin_cert, .ctx = i};
}
