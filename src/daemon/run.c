/* run.c -- see run.h. The only file that knows all rooms and the order in which they start and stop. */
#include "run.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "audit_file.h"
#include "doctor.h"
#include "files.h"
#include "notify.h"
#include "ursa/api.h"
#include "ursa/base/clock.h"
#include "ursa/base/hash.h"
#include "ursa/base/lock.h"
#include "ursa/base/rand.h"
#include "ursa/rollout.h"
#include "watch.h"

#define STOP_GRACE_MS 5000
/* A certificate and its key are two files: they are read when nothing has happened to them for so long, or
 * when that takes longer. */
#define QUIET_NS (200 * NS_PER_MS)
#define QUIET_AT_MOST_NS (2 * NS_PER_S)

extern char **environ;

struct daemon {
    struct config *config;
    const char *file;
    struct arena arena;
    struct lock lock;       /* protects what follows from who is not the main thread, and reads only */
    struct config in_force; /* what the last good SIGHUP read: of it, what names certificates */
    struct arena reloaded;  /* its texts */
    struct watch *watch;    /* of those files */
    struct str cert_pem, key_pem;
    struct token_trusts tokens;
    struct net_https https;
    struct str hostname, instance_id, cluster_id;
    json_t *config_json;
    struct store *store;
    struct admit *admit;
    struct engine *engine;
    struct events *events;
    struct rollout *rollout;
    struct doctor_watch *doctor;
    struct api *api;
    struct net *net;
    struct audit_file *audit; /* NULL: off */
};

/* Room for many connections; the soft limit is often 1,024 though the hard one is large. */
static void raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
            log_warn("daemon", "cannot raise the file limit error=%m");
    }
}

static void name_instance(struct daemon *d)
{
    char host[256] = "localhost";
    uint16_t tail;

    if (gethostname(host, sizeof(host) - 1) != 0)
        log_warn("daemon", "cannot read the host name error=%m");
    rand_bytes(&tail, sizeof(tail));
    d->hostname = arena_str(&d->arena, str_from_c(host));
    d->instance_id = arena_printf(&d->arena, "%s-%04x", host, tail);
}

/* The cluster's id must be the same for every instance on one store and over restarts: it is made from the
 * store's own inter-cp-ca. */
static struct str name_cluster(struct daemon *d)
{
    struct snap *snap = store_snap(d->store);
    const struct resource *ca = snap_find(snap, RES_GLOBAL_SECRET, STR_NONE, STR("inter-cp-ca"));
    struct str pem = ca ? resource_secret(ca)->data : STR_NONE;
    struct str certificate = str_slice(pem, 0, str_find(pem, STR("-----END CERTIFICATE-----")));
    uint8_t h[32];

    hash_sha256(certificate.p, certificate.n, h);
    snap_unref(snap);
    return arena_printf(&d->arena, "%02x%02x%02x%02x-%02x%02x-4%01x%02x-8%01x%02x-%02x%02x%02x%02x%02x%02x",
                        h[0], h[1], h[2], h[3], h[4], h[5], h[6] & 15u, h[7], h[8] & 15u, h[9], h[10], h[11],
                        h[12], h[13], h[14], h[15]);
}

static enum err_kind start_store(struct daemon *d, struct err *e)
{
    const struct store_options store = files_store(d->config);

    return store_open(&store, &d->store, e);
}

/* For the doctor: of the settings those that are in force. */
static void look(void *ctx, struct arena *a, struct doctor_facts *facts)
{
    struct daemon *d = ctx;
    struct config now = *d->config;

    lock_take(&d->lock);
    now.tls_cert_file = arena_cstr(a, str_from_c(d->in_force.tls_cert_file));
    now.tls_key_file = arena_cstr(a, str_from_c(d->in_force.tls_key_file));
    now.https_cert_file = arena_cstr(a, str_from_c(d->in_force.https_cert_file));
    now.https_key_file = arena_cstr(a, str_from_c(d->in_force.https_key_file));
    lock_drop(&d->lock);
    daemon_look(&now, a, facts);
}

/* Who subscribes to the feed is made before the writer starts. */
static enum err_kind start_engine_and_writer(struct daemon *d, struct err *e)
{
    const struct config *c = d->config;
    const struct engine_options engine = {.store = d->store,
                                          .health = {.report_interval_ns = c->hds_interval_ns,
                                                     .timeout_ns = c->hds_timeout_ns,
                                                     .interval_ns = c->hds_check_interval_ns,
                                                     .no_traffic_interval_ns = c->hds_no_traffic_ns,
                                                     .healthy_threshold = (uint32_t)c->hds_healthy,
                                                     .unhealthy_threshold = (uint32_t)c->hds_unhealthy},
                                          .vips = {.domain = c->vip_domain, .port = c->vip_port}};
    const struct admit_options admit = {.store = d->store,
                                        .skip_mesh_creation = d->config->skip_mesh_creation,
                                        .bootstrap_admin_token = d->config->bootstrap_admin_token,
                                        .zone = STR(""),
                                        .vips = d->config->vips,
                                        .ca_folders = d->config->ca_folders};

    if (engine_start(&engine, &d->engine, e) != ERR_NONE)
        return e->kind;
    d->events = events_new(d->store, d->config->events_kept);
    if (events_recall(d->events, d->store, e) != ERR_NONE)
        return e->kind;
    d->rollout = rollout_new(
        &(struct rollout_options){.store = d->store, .events = d->events, .instance_id = d->instance_id});
    const struct doctor_watch_options watch = {
        .store = d->store, .events = d->events, .look = look, .look_ctx = d};
    if (doctor_watch_start(&watch, &d->doctor, e) != ERR_NONE)
        return e->kind;
    return admit_start(&admit, &d->admit, e);
}

/* Rounded up: the library takes 0 for "never". */
static unsigned whole_seconds(int64_t ns)
{
    int64_t s = ns / NS_PER_S + (ns % NS_PER_S != 0);

    return s < UINT_MAX ? (unsigned)s : UINT_MAX;
}

static enum err_kind start_api(struct daemon *d, struct err *e)
{
    const struct config *c = d->config;
    const struct api_options api = {
        .store = d->store,
        .admit = d->admit,
        .engine = d->engine,
        .auth = {.type = c->authn_type,
                 .localhost_is_admin = c->localhost_is_admin,
                 .tokens = &d->tokens,
                 .mesh_roles = c->mesh_roles},
        .access = c->access,
        .bootstrap = {.xds_host = str_from_c(c->xds_host),
                      .xds_port = c->xds_port ? c->xds_port : c->dp_port,
                      .admin_address = str_from_c(c->admin_address),
                      .admin_port = c->admin_port,
                      .transport = c->xds_transport,
                      .server_cert_pem = d->cert_pem,
                      .authenticate = c->dp_authenticate,
                      .health_discovery = c->hds_enabled},
        .rest_address = c->api_enabled ? c->api_interface : NULL,
        .rest_port = c->api_port,
        .diag_address = c->diag_interface,
        .diag_port = c->diag_port,
        .max_body = c->api_max_body,
        .max_connections = c->api_max_connections,
        .events = d->events,
        .max_event_streams = c->max_event_streams,
        .max_waiters = c->api_max_waiters,
        .timeout_s = whole_seconds(c->api_timeout_ns),
        .instance_id = d->instance_id,
        .cluster_id = d->cluster_id,
        .hostname = d->hostname,
        .config = d->config_json,
        .look = look,
        .look_ctx = d,
        .read_only = c->api_read_only,
        .cors_domains = c->cors_domains,
        .audit = d->audit ? audit_file_write : NULL,
        .audit_ctx = d->audit,
    };

    return api_start(&api, &d->api, e);
}

/* The HTTPS API's port; its address stays NULL when it is switched off. */
static enum err_kind read_https(const struct config *c, struct arena *a, struct net_https *https,
                                struct err *e)
{
    *https = (struct net_https){.port = c->https_port,
                                .ask_client_cert = *c->client_certs_dir,
                                .require_client_cert = c->require_client_cert,
                                .max_connections = c->api_max_connections,
                                .http1 = api_take_https};
    if (!c->https_enabled)
        return ERR_NONE;
    https->address = c->https_interface;
    if (files_https_cert(c, a, &https->cert_pem, &https->key_pem, e) != ERR_NONE)
        return e->kind;
    return files_client_certs(c, a, &https->client_certs_pem, e);
}

static enum err_kind start_net(struct daemon *d, struct err *e)
{
    const struct config *c = d->config;

    d->https.http1_ctx = d->api;
    const struct net_options net = {
        .address = c->dp_interface,
        .port = c->dp_port,
        .cert_pem = d->cert_pem,
        .key_pem = d->key_pem,
        .max_connections = c->dp_max_connections,
        .n_loops = c->dp_loops,
        .ads = {.store = d->store,
                .admit = d->admit,
                .engine = d->engine,
                .instance_id = d->instance_id,
                .tokens = &d->tokens,
                .authenticate = c->dp_authenticate,
                .health_discovery = c->hds_enabled,
                .deregistration_delay_ns = c->deregistration_delay_ns,
                .poll_limit_ns = c->poll_limit_ns},
        .insight = {.admit = d->admit,
                    .store = d->store,
                    .events = d->events,
                    .instance_id = d->instance_id,
                    .flush_ns = c->status_flush_ns},
        .http1 = api_take_http1,
        .http1_ctx = d->api,
        .https = d->https,
    };

    enum err_kind kind = net_start(&net, &d->net, e);
    str_wipe(d->key_pem);
    str_wipe(d->https.key_pem);
    return kind;
}

/* Before they are read. */
static void watch_certificates(struct daemon *d, const struct config *c, struct arena *scratch)
{
    struct str_list paths;

    files_of_certificates(c, scratch, &paths);
    watch_files(d->watch, &paths);
}

static enum err_kind start(struct daemon *d, struct err *e)
{
    name_instance(d);
    if (files_prepare(d->config, &d->arena, e) != ERR_NONE ||
        files_make_server_cert(d->config, &d->arena, e) != ERR_NONE)
        return e->kind;
    d->in_force = *d->config;
    watch_certificates(d, d->config, &d->arena);
    if (files_server_cert(d->config, &d->arena, &d->cert_pem, &d->key_pem, e) != ERR_NONE ||
        read_https(d->config, &d->arena, &d->https, e) != ERR_NONE ||
        files_token_trusts(d->config, &d->arena, &d->tokens, e) != ERR_NONE)
        return e->kind;
    d->config_json = config_to_json(d->config);
    if (audit_file_open(d->config, &d->audit, e) != ERR_NONE)
        return e->kind;
    if (start_store(d, e) != ERR_NONE || start_engine_and_writer(d, e) != ERR_NONE)
        return e->kind;
    d->cluster_id = name_cluster(d);
    if (start_api(d, e) != ERR_NONE || start_net(d, e) != ERR_NONE ||
        rollout_start(d->rollout, d->admit, net_ads(d->net), e) != ERR_NONE)
        return e->kind;
    api_set_net(d->api, d->net);
    api_set_ready(d->api, true);
    return ERR_NONE;
}

static void stop(struct daemon *d)
{
    if (d->api) {
        api_set_ready(d->api, false);
        api_set_net(d->api, NULL);
        api_end_streams(d->api);
    }
    rollout_stop(d->rollout);
    net_stop(d->net, STOP_GRACE_MS);
    api_stop(d->api);
    admit_stop(d->admit);
    rollout_free(d->rollout);
    engine_stop(d->engine);
    doctor_watch_stop(d->doctor);
    events_free(d->events);
    store_close(d->store);
    audit_file_close(d->audit);
    files_forget_tokens(&d->tokens);
    json_decref(d->config_json);
}

/* ---- reloading ---- */

/* For connections from now on; on a fault all that was stays in force. */
static enum err_kind use_certificates(struct daemon *d, const struct config *c, struct arena *scratch,
                                      struct err *e)
{
    struct str cert, key = STR_NONE;
    struct net_https https = {0};

    watch_certificates(d, c, scratch);
    if (files_server_cert(c, scratch, &cert, &key, e) == ERR_NONE &&
        read_https(c, scratch, &https, e) == ERR_NONE &&
        net_reload_tls(d->net, cert, key, &https, e) == ERR_NONE) {
        api_set_server_cert(d->api, cert);
    }
    str_wipe(key);
    str_wipe(https.key_pem);
    return e->kind;
}

/* The files in force are watched again. They are read, too, since they may have changed while they were not;
 * what is wrong with them now changes nothing. */
static void follow_again(struct daemon *d, struct arena *scratch)
{
    struct err ignored;

    err_init(&ignored, scratch);
    if (use_certificates(d, &d->in_force, scratch, &ignored) == ERR_NONE)
        doctor_watch_look(d->doctor);
}

/* SIGHUP: the certificates, those of clients too, and the log level. What is wrong is reported, and all that
 * was stays in force. Other settings need a restart. */
static void reload(struct daemon *d)
{
    struct arena scratch, texts;
    struct err e;
    struct config fresh;

    notify_service_manager("RELOADING=1");
    audit_file_reopen(d->audit);
    arena_init(&scratch);
    arena_init(&texts);
    err_init(&e, &scratch);
    if (config_load(d->file, environ, &texts, &fresh, &e) == ERR_NONE) {
        fresh.work_dir = d->config->work_dir;
        fresh.https_enabled = d->config->https_enabled; /* ports are opened at the start only */
        if (use_certificates(d, &fresh, &scratch, &e) == ERR_NONE) {
            struct arena before = d->reloaded;

            lock_take(&d->lock);
            d->in_force = fresh;
            d->reloaded = texts;
            lock_drop(&d->lock);
            texts = before;
            doctor_watch_look(d->doctor);
            log_set_level(fresh.log_level);
            log_info("daemon", "reloaded");
        } else {
            follow_again(d, &scratch);
        }
    }
    if (e.kind != ERR_NONE)
        log_error("daemon", "reload failed, nothing changed error=" STR_FMT,
                  STR_ARG(err_render(&e, &scratch)));
    arena_fini(&texts);
    arena_fini(&scratch);
    notify_service_manager("READY=1");
}

/* Certificates were renewed where they are kept. */
static void follow_files(struct daemon *d)
{
    struct arena scratch;
    struct err e;

    if (!watch_differs(d->watch))
        return;
    arena_init(&scratch);
    err_init(&e, &scratch);
    if (use_certificates(d, &d->in_force, &scratch, &e) == ERR_NONE) {
        log_info("daemon", "certificates have changed on disk: new connections get them");
        doctor_watch_look(d->doctor);
    } else {
        log_error("daemon",
                  "certificates have changed on disk and are not used, the old ones stay error=" STR_FMT,
                  STR_ARG(err_render(&e, &scratch)));
    }
    arena_fini(&scratch);
}

/* ---- until it is to stop ---- */

/* True: it is to stop. */
static bool take_signal(struct daemon *d, int signals)
{
    struct signalfd_siginfo got;

    if (read(signals, &got, sizeof(got)) != (ssize_t)sizeof(got))
        return false;
    if (got.ssi_signo == SIGHUP) {
        reload(d);
        return false;
    }
    log_info("daemon", "stopping signal=%u", got.ssi_signo);
    return true;
}

static int milliseconds_until(int64_t deadline)
{
    int64_t left = deadline - clock_mono_ns();

    return deadline == INT64_MAX ? -1 : left > 0 ? (int)(left / NS_PER_MS) + 1 : 0;
}

static void wait_for_stop(struct daemon *d, int signals)
{
    int64_t began = INT64_MAX, deadline = INT64_MAX; /* of what is happening to the files */

    for (;;) {
        struct pollfd fds[] = {{.fd = signals, .events = POLLIN},
                               {.fd = watch_fd(d->watch), .events = POLLIN}};

        if (poll(fds, ARRAY_LEN(fds), milliseconds_until(deadline)) < 0 && errno != EINTR) {
            log_error("daemon", "cannot wait for signals error=%m");
            return;
        }
        if ((fds[0].revents & POLLIN) && take_signal(d, signals))
            return;
        int64_t now = clock_mono_ns();

        if (fds[1].revents & POLLIN) {
            watch_drain(d->watch);
            began = began < now ? began : now;
            deadline = now + QUIET_NS < began + QUIET_AT_MOST_NS ? now + QUIET_NS : began + QUIET_AT_MOST_NS;
        }
        if (now >= deadline) {
            began = deadline = INT64_MAX;
            follow_files(d);
        }
    }
}

int daemon_run(struct config *config, const char *file)
{
    struct daemon d = {.config = config, .file = file};
    sigset_t mask;
    struct err e;
    int status = 1, signals;

    /* Threads inherit the mask, so signals are met here only. */
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &mask, NULL);
    signals = signalfd(-1, &mask, SFD_CLOEXEC);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is a failed write, like a full disk */
    raise_file_limit();
    arena_init(&d.arena);
    arena_init(&d.reloaded);
    lock_init(&d.lock);
    err_init(&e, &d.arena);
    d.watch = watch_new();

    if (start(&d, &e) == ERR_NONE) {
        log_info("daemon",
                 "ready api=%s:%u https=%s:%u proxies=%s:%u diagnostics=%s:%u store=%s instance=" STR_FMT,
                 config->api_enabled ? config->api_interface : "off", api_port(d.api, API_REST),
                 config->https_enabled ? config->https_interface : "off", net_https_port(d.net),
                 config->dp_interface, net_port(d.net), config->diag_interface, api_port(d.api, API_DIAG),
                 config->store_kind == STORE_MEMORY ? "memory" : config->sqlite_path, STR_ARG(d.instance_id));
        notify_service_manager("READY=1");
        wait_for_stop(&d, signals);
        notify_service_manager("STOPPING=1");
        status = 0;
    } else {
        log_error("daemon", "cannot start: " STR_FMT, STR_ARG(err_render(&e, &d.arena)));
    }
    stop(&d);
    watch_free(d.watch);
    lock_fini(&d.lock);
    arena_fini(&d.reloaded);
    arena_fini(&d.arena);
    if (signals >= 0)
        close(signals);
    return status;
}
