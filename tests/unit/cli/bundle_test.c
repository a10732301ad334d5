/* Several files in one text: documents stay apart, and a line finds its way back to its file. */
#include "../../lib/test.h"

#include "../../../src/cli/apply.h"
#include "ursa/base/json.h"
#include "ursa/base/yaml.h"

/* The place of 'field' in document 'doc' of a bundle of these files. */
static struct str place_of(struct arena *a, const char *const *files, size_t n, size_t doc, const char *field)
{
    struct bundle b;
    struct text_pos pos;

    bundle_init(&b, a);
    for (size_t i = 0; i < n; i++)
        bundle_add(&b, arena_printf(a, "%zu.yaml", i + 1), str_from_c(files[i]));
    pos = yaml_locate(buf_str(&b.text), doc, str_from_c(field));
    struct str place = bundle_place(&b, pos.line, pos.column);
    bundle_fini(&b);
    return place;
}

TEST(places_are_those_of_the_file)
{
    static const struct {
        const char *name, *files[4];
        size_t n_files, doc;
        const char *field, *want;
    } rows[] = {
        {"one file", {"a: 1\nb: 2\n"}, 1, 0, "b", "1.yaml:2:1"},
        {"second document of one file", {"a: 1\n---\n\nb: {c: 2}\n"}, 1, 1, "b.c", "1.yaml:4:5"},
        {"second file", {"a: 1\n", "\n# x\nb: 2\n"}, 2, 1, "b", "2.yaml:3:1"},
        {"no newline at the end", {"a: 1", "b: 2", "c: 3"}, 3, 2, "c", "3.yaml:1:1"},
        {"separators of its own",
         {"---\na: 1\n---\n", "---\nb: 2\n...\n", "c: 3\n"},
         3,
         2,
         "c",
         "3.yaml:1:1"},
        {"CRLF", {"a: 1\r\nx: 2\r\n", "b: 2\r\nc: 3\r\n"}, 2, 1, "c", "2.yaml:2:1"},
        {"CR alone", {"a: 1\rx: 2\r", "b: 2\nc: 3\n"}, 2, 1, "c", "2.yaml:2:1"},
        {"Unicode line separator", {"a: 'x\xe2\x80\xa8y'\n", "b: 2\nc: 3\n"}, 2, 1, "c", "2.yaml:2:1"},
        {"an empty file between", {"a: 1\n", "", "c: 3\n"}, 3, 1, "c", "3.yaml:1:1"},
        {"only comments", {"# nothing\n", "c: 3\n"}, 2, 0, "c", "2.yaml:1:1"},
        {"byte order mark",
         {"a: 1\n", "\xef\xbb\xbf"
                    "c: 3\n"},
         2,
         1,
         "c",
         "2.yaml:1:1"},
        {"JSON after YAML", {"a: 1\n", "{\n\t\"b\": {\"c\": [1]}}"}, 2, 1, "b.c", "2.yaml:2:8"},
        {"a directive", {"a: 1\n", "%YAML 1.1\n---\nc: 3\n"}, 2, 1, "c", "2.yaml:3:1"},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT_STR(rows[i].name, place_of(&a, rows[i].files, rows[i].n_files, rows[i].doc, rows[i].field),
                   rows[i].want);
    arena_fini(&a);
}

TEST(texts_with_a_place_get_the_file)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"line 3, column 14: a fault", "f.yaml:3:14: a fault"},
        {"line 3: a fault", "f.yaml: line 3: a fault"},
        {"line x, column 1: a fault", "f.yaml: line x, column 1: a fault"},
        {"unexpected end of JSON input", "f.yaml: unexpected end of JSON input"},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT_STR(rows[i].text, bundle_relate(&a, STR("f.yaml"), str_from_c(rows[i].text)), rows[i].want);
    arena_fini(&a);
}

TEST(faults_say_place_resource_field_and_message)
{
    static const struct {
        const char *document, *fault, *want;
    } rows[] = {
        {"{\"type\":\"Timeout\",\"mesh\":\"blue\",\"name\":\"t1\"}",
         "{\"field\":\"conf.http\",\"message\":\"is wrong\",\"line\":4,\"column\":3}",
         "b.yaml:2:3: timeout/blue/t1: conf.http: is wrong"},
        {"{\"type\":\"Mesh\",\"name\":\"m\"}",
         "{\"field\":\"\",\"message\":\"is wrong\",\"line\":1,\"column\":1}", "a.yaml:1:1: mesh/m: is wrong"},
        {"{}", "{\"field\":\"type\",\"message\":\"cannot be empty\",\"line\":3,\"column\":1}",
         "b.yaml:1:1: type: cannot be empty"},
        {"{\"type\":\"Timeout\"}", "{\"field\":\"x\",\"message\":\"y\"}", "a.yaml: timeout: x: y"},
        {"{}", "{\"line\":-5,\"message\":7}", "a.yaml"},
    };
    struct arena a;
    struct bundle b;

    arena_init(&a);
    bundle_init(&b, &a);
    bundle_add(&b, STR("a.yaml"), STR("x: 1"));
    bundle_add(&b, STR("b.yaml"), STR("x: 1\ny: 1\n"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        JSON_AUTO document = NULL;
        JSON_AUTO fault = NULL;
        struct err e;

        err_init(&e, &a);
        EXPECT_INT(rows[i].want, json_parse(str_from_c(rows[i].document), &document, &e), ERR_NONE);
        EXPECT_INT(rows[i].want, json_parse(str_from_c(rows[i].fault), &fault, &e), ERR_NONE);
        EXPECT_STR(rows[i].want, apply_fault_text(&b, document, fault), rows[i].want);
    }
    bundle_fini(&b);
    arena_fini(&a);
}
