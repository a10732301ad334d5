/* template.c -- see ursa/client.h: variables in the files that users hand to the clients. */
#include "ursa/client.h"

#define MAX_FILLED ((size_t)64 << 20)

/* The line and column of the byte before which 'before' stands. */
static void place(struct str before, size_t *line, size_t *column)
{
    size_t last = str_rchr(before, '\n');

    *line = 1;
    for (size_t i = 0; i < before.n; i++)
        *line += before.p[i] == '\n';
    *column = last < before.n ? before.n - last : before.n + 1;
}

static const struct client_variable *find(const struct client_variable *v, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(v[i].name, name))
            return &v[i];
    return NULL;
}

enum err_kind client_fill_in(struct str text, const struct client_variable *variables, size_t n_variables,
                             struct arena *a, struct str *out, struct err *e)
{
    struct buf filled;
    struct str rest = text;

    buf_init(&filled, MAX_FILLED);
    for (;;) {
        size_t open = str_find(rest, STR("{{")), line, column;

        buf_add_str(&filled, str_slice(rest, 0, open));
        if (open == rest.n)
            break;
        place(str_slice(text, 0, text.n - rest.n + open), &line, &column);
        rest = str_slice(rest, open + 2, rest.n);
        size_t shut = str_find(rest, STR("}}"));
        struct str name = str_trim(str_slice(rest, 0, shut));
        const struct client_variable *v = find(variables, n_variables, name);
        if (shut == rest.n) {
            err_set(e, ERR_INVALID, "line %zu, column %zu: {{ without }}", line, column);
            break;
        }
        if (!v) {
            err_set(e, ERR_INVALID, "line %zu, column %zu: {{ " STR_FMT " }} is used but has no value", line,
                    column, STR_ARG(name));
            break;
        }
        buf_add_str(&filled, v->value);
        rest = str_slice(rest, shut + 2, rest.n);
    }
    if (e->kind == ERR_NONE && !buf_ok(&filled))
        err_set(e, ERR_LIMIT, "with its variables the text is larger than %zu bytes", MAX_FILLED);
    *out = arena_str(a, buf_str(&filled));
    buf_fini(&filled);
    return e->kind;
}
