/* ursa/values.h -- what the members of typed specs are made of. */
#ifndef URSA_VALUES_H
#define URSA_VALUES_H

#include "ursa/base/str.h"

/* Wrapped scalars: "given" and "zero" differ. */
struct opt_bool {
    bool set, v;
};
struct opt_u32 {
    bool set;
    uint32_t v;
};
struct opt_i32 {
    bool set;
    int32_t v;
};
struct opt_i64 {
    bool set;
    int64_t v;
};
struct opt_double {
    bool set;
    double v;
};
struct opt_dur {
    bool set;
    int64_t ns;
};
struct opt_time {
    bool set;
    int64_t ns; /* wall clock */
};

struct tag {
    struct str key, value;
};
struct tags {
    struct tag *v; /* sorted by key */
    size_t n;
};
/* A free JSON object, kept as canonical text; p == NULL when absent. */
struct free_json {
    struct str text;
};
/* Any JSON value, null too, kept as text; p == NULL when absent. */
struct any_json {
    struct str text;
};
/* A whole number, or a decimal one as text. */
struct int_or_str {
    bool set;
    int32_t n; /* when text.p == NULL */
    struct str text;
};
struct i32_list {
    int32_t *v;
    size_t n;
};

#endif
