/* What is remembered of tokens between two looks at them: keys that were read, signatures that were good. */
#include <stdio.h>

#include "ursa/base/count.h"
#include "world.h"

#define HOUR_NS (3600 * NS_PER_S)

static enum err_kind verify(struct world *w, enum token_kind kind, const char *mesh, struct str jwt,
                            struct token_claims *c)
{
    return token_verify(&token_trusts_default, w->snap, kind, str_from_c(mesh), jwt, &w->arena, c, &w->err);
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
