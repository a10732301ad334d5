/* size, offset and next. */
#include "asked.h"

#include "../../../src/api/page.h"

#define ALL SIZE_MAX

static const struct {
    const char *name, *uri;
    size_t offset, size;
    const char *fault; /* the answer's detail: what is wrong */
} reads[] = {
    {"defaults", "/meshes", 0, 100, NULL},
    {"both", "/meshes?size=7&offset=3", 3, 7, NULL},
    {"the first counts", "/meshes?size=7&size=9", 0, 7, NULL},
    {"empty values are none", "/meshes?size=&offset=", 0, 100, NULL},
    {"largest size", "/meshes?size=1000", 0, 1000, NULL},
    {"size 0 is no paging", "/meshes?size=0", 0, ALL, NULL},
    {"largest offset", "/meshes?offset=2147483647", 2147483647, 100, NULL},
    {"size one too large", "/meshes?size=1001", 0, 0, "Invalid page size"},
    {"size beyond any number", "/meshes?size=99999999999999999999", 0, 0, "Invalid page size"},
    {"negative size", "/meshes?size=-1", 0, 0, "Invalid page size"},
    {"size no number", "/meshes?size=x", 0, 0, "Invalid page size"},
    {"size half a number", "/meshes?size=1x", 0, 0, "Invalid page size"},
    {"negative offset", "/meshes?offset=-1", 0, 0, "Invalid offset"},
    {"offset no number", "/meshes?offset=x", 0, 0, "Invalid offset"},
    {"offset with a fraction", "/meshes?offset=1.5", 0, 0, "Invalid offset"},
    {"offset too large", "/meshes?offset=2147483648", 0, 0, "Invalid offset"},
    {"the offset's fault first", "/meshes?offset=x&size=x", 0, 0, "Invalid offset"},
};

TEST(pages_are_read_from_the_query)
{
    for (size_t i = 0; i < ARRAY_LEN(reads); i++) {
        struct request r;
        struct page page;

        asked_init(&r, GET, reads[i].uri);
        EXPECT_INT(reads[i].name, router_parse_uri(&r), ERR_NONE);
        EXPECT_INT(reads[i].name, page_read(&r, &page), reads[i].fault == NULL);
        if (reads[i].fault) {
            JSON_AUTO body = asked_answer(&r);
            EXPECT_INT(reads[i].name, r.status, 400);
            EXPECT_STR(reads[i].name, json_str(json_get(body, "detail")), reads[i].fault);
        } else {
            EXPECT_INT(reads[i].name, page.offset, reads[i].offset);
            EXPECT_TRUE(reads[i].name, page.size == reads[i].size);
        }
        asked_fini(&r);
    }
}

static const struct {
    const char *name, *uri;
    size_t n;          /* items there are */
    size_t first, end; /* of them on the page */
    const char *next;  /* NULL: the last page */
} pages[] = {
    {"everything", "/meshes", 3, 0, 3, NULL},
    {"nothing", "/meshes", 0, 0, 0, NULL},
    {"first of two", "/meshes?size=2", 3, 0, 2, "http:///meshes?offset=2&size=2"},
    {"last of two", "/meshes?size=2&offset=2", 3, 2, 3, NULL},
    {"ends with the page", "/meshes?size=3", 3, 0, 3, NULL},
    {"past the end", "/meshes?size=2&offset=9", 3, 3, 3, NULL},
    {"all from an offset", "/meshes?size=0&offset=1", 3, 1, 3, NULL},
    {"default size", "/meshes", 101, 0, 100, "http:///meshes?offset=100"},
    {"other values come along, sorted", "/timeouts?size=1&b=c%20d&a=%2f", 2, 0, 1,
     "http:///timeouts?a=%2F&b=c+d&offset=1&size=1"},
    {"the path as sent", "/meshes/a%20b/timeouts?size=1", 2, 0, 1,
     "http:///meshes/a%20b/timeouts?offset=1&size=1"},
};

TEST(pages_say_what_comes_next)
{
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        struct request r;
        struct page page;
        size_t first, end;

        asked_init(&r, GET, pages[i].uri);
        EXPECT_INT(pages[i].name, router_parse_uri(&r), ERR_NONE);
        EXPECT_TRUE(pages[i].name, page_read(&r, &page));
        page_bounds(&page, pages[i].n, &first, &end);
        EXPECT_INT(pages[i].name, first, pages[i].first);
        EXPECT_INT(pages[i].name, end, pages[i].end);
        page_answer(&r, &page, pages[i].n, pages[i].n, json_array());
        JSON_AUTO body = asked_answer(&r);
        EXPECT_INT(pages[i].name, r.status, 200);
        EXPECT_INT(pages[i].name, json_integer_value(json_get(body, "total")), pages[i].n);
        if (pages[i].next)
            EXPECT_STR(pages[i].name, json_str(json_get(body, "next")), pages[i].next);
        else
            EXPECT_TRUE(pages[i].name, json_is_null(json_get(body, "next")));
        asked_fini(&r);
    }
}

TEST(items_stand_two_levels_deep)
{
    struct request r;
    struct page page = {.size = 100};
    struct items items;
    struct resource *mesh = resource_new(&(struct res_key){.type = RES_MESH, .name = STR("m")});

    asked_init(&r, GET, "/meshes");
    items_init(&items);
    items_add_json(&items, json_pack("{s:[i]}", "a", 1));
    items_add_resource(&items, mesh);
    page_answer_items(&r, &page, 2, 7, &items);
    EXPECT_STR("answer", buf_str(&r.out),
               "{\n \"total\": 7,\n \"items\": [\n"
               "  {\n   \"a\": [\n    1\n   ]\n  },\n"
               "  {\n   \"type\": \"Mesh\",\n   \"name\": \"m\",\n"
               "   \"creationTime\": \"1970-01-01T00:00:00Z\",\n"
               "   \"modificationTime\": \"1970-01-01T00:00:00Z\"\n  }\n"
               " ],\n \"next\": null\n}\n");
    page_answer(&r, &page, 0, 0, json_array());
    EXPECT_STR("none", buf_str(&r.out), "{\n \"total\": 0,\n \"items\": [],\n \"next\": null\n}\n");
    resource_unref(mesh);
    asked_fini(&r);
}
