/* template.c -- runs a template: text, and actions that print or choose. */
#include "template.h"

#include <stdarg.h>
#include <stdio.h>

enum stop { STOP_END_OF_TEXT, STOP_ELSE, STOP_END, STOP_FAULT };

static enum stop run_list(struct template_run *r, bool live);

bool template_fault(struct template_run *r, const char *fmt, ...)
{
    char text[256];
    size_t line = 1;
    va_list args;

    if (r->fault.p)
        return false;
    for (size_t i = 0; i < r->at && i < r->text.n; i++)
        line += r->text.p[i] == '\n';
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    r->fault = arena_printf(r->arena, "template: :%zu: %s", line, text);
    return false;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct str rest_of(const struct template_run *r)
{
    return str_slice(r->text, r->at, r->text.n);
}

void template_skip_blanks(struct template_run *r)
{
    while (r->at < r->text.n && is_blank(r->text.p[r->at]))
        r->at++;
}

struct str template_peek_word(const struct template_run *r)
{
    size_t end = r->at;

    while (end < r->text.n && ((r->text.p[end] >= 'a' && r->text.p[end] <= 'z') ||
                               (r->text.p[end] >= 'A' && r->text.p[end] <= 'Z') || r->text.p[end] == '_' ||
                               (end > r->at && r->text.p[end] >= '0' && r->text.p[end] <= '9')))
        end++;
    return str_slice(r->text, r->at, end);
}

/* ---- text and the borders of actions ---- */

/* The text up to the next action, or to the end; false at the end. */
static bool run_text(struct template_run *r, bool live)
{
    struct str text = rest_of(r);
    size_t n = str_find(text, STR("{{"));
    bool is_action = n < text.n;
    size_t body = r->at + n + 2;
    bool trims = is_action && body + 1 < r->text.n && r->text.p[body] == '-' && is_blank(r->text.p[body + 1]);

    text = str_slice(text, 0, n);
    if (r->trim_next)
        while (text.n > 0 && is_blank(text.p[0]))
            text = str_slice(text, 1, text.n);
    if (trims)
        while (text.n > 0 && is_blank(text.p[text.n - 1]))
            text = str_slice(text, 0, text.n - 1);
    r->trim_next = false;
    if (live)
        buf_add_str(&r->out, text);
    r->at = is_action ? body + trims : r->text.n;
    return is_action;
}

static bool close_action(struct template_run *r)
{
    template_skip_blanks(r);
    if (str_has_prefix(rest_of(r), STR("-}}")) && is_blank(r->text.p[r->at - 1])) {
        r->at++;
        r->trim_next = true;
    }
    if (str_has_prefix(rest_of(r), STR("}}"))) {
        r->at += 2;
        return true;
    }
    if (r->at == r->text.n)
        return template_fault(r, "unclosed action");
    return template_fault(r, "unexpected \"%c\" in an action", r->text.p[r->at]);
}

static bool skip_comment(struct template_run *r)
{
    size_t n = str_find(rest_of(r), STR("*/"));

    if (r->at + n == r->text.n)
        return template_fault(r, "unclosed comment");
    r->at += n + 2;
    return close_action(r);
}

/* ---- actions ---- */

static bool skip_word(struct template_run *r, const char *word)
{
    struct str found = template_peek_word(r);

    if (!str_eq(found, str_from_c(word)))
        return false;
    r->at += found.n;
    return true;
}

static bool run_print(struct template_run *r, bool live)
{
    struct template_value value = {0};

    if (!template_pipeline(r, live, &value) || !close_action(r))
        return false;
    if (live)
        template_print(&r->out, &value, "<no value>");
    return true;
}

/* From behind "if" to behind its "end". */
static bool run_if(struct template_run *r, bool live)
{
    bool is_open = live, is_last = false; /* no branch was taken yet; there is no other one behind this */
    enum stop stop;

    do {
        struct template_value condition = {.kind = TEMPLATE_BOOL, .b = true};

        if (!is_last && !template_pipeline(r, is_open, &condition))
            return false;
        if (!close_action(r))
            return false;
        bool taken = is_open && template_is_true(&condition);
        stop = run_list(r, taken);
        is_open = is_open && !taken;
        if (stop != STOP_ELSE)
            break;
        if (is_last)
            return template_fault(r, "expected end; found {{else}}");
        template_skip_blanks(r);
        is_last = !skip_word(r, "if");
    } while (true);
    if (stop == STOP_END_OF_TEXT)
        return template_fault(r, "unexpected EOF");
    return stop == STOP_END;
}

static bool run_nested_if(struct template_run *r, bool live)
{
    if (r->depth == TEMPLATE_MAX_DEPTH)
        return template_fault(r, "nested deeper than %d levels", TEMPLATE_MAX_DEPTH);
    r->depth++;
    bool is_fine = run_if(r, live);
    r->depth--;
    return is_fine;
}

/* Up to what belongs to an "if" around this list, or to the end. After "else" its action is still open. */
static enum stop run_list(struct template_run *r, bool live)
{
    bool is_fine = true;

    while (is_fine && run_text(r, live)) {
        template_skip_blanks(r);
        if (str_has_prefix(rest_of(r), STR("/*")))
            is_fine = skip_comment(r);
        else if (skip_word(r, "if"))
            is_fine = run_nested_if(r, live);
        else if (skip_word(r, "else"))
            return STOP_ELSE;
        else if (skip_word(r, "end"))
            return close_action(r) ? STOP_END : STOP_FAULT;
        else
            is_fine = run_print(r, live);
    }
    return is_fine ? STOP_END_OF_TEXT : STOP_FAULT;
}

static bool run_all(struct template_run *r, bool live)
{
    if (r->text.n > TEMPLATE_MAX_TEXT)
        return template_fault(r, "longer than %d bytes", TEMPLATE_MAX_TEXT);
    r->at = 0;
    r->trim_next = false;
    enum stop stop = run_list(r, live);
    if (stop == STOP_ELSE || stop == STOP_END)
        template_fault(r, "unexpected {{%s}}", stop == STOP_ELSE ? "else" : "end");
    else if (stop == STOP_END_OF_TEXT && !buf_ok(&r->out))
        template_fault(r, "the result is longer than %d bytes", TEMPLATE_MAX_RESULT);
    return !r->fault.p;
}

bool template_run(struct str text, const struct tags *values, struct arena *a, struct str *result,
                  struct str *reason)
{
    struct template_run r = {.text = text, .values = values, .arena = a};

    buf_init(&r.out, TEMPLATE_MAX_RESULT);
    if (!run_all(&r, false))
        *reason = arena_printf(a, "failed compiling gotemplate error='" STR_FMT "'", STR_ARG(r.fault));
    else if (!run_all(&r, true))
        *reason =
            arena_printf(a, "pre evaluation of template with parameters failed with error='" STR_FMT "'",
                         STR_ARG(r.fault));
    else
        *result = arena_str(a, buf_str(&r.out));
    buf_fini(&r.out);
    return !r.fault.p;
}
