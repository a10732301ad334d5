/* ursa/base/yaml.h -- YAML in and out as jansson trees, bounded. Any thread.
 *
 * Input is read through libyaml's event interface only (its document interface is quadratic on nested
 * brackets). Refused: aliases and merge keys, duplicate keys, tags other than the core ones, keys that are
 * null or no scalar, infinities and not-a-number, depth > 64, more values than json_max_values(), more keys
 * in one mapping than json_max_keys(). Plain scalars follow YAML 1.1 as kumactl reads them: y, yes, on are
 * true, 0777 is octal, 1_000 is 1000, time stamps stay text. A key that is no string becomes the text of its
 * value. */
#ifndef URSA_BASE_YAML_H
#define URSA_BASE_YAML_H

#include <jansson.h>

#include "ursa/base/err.h"

#define YAML_MAX_DEPTH 64

struct text_pos {
    size_t line, column; /* from 1; 0, 0: unknown */
};

struct yaml_doc {
    json_t *root;        /* owned: json_decref */
    struct text_pos pos; /* of its first token */
};

/* All documents of 'text', in order, into docs[0..*n), allocated in the arena of 'e'; more than 'max' are a
 * fault. Empty documents are left out. On error nothing is returned; it is ERR_MALFORMED, "line L, column C:
 * ...". */
MUST_USE enum err_kind yaml_parse(struct str text, size_t max, struct yaml_doc **docs, size_t *n,
                                  struct err *e);

/* Where the field 'path' (as err_cause renders it: a.b[2]["k"].c) stands in document number 'doc' (from 0,
 * empty ones not counted) of 'text', YAML or JSON; when it is missing, where its deepest existing parent
 * stands. Re-reads the text: for faults only. */
struct text_pos yaml_locate(struct str text, size_t doc, struct str path);

/* Takes "line L, column C: ", with which faults of a text begin, off the front; false when it is not there.
 */
bool text_pos_take(struct str *text, struct text_pos *);

/* One document, block style, keys in the object's order; text in the arena. It reads back equal, except that
 * reals without a fraction become integers. */
struct str yaml_format(struct arena *, const json_t *);

#endif
