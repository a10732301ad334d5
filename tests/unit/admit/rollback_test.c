/* rollback_test.c -- going back: which operations it takes, what stays, and that the rules hold. */
#include <semaphore.h>

#include "fixture.h"

#define EXTERNAL(mesh, name)                                                                                 \
    "{\"type\":\"ExternalService\",\"mesh\":\"" mesh "\",\"name\":\"" name "\",\"networking\":{\"address\":" \
    "\"h:80\"},\"tags\":{\"kuma.io/service\":\"" name "\"}}"
#define LIMIT(mesh, name, destination)                                                                       \
    "{\"type\":\"RateLimit\",\"mesh\":\"" mesh "\",\"name\":\"" name                                         \
    "\",\"sources\":[{\"match\":{\"kuma.io/service\":\"*\"}}],\"destinations\":[{\"match\":{" destination    \
    "}}],\"conf\":{}}"
#define ONE_OF(service) "\"kuma.io/service\":\"" service "\",\"version\":\"1\""
#define SECRET_OF(mesh, name, data)                                                                          \
    "{\"type\":\"Secret\",\"mesh\":\"" mesh "\",\"name\":\"" name "\",\"data\":\"" data "\"}"
#define PLAIN_MESH(name) MESH_WITH(name, "\"skipCreatingInitialPolicies\":[\"*\"]")

/* ---- the state to go back to ---- */

struct ask {
    struct store_job job;
    sem_t answered;
    uint64_t revision;
    struct snap *snap;
    struct err *err;
};

static void ask_state(struct store_job *job, struct history *h)
{
    struct ask *a = CONTAINER_OF(job, struct ask, job);
    (void)!history_at(h, a->revision, &(struct history_scope){.type = RES_N}, &a->snap, a->err);
    sem_post(&a->answered);
}

static struct snap *state_at(struct fixture *f, uint64_t revision)
{
    struct ask a = {.job.run = ask_state, .revision = revision, .err = &f->err};
    err_init(&f->err, &f->arena);
    sem_init(&a.answered, 0, 0);
    if (!store_submit(f->store, &a.job))
        FAIL("store_submit");
    sem_wait(&a.answered);
    sem_destroy(&a.answered);
    if (!a.snap)
        FAIL("history_at: " STR_FMT, STR_ARG(f->err.text));
    return a.snap;
}

static struct str key_text(struct arena *a, const struct res_key *key)
{
    return arena_printf(a, STR_FMT "/" STR_FMT "/" STR_FMT, STR_ARG(res_type_info(key->type)->name),
                        STR_ARG(key->mesh), STR_ARG(key->name));
}

/* "+Type/mesh/name -Type//name ~... =what is kept xwhat goes with its mesh", then the faults. */
static struct str rollback_text(struct fixture *f, const struct admit_request *req)
{
    static const char signs[] = {[OUTCOME_NONE] = '?',
                                 [OUTCOME_CREATED] = '+',
                                 [OUTCOME_UPDATED] = '~',
                                 [OUTCOME_UNCHANGED] = '=',
                                 [OUTCOME_DELETED] = '-'};
    struct str text = STR("");
    size_t n_kept;
    for (size_t i = 0; i < req->n_ops; i++) {
        const struct admit_op *op = &req->ops[i];
        text = arena_printf(&f->arena, STR_FMT "%c" STR_FMT " ", STR_ARG(text), signs[op->outcome],
                            STR_ARG(key_text(&f->arena, op->kind == ADMIT_PUT ? &op->res->key : &op->key)));
    }
    const struct admit_kept *kept = admit_rollback_kept(req, &n_kept);
    for (size_t i = 0; i < n_kept; i++)
        text = arena_printf(&f->arena, STR_FMT "%c" STR_FMT " ", STR_ARG(text),
                            kept[i].outcome == OUTCOME_UNCHANGED ? '=' : 'x',
                            STR_ARG(key_text(&f->arena, &kept[i].key)));
    for (size_t i = 0; i < req->n_ops; i++)
        if (req->ops[i].err.kind != ERR_NONE)
            text = arena_printf(&f->arena, STR_FMT "! " STR_FMT, STR_ARG(text),
                                STR_ARG(err_render(&req->ops[i].err, &f->arena)));
    return text;
}

/* All that differs from the state that was gone back to. */
static struct str rest_text(struct fixture *f, const struct snap *to, const char *mesh)
{
    struct snap *now = store_snap(f->store);
    struct str text = STR("");
    struct snap_diff d = snap_diff(now, to, str_from_c(mesh));
    for (struct snap_change c; snap_diff_next(&d, &c);)
        text = arena_printf(&f->arena, STR_FMT "=" STR_FMT " ", STR_ARG(text),
                            STR_ARG(key_text(&f->arena, c.before ? &c.before->key : &c.after->key)));
    snap_unref(now);
    return text;
}

static void run_all(struct fixture *f, const char *const docs[][4], const char *name)
{
    for (size_t i = 0; i < 4 && docs[i][0]; i++) {
        enum res_origin origin = ORIGIN_API;
        const char *list[5] = {NULL};
        for (size_t n = 0; n < 4; n++)
            list[n] = docs[i][n];
        if (strcmp(list[0], "proxy") == 0) { /* what follows is a proxy's */
            origin = ORIGIN_PROXY;
            memmove(&list[0], &list[1], 4 * sizeof(list[0]));
        }
        struct admit_request *req = request_of(list);
        req->origin = origin;
        admit_run(f->admit, req);
        if (req->kind != ERR_NONE)
            FAIL("%s: " STR_FMT, name, STR_ARG(answer(req, &f->arena)));
        admit_request_free(req);
    }
}

static const struct {
    const char *name;
    const char *before[4][4]; /* requests; back to after the last of them */
    const char *after[4][4];
    const char *mesh; /* NULL: all */
    bool may_not_make_mesh;
    const char *want;
    const char *rest; /* what differs then; NULL: nothing */
} rows[] = {
    {.name = "nothing has changed", .before = {{PLAIN_MESH("m")}}, .want = ""},
    {.name = "what came goes, what went comes, what changed changes back",
     .before = {{PLAIN_MESH("m"), EXTERNAL("m", "a"), DATAPLANE("m", "d", "a"), DATAPLANE("m", "e", "a")}},
     .after = {{EXTERNAL("m", "b"), DATAPLANE("m", "d", "b"), "-ExternalService/m/a", "-Dataplane/m/e"}},
     .want = "~Dataplane/m/d +Dataplane/m/e +ExternalService/m/a -ExternalService/m/b "},
    {.name = "one mesh of two",
     .before = {{PLAIN_MESH("m"), PLAIN_MESH("n"), EXTERNAL("m", "a"), EXTERNAL("n", "a")}},
     .after = {{"-ExternalService/m/a", "-ExternalService/n/a", MESH("m"), MESH("n")}},
     .mesh = "m",
     .want = "~Mesh//m +ExternalService/m/a "},
    {.name = "a mesh comes back as it was, with its keys and without the policies of a new one",
     .before = {{PLAIN_MESH("m"), SECRET("m", "s"), EXTERNAL("m", "a"), DATAPLANE("m", "d", "a")}},
     .after = {{"-Mesh//m", "-Dataplane/m/d"}},
     .want = "+Mesh//m +Dataplane/m/d +ExternalService/m/a +Secret/m/dataplane-token-signing-key-m-1 "
             "+Secret/m/s "},
    {.name = "a mesh that was changed to get policies by default gets none",
     .before = {{MESH("m")}, {"-TrafficPermission/m/allow-all-m"}},
     .after = {{"-Mesh//m"}},
     .want = "+Mesh//m +CircuitBreaker/m/circuit-breaker-all-m +Retry/m/retry-all-m +Timeout/m/timeout-all-m "
             "+TrafficRoute/m/route-all-m +Secret/m/dataplane-token-signing-key-m-1 "},
    {.name = "a mesh goes with what is in it",
     .after = {{PLAIN_MESH("m"), SECRET("m", "s"), EXTERNAL("m", "a"), DATAPLANE("m", "d", "a")}},
     .want = "-Mesh//m -Dataplane/m/d -ExternalService/m/a xSecret/m/dataplane-token-signing-key-m-1 "
             "xSecret/m/s "},
    {.name = "but not with a proxy in it",
     .after = {{PLAIN_MESH("m"), EXTERNAL("m", "a")}, {"proxy", DATAPLANE("m", "p", "a")}},
     .want = "-Mesh//m -ExternalService/m/a xSecret/m/dataplane-token-signing-key-m-1 "
             "! mesh: unable to delete mesh, there are still some dataplanes attached",
     .rest = "=Mesh//m =ExternalService/m/a =Secret/m/dataplane-token-signing-key-m-1 "},
    {.name = "secrets that are there stay, those that are gone come back, but not keys of tokens",
     .before = {{PLAIN_MESH("m"), SECRET("m", "changed"), SECRET("m", "gone")}},
     .after = {{SECRET_OF("m", "changed", "Yg=="), SECRET("m", "new"), "-Secret/m/gone",
                "-Secret/m/dataplane-token-signing-key-m-1"}},
     .want = "+Secret/m/gone =Secret/m/changed =Secret/m/dataplane-token-signing-key-m-1 =Secret/m/new ",
     .rest = "=Secret/m/changed =Secret/m/dataplane-token-signing-key-m-1 =Secret/m/new "},
    {.name = "the control plane's secrets stay",
     .after = {{"{\"type\":\"GlobalSecret\",\"name\":\"g\",\"data\":\"YQ==\"}",
                "-GlobalSecret//user-token-signing-key-1"}},
     .want = "=GlobalSecret//g =GlobalSecret//user-token-signing-key-1 ",
     .rest = "=GlobalSecret//g =GlobalSecret//user-token-signing-key-1 "},
    {.name = "what a proxy brought stays",
     .before = {{PLAIN_MESH("m"), DATAPLANE("m", "d", "a")}, {"proxy", DATAPLANE("m", "p", "a")}},
     .after = {{"proxy", DATAPLANE("m", "d", "b")}, {"proxy", DATAPLANE("m", "p", "b")}},
     .want = "=Dataplane/m/d ",
     .rest = "=Dataplane/m/d "},
    {.name = "what was made by hand instead of a proxy's goes",
     .before = {{PLAIN_MESH("m")}, {"proxy", DATAPLANE("m", "p", "a")}},
     .after = {{DATAPLANE("m", "p", "b")}},
     .want = "-Dataplane/m/p "},
    {.name = "a CA is switched as by any other write",
     .before = {{MESH_WITH("m", MTLS("ca-1"))}},
     .after = {{MESH("m")}, {MESH_WITH("m", MTLS("ca-2"))}},
     .mesh = "m",
     .want = "~Mesh//m =Secret/m/m.ca-builtin-cert-ca-2 =Secret/m/m.ca-builtin-key-ca-2 ",
     .rest = "=Secret/m/m.ca-builtin-cert-ca-2 =Secret/m/m.ca-builtin-key-ca-2 "},
    {.name = "a CA comes back with the mTLS that used it",
     .before = {{MESH_WITH("m", MTLS("ca-1"))}},
     .after = {{MESH("m")}, {"-Secret/m/m.ca-builtin-cert-ca-1", "-Secret/m/m.ca-builtin-key-ca-1"}},
     .mesh = "m",
     .want = "~Mesh//m +Secret/m/m.ca-builtin-cert-ca-1 +Secret/m/m.ca-builtin-key-ca-1 "},
    {.name = "what goes is not in the way of what comes",
     .before = {{PLAIN_MESH("m"), LIMIT("m", "l", ONE_OF("a"))}},
     .after = {{"-RateLimit/m/l"}, {EXTERNAL("m", "a")}},
     .want = "-ExternalService/m/a +RateLimit/m/l "},
    {.name = "a mesh's administrator does not make it",
     .before = {{PLAIN_MESH("m")}},
     .after = {{"-Mesh//m"}},
     .mesh = "m",
     .may_not_make_mesh = true,
     .want = "+Mesh//m +Secret/m/dataplane-token-signing-key-m-1 "
             "! the Mesh itself would be made or removed, which is not a mesh administrator's",
     .rest = "=Mesh//m =Secret/m/dataplane-token-signing-key-m-1 "},
    {.name = "a mesh's administrator changes it",
     .before = {{PLAIN_MESH("m")}},
     .after = {{MESH("m"), EXTERNAL("m", "a")}},
     .mesh = "m",
     .may_not_make_mesh = true,
     .want = "~Mesh//m -ExternalService/m/a "},
};

TEST(a_state_of_the_past_is_the_present_again)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        fixture_init(&f);
        run_all(&f, rows[i].before, rows[i].name);
        uint64_t then = revision_of(&f);
        run_all(&f, rows[i].after, rows[i].name);
        uint64_t before = revision_of(&f);
        struct snap *to = state_at(&f, then);
        for (int dry_run = 1; dry_run >= 0; dry_run--) {
            struct admit_request *req =
                admit_rollback_new(to, str_from_c(rows[i].mesh), !rows[i].may_not_make_mesh);
            req->author = STR("tester");
            req->dry_run = dry_run;
            admit_run(f.admit, req);
            EXPECT_STR(rows[i].name, rollback_text(&f, req), rows[i].want);
            bool writes = !dry_run && req->kind == ERR_NONE && req->n_ops > 0;
            EXPECT_INT(rows[i].name, revision_of(&f), before + writes);
            admit_request_free(req);
        }
        EXPECT_STR(rows[i].name, rest_text(&f, to, rows[i].mesh), rows[i].rest ? rows[i].rest : "");
        snap_unref(to);
        fixture_fini(&f);
    }
}
