/* envoy/codec.h -- what the two directions of the codec share. */
#ifndef ENVOY_CODEC_H
#define ENVOY_CODEC_H

#include <string.h>

#include "scalar.h"
#include "schema.h"
#include "ursa/base/json.h"
#include "ursa/envoy.h"

/* How deep messages may nest, in both directions. An Any and its content are two levels, a Struct is one for
 * each object or array. */
#define CODEC_MAX_DEPTH 64

/* The place of a field, named as the document or the schema names it. */
#define AT_STR(p, name) (&(struct path){.up = (p), .field = (name)})

/* The entry of a map: key and value are its fields 1 and 2. */
static inline const struct schema_field *codec_key_field(const struct schema_field *map)
{
    return schema_message_fields(schema_field_message(map));
}

static inline const struct schema_field *codec_value_field(const struct schema_field *map)
{
    return schema_message_fields(schema_field_message(map)) + 1;
}

static inline enum schema_form codec_form(const struct schema_field *f)
{
    return f->kind == KIND_MESSAGE ? (enum schema_form)schema_field_message(f)->form : FORM_PLAIN;
}

/* The levels of depth that a message costs: a Value is the object, array or scalar that it holds. */
static inline unsigned codec_levels(const struct schema_message *m)
{
    return m->form == FORM_VALUE ? 0 : 1;
}

/* "type.googleapis.com/a.B" gives "a.B"; STR_NONE when there is no slash. */
static inline struct str codec_type_of_url(struct str url)
{
    size_t slash = str_rchr(url, '/');
    return slash < url.n ? str_slice(url, slash + 1, url.n) : STR_NONE;
}

/* jansson iterates over mutable objects only, though it changes nothing. */
static inline json_t *codec_mutable(const json_t *v)
{
    return (json_t *)(uintptr_t)v;
}

/* The resource that the bytes of an Any are; refs == 1. */
struct xds_resource *xds_resource_from_any(enum xds_type, struct str name, const struct buf *any,
                                           bool secret);

#endif
