/* fetch.c -- see fetch.h. The request is kuma-dp's (rest-api.md 10.1). */
#include "fetch.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ursa/base/base64.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"
#include "ursa/base/log.h"
#include "ursa/base/yaml.h"
#include "ursa/client.h"
#include "ursa/version.h"

#define MAX_INPUT (1u << 20)
#define RETRY_NS NS_PER_S

/* ---- the Dataplane ---- */

/* Replaces {{ name }}; a name that --dataplane-var does not give is a fault, not an empty text. */
static enum err_kind fill_in(const struct options *o, struct str text, struct arena *a, struct str *out,
                             struct err *e)
{
    struct buf filled;

    buf_init(&filled, 4 * MAX_INPUT);
    while (e->kind == ERR_NONE) {
        size_t open = str_find(text, STR("{{"));
        buf_add_str(&filled, str_slice(text, 0, open));
        if (open == text.n)
            break;
        text = str_slice(text, open + 2, text.n);
        size_t shut = str_find(text, STR("}}")), i = 0;
        struct str name = str_trim(str_slice(text, 0, shut));
        while (i < o->n_variables && !str_eq(o->variables[i].name, name))
            i++;
        if (shut == text.n)
            err_set(e, ERR_INVALID, "the Dataplane has {{ without }}");
        else if (i == o->n_variables)
            err_set(e, ERR_INVALID,
                    "the Dataplane uses {{ " STR_FMT " }}: give it with --dataplane-var " STR_FMT "=VALUE",
                    STR_ARG(name), STR_ARG(name));
        else
            buf_add_str(&filled, o->variables[i].value);
        text = str_slice(text, shut + 2, text.n);
    }
    *out = arena_str(a, buf_str(&filled));
    buf_fini(&filled);
    return e->kind;
}

/* The text to send, and the mesh and name it says; those of the flags must not contradict. */
static enum err_kind read_dataplane(const struct options *o, struct arena *a, struct str *text,
                                    struct bootstrap *b, struct err *e)
{
    struct str raw = str_from_c(o->dataplane), stated_mesh, stated_name;
    struct yaml_doc *docs;
    size_t n = 0;

    b->mesh = str_from_c(o->mesh ? o->mesh : "default");
    b->name = str_from_c(o->name);
    *text = STR_NONE;
    if (!o->dataplane && !o->dataplane_file)
        return b->name.n ? ERR_NONE
                         : err_set(e, ERR_INVALID,
                                   "say which proxy: --name, or --dataplane-file with its Dataplane");
    if (o->dataplane_file && client_read_file(o->dataplane_file, MAX_INPUT, a, &raw, e) != ERR_NONE)
        return e->kind;
    if (fill_in(o, raw, a, text, e) != ERR_NONE || yaml_parse(*text, 1, &docs, &n, e) != ERR_NONE || n == 0) {
        err_add_context(e, "%s", o->dataplane_file ? o->dataplane_file : "--dataplane");
        return e->kind != ERR_NONE ? e->kind : err_set(e, ERR_INVALID, "the Dataplane is empty");
    }
    stated_mesh = arena_str(a, json_str(json_get(docs[0].root, "mesh")));
    stated_name = arena_str(a, json_str(json_get(docs[0].root, "name")));
    json_decref(docs[0].root);
    if ((o->mesh && !str_eq(stated_mesh, b->mesh)) || (o->name && !str_eq(stated_name, b->name)))
        return err_set(e, ERR_INVALID, "--mesh and --name differ from the Dataplane's own: leave them out");
    b->mesh = stated_mesh;
    b->name = stated_name;
    return ERR_NONE;
}

/* ---- the request ---- */

/* "envoy  version: <hash>/1.40.0/Clean/RELEASE/BoringSSL" gives the version and the build. */
static void envoy_version(const struct options *o, struct arena *a, struct str *version, struct str *build)
{
    int out[2];
    char text[512];
    ssize_t n = 0;

    *version = *build = STR("unknown");
    if (pipe2(out, O_CLOEXEC) != 0)
        return;
    pid_t child = fork();
    if (child == 0) {
        dup2(out[1], STDOUT_FILENO);
        execlp(o->binary_path, o->binary_path, "--version", (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    if (child > 0) {
        for (ssize_t got = 1; got > 0 && n<(ssize_t)sizeof(text); n += got> 0 ? got : 0)
            got = read(out[0], text + n, sizeof(text) - (size_t)n);
        waitpid(child, NULL, 0);
    }
    close(out[0]);
    struct str all = str_from(text, (size_t)n), mark = STR("version: "), rest, part;
    size_t at = str_find(all, mark);
    if (at == all.n)
        return;
    *build = rest = arena_str(a, str_trim(str_slice(all, at + mark.n, all.n)));
    if (str_next(&rest, '/', &part) && str_next(&rest, '/', &part))
        *version = part;
}

static json_t *request_json(const struct options *o, const struct bootstrap *b, struct str dataplane,
                            struct str token, struct str ca, struct str socket, struct arena *a)
{
    struct str version, build;
    json_t *q = json_object(), *versions = json_object();

    envoy_version(o, a, &version, &build);
    json_object_set_new(versions, "kumaDp",
                        json_pack("{s:s,s:s,s:s,s:s}", "version", KUMA_COMPAT_VERSION, "gitTag",
                                  "ursa-dp-" URSA_VERSION, "gitCommit", "unknown", "buildDate", "unknown"));
    json_object_set_new(versions, "envoy",
                        json_pack("{s:s%,s:s%,s:b}", "version", version.p, version.n, "build", build.p,
                                  build.n, "kumaDpCompatible", 1));
    json_object_set_new(q, "mesh", json_from_str(b->mesh));
    json_object_set_new(q, "name", json_from_str(b->name));
    json_object_set_new(q, "proxyType", json_string("dataplane"));
    json_object_set_new(q, "dataplaneToken", json_from_str(token));
    if (dataplane.n)
        json_object_set_new(q, "dataplaneResource", json_from_str(dataplane));
    json_object_set_new(q, "version", versions);
    json_object_set_new(q, "caCert", json_from_str(ca));
    json_object_set_new(q, "operatingSystem", json_string("linux"));
    json_object_set_new(q, "features", json_array());
    json_object_set_new(q, "accessLogSocketPath", json_from_str(socket));
    return q;
}

/* ---- asking until there is an answer ---- */

static enum err_kind take_answer(const struct client_answer *answer, struct arena *a, struct bootstrap *b,
                                 struct err *e)
{
    struct str decoded = STR_NONE;
    size_t bad_at;
    JSON_AUTO body = NULL;

    if (answer->status == 404 || answer->status >= 500)
        return err_set(e, ERR_UNAVAILABLE,
                       answer->status == 404 ? "the control plane does not know this proxy yet"
                                             : "the control plane answers %ld",
                       answer->status);
    if (answer->status != 200)
        return err_set(e, ERR_DENIED, "the control plane refuses this proxy (%ld): " STR_FMT, answer->status,
                       STR_ARG(answer->body));
    if (json_parse(answer->body, &body, e) != ERR_NONE ||
        !base64_decode(a, json_str(json_get(body, "bootstrap")), &decoded, &bad_at) || decoded.n == 0)
        return err_set(e, ERR_MALFORMED, "the control plane's answer is no bootstrap");
    b->yaml = decoded;
    return ERR_NONE;
}

static enum err_kind ask(const struct options *o, struct client *client, json_t *request, struct arena *a,
                         struct bootstrap *b, struct err *e)
{
    struct str url = arena_printf(a, "%s/bootstrap", o->cp_address), body = json_format(a, request);
    int64_t give_up = clock_mono_ns() + o->retry_for_ns;
    const struct timespec pause = {.tv_nsec = RETRY_NS / 4};
    struct client_answer answer;
    bool told = false;

    for (;;) {
        err_init(e, e->arena);
        if (client_send(client, "POST", url, "application/json", "application/json", body, a, &answer, e) ==
                ERR_NONE &&
            take_answer(&answer, a, b, e) == ERR_NONE)
            return ERR_NONE;
        if (e->kind != ERR_UNAVAILABLE || clock_mono_ns() >= give_up)
            return e->kind;
        if (!told)
            log_warn("dp", "waiting for the control plane: " STR_FMT, STR_ARG(e->text));
        told = true;
        nanosleep(&pause, NULL);
    }
}

enum err_kind bootstrap_fetch(const struct options *o, struct str socket, struct arena *a,
                              struct bootstrap *b, struct err *e)
{
    struct client_options options = {.ca_file = o->ca_cert_file ? str_from_c(o->ca_cert_file)
                                                                : client_local_ca_file(a),
                                     .skip_verify = o->skip_verify,
                                     .timeout_ms = 10000};
    struct str dataplane, token = str_from_c(o->token), ca = STR_NONE;
    struct client *client;

    if (read_dataplane(o, a, &dataplane, b, e) != ERR_NONE)
        return e->kind;
    if (o->token_file && client_read_file(o->token_file, MAX_INPUT, a, &token, e) != ERR_NONE)
        return e->kind;
    if (options.ca_file.n &&
        client_read_file(arena_cstr(a, options.ca_file), MAX_INPUT, a, &ca, e) != ERR_NONE)
        return e->kind;
    if (client_new(&options, &client, e) != ERR_NONE)
        return e->kind;
    JSON_AUTO request = request_json(o, b, dataplane, str_trim(token), ca, socket, a);
    ask(o, client, request, a, b, e);
    client_free(client);
    return e->kind;
}
