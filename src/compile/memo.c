/* The memo's mechanism: entries, edges, staleness, garbage. */
#include "memo.h"

#include <assert.h>
#include <string.h>

#include "ursa/base/list.h"
#include "ursa/base/map.h"
#include "ursa/base/vec.h"

/* 'user' read 'dep' when it had 'version'; linked into the dependency's list of users. */
struct edge {
    struct list in_dep;
    struct entry *user, *dep;
    uint64_t version;
};

struct entry {
    const struct memo_fn *fn;
    struct memo_value value;
    struct edge *deps; /* in the order of reading */
    uint32_t n_deps;
    bool has_run, running, stale, held;
    struct list users;   /* of struct edge.in_dep */
    struct list garbage; /* in the memo's list while nobody may want it */
    struct list touched; /* in the memo's list until it is read again */
    uint32_t key_size;
    char key[]; /* function number, arguments */
};

struct counts {
    uint64_t runs, hits, entries;
};

struct memo {
    const struct memo_fn *const *functions;
    size_t n_functions;
    void *world;
    struct map entries; /* by key */
    struct list garbage, touched;
    struct buf call; /* the call under construction */
    struct counts counts[];
};

struct memo_ctx {
    struct memo *memo;
    struct arena arena;
    struct VEC(struct entry *) deps;
    uint64_t last_version;
};

#define KEY_MAX (16u << 20)

struct memo *memo_new(const struct memo_fn *const *functions, size_t n, void *world)
{
    assert(n <= UINT8_MAX);
    struct memo *m = xcalloc(1, sizeof *m + n * sizeof m->counts[0]);
    m->functions = functions;
    m->n_functions = n;
    m->world = world;
    map_init(&m->entries);
    list_init(&m->garbage);
    list_init(&m->touched);
    buf_init(&m->call, KEY_MAX);
    return m;
}

static struct str entry_key(const struct entry *e)
{
    return (struct str){e->key, e->key_size};
}

static void set_value(struct entry *e, struct memo_value fresh)
{
    if (e->value.p && e->fn->drop)
        e->fn->drop(e->value.p);
    e->value = fresh;
}

static unsigned fn_number(const struct entry *e)
{
    return (unsigned char)e->key[0];
}

static void entry_free(struct memo *m, struct entry *e)
{
    m->counts[fn_number(e)].entries--;
    list_del(&e->garbage);
    list_del(&e->touched);
    set_value(e, (struct memo_value){0});
    free(e->deps);
    free(e);
}

void memo_clear(struct memo *m)
{
    size_t at = 0;
    struct str key;
    void *e;
    while (map_next(&m->entries, &at, &key, &e))
        entry_free(m, e);
    map_fini(&m->entries);
    map_init(&m->entries);
}

void memo_free(struct memo *m)
{
    if (!m)
        return;
    memo_clear(m);
    map_fini(&m->entries);
    buf_fini(&m->call);
    free(m);
}

static struct entry *find(struct memo *m, struct str key)
{
    return map_find(&m->entries, key);
}

static struct entry *find_or_add(struct memo *m, struct str key)
{
    struct entry *e = find(m, key);
    if (e)
        return e;
    e = xcalloc(1, sizeof *e + key.n);
    memcpy(e->key, key.p, key.n);
    e->key_size = (uint32_t)key.n;
    e->fn = m->functions[fn_number(e)];
    e->stale = true;
    list_init(&e->users);
    list_init(&e->garbage);
    list_init(&e->touched);
    map_put(&m->entries, entry_key(e), e);
    m->counts[fn_number(e)].entries++;
    return e;
}

/* Entries that lose their last user wait here; most of them are wanted again before the batch ends. */
static void note_garbage(struct memo *m, struct entry *e)
{
    if (list_empty(&e->users) && !e->held && list_empty(&e->garbage))
        list_add_tail(&m->garbage, &e->garbage);
}

static void unlink_deps(struct memo *m, struct entry *e)
{
    for (uint32_t i = 0; i < e->n_deps; i++) {
        list_del(&e->deps[i].in_dep);
        note_garbage(m, e->deps[i].dep);
    }
    free(e->deps);
    e->deps = NULL;
    e->n_deps = 0;
}

static void link_deps(struct entry *e, struct entry *const *deps, size_t n)
{
    e->deps = n ? xmalloc(n * sizeof *e->deps) : NULL;
    e->n_deps = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        e->deps[i] = (struct edge){.user = e, .dep = deps[i], .version = deps[i]->value.version};
        list_add_tail(&deps[i]->users, &e->deps[i].in_dep);
    }
}

/* A user that is stale already has only stale users: nothing is fresh behind something stale. */
static void mark_users_stale(struct entry *e)
{
    LIST_FOR (node, &e->users) {
        struct entry *user = LIST_ITEM(node, struct edge, in_dep)->user;
        if (user->stale)
            continue;
        user->stale = true;
        mark_users_stale(user);
    }
}

static struct str entry_args(const struct entry *e)
{
    return (struct str){e->key + 1, e->key_size - 1};
}

static struct memo_value compute(struct memo *m, struct entry *e)
{
    struct memo_ctx *ctx = xcalloc(1, sizeof *ctx);
    ctx->memo = m;
    arena_init(&ctx->arena);
    struct memo_value value = e->fn->run(ctx, entry_args(e));
    unlink_deps(m, e);
    link_deps(e, ctx->deps.v, ctx->deps.n);
    VEC_FINI(&ctx->deps);
    arena_fini(&ctx->arena);
    free(ctx);
    return value;
}

static void run(struct memo *m, struct entry *e)
{
    assert(!e->running);
    e->running = true;
    m->counts[fn_number(e)].runs++;
    struct memo_value fresh = e->fn->read ? e->fn->read(m->world, entry_args(e)) : compute(m, e);
    /* An equal result keeps the old object, so that whoever holds it sees no change. */
    if (e->has_run && fresh.version == e->value.version) {
        if (fresh.p && e->fn->drop)
            e->fn->drop(fresh.p);
    } else {
        set_value(e, fresh);
    }
    e->has_run = true;
    e->stale = e->running = false;
}

static void evaluate(struct memo *m, struct entry *e);

static bool deps_unchanged(struct memo *m, struct entry *e)
{
    for (uint32_t i = 0; i < e->n_deps; i++) {
        evaluate(m, e->deps[i].dep);
        if (e->deps[i].dep->value.version != e->deps[i].version)
            return false;
    }
    return true;
}

static void evaluate(struct memo *m, struct entry *e)
{
    if (e->stale && e->has_run && !e->fn->read && deps_unchanged(m, e))
        e->stale = false;
    if (e->stale)
        run(m, e);
    else
        m->counts[fn_number(e)].hits++;
}

struct buf *memo_outer_call(struct memo *m, unsigned function)
{
    assert(function < m->n_functions);
    buf_clear(&m->call);
    buf_add_byte(&m->call, (uint8_t)function);
    return &m->call;
}

struct buf *memo_call(struct memo_ctx *ctx, unsigned function)
{
    return memo_outer_call(ctx->memo, function);
}

struct str memo_call_bytes(struct memo_ctx *ctx)
{
    assert(buf_ok(&ctx->memo->call));
    return arena_str(&ctx->arena, buf_str(&ctx->memo->call));
}

const void *memo_get_call(struct memo_ctx *ctx, struct str call)
{
    struct entry *e = find_or_add(ctx->memo, call);
    evaluate(ctx->memo, e);
    VEC_PUSH(&ctx->deps, e);
    ctx->last_version = e->value.version;
    return e->value.p;
}

const void *memo_get(struct memo_ctx *ctx)
{
    assert(buf_ok(&ctx->memo->call));
    return memo_get_call(ctx, buf_str(&ctx->memo->call));
}

uint64_t memo_last_version(const struct memo_ctx *ctx)
{
    return ctx->last_version;
}

struct arena *memo_arena(struct memo_ctx *ctx)
{
    return &ctx->arena;
}

void *memo_world(struct memo_ctx *ctx)
{
    return ctx->memo->world;
}

void memo_release(struct memo *m)
{
    struct entry *e = find(m, buf_str(&m->call));
    if (!e)
        return;
    e->held = false;
    note_garbage(m, e);
}

static void touch(struct memo *m, struct entry *e)
{
    assert(e->fn->read);
    if (list_empty(&e->touched))
        list_add_tail(&m->touched, &e->touched);
}

void memo_touch(struct memo *m)
{
    struct entry *e = find(m, buf_str(&m->call));
    if (e)
        touch(m, e);
}

void memo_touch_all(struct memo *m, unsigned function)
{
    size_t at = 0;
    struct str key;
    void *e;
    while (map_next(&m->entries, &at, &key, &e)) {
        if (fn_number(e) == function)
            touch(m, e);
    }
}

/* A batch may touch one input a thousand times; it is read once, when all of the batch is known. */
static void read_touched(struct memo *m)
{
    while (!list_empty(&m->touched)) {
        struct entry *e = LIST_ITEM(m->touched.next, struct entry, touched);
        list_del(&e->touched);
        uint64_t before = e->value.version;
        run(m, e);
        if (e->value.version != before)
            mark_users_stale(e);
    }
}

const void *memo_hold(struct memo *m)
{
    assert(buf_ok(&m->call));
    read_touched(m);
    struct entry *e = find_or_add(m, buf_str(&m->call));
    e->held = true;
    evaluate(m, e);
    return e->value.p;
}

void memo_collect(struct memo *m)
{
    while (!list_empty(&m->garbage)) {
        struct entry *e = LIST_ITEM(m->garbage.next, struct entry, garbage);
        list_del(&e->garbage);
        if (e->held || !list_empty(&e->users))
            continue;
        unlink_deps(m, e);
        map_del(&m->entries, entry_key(e));
        entry_free(m, e);
    }
}

json_t *memo_stats(const struct memo *m)
{
    json_t *all = json_object();
    for (size_t i = 0; i < m->n_functions; i++) {
        const struct counts *c = &m->counts[i];
        json_object_set_new(all, m->functions[i]->name,
                            json_pack("{s: I, s: I, s: I}", "runs", (json_int_t)c->runs, "hits",
                                      (json_int_t)c->hits, "entries", (json_int_t)c->entries));
    }
    return all;
}
