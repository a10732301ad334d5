/* dataplane.c -- may the bearer of a dataplane token be this Dataplane? (rest-api.md 10.5, rows 4 to 7)
 *
 * All claims are optional: a token may be bound to a name, to tags, or to nothing but its mesh. */
#include "ursa/auth.h"

#include <assert.h>
#include <stdlib.h>

#include "ursa/base/buf.h"

static bool list_has(const struct str_list *list, struct str value)
{
    for (size_t i = 0; i < list->n; i++) {
        if (str_eq(list->v[i], value))
            return true;
    }
    return false;
}

/* ["a" "b"], ascending, each once: as kuma-cp prints them. */
static struct str list_quoted(struct arena *a, const struct str_list *list)
{
    struct str *sorted = ARENA_ARRAY(a, struct str, list->n + 1);
    struct str text;
    struct buf b;

    for (size_t i = 0; i < list->n; i++)
        sorted[i] = list->v[i];
    qsort(sorted, list->n, sizeof(*sorted), str_order);
    buf_init(&b, BUF_MAX_RESOURCE);
    for (size_t i = 0; i < list->n; i++) {
        if (i == 0 || !str_eq(sorted[i], sorted[i - 1]))
            buf_printf(&b, "%s" STR_FMT, i ? " " : "", STR_ARG(str_quote(a, sorted[i])));
    }
    text = arena_printf(a, "[" STR_FMT "]", STR_ARG(buf_str(&b)));
    buf_fini(&b);
    return text;
}

/* One set of tags of the proxy: sets *seen when it has the tag; false when its value is not among the
 * token's. */
static bool check_value(const struct tags *set, const struct token_tag *want, bool *seen, struct err *e)
{
    for (size_t i = 0; i < set->n; i++) {
        if (!str_eq(set->v[i].key, want->name))
            continue;
        *seen = true;
        if (!list_has(&want->values, set->v[i].value)) {
            err_set(e, ERR_DENIED,
                    "dataplane contains tag " STR_FMT " with value " STR_FMT
                    " which is not allowed with this token. Allowed values in token are " STR_FMT,
                    STR_ARG(str_quote(e->arena, want->name)), STR_ARG(str_quote(e->arena, set->v[i].value)),
                    STR_ARG(list_quoted(e->arena, &want->values)));
            return false;
        }
    }
    return true;
}

/* The tag must be somewhere, and wherever it is (any inbound, or the gateway) its value must be allowed. */
static enum err_kind check_tag(const struct dp_networking *net, const struct token_tag *want, struct err *e)
{
    bool seen = false;

    for (size_t i = 0; i < net->n_inbound; i++) {
        if (!check_value(&net->inbound[i].tags, want, &seen, e))
            return e->kind;
    }
    if (net->gateway && !check_value(&net->gateway->tags, want, &seen, e))
        return e->kind;
    if (!seen)
        return err_set(e, ERR_DENIED, "dataplane has no tag " STR_FMT " required by the token",
                       STR_ARG(str_quote(e->arena, want->name)));
    return ERR_NONE;
}

static enum err_kind check(const struct token_claims *c, const struct resource *dataplane, struct err *e)
{
    const struct res_key *key = &dataplane->key;

    if (c->name.n > 0 && !str_eq(c->name, key->name))
        return err_set(e, ERR_DENIED,
                       "proxy name from requestor: " STR_FMT " is different than in token: " STR_FMT,
                       STR_ARG(key->name), STR_ARG(c->name));
    if (c->mesh.n > 0 && !str_eq(c->mesh, key->mesh))
        return err_set(e, ERR_DENIED,
                       "proxy mesh from requestor: " STR_FMT " is different than in token: " STR_FMT,
                       STR_ARG(key->mesh), STR_ARG(c->mesh));
    for (size_t i = 0; i < c->n_tags; i++) {
        if (check_tag(resource_dataplane(dataplane)->networking, &c->tags[i], e))
            return e->kind;
    }
    return ERR_NONE;
}

enum err_kind token_check_dataplane(const struct token_claims *c, const struct resource *dataplane,
                                    struct err *e)
{
    assert(dataplane->key.type == RES_DATAPLANE);
    if (check(c, dataplane, e))
        err_add_context(e, "authentication failed");
    return e->kind;
}
