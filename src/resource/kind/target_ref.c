/* target_ref.c -- references to what a policy applies to, and the headers that several policies name. */
#include "target.h"

#include <string.h>

static const char *const kinds[] = {
    NULL, "Mesh", "MeshSubset", "MeshGateway", "MeshService", "MeshServiceSubset", "MeshHTTPRoute"};
static const struct enum_names kind_names = {.v = kinds, .n = ARRAY_LEN(kinds)};

/* The rows of a target_ref that is 'T', or the member of it that 'M' names. */
#define ITSELF(member) member
#define ITS_REF(member) ref.member
#define TARGET_REF_ROWS(T, M)                                                                                \
    F_CHOICE("kind", T, M(kind), kind_names), F_STR("name", T, M(name)), F_TAGS("tags", T, M(tags)),         \
        F_STR("mesh", T, M(mesh))

const struct field target_ref_fields[] = {
    TARGET_REF_ROWS(struct target_ref, ITSELF),
    F_END,
};

void target_ref_from_json(const json_t *o, struct arena *a, struct target_ref *out)
{
    struct err e;

    err_init(&e, a);
    *out = (struct target_ref){0};
    if (o && fields_decode(target_ref_fields, o, NULL, a, out, &e) != ERR_NONE)
        *out = (struct target_ref){0};
}

static const struct field_limits weight_limits = {.bounded = true, .min = 0};

const struct field backend_ref_fields[] = {
    TARGET_REF_ROWS(struct backend_ref, ITS_REF),
    F_OPT_I64("weight", struct backend_ref, weight, .limits = &weight_limits),
    F_END,
};

/* ---- headers ---- */

static bool is_header_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && !strchr("!#$%&'*+-.^_`|~", c))
            return false;
    }
    return s.n > 0;
}

static const struct str_pattern header_name_pattern = {"^[a-z0-9!#$%&'*+\\-.^_\\x60|~]+$", is_header_name};
const struct field_limits header_name_limits = {
    .min_len = 1, .max_len = 256, .pattern = &header_name_pattern};
const struct field_limits not_empty_text = {.min_len = 1};
static const struct field_limits up_to_16 = {.max_items = 16};

static const struct field header_value_fields[] = {
    F_STR("name", struct header_value, name, .required = true, .limits = &header_name_limits),
    F_STR("value", struct header_value, value, .required = true),
    F_END,
};

#define HEADER_ROW(n, m)                                                                                     \
    F_LIST(n, struct header_modifier, m, n_##m, header_value_fields, .limits = &up_to_16,                    \
           .given = offsetof(struct header_modifier, m##_given))

const struct field header_modifier_fields[] = {
    HEADER_ROW("set", set),
    HEADER_ROW("add", add),
    F_END,
};

const struct field route_header_modifier_fields[] = {
    HEADER_ROW("set", set),
    HEADER_ROW("add", add),
    F_STR_LIST("remove", struct header_modifier, remove, .limits = &up_to_16,
               .given = offsetof(struct header_modifier, remove_given)),
    F_END,
};

static const char *const match_types[] = {NULL, "Exact", "Present", "RegularExpression", "Absent", "Prefix"};
static const struct enum_names match_type_names = {.v = match_types, .n = ARRAY_LEN(match_types)};

const struct field header_match_fields[] = {
    F_CHOICE("type", struct header_match, type, match_type_names),
    F_STR("name", struct header_match, name, .required = true, .limits = &header_name_limits),
    F_STR("value", struct header_match, value),
    F_END,
};

/* ---- rules ---- */

static void cannot_be_set(bool set, const char *field, const char *kind, const struct path *at, struct err *e)
{
    if (set)
        err_cause(e, AT_FIELD(at, field), "cannot be set with kind %s", kind);
}

void rule_target_ref(const struct target_ref *ref, unsigned allowed, const struct path *at, struct err *e)
{
    const struct path *at_name = AT_FIELD(at, "name");

    if (ref->kind == TARGET_NONE) {
        err_cause(e, AT_FIELD(at, "kind"), "must be set");
        return;
    }
    if (!(allowed & 1u << ref->kind)) {
        err_cause(e, AT_FIELD(at, "kind"), "value is not supported");
        return;
    }
    if (!(TARGETS_PROXIES & 1u << ref->kind))
        return;

    const char *kind = kinds[ref->kind];
    bool names_service = TARGETS_BACKENDS & 1u << ref->kind;
    bool has_tags = ref->kind == TARGET_MESH_SUBSET || ref->kind == TARGET_MESH_SERVICE_SUBSET;

    if (ref->kind == TARGET_MESH && ref->name.n > 0)
        err_cause(e, at_name, "using name with kind %s is not yet supported", kind);
    else if (names_service && ref->name.n == 0)
        err_cause(e, at_name, "must be set with kind %s", kind);
    else
        cannot_be_set(!names_service && ref->name.n > 0, "name", kind, at, e);
    cannot_be_set(ref->mesh.n > 0, "mesh", kind, at, e);
    cannot_be_set(!has_tags && ref->tags.n > 0, "tags", kind, at, e);
}

void rule_backend_refs(const struct backend_ref *refs, size_t n, const struct path *at, struct err *e)
{
    for (size_t i = 0; i < n; i++)
        rule_target_ref(&refs[i].ref, TARGETS_BACKENDS, AT_INDEX(at, i), e);
}

void rule_items_needed(size_t n, const struct path *at, struct err *e)
{
    if (n == 0)
        err_cause(e, at, "needs at least one item");
}

void rule_to_or_from_needed(size_t n_to, size_t n_from, struct err *e)
{
    if (n_to == 0 && n_from == 0)
        err_cause(e, AT_FIELD(NULL, "spec"), "at least one of 'from', 'to' has to be defined");
}
