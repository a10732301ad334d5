/* merge.c -- from the items of selected policies to rules (resources.md 6.6, R1 to R9).
 *
 * Items whose subsets may concern the same client or destination are merged for every combination of their
 * tags. The reference walks all 2^n combinations of n tags and drops those with two values of one key; here
 * each key takes one of its values or none of them, which gives the same rules: values + 1, multiplied over
 * the keys. */
#include "merge.h"

#include <stdlib.h>
#include <string.h>

#include "ursa/base/base64.h"
#include "ursa/base/hash.h"
#include "ursa/base/json.h"

/* Rules of one proxy and type: far above what anybody can read, and bounded work for the rest. */
#define RULES_MAX 4096

/* ---- items (R1) ---- */

struct str rule_matches_hash(struct arena *a, const json_t *matches)
{
    struct str text = json_format_canonical(a, matches);
    uint8_t digest[32];

    hash_sha256(text.p, text.n, digest);
    return base64_encode(a, str_from(digest, sizeof(digest)));
}

/* The tags of those whom the reference means; false when there is no way to say it with tags. */
static bool subset_of(struct arena *a, const struct target_ref *ref, struct tags *out)
{
    struct tag service = {TAG_SERVICE, ref->name};
    const struct tags one = {&service, 1};

    *out = ref->tags;
    if (ref->kind == TARGET_MESH_SERVICE || ref->kind == TARGET_MESH_SERVICE_SUBSET)
        *out = tags_merged(a, &ref->tags, &one);
    return ref->kind == TARGET_MESH || ref->kind == TARGET_MESH_SUBSET || ref->kind == TARGET_MESH_SERVICE ||
           ref->kind == TARGET_MESH_SERVICE_SUBSET;
}

static void add(struct items *items, struct item item)
{
    VEC_PUSH(items, item);
}

static enum err_kind add_item(struct arena *a, struct items *items, const struct resource *policy,
                              const json_t *item, struct err *e)
{
    struct item one = {.policy = policy, .conf = item_conf(policy->key.type, item)};
    struct target_ref ref;

    target_ref_from_json(json_get(item, "targetRef"), a, &ref);
    if (!subset_of(a, &ref, &one.subset)) {
        json_decref(one.conf);
        return err_set(e, ERR_INVALID, STR_FMT ": an item's targetRef cannot be told by tags",
                       STR_ARG(policy->key.name));
    }
    add(items, one);
    return ERR_NONE;
}

/* A policy on a route says its piece of each rule of the route. */
static void add_for_route(struct arena *a, struct items *items, const struct selected *s, const json_t *item)
{
    JSON_AUTO route = resource_spec_to_json(s->route);
    const json_t *to, *rule;
    size_t i, k;

    json_array_foreach(json_get(route, "to"), i, to)
    {
        struct target_ref ref;
        target_ref_from_json(json_get(to, "targetRef"), a, &ref);
        json_array_foreach(json_get(to, "rules"), k, rule)
        {
            struct tag *tags = ARENA_ARRAY(a, struct tag, 2);
            tags[0] = (struct tag){TAG_RULE_MATCHES, rule_matches_hash(a, json_get(rule, "matches"))};
            tags[1] = (struct tag){TAG_SERVICE, ref.name};
            add(items, (struct item){s->policy, {tags, 2}, item_conf(s->policy->key.type, item)});
        }
    }
}

static enum err_kind add_list(struct arena *a, struct items *items, const struct selected *s,
                              const char *direction, struct err *e)
{
    JSON_AUTO spec = resource_spec_to_json(s->policy);
    const json_t *item;
    size_t i;

    json_array_foreach(json_get(spec, direction), i, item)
    {
        if (s->route)
            add_for_route(a, items, s, item);
        else if (add_item(a, items, s->policy, item, e) != ERR_NONE)
            return e->kind;
    }
    return ERR_NONE;
}

/* ---- components (R2, R3) ---- */

/* Somebody may have the tags of both: no key has two values. */
static bool intersect(const struct tags *a, const struct tags *b)
{
    size_t i = 0, k = 0;

    while (i < a->n && k < b->n) {
        int order = str_cmp(a->v[i].key, b->v[k].key);
        if (order == 0 && !str_eq(a->v[i].value, b->v[k].value))
            return false;
        i += order <= 0;
        k += order >= 0;
    }
    return true;
}

struct component {
    struct str name; /* "0:2:5": what they are sorted by */
    const struct item **items;
    size_t n;
};

/* Everything that hangs together with item 'first', in order. */
static struct component component_of(struct arena *a, const struct items *items, bool *taken, size_t first)
{
    struct component c = {.items = ARENA_ARRAY(a, const struct item *, items->n)};
    size_t *found = ARENA_ARRAY(a, size_t, items->n), n = 0;
    bool *in = ARENA_ARRAY(a, bool, items->n);

    taken[first] = in[first] = true;
    found[n++] = first;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < items->n; k++) {
            if (taken[k] || !intersect(&items->v[found[i]].subset, &items->v[k].subset))
                continue;
            taken[k] = in[k] = true;
            found[n++] = k;
        }
    }
    struct buf name;
    buf_init(&name, BUF_MAX_RESOURCE);
    for (size_t i = 0; i < items->n; i++) {
        if (!in[i])
            continue;
        buf_printf(&name, "%s%zu", c.n ? ":" : "", i);
        c.items[c.n++] = &items->v[i];
    }
    c.name = arena_str(a, buf_str(&name));
    buf_fini(&name);
    return c;
}

static int by_name_descending(const void *a, const void *b)
{
    return str_cmp(((const struct component *)b)->name, ((const struct component *)a)->name);
}

/* ---- combinations (R4, R5) ---- */

/* One key of a component and its values, sorted; 'chosen' == n: none of them. */
struct choice {
    struct str key;
    struct str *values;
    size_t n, chosen;
};
struct choices {
    struct choice *v;
    size_t n;
};

static int tag_order(const void *a, const void *b)
{
    const struct tag *x = a, *y = b;
    int by_key = str_cmp(x->key, y->key);

    return by_key ? by_key : str_cmp(x->value, y->value);
}

static struct choices choices_of(struct arena *a, const struct component *c)
{
    size_t n = 0, n_tags = 0;
    for (size_t i = 0; i < c->n; i++)
        n_tags += c->items[i]->subset.n;
    struct tag *tags = ARENA_ARRAY(a, struct tag, n_tags);
    for (size_t i = 0; i < c->n; i++) {
        const struct tags *subset = &c->items[i]->subset;
        for (size_t k = 0; k < subset->n; k++)
            tags[n++] = subset->v[k];
    }
    qsort(tags, n, sizeof(tags[0]), tag_order);
    struct choices all = {ARENA_ARRAY(a, struct choice, n), 0};
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && tag_order(&tags[i], &tags[i - 1]) == 0)
            continue;
        struct choice *last = all.n ? &all.v[all.n - 1] : NULL;
        if (!last || !str_eq(last->key, tags[i].key)) {
            last = &all.v[all.n++];
            *last = (struct choice){.key = tags[i].key, .values = ARENA_ARRAY(a, struct str, n - i)};
        }
        last->values[last->n++] = tags[i].value;
    }
    return all;
}

static size_t combinations(const struct choices *all)
{
    size_t n = 1;

    for (size_t i = 0; i < all->n && n <= RULES_MAX; i++)
        n *= all->v[i].n + 1;
    return n;
}

/* Combinations come as the reference counts them: in binary, a tag that is not there being a 1, the first tag
 * the lowest bit. So the last key decides, its last value comes first and none of its values last. */
static void first_combination(struct choices *all)
{
    for (size_t i = 0; i < all->n; i++)
        all->v[i].chosen = all->v[i].n - 1;
}

/* Goes to the next one; false after the last. */
static bool next_combination(struct choices *all)
{
    for (size_t i = 0; i < all->n; i++) {
        struct choice *c = &all->v[i];
        if (c->chosen < c->n) {
            c->chosen = c->chosen > 0 ? c->chosen - 1 : c->n;
            return true;
        }
        c->chosen = c->n - 1;
    }
    return false;
}

static bool is_chosen(const struct choices *all, const struct tags *subset)
{
    size_t k = 0;

    for (size_t i = 0; i < subset->n; i++) {
        while (!str_eq(all->v[k].key, subset->v[i].key))
            k++;
        const struct choice *c = &all->v[k];
        if (c->chosen == c->n || !str_eq(c->values[c->chosen], subset->v[i].value))
            return false;
    }
    return true;
}

static void put_tags(struct arena *a, const struct choices *all, struct rule *rule)
{
    size_t n = 0;

    for (size_t i = 0; i < all->n; i++)
        n += all->v[i].chosen == all->v[i].n ? all->v[i].n : 1;
    rule->tags = ARENA_ARRAY(a, struct rule_tag, n);
    for (size_t i = 0; i < all->n; i++) {
        const struct choice *c = &all->v[i];
        bool none = c->chosen == c->n;
        for (size_t k = none ? 0 : c->chosen; k < (none ? c->n : c->chosen + 1); k++)
            rule->tags[rule->n_tags++] = (struct rule_tag){c->key, c->values[k], none};
    }
}

/* ---- rules (R6 to R8) ---- */

static int origin_order(const void *a, const void *b)
{
    return str_cmp((*(const struct resource *const *)a)->key.name,
                   (*(const struct resource *const *)b)->key.name);
}

static void put_origins(struct arena *a, const struct item *const *items, size_t n, struct rule *rule)
{
    rule->origins = ARENA_ARRAY(a, const struct resource *, n);
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < rule->n_origins && rule->origins[k] != items[i]->policy)
            k++;
        if (k == rule->n_origins)
            rule->origins[rule->n_origins++] = items[i]->policy;
    }
    qsort(rule->origins, rule->n_origins, sizeof(rule->origins[0]), origin_order);
}

static size_t n_positive(const struct rule *r)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n_tags; i++)
        n += !r->tags[i].negated;
    return n;
}

static void rules_of_component(struct arena *a, const struct component *c, struct choices *choices,
                               struct rule *out, size_t *n_out)
{
    const struct item **chosen = ARENA_ARRAY(a, const struct item *, c->n);

    first_combination(choices);
    do {
        size_t n = 0;
        for (size_t i = 0; i < c->n; i++) {
            if (is_chosen(choices, &c->items[i]->subset))
                chosen[n++] = c->items[i];
        }
        if (n == 0)
            continue;
        struct rule *rule = &out[(*n_out)++];
        put_tags(a, choices, rule);
        put_origins(a, chosen, n, rule);
        rule->conf = items_merge(chosen, n);
    } while (next_combination(choices));
}

/* Most tags first; stable. */
static void sort_by_size(struct arena *a, struct rules *rules)
{
    struct rule *sorted = ARENA_ARRAY(a, struct rule, rules->n);
    size_t n = 0, most = 0;

    for (size_t i = 0; i < rules->n; i++)
        most = n_positive(&rules->v[i]) > most ? n_positive(&rules->v[i]) : most;
    for (size_t size = most + 1; size-- > 0;) {
        for (size_t i = 0; i < rules->n; i++) {
            if (n_positive(&rules->v[i]) == size)
                sorted[n++] = rules->v[i];
        }
    }
    rules->v = sorted;
}

static enum err_kind rules_of(struct arena *a, const struct items *items, struct rules *out, struct err *e)
{
    struct component *components = ARENA_ARRAY(a, struct component, items->n);
    struct choices *choices = ARENA_ARRAY(a, struct choices, items->n);
    bool *taken = ARENA_ARRAY(a, bool, items->n);
    size_t n = 0, n_rules = 0;

    for (size_t i = 0; i < items->n; i++) {
        if (!taken[i])
            components[n++] = component_of(a, items, taken, i);
    }
    if (n > 0)
        qsort(components, n, sizeof(components[0]), by_name_descending);
    for (size_t i = 0; i < n && n_rules <= RULES_MAX; i++) {
        choices[i] = choices_of(a, &components[i]);
        n_rules += combinations(&choices[i]);
    }
    if (n_rules > RULES_MAX)
        return err_set(e, ERR_LIMIT, "the tags that the policies name have more than %d combinations",
                       RULES_MAX);
    out->v = ARENA_ARRAY(a, struct rule, n_rules);
    for (size_t i = 0; i < n; i++)
        rules_of_component(a, &components[i], &choices[i], out->v, &out->n);
    sort_by_size(a, out);
    return ERR_NONE;
}

static void items_fini(struct items *items)
{
    for (size_t i = 0; i < items->n; i++)
        json_decref(items->v[i].conf);
    VEC_FINI(items);
}

/* ---- the three lists ---- */

static enum err_kind rules_of_lists(struct arena *a, struct selection s, const char *direction,
                                    const size_t *place, struct rules *out, struct err *e)
{
    struct items items = {0};
    enum err_kind kind = ERR_NONE;

    *out = (struct rules){0};
    for (size_t i = 0; i < s.n && kind == ERR_NONE; i++) {
        if (!place || s.v[i].places[*place])
            kind = add_list(a, &items, &s.v[i], direction, e);
    }
    if (kind == ERR_NONE)
        kind = rules_of(a, &items, out, e);
    items_fini(&items);
    return kind;
}

enum err_kind rules_to(struct arena *a, struct selection s, struct rules *out, struct err *e)
{
    return rules_of_lists(a, s, "to", NULL, out, e);
}

enum err_kind rules_from(struct arena *a, struct selection s, size_t place, struct rules *out, struct err *e)
{
    return rules_of_lists(a, s, "from", &place, out, e);
}

/* The spec itself is the one item: its own targetRef, and "default". */
enum err_kind rules_single(struct arena *a, struct selection s, struct rules *out, struct err *e)
{
    struct items items = {0};
    enum err_kind kind = ERR_NONE;

    *out = (struct rules){0};
    for (size_t i = 0; i < s.n && kind == ERR_NONE; i++) {
        JSON_AUTO spec = resource_spec_to_json(s.v[i].policy);
        if (json_get(spec, "default"))
            kind = add_item(a, &items, s.v[i].policy, spec, e);
    }
    if (kind == ERR_NONE)
        kind = rules_of(a, &items, out, e);
    items_fini(&items);
    return kind;
}

void rules_fini(struct rules *rules)
{
    for (size_t i = 0; i < rules->n; i++)
        json_decref(rules->v[i].conf);
    rules->n = 0;
}

/* ---- use (R9) ---- */

static bool concerns(const struct rule *rule, const struct tags *tags)
{
    for (size_t i = 0; i < rule->n_tags; i++) {
        const struct rule_tag *t = &rule->tags[i];
        struct str have = tags_get(tags, t->key);
        if (!have.p || str_eq(have, t->value) == t->negated)
            return false;
    }
    return true;
}

const struct rule *rules_find(const struct rules *rules, const struct tags *tags)
{
    for (size_t i = 0; i < rules->n; i++) {
        if (concerns(&rules->v[i], tags))
            return &rules->v[i];
    }
    return NULL;
}
