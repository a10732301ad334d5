/* examine.c -- see examine.h. The store is copied while its lock is held for a moment, and the copy examined:
 * nothing of it is changed, not even its schema. */
#include "examine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "files.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"
#include "ursa/base/log.h"
#include "ursa/findings_text.h"
#include "ursa/store.h"

struct examination {
    struct store_job job;
    struct mail mail; /* when it is done */
    struct mailbox box;
    struct arena *arena;
    struct doctor_facts facts;
    struct store *store; /* the copy */
    struct snap *snap;   /* in which texts of the findings lie */
    struct findings found;
};

static void examine(struct examination *x, struct history *history)
{
    const struct doctor_reader all = {.control_plane = true, .user = &user_admin};
    const struct doctor_world world = {
        .snap = x->snap, .now_ns = clock_wall_ns(), .facts = &x->facts, .history = history};

    doctor_examine(&world, &all, x->arena, &x->found);
}

/* On the store's reader thread, which has the history. */
static void run_job(struct store_job *job, struct history *history)
{
    struct examination *x = CONTAINER_OF(job, struct examination, job);

    examine(x, history);
    mailbox_send(&x->box, &x->mail);
}

static void is_done(struct mail *mail)
{
    (void)mail;
}

static enum err_kind examine_store(struct examination *x, const struct store_options *options, struct err *e)
{
    if (store_open(options, &x->store, e) != ERR_NONE)
        return e->kind;
    mailbox_init(&x->box);
    x->snap = store_snap(x->store);
    x->mail.handle = is_done;
    x->job.run = run_job;
    if (!store_submit(x->store, &x->job))
        run_job(&x->job, NULL);
    (void)mailbox_wait(&x->box, -1);
    mailbox_run(&x->box);
    mailbox_fini(&x->box);
    store_close(x->store);
    return ERR_NONE;
}

static void examine_without_store(struct examination *x)
{
    x->snap = snap_from_list(NULL, 0, 0);
    examine(x, NULL);
}

/* ---- the store, or a copy ---- */

static enum err_kind look_at_copy(struct examination *x, const struct config *c, struct err *e)
{
    struct str copy = arena_printf(x->arena, "%s.doctor", c->sqlite_path);
    struct store_options options = files_store(c);

    options.path = copy.p;
    options.makes_key_file = false;
    options.history_revisions = UINT64_MAX;
    options.history_age_ns = 0;

    log_set_level(LOG_ERROR); /* that the copy was opened, and what for, is nobody's news */
    unlink(copy.p);           /* of one that was killed */
    if (store_copy(c->sqlite_path, copy.p, e) == ERR_NONE)
        (void)examine_store(x, &options, e);
    unlink(copy.p);
    unlink(arena_printf(x->arena, "%s-wal", copy.p).p);
    return e->kind;
}

static enum err_kind look(struct examination *x, struct config *c, struct err *e)
{
    if (c->store_kind == STORE_SQLITE && look_at_copy(x, c, e) != ERR_NONE && e->kind != ERR_NOT_FOUND)
        return e->kind;
    if (!x->snap)
        examine_without_store(x); /* it has not been started yet, or keeps nothing in a file */
    err_init(e, x->arena);
    return ERR_NONE;
}

/* ---- a control plane that runs ---- */

static const char *find_client(struct arena *a)
{
    char *self = realpath("/proc/self/exe", NULL);
    struct str path = str_from_c(self ? self : "");
    const char *beside =
        arena_printf(a, STR_FMT "/ursactl", STR_ARG(str_slice(path, 0, str_rchr(path, '/')))).p;

    free(self);
    return access(beside, X_OK) == 0 ? beside : "ursactl";
}

static struct str address_of(const struct config *c, struct arena *a)
{
    const char *host = c->api_enabled ? c->api_interface : c->https_interface;
    bool any = strcmp(host, "::") == 0 || strcmp(host, "0.0.0.0") == 0;
    bool v6 = !any && strchr(host, ':');

    if (any)
        host = "127.0.0.1";
    return arena_printf(a, "%s://%s%s%s:%u", c->api_enabled ? "http" : "https", v6 ? "[" : "", host,
                        v6 ? "]" : "", c->api_enabled ? c->api_port : c->https_port);
}

static int ask_running(const struct config *c, bool as_json, struct arena *a)
{
    char command[] = "doctor", address[] = "--address", output[] = "--output", text[] = "table",
         json[] = "json";
    char *argv[] = {arena_cstr(a, STR("ursactl")), command, address, arena_cstr(a, address_of(c, a)), output,
                    as_json ? json : text,         NULL};

    if (!c->api_enabled && !c->https_enabled) {
        fprintf(stderr, "ursa-cp: %s is in use by a control plane that serves no API: it cannot be asked\n",
                c->sqlite_path);
        return 2;
    }
    fprintf(stderr, "ursa-cp: the control plane is running; it is asked at %s\n", argv[3]);
    execvp(find_client(a), argv);
    fprintf(stderr, "ursa-cp: ursactl doctor: %m\n");
    return 2;
}

/* ---- the command ---- */

static int print(const struct findings *found, bool as_json, struct arena *a)
{
    JSON_AUTO answer = findings_to_json(found);
    struct str out = as_json ? json_format_pretty(a, answer) : findings_text(a, answer);

    if (fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout) != 0) {
        perror("ursa-cp: standard output");
        return 2;
    }
    return findings_count(answer, "error") ? 1 : 0;
}

int examine_run(struct config *c, bool as_json)
{
    struct arena arena;
    struct examination x = {.arena = &arena};
    struct err e;
    int status;

    arena_init(&arena);
    err_init(&e, &arena);
    files_name(c, &arena);
    daemon_look(c, &arena, &x.facts);
    JSON_AUTO config = config_to_json(c);
    x.facts.config = config;
    if (look(&x, c, &e) == ERR_NONE) {
        status = print(&x.found, as_json, &arena);
    } else if (e.kind == ERR_CONFLICT) {
        status = ask_running(c, as_json, &arena);
    } else {
        fprintf(stderr, "ursa-cp: " STR_FMT "\n", STR_ARG(err_render(&e, &arena)));
        status = 2;
    }
    snap_unref(x.snap);
    arena_fini(&arena);
    return status;
}
