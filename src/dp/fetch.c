/* fetch.c -- see fetch.h. The request is kuma-dp's (rest-api.md 10.1). */
#include "fetch.h"

#include <time.h>

#include "answer.h"
#include "envoy.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"
#include "ursa/base/log.h"
#include "ursa/version.h"

#define MAX_INPUT (1u << 20)
#define RETRY_NS (250 * NS_PER_MS)

/* ---- the request ---- */

static json_t *request_json(const struct proxy *p, struct str token, struct str ca, struct str socket,
                            struct envoy_version v)
{
    json_t *q = json_object(), *versions = json_object();

    json_object_set_new(versions, "kumaDp",
                        json_pack("{s:s,s:s,s:s,s:s}", "version", KUMA_COMPAT_VERSION, "gitTag",
                                  "ursa-dp-" URSA_VERSION, "gitCommit", "unknown", "buildDate", "unknown"));
    json_object_set_new(versions, "envoy",
                        json_pack("{s:s%,s:s%,s:b}", "version", v.version.p, v.version.n, "build", v.build.p,
                                  v.build.n, "kumaDpCompatible", 1));
    json_object_set_new(q, "mesh", json_from_str(p->mesh));
    json_object_set_new(q, "name", json_from_str(p->name));
    json_object_set_new(q, "proxyType", json_string("dataplane"));
    json_object_set_new(q, "dataplaneToken", json_from_str(token));
    if (p->dataplane.n)
        json_object_set_new(q, "dataplaneResource", json_from_str(p->dataplane));
    json_object_set_new(q, "version", versions);
    json_object_set_new(q, "caCert", json_from_str(ca));
    json_object_set_new(q, "operatingSystem", json_string("linux"));
    json_object_set_new(q, "features", json_array());
    json_object_set_new(q, "accessLogSocketPath", json_from_str(socket));
    return q;
}

/* ---- asking until there is an answer ---- */

static enum err_kind ask(const struct options *o, struct client *client, json_t *request, struct arena *a,
                         struct str *yaml, struct err *e)
{
    struct str address = str_from_c(o->cp_address);
    struct str body = json_format(a, request), told = STR_NONE;
    int64_t give_up = clock_mono_ns() + o->retry_for_ns;
    const struct timespec pause = {.tv_nsec = RETRY_NS};
    struct client_answer answer;

    while (str_has_suffix(address, STR("/")))
        address.n--;
    struct str url = arena_printf(a, STR_FMT "/bootstrap", STR_ARG(address));
    for (;;) {
        err_init(e, e->arena);
        if (client_send(client, "POST", url, "application/json", "application/json", body, a, &answer, e) ==
                ERR_NONE &&
            answer_read(&answer, a, yaml, e) == ERR_NONE)
            return ERR_NONE;
        if (e->kind != ERR_UNAVAILABLE || clock_mono_ns() >= give_up)
            return e->kind;
        if (!str_eq(e->text, told))
            log_warn("dp", "waiting for the control plane: " STR_FMT, STR_ARG(e->text));
        told = e->text;
        nanosleep(&pause, NULL);
    }
}

/* The text of a file that a flag names; 'inline_text' when there is no such flag. */
static enum err_kind read_given(const char *file, const char *inline_text, struct arena *a, struct str *text,
                                struct err *e)
{
    *text = str_from_c(inline_text);
    return file ? client_read_file(file, MAX_INPUT, a, text, e) : ERR_NONE;
}

enum err_kind bootstrap_fetch(const struct options *o, struct str socket, struct arena *a, struct proxy *p,
                              struct str *yaml, struct err *e)
{
    bool local = client_address_is_local(str_from_c(o->cp_address));
    struct client_options options = {.ca_file = o->ca_cert_file ? str_from_c(o->ca_cert_file)
                                                : local         ? client_local_ca_file(a)
                                                                : STR_NONE,
                                     .skip_verify = o->skip_verify,
                                     .timeout_ms = 10000};
    struct str dataplane, token, ca;
    struct client *client;

    if (read_given(o->dataplane_file, o->dataplane, a, &dataplane, e) != ERR_NONE ||
        proxy_describe(o, dataplane, a, p, e) != ERR_NONE ||
        read_given(o->token_file, o->token, a, &token, e) != ERR_NONE ||
        read_given(options.ca_file.n ? options.ca_file.p : NULL, NULL, a, &ca, e) != ERR_NONE ||
        client_new(&options, &client, e) != ERR_NONE)
        return e->kind;
    JSON_AUTO request = request_json(p, str_trim(token), ca, socket, envoy_version_ask(o->binary_path, a));
    if (o->dns_port && o->dns_resolver_port) {
        json_object_set_new(request, "dnsPort", json_integer(o->dns_port));
        json_object_set_new(request, "emptyDnsPort", json_integer(o->dns_resolver_port));
    }
    if (o->xds_transport)
        json_object_set_new(request, "xdsTransport", json_string(o->xds_transport));
    enum err_kind kind = ask(o, client, request, a, yaml, e);
    client_free(client);
    return kind;
}
