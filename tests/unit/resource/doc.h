/* doc.h -- documents in tests of the resource room: JSON in, a resource or its faults out. */
#ifndef URSA_TESTS_RESOURCE_DOC_H
#define URSA_TESTS_RESOURCE_DOC_H

#include <stdlib.h>

#include "../../lib/test.h"
#include "ursa/base/json.h"
#include "ursa/resource.h"

/* The resource, or NULL and the faults in 'e'. */
static inline struct resource *doc_decode(enum res_type type, const char *text, struct err *e)
{
    struct resource *r = NULL;
    json_t *doc = NULL;

    if (json_parse(str_from_c(text), &doc, e) != ERR_NONE)
        return NULL;
    if (resource_decode(type, doc, &r, e) != ERR_NONE)
        r = NULL;
    json_decref(doc);
    return r;
}

/* A document that must be accepted. */
static inline struct resource *doc_resource(enum res_type type, const char *text)
{
    struct arena a;
    struct err e;

    arena_init(&a);
    err_init(&e, &a);
    struct resource *r = doc_decode(type, text, &e);
    if (!r) {
        FAIL("%s: " STR_FMT, text, STR_ARG(err_render(&e, &a)));
        abort(); /* FAIL has left the test; the compiler does not know */
    }
    arena_fini(&a);
    return r;
}

/* What became of a document: its canonical spec; or "field: reason; ..."; or "malformed: text: field:
 * reason".
 */
static inline struct str doc_outcome(enum res_type type, const char *text, struct arena *a)
{
    struct err e;

    err_init(&e, a);
    struct resource *r = doc_decode(type, text, &e);
    struct str outcome = r ? arena_str(a, blob_str(r->spec_json))
                           : arena_printf(a, "%s" STR_FMT, e.kind == ERR_MALFORMED ? "malformed: " : "",
                                          STR_ARG(err_render(&e, a)));
    resource_unref(r);
    return outcome;
}

#endif
