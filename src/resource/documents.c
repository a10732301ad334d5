/* documents.c -- see ursa/documents.h. */
#include "ursa/documents.h"

#include "ursa/base/json.h"
#include "ursa/base/map.h"

#define LOCATE_BYTES (8u << 20)

void documents_init(struct documents *ds, struct arena *arena)
{
    *ds = (struct documents){.arena = arena, .locate_bytes = LOCATE_BYTES};
}

void documents_fini(struct documents *ds)
{
    for (size_t i = 0; i < ds->list.n; i++) {
        json_decref(ds->list.v[i].root);
        resource_unref(ds->list.v[i].res);
    }
    VEC_FINI(&ds->list);
    VEC_FINI(&ds->texts);
}

/* ---- reading ---- */

static void add_document(struct documents *ds, json_t *root, struct text_pos pos, size_t yaml_index,
                         struct str prefix)
{
    struct document d = {.text = ds->texts.n - 1,
                         .root = root,
                         .pos = pos,
                         .yaml_index = yaml_index,
                         .prefix = prefix,
                         .type = RES_N,
                         .op = SIZE_MAX};

    err_init(&d.err, ds->arena);
    VEC_PUSH(&ds->list, d);
}

static enum err_kind read_yaml(struct documents *ds, struct str text, struct err *e)
{
    struct yaml_doc *docs;
    size_t n;

    if (yaml_parse(text, DOCUMENTS_MAX - ds->list.n, &docs, &n, e) != ERR_NONE)
        return e->kind;
    for (size_t i = 0; i < n; i++)
        add_document(ds, docs[i].root, docs[i].pos, i, STR_NONE);
    return ERR_NONE;
}

static enum err_kind read_json(struct documents *ds, struct str text, struct err *e)
{
    json_t *root, *item;
    size_t i;

    if (json_parse(text, &root, e) != ERR_NONE)
        return e->kind;
    size_t n = json_is_array(root) ? json_array_size(root) : 1;
    if (n > DOCUMENTS_MAX - ds->list.n) {
        err_set(e, ERR_LIMIT, "more than %d documents", DOCUMENTS_MAX);
    } else if (!json_is_array(root)) {
        add_document(ds, json_incref(root), (struct text_pos){1, 1}, 0, STR_NONE);
    } else {
        json_array_foreach(root, i, item)
        {
            add_document(ds, json_incref(item), (struct text_pos){1, 1}, 0,
                         arena_printf(ds->arena, "[%zu]", i));
        }
    }
    json_decref(root);
    return e->kind;
}

enum err_kind documents_read(struct documents *ds, struct str text, bool is_yaml, struct err *e)
{
    VEC_PUSH(&ds->texts, text);
    return is_yaml ? read_yaml(ds, text, e) : read_json(ds, text, e);
}

/* ---- checking ---- */

bool document_identify(struct documents *ds, struct document *d)
{
    struct str name = json_is_object(d->root) ? resource_doc_type(d->root) : STR_NONE;

    if (!json_is_object(d->root)) {
        err_set(&d->err, ERR_MALFORMED, "a resource is expected: an object with type and name");
        return false;
    }
    d->type = res_type_by_name(name);
    if (d->type == RES_N) {
        err_cause_at(&d->err, STR("type"),
                     name.n ? arena_printf(ds->arena, "unknown resource type \"" STR_FMT "\"", STR_ARG(name))
                            : STR("cannot be empty"));
        return false;
    }
    /* What it is called, should it not decode. */
    d->key = (struct res_key){.type = d->type,
                              .mesh = json_str(json_get(d->root, "mesh")),
                              .name = json_str(json_get(d->root, "name"))};
    if (res_type_info(d->type)->traits & RES_READ_ONLY) {
        err_cause_at(&d->err, STR("type"), STR("is written by the control plane only"));
        return false;
    }
    return true;
}

void document_decode(struct documents *ds, struct document *d)
{
    if (resource_decode(d->type, d->root, &d->res, &d->err) == ERR_NONE) {
        d->key = (struct res_key){.type = d->type,
                                  .mesh = arena_str(ds->arena, d->res->key.mesh),
                                  .name = arena_str(ds->arena, d->res->key.name)};
        if (resource_check_key(&d->key, &d->err) == ERR_NONE)
            return;
    }
    resource_unref(d->res);
    d->res = NULL;
}

void documents_refuse_duplicates(struct documents *ds,
                                 struct str (*place)(void *ctx, const struct document *first), void *ctx)
{
    struct map seen;

    map_init(&seen);
    for (size_t i = 0; i < ds->list.n; i++) {
        struct document *d = &ds->list.v[i];
        if (!d->res)
            continue;
        struct str key = arena_printf(ds->arena, "%d/" STR_FMT "/" STR_FMT, d->type, STR_ARG(d->key.mesh),
                                      STR_ARG(d->key.name));
        struct document *first = map_find(&seen, key);
        if (!first) {
            map_put(&seen, key, d);
            continue;
        }
        struct str at = place(ctx, first);
        err_cause_at(&d->err, STR("name"),
                     arena_printf(ds->arena, "is the same resource as " STR_FMT, STR_ARG(at)));
        resource_unref(d->res);
        d->res = NULL;
    }
    map_fini(&seen);
}

/* ---- places ---- */

struct text_pos document_locate(struct documents *ds, const struct document *d, struct str field)
{
    struct str text = ds->texts.v[d->text];
    const char *dot = d->prefix.n && field.n ? "." : "";
    struct text_pos pos;

    if ((field.n == 0 && d->prefix.n == 0) || text.n > ds->locate_bytes)
        return d->pos;
    ds->locate_bytes -= text.n;
    pos = yaml_locate(text, d->yaml_index,
                      arena_printf(ds->arena, STR_FMT "%s" STR_FMT, STR_ARG(d->prefix), dot, STR_ARG(field)));
    return pos.line ? pos : d->pos;
}
