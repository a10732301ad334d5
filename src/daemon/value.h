/* value.h -- the kinds of values that settings have: reading them, showing them, and saying what was
 * expected. */
#ifndef URSA_DAEMON_VALUE_H
#define URSA_DAEMON_VALUE_H

#include "config.h"

enum kind {
    STRING,
    BOOL,
    PORT,
    COUNT,
    DURATION,
    VIP_POOL,
    LOG_LEVEL,
    STORE,
    DP_AUTHN,
    XDS_TRANSPORT,
    AUTHN,
    ACCESS,
    LIST,
    ORIGINS,
    MESH_ROLES,
    PUBLIC_KEYS,     /* of user tokens */
    MESH_PUBLIC_KEYS /* of dataplane tokens: each speaks for one mesh */
};

/* A row of settings.def. */
struct setting {
    const char *key;
    enum kind kind;
    size_t offset; /* in struct config */
    const char *default_text;
    const char *kuma_name; /* NULL: regular */
    const char *help;
};

/* What a fault says that the value must be. */
const char *value_expectation(enum kind);
/* Stores the text's value in the member; lists are separated by commas. When it is not of the setting's kind,
 * false and the part that is wrong. */
MUST_USE bool value_parse(const struct setting *, struct str text, struct arena *, struct config *,
                          struct str *wrong);
/* The same for a value of the file; 'wrong' says in words what was found. */
MUST_USE bool value_from_json(const struct setting *, const json_t *, struct arena *, struct config *,
                              struct str *wrong);
json_t *value_to_json(const struct setting *, const struct config *);
/* The default as the sample file spells it. */
struct str value_default_yaml(const struct setting *, struct arena *);

#endif
