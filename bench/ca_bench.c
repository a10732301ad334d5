/* ca_bench.c -- how many certificates and tokens a second one core makes.
 *
 * Every proxy needs a leaf when it connects and again at 4/5 of its life: after a restart that is what a
 * fleet waits for. Floor: 3,800 leaves a second. Prints a table; exit code 1 when the floor is missed. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "ursa/auth.h"
#include "ursa/base/clock.h"
#include "ursa/ca.h"

#define RUN_NS (NS_PER_S / 2)
#define LEAVES_FLOOR 3800

static struct resource *secret(struct res_key key, struct str data)
{
    return resource_from_spec(&key, &(struct secret_spec){.data = data});
}

/* CPU time, so that a busy machine measures the same. */
static int64_t cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
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
    leaves = rate("workload certificate", issue_leaf, &f);
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
