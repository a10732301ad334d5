/* Every recorded resource of the reference goes to wire and back unchanged, and the bytes do not depend on
 * key order. */
#include "../../lib/test.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ursa/base/json.h"
#include "ursa/envoy.h"

/* A message of Envoy's contrib build: not in the descriptors, and refused by the standard Envoy anyway
 * (xds.md 15.1). */
#define CONTRIB "unknown message type \"envoy.extensions.filters.network.kafka_broker.v3.KafkaBroker\""

static const struct {
    const char *pattern;
    size_t at_least; /* resources recorded */
} kinds[] = {
    {"listeners", 300}, {"clusters", 300}, {"endpoints", 100},
    {"routes", 5},      {"secrets", 50},   {"runtimes", 3},
};

struct tally {
    size_t n_resources, n_contrib;
};

/* The same tree with every object's keys in reverse order. */
static json_t *reversed(json_t *v)
{
    json_t *copy;
    if (json_is_array(v)) {
        copy = json_array();
        for (size_t i = 0; i < json_array_size(v); i++)
            json_array_append_new(copy, reversed(json_array_get(v, i)));
        return copy;
    }
    if (!json_is_object(v))
        return json_deep_copy(v);
    const char *keys[256], *key;
    size_t n = 0;
    json_t *item;
    json_object_foreach(v, key, item)
    {
        if (n == ARRAY_LEN(keys))
            FAIL("an object with more than %zu keys", n);
        keys[n++] = key;
    }
    copy = json_object();
    while (n-- > 0)
        json_object_set_new(copy, keys[n], reversed(json_object_get(v, keys[n])));
    return copy;
}

static void check_resource(struct arena *a, const char *where, struct str message, json_t *tree,
                           struct tally *tally)
{
    struct err e;
    struct buf wire, again;
    json_t *back, *other = reversed(tree);
    err_init(&e, a);
    buf_init(&wire, BUF_MAX_RESOURCE);
    buf_init(&again, BUF_MAX_RESOURCE);
    tally->n_resources++;
    if (envoy_encode(message, tree, &wire, &e) != ERR_NONE) {
        if (str_find(err_render(&e, a), STR(CONTRIB)) == err_render(&e, a).n)
            EXPECT_STR(where, err_render(&e, a), "no fault");
        tally->n_contrib++;
    } else {
        EXPECT_INT(where, envoy_decode(message, buf_str(&wire), &back, &e), ERR_NONE);
        EXPECT_CSTR(where, json_format_canonical(a, back).p, json_format_canonical(a, tree).p);
        EXPECT_INT(where, envoy_encode(message, other, &again, &e), ERR_NONE);
        EXPECT_TRUE(where, str_eq(buf_str(&wire), buf_str(&again)));
        json_decref(back);
    }
    json_decref(other);
    buf_fini(&again);
    buf_fini(&wire);
}

static void check_file(const char *path, struct tally *tally)
{
    struct arena a;
    json_error_t at;
    JSON_AUTO file = json_load_file(path, 0, &at);
    if (!file)
        FAIL("%s: %s", path, at.text);
    struct str url = json_str(json_get(file, "typeUrl"));
    json_t *tree;
    size_t i;
    json_array_foreach(json_get(file, "resources"), i, tree)
    {
        arena_init(&a);
        check_resource(&a, path, str_slice(url, str_rchr(url, '/') + 1, url.n), tree, tally);
        arena_fini(&a);
    }
}

TEST(recorded_resources_survive)
{
    const char *shared = getenv("URSA_SHARED");
    struct tally all = {0};
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        char pattern[4096];
        struct tally tally = {0};
        glob_t found;
        (void)snprintf(pattern, sizeof(pattern), "%s/fixtures/xds/*/*.%s.json", shared ? shared : "../shared",
                       kinds[k].pattern);
        if (glob(pattern, 0, NULL, &found) != 0)
            SKIP("the recordings are not there (URSA_SHARED)");
        for (size_t i = 0; i < found.gl_pathc; i++)
            check_file(found.gl_pathv[i], &tally);
        globfree(&found);
        EXPECT_TRUE(kinds[k].pattern, tally.n_resources >= kinds[k].at_least);
        all.n_resources += tally.n_resources;
        all.n_contrib += tally.n_contrib;
    }
    printf("%zu resources, %zu of them with a contrib message refused\n", all.n_resources, all.n_contrib);
    EXPECT_INT("contrib messages", all.n_contrib, 2);
}
