/* user.c -- who sent an API request: the local administrator, the bearer of a user token or of a client
 * certificate, or anybody. */
#include "ursa/auth.h"

#include "groups.h"

static struct str admin_groups[] = {STR_INIT("mesh-system:admin"), GROUP_AUTHENTICATED};
static struct str anonymous_groups[] = {STR_INIT("mesh-system:unauthenticated")};

const struct user user_admin = {STR_INIT("mesh-system:admin"), {admin_groups, ARRAY_LEN(admin_groups)}};
const struct user user_anonymous = {STR_INIT("mesh-system:anonymous"),
                                    {anonymous_groups, ARRAY_LEN(anonymous_groups)}};

/* "localhost", "127.0.0.1" or "[::1]", with or without a port. */
static bool is_loopback_host(struct str host)
{
    static const struct str names[] = {STR_INIT("localhost"), STR_INIT("127.0.0.1"), STR_INIT("[::1]")};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct str port = str_slice(host, names[i].n, host.n);
        uint64_t number;

        if (!str_eq_nocase(str_slice(host, 0, names[i].n), names[i]))
            continue;
        if (port.n == 0)
            return true;
        return port.p[0] == ':' && str_to_uint(str_slice(port, 1, port.n), 65535, &number);
    }
    return false;
}

/* An origin is scheme://host[:port]; "null" and everything with a path is none of ours. */
static bool is_loopback_origin(struct str origin)
{
    static const struct str schemes[] = {STR_INIT("http://"), STR_INIT("https://")};

    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        if (str_has_prefix(origin, schemes[i]))
            return is_loopback_host(str_slice(origin, schemes[i].n, origin.n));
    }
    return false;
}

/* Whoever can connect from this machine itself is its administrator, but a web page in a browser here must
 * not borrow that, nor a client behind a proxy here (CVE-2026-45021): the Host defeats DNS rebinding, the
 * others tell where a page came from. */
static bool is_local_admin(const struct request_origin *o)
{
    if (!o->peer_is_loopback || o->forwarded || !is_loopback_host(o->host))
        return false;
    if (o->origin.p && !is_loopback_origin(o->origin))
        return false;
    return !o->sec_fetch_site.p || str_eq(o->sec_fetch_site, STR("same-origin")) ||
           str_eq(o->sec_fetch_site, STR("none"));
}

static void user_from_claims(const struct token_claims *claims, struct arena *a, struct user *user)
{
    size_t n = claims->groups.n;

    user->name = claims->name;
    user->groups.v = ARENA_ARRAY(a, struct str, n + 1);
    user->groups.n = n + 1;
    for (size_t i = 0; i < n; i++)
        user->groups.v[i] = claims->groups.v[i];
    user->groups.v[n] = (struct str)GROUP_AUTHENTICATED;
}

static bool is_granted(const struct mesh_grant *grant, const struct user *user)
{
    return grant->to_group ? user_is_in_group(user, grant->who) : str_eq(grant->who, user->name);
}

/* What the settings give becomes a group of the user, so that /who-am-i and refusals show it. */
static void add_granted(const struct mesh_grants *grants, struct arena *a, struct user *user)
{
    struct str_list all = {.v = ARENA_ARRAY(a, struct str, user->groups.n + grants->n + 1)};

    for (size_t i = 0; i < user->groups.n; i++)
        all.v[all.n++] = user->groups.v[i];
    for (size_t i = 0; i < grants->n; i++) {
        if (is_granted(&grants->v[i], user))
            all.v[all.n++] = grants->v[i].group;
    }
    user->groups = all;
}

enum err_kind auth_user(const struct snap *snap, const struct auth_config *config,
                        const struct request_origin *o, struct arena *a, struct user *user, struct err *e)
{
    static const struct str bearer = STR_INIT("Bearer ");
    struct credential shown = o->authorization;
    struct token_claims claims;

    /* COMPAT: for the local administrator any Authorization header is ignored, even a broken one. */
    if (config->localhost_is_admin && is_local_admin(o)) {
        *user = user_admin;
        return ERR_NONE;
    }
    if (config->type == AUTHN_CLIENT_CERTS && o->showed_cert) {
        *user = user_admin;
        return ERR_NONE;
    }
    *user = user_anonymous;
    if (config->mesh_roles.n > 0)
        add_granted(&config->mesh_roles, a, user);
    /* COMPAT: the scheme is case-sensitive; any other scheme leaves the caller anonymous. */
    if (config->type == AUTHN_CLIENT_CERTS || !str_has_prefix(o->authorization.text, bearer))
        return ERR_NONE;
    shown.text = str_slice(shown.text, bearer.n, SIZE_MAX);
    if (token_verify(config->tokens, snap, TOKEN_USER, STR_NONE, &shown, a, &claims, e))
        return e->kind;
    user_from_claims(&claims, a, user);
    if (config->mesh_roles.n > 0)
        add_granted(&config->mesh_roles, a, user);
    return ERR_NONE;
}
