/* conf.c -- reads the free 'conf' object of an mTLS backend. Unknown keys are ignored, null is as absent. */
#include "conf.h"

#include "cert.h"
#include "ursa/base/base64.h"
#include "ursa/base/json.h"

/* COMPAT: kuma-cp's words, which come from Go's JSON decoder. */
static enum err_kind wrong_kind(const json_t *v, const char *go_type, const struct path *at, struct err *e)
{
    const char *kind = json_is_string(v)    ? "string"
                       : json_is_number(v)  ? "number"
                       : json_is_boolean(v) ? "bool"
                       : json_is_array(v)   ? "array"
                                            : "object";

    err_cause(e, at, "could not convert backend config: json: cannot unmarshal %s into Go value of type %s",
              kind, go_type);
    return e->kind;
}

/* The object's member; NULL when it is absent or null. */
static json_t *member(const json_t *o, const char *key)
{
    json_t *v = json_get(o, key);

    return json_is_null(v) ? NULL : v;
}

#define GO_OBJECT "map[string]json.RawMessage"

static enum err_kind read_object(const struct free_json *conf, const struct path *at, json_t **out,
                                 struct err *e)
{
    *out = NULL;
    if (!conf->text.p)
        return ERR_NONE;
    if (json_parse(conf->text, out, e))
        return e->kind;
    return json_is_object(*out) ? ERR_NONE : wrong_kind(*out, GO_OBJECT, at, e);
}

/* ---- builtin ---- */

static void read_bits(const json_t *v, const struct path *ca, struct builtin_conf *out, struct err *e)
{
    double bits = json_number_value(v);
    int64_t quoted;

    if (json_is_string(v) && str_to_int(json_str(v), 0, UINT32_MAX, &quoted)) /* protobuf's JSON allows it */
        bits = (double)quoted;
    else if (!json_is_number(v)) {
        (void)wrong_kind(v, "uint32", ca->up, e);
        return;
    }
    /* 8192 would take 8 s to make, and each leaf 6 ms to sign. */
    if (bits == 0 || bits == 2048 || bits == 3072 || bits == 4096)
        out->rsa_bits = (unsigned)bits;
    else
        err_cause(e, AT_FIELD(ca, "RSAbits"), "must be 2048, 3072 or 4096");
}

/* After read_bits(): the reference knows RSA only, so that this key is ours. */
static void read_curve(const json_t *v, const struct path *ca, struct builtin_conf *out, struct err *e)
{
    const struct path *at = AT_FIELD(ca, "ecCurve");

    if (!json_is_string(v))
        (void)wrong_kind(v, "string", ca->up, e);
    else if (str_eq(json_str(v), STR("P-384")))
        out->p384 = true;
    else if (!str_eq(json_str(v), STR("P-256")))
        err_cause(e, at, "must be P-256 or P-384");
    if (out->rsa_bits)
        err_cause(e, at, "cannot be defined together with RSAbits");
}

static void read_life(const json_t *v, const struct path *ca, struct builtin_conf *out, struct err *e)
{
    const struct path *at = AT_FIELD(ca, "expiration");

    if (!json_is_string(v))
        (void)wrong_kind(v, "string", ca->up, e);
    else if (json_str(v).n > 0 && !ca_duration_parse(json_str(v), &out->life_ns))
        err_cause(e, at, "has to be a valid format");
    else if (out->life_ns <= 0)
        err_cause(e, at, "has to be greater than 0");
    else if (out->life_ns > INT64_MAX - clock_wall_ns())
        err_cause(e, at, "is too long");
}

enum err_kind builtin_conf_read(const struct free_json *conf, const struct path *at, struct builtin_conf *out,
                                struct err *e)
{
    const struct path *ca_at = AT_FIELD(at, "caCert");
    JSON_AUTO o = NULL;
    json_t *ca;

    *out = (struct builtin_conf){.life_ns = CERT_TEN_YEARS_NS};
    if (read_object(conf, at, &o, e))
        return e->kind;
    ca = member(o, "caCert");
    if (!ca)
        return ERR_NONE;
    if (!json_is_object(ca))
        return wrong_kind(ca, GO_OBJECT, at, e);
    if (member(ca, "RSAbits"))
        read_bits(member(ca, "RSAbits"), ca_at, out, e);
    if (member(ca, "ecCurve"))
        read_curve(member(ca, "ecCurve"), ca_at, out, e);
    if (member(ca, "expiration"))
        read_life(member(ca, "expiration"), ca_at, out, e);
    return e->kind;
}

/* ---- provided ---- */

static enum err_kind read_source(const json_t *o, const struct path *at, struct pem_source *out,
                                 struct err *e)
{
    /* COMPAT: when several are given, the last in this order wins. */
    static const struct {
        const char *key;
        enum source_kind kind;
    } sources[] = {{"secret", SOURCE_SECRET},
                   {"file", SOURCE_FILE},
                   {"inline", SOURCE_INLINE},
                   {"inlineString", SOURCE_INLINE_STRING}};
    size_t bad_at;

    *out = (struct pem_source){.kind = o ? SOURCE_NONE : SOURCE_ABSENT};
    if (o && !json_is_object(o))
        return wrong_kind(o, GO_OBJECT, at, e);
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        const json_t *v = member(o, sources[i].key);

        if (!v)
            continue;
        if (!json_is_string(v))
            return wrong_kind(v, "string", at, e);
        *out = (struct pem_source){.kind = sources[i].kind, .value = arena_str(e->arena, json_str(v))};
    }
    if (out->kind == SOURCE_INLINE && !base64_decode(e->arena, out->value, &out->value, &bad_at)) {
        err_cause(e, at, "could not convert backend config: illegal base64 data at input byte %zu", bad_at);
        return e->kind;
    }
    return ERR_NONE;
}

enum err_kind provided_conf_read(const struct free_json *conf, const struct path *at,
                                 struct provided_conf *out, struct err *e)
{
    JSON_AUTO o = NULL;

    *out = (struct provided_conf){{SOURCE_ABSENT, STR_NONE}, {SOURCE_ABSENT, STR_NONE}};
    if (read_object(conf, at, &o, e) || read_source(member(o, "cert"), at, &out->cert, e) ||
        read_source(member(o, "key"), at, &out->key, e))
        return e->kind;
    return ERR_NONE;
}
