/* rbac.c -- what a user may do (rest-api.md 8.2). The rules are static: administrators may do everything,
 * users with a valid token all but secrets and tokens, strangers read; they write only where the operator
 * asked for kuma-cp's open door. */
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

static bool is_allowed(const struct access_config *config, const struct user *user, enum access access,
                       enum res_type type)
{
    bool secret = type != RES_N && (res_type_info(type)->traits & RES_ADMIN);

    switch (access) {
    case ACCESS_PUBLIC:
    case ACCESS_VIEW_PROXY:
        return true;
    case ACCESS_READ:
        return !secret || user_is_admin(user);
    case ACCESS_WRITE:
        return user_is_admin(user) ||
               (!secret && (config->anonymous_writes || is_in_group(user, (struct str)GROUP_AUTHENTICATED)));
    case ACCESS_ADMIN_RESOURCE:
    case ACCESS_ISSUE_TOKEN:
        return user_is_admin(user);
    }
    return false;
}

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
                           enum res_type type, struct err *e)
{
    if (is_allowed(config, user, access, type))
        return ERR_NONE;
    if (access == ACCESS_ISSUE_TOKEN || type == RES_N)
        return err_set(e, ERR_DENIED, "action not allowed");
    return err_set(e, ERR_DENIED, "user " STR_FMT " cannot access the resource of type \"" STR_FMT "\"",
                   STR_ARG(user_text(e->arena, user)), STR_ARG(res_type_info(type)->name));
}
