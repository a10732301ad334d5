/* YAML: scalars as kumactl reads them, refusals with their place, round trips, and finding a field's line. */
#include "../../lib/test.h"

#include <stdlib.h>
#include <string.h>

#include "ursa/base/buf.h"
#include "ursa/base/json.h"
#include "ursa/base/yaml.h"

/* The documents as compact JSON, one a line, or the error's text. */
static struct str parse(struct arena *a, struct str text)
{
    struct yaml_doc *docs;
    size_t n;
    struct err e;
    struct str out = STR("");

    err_init(&e, a);
    if (yaml_parse(text, 3, &docs, &n, &e))
        return e.text;
    for (size_t i = 0; i < n; i++) {
        struct str json = json_format(a, docs[i].root);

        out = arena_printf(a, STR_FMT "%s" STR_FMT, STR_ARG(out), i > 0 ? "\n" : "", STR_ARG(json));
        json_decref(docs[i].root);
    }
    return out;
}

TEST(scalars)
{
    static const struct {
        const char *yaml, *want;
    } rows[] = {
        {"[true, True, TRUE, yes, Yes, on, ON, y, Y]", "[true,true,true,true,true,true,true,true,true]"},
        {"[false, no, NO, off, Off, n, N]", "[false,false,false,false,false,false,false]"},
        {"[tRue, yEs, oN, nUll]", "[\"tRue\",\"yEs\",\"oN\",\"nUll\"]"},
        {"[null, Null, NULL, ~]", "[null,null,null,null]"},
        {"a:\nb: ''", "{\"a\":null,\"b\":\"\"}"},
        {"[0, 1, -1, +5, 1_000]", "[0,1,-1,5,1000]"},
        {"[0x1F, 0o17, 017, 0b101, -0x10, -0b11, 0X1f]", "[31,15,15,5,-16,-3,31]"},
        {"[08, 0x, 0b2, 1a, 1-2, 0xg, _1, '1']", "[8,\"0x\",\"0b2\",\"1a\",\"1-2\",\"0xg\",\"_1\",\"1\"]"},
        {"[9223372036854775807, -9223372036854775808]", "[9223372036854775807,-9223372036854775808]"},
        {"[9223372036854775808, -1e300]", "[9223372036854776000,-1e+300]"},
        {"[1.5, .5, 5., 1e3, -2.5E-3, 1_0.5, 6.8523015e+5]", "[1.5,0.5,5,1000,-0.0025,10.5,685230.15]"},
        {"[1.2.3, 1e999, 1e, ., +, -, e5, 190:20:30, 10.0.0.1]",
         "[\"1.2.3\",\"1e999\",\"1e\",\".\",\"+\",\"-\",\"e5\",\"190:20:30\",\"10.0.0.1\"]"},
        {"[2001-12-14, 2001-12-14t21:59:43.10-05:00]", "[\"2001-12-14\",\"2001-12-14t21:59:43.10-05:00\"]"},
        {"[\"true\", 'null', \"5\"]", "[\"true\",\"null\",\"5\"]"},
        {"[!!str 5, !!str true, !!int 5, !!float 5, !!bool yes, !!null ~, ! 5]",
         "[\"5\",\"true\",5,5,true,null,\"5\"]"},
        {"!!map {a: !!seq [1]}", "{\"a\":[1]}"},
        {"{1: a, true: b, 0x10: c, 1.5: d, yes please: e}",
         "{\"1\":\"a\",\"true\":\"b\",\"16\":\"c\",\"1.5\":\"d\",\"yes please\":\"e\"}"},
        {"a: |\n  x\n  y\nb: >\n  x\n  y\n", "{\"a\":\"x\\ny\\n\",\"b\":\"x y\\n\"}"},
        {"&a x", "\"x\""},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT_STR(rows[i].yaml, parse(&a, str_from_c(rows[i].yaml)), rows[i].want);
    arena_fini(&a);
}

TEST(refusals_say_where)
{
    static const struct {
        const char *yaml, *want;
    } rows[] = {
        {"a: 1\nb:\n  c: 1\n  c: 2\n", "line 4, column 3: the key \"c\" is given twice"},
        {"1: a\n\"1\": b\n", "line 2, column 1: the key \"1\" is given twice"},
        {"a: &x 1\nb: *x\n", "line 2, column 4: aliases are not supported"},
        {"&x a: 1\n*x : 2\n", "line 2, column 1: aliases are not supported"},
        {"a: &x {b: 1}\n<<: {c: 1}\n", "line 2, column 1: merge keys are not supported"},
        {"[a]: 1", "line 1, column 1: a key must be a scalar"},
        {"~: 1", "line 1, column 1: a key must not be null"},
        {"a: .inf", "line 1, column 4: JSON cannot hold the number .inf"},
        {"a: .NaN", "line 1, column 4: JSON cannot hold the number .NaN"},
        {"a: !!int x", "line 1, column 4: \"x\" does not fit its tag !!int"},
        {"a: !foo x", "line 1, column 4: the tag !foo is not supported"},
        {"a: !!binary x", "line 1, column 4: \"x\" does not fit its tag !!binary"},
        {"a: !!map [x]", "line 1, column 4: the tag tag:yaml.org,2002:map is not supported here"},
        {"a: \"\\0\"", "line 1, column 4: a NUL character is not allowed"},
        {"1\n---\n2\n---\n3\n---\n4\n", "line 7, column 1: more than 3 documents"},
        {"a: [1", "line 2, column 1: while parsing a flow sequence: did not find expected ',' or ']'"},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT_STR(rows[i].yaml, parse(&a, str_from_c(rows[i].yaml)), rows[i].want);
    EXPECT_TRUE("bad UTF-8", str_has_prefix(parse(&a, STR("a: \xff")), STR("line 1, column ")));
    EXPECT_TRUE("a control character", str_has_prefix(parse(&a, STR("a: \x01")), STR("line 1, column ")));
    arena_fini(&a);
}

TEST(documents)
{
    static const struct {
        const char *name, *yaml, *want;
    } rows[] = {
        {"nothing", "", ""},
        {"comments only", "# x\n---\n# y\n", ""},
        {"two", "a: 1\n---\nb: 2\n", "{\"a\":1}\n{\"b\":2}"},
        {"empty ones between", "---\n---\na: 1\n---\n---\nb: 2\n---\n", "{\"a\":1}\n{\"b\":2}"},
        {"explicit null stays", "--- null\n", "null"},
        {"an empty string stays", "--- ''\n", "\"\""},
        {"JSON", "{\"a\": [1, {\"b\": null}]}", "{\"a\":[1,{\"b\":null}]}"},
        {"byte order mark",
         "\xef\xbb\xbf"
         "a: 1",
         "{\"a\":1}"},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT_STR(rows[i].name, parse(&a, str_from_c(rows[i].yaml)), rows[i].want);

    struct yaml_doc *docs;
    size_t n;
    struct err e;

    err_init(&e, &a);
    EXPECT_INT("positions", yaml_parse(STR("# c\n\na: 1\n---\n\n - x\n"), 5, &docs, &n, &e), ERR_NONE);
    EXPECT_INT("documents", n, 2);
    EXPECT_INT("first line", docs[0].pos.line, 3);
    EXPECT_INT("second line", docs[1].pos.line, 6);
    EXPECT_INT("second column", docs[1].pos.column, 2);
    json_decref(docs[0].root);
    json_decref(docs[1].root);
    arena_fini(&a);
}

static struct str repeated(struct arena *a, const char *first, const char *part, size_t n, const char *last)
{
    struct buf b;

    buf_init(&b, 64 << 20);
    buf_add_str(&b, str_from_c(first));
    for (size_t i = 0; i < n; i++)
        buf_add_str(&b, str_from_c(part));
    buf_add_str(&b, str_from_c(last));
    struct str text = arena_str(a, buf_str(&b));
    buf_fini(&b);
    return text;
}

TEST(limits)
{
    struct arena a;
    struct yaml_doc *docs;
    size_t n;
    struct err e;
    const struct {
        const char *name, *first, *part;
        size_t n;
        const char *last;
        enum err_kind want;
    } rows[] = {
        {"64 levels", "", "- ", YAML_MAX_DEPTH, "x", ERR_NONE},
        {"65 levels", "", "- ", YAML_MAX_DEPTH + 1, "x", ERR_MALFORMED},
        {"a megabyte of brackets", "", "[", 1 << 20, "", ERR_MALFORMED},
        {"a megabyte of braces", "", "{a: ", 1 << 18, "", ERR_MALFORMED},
        {"as many values as allowed", "", "- x\n", 50000 - 1, "", ERR_NONE},
        {"one value more", "", "- x\n", 50000, "", ERR_MALFORMED},
        {"limits hold over documents", "- x\n", "---\n[x]\n", 3, "", ERR_MALFORMED},
    };

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        err_init(&e, &a);
        enum err_kind kind =
            yaml_parse(repeated(&a, rows[i].first, rows[i].part, rows[i].n, rows[i].last), 3, &docs, &n, &e);

        EXPECT_INT(rows[i].name, kind, rows[i].want);
        for (size_t k = 0; k < n; k++)
            json_decref(docs[k].root);
    }
    arena_fini(&a);
}

/* 'before' and 'n' keys of one mapping. */
static enum err_kind parse_keys(struct arena *a, const char *before, size_t n, struct err *e)
{
    struct yaml_doc *docs;
    struct buf text;
    size_t n_docs;

    buf_init(&text, 1 << 20);
    buf_printf(&text, "%s", before);
    for (size_t i = 0; i < n; i++)
        buf_printf(&text, "k%zu: 1\n", i);
    err_init(e, a);
    enum err_kind kind = yaml_parse(buf_str(&text), 2, &docs, &n_docs, e);

    for (size_t i = 0; i < n_docs; i++)
        json_decref(docs[i].root);
    buf_fini(&text);
    return kind;
}

TEST(keys_are_bounded)
{
    struct arena a;
    struct err e;

    arena_init(&a);
    EXPECT_INT("as many as allowed", parse_keys(&a, "a: 1\n---\n", 10000, &e), ERR_NONE);
    EXPECT_INT("one more", parse_keys(&a, "", 10001, &e), ERR_MALFORMED);
    EXPECT_STR("how many", e.text, "line 10001, column 1: more than 10000 keys in one mapping");
    arena_fini(&a);
}

TEST(locating)
{
    static const char text[] = "# head\n"
                               "type: Dataplane\n"
                               "networking:\n"
                               "  inbound:\n"
                               "  - port: 80\n"
                               "    tags:\n"
                               "      kuma.io/service: web\n"
                               "      \"a\\\"b\": x\n"
                               "  - port: 0\n"
                               "---\n"
                               "{\"spec\": {\"to\": [\n"
                               "  {\"default\": 1}\n"
                               "]}}\n";
    static const struct {
        const char *path;
        size_t doc, line, column;
    } rows[] = {
        {"", 0, 2, 1},
        {"type", 0, 2, 1},
        {"networking", 0, 3, 1},
        {"networking.inbound[0].port", 0, 5, 5},
        {"networking.inbound[1]", 0, 9, 5},
        {"networking.inbound[1].port", 0, 9, 5},
        {"networking.inbound[0].tags[\"kuma.io/service\"]", 0, 7, 7},
        {"networking.inbound[0].tags[\"a\\\"b\"]", 0, 8, 7},
        {"networking.inbound[0].tags[\"missing\"]", 0, 6, 5},
        {"networking.inbound[7].port", 0, 4, 3},
        {"networking.address", 0, 3, 1},
        {"missing.too", 0, 2, 1},
        {"type.of.scalar", 0, 2, 1},
        {"networking[\"unfinished", 0, 3, 1},
        {"spec.to[0].default", 1, 12, 4},
        {"spec.to", 1, 11, 11},
        {"type", 2, 0, 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct text_pos pos = yaml_locate(str_from_c(text), rows[i].doc, str_from_c(rows[i].path));

        EXPECT_INT(rows[i].path, pos.line, rows[i].line);
        EXPECT_INT(rows[i].path, pos.column, rows[i].column);
    }
}

TEST(formatting)
{
    static const struct {
        const char *json, *want;
    } rows[] = {
        {"{\"type\":\"Mesh\",\"name\":\"demo\"}", "type: Mesh\nname: demo\n"},
        {"{\"a\":[{\"b\":1,\"c\":[2,3]},\"x\"],\"d\":{},\"e\":[]}",
         "a:\n- b: 1\n  c:\n  - 2\n  - 3\n- x\nd: {}\ne: []\n"},
        {"{\"a\":\"true\",\"b\":\"5\",\"c\":\"\",\"d\":\"~\",\"e\":\"no\"}",
         "a: \"true\"\nb: \"5\"\nc: \"\"\nd: \"~\"\ne: \"no\"\n"},
        {"{\"a\":\"line 1\\nline 2\\n\",\"5\":null}", "a: |\n  line 1\n  line 2\n\"5\": null\n"},
        {"{\"a\":\"- x\",\"b\":\"x: y\",\"c\":\"#x\"}", "a: '- x'\nb: 'x: y'\nc: '#x'\n"},
        {"{\"a\":1.5,\"b\":true,\"c\":-7,\"d\":\"\u00e4\"}", "a: 1.5\nb: true\nc: -7\nd: \u00e4\n"},
        {"{\"a\":\"10s\",\"b\":\"1.2.3.4\",\"c\":\"2001-12-14\"}", "a: 10s\nb: 1.2.3.4\nc: 2001-12-14\n"},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e;
        json_t *v;

        err_init(&e, &a);
        EXPECT_INT(rows[i].json, json_parse(str_from_c(rows[i].json), &v, &e), ERR_NONE);
        EXPECT_STR(rows[i].json, yaml_format(&a, v), rows[i].want);
        json_decref(v);
    }
    arena_fini(&a);
}

/* Texts made of what gives YAML writers trouble. */
static json_t *random_string(void)
{
    static const char *const parts[] = {
        "a",      "b c",    " ",    "  ",   "\n",       "\n\n",   "\t", "-",  "- ",  ":",   ": ",  "#",  " #",
        "'",      "\"",     "\\",   "{",    "}",        "[",      "]",  ",",  "&x",  "*x",  "!",   "|",  ">",
        "%",      "@",      "`",    "true", "no",       "~",      "5",  "0x", "1e5", "...", "---", "<<", "\r",
        "\u00e4", "\u2028", "\x7f", "\x01", "\xc2\x85", "\ufeff", "=",  "?",  "? ",  ".inf"};
    struct buf b;
    size_t n = test_rand_below(6);

    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < n; i++)
        buf_add_str(&b, str_from_c(parts[test_rand_below(ARRAY_LEN(parts))]));
    if (test_rand_below(50) == 0)
        for (size_t i = 0; i < 300; i++)
            buf_add_byte(&b, i % 7 == 0 ? ' ' : 'x');
    json_t *v = json_from_str(buf_str(&b));

    buf_fini(&b);
    return v;
}

static json_t *random_value(int depth)
{
    uint64_t kind = test_rand_below(depth < 5 ? 9 : 7);
    json_t *v;

    switch (kind) {
    case 0:
        return json_null();
    case 1:
        return json_boolean(test_rand_below(2));
    case 2:
        return json_integer((json_int_t)test_rand() >> test_rand_below(64));
    case 3: /* integral reals read back as integers */
        return json_real((double)(int64_t)test_rand_below(1000000) + 0.5 +
                         1e-7 * (double)test_rand_below(100));
    case 7:
        v = json_array();
        for (size_t i = test_rand_below(5); i > 0; i--)
            json_array_append_new(v, random_value(depth + 1));
        return v;
    case 8:
        v = json_object();
        for (size_t i = test_rand_below(5); i > 0; i--) {
            JSON_AUTO key = random_string();

            json_object_set_new(v, json_string_value(key), random_value(depth + 1));
        }
        return v;
    default:
        return random_string();
    }
}

TEST(what_is_written_reads_back_equal)
{
    struct arena a;

    arena_init(&a);
    for (int i = 0; i < 5000; i++) {
        JSON_AUTO v = random_value(0);
        struct str text = yaml_format(&a, v);
        struct yaml_doc *docs;
        size_t n;
        struct err e;

        err_init(&e, &a);
        if (yaml_parse(text, 1, &docs, &n, &e))
            FAIL("seed %llu: " STR_FMT "\nfrom " STR_FMT "\nas <" STR_FMT ">",
                 (unsigned long long)test_seed(), STR_ARG(e.text), STR_ARG(json_format(&a, v)),
                 STR_ARG(text));
        bool equal = n == 1 && json_equal(docs[0].root, v);

        if (n == 1)
            json_decref(docs[0].root);
        if (!equal)
            FAIL("changed: " STR_FMT "\nby <" STR_FMT ">", STR_ARG(json_format(&a, v)), STR_ARG(text));
        arena_reset(&a);
    }
    arena_fini(&a);
}

TEST(places_are_taken_off_messages)
{
    static const struct {
        const char *name, *text;
        size_t line, column;
        const char *rest;
    } messages[] = {
        {"place", "line 12, column 3: no: good", 12, 3, "no: good"},
        {"no place", "unexpected end of JSON input", 0, 0, "unexpected end of JSON input"},
        {"half", "line 12: bad", 0, 0, "line 12: bad"},
        {"no number", "line , column 3: bad", 0, 0, "line , column 3: bad"},
        {"no colon", "line 1, column 3", 0, 0, "line 1, column 3"},
        {"empty", "", 0, 0, ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
        struct str text = str_from_c(messages[i].text);
        struct text_pos pos = {0};

        EXPECT_TRUE(messages[i].name, text_pos_take(&text, &pos) == (messages[i].line > 0));
        EXPECT_INT(messages[i].name, pos.line, messages[i].line);
        EXPECT_INT(messages[i].name, pos.column, messages[i].column);
        EXPECT_STR(messages[i].name, text, messages[i].rest);
    }
}
