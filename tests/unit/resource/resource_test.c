/* resource_test.c -- the type table, keys, the object, and what is filled in when it is stored. */
#include "doc.h"

#include <string.h>

#include "../../../src/resource/field.h"

TEST(types_are_found_by_each_of_their_names)
{
    for (enum res_type t = 0; t < RES_N; t++) {
        const struct res_type_info *info = res_type_info(t);

        EXPECT_INT(info->name.p, info->type, t);
        EXPECT_INT(info->name.p, res_type_by_stored_name(info->name), t);
        EXPECT_INT(info->name.p, res_type_by_name(info->name), t < RES_N_SHOWN ? t : RES_N);
        if (t >= RES_N_SHOWN)
            continue;
        EXPECT_INT(info->name.p, res_type_by_path(info->path), t);
        EXPECT_INT(info->name.p, res_type_by_cli(info->cli), t);
        EXPECT_INT(info->name.p, res_type_by_cli(info->cli_plural), t);
    }
    EXPECT_INT("unknown name", res_type_by_name(STR("mesh")), RES_N);
    EXPECT_INT("unknown path", res_type_by_path(STR("")), RES_N);
    EXPECT_INT("unknown word", res_type_by_cli(STR("frob")), RES_N);
}

TEST(keys_are_ordered_by_type_mesh_and_name)
{
    static const struct {
        const char *name;
        struct res_key a, b;
        int want;
    } rows[] = {
        {"type first",
         {RES_MESH, STR_INIT("z"), STR_INIT("z")},
         {RES_TIMEOUT, STR_INIT("a"), STR_INIT("a")},
         -1},
        {"then mesh",
         {RES_TIMEOUT, STR_INIT("b"), STR_INIT("a")},
         {RES_TIMEOUT, STR_INIT("a"), STR_INIT("z")},
         1},
        {"then name",
         {RES_TIMEOUT, STR_INIT("a"), STR_INIT("a")},
         {RES_TIMEOUT, STR_INIT("a"), STR_INIT("ab")},
         -1},
        {"equal",
         {RES_TIMEOUT, STR_INIT("a"), STR_INIT("b")},
         {RES_TIMEOUT, STR_INIT("a"), STR_INIT("b")},
         0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int order = res_key_cmp(&rows[i].a, &rows[i].b);

        EXPECT_INT(rows[i].name, (order > 0) - (order < 0), rows[i].want);
    }
}

#define SYNTAX                                                                                               \
    "invalid characters. Valid characters are numbers, lowercase latin letters and '-', '_' symbols."

TEST(meta_of_body_and_url_must_agree)
{
    static const struct {
        const char *name;
        struct res_key want;
        const char *body_type;
        struct res_key body;
        const char *faults;
    } rows[] = {
        {"fine",
         {RES_TIMEOUT, STR_INIT("m-1"), STR_INIT("_a")},
         "Timeout",
         {RES_TIMEOUT, STR_INIT("m-1"), STR_INIT("_a")},
         ""},
        {"all three",
         {RES_TIMEOUT, STR_INIT("m"), STR_INIT("a")},
         "X",
         {RES_TIMEOUT, STR_INIT("n"), STR_INIT("b")},
         "name: name from the URL has to be the same as in body; type: type from the URL has to be the same "
         "as in body; "
         "mesh: mesh from the URL has to be the same as in body"},
        {"nothing in the body",
         {RES_TIMEOUT, STR_INIT("m"), STR_INIT("a")},
         "",
         {RES_TIMEOUT, {0}, {0}},
         "name: name from the URL has to be the same as in body; type: type from the URL has to be the same "
         "as in body; "
         "mesh: mesh from the URL has to be the same as in body"},
        {"global types have no mesh",
         {RES_MESH, {0}, STR_INIT("a")},
         "Mesh",
         {RES_MESH, STR_INIT("x"), STR_INIT("a")},
         ""},
        {"syntax",
         {RES_TIMEOUT, STR_INIT("M"), STR_INIT("a.b")},
         "Timeout",
         {RES_TIMEOUT, STR_INIT("M"), STR_INIT("a.b")},
         "name: " SYNTAX "; mesh: " SYNTAX},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a;
        struct err e;

        arena_init(&a);
        err_init(&e, &a);
        EXPECT_INT(rows[i].name,
                   resource_check_meta(&rows[i].want, str_from_c(rows[i].body_type), &rows[i].body, &e),
                   rows[i].faults[0] ? ERR_INVALID : ERR_NONE);
        struct str faults = STR("");

        for (size_t k = 0; k < e.n_causes; k++)
            faults = arena_printf(&a, STR_FMT "%s" STR_FMT ": " STR_FMT, STR_ARG(faults), k ? "; " : "",
                                  STR_ARG(e.causes[k].field), STR_ARG(e.causes[k].reason));
        EXPECT_STR(rows[i].name, faults, rows[i].faults);
        arena_fini(&a);
    }
}

TEST(keys_from_elsewhere_must_not_be_empty)
{
    struct arena a;
    struct err e;

    arena_init(&a);
    err_init(&e, &a);
    EXPECT_INT("empty", resource_check_key(&(struct res_key){.type = RES_TIMEOUT}, &e), ERR_INVALID);
    EXPECT_INT("two faults", e.n_causes, 2);
    EXPECT_STR("reason", e.causes[1].reason, "cannot be empty");
    arena_fini(&a);
}

TEST(a_document_names_its_key_whatever_the_case)
{
    struct resource *r =
        doc_resource(RES_SECRET, "{\"Name\":\"n\",\"MESH\":\"m\",\"type\":\"x\",\"creationTime\":null,"
                                 "\"modificationTime\":\"0001-01-01T00:00:00Z\"}");
    JSON_AUTO doc = json_pack("{s:s}", "tYPE", "Secret");

    EXPECT_STR("name", r->key.name, "n");
    EXPECT_STR("mesh", r->key.mesh, "m");
    EXPECT_INT("type", r->key.type, RES_SECRET);
    EXPECT_STR("type of the document", resource_doc_type(doc), "Secret");
    EXPECT_TRUE("no type", !resource_doc_type(NULL).p);
    resource_unref(r);

    r = doc_resource(RES_GLOBAL_SECRET, "{\"name\":\"n\",\"mesh\":\"m\"}");
    EXPECT_INT("global types have no mesh", r->key.mesh.n, 0);
    resource_unref(r);
}

TEST(get_shows_meta_before_spec)
{
    struct resource *r = doc_resource(RES_SECRET, "{\"data\":\"aGVsbG8=\",\"name\":\"n\",\"mesh\":\"m\"}");
    struct arena a;

    arena_init(&a);
    r->created_ns = INT64_C(1500000000) * INT64_C(1000000000);
    r->modified_ns = r->created_ns + 500000000;
    JSON_AUTO shown = resource_to_json(r);
    EXPECT_STR("shown", json_format(&a, shown),
               "{\"type\":\"Secret\",\"mesh\":\"m\",\"name\":\"n\",\"creationTime\":\"2017-07-14T02:40:00Z\","
               "\"modificationTime\":\"2017-07-14T02:40:00.5Z\",\"data\":\"aGVsbG8=\"}");
    JSON_AUTO meta = resource_meta_to_json(r, STR("Other"));
    EXPECT_STR("meta", json_format(&a, meta),
               "{\"type\":\"Other\",\"mesh\":\"m\",\"name\":\"n\",\"creationTime\":\"2017-07-14T02:40:00Z\","
               "\"modificationTime\":\"2017-07-14T02:40:00.5Z\"}");
    struct buf printed;
    buf_init(&printed, 4096);
    resource_print(r, 2, &printed);
    EXPECT_STR("in a list", buf_str(&printed),
               "{\n   \"type\": \"Secret\",\n   \"mesh\": \"m\",\n   \"name\": \"n\",\n"
               "   \"creationTime\": \"2017-07-14T02:40:00Z\",\n"
               "   \"modificationTime\": \"2017-07-14T02:40:00.5Z\",\n   \"data\": \"aGVsbG8=\"\n  }");
    buf_fini(&printed);
    EXPECT_STR("bytes", resource_secret(r)->data, "hello");
    EXPECT_TRUE("its text is wiped", r->spec_json->secret);
    resource_unref(r);
    arena_fini(&a);
}

TEST(a_new_object_is_empty)
{
    struct resource *r = resource_new(&(struct res_key){.type = RES_MESH, .name = STR("m")});
    struct resource *same = resource_ref(r);

    EXPECT_TRUE("no text", !r->spec_json);
    EXPECT_TRUE("mTLS is off", !mesh_enabled_backend(resource_mesh(r)));
    JSON_AUTO spec = resource_spec_to_json(r);
    EXPECT_INT("no members", json_object_size(spec), 0);
    struct buf printed;
    buf_init(&printed, 4096);
    resource_print(r, 0, &printed);
    EXPECT_STR("printed", buf_str(&printed),
               "{\n \"type\": \"Mesh\",\n \"name\": \"m\",\n \"creationTime\": \"1970-01-01T00:00:00Z\",\n"
               " \"modificationTime\": \"1970-01-01T00:00:00Z\"\n}");
    buf_fini(&printed);
    resource_unref(r);
    EXPECT_STR("still there", same->key.name, "m");
    resource_unref(same);
    resource_unref(NULL);
}

/* A member of that name would be printed twice. */
TEST(no_spec_has_a_meta_member)
{
    static const char *const members[] = {"type", "mesh", "name", "creationTime", "modificationTime"};

    for (enum res_type t = 0; t < RES_N; t++)
        for (const struct field *f = res_type_info(t)->fields; f && f->name; f++)
            for (size_t i = 0; i < ARRAY_LEN(members); i++)
                EXPECT_TRUE(f->name, !str_eq(str_from_c(f->name), str_from_c(members[i])));
}

TEST(meshes_get_metrics_defaults)
{
#define METRICS(conf) "{\"metrics\":{\"backends\":[{\"name\":\"p\",\"type\":\"prometheus\"" conf "}]}}"
#define FILLED(start, end)                                                                                   \
    METRICS(",\"conf\":{" start                                                                              \
            "\"path\":\"/metrics\",\"port\":5670,\"tags\":{\"kuma.io/service\":\"dataplane-metrics\"}," end  \
            "}")
    static const struct {
        const char *name, *before, *after;
    } rows[] = {
        {"no metrics", "{\"routing\":{}}", "{\"routing\":{}}"},
        {"no conf", METRICS(""), FILLED("", "\"tls\":{}")},
        {"unknown keys go", METRICS(",\"conf\":{\"x\":1}"), FILLED("", "\"tls\":{}")},
        {"skipMTLS",
         METRICS(",\"conf\":{\"skipMTLS\":true,\"path\":\"/m\",\"port\":1,\"tags\":{\"a\":\"b\"}}"),
         METRICS(",\"conf\":{\"path\":\"/"
                 "m\",\"port\":1,\"skipMTLS\":true,\"tags\":{\"a\":\"b\"},\"tls\":{\"mode\":\"disabled\"}}")},
        {"given TLS stays", METRICS(",\"conf\":{\"tls\":{\"mode\":\"providedTLS\"}}"),
         FILLED("", "\"tls\":{\"mode\":\"providedTLS\"}")},
        {"other members stay",
         METRICS(
             ",\"conf\":{\"envoy\":{\"usedOnly\":false},\"aggregate\":[{\"name\":\"a\",\"enabled\":false}]}"),
         FILLED("\"aggregate\":[{\"enabled\":false,\"name\":\"a\"}],\"envoy\":{\"usedOnly\":false},",
                "\"tls\":{}")},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct resource *before = doc_resource(RES_MESH, rows[i].before);
        struct resource *after = mesh_apply_defaults(before), *again = mesh_apply_defaults(after);

        EXPECT_STR(rows[i].name, blob_str(after->spec_json), rows[i].after);
        EXPECT_TRUE("nothing left to fill in: the same object", again == after);
        resource_unref(before);
        resource_unref(after);
        resource_unref(again);
    }
}

TEST(dataplanes_get_zone_and_health)
{
#define DP(inbound)                                                                                          \
    "{\"networking\":{\"address\":\"10.0.0.1\",\"inbound\":[{\"port\":80,\"tags\":{" inbound "}]}}"
    static const struct {
        const char *name, *before, *zone;
        bool is_new;
        const char *after;
    } rows[] = {
        {"nothing", DP("\"kuma.io/service\":\"a\"}"), "", true, DP("\"kuma.io/service\":\"a\"}")},
        {"zone", DP("\"kuma.io/service\":\"a\",\"x\":\"1\"}"), "east", false,
         DP("\"kuma.io/service\":\"a\",\"kuma.io/zone\":\"east\",\"x\":\"1\"}")},
        {"zone overwrites", DP("\"kuma.io/service\":\"a\",\"kuma.io/zone\":\"west\"}"), "east", false,
         DP("\"kuma.io/service\":\"a\",\"kuma.io/zone\":\"east\"}")},
        {"probed and new", DP("\"kuma.io/service\":\"a\"},\"serviceProbe\":{\"tcp\":{}}"), "", true,
         DP("\"kuma.io/service\":\"a\"},\"health\":{},\"serviceProbe\":{\"tcp\":{}}")},
        {"probed and updated", DP("\"kuma.io/service\":\"a\"},\"serviceProbe\":{\"tcp\":{}}"), "", false,
         DP("\"kuma.io/service\":\"a\"},\"serviceProbe\":{\"tcp\":{}}")},
        {"probed with health",
         DP("\"kuma.io/service\":\"a\"},\"health\":{\"ready\":true},\"serviceProbe\":{\"tcp\":{}}"), "", true,
         DP("\"kuma.io/service\":\"a\"},\"health\":{\"ready\":true},\"serviceProbe\":{\"tcp\":{}}")},
        {"gateway",
         "{\"networking\":{\"address\":\"10.0.0.1\",\"gateway\":{\"tags\":{\"kuma.io/service\":\"g\"}}}}",
         "east", true,
         "{\"networking\":{\"address\":\"10.0.0.1\",\"gateway\":{\"tags\":{\"kuma.io/"
         "service\":\"g\",\"kuma.io/zone\":\"east\"}}}}"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct resource *before = doc_resource(RES_DATAPLANE, rows[i].before);
        before->origin = ORIGIN_PROXY;
        before->created_ns = 7;
        struct resource *after = dataplane_apply_defaults(before, str_from_c(rows[i].zone), rows[i].is_new);

        EXPECT_STR(rows[i].name, blob_str(after->spec_json), rows[i].after);
        EXPECT_INT("origin stays", after->origin, ORIGIN_PROXY);
        EXPECT_INT("time stays", after->created_ns, 7);
        EXPECT_INT("a new object only when something changed", after != before,
                   strcmp(rows[i].before, rows[i].after) != 0);
        resource_unref(before);
        resource_unref(after);
    }
}

/* ---- health ---- */
#define IN(port, more) "{\"port\":" port ",\"tags\":{\"kuma.io/service\":\"a\"}" more "}"
#define SERVED(port, by) "{\"port\":" port ",\"servicePort\":" by ",\"tags\":{\"kuma.io/service\":\"a\"}}"
#define TWO(first, second) "{\"networking\":{\"address\":\"10.0.0.1\",\"inbound\":[" first "," second "]}}"
#define PROBE ",\"serviceProbe\":{\"tcp\":{}}"
#define READY ",\"health\":{\"ready\":true}"
#define UNREADY ",\"health\":{}"

TEST(health_is_shown_and_is_no_part_of_the_document)
{
    static const struct {
        const char *name, *health, *kept, *shown;
    } rows[] = {
        {"all", "10", "10", TWO(IN("80", READY), IN("81", UNREADY PROBE))},
        {"one", "-1", "-1", TWO(IN("80", ""), IN("81", READY PROBE))},
        {"too few", "1", "1-", TWO(IN("80", READY), IN("81", PROBE))},
        {"too many, and garbage", "x011", "-0", TWO(IN("80", ""), IN("81", UNREADY PROBE))},
        {"nothing", "--", "", TWO(IN("80", ""), IN("81", PROBE))},
    };
    static const char document[] = TWO(IN("80", ""), IN("81", PROBE));
    struct resource *r = doc_resource(RES_DATAPLANE, document);
    r->origin = ORIGIN_PROXY;
    r->revision = 7;
    r->modified_ns = 9;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct resource *told = dataplane_with_health(r, str_from_c(rows[i].health));
        EXPECT_STR(rows[i].name, told->health, rows[i].kept);
        EXPECT_STR(rows[i].name, resource_spec_text(told), rows[i].shown);
        EXPECT_STR(rows[i].name, blob_str(told->spec_json), document);
        EXPECT_INT(rows[i].name, told->origin, ORIGIN_PROXY);
        EXPECT_INT(rows[i].name, told->revision, 7);
        EXPECT_INT(rows[i].name, told->modified_ns, 9);
        resource_unref(told);
    }
    resource_unref(r);
}

TEST(health_is_kept_as_long_as_it_is_of_the_same_probe)
{
    static const struct {
        const char *name, *before, *health, *after, *kept;
    } rows[] = {
        {"the same", TWO(IN("80", ""), IN("81", PROBE)), "01", TWO(IN("80", ""), IN("81", PROBE)), "01"},
        {"nothing told", TWO(IN("80", ""), IN("81", PROBE)), "", TWO(IN("80", ""), IN("81", PROBE)), ""},
        {"another port", TWO(IN("80", ""), IN("81", "")), "00", TWO(IN("82", ""), IN("81", "")), "-0"},
        {"another workload", TWO(IN("80", ""), IN("81", "")), "00", TWO(SERVED("80", "8"), IN("81", "")),
         "-0"},
        {"no more probe", TWO(IN("80", PROBE), IN("81", "")), "01", TWO(IN("80", ""), IN("81", "")), "-1"},
        {"a word of the document", TWO(IN("80", ""), IN("81", "")), "00",
         TWO(IN("80", READY), IN("81", UNREADY)), ""},
        {"a word that it had before", TWO(IN("80", READY), IN("81", UNREADY)), "01",
         TWO(IN("80", READY), IN("81", UNREADY)), "01"},
        {"what a probed one begins as is no word", TWO(IN("80", PROBE), IN("81", "")), "11",
         TWO(IN("80", UNREADY PROBE), IN("81", "")), "11"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct resource *document = doc_resource(RES_DATAPLANE, rows[i].before);
        struct resource *before = dataplane_with_health(document, str_from_c(rows[i].health));
        struct resource *fresh = doc_resource(RES_DATAPLANE, rows[i].after);
        struct resource *after = dataplane_keep_health(fresh, before);
        EXPECT_STR(rows[i].name, after->health, rows[i].kept);
        EXPECT_STR(rows[i].name, blob_str(after->spec_json), rows[i].after);
        EXPECT_INT("not stored yet", after->modified_ns, 0);
        struct resource *alone =
            dataplane_keep_health(before, NULL); /* as when it comes back from the past */
        EXPECT_INT("of itself it brings none", alone->health.n, 0);
        resource_unref(alone);
        resource_unref(after);
        resource_unref(fresh);
        resource_unref(before);
        resource_unref(document);
    }
}
