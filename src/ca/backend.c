/* backend.c -- tells the types of mTLS backends apart, and what all types have in common. */
#include "backend.h"

#include "cert.h"

#define SECRET_NAME_MAX 255
#define DEFAULT_LEAF_LIFE_NS (24 * 3600 * NS_PER_S)
/* The language of a Mesh goes down to milliseconds, its certificates only to seconds; and a proxy's are
 * renewed at 4/5, so that a mesh of short ones would keep the control plane busy with nothing else. */
#define LEAST_LEAF_LIFE_NS (10 * NS_PER_S)

enum backend_type { BACKEND_BUILTIN, BACKEND_PROVIDED, BACKEND_UNKNOWN };

static enum backend_type type_of(const struct ca_backend *backend)
{
    if (str_eq(backend->type, STR("builtin")))
        return BACKEND_BUILTIN;
    return str_eq(backend->type, STR("provided")) ? BACKEND_PROVIDED : BACKEND_UNKNOWN;
}

enum err_kind ca_check_backend(const struct snap *snap, struct str mesh, const struct ca_backend *backend,
                               const struct ca_backend *before, size_t index, struct err *e)
{
    const struct path *at = AT_INDEX(AT_FIELD(AT_FIELD(NULL, "mtls"), "backends"), index);
    const struct path *conf = AT_FIELD(at, "conf");
    bool known =
        before && str_eq(before->type, backend->type) && str_eq(before->conf.text, backend->conf.text);

    switch (type_of(backend)) {
    case BACKEND_BUILTIN:
        builtin_check(mesh, backend, conf, e);
        break;
    case BACKEND_PROVIDED:
        provided_check(snap, mesh, backend, known, conf, e);
        break;
    case BACKEND_UNKNOWN:
        err_cause(e, AT_FIELD(at, "type"), "could not find installed plugin for this type");
        break;
    }
    if (ca_leaf_life_ns(backend) > CERT_TEN_YEARS_NS)
        err_cause(e, AT_FIELD(AT_FIELD(AT_FIELD(at, "dpCert"), "rotation"), "expiration"),
                  "must not be longer than 10y");
    return e->kind;
}

bool ca_backend_uses_secret(struct str mesh, const struct ca_backend *backend, struct str secret)
{
    switch (type_of(backend)) {
    case BACKEND_BUILTIN:
        return builtin_uses_secret(mesh, backend, secret);
    case BACKEND_PROVIDED:
        return provided_uses_secret(mesh, backend, secret);
    case BACKEND_UNKNOWN:
        break;
    }
    return false;
}

bool ca_backend_has_files(const struct ca_backend *backend)
{
    return type_of(backend) == BACKEND_PROVIDED && provided_has_files(backend);
}

enum err_kind backend_load(const struct snap *snap, struct str mesh, const struct ca_backend *backend,
                           struct str *cert, struct str *key, struct err *e)
{
    switch (type_of(backend)) {
    case BACKEND_BUILTIN:
        return builtin_load(snap, mesh, backend, cert, key, e);
    case BACKEND_PROVIDED:
        return provided_load(snap, mesh, backend, cert, key, e);
    case BACKEND_UNKNOWN:
        break;
    }
    return err_set(e, ERR_INVALID, "unknown type \"" STR_FMT "\"", STR_ARG(backend->type));
}

/* ---- names of secrets ---- */

struct res_key backend_secret(struct arena *a, struct str mesh, const char *type, const char *what,
                              struct str backend)
{
    return (struct res_key){
        .type = RES_SECRET,
        .mesh = mesh,
        .name = arena_printf(a, STR_FMT ".ca-%s-%s-" STR_FMT, STR_ARG(mesh), type, what, STR_ARG(backend))};
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* A label of 1 to 63 characters of lower case letters, digits, '_' and, but for the first, '-'. */
static bool is_label(struct str label)
{
    for (size_t i = 0; i < label.n; i++) {
        if (!is_name_char(label.p[i]))
            return false;
    }
    return label.n > 0 && label.n <= 63 && label.p[0] != '-';
}

/* COMPAT: what kuma-cp takes for a DNS name: '_' is a letter, and one '.' or '_' may follow the end. */
static bool is_dns_name(struct str name)
{
    struct str rest = name, label;

    if (str_has_suffix(name, STR(".")) || str_has_suffix(name, STR("_")))
        rest.n--;
    while (str_next(&rest, '.', &label)) {
        if (!is_label(label))
            return false;
    }
    return true;
}

/* COMPAT: the odd field is kuma-cp's, which appends a path of the Mesh to one of conf. */
void backend_check_name(const struct res_key *secret, struct str backend, const struct path *conf,
                        struct err *e)
{
    const struct path *at = AT_FIELD(AT_FIELD(AT_FIELD(conf, "mtls"), "backends"), "name");

    if (secret->name.n > SECRET_NAME_MAX)
        err_cause(e, at, "Backend name is too long. Max length: %d", SECRET_NAME_MAX);
    if (!is_dns_name(secret->name))
        err_cause(e, at, STR_FMT " name must be valid dns name", STR_ARG(str_quote(e->arena, backend)));
}

/* ---- leaves ---- */

int64_t ca_leaf_life_ns(const struct ca_backend *backend)
{
    int64_t life;

    if (backend->dp_cert && backend->dp_cert->rotation &&
        ca_duration_parse(backend->dp_cert->rotation->expiration, &life) && life > 0)
        return life > LEAST_LEAF_LIFE_NS ? life : LEAST_LEAF_LIFE_NS;
    return DEFAULT_LEAF_LIFE_NS;
}
