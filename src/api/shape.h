/* shape.h -- what JSON of our answers looks like, in a short notation, and as JSON Schema (draft 2020-12).
 *
 * The notation is YAML in flow style:
 *   {name: string, port?: integer}     an object; '?': not always there
 *   {(tag): string}                    an object with any keys
 *   [string]                           an array
 *   string integer number boolean      a value; also object and array (with anything in it), null, any,
 *                                      time (RFC 3339), duration ("1h30m"), and $Name (shapes.def, a type)
 *   string|null, created|updated       one of several; words that are none of the above stand for themselves
 */
#ifndef URSA_API_SHAPE_H
#define URSA_API_SHAPE_H

#include <jansson.h>

#include "ursa/base/err.h"

#define SHAPE_REF "#/components/schemas/"

/* The schema of a shape in YAML's tree; the caller owns it. "$Name" becomes a reference to SHAPE_REF "Name".
 * NULL and 'e' when it is none. */
json_t *shape_to_schema(const json_t *shape, struct err *e);
/* The same from its text. */
json_t *shape_parse(struct str text, struct err *e);
/* The shape that shapes.def has under this name, as a schema of its own; NULL when there is none. */
json_t *shape_find(struct str name, struct err *e);
/* Adds all of shapes.def by name. */
MUST_USE enum err_kind shape_add_all(json_t *schemas, struct err *e);

#endif
