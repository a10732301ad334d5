/* template.h -- the part of Go's text/template that VirtualOutbounds are written in: text, {{.name}},
 * {{if}}, {{else}}, {{end}}, comments, trimming, pipelines, parentheses, and the functions of
 * template_functions.c. What else Go has is refused, with a reason that says so.
 *
 * A template is interpreted as it is read, twice: first nothing is 'live', which finds every fault of its
 * form; then it runs. */
#ifndef URSA_RESOURCE_TEMPLATE_H
#define URSA_RESOURCE_TEMPLATE_H

#include "ursa/base/arena.h"
#include "ursa/base/buf.h"
#include "ursa/kinds.h"

/* Host names and ports are made with it: more is a mistake, or an attack. */
#define TEMPLATE_MAX_TEXT 4096
#define TEMPLATE_MAX_RESULT 1024
#define TEMPLATE_MAX_DEPTH 32
#define TEMPLATE_MAX_ARGS 16

/* False and the reason, as the reference words it, when the template has a fault. Names without a value are
 * "<no value>". Result and reason are in the arena. */
MUST_USE bool template_run(struct str text, const struct tags *values, struct arena *, struct str *result,
                           struct str *reason);

/* ---- between the files of the interpreter ---- */

enum template_kind { TEMPLATE_NOTHING, TEMPLATE_STR, TEMPLATE_INT, TEMPLATE_BOOL };
struct template_value {
    enum template_kind kind;
    struct str s;
    int64_t i;
    bool b;
};

struct template_run {
    struct str text;
    size_t at; /* how far it is read */
    const struct tags *values;
    struct arena *arena;
    struct buf out;
    unsigned depth;
    bool trim_next;   /* the text that follows loses its blanks in front */
    struct str fault; /* the first one; p == NULL: none yet */
};

/* Notes the first fault, with its line; always false. */
bool template_fault(struct template_run *, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The pipeline at r->at, up to what ends it. 'live': its value is wanted, else only its form is looked at. */
bool template_pipeline(struct template_run *, bool live, struct template_value *);
bool template_is_true(const struct template_value *);
void template_print(struct buf *, const struct template_value *, const char *nothing);
void template_skip_blanks(struct template_run *);
/* The word at r->at, without reading it; "" when there is none. */
struct str template_peek_word(const struct template_run *);

struct template_function {
    const char *name;
    size_t min_args, max_args;
    bool (*call)(struct template_run *, const struct template_value *args, size_t n, struct template_value *);
};
/* NULL when there is none of that name. */
const struct template_function *template_find_function(struct str name);

#endif
