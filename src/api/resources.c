/* resources.c -- reading and writing one resource, and the lists: the same few handlers for every type of the
 * table. */
#include "condition.h"
#include "page.h"
#include "past.h"
#include "router.h"
#include "ursa/base/clock.h"
#include "visible.h"

/* COMPAT: the resource as kuma-cp would keep it in Kubernetes, where proxies, their insights and policies
 * with a targetRef live in a namespace; the last say their mesh in a label. It helps who moves there; secrets
 * have no such form. */
static json_t *kubernetes_json(struct arena *a, const struct resource *res)
{
    const struct res_type_info *type = res_type_info(res->key.type);
    bool mesh_in_label = type->traits & RES_TARGET_REF;
    json_t *metadata = json_object(), *o = json_object();
    struct str created = time_format(a, res->created_ns / NS_PER_S * NS_PER_S);

    json_object_set_new(metadata, "name", json_from_str(res->key.name));
    if (type->traits & RES_NAMESPACED)
        json_object_set_new(metadata, "namespace", json_string("kuma-system"));
    json_object_set_new(metadata, "creationTimestamp", json_from_str(created));
    if (mesh_in_label)
        json_object_set_new(metadata, "labels",
                            json_pack("{s:o}", "kuma.io/mesh", json_from_str(res->key.mesh)));
    json_object_set_new(o, "kind", json_from_str(type->name));
    json_object_set_new(o, "apiVersion", json_string("kuma.io/v1alpha1"));
    json_object_set_new(o, "metadata", metadata);
    if (type->scope == SCOPE_MESH && !mesh_in_label)
        json_object_set_new(o, "mesh", json_from_str(res->key.mesh));
    json_object_set_new(o, "spec", resource_spec_to_json(res));
    return o;
}

/* ?format=: false after refusing it. */
static bool read_format(struct request *r, bool *kubernetes)
{
    struct str format = request_query(r, "format");
    bool secret = res_type_info(r->type)->traits & RES_ADMIN;

    *kubernetes = str_eq(format, STR("k8s")) || str_eq(format, STR("kubernetes"));
    if (!format.p || str_eq(format, STR("universal")) || (*kubernetes && !secret))
        return true;
    r->title = "invalid format";
    err_cause_at(&r->err, STR(""),
                 *kubernetes ? STR("\"format\" must be \"universal\": secrets have no other")
                             : STR("\"format\" must be one of [\"k8s\", \"kubernetes\", \"universal\"]"));
    answer_error(r);
    return false;
}

/* In the form that a PUT takes, with its tag; 304 when the client has it. */
static void answer_found(struct request *r, const struct resource *found)
{
    struct condition condition;
    char *etag = arena_alloc(&r->arena, ETAG_SIZE);

    if (!condition_read(r, &r->arena, &condition))
        return;
    etag_print(found, etag);
    r->etag = etag;
    if (condition_is_known(&condition, found))
        answer_empty(r, 304);
    else
        answer_resource(r, found);
}

static void show_one(struct request *r)
{
    const struct resource *found;
    bool kubernetes;

    if (!read_format(r, &kubernetes))
        return;
    r->title = "Could not retrieve a resource";
    found = snap_find(r->snap, r->type, r->mesh, r->name);
    if (!found)
        answer_fault(r, ERR_NOT_FOUND, "not found");
    else if (kubernetes)
        answer_json(r, 200, kubernetes_json(&r->arena, found));
    else
        answer_found(r, found);
}

void resource_get(struct request *r)
{
    r->title = "Could not retrieve a resource";
    past_show(r, show_one);
}

static void answer_list(struct request *r, const struct visible *list)
{
    struct items items;
    struct page page;
    size_t first, end;

    if (!page_read(r, &page))
        return;
    items_init(&items);
    page_bounds(&page, list->n, &first, &end);
    struct visible_iter it = visible_iter(list, first);
    for (; first < end; first++)
        items_add_resource(&items, visible_next(&it));
    page_answer_items(r, &page, list->n, list->n, &items);
}

/* Of one mesh, which the router has let the caller see, or of all that they may see. */
static void show_list(struct request *r)
{
    struct snap_range range = snap_range(r->snap, r->type, r->mesh);
    struct visible list = {.ranges = &range, .n_ranges = 1, .n = range.n};

    if (!r->mesh.p)
        list = visible_of(r, r->type);
    answer_list(r, &list);
}

void resource_list(struct request *r)
{
    r->title = "Could not retrieve resources";
    past_show(r, show_list);
}

/* ---- writing ---- */

static bool type_is_writable(struct request *r)
{
    if (!(res_type_info(r->type)->traits & RES_READ_ONLY))
        return true;
    derived_refuse(r);
    return false;
}

void derived_refuse(struct request *r)
{
    answer_fault(r, ERR_METHOD, "written by the control plane only");
}

/* The continuation of every single write: the one operation's fault under the title of what it would have
 * been. */
static void answer_write(struct request *r)
{
    struct admit_op *op = &r->write->ops[0];

    if (r->write->kind == ERR_NONE) {
        r->revision = arena_printf(&r->arena, "%llu", (unsigned long long)r->write->revision);
        answer_empty(r, op->outcome == OUTCOME_CREATED ? 201 : 200);
        return;
    }
    if (op->kind == ADMIT_DELETE)
        r->title = "Could not delete a resource";
    else
        r->title = op->outcome == OUTCOME_UPDATED || op->outcome == OUTCOME_UNCHANGED
                       ? "Could not update a resource"
                       : "Could not create a resource";
    r->err = op->err;
    r->show_text = op->err.kind == ERR_STALE;
    if (r->err.kind == ERR_NONE)
        err_set(&r->err, r->write->kind, "the write was not accepted: %s", err_kind_name(r->write->kind));
    answer_error(r);
}

/* The resource in the body, checked as a document and against the URL; NULL after answering. */
static struct resource *read_resource(struct request *r)
{
    const struct res_key want = {.type = r->type, .mesh = r->mesh, .name = r->name};
    const struct res_type_info *type = res_type_info(r->type);
    JSON_AUTO doc = request_document(r, type->name);
    struct resource *res = NULL;

    if (!doc)
        return NULL;
    r->title = "Could not process a resource";
    if (resource_decode(r->type, doc, &res, &r->err) == ERR_NONE &&
        resource_check_meta(&want, resource_doc_type(doc), &res->key, &r->err) == ERR_NONE)
        return res;
    if (r->err.kind == ERR_MALFORMED)
        err_set(&r->err, ERR_MALFORMED, "invalid " STR_FMT " object: '" STR_FMT "'", STR_ARG(type->name),
                STR_ARG(r->err.text));
    resource_unref(res);
    answer_error(r);
    return NULL;
}

/* A write of one operation, to be filled in, that keeps the conditions of its headers. NULL after answering.
 */
static struct admit_request *write_new(struct request *r)
{
    struct admit_request *write = admit_request_new(1);
    struct condition *condition = ARENA_NEW(&write->arena, struct condition);

    if (!condition_read(r, &write->arena, condition)) {
        admit_request_free(write);
        return NULL;
    }
    if (r->method == PUT)
        condition->update_only = condition_update_only(r, &write->arena, r->type);
    write->ops[0].condition = condition_check;
    write->ops[0].condition_ctx = condition;
    return write;
}

void resource_put(struct request *r)
{
    struct resource *res;
    struct admit_request *write;

    if (!type_is_writable(r) || !(res = read_resource(r)))
        return;
    write = write_new(r);
    if (!write) {
        resource_unref(res);
        return;
    }
    write->ops[0].kind = ADMIT_PUT;
    write->ops[0].res = res;
    request_write(r, write, answer_write);
}

void resource_delete(struct request *r)
{
    struct admit_request *write;

    if (!type_is_writable(r) || !(write = write_new(r)))
        return;
    write->ops[0].kind = ADMIT_DELETE;
    write->ops[0].key = (struct res_key){.type = r->type,
                                         .mesh = arena_str(&write->arena, r->mesh),
                                         .name = arena_str(&write->arena, r->name)};
    request_write(r, write, answer_write);
}
