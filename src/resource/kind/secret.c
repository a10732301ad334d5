/* secret.c -- Secret and GlobalSecret: bytes that only administrators may read. */
#include "kind.h"

const struct field secret_fields[] = {
    F_BYTES("data", struct secret_spec, data),
    F_END,
};

void secret_check(const void *spec, struct err *e)
{
    /* Any bytes are a secret, none included. */
    (void)spec;
    (void)e;
}
