/* overviews.c -- Dataplanes with their insights, and the insights of meshes and services: read from a
 * snapshot, filtered, paged. */
#include "overviews.h"

#include <string.h>

#include "page.h"
#include "router.h"
#include "visible.h"

/* ---- Dataplane overviews ---- */

enum gateway_filter { ANY_PROXY, NO_GATEWAY, ANY_GATEWAY, BUILTIN_ONLY, DELEGATED_ONLY };

struct filter {
    const struct request *request;
    struct str name;
    enum gateway_filter gateway;
};

static bool filter_read(struct request *r, struct filter *f)
{
    static const struct {
        const char *text;
        enum gateway_filter filter;
    } words[] = {{"true", ANY_GATEWAY},
                 {"false", NO_GATEWAY},
                 {"builtin", BUILTIN_ONLY},
                 {"delegated", DELEGATED_ONLY}};
    struct str gateway = request_query(r, "gateway");

    *f = (struct filter){.request = r, .name = request_query(r, "name"), .gateway = ANY_PROXY};
    if (gateway.n == 0)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_eq_nocase(gateway, str_from_c(words[i].text))) {
            f->gateway = words[i].filter;
            return true;
        }
    }
    err_cause_at(&r->err, arena_printf(&r->arena, "%s.gateway", r->route->pattern),
                 arena_printf(&r->arena,
                              "shoud use `true`, `false`, 'builtin' or 'delegated' instead of " STR_FMT,
                              STR_ARG(gateway)));
    answer_error(r);
    return false;
}

/* Every ?tag=k:v on one tag set: the value contains v, or v is "*". COMPAT: without a colon it asks nothing.
 */
static bool tags_pass(const struct request *r, const struct tags *tags)
{
    for (size_t i = 0; i < r->n_query; i++) {
        struct str want = r->query[i].value;
        size_t colon = str_chr(want, ':');
        if (!str_eq(r->query[i].key, STR("tag")) || colon == want.n)
            continue;
        struct str have = tags_get(tags, str_slice(want, 0, colon)),
                   value = str_slice(want, colon + 1, want.n);
        if (!have.p || (!str_eq(value, STR("*")) && str_find(have, value) == have.n && value.n > 0))
            return false;
    }
    return true;
}

static bool filter_passes(const struct filter *f, const struct resource *res)
{
    const struct dp_networking *n = resource_dataplane(res)->networking;
    bool pass = false;

    if (f->name.n > 0 && str_find(res->key.name, f->name) == res->key.name.n)
        return false;
    if ((f->gateway == NO_GATEWAY && n->gateway) || (f->gateway > NO_GATEWAY && !n->gateway) ||
        (f->gateway == BUILTIN_ONLY && n->gateway->type != GATEWAY_BUILTIN) ||
        (f->gateway == DELEGATED_ONLY && n->gateway->type != GATEWAY_DELEGATED))
        return false;
    if (n->gateway)
        pass = tags_pass(f->request, &n->gateway->tags);
    for (size_t i = 0; i < n->n_inbound && !pass; i++)
        pass = tags_pass(f->request, &n->inbound[i].tags);
    return pass;
}

void overview_list(struct request *r)
{
    struct filter filter;
    struct page page;
    struct snap_range range = snap_range(r->snap, RES_DATAPLANE, r->mesh);
    struct visible list = {.ranges = &range, .n_ranges = 1, .n = range.n};
    struct items items;
    size_t n = 0, n_shown = 0;

    r->title = "Could not retrieve dataplane overviews";
    if (!page_read(r, &page) || !filter_read(r, &filter))
        return;
    items_init(&items);
    if (!r->mesh.p)
        list = visible_of(r, RES_DATAPLANE);
    struct visible_iter it = visible_iter(&list, 0);
    for (const struct resource *res = visible_next(&it); res; res = visible_next(&it)) {
        if (!filter_passes(&filter, res))
            continue;
        if (n >= page.offset && n - page.offset < page.size) {
            overview_print(r->snap, res, false, ITEM_LEVEL, items_next(&items));
            n_shown++;
        }
        n++;
    }
    page_answer_items(r, &page, n, n_shown, &items); /* COMPAT: here total counts the page's items */
}

void overview_answer(struct request *r, enum res_type type, const char *title)
{
    const struct resource *res = snap_find(r->snap, type, r->mesh, r->name);

    r->title = title;
    if (!res) {
        answer_fault(r, ERR_NOT_FOUND, "not found");
        return;
    }
    struct buf *out = answer_begin(r, 200, TYPE_JSON);
    overview_print(r->snap, res, true, 0, out);
    buf_add_byte(out, '\n');
}

void overview_get(struct request *r)
{
    overview_answer(r, RES_DATAPLANE, "Could not retrieve a dataplane overview");
}

/* ---- meshes ---- */

void mesh_insight_list(struct request *r)
{
    struct visible meshes = visible_of(r, RES_MESH);
    struct page page;
    size_t first, end;
    json_t *items;

    r->title = "Could not retrieve resources";
    if (!page_read(r, &page))
        return;
    items = json_array();
    page_bounds(&page, meshes.n, &first, &end);
    struct visible_iter it = visible_iter(&meshes, first);
    for (; first < end; first++)
        json_array_append_new(items, insight_mesh(r->snap, visible_next(&it)));
    page_answer(r, &page, meshes.n, meshes.n, items);
}

void mesh_insight_get(struct request *r)
{
    const struct resource *mesh = snap_find_mesh(r->snap, r->mesh);

    r->title = "Could not retrieve a resource";
    if (mesh)
        answer_json(r, 200, insight_mesh(r->snap, mesh));
    else
        answer_fault(r, ERR_NOT_FOUND, "not found");
}

static size_t count_visible(void *request, enum res_type type)
{
    return visible_of(request, type).n;
}

void global_insights_get(struct request *r)
{
    answer_json(r, 200, insight_global(count_visible, r));
}

/* ---- services ---- */

/* Appends the page's part of one mesh's services; 'n' counts all services so far. */
static void add_services(struct request *r, const struct page *page, struct str mesh, json_t *items,
                         size_t *n)
{
    size_t n_names;
    const struct str *names = insight_service_names(r->snap, mesh, &r->arena, &n_names);

    for (size_t i = 0; i < n_names; i++, (*n)++) {
        if (*n >= page->offset && *n - page->offset < page->size)
            json_array_append_new(items, insight_service(r->snap, mesh, names[i]));
    }
}

void service_insight_list(struct request *r)
{
    struct visible meshes = visible_of(r, RES_MESH);
    struct page page;
    json_t *items;
    size_t n = 0;

    r->title = "Could not paginate resources";
    if (!page_read(r, &page))
        return;
    items = json_array();
    if (r->mesh.p)
        add_services(r, &page, r->mesh, items, &n);
    struct visible_iter it = visible_iter(&meshes, 0);
    for (const struct resource *mesh; !r->mesh.p && (mesh = visible_next(&it));)
        add_services(r, &page, mesh->key.name, items, &n);
    page_answer(r, &page, n, n, items);
}

/* COMPAT: a service that nobody offers is answered all the same, with nothing in it; the GUI counts on it. */
void service_insight_get(struct request *r)
{
    r->title = "Could not retrieve a resource";
    if (snap_find_mesh(r->snap, r->mesh))
        answer_json(r, 200, insight_service(r->snap, r->mesh, r->name));
    else
        answer_fault(r, ERR_NOT_FOUND, "not found");
}
