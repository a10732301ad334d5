/* diff.c -- ursactl diff: what apply would change of the stored state, found with reads alone, or what was
 * different between two revisions. Answers 0 for no difference, 1 for some, 2 for trouble, as diff(1) does.
 */
#include "changes.h"
#include "cli.h"
#include "documents.h"
#include "render.h"
#include "ursa/base/json.h"
#include "ursa/base/json_changes.h"
#include "ursa/base/yaml.h"

#define TROUBLE 2
#define MAX_FIELDS 1000 /* of one resource, as GET /diff tells */

static int trouble(struct cli *cli)
{
    cli_fail(cli);
    return TROUBLE;
}

/* Takes over 'answer': {"items": [...]}. */
static int show(struct cli *cli, json_t *answer)
{
    const json_t *items = json_get(answer, "items");
    bool same = json_array_size(items) == 0;
    struct buf out;

    buf_init(&out, SIZE_MAX);
    if (render_is_tree(cli->options->output))
        render_tree(cli->arena, answer, (enum output)cli->options->output);
    else
        changes_write(cli->arena, items, changes_want_colours(), &out);
    render_text(buf_str(&out));
    buf_fini(&out);
    json_decref(answer);
    return same ? 0 : 1;
}

/* ---- files against what is stored ---- */

struct file_diff {
    struct cli *cli;
    struct documents docs;
    json_t *items;
};

/* Where a document stands in the text. */
struct place {
    size_t index;        /* as yaml_locate counts */
    struct str prefix;   /* "[3]" in a list of JSON */
    struct text_pos pos; /* of its first token */
};

static void tell_faults(struct file_diff *d, const struct res_key *key, const struct place *place,
                        const struct err *e)
{
    struct str text = buf_str(&d->docs.bundle.text);
    struct text_pos pos = place->pos;

    for (size_t k = 0; k < e->n_causes; k++) {
        struct str field =
            arena_printf(d->cli->arena, STR_FMT "%s" STR_FMT, STR_ARG(place->prefix),
                         place->prefix.n && e->causes[k].field.n ? "." : "", STR_ARG(e->causes[k].field));
        struct text_pos at = yaml_locate(text, place->index, field);
        if (!at.line)
            at = pos;
        documents_tell(&d->docs, document_fault(&d->docs.bundle, key, at.line, at.column, e->causes[k].field,
                                                e->causes[k].reason));
    }
    if (e->n_causes == 0)
        documents_tell(&d->docs,
                       document_fault(&d->docs.bundle, key, pos.line, pos.column, STR(""), e->text));
}

/* What would be stored: checked, in the stored form, with what is filled in on the way. */
static struct resource *decode(struct file_diff *d, const json_t *document, const struct place *place)
{
    struct res_key key = document_key(document);
    struct resource *res = NULL;
    struct err e;

    err_init(&e, d->cli->arena);
    if (!json_is_object(document))
        err_set(&e, ERR_MALFORMED, "a resource is expected: an object with type and name");
    else if (key.type == RES_N)
        err_cause_at(&e, STR("type"), STR("is missing or unknown"));
    else if (res_type_info(key.type)->traits & RES_READ_ONLY)
        err_cause_at(&e, STR("type"), STR("is written by the control plane only"));
    else if (resource_decode(key.type, document, &res, &e) == ERR_NONE &&
             resource_check_key(&res->key, &e) == ERR_NONE)
        return res;
    resource_unref(res);
    tell_faults(d, &key, place, &e);
    return NULL;
}

static struct resource *with_defaults(struct resource *res, bool is_new)
{
    struct resource *filled = NULL;

    if (res->key.type == RES_MESH)
        filled = mesh_apply_defaults(res);
    else if (res->key.type == RES_DATAPLANE)
        filled = dataplane_apply_defaults(res, STR(""), is_new);
    if (!filled)
        return res;
    resource_unref(res);
    return filled;
}

static json_t *without_times(json_t *resource)
{
    json_object_del(resource, "creationTime");
    json_object_del(resource, "modificationTime");
    return resource;
}

/* The stored resource as this program would store it; as it came when it does not decode. NULL: there is
 * none. */
static enum err_kind get_stored(struct cli *cli, const struct res_key *key, json_t **out)
{
    struct arena scratch;
    struct resource *res;
    struct err ignored;

    *out = NULL;
    arena_init(&scratch);
    err_init(&ignored, &scratch);
    if (connection_get(cli->connection, url_of_type(&scratch, key->type, key->mesh, key->name), &scratch, out,
                       &cli->err) == ERR_NOT_FOUND)
        err_init(&cli->err, cli->arena);
    if (*out && resource_decode(key->type, *out, &res, &ignored) == ERR_NONE) {
        json_decref(*out);
        *out = resource_to_json(res);
        resource_unref(res);
    }
    arena_fini(&scratch);
    *out = without_times(*out);
    return cli->err.kind;
}

/* What GET /diff tells of a secret: its name, and that it changed. */
static json_t *secret_side(const json_t *side)
{
    JSON_AUTO all = side ? json_copy((json_t *)(uintptr_t)side) : NULL;

    json_object_del(all, "data");
    return all ? json_incref(all) : json_null();
}

static void add_secret(struct file_diff *d, json_t *item, const json_t *before, const json_t *after)
{
    json_object_set_new(item, "before", secret_side(before));
    json_object_set_new(item, "after", secret_side(after));
    json_object_set_new(item, "changes",
                        before ? json_pack("[{s:s,s:n,s:n}]", "field", "data", "before", "after")
                               : json_array());
    json_array_append(d->items, item);
}

/* Takes over 'before' and 'after', of which the first may be NULL. */
static void add_item(struct file_diff *d, const struct res_key *key, json_t *before, json_t *after)
{
    JSON_AUTO item = json_pack("{s:s,s:o}", "op", before ? "update" : "create", "type",
                               json_from_str(res_type_info(key->type)->name));

    if (key->mesh.n)
        json_object_set_new(item, "mesh", json_from_str(key->mesh));
    json_object_set_new(item, "name", json_from_str(key->name));
    if (before && json_equal(before, after)) {
        json_decref(before);
        json_decref(after);
        return;
    }
    if (res_type_info(key->type)->traits & RES_ADMIN) {
        add_secret(d, item, before, after);
        json_decref(before);
        json_decref(after);
        return;
    }
    json_object_set_new(item, "changes",
                        before ? json_changes(before, after, MAX_FIELDS, d->cli->arena) : json_array());
    json_object_set_new(item, "before", before ? before : json_null());
    json_object_set_new(item, "after", after);
    json_array_append(d->items, item);
}

static enum err_kind compare(struct file_diff *d, const json_t *document, const struct place *place)
{
    struct resource *res = decode(d, document, place);
    json_t *before;

    if (!res)
        return ERR_NONE;
    if (get_stored(d->cli, &res->key, &before) == ERR_NONE) {
        res = with_defaults(res, before == NULL);
        add_item(d, &res->key, before, without_times(resource_to_json(res)));
    }
    resource_unref(res);
    return d->cli->err.kind;
}

/* A document, or a list of them. */
static enum err_kind compare_root(struct file_diff *d, const json_t *root, size_t index, struct text_pos pos)
{
    struct place place = {.index = index, .prefix = STR(""), .pos = pos};
    const json_t *document;
    size_t i;

    if (!json_is_array(root))
        return compare(d, root, &place);
    json_array_foreach(root, i, document)
    {
        place.prefix = arena_printf(d->cli->arena, "[%zu]", i);
        if (compare(d, document, &place) != ERR_NONE)
            break;
    }
    return d->cli->err.kind;
}

static enum err_kind compare_all(struct file_diff *d)
{
    struct cli *cli = d->cli;
    struct yaml_doc *docs = NULL;
    size_t n = 0, i = 0;

    if (cli_connect(cli) != ERR_NONE ||
        yaml_parse(buf_str(&d->docs.bundle.text), MAX_DOCUMENTS, &docs, &n, &cli->err) != ERR_NONE)
        return cli->err.kind;
    for (; i < n && compare_root(d, docs[i].root, i, docs[i].pos) == ERR_NONE; i++)
        ;
    for (i = 0; i < n; i++)
        json_decref(docs[i].root);
    if (cli->err.kind == ERR_NONE && d->docs.n_faults)
        err_set(&cli->err, ERR_INVALID, "these could not be applied: %zu fault%s", d->docs.n_faults,
                d->docs.n_faults == 1 ? "" : "s");
    return cli->err.kind;
}

static int diff_files(struct cli *cli)
{
    struct file_diff d = {.cli = cli, .items = json_array()};
    bool good =
        documents_read(&d.docs, cli, "nothing was compared") == ERR_NONE && compare_all(&d) == ERR_NONE;

    documents_fini(&d.docs);
    if (good)
        return show(cli, json_pack("{s:o}", "items", d.items));
    json_decref(d.items);
    return trouble(cli);
}

/* ---- revisions ---- */

/* The newest revision, so that every page is of the same two. */
static enum err_kind find_newest(struct cli *cli, int64_t *to)
{
    JSON_AUTO page = NULL;
    struct str url = arena_printf(cli->arena, "/diff?from=%lld&size=1", (long long)cli->options->from);

    if (connection_get(cli->connection, url, cli->arena, &page, &cli->err) == ERR_NONE)
        *to = json_integer_value(json_get(page, "to"));
    return cli->err.kind;
}

static int diff_revisions(struct cli *cli)
{
    const struct options *o = cli->options;
    int64_t to = o->to;
    json_t *list = NULL;

    if (cli_connect(cli) != ERR_NONE || (to < 0 && find_newest(cli, &to) != ERR_NONE))
        return trouble(cli);
    struct str query = arena_printf(cli->arena, "from=%lld&to=%lld", (long long)o->from, (long long)to);
    query = query_add(cli->arena, query, "mesh", o->mesh_given ? o->mesh : STR(""));
    if (connection_get_list(cli->connection, STR("/diff"), query, -1, -1, cli->arena, &list, &cli->err) !=
        ERR_NONE)
        return trouble(cli);
    json_object_set_new(list, "from", json_integer(o->from));
    json_object_set_new(list, "to", json_integer(to));
    return show(cli, list);
}

int run_diff(struct cli *cli)
{
    const struct options *o = cli->options;

    if (o->files.n > 0 && (o->from >= 0 || o->to >= 0))
        return cli_misuse(cli,
                          "--file compares with what is stored now, --from and --to two revisions: not both");
    if (o->files.n == 0 && o->from < 0)
        return cli_misuse(cli, "say what to compare: --file FILE, or --from REVISION");
    return o->files.n > 0 ? diff_files(cli) : diff_revisions(cli);
}
