/* conf.h -- the 'conf' objects of mTLS backends (resources.md 2.1), read from their JSON text. */
#ifndef URSA_CA_CONF_H
#define URSA_CA_CONF_H

#include "ursa/ca.h"

/* ---- builtin ---- */
struct builtin_conf {
    unsigned rsa_bits; /* 0: an EC key */
    bool p384;         /* on that curve; else P-256 */
    int64_t life_ns;
};
/* Causes below 'at' (the place of conf). */
MUST_USE enum err_kind builtin_conf_read(const struct free_json *, const struct path *at,
                                         struct builtin_conf *, struct err *e);

/* ---- provided ---- */
enum source_kind {
    SOURCE_ABSENT,
    SOURCE_NONE,
    SOURCE_SECRET,
    SOURCE_FILE,
    SOURCE_INLINE,
    SOURCE_INLINE_STRING
};
struct pem_source {
    enum source_kind kind; /* ABSENT: the member is not there; NONE: it names no source */
    struct str value;      /* name of the secret, path, or the bytes themselves */
};
struct provided_conf {
    struct pem_source cert, key;
};
MUST_USE enum err_kind provided_conf_read(const struct free_json *, const struct path *at,
                                          struct provided_conf *, struct err *e);

#endif
