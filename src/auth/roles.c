/* roles.c -- the roles of a mesh that a user's groups name (decision 0007). */
#include <stdlib.h>

#include "ursa/auth.h"

static const struct str prefix = STR_INIT("mesh:");

bool mesh_role_is_meant(struct str group)
{
    return str_has_prefix(group, prefix);
}

enum mesh_role mesh_role_parse(struct str group, struct str *mesh)
{
    static const struct str names[] = {[MESH_ROLE_VIEWER] = STR_INIT("viewer"),
                                       [MESH_ROLE_OPERATOR] = STR_INIT("operator"),
                                       [MESH_ROLE_ADMIN] = STR_INIT("admin")};
    struct str rest = str_slice(group, prefix.n, group.n);
    size_t cut = str_chr(rest, ':');
    struct str role = str_slice(rest, cut + 1, rest.n);

    *mesh = str_slice(rest, 0, cut);
    if (!mesh_role_is_meant(group) || mesh->n == 0)
        return MESH_ROLE_NONE;
    for (size_t i = MESH_ROLE_VIEWER; i < ARRAY_LEN(names); i++) {
        if (str_eq(role, names[i]))
            return (enum mesh_role)i;
    }
    return MESH_ROLE_NONE;
}

bool user_is_confined(const struct user *user)
{
    if (user_is_admin(user))
        return false;
    for (size_t i = 0; i < user->groups.n; i++) {
        if (mesh_role_is_meant(user->groups.v[i]))
            return true;
    }
    return false;
}

enum mesh_role user_mesh_role(const struct user *user, struct str mesh)
{
    enum mesh_role highest = MESH_ROLE_NONE;

    for (size_t i = 0; i < user->groups.n; i++) {
        struct str of;
        enum mesh_role role = mesh_role_parse(user->groups.v[i], &of);

        if (role > highest && str_eq(of, mesh))
            highest = role;
    }
    return highest;
}

struct str_list user_meshes(const struct user *user, enum mesh_role least, struct arena *a)
{
    struct str_list list = {.v = ARENA_ARRAY(a, struct str, user->groups.n + 1)};
    size_t n = 0;

    for (size_t i = 0; i < user->groups.n; i++) {
        enum mesh_role role = mesh_role_parse(user->groups.v[i], &list.v[list.n]);

        list.n += role != MESH_ROLE_NONE && role >= least;
    }
    qsort(list.v, list.n, sizeof(*list.v), str_order);
    for (size_t i = 0; i < list.n; i++) {
        if (n == 0 || !str_eq(list.v[n - 1], list.v[i]))
            list.v[n++] = list.v[i];
    }
    list.n = n;
    return list;
}

bool mesh_grant_parse(struct str text, struct arena *a, struct mesh_grant *grant)
{
    size_t colon = str_chr(text, ':'), equals = str_rchr(text, '=');
    struct str to = str_slice(text, 0, colon), mesh;

    if (colon > equals)
        return false;
    *grant = (struct mesh_grant){
        .to_group = str_eq(to, STR("group")),
        .who = arena_str(a, str_slice(text, colon + 1, equals)),
        .group =
            arena_printf(a, STR_FMT STR_FMT, STR_ARG(prefix), STR_ARG(str_slice(text, equals + 1, text.n))),
    };
    return (grant->to_group || str_eq(to, STR("user"))) && grant->who.n > 0 &&
           mesh_role_parse(grant->group, &mesh) != MESH_ROLE_NONE;
}

struct str mesh_grant_format(const struct mesh_grant *grant, struct arena *a)
{
    return arena_printf(a, "%s:" STR_FMT "=" STR_FMT, grant->to_group ? "group" : "user", STR_ARG(grant->who),
                        STR_ARG(str_slice(grant->group, prefix.n, grant->group.n)));
}
