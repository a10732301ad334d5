/* compile_bench.c -- what the compiler takes for a mesh, and for one change of it: time, memory, functions
 * run.
 *
 * Certificates are fixed texts, so this measures compiling alone. Each shape is a fleet of meshes; a change
 * is made in the first. Usage: compile_bench [SHAPE...]; without any, all shapes. */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../tests/tools/fixed_certs.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"
#include "ursa/base/vec.h"

struct shape {
    const char *name;
    unsigned n_meshes, n_proxies, n_services;
    unsigned n_outbounds; /* 0: transparently proxied, every service at its VIP */
    bool http;
};
static const struct shape shapes[] = {
    {"500x100-http", 1, 500, 100, 100, true},
    {"1000x1000-10", 1, 1000, 1000, 10, true},
    {"1000x1000-tcp", 1, 1000, 1000, 0, false},
    {"250-meshes", 250, 100, 20, 20, true},
};

/* CPU time, so that a busy machine measures the same. */
static double cpu_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double heap_mb(void)
{
    struct mallinfo2 m = mallinfo2();

    return (double)(m.uordblks + m.hblkhd) / 1e6;
}

/* ---- the world ---- */
struct mesh {
    char name[16];
    struct resource **v; /* as they are now */
    size_t n;
    struct snap *vips; /* a snapshot of nothing else */
    struct snap *snap;
    struct view *view;
    struct compiler *compiler;
};

static struct resource *resource(enum res_type type, const char *mesh, const char *name, const char *spec)
{
    struct arena a;
    struct err e;
    json_t *doc = NULL;
    struct resource *r = NULL;

    arena_init(&a);
    err_init(&e, &a);
    struct str text = arena_printf(&a, "{\"type\": \"" STR_FMT "\", \"name\": \"%s\"%s%s%s, %s}",
                                   STR_ARG(res_type_info(type)->name), name, *mesh ? ", \"mesh\": \"" : "",
                                   mesh, *mesh ? "\"" : "", spec);
    if (json_parse(text, &doc, &e) || resource_decode(type, doc, &r, &e)) {
        struct str fault = err_render(&e, &a);
        fprintf(stderr, STR_FMT "\n", STR_ARG(fault));
        exit(1);
    }
    json_decref(doc);
    arena_fini(&a);
    return r;
}

/* Unless it has all outbounds, they begin with its own service. */
static struct resource *dataplane(const struct shape *s, const char *mesh, unsigned number, unsigned service,
                                  unsigned n_outbounds)
{
    struct buf b;
    char name[32];

    buf_init(&b, BUF_MAX_RESOURCE);
    buf_printf(
        &b,
        "\"networking\": {\"address\": \"10.%u.%u.%u\", \"inbound\": [{\"port\": 8080, \"servicePort\": "
        "8081, \"tags\": {\"kuma.io/service\": \"svc-%u\", \"kuma.io/protocol\": \"%s\"}}]",
        number >> 16, number >> 8 & 255, number & 255, service, s->http ? "http" : "tcp");
    if (s->n_outbounds == 0)
        buf_printf(&b, ", \"transparentProxying\": {\"redirectPortInbound\": 15006, "
                       "\"redirectPortOutbound\": 15001}");
    buf_printf(&b, ", \"outbound\": [");
    unsigned first = n_outbounds < s->n_services ? service : 0;
    for (unsigned i = 0; i < n_outbounds; i++)
        buf_printf(&b, "%s{\"port\": %u, \"tags\": {\"kuma.io/service\": \"svc-%u\"}}", i ? ", " : "",
                   10000 + i, (first + i) % (s->n_services + 1));
    buf_add(&b, "]}", 3); /* with its NUL */
    snprintf(name, sizeof name, "dp-%u", number);
    struct resource *r = resource(RES_DATAPLANE, mesh, name, (const char *)b.p);
    buf_fini(&b);
    return r;
}

#define EVERYTHING                                                                                           \
    "\"sources\": [{\"match\": {\"kuma.io/service\": \"*\"}}], \"destinations\": [{\"match\": "              \
    "{\"kuma.io/service\": \"*\"}}]"

static struct resource *timeout(const char *mesh, unsigned connect_s, unsigned request_s)
{
    char spec[512];

    snprintf(spec, sizeof spec,
             EVERYTHING ", \"conf\": {\"connectTimeout\": \"%us\", \"http\": {\"requestTimeout\": \"%us\"}}",
             connect_s, request_s);
    return resource(RES_TIMEOUT, mesh, "timeout-all", spec);
}

static void mesh_add(struct mesh *m, struct resource *r)
{
    m->v[m->n++] = r;
}

static void add_vip(struct mesh *m, unsigned service)
{
    struct snap *vips = snap_from_list(NULL, 0, 0);
    char name[32];

    if (m->vips)
        snap_share_vips(vips, m->vips);
    snprintf(name, sizeof name, "svc-%u", service);
    snap_add_vip(vips, str_from_c(m->name), VIP_SERVICE, str_from_c(name), 0xf0000000u + service);
    snap_unref(m->vips);
    m->vips = vips;
}

static struct snap *mesh_snap(const struct mesh *m, uint64_t revision)
{
    struct snap *snap = snap_from_list(m->v, m->n, revision);

    if (m->vips)
        snap_share_vips(snap, m->vips);
    return snap;
}

static void mesh_init(struct mesh *m, const struct shape *s, unsigned number)
{
    snprintf(m->name, sizeof m->name, "mesh-%u", number);
    m->v = xcalloc(s->n_proxies + 16, sizeof m->v[0]);
    mesh_add(m, resource(RES_MESH, "", m->name,
                         "\"mtls\": {\"enabledBackend\": \"ca\", \"backends\": [{\"name\": \"ca\", \"type\": "
                         "\"builtin\"}]}"));
    mesh_add(m, timeout(m->name, 5, 15));
    mesh_add(m, resource(RES_TRAFFIC_PERMISSION, m->name, "allow-all", EVERYTHING));
    mesh_add(m, resource(RES_TRAFFIC_ROUTE, m->name, "route-all",
                         EVERYTHING ", \"conf\": {\"destination\": {\"kuma.io/service\": \"*\"}}"));
    mesh_add(m, resource(RES_CIRCUIT_BREAKER, m->name, "circuit-breaker-all",
                         EVERYTHING ", \"conf\": {\"thresholds\": {\"maxConnections\": 1024}}"));
    mesh_add(m, resource(RES_RETRY, m->name, "retry-all",
                         EVERYTHING ", \"conf\": {\"http\": {\"numRetries\": 5}}"));
    for (unsigned i = 0; i < s->n_proxies; i++)
        mesh_add(m, dataplane(s, m->name, i, i % s->n_services, s->n_outbounds));
    for (unsigned i = 0; s->n_outbounds == 0 && i < s->n_services; i++)
        add_vip(m, i);
    m->snap = mesh_snap(m, 1);
    m->view = view_new(m->snap, str_from_c(m->name));
    m->compiler = compiler_new(str_from_c(m->name), &fixed_certs);
    compiler_update(m->compiler, m->view, NULL, 0);
}

static void mesh_fini(struct mesh *m)
{
    compiler_free(m->compiler);
    view_unref(m->view);
    snap_unref(m->snap);
    snap_unref(m->vips);
    for (size_t i = 0; i < m->n; i++)
        resource_unref(m->v[i]);
    free(m->v);
}

/* ---- measuring ---- */
static json_t *runs(const struct mesh *m)
{
    json_t *stats = compiler_stats(m->compiler), *counts, *out = json_object();
    const char *name;

    json_object_foreach(stats, name, counts) json_object_set(out, name, json_object_get(counts, "runs"));
    json_decref(stats);
    return out;
}

static void print_runs(const struct mesh *m, json_t *before)
{
    json_t *after = runs(m), *n;
    const char *name;

    json_object_foreach(after, name, n)
    {
        json_int_t more = json_integer_value(n) - json_integer_value(json_object_get(before, name));
        if (more)
            printf(" %s %" JSON_INTEGER_FORMAT, name, more);
    }
    printf("\n");
    json_decref(after);
    json_decref(before);
}

/* A proxy's configuration, kept in 'last' as a stream keeps what it sent; whether it is another one. */
static bool configure(struct mesh *m, unsigned number, struct config_set **last)
{
    struct arena a;
    struct err e;
    struct config_set *set = NULL;

    arena_init(&a);
    err_init(&e, &a);
    struct proxy_params params = {
        .mesh = str_from_c(m->name), .name = arena_printf(&a, "dp-%u", number), .admin_port = 9901};
    if (compiler_config(m->compiler, &params, &set, &e)) {
        fprintf(stderr, "dp-%u: " STR_FMT "\n", number, STR_ARG(e.text));
        exit(1);
    }
    arena_fini(&a);
    bool changed = set != *last;
    config_set_unref(*last);
    *last = set;
    return changed;
}

/* Those whom the change concerns, as the engine does. */
static size_t configure_stale(struct mesh *m, struct config_set **sets)
{
    struct VEC(unsigned) numbers = {0};
    size_t n_changed = 0;

    for (struct str name; compiler_next_stale(m->compiler, &name);) {
        uint64_t number = 0;
        if (!str_to_uint(str_slice(name, 3, name.n), UINT32_MAX, &number))
            exit(1);
        VEC_PUSH(&numbers, (unsigned)number);
    }
    for (size_t i = 0; i < numbers.n; i++)
        n_changed += configure(m, numbers.v[i], &sets[numbers.v[i]]);
    VEC_FINI(&numbers);
    return n_changed;
}

static void change(struct mesh *m, struct config_set **sets, const char *what, struct resource *r)
{
    size_t at = 0;
    while (at < m->n && res_key_cmp(&m->v[at]->key, &r->key) != 0)
        at++;
    struct change c = {CHANGE_PUT, at < m->n ? m->v[at] : NULL, r};
    m->v[at] = r;
    m->n += !c.before;
    struct snap *snap = mesh_snap(m, snap_revision(m->snap) + 1);
    json_t *before = runs(m);

    double start = cpu_ms();
    struct view *next = view_next(m->view, snap, &c, 1, NULL, NULL);
    compiler_update(m->compiler, next, &c, 1);
    size_t n = configure_stale(m, sets);
    compiler_collect(m->compiler);
    printf("  %-18s %9.2f ms  %5zu proxies:", what, cpu_ms() - start, n);
    print_runs(m, before);

    view_unref(m->view);
    m->view = next;
    snap_unref(m->snap);
    m->snap = snap;
    resource_unref(c.before);
}

static void measure(const struct shape *s)
{
    struct mesh *meshes = xcalloc(s->n_meshes, sizeof *meshes);
    struct config_set **sets = xcalloc((size_t)s->n_meshes * s->n_proxies, sizeof *sets);

    for (unsigned i = 0; i < s->n_meshes; i++)
        mesh_init(&meshes[i], s, i);
    double heap = heap_mb(), start = cpu_ms();
    json_t *none = json_object();
    for (unsigned i = 0; i < s->n_meshes; i++) {
        for (unsigned k = 0; k < s->n_proxies; k++)
            configure(&meshes[i], k, &sets[(size_t)i * s->n_proxies + k]);
    }
    double took = cpu_ms() - start;
    printf("%s: inputs %.1f MB, compiler %.1f MB\n", s->name, heap, heap_mb() - heap);
    printf("  %-18s %9.2f ms  %5u proxies:", "all from nothing", took, s->n_meshes * s->n_proxies);
    print_runs(&meshes[0], none);

    struct mesh *m = &meshes[0];
    change(m, sets, "endpoint added", dataplane(s, m->name, s->n_proxies, 0, 0));
    change(m, sets, "endpoint moved", dataplane(s, m->name, s->n_proxies, 1, 0));
    change(m, sets, "request timeout", timeout(m->name, 5, 16));
    change(m, sets, "connect timeout", timeout(m->name, 6, 16));
    change(m, sets, "permission",
           resource(
               RES_TRAFFIC_PERMISSION, m->name, "allow-all",
               "\"sources\": [{\"match\": {\"kuma.io/service\": \"svc-1\"}}], \"destinations\": [{\"match\": "
               "{\"kuma.io/service\": \"*\"}}]"));
    if (s->n_outbounds) {
        change(m, sets, "outbound added", dataplane(s, m->name, 0, 0, s->n_outbounds + 1));
    } else {
        add_vip(m, s->n_services);
        change(m, sets, "service added", dataplane(s, m->name, s->n_proxies, s->n_services, 0));
    }
    printf("  after all changes: compiler %.1f MB\n", heap_mb() - heap);
    for (size_t i = 0; i < (size_t)s->n_meshes * s->n_proxies; i++)
        config_set_unref(sets[i]);
    for (unsigned i = 0; i < s->n_meshes; i++)
        mesh_fini(&meshes[i]);
    free(sets);
    free(meshes);
}

int main(int argc, char **argv)
{
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
        bool wanted = argc == 1;
        for (int k = 1; k < argc; k++)
            wanted = wanted || strcmp(argv[k], shapes[i].name) == 0;
        if (wanted)
            measure(&shapes[i]);
    }
    return 0;
}
