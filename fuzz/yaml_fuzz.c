/* yaml_fuzz.c -- any bytes as YAML: no crash, bounds hold, and what was read is written and read back equal.
 */
#include <stdlib.h>

#include "ursa/base/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* A real that is integral reads back as an integer, so equality is that of the texts. */
static void check_round_trip(struct arena *a, const json_t *v)
{
    struct err e;
    struct yaml_doc *docs;
    size_t n;
    struct str text = yaml_format(a, v);

    err_init(&e, a);
    if (yaml_parse(text, 1, &docs, &n, &e))
        abort();
    /* An empty object's text is no empty document, so exactly one comes back. */
    if (n != 1 || !str_eq(yaml_format(a, docs[0].root), text))
        abort();
    json_decref(docs[0].root);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct str text = str_from(bytes, n_bytes);
    struct arena a;
    struct err e;
    struct yaml_doc *docs;
    size_t n;

    arena_init(&a);
    err_init(&e, &a);
    if (yaml_parse(text, 4, &docs, &n, &e) == ERR_NONE) {
        for (size_t i = 0; i < n; i++) {
            check_round_trip(&a, docs[i].root);
            json_decref(docs[i].root);
        }
    } else if (n != 0 || e.text.n == 0) {
        abort();
    }
    /* The last line as a path into the rest. */
    size_t cut = str_rchr(text, '\n');

    if (cut < text.n)
        yaml_locate(str_slice(text, 0, cut), n_bytes % 3, str_slice(text, cut + 1, text.n));
    arena_fini(&a);
    return 0;
}
