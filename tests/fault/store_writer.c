/* store_writer.c -- what the fault tests kill and starve: writes numbered transactions, prints each answer.
 *
 *     store_writer FILE COUNT WINDOW    writes COUNT transactions, WINDOW of them under way at a time
 *     store_writer FILE check           prints what a store holds that was left behind
 *
 * Transaction N puts three parts, n-<N>-0 to -2, all with the same data, and takes back those of N - 50:
 * whoever reads a file that was left behind can tell whether any transaction was applied in part. A line is
 * written only after the answer: "ack N" or "fail N <kind>". */
#include <inttypes.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include "ursa/admit.h"
#include "ursa/base/log.h"

#define N_PARTS 3
#define TAKE_BACK 50
#define MESH STR("writer")

struct writer {
    struct store *store;
    struct admit *admit;
    sem_t window;
};

struct job { /* in the request's arena */
    struct writer *writer;
    int64_t number;
};

static struct str part_name(struct arena *a, int64_t number, size_t part)
{
    return arena_printf(a, "n-%" PRId64 "-%zu", number, part);
}

static void answered(struct admit_request *req)
{
    struct job *job = req->ctx;
    sem_t *window = &job->writer->window;
    if (req->kind == ERR_NONE)
        dprintf(1, "ack %" PRId64 "\n", job->number);
    else
        dprintf(1, "fail %" PRId64 " %s\n", job->number, err_kind_name(req->kind));
    admit_request_free(req);
    sem_post(window);
}

static struct admit_request *transaction(struct writer *w, int64_t number)
{
    bool takes_back = number > TAKE_BACK;
    struct admit_request *req = admit_request_new(takes_back ? 2 * N_PARTS : N_PARTS);
    struct job *job = ARENA_NEW(&req->arena, struct job);
    *job = (struct job){.writer = w, .number = number};
    req->author = STR("store_writer");
    req->done = answered;
    req->ctx = job;
    struct secret_spec spec = {.data = arena_printf(&req->arena, "%" PRId64, number)};
    for (size_t i = 0; i < N_PARTS; i++) {
        struct res_key key = {.type = RES_SECRET, .mesh = MESH, .name = part_name(&req->arena, number, i)};
        req->ops[i] = (struct admit_op){.kind = ADMIT_PUT, .res = resource_from_spec(&key, &spec)};
        if (!takes_back)
            continue;
        key.name = part_name(&req->arena, number - TAKE_BACK, i);
        req->ops[N_PARTS + i] = (struct admit_op){.kind = ADMIT_DELETE, .key = key};
    }
    return req;
}

static void ensure_mesh(struct writer *w)
{
    struct str none = STR("*");
    struct mesh_spec spec = {.skip_creating_initial_policies = {.v = &none, .n = 1}};
    struct res_key key = {.type = RES_MESH, .name = MESH};
    struct admit_request *req = admit_request_new(1);
    req->author = STR("store_writer");
    req->ops[0] =
        (struct admit_op){.kind = ADMIT_PUT, .res = resource_from_spec(&key, &spec), .keep_unchanged = true};
    admit_run(w->admit, req);
    admit_request_free(req);
}

/* The transaction that a part belongs to; 0 for another kind of secret. */
static int64_t number_of(const struct resource *secret)
{
    struct str rest = secret->key.name, prefix, number;
    int64_t n;
    if (str_next(&rest, '-', &prefix) && str_next(&rest, '-', &number) && str_eq(prefix, STR("n")) &&
        str_to_int(number, 1, INT64_MAX, &n))
        return n;
    return 0;
}

/* Transactions are answered in order: all up to the highest that is there were applied. */
static int64_t last_number(struct writer *w, bool print)
{
    struct snap *snap = store_snap(w->store);
    struct snap_range range = snap_range(snap, RES_SECRET, MESH);
    struct snap_iter it = snap_iter(&range);
    int64_t last = 0;
    for (const struct resource *r; (r = snap_next(&it));) {
        int64_t n = number_of(r);
        if (n > last)
            last = n;
        if (n && print)
            printf("have %" PRId64 " " STR_FMT "\n", n, STR_ARG(resource_secret(r)->data));
    }
    snap_unref(snap);
    return last;
}

static void write_all(struct writer *w, int64_t count, unsigned window)
{
    ensure_mesh(w);
    sem_init(&w->window, 0, window);
    int64_t first = last_number(w, false) + 1;
    for (int64_t n = first; n < first + count; n++) {
        sem_wait(&w->window);
        admit_submit(w->admit, transaction(w, n));
    }
}

static int fail(const struct err *e)
{
    fprintf(stderr, STR_FMT "\n", STR_ARG(e->text));
    return 1;
}

static int run(struct writer *w, const char *const *arguments, struct err *e)
{
    struct store_options options = {.kind = STORE_SQLITE,
                                    .path = arguments[0],
                                    .key_file = arena_printf(e->arena, "%s.key", arguments[0]).p,
                                    .makes_key_file = true,
                                    .history_revisions = 100};
    int64_t count = 0, window = 0;
    bool checks = strcmp(arguments[1], "check") == 0;
    if (!checks && (!str_to_int(str_from_c(arguments[1]), 1, INT32_MAX, &count) ||
                    !str_to_int(str_from_c(arguments[2]), 1, 1000, &window)))
        return 2;
    if (store_open(&options, &w->store, e) != ERR_NONE)
        return fail(e);
    int status = 0;
    if (checks) {
        last_number(w, true);
    } else if (admit_start(&(struct admit_options){.store = w->store}, &w->admit, e) == ERR_NONE) {
        write_all(w, count, (unsigned)window);
        admit_stop(w->admit);
    } else {
        status = fail(e);
    }
    store_close(w->store);
    return status;
}

int main(int argc, char **argv)
{
    struct writer w = {0};
    struct arena arena;
    struct err e;
    const char *arguments[3] = {"", "", ""};
    log_set_level(LOG_WARN);
    if (argc < 3)
        return 2;
    for (int i = 1; i < argc && i <= 3; i++)
        arguments[i - 1] = argv[i];
    arena_init(&arena);
    err_init(&e, &arena);
    int status = run(&w, arguments, &e);
    arena_fini(&arena);
    return status;
}
