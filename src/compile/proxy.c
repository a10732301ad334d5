/* A proxy's configuration: the parts' resources as one list a type.
 *
 * Parts say what there is by calls, and a list evaluates the calls of one type. What many proxies have in
 * common is a list within theirs, so a change of endpoints runs the endpoints' function, one list for all who
 * have the same ones, and, for each proxy, no more than putting its lists together. */
#include <string.h>

#include "functions.h"
#include "ursa/base/hash.h"

/* ---- lists ---- */
static struct list_item ask_item(struct memo_ctx *ctx, struct call *c, size_t *n_failed)
{
    const void *value = memo_get_call(ctx, c);
    if (call_function(c) == FN_LIST) {
        const struct part_list *part = value;
        *n_failed += part->n_failed;
        return (struct list_item){.list = part->list};
    }
    *n_failed += !value;
    return (struct list_item){.resource = (struct xds_resource *)(uintptr_t)value};
}

static struct memo_value run_list(struct memo_ctx *ctx, struct str args)
{
    (void)args;
    size_t n = memo_n_calls(ctx);
    struct list_item *items = ARENA_ARRAY(memo_arena(ctx), struct list_item, n);
    struct compiler *c = memo_world(ctx);
    struct part_list *part = xcalloc(1, sizeof *part);
    for (size_t i = 0; i < n; i++)
        items[i] = ask_item(ctx, memo_call_at(ctx, i), &part->n_failed);
    part->list = intern_list(&c->intern, xds_list_new(items, n));
    return (struct memo_value){part, hash_mix(part->list->version, part->n_failed) | 1};
}
static void drop_list(void *value)
{
    struct part_list *list = value;
    xds_list_unref(list->list);
    free(list);
}
const struct memo_fn fn_list = {.name = "list", .run = run_list, .drop = drop_list, .asks_all = true};

/* ---- the parts together ---- */
static part_fn *const parts[] = {part_outbound, part_inbound, part_transparent, part_direct,
                                 part_dns,      part_probes,  part_admin,       part_secrets};

void call_proxy(struct buf *k, const struct proxy_params *p)
{
    key_str(k, p->name);
    key_u32(k, p->admin_port);
    key_str(k, p->admin_address);
    key_u32(k, p->dns_port);
    key_u32(k, p->empty_dns_port);
}

struct params params_read(struct str args)
{
    struct key_reader r = key_read(args);
    struct params p = {.name = key_get_str(&r)};
    p.admin_port = key_get_u32(&r);
    p.admin_address = key_get_str(&r);
    p.dns_port = key_get_u32(&r);
    p.empty_dns_port = key_get_u32(&r);
    return p;
}

static struct memo_value run_parts(struct memo_ctx *ctx, struct str args)
{
    struct params params = params_read(args);
    key_str(memo_call(ctx, FN_IN_DATAPLANE), params.name);
    const struct resource *dp = memo_get(ctx);
    if (!dp)
        return (struct memo_value){0};
    const struct dataplane_spec *spec = ask_with_address(ctx, resource_dataplane(dp));
    struct calls *all = calls_new();
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        parts[i](ctx, &params, spec, all);
    calls_fold(all, ctx);
    for (size_t t = 0; t < XDS_N; t++) {
        if (all->v[t].n)
            continue;
        memo_call(ctx, FN_LIST); /* of nothing */
        calls_add(all, (enum xds_type)t, ctx);
    }
    return value_calls(ctx, all);
}
const struct memo_fn fn_parts = {.name = "parts", .run = run_parts, .drop = drop_calls};

/* ---- the set ---- */
static struct config_set *set_new(struct str issued_backend, const struct leaf *identity)
{
    struct config_set *set = xcalloc(1, sizeof *set + issued_backend.n + 1);
    atomic_init(&set->refs, 1);
    char *text = (char *)(set + 1);
    if (issued_backend.n)
        memcpy(text, issued_backend.p, issued_backend.n);
    set->issued_backend = str_from(text, issued_backend.n);
    set->identity = identity ? leaf_ref((struct leaf *)(uintptr_t)identity) : NULL;
    return set;
}

static struct memo_value run_proxy(struct memo_ctx *ctx, struct str args)
{
    buf_add_str(memo_call(ctx, FN_PARTS), args);
    const struct calls *lists = memo_get(ctx);
    if (!lists)
        return (struct memo_value){0};
    const struct mesh_input *mesh = ask_mesh(ctx);
    const struct leaf *identity = NULL;
    uint64_t version = mesh->backend_hash;
    if (mesh->mtls) {
        key_str(memo_call(ctx, FN_IN_IDENTITY), params_read(args).name);
        identity = memo_get(ctx);
        version = hash_mix(version, memo_last_version(ctx));
    }
    struct proxy_result *result = xcalloc(1, sizeof *result);
    result->set = set_new(mesh->backend, identity);
    for (size_t t = 0; t < XDS_N; t++) {
        const struct part_list *part = memo_get_call(ctx, lists->v[t].v[0]);
        result->set->lists[t] = xds_list_ref(part->list);
        result->n_failed += part->n_failed;
        version = hash_mix(version, part->list->version);
    }
    return (struct memo_value){result, hash_mix(version, result->n_failed) | 1};
}
static void drop_proxy(void *value)
{
    struct proxy_result *result = value;
    config_set_unref(result->set);
    free(result);
}
const struct memo_fn fn_proxy = {.name = "proxy", .run = run_proxy, .drop = drop_proxy};

/* ---- config sets ---- */
struct config_set *config_set_ref(struct config_set *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void config_set_unref(struct config_set *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t t = 0; t < XDS_N; t++)
        xds_list_unref(s->lists[t]);
    leaf_unref(s->identity);
    free(s);
}

bool config_set_eq(const struct config_set *a, const struct config_set *b)
{
    for (size_t t = 0; t < XDS_N; t++) {
        if (a->lists[t]->version != b->lists[t]->version)
            return false;
    }
    return str_eq(a->issued_backend, b->issued_backend) &&
           (a->identity ? a->identity->version : 0) == (b->identity ? b->identity->version : 0);
}

struct xds_resource *config_set_find(const struct config_set *s, enum xds_type type, struct str name)
{
    const struct xds_list *l = s->lists[type];
    size_t at = xds_search(l->v, l->n, 0, name);
    return at < l->n && str_eq(l->v[at]->name, name) ? l->v[at] : NULL;
}
