/* JSON: what is refused and why, and output byte for byte as Go's encoding/json has it. */
#include "../../lib/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ursa/base/buf.h"
#include "ursa/base/json.h"

TEST(faults)
{
    static const char truncated[] = "unexpected end of JSON input";
    static const struct {
        const char *text, *want; /* the start of the message; NULL: accepted */
    } rows[] = {
        {"{}", NULL},
        {" [1, 2.5, \"x\", null, true] \n", NULL},
        {"5", NULL},
        {"\"s\"", NULL},
        {"null", NULL},
        {"{\"a\":1,\"a\":2}", NULL},
        {"", truncated},
        {"  \n", truncated},
        {"{", truncated},
        {"{\"a\"", truncated},
        {"{\"a\":", truncated},
        {"{\"a\":1", truncated},
        {"{\"a\":1,", truncated},
        {"[1,", truncated},
        {"\"abc", truncated},
        {"\"abc\\", truncated},
        {"\"\\u00", truncated},
        {"-", truncated},
        {"{\"a\": \"b", truncated},
        {"tru", truncated},
        {"[nul", truncated},
        {"-", truncated},
        {"[1.", truncated},
        {"1e", truncated},
        {"{} x", "line 1, column 4: invalid character 'x' after top-level value"},
        {"{}}", "line 1, column 3: invalid character '}' after top-level value"},
        {"type: Mesh", "line 1, column 2: invalid character 'y' in literal true (expecting 'r')"},
        {"{\n  \"a\": x\n}", "line 2, column 8: invalid character 'x' looking for beginning of value"},
        {"falsy", "line 1, column 5: invalid character 'y' in literal false (expecting 'e')"},
        {"[01]", "line 1, column 3: invalid character '1' after array element"},
        {"[-a]", "line 1, column 3: invalid character 'a' in numeric literal"},
        {"[1.]", "line 1, column 4: invalid character ']' after decimal point in numeric literal"},
        {"[1e+]", "line 1, column 5: invalid character ']' in exponent of numeric literal"},
        {"{\"a\":1,}", "line 1, column 8: invalid character '}' looking for beginning of object key string"},
        {"{1:2}", "line 1, column 2: invalid character '1' looking for beginning of object key string"},
        {"{\"a\" 1}", "line 1, column 6: invalid character '1' after object key"},
        {"{\"a\":1 \"b\"}", "line 1, column 8: invalid character '\"' after object key:value pair"},
        {"[1}", "line 1, column 3: invalid character '}' after array element"},
        {"[,]", "line 1, column 2: invalid character ',' looking for beginning of value"},
        {"['a']", "line 1, column 2: invalid character '\\'' looking for beginning of value"},
        {"\"a\nb\"", "line 1, column 3: invalid character '\\n' in string literal"},
        {"\"\\x\"", "line 1, column 3: invalid character 'x' in string escape code"},
        {"\"\\u00g0\"", "line 1, column 6: invalid character 'g' in \\u hexadecimal character escape"},
        {"\xef\xbb\xbf{}", "line 1, column 1: invalid character '\u00ef' looking for beginning of value"},
        {"\x80", "line 1, column 1: invalid character '\\u0080' looking for beginning of value"},
        {"\"\\u0000\"", "line 1, column 2: NUL in a string"},
        {"{\"a\":1,\n\"\\u0000\":2}", "line 2, column 2: NUL in a string"},
        {"\"\xff\"", "line 1, column 2: invalid UTF-8 in a string"},
        {"{\"\xc3\":1}", "line 1, column 3: invalid UTF-8 in a string"},
        {"\"\xed\xa0\x80\"", "line 1, column 2: invalid UTF-8 in a string"},
        {"\"\\n\xc0\x80\"", "line 1, column 4: invalid UTF-8 in a string"},
        {"\"\\ud800\"", NULL},
        {"\"\\ud800 \\u0000\"", "line 1, column 9: NUL in a string"},
        {"[1e999]", "line 1, column 7: number out of range"},
        {"[9223372036854775808, 1e999]", "line 1, column 28: number out of range"},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e;
        json_t *v;

        err_init(&e, &a);
        enum err_kind kind = json_parse(str_from_c(rows[i].text), &v, &e);

        EXPECT_INT(rows[i].text, kind, rows[i].want ? ERR_MALFORMED : ERR_NONE);
        EXPECT_INT(rows[i].text, v != NULL, kind == ERR_NONE);
        json_decref(v);
        if (rows[i].want == truncated)
            EXPECT_STR(rows[i].text, e.text, truncated);
        else if (rows[i].want && !str_has_prefix(e.text, str_from_c(rows[i].want)))
            FAIL("%s\n   got <" STR_FMT ">\n  want <%s...>", rows[i].text, STR_ARG(e.text), rows[i].want);
    }
    arena_fini(&a);
}

TEST(broken_surrogate_pairs)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80"},
        {"\"\\ud800\"", "\xef\xbf\xbd"},
        {"\"a\\uDFFFb\"", "a\xef\xbf\xbd"
                          "b"},
        {"\"\\udc00\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
        {"\"\\ud800\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
        {"\"\\ud800\\n\\\\ud800\"", "\xef\xbf\xbd\n\\ud800"},
        {"\"\\ud800\\u0041\"", "\xef\xbf\xbd"
                               "A"},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e;
        json_t *v;

        err_init(&e, &a);
        EXPECT_INT(rows[i].text, json_parse(str_from_c(rows[i].text), &v, &e), ERR_NONE);
        EXPECT_STR(rows[i].text, json_str(v), rows[i].want);
        json_decref(v);
    }
    arena_fini(&a);
}

static enum err_kind parse_nested(size_t depth, const char *open, const char *shut)
{
    struct arena a;
    struct err e;
    json_t *v;
    struct buf text;

    buf_init(&text, 4096);
    for (size_t i = 0; i < depth; i++)
        buf_add_str(&text, str_from_c(open));
    buf_add_byte(&text, '0');
    for (size_t i = 0; i < depth; i++)
        buf_add_str(&text, str_from_c(shut));
    arena_init(&a);
    err_init(&e, &a);
    enum err_kind kind = json_parse(buf_str(&text), &v, &e);
    json_decref(v);
    buf_fini(&text);
    arena_fini(&a);
    return kind;
}

TEST(nesting)
{
    EXPECT_INT("64 lists", parse_nested(JSON_MAX_NESTING, "[", "]"), ERR_NONE);
    EXPECT_INT("65 lists", parse_nested(JSON_MAX_NESTING + 1, "[", "]"), ERR_MALFORMED);
    EXPECT_INT("65 objects", parse_nested(JSON_MAX_NESTING + 1, "{\"a\":", "}"), ERR_MALFORMED);

    struct arena a;
    struct err e;
    json_t *v;
    enum { N = 1 << 20 };
    char *text = malloc(N);

    arena_init(&a);
    err_init(&e, &a);
    memset(text, '[', N);
    EXPECT_INT("a megabyte of brackets", json_parse(str_from(text, N), &v, &e), ERR_MALFORMED);
    EXPECT_STR("where", e.text, "line 1, column 65: nested too deeply");
    free(text);
    EXPECT_INT("brackets in a string",
               json_parse(STR("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
                              "[[[[[[[[[[[[[\\\"[[[[[[[[[[[[[[[[[[[[[[[[\""),
                          &v, &e),
               ERR_NONE);
    json_decref(v);
    arena_fini(&a);
}

static enum err_kind parse_list(struct arena *a, size_t n, const char *item, struct str *fault)
{
    struct buf text;
    struct err e;
    json_t *v;

    buf_init(&text, 8 << 20);
    buf_add_str(&text, STR("[0"));
    for (size_t i = 0; i < n; i++)
        buf_printf(&text, ",%s", item);
    buf_add_byte(&text, ']');
    err_init(&e, a);
    enum err_kind kind = json_parse(buf_str(&text), &v, &e);
    *fault = e.text;
    json_decref(v);
    buf_fini(&text);
    return kind;
}

TEST(values)
{
    static const char item[] = "\"a value of twenty bytes\"";
    struct arena a;
    struct str fault;

    arena_init(&a);
    EXPECT_INT("as many as allowed", parse_list(&a, 50000 - 2, "1", &fault), ERR_NONE);
    EXPECT_INT("one more", parse_list(&a, 50000 - 1, "1", &fault), ERR_MALFORMED);
    EXPECT_STR("how many", fault, "line 1, column 100000: more than 50000 values");
    EXPECT_INT("longer ones", parse_list(&a, 100000, item, &fault), ERR_NONE);
    arena_fini(&a);
}

static enum err_kind parse_object(struct arena *a, size_t n, struct str *fault)
{
    struct buf text;
    struct err e;
    json_t *v;

    buf_init(&text, 4 << 20);
    buf_add_str(&text, STR("[{\"a\":{}"));
    for (size_t i = 1; i < n; i++)
        buf_printf(&text, ",\"%zu\":1", i);
    buf_add_str(&text, STR("},{\"a\":1}]"));
    err_init(&e, a);
    enum err_kind kind = json_parse(buf_str(&text), &v, &e);
    *fault = e.text;
    json_decref(v);
    buf_fini(&text);
    return kind;
}

TEST(keys)
{
    struct arena a;
    struct str fault;

    arena_init(&a);
    EXPECT_INT("as many as allowed", parse_object(&a, 10000, &fault), ERR_NONE);
    EXPECT_INT("one more", parse_object(&a, 10001, &fault), ERR_MALFORMED);
    EXPECT_STR("how many", fault, "line 1, column 88901: more than 10000 keys in one object");
    arena_fini(&a);
}

/* The compact text laid out as an answer is. */
static struct str indented(struct arena *a, const char *compact)
{
    struct buf out;

    buf_init(&out, 4096);
    json_indent(&out, str_from_c(compact), 0);
    buf_add_byte(&out, '\n');
    struct str text = arena_str(a, buf_str(&out));
    buf_fini(&out);
    return text;
}

TEST(text_is_indented_where_it_stands)
{
    static const struct {
        const char *name, *compact;
        size_t level;
        const char *want;
    } rows[] = {
        {"in a list", "{\"a\":[1]}", 2, "{\n   \"a\": [\n    1\n   ]\n  }"},
        {"begins inside", "\"a\":{},\"b\":[]}", 1, "\"a\": {},\n \"b\": []\n}"},
        {"ends inside", "{\"a\":1,", 0, "{\n \"a\": 1,\n "},
        {"only the end", "}", 1, "\n}"},
        {"marks in strings", "[\"{,:}[\\\"]\\\\\",2]", 0, "[\n \"{,:}[\\\"]\\\\\",\n 2\n]"},
        {"deeper than one run of blanks", "[1]", 150,
         "[\n"
         "                                                  "
         "                                                  "
         "                                                   1\n"
         "                                                  "
         "                                                  "
         "                                                  ]"},
        {"nothing", "", 3, ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out;

        buf_init(&out, 4096);
        json_indent(&out, str_from_c(rows[i].compact), rows[i].level);
        EXPECT_STR(rows[i].name, buf_str(&out), rows[i].want);
        buf_fini(&out);
    }
}

TEST(indented_text_keeps_to_the_cap)
{
    struct str compact = STR("{\"a name of more than sixteen bytes\":[1,{\"b\":\"c\"},[2]]}");
    struct buf whole, out;

    buf_init(&whole, 4096);
    json_indent(&whole, compact, 20);
    for (size_t cap = 0; cap <= whole.n + 20; cap++) {
        buf_init(&out, cap);
        json_indent(&out, compact, 20);
        EXPECT_INT("fits", buf_ok(&out), cap >= whole.n);
        EXPECT_TRUE("a beginning", str_has_prefix(buf_str(&whole), buf_str(&out)));
        EXPECT_TRUE("all of it", !buf_ok(&out) || out.n == whole.n);
        buf_fini(&out);
    }
    buf_fini(&whole);
}

TEST(formats)
{
    static const struct {
        const char *name, *text, *compact, *pretty, *canonical;
    } rows[] = {
        {"object", "{\"b\":1,\"a\":[1,{}],\"c\":[],\"d\":{\"x\":null}}",
         "{\"b\":1,\"a\":[1,{}],\"c\":[],\"d\":{\"x\":null}}",
         "{\n \"b\": 1,\n \"a\": [\n  1,\n  {}\n ],\n \"c\": [],\n \"d\": {\n  \"x\": null\n }\n}\n",
         "{\"a\":[1,{}],\"b\":1,\"c\":[],\"d\":{\"x\":null}}"},
        {"last of two keys wins", "{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}",
         "{\n \"a\": 3,\n \"b\": 2\n}\n", "{\"a\":3,\"b\":2}"},
        {"scalar", "true", "true", "true\n", "true"},
        {"escapes", "\"\\u0001\\b\\f\\n\\r\\t\\\"\\\\\\/<>&\u00e4\"",
         "\"\\u0001\\u0008\\u000c\\n\\r\\t\\\"\\\\/<>&\u00e4\"",
         "\"\\u0001\\u0008\\u000c\\n\\r\\t\\\"\\\\/<>&\u00e4\"\n",
         "\"\\u0001\\u0008\\u000c\\n\\r\\t\\\"\\\\/<>&\u00e4\""},
        {"line separators", "\"\u2028\u2029\u20ac\"", "\"\\u2028\\u2029\u20ac\"",
         "\"\\u2028\\u2029\u20ac\"\n", "\"\\u2028\\u2029\u20ac\""},
        {"escaped keys", "{\"\\u0061\\\"\":\"\\u0062\",\"\":[\"\",{\"\\\\\":\"\\u00e4\\u20ac\"}]}",
         "{\"a\\\"\":\"b\",\"\":[\"\",{\"\\\\\":\"\u00e4\u20ac\"}]}",
         "{\n \"a\\\"\": \"b\",\n \"\": [\n  \"\",\n  {\n   \"\\\\\": \"\u00e4\u20ac\"\n  }\n ]\n}\n",
         "{\"\":[\"\",{\"\\\\\":\"\u00e4\u20ac\"}],\"a\\\"\":\"b\"}"},
        {"blanks", " [ 1 , { \"a\" : -0 , \"b\" : [ ] } , { } ]\n", "[1,{\"a\":0,\"b\":[]},{}]",
         "[\n 1,\n {\n  \"a\": 0,\n  \"b\": []\n },\n {}\n]\n", "[1,{\"a\":0,\"b\":[]},{}]"},
        {"integers", "[0,-1,9223372036854775807]", "[0,-1,9223372036854775807]",
         "[\n 0,\n -1,\n 9223372036854775807\n]\n", "[0,-1,9223372036854775807]"},
        {"integers past int64 become reals",
         "{\"9999999999999999999\\\\\":[9223372036854775808,9223372036854775807,-9223372036854775809,1E5,20]"
         "}",
         "{\"9999999999999999999\\\\\":[9223372036854776000,9223372036854775807,-9223372036854776000,100000,"
         "20]}",
         "{\n \"9999999999999999999\\\\\": [\n  9223372036854776000,\n  9223372036854775807,\n  "
         "-9223372036854776000,\n  100000,\n  20\n ]\n}\n",
         "{\"9999999999999999999\\\\\":[9223372036854776000,9223372036854775807,-9223372036854776000,100000,"
         "20]}"},
        {"nested keys are sorted", "{\"z\":{\"b\":1,\"a\":2}}", "{\"z\":{\"b\":1,\"a\":2}}",
         "{\n \"z\": {\n  \"b\": 1,\n  \"a\": 2\n }\n}\n", "{\"z\":{\"a\":2,\"b\":1}}"},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e;
        json_t *v;

        err_init(&e, &a);
        EXPECT_INT(rows[i].name, json_parse(str_from_c(rows[i].text), &v, &e), ERR_NONE);
        EXPECT_STR(rows[i].name, json_format(&a, v), rows[i].compact);
        EXPECT_STR(rows[i].name, json_format_pretty(&a, v), rows[i].pretty);
        EXPECT_STR(rows[i].name, indented(&a, rows[i].compact), rows[i].pretty);
        EXPECT_STR(rows[i].name, json_format_canonical(&a, v), rows[i].canonical);
        json_decref(v);
    }
    arena_fini(&a);
}

TEST(reals)
{
    static const struct {
        double v;
        const char *want; /* as Go prints it */
    } rows[] = {
        {0, "0"},
        {-0.0, "0"},
        {100, "100"},
        {-1, "-1"},
        {0.1, "0.1"},
        {62.5, "62.5"},
        {1.0 / 3, "0.3333333333333333"},
        {1e-6, "0.000001"},
        {1.5e-6, "0.0000015"},
        {1e-7, "1e-7"},
        {1.25e-9, "1.25e-9"},
        {1e20, "100000000000000000000"},
        {123456789012345678901.0, "123456789012345680000"},
        {1e21, "1e+21"},
        {1.5e300, "1.5e+300"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {-123.456, "-123.456"},
    };
    char text[JSON_REAL_TEXT];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_real_text(rows[i].v, text);
        EXPECT_CSTR(rows[i].want, text, rows[i].want);
    }
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = test_rand();
        double v;

        memcpy(&v, &bits, sizeof(v));
        if (!isfinite(v))
            continue;
        json_real_text(v, text);
        if (strtod(text, NULL) != v) /* lint: reading back is the test */
            FAIL("%.17g became %s", v, text);
    }
}

TEST(helpers)
{
    struct arena a;
    JSON_AUTO o = json_pack("{s:s, s:i}", "name", "web", "port", 80);

    arena_init(&a);
    EXPECT_STR("member", json_str(json_get(o, "name")), "web");
    EXPECT_TRUE("not a string", json_str(json_get(o, "port")).p == NULL);
    EXPECT_TRUE("absent", json_get(o, "x") == NULL);
    EXPECT_TRUE("of nothing", json_get(NULL, "x") == NULL && json_str(NULL).p == NULL);
    EXPECT_TRUE("of no object", json_get(json_get(o, "name"), "x") == NULL);
    EXPECT_STR("key", json_key_str("abc"), "abc");
    JSON_AUTO bad = json_from_str(STR("a\xff\u00e4"));
    EXPECT_STR("bad UTF-8 is replaced", json_str(bad), "a\ufffd\u00e4");
    JSON_AUTO none = json_from_str(STR_NONE);
    EXPECT_TRUE("the empty string is a string", json_is_string(none) && json_string_length(none) == 0);
    arena_fini(&a);
}
