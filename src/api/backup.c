/* backup.c -- POST /backup: all of the store at one revision, sent as an SQLite file. */
#include <sys/stat.h>
#include <unistd.h>

#include "past.h"
#include "router.h"
#include "server.h"

#define MAX_BACKUPS 2 /* at once: each takes the store's size on the disk until its client has it */

static void ask_backup(struct request *r, struct history *h)
{
    struct request_file *file = r->handler_data;
    uint64_t revision;
    struct stat st;

    if (history_backup(h, &file->fd, &revision, &r->err) != ERR_NONE) {
        past_fault(r);
        return;
    }
    if (fstat(file->fd, &st) != 0) {
        answer_fault(r, ERR_IO, "the backup cannot be read: %m");
        return;
    }
    file->size = (uint64_t)st.st_size;
    r->revision = arena_printf(&r->arena, "%llu", (unsigned long long)revision);
    r->disposition =
        arena_printf(&r->arena, "attachment; filename=\"ursa-%llu.db\"", (unsigned long long)revision).p;
    r->status = 200;
    r->content_type = "application/vnd.sqlite3";
}

void backup_post(struct request *r)
{
    struct api *api = r->server->api;

    r->title = "Could not make a backup";
    if (api->n_backups >= MAX_BACKUPS) {
        answer_fault(r, ERR_UNAVAILABLE, "%d backups are on their way: try again later", MAX_BACKUPS);
        return;
    }
    api->n_backups++;
    r->file = ARENA_NEW(&r->arena, struct request_file);
    r->file->fd = -1;
    r->handler_data = r->file;
    request_read(r, ask_backup, NULL);
}

void backup_forget(struct request *r)
{
    if (!r->file)
        return;
    r->server->api->n_backups--;
    if (r->file->fd >= 0)
        close(r->file->fd);
    r->file = NULL;
}
