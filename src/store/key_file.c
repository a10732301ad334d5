/* key_file.c -- the file with the keys that seal rows: read, made, and given a new key. */
#include "key_file.h"

#include "ursa/base/file.h"
#include "ursa/store.h"

#define FILE_MAX ((size_t)64 << 10)

static enum err_kind parse(const char *path, struct str text, struct seal_ring **out, struct err *e)
{
    if (seal_ring_read(text, out, e) != ERR_NONE)
        err_add_context(e, "%s", path);
    return e->kind;
}

enum err_kind key_file_read(const char *path, struct seal_ring **out, struct err *e)
{
    struct arena scratch;
    struct str text;
    arena_init(&scratch);
    if (file_read(path, FILE_PRIVATE, FILE_MAX, &scratch, &text, e) == ERR_NONE)
        (void)parse(path, text, out, e);
    arena_wipe(&scratch);
    return e->kind;
}

/* A fresh key before those in 'others'. */
static enum err_kind write(const char *path, struct str others, struct arena *scratch, struct seal_ring **out,
                           struct err *e)
{
    struct str text =
        arena_printf(scratch, STR_FMT STR_FMT, STR_ARG(seal_key_line(scratch)), STR_ARG(others));
    if (parse(path, text, out, e) != ERR_NONE)
        return e->kind;
    if (file_write(path, text, e) != ERR_NONE) {
        seal_ring_free(*out);
        *out = NULL;
    }
    return e->kind;
}

enum err_kind key_file_make(const char *path, struct seal_ring **out, struct err *e)
{
    struct arena scratch;
    arena_init(&scratch);
    (void)write(path, STR(""), &scratch, out, e);
    arena_wipe(&scratch);
    return e->kind;
}

enum err_kind store_add_key(const char *path, int64_t *number, struct err *e)
{
    struct seal_ring *ring = NULL;
    struct arena scratch;
    struct str others = STR("");
    arena_init(&scratch);
    if (file_read(path, FILE_PRIVATE, FILE_MAX, &scratch, &others, e) == ERR_NOT_FOUND)
        err_init(e, e->arena); /* the first one */
    if (e->kind == ERR_NONE && write(path, others, &scratch, &ring, e) == ERR_NONE)
        *number = seal_ring_number(ring, 0);
    seal_ring_free(ring);
    arena_wipe(&scratch);
    return e->kind;
}
