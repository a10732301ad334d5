/* meta.c -- a resource's key: how a document says it, its rules (resources.md 1.3) and its order. */
#include "meta.h"

#include "ursa/base/clock.h"
#include "ursa/base/json.h"

int res_key_cmp(const struct res_key *a, const struct res_key *b)
{
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    int order = str_cmp(a->mesh, b->mesh);

    return order ? order : str_cmp(a->name, b->name);
}

static void check_name(struct str name, const char *field, bool dots, struct err *e)
{
    if (name.n == 0)
        err_cause(e, AT_FIELD(NULL, field), "cannot be empty");
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        if ((c < '0' || c > '9') && (c < 'a' || c > 'z') && c != '-' && c != '_' && !(c == '.' && dots)) {
            err_cause(e, AT_FIELD(NULL, field),
                      "invalid characters. Valid characters are numbers, lowercase latin letters and '-', "
                      "'_' symbols.");
            return;
        }
    }
}

static enum err_kind check_key(const struct res_key *key, bool dots, struct err *e)
{
    check_name(key->name, "name", dots, e);
    if (res_type_info(key->type)->scope == SCOPE_MESH)
        check_name(key->mesh, "mesh", false, e);
    return e->kind;
}

enum err_kind resource_check_key(const struct res_key *key, struct err *e)
{
    return check_key(key, res_type_info(key->type)->traits & RES_ADMIN, e);
}

enum err_kind resource_check_meta(const struct res_key *want, struct str body_type,
                                  const struct res_key *body, struct err *e)
{
    const struct res_type_info *type = res_type_info(want->type);

    if (!str_eq(body->name, want->name))
        err_cause(e, AT_FIELD(NULL, "name"), "name from the URL has to be the same as in body");
    if (!str_eq(body_type, type->name))
        err_cause(e, AT_FIELD(NULL, "type"), "type from the URL has to be the same as in body");
    if (type->scope == SCOPE_MESH && !str_eq(body->mesh, want->mesh))
        err_cause(e, AT_FIELD(NULL, "mesh"), "mesh from the URL has to be the same as in body");
    /* COMPAT: the syntax that is checked is that of the URL's names, not of the body's. */
    return check_key(want, false, e);
}

/* ---- in a document ---- */

static const struct str meta_keys[] = {STR_INIT("type"), STR_INIT("mesh"), STR_INIT("name"),
                                       STR_INIT("creationTime"), STR_INIT("modificationTime")};
enum { META_TYPE, META_MESH, META_NAME, META_CREATED, META_MODIFIED, META_N };

/* The meta members of a document: keys match ignoring case and the last one of a kind wins; null is as good
 * as absent. */
static void meta_find(const json_t *doc, const json_t *found[META_N])
{
    json_t *o = (json_t *)(uintptr_t)doc; /* jansson's iterators only read it */

    for (void *it = json_object_iter(o); it; it = json_object_iter_next(o, it)) {
        struct str key = str_from(json_object_iter_key(it), json_object_iter_key_len(it));

        for (size_t i = 0; i < META_N; i++)
            if (!json_is_null(json_object_iter_value(it)) && str_eq_nocase(key, meta_keys[i]))
                found[i] = json_object_iter_value(it);
    }
}

struct str resource_doc_type(const json_t *doc)
{
    const json_t *found[META_N] = {NULL};

    meta_find(doc, found);
    return json_str(found[META_TYPE]);
}

/* Times in documents are ignored but must be ones. kumactl sends the year 1, which our clock cannot count to:
 * of a year outside its range only the rest is looked at. */
static bool is_time(struct str s, struct arena *a)
{
    int64_t ignored;

    if (time_parse(s, &ignored))
        return true;
    for (size_t i = 0; i < 4; i++)
        if (i >= s.n || s.p[i] < '0' || s.p[i] > '9')
            return false;
    return time_parse(arena_printf(a, "2000" STR_FMT, STR_ARG(str_slice(s, 4, s.n))), &ignored);
}

enum err_kind meta_decode(const json_t *doc, struct res_key *key, struct err *e)
{
    const json_t *found[META_N] = {NULL};

    if (!json_is_object(doc) && !json_is_null(doc)) {
        err_cause(e, NULL, "expected an object");
        return err_set(e, ERR_MALFORMED,
                       "json: cannot unmarshal %s into Go value of type v1alpha1.ResourceMeta",
                       json_kind_name(doc));
    }
    meta_find(doc, found);
    for (size_t i = META_TYPE; i <= META_NAME; i++) {
        if (!found[i] || json_is_string(found[i]))
            continue;
        err_cause(e, AT_FIELD(NULL, meta_keys[i].p), "expected a string");
        return err_set(e, ERR_MALFORMED,
                       "json: cannot unmarshal %s into Go struct field ResourceMeta.%s of type string",
                       json_kind_name(found[i]), meta_keys[i].p);
    }
    for (size_t i = META_CREATED; i <= META_MODIFIED; i++) {
        if (!found[i] || is_time(json_str(found[i]), e->arena))
            continue;
        err_cause(e, AT_FIELD(NULL, meta_keys[i].p), "expected an RFC 3339 time");
        return err_set(e, ERR_MALFORMED, "parsing time " STR_FMT, STR_ARG(json_format(e->arena, found[i])));
    }
    key->name = json_str(found[META_NAME]);
    if (res_type_info(key->type)->scope == SCOPE_MESH)
        key->mesh = json_str(found[META_MESH]);
    return ERR_NONE;
}
