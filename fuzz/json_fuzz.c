/* json_fuzz.c -- any bytes as JSON: no crash, the tree is the one that jansson reads where it reads one, and
 * what was read is written, laid out and read back as the same bytes. */
#include <stdlib.h>

#include "ursa/base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void compare_with_jansson(const uint8_t *bytes, size_t n, const json_t *v)
{
    json_t *theirs = json_loadb((const char *)bytes, n, JSON_DECODE_ANY, NULL);

    if (theirs && !json_equal(theirs, v))
        abort();
    json_decref(theirs);
}

static void compare_layout(struct str compact, struct str pretty)
{
    struct buf out;

    buf_init(&out, SIZE_MAX / 2);
    json_indent(&out, compact, 0);
    buf_add_byte(&out, '\n');
    if (!str_eq(buf_str(&out), pretty))
        abort();
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct arena a;
    struct err e;
    json_t *v, *again;

    arena_init(&a);
    err_init(&e, &a);
    if (json_parse(str_from(bytes, n), &v, &e) == ERR_NONE) {
        struct str compact = json_format(&a, v), pretty = json_format_pretty(&a, v);

        compare_with_jansson(bytes, n, v);
        compare_layout(compact, pretty);
        if (json_parse(pretty, &again, &e) != ERR_NONE)
            abort();
        if (!str_eq(json_format(&a, again), compact) ||
            !str_eq(json_format_canonical(&a, again), json_format_canonical(&a, v)))
            abort();
        json_decref(again);
        json_decref(v);
    } else if (v || e.text.n == 0) {
        abort();
    }
    arena_fini(&a);
    return 0;
}
