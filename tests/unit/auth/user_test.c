/* Who is asking: the safe localhost rule over a matrix of headers, and bearer tokens. */
#include "world.h"

static const struct auth_config trusting = {.localhost_is_admin = true, .tokens = &token_trusts_default},
                                distrusting = {.localhost_is_admin = false, .tokens = &token_trusts_default};

static struct str user_text(struct arena *a, const struct user *user)
{
    struct str text = arena_printf(a, STR_FMT, STR_ARG(user->name));

    for (size_t i = 0; i < user->groups.n; i++)
        text =
            arena_printf(a, STR_FMT "%s" STR_FMT, STR_ARG(text), i ? "," : "/", STR_ARG(user->groups.v[i]));
    return text;
}

#define ADMIN "mesh-system:admin/mesh-system:admin,mesh-system:authenticated"
#define ANONYMOUS "mesh-system:anonymous/mesh-system:unauthenticated"

TEST(local_administrator)
{
    static const struct {
        const char *name;
        bool peer_is_loopback, forwarded;
        const char *host, *origin, *site; /* NULL: absent */
        bool admin;
    } rows[] = {
        /* hosts */
        {"localhost", true, false, "localhost", NULL, NULL, true},
        {"localhost and port", true, false, "localhost:5681", NULL, NULL, true},
        {"127.0.0.1", true, false, "127.0.0.1", NULL, NULL, true},
        {"127.0.0.1 and port", true, false, "127.0.0.1:5681", NULL, NULL, true},
        {"[::1]", true, false, "[::1]", NULL, NULL, true},
        {"[::1] and port", true, false, "[::1]:5681", NULL, NULL, true},
        {"LOCALHOST", true, false, "LOCALHOST:5681", NULL, NULL, true},
        {"another port", true, false, "localhost:1", NULL, NULL, true},
        {"no host", true, false, NULL, NULL, NULL, false},
        {"empty host", true, false, "", NULL, NULL, false},
        {"rebound name", true, false, "evil.example:5681", NULL, NULL, false},
        {"name that begins alike", true, false, "localhost.evil.example", NULL, NULL, false},
        {"name that begins alike, port", true, false, "localhost.evil.example:5681", NULL, NULL, false},
        {"address that begins alike", true, false, "127.0.0.1.evil.example", NULL, NULL, false},
        {"127.0.0.2", true, false, "127.0.0.2:5681", NULL, NULL, false},
        {"127.1", true, false, "127.1", NULL, NULL, false},
        {"::1 without brackets", true, false, "::1", NULL, NULL, false},
        {"0.0.0.0", true, false, "0.0.0.0:5681", NULL, NULL, false},
        {"name of this machine", true, false, "node-1:5681", NULL, NULL, false},
        {"dot at the end", true, false, "localhost.", NULL, NULL, false},
        {"port is no number", true, false, "localhost:x", NULL, NULL, false},
        {"port is empty", true, false, "localhost:", NULL, NULL, false},
        {"port too large", true, false, "localhost:65536", NULL, NULL, false},
        {"user before the host", true, false, "localhost:80@evil.example", NULL, NULL, false},
        /* peers */
        {"peer elsewhere", false, false, "localhost:5681", NULL, NULL, false},
        {"peer elsewhere, all else right", false, false, "127.0.0.1", "http://localhost:5681", "same-origin",
         false},
        {"forwarded", true, true, "localhost:5681", NULL, NULL, false},
        {"forwarded by a page of ours", true, true, "localhost:5681", "http://localhost:5681", "same-origin",
         false},
        /* origins */
        {"own page", true, false, "localhost:5681", "http://localhost:5681", NULL, true},
        {"own page over TLS", true, false, "localhost:5682", "https://localhost:5682", "same-origin", true},
        {"own page by address", true, false, "127.0.0.1:5681", "http://127.0.0.1:5681", "same-origin", true},
        {"own page by v6 address", true, false, "[::1]:5681", "http://[::1]:5681", NULL, true},
        {"page elsewhere", true, false, "localhost:5681", "https://evil.example", NULL, false},
        {"page elsewhere, cross-site", true, false, "localhost:5681", "https://evil.example", "cross-site",
         false},
        {"page elsewhere that claims same-origin", true, false, "localhost:5681", "https://evil.example",
         "same-origin", false},
        {"page with a name that begins alike", true, false, "localhost:5681", "http://localhost.evil.example",
         NULL, false},
        {"page in a sandbox or a file", true, false, "localhost:5681", "null", NULL, false},
        {"empty origin", true, false, "localhost:5681", "", NULL, false},
        {"origin without scheme", true, false, "localhost:5681", "localhost:5681", NULL, false},
        {"origin of an extension", true, false, "localhost:5681", "chrome-extension://localhost", NULL,
         false},
        {"origin with a path", true, false, "localhost:5681", "http://localhost:5681/", NULL, false},
        {"origin of 127.0.0.2", true, false, "localhost:5681", "http://127.0.0.2:5681", NULL, false},
        /* Sec-Fetch-Site */
        {"typed into the address bar", true, false, "localhost:5681", NULL, "none", true},
        {"same origin", true, false, "localhost:5681", NULL, "same-origin", true},
        {"another port's page", true, false, "localhost:5681", "http://localhost:3000", "same-site", false},
        {"same site", true, false, "localhost:5681", NULL, "same-site", false},
        {"cross site", true, false, "localhost:5681", NULL, "cross-site", false},
        {"empty site", true, false, "localhost:5681", NULL, "", false},
        {"unknown site", true, false, "localhost:5681", NULL, "Same-Origin", false},
    };
    struct world w;

    world_init(&w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct request_origin o = {.peer_is_loopback = rows[i].peer_is_loopback,
                                   .forwarded = rows[i].forwarded,
                                   .host = str_from_c(rows[i].host),
                                   .origin = str_from_c(rows[i].origin),
                                   .sec_fetch_site = str_from_c(rows[i].site)};
        struct user user;

        EXPECT_INT(rows[i].name, auth_user(w.snap, &trusting, &o, &w.arena, &user, &w.err), ERR_NONE);
        EXPECT_STR(rows[i].name, user_text(&w.arena, &user), rows[i].admin ? ADMIN : ANONYMOUS);
        EXPECT_INT(rows[i].name, auth_user(w.snap, &distrusting, &o, &w.arena, &user, &w.err), ERR_NONE);
        EXPECT_STR(rows[i].name, user_text(&w.arena, &user), ANONYMOUS);
    }
    world_fini(&w);
}

TEST(bearer_tokens)
{
    struct str team[] = {STR("team-a")}, admins[] = {STR("mesh-system:admin")};
    struct token_claims john = {.name = STR("john"), .groups = {team, 1}}, plain = {.name = STR("jane")},
                        admin = {.name = STR("mesh-system:admin"), .groups = {admins, 1}};
    struct str john_jwt, plain_jwt, admin_jwt, expired;
    struct world w;

    world_init(&w);
    world_put_key(&w, TOKEN_USER, "", 1, world_new_key(&w));
    EXPECT_INT("john", token_issue(w.snap, TOKEN_USER, &john, NS_PER_S, &w.arena, &john_jwt, &w.err),
               ERR_NONE);
    EXPECT_INT("jane", token_issue(w.snap, TOKEN_USER, &plain, NS_PER_S, &w.arena, &plain_jwt, &w.err),
               ERR_NONE);
    EXPECT_INT("admin", token_issue(w.snap, TOKEN_USER, &admin, NS_PER_S, &w.arena, &admin_jwt, &w.err),
               ERR_NONE);
    EXPECT_INT("expired", token_issue(w.snap, TOKEN_USER, &john, 0, &w.arena, &expired, &w.err), ERR_NONE);
    const struct {
        const char *name, *scheme;
        struct str token;
        bool local;
        const char *want; /* NULL: refused */
    } rows[] = {
        {"user with a group", "Bearer ", john_jwt, false, "john/team-a,mesh-system:authenticated"},
        {"user without groups", "Bearer ", plain_jwt, false, "jane/mesh-system:authenticated"},
        {"admin token", "Bearer ", admin_jwt, false, ADMIN},
        {"expired", "Bearer ", expired, false, NULL},
        {"garbage", "Bearer ", STR("abc"), false, NULL},
        {"nothing after the scheme", "Bearer ", STR(""), false, NULL},
        {"two blanks", "Bearer  ", john_jwt, false, NULL},
        {"other scheme", "Basic ", STR("YTpi"), false, ANONYMOUS},
        {"other case", "bearer ", john_jwt, false, ANONYMOUS},
        {"no scheme", "", john_jwt, false, ANONYMOUS},
        {"empty", "", STR(""), false, ANONYMOUS},
        {"scheme alone", "Bearer", STR(""), false, ANONYMOUS},
        {"ignored from this machine", "Bearer ", STR("abc"), true, ADMIN},
        {"a user from this machine is the admin", "Bearer ", john_jwt, true, ADMIN},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct request_origin o = {.peer_is_loopback = rows[i].local,
                                   .host = STR("localhost:5681"),
                                   .authorization.text = arena_printf(&w.arena, "%s" STR_FMT, rows[i].scheme,
                                                                      STR_ARG(rows[i].token))};
        struct user user;
        enum err_kind got = auth_user(w.snap, &trusting, &o, &w.arena, &user, &w.err);

        EXPECT_INT(rows[i].name, got, rows[i].want ? ERR_NONE : ERR_UNAUTHENTICATED);
        EXPECT_STR(rows[i].name, user_text(&w.arena, &user), rows[i].want ? rows[i].want : ANONYMOUS);
        err_init(&w.err, &w.arena);
    }
    world_fini(&w);
}

TEST(client_certificates)
{
    static const struct auth_config certs = {.type = AUTHN_CLIENT_CERTS,
                                             .localhost_is_admin = true,
                                             .tokens = &token_trusts_default},
                                    tokens = {.type = AUTHN_TOKENS, .tokens = &token_trusts_default};
    static const struct {
        const char *name;
        const struct auth_config *config;
        bool local, showed_cert;
        const char *authorization, *want; /* NULL: refused */
    } rows[] = {
        {"with one", &certs, false, true, NULL, ADMIN},
        {"with one and a bad token", &certs, false, true, "Bearer abc", ADMIN},
        {"without", &certs, false, false, NULL, ANONYMOUS},
        {"a token counts for nothing", &certs, false, false, "Bearer abc", ANONYMOUS},
        {"this machine", &certs, true, false, NULL, ADMIN},
        {"where tokens count", &tokens, false, true, NULL, ANONYMOUS},
        {"where tokens count, with a bad one", &tokens, false, true, "Bearer abc", NULL},
    };
    struct world w;

    world_init(&w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct request_origin o = {.peer_is_loopback = rows[i].local,
                                   .host = STR("localhost:5682"),
                                   .showed_cert = rows[i].showed_cert,
                                   .authorization.text = str_from_c(rows[i].authorization)};
        struct user user;
        enum err_kind got = auth_user(w.snap, rows[i].config, &o, &w.arena, &user, &w.err);

        EXPECT_INT(rows[i].name, got, rows[i].want ? ERR_NONE : ERR_UNAUTHENTICATED);
        EXPECT_STR(rows[i].name, user_text(&w.arena, &user), rows[i].want ? rows[i].want : ANONYMOUS);
        err_init(&w.err, &w.arena);
    }
    world_fini(&w);
}
