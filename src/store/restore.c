/* restore.c -- puts a backup in place of a store that nobody has open.
 *
 * The copy is judged beside the store by opening it as one; only then is the store's name given to it, in one
 * step. The old file keeps its contents under another name. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "snap.h"
#include "sqlite.h"
#include "ursa/base/file.h"

#define MAX_KEPT 1000 /* old stores beside each other */

struct restore {
    const char *from, *path;
    const struct store_options *options; /* of the store at 'path' */
    struct str log, fresh;               /* of the old store; the copy */
    sqlite3 *old;                        /* holds the lock of what is at 'path' until all is done */
    bool is_new;                         /* there was nothing: what is locked is an empty file of ours */
    bool damaged;                        /* the old store cannot be read */
    struct err *e;
    struct arena *arena;
};

static enum err_kind fault(struct restore *r, const char *path)
{
    return err_set(r->e, errno == ENOSPC ? ERR_NO_SPACE : ERR_IO, "%s: %m", path);
}

/* ---- the backup ---- */

static enum err_kind check_backup(struct restore *r, int fd)
{
    struct stat from, old, log;
    if (fstat(fd, &from) != 0)
        return fault(r, r->from);
    if (!S_ISREG(from.st_mode))
        return err_set(r->e, ERR_INVALID, "%s: not a regular file", r->from);
    if (from.st_size == 0)
        return err_set(r->e, ERR_INVALID, "%s: the file is empty: no backup", r->from);
    if (stat(r->path, &old) == 0 && old.st_dev == from.st_dev && old.st_ino == from.st_ino)
        return err_set(r->e, ERR_INVALID, "%s: this is the store itself", r->from);
    if (stat(arena_printf(r->arena, "%s-wal", r->from).p, &log) == 0 && log.st_size > 0)
        return err_set(
            r->e, ERR_INVALID,
            "%s: there is a log beside it (-wal), so it is a copy of a store in use and not whole: "
            "make a backup",
            r->from);
    return sqlite_check_header(r->from, fd, r->e);
}

static bool copy_bytes(int from, int to)
{
    static char bytes[1 << 16];
    ssize_t n;
    while ((n = read(from, bytes, sizeof(bytes))) > 0)
        for (ssize_t done = 0, wrote; done < n; done += wrote)
            if ((wrote = write(to, bytes + done, (size_t)(n - done))) < 0)
                return false;
    return n == 0 && fsync(to) == 0;
}

static enum err_kind copy_backup(struct restore *r, int from)
{
    unlink(r->fresh.p); /* of a restore that was killed */
    int to = open(r->fresh.p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (to < 0)
        return fault(r, r->fresh.p);
    if (fchmod(to, 0600) != 0 || !copy_bytes(from, to))
        fault(r, r->fresh.p);
    if (close(to) != 0 && r->e->kind == ERR_NONE)
        fault(r, r->fresh.p);
    return r->e->kind;
}

/* More than a store asks of its file when it opens it: every page, every row's reference. */
static enum err_kind check_whole(struct restore *r)
{
    static const char *const checks[] = {"PRAGMA integrity_check(1)", "PRAGMA foreign_key_check"};
    sqlite3 *db = NULL;
    if (sqlite3_open_v2(r->fresh.p, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, SQLITE_VFS) !=
        SQLITE_OK)
        sqlite_fault_of(r->from, db, "open", r->e);
    for (size_t i = 0; i < ARRAY_LEN(checks) && r->e->kind == ERR_NONE; i++) {
        sqlite3_stmt *stmt = NULL;
        int step = sqlite3_prepare_v2(db, checks[i], -1, &stmt, NULL);
        if (step == SQLITE_OK)
            step = sqlite3_step(stmt);
        const char *said = step == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : "ok";
        if (step != SQLITE_ROW && step != SQLITE_DONE)
            said = sqlite3_errmsg(db);
        if (!said || strcmp(said, "ok") != 0)
            err_set(r->e, ERR_IO, "%s: the backup is damaged: %s", r->from, said ? said : "");
        sqlite3_finalize(stmt);
    }
    sqlite3_close(db);
    return r->e->kind;
}

/* Opens it as a daemon would: its schema is brought up to date, what is not sealed yet is, every resource is
 * decoded. */
static enum err_kind try_store(struct restore *r, struct store_restored *out)
{
    struct store_options options = *r->options;
    struct store *store;
    options.path = r->fresh.p;
    options.history_revisions = UINT64_MAX; /* nothing is forgotten */
    options.history_age_ns = 0;
    if (store_open(&options, &store, r->e) != ERR_NONE) {
        err_add_context(r->e, "%s: no store can be opened from it", r->from);
        return r->e->kind;
    }
    struct snap *snap = store_snap(store);
    out->revision = snap_revision(snap);
    out->n_resources = snap_count(snap);
    snap_unref(snap);
    store_close(store);
    return ERR_NONE;
}

/* ---- the old store ---- */

/* Locks it for this process, and puts what is in its log into its file. Where there is none, an empty file is
 * locked, so that no daemon can begin meanwhile. */
static enum err_kind lock_old(struct restore *r)
{
    int fd = open(r->path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    r->is_new = fd >= 0;
    if (fd < 0 && errno == EEXIST)
        fd = open(r->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fault(r, r->path);
    enum err_kind kind = sqlite_check_header(r->path, fd, r->e);
    close(fd);
    if (kind == ERR_STALE) /* of a newer version: going back to an older one is what a backup is for */
        err_init(r->e, r->arena);
    else if (kind != ERR_NONE)
        return kind;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(r->path, &r->old, flags, SQLITE_VFS) != SQLITE_OK)
        return sqlite_fault_of(r->path, r->old, "open", r->e);
    sqlite3_db_config(r->old, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    int got = sqlite3_exec(r->old, "BEGIN EXCLUSIVE; COMMIT", NULL, NULL, NULL);
    if ((got & 0xff) == SQLITE_BUSY)
        return err_set(r->e, ERR_CONFLICT,
                       "%s: the store is in use by another process: stop the daemon first", r->path);
    r->damaged = got != SQLITE_OK ||
                 sqlite3_wal_checkpoint_v2(r->old, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) != SQLITE_OK;
    return ERR_NONE;
}

/* A second name for the old file, and for the log of one that could not be read. */
static enum err_kind keep_old(struct restore *r, struct store_restored *out)
{
    for (int i = 1; i <= MAX_KEPT; i++) {
        char number[16] = "";
        if (i > 1)
            snprintf(number, sizeof(number), "-%d", i);
        struct str kept = arena_printf(r->arena, "%s.before-restore%s", r->path, number);
        if (link(r->path, kept.p) == 0) {
            snprintf(out->kept, sizeof(out->kept), "%s", kept.p);
            break;
        }
        if (errno != EEXIST || i == MAX_KEPT)
            return fault(r, kept.p);
    }
    if (r->damaged && rename(r->log.p, arena_printf(r->arena, "%s-wal", out->kept).p) != 0 && errno != ENOENT)
        return fault(r, r->log.p);
    if (!r->damaged && unlink(r->log.p) != 0 && errno != ENOENT) /* it is empty */
        return fault(r, r->log.p);
    return ERR_NONE;
}

/* ---- in its place ---- */

static enum err_kind run(struct restore *r, int from, struct store_restored *out)
{
    if (check_backup(r, from) != ERR_NONE || lock_old(r) != ERR_NONE || copy_backup(r, from) != ERR_NONE ||
        check_whole(r) != ERR_NONE || try_store(r, out) != ERR_NONE)
        return r->e->kind;
    if (!r->is_new && keep_old(r, out) != ERR_NONE)
        return r->e->kind;
    if (rename(r->fresh.p, r->path) != 0)
        return fault(r, r->path);
    return file_sync_folder(r->path, r->e);
}

enum err_kind store_restore(const char *from, const struct store_options *options, struct store_restored *out,
                            struct err *e)
{
    const char *path = options->path;
    struct restore r = {.from = from, .path = path, .options = options, .e = e, .arena = e->arena};
    *out = (struct store_restored){0};
    if (strlen(path) > STORE_KEPT_MAX - 64)
        return err_set(e, ERR_LIMIT, "%s: the path is too long", path);
    r.log = arena_printf(e->arena, "%s-wal", path);
    r.fresh = arena_printf(e->arena, "%s.restore", path);
    int fd = open(from, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* a FIFO must not hold it up */
    if (fd < 0)
        return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %m", from);
    run(&r, fd, out);
    if (e->kind != ERR_NONE) {
        unlink(r.fresh.p);
        unlink(arena_printf(e->arena, "%s.restore-wal", path).p);
        if (r.is_new)
            unlink(path);
    }
    sqlite3_close(r.old); /* the lock */
    close(fd);
    return e->kind;
}
