/* What is remembered of tokens between two looks at them: keys that were read, signatures that were good. */
#include <stdio.h>

#include "ursa/base/count.h"
#include "world.h"

#define HOUR_NS (3600 * NS_PER_S)

static enum err_kind verify(struct world *w, enum token_kind kind, const char *mesh, struct str jwt,
                            struct token_claims *c)
{
    return token_verify(&token_trusts_default, w->snap, kind, str_from_c(mesh),
                        &(struct credential){.text = jwt}, &w->arena, c, &w->err);
}

/* Reading a key's text takes most of the time of a check. */
TEST(a_key_is_read_once)
{
    struct world w;
    struct token_claims claims = {.mesh = STR("demo")}, out;
    struct str jwt, first, second;

    world_init(&w);
    EXPECT_INT("a key", signing_key_new(&w.arena, &first, &w.err), ERR_NONE);
    EXPECT_INT("another", signing_key_new(&w.arena, &second, &w.err), ERR_NONE);
    world_put_key(&w, TOKEN_DATAPLANE, "demo", 1, first);
    EXPECT_INT("issue", token_issue(w.snap, TOKEN_DATAPLANE, &claims, HOUR_NS, &w.arena, &jwt, &w.err),
               ERR_NONE);
    int64_t before = count_get("auth_keys_read");
    for (int i = 0; i < 3; i++)
        EXPECT_INT("good", verify(&w, TOKEN_DATAPLANE, "demo", jwt, &out), ERR_NONE);
    EXPECT_INT("read", count_get("auth_keys_read") - before, 1);
    world_put_key(&w, TOKEN_DATAPLANE, "demo", 1, second);
    EXPECT_INT("its key was replaced", verify(&w, TOKEN_DATAPLANE, "demo", jwt, &out), ERR_UNAUTHENTICATED);
    EXPECT_INT("read anew", count_get("auth_keys_read") - before, 2);
    world_put_key(&w, TOKEN_DATAPLANE, "demo", 1, first);
    EXPECT_INT("its key is back", verify(&w, TOKEN_DATAPLANE, "demo", jwt, &out), ERR_NONE);
    EXPECT_INT("still known", count_get("auth_keys_read") - before, 2);
    world_fini(&w);
}

/* Nothing but the signature is remembered. */
TEST(a_signature_is_checked_once)
{
    struct world w;
    struct token_claims claims = {.mesh = STR("demo")}, out;
    struct str jwt, first, second;

    world_init(&w);
    EXPECT_INT("a key", signing_key_new(&w.arena, &first, &w.err), ERR_NONE);
    EXPECT_INT("another", signing_key_new(&w.arena, &second, &w.err), ERR_NONE);
    world_put_key(&w, TOKEN_DATAPLANE, "demo", 1, first);
    EXPECT_INT("issue", token_issue(w.snap, TOKEN_DATAPLANE, &claims, HOUR_NS, &w.arena, &jwt, &w.err),
               ERR_NONE);
    int64_t before = count_get("auth_signatures_checked");
    for (int i = 0; i < 3; i++)
        EXPECT_INT("good", verify(&w, TOKEN_DATAPLANE, "demo", jwt, &out), ERR_NONE);
    EXPECT_TRUE("it has an id", out.id.n > 0);
    EXPECT_INT("checked", count_get("auth_signatures_checked") - before, 1);

    char *forged = arena_cstr(&w.arena, jwt);
    forged[jwt.n - 3] = forged[jwt.n - 3] == 'A' ? 'B' : 'A';
    for (int i = 0; i < 2; i++)
        EXPECT_INT("one letter off", verify(&w, TOKEN_DATAPLANE, "demo", str_from(forged, jwt.n), &out),
                   ERR_UNAUTHENTICATED);
    world_put_key(&w, TOKEN_DATAPLANE, "demo", 1, second);
    EXPECT_INT("another key of that name", verify(&w, TOKEN_DATAPLANE, "demo", jwt, &out),
               ERR_UNAUTHENTICATED);
    world_put_key(&w, TOKEN_DATAPLANE, "demo", 1, first);
    EXPECT_INT("its key is back", verify(&w, TOKEN_DATAPLANE, "demo", jwt, &out), ERR_NONE);
    EXPECT_INT("known", count_get("auth_signatures_checked") - before, 1);
    struct res_key revocations = {
        .type = RES_SECRET, .mesh = STR("demo"), .name = STR("dataplane-token-revocations-demo")};
    world_put(&w, revocations, out.id);
    EXPECT_INT("revoked", verify(&w, TOKEN_DATAPLANE, "demo", jwt, &out), ERR_UNAUTHENTICATED);
    world_put(&w, revocations, STR(""));
    EXPECT_INT("no longer", verify(&w, TOKEN_DATAPLANE, "demo", jwt, &out), ERR_NONE);
    clock_fake(0, NOW_S * NS_PER_S + HOUR_NS);
    EXPECT_INT("expired", verify(&w, TOKEN_DATAPLANE, "demo", jwt, &out), ERR_UNAUTHENTICATED);
    world_fini(&w);
}

/* Who guesses has to wait, and with him everybody of that address but who was good before. */
TEST(guesses_are_counted)
{
    static const struct rate_limit two = {.burst = 2, .a_second = 1};
    struct token_trusts trusts = token_trusts_default;
    struct token_claims claims = {.name = STR("john")}, out;
    struct credential known = {.source = 7}, late = {.source = 7}, fresh = {.source = 7}, bad = {.source = 7};
    struct str pem;
    struct world w;

    world_init(&w);
    trusts.throttle = throttle_new(&two);
    EXPECT_INT("a key", signing_key_new(&w.arena, &pem, &w.err), ERR_NONE);
    world_put_key(&w, TOKEN_USER, "", 1, pem);
    struct credential *const shown[] = {&known, &late, &fresh};
    for (size_t i = 0; i < ARRAY_LEN(shown); i++)
        EXPECT_INT("issue",
                   token_issue(w.snap, TOKEN_USER, &claims, i == 1 ? -HOUR_NS : HOUR_NS, &w.arena,
                               &shown[i]->text, &w.err),
                   ERR_NONE);
    bad.text = arena_printf(&w.arena, STR_FMT "x", STR_ARG(fresh.text));
#define VERIFY(c) token_verify(&trusts, w.snap, TOKEN_USER, STR_NONE, (c), &w.arena, &out, &w.err)
    EXPECT_INT("good", VERIFY(&known), ERR_NONE);
    for (int i = 0; i < 5; i++)
        EXPECT_INT("an expired one is no guess", VERIFY(&late), ERR_UNAUTHENTICATED);
    EXPECT_INT("good again, should the expired one have its place", VERIFY(&known), ERR_NONE);
    EXPECT_INT("first", VERIFY(&bad), ERR_UNAUTHENTICATED);
    EXPECT_INT("second", VERIFY(&bad), ERR_UNAUTHENTICATED);
    int64_t before = count_get("auth_signatures_checked");
    EXPECT_INT("third", VERIFY(&bad), ERR_TOO_OFTEN);
    EXPECT_INT("a new one", VERIFY(&fresh), ERR_TOO_OFTEN);
    EXPECT_INT("no signature was looked at", count_get("auth_signatures_checked") - before, 0);
    EXPECT_INT("a known one", VERIFY(&known), ERR_NONE);
    EXPECT_STR("whose", out.name, "john");
    fresh.source = bad.source = 8;
    EXPECT_INT("from elsewhere", VERIFY(&bad), ERR_UNAUTHENTICATED);
    EXPECT_INT("a good one, too", VERIFY(&fresh), ERR_NONE);
    throttle_free(trusts.throttle);
    world_fini(&w);
}

/* While somebody guesses, only what is remembered passes: that has to hold for a fleet behind one address. */
TEST(a_fleet_is_remembered)
{
    enum { N = 1000 };
    struct token_claims claims = {.name = STR("john")}, out;
    struct str pem, *jwts;
    struct world w;

    world_init(&w);
    EXPECT_INT("a key", signing_key_new(&w.arena, &pem, &w.err), ERR_NONE);
    world_put_key(&w, TOKEN_USER, "", 1, pem);
    jwts = ARENA_ARRAY(&w.arena, struct str, N);
    for (size_t i = 0; i < N; i++) {
        EXPECT_INT("issue", token_issue(w.snap, TOKEN_USER, &claims, HOUR_NS, &w.arena, &jwts[i], &w.err),
                   ERR_NONE);
        EXPECT_INT("good", verify(&w, TOKEN_USER, "", jwts[i], &out), ERR_NONE);
    }
    int64_t before = count_get("auth_signatures_checked");
    for (size_t i = 0; i < N; i++)
        EXPECT_INT("good again", verify(&w, TOKEN_USER, "", jwts[i], &out), ERR_NONE);
    EXPECT_INT("checked anew", count_get("auth_signatures_checked") - before, 0);
    world_fini(&w);
}

TEST(more_keys_than_are_remembered)
{
    enum { N = 70 };
    struct world w;
    struct str jwts[N], pem;
    struct token_claims out;
    char meshes[N][8];

    world_init(&w);
    for (size_t i = 0; i < N; i++) {
        snprintf(meshes[i], sizeof(meshes[i]), "m%zu", i);
        struct token_claims claims = {.mesh = str_from_c(meshes[i])};

        EXPECT_INT("key", signing_key_new(&w.arena, &pem, &w.err), ERR_NONE);
        world_put_key(&w, TOKEN_DATAPLANE, meshes[i], 1, pem);
        EXPECT_INT("issue",
                   token_issue(w.snap, TOKEN_DATAPLANE, &claims, HOUR_NS, &w.arena, &jwts[i], &w.err),
                   ERR_NONE);
    }
    for (size_t i = 0; i < 2 * N; i++) { /* twice, since the first ones are forgotten by then */
        struct str own = jwts[i % N], other = jwts[(i + 1) % N];

        EXPECT_INT(meshes[i % N], verify(&w, TOKEN_DATAPLANE, meshes[i % N], own, &out), ERR_NONE);
        EXPECT_INT(meshes[i % N], verify(&w, TOKEN_DATAPLANE, meshes[i % N], other, &out),
                   ERR_UNAUTHENTICATED);
    }
    world_fini(&w);
}
