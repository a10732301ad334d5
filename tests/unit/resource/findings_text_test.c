/* findings_text_test.c -- findings as people see them. */
#include "ursa/findings_text.h"

#include "../../lib/test.h"
#include "ursa/base/json.h"

TEST(findings_are_shown_with_their_remedies)
{
    static const struct {
        const char *answer, *want;
    } rows[] = {
        {"{\"findings\":[],\"omitted\":0}", "0 errors, 0 warnings, 0 for information\n"},
        {"{\"findings\":[{\"id\":\"ca-expired\",\"severity\":\"error\",\"mesh\":\"blue\",\"resource\":\"ca\","
         "\"text\":"
         "\"it expired\",\"remedy\":\"another\\u001b "
         "one\"},{\"id\":\"open-admin\",\"severity\":\"warning\",\"mesh\":"
         "\"\",\"resource\":\"a.b\",\"text\":\"open\",\"remedy\":\"close it\"}],\"omitted\":3}",
         "error    blue: ca (ca-expired)\n         it expired\n         remedy: another? one\n"
         "warning  a.b (open-admin)\n         open\n         remedy: close it\n"
         "... and 3 more like these\n1 error, 1 warning, 0 for information\n"},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        JSON_AUTO tree = NULL;
        struct err e;

        err_init(&e, &a);
        EXPECT_INT(rows[i].want, json_parse(str_from_c(rows[i].answer), &tree, &e), ERR_NONE);
        EXPECT_STR(rows[i].want, findings_text(&a, tree), rows[i].want);
    }
    arena_fini(&a);
}
