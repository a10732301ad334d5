/* insight/events.c -- the ring of recent events: see ursa/events.h. An event is written out once, by the
 * thread that adds it (about a microsecond), and shared by all who read it. */
#include "ursa/events.h"

#include <stdlib.h>
#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "ursa/base/json.h"
#include "ursa/base/lock.h"

#define LOOK_AT_ONCE 256 /* events under one hold of the lock */

struct event {
    struct event_place place;
    enum event_kind kind;
    bool is_history; /* a change that its revision stands for */
    struct res_key key;
    struct blob *text;
    char names[]; /* of the key */
};

struct events {
    struct lock lock; /* protects all below */
    struct event **ring;
    size_t n_kept;
    uint64_t first, end;       /* events are counted from the start; event i is in ring[i % n_kept] */
    struct event_place last;   /* of the newest event */
    struct event_place behind; /* of the newest that is not in the ring */
    struct event_place opened; /* where this instance began: what is before it was recalled */
    struct mailbox *box;       /* NULL: nobody listens */
    struct mail *mail;
    bool mailed;
};

static const char *const kind_names[EVENT_KINDS] = {"resource",    "proxy", "nack",
                                                    "certificate", "ca",    "finding"};

const char *event_kind_name(enum event_kind kind)
{
    return kind_names[kind];
}

enum event_kind event_kind_by_name(struct str name)
{
    enum event_kind kind = 0;
    while (kind < EVENT_KINDS && !str_eq(name, str_from_c(kind_names[kind])))
        kind++;
    return kind;
}

/* ---- places ---- */

static int place_cmp(struct event_place a, struct event_place b)
{
    if (a.revision != b.revision)
        return a.revision < b.revision ? -1 : 1;
    return a.n < b.n ? -1 : a.n > b.n;
}

bool event_place_parse(struct str text, struct event_place *place)
{
    size_t cut = str_chr(text, '-');
    return cut < text.n && str_to_uint(str_slice(text, 0, cut), UINT64_MAX, &place->revision) &&
           str_to_uint(str_slice(text, cut + 1, text.n), UINT64_MAX, &place->n);
}

/* ---- writing one out ---- */

static void add_member(struct buf *out, const char *key, struct str text)
{
    buf_printf(out, ",\"%s\":", key);
    json_write_string(out, text);
}

static struct event *event_new(enum event_kind kind, const struct res_key *key)
{
    struct event *e = xcalloc(1, sizeof(*e) + key->mesh.n + key->name.n);
    e->kind = kind;
    e->key = (struct res_key){key->type, {e->names, key->mesh.n}, {e->names + key->mesh.n, key->name.n}};
    if (key->mesh.n > 0)
        memcpy(e->names, key->mesh.p, key->mesh.n);
    memcpy(e->names + key->mesh.n, key->name.p, key->name.n);
    return e;
}

static void event_free(struct event *e)
{
    if (!e)
        return;
    blob_unref(e->text);
    free(e);
}

/* 'said' is what there is between the time and the key. */
static void write_out(struct event *e, int64_t time_ns, struct str said)
{
    char time[TIME_TEXT];
    struct buf out;
    buf_init(&out, BUF_MAX_RESOURCE);
    buf_printf(&out, "event: %s\nid: %llu-%llu\ndata: {\"revision\":%llu,\"time\":\"%.*s\"",
               kind_names[e->kind], (unsigned long long)e->place.revision, (unsigned long long)e->place.n,
               (unsigned long long)e->place.revision, (int)time_text(time_ns, time), time);
    buf_add_str(&out, said);
    if (e->key.type != RES_N)
        add_member(&out, "type", res_type_info(e->key.type)->name);
    if (e->key.mesh.n > 0)
        add_member(&out, "mesh", e->key.mesh);
    add_member(&out, "name", e->key.name);
    buf_add_str(&out, STR("}\n\n"));
    e->text = blob_from_buf(&out);
    buf_fini(&out);
}

/* ---- adding ---- */

static struct event_place place_behind(struct event_place last, uint64_t revision)
{
    if (revision > last.revision)
        return (struct event_place){revision, 0};
    return (struct event_place){last.revision, last.n + 1};
}

/* Takes the event over. Its place is known only now, so it is written out under the lock. */
static void put(struct events *ev, struct event *e, uint64_t revision, int64_t time_ns, struct str said)
{
    lock_take(&ev->lock);
    e->place = ev->last = place_behind(ev->last, revision);
    write_out(e, time_ns, said);
    struct event **slot = &ev->ring[ev->end++ % ev->n_kept], *old = *slot;
    *slot = e;
    if (old) {
        ev->behind = old->place;
        ev->first++;
    }
    struct mailbox *box = ev->mailed ? NULL : ev->box;
    ev->mailed |= box != NULL;
    lock_drop(&ev->lock);
    if (box)
        mailbox_send(box, ev->mail);
    event_free(old);
    COUNT(events_added);
}

void events_add(struct events *ev, enum event_kind kind, const struct res_key *key, const char *state,
                const struct event_member *members, size_t n)
{
    struct buf said;
    if (!ev)
        return;
    buf_init(&said, BUF_MAX_RESOURCE);
    add_member(&said, "state", str_from_c(state));
    for (size_t i = 0; i < n; i++)
        add_member(&said, members[i].key, members[i].text);
    put(ev, event_new(kind, key), 0, clock_wall_ns(), buf_str(&said));
    buf_fini(&said);
}

void events_add_mesh(struct events *ev, enum event_kind kind, struct str mesh, const char *state,
                     const struct event_member *members, size_t n)
{
    const struct res_key key = {RES_MESH, STR_NONE, mesh};
    events_add(ev, kind, &key, state, members, n);
}

struct told {
    uint64_t revision;
    int64_t time_ns;
    struct str author;
    bool is_history;
};

static void put_change(struct events *ev, enum history_op op, const struct res_key *key,
                       const struct told *told)
{
    struct event *e = event_new(EVENT_RESOURCE, key);
    struct buf said;
    e->is_history = told->is_history;
    buf_init(&said, BUF_MAX_RESOURCE);
    add_member(&said, "op", history_op_name(op));
    add_member(&said, "author", told->author);
    put(ev, e, told->revision, told->time_ns, buf_str(&said));
    buf_fini(&said);
}

static void take_change(struct events *ev, const struct change *c, const struct batch_tx *tx)
{
    const struct told told = {tx->revision, tx->time_ns, blob_str(tx->author), tx->is_history};
    const struct res_key *key = change_key(c);
    if (res_type_info(key->type)->traits & RES_NO_HISTORY) /* status of proxies: it has events of its own */
        return;
    put_change(ev, history_op_of(c->before, c->after), key, &told);
}

/* On the writer's thread. */
static void take_batch(void *ctx, struct batch *b)
{
    size_t i = 0;
    for (size_t t = 0; t < b->n_txs; t++) {
        for (; i < b->txs[t].end; i++)
            take_change(ctx, &b->changes[i], &b->txs[t]);
    }
}

/* Places of this instance come after those of an earlier one at the same revision, whose number is not
 * known: the seconds since 1970 are more than any had. */
struct events *events_new(struct store *store, size_t kept)
{
    struct events *ev = xcalloc(1, sizeof(*ev));
    struct snap *snap = store_subscribe(store, take_batch, ev);
    ev->n_kept = kept > 0 ? kept : 1;
    ev->ring = xcalloc(ev->n_kept, sizeof(struct event *));
    ev->last = (struct event_place){snap_revision(snap), (uint64_t)(clock_wall_ns() / NS_PER_S)};
    ev->behind = ev->opened = ev->last;
    snap_unref(snap);
    lock_init(&ev->lock);
    return ev;
}

void events_free(struct events *ev)
{
    if (!ev)
        return;
    for (size_t i = 0; i < ev->n_kept; i++)
        event_free(ev->ring[i]);
    lock_fini(&ev->lock);
    free(ev->ring);
    free(ev);
}

/* ---- recalling ---- */

struct recall {
    struct store_job job;
    struct mail done;
    struct mailbox box;
    struct events *events;
    struct err *err;
};

static void put_entry(struct events *ev, const struct history_entry *entry)
{
    const struct told told = {entry->revision, entry->time_ns, entry->author, true};
    for (size_t i = 0; i < entry->n_changes; i++)
        put_change(ev, entry->changes[i].op, &entry->changes[i].key, &told);
}

/* On the reader's thread, while everybody else waits. A revision that does not fit into an answer is not told
 * in part, nor what is before it. */
static void recall(struct store_job *job, struct history *h)
{
    struct recall *r = CONTAINER_OF(job, struct recall, job);
    struct events *ev = r->events;
    const struct history_scope everything = {.type = RES_N};
    struct history_page page;
    struct arena arena;
    size_t n = 0;
    arena_init(&arena);
    if (history_list(h, &everything, 0, ev->n_kept, &arena, &page, r->err) == ERR_NONE) {
        while (n < page.n && page.entries[n].n_omitted == 0)
            n++;
        if (n > 0)
            ev->last = ev->behind = (struct event_place){page.entries[n - 1].revision - 1, UINT64_MAX};
        while (n > 0)
            put_entry(ev, &page.entries[--n]);
        ev->last = ev->opened;
    }
    arena_fini(&arena);
    mailbox_send(&r->box, &r->done);
}

enum err_kind events_recall(struct events *ev, struct store *store, struct err *e)
{
    struct recall r = {.job = {.run = recall}, .events = ev, .err = e};
    mailbox_init(&r.box);
    if (store_submit(store, &r.job)) {
        mailbox_wait(&r.box, -1);
        (void)mailbox_take(&r.box);
    } else {
        err_set(e, ERR_UNAVAILABLE, "the store's reader has too much to do");
    }
    mailbox_fini(&r.box);
    return e->kind;
}

/* ---- reading ---- */

static const struct event *event_at(const struct events *ev, uint64_t i)
{
    return ev->ring[i % ev->n_kept];
}

struct event_place events_newest(struct events *ev)
{
    lock_take(&ev->lock);
    struct event_place last = ev->last;
    lock_drop(&ev->lock);
    return last;
}

void events_from_now(struct events *ev, struct event_cursor *c)
{
    lock_take(&ev->lock);
    c->next = ev->end;
    lock_drop(&ev->lock);
}

/* The first event behind a place that is not before the ring. */
static uint64_t find_behind(const struct events *ev, struct event_place place)
{
    uint64_t from = ev->first, to = ev->end;
    while (from < to) {
        uint64_t mid = from + (to - from) / 2;
        if (place_cmp(event_at(ev, mid)->place, place) <= 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

/* Of an earlier instance only changes are known, those of a revision in another order: who has not seen all
 * of them sees all of them again. */
static uint64_t find_in_past(const struct events *ev, struct event_place place)
{
    uint64_t from = ev->first, to;
    if (ev->behind.revision > place.revision ||
        (ev->behind.revision == place.revision && ev->behind.n != UINT64_MAX))
        return ev->end;
    if (place.revision > 0)
        from = find_behind(ev, (struct event_place){place.revision - 1, UINT64_MAX});
    to = from;
    while (to < ev->end && event_at(ev, to)->place.revision == place.revision && event_at(ev, to)->is_history)
        to++;
    return place.n >= to - from || place.n + 1 == to - from ? to : from;
}

bool events_from_place(struct events *ev, struct event_place place, struct event_cursor *c)
{
    lock_take(&ev->lock);
    bool past = place_cmp(place, ev->opened) < 0;
    bool held = !past && place_cmp(ev->behind, place) <= 0 && place_cmp(place, ev->last) <= 0;
    if (held)
        c->next = find_behind(ev, place);
    else
        c->next = past ? find_in_past(ev, place) : ev->end;
    lock_drop(&ev->lock);
    return held;
}

/* The changes of a revision come before whatever else happens at it. */
bool events_from_revision(struct events *ev, uint64_t revision, struct event_cursor *c)
{
    lock_take(&ev->lock);
    bool held = ev->behind.revision <= revision;
    c->next = ev->end;
    if (held && revision > 0)
        c->next = find_behind(ev, (struct event_place){revision - 1, UINT64_MAX});
    else if (held)
        c->next = ev->first;
    while (c->next < ev->end && event_at(ev, c->next)->place.revision == revision &&
           event_at(ev, c->next)->is_history)
        c->next++;
    lock_drop(&ev->lock);
    return held;
}

static bool may_hear(const struct event_filter *f, const struct event *e)
{
    const struct access_scope all = {.reach = REACH_GLOBAL, .type = RES_N};
    struct arena scratch;
    struct err ignored;

    if (e->key.type != RES_N)
        return access_sees(f->access, f->user, &e->key);
    arena_init(&scratch);
    err_init(&ignored, &scratch);
    bool may = access_check(f->access, f->user, ACCESS_ADMIN, &all, &ignored) == ERR_NONE;
    arena_fini(&scratch);
    return may;
}

static bool passes(const struct event_filter *f, const struct event *e)
{
    if ((f->kinds && !(f->kinds & 1u << e->kind)) || (f->types && !(f->types & UINT64_C(1) << e->key.type)))
        return false;
    if (f->mesh.p && !str_eq(f->mesh, e->key.type == RES_MESH ? e->key.name : e->key.mesh))
        return false;
    return may_hear(f, e);
}

/* Looks at a bounded number; EVENT_NONE with *more: there are others. */
static enum event_found look(struct events *ev, struct event_cursor *c, const struct event_filter *f,
                             struct blob **text, bool *more)
{
    for (int i = 0; i < LOOK_AT_ONCE; i++) {
        if (c->next < ev->first)
            return EVENT_LOST;
        if (c->next == ev->end)
            return EVENT_NONE;
        const struct event *e = event_at(ev, c->next);
        if (!passes(f, e)) {
            c->next++;
            continue;
        }
        if (text) {
            *text = blob_ref(e->text);
            c->next++;
        }
        return EVENT_FOUND;
    }
    *more = true;
    return EVENT_NONE;
}

enum event_found events_next(struct events *ev, struct event_cursor *c, const struct event_filter *f,
                             struct blob **text)
{
    enum event_found found;
    bool more;
    do {
        more = false;
        lock_take(&ev->lock);
        found = look(ev, c, f, text, &more);
        lock_drop(&ev->lock);
    } while (more);
    return found;
}

void events_listen(struct events *ev, struct mailbox *box, struct mail *mail)
{
    lock_take(&ev->lock);
    ev->box = box;
    ev->mail = mail;
    lock_drop(&ev->lock);
}

bool events_unlisten(struct events *ev)
{
    lock_take(&ev->lock);
    bool under_way = ev->mailed;
    ev->box = NULL;
    lock_drop(&ev->lock);
    return under_way;
}

void events_heed(struct events *ev)
{
    lock_take(&ev->lock);
    ev->mailed = false;
    lock_drop(&ev->lock);
}
