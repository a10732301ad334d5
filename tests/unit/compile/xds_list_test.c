/* Lists put together from lists and resources, against the plain rule: sorted by name, the last of a name
 * wins. */
#include "../../../src/compile/intern.h"

#include "../../lib/test.h"
#include "ursa/base/alloc.h"
#include "ursa/envoy_build.h"

#define N_NAMES 60
#define N_ITEMS_MAX 8
#define N_RESOURCES_MAX (N_ITEMS_MAX * N_NAMES)

/* One of a few that have this name, told apart by their time-out. */
static struct xds_resource *some_resource(size_t name)
{
    struct arena a;
    arena_init(&a);
    struct err e;
    err_init(&e, &a);
    json_t *tree = envoy_eds_cluster(arena_printf(&a, "name-%02zu", name));
    json_object_set_new(tree, "connectTimeout",
                        envoy_duration((int64_t)(1 + test_rand_below(3)) * 1000000000));
    struct xds_resource *r = xds_resource_new(XDS_CLUSTER, tree, &e);
    EXPECT_TRUE("a resource", r != NULL);
    json_decref(tree);
    arena_fini(&a);
    return r;
}

static struct list_item some_item(void)
{
    if (test_rand_below(2))
        return (struct list_item){.resource = some_resource(test_rand_below(N_NAMES))};
    struct list_item singles[N_NAMES];
    size_t n = 0;
    for (size_t name = 0; name < N_NAMES; name++) {
        if (test_rand_below(2))
            singles[n++] = (struct list_item){.resource = some_resource(name)};
    }
    /* Some are too short to be a base. */
    struct xds_list *list = xds_list_new(singles, test_rand_below(3) ? n : n / 8);
    for (size_t i = 0; i < n; i++)
        xds_resource_unref(singles[i].resource);
    return (struct list_item){.list = list};
}

static void item_free(struct list_item *item)
{
    xds_list_unref(item->list);
    xds_resource_unref(item->resource);
}

/* The last of each name, by name. */
static size_t expected(const struct list_item *items, size_t n, struct xds_resource **out)
{
    struct xds_resource *last[N_NAMES] = {NULL};
    size_t n_out = 0;
    for (size_t i = 0; i < n; i++) {
        struct xds_resource *const *v = items[i].list ? items[i].list->v : &items[i].resource;
        for (size_t k = 0; k < (items[i].list ? items[i].list->n : 1); k++) {
            const char *digits = v[k]->name.p + sizeof "name-" - 1;
            last[(digits[0] - '0') * 10 + digits[1] - '0'] = v[k];
        }
    }
    for (size_t i = 0; i < N_NAMES; i++) {
        if (last[i])
            out[n_out++] = last[i];
    }
    return n_out;
}

TEST(a_list_has_the_last_of_each_name_in_order)
{
    for (int round = 0; round < 300; round++) {
        struct list_item items[N_ITEMS_MAX];
        size_t n = test_rand_below(N_ITEMS_MAX + 1);
        for (size_t i = 0; i < n; i++)
            items[i] = some_item();
        struct xds_resource *want[N_RESOURCES_MAX];
        size_t n_want = expected(items, n, want);
        struct xds_list *got = xds_list_new(items, n);
        EXPECT_INT("as many", got->n, n_want);
        for (size_t i = 0; i < n_want; i++)
            EXPECT_TRUE("the same, in order", got->v[i] == want[i]);
        struct list_item flat[N_NAMES];
        for (size_t i = 0; i < n_want; i++)
            flat[i] = (struct list_item){.resource = want[i]};
        struct xds_list *plain = xds_list_new(flat, n_want);
        EXPECT_TRUE("the version is that of the content", got->version == plain->version);
        for (size_t i = 0; i < n; i++)
            item_free(&items[i]);
        /* What it was made of is gone; it holds what it has. */
        for (size_t i = 0; i < got->n; i++)
            EXPECT_TRUE("alive", got->v[i]->version == plain->v[i]->version);
        xds_list_unref(plain);
        xds_list_unref(got);
    }
}

TEST(equal_content_is_one_object)
{
    struct intern t;
    intern_init(&t);
    struct xds_resource *r = intern_resource(&t, some_resource(1));
    struct xds_resource *twin = NULL;
    while (!twin || twin->version != r->version) { /* of three that there are */
        xds_resource_unref(twin);
        twin = intern_resource(&t, some_resource(1));
    }
    EXPECT_TRUE("resources", r == twin);
    struct list_item item = {.resource = r};
    struct xds_list *a = intern_list(&t, xds_list_new(&item, 1));
    item = (struct list_item){.list = a};
    struct xds_list *b = intern_list(&t, xds_list_new(&item, 1));
    EXPECT_TRUE("lists", a == b);
    xds_list_unref(a);
    xds_list_unref(b);
    xds_resource_unref(twin);
    intern_collect(&t);
    EXPECT_INT("an idle list is dropped", t.lists.objects.n, 0);
    intern_collect(&t);
    EXPECT_INT("one that is held stays",
               map_find(&t.resources[XDS_CLUSTER].objects, str_from(&r->version, sizeof r->version)) == r, 1);
    xds_resource_unref(r);
    intern_fini(&t);
}
