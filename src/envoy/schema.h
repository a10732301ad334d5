/* envoy/schema.h -- how to read the generated table of Envoy's messages.
 *
 * Everything in it is constant. Names are offsets into one string pool, so that the table needs no
 * relocation; messages are sorted by name, the fields of a message by number, and schema_by_name gives each
 * message's fields in the order of their JSON names. */
#ifndef ENVOY_SCHEMA_H
#define ENVOY_SCHEMA_H

#include "ursa/base/str.h"

/* Bounds an array on the stack of the encoder; the generator refuses a message with more. */
#define SCHEMA_MAX_FIELDS 96

/* The numbers are FieldDescriptorProto.Type's. */
enum schema_kind {
    KIND_DOUBLE = 1,
    KIND_FLOAT = 2,
    KIND_INT64 = 3,
    KIND_UINT64 = 4,
    KIND_INT32 = 5,
    KIND_FIXED64 = 6,
    KIND_FIXED32 = 7,
    KIND_BOOL = 8,
    KIND_STRING = 9,
    KIND_MESSAGE = 11,
    KIND_BYTES = 12,
    KIND_UINT32 = 13,
    KIND_ENUM = 14,
    KIND_SFIXED32 = 15,
    KIND_SFIXED64 = 16,
    KIND_SINT32 = 17,
    KIND_SINT64 = 18,
};

enum schema_form {                /* how JSON writes a message */
                   FORM_PLAIN,    /* an object with its fields */
                   FORM_EMPTY,    /* {}: google.protobuf.Empty, which some put into an Any as "value": {} */
                   FORM_ANY,      /* an object with "@type" and the fields of that type */
                   FORM_DURATION, /* "1.500s" */
                   FORM_TIMESTAMP,
                   FORM_STRUCT,     /* any object */
                   FORM_VALUE,      /* any value */
                   FORM_LIST,       /* any array */
                   FORM_WRAPPER,    /* its one scalar, bare */
                   FORM_FIELD_MASK, /* "a,b.c" */
};

enum {
    FIELD_PRESENCE = 1, /* written even when it has its default value */
    FIELD_REPEATED = 2,
    FIELD_PACKED = 4, /* of repeated scalars: written as one run of bytes */
    FIELD_MAP =
        8, /* 'type' is the entry: its field 1 is the key, 2 the value; exclusive with FIELD_REPEATED */
};

struct schema_field {
    uint32_t name;       /* lowerCamelCase */
    uint32_t proto_name; /* snake_case */
    uint32_t number;
    uint16_t type; /* of messages and enums: which one */
    uint8_t kind;
    uint8_t flags;
    uint8_t oneof; /* from 1 within the message, 0: none */
};

struct schema_message {
    uint32_t name;
    uint16_t first_field, n_fields;
    uint8_t form;
};

struct schema_value {
    int32_t number;
    uint32_t name;
};

struct schema_enum {
    uint16_t first_value, n_values; /* sorted by number */
    bool is_null;                   /* google.protobuf.NullValue: JSON null */
};

extern const char schema_strings[];
extern const struct schema_message schema_messages[];
extern const size_t schema_n_messages;
extern const struct schema_field schema_fields[];
extern const uint8_t schema_by_name[];
extern const struct schema_enum schema_enums[];
extern const struct schema_value schema_values[];

static inline const char *schema_name(uint32_t offset)
{
    return schema_strings + offset;
}

static inline const struct schema_field *schema_message_fields(const struct schema_message *m)
{
    return schema_fields + m->first_field;
}

/* Of a field of kind message (an entry, when it is a map). */
static inline const struct schema_message *schema_field_message(const struct schema_field *f)
{
    return schema_messages + f->type;
}

static inline const struct schema_enum *schema_field_enum(const struct schema_field *f)
{
    return schema_enums + f->type;
}

/* NULL when unknown. */
const struct schema_message *schema_find_message(struct str name);
/* By JSON or proto name, as protobuf's JSON mapping accepts them; NULL when unknown. */
const struct schema_field *schema_find_field(const struct schema_message *, struct str name);
const struct schema_field *schema_find_number(const struct schema_message *, uint32_t number);
/* NULL when unknown. Of two names for a number, the one declared first. */
const struct schema_value *schema_find_value(const struct schema_enum *, struct str name);
const char *schema_find_value_name(const struct schema_enum *, int32_t number);

#endif
