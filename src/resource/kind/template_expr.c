/* template_expr.c -- the pipelines of templates: operands, calls, and the values that come of them. */
#include "template.h"

#include "../field.h"
#include "ursa/resource.h"

/* What Go has and this does not: named, so that the user sees that it is no slip. */
static const char *const unsupported[] = {"range", "with",     "define",  "template", "block",
                                          "break", "continue", "nil",     "call",     "html",
                                          "index", "js",       "urlquery"};

bool template_is_true(const struct template_value *v)
{
    switch (v->kind) {
    case TEMPLATE_STR:
        return v->s.n > 0;
    case TEMPLATE_INT:
        return v->i != 0;
    case TEMPLATE_BOOL:
        return v->b;
    case TEMPLATE_NOTHING:
        break;
    }
    return false;
}

void template_print(struct buf *out, const struct template_value *v, const char *nothing)
{
    switch (v->kind) {
    case TEMPLATE_STR:
        buf_add_str(out, v->s);
        break;
    case TEMPLATE_INT:
        buf_printf(out, "%lld", (long long)v->i);
        break;
    case TEMPLATE_BOOL:
        buf_add_str(out, v->b ? STR("true") : STR("false"));
        break;
    case TEMPLATE_NOTHING:
        buf_add_str(out, str_from_c(nothing));
        break;
    }
}

/* The next character, or NUL at the end. */
static char peek(const struct template_run *r)
{
    return r->at < r->text.n ? r->text.p[r->at] : '\0';
}

static bool at_close(const struct template_run *r)
{
    struct str rest = str_slice(r->text, r->at, r->text.n);

    return rest.n == 0 || str_has_prefix(rest, STR("}}")) || str_has_prefix(rest, STR("-}}"));
}

/* ---- operands ---- */

static bool read_raw_text(struct template_run *r, struct template_value *v)
{
    struct str rest = str_slice(r->text, r->at + 1, r->text.n);
    size_t n = str_chr(rest, '`');

    if (n == rest.n)
        return template_fault(r, "unterminated raw quoted string");
    *v = (struct template_value){.kind = TEMPLATE_STR, .s = str_slice(rest, 0, n)};
    r->at += n + 2;
    return true;
}

/* The character that an escape stands for, NUL for those that are not supported. */
static char unescape(char c)
{
    switch (c) {
    case '"':
    case '\\':
        return c;
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return '\0';
    }
}

static bool read_text(struct template_run *r, struct template_value *v)
{
    char text[TEMPLATE_MAX_TEXT];
    size_t n = 0;

    for (r->at++; peek(r) != '"'; r->at++) {
        char c = peek(r);

        if (r->at >= r->text.n || c == '\n')
            return template_fault(r, "unterminated quoted string");
        if (c == '\\') {
            r->at++;
            c = unescape(peek(r));
            if (c == '\0')
                return template_fault(r, "an escape in a string that is not supported");
        }
        text[n++] = c;
    }
    r->at++;
    *v = (struct template_value){.kind = TEMPLATE_STR, .s = arena_str(r->arena, str_from(text, n))};
    return true;
}

static bool read_number(struct template_run *r, struct template_value *v)
{
    size_t end = r->at + 1;

    while (end < r->text.n && r->text.p[end] >= '0' && r->text.p[end] <= '9')
        end++;
    struct str digits = str_slice(r->text, r->at, end);

    if (!str_to_int(digits, INT64_MIN, INT64_MAX, &v->i))
        return template_fault(r, "bad number syntax: \"" STR_FMT "\"", STR_ARG(str_slice(digits, 0, 40)));
    v->kind = TEMPLATE_INT;
    r->at = end;
    return true;
}

/* ".name"; parameters have names of letters and digits. */
static bool read_field(struct template_run *r, struct template_value *v)
{
    size_t end = r->at + 1;

    while (end < r->text.n && (r->text.p[end] == '_' || (r->text.p[end] >= '0' && r->text.p[end] <= '9') ||
                               (r->text.p[end] >= 'a' && r->text.p[end] <= 'z') ||
                               (r->text.p[end] >= 'A' && r->text.p[end] <= 'Z')))
        end++;
    struct str name = str_slice(r->text, r->at + 1, end);

    if (name.n == 0)
        return template_fault(r, "a dot without a name is not supported");
    struct str value = tags_get(r->values, name);

    if (value.p)
        *v = (struct template_value){.kind = TEMPLATE_STR, .s = value};
    r->at = end;
    return true;
}

static bool read_parentheses(struct template_run *r, bool live, struct template_value *v)
{
    if (r->depth == TEMPLATE_MAX_DEPTH)
        return template_fault(r, "nested deeper than %d levels", TEMPLATE_MAX_DEPTH);
    r->depth++;
    r->at++;
    bool is_fine = template_pipeline(r, live, v);
    r->depth--;
    if (!is_fine)
        return false;
    template_skip_blanks(r);
    if (peek(r) != ')')
        return template_fault(r, "unclosed left paren");
    r->at++;
    return true;
}

static bool refuse_word(struct template_run *r, struct str word)
{
    for (size_t i = 0; i < ARRAY_LEN(unsupported); i++)
        if (str_eq(word, str_from_c(unsupported[i])))
            return template_fault(r, "\"%s\" is not supported", unsupported[i]);
    return template_fault(r, "function \"" STR_FMT "\" not defined", STR_ARG(str_slice(word, 0, 60)));
}

static bool read_operand(struct template_run *r, bool live, struct template_value *v)
{
    struct str word = template_peek_word(r);
    char c = peek(r);

    *v = (struct template_value){0};
    if (c == '.')
        return read_field(r, v);
    if (c == '"')
        return read_text(r, v);
    if (c == '`')
        return read_raw_text(r, v);
    if (c == '(')
        return read_parentheses(r, live, v);
    if (c == '-' || (c >= '0' && c <= '9'))
        return read_number(r, v);
    if (c == '$')
        return template_fault(r, "variables are not supported");
    if (str_eq(word, STR("true")) || str_eq(word, STR("false"))) {
        *v = (struct template_value){.kind = TEMPLATE_BOOL, .b = word.n == 4};
        r->at += word.n;
        return true;
    }
    if (word.n > 0) {
        const struct template_function *function = template_find_function(word);

        if (!function)
            return refuse_word(r, word);
        if (function->min_args > 0)
            return template_fault(r, "wrong number of args for %s", function->name);
        r->at += word.n;
        return !live || function->call(r, NULL, 0, v);
    }
    if (at_close(r))
        return template_fault(r, "missing value for command");
    return template_fault(r, "unexpected \"%c\" in an action", c);
}

/* ---- commands and pipelines ---- */

struct args {
    struct template_value v[TEMPLATE_MAX_ARGS];
    size_t n;
};

/* Operands with blanks between them, up to '|', ')' or the action's end. */
static bool read_args(struct template_run *r, bool live, struct args *args)
{
    while (true) {
        size_t before = r->at;

        template_skip_blanks(r);
        if (at_close(r) || peek(r) == '|' || peek(r) == ')')
            return true;
        if (r->at == before && peek(r) != '(')
            return template_fault(r, "unexpected \"%c\" in an action", peek(r));
        if (args->n == TEMPLATE_MAX_ARGS - 1) /* one more may come through the pipe */
            return template_fault(r, "more than %d arguments", TEMPLATE_MAX_ARGS - 1);
        if (!read_operand(r, live, &args->v[args->n]))
            return false;
        args->n++;
    }
}

/* One call, or one operand; 'piped' (NULL: none) is what came before the '|'. */
static bool read_command(struct template_run *r, bool live, const struct template_value *piped,
                         struct template_value *v)
{
    const struct template_function *function = template_find_function(template_peek_word(r));
    struct args args = {.n = 0};

    if (function)
        r->at += template_peek_word(r).n;
    else if (!read_operand(r, live, v))
        return false;
    if (!read_args(r, live, &args))
        return false;
    if (piped)
        args.v[args.n++] = *piped;
    if (!function)
        return args.n == 0 || template_fault(r, "can't give argument to non-function");
    if (args.n < function->min_args || args.n > function->max_args)
        return template_fault(r, "wrong number of args for %s", function->name);
    return !live || function->call(r, args.v, args.n, v);
}

bool template_pipeline(struct template_run *r, bool live, struct template_value *v)
{
    struct template_value piped;
    bool is_first = true;

    while (true) {
        template_skip_blanks(r);
        if (!read_command(r, live, is_first ? NULL : &piped, v))
            return false;
        if (peek(r) != '|')
            return true;
        r->at++;
        is_first = false;
        piped = *v;
    }
}
