/* changes.c -- see changes.h. */
#include "changes.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "ursa/base/json.h"
#include "ursa/base/yaml.h"

#define RED "\033[31m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define BOLD "\033[1m"
#define PLAIN "\033[0m"

struct writer {
    struct arena *arena;
    bool colours;
    struct buf *out;
};

bool changes_want_colours(void)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

    return isatty(STDOUT_FILENO) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}

static const char *colour(const struct writer *w, const char *sequence)
{
    return w->colours ? sequence : "";
}

/* Texts without quotes where nothing is lost, everything else as JSON. */
static void add_value(struct writer *w, const json_t *value)
{
    struct str text = json_str(value);
    bool plain = text.n > 0 && text.n < 200;

    for (size_t i = 0; plain && i < text.n; i++)
        plain = (unsigned char)text.p[i] > ' ' && text.p[i] != '"' && text.p[i] != 0x7f;
    buf_add_printable(w->out, plain ? text : json_format(w->arena, value));
}

static void write_field(struct writer *w, const json_t *change)
{
    const json_t *before = json_get(change, "before"), *after = json_get(change, "after");
    bool is_new = !before || json_is_null(before), is_gone = !after || json_is_null(after);
    bool is_hidden = is_new && is_gone; /* a secret's: that it changed is all that is told */
    char mark = is_hidden || (!is_new && !is_gone) ? '~' : is_new ? '+' : '-';

    buf_printf(w->out, "  %s%c ", colour(w, mark == '~' ? YELLOW : mark == '+' ? GREEN : RED), mark);
    if (json_get(change, "omitted"))
        buf_printf(w->out, "and %lld more fields",
                   (long long)json_integer_value(json_get(change, "omitted")));
    buf_add_printable(w->out, json_str(json_get(change, "field")));
    if (!is_hidden)
        buf_printf(w->out, ": ");
    if (!is_new)
        add_value(w, before);
    if (mark == '~' && !is_hidden)
        buf_printf(w->out, " -> ");
    if (!is_gone)
        add_value(w, after);
    buf_printf(w->out, "%s\n", colour(w, PLAIN));
}

static const char *word_of(struct str op)
{
    return str_eq(op, STR("create")) ? "created" : str_eq(op, STR("delete")) ? "deleted" : "updated";
}

/* A resource that is new or gone, line by line; what its label and the times say is left out. */
static void write_whole(struct writer *w, const json_t *state, bool is_new)
{
    static const char *const told[] = {"type", "mesh", "name", "creationTime", "modificationTime"};
    JSON_AUTO copy = json_copy((json_t *)(uintptr_t)state);
    struct str rest, line;

    for (size_t i = 0; i < ARRAY_LEN(told); i++)
        json_object_del(copy, told[i]);
    if (json_object_size(copy) == 0)
        return;
    rest = yaml_format(w->arena, copy);
    while (rest.n > 0 && str_next(&rest, '\n', &line)) {
        buf_printf(w->out, "  %s%c ", colour(w, is_new ? GREEN : RED), is_new ? '+' : '-');
        buf_add_printable(w->out, line);
        buf_printf(w->out, "%s\n", colour(w, PLAIN));
    }
}

static void write_resource(struct writer *w, const json_t *item)
{
    struct str op = json_str(json_get(item, "op"));
    struct str label = cli_resource_label(w->arena, res_type_by_name(json_str(json_get(item, "type"))),
                                          json_str(json_get(item, "mesh")), json_str(json_get(item, "name")));
    const json_t *before = json_get(item, "before"), *after = json_get(item, "after"), *change;
    size_t i;

    buf_printf(w->out, "%s", colour(w, BOLD));
    buf_add_printable(w->out, label);
    buf_printf(w->out, " %s%s\n", word_of(op), colour(w, PLAIN));
    if (json_is_object(before) != json_is_object(after))
        write_whole(w, json_is_object(after) ? after : before, json_is_object(after));
    json_array_foreach(json_get(item, "changes"), i, change)
    {
        write_field(w, change);
    }
}

void changes_write(struct arena *a, const json_t *items, bool colours, struct buf *out)
{
    struct writer w = {.arena = a, .colours = colours, .out = out};
    const json_t *item;
    size_t i;

    json_array_foreach(items, i, item)
    {
        write_resource(&w, item);
    }
}
