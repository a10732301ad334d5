/* changes.c -- see changes.h. */
#include "changes.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "ursa/base/json.h"

#define RED "\033[31m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define BOLD "\033[1m"
#define PLAIN "\033[0m"

/* ---- finding ---- */

struct comparison {
    struct arena *arena;
    json_t *out;
};

static void add_change(struct comparison *c, const struct path *at, const json_t *before, const json_t *after)
{
    json_t *change = json_object();

    json_object_set_new(change, "field", json_from_str(path_render(at, c->arena)));
    json_object_set_new(change, "before", before ? json_deep_copy(before) : json_null());
    json_object_set_new(change, "after", after ? json_deep_copy(after) : json_null());
    json_array_append_new(c->out, change);
}

/* A name that stands in a path as it is; others are keys of a map. */
static bool is_field(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char ch = name.p[i];
        if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '_'))
            return false;
    }
    return name.n > 0;
}

static void compare(struct comparison *c, const struct path *at, const json_t *before, const json_t *after);

static void compare_member(struct comparison *c, const struct path *at, struct str name, const json_t *before,
                           const json_t *after)
{
    struct path here = {
        .up = at, .field = is_field(name) ? name : STR_NONE, .key = is_field(name) ? STR_NONE : name};

    compare(c, &here, before, after);
}

static void compare_objects(struct comparison *c, const struct path *at, const json_t *before,
                            const json_t *after)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)before, key, value)
    {
        compare_member(c, at, json_key_str(key), value, json_get(after, key));
    }
    json_object_foreach((json_t *)(uintptr_t)after, key, value)
    {
        if (!json_get(before, key))
            compare_member(c, at, json_key_str(key), NULL, value);
    }
}

static void compare_lists(struct comparison *c, const struct path *at, const json_t *before,
                          const json_t *after)
{
    size_t n_before = json_array_size(before), n_after = json_array_size(after);

    for (size_t i = 0; i < n_before || i < n_after; i++) {
        struct path here = {.up = at, .index = i};
        compare(c, &here, json_array_get(before, i), json_array_get(after, i));
    }
}

static bool is_full(const json_t *value)
{
    return json_object_size(value) > 0 || json_array_size(value) > 0;
}

/* Goes into objects and lists; one against nothing is told leaf by leaf. */
static void compare(struct comparison *c, const struct path *at, const json_t *before, const json_t *after)
{
    const json_t *some = before ? before : after;

    if (before && after && json_equal(before, after))
        return;
    if (before && after && json_typeof(before) != json_typeof(after))
        add_change(c, at, before, after);
    else if (json_is_object(some) && (is_full(before) || is_full(after)))
        compare_objects(c, at, before, after);
    else if (json_is_array(some) && (is_full(before) || is_full(after)))
        compare_lists(c, at, before, after);
    else
        add_change(c, at, before, after);
}

json_t *changes_of(struct arena *a, const json_t *before, const json_t *after)
{
    struct comparison c = {.arena = a, .out = json_array()};

    compare_objects(&c, NULL, before, after);
    return c.out;
}

/* ---- showing ---- */

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

/* Text of others: a terminal would obey control characters. */
static void add_clean(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        buf_add_byte(out, c < ' ' || c == 0x7f ? '?' : c);
    }
}

/* Texts without quotes where nothing is lost, everything else as JSON. */
static void add_value(struct writer *w, const json_t *value)
{
    struct str text = json_str(value);
    bool plain = text.n > 0 && text.n < 200;

    for (size_t i = 0; plain && i < text.n; i++)
        plain = (unsigned char)text.p[i] > ' ' && text.p[i] != '"' && text.p[i] != 0x7f;
    add_clean(w->out, plain ? text : json_format(w->arena, value));
}

static void write_field(struct writer *w, const json_t *change)
{
    const json_t *before = json_get(change, "before"), *after = json_get(change, "after");
    bool is_new = !before || json_is_null(before), is_gone = !after || json_is_null(after);

    buf_printf(w->out, "  %s%s ",
               colour(w, is_new    ? GREEN
                         : is_gone ? RED
                                   : YELLOW),
               is_new    ? "+"
               : is_gone ? "-"
                         : "~");
    add_clean(w->out, json_str(json_get(change, "field")));
    if (!is_new || !is_gone)
        buf_printf(w->out, ": ");
    if (!is_new)
        add_value(w, before);
    if (!is_new && !is_gone)
        buf_printf(w->out, " -> ");
    if (!is_gone)
        add_value(w, after);
    buf_printf(w->out, "%s\n", colour(w, PLAIN));
}

static const char *word_of(struct str op)
{
    return str_eq(op, STR("create")) ? "created" : str_eq(op, STR("delete")) ? "deleted" : "updated";
}

static json_t *without_times(const json_t *state)
{
    json_t *copy = json_is_object(state) ? json_copy((json_t *)(uintptr_t)state) : NULL;

    if (copy) {
        static const char *const told[] = {"type", "mesh", "name", "creationTime", "modificationTime"};
        for (size_t i = 0; i < ARRAY_LEN(told); i++)
            json_object_del(copy, told[i]);
    }
    return copy;
}

static void write_resource(struct writer *w, const json_t *item)
{
    struct str op = json_str(json_get(item, "op"));
    struct str label = cli_resource_label(w->arena, res_type_by_name(json_str(json_get(item, "type"))),
                                          json_str(json_get(item, "mesh")), json_str(json_get(item, "name")));
    JSON_AUTO changes = json_incref(json_get(item, "changes"));
    const json_t *change;
    size_t i;

    buf_printf(w->out, "%s", colour(w, BOLD));
    add_clean(w->out, label);
    buf_printf(w->out, " %s%s\n", word_of(op), colour(w, PLAIN));
    if (json_array_size(changes) == 0) { /* a whole resource is new or gone: its fields are */
        JSON_AUTO before = without_times(json_get(item, "before"));
        JSON_AUTO after = without_times(json_get(item, "after"));

        json_decref(changes);
        changes = changes_of(w->arena, before, after);
    }
    json_array_foreach(changes, i, change)
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
