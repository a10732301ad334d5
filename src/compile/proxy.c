/* A proxy's configuration: the parts' resources, type by type, merged into one set.
 *
 * Parts say what there is by calls; a list evaluates one part's calls of one type. So a change of endpoints
 * runs the endpoints' function, one list a part that has them, and this merge, which only moves pointers. */
#include <string.h>

#include "functions.h"
#include "ursa/base/hash.h"

/* ---- lists ---- */
static struct memo_value run_list(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    enum xds_type type = (enum xds_type)key_get_u32(&r);
    const struct calls *calls = memo_get_call(ctx, key_get_str(&r));
    size_t n_calls = calls->v[type].n, n = 0;
    struct xds_resource **found = ARENA_ARRAY(memo_arena(ctx), struct xds_resource *, n_calls + 1);
    for (size_t i = 0; i < n_calls; i++) {
        const struct xds_resource *res = memo_get_call(ctx, calls->v[type].v[i]);
        if (res)
            found[n++] = (struct xds_resource *)(uintptr_t)res;
    }
    struct compiler *c = memo_world(ctx);
    struct part_list *list = xmalloc(sizeof *list);
    *list = (struct part_list){intern_list(&c->intern, found, n), n_calls - n};
    return (struct memo_value){list, hash_mix(list->list->version, list->n_failed) | 1};
}
static void drop_list(void *value)
{
    struct part_list *list = value;
    xds_list_unref(list->list);
    free(list);
}
const struct memo_fn fn_list = {.name = "list", .run = run_list, .drop = drop_list};

/* ---- the set ---- */
#define TYPE_BIT(t) (1u << (t))
static const struct {
    enum fn function;
    unsigned types; /* which lists of it may have something in them */
} parts[] = {
    {FN_OUTBOUND,
     TYPE_BIT(XDS_CLUSTER) | TYPE_BIT(XDS_ENDPOINT) | TYPE_BIT(XDS_LISTENER) | TYPE_BIT(XDS_ROUTE)},
    {FN_INBOUND,
     TYPE_BIT(XDS_CLUSTER) | TYPE_BIT(XDS_LISTENER) | TYPE_BIT(XDS_ROUTE) | TYPE_BIT(XDS_EXTENSION)},
    {FN_PROBES, TYPE_BIT(XDS_LISTENER)},
    {FN_ADMIN, TYPE_BIT(XDS_CLUSTER) | TYPE_BIT(XDS_LISTENER) | TYPE_BIT(XDS_SECRET)},
    {FN_SECRETS, TYPE_BIT(XDS_SECRET)},
};
#define N_PARTS ARRAY_LEN(parts)

struct params {
    struct str name, admin_address;
    uint32_t admin_port;
};

void call_proxy(struct buf *k, const struct proxy_params *p)
{
    key_str(k, p->name);
    key_u32(k, p->admin_port);
    key_str(k, p->admin_address);
}

static struct params read_params(struct str args)
{
    struct key_reader r = key_read(args);
    struct params p = {.name = key_get_str(&r)};
    p.admin_port = key_get_u32(&r);
    p.admin_address = key_get_str(&r);
    /* Listening everywhere includes loopback, where we reach it. */
    if (p.admin_address.n == 0 || str_eq(p.admin_address, STR("0.0.0.0")))
        p.admin_address = STR("127.0.0.1");
    else if (str_eq(p.admin_address, STR("::")))
        p.admin_address = STR("::1");
    return p;
}

/* The node says its admin address itself: anything but loopback would make the listener a way to another
 * host. */
static bool admin_wanted(const struct params *p)
{
    return p->admin_port &&
           (str_eq(p->admin_address, STR("127.0.0.1")) || str_eq(p->admin_address, STR("::1")));
}

static bool part_wanted(enum fn part, const struct params *p, const struct dataplane_spec *dp)
{
    if (part == FN_ADMIN)
        return admin_wanted(p);
    return part != FN_PROBES || dp->probes;
}

/* The call of each part; empty: the proxy has no such part. */
static void start_parts(struct memo_ctx *ctx, const struct params *p, const struct dataplane_spec *dp,
                        struct str calls[N_PARTS])
{
    for (size_t i = 0; i < N_PARTS; i++) {
        if (!part_wanted(parts[i].function, p, dp))
            continue;
        struct buf *k = memo_call(ctx, parts[i].function);
        switch ((int)parts[i].function) {
        case FN_OUTBOUND:
            call_outbound(k, dataplane_tag_sets(memo_arena(ctx), dp), dp->networking);
            break;
        case FN_INBOUND:
            call_inbound(k, dp->networking);
            break;
        case FN_PROBES:
            call_probes(k, dp);
            break;
        case FN_ADMIN:
            key_str(k, p->name);
            key_str(k, dp->networking->address);
            key_str(k, p->admin_address);
            key_u32(k, p->admin_port);
            break;
        default:
            key_str(k, p->name);
            break;
        }
        calls[i] = memo_call_bytes(ctx);
    }
}

/* All parts' resources of one type; the list itself when only one part has any. A new reference. */
static struct xds_list *merge(struct memo_ctx *ctx, enum xds_type type, const struct str calls[N_PARTS],
                              size_t *n_failed)
{
    const struct part_list *lists[N_PARTS];
    struct xds_list *only = NULL;
    size_t n_lists = 0, n = 0;
    for (size_t i = 0; i < N_PARTS; i++) {
        if (!calls[i].n || !(parts[i].types & TYPE_BIT(type)))
            continue;
        struct buf *k = memo_call(ctx, FN_LIST);
        key_u32(k, type);
        key_str(k, calls[i]);
        const struct part_list *list = memo_get(ctx);
        *n_failed += list->n_failed;
        if (list->list->n) {
            only = list->list;
            n += only->n;
            lists[n_lists++] = list;
        }
    }
    if (n_lists == 1)
        return xds_list_ref(only);
    struct xds_resource **all = ARENA_ARRAY(memo_arena(ctx), struct xds_resource *, n + 1);
    n = 0;
    for (size_t i = 0; i < n_lists; i++) {
        memcpy(&all[n], lists[i]->list->v, lists[i]->list->n * sizeof all[0]);
        n += lists[i]->list->n;
    }
    struct compiler *c = memo_world(ctx);
    return intern_list(&c->intern, all, n);
}

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
    struct params p = read_params(args);
    key_str(memo_call(ctx, FN_IN_DATAPLANE), p.name);
    const struct resource *dp = memo_get(ctx);
    if (!dp)
        return (struct memo_value){0};
    struct str calls[N_PARTS] = {0};
    start_parts(ctx, &p, resource_dataplane(dp), calls);

    const struct mesh_input *mesh = ask_mesh(ctx);
    const struct leaf *identity = NULL;
    uint64_t version = hash_content(mesh->backend.p, mesh->backend.n);
    if (mesh->mtls) {
        key_str(memo_call(ctx, FN_IN_IDENTITY), p.name);
        identity = memo_get(ctx);
        version = hash_mix(version, memo_last_version(ctx));
    }
    struct proxy_result *result = xcalloc(1, sizeof *result);
    result->set = set_new(mesh->backend, identity);
    for (size_t t = 0; t < XDS_N; t++) {
        result->set->lists[t] = merge(ctx, (enum xds_type)t, calls, &result->n_failed);
        version = hash_mix(version, result->set->lists[t]->version);
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
    size_t low = 0, high = l->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = str_cmp(name, l->v[mid]->name);
        if (c == 0)
            return l->v[mid];
        if (c < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}
