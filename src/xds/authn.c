/* xds/authn.c -- authentication of a stream's requests by a dataplane token (rest-api.md 10.5). */
#include "authn.h"

#include <stdlib.h>
#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"

void authn_init(struct authn *a, const struct token_trusts *trusts, const struct credential *authorization)
{
    *a = (struct authn){.trusts = trusts,
                        .token = xstrndup(authorization->text),
                        .token_size = authorization->text.n,
                        .source = authorization->source};
    arena_init(&a->arena);
}

void authn_fini(struct authn *a)
{
    free_secret(a->token, a->token_size);
    arena_wipe(&a->arena);
}

/* True when the token that was found good before still is. */
static bool is_current(struct authn *a, const struct snap *snap, struct str mesh)
{
    if (!a->verified || (a->claims.expires_at > 0 && clock_wall_ns() / NS_PER_S >= a->claims.expires_at))
        return false;
    if (a->sequence == snap_sequence(snap))
        return true;
    a->sequence = snap_sequence(snap);
    return a->keys == token_keys_version(snap, TOKEN_DATAPLANE, mesh);
}

enum err_kind authn_verify(struct authn *a, const struct snap *snap, struct str mesh, struct err *e)
{
    if (is_current(a, snap, mesh))
        return ERR_NONE;
    COUNT(xds_tokens_verified);
    a->verified = false;
    arena_reset(&a->arena);
    const struct credential shown = {.text = str_from(a->token, a->token_size), .source = a->source};
    enum err_kind kind =
        token_verify(a->trusts, snap, TOKEN_DATAPLANE, mesh, &shown, &a->arena, &a->claims, e);
    if (kind != ERR_NONE)
        return kind;
    a->verified = true;
    a->sequence = snap_sequence(snap);
    a->keys = token_keys_version(snap, TOKEN_DATAPLANE, mesh);
    return ERR_NONE;
}

enum err_kind authn_check(struct authn *a, const struct snap *snap, struct str mesh,
                          const struct resource *dataplane, struct err *e)
{
    if (authn_verify(a, snap, mesh, e) != ERR_NONE)
        return e->kind;
    return token_check_dataplane(&a->claims, dataplane, e); /* each time: its tags may have changed */
}
