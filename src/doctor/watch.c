/* watch.c -- keeps an eye on certificates: says so when one comes near its end.
 *
 * A thread of its own, which sleeps until a Mesh or a Secret changes, or until the next certificate is 30
 * days, 7 days, or nothing away from its end: instants that are known. The kernel tells when the clock is
 * set; where it does not, a sleep that is cut after an hour notices. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/base/clock_watch.h"
#include "ursa/base/count.h"
#include "ursa/base/list.h"
#include "ursa/base/log.h"
#include "ursa/base/map.h"
#include "ursa/base/timers.h"
#include "ursa/doctor.h"

#define LONGEST_SLEEP_MS (3600 * 1000)

struct doctor_watch {
    struct doctor_watch_options options;
    struct mailbox box;
    struct timers timers; /* on the wall clock */
    struct map holders;   /* by the name of their mesh */
    struct clock_watch clock;
    int64_t now_ns; /* wall clock, when it was last looked at */
    pthread_t thread;
    struct snap *first; /* the state at the beginning */
    bool started, stopping;
};

/* Whose certificates they are. */
struct holder {
    struct doctor_watch *watch;
    struct list certificates;
    char mesh[]; /* "": the control plane */
};

struct certificate {
    struct list node;
    struct holder *holder;
    struct timer timer; /* until it is nearer to its end */
    int64_t expires_ns;
    enum expiry expiry;
    bool is_there; /* while those of its holder are looked up */
    char name[];   /* of the backend, or the file */
};

/* ---- telling ---- */

static void count(enum expiry expiry, int by)
{
    switch (expiry) {
    case EXPIRY_NEAR:
        GAUGE_ADD(certificates_expire_in_30_days, by);
        break;
    case EXPIRY_CLOSE:
        GAUGE_ADD(certificates_expire_in_7_days, by);
        break;
    case EXPIRY_PAST:
        GAUGE_ADD(certificates_expired, by);
        break;
    case EXPIRY_FAR:
        break;
    }
}

static struct str finding_name(const struct certificate *c)
{
    bool is_ca = *c->holder->mesh;

    if (c->expiry == EXPIRY_PAST)
        return finding_id_name(is_ca ? FOUND_CA_EXPIRED : FOUND_SERVER_CERTIFICATE_EXPIRED);
    return finding_id_name(is_ca ? FOUND_CA_EXPIRES : FOUND_SERVER_CERTIFICATE_EXPIRES);
}

static void tell(const struct certificate *c)
{
    struct str finding = finding_name(c), mesh = str_from_c(c->holder->mesh), name = str_from_c(c->name);
    const struct res_key key = {mesh.n ? RES_MESH : RES_N, STR(""), mesh.n ? mesh : name};
    char until[TIME_TEXT];
    struct event_member members[] = {
        {"severity", finding_severity_name(c->expiry == EXPIRY_NEAR ? FINDING_WARNING : FINDING_ERROR)},
        {"expires", str_from(until, time_text(c->expires_ns, until))},
        {"backend", name}};

    log_warn("doctor", "finding=" STR_FMT " mesh=" STR_FMT " certificate=" STR_FMT " expires=" STR_FMT,
             STR_ARG(finding), STR_ARG(mesh), STR_ARG(name), STR_ARG(members[1].text));
    events_add(c->holder->watch->options.events, EVENT_FINDING, &key, finding.p, members,
               mesh.n ? ARRAY_LEN(members) : ARRAY_LEN(members) - 1);
}

static void look_again(struct certificate *c)
{
    struct doctor_watch *w = c->holder->watch;
    enum expiry before = c->expiry;
    int64_t next = expiry_changes_ns(c->expires_ns, w->now_ns);

    c->expiry = expiry_of(c->expires_ns, w->now_ns);
    count(before, -1);
    count(c->expiry, 1);
    if (c->expiry > before)
        tell(c);
    if (next == INT64_MAX)
        timer_clear(&w->timers, &c->timer);
    else
        timer_set(&w->timers, &c->timer, next);
}

static void come_due(struct timer *timer, int64_t now_ns)
{
    (void)now_ns;
    look_again(CONTAINER_OF(timer, struct certificate, timer));
}

/* ---- what there is to watch ---- */

static void forget(struct certificate *c)
{
    count(c->expiry, -1);
    timer_clear(&c->holder->watch->timers, &c->timer);
    list_del(&c->node);
    free(c);
}

static struct holder *holder_get(struct doctor_watch *w, struct str mesh)
{
    struct holder *h = map_find(&w->holders, mesh);

    if (h)
        return h;
    h = xcalloc(1, sizeof(*h) + mesh.n + 1);
    h->watch = w;
    list_init(&h->certificates);
    if (mesh.n > 0)
        memcpy(h->mesh, mesh.p, mesh.n);
    map_put(&w->holders, str_from(h->mesh, mesh.n), h);
    return h;
}

static void holder_free(struct holder *h)
{
    LIST_FOR (node, &h->certificates)
        forget(LIST_ITEM(node, struct certificate, node));
    free(h);
}

static struct certificate *find(struct holder *h, struct str name)
{
    LIST_FOR (node, &h->certificates) {
        struct certificate *c = LIST_ITEM(node, struct certificate, node);

        if (str_eq(str_from_c(c->name), name))
            return c;
    }
    return NULL;
}

static struct certificate *certificate_new(struct holder *h, struct str name)
{
    struct certificate *c = xcalloc(1, sizeof(*c) + name.n + 1);

    memcpy(c->name, name.p, name.n);
    c->holder = h;
    c->timer.expire = come_due;
    list_add_tail(&h->certificates, &c->node);
    return c;
}

/* One that is as it was is not told of again; another one of that name begins anew. */
static void note(struct holder *h, struct str name, int64_t expires_ns)
{
    struct certificate *c = find(h, name);

    if (!c)
        c = certificate_new(h, name);
    c->is_there = true;
    if (c->expires_ns == expires_ns)
        return;
    count(c->expiry, -1);
    c->expiry = EXPIRY_FAR;
    c->expires_ns = expires_ns;
    look_again(c);
}

static void look_up_begin(struct holder *h)
{
    LIST_FOR (node, &h->certificates)
        LIST_ITEM(node, struct certificate, node)->is_there = false;
}

static void look_up_end(struct holder *h)
{
    LIST_FOR (node, &h->certificates)
        if (!LIST_ITEM(node, struct certificate, node)->is_there)
            forget(LIST_ITEM(node, struct certificate, node));
    if (!list_empty(&h->certificates))
        return;
    map_del(&h->watch->holders, str_from_c(h->mesh));
    holder_free(h);
}

static void note_backend(struct holder *h, const struct snap *snap, const struct ca_backend *b)
{
    struct authority *authority;
    struct arena scratch;
    struct err ignored; /* a CA that cannot be loaded is told of when it is needed */

    arena_init(&scratch);
    err_init(&ignored, &scratch);
    if (authority_load(snap, str_from_c(h->mesh), b, &authority, &ignored) == ERR_NONE) {
        note(h, b->name, authority_expires_ns(authority));
        authority_unref(authority);
    }
    arena_fini(&scratch);
}

static void look_up_mesh(struct doctor_watch *w, const struct snap *snap, struct str mesh)
{
    const struct resource *r = snap_find_mesh(snap, mesh);
    const struct mesh_mtls *mtls = r ? resource_mesh(r)->mtls : NULL;
    struct holder *h = holder_get(w, mesh);

    look_up_begin(h);
    for (size_t i = 0; mtls && i < mtls->n_backends; i++)
        note_backend(h, snap, &mtls->backends[i]);
    look_up_end(h);
}

static void look_up_own(struct doctor_watch *w)
{
    struct holder *h = holder_get(w, STR(""));
    struct doctor_facts facts = {0};
    struct arena scratch;

    arena_init(&scratch);
    w->options.look(w->options.look_ctx, &scratch, &facts);
    look_up_begin(h);
    for (size_t i = 0; i < facts.n_certificates; i++)
        note(h, facts.certificates[i].file, facts.certificates[i].expires_ns);
    look_up_end(h);
    arena_fini(&scratch);
}

static void look_up_all(struct doctor_watch *w)
{
    struct snap_range meshes = snap_range(w->first, RES_MESH, STR_NONE);
    struct snap_iter it = snap_iter(&meshes);

    look_up_own(w);
    for (const struct resource *r; (r = snap_next(&it));)
        look_up_mesh(w, w->first, r->key.name);
}

/* ---- the clock ---- */

/* The clock was set back: what was near its end may be far from it. */
static void start_over(struct doctor_watch *w)
{
    size_t i = 0;
    struct str mesh;
    void *h;

    while (map_next(&w->holders, &i, &mesh, &h))
        LIST_FOR (node, &((struct holder *)h)->certificates)
            look_again(LIST_ITEM(node, struct certificate, node));
}

static void look_at_clock(struct doctor_watch *w)
{
    int64_t before = w->now_ns;

    w->now_ns = clock_wall_ns();
    if (w->now_ns < before)
        start_over(w);
    timers_run(&w->timers, w->now_ns);
}

/* ---- mail ---- */

struct news {
    struct mail mail;
    struct doctor_watch *watch;
    struct batch *batch; /* NULL: the control plane has other certificates */
};

static struct str mesh_of(const struct change *c)
{
    const struct res_key *key = change_key(c);

    if (key->type == RES_MESH)
        return key->name;
    return key->type == RES_SECRET ? key->mesh : STR_NONE;
}

static void take_news(struct mail *mail)
{
    struct news *news = CONTAINER_OF(mail, struct news, mail);
    struct doctor_watch *w = news->watch;
    struct map seen;

    look_at_clock(w);
    if (!news->batch)
        look_up_own(w);
    map_init(&seen);
    for (size_t i = 0; news->batch && i < news->batch->n_changes; i++) {
        struct str mesh = mesh_of(&news->batch->changes[i]);

        if (mesh.p && !map_put(&seen, mesh, w))
            look_up_mesh(w, news->batch->snap, mesh);
    }
    map_fini(&seen);
    batch_unref(news->batch);
    free(news);
}

static void send_news(struct doctor_watch *w, struct batch *taken)
{
    struct news *news = xcalloc(1, sizeof(*news));

    news->mail.handle = take_news;
    news->watch = w;
    news->batch = taken;
    mailbox_send(&w->box, &news->mail);
}

/* On the writer's thread. */
static void deliver(void *ctx, struct batch *batch)
{
    for (size_t i = 0; i < batch->n_changes; i++) {
        if (mesh_of(&batch->changes[i]).p) {
            send_news(ctx, batch_ref(batch));
            return;
        }
    }
}

void doctor_watch_look(struct doctor_watch *w)
{
    send_news(w, NULL);
}

/* ---- the thread ---- */

static int sleep_ms(const struct doctor_watch *w)
{
    int64_t next = timers_next(&w->timers), ms;

    if (next == INT64_MAX)
        return -1;
    ms = (next - w->now_ns) / NS_PER_MS + 1;
    return ms < LONGEST_SLEEP_MS ? (int)ms : LONGEST_SLEEP_MS;
}

static void wait_for_more(struct doctor_watch *w)
{
    struct pollfd fds[] = {{.fd = w->box.event_fd, .events = POLLIN}, {.fd = w->clock.fd, .events = POLLIN}};

    (void)poll(fds, ARRAY_LEN(fds), sleep_ms(w));
    (void)clock_watch_jump(&w->clock); /* which way does not matter: the clock is looked at anyway */
}

static void *run(void *arg)
{
    struct doctor_watch *w = arg;

    w->now_ns = clock_wall_ns();
    look_up_all(w);
    snap_unref(w->first);
    w->first = NULL;
    while (!w->stopping) {
        look_at_clock(w);
        wait_for_more(w);
        mailbox_run(&w->box);
    }
    return NULL;
}

enum err_kind doctor_watch_start(const struct doctor_watch_options *options, struct doctor_watch **out,
                                 struct err *e)
{
    struct doctor_watch *w = xcalloc(1, sizeof(*w));

    w->options = *options;
    mailbox_init(&w->box);
    clock_watch_init(&w->clock);
    map_init(&w->holders);
    w->first = store_subscribe(options->store, deliver, w);
    *out = w;
    int fault = pthread_create(&w->thread, NULL, run, w);
    w->started = fault == 0;
    return fault ? err_set(e, ERR_UNAVAILABLE, "cannot start a thread: %s", strerror(fault)) : ERR_NONE;
}

struct stop {
    struct mail mail;
    struct doctor_watch *watch;
};

static void take_stop(struct mail *mail)
{
    CONTAINER_OF(mail, struct stop, mail)->watch->stopping = true;
}

void doctor_watch_stop(struct doctor_watch *w)
{
    struct stop stop = {.mail.handle = take_stop, .watch = w};
    size_t i = 0;
    struct str mesh;
    void *h;

    if (!w)
        return;
    if (w->started) {
        mailbox_send(&w->box, &stop.mail);
        pthread_join(w->thread, NULL);
    }
    mailbox_run(&w->box);
    snap_unref(w->first);
    while (map_next(&w->holders, &i, &mesh, &h))
        holder_free(h);
    map_fini(&w->holders);
    timers_fini(&w->timers);
    clock_watch_fini(&w->clock);
    mailbox_fini(&w->box);
    free(w);
}
