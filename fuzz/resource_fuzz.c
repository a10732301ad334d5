/* resource_fuzz.c -- any JSON as a resource of every type: no crash in decoding, rules, defaults and output,
 * and what is printed reads back as the same bytes.
 */
#include <stdlib.h>

#include "ursa/base/json.h"
#include "ursa/resource.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* Printed, read and printed again: equal. */
static void check_round_trip(const struct resource *r, struct err *e)
{
    struct resource *printed = resource_from_spec(&r->key, r->spec);
    struct resource *read = resource_from_stored(&r->key, blob_str(printed->spec_json), e);

    if (!read)
        abort();
    struct resource *again = resource_from_spec(&r->key, read->spec);

    if (!blob_eq(printed->spec_json, again->spec_json))
        abort();
    json_decref(resource_to_json(again));
    resource_unref(printed);
    resource_unref(read);
    resource_unref(again);
}

/* What is filled in is filled in once. */
static void check_defaults(struct resource *r, struct err *e)
{
    bool is_mesh = r->key.type == RES_MESH;

    if (!is_mesh && r->key.type != RES_DATAPLANE)
        return;
    struct resource *filled =
        is_mesh ? mesh_apply_defaults(r) : dataplane_apply_defaults(r, STR("zone"), true);
    struct resource *again =
        is_mesh ? mesh_apply_defaults(filled) : dataplane_apply_defaults(filled, STR("zone"), true);

    if (again != filled)
        abort();
    res_type_info(r->key.type)->check(filled->spec, e);
    if (e->kind != ERR_NONE)
        abort();
    resource_unref(filled);
    resource_unref(again);
}

static void check_type(enum res_type type, const json_t *doc, struct str text)
{
    struct res_key key = {.type = type, .mesh = STR("m"), .name = STR("n")};
    struct resource *r;
    struct arena a;
    struct err e;

    arena_init(&a);
    err_init(&e, &a);
    if (resource_decode(type, doc, &r, &e) == ERR_NONE) {
        check_round_trip(r, &e);
        check_defaults(r, &e);
    } else if (r || (e.kind == ERR_MALFORMED ? e.text.n == 0 : e.n_causes == 0)) {
        abort();
    }
    resource_unref(r);
    /* Without the rules much more gets through the tables. */
    err_init(&e, &a);
    r = resource_from_stored(&key, text, &e);
    if (r)
        check_round_trip(r, &e);
    resource_unref(r);
    arena_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct arena a;
    struct err e;
    json_t *doc;

    arena_init(&a);
    err_init(&e, &a);
    if (json_parse(str_from(bytes, n), &doc, &e) == ERR_NONE) {
        for (enum res_type type = 0; type < RES_N; type++)
            check_type(type, doc, str_from(bytes, n));
        json_decref(doc);
    }
    arena_fini(&a);
    return 0;
}
