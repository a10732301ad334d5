/* One mesh's compiler: turns changes into touched inputs, and asks for proxies. */
#include <assert.h>
#include <string.h>

#include "functions.h"

static const struct memo_fn *const functions[FN_N] = {
#define FN(id, name) [FN_##id] = &fn_##name,
#include "functions.def"
#undef FN
};

struct compiler *compiler_new(struct str mesh, const struct compiler_options *options)
{
    struct compiler *c = xcalloc(1, sizeof *c);
    c->mesh = xstrndup(mesh);
    c->options = *options;
    intern_init(&c->intern);
    c->memo = memo_new(functions, FN_N, c);
    return c;
}

void compiler_free(struct compiler *c)
{
    if (!c)
        return;
    memo_free(c->memo);
    for (size_t i = 0; i < c->asked.n; i++)
        host_release(c->asked.v[i]);
    VEC_FINI(&c->asked);
    intern_fini(&c->intern);
    view_unref(c->view);
    free(c->mesh);
    free(c);
}

void compiler_clear(struct compiler *c)
{
    memo_clear(c->memo);
}

/* ---- from changes to inputs ---- */
/* The input of that kind, of which there is one. */
static void touch_only(struct compiler *c, enum fn input)
{
    memo_outer_call(c->memo, input);
    memo_touch(c->memo);
}

static void touch_name(struct compiler *c, enum fn input, struct str name)
{
    key_str(memo_outer_call(c->memo, input), name);
    memo_touch(c->memo);
}

/* Whether a service is offered at all is what its VIP's being shown depends on. */
static void touch_services(struct compiler *c, const struct view *last, const struct resource *dataplane)
{
    const struct dp_networking *net = resource_dataplane(dataplane)->networking;
    for (size_t i = 0; i < net->n_inbound; i++) {
        struct str service = tags_get(&net->inbound[i].tags, TAG_SERVICE);
        if (!service.p)
            continue;
        touch_name(c, FN_IN_SERVICE, service);
        touch_name(c, FN_IN_TLS_READY, service);
        touch_name(c, FN_IN_TAG_SETS, service);
        touch_name(c, FN_IN_INBOUNDS, service);
        if (last && !view_service(last, service) != !view_service(c->view, service))
            touch_only(c, FN_IN_VIPS);
    }
}

static void touch_dataplane(struct compiler *c, const struct view *last, const struct change *change)
{
    if (change->before)
        touch_services(c, last, change->before);
    if (change->after)
        touch_services(c, last, change->after);
    touch_name(c, FN_IN_INBOUNDS, STR("*"));
    touch_name(c, FN_IN_DATAPLANE, change_key(change)->name);
    touch_name(c, FN_IN_IDENTITY, change_key(change)->name);
    touch_name(c, FN_IN_ADMIN_CERT, change_key(change)->name);
}

static void touch_insight(struct compiler *c, struct str name)
{
    const struct resource *dp = view_dataplane(c->view, name);
    const struct dp_networking *net = dp ? resource_dataplane(dp)->networking : NULL;
    for (size_t i = 0; net && i < net->n_inbound; i++)
        touch_name(c, FN_IN_TLS_READY, tags_get(&net->inbound[i].tags, TAG_SERVICE));
}

/* Inputs of which every one may have changed: a set, so that a batch walks over the memo once. */
#define ALL_OF(input) (1u << FN_##input)
#define ALL_CERTIFICATES (ALL_OF(IN_CA) | ALL_OF(IN_IDENTITY))
#define ALL_OF_POSTURE (ALL_OF(IN_MESH) | ALL_OF(IN_REMOTE) | ALL_OF(IN_TLS_READY) | ALL_CERTIFICATES)

static void touch_whole(struct compiler *c, unsigned inputs)
{
    for (unsigned fn = 0; inputs >> fn; fn++) {
        if (inputs >> fn & 1)
            memo_touch_all(c->memo, fn);
    }
}

static void touch_policy(struct compiler *c, const struct res_key *key)
{
    key_u32(memo_outer_call(c->memo, FN_IN_SELECTORS), key->type);
    memo_touch(c->memo);
    struct buf *k = memo_outer_call(c->memo, FN_IN_POLICY);
    key_u32(k, key->type);
    key_str(k, key->name);
    memo_touch(c->memo);
}

static void touch_remote(void *ctx, struct str mesh, struct str service)
{
    struct compiler *c = ctx;
    if (!str_eq(mesh, view_mesh_name(c->view)))
        return;
    touch_name(c, FN_IN_REMOTE, service);
    touch_name(c, FN_IN_TLS_READY, service);
}

/* Touches what the change can have changed; what it can have changed everywhere is added to '*whole'. */
static void touch(struct compiler *c, const struct view *last, const struct change *change, unsigned *whole)
{
    const struct res_key *key = change_key(change);
    struct str own = view_mesh_name(c->view);
    switch ((int)key->type) {
    case RES_MESH:
        if (str_eq(key->name, own))
            *whole |= ALL_OF_POSTURE | ALL_OF(IN_PASSTHROUGH);
        return;
    case RES_ZONE_INGRESS:
        remote_changes(change, touch_remote, c);
        return;
    case RES_GLOBAL_SECRET:
        *whole |= ALL_OF(IN_ADMIN_CERT);
        return;
    default:
        break;
    }
    if (!str_eq(key->mesh, own))
        return;
    if (key->type == RES_DATAPLANE)
        touch_dataplane(c, last, change);
    else if (key->type == RES_DATAPLANE_INSIGHT)
        touch_insight(c, key->name);
    else if (key->type == RES_SECRET)
        *whole |= ALL_CERTIFICATES;
    else if (key->type == RES_MESH_POSTURE)
        *whole |= ALL_OF_POSTURE;
    else if (key->type == RES_VIRTUAL_OUTBOUND)
        touch_only(c, FN_IN_VIRTUAL);
    else if (res_type_info(key->type)->traits & RES_POLICY)
        touch_policy(c, key);
}

void compiler_update(struct compiler *c, struct view *view, const struct change *changes, size_t n)
{
    struct view *last = c->view;
    c->view = view ? view_ref(view) : NULL;
    if (!view)
        memo_clear(c->memo);
    unsigned whole = 0;
    for (size_t i = 0; view && i < n; i++)
        touch(c, last, &changes[i], &whole);
    touch_whole(c, whole);
    if (view && last && !snap_vips_same(view_snap(last), view_snap(view), view_mesh_name(view)))
        touch_only(c, FN_IN_VIPS);
    view_unref(last);
}

void compiler_touch_certificates(struct compiler *c, struct str proxy)
{
    if (!c->view)
        return;
    touch_name(c, FN_IN_IDENTITY, proxy);
    touch_name(c, FN_IN_ADMIN_CERT, proxy);
}

bool compiler_touch_host(struct compiler *c, struct str name)
{
    if (!c->view)
        return false;
    key_str(memo_outer_call(c->memo, FN_IN_HOST), name);
    if (memo_version(c->memo) == 0)
        return false;
    memo_touch(c->memo);
    return true;
}

/* ---- asking ---- */
/* The proxy asked for what it needs, so an input that nobody asked for is none of its. */
static bool is_soon(struct compiler *c, enum fn input, struct str proxy)
{
    key_str(memo_outer_call(c->memo, input), proxy);
    return memo_version(c->memo) == VERSION_SOON;
}

/* Whether a name of the mesh is still looked up for the first time. */
static bool hosts_are_soon(struct compiler *c)
{
    size_t n_left = 0;
    for (size_t i = 0; i < c->asked.n; i++) {
        if (host_state(c->asked.v[i]) == HOST_ASKED)
            c->asked.v[n_left++] = c->asked.v[i];
        else
            host_release(c->asked.v[i]);
    }
    c->asked.n = n_left;
    return n_left > 0;
}

bool compiler_advance(struct compiler *c, const struct proxy_params *params, int64_t until_ns)
{
    if (!c->view)
        return true;
    call_proxy(memo_outer_call(c->memo, FN_PARTS), params);
    const struct calls *lists = memo_look(c->memo);
    for (size_t t = 0; lists && t < XDS_N; t++) {
        if (!memo_advance(c->memo, lists->v[t].v[0], until_ns))
            return false;
    }
    return true;
}

enum err_kind compiler_config(struct compiler *c, const struct proxy_params *params, struct config_set **out,
                              struct err *e)
{
    assert(str_eq(params->mesh, str_from_c(c->mesh)));
    const struct proxy_result *result = NULL;
    if (c->view) {
        call_proxy(memo_outer_call(c->memo, FN_PROXY), params);
        result = memo_hold(c->memo);
    }
    if (!result)
        return err_set(e, ERR_NOT_FOUND, "Dataplane " STR_FMT " of mesh %s not found", STR_ARG(params->name),
                       c->mesh);
    if (is_soon(c, FN_IN_IDENTITY, params->name) || is_soon(c, FN_IN_ADMIN_CERT, params->name))
        return err_set(e, ERR_UNAVAILABLE, "a certificate of proxy " STR_FMT " is being made",
                       STR_ARG(params->name));
    if (hosts_are_soon(c))
        return err_set(e, ERR_UNAVAILABLE, "host names of mesh %s are looked up", c->mesh);
    *out = config_set_ref(result->set);
    if (result->n_failed)
        return err_set(e, ERR_BUG, "%zu resources of proxy " STR_FMT " could not be built", result->n_failed,
                       STR_ARG(params->name));
    return ERR_NONE;
}

void compiler_forget(struct compiler *c, const struct proxy_params *params)
{
    call_proxy(memo_outer_call(c->memo, FN_PROXY), params);
    memo_release(c->memo);
}

bool compiler_next_stale(struct compiler *c, struct str *name)
{
    struct str args;
    if (!c->view || !memo_next_stale(c->memo, &args))
        return false;
    struct key_reader r = key_read(args);
    *name = key_get_str(&r);
    return true;
}

struct blob *compiler_health_checks(struct compiler *c, const struct proxy_params *params)
{
    assert(str_eq(params->mesh, str_from_c(c->mesh)));
    if (!c->view)
        return NULL;
    call_proxy(memo_outer_call(c->memo, FN_HEALTH_CHECKS), params);
    return blob_ref((struct blob *)(uintptr_t)memo_hold(c->memo));
}

void compiler_forget_health_checks(struct compiler *c, const struct proxy_params *params)
{
    call_proxy(memo_outer_call(c->memo, FN_HEALTH_CHECKS), params);
    memo_release(c->memo);
}

void compiler_collect(struct compiler *c)
{
    memo_collect(c->memo);
    intern_collect(&c->intern);
}

json_t *compiler_stats(const struct compiler *c)
{
    return memo_stats(c->memo);
}
