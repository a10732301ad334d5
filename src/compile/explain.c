/* What /debug shows of the engine. Private keys are not among it. */
#include <string.h>

#include "engine.h"
#include "functions.h"
#include "ursa/base/json.h"

static json_t *version_text(uint64_t version)
{
    return json_sprintf("%016llx", (unsigned long long)version);
}

static json_t *mesh_summary(const struct engine_mesh *m)
{
    return json_pack("{s: s, s: I, s: I, s: b}", "mesh", m->name, "proxies", (json_int_t)m->n_proxies,
                     "revision", (json_int_t)(m->view ? view_revision(m->view) : 0), "exists",
                     m->view != NULL);
}

static json_t *explain_engine(const struct map *meshes)
{
    json_t *list = json_array();
    size_t at = 0;
    struct str name;
    void *value;
    while (map_next(meshes, &at, &name, &value)) {
        const struct engine_mesh *m = value;
        json_t *one = mesh_summary(m);
        json_object_set_new(one, "functions", compiler_stats(m->compiler));
        json_array_append_new(list, one);
    }
    return json_pack("{s: o}", "meshes", list);
}

static json_t *explain_mesh(const struct engine_mesh *m)
{
    json_t *out = mesh_summary(m);
    json_t *proxies = json_array();
    LIST_FOR (node, &m->proxies) {
        const struct engine_proxy *p = LIST_ITEM(node, struct engine_proxy, in_mesh);
        json_array_append_new(proxies, json_from_str(p->params.name));
    }
    json_object_set_new(out, "attached", proxies);
    json_object_set_new(out, "functions", compiler_stats(m->compiler));
    return out;
}

/* What holds a private key is named only: a tree of it would leave copies of the key in memory. */
static json_t *resource_json(const struct xds_resource *r)
{
    json_t *tree = r->any->secret ? json_pack("{s: s%, s: b}", "name", PACK_STR(r->name), "secret", 1)
                                  : xds_resource_to_json(r);
    return json_pack("{s: o, s: o}", "version", version_text(r->version), "resource", tree);
}

static json_t *explain_proxy(const struct engine_mesh *m, struct str name)
{
    LIST_FOR (node, &m->proxies) {
        const struct engine_proxy *p = LIST_ITEM(node, struct engine_proxy, in_mesh);
        if (!str_eq(p->params.name, name) || !p->delivered)
            continue;
        json_t *out = json_pack("{s: s, s: s%}", "mesh", m->name, "name", PACK_STR(name));
        for (size_t t = 0; t < XDS_N; t++) {
            const struct xds_list *l = p->delivered->lists[t];
            json_t *list = json_array();
            for (size_t i = 0; i < l->n; i++)
                json_array_append_new(list, resource_json(l->v[i]));
            json_object_set_new(
                out, xds_type_info((enum xds_type)t)->short_name.p,
                json_pack("{s: o, s: o}", "version", version_text(l->version), "resources", list));
        }
        return out;
    }
    return NULL;
}

/* Builds every proxy of the mesh from nothing and says whether anything came out differently: it must not. */
static json_t *explain_rebuild(const struct engine_mesh *m)
{
    compiler_clear(m->compiler);
    json_int_t n = 0, n_differ = 0;
    struct arena a;
    arena_init(&a);
    LIST_FOR (node, &m->proxies) {
        const struct engine_proxy *p = LIST_ITEM(node, struct engine_proxy, in_mesh);
        struct err e;
        err_init(&e, &a);
        struct config_set *set = NULL;
        enum err_kind kind = compiler_config(m->compiler, &p->params, &set, &e);
        if (kind == ERR_UNAVAILABLE)
            continue;
        bool differs = (kind == ERR_NOT_FOUND) != !p->delivered;
        if (set && p->delivered)
            differs = !config_set_eq(set, p->delivered);
        config_set_unref(set);
        n++;
        n_differ += differs;
    }
    arena_fini(&a);
    return json_pack("{s: s, s: I, s: I}", "mesh", m->name, "proxies", n, "differed", n_differ);
}

bool engine_explains_now(const struct map *meshes, struct str what)
{
    struct str kind, mesh;
    if (!str_next(&what, '/', &kind) || !str_next(&what, '/', &mesh))
        return true;
    const struct engine_mesh *m = map_find(meshes, mesh);
    return !m || list_empty(&m->due);
}

json_t *engine_explain(const struct map *meshes, struct str what)
{
    struct str kind, mesh;
    if (!str_next(&what, '/', &kind))
        return NULL;
    if (str_eq(kind, STR("engine")))
        return explain_engine(meshes);
    if (!str_next(&what, '/', &mesh))
        return NULL;
    const struct engine_mesh *m = map_find(meshes, mesh);
    if (!m)
        return NULL;
    if (str_eq(kind, STR("mesh")))
        return explain_mesh(m);
    if (str_eq(kind, STR("rebuild")))
        return explain_rebuild(m);
    return str_eq(kind, STR("proxy")) ? explain_proxy(m, what) : NULL;
}
