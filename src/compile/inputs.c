/* The inputs: the only functions that look at the view. Each reads as little as its readers need, and its
 * version covers exactly that. Values hold their own references, so an input that nobody touched may outlive
 * its view. */
#include <string.h>

#include "functions.h"
#include "ursa/base/hash.h"

static const struct view *view_of(void *world)
{
    return ((const struct compiler *)world)->view;
}

static uint64_t digest(const struct buf *b)
{
    return hash_content(b->p, b->n) | 1; /* never "nothing" */
}

static void free_value(void *v)
{
    free(v);
}

static void drop_res(void *r)
{
    resource_unref(r);
}

static struct memo_value resource_value(const struct resource *r)
{
    if (!r)
        return (struct memo_value){0};
    return (struct memo_value){resource_ref((struct resource *)(uintptr_t)r), r->spec_json->hash | 1};
}

static struct memo_value read_mesh(void *world, struct str args)
{
    (void)args;
    const struct view *v = view_of(world);
    const struct mesh_spec *spec = view_mesh(v);
    struct stance stance = view_stance(v);
    struct str name = view_mesh_name(v), backend_name = stance.issuer.p ? stance.issuer : STR("");
    struct mesh_input *in = xcalloc(1, sizeof *in + name.n + backend_name.n);
    char *text = (char *)(in + 1);
    memcpy(text, name.p, name.n);
    if (backend_name.n)
        memcpy(text + name.n, backend_name.p, backend_name.n);
    in->name = str_from(text, name.n);
    in->backend = str_from(text + name.n, backend_name.n);
    in->backend_hash = hash_content(backend_name.p, backend_name.n);
    in->mtls = stance.issuer.p;
    in->serve = stance.serve;
    in->dial = stance.dial;
    in->locality_aware = spec->routing && spec->routing->locality_aware_load_balancing;
    struct buf b;
    buf_init(&b, BUF_MAX_RESOURCE);
    key_str(&b, backend_name);
    key_u32(&b, in->mtls | (unsigned)in->locality_aware << 1 | in->serve << 2 | in->dial << 4);
    uint64_t version = digest(&b);
    buf_fini(&b);
    return (struct memo_value){in, version};
}
const struct memo_fn fn_in_mesh = {.name = "in_mesh", .read = read_mesh, .drop = free_value};

static struct memo_value read_service(void *world, struct str args)
{
    struct key_reader r = key_read(args);
    const struct service *s = view_service(view_of(world), key_get_str(&r));
    return s ? (struct memo_value){service_ref(s), s->version | 1} : (struct memo_value){0};
}
static void drop_service(void *s)
{
    service_unref(s);
}
const struct memo_fn fn_in_service = {.name = "in_service", .read = read_service, .drop = drop_service};

/* Other zones are reached with TLS alone; and where all must leave through an egress, not at all: there is
 * none. */
static struct remote *find_remote(const struct view *v, struct str service)
{
    const struct mesh_spec *mesh = view_mesh(v);
    bool through_egress = mesh->routing && mesh->routing->zone_egress;
    return view_stance(v).dial != DIAL_PLAIN && !through_egress ? view_remote(v, service) : NULL;
}

static struct memo_value read_remote(void *world, struct str args)
{
    struct key_reader r = key_read(args);
    struct remote *remote = find_remote(view_of(world), key_get_str(&r));
    return remote ? (struct memo_value){remote, remote->version | 1} : (struct memo_value){0};
}
static void drop_remote(void *remote)
{
    remote_free(remote);
}
const struct memo_fn fn_in_remote = {.name = "in_remote", .read = read_remote, .drop = drop_remote};

/* A service that is in other zones only needs nobody here to be ready. */
static struct memo_value read_tls_ready(void *world, struct str args)
{
    static char yes;
    struct key_reader r = key_read(args);
    struct str service = key_get_str(&r);
    const struct view *v = view_of(world);
    bool ready = view_service_tls_ready(v, service);
    if (!view_service(v, service)) {
        struct remote *remote = find_remote(v, service);
        ready = remote != NULL;
        remote_free(remote);
    }
    return ready ? (struct memo_value){&yes, 1} : (struct memo_value){0};
}
const struct memo_fn fn_in_tls_ready = {.name = "in_tls_ready", .read = read_tls_ready};

static struct memo_value read_dataplane(void *world, struct str args)
{
    struct key_reader r = key_read(args);
    return resource_value(view_dataplane(view_of(world), key_get_str(&r)));
}
const struct memo_fn fn_in_dataplane = {.name = "in_dataplane", .read = read_dataplane, .drop = drop_res};

static void add_selectors(struct buf *b, const struct selector *v, size_t n)
{
    key_u32(b, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        key_tags(b, &v[i].match);
}

/* Choosing reads names, selectors and ages; what a policy says is not part of this version. */
static struct memo_value read_selectors(void *world, struct str args)
{
    struct key_reader r = key_read(args);
    struct snap_range range = view_range(view_of(world), (enum res_type)key_get_u32(&r));
    struct policy_list *list = xcalloc(1, sizeof *list + range.n * sizeof list->v[0]);
    struct buf b;
    buf_init(&b, BUF_MAX_RESOURCE);
    struct snap_iter it = snap_iter(&range);
    for (const struct resource *p; (p = snap_next(&it));) {
        const struct policy_spec *spec = resource_policy(p);
        list->v[list->n++] = resource_ref((struct resource *)(uintptr_t)p);
        key_str(&b, p->key.name);
        buf_add(&b, &p->created_ns, sizeof p->created_ns);
        add_selectors(&b, spec->sources, spec->n_sources);
        add_selectors(&b, spec->destinations, spec->n_destinations);
    }
    uint64_t version = digest(&b);
    buf_fini(&b);
    return (struct memo_value){list, version};
}
static void drop_policy_list(void *value)
{
    struct policy_list *list = value;
    for (size_t i = 0; i < list->n; i++)
        resource_unref((struct resource *)(uintptr_t)list->v[i]);
    free(list);
}
const struct memo_fn fn_in_selectors = {
    .name = "in_selectors", .read = read_selectors, .drop = drop_policy_list};

/* VirtualOutbounds are few, and whoever reads one reads all. */
static struct memo_value read_virtual(void *world, struct str args)
{
    (void)args;
    struct snap_range range = view_range(view_of(world), RES_VIRTUAL_OUTBOUND);
    struct policy_list *list = xcalloc(1, sizeof *list + range.n * sizeof list->v[0]);
    struct buf b;
    buf_init(&b, BUF_MAX_RESOURCE);
    struct snap_iter it = snap_iter(&range);
    for (const struct resource *r; (r = snap_next(&it));) {
        list->v[list->n++] = resource_ref((struct resource *)(uintptr_t)r);
        buf_add(&b, &r->created_ns, sizeof r->created_ns);
        buf_add(&b, &r->spec_json->hash, sizeof r->spec_json->hash);
    }
    uint64_t version = digest(&b);
    buf_fini(&b);
    return (struct memo_value){list, version};
}
const struct memo_fn fn_in_virtual = {.name = "in_virtual", .read = read_virtual, .drop = drop_policy_list};

static struct memo_value read_policy(void *world, struct str args)
{
    struct key_reader r = key_read(args);
    enum res_type type = (enum res_type)key_get_u32(&r);
    const struct view *v = view_of(world);
    return resource_value(snap_find(view_snap(v), type, view_mesh_name(v), key_get_str(&r)));
}
const struct memo_fn fn_in_policy = {.name = "in_policy", .read = read_policy, .drop = drop_res};

static struct memo_value read_passthrough(void *world, struct str args)
{
    static char yes;
    (void)args;
    const struct mesh_networking *net = view_mesh(view_of(world))->networking;
    const struct opt_bool *passthrough = net && net->outbound ? &net->outbound->passthrough : NULL;
    bool allowed = !passthrough || !passthrough->set || passthrough->v;
    return allowed ? (struct memo_value){&yes, 1} : (struct memo_value){0};
}
const struct memo_fn fn_in_passthrough = {.name = "in_passthrough", .read = read_passthrough};

static struct memo_value bytes_value(struct buf *b)
{
    struct blob *blob = blob_new(b->p, b->n);
    buf_fini(b);
    return (struct memo_value){blob, blob->hash | 1};
}
static void drop_blob(void *blob)
{
    blob_unref(blob);
}

/* Allocation is no pure function either: it is the writer's (docs/decisions/0013). A service that nobody
 * offers keeps its address for when it comes back; until then it is not there. */
static struct memo_value read_vips(void *world, struct str args)
{
    (void)args;
    const struct view *v = view_of(world);
    struct vip_iter it = snap_vips(view_snap(v), view_mesh_name(v));
    struct buf b;
    buf_init(&b, BUF_MAX_RESOURCE);
    for (const struct vip *vip; (vip = vip_next(&it));) {
        if (vip->kind == VIP_SERVICE && !view_service(v, vip->name))
            continue;
        key_u32(&b, vip->kind);
        key_str(&b, vip->name);
        key_u32(&b, vip->address);
    }
    return bytes_value(&b);
}
const struct memo_fn fn_in_vips = {.name = "in_vips", .read = read_vips, .drop = drop_blob};

/* Texts of a set that is about to be sorted. */
struct texts {
    struct arena arena;
    struct VEC(struct str) v;
    struct buf one; /* the next one, while it is made */
};

static void texts_init(struct texts *t)
{
    *t = (struct texts){0};
    arena_init(&t->arena);
    buf_init(&t->one, BUF_MAX_RESOURCE);
}

static void texts_add(struct texts *t)
{
    VEC_PUSH(&t->v, arena_str(&t->arena, buf_str(&t->one)));
    buf_clear(&t->one);
}

/* All of them in order, each once; frees the set. */
static struct memo_value texts_value(struct texts *t)
{
    struct buf b;
    buf_init(&b, BUF_MAX_RESOURCE);
    size_t n = str_sort_distinct(t->v.v, t->v.n);
    for (size_t i = 0; i < n; i++)
        buf_add_str(&b, t->v.v[i]);
    VEC_FINI(&t->v);
    buf_fini(&t->one);
    arena_fini(&t->arena);
    return bytes_value(&b);
}

static struct memo_value read_tag_sets(void *world, struct str args)
{
    struct key_reader r = key_read(args);
    const struct service *s = view_service(view_of(world), key_get_str(&r));
    const struct dp_networking *net;
    const struct dp_inbound *in;
    struct texts sets;
    texts_init(&sets);
    for (size_t i = 0; s && (in = service_inbound(s, i, &net)); i++) {
        key_tags(&sets.one, &in->tags);
        texts_add(&sets);
    }
    return texts_value(&sets);
}
const struct memo_fn fn_in_tag_sets = {.name = "in_tag_sets", .read = read_tag_sets, .drop = drop_blob};

static void add_inbounds(struct texts *t, const struct service *s)
{
    const struct dp_networking *net;
    const struct dp_inbound *in;
    for (size_t i = 0; (in = service_inbound(s, i, &net)); i++) {
        struct str address = inbound_address(net, in);
        if (!envoy_address_is_ip(address))
            continue;
        key_str(&t->one, address);
        key_u32(&t->one, in->port);
        texts_add(t);
    }
}

static struct memo_value read_inbounds(void *world, struct str args)
{
    const struct view *v = view_of(world);
    struct key_reader r = key_read(args);
    struct str name = key_get_str(&r);
    bool all = str_eq(name, STR("*"));
    const struct service *s;
    struct texts inbounds;
    texts_init(&inbounds);
    for (size_t i = 0; all && (s = view_service_at(v, i)); i++)
        add_inbounds(&inbounds, s);
    s = all ? NULL : view_service(v, name);
    if (s)
        add_inbounds(&inbounds, s);
    return texts_value(&inbounds);
}
const struct memo_fn fn_in_inbounds = {.name = "in_inbounds", .read = read_inbounds, .drop = drop_blob};

static struct memo_value no_cert(bool soon)
{
    return (struct memo_value){NULL, soon ? VERSION_SOON : 0};
}

/* Issuing is no pure function, so certificates come from outside and only their versions count here. */
static struct memo_value read_identity(void *world, struct str args)
{
    const struct compiler *c = world;
    struct key_reader r = key_read(args);
    const struct resource *dp = view_dataplane(c->view, key_get_str(&r));
    bool soon = false;
    struct leaf *leaf = dp ? c->options.identity(c->options.ctx, c->view, dp, &soon) : NULL;
    return leaf ? (struct memo_value){leaf, leaf->version | 1} : no_cert(soon);
}
static void drop_leaf(void *leaf)
{
    leaf_unref(leaf);
}
const struct memo_fn fn_in_identity = {.name = "in_identity", .read = read_identity, .drop = drop_leaf};

static struct memo_value read_ca(void *world, struct str args)
{
    (void)args;
    const struct compiler *c = world;
    struct blob *bundle = c->options.ca(c->options.ctx, c->view);
    return bundle ? (struct memo_value){bundle, bundle->hash | 1} : (struct memo_value){0};
}
const struct memo_fn fn_in_ca = {.name = "in_ca", .read = read_ca, .drop = drop_blob};

static struct memo_value read_admin_cert(void *world, struct str args)
{
    const struct compiler *c = world;
    struct key_reader r = key_read(args);
    struct blob *ca = NULL;
    const struct resource *dp = view_dataplane(c->view, key_get_str(&r));
    bool soon = false;
    struct leaf *leaf = dp ? c->options.admin_cert(c->options.ctx, c->view, dp, &ca, &soon) : NULL;
    if (!leaf)
        return no_cert(soon);
    struct admin_cert *cert = xmalloc(sizeof *cert);
    *cert = (struct admin_cert){leaf, ca};
    return (struct memo_value){cert, hash_mix(leaf->version, ca->hash) | 1};
}
static void drop_admin_cert(void *value)
{
    struct admin_cert *cert = value;
    leaf_unref(cert->leaf);
    blob_unref(cert->ca);
    free(cert);
}
const struct memo_fn fn_in_admin_cert = {
    .name = "in_admin_cert", .read = read_admin_cert, .drop = drop_admin_cert};

static uint64_t host_version(const struct host *h)
{
    struct str address = host_address(h);
    return host_state(h) == HOST_ASKED   ? VERSION_SOON
           : host_state(h) == HOST_KNOWN ? hash_content(address.p, address.n) | 1
                                         : VERSION_SOON + 2;
}

static struct memo_value read_host(void *world, struct str args)
{
    struct compiler *c = world;
    struct key_reader r = key_read(args);
    struct host *h = c->options.resolver ? resolver_hold(c->options.resolver, key_get_str(&r)) : NULL;
    if (!h)
        return (struct memo_value){0};
    if (host_state(h) == HOST_ASKED)
        VEC_PUSH(&c->asked, host_hold(h));
    return (struct memo_value){h, host_version(h)};
}
static void drop_host(void *h)
{
    host_release(h);
}
const struct memo_fn fn_in_host = {.name = "in_host", .read = read_host, .drop = drop_host};
