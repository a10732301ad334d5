/* backend.c -- tells the types of mTLS backends apart, and what all types have in common. */
#include "backend.h"

#include "cert.h"

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
        return provided_uses_secret(backend, secret);
    case BACKEND_UNKNOWN:
        break;
    }
    return false;
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

int64_t ca_leaf_life_ns(const struct ca_backend *backend)
{
    int64_t life;

    if (backend->dp_cert && backend->dp_cert->rotation &&
        ca_duration_parse(backend->dp_cert->rotation->expiration, &life) && life > 0)
        return life > LEAST_LEAF_LIFE_NS ? life : LEAST_LEAF_LIFE_NS;
    return DEFAULT_LEAF_LIFE_NS;
}
