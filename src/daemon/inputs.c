/* inputs.c -- see inputs.h. */
#include "inputs.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ursa/base/buf.h"

#define MAX_BYTES ((size_t)64 << 20)
#define MAX_FILES 10000

void inputs_init(struct inputs *in, struct arena *arena)
{
    *in = (struct inputs){.arena = arena};
}

void inputs_fini(struct inputs *in)
{
    VEC_FINI(&in->list);
}

/* ---- one file ---- */

static enum err_kind add_stream(struct inputs *in, FILE *f, struct str name, struct err *e)
{
    struct input input = {.name = name, .is_json = str_has_suffix(name, STR(".json"))};
    struct buf text;
    char block[16384];
    size_t n;

    buf_init(&text, MAX_BYTES - in->n_bytes);
    while (buf_ok(&text) && (n = fread(block, 1, sizeof(block), f)) > 0)
        buf_add(&text, block, n);
    if (!buf_ok(&text)) {
        err_set(e, ERR_LIMIT, STR_FMT ": more than %zu MiB in all", STR_ARG(name), MAX_BYTES >> 20);
    } else if (ferror(f)) {
        err_set(e, ERR_IO, STR_FMT ": %s", STR_ARG(name), strerror(errno));
    } else if (in->list.n == MAX_FILES) {
        err_set(e, ERR_LIMIT, STR_FMT ": more than %d files", STR_ARG(name), MAX_FILES);
    } else {
        input.text = arena_str(in->arena, buf_str(&text));
        in->n_bytes += text.n;
        VEC_PUSH(&in->list, input);
    }
    buf_fini(&text);
    return e->kind;
}

static enum err_kind add_file(struct inputs *in, const char *path, struct err *e)
{
    FILE *f = fopen(path, "re");

    if (!f)
        return err_set(e, ERR_IO, "%s: %s", path, strerror(errno));
    (void)add_stream(in, f, arena_str(in->arena, str_from_c(path)), e);
    fclose(f);
    return e->kind;
}

/* ---- folders ---- */

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool is_resource_file(const FTSENT *entry)
{
    struct str name = str_from_c(entry->fts_name);
    struct stat target;
    bool regular =
        entry->fts_info == FTS_F ||
        (entry->fts_info == FTS_SL && stat(entry->fts_accpath, &target) == 0 && S_ISREG(target.st_mode));

    return regular && (str_has_suffix(name, STR(".yaml")) || str_has_suffix(name, STR(".yml")) ||
                       str_has_suffix(name, STR(".json")));
}

static enum err_kind add_entry(struct inputs *in, FTS *walk, FTSENT *entry, struct err *e)
{
    bool named = entry->fts_level == FTS_ROOTLEVEL;

    if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS)
        return err_set(e, ERR_IO, "%s: %s", entry->fts_path, strerror(entry->fts_errno));
    if (!named && entry->fts_name[0] == '.') {
        fts_set(walk, entry, FTS_SKIP);
        return ERR_NONE;
    }
    if (entry->fts_info == FTS_D || entry->fts_info == FTS_DP || entry->fts_info == FTS_DC)
        return ERR_NONE;
    return named || is_resource_file(entry) ? add_file(in, entry->fts_path, e) : ERR_NONE;
}

enum err_kind inputs_add(struct inputs *in, const char *path, struct err *e)
{
    char *paths[] = {arena_cstr(in->arena, str_from_c(path)), NULL};
    FTSENT *entry;

    if (strcmp(path, "-") == 0)
        return add_stream(in, stdin, STR("<stdin>"), e);
    FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
    if (!walk)
        return err_set(e, ERR_IO, "%s: %s", path, strerror(errno));
    while (e->kind == ERR_NONE && (entry = fts_read(walk)))
        (void)add_entry(in, walk, entry, e);
    fts_close(walk);
    return e->kind;
}
