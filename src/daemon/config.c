/* config.c -- the interpreter of settings.def: one table drives the file, the environment, GET /config and
 * the sample file. */
#include "config.h"

#include <ctype.h>
#include <string.h>

#include "files.h"
#include "ursa/base/json.h"
#include "ursa/base/roff.h"
#include "ursa/base/yaml.h"
#include "value.h"

static const struct setting settings[] = {
#define SETTING(key, kind, member, default_text, kuma_name, help)                                            \
    {key, kind, offsetof(struct config, member), default_text, kuma_name, help},
#include "settings.def"
#undef SETTING
};

#define VARIABLE_MAX 128

/* ---- the file ---- */

static const struct setting *setting_find(struct str key)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        if (str_eq(key, str_from_c(settings[i].key)))
            return &settings[i];
    }
    return NULL;
}

/* Is 'key' a section, such as "apiServer.http"? */
static bool section_exists(struct str key)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        struct str have = str_from_c(settings[i].key);
        if (str_has_prefix(have, key) && have.n > key.n && have.p[key.n] == '.')
            return true;
    }
    return false;
}

struct file_reader {
    const char *name;
    struct str text;
    struct arena *arena;
    struct config *config;
    struct err *err;
};

static void file_fault(struct file_reader *r, struct str key, struct str reason)
{
    struct text_pos pos = yaml_locate(r->text, 0, key);

    err_cause_at(r->err,
                 arena_printf(r->arena, "%s:%zu:%zu: " STR_FMT, r->name, pos.line, pos.column, STR_ARG(key)),
                 reason);
}

static struct str must_be(struct arena *a, const struct setting *s, struct str wrong)
{
    return arena_printf(a, "must be %s, not " STR_FMT, value_expectation(s->kind), STR_ARG(wrong));
}

static void read_section(struct file_reader *r, struct str prefix, json_t *section)
{
    const char *name;
    json_t *value;

    json_object_foreach(section, name, value)
    {
        struct str key = prefix.n ? arena_printf(r->arena, STR_FMT ".%s", STR_ARG(prefix), name)
                                  : arena_str(r->arena, str_from_c(name));
        const struct setting *s = setting_find(key);

        if (!s && !section_exists(key)) {
            file_fault(r, key, STR("unknown setting"));
        } else if (!s && json_is_object(value)) {
            read_section(r, key, value);
        } else if (!s && !json_is_null(value)) {
            file_fault(r, key, STR("a section is expected here, not a value"));
        } else if (s && !json_is_null(value)) {
            struct str wrong;
            if (!value_from_json(s, value, r->arena, r->config, &wrong))
                file_fault(r, key, must_be(r->arena, s, wrong));
        }
    }
}

static enum err_kind read_file(const char *name, struct arena *a, struct config *c, struct err *e)
{
    struct file_reader r = {.name = name, .arena = a, .config = c, .err = e};
    struct yaml_doc *docs;
    size_t n;

    if (files_read(name, a, &r.text, e) != ERR_NONE)
        return e->kind;
    if (yaml_parse(r.text, 2, &docs, &n, e) != ERR_NONE) {
        err_add_context(e, "%s", name);
        return e->kind;
    }
    if (n > 1)
        err_set(e, ERR_INVALID, "%s: one YAML document is expected, this file has several", name);
    else if (n == 1 && json_is_object(docs[0].root))
        read_section(&r, STR_NONE, docs[0].root);
    else if (n == 1 && !json_is_null(docs[0].root))
        err_set(e, ERR_INVALID, "%s: sections with settings are expected", name);
    for (size_t i = 0; i < n; i++)
        json_decref(docs[i].root);
    return e->kind;
}

/* ---- the environment ---- */

/* "apiServer.http.port" -> "API_SERVER_HTTP_PORT"; "tlsCertFile" -> "TLS_CERT_FILE"; "dnsServer.CIDR" ->
 * "DNS_SERVER_CIDR". */
static void variable_name(const char *key, char out[VARIABLE_MAX])
{
    size_t n = 0;

    for (const char *p = key; *p && n + 2 < VARIABLE_MAX; p++) {
        if (*p == '.') {
            out[n++] = '_';
            continue;
        }
        if (isupper((unsigned char)*p) && p > key && islower((unsigned char)p[-1]))
            out[n++] = '_';
        out[n++] = (char)toupper((unsigned char)*p);
    }
    out[n] = '\0';
}

static const struct setting *setting_by_variable(struct str name)
{
    struct str bare = str_slice(name, sizeof("URSA_") - 1, name.n); /* both prefixes have five characters */
    bool kuma = str_has_prefix(name, STR("KUMA_"));
    char regular[VARIABLE_MAX];

    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        if (kuma && settings[i].kuma_name) {
            if (str_eq(name, str_from_c(settings[i].kuma_name)))
                return &settings[i];
            continue;
        }
        variable_name(settings[i].key, regular);
        if (str_eq(bare, str_from_c(regular)))
            return &settings[i];
    }
    return NULL;
}

static void read_variables(char *const *environment, struct str prefix, struct arena *a, struct config *c,
                           struct err *e)
{
    for (; *environment; environment++) {
        struct str line = str_from_c(*environment);
        struct str name = str_slice(line, 0, str_chr(line, '='));
        struct str value = str_slice(line, name.n + 1, line.n);

        if (!str_has_prefix(name, prefix))
            continue;
        const struct setting *s = setting_by_variable(name);
        struct str wrong;

        if (!s) {
            if (str_eq(prefix, STR("URSA_")))
                log_warn("config", "variable=" STR_FMT " is unknown and ignored", STR_ARG(name));
        } else if (!value_parse(s, value, a, c, &wrong)) {
            err_cause_at(e, arena_str(a, name), must_be(a, s, wrong));
        }
    }
}

static void check_pair(const char *cert, const char *key, const char *cert_key, const char *key_key,
                       struct err *e)
{
    if (!*cert != !*key)
        err_cause_at(e, str_from_c(*cert ? key_key : cert_key),
                     STR("must be set too: certificate and key go together"));
}

/* Envoy takes no check that is not limited by these. */
static void check_hds(const struct config *c, struct err *e)
{
    const struct {
        const char *key;
        bool is_positive;
    } rows[] = {
        {"dpServer.hds.interval", c->hds_interval_ns > 0},
        {"dpServer.hds.checkDefaults.timeout", c->hds_timeout_ns > 0},
        {"dpServer.hds.checkDefaults.interval", c->hds_check_interval_ns > 0},
        {"dpServer.hds.checkDefaults.noTrafficInterval", c->hds_no_traffic_ns > 0},
        {"dpServer.hds.checkDefaults.healthyThreshold", c->hds_healthy > 0 && c->hds_healthy <= UINT32_MAX},
        {"dpServer.hds.checkDefaults.unhealthyThreshold",
         c->hds_unhealthy > 0 && c->hds_unhealthy <= UINT32_MAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!rows[i].is_positive)
            err_cause_at(e, str_from_c(rows[i].key), STR("must be greater than 0"));
    }
}

/* What no value says alone. */
static void check_together(const struct config *c, struct err *e)
{
    const char *needs_folder = c->require_client_cert                ? "apiServer.https.requireClientCert"
                               : c->authn_type == AUTHN_CLIENT_CERTS ? "apiServer.authn.type"
                                                                     : NULL;

    check_pair(c->tls_cert_file, c->tls_key_file, "general.tlsCertFile", "general.tlsKeyFile", e);
    check_pair(c->https_cert_file, c->https_key_file, "apiServer.https.tlsCertFile",
               "apiServer.https.tlsKeyFile", e);
    check_hds(c, e);
    if (needs_folder && !*c->client_certs_dir)
        err_cause_at(
            e, STR("apiServer.auth.clientCertsDir"),
            arena_printf(e->arena, "must be set too: %s asks for client certificates", needs_folder));
}

enum err_kind config_load(const char *file, char *const *environment, struct arena *a, struct config *c,
                          struct err *e)
{
    struct str wrong;

    memset(c, 0, sizeof(*c));
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        if (!value_parse(&settings[i], str_from_c(settings[i].default_text), a, c, &wrong))
            return ERR_BUG_HERE(e, "default of %s", settings[i].key);
    }
    if (file && read_file(file, a, c, e) != ERR_NONE && e->kind != ERR_INVALID)
        return e->kind;
    read_variables(environment, STR("KUMA_"), a, c, e);
    read_variables(environment, STR("URSA_"), a, c, e); /* Ursa's own name wins */
    check_together(c, e);
    return e->kind;
}

/* ---- out ---- */

json_t *config_to_json(const struct config *c)
{
    json_t *root = json_object();

    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        struct str rest = str_from_c(settings[i].key), part;
        json_t *at = root;

        while (str_next(&rest, '.', &part)) {
            json_t *next = json_object_getn(at, part.p, part.n);
            if (!next) {
                next = rest.p ? json_object() : value_to_json(&settings[i], c);
                json_object_setn_new(at, part.p, part.n, next);
            }
            at = next;
        }
    }
    return root;
}

/* Help text as comment lines that fit the screen. */
static void write_help(struct buf *out, int indent, const char *help)
{
    struct str rest = str_from_c(help), word;
    size_t column = 0;

    while (str_next(&rest, ' ', &word)) {
        if (column == 0 || column + word.n + 1 > 100) {
            buf_printf(out, "%s%*s#", column ? "\n" : "", indent, "");
            column = (size_t)indent + 1;
        }
        buf_printf(out, " " STR_FMT, STR_ARG(word));
        column += word.n + 1;
    }
    buf_add_byte(out, '\n');
}

/* How many leading sections two keys share. */
static int shared_sections(const char *a, const char *b)
{
    int n = 0;

    for (; *a && *a == *b; a++, b++)
        n += *a == '.';
    return n;
}

void config_write_sample(struct buf *out)
{
    const char *before = "";
    struct arena scratch;

    arena_init(&scratch);
    buf_printf(
        out, "# Every setting of ursa-cp with its default. A key is also an environment variable: URSA_ and "
             "the key\n"
             "# in upper snake case (URSA_API_SERVER_HTTP_PORT); kuma-cp's KUMA_ names are accepted too.\n");
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        const struct setting *s = &settings[i];
        struct str rest = str_from_c(s->key), part;
        int depth = 0, shared = shared_sections(before, s->key);

        while (str_next(&rest, '.', &part) && rest.p) {
            if (depth >= shared)
                buf_printf(out, "%*s" STR_FMT ":\n", depth * 2, "", STR_ARG(part));
            depth++;
        }
        write_help(out, depth * 2, s->help);
        buf_printf(out, "%*s" STR_FMT ": " STR_FMT "\n", depth * 2, "", STR_ARG(part),
                   STR_ARG(value_default_yaml(s, &scratch)));
        before = s->key;
    }
    arena_fini(&scratch);
}

void config_write_man(struct buf *out, struct arena *a)
{
    char variable[VARIABLE_MAX];

    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        const struct setting *s = &settings[i];

        variable_name(s->key, variable);
        roff_item(out, str_from_c(s->key),
                  arena_printf(a, "%s Default: %s. Variable: URSA_%s.", s->help,
                               *s->default_text ? s->default_text : "empty", variable));
    }
}
