/* history.c -- history as questions: the state at a revision, and which revisions changed what.
 *
 * What is live is read from the newest snapshot, what was superseded from the back end, which may be a commit
 * or two ahead of the snapshot: rows superseded since then are in both, and change nothing of any revision
 * up to the snapshot's. So the snapshot bounds every answer. */
#include "history.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "snap.h"
#include "ursa/base/vec.h"

bool makes_history(const struct res_key *key, enum res_origin origin)
{
    return origin != ORIGIN_PROXY && !(res_type_info(key->type)->traits & RES_NO_HISTORY);
}

void history_init(struct history *h, struct backend *backend, struct snap *take)
{
    *h = (struct history){.backend = backend, .snap = take};
}

void history_fini(struct history *h)
{
    if (h->begun)
        h->backend->ops->read_end(h->backend);
    snap_unref(h->snap);
}

static enum err_kind begin(struct history *h, struct err *e)
{
    if (h->begun)
        return ERR_NONE;
    h->begun = true;
    return h->backend->ops->read_begin(h->backend, &h->newest, &h->pruned, e);
}

enum err_kind history_bounds(struct history *h, uint64_t *oldest, uint64_t *newest, struct err *e)
{
    if (begin(h, e) != ERR_NONE)
        return e->kind;
    *oldest = h->pruned;
    *newest = h->snap->revision;
    return ERR_NONE;
}

/* ---- scopes ---- */

bool history_is_in_scope(const struct history_scope *scope, const struct res_key *key)
{
    if (scope->type != RES_N && key->type != scope->type)
        return false;
    if (scope->name.p && !str_eq(key->name, scope->name))
        return false;
    if (!scope->mesh.p)
        return true;
    return str_eq(key->type == RES_MESH ? key->name : key->mesh, scope->mesh);
}

static bool names_one(const struct history_scope *scope)
{
    return scope->type != RES_N && scope->name.p &&
           (scope->mesh.p != NULL) == (res_type_info(scope->type)->scope == SCOPE_MESH);
}

/* Calls 'each' with what is live in the scope and may make history. */
static void walk_live(const struct history *h, const struct history_scope *scope,
                      void (*each)(void *ctx, const struct resource *), void *ctx)
{
    if (names_one(scope)) {
        const struct resource *r = snap_find(h->snap, scope->type, scope->mesh, scope->name);
        if (r)
            each(ctx, r);
        return;
    }
    for (enum res_type type = 0; type < RES_N; type++) {
        if ((scope->type != RES_N && type != scope->type) || (res_type_info(type)->traits & RES_NO_HISTORY))
            continue;
        struct snap_range range = snap_range(h->snap, type, scope->mesh);
        struct snap_iter it = snap_iter(&range);
        for (const struct resource *r; (r = snap_next(&it));)
            if (history_is_in_scope(scope, &r->key))
                each(ctx, r);
    }
}

/* ---- the state at a revision ---- */

struct rewind {
    uint64_t revision;
    struct snap *snap;
};

/* What a proxy's Envoy told is no part of it. */
static void put_document(struct rewind *w, struct resource *r)
{
    struct resource *document = r->health.n > 0 ? dataplane_with_health(r, STR("")) : resource_ref(r);
    snap_put(w->snap, document);
    resource_unref(document);
}

/* What a proxy brought is no history: it is left out of the past, since nobody knows when it was there. */
static void turn_back(void *ctx, const struct resource *r)
{
    struct rewind *w = ctx;
    if (r->revision > w->revision || r->origin == ORIGIN_PROXY)
        snap_del(w->snap, &r->key);
    else if (r->health.n > 0)
        put_document(w, (struct resource *)(uintptr_t)r);
}

static void put_older(void *ctx, struct resource *r)
{
    struct rewind *w = ctx;
    if (makes_history(&r->key, r->origin))
        put_document(w, r);
    resource_unref(r);
}

enum err_kind history_at(struct history *h, uint64_t revision, const struct history_scope *scope,
                         struct snap **out, struct err *e)
{
    if (begin(h, e) != ERR_NONE)
        return e->kind;
    if (revision > h->snap->revision)
        return err_set(e, ERR_NOT_FOUND, "there is no revision %llu yet: the newest is %llu",
                       (unsigned long long)revision, (unsigned long long)h->snap->revision);
    if (revision < h->pruned)
        return err_set(e, ERR_NOT_FOUND, "revision %llu is no longer kept: the oldest is %llu",
                       (unsigned long long)revision, (unsigned long long)h->pruned);
    struct rewind w = {.revision = revision, .snap = snap_copy(h->snap)};
    w.snap->revision = revision;
    walk_live(h, scope, turn_back, &w);
    if (h->backend->ops->read_state(h->backend, revision, scope, put_older, &w, e) != ERR_NONE) {
        snap_unref(w.snap);
        return e->kind;
    }
    *out = w.snap;
    return ERR_NONE;
}

/* ---- which revisions changed what ---- */

/* A row that a revision wrote, and one that it superseded, of the same key make an update. */
struct event {
    uint64_t revision;
    struct res_key key; /* in the arena */
    bool superseded;
};

struct listing {
    const struct history *h;
    const struct history_scope *scope;
    uint64_t first, last; /* revisions that are looked at */
    void (*note)(struct listing *, uint64_t revision, const struct res_key *, bool superseded);
    uint64_t first_counted; /* of n_noted */
    uint32_t *n_noted;      /* how many events a revision has in the scope; NULL: not counted yet */
    struct arena *arena;
    struct VEC(struct event) events;
};

static void note(struct listing *l, uint64_t revision, const struct res_key *key, bool superseded)
{
    if (revision >= l->first && revision <= l->last)
        l->note(l, revision, key, superseded);
}

static bool is_seen(const struct listing *l, const struct res_key *key)
{
    return !l->scope->sees || l->scope->sees(l->scope->ctx, key);
}

static void note_row(void *ctx, const struct history_row *row)
{
    struct listing *l = ctx;
    if (!makes_history(&row->key, row->origin) || !is_seen(l, &row->key))
        return;
    note(l, row->revision, &row->key, false);
    note(l, row->superseded, &row->key, true);
}

static void note_live(void *ctx, const struct resource *r)
{
    struct listing *l = ctx;
    if (makes_history(&r->key, r->origin) && is_seen(l, &r->key))
        note(l, r->revision, &r->key, false);
}

/* Calls l->note for every row of the scope that a revision in [first, last] wrote or superseded. */
static enum err_kind walk(struct listing *l, struct err *e)
{
    const struct history *h = l->h;
    walk_live(h, l->scope, note_live, l);
    return h->backend->ops->read_rows(h->backend, l->first, l->last, l->scope, note_row, l, e);
}

static void count(struct listing *l, uint64_t revision, const struct res_key *key, bool superseded)
{
    (void)key, (void)superseded;
    l->n_noted[revision - l->first]++;
}

static void collect(struct listing *l, uint64_t revision, const struct res_key *key, bool superseded)
{
    struct event event = {.revision = revision, .superseded = superseded, .key = {.type = key->type}};
    event.key.mesh = key->mesh.n ? arena_str(l->arena, key->mesh) : STR_NONE;
    event.key.name = arena_str(l->arena, key->name);
    VEC_PUSH(&l->events, event);
}

static bool is_everything(const struct history_scope *scope)
{
    return scope->type == RES_N && !scope->mesh.p && !scope->name.p && !scope->sees;
}

static enum err_kind count_events(struct listing *l, struct err *e)
{
    l->first_counted = l->first;
    l->n_noted = xcalloc(l->last - l->first + 1, sizeof(l->n_noted[0]));
    l->note = count;
    return walk(l, e);
}

/* The revisions of the page, newest first, and how many there are in all. Revisions are numbered without
 * gaps, so that all of them need not be looked for. */
static enum err_kind find_page(struct listing *l, size_t offset, size_t size, struct history_page *out,
                               struct err *e)
{
    uint64_t n = l->last - l->first + 1;
    if (!is_everything(l->scope) && count_events(l, e) != ERR_NONE)
        return e->kind;
    out->entries = ARENA_ARRAY(l->arena, struct history_entry, size < n ? size : n);
    for (uint64_t i = n; i-- > 0;) {
        if (l->n_noted && !l->n_noted[i])
            continue;
        if (out->total >= offset && out->n < size)
            out->entries[out->n++].revision = l->first + i;
        out->total++;
    }
    return ERR_NONE;
}

/* Makes the page shorter when its revisions hold too much for one answer, and looks at no others from here
 * on. */
static enum err_kind fit_page(struct listing *l, struct history_page *page, struct err *e)
{
    size_t n_changes = 0;
    l->first = page->entries[page->n - 1].revision;
    l->last = page->entries[0].revision;
    if (!l->n_noted && count_events(l, e) != ERR_NONE)
        return e->kind;
    for (size_t i = 0; i < page->n; i++) {
        n_changes += l->n_noted[page->entries[i].revision - l->first_counted];
        if (i > 0 && n_changes > HISTORY_CHANGES)
            page->n = i;
    }
    l->first = page->entries[page->n - 1].revision;
    return ERR_NONE;
}

static int compare_events(const void *a, const void *b)
{
    const struct event *x = a, *y = b;
    if (x->revision != y->revision)
        return x->revision > y->revision ? -1 : 1; /* newest first */
    int order = res_key_cmp(&x->key, &y->key);
    return order ? order : (int)x->superseded - (int)y->superseded;
}

/* The changes of one revision from its events, which are sorted. */
static void fill_entry(struct history_entry *entry, const struct event *events, size_t n, struct arena *arena)
{
    entry->changes = ARENA_ARRAY(arena, struct history_change, n < HISTORY_CHANGES ? n : HISTORY_CHANGES);
    for (size_t i = 0, next; i < n; i = next) {
        bool wrote = false, superseded = false;
        for (next = i; next < n && res_key_cmp(&events[i].key, &events[next].key) == 0; next++) {
            wrote |= !events[next].superseded;
            superseded |= events[next].superseded;
        }
        if (entry->n_changes == HISTORY_CHANGES) {
            entry->n_omitted++;
            continue;
        }
        entry->changes[entry->n_changes++] = (struct history_change){
            .op = wrote && superseded ? HISTORY_UPDATE
                  : wrote             ? HISTORY_CREATE
                                      : HISTORY_DELETE,
            .key = events[i].key,
        };
    }
}

static enum err_kind fill_page(struct listing *l, struct history_page *page, struct err *e)
{
    const struct backend_ops *ops = l->h->backend->ops;
    size_t at = 0;
    l->note = collect;
    if (walk(l, e) != ERR_NONE)
        return e->kind;
    if (l->events.n)
        qsort(l->events.v, l->events.n, sizeof(l->events.v[0]), compare_events);
    for (size_t i = 0; i < page->n; i++) {
        struct history_entry *entry = &page->entries[i];
        if (ops->read_revision(l->h->backend, entry->revision, l->arena, entry, e) != ERR_NONE)
            return e->kind;
        size_t from = at;
        while (at < l->events.n && l->events.v[at].revision == entry->revision)
            at++;
        fill_entry(entry, &l->events.v[from], at - from, l->arena);
    }
    return ERR_NONE;
}

enum err_kind history_list(struct history *h, const struct history_scope *scope, size_t offset, size_t size,
                           struct arena *arena, struct history_page *out, struct err *e)
{
    *out = (struct history_page){0};
    if (begin(h, e) != ERR_NONE || h->pruned >= h->snap->revision)
        return e->kind;
    struct listing l = {
        .h = h, .scope = scope, .arena = arena, .first = h->pruned + 1, .last = h->snap->revision};
    enum err_kind kind = find_page(&l, offset, size, out, e);
    if (kind == ERR_NONE && out->n)
        kind = fit_page(&l, out, e);
    if (kind == ERR_NONE && out->n)
        kind = fill_page(&l, out, e);
    free(l.n_noted);
    VEC_FINI(&l.events);
    return kind;
}

/* ---- words ---- */

enum history_op history_op_of(const struct resource *before, const struct resource *after)
{
    if (!before)
        return HISTORY_CREATE;
    return after ? HISTORY_UPDATE : HISTORY_DELETE;
}

struct str history_op_name(enum history_op op)
{
    static const struct str names[] = {[HISTORY_CREATE] = STR_INIT("create"),
                                       [HISTORY_UPDATE] = STR_INIT("update"),
                                       [HISTORY_DELETE] = STR_INIT("delete")};
    return names[op];
}

/* ---- backup ---- */

enum err_kind history_backup(struct history *h, int *fd, uint64_t *revision, struct err *e)
{
    if (begin(h, e) != ERR_NONE)
        return e->kind;
    *revision = h->newest;
    return h->backend->ops->backup(h->backend, fd, e);
}
