/* Texts of many documents: which documents they hold, whose faults they are, and where. */
#include <string.h>

#include "../../lib/test.h"
#include "ursa/base/json.h"
#include "ursa/documents.h"

struct world {
    struct arena arena;
    struct err err;
    struct documents docs;
};

static void init(struct world *w)
{
    arena_init(&w->arena);
    err_init(&w->err, &w->arena);
    documents_init(&w->docs, &w->arena);
}

static void fini(struct world *w)
{
    documents_fini(&w->docs);
    arena_fini(&w->arena);
}

static struct str place(void *ctx, const struct document *first)
{
    struct world *w = ctx;

    return arena_printf(&w->arena, "%zu", (size_t)(first - w->docs.list.v));
}

static void judge(struct world *w)
{
    for (size_t i = 0; i < w->docs.list.n; i++)
        if (document_identify(&w->docs, &w->docs.list.v[i]))
            document_decode(&w->docs, &w->docs.list.v[i]);
    documents_refuse_duplicates(&w->docs, place, w);
}

static const struct {
    const char *name, *text;
    bool is_yaml;
    const char *want; /* "line:column fault" of the first fault, "" none, or the fault of the text */
} rows[] = {
    {"one", "type: Mesh\nname: a\n", true, ""},
    {"none", "# nothing\n", true, ""},
    {"two", "type: Mesh\nname: a\n---\ntype: Mesh\nname: b\n", true, ""},
    {"JSON", "{\"type\": \"Mesh\", \"name\": \"a\"}", false, ""},
    {"a JSON list", "[{\"type\": \"Mesh\", \"name\": \"a\"}, {\"type\": \"Mesh\", \"name\": \"b\"}]", false,
     ""},
    {"second of a list", "[{\"type\": \"Mesh\", \"name\": \"a\"},\n {\"type\": \"Mesh\", \"name\": \"B\"}]",
     false,
     "2:19 name: invalid characters. Valid characters are numbers, lowercase latin letters and '-', '_' "
     "symbols."},
    {"twice", "type: Mesh\nname: a\n---\ntype: Mesh\nname: a\n", true, "5:1 name: is the same resource as 0"},
    {"no object", "- a\n", true, "1:1 a resource is expected: an object with type and name"},
    {"no type", "name: a\n", true, "1:1 type: cannot be empty"},
    {"unknown type", "name: a\ntype: b\n", true, "2:1 type: unknown resource type \"b\""},
    {"read only", "\n\ntype: MeshInsight\nname: a\n", true, "3:1 type: is written by the control plane only"},
    {"a field", "type: Secret\nmesh: m\nname: a\ndata: 5\n", true, "4:1 data: expected base64 text"},
    {"no YAML", "a: [", true,
     "line 2, column 1: while parsing a flow node: did not find expected node content"},
};

static struct str first_fault(struct world *w)
{
    for (size_t i = 0; i < w->docs.list.n; i++) {
        const struct document *d = &w->docs.list.v[i];
        const struct err *e = &d->err;
        struct str field = e->n_causes ? e->causes[0].field : STR("");
        struct text_pos pos = document_locate(&w->docs, d, field);

        if (e->kind == ERR_NONE)
            continue;
        return arena_printf(&w->arena, "%zu:%zu " STR_FMT "%s" STR_FMT, pos.line, pos.column, STR_ARG(field),
                            e->n_causes ? ": " : "", STR_ARG(e->n_causes ? e->causes[0].reason : e->text));
    }
    return STR("");
}

TEST(faults_are_found_where_they_are)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world w;
        struct str got;

        init(&w);
        if (documents_read(&w.docs, str_from_c(rows[i].text), rows[i].is_yaml, &w.err) == ERR_NONE) {
            judge(&w);
            got = first_fault(&w);
        } else {
            got = w.err.text;
        }
        EXPECT_STR(rows[i].name, got, rows[i].want);
        fini(&w);
    }
}

TEST(documents_of_all_texts_are_bounded_together)
{
    static const char text[] = "[{},{},{},{},{}]";
    struct world w;
    size_t n = 0;

    init(&w);
    while (documents_read(&w.docs, str_from_c(text), false, &w.err) == ERR_NONE)
        n += 5;
    EXPECT_INT("documents", n, DOCUMENTS_MAX);
    EXPECT_INT("kind", w.err.kind, ERR_LIMIT);
    fini(&w);
}

TEST(places_are_looked_for_until_the_budget_is_used_up)
{
    const char *text = "\ntype: Mesh\nname: A\n";
    struct world w;

    init(&w);
    w.docs.locate_bytes = strlen(text);
    EXPECT_INT("read", documents_read(&w.docs, str_from_c(text), true, &w.err), ERR_NONE);
    EXPECT_INT("first", document_locate(&w.docs, &w.docs.list.v[0], STR("name")).line, 3);
    EXPECT_INT("second", document_locate(&w.docs, &w.docs.list.v[0], STR("name")).line, 2);
    fini(&w);
}
