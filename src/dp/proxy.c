/* proxy.c -- see proxy.h. */
#include "proxy.h"

#include "ursa/base/json.h"
#include "ursa/base/yaml.h"

static enum err_kind without_dataplane(const struct options *o, struct proxy *p, struct err *e)
{
    p->mesh = str_from_c(o->mesh ? o->mesh : "default");
    p->name = str_from_c(o->name);
    if (p->name.n == 0)
        return err_set(e, ERR_INVALID, "say which proxy: --name, or --dataplane-file with its Dataplane");
    return ERR_NONE;
}

static enum err_kind differs(const char *flag, const char *given, struct str stated, struct err *e)
{
    if (given && !str_eq(str_from_c(given), stated))
        return err_set(e, ERR_INVALID,
                       "--%s says \"%s\" and the Dataplane \"" STR_FMT "\": leave the flag out", flag, given,
                       STR_ARG(stated));
    return ERR_NONE;
}

/* Of the document only mesh and name are looked at: what else is wrong, the control plane says better. */
static enum err_kind read_names(struct proxy *p, struct arena *a, struct err *e)
{
    struct yaml_doc *docs;
    size_t n;

    if (yaml_parse(p->dataplane, 1, &docs, &n, e) != ERR_NONE)
        return e->kind;
    if (n == 0)
        return err_set(e, ERR_INVALID, "it is empty");
    p->mesh = arena_str(a, json_str(json_get(docs[0].root, "mesh")));
    p->name = arena_str(a, json_str(json_get(docs[0].root, "name")));
    json_decref(docs[0].root);
    if (p->mesh.n == 0 || p->name.n == 0)
        return err_set(e, ERR_INVALID, "it has no %s", p->mesh.n == 0 ? "mesh" : "name");
    return ERR_NONE;
}

enum err_kind proxy_describe(const struct options *o, struct str dataplane, struct arena *a, struct proxy *p,
                             struct err *e)
{
    *p = (struct proxy){.dataplane = STR_NONE};
    if (!dataplane.p)
        return without_dataplane(o, p, e);
    if (client_fill_in(dataplane, o->variables, o->n_variables, a, &p->dataplane, e) != ERR_NONE ||
        read_names(p, a, e) != ERR_NONE) {
        err_add_context(e, "the Dataplane (%s)", o->dataplane_file ? o->dataplane_file : "--dataplane");
        return e->kind;
    }
    if (differs("mesh", o->mesh, p->mesh, e) != ERR_NONE)
        return e->kind;
    return differs("name", o->name, p->name, e);
}
