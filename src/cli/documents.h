/* documents.h -- the files that a command is given with -f, as one text; what is wrong with them is told as
 * FILE:LINE:COLUMN. */
#ifndef URSA_CLI_DOCUMENTS_H
#define URSA_CLI_DOCUMENTS_H

#include <jansson.h>

#include "bundle.h"
#include "ursa/resource.h"

#define MAX_DOCUMENTS 10000 /* what POST /apply takes */

struct cli;
struct documents {
    struct cli *cli;
    struct bundle bundle;
    size_t n, n_faults;
    bool is_json; /* one file that says so: its numbers and escapes are JSON's */
};
/* Reads everything that --file names, variables filled in. ERR_INVALID after each fault was told; the text
 * begins with 'consequence': "nothing was applied". */
MUST_USE enum err_kind documents_read(struct documents *, struct cli *, const char *consequence);
void documents_fini(struct documents *);
/* Prints a fault at once and counts it. */
void documents_tell(struct documents *, struct str text);

/* What a document says it is; the type is RES_N for an unknown one. Borrowed. */
struct res_key document_key(const json_t *document);
/* One fault of a document: "policies.yaml:12:7: timeout/blue/t1: conf.http: message", whatever of it is
 * known. */
struct str document_fault(const struct bundle *, const struct res_key *, size_t line, size_t column,
                          struct str field, struct str message);

#endif
