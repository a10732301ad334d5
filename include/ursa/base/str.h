/* ursa/base/str.h -- string slices: every name and value inside Ursa.
 *
 * A str is a view: it owns nothing, is not NUL-terminated, and lives as long as the memory it points
 * into (an arena, a blob, a literal). The empty str may have p == NULL. All functions are pure and may be
 * called from any thread. */
#ifndef URSA_BASE_STR_H
#define URSA_BASE_STR_H

#include "ursa/base/defs.h"

struct str {
    const char *p;
    size_t n;
};

struct str_list {
    struct str *v;
    size_t n;
};

#define STR(literal) ((struct str){.p = "" literal, .n = sizeof(literal) - 1})
#define STR_INIT(literal)                                                                                    \
    {                                                                                                        \
        .p = "" literal, .n = sizeof(literal) - 1                                                            \
    } /* for static tables */
#define STR_NONE ((struct str){.p = NULL, .n = 0})
#define STR_FMT "%.*s"
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""

struct str str_from_c(const char *); /* NULL gives STR_NONE */
struct str str_from(const void *p, size_t n);

bool str_eq(struct str, struct str);
bool str_eq_nocase(struct str, struct str);
/* Byte-wise order, as strcmp: negative, 0 or positive. */
int str_cmp(struct str, struct str);
/* The same for qsort and bsearch, of struct str. */
int str_order(const void *a, const void *b);
/* Sorts and leaves one of each; returns how many. */
size_t str_sort_distinct(struct str *, size_t n);
bool str_has_prefix(struct str, struct str prefix);
bool str_has_suffix(struct str, struct str suffix);
/* Index of the first / last 'c', or s.n when there is none. */
size_t str_chr(struct str, char c);
size_t str_rchr(struct str, char c);
/* Index of the first 'needle', or s.n when there is none. */
size_t str_find(struct str, struct str needle);
/* The part [from, to), both clamped to the length. */
struct str str_slice(struct str, size_t from, size_t to);
/* Overwrites the bytes, which are the caller's own to write: of a key or a token in memory that is not wiped
 * with its owner. */
void str_wipe(struct str);
/* The beginning, of at most 'max' bytes, cut between two characters of UTF-8. */
struct str str_cut(struct str, size_t max);
/* Without blanks, tabs, CR and LF at both ends. */
struct str str_trim(struct str);
/* Cuts the text before the first 'sep' off '*rest' into '*part' and drops the separator; false when '*rest'
 * is exhausted (p == NULL). "a,,b" gives "a", "", "b"; "" gives one "". */
bool str_next(struct str *rest, char sep, struct str *part);
/* Time depends on the lengths only: for tokens and digests. */
bool str_eq_secret(struct str, struct str);
/* Bytes of the valid UTF-8 character that the text begins with; 0 when it begins with none. */
size_t str_utf8_size(struct str);

/* Decimal integers; the whole string must be one, in [min, max]. */
MUST_USE bool str_to_int(struct str, int64_t min, int64_t max, int64_t *out);
MUST_USE bool str_to_uint(struct str, uint64_t max, uint64_t *out);

#endif
