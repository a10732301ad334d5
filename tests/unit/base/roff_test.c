/* Manual pages: nothing of a text can become a request of the formatter. */
#include "../../lib/test.h"

#include "ursa/base/roff.h"

TEST(text_is_no_request)
{
    static const struct {
        const char *prose, *want;
    } rows[] = {
        {"plain", ".SH X\nplain\n"},
        {".so /etc/passwd", ".SH X\n\\&.so /etc/passwd\n"},
        {"'quoted' and\n.dotted", ".SH X\n\\&'quoted' and\n\\&.dotted\n"},
        {"a\\fBb --c ~d", ".SH X\na\\efBb \\-\\-c \\(tid\n"},
        {"one\ntwo\n\nthree", ".SH X\none\ntwo\n.PP\nthree\n"},
        {"see\n\n  do it\n  again\nend", ".SH X\nsee\n.PP\n.EX\n  do it\n  again\n.EE\n.PP\nend\n"},
        {"  last", ".SH X\n.EX\n  last\n.EE\n"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out;

        buf_init(&out, 1 << 16);
        roff_heading(&out, "X");
        roff_prose(&out, str_from_c(rows[i].prose));
        EXPECT_STR(rows[i].prose, buf_str(&out), rows[i].want);
        buf_fini(&out);
    }
}

TEST(a_page_begins_with_its_name)
{
    struct buf out;

    buf_init(&out, 1 << 16);
    roff_begin(&out, "ursa-cp", 8, "1.0", "the control plane");
    roff_item(&out, STR("--x"), STR(".y"));
    EXPECT_STR("page", buf_str(&out),
               ".TH \"URSA\\-CP\" 8 \"\" \"Ursa 1.0\" \"Ursa\"\n.SH NAME\nursa\\-cp \\- the control plane\n"
               ".TP\n\\fB\\-\\-x\\fR\n\\&.y\n");
    buf_fini(&out);
}
