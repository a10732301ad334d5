/* What a type's JSON Schema says of its fields; tests/conformance/schema_test.py holds the schemas against
 * recorded documents. */
#include "../../lib/test.h"
#include "ursa/base/json.h"
#include "ursa/resource.h"

/* The member of a schema at "a/b/c", through properties and items. */
static const json_t *at(const json_t *schema, const char *path)
{
    struct str rest = str_from_c(path), part;
    struct arena a;

    arena_init(&a);
    while (schema && str_next(&rest, '/', &part)) {
        if (json_get(schema, "items"))
            schema = json_get(schema, "items");
        schema = json_get(json_get(schema, "properties"), arena_cstr(&a, part));
    }
    arena_fini(&a);
    return schema;
}

static const struct {
    const char *name;
    enum res_type type;
    const char *path, *want; /* canonical */
} rows[] = {
    {"type", RES_MESH, "type", "{\"const\":\"Mesh\"}"},
    {"name", RES_MESH, "name", "{\"pattern\":\"^[0-9a-z_-]+$\",\"type\":\"string\"}"},
    {"a secret's name", RES_SECRET, "name", "{\"pattern\":\"^[0-9a-z_.-]+$\",\"type\":\"string\"}"},
    {"a global type's mesh", RES_MESH, "mesh", NULL},
    {"text", RES_MESH, "mtls/enabledBackend", "{\"type\":[\"string\",\"null\"]}"},
    {"enum, by name or number", RES_MESH, "mtls/backends/mode",
     "{\"anyOf\":[{\"enum\":[\"STRICT\",\"PERMISSIVE\"]},{\"maximum\":2147483647,\"minimum\":-2147483648,"
     "\"type\":[\"integer\",\"null\"]}]}"},
    {"free object", RES_MESH, "mtls/backends/conf", "{\"type\":[\"object\",\"null\"]}"},
    {"number in quotes", RES_DATAPLANE, "networking/admin/port",
     "{\"maximum\":4294967295,\"minimum\":0,\"pattern\":\"^[0-9]+$\",\"type\":[\"integer\",\"string\","
     "\"null\"]}"},
    {"tags", RES_DATAPLANE, "networking/inbound/tags",
     "{\"additionalProperties\":{\"type\":[\"string\",\"null\"]},\"type\":[\"object\",\"null\"]}"},
    {"one of many names", RES_MESH_TRAFFIC_PERMISSION, "spec/from/default/action",
     "{\"enum\":[\"Allow\",\"Deny\",\"AllowWithShadowDeny\"]}"},
    {"bounds", RES_MESH_LOAD_BALANCING_STRATEGY, "spec/to/default/loadBalancer/maglev/tableSize",
     "{\"maximum\":5000011,\"minimum\":1,\"type\":\"integer\"}"},
    {"number or text", RES_MESH_FAULT_INJECTION, "spec/from/default/http/abort/percentage",
     "{\"type\":[\"integer\",\"string\",\"null\"]}"},
    {"numbers by name", RES_MESH_HTTP_ROUTE, "spec/to/rules/default/filters/requestRedirect/statusCode",
     "{\"enum\":[301,302,303,307,308],\"type\":\"integer\"}"},
};

TEST(fields_are_described)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        JSON_AUTO schema = resource_schema(rows[i].type, SCHEMA_TAKEN);
        const json_t *found = at(schema, rows[i].path);
        struct arena a;

        arena_init(&a);
        EXPECT_STR(rows[i].name, found ? json_format_canonical(&a, found) : STR_NONE, rows[i].want);
        arena_fini(&a);
    }
}

TEST(schemas_differ_by_what_they_are_of)
{
    for (enum res_type t = 0; t < RES_N; t++) {
        const char *name = res_type_info(t)->name.p;
        JSON_AUTO taken = resource_schema(t, SCHEMA_TAKEN);
        JSON_AUTO strict = resource_schema(t, SCHEMA_STRICT);
        JSON_AUTO shown = resource_schema(t, SCHEMA_SHOWN);

        EXPECT_TRUE(name,
                    !json_get(taken, "additionalProperties") && !json_get(shown, "additionalProperties"));
        EXPECT_TRUE(name, json_is_false(json_get(strict, "additionalProperties")));
        EXPECT_TRUE(name, json_array_size(json_get(strict, "required")) >= 2);
        EXPECT_TRUE(name, json_equal(json_get(strict, "required"), json_get(shown, "required")));
    }
}

TEST(what_is_shown_has_one_form)
{
    JSON_AUTO schema = resource_schema(RES_DATAPLANE, SCHEMA_SHOWN);
    JSON_AUTO insight = resource_schema(RES_DATAPLANE_INSIGHT, SCHEMA_SHOWN);
    struct arena a;

    arena_init(&a);
    EXPECT_STR("number", json_format_canonical(&a, at(schema, "networking/admin/port")),
               "{\"maximum\":4294967295,\"minimum\":0,\"type\":\"integer\"}");
    EXPECT_STR("large number",
               json_format_canonical(&a, at(insight, "subscriptions/status/total/responsesSent")),
               "{\"pattern\":\"^[0-9]+$\",\"type\":\"string\"}");
    EXPECT_STR("text", json_format_canonical(&a, at(schema, "networking/address")), "{\"type\":\"string\"}");
    arena_fini(&a);
}
