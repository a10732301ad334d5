/* json_fuzz.c -- any bytes as JSON: no crash, and what was read is written and read back as the same bytes.
 */
#include <stdlib.h>

#include "ursa/base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct arena a;
    struct err e;
    json_t *v, *again;

    arena_init(&a);
    err_init(&e, &a);
    if (json_parse(str_from(bytes, n), &v, &e) == ERR_NONE) {
        struct str compact = json_format(&a, v);

        if (json_parse(json_format_pretty(&a, v), &again, &e) != ERR_NONE)
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
