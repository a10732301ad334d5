/* What ursactl doctor says of the caller's own token. */
#include "../../../src/cli/doctor.h"
#include "../../../src/cli/offline.h"
#include "../../lib/test.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"
#include "ursa/base/jws.h"

#define NOW_NS (INT64_C(1800000000) * NS_PER_S)
#define DAY_NS (24 * 3600 * NS_PER_S)

static struct str token_for(struct arena *a, int64_t valid_ns)
{
    struct token_claims claims = {.name = STR("jane")};
    EVP_PKEY *key = NULL;
    struct str jwt;
    struct err e;

    err_init(&e, a);
    claims_stamp(&claims, valid_ns, a);
    EXPECT_INT("key", pkey_new_ec(&key, &e), ERR_NONE);
    EXPECT_INT("sign", jws_sign(key, JWS_ES256, STR("1"), claims_write(a, TOKEN_USER, &claims), a, &jwt, &e),
               ERR_NONE);
    EVP_PKEY_free(key);
    return jwt;
}

TEST(the_callers_token)
{
    static const struct {
        const char *name;
        int64_t valid_ns;
        bool found;
    } rows[] = {{"a month", 30 * DAY_NS, false},
                {"a week and a bit", 7 * DAY_NS + 10 * NS_PER_S, false},
                {"a week", 7 * DAY_NS, true},
                {"an hour", 3600 * NS_PER_S, true}};
    struct arena a;

    arena_init(&a);
    clock_fake(0, NOW_NS);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        JSON_AUTO found = doctor_token_finding(&a, token_for(&a, rows[i].valid_ns), NOW_NS);

        EXPECT_TRUE(rows[i].name, (found != NULL) == rows[i].found);
        if (found)
            EXPECT_STR(rows[i].name, json_str(json_get(found, "id")), "token-expires");
    }
    EXPECT_TRUE("no token", doctor_token_finding(&a, STR(""), NOW_NS) == NULL);
    EXPECT_TRUE("none of ours", doctor_token_finding(&a, STR("secret"), NOW_NS) == NULL);
    clock_fake(-1, -1);
    arena_fini(&a);
}
