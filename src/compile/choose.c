/* Choosing policies: which ones select a source or an inbound, and the best of them for each service.
 *
 * Choosing for outbounds has two steps, so that sources which the same policies select share all that
 * follows: a mesh of a thousand workloads under policies for everybody chooses once. */
#include <assert.h>
#include <string.h>

#include "functions.h"
#include "ursa/base/hash.h"

static struct name_list *name_list_new(const struct str *names, size_t n, uint64_t *version)
{
    struct buf b;
    buf_init(&b, BUF_MAX_RESOURCE);
    for (size_t i = 0; i < n; i++)
        key_str(&b, names[i]);
    *version = hash_content(b.p, b.n) | 1;
    struct name_list *list = xcalloc(1, sizeof *list + n * sizeof list->v[0] + b.n);
    char *text = (char *)&list->v[n];
    list->n = n;
    for (size_t i = 0; i < n; i++) {
        if (names[i].n)
            memcpy(text, names[i].p, names[i].n);
        list->v[i] = str_from(text, names[i].n);
        text += names[i].n;
    }
    buf_fini(&b);
    return list;
}

static void drop_names(void *value)
{
    free(value);
}

static const struct policy_list *ask_selectors(struct memo_ctx *ctx, enum res_type type)
{
    key_u32(memo_call(ctx, FN_IN_SELECTORS), type);
    return memo_get(ctx);
}

/* ---- for outbounds ---- */
static struct call *name_matches(struct memo_ctx *ctx, enum policy_id id, struct tag_sets source)
{
    const struct policy_list *list = ask_selectors(ctx, policy_get(id)->type);
    struct source_match *matches = ARENA_ARRAY(memo_arena(ctx), struct source_match, list->n);
    size_t n = classic_match_source(list->v, list->n, source, matches);
    struct buf *k = memo_call(ctx, FN_TEXT);
    key_u32(k, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        key_str(k, matches[i].policy->key.name);
        key_u32(k, matches[i].rank.n_exact);
        key_u32(k, matches[i].rank.n_wildcards);
    }
    return memo_name(ctx);
}

static struct memo_value run_matches(struct memo_ctx *ctx, struct str args)
{
    (void)args;
    struct key_reader r = key_read(call_args(memo_call_at(ctx, 0)));
    struct tag_sets source = key_get_tag_sets(&r, memo_arena(ctx));
    struct matches *m = xcalloc(1, sizeof *m);
    uint64_t version = 0;
    for (unsigned id = 0; id < POLICY_N; id++) {
        if (policy_get(id)->scope == POLICY_PER_INBOUND)
            continue;
        m->v[id] = name_matches(ctx, id, source);
        memo_keep(ctx, m->v[id]);
        version = hash_mix(version, call_id(m->v[id]));
    }
    return (struct memo_value){m, version | 1};
}
static void drop_matches(void *value)
{
    free(value);
}
const struct memo_fn fn_matches = {.name = "matches", .run = run_matches, .drop = drop_matches};

/* The matches as they were named; both lists are sorted by name. They are all still there: who asks has just
 * learnt of them from MATCHES. */
static size_t read_matches(struct key_reader *r, const struct policy_list *list, struct source_match *out)
{
    size_t n = key_get_u32(r), at = 0;
    for (size_t i = 0; i < n; i++) {
        struct str name = key_get_str(r);
        while (at < list->n && !str_eq(list->v[at]->key.name, name))
            at++;
        assert(at < list->n);
        out[i].policy = list->v[at];
        out[i].rank.n_exact = key_get_u32(r);
        out[i].rank.n_wildcards = key_get_u32(r);
    }
    return n;
}

static struct memo_value run_choose_outbound(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args), matched = key_read(call_args(memo_call_at(ctx, 0))),
                      services = key_read(call_args(memo_call_at(ctx, 1)));
    struct arena *a = memo_arena(ctx);
    const struct policy_list *list = ask_selectors(ctx, policy_get((enum policy_id)key_get_u32(&r))->type);
    struct source_match *matches = ARENA_ARRAY(a, struct source_match, list->n);
    size_t n_matches = read_matches(&matched, list, matches);
    size_t n = key_get_u32(&services);
    struct str *names = ARENA_ARRAY(a, struct str, n);
    for (size_t i = 0; i < n; i++) {
        const struct resource *chosen = classic_choose_matched(matches, n_matches, key_get_str(&services));
        names[i] = chosen ? chosen->key.name : STR("");
    }
    struct memo_value v = {0};
    v.p = name_list_new(names, n, &v.version);
    return v;
}
const struct memo_fn fn_choose_outbound = {
    .name = "choose_outbound", .run = run_choose_outbound, .drop = drop_names};

/* ---- for inbounds ---- */
static struct memo_value run_choose_inbound(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    const struct policy_list *list = ask_selectors(ctx, policy_get((enum policy_id)key_get_u32(&r))->type);
    struct tags tags = key_get_tags(&r, memo_arena(ctx));
    const struct resource *chosen = classic_choose_inbound(list->v, list->n, &tags);
    struct str name = chosen ? chosen->key.name : STR("");
    struct memo_value v = {0};
    v.p = name_list_new(&name, 1, &v.version);
    return v;
}
const struct memo_fn fn_choose_inbound = {
    .name = "choose_inbound", .run = run_choose_inbound, .drop = drop_names};
