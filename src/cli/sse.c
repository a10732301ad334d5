/* sse.c -- see sse.h. */
#include "sse.h"

#define MAX_EVENT ((size_t)1 << 20)

void sse_init(struct sse *s)
{
    buf_init(&s->line, MAX_EVENT);
    buf_init(&s->name, MAX_EVENT);
    buf_init(&s->next_id, MAX_EVENT);
    buf_init(&s->id, MAX_EVENT);
    buf_init(&s->data, MAX_EVENT);
}

void sse_fini(struct sse *s)
{
    buf_fini(&s->line);
    buf_fini(&s->name);
    buf_fini(&s->next_id);
    buf_fini(&s->id);
    buf_fini(&s->data);
}

static void set(struct buf *field, struct str value)
{
    buf_clear(field);
    buf_add_str(field, value);
}

void sse_restart(struct sse *s)
{
    buf_clear(&s->line);
    buf_clear(&s->name);
    buf_clear(&s->data);
    set(&s->next_id, buf_str(&s->id));
}

static void read_field(struct sse *s, struct str line)
{
    size_t colon = str_chr(line, ':');
    struct str name = str_slice(line, 0, colon), value = str_slice(line, colon + 1, line.n);

    if (str_has_prefix(value, STR(" ")))
        value = str_slice(value, 1, value.n);
    if (str_eq(name, STR("event"))) {
        set(&s->name, value);
    } else if (str_eq(name, STR("id"))) {
        set(&s->next_id, value);
    } else if (str_eq(name, STR("data"))) {
        if (s->data.n > 0)
            buf_add_byte(&s->data, '\n');
        buf_add_str(&s->data, value);
    }
}

/* An empty line ends an event; one without data is none. */
static bool end_line(struct sse *s, sse_fn *fn, void *ctx)
{
    struct str line = buf_str(&s->line);
    struct sse_event event;
    bool more = true;

    if (str_has_suffix(line, STR("\r")))
        line.n--;
    if (line.n > 0) {
        read_field(s, line);
    } else {
        set(&s->id, buf_str(&s->next_id));
        event = (struct sse_event){buf_str(&s->name), buf_str(&s->id), buf_str(&s->data)};
        more = event.data.n == 0 || fn(ctx, &event);
        buf_clear(&s->name);
        buf_clear(&s->data);
    }
    buf_clear(&s->line);
    return more && buf_ok(&s->name) && buf_ok(&s->next_id) && buf_ok(&s->data);
}

bool sse_feed(struct sse *s, const void *p, size_t n, sse_fn *fn, void *ctx)
{
    struct str rest = str_from(p, n);

    while (rest.n > 0) {
        size_t end = str_chr(rest, '\n');

        buf_add_str(&s->line, str_slice(rest, 0, end));
        if (!buf_ok(&s->line))
            return false;
        if (end < rest.n && !end_line(s, fn, ctx))
            return false;
        rest = str_slice(rest, end + 1, rest.n);
    }
    return true;
}
