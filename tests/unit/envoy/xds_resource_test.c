/* Resources as they are kept and sent: names, versions, the Any around them, references. */
#include "../../lib/test.h"

#include "ursa/base/json.h"
#include "ursa/envoy.h"

#define CLUSTER_URL "type.googleapis.com/envoy.config.cluster.v3.Cluster"

TEST(types_know_their_urls)
{
    for (enum xds_type t = 0; t < XDS_N; t++) {
        const struct xds_type_info *info = xds_type_info(t);
        EXPECT_INT(info->message.p, xds_type_by_url(info->type_url), t);
        EXPECT_TRUE(info->message.p, envoy_message_known(info->message));
        EXPECT_TRUE(info->message.p, str_has_suffix(info->type_url, info->message));
        EXPECT_INT(info->message.p, info->whole_set, t == XDS_CLUSTER || t == XDS_LISTENER);
    }
    EXPECT_INT("unknown", xds_type_by_url(STR("type.googleapis.com/envoy.api.v2.Cluster")), XDS_N);
    EXPECT_INT("empty", xds_type_by_url(STR_NONE), XDS_N);
}

TEST(a_resource_is_an_any_with_a_version)
{
    struct arena a;
    struct err e;
    struct pb_reader r;
    struct pb_field f;
    arena_init(&a);
    err_init(&e, &a);
    JSON_AUTO tree = json_pack("{s:s, s:s}", "name", "backend", "connectTimeout", "5s");
    JSON_AUTO same = json_pack("{s:s, s:s}", "connectTimeout", "5s", "name", "backend");
    JSON_AUTO other = json_pack("{s:s, s:s}", "name", "backend", "connectTimeout", "6s");

    struct xds_resource *one = xds_resource_new(XDS_CLUSTER, tree, &e);
    struct xds_resource *two = xds_resource_new(XDS_CLUSTER, same, &e);
    struct xds_resource *three = xds_resource_new(XDS_CLUSTER, other, &e);
    EXPECT_TRUE("made", one && two && three);
    EXPECT_STR("name", one->name, "backend");
    EXPECT_TRUE("equal trees, equal versions", one->version == two->version && blob_eq(one->any, two->any));
    EXPECT_TRUE("other content, other version", one->version != three->version);
    EXPECT_TRUE("no secret", !one->any->secret);

    pb_reader_init(&r, blob_str(one->any));
    EXPECT_TRUE("type URL", pb_next(&r, &f) && f.number == 1);
    EXPECT_STR("type URL", f.bytes, CLUSTER_URL);
    EXPECT_TRUE("value", pb_next(&r, &f) && f.number == 2 && !r.failed && r.p == r.end);

    JSON_AUTO back = xds_resource_to_json(one);
    EXPECT_TRUE("tree", json_equal(back, tree));

    EXPECT_TRUE("ref", xds_resource_ref(one) == one);
    EXPECT_TRUE("ref of NULL", xds_resource_ref(NULL) == NULL);
    xds_resource_unref(one);
    EXPECT_STR("alive", one->name, "backend");
    xds_resource_unref(one);
    xds_resource_unref(two);
    xds_resource_unref(three);
    xds_resource_unref(NULL);
    arena_fini(&a);
}

TEST(secrets_are_wiped_when_freed)
{
    struct arena a;
    struct err e;
    arena_init(&a);
    err_init(&e, &a);
    JSON_AUTO tree = json_pack("{s:s, s:{s:{s:s}}}", "name", "identity", "tlsCertificate", "privateKey",
                               "inlineBytes", "a2V5");
    struct xds_resource *r = xds_resource_new_secret(XDS_SECRET, tree, &e);
    EXPECT_TRUE("made", r != NULL);
    EXPECT_TRUE("marked", r->any->secret);
    JSON_AUTO back = xds_resource_to_json(r);
    EXPECT_TRUE("tree", json_equal(back, tree));
    xds_resource_unref(r);

    JSON_AUTO broken =
        json_pack("{s:s, s:{s:{s:i}}}", "name", "identity", "tlsCertificate", "privateKey", "inlineBytes", 1);
    EXPECT_TRUE("refused", xds_resource_new_secret(XDS_SECRET, broken, &e) == NULL);
    EXPECT_STR("fault", err_render(&e, &a),
               "envoy.extensions.transport_sockets.tls.v3.Secret \"identity\": "
               "tlsCertificate.privateKey.inlineBytes: must be "
               "bytes in base64");
    arena_fini(&a);
}

TEST(resources_need_a_name)
{
    static const struct {
        enum xds_type type;
        const char *json, *want;
    } rows[] = {
        {XDS_CLUSTER, "{}", "name: must be a string that is not empty"},
        {XDS_CLUSTER, "{\"name\": 5}", "name: must be a string that is not empty"},
        {XDS_CLUSTER, "[]", "name: must be a string that is not empty"},
        {XDS_ENDPOINT, "{\"name\": \"a\"}", "clusterName: must be a string that is not empty"},
        {XDS_ENDPOINT, "{\"clusterName\": \"a\", \"policy\": 1}",
         "envoy.config.endpoint.v3.ClusterLoadAssignment \"a\": policy: must be an object"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a;
        struct err e;
        arena_init(&a);
        err_init(&e, &a);
        JSON_AUTO tree = json_loads(rows[i].json, 0, NULL);
        EXPECT_TRUE(rows[i].json, xds_resource_new(rows[i].type, tree, &e) == NULL);
        EXPECT_STR(rows[i].json, err_render(&e, &a), rows[i].want);
        arena_fini(&a);
    }
}

/* DiscoveryRequest and its answer are read and written without a tree. */
TEST(primitives_agree_with_the_codec)
{
    struct arena a;
    struct err e;
    struct buf b;
    json_t *tree;
    arena_init(&a);
    err_init(&e, &a);
    buf_init(&b, 1 << 16);
    pb_put_str(&b, 1, STR("v1"));
    pb_put_str(&b, 3, STR("a"));
    pb_put_header(&b, 3, 1);
    buf_add_byte(&b, 'b');
    pb_put_str(&b, 4, STR_NONE);
    pb_put_bytes(&b, 3, STR_NONE);
    EXPECT_INT("decode",
               envoy_decode(STR("envoy.service.discovery.v3.DiscoveryRequest"), buf_str(&b), &tree, &e),
               ERR_NONE);
    EXPECT_STR("tree", json_format(&a, tree),
               "{\"versionInfo\":\"v1\",\"resourceNames\":[\"a\",\"b\",\"\"]}");
    json_decref(tree);

    buf_clear(&b);
    pb_put_uint(&b, 1, 0);
    EXPECT_INT("zero is not written", b.n, 0);
    pb_put_uint(&b, 1, UINT64_MAX);
    struct pb_reader r;
    struct pb_field f;
    pb_reader_init(&r, buf_str(&b));
    EXPECT_TRUE("read", pb_next(&r, &f) && f.number == 1 && f.wire_type == 0 && f.number_value == UINT64_MAX);
    EXPECT_TRUE("end", !pb_next(&r, &f) && !r.failed);
    buf_fini(&b);
    arena_fini(&a);
}
