/* rotate.c -- see rotate.h. Only the key file changes: a daemon that runs has read it already, and the store
 * is its own. */
#include "rotate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "files.h"

/* The file of the work dir is made by the daemon, when nothing is sealed yet. A store whose file is gone
 * needs that one back: a new one would only hide that it is missing. */
static enum err_kind check_key_is_there(const struct config *c, struct err *e)
{
    if (c->makes_seal_key && c->store_kind == STORE_SQLITE && access(c->sqlite_path, F_OK) == 0 &&
        access(c->seal_key_file, F_OK) != 0 && errno == ENOENT)
        return err_set(e, ERR_NOT_FOUND,
                       "%s: there is no such key file, but a store, %s: put the file back that belongs to it",
                       c->seal_key_file, c->sqlite_path);
    return ERR_NONE;
}

int rotate_run(struct config *config)
{
    int64_t number = 0;
    struct arena arena;
    struct err e;

    arena_init(&arena);
    err_init(&e, &arena);
    if (files_prepare(config, &arena, &e) == ERR_NONE && check_key_is_there(config, &e) == ERR_NONE &&
        store_add_key(config->seal_key_file, &number, &e) == ERR_NONE)
        printf("%s has a new key, %016" PRIx64 ": the store is sealed with it at the daemon's next start\n"
               "keep the older keys for as long as you keep backups that were made before that\n",
               config->seal_key_file, number);
    else
        fprintf(stderr, "ursa-cp: no key was made: " STR_FMT "\n", STR_ARG(err_render(&e, &arena)));
    int status = e.kind == ERR_NONE ? 0 : 1;
    arena_fini(&arena);
    return status;
}
