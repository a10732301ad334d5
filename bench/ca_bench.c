/* ca_bench.c -- how many certificates and tokens a second one core makes.
 *
 * Every proxy needs a leaf when it connects and again at 4/5 of its life: after a restart that is what a
 * fleet waits for. Floor: 3,800 leaves a second, over 10,000 of them. Then the same number on the way that a
 * fleet's take, through the issuer and its workers. Prints a table; exit code 1 when the floor is missed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../src/compile/issuer.h"
#include "ursa/auth.h"
#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/ca.h"

#define RUN_NS (NS_PER_S / 2)
#define LEAVES_FLOOR 3800
#define N_LEAVES 10000

static struct resource *secret(struct res_key key, struct str data)
{
    return resource_from_spec(&key, &(struct secret_spec){.data = data});
}

/* CPU time, so that a busy machine measures the same. */
static int64_t spent_ns(clockid_t of)
{
    struct timespec t;

    clock_gettime(of, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int64_t cpu_ns(void)
{
    return spent_ns(CLOCK_THREAD_CPUTIME_ID);
}

struct fixture {
    struct snap *snap;
    struct authority *ca;
    struct str jwt;
    struct arena *scratch;
};

static bool issue_leaf(const struct fixture *f, struct err *e)
{
    static const struct str uris[] = {STR_INIT("spiffe://demo/web"), STR_INIT("kuma://kuma.io/protocol/http"),
                                      STR_INIT("kuma://kuma.io/service/web"), STR_INIT("kuma://team/a")};
    struct leaf *leaf;

    if (authority_issue(f->ca, uris, ARRAY_LEN(uris), 24 * 3600 * NS_PER_S, &leaf, e))
        return false;
    leaf_unref(leaf);
    return true;
}

static bool issue_token(const struct fixture *f, struct err *e)
{
    struct token_claims claims = {.name = STR("web-1"), .mesh = STR("demo")};
    struct str jwt;

    return !token_issue(f->snap, TOKEN_DATAPLANE, &claims, NS_PER_S, f->scratch, &jwt, e);
}

static bool verify_token(const struct fixture *f, struct err *e)
{
    struct token_claims claims;

    return !token_verify(&token_trusts_default, f->snap, TOKEN_DATAPLANE, STR("demo"),
                         &(struct credential){.text = f->jwt}, f->scratch, &claims, e);
}

static bool make_root(const struct fixture *f, struct err *e)
{
    struct ca_backend backend = {.name = STR("ca-1"), .type = STR("builtin")};
    struct str cert, key;

    return !ca_builtin_new(STR("demo"), &backend, f->scratch, &cert, &key, e);
}

static double rate(const char *name, bool (*run)(const struct fixture *, struct err *),
                   const struct fixture *f)
{
    int64_t start = cpu_ns(), took;
    uint64_t n = 0;
    double per_second;

    do {
        struct err e;

        err_init(&e, f->scratch);
        if (!run(f, &e)) {
            fprintf(stderr, "%s: " STR_FMT "\n", name, STR_ARG(e.text));
            return 0;
        }
        arena_reset(f->scratch);
        n++;
    } while ((took = cpu_ns() - start) < RUN_NS);
    per_second = (double)n * 1e9 / (double)took;
    printf("%-24s %8.0f /s  %8.1f us\n", name, per_second, 1e6 / per_second);
    return per_second;
}

/* ---- 10,000 leaves ---- */

static int compare(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* Each is timed by itself, in CPU time too. */
static double leaves_in_a_row(const struct fixture *f)
{
    int64_t *times = xcalloc(N_LEAVES, sizeof(*times)), sum = 0;
    double per_second = 0;
    struct err e;

    err_init(&e, f->scratch);
    for (size_t i = 0; i < N_LEAVES; i++) {
        int64_t start = cpu_ns();

        if (!issue_leaf(f, &e)) {
            fprintf(stderr, "leaf: " STR_FMT "\n", STR_ARG(e.text));
            free(times);
            return 0;
        }
        times[i] = cpu_ns() - start;
        sum += times[i];
    }
    qsort(times, N_LEAVES, sizeof(*times), compare);
    per_second = N_LEAVES * 1e9 / (double)sum;
    printf("%-24s %8.0f /s  %8.1f us   p50 %.1f  p99 %.1f  max %.1f us\n", "10,000 certificates", per_second,
           1e6 / per_second, (double)times[N_LEAVES / 2] / 1e3, (double)times[N_LEAVES * 99 / 100] / 1e3,
           (double)times[N_LEAVES - 1] / 1e3);
    free(times);
    return per_second;
}

static bool count_issued(void *ctx, struct str mesh, struct str proxy)
{
    (void)mesh, (void)proxy;
    ++*(unsigned *)ctx;
    return true;
}

static struct resource *dataplane(struct arena *a, unsigned i)
{
    struct tag tags[] = {{STR("kuma.io/protocol"), STR("http")},
                         {STR("kuma.io/service"), arena_printf(a, "service-%u", i % 100)}};
    struct dp_inbound inbound = {.port = 80, .tags = {tags, ARRAY_LEN(tags)}};
    struct dp_networking networking = {.address = STR("10.0.0.1"), .inbound = &inbound, .n_inbound = 1};
    struct res_key key = {.type = RES_DATAPLANE, .mesh = STR("demo"), .name = arena_printf(a, "proxy-%u", i)};

    return resource_from_spec(&key, &(struct dataplane_spec){.networking = &networking});
}

/* All are asked for at once, as after a restart. */
static bool leaves_through_workers(const struct snap *secrets, const struct ca_backend *backend)
{
    struct mailbox box;
    struct issuer *issuer;
    unsigned n_issued = 0;
    struct issuer_options options = {.box = &box, .issued = count_issued, .ctx = &n_issued};
    struct compiler_options ask;
    struct resource **proxies = xcalloc(N_LEAVES, sizeof(struct resource *));
    struct ca_backend backends = *backend;
    struct mesh_mtls mtls = {.enabled_backend = backend->name, .backends = &backends, .n_backends = 1};
    struct res_key mesh_key = {.type = RES_MESH, .name = STR("demo")};
    struct resource *all[3];
    struct arena arena;

    arena_init(&arena);
    mailbox_init(&box);
    issuer = issuer_new(&options);
    ask = issuer_compiler_options(issuer);
    all[0] = resource_from_spec(&mesh_key, &(struct mesh_spec){.mtls = &mtls});
    struct res_key cert = ca_builtin_cert_secret(&arena, STR("demo"), backend->name);
    struct res_key key = ca_builtin_key_secret(&arena, STR("demo"), backend->name);

    all[1] = resource_ref((struct resource *)(uintptr_t)snap_find(secrets, cert.type, cert.mesh, cert.name));
    all[2] = resource_ref((struct resource *)(uintptr_t)snap_find(secrets, key.type, key.mesh, key.name));
    for (unsigned i = 0; i < N_LEAVES; i++)
        proxies[i] = dataplane(&arena, i);
    struct snap *snap = snap_from_list(all, ARRAY_LEN(all), 1);
    struct view *view = view_new(snap, STR("demo"));
    int64_t start = clock_mono_ns(), cpu = spent_ns(CLOCK_PROCESS_CPUTIME_ID);

    for (size_t i = 0; i < N_LEAVES; i++) {
        bool soon;

        leaf_unref(ask.identity(ask.ctx, view, proxies[i], &soon));
    }
    while (issuer_n_under_way(issuer) && mailbox_wait(&box, 60000))
        (void)mailbox_run(&box);
    double took = (double)(clock_mono_ns() - start) / 1e9;
    double spent = (double)(spent_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1e9;

    printf("%-24s %8.0f /s  %8.1f us   of CPU time of all threads; the last one after %.2f s\n",
           "through the workers", N_LEAVES / spent, spent * 1e6 / N_LEAVES, took);
    view_unref(view);
    snap_unref(snap);
    issuer_free(issuer);
    mailbox_fini(&box);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        resource_unref(all[i]);
    for (size_t i = 0; i < N_LEAVES; i++)
        resource_unref(proxies[i]);
    free(proxies);
    arena_fini(&arena);
    return n_issued == N_LEAVES;
}

int main(void)
{
    struct ca_backend backend = {.name = STR("ca-1"), .type = STR("builtin")};
    struct token_claims claims = {.name = STR("web-1"), .mesh = STR("demo")};
    struct arena arena, scratch;
    struct fixture f = {.scratch = &scratch};
    struct str cert, key, signing;
    struct resource *all[3];
    double leaves;
    struct err e;

    arena_init(&arena);
    arena_init(&scratch);
    err_init(&e, &arena);
    if (ca_builtin_new(STR("demo"), &backend, &arena, &cert, &key, &e) ||
        signing_key_new(&arena, &signing, &e))
        return 1;
    all[0] = secret(ca_builtin_cert_secret(&arena, STR("demo"), STR("ca-1")), cert);
    all[1] = secret(ca_builtin_key_secret(&arena, STR("demo"), STR("ca-1")), key);
    all[2] = secret(signing_key_secret(&arena, TOKEN_DATAPLANE, STR("demo"), 1), signing);
    f.snap = snap_from_list(all, ARRAY_LEN(all), 1);
    if (authority_load(f.snap, STR("demo"), &backend, &f.ca, &e) ||
        token_issue(f.snap, TOKEN_DATAPLANE, &claims, 3600 * NS_PER_S, &arena, &f.jwt, &e))
        return 1;
    leaves = leaves_in_a_row(&f);
    if (!leaves_through_workers(f.snap, &backend))
        return 1;
    rate("root certificate", make_root, &f);
    rate("token issued (ES256)", issue_token, &f);
    rate("token verified (ES256)", verify_token, &f);
    authority_unref(f.ca);
    snap_unref(f.snap);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        resource_unref(all[i]);
    arena_fini(&scratch);
    arena_fini(&arena);
    return leaves < LEAVES_FLOOR;
}
