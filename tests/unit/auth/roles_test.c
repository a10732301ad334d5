/* Roles of a mesh: what a group says, whom it confines, and what each role may do where. */
#include "world.h"

TEST(groups_that_name_a_role)
{
    static const struct {
        const char *group;
        enum mesh_role role;
        bool meant;
        const char *mesh;
    } rows[] = {
        {"mesh:demo:viewer", MESH_ROLE_VIEWER, true, "demo"},
        {"mesh:demo:operator", MESH_ROLE_OPERATOR, true, "demo"},
        {"mesh:demo:admin", MESH_ROLE_ADMIN, true, "demo"},
        {"mesh:mesh:admin", MESH_ROLE_ADMIN, true, "mesh"},
        {"mesh:demo:Admin", MESH_ROLE_NONE, true, NULL},
        {"mesh:demo:admins", MESH_ROLE_NONE, true, NULL},
        {"mesh:demo:admin:", MESH_ROLE_NONE, true, NULL},
        {"mesh:demo:admin ", MESH_ROLE_NONE, true, NULL},
        {"mesh:demo:", MESH_ROLE_NONE, true, NULL},
        {"mesh:demo", MESH_ROLE_NONE, true, NULL},
        {"mesh::admin", MESH_ROLE_NONE, true, NULL},
        {"mesh:", MESH_ROLE_NONE, true, NULL},
        {"mesh:a:b:admin", MESH_ROLE_NONE, true, NULL},
        {"mesh", MESH_ROLE_NONE, false, NULL},
        {"Mesh:demo:admin", MESH_ROLE_NONE, false, NULL},
        {"mesh-system:admin", MESH_ROLE_NONE, false, NULL},
        {" mesh:demo:admin", MESH_ROLE_NONE, false, NULL},
        {"", MESH_ROLE_NONE, false, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str mesh;

        EXPECT_INT(rows[i].group, mesh_role_parse(str_from_c(rows[i].group), &mesh), rows[i].role);
        EXPECT_INT(rows[i].group, mesh_role_is_meant(str_from_c(rows[i].group)), rows[i].meant);
        if (rows[i].mesh)
            EXPECT_STR(rows[i].group, mesh, rows[i].mesh);
    }
}

#define AUTHENTICATED STR_INIT("mesh-system:authenticated")
static struct str viewer_groups[] = {STR_INIT("mesh:demo:viewer"), AUTHENTICATED};
static struct str operator_groups[] = {STR_INIT("team-a"), STR_INIT("mesh:demo:operator"), AUTHENTICATED};
static struct str mesh_admin_groups[] = {STR_INIT("mesh:demo:admin"), AUTHENTICATED};
static struct str mixed_groups[] = {STR_INIT("mesh:b:viewer"), STR_INIT("mesh:demo:viewer"),
                                    STR_INIT("mesh:demo:operator"), STR_INIT("mesh:a:admin"), AUTHENTICATED};
static struct str slip_groups[] = {STR_INIT("mesh:demo:oprator"), AUTHENTICATED};
static struct str both_groups[] = {STR_INIT("mesh:demo:viewer"), STR_INIT("mesh-system:admin"),
                                   AUTHENTICATED};
static struct str plain_groups[] = {STR_INIT("team-a"), AUTHENTICATED};

#define USER(groups)                                                                                         \
    {                                                                                                        \
        STR_INIT("john"),                                                                                    \
        {                                                                                                    \
            groups, ARRAY_LEN(groups)                                                                        \
        }                                                                                                    \
    }
static const struct user viewer = USER(viewer_groups), operator= USER(operator_groups),
                         mesh_admin = USER(mesh_admin_groups), mixed = USER(mixed_groups),
                         slip = USER(slip_groups), both = USER(both_groups), plain = USER(plain_groups);

TEST(who_is_confined)
{
    const struct {
        const char *name;
        const struct user *user;
        bool confined;
        enum mesh_role demo;
        bool sees_demo, sees_other;
    } rows[] = {
        {"viewer", &viewer, true, MESH_ROLE_VIEWER, true, false},
        {"operator", &operator, true, MESH_ROLE_OPERATOR, true, false},
        {"admin of a mesh", &mesh_admin, true, MESH_ROLE_ADMIN, true, false},
        {"several roles", &mixed, true, MESH_ROLE_OPERATOR, true, false},
        {"a slip", &slip, true, MESH_ROLE_NONE, false, false},
        {"also an administrator", &both, false, MESH_ROLE_VIEWER, true, true},
        {"plain user", &plain, false, MESH_ROLE_NONE, true, true},
        {"stranger", &user_anonymous, false, MESH_ROLE_NONE, true, true},
        {"administrator", &user_admin, false, MESH_ROLE_NONE, true, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        EXPECT_INT(rows[i].name, user_is_confined(rows[i].user), rows[i].confined);
        EXPECT_INT(rows[i].name, user_mesh_role(rows[i].user, STR("demo")), rows[i].demo);
        EXPECT_INT(rows[i].name, access_sees_mesh(rows[i].user, STR("demo")), rows[i].sees_demo);
        EXPECT_INT(rows[i].name, access_sees_mesh(rows[i].user, STR("other")), rows[i].sees_other);
    }
}

TEST(a_users_meshes)
{
    static const struct {
        enum mesh_role least;
        const char *want;
    } rows[] = {
        {MESH_ROLE_VIEWER, "a b demo "},
        {MESH_ROLE_OPERATOR, "a demo "},
        {MESH_ROLE_ADMIN, "a "},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str_list list = user_meshes(&mixed, rows[i].least, &a);
        struct str got = STR("");

        for (size_t m = 0; m < list.n; m++)
            got = arena_printf(&a, STR_FMT STR_FMT " ", STR_ARG(got), STR_ARG(list.v[m]));
        EXPECT_STR(rows[i].want, got, rows[i].want);
    }
    arena_fini(&a);
}

/* What each role may do: in its own mesh, in another one, with what belongs to no mesh, and before it is
 * known which mesh is meant. */
TEST(what_roles_may_do)
{
    enum { V = 1, O = 2, A = 4, VOA = V | O | A, OA = O | A };
    static const struct {
        const char *name;
        enum access access;
        enum res_type type;
        int own, global, meshes; /* roles that may; none may in another mesh */
    } rows[] = {
        {"public page", ACCESS_PUBLIC, RES_N, VOA, VOA, VOA},
        {"read", ACCESS_READ, RES_TIMEOUT, VOA, 0, VOA},
        {"read Dataplanes", ACCESS_READ, RES_DATAPLANE, VOA, 0, VOA},
        {"read the mesh", ACCESS_READ, RES_MESH, VOA, 0, VOA},
        {"read its secrets", ACCESS_READ, RES_SECRET, A, 0, A},
        {"read no type", ACCESS_READ, RES_N, VOA, 0, VOA},
        {"write a policy", ACCESS_WRITE, RES_TIMEOUT, OA, 0, OA},
        {"write a Dataplane", ACCESS_WRITE, RES_DATAPLANE, OA, 0, OA},
        {"write an ExternalService", ACCESS_WRITE, RES_EXTERNAL_SERVICE, OA, 0, OA},
        {"write a gateway", ACCESS_WRITE, RES_MESH_GATEWAY, OA, 0, OA},
        {"write the mesh", ACCESS_WRITE, RES_MESH, A, 0, A},
        {"write its secrets", ACCESS_WRITE, RES_SECRET, A, 0, A},
        {"apply", ACCESS_WRITE, RES_N, OA, 0, OA},
        {"administer", ACCESS_ADMIN_RESOURCE, RES_N, A, 0, A},
        {"issue a dataplane's token", ACCESS_ISSUE_DATAPLANE_TOKEN, RES_N, A, 0, A},
        {"issue a user's token", ACCESS_ISSUE_USER_TOKEN, RES_N, 0, 0, 0},
        {"issue a zone's token", ACCESS_ISSUE_ZONE_TOKEN, RES_N, 0, 0, 0},
        {"issue a zone ingress's token", ACCESS_ISSUE_ZONE_INGRESS_TOKEN, RES_N, 0, 0, 0},
        {"debug the control plane", ACCESS_ADMIN, RES_N, 0, 0, 0},
        {"inspect a proxy", ACCESS_VIEW_STATS, RES_N, VOA, 0, VOA},
    };
    const struct user *const users[] = {&viewer, &operator, & mesh_admin };
    const struct access_config open = {.anonymous_reads = true, .anonymous_writes = true, DEFAULT_LISTS};
    struct world w;

    world_init(&w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t u = 0; u < ARRAY_LEN(users); u++) {
            const struct {
                struct access_scope scope;
                bool want;
            } asked[] = {
                {{REACH_MESH, rows[i].type, STR("demo")}, rows[i].own & 1 << u},
                {{REACH_MESH, rows[i].type, STR("other")}, false},
                {{REACH_MESH, rows[i].type, STR("")}, false},
                {{REACH_GLOBAL, rows[i].type, STR_NONE}, rows[i].global & 1 << u},
                {{REACH_MESHES, rows[i].type, STR_NONE}, rows[i].meshes & 1 << u},
            };
            for (size_t s = 0; s < ARRAY_LEN(asked); s++) {
                enum err_kind got = access_check(&open, users[u], rows[i].access, &asked[s].scope, &w.err);

                if ((got == ERR_NONE) != asked[s].want)
                    FAIL("%s: user %zu, scope %zu: %s", rows[i].name, u, s, err_kind_name(got));
                err_init(&w.err, &w.arena);
            }
        }
    }
    world_fini(&w);
}

TEST(the_scope_of_a_resource)
{
    static const struct {
        const char *name;
        enum access access;
        struct res_key key;
        bool updates;
        enum access_reach reach;
        const char *mesh;
    } rows[] = {
        {"of a mesh", ACCESS_WRITE, {RES_TIMEOUT, STR_INIT("m"), STR_INIT("t")}, false, REACH_MESH, "m"},
        {"a mesh is read", ACCESS_READ, {RES_MESH, {0}, STR_INIT("m")}, false, REACH_MESH, "m"},
        {"a mesh is changed", ACCESS_WRITE, {RES_MESH, {0}, STR_INIT("m")}, true, REACH_MESH, "m"},
        {"a mesh is made", ACCESS_WRITE, {RES_MESH, {0}, STR_INIT("m")}, false, REACH_GLOBAL, "m"},
        {"of no mesh", ACCESS_READ, {RES_ZONE, {0}, STR_INIT("z")}, false, REACH_GLOBAL, ""},
        {"of no mesh, updated", ACCESS_WRITE, {RES_ZONE, {0}, STR_INIT("z")}, true, REACH_GLOBAL, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct access_scope scope = access_scope_of(rows[i].access, &rows[i].key, rows[i].updates);

        EXPECT_INT(rows[i].name, scope.reach, rows[i].reach);
        EXPECT_STR(rows[i].name, scope.mesh, rows[i].mesh);
        EXPECT_INT(rows[i].name, scope.type, rows[i].key.type);
    }
}

TEST(filters)
{
    const struct access_config open = {.anonymous_reads = true, DEFAULT_LISTS};
    const struct {
        const char *name;
        const struct user *user;
        struct res_key key;
        bool want;
    } rows[] = {
        {"a viewer's policy", &viewer, {RES_TIMEOUT, STR("demo"), STR("t")}, true},
        {"another's policy", &viewer, {RES_TIMEOUT, STR("other"), STR("t")}, false},
        {"a viewer's mesh", &viewer, {RES_MESH, STR_NONE, STR("demo")}, true},
        {"another mesh", &viewer, {RES_MESH, STR_NONE, STR("other")}, false},
        {"a viewer's mesh's secret", &viewer, {RES_SECRET, STR("demo"), STR("s")}, false},
        {"an admin's mesh's secret", &mesh_admin, {RES_SECRET, STR("demo"), STR("s")}, true},
        {"another mesh's secret", &mesh_admin, {RES_SECRET, STR("other"), STR("s")}, false},
        {"a global secret", &mesh_admin, {RES_GLOBAL_SECRET, STR_NONE, STR("demo")}, false},
        {"a zone", &mesh_admin, {RES_ZONE, STR_NONE, STR("demo")}, false},
        {"a plain user's policy", &plain, {RES_TIMEOUT, STR("other"), STR("t")}, true},
        {"a plain user's secret", &plain, {RES_SECRET, STR("other"), STR("s")}, false},
        {"a plain user's zone", &plain, {RES_ZONE, STR_NONE, STR("z")}, true},
        {"an administrator's secret", &user_admin, {RES_GLOBAL_SECRET, STR_NONE, STR("s")}, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT_INT(rows[i].name, access_sees(&open, rows[i].user, &rows[i].key), rows[i].want);
}

TEST(grants_of_the_settings)
{
    static const struct {
        const char *text, *want; /* who and group, or NULL */
        bool to_group;
    } rows[] = {
        {"user:john=demo:viewer", "john mesh:demo:viewer", false},
        {"group:team-a=demo:operator", "team-a mesh:demo:operator", true},
        {"group:mesh-system:unauthenticated=public:viewer", "mesh-system:unauthenticated mesh:public:viewer",
         true},
        {"user:a=b=demo:admin", "a=b mesh:demo:admin", false},
        {"users:john=demo:viewer", NULL, false},
        {"john=demo:viewer", NULL, false},
        {"user:john", NULL, false},
        {"user:john=demo", NULL, false},
        {"user:john=demo:owner", NULL, false},
        {"user:john=mesh:demo:viewer", NULL, false},
        {"user:=demo:viewer", NULL, false},
        {"user:john=:viewer", NULL, false},
        {"", NULL, false},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct mesh_grant grant;
        bool good = mesh_grant_parse(str_from_c(rows[i].text), &a, &grant);

        EXPECT_INT(rows[i].text, good, rows[i].want != NULL);
        if (!good || !rows[i].want)
            continue;
        EXPECT_STR(rows[i].text,
                   arena_printf(&a, STR_FMT " " STR_FMT, STR_ARG(grant.who), STR_ARG(grant.group)),
                   rows[i].want);
        EXPECT_INT(rows[i].text, grant.to_group, rows[i].to_group);
        EXPECT_STR("as written", mesh_grant_format(&grant, &a), rows[i].text);
    }
    arena_fini(&a);
}
