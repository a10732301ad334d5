/* dump_config -- prints what proxies are sent, without a network: {"<mesh>/<name>": {"cds": [...], ...},
 * ...}.
 *
 *     dump_config FILE... [--delete MESH/PATH/NAME]... [--dns PORT RESOLVER-PORT] [--delta | --rest]
 *         --proxy MESH/NAME...
 *
 * Files are applied in order to a memory store through the one writer; the engine compiles; a client takes it
 * over as state of the world, incrementally, or by polling. Private keys print as REDACTED. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "over_xds.h"
#include "ursa/base/alloc.h"
#include "ursa/base/json.h"
#include "ursa/compile.h"
#include "world.h"

static struct engine *engine;

static void start_engine(void *ctx, struct store *store)
{
    (void)ctx;
    struct arena a;
    arena_init(&a);
    struct err e;
    err_init(&e, &a);
    if (engine_start(&(struct engine_options){.store = store}, &engine, &e))
        die("engine: " STR_FMT, STR_ARG(e.text));
    arena_fini(&a);
}

/* Between the writer's end and the store's. */
static void stop_engine(void)
{
    engine_stop(engine);
}

static struct str part(struct str *rest)
{
    struct str s;
    return str_next(rest, '/', &s) ? s : STR("");
}

static uint32_t port(const char *text)
{
    uint64_t value;
    if (!str_to_uint(str_from_c(text), 65535, &value))
        die("%s: no port", text);
    return (uint32_t)value;
}

/* ---- one proxy, asked of the compile thread ---- */
struct answer {
    struct mail mail;
    struct mailbox box;
    struct config_set *set;
};

static void handle(struct mail *m)
{
    (void)m;
}

static void delivered(void *ctx, struct config_set *set, uint64_t sequence)
{
    (void)sequence;
    struct answer *a = ctx;
    a->set = set ? config_set_ref(set) : NULL;
    mailbox_send(&a->box, &a->mail);
}

static void detached(void *ctx)
{
    struct answer *a = ctx;
    mailbox_send(&a->box, &a->mail);
}

static void wait_mail(struct answer *a)
{
    mailbox_wait(&a->box, -1);
    mailbox_run(&a->box);
}

static void redact(json_t *resources)
{
    json_t *r;
    size_t i;
    json_array_foreach(resources, i, r)
    {
        json_t *key = json_object_get(json_object_get(r, "tlsCertificate"), "privateKey");
        if (key)
            json_object_set_new(key, "inlineBytes", json_string("REDACTED"));
    }
}

static json_t *dump(struct str mesh, struct str name, const uint32_t dns[2], enum xds_variant variant)
{
    struct answer a = {.mail = {.handle = handle}};
    mailbox_init(&a.box);
    struct proxy_params params = {.mesh = mesh,
                                  .name = name,
                                  .admin_port = 9901,
                                  .log_pipe_feature = true,
                                  .dns_port = dns[0],
                                  .empty_dns_port = dns[1]};
    struct engine_proxy *p = engine_attach(engine, &params, delivered, &a);
    wait_mail(&a);
    if (!a.set)
        die(STR_FMT "/" STR_FMT ": no such proxy", STR_ARG(mesh), STR_ARG(name));
    json_t *out = json_object(), *trees[XDS_N];
    over_xds(variant, a.set, trees);
    for (enum xds_type t = 0; t < XDS_N; t++) {
        redact(trees[t]);
        json_object_set_new(out, xds_type_info(t)->short_name.p, trees[t]);
    }
    config_set_unref(a.set);
    engine_detach(p, detached, &a);
    wait_mail(&a);
    mailbox_fini(&a.box);
    return out;
}

int main(int argc, char **argv)
{
    struct world *w = world_new(start_engine, NULL);
    json_t *all = json_object();
    uint32_t dns[2] = {0};
    enum xds_variant variant = XDS_SOTW;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--delete") == 0 && i + 1 < argc) {
            struct str rest = str_from_c(argv[++i]);
            struct str mesh = part(&rest), path = part(&rest);
            world_delete(w, res_type_by_path(path), mesh, rest);
        } else if (strcmp(argv[i], "--delta") == 0) {
            variant = XDS_DELTA;
        } else if (strcmp(argv[i], "--rest") == 0) {
            variant = XDS_REST;
        } else if (strcmp(argv[i], "--dns") == 0 && i + 2 < argc) {
            dns[0] = port(argv[++i]);
            dns[1] = port(argv[++i]);
        } else if (strcmp(argv[i], "--proxy") == 0 && i + 1 < argc) {
            struct str rest = str_from_c(argv[++i]);
            struct str mesh = part(&rest);
            world_arrive(w);
            json_object_set_new(all, argv[i], dump(mesh, rest, dns, variant));
        } else {
            size_t n;
            char *text = read_file(argv[i], &n);
            world_apply(w, str_from(text, n));
            free(text);
        }
    }
    json_dumpf(all, stdout, JSON_INDENT(1) | JSON_SORT_KEYS);
    putchar('\n');
    json_decref(all);
    world_free(w, stop_engine);
    return 0;
}
