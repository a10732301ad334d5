/* virtual_outbound_test.c -- the templates of VirtualOutbounds: what they give, and what is refused. */
#include "doc.h"
#include "ursa/base/buf.h"

/* The port is a literal; the host is the template under test, over a service "web" of version 2. */
static struct str host_of(const char *template, struct arena *a)
{
    struct virtual_outbound_parameter parameters[] = {
        {.name = STR("service"), .tag_key = STR("kuma.io/service")},
        {.name = STR("version")},
        {.name = STR("zone"), .tag_key = STR("kuma.io/zone")},
    };
    struct virtual_outbound_conf conf = {
        .host = str_from_c(template), .parameters = parameters, .n_parameters = ARRAY_LEN(parameters)};
    struct tag tags[] = {{STR("kuma.io/service"), STR("web")}, {STR("version"), STR("2")}};
    struct str host = STR_NONE, reason = STR_NONE;

    if (virtual_outbound_host(&conf, &(struct tags){.v = tags, .n = ARRAY_LEN(tags)}, a, &host, &reason))
        return host;
    return reason;
}

#define NO_NAME "evaluation of template with parameters didn't return a valid dns name result='"
#define NO_FORM "failed compiling gotemplate error='template: :1: "
#define NO_RUN "pre evaluation of template with parameters failed with error='template: :1: "

TEST(templates)
{
    static const struct {
        const char *name, *template, *want;
    } rows[] = {
        {"text", "plain.mesh", "plain.mesh"},
        {"a name", "{{.service}}.mesh", "web.mesh"},
        {"names and blanks", "v{{ .version }}.{{\t.service\n}}.mesh", "v2.web.mesh"},
        {"a missing tag", "{{.zone}}.mesh", NO_NAME "<no value>.mesh'"},
        {"no parameter of that name", "{{.nope}}", NO_NAME "<no value>'"},
        {"a comment", "a{{/* }} */}}b", "ab"},
        {"trimmed", "a  {{- .version -}}\n b", "a2b"},
        {"a trimmed comment", "a {{- /* x */ -}} b", "ab"},
        {"minus without a blank is a sign", "a{{-1}}", "a-1"},
        {"texts", "{{\"a\\\"\\n\" | len}}.{{`b\\`}}", NO_NAME "3.b\\'"},
        {"printf", "{{printf \"%s-x\" .service}}", "web-x"},
        {"printf by a pipe", "{{.service | printf \"%s.%v\" .version}}", "2.web"},
        {"widths", "{{printf \"%03d%-3dx%.2s\" 7 8 .service}}", NO_NAME "0078  xwe'"},
        {"a negative number", "a{{printf \"%04d\" -7}}", "a-007"},
        {"percent", "{{printf \"%%%t\" true}}", NO_NAME "%true'"},
        {"nothing printed", "{{printf \"%v\" .zone}}", NO_NAME "<nil>'"},
        {"print", "{{print .service 1 2 .version}}", NO_NAME "web1 22'"},
        {"println", "{{println .service 1}}", NO_NAME "web 1\n'"},
        {"slices", "{{slice .service 1}}.{{slice .service 0 1}}.{{slice .service}}", "eb.w.web"},
        {"if", "{{if .version}}v{{.version}}.{{end}}{{.service}}", "v2.web"},
        {"if not", "{{if .zone}}{{.zone}}.{{end}}{{.service}}", "web"},
        {"else", "{{if eq .version \"1\"}}one{{else}}other{{end}}", "other"},
        {"else if", "{{if eq .version \"1\"}}a{{else if eq .version \"3\" \"2\"}}b{{else}}c{{end}}", "b"},
        {"if in if", "{{if .service}}{{if .zone}}a{{else}}b{{end}}c{{end}}", "bc"},
        {"logic", "{{and .service .version}}{{or .zone \"x\"}}{{not .zone}}", "2xtrue"},
        {"order", "{{lt 1 2}}{{le 2 2}}{{gt .service \"a\"}}{{ge 1 2}}{{ne \"a\" \"b\"}}",
         "truetruetruefalsetrue"},
        {"parentheses", "{{if (and (eq .version \"2\") (not .zone))}}yes{{end}}", "yes"},
        {"a call against its parenthesis", "{{print(\"a\")}}", "a"},
        {"no fault in what is not reached", "{{if .zone}}{{slice .zone 5}}{{end}}a", "a"},
        {"not closed", "{{.service", NO_FORM "unclosed action'"},
        {"not closed text", "{{\"a}}", NO_FORM "unterminated quoted string'"},
        {"not closed raw text", "{{`a}}", NO_FORM "unterminated raw quoted string'"},
        {"not closed comment", "{{/* a}}", NO_FORM "unclosed comment'"},
        {"not closed parenthesis", "{{(.service}}", NO_FORM "unclosed left paren'"},
        {"not closed if", "{{if .service}}a", NO_FORM "unexpected EOF'"},
        {"end of nothing", "a{{end}}", NO_FORM "unexpected {{end}}'"},
        {"else of nothing", "a{{else}}", NO_FORM "unexpected {{else}}'"},
        {"else twice", "{{if 1}}a{{else}}b{{else}}c{{end}}", NO_FORM "expected end; found {{else}}'"},
        {"empty", "{{}}", NO_FORM "missing value for command'"},
        {"if of nothing", "{{if}}a{{end}}", NO_FORM "missing value for command'"},
        {"unknown function", "{{port}}", NO_FORM "function \"port\" not defined'"},
        {"a loop", "{{range .service}}{{end}}", NO_FORM "\"range\" is not supported'"},
        {"a variable", "{{$x := 1}}", NO_FORM "variables are not supported'"},
        {"the dot", "{{.}}", NO_FORM "a dot without a name is not supported'"},
        {"too few arguments", "{{eq .service}}", NO_FORM "wrong number of args for eq'"},
        {"too many arguments", "{{not 1 2}}", NO_FORM "wrong number of args for not'"},
        {"a function among arguments", "{{print len}}", NO_FORM "wrong number of args for len'"},
        {"arguments of a text", "{{.service 1}}", NO_FORM "can't give argument to non-function'"},
        {"two values in one", "{{.service.version}}", NO_FORM "unexpected \".\" in an action'"},
        {"a strange escape", "{{\"\\x41\"}}", NO_FORM "an escape in a string that is not supported'"},
        {"a huge number", "{{99999999999999999999}}", NO_FORM "bad number syntax: \"99999999999999999999\"'"},
        {"the form comes first", "{{slice .service 9}}{{end}}", NO_FORM "unexpected {{end}}'"},
        {"out of range", "{{slice .service 9}}", NO_RUN "index out of range: 9:3'"},
        {"a slice of nothing", "{{slice .zone 1}}", NO_RUN "slice of what is no string'"},
        {"a length of nothing", "{{len .zone}}", NO_RUN "len of what is no string'"},
        {"no number", "{{slice .service \"1\"}}", NO_RUN "cannot index slice/array with what is no number'"},
        {"two kinds", "{{eq .version 2}}", NO_RUN "incompatible types for comparison'"},
        {"a verb for something else", "{{printf \"%d\" .version}}",
         NO_RUN "printf: %d is not for such a value'"},
        {"an unknown verb", "{{printf \"%x\" 1}}",
         NO_RUN "printf: of the verbs only %s, %d, %v, %t and %% are supported'"},
        {"a value too few", "{{printf \"%s\"}}", NO_RUN "printf: fewer values than verbs'"},
        {"a value too many", "{{printf \"\" 1}}", NO_RUN "printf: more values than verbs'"},
        {"no format", "{{printf 1}}", NO_RUN "printf: the format is no string'"},
        {"endless", "{{printf \"%9999s\" .service}}", NO_RUN "the result is longer than 1024 bytes'"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a;

        arena_init(&a);
        EXPECT_STR(rows[i].name, host_of(rows[i].template, &a), rows[i].want);
        arena_fini(&a);
    }
}

/* 'unit' so many times, NUL-terminated. */
static struct str repeated(struct arena *a, const char *unit, size_t n)
{
    struct buf b;

    buf_init(&b, 1 << 16);
    for (size_t i = 0; i < n; i++)
        buf_add_str(&b, str_from_c(unit));
    buf_add_byte(&b, 0);
    struct str text = arena_str(a, buf_str(&b));
    buf_fini(&b);
    return text;
}

TEST(templates_are_bounded)
{
    static const struct {
        const char *name, *unit;
        size_t n;
        const char *want;
    } rows[] = {
        {"text", "a", 5000, NO_FORM "longer than 4096 bytes'"},
        {"result", "{{.service}}a", 315, NO_RUN "the result is longer than 1024 bytes'"},
        {"if in if", "{{if 1}}", 40, NO_FORM "nested deeper than 32 levels'"},
        {"parentheses", "{{((((((((((((((((((((((((((((((((((", 1, NO_FORM "nested deeper than 32 levels'"},
        {"arguments", "{{print 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16}}", 1,
         NO_FORM "more than 15 arguments'"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a;

        arena_init(&a);
        struct str template = repeated(&a, rows[i].unit, rows[i].n);
        struct str got = host_of(template.p, &a);
        EXPECT_STR(rows[i].name, got, rows[i].want);
        arena_fini(&a);
    }
}

TEST(ports)
{
    static const struct {
        const char *template, *tag, *want;
    } rows[] = {
        {"8080", "1", "8080"},
        {"{{.port}}", "443", "443"},
        {"80{{.port}}", "80", "8080"},
        {"{{.port}}", "http",
         "evaluation of template with parameters didn't evaluate to a parsable number result='http'"},
        {"{{.port}}", "65536",
         "evaluation of template returned a port outside of the range [1..65535] result='65536'"},
        {"-{{.port}}", "1",
         "evaluation of template returned a port outside of the range [1..65535] result='-1'"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct virtual_outbound_parameter parameter = {.name = STR("port")};
        struct virtual_outbound_conf conf = {
            .port = str_from_c(rows[i].template), .parameters = &parameter, .n_parameters = 1};
        struct tag tag = {STR("port"), str_from_c(rows[i].tag)};
        struct str reason = STR_NONE;
        uint32_t port = 0;
        struct arena a;

        arena_init(&a);
        if (virtual_outbound_port(&conf, &(struct tags){.v = &tag, .n = 1}, &a, &port, &reason))
            reason = arena_printf(&a, "%u", port);
        EXPECT_STR(rows[i].template, reason, rows[i].want);
        arena_fini(&a);
    }
}
