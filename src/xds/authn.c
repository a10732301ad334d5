/* xds/authn.c -- authentication of a stream's requests by a dataplane token (rest-api.md 10.5). */
#include "authn.h"

#include <stdlib.h>
#include <string.h>

#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "ursa/base/hash.h"

/* Signing keys and revocations of dataplane tokens (rest-api.md 9.3, 9.4). */
#define TOKEN_SECRET_PREFIX STR("dataplane-token-")

void authn_init(struct authn *a, struct str authorization)
{
    *a = (struct authn){.token = xstrndup(authorization), .token_size = authorization.n};
    arena_init(&a->arena);
}

void authn_fini(struct authn *a)
{
    free_secret(a->token, a->token_size);
    arena_fini(&a->arena);
}

static uint64_t fingerprint(const struct snap *snap, struct str mesh)
{
    struct snap_range secrets = snap_range(snap, RES_SECRET, mesh);
    struct snap_iter it = snap_iter(&secrets);
    const struct resource *r;
    uint64_t hash = 1;
    while ((r = snap_next(&it))) {
        if (str_has_prefix(r->key.name, TOKEN_SECRET_PREFIX))
            hash = hash_mix(hash_mix(hash, hash_key(r->key.name.p, r->key.name.n)), r->spec_json->hash);
    }
    return hash;
}

/* True when what was verified before still holds. */
static bool is_current(struct authn *a, const struct snap *snap, struct str mesh)
{
    if (!a->verified || (a->claims.expires_at > 0 && clock_wall_ns() / NS_PER_S >= a->claims.expires_at))
        return false;
    if (a->sequence == snap_sequence(snap))
        return true;
    a->sequence = snap_sequence(snap);
    return a->keys == fingerprint(snap, mesh);
}

enum err_kind authn_check(struct authn *a, const struct snap *snap, const struct resource *dataplane,
                          struct err *e)
{
    struct str mesh = dataplane->key.mesh;
    if (is_current(a, snap, mesh))
        return ERR_NONE;
    COUNT(xds_tokens_verified);
    a->verified = false;
    arena_reset(&a->arena);
    enum err_kind kind = token_verify(snap, TOKEN_DATAPLANE, mesh, str_from(a->token, a->token_size),
                                      &a->arena, &a->claims, e);
    if (kind == ERR_NONE)
        kind = token_check_dataplane(&a->claims, dataplane, e);
    if (kind != ERR_NONE)
        return kind;
    a->verified = true;
    a->sequence = snap_sequence(snap);
    a->keys = fingerprint(snap, mesh);
    return ERR_NONE;
}
