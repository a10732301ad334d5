/* history_test.c -- what is told of the past, by both back ends alike: states, changes, what is forgotten. */
#include <fcntl.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "fixture.h"

/* ---- asking ---- */

struct ask {
    struct store_job job;
    void (*question)(struct ask *, struct history *);
    sem_t answered;
    struct arena *arena;
    struct err *err;
    uint64_t revision;
    struct history_scope scope;
    size_t offset, size;
    struct history_page page;
    struct snap *snap;
    int fd;
};

static void run_question(struct store_job *job, struct history *h)
{
    struct ask *a = CONTAINER_OF(job, struct ask, job);
    a->question(a, h);
    sem_post(&a->answered);
}

/* Waits for the answer: the fixture's error says how it went. */
static enum err_kind asked(struct fixture *f, struct ask *a, void (*question)(struct ask *, struct history *))
{
    a->job.run = run_question;
    a->question = question;
    a->arena = &f->arena;
    a->err = &f->err;
    err_init(&f->err, &f->arena);
    sem_init(&a->answered, 0, 0);
    if (!store_submit(f->store, &a->job))
        FAIL("store_submit");
    sem_wait(&a->answered);
    sem_destroy(&a->answered);
    return f->err.kind;
}

static void ask_list(struct ask *a, struct history *h)
{
    (void)!history_list(h, &a->scope, a->offset, a->size, a->arena, &a->page, a->err);
}

static void ask_state(struct ask *a, struct history *h)
{
    (void)!history_at(h, a->revision, &a->scope, &a->snap, a->err);
}

static void ask_bounds(struct ask *a, struct history *h)
{
    (void)!history_bounds(h, &a->revision, &(uint64_t){0}, a->err);
}

static const struct history_scope everything = {.type = RES_N};

static const char *const signs[] = {[HISTORY_CREATE] = "+", [HISTORY_UPDATE] = "~", [HISTORY_DELETE] = "-"};

/* "4 tester 2000: -Mesh//m ~Secret/m/s; 3 ..." and the total. */
static struct str list_text(struct fixture *f, struct history_scope scope, size_t offset, size_t size)
{
    struct ask a = {.scope = scope, .offset = offset, .size = size};
    struct buf b;
    if (asked(f, &a, ask_list) != ERR_NONE)
        FAIL("history_list: " STR_FMT, STR_ARG(f->err.text));
    buf_init(&b, BUF_MAX_RESOURCE);
    for (size_t i = 0; i < a.page.n; i++) {
        const struct history_entry *entry = &a.page.entries[i];
        buf_printf(&b, "%d " STR_FMT " %d:", (int)entry->revision, STR_ARG(entry->author),
                   (int)entry->time_ns);
        for (size_t j = 0; j < entry->n_changes; j++) {
            const struct res_key *key = &entry->changes[j].key;
            buf_printf(&b, " %s" STR_FMT "/" STR_FMT "/" STR_FMT, signs[entry->changes[j].op],
                       STR_ARG(res_type_info(key->type)->name), STR_ARG(key->mesh), STR_ARG(key->name));
        }
        buf_printf(&b, "; ");
    }
    buf_printf(&b, "of %d", (int)a.page.total);
    struct str text = arena_str(&f->arena, buf_str(&b));
    buf_fini(&b);
    return text;
}

/* Lines of snap_text() that history is told of, without health. */
static struct str told(struct fixture *f, struct str text)
{
    struct buf b;
    struct str line;
    buf_init(&b, BUF_MAX_RESOURCE);
    while (str_next(&text, '\n', &line))
        if (line.n && str_find(line, STR(" o1 ")) == line.n &&
            !str_has_prefix(line, STR("DataplaneInsight/")))
            buf_printf(&b, STR_FMT "\n", STR_ARG(str_slice(line, 0, str_find(line, STR(" h")))));
    struct str kept = arena_str(&f->arena, buf_str(&b));
    buf_fini(&b);
    return kept;
}

static struct str state_text(struct fixture *f, uint64_t revision, struct history_scope scope)
{
    struct ask a = {.scope = scope, .revision = revision};
    if (asked(f, &a, ask_state) != ERR_NONE)
        return f->err.text;
    EXPECT_INT("revision", snap_revision(a.snap), revision);
    struct str text = snap_text(a.snap, &f->arena);
    struct snap_range range = snap_range(a.snap, RES_DATAPLANE, STR_NONE);
    struct snap_iter it = snap_iter(&range);
    for (const struct resource *r; (r = snap_next(&it));)
        EXPECT_INT("health in the past", r->health.n, 0);
    snap_unref(a.snap);
    return told(f, text);
}

/* ---- one story ---- */

/* Eight revisions, with what makes none between them. */
static void tell_story(struct fixture *f)
{
    put_alone(f, ORIGIN_API, RES_MESH, "", "m", "");          /* 1 */
    put_alone(f, ORIGIN_API, RES_MESH, "", "n", "");          /* 2 */
    put_alone(f, ORIGIN_API, RES_SECRET, "m", "s", "YQ==");   /* 3 */
    put_alone(f, ORIGIN_API, RES_SECRET, "n", "s", "YQ==");   /* 4 */
    put_alone(f, ORIGIN_API, RES_SECRET, "m", "s", "Yg==");   /* 5 */
    put_alone(f, ORIGIN_PROXY, RES_DATAPLANE, "m", "p", "a"); /* none */
    put_alone(f, ORIGIN_SYSTEM, RES_DATAPLANE_INSIGHT, "m", "p", "");
    put_alone(f, ORIGIN_API, RES_DATAPLANE, "m", "p", "b");   /* 6: taken over by hand */
    put_alone(f, ORIGIN_PROXY, RES_DATAPLANE, "m", "p", "c"); /* 7: and back */
    put_alone(f, ORIGIN_PROXY, RES_DATAPLANE, "m", "p", "d"); /* none */
    group_begin(f);
    tx_begin(f, ORIGIN_API, 2000);
    put(f, RES_SECRET, "m", "t", "Yw=="); /* never seen */
    del(f, RES_SECRET, "n", "s");
    put(f, RES_SECRET, "n", "s", "Yg=="); /* replaced */
    put(f, RES_GLOBAL_SECRET, "", "g", "YQ==");
    del(f, RES_MESH, "", "m");
    EXPECT_INT("revision", tx_end(f, true), 8);
    tx_begin(f, ORIGIN_API, 3000);
    put(f, RES_GLOBAL_SECRET, "", "g", "Yg==");
    tx_end(f, false); /* undone */
    group_commit(f);
}

static bool is_in_n(const void *ctx, const struct res_key *key)
{
    (void)ctx;
    return str_eq(key->mesh, STR("n"));
}

#define LAST "8 tester 2000: -Mesh//m -Secret/m/s ~Secret/n/s +GlobalSecret//g; "

TEST(history_lists_who_changed_what)
{
    static const struct {
        const char *name;
        struct history_scope scope;
        size_t offset, size;
        const char *want;
    } rows[] = {
        {"all",
         {.type = RES_N},
         0,
         100,
         LAST "7 tester 1000: -Dataplane/m/p; 6 tester 1000: +Dataplane/m/p; 5 tester 1000: ~Secret/m/s; "
              "4 tester 1000: +Secret/n/s; 3 tester 1000: +Secret/m/s; 2 tester 1000: +Mesh//n; "
              "1 tester 1000: +Mesh//m; of 8"},
        {"the newest", {.type = RES_N}, 0, 1, LAST "of 8"},
        {"a page", {.type = RES_N}, 3, 2, "5 tester 1000: ~Secret/m/s; 4 tester 1000: +Secret/n/s; of 8"},
        {"the last page", {.type = RES_N}, 7, 2, "1 tester 1000: +Mesh//m; of 8"},
        {"behind the last", {.type = RES_N}, 8, 2, "of 8"},
        {"a mesh",
         {.type = RES_N, .mesh = STR_INIT("n")},
         0,
         100,
         "8 tester 2000: ~Secret/n/s; 4 tester 1000: +Secret/n/s; 2 tester 1000: +Mesh//n; of 3"},
        {"a mesh that is gone",
         {.type = RES_N, .mesh = STR_INIT("m")},
         0,
         1,
         "8 tester 2000: -Mesh//m -Secret/m/s; of 6"},
        {"its Mesh alone",
         {.type = RES_MESH, .mesh = STR_INIT("m")},
         0,
         100,
         "8 tester 2000: -Mesh//m; 1 tester 1000: +Mesh//m; of 2"},
        {"a type",
         {.type = RES_SECRET},
         0,
         2,
         "8 tester 2000: -Secret/m/s ~Secret/n/s; 5 tester 1000: ~Secret/m/s; of 4"},
        {"a type in a mesh",
         {.type = RES_SECRET, .mesh = STR_INIT("m")},
         1,
         1,
         "5 tester 1000: ~Secret/m/s; of 3"},
        {"one resource",
         {.type = RES_SECRET, .mesh = STR_INIT("n"), .name = STR_INIT("s")},
         0,
         100,
         "8 tester 2000: ~Secret/n/s; 4 tester 1000: +Secret/n/s; of 2"},
        {"one of no mesh",
         {.type = RES_GLOBAL_SECRET, .name = STR_INIT("g")},
         0,
         100,
         "8 tester 2000: +GlobalSecret//g; of 1"},
        {"a name in any mesh",
         {.type = RES_SECRET, .name = STR_INIT("s")},
         0,
         1,
         "8 tester 2000: -Secret/m/s ~Secret/n/s; of 4"},
        {"a name of any type",
         {.type = RES_N, .name = STR_INIT("n")},
         0,
         100,
         "2 tester 1000: +Mesh//n; of 1"},
        {"a name in a mesh",
         {.type = RES_N, .mesh = STR_INIT("m"), .name = STR_INIT("p")},
         0,
         1,
         "7 tester 1000: -Dataplane/m/p; of 2"},
        {"what the asker sees",
         {.type = RES_N, .sees = is_in_n},
         0,
         100,
         "8 tester 2000: ~Secret/n/s; 4 tester 1000: +Secret/n/s; of 2"},
        {"nothing like that", {.type = RES_N, .mesh = STR_INIT("x")}, 0, 100, "of 0"},
        {"what makes none", {.type = RES_DATAPLANE_INSIGHT}, 0, 100, "of 0"},
    };
    for (size_t k = 0; k < ARRAY_LEN(store_kinds); k++) {
        struct fixture f;
        fixture_init(&f, store_kinds[k]);
        tell_story(&f);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            char name[64];
            snprintf(name, sizeof(name), "%s: %s", store_kind_names[k], rows[i].name);
            EXPECT_STR(name, list_text(&f, rows[i].scope, rows[i].offset, rows[i].size), rows[i].want);
        }
        fixture_fini(&f);
    }
}

TEST(a_fresh_store_has_no_history)
{
    for (size_t k = 0; k < ARRAY_LEN(store_kinds); k++) {
        struct fixture f;
        fixture_init(&f, store_kinds[k]);
        EXPECT_STR(store_kind_names[k], list_text(&f, everything, 0, 100), "of 0");
        EXPECT_STR(store_kind_names[k], state_text(&f, 0, everything), "");
        EXPECT_STR(store_kind_names[k], state_text(&f, 1, everything),
                   "there is no revision 1 yet: the newest is 0");
        fixture_fini(&f);
    }
}

/* ---- any story ---- */

static void random_write(struct fixture *f)
{
    static const char *const meshes[] = {"a", "ab", "b"}, *const names[] = {"k0", "k1", "k2", "k3"},
                             *const values[] = {"YQ==", "Yg==", "Yw=="};
    static const enum res_type types[] = {RES_MESH,          RES_SECRET,    RES_SECRET,
                                          RES_GLOBAL_SECRET, RES_DATAPLANE, RES_DATAPLANE_INSIGHT};
    enum res_type type = types[test_rand_below(ARRAY_LEN(types))];
    const char *mesh = res_type_info(type)->scope == SCOPE_MESH ? meshes[test_rand_below(3)] : "";
    const char *name = type == RES_MESH ? meshes[test_rand_below(3)] : names[test_rand_below(4)];
    struct res_key key = key_of(type, mesh, name);
    if (type == RES_DATAPLANE && test_rand_below(3) == 0) /* no part of any state of the past */
        (void)!store_tx_health(f->store, &key, test_rand_below(2) ? STR("1") : STR("0"), &f->err);
    else if (test_rand_below(3) == 0)
        (void)!del(f, type, mesh, name);
    else
        (void)!put(f, type, mesh, name, values[test_rand_below(3)]);
}

static void random_group(struct fixture *f, struct str *states, uint64_t *newest)
{
    group_begin(f);
    for (size_t n = 1 + test_rand_below(3); n-- > 0;) {
        tx_begin(f, test_rand_below(4) == 0 ? ORIGIN_PROXY : ORIGIN_API, 1000 + (int64_t)*newest);
        for (size_t ops = 1 + test_rand_below(4); ops-- > 0;)
            random_write(f);
        *newest = tx_end(f, test_rand_below(5) != 0);
        states[*newest] = told(f, snap_text(store_pending(f->store), &f->arena));
    }
    group_commit(f);
}

#define N_GROUPS 60
#define N_KEPT 40

/* A line of a state that the other one has not: what is before the blank is the key. */
static size_t count_differences(struct str a, struct str b)
{
    struct str line, rest;
    size_t n = 0;
    for (rest = a; str_next(&rest, '\n', &line);)
        n += line.n && str_find(b, line) == b.n;
    for (rest = b; str_next(&rest, '\n', &line);) {
        struct str key = str_slice(line, 0, str_chr(line, ' ') + 1);
        n += line.n && str_find(a, key) == a.n;
    }
    return n;
}

static void expect_states(struct fixture *f, const struct str *states, uint64_t oldest, uint64_t newest,
                          const char *name)
{
    for (uint64_t r = oldest; r <= newest; r++) {
        EXPECT_STR(name, state_text(f, r, everything), arena_cstr(&f->arena, states[r]));
        if (r == oldest)
            continue;
        struct ask a = {.scope = everything, .offset = newest - r, .size = 1};
        EXPECT_INT(name, asked(f, &a, ask_list), ERR_NONE);
        EXPECT_INT(name, a.page.total, newest - oldest);
        EXPECT_INT(name, a.page.entries[0].revision, r);
        EXPECT_INT(name, a.page.entries[0].n_changes, count_differences(states[r], states[r - 1]));
    }
}

/* Every state that was ever published can be told again, and what is listed is how it differs from the one
 * before. */
TEST(the_past_is_told_as_it_was)
{
    for (size_t k = 0; k < ARRAY_LEN(store_kinds); k++) {
        struct str states[4 * N_GROUPS] = {{0}};
        struct fixture f;
        uint64_t newest = 0;
        fixture_prepare(&f, store_kinds[k]);
        f.options.history_revisions = N_KEPT;
        fixture_open(&f);
        for (size_t i = 0; i < N_GROUPS; i++)
            random_group(&f, states, &newest);
        uint64_t oldest = newest > N_KEPT ? newest - N_KEPT : 0;
        expect_states(&f, states, oldest, newest, store_kind_names[k]);
        if (store_kinds[k] == STORE_SQLITE) {
            fixture_close(&f);
            fixture_open(&f);
            expect_states(&f, states, oldest, newest, "opened again");
        }
        fixture_fini(&f);
    }
}

/* ---- what is forgotten ---- */

static void write_versions(struct fixture *f, size_t n, int64_t step_ns)
{
    for (size_t i = 0; i < n; i++) {
        group_begin(f);
        tx_begin(f, ORIGIN_API, 10000 + (int64_t)i * step_ns);
        put(f, RES_GLOBAL_SECRET, "", "s", i % 2 ? "YQ==" : "Yg==");
        tx_end(f, true);
        group_commit(f);
    }
}

TEST(what_is_no_longer_kept_is_said)
{
    static const struct {
        const char *name;
        uint64_t revisions;
        int64_t age_ns;
        uint64_t want; /* the oldest that can be told */
    } rows[] = {
        {"no limit reached", 1000, 0, 0}, {"ten revisions", 10, 0, 90},       {"none", 0, 0, 100},
        {"young ones", 1000, 200, 79},    {"young ones, fewer", 10, 200, 90},
    };
    for (size_t k = 0; k < ARRAY_LEN(store_kinds); k++)
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            struct fixture f;
            struct ask a = {0};
            char want[96], name[64];
            snprintf(name, sizeof(name), "%s: %s", store_kind_names[k], rows[i].name);
            fixture_prepare(&f, store_kinds[k]);
            f.options.history_revisions = rows[i].revisions;
            f.options.history_age_ns = rows[i].age_ns;
            fixture_open(&f);
            write_versions(&f, 100, 10);
            EXPECT_INT(name, asked(&f, &a, ask_bounds), ERR_NONE);
            EXPECT_INT(name, a.revision, rows[i].want);
            snprintf(want, sizeof(want), "of %d", (int)(100 - rows[i].want));
            EXPECT_STR(name, list_text(&f, everything, 100, 1), want);
            EXPECT_TRUE(name, str_has_prefix(state_text(&f, rows[i].want, everything),
                                             rows[i].want ? STR("GlobalSecret//s r") : STR("")));
            if (rows[i].want > 0) {
                snprintf(want, sizeof(want), "revision %d is no longer kept: the oldest is %d",
                         (int)rows[i].want - 1, (int)rows[i].want);
                EXPECT_STR(name, state_text(&f, rows[i].want - 1, everything), want);
                EXPECT_INT(name, f.err.kind, ERR_NOT_FOUND);
            }
            fixture_fini(&f);
        }
}

/* A lowered limit holds at once, though the rows go in steps. */
TEST(a_lowered_limit_is_said_before_its_rows_are_gone)
{
    struct fixture f;
    fixture_init(&f, STORE_SQLITE);
    write_versions(&f, 600, 1);
    fixture_close(&f);
    f.options.history_revisions = 10;
    fixture_open(&f);
    write_versions(&f, 1, 1);
    EXPECT_STR("state", state_text(&f, 590, everything), "revision 590 is no longer kept: the oldest is 591");
    EXPECT_STR("list", list_text(&f, everything, 100, 1), "of 10");
    fixture_fini(&f);
}

/* A file of the first schema says nothing of what is gone: it is what is before its oldest revision. */
TEST(history_of_the_first_schema_is_told)
{
    static const struct {
        const char *name;
        uint64_t revisions;
        const char *want;
    } rows[] = {
        {"all of it", 1000, "of 30"},
        {"ten revisions", 10, "of 10"},
        {"none", 0, "of 0"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        struct str before[31];
        sqlite3 *db = NULL;
        fixture_prepare(&f, STORE_SQLITE);
        f.options.history_revisions = rows[i].revisions;
        fixture_open(&f);
        write_versions(&f, 30, 1);
        for (uint64_t r = 0; r <= 30; r++)
            before[r] = state_text(&f, r, everything);
        fixture_close(&f);
        EXPECT_INT("open", sqlite3_open(f.path, &db), SQLITE_OK);
        EXPECT_INT("go back",
                   sqlite3_exec(db,
                                "ALTER TABLE resources DROP COLUMN health; DROP TABLE vips; DROP INDEX "
                                "history_revision; ALTER TABLE state DROP COLUMN pruned; "
                                "ALTER TABLE state DROP COLUMN traces;"
                                "PRAGMA user_version = 1",
                                NULL, NULL, NULL),
                   SQLITE_OK);
        sqlite3_close(db);
        fixture_open(&f);
        EXPECT_STR(rows[i].name, list_text(&f, everything, 100, 1), rows[i].want);
        for (uint64_t r = 0; r <= 30; r++)
            EXPECT_STR(rows[i].name, state_text(&f, r, everything), arena_cstr(&f.arena, before[r]));
        fixture_fini(&f);
    }
}

/* ---- backup ---- */

static void ask_backup(struct ask *a, struct history *h)
{
    (void)!history_backup(h, &a->fd, &a->revision, a->err);
}

static void save(int fd, const char *path)
{
    char bytes[4096];
    ssize_t n;
    int to = open(path, O_CREAT | O_WRONLY, 0600);
    while ((n = read(fd, bytes, sizeof(bytes))) > 0)
        EXPECT_INT("write", write(to, bytes, (size_t)n), n);
    close(to);
}

TEST(a_backup_is_a_store)
{
    struct fixture f, copy;
    struct ask a = {.fd = -1};
    struct stat st;
    char path[128];
    fixture_init(&f, STORE_SQLITE);
    fixture_prepare(&copy, STORE_SQLITE);
    tell_story(&f);
    snprintf(path, sizeof(path), "%s.backup", f.path);
    int leftover = open(path, O_CREAT | O_WRONLY, 0644); /* of one that was killed */
    EXPECT_INT("write", write(leftover, "half", 4), 4);
    close(leftover);
    EXPECT_INT("backup", asked(&f, &a, ask_backup), ERR_NONE);
    EXPECT_INT("revision", a.revision, 8);
    EXPECT_INT("stat", fstat(a.fd, &st), 0);
    EXPECT_INT("mode", st.st_mode & 0777, 0600);
    EXPECT_INT("it has no name", st.st_nlink, 0);
    EXPECT_INT("nor is there another", access(path, F_OK), -1);
    put_alone(&f, ORIGIN_API, RES_GLOBAL_SECRET, "", "later", "YQ==");
    save(a.fd, copy.path);
    close(a.fd);
    fixture_open(&copy);
    struct ask b = {.scope = everything, .revision = 8};
    EXPECT_INT("state", asked(&f, &b, ask_state), ERR_NONE);
    EXPECT_STR("state", told(&f, store_text(&copy)),
               arena_cstr(&f.arena, told(&f, snap_text(b.snap, &f.arena))));
    snap_unref(b.snap);
    EXPECT_STR("history", list_text(&copy, everything, 0, 1), LAST "of 8");
    fixture_fini(&copy);
    fixture_fini(&f);
}

TEST(a_store_in_memory_has_no_backup)
{
    struct fixture f;
    struct ask a = {.fd = -1};
    fixture_init(&f, STORE_MEMORY);
    EXPECT_INT("kind", asked(&f, &a, ask_backup), ERR_CONFLICT);
    fixture_fini(&f);
}

/* ---- bounds ---- */

#define N_MANY 6000

/* Two revisions of six thousand changes each do not go into one answer, and one of twelve thousand is cut. */
TEST(an_answer_holds_so_many_changes)
{
    for (size_t k = 0; k < ARRAY_LEN(store_kinds); k++) {
        struct fixture f;
        struct ask a = {.scope = everything, .size = 100};
        fixture_init(&f, store_kinds[k]);
        for (int revision = 0; revision < 3; revision++) {
            group_begin(&f);
            tx_begin(&f, ORIGIN_API, 1000);
            for (int i = 0; i < (revision < 2 ? N_MANY : 2 * N_MANY); i++) {
                char name[32];
                snprintf(name, sizeof(name), "s%d-%d", revision, i);
                (void)!put(&f, RES_GLOBAL_SECRET, "", name, "YQ==");
            }
            tx_end(&f, true);
            group_commit(&f);
        }
        EXPECT_INT("kind", asked(&f, &a, ask_list), ERR_NONE);
        EXPECT_INT("one revision", a.page.n, 1);
        EXPECT_INT("of three", a.page.total, 3);
        EXPECT_INT("its changes", a.page.entries[0].n_changes, HISTORY_CHANGES);
        EXPECT_INT("the rest", a.page.entries[0].n_omitted, 2 * N_MANY - HISTORY_CHANGES);
        a.offset = 1;
        EXPECT_INT("kind", asked(&f, &a, ask_list), ERR_NONE);
        EXPECT_INT("one more", a.page.n, 1);
        EXPECT_INT("its changes", a.page.entries[0].n_changes, N_MANY);
        EXPECT_INT("nothing else", a.page.entries[0].n_omitted, 0);
        fixture_fini(&f);
    }
}

/* ---- beside the writer ---- */

struct gate {
    struct store_job job;
    sem_t entered, leave, done;
    struct ask *ask;
};

static void hold(struct store_job *job, struct history *h)
{
    struct gate *g = CONTAINER_OF(job, struct gate, job);
    uint64_t oldest, newest;
    (void)!history_bounds(h, &oldest, &newest, g->ask->err); /* the moment is taken */
    sem_post(&g->entered);
    sem_wait(&g->leave);
    g->ask->question(g->ask, h);
    sem_post(&g->done);
}

/* A job sees the moment of its first question, whatever is written and forgotten meanwhile; and the writer
 * does not wait for it. */
TEST(a_job_sees_one_moment)
{
    for (size_t k = 0; k < ARRAY_LEN(store_kinds); k++) {
        struct fixture f;
        fixture_prepare(&f, store_kinds[k]);
        f.options.history_revisions = 10;
        fixture_open(&f);
        write_versions(&f, 20, 1);
        struct str before = state_text(&f, 12, everything);
        struct ask a = {.question = ask_state, .revision = 12, .scope = everything, .err = &f.err};
        struct gate g = {.job.run = hold, .ask = &a};
        err_init(&f.err, &f.arena);
        sem_init(&g.entered, 0, 0);
        sem_init(&g.leave, 0, 0);
        sem_init(&g.done, 0, 0);
        EXPECT_TRUE("submit", store_submit(f.store, &g.job));
        sem_wait(&g.entered);
        for (size_t i = 0; i < 50; i++)
            put_alone(&f, ORIGIN_API, RES_GLOBAL_SECRET, "", i % 2 ? "s" : "t", "Yw==");
        sem_post(&g.leave);
        sem_wait(&g.done);
        EXPECT_INT(store_kind_names[k], f.err.kind, ERR_NONE);
        struct str text = told(&f, snap_text(a.snap, &f.arena));
        EXPECT_STR(store_kind_names[k], text, arena_cstr(&f.arena, before));
        snap_unref(a.snap);
        EXPECT_STR(store_kind_names[k], state_text(&f, 12, everything),
                   "revision 12 is no longer kept: the oldest is 60");
        fixture_fini(&f);
    }
}
