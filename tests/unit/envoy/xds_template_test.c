/* Templates: filled in, they are byte for byte what the whole tree is encoded to. */
#include <string.h>

#include "../../lib/test.h"

#include "ursa/base/alloc.h"
#include "ursa/base/json.h"
#include "ursa/envoy_build.h"

/* A listener in which a text is five messages and two Anys deep, beside 'n_filler' bytes of something else.
 */
static json_t *tree_with(struct arena *a, size_t n_filler, json_t *open)
{
    char *filler = arena_alloc(a, n_filler + 1);
    /* Repeats whatever marks the open text, as long as that is shorter. */
    for (size_t i = 0; i < n_filler; i++)
        filler[i] = "\1open text"[i % 10];
    json_t *hcm = envoy_hcm(STR("stat"), STR("route"), envoy_pack("[o]", envoy_router()));
    json_object_set_new(hcm, "serverName", json_from_str(str_from(filler, n_filler)));
    json_object_set_new(hcm, "earlyHeaderMutationExtensions",
                        envoy_pack("[o]", envoy_early_header("x-kuma-tags", open)));
    json_t *listener = envoy_listener(STR("outbound:127.0.0.1:80"), STR("127.0.0.1"), 80, "OUTBOUND");
    envoy_listener_add_chain(listener, envoy_chain(NULL, envoy_pack("[o]", envoy_hcm_filter(hcm)), NULL));
    return listener;
}

TEST(what_is_filled_in_is_what_is_encoded)
{
    /* Around the sizes at which a length takes a byte more. */
    static const size_t texts[] = {1, 2, 60, 126, 127, 128, 129, 5000, 16383, 16384, 2097152},
                        fillers[] = {0, 1, 20, 40, 60, 80, 100, 15900, 16000, 16100, 16200, 16300};
    for (size_t k = 0; k < ARRAY_LEN(fillers); k++) {
        struct arena a;
        struct err e;
        arena_init(&a);
        err_init(&e, &a);
        json_t *open = json_string("");
        JSON_AUTO tree = tree_with(&a, fillers[k], open);
        struct xds_template *t = xds_template_new(XDS_LISTENER, tree, open, &e);
        EXPECT_TRUE("made", t != NULL);
        for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
            char *text = arena_alloc(&a, texts[i]);
            memset(text, 'a' + (int)(i % 3), texts[i]);
            json_string_setn(open, text, texts[i]);
            struct xds_resource *want = xds_resource_new(XDS_LISTENER, tree, &e);
            struct xds_resource *got = xds_template_fill(t, str_from(text, texts[i]));
            EXPECT_STR("name", got->name, "outbound:127.0.0.1:80");
            EXPECT_INT("type", got->type, XDS_LISTENER);
            EXPECT_TRUE("bytes", blob_eq(got->any, want->any) && got->version == want->version);
            xds_resource_unref(want);
            xds_resource_unref(got);
        }
        xds_template_free(t);
        arena_fini(&a);
    }
    xds_template_free(NULL);
}

TEST(the_version_is_that_of_all_but_the_text)
{
    struct arena a;
    struct err e;
    struct xds_template *t[3];
    arena_init(&a);
    err_init(&e, &a);
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        json_t *open = json_string(i ? "something" : "");
        JSON_AUTO tree = tree_with(&a, i / 2, open);
        t[i] = xds_template_new(XDS_LISTENER, tree, open, &e);
    }
    EXPECT_TRUE("another text", xds_template_version(t[0]) == xds_template_version(t[1]));
    EXPECT_TRUE("another tree", xds_template_version(t[0]) != xds_template_version(t[2]));
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        xds_template_free(t[i]);
    arena_fini(&a);
}

TEST(a_tree_that_is_refused_makes_no_template)
{
    struct arena a;
    struct err e;
    arena_init(&a);
    err_init(&e, &a);
    json_t *open = json_string("x");
    JSON_AUTO tree = json_pack("{s: s, s: o}", "name", "l", "noSuchField", open);
    EXPECT_TRUE("none", xds_template_new(XDS_LISTENER, tree, open, &e) == NULL);
    EXPECT_INT("and why", e.n_causes, 1);
    arena_fini(&a);
}
