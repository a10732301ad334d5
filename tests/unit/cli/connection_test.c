/* Addresses, paths, and the errors that a control plane answers. */
#include "../../lib/test.h"

#include "../../../src/cli/connection.h"

TEST(addresses)
{
    static const struct {
        const char *text, *want; /* NULL: refused */
        bool local;
    } rows[] = {
        {"http://localhost:5681", "http://localhost:5681", true},
        {" http://127.0.0.1:5681/ ", "http://127.0.0.1:5681", true},
        {"https://[::1]:5682//", "https://[::1]:5682", true},
        {"https://LocalHost", "https://LocalHost", true},
        {"https://mesh.example.com/ursa/", "https://mesh.example.com/ursa", false},
        {"http://localhost.example.com", "http://localhost.example.com", false},
        {"http://127.0.0.1.example.com", "http://127.0.0.1.example.com", false},
        {"localhost:5681", NULL, false},
        {"ftp://localhost", NULL, false},
        {"http://", NULL, false},
        {"http:///", NULL, false},
        {"http://a b", NULL, false},
        {"http://a?b", NULL, false},
        {"", NULL, false},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str got;
        struct err e;

        err_init(&e, &a);
        EXPECT_INT(rows[i].text, address_normalize(&a, str_from_c(rows[i].text), &got, &e),
                   rows[i].want ? ERR_NONE : ERR_INVALID);
        if (!rows[i].want)
            continue;
        EXPECT_STR(rows[i].text, got, rows[i].want);
        EXPECT_INT(rows[i].text, client_address_is_local(got), rows[i].local);
    }
    arena_fini(&a);
}

TEST(paths_of_types)
{
    static const struct {
        enum res_type type;
        const char *mesh, *name, *want;
    } rows[] = {
        {RES_MESH, "blue", "", "/meshes"},
        {RES_MESH, "blue", "green", "/meshes/green"},
        {RES_DATAPLANE, "blue", "", "/meshes/blue/dataplanes"},
        {RES_DATAPLANE, "blue", "web", "/meshes/blue/dataplanes/web"},
        {RES_DATAPLANE, "", "", "/dataplanes"},
        {RES_TRAFFIC_PERMISSION, "a/b", "c d?\xc3\xa4", "/meshes/a%2Fb/traffic-permissions/c%20d%3F%C3%A4"},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT_STR(rows[i].want,
                   url_of_type(&a, rows[i].type, str_from_c(rows[i].mesh), str_from_c(rows[i].name)),
                   rows[i].want);
    arena_fini(&a);
}

TEST(the_next_page)
{
    static const struct {
        const char *next;
        int64_t want;
    } rows[] = {
        {"http://127.0.0.1:5681/meshes?offset=1000&size=1000", 1000},
        {"http://h/meshes?size=1&offset=2", 2},
        {"http://h/meshes?xoffset=2", -1},
        {"http://h/meshes?offset=-2", -1},
        {"http://h/offset=3", -1},
        {"", -1},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT_INT(rows[i].next, next_offset(str_from_c(rows[i].next)), rows[i].want);
}

TEST(answers_that_are_errors)
{
    static const struct {
        const char *name;
        long status;
        const char *body;
        enum err_kind kind;
        const char *want;
    } rows[] = {
        {"not found", 404, "{\"title\":\"Could not retrieve a resource\",\"detail\":\"Not found\"}",
         ERR_NOT_FOUND, "Could not retrieve a resource (Not found)"},
        {"parameters", 400,
         "{\"title\":\"T\",\"detail\":\"D\",\"invalid_parameters\":[{\"field\":\"a.b\",\"reason\":\"r1\"},"
         "{\"field\":\"\",\"reason\":\"r2\"}],\"causes\":[{\"field\":\"a.b\",\"message\":\"r1\"}]}",
         ERR_INVALID, "T (D): a.b: r1; r2"},
        {"causes of an older one", 400, "{\"title\":\"T\",\"causes\":[{\"field\":\"f\",\"message\":\"m\"}]}",
         ERR_INVALID, "T: f: m"},
        {"denied", 403, "{\"title\":\"Access Denied\",\"detail\":\"no\"}", ERR_DENIED, "Access Denied (no)"},
        {"no error object", 502, "<html>\n", ERR_IO, "the control plane answers 502: <html>"},
        {"another object", 400, "{\"a\":1}", ERR_INVALID, "the control plane answers 400: {\"a\":1}"},
        {"nothing", 400, "", ERR_INVALID, "the control plane answers 400"},
        {"wrong kinds", 500, "{\"title\":5,\"causes\":{}}", ERR_IO,
         "the control plane answers 500: {\"title\":5,\"causes\":{}}"},
    };
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct client_answer answer = {.status = rows[i].status, .body = str_from_c(rows[i].body)};
        struct err e;

        err_init(&e, &a);
        EXPECT_INT(rows[i].name, answer_error(&answer, &e), rows[i].kind);
        EXPECT_STR(rows[i].name, err_render(&e, &a), rows[i].want);
    }
    arena_fini(&a);
}
