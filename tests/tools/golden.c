/* golden -- runs the cases of tests/golden: golden [--update] [CASE...]
 *
 * A case is a directory. Its NN-*.yaml are applied one after the other; after each of them
 *   (a) what every proxy of every mesh gets incrementally is compared, byte for byte, with a build from
 * nothing; (b) the lists that the step changed are compared with want/NN/<mesh>.<proxy>.<type>.json: exactly
 * those must be there; (c) if NN-runs.json is there, the functions that ran are compared with it: {"<mesh>":
 * {"<function>": runs}}; what is not named must not have run. Reading inputs does not count.
 * --update rewrites want/. Certificates are fixed texts; the clock moves by a second a step. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fixed_certs.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"
#include "ursa/base/map.h"
#include "ursa/base/vec.h"
#include "ursa/compile.h"
#include "world.h"

#define ROOT "tests/golden"
#define MAX_MESHES 16
#define MAX_PROXIES 64

struct proxy {
    char name[128];
    struct config_set *set; /* after the last step */
    struct config_set *before;
};
struct mesh {
    char name[128];
    struct view *view;
    struct compiler *compiler;
    struct proxy proxies[MAX_PROXIES];
    size_t n_proxies;
    json_t *stats; /* before the step */
};
struct run {
    const char *name;
    bool update;
    size_t n_faults;
    struct mesh meshes[MAX_MESHES];
    size_t n_meshes;
    struct snap *snap;
    struct VEC(struct batch *) batches; /* of the step */
    struct VEC(struct change) changes;
};

static void fault(struct run *r, const char *step, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void fault(struct run *r, const char *step, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "%s/%s: ", r->name, step);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    r->n_faults++;
}

/* ---- from the feed to the compilers ---- */
static void take_batch(void *ctx, struct batch *b)
{
    struct run *r = ctx;
    VEC_PUSH(&r->batches, batch_ref(b));
}

static void subscribe(void *ctx, struct store *store)
{
    snap_unref(store_subscribe(store, take_batch, ctx));
}

static void copy_name(char out[128], struct str s)
{
    if (s.n >= 128)
        die("name too long: " STR_FMT, STR_ARG(s));
    memcpy(out, s.p, s.n);
    out[s.n] = 0;
}

static struct mesh *mesh_get(struct run *r, struct str name)
{
    for (size_t i = 0; i < r->n_meshes; i++) {
        if (str_eq(str_from_c(r->meshes[i].name), name))
            return &r->meshes[i];
    }
    if (r->n_meshes == MAX_MESHES)
        die("too many meshes");
    struct mesh *m = &r->meshes[r->n_meshes++];
    copy_name(m->name, name);
    m->compiler = compiler_new(name, &fixed_certs);
    return m;
}

static struct proxy *proxy_get(struct mesh *m, struct str name)
{
    for (size_t i = 0; i < m->n_proxies; i++) {
        if (str_eq(str_from_c(m->proxies[i].name), name))
            return &m->proxies[i];
    }
    if (m->n_proxies == MAX_PROXIES)
        die("too many proxies");
    struct proxy *p = &m->proxies[m->n_proxies++];
    copy_name(p->name, name);
    return p;
}

static void move(struct run *r)
{
    struct snap_range meshes = snap_range(r->snap, RES_MESH, STR_NONE);
    struct snap_iter it = snap_iter(&meshes);
    for (const struct resource *m; (m = snap_next(&it));)
        mesh_get(r, m->key.name);
    for (size_t i = 0; i < r->n_meshes; i++) {
        struct mesh *m = &r->meshes[i];
        json_decref(m->stats);
        m->stats = compiler_stats(m->compiler);
        struct view *next = m->view ? view_next(m->view, r->snap, r->changes.v, r->changes.n, NULL, NULL)
                                    : view_new(r->snap, str_from_c(m->name));
        compiler_update(m->compiler, next, r->changes.v, r->changes.n);
        view_unref(m->view);
        m->view = next;
    }
}

static struct config_set *compile(struct run *r, const char *step, struct compiler *c, const struct mesh *m,
                                  const char *proxy)
{
    struct arena a;
    arena_init(&a);
    struct err e;
    err_init(&e, &a);
    struct proxy_params params = {.mesh = str_from_c(m->name),
                                  .name = str_from_c(proxy),
                                  .admin_port = 9901,
                                  .dns_port = 15054,
                                  .empty_dns_port = 15055};
    struct config_set *set = NULL;
    if (compiler_config(c, &params, &set, &e) == ERR_BUG)
        fault(r, step, STR_FMT, STR_ARG(e.text));
    arena_fini(&a);
    return set;
}

/* ---- (a) ---- */
static bool same_bytes(const struct config_set *a, const struct config_set *b)
{
    for (size_t t = 0; t < XDS_N; t++) {
        const struct xds_list *x = a->lists[t], *y = b->lists[t];
        if (x->n != y->n || x->version != y->version)
            return false;
        for (size_t i = 0; i < x->n; i++) {
            if (!str_eq(x->v[i]->name, y->v[i]->name) || !blob_eq(x->v[i]->any, y->v[i]->any))
                return false;
        }
    }
    return true;
}

static void compare_with_full_build(struct run *r, const char *step, struct mesh *m)
{
    struct compiler *full = compiler_new(str_from_c(m->name), &fixed_certs);
    compiler_update(full, m->view, NULL, 0);
    for (size_t i = 0; i < m->n_proxies; i++) {
        struct config_set *want = compile(r, step, full, m, m->proxies[i].name), *got = m->proxies[i].set;
        if (!want != !got || (want && !same_bytes(want, got)))
            fault(r, step, "%s/%s: incremental and full build differ", m->name, m->proxies[i].name);
        config_set_unref(want);
    }
    compiler_free(full);
}

/* ---- (b) ---- */
static char *list_text(const struct xds_list *l)
{
    json_t *list = json_array();
    for (size_t i = 0; i < l->n; i++)
        json_array_append_new(list, xds_resource_to_json(l->v[i]));
    char *text = json_dumps(list, JSON_INDENT(1) | JSON_SORT_KEYS);
    json_decref(list);
    return text;
}

static void compare_list(struct run *r, const char *step, const char *path, const char *text)
{
    if (r->update) {
        FILE *f = fopen(path, "w");
        if (!f)
            die("%s: cannot be written", path);
        fprintf(f, "%s\n", text);
        fclose(f);
        return;
    }
    struct stat st;
    if (stat(path, &st)) {
        fault(r, step, "%s is missing", path);
        return;
    }
    size_t n;
    char *want = read_file(path, &n);
    if (n != strlen(text) + 1 || memcmp(want, text, n - 1) != 0)
        fault(r, step, "%s differs; got:\n%s", path, text);
    free(want);
}

static size_t count_files(const char *dir, bool remove_them)
{
    DIR *d = opendir(dir);
    size_t n = 0;
    for (struct dirent *f; d && (f = readdir(d));) {
        if (f->d_name[0] == '.')
            continue;
        n++;
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", dir, f->d_name);
        if (remove_them)
            remove(path);
    }
    if (d)
        closedir(d);
    return n;
}

static void make_dir(const char *path)
{
    if (mkdir(path, 0777) && errno != EEXIST)
        die("%s: cannot be made", path);
}

static void compare_with_want(struct run *r, const char *step)
{
    char dir[512], path[1024];
    snprintf(dir, sizeof dir, ROOT "/%s/want", r->name);
    if (r->update)
        make_dir(dir);
    snprintf(dir, sizeof dir, ROOT "/%s/want/%.2s", r->name, step);
    if (r->update) {
        make_dir(dir);
        count_files(dir, true);
    }
    size_t n = 0;
    for (size_t i = 0; i < r->n_meshes; i++) {
        for (size_t k = 0; k < r->meshes[i].n_proxies; k++) {
            const struct proxy *p = &r->meshes[i].proxies[k];
            for (size_t t = 0; p->set && t < XDS_N; t++) {
                const struct xds_list *l = p->set->lists[t];
                if (p->before ? l->version == p->before->lists[t]->version : l->n == 0)
                    continue;
                snprintf(path, sizeof path, "%s/%s.%s.%s.json", dir, r->meshes[i].name, p->name,
                         xds_type_info((enum xds_type)t)->short_name.p);
                char *text = list_text(l);
                compare_list(r, step, path, text);
                free(text);
                n++;
            }
        }
    }
    if (count_files(dir, false) != n)
        fault(r, step, "%s: %zu lists changed, %zu were expected to", dir, n, count_files(dir, false));
}

/* ---- (c) ---- */
static void compare_mesh_runs(struct run *r, const char *step, const struct mesh *m, const json_t *want)
{
    json_t *now = compiler_stats(m->compiler), *counts;
    const char *function;
    json_object_foreach(now, function, counts)
    {
        if (want && strncmp(function, "in_", 3) == 0)
            continue;
        json_int_t runs = json_integer_value(json_get(counts, "runs")) -
                          json_integer_value(json_get(json_get(m->stats, function), "runs"));
        json_int_t expected = json_integer_value(json_get(want, function));
        if (runs != expected)
            fault(r, step, "mesh %s: %s ran %lld times, want %lld", m->name, function, (long long)runs,
                  (long long)expected);
    }
    json_decref(now);
}

static void compare_runs(struct run *r, const char *step)
{
    char path[512];
    snprintf(path, sizeof path, ROOT "/%s/%.2s-runs.json", r->name, step);
    json_error_t e;
    json_t *want = json_load_file(path, 0, &e);
    if (!want)
        return;
    for (size_t i = 0; i < r->n_meshes; i++) {
        const json_t *expected = json_get(want, r->meshes[i].name);
        if (!json_is_string(expected))
            compare_mesh_runs(r, step, &r->meshes[i], expected);
    }
    json_decref(want);
}

/* ---- a case ---- */
static void run_step(struct run *r, struct world *w, const char *step)
{
    char path[512];
    snprintf(path, sizeof path, ROOT "/%s/%s", r->name, step);
    size_t n;
    char *text = read_file(path, &n);
    world_apply(w, str_from(text, n));
    free(text);
    snap_unref(r->snap);
    r->snap = store_snap(world_store(w));
    for (size_t i = 0; i < r->batches.n; i++) {
        for (size_t k = 0; k < r->batches.v[i]->n_changes; k++)
            VEC_PUSH(&r->changes, r->batches.v[i]->changes[k]);
    }
    move(r);
    for (size_t i = 0; i < r->n_meshes; i++) {
        struct mesh *m = &r->meshes[i];
        struct snap_range range = snap_range(r->snap, RES_DATAPLANE, str_from_c(m->name));
        struct snap_iter it = snap_iter(&range);
        for (const struct resource *dp; (dp = snap_next(&it));)
            proxy_get(m, dp->key.name);
        for (size_t k = 0; k < m->n_proxies; k++) {
            struct proxy *p = &m->proxies[k];
            config_set_unref(p->before);
            p->before = p->set;
            p->set = compile(r, step, m->compiler, m, p->name);
        }
        compiler_collect(m->compiler);
    }
    compare_runs(r, step);
    for (size_t i = 0; i < r->n_meshes; i++)
        compare_with_full_build(r, step, &r->meshes[i]);
    compare_with_want(r, step);
    for (size_t i = 0; i < r->batches.n; i++)
        batch_unref(r->batches.v[i]);
    VEC_CLEAR(&r->batches);
    VEC_CLEAR(&r->changes);
}

static int is_step(const struct dirent *d)
{
    struct str name = str_from_c(d->d_name);
    return name.n > 5 && name.p[0] >= '0' && name.p[0] <= '9' && str_has_suffix(name, STR(".yaml"));
}

static bool run_case(const char *name, bool update)
{
    struct run r = {.name = name, .update = update};
    char path[512];
    snprintf(path, sizeof path, ROOT "/%s", name);
    struct dirent **steps;
    int n = scandir(path, &steps, is_step, alphasort);
    if (n <= 0)
        die("%s: no steps", path);
    int64_t now = INT64_C(1700000000) * NS_PER_S;
    clock_fake(now, now);
    struct world *w = world_new(subscribe, &r);
    r.snap = store_snap(world_store(w));
    for (int i = 0; i < n; i++) {
        now += NS_PER_S;
        clock_fake(now, now);
        run_step(&r, w, steps[i]->d_name);
        free(steps[i]);
    }
    free(steps);
    for (size_t i = 0; i < r.n_meshes; i++) {
        struct mesh *m = &r.meshes[i];
        for (size_t k = 0; k < m->n_proxies; k++) {
            config_set_unref(m->proxies[k].before);
            config_set_unref(m->proxies[k].set);
        }
        compiler_free(m->compiler);
        view_unref(m->view);
        json_decref(m->stats);
    }
    snap_unref(r.snap);
    VEC_FINI(&r.batches);
    VEC_FINI(&r.changes);
    world_free(w, NULL);
    printf("%s %s\n", r.n_faults ? "FAILED" : "ok", name);
    return r.n_faults == 0;
}

static int is_case(const struct dirent *d)
{
    return d->d_name[0] != '.' && d->d_type == DT_DIR;
}

int main(int argc, char **argv)
{
    bool update = argc > 1 && strcmp(argv[1], "--update") == 0;
    size_t passed = 0, failed = 0;
    int first = update ? 2 : 1;
    for (int i = first; i < argc; i++)
        *(run_case(argv[i], update) ? &passed : &failed) += 1;
    if (first == argc) {
        struct dirent **cases;
        int n = scandir(ROOT, &cases, is_case, alphasort);
        for (int i = 0; i < n; i++) {
            *(run_case(cases[i]->d_name, update) ? &passed : &failed) += 1;
            free(cases[i]);
        }
        free(cases);
    }
    printf("%zu passed, %zu failed, 0 skipped\n", passed, failed);
    return failed ? 1 : 0;
}
