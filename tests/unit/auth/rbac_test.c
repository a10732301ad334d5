/* What a user may do, and the words of a refusal. */
#include "world.h"

#define SECRET_TEXT "cannot access the resource of type \"Secret\""

TEST(rights)
{
    struct str team[] = {STR("team-a"), STR("mesh-system:authenticated")},
               admins[] = {STR("mesh-system:admin")};
    const struct user john = {STR("john"), {team, 2}}, jane = {STR("jane"), {admins, 1}},
                      nobody = {STR("x"), {NULL, 0}};
    const struct {
        const char *name;
        const struct user *user;
        enum access access;
        enum res_type type;
        bool closed, open; /* allowed by default / with anonymous_writes */
    } rows[] = {
        {"anybody's page", &user_anonymous, ACCESS_PUBLIC, RES_N, true, true},
        {"anonymous reads", &user_anonymous, ACCESS_READ, RES_MESH, true, true},
        {"anonymous reads config", &user_anonymous, ACCESS_READ, RES_N, true, true},
        {"anonymous views a proxy", &user_anonymous, ACCESS_VIEW_STATS, RES_N, true, true},
        {"anonymous writes", &user_anonymous, ACCESS_WRITE, RES_MESH, false, true},
        {"anonymous applies", &user_anonymous, ACCESS_WRITE, RES_N, false, true},
        {"anonymous reads secrets", &user_anonymous, ACCESS_READ, RES_SECRET, false, false},
        {"anonymous reads global secrets", &user_anonymous, ACCESS_READ, RES_GLOBAL_SECRET, false, false},
        {"anonymous writes secrets", &user_anonymous, ACCESS_WRITE, RES_SECRET, false, false},
        {"anonymous and an admin resource", &user_anonymous, ACCESS_ADMIN_RESOURCE, RES_SECRET, false, false},
        {"anonymous issues", &user_anonymous, ACCESS_ISSUE_USER_TOKEN, RES_N, false, false},
        {"user reads", &john, ACCESS_READ, RES_DATAPLANE, true, true},
        {"user writes", &john, ACCESS_WRITE, RES_DATAPLANE, true, true},
        {"user writes secrets", &john, ACCESS_WRITE, RES_SECRET, false, false},
        {"user reads secrets", &john, ACCESS_READ, RES_SECRET, false, false},
        {"user issues", &john, ACCESS_ISSUE_USER_TOKEN, RES_N, false, false},
        {"user without groups writes", &nobody, ACCESS_WRITE, RES_MESH, false, true},
        {"admin by group writes", &jane, ACCESS_WRITE, RES_MESH, true, true},
        {"admin by group reads secrets", &jane, ACCESS_READ, RES_SECRET, true, true},
        {"admin by group issues", &jane, ACCESS_ISSUE_USER_TOKEN, RES_N, true, true},
        {"admin writes", &user_admin, ACCESS_WRITE, RES_GLOBAL_SECRET, true, true},
        {"user and a dataplane's token", &john, ACCESS_ISSUE_DATAPLANE_TOKEN, RES_N, false, false},
        {"user debugs", &john, ACCESS_ADMIN, RES_N, false, false},
        {"admin and a dataplane's token", &jane, ACCESS_ISSUE_DATAPLANE_TOKEN, RES_N, true, true},
        {"admin debugs", &jane, ACCESS_ADMIN, RES_N, true, true},
        {"admin and an admin resource", &user_admin, ACCESS_ADMIN_RESOURCE, RES_SECRET, true, true},
        {"admin issues", &user_admin, ACCESS_ISSUE_USER_TOKEN, RES_N, true, true},
    };
    struct world w;

    world_init(&w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (int open = 0; open <= 1; open++) {
            struct access_config config = {.anonymous_reads = true, .anonymous_writes = open, DEFAULT_LISTS};
            const struct access_scope scope = {.type = rows[i].type};

            EXPECT_INT(rows[i].name, access_check(&config, rows[i].user, rows[i].access, &scope, &w.err),
                       (open ? rows[i].open : rows[i].closed) ? ERR_NONE : ERR_DENIED);
            err_init(&w.err, &w.arena);
        }
    }
    world_fini(&w);
}

TEST(words_of_a_refusal)
{
    struct str team[] = {STR("team-a"), STR("mesh-system:authenticated")}, odd_groups[] = {STR("a\n")};
    const struct user john = {STR("john"), {team, 2}}, odd = {STR("q\"q"), {odd_groups, 1}},
                      alone = {STR("x"), {NULL, 0}};
    const struct {
        const struct user *user;
        enum access access;
        enum res_type type;
        const char *want;
    } rows[] = {
        {&user_anonymous, ACCESS_READ, RES_SECRET,
         "user \"mesh-system:anonymous/mesh-system:unauthenticated\" " SECRET_TEXT},
        {&john, ACCESS_ADMIN_RESOURCE, RES_SECRET,
         "user \"john/team-a,mesh-system:authenticated\" " SECRET_TEXT},
        {&odd, ACCESS_READ, RES_SECRET, "user \"q\\\"q/a\\n\" " SECRET_TEXT},
        {&alone, ACCESS_READ, RES_SECRET, "user \"x/\" " SECRET_TEXT},
        {&john, ACCESS_ISSUE_USER_TOKEN, RES_N, "action not allowed"},
        {&user_anonymous, ACCESS_WRITE, RES_N, "action not allowed"},
    };
    struct world w;

    world_init(&w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct access_scope scope = {.type = rows[i].type};

        EXPECT_INT(rows[i].want,
                   access_check(&(struct access_config){0}, rows[i].user, rows[i].access, &scope, &w.err),
                   ERR_DENIED);
        EXPECT_STR(rows[i].want, world_fault(&w), rows[i].want);
    }
    world_fini(&w);
}

TEST(strangers_read_only_where_they_may)
{
    struct str team[] = {STR("mesh-system:authenticated")};
    const struct user john = {STR("john"), {team, 1}};
    const struct access_scope mesh = {.reach = REACH_MESH, .type = RES_TIMEOUT, .mesh = STR("demo")};
    struct world w;

    world_init(&w);
    for (int open = 0; open <= 1; open++) {
        struct access_config config = {.anonymous_reads = open, DEFAULT_LISTS};

        EXPECT_INT("a stranger", access_check(&config, &user_anonymous, ACCESS_READ, &mesh, &w.err),
                   open ? ERR_NONE : ERR_DENIED);
        err_init(&w.err, &w.arena);
        EXPECT_INT("a user", access_check(&config, &john, ACCESS_READ, &mesh, &w.err), ERR_NONE);
        EXPECT_INT("anybody's page", access_check(&config, &user_anonymous, ACCESS_PUBLIC, &mesh, &w.err),
                   ERR_NONE);
    }
    world_fini(&w);
}

/* One list is open to a user and a group; what it governs is theirs, and nothing else. */
TEST(access_lists)
{
    struct str people[] = {STR("john")}, teams[] = {STR("team-a")};
    struct str jane_groups[] = {STR("team-a"), STR("mesh-system:authenticated")};
    struct str viewer_groups[] = {STR("team-a"), STR("mesh:demo:viewer"), STR("mesh-system:authenticated")};
    const struct user john = {STR("john"), {NULL, 0}}, jane = {STR("jane"), {jane_groups, 2}},
                      viewer = {STR("vera"), {viewer_groups, 3}};
    const struct user *const users[] = {&john, &jane, &viewer, &user_admin};
    const struct access_list list = {{people, 1}, {teams, 1}};
    static const struct {
        const char *name;
        size_t list; /* offset in struct access_config */
        enum access access;
        enum res_type type;
    } rows[] = {
        {"read secrets", offsetof(struct access_config, admin_resources), ACCESS_READ, RES_SECRET},
        {"write secrets", offsetof(struct access_config, admin_resources), ACCESS_WRITE, RES_SECRET},
        {"administer", offsetof(struct access_config, admin_resources), ACCESS_ADMIN_RESOURCE, RES_N},
        {"debug", offsetof(struct access_config, admin_resources), ACCESS_ADMIN, RES_N},
        {"dataplanes' tokens", offsetof(struct access_config, generate_dp_token),
         ACCESS_ISSUE_DATAPLANE_TOKEN, RES_N},
        {"zone ingresses' tokens", offsetof(struct access_config, generate_dp_token),
         ACCESS_ISSUE_ZONE_INGRESS_TOKEN, RES_N},
        {"users' tokens", offsetof(struct access_config, generate_user_token), ACCESS_ISSUE_USER_TOKEN,
         RES_N},
        {"zones' tokens", offsetof(struct access_config, generate_zone_token), ACCESS_ISSUE_ZONE_TOKEN,
         RES_N},
        {"configuration", offsetof(struct access_config, view_config_dump), ACCESS_VIEW_CONFIG_DUMP, RES_N},
        {"statistics", offsetof(struct access_config, view_stats), ACCESS_VIEW_STATS, RES_N},
        {"clusters", offsetof(struct access_config, view_clusters), ACCESS_VIEW_CLUSTERS, RES_N},
    };
    const struct access_scope scopes[] = {{.reach = REACH_MESH, .mesh = STR("demo")},
                                          {.reach = REACH_MESH, .mesh = STR("other")},
                                          {.reach = REACH_GLOBAL}};
    struct world w;

    world_init(&w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t open = 0; open < ARRAY_LEN(rows); open++) {
            struct access_config config = {.anonymous_reads = true};

            *(struct access_list *)(void *)((char *)&config + rows[open].list) = list;
            for (size_t u = 0; u < ARRAY_LEN(users); u++) {
                for (size_t s = 0; s < ARRAY_LEN(scopes); s++) {
                    struct access_scope scope = scopes[s];
                    bool want = rows[i].list == rows[open].list && u < 3 && (u < 2 || s == 0);

                    scope.type = rows[i].type;
                    if ((access_check(&config, users[u], rows[i].access, &scope, &w.err) == ERR_NONE) != want)
                        FAIL("%s with the list of %s: user %zu, scope %zu", rows[i].name, rows[open].name, u,
                             s);
                    err_init(&w.err, &w.arena);
                }
            }
        }
    }
    world_fini(&w);
}
