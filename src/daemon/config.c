/* config.c -- the interpreter of settings.def: one table drives the file, the environment, GET /config and
 * the sample file. */
#include "config.h"

#include <ctype.h>
#include <string.h>

#include "files.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"
#include "ursa/base/roff.h"
#include "ursa/base/yaml.h"
#include "ursa/store.h"

enum kind { STRING, BOOL, PORT, COUNT, DURATION, LOG_LEVEL, STORE, DP_AUTHN };

struct setting {
    const char *key;
    enum kind kind;
    size_t offset; /* in struct config */
    const char *default_text;
    const char *kuma_name; /* NULL: regular */
    const char *help;
};

static const struct setting settings[] = {
#define SETTING(key, kind, member, default_text, kuma_name, help)                                            \
    {key, kind, offsetof(struct config, member), default_text, kuma_name, help},
#include "settings.def"
#undef SETTING
};

#define VARIABLE_MAX 128

static const char *const log_levels[] = {"error", "warn", "info", "debug"};
static const char *const store_kinds[] = {"sqlite", "memory"};
static const char *const dp_authn_types[] = {"none", "dpToken"};

/* ---- one value ---- */

static bool parse_choice(struct str text, const char *const *names, size_t n, size_t *out)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(text, str_from_c(names[i]))) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* What Go's strconv.ParseBool() takes: environments made for kuma-cp may say 1 or True. */
static bool parse_bool(struct str text, bool *out)
{
    *out = str_eq_nocase(text, STR("true")) || str_eq_nocase(text, STR("t")) || str_eq(text, STR("1"));
    return *out || str_eq_nocase(text, STR("false")) || str_eq_nocase(text, STR("f")) ||
           str_eq(text, STR("0"));
}

static const char *kind_expectation(enum kind kind)
{
    switch (kind) {
    case STRING:
        return "a string";
    case BOOL:
        return "true or false";
    case PORT:
        return "a port in the range [0, 65535]";
    case COUNT:
        return "a whole number";
    case DURATION:
        return "a duration such as 10s, 1500ms or 1h";
    case LOG_LEVEL:
        return "error, warn, info or debug";
    case STORE:
        return "sqlite or memory";
    case DP_AUTHN:
        return "dpToken or none";
    }
    return "";
}

/* Stores the text's value in the member; false when it is not of the setting's kind. */
static bool value_parse(const struct setting *s, struct str text, struct arena *a, struct config *c)
{
    void *member = (char *)c + s->offset;
    uint64_t number;
    size_t choice;

    switch (s->kind) {
    case STRING:
        *(const char **)member = arena_cstr(a, text);
        return true;
    case BOOL:
        return parse_bool(text, member);
    case PORT:
        if (!str_to_uint(text, UINT16_MAX, &number))
            return false;
        *(uint16_t *)member = (uint16_t)number;
        return true;
    case COUNT:
        return str_to_uint(text, UINT32_MAX, member);
    case DURATION:
        return duration_parse(text, member) && *(int64_t *)member >= 0;
    case LOG_LEVEL:
        return log_level_parse(text, member);
    case STORE:
        if (!parse_choice(text, store_kinds, ARRAY_LEN(store_kinds), &choice))
            return false;
        *(int *)member = choice == 0 ? STORE_SQLITE : STORE_MEMORY;
        return true;
    case DP_AUTHN:
        if (!parse_choice(text, dp_authn_types, ARRAY_LEN(dp_authn_types), &choice))
            return false;
        *(bool *)member = choice == 1;
        return true;
    }
    return false;
}

static json_t *value_to_json(const struct setting *s, const struct config *c)
{
    const void *member = (const char *)c + s->offset;
    struct arena scratch;
    json_t *out;

    switch (s->kind) {
    case STRING:
        return json_string(*(const char *const *)member);
    case BOOL:
        return json_boolean(*(const bool *)member);
    case PORT:
        return json_integer(*(const uint16_t *)member);
    case COUNT:
        return json_integer((json_int_t) * (const uint64_t *)member);
    case DURATION:
        arena_init(&scratch);
        out = json_from_str(duration_format_go(&scratch, *(const int64_t *)member));
        arena_fini(&scratch);
        return out;
    case LOG_LEVEL:
        return json_string(log_levels[*(const enum log_level *)member]);
    case STORE:
        return json_string(store_kinds[*(const int *)member == STORE_MEMORY]);
    case DP_AUTHN:
        return json_string(dp_authn_types[*(const bool *)member]);
    }
    return NULL;
}

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

/* The scalar's text, as the environment would spell it; STR_NONE for a list or null. */
static struct str scalar_text(struct arena *a, const json_t *v)
{
    if (json_is_string(v))
        return json_str(v);
    if (json_is_boolean(v))
        return json_is_true(v) ? STR("true") : STR("false");
    if (json_is_integer(v))
        return arena_printf(a, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
    return STR_NONE;
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
            struct str text = scalar_text(r->arena, value);
            if (!text.p || !value_parse(s, text, r->arena, r->config))
                file_fault(r, key, arena_printf(r->arena, "must be %s", kind_expectation(s->kind)));
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

/* "apiServer.http.port" -> "API_SERVER_HTTP_PORT"; "tlsCertFile" -> "TLS_CERT_FILE". */
static void variable_name(const char *key, char out[VARIABLE_MAX])
{
    size_t n = 0;

    for (const char *p = key; *p && n + 2 < VARIABLE_MAX; p++) {
        if (*p == '.') {
            out[n++] = '_';
            continue;
        }
        if (isupper((unsigned char)*p))
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
        if (!s) {
            if (str_eq(prefix, STR("URSA_")))
                log_warn("config", "variable=" STR_FMT " is unknown and ignored", STR_ARG(name));
        } else if (!value_parse(s, value, a, c)) {
            err_cause_at(e, arena_str(a, name), arena_printf(a, "must be %s", kind_expectation(s->kind)));
        }
    }
}

enum err_kind config_load(const char *file, char *const *environment, struct arena *a, struct config *c,
                          struct err *e)
{
    memset(c, 0, sizeof(*c));
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        if (!value_parse(&settings[i], str_from_c(settings[i].default_text), a, c))
            return ERR_BUG_HERE(e, "default of %s", settings[i].key);
    }
    if (file && read_file(file, a, c, e) != ERR_NONE && e->kind != ERR_INVALID)
        return e->kind;
    read_variables(environment, STR("KUMA_"), a, c, e);
    read_variables(environment, STR("URSA_"), a, c, e); /* Ursa's own name wins */
    if (!*c->tls_cert_file != !*c->tls_key_file)
        err_cause_at(e, *c->tls_cert_file ? STR("general.tlsKeyFile") : STR("general.tlsCertFile"),
                     STR("must be set too: certificate and key go together"));
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
        buf_printf(out, "%*s" STR_FMT ": %s%s%s\n", depth * 2, "", STR_ARG(part),
                   s->kind == STRING ? "\"" : "", s->default_text, s->kind == STRING ? "\"" : "");
        before = s->key;
    }
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
