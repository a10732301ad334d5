/* The outbounds that a transparent proxy has at VIPs: every service of the mesh, and what VirtualOutbounds
 * make of them (xds.md 8.1 to 8.3). The same for every such proxy but for the services that it says it
 * reaches. */
#include "functions.h"
#include "ursa/base/hash.h"
#include "ursa/base/map.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PORT 80 /* of each service, whatever port its proxies listen at */
#define DEFAULT_DOMAIN "mesh"

static struct key_reader ask_bytes(struct memo_ctx *ctx)
{
    const struct blob *bytes = memo_get(ctx);
    return key_read(blob_str(bytes));
}

static void drop_blob(void *blob)
{
    blob_unref(blob);
}

/* ---- domains ---- */

struct match {
    struct virtual_outbound outbound;
    const struct resource *policy;
};

/* The most specific first, of equal ones the youngest. */
static int match_order(const void *a, const void *b)
{
    const struct match *x = a, *y = b;
    int order = rank_cmp(y->outbound.rank, x->outbound.rank);
    if (order == 0)
        order =
            (x->policy->created_ns < y->policy->created_ns) - (x->policy->created_ns > y->policy->created_ns);
    return order ? order : str_cmp(x->policy->key.name, y->policy->key.name);
}

static int domain_order(const void *a, const void *b)
{
    const struct virtual_outbound *x = a, *y = b;
    int order = str_cmp(x->domain, y->domain);
    return order ? order : (x->port > y->port) - (x->port < y->port);
}

struct domains {
    struct arena *arena;
    struct map taken; /* domain and port */
    struct VEC(struct virtual_outbound) v;
};

/* Of two that want the same domain and port the first one has it. */
static void add_domain(struct domains *d, const struct virtual_outbound *o)
{
    struct str key = arena_printf(d->arena, STR_FMT ":%u", STR_ARG(o->domain), o->port);
    if (!map_find(&d->taken, key)) {
        map_put(&d->taken, key, d);
        VEC_PUSH(&d->v, *o);
    }
}

static void add_matches(struct domains *d, const struct policy_list *policies, const struct tags *tags)
{
    struct match *found = ARENA_ARRAY(d->arena, struct match, policies->n);
    size_t n = 0;
    for (size_t i = 0; i < policies->n; i++) {
        found[n].policy = policies->v[i];
        n += virtual_outbound_of(resource_virtual_outbound(policies->v[i]), tags, d->arena,
                                 &found[n].outbound);
    }
    qsort(found, n, sizeof found[0], match_order);
    for (size_t i = 0; i < n; i++)
        add_domain(d, &found[i].outbound);
}

static void collect_domains(struct memo_ctx *ctx, struct domains *d)
{
    memo_call(ctx, FN_IN_VIRTUAL);
    const struct policy_list *policies = memo_get(ctx);
    if (policies->n == 0)
        return; /* and nobody asks what inbounds there are */
    memo_call(ctx, FN_IN_VIPS);
    struct key_reader vips = ask_bytes(ctx);
    while (key_more(&vips)) {
        enum vip_kind kind = (enum vip_kind)key_get_u32(&vips);
        struct str name = key_get_str(&vips);
        key_get_u32(&vips);
        if (kind != VIP_SERVICE)
            continue;
        key_str(memo_call(ctx, FN_IN_TAG_SETS), name);
        struct key_reader sets = ask_bytes(ctx);
        while (key_more(&sets)) {
            struct tags tags = key_get_tags(&sets, d->arena);
            add_matches(d, policies, &tags);
        }
    }
}

static struct memo_value run_domains(struct memo_ctx *ctx, struct str args)
{
    struct domains d = {.arena = memo_arena(ctx)};
    struct buf b;
    (void)args;
    map_init(&d.taken);
    collect_domains(ctx, &d);
    if (d.v.n)
        qsort(d.v.v, d.v.n, sizeof d.v.v[0], domain_order);
    buf_init(&b, BUF_MAX_RESOURCE);
    for (size_t i = 0; i < d.v.n; i++) {
        key_str(&b, d.v.v[i].domain);
        key_u32(&b, d.v.v[i].port);
        key_tags(&b, &d.v.v[i].tags);
    }
    VEC_FINI(&d.v);
    map_fini(&d.taken);
    struct blob *bytes = blob_new(b.p, b.n);
    buf_fini(&b);
    return (struct memo_value){bytes, bytes->hash | 1};
}
const struct memo_fn fn_domains = {.name = "domains", .run = run_domains, .drop = drop_blob};

/* ---- outbounds ---- */

static struct str address_text(struct arena *a, uint32_t address)
{
    return arena_printf(a, "%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255,
                        address & 255);
}

/* 'reachable' is sorted; empty means all. */
static bool is_reachable(const struct str_list *reachable, struct str service)
{
    return reachable->n == 0 ||
           bsearch(&service, reachable->v, reachable->n, sizeof service, str_order) != NULL;
}

static void add_outbound(struct vips *vips, uint32_t address, uint32_t port, const struct tags *tags)
{
    struct arena *a = &vips->arena;
    struct tags own = {.v = ARENA_ARRAY(a, struct tag, tags->n), .n = tags->n};
    for (size_t i = 0; i < tags->n; i++)
        own.v[i] = (struct tag){arena_str(a, tags->v[i].key), arena_str(a, tags->v[i].value)};
    VEC_PUSH(&vips->outbounds, ((struct vip_outbound){address_text(a, address), port, own}));
}

static void add_name(struct vips *vips, struct str domain, enum vip_name_kind kind, uint32_t address)
{
    VEC_PUSH(&vips->names, ((struct vip_name){domain, kind, address}));
}

/* A DNS name has no underscore in some eyes, so a dot does as well. */
static void add_service(struct vips *vips, const struct vip_names *names, struct str service,
                        uint32_t address)
{
    struct tag tag = {TAG_SERVICE, service};
    struct str domain = arena_printf(&vips->arena, STR_FMT ".%s", STR_ARG(service),
                                     names->domain ? names->domain : DEFAULT_DOMAIN);
    char *dotted = arena_alloc(&vips->arena, domain.n + 1);
    for (size_t i = 0; i < domain.n; i++)
        dotted[i] = i < service.n && domain.p[i] == '_' ? '.' : domain.p[i];
    add_outbound(vips, address, names->port ? names->port : DEFAULT_PORT, &(struct tags){.v = &tag, .n = 1});
    add_name(vips, domain, NAME_SERVICE, address);
    if (!str_eq(str_from(dotted, domain.n), domain))
        add_name(vips, str_from(dotted, domain.n), NAME_DOTTED, address);
}

/* The domain's outbounds, of the list that is sorted by domain. */
static void add_domain_outbounds(struct memo_ctx *ctx, struct vips *vips, const struct str_list *reachable,
                                 struct str domain, uint32_t address, struct key_reader *domains)
{
    struct arena *a = memo_arena(ctx);
    bool named = false;
    while (key_more(domains)) {
        struct key_reader before = *domains;
        struct str of = key_get_str(domains);
        int order = str_cmp(of, domain);
        if (order > 0) {
            *domains = before;
            return;
        }
        uint32_t port = key_get_u32(domains);
        struct tags tags = key_get_tags(domains, a);
        if (order < 0 || !is_reachable(reachable, tags_get(&tags, TAG_SERVICE)))
            continue; /* without an address, or not for this proxy */
        add_outbound(vips, address, port, &tags);
        if (!named)
            add_name(vips, arena_str(&vips->arena, domain), NAME_VIRTUAL, address);
        named = true;
    }
}

static int name_order(const void *a, const void *b)
{
    const struct vip_name *x = a, *y = b;
    int order = str_cmp(x->domain, y->domain);
    if (order == 0)
        order = (x->kind > y->kind) - (x->kind < y->kind);
    return order ? order : (x->address > y->address) - (x->address < y->address);
}

static void names_sort(struct vips *vips)
{
    size_t kept = 0;
    if (vips->names.n)
        qsort(vips->names.v, vips->names.n, sizeof vips->names.v[0], name_order);
    for (size_t i = 0; i < vips->names.n; i++) {
        if (kept == 0 || !str_eq(vips->names.v[i].domain, vips->names.v[kept - 1].domain))
            vips->names.v[kept++] = vips->names.v[i];
    }
    vips->names.n = kept;
}

static uint64_t vips_version(const struct vips *vips)
{
    struct buf b;
    buf_init(&b, BUF_MAX_RESOURCE);
    for (size_t i = 0; i < vips->outbounds.n; i++) {
        key_str(&b, vips->outbounds.v[i].address);
        key_u32(&b, vips->outbounds.v[i].port);
        key_tags(&b, &vips->outbounds.v[i].tags);
    }
    for (size_t i = 0; i < vips->names.n; i++) {
        key_str(&b, vips->names.v[i].domain);
        key_u32(&b, vips->names.v[i].address);
    }
    uint64_t version = hash_content(b.p, b.n) | 1;
    buf_fini(&b);
    return version;
}

static struct memo_value run_vips(struct memo_ctx *ctx, struct str args)
{
    struct key_reader r = key_read(args);
    struct str_list reachable = key_get_strs(&r, memo_arena(ctx));
    memo_call(ctx, FN_DOMAINS);
    struct key_reader domains = ask_bytes(ctx);
    memo_call(ctx, FN_IN_VIPS);
    struct key_reader entries = ask_bytes(ctx);
    const struct compiler *c = memo_world(ctx);
    struct vips *vips = xcalloc(1, sizeof *vips);
    arena_init(&vips->arena);
    while (key_more(&entries)) {
        enum vip_kind kind = (enum vip_kind)key_get_u32(&entries);
        struct str name = key_get_str(&entries);
        uint32_t address = key_get_u32(&entries);
        if (kind == VIP_DOMAIN)
            add_domain_outbounds(ctx, vips, &reachable, name, address, &domains);
        else if (is_reachable(&reachable, name))
            add_service(vips, &c->options.vips, name, address);
    }
    names_sort(vips);
    return (struct memo_value){vips, vips_version(vips)};
}
static void drop_vips(void *value)
{
    struct vips *vips = value;
    VEC_FINI(&vips->outbounds);
    VEC_FINI(&vips->names);
    arena_fini(&vips->arena);
    free(vips);
}
const struct memo_fn fn_vips = {.name = "vips", .run = run_vips, .drop = drop_vips};
