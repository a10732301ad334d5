/* template_functions.c -- the functions of templates: those of Go's that make or compare texts and numbers.
 */
#include "template.h"

#include <string.h>

#include "../field.h"

static struct template_value of_bool(bool b)
{
    return (struct template_value){.kind = TEMPLATE_BOOL, .b = b};
}

/* ---- choosing and comparing ---- */

static bool call_and(struct template_run *r, const struct template_value *args, size_t n,
                     struct template_value *v)
{
    size_t i = 0;

    (void)r;
    while (i + 1 < n && template_is_true(&args[i]))
        i++;
    *v = args[i];
    return true;
}

static bool call_or(struct template_run *r, const struct template_value *args, size_t n,
                    struct template_value *v)
{
    size_t i = 0;

    (void)r;
    while (i + 1 < n && !template_is_true(&args[i]))
        i++;
    *v = args[i];
    return true;
}

static bool call_not(struct template_run *r, const struct template_value *args, size_t n,
                     struct template_value *v)
{
    (void)r;
    (void)n;
    *v = of_bool(!template_is_true(args));
    return true;
}

/* Of two values of a kind. */
static bool compare(struct template_run *r, const struct template_value *a, const struct template_value *b,
                    int *order)
{
    if (a->kind != b->kind)
        return template_fault(r, "incompatible types for comparison");
    *order = a->kind == TEMPLATE_STR   ? str_cmp(a->s, b->s)
             : a->kind == TEMPLATE_INT ? (a->i > b->i) - (a->i < b->i)
                                       : a->b - b->b;
    return true;
}

/* The first is one of the others. */
static bool call_eq(struct template_run *r, const struct template_value *args, size_t n,
                    struct template_value *v)
{
    int order = 1;

    for (size_t i = 1; i < n && order != 0; i++)
        if (!compare(r, &args[0], &args[i], &order))
            return false;
    *v = of_bool(order == 0);
    return true;
}

#define CALL_COMPARISON(name, op)                                                                            \
    static bool name(struct template_run *r, const struct template_value *args, size_t n,                    \
                     struct template_value *v)                                                               \
    {                                                                                                        \
        int order = 0;                                                                                       \
                                                                                                             \
        (void)n;                                                                                             \
        if (!compare(r, &args[0], &args[1], &order))                                                         \
            return false;                                                                                    \
        *v = of_bool(order op 0);                                                                            \
        return true;                                                                                         \
    }
CALL_COMPARISON(call_ne, !=)
CALL_COMPARISON(call_lt, <)
CALL_COMPARISON(call_le, <=)
CALL_COMPARISON(call_gt, >)
CALL_COMPARISON(call_ge, >=)

/* ---- texts ---- */

static bool call_len(struct template_run *r, const struct template_value *args, size_t n,
                     struct template_value *v)
{
    (void)n;
    if (args->kind != TEMPLATE_STR)
        return template_fault(r, "len of what is no string");
    *v = (struct template_value){.kind = TEMPLATE_INT, .i = (int64_t)args->s.n};
    return true;
}

/* slice text, slice text from, slice text from to: bytes. */
static bool call_slice(struct template_run *r, const struct template_value *args, size_t n,
                       struct template_value *v)
{
    int64_t bounds[2] = {0, (int64_t)args->s.n};

    if (args->kind != TEMPLATE_STR)
        return template_fault(r, "slice of what is no string");
    for (size_t i = 1; i < n; i++) {
        if (args[i].kind != TEMPLATE_INT)
            return template_fault(r, "cannot index slice/array with what is no number");
        bounds[i - 1] = args[i].i;
    }
    if (bounds[0] < 0 || bounds[1] > (int64_t)args->s.n || bounds[0] > bounds[1])
        return template_fault(r, "index out of range: %lld:%lld", (long long)bounds[0], (long long)bounds[1]);
    *v = (struct template_value){.kind = TEMPLATE_STR,
                                 .s = str_slice(args->s, (size_t)bounds[0], (size_t)bounds[1])};
    return true;
}

/* The text in 'out' becomes the value. */
static bool finish_text(struct template_run *r, struct buf *out, struct template_value *v)
{
    bool is_fine =
        buf_ok(out) || template_fault(r, "the result is longer than %d bytes", TEMPLATE_MAX_RESULT);

    if (is_fine)
        *v = (struct template_value){.kind = TEMPLATE_STR, .s = arena_str(r->arena, buf_str(out))};
    buf_fini(out);
    return is_fine;
}

/* Blanks stand between operands when neither is a string. */
static bool call_print(struct template_run *r, const struct template_value *args, size_t n,
                       struct template_value *v)
{
    struct buf out;

    buf_init(&out, TEMPLATE_MAX_RESULT);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && args[i].kind != TEMPLATE_STR && args[i - 1].kind != TEMPLATE_STR)
            buf_add_byte(&out, ' ');
        template_print(&out, &args[i], "<nil>");
    }
    return finish_text(r, &out, v);
}

static bool call_println(struct template_run *r, const struct template_value *args, size_t n,
                         struct template_value *v)
{
    struct buf out;

    buf_init(&out, TEMPLATE_MAX_RESULT);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_add_byte(&out, ' ');
        template_print(&out, &args[i], "<nil>");
    }
    buf_add_byte(&out, '\n');
    return finish_text(r, &out, v);
}

/* ---- printf ---- */

struct directive {
    bool left, zeros;
    size_t width;
    size_t precision; /* SIZE_MAX: none */
    char verb;
};

static size_t read_size(struct str *format)
{
    size_t v = 0;

    while (format->n > 0 && format->p[0] >= '0' && format->p[0] <= '9') {
        v = v > TEMPLATE_MAX_RESULT ? v : v * 10 + (size_t)(format->p[0] - '0');
        *format = str_slice(*format, 1, format->n);
    }
    return v;
}

/* What follows a '%'. */
static bool read_directive(struct template_run *r, struct str *format, struct directive *d)
{
    *d = (struct directive){.precision = SIZE_MAX};
    for (; format->n > 0 && (format->p[0] == '-' || format->p[0] == '0');
         *format = str_slice(*format, 1, format->n)) {
        d->left |= format->p[0] == '-';
        d->zeros |= format->p[0] == '0';
    }
    d->width = read_size(format);
    if (format->n > 0 && format->p[0] == '.') {
        *format = str_slice(*format, 1, format->n);
        d->precision = read_size(format);
    }
    if (format->n == 0 || !strchr("sdvt", format->p[0]))
        return template_fault(r, "printf: of the verbs only %%s, %%d, %%v, %%t and %%%% are supported");
    d->verb = format->p[0];
    *format = str_slice(*format, 1, format->n);
    return true;
}

static bool print_directive(struct template_run *r, struct buf *out, const struct directive *d,
                            const struct template_value *arg)
{
    static const enum template_kind kinds[] = {
        ['s'] = TEMPLATE_STR, ['d'] = TEMPLATE_INT, ['t'] = TEMPLATE_BOOL};
    struct buf text;

    if (d->verb != 'v' && kinds[(unsigned char)d->verb] != arg->kind)
        return template_fault(r, "printf: %%%c is not for such a value", d->verb);
    buf_init(&text, TEMPLATE_MAX_RESULT);
    template_print(&text, arg, "<nil>");
    struct str s = buf_str(&text);

    if (arg->kind == TEMPLATE_STR)
        s = str_slice(s, 0, d->precision);
    size_t padding = d->width > s.n ? d->width - s.n : 0;
    bool zeros = d->zeros && !d->left;

    if (zeros && arg->kind == TEMPLATE_INT && arg->i < 0) {
        buf_add_byte(out, '-');
        s = str_slice(s, 1, s.n);
    }
    for (size_t i = 0; !d->left && i < padding; i++)
        buf_add_byte(out, zeros ? '0' : ' ');
    buf_add_str(out, s);
    for (size_t i = 0; d->left && i < padding; i++)
        buf_add_byte(out, ' ');
    bool is_fine = buf_ok(&text);
    buf_fini(&text);
    return is_fine || template_fault(r, "the result is longer than %d bytes", TEMPLATE_MAX_RESULT);
}

static bool print_format(struct template_run *r, struct buf *out, const struct template_value *args, size_t n)
{
    struct str format = args[0].s;
    size_t used = 1;

    while (format.n > 0) {
        size_t plain = str_chr(format, '%');
        bool is_directive = plain < format.n;
        struct directive d;

        buf_add_str(out, str_slice(format, 0, plain));
        format = str_slice(format, plain + 1, format.n);
        if (!is_directive)
            continue;
        if (format.n > 0 && format.p[0] == '%') {
            buf_add_byte(out, '%');
            format = str_slice(format, 1, format.n);
            continue;
        }
        if (!read_directive(r, &format, &d))
            return false;
        if (used == n)
            return template_fault(r, "printf: fewer values than verbs");
        if (!print_directive(r, out, &d, &args[used++]))
            return false;
    }
    return used == n || template_fault(r, "printf: more values than verbs");
}

static bool call_printf(struct template_run *r, const struct template_value *args, size_t n,
                        struct template_value *v)
{
    struct buf out;

    if (args->kind != TEMPLATE_STR)
        return template_fault(r, "printf: the format is no string");
    buf_init(&out, TEMPLATE_MAX_RESULT);
    if (print_format(r, &out, args, n))
        return finish_text(r, &out, v);
    buf_fini(&out);
    return false;
}

/* ---- the table ---- */

static const struct template_function functions[] = {
    {"and", 1, TEMPLATE_MAX_ARGS, call_and},
    {"eq", 2, TEMPLATE_MAX_ARGS, call_eq},
    {"ge", 2, 2, call_ge},
    {"gt", 2, 2, call_gt},
    {"le", 2, 2, call_le},
    {"len", 1, 1, call_len},
    {"lt", 2, 2, call_lt},
    {"ne", 2, 2, call_ne},
    {"not", 1, 1, call_not},
    {"or", 1, TEMPLATE_MAX_ARGS, call_or},
    {"print", 0, TEMPLATE_MAX_ARGS, call_print},
    {"printf", 1, TEMPLATE_MAX_ARGS, call_printf},
    {"println", 0, TEMPLATE_MAX_ARGS, call_println},
    {"slice", 1, 3, call_slice},
};

const struct template_function *template_find_function(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(functions); i++)
        if (str_eq(name, str_from_c(functions[i].name)))
            return &functions[i];
    return NULL;
}
