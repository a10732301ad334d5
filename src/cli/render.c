/* render.c -- see render.h. */
#include "render.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "progress.h"
#include "ursa/base/buf.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"
#include "ursa/base/yaml.h"

void render_text(struct str text)
{
    if (text.n > 0) /* the empty text may be no memory at all */
        fwrite(text.p, 1, text.n, stdout);
}

void render_tree(struct arena *a, const json_t *tree, enum output output)
{
    render_text(output == OUTPUT_JSON ? json_format_pretty(a, tree) : yaml_format(a, tree));
}

bool render_is_tree(int output)
{
    return output == OUTPUT_YAML || output == OUTPUT_JSON;
}

/* Text of others: without control characters, which a terminal would obey. */
static void print_clean(struct str s, FILE *out)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        fputc((c < ' ' && c != '\n') || c == 0x7f ? '?' : c, out);
    }
}

void render_line(struct str text)
{
    progress_end();
    print_clean(text, stderr);
    fputc('\n', stderr);
}

void render_error(const struct err *e)
{
    progress_end();
    fputs("Error: ", stderr);
    print_clean(e->text.n ? e->text : str_from_c(err_kind_name(e->kind)), stderr);
    fputc('\n', stderr);
    for (size_t i = 0; i < e->n_causes; i++) {
        fputs("* ", stderr);
        print_clean(e->causes[i].field, stderr);
        fputs(e->causes[i].field.n ? ": " : "", stderr);
        print_clean(e->causes[i].reason, stderr);
        fputc('\n', stderr);
    }
}

struct str render_age(struct arena *a, int64_t age_ns)
{
    int64_t s = age_ns / NS_PER_S;

    if (s < -1)
        return STR("never");
    if (s < 60)
        return arena_printf(a, "%llds", (long long)(s < 0 ? 0 : s));
    if (s < 3600)
        return arena_printf(a, "%lldm", (long long)(s / 60));
    if (s < 24 * 3600)
        return arena_printf(a, "%lldh", (long long)(s / 3600));
    if (s < 365 * 24 * 3600)
        return arena_printf(a, "%lldd", (long long)(s / (24 * 3600)));
    return arena_printf(a, "%lldy", (long long)(s / (365 * 24 * 3600)));
}

struct str render_ago(struct arena *a, struct str time, int64_t now_ns)
{
    int64_t then_ns;

    return time_parse(time, &then_ns) ? render_age(a, now_ns - then_ns) : STR("never");
}

struct str render_date(struct arena *a, struct str time)
{
    char text[64];
    struct tm tm;
    int64_t ns;

    if (!time_parse(time, &ns))
        return STR("-");
    time_t seconds = (time_t)(ns / NS_PER_S);
    if (!localtime_r(&seconds, &tm))
        return STR("-");
    return arena_str(a, str_from(text, strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm)));
}

/* ---- tags ---- */

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    int order = str_cmp(x->key, y->key);

    return order ? order : str_cmp(x->value, y->value);
}

static size_t add_tags(const json_t *tags, struct pair *pairs, size_t n)
{
    const char *key;
    json_t *value;

    /* The iterator only reads; its macro wants the tree writable. */
    json_object_foreach((json_t *)(uintptr_t)tags, key, value)
    {
        if (pairs)
            pairs[n] = (struct pair){json_key_str(key), json_str(value)};
        n++;
    }
    return n;
}

static size_t collect_tags(const json_t *networking, struct pair *pairs)
{
    const json_t *inbound;
    size_t n = 0, i;

    json_array_foreach(json_get(networking, "inbound"), i, inbound)
    {
        n = add_tags(json_get(inbound, "tags"), pairs, n);
    }
    return add_tags(json_get(json_get(networking, "gateway"), "tags"), pairs, n);
}

struct str render_dataplane_tags(struct arena *a, const json_t *networking)
{
    size_t n = collect_tags(networking, NULL);
    struct pair *pairs = ARENA_ARRAY(a, struct pair, n + 1);
    struct buf out;

    collect_tags(networking, pairs);
    qsort(pairs, n, sizeof(pairs[0]), compare_pairs);
    buf_init(&out, SIZE_MAX);
    for (size_t i = 0; i < n; i++) {
        bool same_key = i > 0 && str_eq(pairs[i].key, pairs[i - 1].key);
        if (same_key && str_eq(pairs[i].value, pairs[i - 1].value))
            continue;
        if (same_key)
            buf_printf(&out, "," STR_FMT, STR_ARG(pairs[i].value));
        else
            buf_printf(&out, "%s" STR_FMT "=" STR_FMT, i ? " " : "", STR_ARG(pairs[i].key),
                       STR_ARG(pairs[i].value));
    }
    struct str text = arena_str(a, buf_str(&out));
    buf_fini(&out);
    return text;
}

struct str render_tags(struct arena *a, const json_t *tags, const char *between)
{
    size_t n = add_tags(tags, NULL, 0);
    struct pair *pairs = ARENA_ARRAY(a, struct pair, n + 1);
    struct str out = STR("");

    add_tags(tags, pairs, 0);
    qsort(pairs, n, sizeof(pairs[0]), compare_pairs);
    for (size_t i = 0; i < n; i++)
        out = arena_printf(a, STR_FMT "%s" STR_FMT "=" STR_FMT, STR_ARG(out), i ? between : "",
                           STR_ARG(pairs[i].key), STR_ARG(pairs[i].value));
    return out;
}

struct str render_service_status(struct arena *a, struct str status)
{
    char *text = arena_cstr(a, status);

    for (size_t i = 0; i < status.n; i++)
        text[i] = text[i] == '_'                               ? ' '
                  : i == 0 && text[i] >= 'a' && text[i] <= 'z' ? (char)(text[i] - 'a' + 'A')
                                                               : text[i];
    return str_from(text, status.n);
}
