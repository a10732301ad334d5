/* Choosing among source/destination policies: the examples of resources.md 6.1 to 6.3 and more. */
#include <stdio.h>

#include "../../lib/test.h"
#include "ursa/base/json.h"
#include "ursa/policy.h"

/* "name age source destination", tags as k=v,k=v */
struct given {
    const char *name;
    int age; /* seconds of creation */
    const char *source, *destination;
};

static void add_tags(struct buf *b, const char *tags)
{
    struct str rest = str_from_c(tags), part;
    buf_add_byte(b, '{');
    for (bool first = true; rest.n && str_next(&rest, ',', &part); first = false) {
        size_t eq = str_chr(part, '=');
        struct str key = str_slice(part, 0, eq), value = str_slice(part, eq + 1, part.n);
        if (str_eq(key, STR("s")))
            key = STR("kuma.io/service");
        buf_printf(b, "%s\"" STR_FMT "\": \"" STR_FMT "\"", first ? "" : ", ", STR_ARG(key), STR_ARG(value));
    }
    buf_add_byte(b, '}');
}

static struct resource *parse(enum res_type type, struct str text)
{
    struct arena a;
    arena_init(&a);
    struct err e;
    err_init(&e, &a);
    json_t *doc = NULL;
    struct resource *r = NULL;
    if (json_parse(text, &doc, &e) || resource_decode(type, doc, &r, &e))
        FAIL(STR_FMT ": " STR_FMT, STR_ARG(text), STR_ARG(e.text));
    json_decref(doc);
    arena_fini(&a);
    return r;
}

static struct resource *permission(const struct given *g)
{
    struct buf b;
    buf_init(&b, 65536);
    buf_printf(
        &b, "{\"type\": \"TrafficPermission\", \"mesh\": \"m\", \"name\": \"%s\", \"sources\": [{\"match\": ",
        g->name);
    add_tags(&b, g->source);
    buf_printf(&b, "}], \"destinations\": [{\"match\": ");
    add_tags(&b, g->destination);
    buf_printf(&b, "}]}");
    struct resource *r = parse(RES_TRAFFIC_PERMISSION, buf_str(&b));
    r->created_ns = g->age;
    buf_fini(&b);
    return r;
}

static struct tags tags_of(struct arena *a, const char *text)
{
    struct tags tags = {ARENA_ARRAY(a, struct tag, 8), 0};
    struct str rest = str_from_c(text), part;
    while (rest.n && str_next(&rest, ',', &part)) {
        size_t eq = str_chr(part, '=');
        struct str key = str_slice(part, 0, eq);
        tags.v[tags.n++] =
            (struct tag){str_eq(key, STR("s")) ? TAG_SERVICE : key, str_slice(part, eq + 1, part.n)};
    }
    return tags;
}

#define MAX_GIVEN 4
struct row {
    const char *name;
    struct given given[MAX_GIVEN]; /* sorted by name */
    const char *source, *to, *want;
};

static void check(const struct row *row, bool inbound)
{
    struct arena a;
    arena_init(&a);
    const struct resource *list[MAX_GIVEN];
    size_t n = 0;
    for (; n < MAX_GIVEN && row->given[n].name; n++)
        list[n] = permission(&row->given[n]);
    struct tags source = tags_of(&a, row->source), to = tags_of(&a, row->to);
    const struct resource *got =
        inbound ? classic_choose_inbound(list, n, &to)
                : classic_choose_outbound(list, n, (struct tag_sets){1, &source}, tags_get(&to, TAG_SERVICE));
    EXPECT_STR(row->name, got ? got->key.name : STR("none"), row->want);
    for (size_t i = 0; i < n; i++)
        resource_unref((struct resource *)(uintptr_t)list[i]);
    arena_fini(&a);
}

TEST(the_most_specific_policy_of_a_connection_wins)
{
    static const struct row rows[] = {
        {"exact on both sides",
         {{"a", 1, "s=web", "s=api"}, {"b", 2, "s=*", "s=api"}, {"c", 3, "s=web", "s=*"}},
         "s=web",
         "s=api",
         "a"},
        {"a tie: the later one", {{"b", 2, "s=*", "s=api"}, {"c", 3, "s=web", "s=*"}}, "s=web", "s=api", "c"},
        {"a tie of one age: the first by name",
         {{"b", 2, "s=*", "s=api"}, {"c", 2, "s=web", "s=*"}},
         "s=web",
         "s=api",
         "b"},
        {"more tags first",
         {{"a", 1, "s=web", "s=*"}, {"b", 1, "s=*,v=*", "s=*"}},
         "s=web,v=1",
         "s=api",
         "b"},
        {"then more exact ones",
         {{"a", 1, "s=web,v=*", "s=*"}, {"b", 1, "s=web,v=1", "s=*"}},
         "s=web,v=1",
         "s=api",
         "b"},
        {"the source must match", {{"a", 1, "s=other", "s=api"}}, "s=web", "s=api", "none"},
        {"a destination with further tags never matches",
         {{"a", 1, "s=*", "s=api,v=1"}},
         "s=web",
         "s=api",
         "none"},
        {"none at all", {{0}}, "s=web", "s=api", "none"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check(&rows[i], false);
}

TEST(the_most_specific_destination_of_an_inbound_wins)
{
    static const struct row rows[] = {
        {"exact over any", {{"a", 1, "s=web", "s=api"}, {"z", 9, "s=*", "s=*"}}, "", "s=api", "a"},
        {"sources take no part", {{"a", 1, "s=*", "s=api"}, {"b", 1, "s=web,v=1", "s=*"}}, "", "s=api", "a"},
        {"tags of the inbound",
         {{"a", 1, "s=*", "s=api"}, {"b", 1, "s=*", "s=api,v=2"}},
         "",
         "s=api,v=2",
         "b"},
        {"which it must have", {{"a", 1, "s=*", "s=api,v=2"}}, "", "s=api", "none"},
        {"a tie: the later one", {{"a", 1, "s=*", "s=*"}, {"b", 2, "s=*", "s=*"}}, "", "s=api", "b"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check(&rows[i], true);
}

TEST(wildcards_of_a_route_are_filled_from_the_outbound)
{
    static const struct {
        const char *name, *conf, *outbound, *want;
    } rows[] = {
        {"all of it", "\"destination\": {\"kuma.io/service\": \"*\"}", "s=api,version=2",
         "kuma.io/service=api version=2 @1; "},
        {"what is given stays", "\"destination\": {\"kuma.io/service\": \"other\", \"version\": \"1\"}",
         "s=api,zone=z", "kuma.io/service=other version=1 zone=z @1; "},
        {"a split",
         "\"split\": [{\"weight\": 3, \"destination\": {\"kuma.io/service\": \"*\", \"a\": \"b\"}}, "
         "{\"weight\": 0, \"destination\": "
         "{\"kuma.io/service\": \"x\"}}]",
         "s=api", "a=b kuma.io/service=api @3; kuma.io/service=x @0; "},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a;
        arena_init(&a);
        struct str text = arena_printf(
            &a,
            "{\"type\": \"TrafficRoute\", \"mesh\": \"m\", \"name\": \"r\", \"sources\": [{\"match\": "
            "{\"kuma.io/service\": \"*\"}}], \"destinations\": [{\"match\": {\"kuma.io/service\": \"*\"}}], "
            "\"conf\": {%s}}",
            rows[i].conf);
        struct resource *r = parse(RES_TRAFFIC_ROUTE, text);
        struct tags outbound = tags_of(&a, rows[i].outbound);
        struct destination *to = NULL;
        size_t n = traffic_route_destinations(resource_traffic_route(r), &outbound, &a, &to);
        struct str got = STR("");
        for (size_t k = 0; k < n; k++) {
            for (size_t t = 0; t < to[k].tags.n; t++)
                got = arena_printf(&a, STR_FMT STR_FMT "=" STR_FMT " ", STR_ARG(got),
                                   STR_ARG(to[k].tags.v[t].key), STR_ARG(to[k].tags.v[t].value));
            got = arena_printf(&a, STR_FMT "@%u; ", STR_ARG(got), to[k].weight);
        }
        EXPECT_STR(rows[i].name, got, rows[i].want);
        resource_unref(r);
        arena_fini(&a);
    }
}
