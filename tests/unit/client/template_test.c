/* Variables in users' files: replaced, never by chance empty. */
#include "../../lib/test.h"

#include "ursa/client.h"

TEST(variables_are_replaced)
{
    static const struct client_variable variables[] = {{STR_INIT("name"), STR_INIT("web")},
                                                       {STR_INIT("port"), STR_INIT("80")},
                                                       {STR_INIT("nothing"), STR_INIT("")}};
    static const struct {
        const char *text, *want;
        enum err_kind kind;
    } rows[] = {
        {"plain", "plain", ERR_NONE},
        {"", "", ERR_NONE},
        {"{{ name }}", "web", ERR_NONE},
        {"a: {{name}}:{{ port}}\n", "a: web:80\n", ERR_NONE},
        {"[{{ nothing }}]", "[]", ERR_NONE},
        {"{a: {b: 1}}", "{a: {b: 1}}", ERR_NONE},
        {"a: 1\nb: {{ Name }}", "line 2, column 4: {{ Name }} is used but has no value", ERR_INVALID},
        {"{{ }}", "line 1, column 1: {{  }} is used but has no value", ERR_INVALID},
        {"\n\nx {{ name", "line 3, column 3: {{ without }}", ERR_INVALID},
        {"{{ name }} {{ x }}", "line 1, column 12: {{ x }} is used but has no value", ERR_INVALID},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str out;
        struct err e;

        err_init(&e, &a);
        EXPECT_INT(rows[i].text,
                   client_fill_in(str_from_c(rows[i].text), variables, ARRAY_LEN(variables), &a, &out, &e),
                   rows[i].kind);
        EXPECT_STR(rows[i].text, e.kind ? e.text : out, rows[i].want);
    }
    arena_fini(&a);
}
