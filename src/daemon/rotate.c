/* rotate.c -- see rotate.h. Only the key file changes: a daemon that runs has read it already, and the store
 * is its own. */
#include "rotate.h"

#include <inttypes.h>
#include <stdio.h>

#include "files.h"

int rotate_run(struct config *config)
{
    int64_t number = 0;
    struct arena arena;
    struct err e;

    arena_init(&arena);
    err_init(&e, &arena);
    if (files_prepare(config, &arena, &e) == ERR_NONE &&
        store_add_key(config->seal_key_file, &number, &e) == ERR_NONE)
        printf("%s has a new key, %016" PRIx64 ": the store is sealed with it at the daemon's next start\n"
               "keep the older keys for as long as you keep backups that were made before that\n",
               config->seal_key_file, number);
    else
        fprintf(stderr, "ursa-cp: the key file is as it was: " STR_FMT "\n", STR_ARG(err_render(&e, &arena)));
    int status = e.kind == ERR_NONE ? 0 : 1;
    arena_fini(&arena);
    return status;
}
