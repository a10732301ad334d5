/* restore.c -- see restore.h. */
#include "restore.h"

#include <inttypes.h>
#include <stdio.h>

#include "files.h"
#include "ursa/store.h"

static enum err_kind restore(struct config *config, const char *from, struct store_restored *done,
                             struct err *e)
{
    if (files_prepare(config, e->arena, e) != ERR_NONE)
        return e->kind;
    if (config->store_kind != STORE_SQLITE)
        return err_set(e, ERR_INVALID, "store.type is memory: there is no file to restore into");
    const struct store_options store = files_store(config);
    return store_restore(from, &store, done, e);
}

int restore_run(struct config *config, const char *from)
{
    struct store_restored done;
    struct arena arena;
    struct err e;

    arena_init(&arena);
    err_init(&e, &arena);
    if (restore(config, from, &done, &e) == ERR_NONE) {
        printf("%s is revision %" PRIu64 " now, with %" PRIu64 " resources, from %s\n", config->sqlite_path,
               done.revision, done.n_resources, from);
        if (done.kept[0])
            printf("the store that was there is kept as %s\n", done.kept);
    } else {
        fprintf(stderr, "ursa-cp: nothing was restored: " STR_FMT "\n", STR_ARG(err_render(&e, &arena)));
    }
    int status = e.kind == ERR_NONE ? 0 : 1;
    arena_fini(&arena);
    return status;
}
