/* inputs.h -- the files of "ursa-cp check": named ones, those of a folder, standard input. */
#ifndef URSA_DAEMON_INPUTS_H
#define URSA_DAEMON_INPUTS_H

#include "ursa/base/err.h"
#include "ursa/base/vec.h"

struct input {
    struct str name; /* as the user gave it; "<stdin>" */
    struct str text;
    bool is_json; /* its name says so */
};
struct inputs {
    struct arena *arena; /* holds names and texts */
    struct VEC(struct input) list;
    size_t n_bytes;
};

void inputs_init(struct inputs *, struct arena *);
void inputs_fini(struct inputs *);
/* Reads one: "-", a file of any name, or a folder with all below it that is *.yaml, *.yml or *.json, by name;
 * hidden ones are left out and links to folders are not followed. ERR_IO and ERR_LIMIT (64 MiB in all, 10,000
 * files) with a text that names the file. */
MUST_USE enum err_kind inputs_add(struct inputs *, const char *path, struct err *e);

#endif
