/* rules_test.c -- rules of single values, asked through the documents that hold them: the recorded corpus has
 * few values of each. */
#include "doc.h"
#include "ursa/base/buf.h"

struct row {
    const char *name, *value, *want; /* the first fault's reason; "" when it is accepted */
};

/* The reason of the fault that 'value' (a JSON text) gives in place of the %s of 'format'. */
static void check_values(enum res_type type, const char *before, const char *after, const struct row *rows,
                         size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct arena a;
        struct err e;

        arena_init(&a);
        err_init(&e, &a);
        struct str doc = arena_printf(&a, "%s%s%s", before, rows[i].value, after);
        struct resource *r = doc_decode(type, doc.p, &e);
        EXPECT_TRUE(rows[i].name, e.kind == ERR_NONE || e.kind == ERR_INVALID);
        EXPECT_STR(rows[i].name, e.n_causes ? e.causes[0].reason : STR(""), rows[i].want);
        resource_unref(r);
        arena_fini(&a);
    }
}

#define BAD_FORMAT "format string is not valid: "

TEST(log_formats)
{
    static const struct row rows[] = {
        {"empty", "\"\"", ""},
        {"text", "\"plain text (with) ? and : and {json}\"", ""},
        {"bare commands", "\"%START_TIME% %KUMA_SOURCE_SERVICE% %NO_SUCH_COMMAND%\"", ""},
        {"arguments", "\"%REQ(X?Y):10% %RESP(A)% %TRAILER(:B)% %DYNAMIC_METADATA(a:b):3% %FILTER_STATE(k)%\"",
         ""},
        {"empty header name", "\"%REQ()%\"", ""},
        {"start time", "\"%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%\"", ""},
        {"lone percent", "\"50% of\"",
         BAD_FORMAT "expected a command operator to start at position 3, instead got: \"% of\""},
        {"not closed", "\"%REQ(a%\"",
         BAD_FORMAT "expected a command operator to start at position 1, instead got: \"%REQ(a%\""},
        {"lower case", "\"a %req(a)%\"",
         BAD_FORMAT "expected a command operator to start at position 3, instead got: \"%req(a)%\""},
        {"header wanted", "\"%REQ%\"",
         BAD_FORMAT "command \"%REQ%\" requires a header and optional alternative header names as its "
                    "arguments, instead got \"%REQ%\""},
        {"header wanted beside a length", "\"%RESP:5%\"",
         BAD_FORMAT "command \"%RESP%\" requires a header and optional alternative header names as its "
                    "arguments, instead got \"%RESP:5%\""},
        {"two alternatives", "\"%REQ(a?b?c)%\"",
         BAD_FORMAT "more than 1 alternative header specified in \"%REQ(a?b?c)%\""},
        {"line break in a header", "\"%REQ(a\\nb)%\"",
         BAD_FORMAT "header name contains a newline in \"%REQ(a\\nb)%\""},
        {"huge length", "\"%REQ(a):99999999999999999999%\"",
         BAD_FORMAT "length must be an integer, instead got \"99999999999999999999\" in "
                    "\"%REQ(a):99999999999999999999%\""},
        {"namespace wanted", "\"%DYNAMIC_METADATA%\"",
         BAD_FORMAT "command \"%DYNAMIC_METADATA%\" requires a filter namespace and optional path as its "
                    "arguments, instead got "
                    "\"%DYNAMIC_METADATA%\""},
        {"key wanted", "\"%FILTER_STATE()%\"",
         BAD_FORMAT
         "command \"%FILTER_STATE%\" requires a key as its argument, instead got \"%FILTER_STATE()%\""},
        {"line break in a time", "\"%START_TIME(%_3n)%\"",
         BAD_FORMAT "start time format string contains a newline in \"%START_TIME(%_3n)%\""},
        {"arguments of another", "\"%PROTOCOL(a)%\"",
         BAD_FORMAT "command \"%PROTOCOL%\" doesn't support arguments or max length constraint, instead got "
                    "\"%PROTOCOL(a)%\""},
        {"length of another", "\"%PROTOCOL:3%\"",
         BAD_FORMAT "command \"%PROTOCOL%\" doesn't support arguments or max length constraint, instead got "
                    "\"%PROTOCOL:3%\""},
    };

    check_values(RES_MESH,
                 "{\"logging\":{\"backends\":[{\"name\":\"a\",\"type\":\"file\",\"conf\":{\"path\":\"/"
                 "x\"},\"format\":",
                 "}]}}", rows, ARRAY_LEN(rows));
}

#define BAD_REGEX "provided regexp isn't correct: error parsing regexp: "

TEST(regular_expressions)
{
    static const struct row rows[] = {
        {"empty", "\"\"", ""},
        {"plain", "\"http.*\"", ""},
        {"all there is",
         "\"^(a|b)+?[^x-z\\\\d[:alpha:]-]{2,5}(?i:c)(?P<n>\\\\pL|\\\\p{Greek})\\\\x{10FFFF}\\\\Q(\\\\E\\\\z$"
         "\"",
         ""},
        {"brackets in a class", "\"[]a][^]b]\"", ""},
        {"braces as text", "\"a{,3}{x\"", ""},
        {"not ASCII", "\"[\\u00e4-\\u00fc]+\"", ""},
        {"open group", "\"a(b\"", BAD_REGEX "missing closing ): `a(b`"},
        {"closed twice", "\"a)\"", BAD_REGEX "unexpected ): `a)`"},
        {"open class", "\"a[bc\"", BAD_REGEX "missing closing ]: `[bc`"},
        {"backward range", "\"[z-a]\"", BAD_REGEX "invalid character class range: `z-a`"},
        {"unknown class", "\"[[:foo:]]\"", BAD_REGEX "invalid character class range: `[:foo:]`"},
        {"nothing to repeat", "\"*\"", BAD_REGEX "missing argument to repetition operator: `*`"},
        {"nothing to repeat in a branch", "\"a|+\"",
         BAD_REGEX "missing argument to repetition operator: `+`"},
        {"repeated twice", "\"a**\"", BAD_REGEX "invalid nested repetition operator: `**`"},
        {"too many", "\"a{1001}\"", BAD_REGEX "invalid repeat count: `{1001}`"},
        {"backward count", "\"a{5,2}\"", BAD_REGEX "invalid repeat count: `{5,2}`"},
        {"unknown escape", "\"\\\\y\"", BAD_REGEX "invalid escape sequence: `\\y`"},
        {"reference to a group", "\"(a)\\\\1\"", BAD_REGEX "invalid escape sequence: `\\1`"},
        {"backslash at the end", "\"a\\\\\"", BAD_REGEX "trailing backslash at end of expression: ``"},
        {"look-ahead", "\"(?=a)\"", BAD_REGEX "invalid or unsupported Perl syntax: `(?=`"},
    };

    check_values(RES_MESH,
                 "{\"metrics\":{\"backends\":[{\"type\":\"prometheus\",\"conf\":{\"envoy\":{\"filterRegex\":",
                 "}}}]}}", rows, ARRAY_LEN(rows));
}

TEST(urls)
{
    static const char no_port[] = "port has to be explicitly specified", invalid[] = "invalid URL";
    static const struct row rows[] = {
        {"usual", "\"http://zipkin.local:9411/api/v2/spans?x=%zz\"", ""},
        {"IPv6", "\"http://[::1]:80\"", ""},
        {"user", "\"http://user:pw@host:80/\"", ""},
        {"escaped path", "\"http://h:1/%41\"", ""},
        {"no port", "\"http://host/\"", no_port},
        {"empty port", "\"http://host:/\"", no_port},
        {"IPv6 without port", "\"http://[::1]/\"", no_port},
        {"only a path", "\"/a:80\"", no_port},
        {"opaque", "\"mailto:a\"", no_port},
        {"star", "\"*\"", no_port},
        {"relative", "\"host:80x/a b\"", no_port}, /* a scheme with an opaque part */
        {"no scheme", "\"://host:80\"", invalid},
        {"words", "\"not a url\"", invalid},
        {"letters in the port", "\"http://host:80a/\"", invalid},
        {"open bracket", "\"http://[::1:80/\"", invalid},
        {"blank in the host", "\"http://a b:80/\"", invalid},
        {"bad escape", "\"http://h:80/%4\"", invalid},
        {"control character", "\"http://h:80/\\u0001\"", invalid},
    };

    check_values(RES_MESH,
                 "{\"tracing\":{\"backends\":[{\"name\":\"a\",\"type\":\"zipkin\",\"conf\":{\"url\":",
                 "}}]}}", rows, ARRAY_LEN(rows));
}

TEST(hosts_with_ports)
{
    static const char bad[] = "has to be in format of HOST:PORT";
    static const struct row rows[] = {
        {"name", "\"kibana:1234\"", ""},      {"IPv6", "\"[::1]:80\"", ""},
        {"named port", "\"h:http\"", ""},     {"no port", "\"kibana\"", bad},
        {"empty port", "\"kibana:\"", bad},   {"no host", "\":80\"", bad},
        {"bare IPv6", "\"::1:80\"", bad},     {"empty brackets", "\"[]:80\"", bad},
        {"open bracket", "\"[::1:80\"", bad}, {"empty", "\"\"", "cannot be empty"},
    };

    check_values(RES_MESH,
                 "{\"logging\":{\"backends\":[{\"name\":\"a\",\"type\":\"tcp\",\"conf\":{\"address\":",
                 "}}]}}", rows, ARRAY_LEN(rows));
}

TEST(addresses_of_proxies)
{
    static const char bad[] = "address has to be valid IP address or domain name",
                      any[] = "must not be 0.0.0.0 or ::";
    static const struct row rows[] = {
        {"IPv4", "\"10.0.0.1\"", ""},
        {"IPv6", "\"fd00::1\"", ""},
        {"name", "\"web-1.example_x.com\"", ""},
        {"final dot", "\"web.\"", ""},
        {"digits", "\"1.2.3\"", ""},
        {"any", "\"0.0.0.0\"", any},
        {"any IPv6", "\"::\"", any},
        {"empty", "\"\"", "address can't be empty"},
        {"leading zeros are a name", "\"010.0.0.1\"", ""},
        {"two dots", "\"a..b\"", bad},
        {"leading dash", "\"-a\"", bad},
        {"port", "\"a:80\"", bad},
        {"zone", "\"fe80::1%eth0\"", bad},
        {"long label", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"", bad},
    };

    check_values(
        RES_DATAPLANE,
        "{\"networking\":{\"inbound\":[{\"port\":80,\"tags\":{\"kuma.io/service\":\"a\"}}],\"address\":",
        "}}", rows, ARRAY_LEN(rows));
}

TEST(admin_ports_differ_from_what_listens_on_loopback)
{
    static const struct row rows[] = {
        {"elsewhere",
         "\"address\":\"10.0.0.1\",\"inbound\":[{\"port\":9901,\"tags\":{\"kuma.io/service\":\"a\"}}]", ""},
        {"same",
         "\"address\":\"127.0.0.1\",\"inbound\":[{\"port\":9901,\"tags\":{\"kuma.io/service\":\"a\"}}]",
         "must differ from inbound"},
        {"every address",
         "\"address\":\"10.0.0.1\",\"inbound\":[{\"address\":\"::\",\"port\":9901,\"tags\":{\"kuma.io/"
         "service\":\"a\"}}]",
         "must differ from inbound"},
        {"application",
         "\"address\":\"10.0.0.1\",\"inbound\":[{\"port\":80,\"servicePort\":9901,\"serviceAddress\":\"127.0."
         "0.1\",\"tags\":{"
         "\"kuma.io/service\":\"a\"}}]",
         "must differ from inbound"},
        {"outbound",
         "\"address\":\"10.0.0.1\",\"inbound\":[{\"port\":80,\"tags\":{\"kuma.io/"
         "service\":\"a\"}}],\"outbound\":[{\"port\":9901,\"tags\":{"
         "\"kuma.io/service\":\"b\"}}]",
         "must differ from outbound"},
    };

    check_values(RES_DATAPLANE, "{\"networking\":{\"admin\":{\"port\":9901},", "}}", rows, ARRAY_LEN(rows));
}

TEST(ca_durations)
{
    static const struct {
        const char *text;
        int64_t want_ns; /* -1: refused */
    } rows[] = {
        {"0", 0},
        {"10y", INT64_C(315360000000000000)},
        {"1w", INT64_C(604800000000000)},
        {"1d", INT64_C(86400000000000)},
        {"24h", INT64_C(86400000000000)},
        {"5m", INT64_C(300000000000)},
        {"7s", INT64_C(7000000000)},
        {"3ms", INT64_C(3000000)},
        {"", -1},
        {"1", -1},
        {"h", -1},
        {"1h30m", -1},
        {"-1h", -1},
        {"1.5h", -1},
        {"1H", -1},
        {"9999999y", -1},
        {"1 h", -1},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t ns = -1;

        EXPECT_INT(rows[i].text, ca_duration_parse(str_from_c(rows[i].text), &ns), rows[i].want_ns >= 0);
        if (rows[i].want_ns >= 0)
            EXPECT_INT(rows[i].text, ns, rows[i].want_ns);
    }
}

TEST(retry_names)
{
    EXPECT_STR("method", retry_method_name(3), "GET");
    EXPECT_STR("http", retry_http_on_name(9), "http3_post_connect_failure");
    EXPECT_STR("grpc", retry_grpc_on_name(4), "unavailable");
    EXPECT_TRUE("none", !retry_method_name(10).p && !retry_http_on_name(10).p && !retry_grpc_on_name(5).p);
}

TEST(many_faults_are_reported_up_to_a_limit)
{
    static const struct {
        const char *name;
        size_t n_values, n_causes;
    } rows[] = {
        {"sources, destinations, the methods, one repetition", 300, 303},
        {"more than anybody reads", 5000, ERR_CAUSES_MAX},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a;
        struct err e;
        struct buf values;

        arena_init(&a);
        err_init(&e, &a);
        buf_init(&values, BUF_MAX_RESOURCE);
        for (size_t k = 0; k < rows[i].n_values; k++)
            buf_printf(&values, "%s0", k ? "," : "");
        struct str doc = arena_printf(&a,
                                      "{\"conf\":{\"http\":{\"retriableMethods\":[" STR_FMT
                                      "]},\"grpc\":{\"retryOn\":[" STR_FMT "]}}}",
                                      STR_ARG(buf_str(&values)), STR_ARG(buf_str(&values)));
        EXPECT_TRUE(rows[i].name, !doc_decode(RES_RETRY, doc.p, &e));
        EXPECT_INT(rows[i].name, e.n_causes, rows[i].n_causes);
        buf_fini(&values);
        arena_fini(&a);
    }
}
