/* diag.c -- the diagnostics port: liveness, readiness, metrics, and what the daemon knows of itself (style.md
 * section 13). */
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include "router.h"
#include "server.h"
#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "ursa/base/log.h"
#include "ursa/version.h"

void diag_alive(struct request *r)
{
    answer_empty(r, 200);
}

void diag_ready(struct request *r)
{
    answer_empty(r, atomic_load(&r->server->api->ready) ? 200 : 503);
}

/* ---- /metrics ---- */

static void print_counter(void *ctx, const char *name, bool gauge, int64_t value)
{
    buf_printf(ctx, "# TYPE %s %s\n%s %lld\n", name, gauge ? "gauge" : "counter", name, (long long)value);
}

static int64_t resident_bytes(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    long long pages = 0, resident = 0;

    if (f) {
        if (fscanf(f, "%lld %lld", &pages, &resident) != 2)
            resident = 0;
        fclose(f);
    }
    return resident * sysconf(_SC_PAGESIZE);
}

static void print_process(struct buf *out)
{
    struct rusage use;

    getrusage(RUSAGE_SELF, &use);
    buf_printf(out, "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total %.6f\n",
               (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
                   (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6);
    buf_printf(out, "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes %lld\n",
               (long long)resident_bytes());
}

/* Names that kuma-cp's dashboards query carry their meaning here too. */
static void print_store(struct request *r, struct buf *out)
{
    struct store_stats stats;

    store_stats(r->options->store, &stats);
    buf_printf(
        out, "# TYPE cp_info gauge\ncp_info{product=\"Ursa\",version=\"%s\",instance_id=\"" STR_FMT "\"} 1\n",
        URSA_VERSION, STR_ARG(r->options->instance_id));
    buf_printf(out, "# TYPE leader gauge\nleader{zone=\"\"} 1\n# TYPE resources_count gauge\n");
    for (int t = 0; t < RES_N_SHOWN; t++) {
        struct snap_range range = snap_range(r->snap, (enum res_type)t, STR_NONE);
        buf_printf(out, "resources_count{resource_type=\"" STR_FMT "\"} %zu\n",
                   STR_ARG(res_type_info((enum res_type)t)->name), range.n);
    }
    buf_printf(out, "# TYPE store_revision gauge\nstore_revision %llu\n", (unsigned long long)stats.revision);
    buf_printf(out, "# TYPE store_file_bytes gauge\nstore_file_bytes %llu\n",
               (unsigned long long)stats.file_bytes);
    buf_printf(out, "# TYPE store_last_commit_seconds gauge\nstore_last_commit_seconds %.6f\n",
               (double)stats.last_commit_ns / 1e9);
    buf_printf(out, "# TYPE store_failed gauge\nstore_failed %d\n", stats.failed);
}

void diag_metrics(struct request *r)
{
    struct buf out;

    buf_init(&out, BUF_MAX_RESOURCE);
    print_store(r, &out);
    print_process(&out);
    count_walk(print_counter, &out);
    answer_text(r, 200, "text/plain; version=0.0.4; charset=utf-8", buf_str(&out));
    buf_fini(&out);
}

/* ---- questions to the engine: answered on its thread, by mail ---- */

struct question {
    struct engine_query query;
    struct request *request;
};

static void answer_question(struct mail *mail)
{
    struct question *q = CONTAINER_OF(mail, struct question, query.mail);
    struct request *r = q->request;

    if (q->query.answer)
        answer_json(r, 200, q->query.answer); /* takes it */
    else
        answer_fault(r, ERR_NOT_FOUND, "not found");
    free(q->query.what);
    free(q);
    request_resume(r);
}

static void ask_engine(struct request *r, struct str what)
{
    struct question *q = xcalloc(1, sizeof(*q));

    r->title = "Could not ask the engine";
    q->request = r;
    q->query.mail.handle = answer_question;
    q->query.box = &r->server->api->mailbox;
    q->query.what = xstrndup(what);
    request_suspend(r);
    engine_ask(r->options->engine, &q->query);
}

void diag_engine(struct request *r)
{
    ask_engine(r, STR("engine"));
}

void diag_mesh(struct request *r)
{
    ask_engine(r, arena_printf(&r->arena, "mesh/" STR_FMT, STR_ARG(r->mesh)));
}

void diag_rebuild(struct request *r)
{
    struct str mesh = request_query(r, "mesh");

    if (mesh.n)
        ask_engine(r, arena_printf(&r->arena, "rebuild/" STR_FMT, STR_ARG(mesh)));
    else
        answer_fault(r, ERR_INVALID, "say which mesh: ?mesh=NAME");
}

/* What the engine made for the proxy, and what its streams were sent, acknowledged and refused. */
void diag_proxy(struct request *r)
{
    struct api *api = r->server->api;
    json_t *streams;

    lock_take(&api->net_lock);
    streams = api->net ? ads_proxy_json(net_ads(api->net), r->mesh, r->name) : NULL;
    lock_drop(&api->net_lock);
    r->title = "Could not find the proxy";
    if (streams)
        answer_json(r, 200, streams);
    else
        ask_engine(r,
                   arena_printf(&r->arena, "proxy/" STR_FMT "/" STR_FMT, STR_ARG(r->mesh), STR_ARG(r->name)));
}

/* ---- waiting for a change to be compiled and handed over ---- */

struct waiting {
    struct mail mail;
    struct request *request;
};

static void answer_waiting(struct mail *mail)
{
    struct waiting *w = CONTAINER_OF(mail, struct waiting, mail);
    struct request *r = w->request;

    free(w);
    answer_json(r, 200, json_pack("{s:I}", "applied", (json_int_t)engine_applied(r->options->engine)));
    request_resume(r);
}

/* GET /debug/wait?sequence=N (default: the newest): answers when everything up to there is compiled and
 * delivered to the streams. */
void diag_wait(struct request *r)
{
    struct str text = request_query(r, "sequence");
    uint64_t sequence = snap_sequence(r->snap);
    struct waiting *w;

    if (text.n && (!str_to_uint(text, sequence, &sequence))) {
        answer_fault(r, ERR_INVALID, "sequence must be a number up to the newest, %llu",
                     (unsigned long long)snap_sequence(r->snap));
        return;
    }
    w = xcalloc(1, sizeof(*w));
    w->mail.handle = answer_waiting;
    w->request = r;
    request_suspend(r);
    engine_notify_applied(r->options->engine, STR_NONE, sequence, &r->server->api->mailbox, &w->mail);
}

/* ---- the rest ---- */

void diag_feed(struct request *r)
{
    json_t *body = json_pack("{s:I,s:I,s:I}", "revision", (json_int_t)snap_revision(r->snap), "sequence",
                             (json_int_t)snap_sequence(r->snap), "applied",
                             (json_int_t)engine_applied(r->options->engine));

    answer_json(r, 200, body);
}

void diag_memory(struct request *r)
{
    struct mallinfo2 m = mallinfo2();
    json_t *body = json_pack("{s:I,s:I,s:I,s:I}", "residentBytes", (json_int_t)resident_bytes(), "heapBytes",
                             (json_int_t)m.arena, "usedBytes", (json_int_t)m.uordblks, "mappedBytes",
                             (json_int_t)m.hblkhd);

    answer_json(r, 200, body);
}

/* POST /debug/log?level=debug[&module=xds] */
void diag_log(struct request *r)
{
    struct str module = request_query(r, "module");
    enum log_level level;

    if (!log_level_parse(request_query(r, "level"), &level)) {
        answer_fault(r, ERR_INVALID, "level must be error, warn, info or debug");
        return;
    }
    if (module.n)
        log_set_module_level(arena_cstr(&r->arena, module), level);
    else
        log_set_level(level);
    answer_empty(r, 200);
}
