/* ursa/base/vec.h -- typed growable array: struct VEC(int) v = {0}; VEC_PUSH(&v, 3); v.v[0]; VEC_FINI(&v); */
#ifndef URSA_BASE_VEC_H
#define URSA_BASE_VEC_H

#include <stdlib.h>

#include "ursa/base/alloc.h"

#define VEC(type)                                                                                            \
    {                                                                                                        \
        type *v;                                                                                             \
        size_t n, n_slots;                                                                                   \
    }
#define VEC_RESERVE(vec, need)                                                                               \
    do {                                                                                                     \
        if ((need) > (vec)->n_slots) {                                                                       \
            (vec)->n_slots = (need) < 8 ? 8 : (need) + (need) / 2;                                           \
            (vec)->v = xrealloc((vec)->v, (vec)->n_slots * sizeof((vec)->v[0]));                             \
        }                                                                                                    \
    } while (0)
#define VEC_PUSH(vec, item)                                                                                  \
    do {                                                                                                     \
        VEC_RESERVE(vec, (vec)->n + 1);                                                                      \
        (vec)->v[(vec)->n++] = (item);                                                                       \
    } while (0)
#define VEC_CLEAR(vec) ((vec)->n = 0)
#define VEC_FINI(vec)                                                                                        \
    do {                                                                                                     \
        free((vec)->v);                                                                                      \
        (vec)->v = NULL;                                                                                     \
        (vec)->n = (vec)->n_slots = 0;                                                                       \
    } while (0)

#endif
