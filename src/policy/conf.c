/* conf.c -- merging the configurations of several policies of one type (resources.md 6.7). */
#include "merge.h"

#include <string.h>

#include "ursa/base/json.h"

/* ---- what an item says ---- */

/* Without rules, connections go where they were meant to go. */
static json_t *to_itself(const json_t *target)
{
    json_t *ref = json_deep_copy(target);

    json_object_set_new(ref, "weight", json_integer(1));
    return json_pack("{s: [o]}", "backendRefs", ref);
}

static json_t *tcp_conf(const json_t *item)
{
    json_t *rule = json_array_get(json_get(item, "rules"), 0);

    return rule ? json_incref(json_get(rule, "default")) : to_itself(json_get(item, "targetRef"));
}

json_t *item_conf(enum res_type type, const json_t *item)
{
    json_t *conf = NULL;

    if (type == RES_MESH_TCP_ROUTE)
        conf = tcp_conf(item);
    else if (type == RES_MESH_HTTP_ROUTE && json_get(item, "rules"))
        conf = json_pack("{s: O}", "rules", json_get(item, "rules"));
    else
        conf = json_incref(json_get(item, "default"));
    return conf ? conf : json_object();
}

/* ---- merge patch (RFC 7396) ---- */

/* Members of 'patch' over those of 'base', which is the caller's alone. What is appended is no part of it. */
static void patch_object(json_t *base, json_t *patch)
{
    const char *key;
    json_t *value;

    json_object_foreach(patch, key, value)
    {
        json_t *have = json_object_get(base, key);
        if (json_is_null(value)) {
            json_object_del(base, key);
        } else if (json_is_object(value)) {
            json_t *inner = json_is_object(have) ? json_deep_copy(have) : json_object();
            patch_object(inner, value);
            json_object_set_new(base, key, inner);
        } else {
            json_object_set(base, key, value);
        }
    }
}

/* Lists whose name begins so are concatenated instead of replaced. */
static void append_lists(json_t *merged, const struct item *const *items, size_t n)
{
    const char *key;
    json_t *value;
    void *next;

    json_object_foreach_safe(merged, next, key, value)
    {
        if (strncmp(key, "append", strlen("append")) != 0)
            continue;
        json_t *all = json_array();
        for (size_t i = 0; i < n; i++)
            json_array_extend(all, json_object_get(items[i]->conf, key));
        json_object_set_new(merged, key, all);
    }
}

/* ---- rules by their matches ---- */

static json_t *rule_with_matches(json_t *rules, const json_t *matches)
{
    size_t i;
    json_t *rule;

    json_array_foreach(rules, i, rule)
    {
        if (json_equal(json_object_get(rule, "matches"), matches))
            return rule;
    }
    return NULL;
}

/* Rules of equal matches become one, at the place of the first. */
static void merge_rules(json_t *merged, const struct item *const *items, size_t n)
{
    json_t *all = json_array(), *rule;
    size_t k;

    for (size_t i = 0; i < n; i++) {
        json_array_foreach(json_object_get(items[i]->conf, "rules"), k, rule)
        {
            json_t *same = rule_with_matches(all, json_object_get(rule, "matches"));
            if (same)
                patch_object(json_object_get(same, "default"), json_object_get(rule, "default"));
            else
                json_array_append_new(all, json_deep_copy(rule));
        }
    }
    json_object_set_new(merged, "rules", all);
}

json_t *items_merge(const struct item *const *items, size_t n)
{
    json_t *merged = json_object();

    for (size_t i = 0; i < n; i++)
        patch_object(merged, items[i]->conf);
    append_lists(merged, items, n);
    if (items[0]->policy->key.type == RES_MESH_HTTP_ROUTE && json_object_get(merged, "rules"))
        merge_rules(merged, items, n);
    return merged;
}
