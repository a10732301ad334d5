/* Protocols of services. */
#include "../../lib/test.h"
#include "ursa/mesh.h"

static const char *const names[] = {"none", "unknown", "tcp", "kafka", "http", "http2", "grpc"};

static enum protocol named(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_eq(str_from_c(name), str_from_c(names[i])))
            return (enum protocol)i;
    }
    FAIL("no protocol %s", name);
    return PROTOCOL_NONE;
}

TEST(two_protocols_have_one_in_common)
{
    static const struct {
        const char *a, *b, *want;
    } rows[] = {
        {"http", "http", "http"},       {"grpc", "http2", "http2"},  {"grpc", "grpc", "grpc"},
        {"http", "grpc", "tcp"},        {"http", "http2", "tcp"},    {"kafka", "http", "tcp"},
        {"tcp", "grpc", "tcp"},         {"kafka", "kafka", "kafka"}, {"unknown", "http", "unknown"},
        {"unknown", "tcp", "unknown"},  {"none", "http", "http"},    {"none", "none", "none"},
        {"none", "unknown", "unknown"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        EXPECT_CSTR(rows[i].a, names[protocol_common(named(rows[i].a), named(rows[i].b))], rows[i].want);
        EXPECT_CSTR(rows[i].b, names[protocol_common(named(rows[i].b), named(rows[i].a))], rows[i].want);
    }
}

TEST(protocols_are_read_from_tags)
{
    static const struct {
        const char *tag, *want;
        bool http;
    } rows[] = {{"http", "http", true},    {"http2", "http2", true}, {"grpc", "grpc", true},
                {"kafka", "kafka", false}, {"tcp", "tcp", false},    {"HTTP", "unknown", false},
                {"", "unknown", false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum protocol p = protocol_parse(str_from_c(rows[i].tag));
        EXPECT_CSTR(rows[i].tag, names[p], rows[i].want);
        EXPECT_INT(rows[i].tag, protocol_is_http(p), rows[i].http);
    }
    EXPECT_CSTR("missing", names[protocol_parse(STR_NONE)], "unknown");
}
