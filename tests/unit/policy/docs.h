/* docs.h -- resources from short texts, for tables: JSON with single quotes, without "mesh" when it is "m".
 */
#ifndef URSA_TESTS_POLICY_DOCS_H
#define URSA_TESTS_POLICY_DOCS_H

#include "../../lib/test.h"
#include "ursa/base/json.h"
#include "ursa/policy_matched.h"

#define DOCS_MAX 16

struct docs {
    struct arena arena;
    struct resource *v[DOCS_MAX];
    size_t n;
};

static inline json_t *docs_json(struct docs *d, const char *text)
{
    char *quoted = arena_cstr(&d->arena, str_from_c(text));
    json_error_t fault;
    for (char *p = quoted; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    json_t *o = json_loads(quoted, 0, &fault);
    if (!o)
        FAIL("%s: %s", text, fault.text);
    return o;
}

static inline struct resource *docs_add(struct docs *d, const char *text)
{
    struct err e;
    struct resource *r = NULL;
    json_t *doc = docs_json(d, text);
    err_init(&e, &d->arena);
    if (!json_get(doc, "mesh"))
        json_object_set_new(doc, "mesh", json_string("m"));
    if (resource_decode(res_type_by_name(json_str(json_get(doc, "type"))), doc, &r, &e) != ERR_NONE) {
        struct str why = err_render(&e, &d->arena);
        FAIL("%s: " STR_FMT, text, STR_ARG(why));
    }
    json_decref(doc);
    d->v[d->n++] = r;
    return r;
}

static inline void docs_init(struct docs *d, const char *const *texts)
{
    *d = (struct docs){0};
    arena_init(&d->arena);
    for (size_t i = 0; i < DOCS_MAX && texts[i]; i++)
        docs_add(d, texts[i]);
}

static inline void docs_fini(struct docs *d)
{
    for (size_t i = 0; i < d->n; i++)
        resource_unref(d->v[i]);
    arena_fini(&d->arena);
}

/* Those of a type, in the order in which they were given (by name, in a table that is right). */
static inline struct res_list docs_list(struct docs *d, enum res_type type)
{
    const struct resource **v = ARENA_ARRAY(&d->arena, const struct resource *, d->n);
    size_t n = 0;
    for (size_t i = 0; i < d->n; i++) {
        if (d->v[i]->key.type == type)
            v[n++] = d->v[i];
    }
    return (struct res_list){n, v};
}

/* The first of a type. */
static inline const struct resource *docs_first(struct docs *d, enum res_type type)
{
    struct res_list list = docs_list(d, type);
    return list.n ? list.v[0] : NULL;
}

/* The places of the one Dataplane, with the MeshGateway that runs on it. */
static inline struct places docs_places(struct docs *d)
{
    const struct dataplane_spec *dp = resource_dataplane(docs_first(d, RES_DATAPLANE));
    return places_of(&d->arena, dp, gateway_choose(&d->arena, docs_list(d, RES_MESH_GATEWAY), dp));
}

#endif
