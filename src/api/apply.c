/* apply.c -- POST /apply: many documents, one transaction, an answer for each.
 *
 * Order does not matter, nothing is written unless everything can be. The answer lists the documents in their
 * own order: what became of each, or every fault with its field, line and column. ?dryRun=true checks and
 * writes nothing. */
#include "audit.h"
#include "condition.h"
#include "router.h"
#include "ursa/documents.h"

#define AUDITED_DOCUMENTS 50
#define AUDITED_TEXT 256
#define STRANGERS_NAMED 100

struct apply {
    struct documents docs;
    bool dry_run;
};

/* ---- answering ---- */

static const char *outcome_name(enum admit_outcome outcome)
{
    switch (outcome) {
    case OUTCOME_CREATED:
        return "created";
    case OUTCOME_UPDATED:
        return "updated";
    case OUTCOME_UNCHANGED:
        return "unchanged";
    case OUTCOME_DELETED:
        return "deleted";
    case OUTCOME_NONE:
        break;
    }
    return "not applied";
}

static void add_fault(struct request *r, struct apply *a, const struct document *d, struct str field,
                      struct str reason, json_t *own, json_t *all)
{
    struct text_pos pos = document_locate(&a->docs, d, field);
    json_t *fault = json_object(), *summary = json_object();

    json_object_set_new(fault, "field", json_from_str(field));
    json_object_set_new(fault, "message", json_from_str(reason));
    json_object_set_new(fault, "line", json_integer((json_int_t)pos.line));
    json_object_set_new(fault, "column", json_integer((json_int_t)pos.column));
    json_array_append_new(own, fault);
    json_object_set_new(summary, "field", json_from_str(field));
    json_object_set_new(
        summary, "message",
        json_from_str(arena_printf(
            &r->arena, "document with " STR_FMT " \"" STR_FMT "\", line %zu, column %zu: " STR_FMT,
            STR_ARG(d->type == RES_N ? STR("name") : res_type_info(d->type)->name), STR_ARG(d->key.name),
            pos.line, pos.column, STR_ARG(reason))));
    json_array_append_new(all, summary);
}

/* Dataplanes that are in the mesh and that its new constraints would not let in. They stay, but are refused
 * when they are written or come back. */
static json_t *strangers_json(struct request *r, const struct resource *mesh)
{
    const struct mesh_spec *spec = resource_mesh(mesh);
    struct snap_range range = snap_range(r->snap, RES_DATAPLANE, mesh->key.name);
    json_t *named = json_array();
    size_t n = 0;
    struct snap_iter it = snap_iter(&range);

    for (const struct resource *dp = snap_next(&it); dp && spec->constraints; dp = snap_next(&it)) {
        struct err e;

        err_init(&e, &r->arena);
        if (mesh_check_membership(spec, mesh->key.name, resource_dataplane(dp), &e) == ERR_NONE)
            continue;
        if (n++ < STRANGERS_NAMED)
            json_array_append_new(named, json_pack("{s: o, s: o}", "name", json_from_str(dp->key.name),
                                                   "reason", json_from_str(e.causes[0].reason)));
    }
    if (n > 0)
        return json_pack("{s: I, s: o}", "total", (json_int_t)n, "dataplanes", named);
    json_decref(named);
    return NULL;
}

/* The document's entry; its faults also go to 'all', which old clients read as causes. */
static json_t *document_json(struct request *r, struct apply *a, size_t i, bool failed, json_t *all)
{
    const struct document *d = &a->docs.list.v[i];
    const struct admit_op *op = r->write && d->op != SIZE_MAX ? &r->write->ops[d->op] : NULL;
    const struct err *e = admit_document_err(r->write, d);
    json_t *entry = json_object(), *faults = json_array();

    json_object_set_new(entry, "document", json_integer((json_int_t)i + 1));
    if (d->prefix.n == 0) /* where an item of a JSON list begins is looked up for faults only */
        json_object_set_new(entry, "line", json_integer((json_int_t)d->pos.line));
    if (d->type != RES_N) {
        json_object_set_new(entry, "type", json_from_str(res_type_info(d->type)->name));
        if (d->key.mesh.n)
            json_object_set_new(entry, "mesh", json_from_str(d->key.mesh));
        json_object_set_new(entry, "name", json_from_str(d->key.name));
    }
    if (e->kind != ERR_NONE && e->n_causes == 0)
        add_fault(r, a, d, STR(""), e->text.n ? e->text : str_from_c(err_kind_name(e->kind)), faults, all);
    for (size_t c = 0; c < e->n_causes; c++)
        add_fault(r, a, d, e->causes[c].field, e->causes[c].reason, faults, all);
    json_object_set_new(entry, "outcome",
                        json_string(e->kind != ERR_NONE ? "refused"
                                    : failed || !op     ? "not applied"
                                                        : outcome_name(op->outcome)));
    if (json_array_size(faults))
        json_object_set(entry, "faults", faults);
    json_decref(faults);
    if (op && !failed && op->kind == ADMIT_PUT && op->res->key.type == RES_MESH) {
        json_t *strangers = strangers_json(r, op->res);
        if (strangers)
            json_object_set_new(entry, "notLetIn", strangers);
    }
    return entry;
}

static bool any_fault(const struct request *r, const struct apply *a, enum err_kind *kind)
{
    bool found = r->write && r->write->kind != ERR_NONE;

    *kind = found ? r->write->kind : ERR_NONE;
    for (size_t i = 0; i < a->docs.list.n; i++) {
        if (a->docs.list.v[i].err.kind != ERR_NONE) {
            *kind = a->docs.list.v[i].err.kind;
            found = true;
        }
    }
    return found;
}

/* For the audit log: what was in the body, not what it said. */
static void note_documents(struct request *r, const json_t *documents)
{
    static const char *const keys[] = {"type", "mesh", "name", "outcome"};
    json_t *list = json_array(), *of;
    size_t i;

    json_array_foreach(documents, i, of)
    {
        json_t *entry = json_object();

        for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
            struct str text = str_cut(json_str(json_get(of, keys[k])), AUDITED_TEXT);
            if (text.n > 0)
                json_object_set_new(entry, keys[k], json_from_str(text));
        }
        json_array_append_new(list, entry);
        if (i == AUDITED_DOCUMENTS)
            break;
    }
    audit_note(r, "documents", list);
    audit_note(r, "nDocuments", json_integer((json_int_t)json_array_size(documents)));
}

static void answer_apply(struct request *r, struct apply *a)
{
    json_t *documents = json_array(), *all = json_array(), *body;
    enum err_kind kind;
    bool failed = any_fault(r, a, &kind);
    size_t n = a->docs.list.n;

    for (size_t i = 0; i < n; i++)
        json_array_append_new(documents, document_json(r, a, i, failed, all));
    note_documents(r, documents);
    if (failed) {
        r->title = "Could not apply the documents";
        if (kind == ERR_MALFORMED)
            kind = ERR_INVALID;
        err_init(&r->err, &r->arena);
        err_set(&r->err, kind, "nothing was applied: %zu fault%s in %zu document%s", json_array_size(all),
                json_array_size(all) == 1 ? "" : "s", n, n == 1 ? "" : "s");
        answer_error_with(r, "documents", documents, all);
    } else {
        body = json_object();
        if (a->dry_run)
            json_object_set_new(body, "dryRun", json_true());
        else
            r->revision = arena_printf(&r->arena, "%llu", (unsigned long long)r->write->revision);
        json_object_set_new(body, "revision", json_integer((json_int_t)r->write->revision));
        json_object_set_new(body, "sequence", json_integer((json_int_t)r->write->sequence));
        json_object_set_new(body, "documents", documents);
        json_decref(all);
        answer_json(r, 200, body);
    }
}

static void applied(struct request *r)
{
    struct apply *a = r->handler_data;

    answer_apply(r, a);
    documents_fini(&a->docs);
}

/* ---- the handler ---- */

/* Decodes and checks one document by itself, if the caller may write it. */
static void check_document(struct request *r, struct apply *a, struct document *d)
{
    if (!document_identify(&a->docs, d))
        return;
    const struct access_scope scope =
        access_scope_of(ACCESS_WRITE, &d->key, snap_find_mesh(r->snap, d->key.name) != NULL);
    if (access_check(&r->options->access, &r->user, ACCESS_WRITE, &scope, &d->err) == ERR_NONE)
        document_decode(&a->docs, d);
}

static struct str place_of(void *ctx, const struct document *d)
{
    struct apply *a = ctx;

    return arena_printf(a->docs.arena, "document %zu", (size_t)(d - a->docs.list.v) + 1);
}

static void add_conditions(struct request *r, struct admit_request *write)
{
    for (size_t i = 0; i < write->n_ops; i++) {
        struct admit_op *op = &write->ops[i];
        struct condition *condition = ARENA_NEW(&write->arena, struct condition);

        condition->update_only = condition_update_only(r, &write->arena, op->res->key.type);
        if (condition->update_only.p) {
            op->condition = condition_check;
            op->condition_ctx = condition;
        }
    }
}

static void check_documents(struct request *r, struct apply *a)
{
    struct admit_request *write;

    for (size_t i = 0; i < a->docs.list.n; i++)
        check_document(r, a, &a->docs.list.v[i]);
    documents_refuse_duplicates(&a->docs, place_of, a);
    write = admit_documents(&a->docs, a->dry_run);
    if (write) {
        add_conditions(r, write);
        request_write(r, write, applied);
    } else {
        applied(r);
    }
}

void apply_post(struct request *r)
{
    struct apply *a = ARENA_NEW(&r->arena, struct apply);

    r->title = "Could not apply the documents";
    r->handler_data = a;
    if (!request_dry_run(r, &a->dry_run))
        return;
    documents_init(&a->docs, &r->arena);
    if (documents_read(&a->docs, buf_str(&r->body), media_is_yaml(request_header(r, "Content-Type")),
                       &r->err) == ERR_NONE &&
        a->docs.list.n > 0) {
        check_documents(r, a);
        return;
    }
    if (r->err.kind == ERR_NONE)
        err_set(&r->err, ERR_MALFORMED, "the body holds no document");
    answer_error(r);
    documents_fini(&a->docs);
}
