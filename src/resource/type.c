/* type.c -- the table of resource types and the look-ups in it. */
#include <assert.h>

#include "kind/kind.h"

static const struct res_type_info types[RES_N] = {
#define RES_TYPE(id, type_name, url_path, word, words, scope_name, type_traits, stem)                        \
    [RES_##id] = {                                                                                           \
        .type = RES_##id,                                                                                    \
        .name = STR_INIT(type_name),                                                                         \
        .path = STR_INIT(url_path),                                                                          \
        .cli = STR_INIT(word),                                                                               \
        .cli_plural = STR_INIT(words),                                                                       \
        .scope = SCOPE_##scope_name,                                                                         \
        .traits = (type_traits),                                                                             \
        .fields = stem##_fields,                                                                             \
        .spec_size = sizeof(struct stem##_spec),                                                             \
        .check = stem##_check,                                                                               \
    },
#include "ursa/types.def"
#undef RES_TYPE
};

const struct res_type_info *res_type_info(enum res_type type)
{
    assert(type < RES_N);
    return &types[type];
}

enum res_type res_type_by_name(struct str name)
{
    for (enum res_type t = 0; t < RES_N_SHOWN; t++)
        if (str_eq(types[t].name, name))
            return t;
    return RES_N;
}

enum res_type res_type_by_stored_name(struct str name)
{
    for (enum res_type t = RES_N_SHOWN; t < RES_N; t++)
        if (str_eq(types[t].name, name))
            return t;
    return res_type_by_name(name);
}

enum res_type res_type_by_path(struct str path)
{
    for (enum res_type t = 0; t < RES_N_SHOWN; t++)
        if (str_eq(types[t].path, path))
            return t;
    return RES_N;
}

enum res_type res_type_by_cli(struct str word)
{
    for (enum res_type t = 0; t < RES_N_SHOWN; t++)
        if (str_eq(types[t].cli, word) || str_eq(types[t].cli_plural, word))
            return t;
    return RES_N;
}
