/* rollback.c -- POST /rollback: makes the present what it was at a revision, as one transaction (admit.h). */
#include "past.h"
#include "router.h"

#define MAX_ITEMS 10000 /* of an answer */

struct rollback {
    uint64_t to;
    bool dry_run;
    struct snap *state; /* to go back to */
};

/* ---- the answer ---- */

struct told {
    json_t *items, *causes;
    size_t n_faults, n_omitted;
};

static json_t *item_json(const struct res_key *key, const char *outcome)
{
    json_t *o = json_object();

    json_object_set_new(o, "type", json_from_str(res_type_info(key->type)->name));
    if (key->mesh.n)
        json_object_set_new(o, "mesh", json_from_str(key->mesh));
    json_object_set_new(o, "name", json_from_str(key->name));
    json_object_set_new(o, "outcome", json_string(outcome));
    return o;
}

/* Takes it. */
static void add_item(struct told *t, json_t *item)
{
    if (json_array_size(t->items) < MAX_ITEMS) {
        json_array_append_new(t->items, item);
    } else {
        json_decref(item);
        t->n_omitted++;
    }
}

static const char *outcome_of(const struct admit_op *op, bool failed)
{
    if (op->err.kind != ERR_NONE)
        return "refused";
    if (failed)
        return "not applied";
    return op->outcome == OUTCOME_CREATED   ? "created"
           : op->outcome == OUTCOME_UPDATED ? "updated"
                                            : "deleted";
}

static void add_fault(struct request *r, struct told *t, const struct res_key *key, struct str field,
                      struct str reason, json_t *faults)
{
    struct str where =
        arena_printf(&r->arena, STR_FMT "%s" STR_FMT " " STR_FMT, STR_ARG(key->mesh), key->mesh.n ? "/" : "",
                     STR_ARG(res_type_info(key->type)->name), STR_ARG(key->name));

    json_array_append_new(
        faults, json_pack("{s:o,s:o}", "field", json_from_str(field), "message", json_from_str(reason)));
    if (t->n_faults++ < MAX_ITEMS)
        json_array_append_new(t->causes,
                              json_pack("{s:o,s:o}", "field", json_from_str(field), "message",
                                        json_from_str(arena_printf(&r->arena, STR_FMT ": " STR_FMT,
                                                                   STR_ARG(where), STR_ARG(reason)))));
}

static void add_op(struct request *r, struct told *t, const struct admit_op *op, bool failed)
{
    const struct res_key *key = op->kind == ADMIT_PUT ? &op->res->key : &op->key;
    json_t *item = item_json(key, outcome_of(op, failed)), *faults = json_array();

    for (size_t i = 0; i < op->err.n_causes; i++)
        add_fault(r, t, key, op->err.causes[i].field, op->err.causes[i].reason, faults);
    if (op->err.kind != ERR_NONE && op->err.n_causes == 0)
        add_fault(r, t, key, STR(""), op->err.text, faults);
    if (json_array_size(faults))
        json_object_set(item, "faults", faults);
    json_decref(faults);
    add_item(t, item);
}

/* What has a fault stands first, so that no fault is omitted for what has none. */
static void add_all(struct request *r, struct told *t, bool failed)
{
    size_t n_kept;
    const struct admit_kept *kept = admit_rollback_kept(r->write, &n_kept);

    for (int at_fault = 1; at_fault >= 0; at_fault--)
        for (size_t i = 0; i < r->write->n_ops; i++) {
            if ((r->write->ops[i].err.kind != ERR_NONE) == (at_fault == 1))
                add_op(r, t, &r->write->ops[i], failed);
        }
    for (size_t i = 0; i < n_kept; i++) {
        bool goes = kept[i].outcome == OUTCOME_DELETED && !failed;
        json_t *item = item_json(&kept[i].key, goes ? "deleted" : "kept");

        json_object_set_new(item, "reason", json_from_str(kept[i].reason));
        add_item(t, item);
    }
}

static void answer_rollback(struct request *r)
{
    const struct rollback *rb = r->handler_data;
    struct told t = {.items = json_array(), .causes = json_array()};
    bool failed = r->write->kind != ERR_NONE;

    add_all(r, &t, failed);
    if (failed) {
        r->title = "Could not roll back";
        err_set(&r->err, r->write->kind, "nothing was changed: %zu fault%s", t.n_faults,
                t.n_faults == 1 ? "" : "s");
        answer_error_with(r, "items", t.items, t.causes);
        return;
    }
    json_t *body = json_object();
    if (rb->dry_run)
        json_object_set_new(body, "dryRun", json_true());
    else
        r->revision = arena_printf(&r->arena, "%llu", (unsigned long long)r->write->revision);
    json_object_set_new(body, "revision", json_integer((json_int_t)r->write->revision));
    json_object_set_new(body, "sequence", json_integer((json_int_t)r->write->sequence));
    json_object_set_new(body, "items", t.items);
    if (t.n_omitted)
        json_object_set_new(body, "omitted", json_integer((json_int_t)t.n_omitted));
    json_decref(t.causes);
    answer_json(r, 200, body);
}

/* ---- the request ---- */

static void ask_state(struct request *r, struct history *h)
{
    const struct history_scope scope = {.type = RES_N, .mesh = r->mesh};
    struct rollback *rb = r->handler_data;

    if (history_at(h, rb->to, &scope, &rb->state, &r->err) != ERR_NONE)
        past_fault(r);
}

/* To make or remove a Mesh is the control plane's, also for who may change all of that mesh. */
static bool may_make_mesh(struct request *r)
{
    const struct access_scope scope = {.reach = REACH_GLOBAL, .type = RES_MESH};
    struct err e;

    err_init(&e, &r->arena);
    return access_check(&r->options->access, &r->user, ACCESS_WRITE, &scope, &e) == ERR_NONE;
}

static void submit(struct request *r)
{
    struct rollback *rb = r->handler_data;
    struct admit_request *write;

    if (r->mesh.p && !snap_find_mesh(rb->state, r->mesh) && !snap_find_mesh(r->snap, r->mesh)) {
        snap_unref(rb->state);
        r->show_text = true;
        answer_fault(r, ERR_NOT_FOUND, "there is no mesh " STR_FMT ", neither then nor now",
                     STR_ARG(r->mesh));
        return;
    }
    write = admit_rollback_new(rb->state, r->mesh, may_make_mesh(r));
    snap_unref(rb->state);
    write->dry_run = rb->dry_run;
    request_write(r, write, answer_rollback);
}

void rollback_post(struct request *r)
{
    struct rollback *rb = ARENA_NEW(&r->arena, struct rollback);
    bool has_to;

    r->title = "Could not roll back";
    r->handler_data = rb;
    if (!request_dry_run(r, &rb->dry_run) || !past_revision(r, "to", &has_to, &rb->to))
        return;
    if (!has_to) {
        err_cause_at(&r->err, STR("to"), STR("cannot be empty: the revision to go back to"));
        answer_error(r);
        return;
    }
    request_read(r, ask_state, submit);
}
