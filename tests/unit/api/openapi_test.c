/* The tables that /openapi.json is made of, and the notation of shapes. */
#include "../../../src/api/openapi.h"
#include "../../../src/api/shape.h"
#include "asked.h"

TEST(the_tables_make_a_document)
{
    struct arena a;
    struct err e;

    arena_init(&a);
    err_init(&e, &a);
    json_t *document = openapi_document(&e);
    if (!document)
        FAIL(STR_FMT, STR_ARG(err_render(&e, &a)));
    json_decref(document);
    arena_fini(&a);
}

TEST(every_operation_is_of_a_route)
{
    size_t n;
    const struct route *rows = router_rows(&n);

    for (unsigned i = 0; i < OPERATIONS; i++) {
        bool found = false;

        for (size_t k = 0; k < n; k++)
            found |= rows[k].port == API_REST && rows[k].operation == i;
        if (!found)
            FAIL("operations.def: no REST route has the handler %s", operation_row(i)->handler);
        if (operation_row(i)->summary.n == 0)
            FAIL("operations.def: what does %s do?", operation_row(i)->handler);
    }
}

static const struct {
    const char *name, *shape;
    const char *want; /* compact JSON, sorted keys; NULL: refused */
} shapes[] = {
    {"type", "string", "{\"type\":\"string\"}"},
    {"types", "string|null", "{\"type\":[\"string\",\"null\"]}"},
    {"null", "null", "{\"type\":\"null\"}"},
    {"anything", "any", "{}"},
    {"time", "time", "{\"format\":\"date-time\",\"type\":\"string\"}"},
    {"word", "Mesh", "{\"const\":\"Mesh\"}"},
    {"words", "on line|off", "{\"enum\":[\"on line\",\"off\"]}"},
    {"reference", "$Error", "{\"$ref\":\"#/components/schemas/Error\"}"},
    {"mixed", "$Error|null|no",
     "{\"anyOf\":[{\"$ref\":\"#/components/schemas/Error\"},{\"type\":\"null\"},{\"const\":\"no\"}]}"},
    {"array", "[integer]", "{\"items\":{\"type\":\"integer\"},\"type\":\"array\"}"},
    {"object", "{a: string, b?: [string]}",
     "{\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"items\":{\"type\":\"string\"},\"type\":\"array\"}"
     "},"
     "\"required\":[\"a\"],\"type\":\"object\"}"},
    {"map", "{(tag): integer}", "{\"additionalProperties\":{\"type\":\"integer\"},\"type\":\"object\"}"},
    {"empty object", "{}", "{\"type\":\"object\"}"},
    {"array of two", "[string, string]", NULL},
    {"number", "5", NULL},
    {"in an object", "{a: 5}", NULL},
    {"in an array", "[5]", NULL},
    {"nothing", "", NULL},
    {"no YAML", "{a: ", NULL},
};

TEST(shapes_become_schemas)
{
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
        struct arena a;
        struct err e;

        arena_init(&a);
        err_init(&e, &a);
        json_t *schema = shape_parse(str_from_c(shapes[i].shape), &e);
        EXPECT_TRUE(shapes[i].name, (schema == NULL) == (e.kind != ERR_NONE));
        EXPECT_STR(shapes[i].name, schema ? json_format_canonical(&a, schema) : STR_NONE, shapes[i].want);
        json_decref(schema);
        arena_fini(&a);
    }
}
