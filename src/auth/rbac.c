/* rbac.c -- what a user may do (rest-api.md 8.2, decision 0007). The rules are static: lists in the settings
 * name who handles secrets and issues tokens, users with a valid token may do all the rest, strangers read;
 * they write only where the operator asked for kuma-cp's open door. Users whose groups name meshes may do in
 * those what their role says, and nothing else. */
#include "ursa/auth.h"

#include "groups.h"
#include "ursa/base/buf.h"

bool user_is_in_group(const struct user *user, struct str group)
{
    for (size_t i = 0; i < user->groups.n; i++) {
        if (str_eq(user->groups.v[i], group))
            return true;
    }
    return false;
}

bool user_is_admin(const struct user *user)
{
    return str_eq(user->name, user_admin.name) || user_is_in_group(user, user_admin.name);
}

static bool is_secret(enum res_type type)
{
    return type != RES_N && (res_type_info(type)->traits & RES_ADMIN);
}

/* ---- access lists ---- */

static bool is_listed(const struct access_list *list, const struct user *user)
{
    for (size_t i = 0; i < list->users.n; i++) {
        if (str_eq(list->users.v[i], user->name))
            return true;
    }
    for (size_t i = 0; i < list->groups.n; i++) {
        if (user_is_in_group(user, list->groups.v[i]))
            return true;
    }
    return false;
}

/* Whether the list that governs such access, if there is one, names the user. */
static bool is_listed_for(const struct access_config *config, const struct user *user, enum access access,
                          enum res_type type)
{
    switch (access) {
    case ACCESS_READ:
    case ACCESS_WRITE:
        return is_secret(type) && is_listed(&config->admin_resources, user);
    case ACCESS_ADMIN_RESOURCE:
    case ACCESS_ADMIN:
        return is_listed(&config->admin_resources, user);
    case ACCESS_ISSUE_DATAPLANE_TOKEN:
    case ACCESS_ISSUE_ZONE_INGRESS_TOKEN:
        return is_listed(&config->generate_dp_token, user);
    case ACCESS_ISSUE_USER_TOKEN:
        return is_listed(&config->generate_user_token, user);
    case ACCESS_ISSUE_ZONE_TOKEN:
        return is_listed(&config->generate_zone_token, user);
    case ACCESS_VIEW_CONFIG_DUMP:
        return is_listed(&config->view_config_dump, user);
    case ACCESS_VIEW_STATS:
        return is_listed(&config->view_stats, user);
    case ACCESS_VIEW_CLUSTERS:
        return is_listed(&config->view_clusters, user);
    case ACCESS_PUBLIC:
        break;
    }
    return false;
}

/* ---- who is confined to meshes ---- */

enum mesh_role access_role_needed(enum access access, enum res_type type)
{
    switch (access) {
    case ACCESS_PUBLIC:
        return MESH_ROLE_VIEWER;
    case ACCESS_READ:
        return is_secret(type) ? MESH_ROLE_ADMIN : MESH_ROLE_VIEWER;
    case ACCESS_WRITE:
        return is_secret(type) || type == RES_MESH ? MESH_ROLE_ADMIN : MESH_ROLE_OPERATOR;
    case ACCESS_ADMIN_RESOURCE:
    case ACCESS_ISSUE_DATAPLANE_TOKEN:
        return MESH_ROLE_ADMIN;
    case ACCESS_ADMIN:
    case ACCESS_ISSUE_ZONE_INGRESS_TOKEN:
    case ACCESS_ISSUE_USER_TOKEN:
    case ACCESS_ISSUE_ZONE_TOKEN:
    case ACCESS_VIEW_CONFIG_DUMP: /* whom the access lists name */
    case ACCESS_VIEW_STATS:
    case ACCESS_VIEW_CLUSTERS:
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

/* Inside their meshes, what their role or an access list allows; outside nothing, whatever the lists say. */
static bool is_allowed_confined(const struct access_config *config, const struct user *user,
                                enum access access, const struct access_scope *scope)
{
    enum mesh_role need = access_role_needed(access, scope->type);
    enum mesh_role role = scope->reach == REACH_MESH     ? user_mesh_role(user, scope->mesh)
                          : scope->reach == REACH_MESHES ? highest_role(user)
                                                         : MESH_ROLE_NONE;

    if (access == ACCESS_PUBLIC && scope->reach != REACH_MESH)
        return true;
    return role != MESH_ROLE_NONE &&
           ((need != MESH_ROLE_NONE && role >= need) || is_listed_for(config, user, access, scope->type));
}

/* ---- everybody else ---- */

static bool is_allowed_free(const struct access_config *config, const struct user *user, enum access access,
                            enum res_type type)
{
    bool is_known = user_is_admin(user) || user_is_in_group(user, (struct str)GROUP_AUTHENTICATED);

    switch (access) {
    case ACCESS_PUBLIC:
        return true;
    case ACCESS_READ:
        return (!is_secret(type) && (config->anonymous_reads || is_known)) ||
               is_listed_for(config, user, access, type);
    case ACCESS_WRITE:
        return (!is_secret(type) && (config->anonymous_writes || is_known)) ||
               is_listed_for(config, user, access, type);
    case ACCESS_VIEW_CONFIG_DUMP:
    case ACCESS_VIEW_STATS:
    case ACCESS_VIEW_CLUSTERS:
        return (config->anonymous_reads || is_known) && is_listed_for(config, user, access, type);
    case ACCESS_ADMIN_RESOURCE:
    case ACCESS_ADMIN:
    case ACCESS_ISSUE_DATAPLANE_TOKEN:
    case ACCESS_ISSUE_ZONE_INGRESS_TOKEN:
    case ACCESS_ISSUE_USER_TOKEN:
    case ACCESS_ISSUE_ZONE_TOKEN:
        break;
    }
    return is_listed_for(config, user, access, type);
}

static bool is_allowed(const struct access_config *config, const struct user *user, enum access access,
                       const struct access_scope *scope)
{
    return user_is_confined(user) ? is_allowed_confined(config, user, access, scope)
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
    bool is_of_type = scope->type != RES_N &&
                      (access == ACCESS_READ || access == ACCESS_WRITE || access == ACCESS_ADMIN_RESOURCE);

    if (is_allowed(config, user, access, scope))
        return ERR_NONE;
    if (!is_of_type)
        return err_set(e, ERR_DENIED, "action not allowed");
    return err_set(e, ERR_DENIED, "user " STR_FMT " cannot access the resource of type \"" STR_FMT "\"",
                   STR_ARG(user_text(e->arena, user)), STR_ARG(res_type_info(scope->type)->name));
}
