/* operations.h -- operations.def as a table: what is told about a route in /openapi.json. */
#ifndef URSA_API_OPERATIONS_H
#define URSA_API_OPERATIONS_H

#include "ursa/base/str.h"

struct operation {
    const char *handler; /* its name */
    struct str summary;
    struct str parameters;    /* names, blanks between them */
    struct str body, answers; /* shapes (shape.h) */
    struct str headers;       /* names, blanks between them */
};

/* The compiler's "undeclared" is the message to whoever adds a REST route without a row in operations.def:
 * the name says where the row belongs and for which handler. */
enum {
#define OPERATION(handler, ...) operations_def_row_of_##handler,
#include "operations.def"
#undef OPERATION
    OPERATIONS
};

/* 'row' < OPERATIONS. */
const struct operation *operation_row(unsigned row);

#endif
