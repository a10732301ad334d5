/* quote.h -- names inside sentences, written as kuma-cp writes them. */
#ifndef URSA_AUTH_QUOTE_H
#define URSA_AUTH_QUOTE_H

#include "ursa/base/err.h"

/* Go's %q. path_render() does it for keys: ["text"], brackets included. */
static inline struct str quote(struct arena *a, struct str text)
{
    struct str key = path_render(AT_KEY(NULL, text.p ? text : STR("")), a);

    return str_slice(key, 1, key.n - 1);
}

#endif
