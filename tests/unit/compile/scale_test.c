/* What a change runs in a mesh of 50 proxies that all see 50 services: a function for each thing that
 * changed, a list for each that is different, and no more for each proxy than putting these together. */
#include "model.h"

#define N 50 /* proxies; one service each */
#define MESH STR("m")
#define EVERYBODY                                                                                            \
    "\"sources\": [{\"match\": {\"kuma.io/service\": \"*\"}}], \"destinations\": [{\"match\": "              \
    "{\"kuma.io/service\": \"*\"}}]"

struct world {
    struct model model;
    struct arena arena;
    struct follower mesh;
    struct VEC(struct config_set *) sets; /* of proxy-0 and on, as they were last */
    const char *protocol;
    bool transparent; /* all proxies are, and have no outbounds of their own */
    unsigned n_proxies;
};

static struct str proxy_name(struct world *w, unsigned i)
{
    return arena_printf(&w->arena, "proxy-%u", i);
}

static void put_proxy(struct world *w, unsigned number, unsigned service, unsigned n_outbounds)
{
    struct str out = STR("");
    for (unsigned i = 0; i < n_outbounds && !w->transparent; i++)
        out = arena_printf(&w->arena, STR_FMT "%s{\"port\": %u, \"tags\": {\"kuma.io/service\": \"s%u\"}}",
                           STR_ARG(out), i ? ", " : "", 10000 + i, i);
    model_put_spec(&w->model, RES_DATAPLANE, MESH, proxy_name(w, number),
                   arena_printf(&w->arena,
                                "\"networking\": {\"address\": \"10.0.0.%u\", \"inbound\": [{\"port\": 80, "
                                "\"servicePort\": 8080, \"tags\": {\"kuma.io/service\": \"s%u\", "
                                "\"kuma.io/protocol\": \"%s\"}}], \"outbound\": [" STR_FMT "]%s}",
                                number + 1, service, w->protocol, STR_ARG(out),
                                w->transparent ? ", \"transparentProxying\": {\"redirectPortInbound\": "
                                                 "15006, \"redirectPortOutbound\": 15001}"
                                               : ""));
    struct str name = arena_printf(&w->arena, "s%u", service);
    if (!w->model.vips || !snap_vip(w->model.vips, MESH, VIP_SERVICE, name))
        model_put_vip(&w->model, MESH, VIP_SERVICE, name, 0xf0000000);
}

static void put_policy(struct world *w, enum res_type type, const char *name, const char *selectors,
                       const char *conf)
{
    model_put_spec(&w->model, type, MESH, str_from_c(name),
                   arena_printf(&w->arena, "%s%s%s", selectors, *conf ? ", \"conf\": " : "", conf));
}

static void put_timeout(struct world *w, unsigned connect_s, unsigned request_s)
{
    struct str conf =
        arena_printf(&w->arena, "{\"connectTimeout\": \"%us\", \"http\": {\"requestTimeout\": \"%us\"}}",
                     connect_s, request_s);
    put_policy(w, RES_TIMEOUT, "everybody", EVERYBODY, conf.p);
}

static void put_mesh(struct world *w, const char *more)
{
    model_put_spec(&w->model, RES_MESH, STR(""), MESH,
                   arena_printf(&w->arena,
                                "\"mtls\": {\"enabledBackend\": \"ca\", \"backends\": [{\"name\": \"ca\", "
                                "\"type\": \"builtin\"}]}%s",
                                more));
}

/* Compiles every proxy at the model's state, once incrementally and once from nothing; how many got another
 * configuration. */
static unsigned compile(struct world *w)
{
    struct model *m = &w->model;
    struct snap *snap = model_snap(m);
    struct follower full;
    follower_init(&full, MESH);
    follow(&full, snap, &(struct model){0});
    follow(&w->mesh, snap, m);
    unsigned n_changed = 0;
    for (unsigned i = 0; i < w->n_proxies; i++) {
        expect_full(&w->mesh, &full, proxy_name(w, i));
        if (i == w->sets.n)
            VEC_PUSH(&w->sets, NULL);
        struct config_set *set = config(w->mesh.compiler, MESH, proxy_name(w, i));
        n_changed += set != w->sets.v[i];
        config_set_unref(w->sets.v[i]);
        w->sets.v[i] = set;
    }
    compiler_collect(w->mesh.compiler);
    follower_fini(&full);
    snap_unref(snap);
    model_end_step(m);
    return n_changed;
}

static void world_init(struct world *w, const char *protocol, bool transparent)
{
    *w = (struct world){.protocol = protocol, .transparent = transparent, .n_proxies = N};
    arena_init(&w->arena);
    follower_init(&w->mesh, MESH);
    put_mesh(w, "");
    put_timeout(w, 5, 15);
    put_policy(w, RES_TRAFFIC_ROUTE, "everybody", EVERYBODY,
               "{\"destination\": {\"kuma.io/service\": \"*\"}}");
    put_policy(w, RES_TRAFFIC_PERMISSION, "everybody", EVERYBODY, "");
    for (unsigned i = 0; i < N; i++)
        put_proxy(w, i, i, N);
    compile(w);
}

static void world_fini(struct world *w)
{
    for (size_t i = 0; i < w->sets.n; i++)
        config_set_unref(w->sets.v[i]);
    VEC_FINI(&w->sets);
    follower_fini(&w->mesh);
    model_fini(&w->model);
    arena_fini(&w->arena);
}

/* "name runs, ..." of what ran beside inputs, in the order of functions.def. */
static struct str runs_since(struct world *w, const json_t *before)
{
    json_t *after = compiler_stats(w->mesh.compiler), *counts;
    const char *function;
    struct str text = STR("");
    json_object_foreach(after, function, counts)
    {
        json_int_t more = json_integer_value(json_get(counts, "runs")) -
                          json_integer_value(json_get(json_get(before, function), "runs"));
        if (more && !str_has_prefix(str_from_c(function), STR("in_")))
            text = arena_printf(&w->arena, STR_FMT "%s%s %d", STR_ARG(text), text.n ? ", " : "", function,
                                (int)more);
    }
    json_decref(after);
    return text;
}

static void expect_step(struct world *w, const char *name, unsigned n_changed, const char *runs)
{
    json_t *before = compiler_stats(w->mesh.compiler);
    EXPECT_INT(name, compile(w), n_changed);
    EXPECT_STR(name, runs_since(w, before), runs);
    json_decref(before);
}

TEST(a_change_runs_what_changed_and_each_list_once)
{
    struct world w;
    world_init(&w, "http", false);
    expect_step(&w, "nothing", 0, "");
    put_proxy(&w, 100, 7, 0);
    expect_step(&w, "an endpoint more", 50, "protocol 1, endpoints 1, list 1, proxy 50");
    put_proxy(&w, 100, 8, 0);
    expect_step(&w, "it moves", 50, "protocol 2, endpoints 2, list 1, proxy 50");
    model_delete(&w.model, &(struct res_key){RES_DATAPLANE, MESH, STR("proxy-100")});
    expect_step(&w, "it is gone", 50, "protocol 1, endpoints 1, list 1, proxy 50");
    put_timeout(&w, 5, 16);
    expect_step(&w, "request timeout", 50, "policy 3, routes 50, list 51, proxy 50");
    put_timeout(&w, 6, 16);
    expect_step(&w, "connect timeout", 50, "policy 3, cluster 50, list 51, proxy 50");
    put_policy(&w, RES_TIMEOUT, "web",
               "\"sources\": [{\"match\": {\"kuma.io/service\": \"web\"}}], "
               "\"destinations\": [{\"match\": {\"kuma.io/service\": \"*\"}}]",
               "{\"connectTimeout\": \"1s\"}");
    expect_step(&w, "a policy for nobody here", 0, "matches 50, choose_outbound 1");
    put_policy(&w, RES_TRAFFIC_PERMISSION, "everybody",
               "\"sources\": [{\"match\": {\"kuma.io/service\": \"s1\"}}], "
               "\"destinations\": [{\"match\": {\"kuma.io/service\": \"*\"}}]",
               "");
    expect_step(&w, "permission", 50, "policy 1, choose_inbound 50, inbound_rbac 50, list 50, proxy 50");
    put_mesh(&w, ", \"routing\": {\"localityAwareLoadBalancing\": true}");
    expect_step(&w, "a switch of the mesh that nobody notices", 0,
                "endpoints 50, cluster 50, inbound_listener 50, secret_identity 50, secret_ca 1, inbound 50, "
                "parts 50, proxy 50");
    world_fini(&w);
}

TEST(a_proxy_more_runs_its_own)
{
    struct world w;
    world_init(&w, "http", false);
    put_proxy(&w, N, 7, N);
    w.n_proxies++;
    expect_step(&w, "a replica: the listeners of its service are there", 51,
                "protocol 1, endpoints 1, inbound_cluster 1, inbound_listener 1, admin_listener 1, "
                "secret_identity 1, secret_admin 1, secret_admin_ca 1, inbound 1, list 4, parts 1, proxy 51");
    put_proxy(&w, N + 1, N, N);
    w.n_proxies++;
    expect_step(&w, "a workload of its own says who it is in 50 listeners", 1,
                "matches 1, choose_inbound 1, outbound_listener 50, inbound_cluster 1, inbound_routes 1, "
                "inbound_rbac 1, inbound_listener 1, admin_listener 1, secret_identity 1, secret_admin 1, "
                "secret_admin_ca 1, outbound 1, inbound 1, list 6, parts 1, proxy 1");
    world_fini(&w);
}

TEST(sources_under_the_same_policies_share_all_that_is_not_http)
{
    struct world w;
    world_init(&w, "tcp", false);
    for (unsigned i = 1; i < N; i++) {
        EXPECT_TRUE("endpoints", w.sets.v[i]->lists[XDS_ENDPOINT] == w.sets.v[0]->lists[XDS_ENDPOINT]);
        for (unsigned k = 0; k < N; k++) {
            struct str name = arena_printf(&w.arena, "outbound:127.0.0.1:%u", 10000 + k);
            EXPECT_TRUE("listener", config_set_find(w.sets.v[i], XDS_LISTENER, name) ==
                                        config_set_find(w.sets.v[0], XDS_LISTENER, name));
        }
    }
    put_proxy(&w, N, N, N);
    w.n_proxies++;
    expect_step(
        &w, "a workload of its own", 1,
        "matches 1, choose_inbound 1, inbound_cluster 1, inbound_listener 1, admin_listener 1, "
        "secret_identity 1, secret_admin 1, secret_admin_ca 1, outbound 1, inbound 1, list 3, parts 1, "
        "proxy 1");
    world_fini(&w);
}

TEST(transparent_proxies_share_their_outbounds_whoever_they_are)
{
    struct world w;
    world_init(&w, "tcp", true);
    for (unsigned i = 1; i < N; i++) {
        EXPECT_TRUE("endpoints", w.sets.v[i]->lists[XDS_ENDPOINT] == w.sets.v[0]->lists[XDS_ENDPOINT]);
        EXPECT_TRUE("a listener at a VIP",
                    config_set_find(w.sets.v[i], XDS_LISTENER, STR("outbound:240.0.0.7:80")) ==
                        config_set_find(w.sets.v[0], XDS_LISTENER, STR("outbound:240.0.0.7:80")));
    }
    put_proxy(&w, 101, 7, 0);
    expect_step(&w, "an endpoint more", 50, "protocol 1, endpoints 1, list 1, proxy 50");
    put_proxy(&w, 101, N, 0);
    expect_step(&w, "it is a service of its own", 50,
                "protocol 2, vips 1, choose_outbound 4, endpoints 2, cluster 1, outbound_listener 1, "
                "dns_listener 1, plan 1, outbound 50, list 103, parts 50, proxy 50");
    put_proxy(&w, 101, 7, 0);
    expect_step(&w, "it is none any more", 50,
                "protocol 1, vips 1, choose_outbound 4, endpoints 1, dns_listener 1, plan 1, outbound 50, "
                "list 103, parts 50, proxy 50");
    put_mesh(&w, ", \"networking\": {\"outbound\": {\"passthrough\": false}}");
    expect_step(&w, "nothing leaves any more", 50, "transparent 1, list 51, parts 50, proxy 50");
    world_fini(&w);
}
