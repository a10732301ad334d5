/* operations.c -- see operations.h. */
#include "operations.h"

#include <assert.h>

static const struct operation operations[OPERATIONS] = {
#define OPERATION(name, text, values, body_shape, answer_shapes, answer_headers)                             \
    {.handler = #name,                                                                                       \
     .summary = STR_INIT(text),                                                                              \
     .parameters = STR_INIT(values),                                                                         \
     .body = STR_INIT(body_shape),                                                                           \
     .answers = STR_INIT(answer_shapes),                                                                     \
     .headers = STR_INIT(answer_headers)},
#include "operations.def"
#undef OPERATION
};

const struct operation *operation_row(unsigned row)
{
    assert(row < OPERATIONS);
    return &operations[row];
}
