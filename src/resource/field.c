/* field.c -- what decoding and encoding of field tables share. */
#include "field.h"

#include <assert.h>
#include <string.h>

#include "ursa/base/json.h"

struct str enum_name(const struct enum_names *names, uint32_t number)
{
    return number < names->n ? str_from_c(names->v[number]) : STR_NONE;
}

bool enum_number(const struct enum_names *names, struct str name, uint32_t *number)
{
    for (size_t i = 0; i < names->n; i++)
        if (names->v[i] && str_eq(name, str_from_c(names->v[i]))) {
            *number = (uint32_t)i;
            return true;
        }
    return false;
}

void field_clear(const struct field *f, void *spec)
{
    /* Only members of a oneof are ever taken back, and those are pointers or slices. */
    assert(f->kind == FIELD_OPT_STR || f->kind == FIELD_OPT_BYTES || f->kind == FIELD_SUB);
    memset((char *)spec + f->offset, 0, f->kind == FIELD_SUB ? sizeof(void *) : sizeof(struct str));
}

const json_t *field_value(const struct field *f, const json_t *object, bool any_case)
{
    json_t *o = (json_t *)(uintptr_t)object; /* jansson's iterators only read it */
    const json_t *found = json_get(object, f->name);

    /* The camelCase spelling hides the other one even when it is null. */
    if (!found && f->alias)
        found = json_get(object, f->alias);
    if (found || !(any_case || f->kind == FIELD_SPEC))
        return found;
    for (void *it = json_object_iter(o); it; it = json_object_iter_next(o, it))
        if (str_eq_nocase(str_from_c(json_object_iter_key(it)), str_from_c(f->name)))
            found = json_object_iter_value(it);
    return found;
}

const char *json_kind_name(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return "object";
    case JSON_ARRAY:
        return "array";
    case JSON_STRING:
        return "string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "bool";
    case JSON_NULL:
        return "null";
    }
    return "";
}

json_t *json_read_own(struct str text)
{
    struct arena scratch;
    struct err e;
    json_t *tree;

    arena_init(&scratch);
    err_init(&e, &scratch);
    enum err_kind kind = json_parse(text, &tree, &e);
    assert(kind == ERR_NONE);
    arena_fini(&scratch);
    return tree;
}
