/* The memo's mechanism: entries, edges, staleness, garbage. */
#include "memo.h"

#include <assert.h>
#include <string.h>

#include "ursa/base/clock.h"
#include "ursa/base/list.h"
#include "ursa/base/map.h"
#include "ursa/base/vec.h"

/* 'user' read 'dep' when it had 'version'; linked into the dependency's list of users. */
struct edge {
    struct list in_dep;
    struct call *user, *dep;
    uint64_t version;
};

/* An entry of the memo: a call, and its value once it was asked for. What evaluating looks at comes first. */
struct call {
    struct memo_value value;
    bool has_run, running, stale, held;
    bool is_garbage; /* in the memo's list while nobody may want it */
    bool is_listed;  /* among those that are held and became stale */
    uint16_t function;
    uint32_t n_deps;
    uint32_t n_namers;  /* calls that have it as an argument, values that hold it */
    struct edge *deps;  /* in the order of reading */
    struct list users;  /* of struct edge.in_dep */
    struct call **kept; /* what the value holds */
    uint32_t n_kept;
    uint32_t key_size;
    const struct memo_fn *fn;
    uint64_t id;
    char key[]; /* struct head, the calls among the arguments, the others */
};

/* Inputs are read by the batch and by function. */
struct input {
    struct list touched;     /* in the memo's list until it is read again */
    struct list of_function; /* all inputs of one function */
    struct call call;
};

struct head {
    uint32_t function, n_calls;
};

struct function {
    uint64_t runs, hits, entries;
    struct list inputs;
};

struct memo {
    const struct memo_fn *const *fns;
    size_t n_functions;
    void *world;
    struct map entries; /* by key */
    uint64_t last_id;
    struct VEC(struct call *) garbage, stale;
    struct list touched;
    struct buf call;       /* the one under construction */
    struct memo_ctx *idle; /* contexts of finished runs */
    struct function functions[];
};

struct memo_ctx {
    struct memo *memo;
    struct call *call;
    struct arena arena;
    struct VEC(struct call *) deps;
    struct VEC(struct call *) kept;
    uint64_t last_version;
    struct memo_ctx *next; /* idle one */
};

#define KEY_MAX (16u << 20)

struct memo *memo_new(const struct memo_fn *const *functions, size_t n, void *world)
{
    assert(n <= UINT16_MAX);
    struct memo *m = xcalloc(1, sizeof *m + n * sizeof m->functions[0]);
    m->fns = functions;
    m->n_functions = n;
    m->world = world;
    map_init(&m->entries);
    list_init(&m->touched);
    buf_init(&m->call, KEY_MAX);
    for (size_t i = 0; i < n; i++)
        list_init(&m->functions[i].inputs);
    return m;
}

/* ---- calls ---- */
static struct head head_of(const struct call *c)
{
    struct head head;
    memcpy(&head, c->key, sizeof head);
    return head;
}

static struct str key_of(const struct call *c)
{
    return (struct str){c->key, c->key_size};
}

unsigned call_function(const struct call *c)
{
    return c->function;
}

static struct call *argument(const struct call *c, size_t i)
{
    struct call *arg;
    memcpy(&arg, c->key + sizeof(struct head) + i * sizeof arg, sizeof arg);
    return arg;
}

struct str call_args(const struct call *c)
{
    return str_slice(key_of(c), sizeof(struct head) + head_of(c).n_calls * sizeof(struct call *),
                     c->key_size);
}

uint64_t call_id(const struct call *c)
{
    return c->id;
}

static struct input *input_of(struct call *c)
{
    assert(c->fn->read);
    return CONTAINER_OF(c, struct input, call);
}

static struct call *call_alloc(struct memo *m, unsigned function, size_t key_size)
{
    if (!m->fns[function]->read)
        return xcalloc(1, sizeof(struct call) + key_size);
    struct input *in = xcalloc(1, sizeof *in + key_size);
    list_init(&in->touched);
    list_add_tail(&m->functions[function].inputs, &in->of_function);
    return &in->call;
}

static struct call *call_new(struct memo *m, struct str key)
{
    struct head head;
    memcpy(&head, key.p, sizeof head);
    struct call *c = call_alloc(m, head.function, key.n);
    c->function = (uint16_t)head.function;
    c->fn = m->fns[head.function];
    c->id = ++m->last_id;
    c->stale = true;
    c->key_size = (uint32_t)key.n;
    memcpy(c->key, key.p, key.n);
    list_init(&c->users);
    for (uint32_t i = 0; i < head.n_calls; i++)
        argument(c, i)->n_namers++;
    map_put(&m->entries, key_of(c), c);
    m->functions[head.function].entries++;
    return c;
}

static void set_value(struct call *c, struct memo_value fresh)
{
    if (c->value.p && c->fn->drop)
        c->fn->drop(c->value.p);
    c->value = fresh;
}

static void call_free(struct memo *m, struct call *c)
{
    m->functions[call_function(c)].entries--;
    set_value(c, (struct memo_value){0});
    free(c->deps);
    free(c->kept);
    if (!c->fn->read) {
        free(c);
        return;
    }
    list_del(&input_of(c)->touched);
    list_del(&input_of(c)->of_function);
    free(input_of(c));
}

void memo_clear(struct memo *m)
{
    size_t at = 0;
    struct str key;
    void *c;
    while (map_next(&m->entries, &at, &key, &c))
        call_free(m, c);
    map_fini(&m->entries);
    VEC_CLEAR(&m->garbage);
    VEC_CLEAR(&m->stale);
}

void memo_free(struct memo *m)
{
    if (!m)
        return;
    memo_clear(m);
    VEC_FINI(&m->garbage);
    VEC_FINI(&m->stale);
    buf_fini(&m->call);
    while (m->idle) {
        struct memo_ctx *ctx = m->idle;
        m->idle = ctx->next;
        arena_fini(&ctx->arena);
        VEC_FINI(&ctx->deps);
        VEC_FINI(&ctx->kept);
        free(ctx);
    }
    free(m);
}

/* ---- who wants what ---- */
/* Entries that nobody wants any more wait here; most of them are wanted again before the batch ends. */
static void note_garbage(struct memo *m, struct call *c)
{
    if (!list_empty(&c->users) || c->n_namers || c->held || c->is_garbage)
        return;
    c->is_garbage = true;
    VEC_PUSH(&m->garbage, c);
}

static void unname(struct memo *m, struct call *c)
{
    c->n_namers--;
    note_garbage(m, c);
}

static void release_kept(struct memo *m, struct call *c)
{
    for (uint32_t i = 0; i < c->n_kept; i++)
        unname(m, c->kept[i]);
    free(c->kept);
    c->kept = NULL;
    c->n_kept = 0;
}

static void keep(struct memo *m, struct call *c, struct call *const *kept, size_t n)
{
    for (size_t i = 0; i < n; i++)
        kept[i]->n_namers++;
    release_kept(m, c);
    if (n == 0)
        return;
    c->kept = xmalloc(n * sizeof(struct call *));
    memcpy(c->kept, kept, n * sizeof(struct call *));
    c->n_kept = (uint32_t)n;
}

static void unlink_deps(struct memo *m, struct call *c)
{
    for (uint32_t i = 0; i < c->n_deps; i++) {
        list_del(&c->deps[i].in_dep);
        note_garbage(m, c->deps[i].dep);
    }
    free(c->deps);
    c->deps = NULL;
    c->n_deps = 0;
}

static bool reads_the_same(const struct call *c, struct call *const *deps, size_t n)
{
    if (c->n_deps != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (c->deps[i].dep != deps[i])
            return false;
    }
    return true;
}

/* Most runs read what the last one read, so that only versions move. */
static void link_deps(struct memo *m, struct call *c, struct call *const *deps, size_t n)
{
    if (reads_the_same(c, deps, n)) {
        for (size_t i = 0; i < n; i++)
            c->deps[i].version = deps[i]->value.version;
        return;
    }
    unlink_deps(m, c);
    c->deps = xmalloc(n * sizeof *c->deps);
    c->n_deps = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        c->deps[i] = (struct edge){.user = c, .dep = deps[i], .version = deps[i]->value.version};
        list_add_tail(&deps[i]->users, &c->deps[i].in_dep);
    }
}

/* A user that is stale already has only stale users: nothing is fresh behind something stale. */
static void mark_users_stale(struct memo *m, struct call *c)
{
    LIST_FOR (node, &c->users) {
        struct call *user = LIST_ITEM(node, struct edge, in_dep)->user;
        if (user->stale)
            continue;
        user->stale = true;
        if (user->held && !user->is_listed) {
            user->is_listed = true;
            VEC_PUSH(&m->stale, user);
        }
        mark_users_stale(m, user);
    }
}

/* ---- running ---- */
static struct memo_ctx *ctx_begin(struct memo *m, struct call *c)
{
    struct memo_ctx *ctx = m->idle;
    if (ctx)
        m->idle = ctx->next;
    else
        ctx = xcalloc(1, sizeof *ctx);
    ctx->memo = m;
    ctx->call = c;
    return ctx;
}

static void ctx_end(struct memo_ctx *ctx)
{
    VEC_CLEAR(&ctx->deps);
    VEC_CLEAR(&ctx->kept);
    arena_reset(&ctx->arena);
    ctx->next = ctx->memo->idle;
    ctx->memo->idle = ctx;
}

/* An equal result keeps the old object, so that whoever holds it sees no change. */
static bool take_value(struct call *c, struct memo_value fresh)
{
    bool same = c->has_run && fresh.version == c->value.version;
    if (!same)
        set_value(c, fresh);
    else if (fresh.p && c->fn->drop)
        c->fn->drop(fresh.p);
    c->has_run = true;
    c->stale = false;
    return !same;
}

static void compute(struct memo *m, struct call *c)
{
    assert(c->fn->run && !c->running);
    c->running = true;
    struct memo_ctx *ctx = ctx_begin(m, c);
    struct memo_value fresh = c->fn->run(ctx, call_args(c));
    link_deps(m, c, ctx->deps.v, ctx->deps.n);
    if (take_value(c, fresh))
        keep(m, c, ctx->kept.v, ctx->kept.n);
    ctx_end(ctx);
    c->running = false;
}

static void run(struct memo *m, struct call *c)
{
    m->functions[call_function(c)].runs++;
    if (c->fn->read)
        take_value(c, c->fn->read(m->world, call_args(c)));
    else
        compute(m, c);
}

static void evaluate(struct memo *m, struct call *c);

static bool deps_unchanged(struct memo *m, struct call *c)
{
    for (uint32_t i = 0; i < c->n_deps; i++) {
        evaluate(m, c->deps[i].dep);
        if (c->deps[i].dep->value.version != c->deps[i].version)
            return false;
    }
    return true;
}

static void evaluate(struct memo *m, struct call *c)
{
    if (c->stale && c->has_run && !c->fn->read && deps_unchanged(m, c))
        c->stale = false;
    if (c->stale)
        run(m, c);
    else
        m->functions[call_function(c)].hits++;
}

/* ---- building a call ---- */
struct buf *memo_outer_call(struct memo *m, unsigned function)
{
    assert(function < m->n_functions);
    buf_clear(&m->call);
    buf_add(&m->call, &(struct head){.function = function}, sizeof(struct head));
    return &m->call;
}

struct buf *memo_call(struct memo_ctx *ctx, unsigned function)
{
    return memo_outer_call(ctx->memo, function);
}

void memo_add_call(struct memo_ctx *ctx, const struct call *c)
{
    struct buf *b = &ctx->memo->call;
    struct head head;
    memcpy(&head, b->p, sizeof head);
    assert(b->n == sizeof head + head.n_calls * sizeof c);
    head.n_calls++;
    memcpy(b->p, &head, sizeof head);
    buf_add(b, &c, sizeof c);
}

static struct call *find(struct memo *m)
{
    assert(buf_ok(&m->call));
    return map_find(&m->entries, buf_str(&m->call));
}

static struct call *find_or_add(struct memo *m)
{
    struct call *c = find(m);
    return c ? c : call_new(m, buf_str(&m->call));
}

struct call *memo_name(struct memo_ctx *ctx)
{
    struct call *c = find_or_add(ctx->memo);
    note_garbage(ctx->memo, c); /* unless somebody comes to want it */
    return c;
}

void memo_keep(struct memo_ctx *ctx, struct call *c)
{
    VEC_PUSH(&ctx->kept, c);
}

const void *memo_get_call(struct memo_ctx *ctx, struct call *c)
{
    evaluate(ctx->memo, c);
    VEC_PUSH(&ctx->deps, c);
    ctx->last_version = c->value.version;
    return c->value.p;
}

const void *memo_get(struct memo_ctx *ctx)
{
    return memo_get_call(ctx, find_or_add(ctx->memo));
}

uint64_t memo_last_version(const struct memo_ctx *ctx)
{
    return ctx->last_version;
}

size_t memo_n_calls(const struct memo_ctx *ctx)
{
    return head_of(ctx->call).n_calls;
}

struct call *memo_call_at(const struct memo_ctx *ctx, size_t i)
{
    assert(i < memo_n_calls(ctx));
    return argument(ctx->call, i);
}

struct arena *memo_arena(struct memo_ctx *ctx)
{
    return &ctx->arena;
}

void *memo_world(struct memo_ctx *ctx)
{
    return ctx->memo->world;
}

/* ---- from outside ---- */
void memo_release(struct memo *m)
{
    struct call *c = find(m);
    if (!c)
        return;
    c->held = false;
    note_garbage(m, c);
}

uint64_t memo_version(struct memo *m)
{
    const struct call *c = find(m);
    return c ? c->value.version : 0;
}

static void touch(struct memo *m, struct input *in)
{
    if (list_empty(&in->touched))
        list_add_tail(&m->touched, &in->touched);
}

void memo_touch(struct memo *m)
{
    struct call *c = find(m);
    if (c)
        touch(m, input_of(c));
}

void memo_touch_all(struct memo *m, unsigned function)
{
    LIST_FOR (node, &m->functions[function].inputs)
        touch(m, LIST_ITEM(node, struct input, of_function));
}

/* A batch may touch one input a thousand times; it is read once, when all of the batch is known. */
static void read_touched(struct memo *m)
{
    while (!list_empty(&m->touched)) {
        struct input *in = LIST_ITEM(m->touched.next, struct input, touched);
        list_del(&in->touched);
        uint64_t before = in->call.value.version;
        run(m, &in->call);
        if (in->call.value.version != before)
            mark_users_stale(m, &in->call);
    }
}

const void *memo_hold(struct memo *m)
{
    read_touched(m);
    struct call *c = find_or_add(m);
    c->held = true;
    evaluate(m, c);
    return c->value.p;
}

const void *memo_look(struct memo *m)
{
    read_touched(m);
    struct call *c = find_or_add(m);
    evaluate(m, c);
    note_garbage(m, c);
    return c->value.p;
}

bool memo_advance(struct memo *m, struct call *c, int64_t until_ns)
{
    size_t n = c->fn->asks_all ? head_of(c).n_calls : 0;
    for (size_t i = 0; i < n && c->stale; i++) {
        struct call *arg = argument(c, i);
        if (!arg->stale)
            continue;
        if (!memo_advance(m, arg, until_ns))
            return false;
        evaluate(m, arg);
        if (clock_mono_ns() >= until_ns)
            return false;
    }
    return true;
}

static void unlist(struct memo *m, const struct call *c)
{
    for (size_t i = 0; c->is_listed && i < m->stale.n; i++) {
        if (m->stale.v[i] == c)
            m->stale.v[i--] = m->stale.v[--m->stale.n];
    }
}

bool memo_next_stale(struct memo *m, struct str *args)
{
    read_touched(m);
    while (m->stale.n) {
        struct call *c = m->stale.v[--m->stale.n];
        c->is_listed = false;
        if (!c->held || !c->stale)
            continue;
        *args = call_args(c);
        return true;
    }
    return false;
}

void memo_collect(struct memo *m)
{
    while (m->garbage.n) {
        struct call *c = m->garbage.v[--m->garbage.n];
        c->is_garbage = false;
        if (c->held || c->n_namers || !list_empty(&c->users))
            continue;
        unlist(m, c);
        unlink_deps(m, c);
        release_kept(m, c);
        for (uint32_t i = 0; i < head_of(c).n_calls; i++)
            unname(m, argument(c, i));
        map_del(&m->entries, key_of(c));
        call_free(m, c);
    }
}

json_t *memo_stats(const struct memo *m)
{
    json_t *all = json_object();
    for (size_t i = 0; i < m->n_functions; i++) {
        const struct function *f = &m->functions[i];
        json_object_set_new(all, m->fns[i]->name,
                            json_pack("{s: I, s: I, s: I}", "runs", (json_int_t)f->runs, "hits",
                                      (json_int_t)f->hits, "entries", (json_int_t)f->entries));
    }
    return all;
}
