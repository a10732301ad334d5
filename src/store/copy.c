/* copy.c -- a store that nobody has open, copied for those who only want to look. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sqlite.h"

static enum err_kind check(const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0)
        return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %m", path);
    enum err_kind kind = sqlite_check_header(path, fd, e);
    close(fd); /* before SQLite opens it: see sqlite_open.c */
    return kind;
}

/* The lock of a daemon, for a moment; what is in the log is part of what is read, and stays there. */
static enum err_kind lock(const char *path, sqlite3 **db, struct err *e)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;

    if (sqlite3_open_v2(path, db, flags, SQLITE_VFS) != SQLITE_OK)
        return sqlite_fault_of(path, *db, "open", e);
    sqlite3_db_config(*db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    int got = sqlite3_exec(*db, "BEGIN EXCLUSIVE; COMMIT", NULL, NULL, NULL);
    if ((got & 0xff) == SQLITE_BUSY)
        return err_set(e, ERR_CONFLICT, "%s: the store is in use by another process", path);
    return got == SQLITE_OK ? ERR_NONE : sqlite_fault_of(path, *db, "lock", e);
}

static enum err_kind make_file(const char *path, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return err_set(e, ERR_IO, "%s: %m", path);
    close(fd);
    return ERR_NONE;
}

static enum err_kind copy_pages(sqlite3 *from, const char *path, struct err *e)
{
    sqlite3_backup *copy = NULL;
    sqlite3 *to = NULL;
    int step = SQLITE_ERROR;

    if (sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK)
        copy = sqlite3_backup_init(to, "main", from, "main");
    if (copy)
        step = sqlite3_backup_step(copy, -1);
    if (sqlite3_backup_finish(copy) != SQLITE_OK || step != SQLITE_DONE)
        sqlite_fault_of(path, to, "copy", e);
    sqlite3_close(to);
    return e->kind;
}

enum err_kind store_copy(const char *from, const char *to, struct err *e)
{
    sqlite3 *db = NULL;

    if (check(from, e) == ERR_NONE && lock(from, &db, e) == ERR_NONE && make_file(to, e) == ERR_NONE)
        (void)copy_pages(db, to, e);
    sqlite3_close(db);
    return e->kind;
}
