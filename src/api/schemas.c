/* schemas.c -- GET /openapi.json and /schemas: what the API takes and answers, for tools. Each is made when
 * first asked for, then the same bytes for everybody: the tables do not change while the daemon runs. */
#include "openapi.h"
#include "router.h"
#include "server.h"
#include "shape.h"

#define DIALECT "https://json-schema.org/draft/2020-12/schema"

/* Keeps the document as text and answers it; takes the reference. */
static void keep_and_answer(struct request *r, struct blob **kept, json_t *document)
{
    struct str text = json_format_pretty(&r->arena, document);

    *kept = blob_new(text.p, text.n);
    json_decref(document);
    answer_text(r, 200, TYPE_JSON, blob_str(*kept));
}

void openapi_get(struct request *r)
{
    struct blob **kept = &r->server->api->openapi;
    json_t *document;

    if (*kept) {
        answer_text(r, 200, TYPE_JSON, blob_str(*kept));
    } else if ((document = openapi_document(&r->err))) {
        keep_and_answer(r, kept, document);
    } else {
        r->err.kind = ERR_BUG;
        answer_error(r);
    }
}

/* ---- schemas ---- */

void schemas_get(struct request *r)
{
    json_t *items = json_array();

    for (enum res_type t = 0; t < RES_N_SHOWN; t++) {
        struct str name = res_type_info(t)->name;
        struct str path = arena_printf(&r->arena, "/schemas/" STR_FMT, STR_ARG(name));

        json_array_append_new(
            items, json_pack("{s:o, s:o}", "type", json_from_str(name), "path", json_from_str(path)));
    }
    answer_json(r, 200, json_pack("{s:i, s:o}", "total", RES_N_SHOWN, "items", items));
}

/* What is never stored has a shape, whose parts come along; NULL and 'e' when it has a fault. */
static json_t *derived_schema(struct str name, struct err *e)
{
    json_t *schema = shape_find(name, e), *parts = json_object();

    if (!schema || shape_add_all(parts, e) != ERR_NONE) {
        json_decref(schema);
        json_decref(parts);
        return NULL;
    }
    json_object_set_new(schema, "components", json_pack("{s:o}", "schemas", parts));
    return schema;
}

/* false after refusing it. */
static bool read_strict(struct request *r, bool *strict)
{
    struct str text = request_query(r, "strict");

    *strict = str_eq(text, STR("true"));
    if (!text.p || *strict || str_eq(text, STR("false")))
        return true;
    err_cause_at(&r->err, STR("strict"), STR("must be true or false"));
    answer_error(r);
    return false;
}

void schema_get(struct request *r)
{
    enum res_type type = res_type_by_name(r->name);
    bool strict;

    r->title = "Could not retrieve a schema";
    if (!read_strict(r, &strict))
        return;
    if (type == RES_N) {
        answer_fault(r, ERR_NOT_FOUND, "not found");
        return;
    }
    struct blob **kept = &r->server->api->schemas[type][strict];
    if (*kept) {
        answer_text(r, 200, TYPE_JSON, blob_str(*kept));
        return;
    }
    json_t *schema = res_type_info(type)->traits & RES_DERIVED
                         ? derived_schema(r->name, &r->err)
                         : resource_schema(type, strict ? SCHEMA_STRICT : SCHEMA_TAKEN);
    if (!schema) {
        r->err.kind = ERR_BUG;
        answer_error(r);
        return;
    }
    json_t *document = json_pack("{s:s}", "$schema", DIALECT);
    json_object_update(document, schema);
    json_decref(schema);
    keep_and_answer(r, kept, document);
}

void schemas_forget(struct api *api)
{
    blob_unref(api->openapi);
    for (size_t t = 0; t < RES_N; t++)
        for (size_t strict = 0; strict < 2; strict++)
            blob_unref(api->schemas[t][strict]);
}
