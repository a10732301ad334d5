/* condition.c -- see condition.h. */
#include "condition.h"

#include <inttypes.h>
#include <stdio.h>

#include "ursa/base/hash.h"

void etag_print(const struct resource *r, char out[ETAG_SIZE])
{
    char health[18] = "";
    if (r->health.n > 0)
        snprintf(health, sizeof(health), "-%" PRIx64, hash_content(r->health.p, r->health.n));
    snprintf(out, ETAG_SIZE, "\"%" PRIu64 "-%" PRIx64 "%s\"", r->revision, (uint64_t)r->modified_ns, health);
}

/* ---- lists of tags ---- */

static bool is_tag_byte(char c)
{
    unsigned char byte = (unsigned char)c;

    return byte == 0x21 || (byte >= 0x23 && byte != 0x7f);
}

/* Cuts the next tag, quotes included, off the list; a comma may stand inside of one. False at the end of the
 * list, and with *rest left where it was wrong. */
static bool next_tag(struct str *rest, bool *weak, struct str *tag)
{
    struct str s = *rest;
    size_t end = 1;

    while (s.n && (s.p[0] == ',' || s.p[0] == ' ' || s.p[0] == '\t'))
        s = str_slice(s, 1, s.n);
    *rest = s;
    *weak = str_has_prefix(s, STR("W/"));
    if (*weak)
        s = str_slice(s, 2, s.n);
    if (!str_has_prefix(s, STR("\"")))
        return false;
    while (end < s.n && is_tag_byte(s.p[end]))
        end++;
    if (end == s.n || s.p[end] != '"')
        return false;
    *tag = str_slice(s, 0, end + 1);
    s = str_trim(str_slice(s, end + 1, s.n));
    if (s.n && s.p[0] != ',')
        return false;
    *rest = s;
    return true;
}

static bool is_star(struct str list)
{
    return str_eq(str_trim(list), STR("*"));
}

bool condition_is_wellformed(struct str list)
{
    struct str tag;
    bool weak, any = false;

    if (is_star(list))
        return true;
    while (next_tag(&list, &weak, &tag))
        any = true;
    return any && list.n == 0;
}

/* Is what is stored named by the list? A weak tag equals a strong one only where the comparison is weak. */
static bool names(struct str list, const struct resource *stored, bool weakly)
{
    char own[ETAG_SIZE];
    struct str tag;
    bool weak;

    if (!stored)
        return false;
    if (is_star(list))
        return true;
    etag_print(stored, own);
    while (next_tag(&list, &weak, &tag)) {
        if ((!weak || weakly) && str_eq(tag, str_from_c(own)))
            return true;
    }
    return false;
}

/* ---- the headers ---- */

struct collected {
    struct arena *arena;
    const char *name;
    struct str list;
};

/* A header that comes in several lines is one list. */
static enum MHD_Result collect(void *ctx, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct collected *c = ctx;

    (void)kind;
    if (!str_eq_nocase(str_from_c(key), str_from_c(c->name)))
        return MHD_YES;
    if (c->list.p)
        c->list = arena_printf(c->arena, STR_FMT ", %s", STR_ARG(c->list), value ? value : "");
    else
        c->list = arena_str(c->arena, str_from_c(value ? value : ""));
    return MHD_YES;
}

static bool read_header(struct request *r, struct arena *arena, const char *name, struct str *list)
{
    struct collected c = {.arena = arena, .name = name};

    MHD_get_connection_values(r->connection, MHD_HEADER_KIND, collect, &c);
    *list = c.list;
    if (!c.list.p || condition_is_wellformed(c.list))
        return true;
    err_cause_at(&r->err, str_from_c(name),
                 STR("must be \"*\" or a list of entity tags in double quotes, as ETag gives them"));
    return false;
}

bool condition_read(struct request *r, struct arena *arena, struct condition *c)
{
    bool match = read_header(r, arena, "If-Match", &c->match);
    bool none_match = read_header(r, arena, "If-None-Match", &c->none_match);

    if (match && none_match)
        return true;
    answer_error(r);
    return false;
}

bool condition_is_known(const struct condition *c, const struct resource *stored)
{
    return c->none_match.p && names(c->none_match, stored, true);
}

struct str condition_update_only(struct request *r, struct arena *a, enum res_type type)
{
    const struct access_scope making = {.reach = REACH_GLOBAL, .type = type};
    struct err e;

    if (type != RES_MESH)
        return STR_NONE;
    err_init(&e, a);
    return access_check(&r->options->access, &r->user, ACCESS_WRITE, &making, &e) ? e.text : STR_NONE;
}

enum err_kind condition_check(const void *ctx, const struct resource *stored, struct err *e)
{
    const struct condition *c = ctx;
    char own[ETAG_SIZE] = "";

    if (c->update_only.p && !stored)
        return err_set(e, ERR_DENIED, STR_FMT, STR_ARG(c->update_only));
    if (stored)
        etag_print(stored, own);
    if (c->match.p && !stored)
        return err_set(e, ERR_STALE, "If-Match: nothing is stored");
    if (c->match.p && !names(c->match, stored, false))
        return err_set(e, ERR_STALE, "If-Match: what is stored has the ETag %s", own);
    if (condition_is_known(c, stored))
        return err_set(e, ERR_STALE, "If-None-Match: what is stored has the ETag %s", own);
    return ERR_NONE;
}
