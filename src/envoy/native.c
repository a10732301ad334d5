/* envoy/native.c -- judges texts in Envoy's own words, which users put into policies. */
#include "ursa/base/buf.h"
#include "ursa/base/json.h"
#include "ursa/base/yaml.h"
#include "ursa/envoy.h"

/* YAML, or else JSON: the tree, {} for an empty text; NULL and the faults. */
static json_t *read_text(struct str text, struct err *e)
{
    struct yaml_doc *docs;
    size_t n;
    json_t *tree = NULL;
    struct err ignored;

    if (yaml_parse(text, 1, &docs, &n, e) == ERR_NONE)
        return n > 0 ? docs[0].root : json_object();
    err_init(&ignored, e->arena);
    if (json_parse(text, &tree, &ignored) != ERR_NONE)
        return NULL;
    err_init(e, e->arena);
    return tree;
}

/* The message that an "@type" names, which is taken out of the tree; STR_NONE and a fault. */
static struct str take_type(json_t *tree, struct err *e)
{
    struct str url = arena_str(e->arena, json_str(json_get(tree, "@type")));
    enum xds_type type = xds_type_by_url(url);

    if (type == XDS_N) {
        err_cause(e, AT_FIELD(NULL, "@type"),
                  "must be the type URL of a resource, such as type.googleapis.com/" STR_FMT,
                  STR_ARG(xds_type_info(XDS_CLUSTER)->message));
        return STR_NONE;
    }
    json_object_del(tree, "@type");
    return xds_type_info(type)->message;
}

static void check_tree(struct str message, json_t *tree, bool whole, struct err *e)
{
    struct buf wire;

    if (str_eq(message, STR("google.protobuf.Any")))
        message = take_type(tree, e);
    if (e->kind != ERR_NONE)
        return;
    buf_init(&wire, BUF_MAX_RESOURCE);
    if (envoy_encode_native(message, tree, whole, &wire, e) == ERR_NONE)
        buf_clear(&wire); /* that it can be encoded is all that is asked */
    buf_fini(&wire);
}

bool envoy_check_native(struct str message, struct str text, bool whole, struct arena *a, struct str *reason)
{
    struct err e;

    err_init(&e, a);
    json_t *tree = read_text(text, &e);
    if (json_is_null(tree)) {
        json_decref(tree);
        tree = json_object();
    }
    if (tree)
        check_tree(message, tree, whole, &e);
    json_decref(tree);
    if (e.kind == ERR_NONE)
        return true;
    *reason = err_render(&e, a);
    return false;
}
