/* err.c -- the one error type: a kind, a text for people, and causes that name the fields at fault. */
#include "ursa/base/err.h"

#include <string.h>

#include "ursa/base/buf.h"
#include "ursa/base/count.h"
#include "ursa/base/log.h"

void err_init(struct err *e, struct arena *a)
{
    *e = (struct err){.arena = a};
}

enum err_kind err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    e->text = arena_vprintf(e->arena, fmt, args);
    va_end(args);
    e->kind = kind;
    return kind;
}

void err_cause_at(struct err *e, struct str field, struct str reason)
{
    if (e->n_causes == ERR_CAUSES_MAX)
        return;
    if (e->n_causes == e->n_slots) {
        size_t n = e->n_slots ? e->n_slots * 2 : 4;
        struct err_cause *more = ARENA_ARRAY(e->arena, struct err_cause, n);

        if (e->n_causes > 0)
            memcpy(more, e->causes, e->n_causes * sizeof(more[0]));
        e->causes = more;
        e->n_slots = n;
    }
    e->causes[e->n_causes++] =
        (struct err_cause){.field = arena_str(e->arena, field), .reason = arena_str(e->arena, reason)};
    e->kind = ERR_INVALID;
}

void err_cause(struct err *e, const struct path *at, const char *fmt, ...)
{
    va_list args;

    if (e->n_causes == ERR_CAUSES_MAX)
        return; /* before the work of rendering */
    va_start(args, fmt);
    struct str reason = arena_vprintf(e->arena, fmt, args);
    va_end(args);
    err_cause_at(e, path_render(at, e->arena), reason);
}

void err_add_context(struct err *e, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    struct str context = arena_vprintf(e->arena, fmt, args);
    va_end(args);
    e->text = e->text.n == 0
                  ? context
                  : arena_printf(e->arena, STR_FMT ": " STR_FMT, STR_ARG(context), STR_ARG(e->text));
}

struct str err_render(const struct err *e, struct arena *a)
{
    struct buf b;

    buf_init(&b, BUF_MAX_RESOURCE);
    buf_add_str(&b, e->text);
    for (size_t i = 0; i < e->n_causes; i++) {
        const struct err_cause *c = &e->causes[i];

        if (b.n > 0)
            buf_add_str(&b, i == 0 ? STR(": ") : STR("; "));
        buf_add_str(&b, c->field);
        if (c->field.n > 0 && c->reason.n > 0)
            buf_add_str(&b, STR(": "));
        buf_add_str(&b, c->reason);
    }
    struct str text = arena_str(a, buf_str(&b));
    buf_fini(&b);
    return text;
}

const char *err_kind_name(enum err_kind kind)
{
    static const char *const names[] = {
        [ERR_NONE] = "none",
        [ERR_INVALID] = "invalid",
        [ERR_MALFORMED] = "malformed",
        [ERR_NOT_FOUND] = "not_found",
        [ERR_EXISTS] = "exists",
        [ERR_CONFLICT] = "conflict",
        [ERR_STALE] = "stale",
        [ERR_UNAUTHENTICATED] = "unauthenticated",
        [ERR_DENIED] = "denied",
        [ERR_METHOD] = "method",
        [ERR_MEDIA] = "media",
        [ERR_LIMIT] = "limit",
        [ERR_TOO_OFTEN] = "too_often",
        [ERR_UNAVAILABLE] = "unavailable",
        [ERR_PEER] = "peer",
        [ERR_NO_SPACE] = "no_space",
        [ERR_IO] = "io",
        [ERR_BUG] = "bug",
    };

    return (size_t)kind < ARRAY_LEN(names) ? names[kind] : "unknown";
}

enum err_kind err_bug(struct err *e, const char *file, int line, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    struct str text = arena_vprintf(e->arena, fmt, args);
    va_end(args);
    COUNT(err_bugs);
    log_error("base", "bug at=%s:%d " STR_FMT, file, line, STR_ARG(text));
    return err_set(e, ERR_BUG, "%s:%d: " STR_FMT, file, line, STR_ARG(text));
}
