/* What clients see of each kind of error, and of the index. */
#include "asked.h"

static const struct {
    const char *name;
    enum err_kind kind;
    unsigned status;
    const char *title, *detail;
} rows[] = {
    {"invalid", ERR_INVALID, 400, "Could not", "text"},
    {"malformed", ERR_MALFORMED, 400, "Bad Request", "text"},
    {"not found", ERR_NOT_FOUND, 404, "Could not", "Not found"},
    {"exists", ERR_EXISTS, 409, "Conflict", "text"},
    {"conflict", ERR_CONFLICT, 409, "Conflict", "text"},
    {"stale", ERR_STALE, 412, "Could not", "Precondition Failed"},
    {"unauthenticated", ERR_UNAUTHENTICATED, 401, "Invalid authentication data", "Unauthenticated"},
    {"denied", ERR_DENIED, 403, "Access Denied", "text"},
    {"method", ERR_METHOD, 405, "Method not Allowed", "Method not allowed"},
    {"media", ERR_MEDIA, 415, "Unsupported Media Type", "text"},
    {"limit", ERR_LIMIT, 413, "Request is too large", "text"},
    {"too often", ERR_TOO_OFTEN, 429, "Too Many Requests", "text"},
    {"unavailable", ERR_UNAVAILABLE, 503, "Service Unavailable", "text"},
    {"peer", ERR_PEER, 500, "Could not", "text"},
    {"no space", ERR_NO_SPACE, 507, "Insufficient Storage", "text"},
    {"input/output", ERR_IO, 500, "Could not", "Internal Server Error"},
    {"bug", ERR_BUG, 500, "Could not", "Internal Server Error"},
};

TEST(each_kind_has_its_status_and_words)
{
    EXPECT_INT("all kinds but NONE", ARRAY_LEN(rows), ERR_BUG);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct request r;

        asked_init(&r, GET, "/");
        r.title = "Could not";
        answer_fault(&r, rows[i].kind, "text");
        JSON_AUTO body = asked_answer(&r);
        EXPECT_INT(rows[i].name, r.status, rows[i].status);
        EXPECT_CSTR(rows[i].name, r.content_type, "application/json");
        EXPECT_STR(rows[i].name, json_str(json_get(body, "type")), "/std-errors");
        EXPECT_INT(rows[i].name, json_integer_value(json_get(body, "status")), rows[i].status);
        EXPECT_STR(rows[i].name, json_str(json_get(body, "title")), rows[i].title);
        EXPECT_STR(rows[i].name, json_str(json_get(body, "detail")), rows[i].detail);
        EXPECT_STR(rows[i].name, json_str(json_get(body, "details")), rows[i].detail);
        EXPECT_INT(rows[i].name, json_object_size(body), 5);
        asked_fini(&r);
    }
}

TEST(a_text_may_have_arguments)
{
    struct request r;

    asked_init(&r, GET, "/");
    answer_fault(&r, ERR_INVALID, "%s of %zu, not %d", "seven", (size_t)7, 8);
    JSON_AUTO body = asked_answer(&r);
    EXPECT_STR("detail", json_str(json_get(body, "detail")), "seven of 7, not 8");
    asked_fini(&r);
}

TEST(causes_are_told_in_both_dialects)
{
    struct request r;

    asked_init(&r, GET, "/");
    err_cause_at(&r.err, STR("name"), STR("cannot be empty"));
    err_cause_at(&r.err, STR("mesh"), STR("is \"odd\""));
    answer_error(&r);
    EXPECT_STR(
        "body", buf_str(&r.out),
        "{\n \"type\": \"/std-errors\",\n \"status\": 400,\n"
        " \"title\": \"Could not process the request\",\n \"detail\": \"Resource is not valid\",\n"
        " \"invalid_parameters\": [\n  {\n   \"field\": \"name\",\n   \"reason\": \"cannot be empty\"\n  },\n"
        "  {\n   \"field\": \"mesh\",\n   \"reason\": \"is \\\"odd\\\"\"\n  }\n ],\n"
        " \"details\": \"Resource is not valid\",\n"
        " \"causes\": [\n  {\n   \"field\": \"name\",\n   \"message\": \"cannot be empty\"\n  },\n"
        "  {\n   \"field\": \"mesh\",\n   \"message\": \"is \\\"odd\\\"\"\n  }\n ]\n}\n");
    asked_fini(&r);
}

TEST(malformed_bodies_have_a_detail_only)
{
    struct request r;

    asked_init(&r, GET, "/");
    err_cause_at(&r.err, STR("sources"), STR("expected a list"));
    answer_fault(&r, ERR_MALFORMED, "json: cannot unmarshal");
    JSON_AUTO body = asked_answer(&r);
    EXPECT_STR("detail", json_str(json_get(body, "detail")), "json: cannot unmarshal");
    EXPECT_TRUE("no causes", !json_get(body, "causes") && !json_get(body, "invalid_parameters"));
    asked_fini(&r);
}

TEST(an_error_can_carry_more)
{
    struct request r;

    asked_init(&r, GET, "/");
    err_set(&r.err, ERR_INVALID, "nothing was applied");
    answer_error_with(&r, "documents", json_pack("[i]", 1), json_pack("[{s:s}]", "field", "f"));
    JSON_AUTO body = asked_answer(&r);
    EXPECT_INT("status", r.status, 400);
    EXPECT_INT("documents", json_array_size(json_get(body, "documents")), 1);
    EXPECT_INT("causes", json_array_size(json_get(body, "causes")), 1);
    asked_fini(&r);
}

static const struct {
    const char *name, *singular, *plural;
} names[] = {
    {"CircuitBreaker", "Circuit Breaker", "Circuit Breakers"},
    {"Retry", "Retry", "Retries"},
    {"Timeout", "Timeout", "Timeouts"},
    {"TrafficPermission", "Traffic Permission", "Traffic Permissions"},
    {"TrafficRoute", "Traffic Route", "Traffic Routes"},
};

TEST(policies_are_sorted_and_named_for_people)
{
    struct request r;

    asked_init(&r, GET, "/policies");
    policies_get(&r);
    JSON_AUTO body = asked_answer(&r);
    struct str last = STR("");
    size_t i, n_found = 0;
    json_t *policy;

    json_array_foreach(json_get(body, "policies"), i, policy)
    {
        struct str name = json_str(json_get(policy, "name"));
        EXPECT_TRUE("sorted", str_cmp(last, name) < 0);
        last = name;
        for (size_t n = 0; n < ARRAY_LEN(names); n++) {
            if (!str_eq(name, str_from_c(names[n].name)))
                continue;
            n_found++;
            EXPECT_STR(names[n].name, json_str(json_get(policy, "singularDisplayName")), names[n].singular);
            EXPECT_STR(names[n].name, json_str(json_get(policy, "pluralDisplayName")), names[n].plural);
        }
    }
    EXPECT_INT("policies known", n_found, ARRAY_LEN(names));
    asked_fini(&r);
}

TEST(a_faults_text_takes_its_arguments_once)
{
    struct request r;

    asked_init(&r, GET, "/");
    r.show_text = true;
    answer_fault(&r, ERR_LIMIT, "%s holds %d of %s", "it", 5, "those");
    JSON_AUTO body = asked_answer(&r);
    EXPECT_STR("detail", json_str(json_get(body, "detail")), "it holds 5 of those");
    asked_fini(&r);
}
