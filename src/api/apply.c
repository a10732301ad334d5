/* apply.c -- POST /apply: many documents, one transaction, an answer for each.
 *
 * Order does not matter, nothing is written unless everything can be. The answer lists the documents in their
 * own order: what became of each, or every fault with its field, line and column. ?dryRun=true checks and
 * writes nothing. */
#include <stdlib.h>

#include "audit.h"
#include "condition.h"
#include "router.h"
#include "ursa/base/map.h"

#define MAX_DOCUMENTS 10000
#define AUDITED_DOCUMENTS 50
#define AUDITED_TEXT 256
/* Each look-up of a place reads the body up to there: so much for all of them, then a fault tells its
 * document's place only. */
#define LOCATE_BYTES (8u << 20)

struct document {
    json_t *root;         /* owned */
    struct text_pos pos;  /* of its first token */
    size_t yaml_index;    /* where yaml_locate finds it ... */
    struct str prefix;    /* ... and under which path: "[3]" in a JSON array */
    enum res_type type;   /* RES_N: unknown */
    struct res_key key;   /* as the document says it; in the request's arena */
    struct resource *res; /* until it is handed to the writer */
    struct err err;
    size_t op; /* its operation in the write; SIZE_MAX: none */
};

struct apply {
    struct document *docs;
    size_t n;
    size_t located_bytes;
    bool dry_run;
};

/* ---- reading ---- */

static void add_document(struct request *r, struct apply *a, json_t *root, struct text_pos pos,
                         size_t yaml_index, struct str prefix)
{
    struct document *d = &a->docs[a->n++];

    *d = (struct document){
        .root = root, .pos = pos, .yaml_index = yaml_index, .prefix = prefix, .type = RES_N, .op = SIZE_MAX};
    err_init(&d->err, &r->arena);
}

static enum err_kind read_yaml(struct request *r, struct apply *a)
{
    struct yaml_doc *docs;
    size_t n;

    if (yaml_parse(buf_str(&r->body), MAX_DOCUMENTS, &docs, &n, &r->err) != ERR_NONE)
        return r->err.kind;
    a->docs = ARENA_ARRAY(&r->arena, struct document, n ? n : 1);
    for (size_t i = 0; i < n; i++)
        add_document(r, a, docs[i].root, docs[i].pos, i, STR_NONE);
    return ERR_NONE;
}

static enum err_kind read_json(struct request *r, struct apply *a)
{
    json_t *root, *item;
    size_t i;

    if (json_parse(buf_str(&r->body), &root, &r->err) != ERR_NONE)
        return r->err.kind;
    if (!json_is_array(root)) {
        a->docs = ARENA_ARRAY(&r->arena, struct document, 1);
        add_document(r, a, root, (struct text_pos){1, 1}, 0, STR_NONE);
        return ERR_NONE;
    }
    a->docs = ARENA_ARRAY(&r->arena, struct document, json_array_size(root) + 1);
    if (json_array_size(root) > MAX_DOCUMENTS) {
        err_set(&r->err, ERR_LIMIT, "more than %d documents", MAX_DOCUMENTS);
    } else {
        json_array_foreach(root, i, item)
        {
            struct str prefix = arena_printf(&r->arena, "[%zu]", i);
            add_document(r, a, json_incref(item), (struct text_pos){1, 1}, 0, prefix);
        }
    }
    json_decref(root);
    return r->err.kind;
}

/* Decodes and checks one document by itself. */
static void check_document(struct request *r, struct document *d)
{
    struct str name = json_is_object(d->root) ? resource_doc_type(d->root) : STR_NONE;

    if (!json_is_object(d->root)) {
        err_set(&d->err, ERR_MALFORMED, "a resource is expected: an object with type and name");
        return;
    }
    d->type = res_type_by_name(name);
    if (d->type == RES_N) {
        err_cause_at(&d->err, STR("type"),
                     name.n ? arena_printf(&r->arena, "unknown resource type \"" STR_FMT "\"", STR_ARG(name))
                            : STR("cannot be empty"));
        return;
    }
    /* What the answer calls it, should it not decode. */
    d->key = (struct res_key){.type = d->type,
                              .mesh = json_str(json_get(d->root, "mesh")),
                              .name = json_str(json_get(d->root, "name"))};
    unsigned traits = res_type_info(d->type)->traits;
    if (traits & RES_READ_ONLY) {
        err_cause_at(&d->err, STR("type"), STR("is written by the control plane only"));
        return;
    }
    const struct access_scope scope =
        access_scope_of(ACCESS_WRITE, &d->key, snap_find_mesh(r->snap, d->key.name) != NULL);
    if (access_check(&r->options->access, &r->user, ACCESS_WRITE, &scope, &d->err) != ERR_NONE)
        return;
    if (resource_decode(d->type, d->root, &d->res, &d->err) == ERR_NONE) {
        d->key = (struct res_key){.type = d->type,
                                  .mesh = arena_str(&r->arena, d->res->key.mesh),
                                  .name = arena_str(&r->arena, d->res->key.name)};
        if (resource_check_key(&d->key, &d->err) == ERR_NONE)
            return;
    }
    resource_unref(d->res);
    d->res = NULL;
}

/* One name twice in one transaction is a slip: which of the two is meant? */
static void refuse_duplicates(struct request *r, struct apply *a)
{
    struct map seen;

    map_init(&seen);
    for (size_t i = 0; i < a->n; i++) {
        struct document *d = &a->docs[i];
        if (!d->res)
            continue;
        struct str key = arena_printf(&r->arena, "%d/" STR_FMT "/" STR_FMT, d->type, STR_ARG(d->key.mesh),
                                      STR_ARG(d->key.name));
        struct document *first = map_find(&seen, key);
        if (!first) {
            map_put(&seen, key, d);
            continue;
        }
        err_cause_at(
            &d->err, STR("name"),
            arena_printf(&r->arena, "is the same resource as document %zu", (size_t)(first - a->docs) + 1));
        resource_unref(d->res);
        d->res = NULL;
    }
    map_fini(&seen);
}

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

static struct text_pos locate(struct request *r, struct apply *a, const struct document *d, struct str field)
{
    const char *dot = d->prefix.n && field.n ? "." : "";
    struct text_pos pos;

    if ((field.n == 0 && d->prefix.n == 0) || a->located_bytes + r->body.n > LOCATE_BYTES)
        return d->pos;
    a->located_bytes += r->body.n;
    pos = yaml_locate(buf_str(&r->body), d->yaml_index,
                      arena_printf(&r->arena, STR_FMT "%s" STR_FMT, STR_ARG(d->prefix), dot, STR_ARG(field)));
    return pos.line ? pos : d->pos;
}

static void add_fault(struct request *r, struct apply *a, const struct document *d, struct str field,
                      struct str reason, json_t *own, json_t *all)
{
    struct text_pos pos = locate(r, a, d, field);
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

/* The document's entry; its faults also go to 'all', which old clients read as causes. */
static json_t *document_json(struct request *r, struct apply *a, size_t i, bool failed, json_t *all)
{
    const struct document *d = &a->docs[i];
    const struct admit_op *op = r->write && d->op != SIZE_MAX ? &r->write->ops[d->op] : NULL;
    const struct err *e = op && op->err.kind != ERR_NONE ? &op->err : &d->err;
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
    return entry;
}

static bool any_fault(const struct request *r, const struct apply *a, enum err_kind *kind)
{
    bool found = r->write && r->write->kind != ERR_NONE;

    *kind = found ? r->write->kind : ERR_NONE;
    for (size_t i = 0; i < a->n; i++) {
        if (a->docs[i].err.kind != ERR_NONE) {
            *kind = a->docs[i].err.kind;
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

    for (size_t i = 0; i < a->n; i++)
        json_array_append_new(documents, document_json(r, a, i, failed, all));
    note_documents(r, documents);
    if (failed) {
        r->title = "Could not apply the documents";
        if (kind == ERR_MALFORMED)
            kind = ERR_INVALID;
        err_init(&r->err, &r->arena);
        err_set(&r->err, kind, "nothing was applied: %zu fault%s in %zu document%s", json_array_size(all),
                json_array_size(all) == 1 ? "" : "s", a->n, a->n == 1 ? "" : "s");
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

static void free_documents(struct apply *a)
{
    for (size_t i = 0; i < a->n; i++) {
        json_decref(a->docs[i].root);
        resource_unref(a->docs[i].res);
    }
}

static void applied(struct request *r)
{
    struct apply *a = r->handler_data;

    answer_apply(r, a);
    free_documents(a);
}

/* ---- the handler ---- */

/* Cross-resource faults are looked for also when some documents are wrong by themselves, so that all are told
 * at once; but not when a Mesh is among the wrong ones: everything in it would be blamed for its absence. */
static bool worth_asking_the_writer(const struct apply *a)
{
    bool any = false;

    for (size_t i = 0; i < a->n; i++) {
        if (!a->docs[i].res && (a->docs[i].type == RES_MESH || a->docs[i].type == RES_N))
            return false;
        any |= a->docs[i].res != NULL;
    }
    return any;
}

static void submit(struct request *r, struct apply *a)
{
    struct admit_request *write;
    size_t n = 0;

    for (size_t i = 0; i < a->n; i++)
        n += a->docs[i].res != NULL;
    write = admit_request_new(n);
    write->dry_run = a->dry_run || n < a->n;
    n = 0;
    for (size_t i = 0; i < a->n; i++) {
        struct document *d = &a->docs[i];
        if (!d->res)
            continue;
        struct condition *condition = ARENA_NEW(&write->arena, struct condition);
        condition->update_only = condition_update_only(r, &write->arena, d->type);
        d->op = n;
        write->ops[n].kind = ADMIT_PUT;
        write->ops[n].keep_unchanged = true;
        if (condition->update_only.p) {
            write->ops[n].condition = condition_check;
            write->ops[n].condition_ctx = condition;
        }
        write->ops[n++].res = d->res;
        d->res = NULL;
    }
    request_write(r, write, applied);
}

void apply_post(struct request *r)
{
    struct apply *a = ARENA_NEW(&r->arena, struct apply);

    r->title = "Could not apply the documents";
    r->handler_data = a;
    if (!request_dry_run(r, &a->dry_run))
        return;
    if ((media_is_yaml(request_header(r, "Content-Type")) ? read_yaml(r, a) : read_json(r, a)) != ERR_NONE) {
        free_documents(a);
        answer_error(r);
        return;
    }
    if (a->n == 0) {
        answer_fault(r, ERR_MALFORMED, "the body holds no document");
        return;
    }
    for (size_t i = 0; i < a->n; i++)
        check_document(r, &a->docs[i]);
    refuse_duplicates(r, a);
    if (worth_asking_the_writer(a)) {
        submit(r, a);
    } else {
        answer_apply(r, a);
        free_documents(a);
    }
}
