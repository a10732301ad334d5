/* fixture.h -- a store under test, short ways to write to it, and a snapshot as text for comparing. */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../lib/test.h"
#include "ursa/base/alloc.h"
#include "ursa/base/log.h"
#include "ursa/store.h"

#define FIXTURE_KEY "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"

struct fixture {
    char folder[64], path[96], key_file[96];
    struct store_options options;
    struct store *store;
    struct arena arena;
    struct err err;
};

static inline void fixture_open(struct fixture *f)
{
    err_init(&f->err, &f->arena);
    if (store_open(&f->options, &f->store, &f->err) != ERR_NONE)
        FAIL("store_open: " STR_FMT, STR_ARG(f->err.text));
}

static inline void fixture_close(struct fixture *f)
{
    store_close(f->store);
    f->store = NULL;
}

/* Every store here has the same key, so that each can take another one's place. */
static inline void fixture_write_key(const struct fixture *f, const char *text)
{
    int fd = open(f->key_file, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        FAIL("%s: %m", f->key_file);
    close(fd);
}

/* The files' names, and the key; nothing is opened. */
static inline void fixture_prepare(struct fixture *f, enum store_kind kind)
{
    *f = (struct fixture){.options = {.kind = kind, .history_revisions = 1000}};
    log_set_level(LOG_ERROR);
    arena_init(&f->arena);
    err_init(&f->err, &f->arena);
    snprintf(f->folder, sizeof(f->folder), "/tmp/ursa-store-XXXXXX");
    if (!mkdtemp(f->folder))
        FAIL("mkdtemp");
    snprintf(f->path, sizeof(f->path), "%s/store.db", f->folder);
    snprintf(f->key_file, sizeof(f->key_file), "%s/seal.key", f->folder);
    f->options.path = f->path;
    f->options.key_file = f->key_file;
    fixture_write_key(f, FIXTURE_KEY);
}

static inline void fixture_init(struct fixture *f, enum store_kind kind)
{
    fixture_prepare(f, kind);
    fixture_open(f);
}

static inline void fixture_fini(struct fixture *f)
{
    static const char *const suffixes[] = {"", "-wal", "-journal", "-shm"};
    fixture_close(f);
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s%s", f->path, suffixes[i]);
        unlink(path);
    }
    unlink(f->key_file);
    rmdir(f->folder);
    arena_fini(&f->arena);
}

static inline struct res_key key_of(enum res_type type, const char *mesh, const char *name)
{
    return (struct res_key){.type = type, .mesh = str_from_c(mesh), .name = str_from_c(name)};
}

/* A secret's payload is the easiest spec to vary. */
static inline struct resource *made(enum res_type type, const char *mesh, const char *name, const char *text)
{
    struct res_key key = key_of(type, mesh, name);
    char spec[256];
    struct arena arena;
    struct err e;
    arena_init(&arena);
    err_init(&e, &arena);
    if (type == RES_SECRET || type == RES_GLOBAL_SECRET)
        snprintf(spec, sizeof(spec), "{\"data\":\"%s\"}", text);
    else if (type == RES_DATAPLANE)
        snprintf(spec, sizeof(spec),
                 "{\"networking\":{\"address\":\"10.0.0.1\",\"inbound\":[{\"port\":80,\"tags\":"
                 "{\"kuma.io/service\":\"%s\"}}]}}",
                 text);
    else
        snprintf(spec, sizeof(spec), "{}");
    struct resource *r = resource_from_stored(&key, str_from_c(spec), &e);
    if (!r)
        FAIL("fixture: %s: " STR_FMT, spec, STR_ARG(e.text));
    arena_fini(&arena);
    return r;
}

static inline void group_begin(struct fixture *f)
{
    if (store_begin(f->store, &f->err) != ERR_NONE)
        FAIL("store_begin: " STR_FMT, STR_ARG(f->err.text));
}

static inline void tx_begin(struct fixture *f, enum res_origin origin, int64_t now_ns)
{
    struct store_origin by = {.author = STR("tester"), .origin = origin, .now_ns = now_ns};
    if (store_tx_begin(f->store, &by, &f->err) != ERR_NONE)
        FAIL("store_tx_begin: " STR_FMT, STR_ARG(f->err.text));
}

static inline uint64_t tx_end(struct fixture *f, bool keep)
{
    uint64_t revision = 0;
    if (store_tx_end(f->store, keep, &revision, &f->err) != ERR_NONE)
        FAIL("store_tx_end: " STR_FMT, STR_ARG(f->err.text));
    return revision;
}

static inline void group_commit(struct fixture *f)
{
    if (store_commit(f->store, &f->err) != ERR_NONE)
        FAIL("store_commit: " STR_FMT, STR_ARG(f->err.text));
}

/* Within a transaction. */
static inline enum err_kind put(struct fixture *f, enum res_type type, const char *mesh, const char *name,
                                const char *text)
{
    struct resource *r = made(type, mesh, name, text);
    err_init(&f->err, &f->arena);
    enum err_kind kind = store_tx_put(f->store, r, &f->err);
    resource_unref(r);
    return kind;
}

static inline enum err_kind del(struct fixture *f, enum res_type type, const char *mesh, const char *name)
{
    struct res_key key = key_of(type, mesh, name);
    err_init(&f->err, &f->arena);
    return store_tx_delete(f->store, &key, &f->err);
}

/* One resource in a group of its own; returns the revision. */
static inline uint64_t put_alone(struct fixture *f, enum res_origin origin, enum res_type type,
                                 const char *mesh, const char *name, const char *text)
{
    group_begin(f);
    tx_begin(f, origin, 1000);
    if (put(f, type, mesh, name, text) != ERR_NONE)
        FAIL("put %s: " STR_FMT, name, STR_ARG(f->err.text));
    uint64_t revision = tx_end(f, true);
    group_commit(f);
    return revision;
}

/* Everything that a snapshot holds, a line each. */
static inline struct str snap_text(const struct snap *snap, struct arena *a)
{
    struct buf b;
    buf_init(&b, BUF_MAX_RESOURCE);
    for (enum res_type type = 0; type < RES_N; type++) {
        struct snap_range range = snap_range(snap, type, STR_NONE);
        struct snap_iter it = snap_iter(&range);
        const struct resource *r;
        while ((r = snap_next(&it)))
            buf_printf(&b, STR_FMT "/" STR_FMT "/" STR_FMT " r%d o%d c%d m%d " STR_FMT "%s" STR_FMT "\n",
                       STR_ARG(res_type_info(type)->name), STR_ARG(r->key.mesh), STR_ARG(r->key.name),
                       (int)r->revision, (int)r->origin, (int)r->created_ns, (int)r->modified_ns,
                       STR_ARG(blob_str(r->spec_json)), r->health.n ? " h" : "", STR_ARG(r->health));
    }
    struct str text = arena_str(a, buf_str(&b));
    buf_fini(&b);
    return text;
}

static inline struct str store_text(struct fixture *f)
{
    struct snap *snap = store_snap(f->store);
    struct str text = snap_text(snap, &f->arena);
    snap_unref(snap);
    return text;
}

static const enum store_kind store_kinds[] = {STORE_MEMORY, STORE_SQLITE};
static const char *const store_kind_names[] = {[STORE_MEMORY] = "memory", [STORE_SQLITE] = "sqlite"};

#endif
