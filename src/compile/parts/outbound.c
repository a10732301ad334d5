/* The outbound part: the plan for a proxy's outbounds, and the listeners that say who calls.
 *
 * An HTTP listener tells the workload it calls who the source is, so each source has its own; all else is the
 * plan's. Replicas of a workload share this part. */
#include "../functions.h"

static struct call *name_source(struct memo_ctx *ctx, const struct dataplane_spec *dp)
{
    struct tag_sets source = dataplane_tag_sets(memo_arena(ctx), dp);
    key_tag_sets(memo_call(ctx, FN_TEXT), source);
    return memo_name(ctx);
}

/* Those of a transparent proxy at VIPs are for the plan to find: they are no argument of any proxy's. */
static struct call *name_outbounds(struct memo_ctx *ctx, const struct dp_networking *net)
{
    bool redirected = networking_is_transparent(net);
    struct buf *k = memo_call(ctx, FN_TEXT);
    key_u32(k, redirected);
    if (redirected)
        key_set(k, &net->transparent_proxying->reachable_services, memo_arena(ctx));
    key_u32(k, (uint32_t)net->n_outbound);
    for (size_t i = 0; i < net->n_outbound; i++) {
        const struct dp_outbound *o = &net->outbound[i];
        key_str(k, outbound_address(o));
        key_u32(k, o->port);
        key_tags(k, &o->tags);
    }
    return memo_name(ctx);
}

void part_outbound(struct memo_ctx *ctx, const struct params *params, const struct dataplane_spec *dp,
                   struct calls *out)
{
    (void)params;
    const struct call *outbounds = name_outbounds(ctx, dp->networking), *source = name_source(ctx, dp);
    memo_call(ctx, FN_OUTBOUND);
    memo_add_call(ctx, outbounds);
    memo_add_call(ctx, source);
    calls_add_all(out, memo_get(ctx));
}

static const struct plan *ask_plan(struct memo_ctx *ctx, const struct call *outbounds,
                                   const struct call *source)
{
    memo_call(ctx, FN_MATCHES);
    memo_add_call(ctx, source);
    const struct matches *matches = memo_get(ctx);
    memo_call(ctx, FN_PLAN);
    memo_add_call(ctx, outbounds);
    for (size_t id = 0; id < POLICY_N; id++) {
        if (matches->v[id])
            memo_add_call(ctx, matches->v[id]);
    }
    return memo_get(ctx);
}

/* ---- x-kuma-tags ---- */
static int tag_order(const void *a, const void *b)
{
    const struct tag *x = a, *y = b;
    int c = str_cmp(x->key, y->key);
    return c ? c : str_cmp(x->value, y->value);
}

/* "&kuma.io/service=a,b&&version=v1&": every tag of the source, sorted, with all of its values. */
static struct str source_header(struct arena *a, struct tag_sets sets)
{
    size_t n = 0;
    for (size_t i = 0; i < sets.n; i++)
        n += sets.v[i].n;
    struct tag *all = ARENA_ARRAY(a, struct tag, n);
    n = 0;
    for (size_t i = 0; i < sets.n; i++) {
        for (size_t k = 0; k < sets.v[i].n; k++)
            all[n++] = sets.v[i].v[k];
    }
    qsort(all, n, sizeof *all, tag_order);
    struct buf b;
    buf_init(&b, BUF_MAX_RESOURCE);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && tag_order(&all[i - 1], &all[i]) == 0)
            continue;
        if (i > 0 && str_eq(all[i - 1].key, all[i].key))
            buf_printf(&b, "," STR_FMT, STR_ARG(all[i].value));
        else
            buf_printf(&b, "%s&" STR_FMT "=" STR_FMT, i ? "&" : "", STR_ARG(all[i].key),
                       STR_ARG(all[i].value));
    }
    if (n)
        buf_add_byte(&b, '&');
    struct str value = arena_str(a, buf_str(&b));
    buf_fini(&b);
    return value;
}

/* ---- the part ---- */
static struct memo_value run_outbound(struct memo_ctx *ctx, struct str args)
{
    (void)args;
    const struct call *source = memo_call_at(ctx, 1);
    const struct plan *plan = ask_plan(ctx, memo_call_at(ctx, 0), source);
    struct calls *out = calls_new();
    struct arena *a = memo_arena(ctx);
    struct key_reader r = key_read(call_args(source));
    const struct call *header = name_text(ctx, source_header(a, key_get_tag_sets(&r, a)));
    for (size_t i = 0; i < plan->n_http; i++) {
        memo_call(ctx, FN_OUTBOUND_LISTENER);
        memo_add_call(ctx, plan->http[i]);
        memo_add_call(ctx, header);
        calls_add(out, XDS_LISTENER, ctx);
    }
    calls_fold(out, ctx);
    calls_add_all(out, plan->shared);
    return value_calls(ctx, out);
}
const struct memo_fn fn_outbound = {.name = "outbound", .run = run_outbound, .drop = drop_calls};
