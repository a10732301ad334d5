/* settings.c -- settings that open what had better stay closed, or close what somebody needs. Most restore a
 * default of kuma-cp. */
#include "exam.h"
#include "ursa/base/json.h"

static const json_t *setting(const json_t *config, const char *key)
{
    struct str rest = str_from_c(key), part;

    while (config && str_next(&rest, '.', &part))
        config = json_object_getn(config, part.p, part.n);
    return config;
}

static bool holds(const json_t *list, const char *word)
{
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item) if (str_eq(json_str(item), str_from_c(word))) return true;
    return false;
}

/* ---- what makes a value a finding ---- */

static bool is_on(const json_t *config, const json_t *value)
{
    (void)config;
    return json_is_true(value);
}

static bool is_word(const json_t *value, const char *word)
{
    return str_eq(json_str(value), str_from_c(word));
}

static bool is_none(const json_t *config, const json_t *value)
{
    (void)config;
    return is_word(value, "none");
}

static bool is_off(const json_t *config, const json_t *value)
{
    (void)config;
    return is_word(value, "off");
}

static bool is_zero(const json_t *config, const json_t *value)
{
    (void)config;
    return json_is_integer(value) && json_integer_value(value) == 0;
}

static struct str folder_of(struct str path)
{
    return str_slice(path, 0, str_rchr(path, '/'));
}

static bool is_beside_store(const json_t *config, const json_t *value)
{
    return is_word(setting(config, "store.type"), "sqlite") &&
           str_eq(folder_of(json_str(value)), folder_of(json_str(setting(config, "store.sqlite.path"))));
}

static bool is_memory(const json_t *config, const json_t *value)
{
    (void)config;
    return is_word(value, "memory");
}

static bool is_off_loopback(const json_t *config, const json_t *value)
{
    struct str address = json_str(value);

    (void)config;
    return !str_has_prefix(address, STR("127.")) && !str_eq(address, STR("::1")) &&
           !str_eq(address, STR("localhost"));
}

static bool is_open_api(const json_t *config, const json_t *value)
{
    return json_is_true(setting(config, "apiServer.http.enabled")) && is_off_loopback(config, value);
}

/* Roles are told apart from no role at all only while reading needs credentials. */
static bool is_on_beside_roles(const json_t *config, const json_t *value)
{
    return json_is_true(value) && json_array_size(setting(config, "access.static.meshRoles")) > 0;
}

static bool is_on_without_roles(const json_t *config, const json_t *value)
{
    return json_is_true(value) && !is_on_beside_roles(config, value);
}

static bool lets_every_page_in(const json_t *config, const json_t *value)
{
    static const char *const all[] = {"*", ".*", ".+", "^.*$", "https?://.*", "http.*"};

    (void)config;
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (holds(value, all[i]))
            return true;
    return false;
}

static bool has_anybody(const json_t *config, const json_t *value)
{
    (void)config;
    return holds(value, "mesh-system:unauthenticated") || holds(value, "mesh-system:anonymous");
}

static bool has_every_user(const json_t *config, const json_t *value)
{
    return holds(value, "mesh-system:authenticated") && !has_anybody(config, value);
}

static bool trusts_nothing(const json_t *config, const char *type, const char *wanted, const char *keys,
                           const json_t *use_secrets)
{
    return is_word(setting(config, type), wanted) && json_is_false(use_secrets) &&
           json_array_size(setting(config, keys)) == 0;
}

static bool trusts_no_user(const json_t *config, const json_t *value)
{
    return trusts_nothing(config, "apiServer.authn.type", "tokens",
                          "apiServer.authn.tokens.validator.publicKeys", value);
}

static bool trusts_no_proxy(const json_t *config, const json_t *value)
{
    return trusts_nothing(config, "dpServer.authn.dpProxy.type", "dpToken",
                          "dpServer.authn.dpProxy.dpToken.validator.publicKeys", value);
}

/* ---- the settings ---- */

/* clang-format off */
#define OPEN_LIST(list, what)                                                                                \
    {"access.static." list ".users", FOUND_ACCESS_OPEN, FINDING_ERROR, has_anybody, "anybody may " what, CLOSE_LIST}, \
    {"access.static." list ".groups", FOUND_ACCESS_OPEN, FINDING_ERROR, has_anybody, "anybody may " what, CLOSE_LIST}, \
    {"access.static." list ".groups", FOUND_ACCESS_OPEN, FINDING_WARNING, has_every_user, "every user may " what, CLOSE_LIST}
#define OPEN_VIEW(list, what)                                                                                \
    {"access.static." list ".groups", FOUND_VIEWS_OPEN, FINDING_INFO, has_anybody,                           \
     "whoever reaches the API may see " what " of every proxy, as with kuma-cp", "name the groups that may"}
#define CLOSE_LIST "name administrators and their groups only; without it that is mesh-system:admin"

static const struct row {
    const char *key;
    enum finding_id id;
    enum finding_severity severity;
    bool (*is_found)(const json_t *config, const json_t *value);
    const char *text, *remedy; /* the key goes before the remedy */
} rows[] = {
    {"apiServer.authn.localhostIsAdmin", FOUND_OPEN_ADMIN, FINDING_WARNING, is_on,
     "every user and every process of this machine is the administrator: requests from 127.0.0.1 need no credentials",
     "false, as soon as an administrator has a token: 'ursactl generate user-token --name NAME --group mesh-system:admin --valid-for 720h'"},
    {"apiServer.authn.anonymousWrites", FOUND_ANONYMOUS_WRITES, FINDING_ERROR, is_on,
     "whoever reaches the API may change everything but secrets", "false, and give those who write a user token"},
    {"apiServer.authn.anonymousReads", FOUND_ANONYMOUS_READS, FINDING_WARNING, is_on_beside_roles,
     "whoever reaches the API may read everything but secrets, so that the roles of meshes confine no reader",
     "false, and give those who read a user token"},
    {"apiServer.authn.anonymousReads", FOUND_ANONYMOUS_READS, FINDING_INFO, is_on_without_roles,
     "whoever reaches the API may read everything but secrets, as with kuma-cp", "false, and give those who read a user token"},
    {"apiServer.http.interface", FOUND_PLAIN_API, FINDING_ERROR, is_open_api,
     "the API is served without TLS to other machines: tokens and secrets can be read on the way",
     "127.0.0.1; others use the HTTPS API of apiServer.https"},
    {"apiServer.corsAllowedDomains", FOUND_CORS_OPEN, FINDING_WARNING, lets_every_page_in,
     "every web page that a user of the API looks at may read what the API answers their browser", "the origins of your own pages"},
    {"apiServer.authn.tokens.validator.useSecrets", FOUND_NO_TOKEN_IS_GOOD, FINDING_ERROR, trusts_no_user,
     "no user token is good: neither the keys kept here count nor any other", "true, or name keys in apiServer.authn.tokens.validator.publicKeys"},
    {"dpServer.authn.dpProxy.dpToken.validator.useSecrets", FOUND_NO_TOKEN_IS_GOOD, FINDING_ERROR, trusts_no_proxy,
     "no dataplane token is good, so that no proxy may connect", "true, or name keys in dpServer.authn.dpProxy.dpToken.validator.publicKeys"},
    {"dpServer.authn.dpProxy.type", FOUND_PROXIES_UNAUTHENTICATED, FINDING_ERROR, is_none,
     "whoever reaches the proxies' port may be any proxy of any mesh, and is given its certificate", "dpToken"},
    {"diagnostics.interface", FOUND_DIAGNOSTICS_OPEN, FINDING_INFO, is_off_loopback,
     "other machines may read /metrics, without TLS", "127.0.0.1, unless something there collects them"},
    {"audit.file", FOUND_NO_AUDIT_LOG, FINDING_INFO, is_off, "nobody can tell later who tried to change what", "a file, or - for standard output"},
    {"store.type", FOUND_STORE_IN_MEMORY, FINDING_WARNING, is_memory, "nothing that is stored survives a restart", "sqlite"},
    {"store.sealKeyFile", FOUND_SEAL_KEY_BESIDE_STORE, FINDING_INFO, is_beside_store,
     "the key that secrets are sealed with lies in the folder of the store: who copies that has both", "a file elsewhere, which copies of that folder leave out"},
    {"general.allowCoreDumps", FOUND_CORE_DUMPS_ALLOWED, FINDING_WARNING, is_on,
     "a crash leaves a core file with every key and secret, and debuggers of the same user may look in", "false, unless it is being debugged"},
    {"general.badTokensPerSecond", FOUND_GUESSING_UNLIMITED, FINDING_WARNING, is_zero,
     "tokens may be guessed as fast as they can be checked", "10"},
    OPEN_LIST("adminResources", "read and write secrets"),
    OPEN_LIST("generateDpToken", "issue tokens of dataplanes"),
    OPEN_LIST("generateUserToken", "issue tokens of users, an administrator's too"),
    OPEN_LIST("generateZoneToken", "issue tokens of zones"),
    OPEN_VIEW("viewConfigDump", "Envoy's configuration"),
    OPEN_VIEW("viewStats", "Envoy's statistics"),
    OPEN_VIEW("viewClusters", "Envoy's clusters"),
};
/* clang-format on */

/* ---- keys of tokens that are issued elsewhere ---- */

static void check_public_keys(struct exam *x, const json_t *config)
{
    static const char key[] = "dpServer.authn.dpProxy.dpToken.validator.publicKeys";
    const json_t *item;
    size_t i;

    json_array_foreach(setting(config, key), i, item)
    {
        struct str mesh = json_str(json_get(item, "mesh"));
        struct finding *f;

        if (snap_find_mesh(x->world->snap, mesh) ||
            !(f = exam_add(x, FOUND_PUBLIC_KEY_OF_NO_MESH, FINDING_WARNING, STR(""))))
            continue;
        f->resource = arena_printf(x->arena, "%s[%zu]", key, i);
        f->text = arena_printf(x->arena, "there is no mesh " STR_FMT " for whose proxies the key could speak",
                               STR_ARG(str_quote(x->arena, mesh)));
        f->remedy = STR(
            "correct its mesh, or remove it: in a mesh of that name that is made one day its tokens would be "
            "good at once");
    }
}

void check_settings(struct exam *x)
{
    const json_t *config = x->world->facts ? x->world->facts->config : NULL;

    for (size_t i = 0; config && i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        const json_t *value = setting(config, row->key);
        struct finding *f;

        if (!value || !row->is_found(config, value) || !(f = exam_add(x, row->id, row->severity, STR(""))))
            continue;
        f->resource = str_from_c(row->key);
        f->text = str_from_c(row->text);
        f->remedy = arena_printf(x->arena, "%s: %s", row->key, row->remedy);
    }
    check_public_keys(x, config);
}
