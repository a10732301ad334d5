/* inspect_rules.c -- what the policies with a targetRef say together about a proxy: GET
 * .../dataplanes/{name}/rules. */
#include "inspect.h"
#include "ursa/base/hash.h"
#include "ursa/base/log.h"

/* Outbounds of the same tags are one entry with several addresses. */
struct target {
    struct str name, service;
    struct tags tags;
    json_t *addresses; /* owned */
};
struct rules_answer {
    struct request *request;
    const struct dataplane_spec *dp;
    struct places places;
    struct target *outbounds;
    size_t n_outbounds;
    json_t *items;
};

/* The service alone, or followed by a hash of all tags when there are more. */
static struct str name_of_tags(struct arena *a, const struct tags *tags)
{
    struct str service = tags_get(tags, TAG_SERVICE);
    struct buf b;

    if (tags->n <= 1)
        return service;
    buf_init(&b, BUF_MAX_RESOURCE);
    for (size_t i = 0; i < tags->n; i++) {
        buf_add_str(&b, tags->v[i].key);
        buf_add_str(&b, tags->v[i].value);
    }
    struct str name =
        arena_printf(a, STR_FMT "-%016llx", STR_ARG(service), (unsigned long long)hash_content(b.p, b.n));
    buf_fini(&b);
    return name;
}

static void read_outbounds(struct rules_answer *w)
{
    struct arena *a = &w->request->arena;
    const struct dp_networking *net = w->dp->networking;

    w->outbounds = ARENA_ARRAY(a, struct target, net->n_outbound);
    for (size_t i = 0; i < net->n_outbound; i++) {
        const struct dp_outbound *out = &net->outbound[i];
        struct str name = name_of_tags(a, &out->tags);
        size_t k = 0;
        while (k < w->n_outbounds && !str_eq(w->outbounds[k].name, name))
            k++;
        if (k == w->n_outbounds)
            w->outbounds[w->n_outbounds++] =
                (struct target){name, tags_get(&out->tags, TAG_SERVICE), out->tags, json_array()};
        struct str address = outbound_address(out);
        json_array_append_new(w->outbounds[k].addresses,
                              json_from_str(arena_printf(a, STR_FMT ":%u", STR_ARG(address), out->port)));
    }
}

/* Values that a key must not have begin with "!", and are joined by commas: the form has one text a key. */
static json_t *subset(struct arena *a, const struct rule *rule)
{
    json_t *o = json_object();

    for (size_t i = 0; i < rule->n_tags; i++) {
        const struct rule_tag *t = &rule->tags[i];
        const char *key = arena_cstr(a, t->key);
        struct str before = json_str(json_object_get(o, key));
        struct str text = arena_printf(a, STR_FMT "%s%s" STR_FMT, STR_ARG(before), before.p ? "," : "",
                                       t->negated ? "!" : "", STR_ARG(t->value));
        json_object_set_new(o, key, json_from_str(text));
    }
    return o;
}

static void add_rule(struct rules_answer *w, const char *kind, const struct target *target,
                     enum res_type type, const struct rule *rule)
{
    json_t *o = json_object(), *origins = json_array();

    json_object_set_new(o, "type", json_string(kind));
    if (target) {
        json_object_set_new(o, "name", json_from_str(target->name));
        json_object_set(o, "addresses", target->addresses);
        json_object_set_new(o, "service", json_from_str(target->service));
        json_object_set_new(o, "tags", inspect_tags(&target->tags));
    }
    json_object_set_new(o, "policyType", json_from_str(res_type_info(type)->name));
    json_object_set_new(o, "subset", subset(&w->request->arena, rule));
    json_object_set(o, "conf", rule->conf);
    for (size_t i = 0; i < rule->n_origins; i++)
        json_array_append_new(origins, inspect_key(rule->origins[i]));
    json_object_set_new(o, "origins", origins);
    json_array_append_new(w->items, o);
}

/* Rules that cannot be worked out are left out, here as in the proxy. */
static void note_fault(struct rules_answer *w, enum res_type type, struct err *e)
{
    struct str text = err_render(e, e->arena);

    log_debug("api", "mesh=" STR_FMT " proxy=" STR_FMT " type=" STR_FMT " no rules: " STR_FMT,
              STR_ARG(w->request->mesh), STR_ARG(w->request->name), STR_ARG(res_type_info(type)->name),
              STR_ARG(text));
    err_init(e, e->arena);
}

static void add_single(struct rules_answer *w, enum res_type type, struct selection s, struct err *e)
{
    struct rules rules;

    if (rules_single(&w->request->arena, s, &rules, e) != ERR_NONE)
        note_fault(w, type, e);
    if (rules.n > 0)
        add_rule(w, "SingleItem", NULL, type, &rules.v[0]);
    rules_fini(&rules);
}

static void add_from(struct rules_answer *w, enum res_type type, struct selection s, struct err *e)
{
    struct arena *a = &w->request->arena;

    for (size_t i = 0; i < w->places.n; i++) {
        const struct place *p = &w->places.v[i];
        struct target target = {name_of_tags(a, &p->tags), tags_get(&p->tags, TAG_SERVICE), p->tags,
                                json_array()};
        struct rules rules;
        json_array_append_new(target.addresses,
                              json_from_str(arena_printf(a, STR_FMT ":%u", STR_ARG(p->address), p->port)));
        if (rules_from(a, s, i, &rules, e) != ERR_NONE)
            note_fault(w, type, e);
        for (size_t k = 0; k < rules.n; k++)
            add_rule(w, "ClientSubset", &target, type, &rules.v[k]);
        rules_fini(&rules);
        json_decref(target.addresses);
    }
}

static void add_to(struct rules_answer *w, enum res_type type, struct selection s, struct err *e)
{
    struct rules rules;

    if (rules_to(&w->request->arena, s, &rules, e) != ERR_NONE)
        note_fault(w, type, e);
    for (size_t i = 0; i < w->n_outbounds; i++) {
        const struct rule *rule = rules_find(&rules, &w->outbounds[i].tags);
        if (rule)
            add_rule(w, "DestinationSubset", &w->outbounds[i], type, rule);
    }
    rules_fini(&rules);
}

void inspect_rules_get(struct request *r)
{
    struct mesh_policies policies;
    struct err e;

    r->title = "Could not get MatchedPolicies";
    const struct resource *res = inspect_dataplane(r);
    if (!res)
        return;
    struct rules_answer w = {.request = r, .dp = resource_dataplane(res), .items = json_array()};
    err_init(&e, &r->arena);
    mesh_policies_read(&r->arena, r->snap, r->mesh, &policies);
    w.places = places_of(&r->arena, w.dp, gateway_choose(&r->arena, policies.of[RES_MESH_GATEWAY], w.dp));
    read_outbounds(&w);
    for (enum res_type t = 0; t < RES_N; t++) {
        if (!(res_type_info(t)->traits & RES_TARGET_REF))
            continue;
        struct selection s = mesh_policies_select(&r->arena, &policies, t, &w.places);
        add_single(&w, t, s, &e);
        add_from(&w, t, s, &e);
        add_to(&w, t, s, &e);
    }
    for (size_t i = 0; i < w.n_outbounds; i++)
        json_decref(w.outbounds[i].addresses);
    json_t *o = inspect_list(NULL, w.items);
    if (json_array_size(w.items) == 0) /* COMPAT */
        json_object_set_new(o, "items", json_null());
    answer_json(r, 200, o);
}
