/* jwt_fuzz.c -- any bytes as a bearer token: no crash, and nothing is accepted that was not signed.
 *
 * The first byte chooses what the rest is: a whole token, or a payload that is signed here, so that the
 * fuzzer gets behind the signature. The claims of what is accepted are used as a proxy's would be. */
#include <stdlib.h>

#include "ursa/auth.h"
#include "ursa/base/clock.h"

#include "../src/auth/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static struct snap *snap;
static struct resource *secret, *dataplane;
static struct signing_key key;

static void start(struct arena *a, struct err *e)
{
    struct tag tags[] = {{STR("kuma.io/service"), STR("web")}};
    struct dp_inbound inbound = {.port = 80, .tags = {tags, 1}};
    struct dp_networking net = {.address = STR("10.0.0.1"), .inbound = &inbound, .n_inbound = 1};
    struct res_key dp_key = {.type = RES_DATAPLANE, .mesh = STR("demo"), .name = STR("dp-1")};
    struct res_key secret_key = signing_key_secret(a, TOKEN_DATAPLANE, STR("demo"), 1);
    struct str pem;

    if (signing_key_new(a, &pem, e))
        abort();
    secret = resource_from_spec(&secret_key, &(struct secret_spec){.data = pem});
    dataplane = resource_from_spec(&dp_key, &(struct dataplane_spec){.networking = &net});
    snap = snap_from_list(&secret, 1, 1);
    clock_fake(0, INT64_C(1800000000) * NS_PER_S);
    if (signing_key_find(snap, TOKEN_DATAPLANE, STR("demo"), 1, &key, e))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct token_claims claims;
    struct arena a;
    struct err e;
    struct str jwt;
    bool is_signed = n > 0 && bytes[0] == 's';

    arena_init(&a);
    err_init(&e, &a);
    if (!snap)
        start(&a, &e);
    jwt = str_from(n ? bytes + 1 : bytes, n ? n - 1 : 0);
    if (is_signed && jws_sign(key.pkey, key.alg, STR("1"), jwt, &a, &jwt, &e)) {
        arena_fini(&a);
        return 0;
    }
    if (token_verify(&token_trusts_default, snap, TOKEN_DATAPLANE, STR("demo"),
                     &(struct credential){.text = jwt}, &a, &claims, &e) == ERR_NONE) {
        if (!is_signed || claims.expires_at <= 1800000000)
            abort();
        (void)!token_check_dataplane(&claims, dataplane, &e);
    } else if (e.kind != ERR_UNAUTHENTICATED || e.text.n == 0) {
        abort();
    }
    arena_fini(&a);
    return 0;
}
