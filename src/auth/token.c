/* token.c -- issues and verifies tokens: which key, which times, which are revoked. The signed text itself is
 * base/jws.c's. */
#include "ursa/auth.h"

#include "keys.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"

enum err_kind token_issue(const struct snap *snap, enum token_kind kind, const struct token_claims *claims,
                          int64_t valid_ns, struct arena *a, struct str *jwt, struct err *e)
{
    struct token_claims full = *claims;
    struct signing_key key;
    enum err_kind failed;

    if (signing_key_newest(snap, kind, claims->mesh, &key, e))
        return e->kind;
    claims_stamp(&full, valid_ns, a);
    failed = jws_sign(key.pkey, key.alg, arena_printf(a, "%u", key.serial), claims_write(a, kind, &full), a,
                      jwt, e);
    signing_key_fini(&key);
    if (!failed)
        COUNT(auth_tokens_issued);
    return failed;
}

/* The key that the header names: one that the settings trust, else a secret's. A kid is part of the secret's
 * name, so nothing but a plain number gets that far. */
static enum err_kind find_key(const struct token_trust *trust, const struct snap *snap, enum token_kind kind,
                              struct str mesh, const struct jws *jws, struct signing_key *key, struct err *e)
{
    unsigned serial = serial_parse(jws->kid);

    /* COMPAT: kuma-cp still takes dataplane tokens of before 1.4, which have no kid or are HS256 under a
     * shared secret. */
    if (str_eq(jws->alg, STR("HS256")) || (!jws->kid.p && kind == TOKEN_DATAPLANE))
        return err_set(
            e, ERR_UNAUTHENTICATED,
            "tokens of Kuma before 1.4 (HS256 or without kid) are not supported: issue a new token");
    if (!str_eq(jws->alg, jws_alg_name(JWS_ES256)) && !str_eq(jws->alg, jws_alg_name(JWS_RS256)))
        return err_set(e, ERR_UNAUTHENTICATED,
                       "unsupported token alg. Allowed algorithms are ES256 and RS256");
    if (!jws->kid.p)
        return err_set(e, ERR_UNAUTHENTICATED, "JWT token must have kid header");
    if (trusted_key_find(trust, kind, mesh, jws->kid, key))
        return ERR_NONE;
    if (!trust->use_secrets)
        return err_set(e, ERR_UNAUTHENTICATED, "there is no public key with the token's kid");
    if (serial == 0)
        return err_set(e, ERR_UNAUTHENTICATED, "the token's kid is not the serial number of a signing key");
    return verify_key_find(snap, kind, mesh, serial, key, e);
}

static enum err_kind check_times(const struct token_claims *c, struct err *e)
{
    int64_t now = clock_wall_ns() / NS_PER_S;

    if (now >= c->expires_at)
        return err_set(e, ERR_UNAUTHENTICATED, "the token is expired");
    if (now < c->not_before)
        return err_set(e, ERR_UNAUTHENTICATED, "the token is not valid yet");
    return ERR_NONE;
}

/* Has one of our keys made its signature? Nothing of the payload is looked at before that is known. */
static enum err_kind check_signature(const struct token_trust *trust, const struct snap *snap,
                                     enum token_kind kind, struct str mesh, struct str jwt, bool known_only,
                                     struct arena *a, struct jws *jws, struct err *e)
{
    struct signing_key key;

    if (jws_read(jwt, a, jws, e) || find_key(trust, snap, kind, mesh, jws, &key, e))
        return e->kind;
    enum err_kind failed = signature_verify(jws, jwt, &key, known_only, a, e);
    signing_key_fini(&key);
    return failed;
}

static enum err_kind check_payload(const struct snap *snap, enum token_kind kind, struct str mesh,
                                   struct str payload, struct arena *a, struct token_claims *claims,
                                   struct err *e)
{
    if (claims_read(payload, kind, a, claims, e) || check_times(claims, e))
        return e->kind;
    if (token_is_revoked(snap, kind, mesh, claims->id, a))
        return err_set(e, ERR_UNAUTHENTICATED, "token is revoked");
    return ERR_NONE;
}

/* Only what nobody signed is a guess: proxies whose tokens have expired hold up nobody who comes from the
 * same address with a new one. */
static enum err_kind verify(const struct token_trusts *trusts, const struct snap *snap, enum token_kind kind,
                            struct str mesh, const struct credential *shown, struct arena *a,
                            struct token_claims *claims, struct err *e)
{
    int64_t now = clock_mono_ns();
    bool held = trusts->throttle && throttle_holds(trusts->throttle, shown->source, now);
    struct jws jws;

    if (!check_signature(&trusts->of[kind], snap, kind, mesh, shown->text, held, a, &jws, e))
        return check_payload(snap, kind, mesh, jws.payload, a, claims, e);
    if (trusts->throttle && !held)
        throttle_count(trusts->throttle, shown->source, now);
    if (!held)
        return e->kind;
    COUNT(auth_tokens_held);
    return err_set(e, ERR_TOO_OFTEN, "too many bad tokens came from this address: try again in a second");
}

enum err_kind token_verify(const struct token_trusts *trusts, const struct snap *snap, enum token_kind kind,
                           struct str mesh, const struct credential *shown, struct arena *a,
                           struct token_claims *claims, struct err *e)
{
    if (!verify(trusts, snap, kind, mesh, shown, a, claims, e))
        return ERR_NONE;
    COUNT(auth_tokens_refused);
    *claims = (struct token_claims){0};
    if (e->kind != ERR_TOO_OFTEN)
        e->kind = ERR_UNAUTHENTICATED; /* also for a key that is missing: the token names a wrong one */
    err_add_context(e, "authentication failed");
    return e->kind;
}
