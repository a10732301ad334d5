/* Settings: defaults, the file, the environment, which of them wins, and what each fault says. */
#include "../../lib/test.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../../src/daemon/config.h"
#include "../../../src/daemon/files.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"
#include "ursa/store.h"

/* One load of a file's text (NULL: there is no file) and an environment. */
struct load {
    struct arena arena;
    struct err err;
    struct config config;
};

static char *no_variables[] = {NULL};

static void load(struct load *l, const char *text, char *const *environment)
{
    struct str content = str_from_c(text);
    int fd = memfd_create("config", MFD_CLOEXEC);
    char name[32];

    arena_init(&l->arena);
    err_init(&l->err, &l->arena);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    if (fd < 0 || write(fd, content.p ? content.p : "", content.n) != (ssize_t)content.n)
        FAIL("no file in memory");
    enum err_kind kind = config_load(text ? name : NULL, environment, &l->arena, &l->config, &l->err);
    EXPECT_INT(text ? text : "no file", kind, l->err.kind);
    close(fd);
}

/* What was found fault with, a line each, with FILE for the file's name. */
static struct str faults(struct load *l)
{
    struct buf b;

    buf_init(&b, BUF_MAX_RESOURCE);
    buf_add_str(&b, l->err.text);
    for (size_t i = 0; i < l->err.n_causes; i++) {
        struct str field = l->err.causes[i].field;
        bool in_file = str_has_prefix(field, STR("/proc/"));

        if (in_file)
            field = str_slice(field, str_chr(field, ':'), field.n);
        buf_printf(&b, "%s%s" STR_FMT ": " STR_FMT, b.n ? "\n" : "", in_file ? "FILE" : "", STR_ARG(field),
                   STR_ARG(l->err.causes[i].reason));
    }
    struct str text = arena_str(&l->arena, buf_str(&b));
    buf_fini(&b);
    return text;
}

static struct str shown(struct load *l)
{
    JSON_AUTO tree = config_to_json(&l->config);

    return json_format_pretty(&l->arena, tree);
}

TEST(defaults)
{
    struct load l;

    load(&l, NULL, no_variables);
    EXPECT_INT("kind", l.err.kind, ERR_NONE);
    EXPECT_CSTR("work dir", l.config.work_dir, "");
    EXPECT_INT("log level", l.config.log_level, LOG_INFO);
    EXPECT_INT("store", l.config.store_kind, STORE_SQLITE);
    EXPECT_INT("history", l.config.history_age_ns, 720 * 3600 * NS_PER_S);
    EXPECT_CSTR("API address", l.config.api_interface, "127.0.0.1");
    EXPECT_INT("API port", l.config.api_port, 5681);
    EXPECT_INT("proxies' port", l.config.dp_port, 5678);
    EXPECT_INT("diagnostics port", l.config.diag_port, 5680);
    EXPECT_TRUE("proxies need tokens", l.config.dp_authenticate);
    EXPECT_TRUE("no anonymous writes", !l.config.access.anonymous_writes);
    arena_fini(&l.arena);
}

TEST(every_kind_is_read_from_the_file)
{
    static const char text[] =
        "general: {workDir: /srv/ursa}\n"
        "log: {level: debug, json: yes}\n"
        "store: {type: memory, history: {revisions: 7, age: 1h30m}}\n"
        "apiServer: {http: {port: 0}}\n"
        "dpServer: {authn: {dpProxy: {type: none}}}\n"
        "access: {static: {adminResources: {users: [a, 'b, c']}, viewStats: {groups: []}}}\n"
        "defaults:\n"
        "diagnostics: {interface: }\n";
    struct load l;

    load(&l, text, no_variables);
    EXPECT_STR("faults", faults(&l), "");
    EXPECT_CSTR("text", l.config.work_dir, "/srv/ursa");
    EXPECT_INT("level", l.config.log_level, LOG_DEBUG);
    EXPECT_TRUE("switch", l.config.log_json);
    EXPECT_INT("store", l.config.store_kind, STORE_MEMORY);
    EXPECT_INT("count", l.config.history_revisions, 7);
    EXPECT_INT("duration", l.config.history_age_ns, 5400 * NS_PER_S);
    EXPECT_INT("port", l.config.api_port, 0);
    EXPECT_TRUE("authentication", !l.config.dp_authenticate);
    EXPECT_INT("list", l.config.access.admin_resources.users.n, 2);
    EXPECT_STR("a comma", l.config.access.admin_resources.users.v[1], "b, c");
    EXPECT_INT("empty list", l.config.access.view_stats.groups.n, 0);
    EXPECT_STR("default list", l.config.access.admin_resources.groups.v[0], "mesh-system:admin");
    EXPECT_CSTR("nothing said is the default", l.config.diag_interface, "127.0.0.1");
    arena_fini(&l.arena);
}

TEST(public_keys_of_tokens)
{
    static const char text[] =
        "apiServer: {authn: {tokens: {enableIssuer: false, validator: {useSecrets: false, publicKeys: "
        "[{kid: 7, key: PEM}, {kid: a/b, keyFile: /k}]}}}}\n"
        "dpServer: {authn: {dpProxy: {dpToken: {validator: {publicKeys: [{kid: x, mesh: m, key: PEM}]}}}}}\n";
    struct load l;

    load(&l, text, no_variables);
    EXPECT_STR("faults", faults(&l), "");
    EXPECT_TRUE("user tokens", !l.config.user_tokens.issues && !l.config.user_tokens.use_secrets);
    EXPECT_TRUE("dataplane tokens", l.config.dp_tokens.issues && l.config.dp_tokens.use_secrets);
    EXPECT_INT("keys", l.config.user_tokens.keys.n, 2);
    EXPECT_STR("a number is a text", l.config.user_tokens.keys.v[0].kid, "7");
    EXPECT_CSTR("file", l.config.user_tokens.keys.v[1].key_file, "/k");
    EXPECT_STR("mesh", l.config.dp_tokens.keys.v[0].mesh, "m");
    struct str all = shown(&l);
    EXPECT_TRUE("shown", str_find(all, STR("\"keyFile\": \"/k\"")) < all.n);
    arena_fini(&l.arena);
}

TEST(ursa_variables_win_over_kuma_ones_over_the_file)
{
    static const char text[] = "apiServer: {http: {port: 1}}";
    static const struct {
        const char *name;
        const char *variables[3];
        int port;
    } rows[] = {
        {"file", {NULL}, 1},
        {"KUMA_", {"KUMA_API_SERVER_HTTP_PORT=2"}, 2},
        {"URSA_", {"URSA_API_SERVER_HTTP_PORT=3"}, 3},
        {"KUMA_ first", {"KUMA_API_SERVER_HTTP_PORT=2", "URSA_API_SERVER_HTTP_PORT=3"}, 3},
        {"URSA_ first", {"URSA_API_SERVER_HTTP_PORT=3", "KUMA_API_SERVER_HTTP_PORT=2"}, 3},
        {"other prefix", {"API_SERVER_HTTP_PORT=4"}, 1},
        {"other case", {"URSA_api_server_http_port=4"}, 1},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct load l;
        char *environment[3] = {(char *)(uintptr_t)rows[i].variables[0],
                                (char *)(uintptr_t)rows[i].variables[1], NULL};

        load(&l, text, environment);
        EXPECT_STR(rows[i].name, faults(&l), "");
        EXPECT_INT(rows[i].name, l.config.api_port, rows[i].port);
        arena_fini(&l.arena);
    }
}

TEST(a_variable_sets_its_setting)
{
    static const struct {
        const char *variable, *want; /* part of what GET /config would show */
    } rows[] = {
        {"URSA_DP_SERVER_INTERFACE=::1", "\"interface\": \"::1\""},
        {"URSA_XDS_SERVER_DATAPLANE_DEREGISTRATION_DELAY=3s", "\"dataplaneDeregistrationDelay\": \"3s\""},
        {"KUMA_XDS_DATAPLANE_DEREGISTRATION_DELAY=4s", "\"dataplaneDeregistrationDelay\": \"4s\""},
        {"KUMA_XDS_SERVER_DATAPLANE_DEREGISTRATION_DELAY=4s", "\"dataplaneDeregistrationDelay\": \"10s\""},
        {"KUMA_DP_SERVER_AUTHN_DP_PROXY_TYPE=none", "\"type\": \"none\""},
        {"URSA_DP_SERVER_AUTHN_DP_PROXY_TYPE=none", "\"type\": \"none\""},
        {"KUMA_DEFAULTS_SKIP_MESH_CREATION=1", "\"skipMeshCreation\": true"},
        {"KUMA_API_SERVER_AUTHN_LOCALHOST_IS_ADMIN=False", "\"localhostIsAdmin\": false"},
        {"URSA_BOOTSTRAP_SERVER_PARAMS_XDS_HOST=cp=1", "\"xdsHost\": \"cp=1\""},
        {"URSA_LOG_LEVEL=warn", "\"level\": \"warn\""},
        {"URSA_ACCESS_STATIC_GENERATE_DP_TOKEN_USERS=john, jane",
         "\"users\": [\n     \"john\",\n     \"jane\"\n    ]"},
        {"KUMA_ACCESS_STATIC_GENERATE_USER_TOKEN_GROUPS=ops", "\"groups\": [\n     \"ops\"\n    ]"},
        {"KUMA_ACCESS_STATIC_GET_CONFIG_DUMP_USERS=john", "\"users\": [\n     \"john\"\n    ]"},
        {"URSA_ACCESS_STATIC_VIEW_CONFIG_DUMP_USERS=john", "\"users\": [\n     \"john\"\n    ]"},
        {"KUMA_ACCESS_STATIC_VIEW_CONFIG_DUMP_USERS=john", "\"viewConfigDump\": {\n    \"users\": [],"},
        {"URSA_ACCESS_STATIC_VIEW_STATS_GROUPS=", "\"viewStats\": {\n    \"users\": [],\n    \"groups\": []"},
        {"URSA_ACCESS_STATIC_MESH_ROLES=group:a=shop:admin,user:b:c=d=shop:viewer",
         "\"meshRoles\": [\n    \"group:a=shop:admin\",\n    \"user:b:c=d=shop:viewer\"\n   ]"},
        {"KUMA_UNHEARD_OF=1", "\"level\": \"info\""},
        {"URSA_UNHEARD_OF=1", "\"level\": \"info\""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct load l;
        char *environment[] = {(char *)(uintptr_t)rows[i].variable, NULL};

        load(&l, NULL, environment);
        EXPECT_STR(rows[i].variable, faults(&l), "");
        struct str text = shown(&l);
        if (str_find(text, str_from_c(rows[i].want)) == text.n)
            EXPECT_STR(rows[i].variable, text, rows[i].want);
        arena_fini(&l.arena);
    }
}

TEST(faults_say_where_and_what_was_expected)
{
    static const struct {
        const char *name, *text, *variable, *want;
    } rows[] = {
        {"unknown key", "store:\n  typ: memory\n", NULL, "FILE:2:3: store.typ: unknown setting"},
        {"unknown section", "stores: {type: memory}\n", NULL, "FILE:1:1: stores: unknown setting"},
        {"value for a section", "store: sqlite\n", NULL,
         "FILE:1:1: store: a section is expected here, not a value"},
        {"section for a value", "log: {level: {xds: debug}}\n", NULL,
         "FILE:1:7: log.level: must be error, warn, info or debug, not a section"},
        {"list", "log: {json: [true]}\n", NULL, "FILE:1:7: log.json: must be true or false, not a list"},
        {"port too large", "dpServer: {port: 65536}\n", NULL,
         "FILE:1:12: dpServer.port: must be a port in the range [0, 65535], not 65536"},
        {"no addresses", NULL, "KUMA_DNS_SERVER_CIDR=240.0.0.0",
         "KUMA_DNS_SERVER_CIDR: must be IPv4 addresses such as 240.0.0.0/4, not \"240.0.0.0\""},
        {"port no number", NULL, "URSA_DP_SERVER_PORT=x",
         "URSA_DP_SERVER_PORT: must be a port in the range [0, 65535], not \"x\""},
        {"count", NULL, "KUMA_STORE_HISTORY_REVISIONS=-1",
         "KUMA_STORE_HISTORY_REVISIONS: must be a whole number, not \"-1\""},
        {"duration without unit", NULL, "URSA_STORE_HISTORY_AGE=5",
         "URSA_STORE_HISTORY_AGE: must be a duration such as 10s, 1500ms or 1h, not \"5\""},
        {"negative duration", NULL, "URSA_STORE_HISTORY_AGE=-5s",
         "URSA_STORE_HISTORY_AGE: must be a duration such as 10s, 1500ms or 1h, not \"-5s\""},
        {"switch", NULL, "URSA_LOG_JSON=si", "URSA_LOG_JSON: must be true or false, not \"si\""},
        {"store", NULL, "KUMA_STORE_TYPE=postgres",
         "KUMA_STORE_TYPE: must be sqlite or memory, not \"postgres\""},
        {"authentication", NULL, "KUMA_DP_SERVER_AUTHN_DP_PROXY_TYPE=serviceAccountToken",
         "KUMA_DP_SERVER_AUTHN_DP_PROXY_TYPE: must be dpToken or none, not \"serviceAccountToken\""},
        {"number", "log: {json: 1.5}\n", NULL, "FILE:1:7: log.json: must be true or false, not 1.5"},
        {"access", NULL, "KUMA_ACCESS_TYPE=opa", "KUMA_ACCESS_TYPE: must be static, not \"opa\""},
        {"no list", "access: {static: {viewStats: {users: john}}}\n", NULL,
         "FILE:1:31: access.static.viewStats.users: must be a list of texts, not \"john\""},
        {"list of numbers", "access: {static: {viewStats: {users: [a, 7]}}}\n", NULL,
         "FILE:1:31: access.static.viewStats.users: must be a list of texts, not one with 7"},
        {"role", "access:\n  static:\n    meshRoles: [user:a=shop:viewer, group:b=shop:owner]\n", NULL,
         "FILE:3:5: access.static.meshRoles: must be a list of user:<name>=<mesh>:<role> and "
         "group:<name>=<mesh>:<role>, where the role is viewer, operator or admin, not "
         "\"group:b=shop:owner\""},
        {"role in a variable", NULL, "URSA_ACCESS_STATIC_MESH_ROLES=user:a=shop:viewer,b",
         "URSA_ACCESS_STATIC_MESH_ROLES: must be a list of user:<name>=<mesh>:<role> and "
         "group:<name>=<mesh>:<role>, where the role is viewer, operator or admin, not \"b\""},
        {"public key without kid", "apiServer:\n  authn: {tokens: {validator: {publicKeys: [{key: a}]}}}\n",
         NULL,
         "FILE:2:32: apiServer.authn.tokens.validator.publicKeys: must be a list of {kid, key} or {kid, "
         "keyFile}, not one whose kid is missing or no text"},
        {"public key with a kid that is a boolean in YAML",
         "apiServer:\n  authn: {tokens: {validator: {publicKeys: [{kid: off, key: a}]}}}\n", NULL,
         "FILE:2:32: apiServer.authn.tokens.validator.publicKeys: must be a list of {kid, key} or {kid, "
         "keyFile}, not one whose kid is missing or no text"},
        {"public key with two",
         "apiServer:\n  authn: {tokens: {validator: {publicKeys: [{kid: 1, key: a, keyFile: b}]}}}\n", NULL,
         "FILE:2:32: apiServer.authn.tokens.validator.publicKeys: must be a list of {kid, key} or {kid, "
         "keyFile}, not one with both key and keyFile"},
        {"public key with none", "apiServer:\n  authn: {tokens: {validator: {publicKeys: [{kid: 1}]}}}\n",
         NULL,
         "FILE:2:32: apiServer.authn.tokens.validator.publicKeys: must be a list of {kid, key} or {kid, "
         "keyFile}, not one with neither key nor keyFile"},
        {"public key of a mesh where none is",
         "apiServer:\n  authn: {tokens: {validator: {publicKeys: [{kid: 1, key: a, mesh: m}]}}}\n", NULL,
         "FILE:2:32: apiServer.authn.tokens.validator.publicKeys: must be a list of {kid, key} or {kid, "
         "keyFile}, not one with something else"},
        {"public key without mesh",
         "dpServer:\n  authn: {dpProxy: {dpToken: {validator: {publicKeys: [{kid: 1, key: a}]}}}}\n", NULL,
         "FILE:2:43: dpServer.authn.dpProxy.dpToken.validator.publicKeys: must be a list of {kid, mesh, key} "
         "or {kid, mesh, keyFile}, not one without mesh"},
        {"no list of public keys", "dpServer:\n  authn: {dpProxy: {dpToken: {validator: {publicKeys: x}}}}\n",
         NULL,
         "FILE:2:43: dpServer.authn.dpProxy.dpToken.validator.publicKeys: must be a list of {kid, mesh, key} "
         "or {kid, mesh, keyFile}, not \"x\""},
        {"public keys in a variable", NULL, "URSA_API_SERVER_AUTHN_TOKENS_VALIDATOR_PUBLIC_KEYS=a",
         "URSA_API_SERVER_AUTHN_TOKENS_VALIDATOR_PUBLIC_KEYS: must be a list of {kid, key} or {kid, "
         "keyFile}, "
         "not \"a\""},
        {"certificate without key", "general: {tlsCertFile: a}", NULL,
         "general.tlsKeyFile: must be set too: certificate and key go together"},
        {"key without certificate", NULL, "KUMA_GENERAL_TLS_KEY_FILE=a",
         "general.tlsCertFile: must be set too: certificate and key go together"},
        {"all at once", "a: 1\nstore:\n  type: disk\n  b: 2\n", "URSA_LOG_LEVEL=loud",
         "FILE:1:1: a: unknown setting\n"
         "FILE:3:3: store.type: must be sqlite or memory, not \"disk\"\n"
         "FILE:4:3: store.b: unknown setting\n"
         "URSA_LOG_LEVEL: must be error, warn, info or debug, not \"loud\""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct load l;
        char *environment[] = {(char *)(uintptr_t)rows[i].variable, NULL};

        load(&l, rows[i].text, environment);
        EXPECT_INT(rows[i].name, l.err.kind, ERR_INVALID);
        EXPECT_STR(rows[i].name, faults(&l), rows[i].want);
        arena_fini(&l.arena);
    }
}

TEST(a_file_that_is_no_configuration)
{
    static const struct {
        const char *name, *text, *want; /* part of the message */
        enum err_kind kind;
    } rows[] = {
        {"nothing", "", "", ERR_NONE},
        {"comment", "# nothing\n", "", ERR_NONE},
        {"list", "- a\n", "sections with settings are expected", ERR_INVALID},
        {"two documents", "log: {}\n---\nlog: {}\n", "one YAML document is expected", ERR_INVALID},
        {"no YAML", "log: {\n", "line 2, column 1", ERR_MALFORMED},
        {"key twice", "log: {}\nlog: {}\n", "line 2, column 1", ERR_MALFORMED},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct load l;

        load(&l, rows[i].text, no_variables);
        EXPECT_INT(rows[i].name, l.err.kind, rows[i].kind);
        if (str_find(l.err.text, str_from_c(rows[i].want)) == l.err.text.n && *rows[i].want)
            EXPECT_STR(rows[i].name, l.err.text, rows[i].want);
        arena_fini(&l.arena);
    }
}

TEST(a_missing_file_is_named)
{
    struct arena a;
    struct err e;
    struct config c;

    arena_init(&a);
    err_init(&e, &a);
    EXPECT_INT("kind", config_load("/nonexistent/ursa.yaml", no_variables, &a, &c, &e), ERR_NOT_FOUND);
    EXPECT_STR("text", e.text, "/nonexistent/ursa.yaml: No such file or directory");
    arena_fini(&a);
}

TEST(the_sample_file_says_the_defaults)
{
    struct load defaults, sample;
    struct buf text;
    struct str committed;

    load(&defaults, NULL, no_variables);
    buf_init(&text, BUF_MAX_RESOURCE);
    config_write_sample(&text);
    struct str written = arena_str(&defaults.arena, buf_str(&text));
    buf_fini(&text);
    load(&sample, written.p, no_variables);
    EXPECT_STR("faults", faults(&sample), "");
    EXPECT_STR("values", shown(&sample), shown(&defaults).p);
    bool found = files_read("configs/ursa.yaml", &defaults.arena, &committed, &defaults.err) == ERR_NONE;
    if (found)
        EXPECT_STR("configs/ursa.yaml", committed, written.p);
    arena_fini(&sample.arena);
    arena_fini(&defaults.arena);
    if (!found)
        SKIP("configs/ursa.yaml is not here: run from the top of the tree");
}
