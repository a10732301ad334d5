/* rbac.c -- what a user may do (rest-api.md 8.2, decision 0007). The rules are static: administrators may do
 * everything, users with a valid token all but secrets and tokens, strangers read; they write only where the
 * operator asked for kuma-cp's open door. Users whose groups name meshes may do in those what their role
 * says, and nothing else. */
#include "ursa/auth.h"

#include "groups.h"
#include "ursa/base/buf.h"

static bool is_in_group(const struct user *user, struct str group)
{
    for (size_t i = 0; i < user->groups.n; i++) {
        if (str_eq(user->groups.v[i], group))
            return true;
    }
    return false;
}

bool user_is_admin(const struct user *user)
{
    return str_eq(user->name, user_admin.name) || is_in_group(user, user_admin.name);
}

/* ---- who is confined to meshes ---- */

static bool is_secret(enum res_type type)
{
    return type != RES_N && (res_type_info(type)->traits & RES_ADMIN);
}

enum mesh_role access_role_needed(enum access access, enum res_type type)
{
    switch (access) {
    case ACCESS_PUBLIC:
    case ACCESS_VIEW_PROXY:
        return MESH_ROLE_VIEWER;
    case ACCESS_READ:
        return is_secret(type) ? MESH_ROLE_ADMIN : MESH_ROLE_VIEWER;
    case ACCESS_WRITE:
        return is_secret(type) || type == RES_MESH ? MESH_ROLE_ADMIN : MESH_ROLE_OPERATOR;
    case ACCESS_ADMIN_RESOURCE:
    case ACCESS_ISSUE_DATAPLANE_TOKEN:
        return MESH_ROLE_ADMIN;
    case ACCESS_ADMIN:
    case ACCESS_ISSUE_TOKEN:
        break;
    }
    return MESH_ROLE_NONE;
}

static enum mesh_role highest_role(const struct user *user)
{
    enum mesh_role highest = MESH_ROLE_NONE;

    for (size_t i = 0; i < user->groups.n; i++) {
        struct str mesh;
        enum mesh_role role = mesh_role_parse(user->groups.v[i], &mesh);

        if (role > highest)
            highest = role;
    }
    return highest;
}

static bool is_allowed_confined(const struct user *user, enum access access, const struct access_scope *scope)
{
    enum mesh_role need = access_role_needed(access, scope->type);

    if (access == ACCESS_PUBLIC && scope->reach != REACH_MESH)
        return true;
    if (scope->reach == REACH_GLOBAL || need == MESH_ROLE_NONE)
        return false;
    return (scope->reach == REACH_MESH ? user_mesh_role(user, scope->mesh) : highest_role(user)) >= need;
}

/* ---- everybody else ---- */

static bool is_allowed_free(const struct access_config *config, const struct user *user, enum access access,
                            enum res_type type)
{
    bool is_known = is_in_group(user, (struct str)GROUP_AUTHENTICATED);

    if (user_is_admin(user))
        return true;
    switch (access) {
    case ACCESS_PUBLIC:
        return true;
    case ACCESS_VIEW_PROXY:
    case ACCESS_READ:
        return !is_secret(type) && (config->anonymous_reads || is_known);
    case ACCESS_WRITE:
        return !is_secret(type) && (config->anonymous_writes || is_known);
    case ACCESS_ADMIN_RESOURCE:
    case ACCESS_ADMIN:
    case ACCESS_ISSUE_TOKEN:
    case ACCESS_ISSUE_DATAPLANE_TOKEN:
        break;
    }
    return false;
}

static bool is_allowed(const struct access_config *config, const struct user *user, enum access access,
                       const struct access_scope *scope)
{
    return user_is_confined(user) ? is_allowed_confined(user, access, scope)
                                  : is_allowed_free(config, user, access, scope->type);
}

struct access_scope access_scope_of(enum access access, const struct res_key *key, bool updates)
{
    bool is_mesh = key->type == RES_MESH;
    struct access_scope scope = {.type = key->type, .mesh = is_mesh ? key->name : key->mesh};

    if (is_mesh)
        scope.reach = updates || access == ACCESS_READ ? REACH_MESH : REACH_GLOBAL;
    else
        scope.reach = res_type_info(key->type)->scope == SCOPE_MESH ? REACH_MESH : REACH_GLOBAL;
    return scope;
}

bool access_sees(const struct access_config *config, const struct user *user, const struct res_key *key)
{
    const struct access_scope scope = access_scope_of(ACCESS_READ, key, true);

    return is_allowed(config, user, ACCESS_READ, &scope);
}

bool access_sees_mesh(const struct user *user, struct str mesh)
{
    return !user_is_confined(user) || user_mesh_role(user, mesh) >= MESH_ROLE_VIEWER;
}

/* ---- the words of a refusal ---- */

static struct str user_text(struct arena *a, const struct user *user)
{
    struct buf b;
    struct str text;

    buf_init(&b, BUF_MAX_RESOURCE);
    buf_printf(&b, STR_FMT "/", STR_ARG(user->name));
    for (size_t i = 0; i < user->groups.n; i++)
        buf_printf(&b, "%s" STR_FMT, i ? "," : "", STR_ARG(user->groups.v[i]));
    text = str_quote(a, buf_str(&b));
    buf_fini(&b);
    return text;
}

enum err_kind access_check(const struct access_config *config, const struct user *user, enum access access,
                           const struct access_scope *scope, struct err *e)
{
    bool is_of_type =
        scope->type != RES_N && access != ACCESS_ISSUE_TOKEN && access != ACCESS_ISSUE_DATAPLANE_TOKEN;

    if (is_allowed(config, user, access, scope))
        return ERR_NONE;
    if (!is_of_type)
        return err_set(e, ERR_DENIED, "action not allowed");
    return err_set(e, ERR_DENIED, "user " STR_FMT " cannot access the resource of type \"" STR_FMT "\"",
                   STR_ARG(user_text(e->arena, user)), STR_ARG(res_type_info(scope->type)->name));
}
