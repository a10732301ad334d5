/* log_format.c -- checks an access-log format: text with operators %NAME%, %NAME(args)%, %NAME(args):length%
 * (resources.md 1.6). */
#include <string.h>

#include "../field.h"
#include "rules.h"

struct command {
    struct str token; /* all of it, with both '%' */
    struct str name, args, length;
    bool bare; /* neither parentheses nor, beside a length, anything else */
};

static size_t span(struct str s, size_t from, bool (*wanted)(char))
{
    while (from < s.n && wanted(s.p[from]))
        from++;
    return from;
}

static bool is_name(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_arg(char c)
{
    return c != ')';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The command at the start of 's', which begins with '%'. */
static bool command_parse(struct str s, struct command *op)
{
    size_t i = span(s, 1, is_name);

    *op = (struct command){.name = str_slice(s, 1, i), .bare = true};
    if (op->name.n == 0)
        return false;
    if (i < s.n && s.p[i] == '(') {
        size_t close = span(s, i + 1, is_arg);

        if (close == s.n)
            return false;
        op->args = str_slice(s, i + 1, close);
        op->bare = false;
        i = close + 1;
    }
    if (i + 1 < s.n && s.p[i] == ':' && is_digit(s.p[i + 1])) {
        size_t end = span(s, i + 1, is_digit);

        op->length = str_slice(s, i + 1, end);
        i = end;
    }
    if (i >= s.n || s.p[i] != '%')
        return false;
    op->token = str_slice(s, 0, i + 1);
    return true;
}

static struct str needs(struct arena *a, const struct command *op, const char *what)
{
    return arena_printf(a, "command \"%%" STR_FMT "%%\" requires %s, instead got " STR_FMT, STR_ARG(op->name),
                        what, STR_ARG(str_quote(a, op->token)));
}

static bool has_line_break(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\0')
            return true;
    return false;
}

/* In strftime's language: '%', flags, a width without zeros, 'n'. */
static bool prints_line_break(struct str args)
{
    for (size_t i = 0; i < args.n; i++) {
        size_t k = i + 1;

        if (args.p[i] != '%')
            continue;
        while (k < args.n && strchr("-_0^#", args.p[k]))
            k++;
        while (k < args.n && args.p[k] >= '1' && args.p[k] <= '9')
            k++;
        if (k < args.n && args.p[k] == 'n')
            return true;
    }
    return false;
}

/* STR_NONE when the length is fine. */
static struct str check_length(struct arena *a, const struct command *op)
{
    int64_t length;

    if (op->length.n == 0 || str_to_int(op->length, 0, INT64_MAX, &length))
        return STR_NONE;
    return arena_printf(a, "length must be an integer, instead got " STR_FMT " in " STR_FMT,
                        STR_ARG(str_quote(a, op->length)), STR_ARG(str_quote(a, op->token)));
}

static struct str check_header(struct arena *a, const struct command *op)
{
    if (op->bare)
        return needs(a, op, "a header and optional alternative header names as its arguments");
    struct str fault = check_length(a, op);

    if (fault.p)
        return fault;
    size_t mark = str_chr(op->args, '?');

    if (str_chr(str_slice(op->args, mark + 1, op->args.n), '?') < str_slice(op->args, mark + 1, op->args.n).n)
        return arena_printf(a, "more than 1 alternative header specified in " STR_FMT,
                            STR_ARG(str_quote(a, op->token)));
    if (has_line_break(op->args))
        return arena_printf(a, "header name contains a newline in " STR_FMT,
                            STR_ARG(str_quote(a, op->token)));
    return STR_NONE;
}

/* The reason why the command is refused; STR_NONE when it is not. */
static struct str command_check(struct arena *a, const struct command *op)
{
    if (str_eq(op->name, STR("REQ")) || str_eq(op->name, STR("RESP")) || str_eq(op->name, STR("TRAILER")))
        return check_header(a, op);
    if (str_eq(op->name, STR("DYNAMIC_METADATA"))) {
        struct str fault = check_length(a, op);

        return fault.p || !op->bare ? fault
                                    : needs(a, op, "a filter namespace and optional path as its arguments");
    }
    if (str_eq(op->name, STR("FILTER_STATE"))) {
        struct str fault = check_length(a, op);

        return fault.p || op->args.n > 0 ? fault : needs(a, op, "a key as its argument");
    }
    if (str_eq(op->name, STR("START_TIME")))
        return prints_line_break(op->args)
                   ? arena_printf(a, "start time format string contains a newline in " STR_FMT,
                                  STR_ARG(str_quote(a, op->token)))
                   : STR_NONE;
    if (op->bare && op->length.n == 0)
        return STR_NONE;
    return arena_printf(a,
                        "command \"%%" STR_FMT
                        "%%\" doesn't support arguments or max length constraint, instead got " STR_FMT,
                        STR_ARG(op->name), STR_ARG(str_quote(a, op->token)));
}

bool log_format_check(struct str format, struct arena *a, struct str *reason)
{
    for (size_t i = 0; i < format.n; i++) {
        struct command op;
        struct str tail = str_slice(format, i, format.n), fault;

        if (format.p[i] != '%')
            continue;
        if (command_parse(tail, &op))
            fault = command_check(a, &op);
        else
            fault =
                arena_printf(a, "expected a command operator to start at position %zu, instead got: " STR_FMT,
                             i + 1, STR_ARG(str_quote(a, tail)));
        if (fault.p) {
            *reason = arena_printf(a, "format string is not valid: " STR_FMT, STR_ARG(fault));
            return false;
        }
        i += op.token.n - 1;
    }
    return true;
}
