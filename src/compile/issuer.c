/* Certificates of proxies: who has which, which are being made, and when to renew them. */
#include "issuer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "authorities.h"
#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "ursa/base/hash.h"
#include "ursa/base/log.h"
#include "ursa/base/map.h"
#include "ursa/base/rand.h"
#include "ursa/base/timers.h"
#include "ursa/base/workers.h"

#define RETRY_NS (30 * NS_PER_S) /* after one that could not be issued */
#define MAX_WORKERS 4

/* One certificate of a proxy. */
struct cert {
    struct holder *holder;
    struct leaf *leaf;  /* NULL: there is none */
    uint64_t wanted;    /* content hash of what 'leaf' was, or is to be, issued for */
    struct job *job;    /* makes the next one; NULL: nobody does */
    int64_t renew_ns;   /* wall clock: when 'leaf' is to be renewed */
    int64_t other_ns;   /* how far ahead the clock was that the next one is to be good by, too */
    struct timer again; /* when to renew it, or to try again */
    bool failed;        /* there is none, and no other try before that time */
    bool due;           /* that time has come: whoever asks next makes a new one begin */
};

struct holder {
    struct issuer *issuer;
    struct cert identity, admin;
    size_t key_size;
    char key[]; /* mesh NUL name */
};

/* A certificate that is being made. */
struct job {
    struct work work;
    struct mail mail;
    struct issuer *issuer;
    struct cert *cert; /* NULL: nobody wants it any more */
    struct arena arena;
    struct err err;
    /* an identity: */
    struct authority *authority;
    struct str *uris;
    size_t n_uris;
    int64_t life_ns, other_ns;
    /* the admin listener's: */
    struct admin_ca *admin_ca;
    struct str address;
    /* what comes out */
    enum err_kind kind;
    struct leaf *leaf;
};

struct issuer {
    struct issuer_options options;
    struct workers *workers;
    struct map holders;
    struct authorities authorities;
    struct admin_ca *admin_ca; /* NULL: it cannot be used */
    uint64_t admin_ca_source;  /* content hash of the secret that it was read from; 0: none yet */
    struct timers timers;
    size_t n_jobs;
    bool stopping;
};

struct issuer *issuer_new(const struct issuer_options *options)
{
    struct issuer *i = xcalloc(1, sizeof *i);
    i->options = *options;
    i->workers = workers_new("ursa-issuer", workers_for_processors(MAX_WORKERS));
    map_init(&i->holders);
    authorities_init(&i->authorities);
    return i;
}

size_t issuer_n_under_way(const struct issuer *i)
{
    return i->n_jobs;
}

/* ---- holders ---- */

static void come_due(struct timer *, int64_t now);

static void cert_init(struct cert *c, struct holder *h)
{
    *c = (struct cert){.holder = h, .again.expire = come_due};
}

/* What is being made comes back to nobody. */
static void cert_drop(struct cert *c)
{
    if (c->job)
        c->job->cert = NULL;
    leaf_unref(c->leaf);
    timer_clear(&c->holder->issuer->timers, &c->again);
    cert_init(c, c->holder);
}

static void holder_free(struct holder *h)
{
    cert_drop(&h->identity);
    cert_drop(&h->admin);
    free(h);
}

void issuer_free(struct issuer *i)
{
    if (!i)
        return;
    i->stopping = true;
    workers_stop(i->workers);
    mailbox_run(i->options.box);
    assert(i->n_jobs == 0);
    size_t at = 0;
    struct str key;
    void *h;
    while (map_next(&i->holders, &at, &key, &h))
        holder_free(h);
    map_fini(&i->holders);
    timers_fini(&i->timers);
    authorities_fini(&i->authorities);
    admin_ca_unref(i->admin_ca);
    free(i);
}

static struct str holder_key(struct arena *a, struct str mesh, struct str proxy)
{
    return arena_printf(a, STR_FMT "%c" STR_FMT, STR_ARG(mesh), 0, STR_ARG(proxy));
}

static struct str holder_mesh(const struct holder *h)
{
    return str_from_c(h->key);
}

static struct str holder_proxy(const struct holder *h)
{
    return str_slice(str_from(h->key, h->key_size), strlen(h->key) + 1, h->key_size);
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
    h->issuer = i;
    cert_init(&h->identity, h);
    cert_init(&h->admin, h);
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

void issuer_note(struct issuer *i, const struct change *c)
{
    const struct res_key *key = change_key(c);
    if (!c->after && key->type == RES_DATAPLANE)
        forget_proxy(i, key->mesh, key->name);
    else if (!c->after && key->type == RES_MESH)
        authorities_forget(&i->authorities, key->name);
}

/* ---- times ---- */

/* After 4/5 of the life that was asked for, less up to a twentieth of it, so that what was issued together is
 * not renewed together. */
static int64_t renewal_age(int64_t life_ns)
{
    return life_ns / 5 * 4 - (int64_t)(rand_u64() % (uint64_t)(life_ns / 20 + 1));
}

static bool is_good(const struct cert *c, int64_t wall_ns)
{
    return wall_ns >= c->leaf->begins_ns && wall_ns < c->renew_ns;
}

static bool tell(struct holder *h)
{
    const struct issuer_options *options = &h->issuer->options;
    return options->issued(options->ctx, holder_mesh(h), holder_proxy(h));
}

/* Without mTLS, or without a CA that can sign, nobody asks, and no new time is set: one in the past would
 * make the engine spin. */
static void come_due(struct timer *timer, int64_t now)
{
    (void)now;
    struct cert *c = CONTAINER_OF(timer, struct cert, again);
    struct holder *h = c->holder;
    c->due = true;
    c->failed = false;
    if (tell(h))
        return;
    map_del(&h->issuer->holders, str_from(h->key, h->key_size));
    holder_free(h);
}

/* Timers go by the monotonic clock and stay where they are, but for those that come too late now: Envoys
 * judge certificates by the wall clock. */
static bool judge(struct issuer *i, struct cert *c, int64_t by_ns)
{
    if (!c->leaf || c->job || c->due)
        return true; /* nobody has it, or the next one comes anyway */
    int64_t wall = clock_wall_ns(), now = clock_mono_ns();
    if (!is_good(c, wall)) {
        c->other_ns = -by_ns;
        timer_set(&i->timers, &c->again, now);
        return false;
    }
    if (now + (c->renew_ns - wall) < c->again.at)
        timer_set(&i->timers, &c->again, now + (c->renew_ns - wall));
    return true;
}

void issuer_jump(struct issuer *i, int64_t by_ns)
{
    size_t at = 0, n_due = 0;
    struct str key;
    void *v;
    while (map_next(&i->holders, &at, &key, &v)) {
        struct holder *h = v;
        n_due += !judge(i, &h->identity, by_ns);
        n_due += !judge(i, &h->admin, by_ns);
    }
    struct arena a;
    arena_init(&a);
    log_warn("compile", "the clock was set %s by=" STR_FMT " certificates_to_renew=%zu",
             by_ns < 0 ? "back" : "forward", STR_ARG(duration_format_go(&a, by_ns < 0 ? -by_ns : by_ns)),
             n_due);
    arena_fini(&a);
    COUNT(clock_jumps);
}

int64_t issuer_deadline(const struct issuer *i)
{
    return timers_next(&i->timers);
}

void issuer_run(struct issuer *i, int64_t now)
{
    timers_run(&i->timers, now);
}

/* ---- jobs ---- */

static void job_free(struct job *job)
{
    job->issuer->n_jobs--;
    GAUGE_ADD(certificates_under_way, -1);
    authority_unref(job->authority);
    admin_ca_unref(job->admin_ca);
    leaf_unref(job->leaf);
    arena_fini(&job->arena);
    free(job);
}

static void take_leaf(struct job *job)
{
    struct cert *c = job->cert;
    leaf_unref(c->leaf);
    c->leaf = job->leaf;
    job->leaf = NULL;
    int64_t life = job->life_ns > 0 ? job->life_ns : c->leaf->expires_ns - c->leaf->issued_ns;
    int64_t age = renewal_age(life), wall = clock_wall_ns();
    c->renew_ns = c->leaf->expires_ns - life + age;
    int64_t left = is_good(c, wall) ? c->renew_ns - wall : 0; /* 0: the clock was set while it was made */
    timer_set(&job->issuer->timers, &c->again, clock_mono_ns() + (left < age ? left : age));
    COUNT(certificates_issued);
}

static void take_fault(struct job *job)
{
    struct cert *c = job->cert;
    struct str text = err_render(&job->err, &job->arena);
    log_error("compile", "mesh=" STR_FMT " proxy=" STR_FMT " no %scertificate: " STR_FMT,
              STR_ARG(holder_mesh(c->holder)), STR_ARG(holder_proxy(c->holder)),
              c == &c->holder->admin ? "admin " : "", STR_ARG(text));
    c->failed = true;
    timer_set(&job->issuer->timers, &c->again, clock_mono_ns() + RETRY_NS);
}

static bool is_soon(const struct cert *c)
{
    return !c->leaf && c->job;
}

/* Who waits for two certificates is told when both are there. */
static void take_job(struct mail *mail)
{
    struct job *job = CONTAINER_OF(mail, struct job, mail);
    struct cert *c = job->cert;
    if (c) {
        c->job = NULL;
        if (job->leaf)
            take_leaf(job);
        else if (job->kind != ERR_NONE)
            take_fault(job);
        if (!job->issuer->stopping && !is_soon(&c->holder->identity) && !is_soon(&c->holder->admin))
            (void)tell(c->holder);
    }
    job_free(job);
}

/* On a worker. */
static void make_identity(struct work *work)
{
    struct job *job = CONTAINER_OF(work, struct job, work);
    job->kind = authority_issue_for_two_clocks(job->authority, job->uris, job->n_uris, job->life_ns,
                                               job->other_ns, &job->leaf, &job->err);
}

static void make_admin_cert(struct work *work)
{
    struct job *job = CONTAINER_OF(work, struct job, work);
    job->kind = admin_server_cert(job->admin_ca, job->address, &job->leaf, &job->err);
}

static struct job *job_new(struct issuer *i, struct cert *c, void (*make)(struct work *))
{
    struct job *job = xcalloc(1, sizeof *job);
    job->work = (struct work){.run = make, .mail = &job->mail, .box = i->options.box};
    job->mail.handle = take_job;
    job->issuer = i;
    job->cert = c;
    arena_init(&job->arena);
    err_init(&job->err, &job->arena);
    i->n_jobs++;
    GAUGE_ADD(certificates_under_way, 1);
    return job;
}

/* A proxy that has none waits for it; one that is to be renewed is still good for a while. */
static void begin(struct job *job)
{
    struct cert *c = job->cert;
    c->job = job;
    c->due = false;
    job->other_ns = c->other_ns;
    c->other_ns = 0;
    workers_give(job->issuer->workers, &job->work, holder_mesh(c->holder), c->leaf ? WORK_LATER : WORK_NOW);
}

/* What it has, or what is being made, is for something else: that is no longer true. */
static void want(struct cert *c, uint64_t wanted)
{
    if (c->wanted != wanted)
        cert_drop(c);
    c->wanted = wanted;
}

static bool is_wanting(const struct cert *c)
{
    return !c->job && (c->due || (!c->leaf && !c->failed));
}

static struct leaf *give(const struct cert *c, bool *soon)
{
    *soon = is_soon(c);
    return c->leaf ? leaf_ref(c->leaf) : NULL;
}

/* ---- identities ---- */

static struct blob *give_ca(void *ctx, const struct view *v)
{
    struct issuer *i = ctx;
    struct blob *trusted = authorities_get(&i->authorities, v)->trusted;
    return trusted ? blob_ref(trusted) : NULL;
}

static struct leaf *give_identity(void *ctx, const struct view *v, const struct resource *dp, bool *soon)
{
    struct issuer *i = ctx;
    const struct mesh_authority *from = authorities_get(&i->authorities, v);
    *soon = false;
    if (!from->authority)
        return NULL;
    struct arena a;
    arena_init(&a);
    struct cert *c = &holder_get(i, &a, dp)->identity;
    struct str *uris;
    size_t n;
    identity_uris(&a, dp->key.mesh, resource_dataplane(dp), &uris, &n);
    uint64_t wanted = hash_mix(from->backend_hash, authority_version(from->authority));
    wanted = hash_mix(wanted, (uint64_t)from->leaf_life_ns);
    for (size_t k = 0; k < n; k++)
        wanted = hash_mix(wanted, hash_content(uris[k].p, uris[k].n));
    want(c, wanted);
    if (is_wanting(c)) {
        struct job *job = job_new(i, c, make_identity);
        job->authority = authority_ref(from->authority);
        identity_uris(&job->arena, dp->key.mesh, resource_dataplane(dp), &job->uris, &job->n_uris);
        job->life_ns = from->leaf_life_ns;
        begin(job);
    }
    arena_fini(&a);
    return give(c, soon);
}

/* ---- the admin listener's certificate ---- */

static void load_admin_ca(struct issuer *i, struct str pem)
{
    uint64_t source = hash_content(pem.p, pem.n) | 1;
    if (i->admin_ca_source == source)
        return;
    struct arena a;
    arena_init(&a);
    struct err e;
    err_init(&e, &a);
    admin_ca_unref(i->admin_ca);
    i->admin_ca_source = source;
    if (admin_ca_load(pem, &i->admin_ca, &e) != ERR_NONE) {
        struct str text = err_render(&e, &a);
        log_error("compile", "the CA of admin listeners is not usable: " STR_FMT, STR_ARG(text));
    }
    arena_fini(&a);
}

static struct leaf *give_admin_cert(void *ctx, const struct view *v, const struct resource *dp,
                                    struct blob **ca, bool *soon)
{
    struct issuer *i = ctx;
    const struct resource *secret =
        snap_find(view_snap(v), RES_GLOBAL_SECRET, STR(""), STR("envoy-admin-ca"));
    *soon = false;
    if (!secret || !resource_secret(secret)->data.p)
        return NULL;
    load_admin_ca(i, resource_secret(secret)->data);
    if (!i->admin_ca)
        return NULL;
    struct str address = resource_dataplane(dp)->networking->address;
    struct arena a;
    arena_init(&a);
    struct cert *c = &holder_get(i, &a, dp)->admin;
    arena_fini(&a);
    want(c, hash_mix(i->admin_ca_source, hash_content(address.p, address.n)));
    if (is_wanting(c)) {
        struct job *job = job_new(i, c, make_admin_cert);
        job->admin_ca = admin_ca_ref(i->admin_ca);
        job->address = arena_str(&job->arena, address);
        begin(job);
    }
    if (c->leaf)
        *ca = blob_ref(admin_ca_cert(i->admin_ca));
    return give(c, soon);
}

struct compiler_options issuer_compiler_options(struct issuer *i)
{
    return (struct compiler_options){
        .identity = give_identity, .ca = give_ca, .admin_cert = give_admin_cert, .ctx = i};
}
