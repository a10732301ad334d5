/* options.c -- see options.h: one table of flags. */
#include "options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "ursa/base/clock.h"
#include "ursa/base/roff.h"
#include "ursa/version.h"

enum flag_kind { TEXT, SWITCH, DURATION, PORT, LEVEL, VARIABLE };

struct flag {
    const char *name;
    enum flag_kind kind;
    size_t offset;
    const char *variable; /* environment, after URSA_ or KUMA_; NULL: none */
    const char *default_text;
    const char *help;
};

#define AT(member) offsetof(struct options, member)
static const struct flag flags[] = {
    {"cp-address", TEXT, AT(cp_address), "CONTROL_PLANE_URL", "https://localhost:5678",
     "URL of the control plane's proxy port"},
    {"ca-cert-file", TEXT, AT(ca_cert_file), "CONTROL_PLANE_CA_CERT_FILE", NULL,
     "PEM certificate the control plane must prove"},
    {"skip-verify", SWITCH, AT(skip_verify), NULL, NULL,
     "trust whatever answers at --cp-address (tests only)"},
    {"mesh", TEXT, AT(mesh), "DATAPLANE_MESH", NULL, "mesh of the proxy"},
    {"name", TEXT, AT(name), "DATAPLANE_NAME", NULL, "name of the proxy"},
    {"dataplane", TEXT, AT(dataplane), "DATAPLANE_RUNTIME_RESOURCE", NULL,
     "the Dataplane itself, as YAML or JSON"},
    {"dataplane-file", TEXT, AT(dataplane_file), "DATAPLANE_RUNTIME_RESOURCE_PATH", NULL,
     "file with the Dataplane (- for standard input)"},
    {"dataplane-var", VARIABLE, 0, NULL, NULL, "KEY=VALUE for {{ KEY }} in the Dataplane; may be repeated"},
    {"dataplane-token", TEXT, AT(token), "DATAPLANE_RUNTIME_TOKEN", NULL, "the proxy's token"},
    {"dataplane-token-file", TEXT, AT(token_file), "DATAPLANE_RUNTIME_TOKEN_PATH", NULL,
     "file with the proxy's token"},
    {"binary-path", TEXT, AT(binary_path), "DATAPLANE_RUNTIME_BINARY_PATH", "envoy", "the Envoy program"},
    {"config-dir", TEXT, AT(config_dir), "DATAPLANE_RUNTIME_CONFIG_DIR", NULL,
     "folder for the bootstrap; default: a private temporary one"},
    {"xds-transport", TEXT, AT(xds_transport), "DATAPLANE_RUNTIME_XDS_TRANSPORT", NULL,
     "delta, sotw or rest: how Envoy is told its configuration; default: the control plane's choice"},
    {"concurrency", TEXT, AT(concurrency), "DATAPLANE_RUNTIME_CONCURRENCY", "2", "worker threads of Envoy"},
    {"drain-time", DURATION, AT(drain_time_ns), "DATAPLANE_DRAIN_TIME", "30s",
     "how long Envoy drains listeners that change"},
    {"retry-for", DURATION, AT(retry_for_ns), "CONTROL_PLANE_RETRY_MAX_DURATION", "5m",
     "how long to wait for the control plane or the Dataplane"},
    {"dns-envoy-port", PORT, AT(dns_port), "DNS_ENVOY_DNS_PORT", NULL,
     "UDP port at which Envoy answers for the mesh's names, when the proxy is transparent"},
    {"dns-coredns-empty-port", PORT, AT(dns_resolver_port), "DNS_CORE_DNS_EMPTY_PORT", NULL,
     "port of the resolver on 127.0.0.1 that Envoy asks for all other names; without both no DNS"},
    {"envoy-log-level", TEXT, AT(envoy_log_level), "DATAPLANE_RUNTIME_ENVOY_LOG_LEVEL", "warning",
     "Envoy's log level"},
    {"log-level", LEVEL, AT(log_level), NULL, "info", "error, warn, info or debug"},
};

void options_print_help(FILE *out)
{
    fputs("usage: ursa-dp run [flags]   fetch a bootstrap from the control plane and run Envoy with it\n"
          "       ursa-dp version\n\nflags (each also as --flag=value; environment variable URSA_... or "
          "KUMA_... in brackets):\n",
          out);
    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        fprintf(out, "  --%-22s %s%s%s%s%s%s%s\n", flags[i].name, flags[i].help,
                flags[i].default_text ? " (default " : "", flags[i].default_text ? flags[i].default_text : "",
                flags[i].default_text ? ")" : "", flags[i].variable ? " [" : "",
                flags[i].variable ? flags[i].variable : "", flags[i].variable ? "]" : "");
}

static struct str item_text(struct arena *a, const struct flag *f)
{
    return arena_printf(a, "%s%s%s%s%s%s%s", f->help, f->default_text ? " (default " : "",
                        f->default_text ? f->default_text : "", f->default_text ? ")" : "",
                        f->variable ? ". Variable: URSA_" : "", f->variable ? f->variable : "",
                        f->variable ? "." : "");
}

void options_write_man(struct buf *out)
{
    struct arena arena;

    arena_init(&arena);
    roff_begin(out, "ursa-dp", 1, URSA_VERSION, "run a proxy of a mesh");
    roff_heading(out, "SYNOPSIS");
    roff_prose(out, STR("  ursa-dp run [flags]\n  ursa-dp version"));
    roff_heading(out, "DESCRIPTION");
    roff_paragraph(out,
                   STR("ursa-dp asks the control plane for a proxy's bootstrap and runs Envoy with it until "
                       "either ends. It passes signals on and answers with Envoy's exit status."));
    roff_heading(out, "FLAGS");
    roff_paragraph(out, STR("Over the variables, kuma-dp's KUMA_ ones too, over the defaults."));
    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        roff_item(out, arena_printf(&arena, "--%s", flags[i].name), item_text(&arena, &flags[i]));
    roff_heading(out, "SEE ALSO");
    roff_paragraph(out, STR("ursa-cp(8), ursactl(1)"));
    arena_fini(&arena);
}

static bool set(struct options *o, const struct flag *f, const char *value)
{
    void *member = (char *)o + f->offset;
    struct str text = str_from_c(value);
    size_t cut = str_chr(text, '=');
    uint64_t port;

    switch (f->kind) {
    case TEXT:
        *(const char **)member = value;
        return true;
    case SWITCH:
        *(bool *)member = true;
        return true;
    case DURATION:
        return duration_parse(text, member) && *(int64_t *)member >= 0;
    case PORT:
        if (!str_to_uint(text, 65535, &port))
            return false;
        *(uint16_t *)member = (uint16_t)port;
        return true;
    case LEVEL:
        return log_level_parse(text, member);
    case VARIABLE:
        if (cut == text.n || cut == 0 || o->n_variables == MAX_VARIABLES)
            return false;
        o->variables[o->n_variables++] =
            (struct client_variable){str_slice(text, 0, cut), str_slice(text, cut + 1, text.n)};
        return true;
    }
    return false;
}

static const char *expected(enum flag_kind kind)
{
    switch (kind) {
    case DURATION:
        return "a duration such as 30s";
    case PORT:
        return "a port";
    case LEVEL:
        return "error, warn, info or debug";
    case VARIABLE:
        return "KEY=VALUE";
    case TEXT:
    case SWITCH:
        break;
    }
    return "a value";
}

static const char *from_environment(const struct flag *f, struct arena *a)
{
    const char *value = NULL;

    if (f->variable) {
        value = getenv(arena_printf(a, "URSA_%s", f->variable).p);
        if (!value)
            value = getenv(arena_printf(a, "KUMA_%s", f->variable).p);
    }
    return value && *value ? value : f->default_text;
}

bool options_read(struct options *o, int argc, char **argv, struct arena *a, int *status)
{
    struct option table[ARRAY_LEN(flags) + 2] = {0};
    int c, at = 0;

    memset(o, 0, sizeof(*o));
    *status = 2;
    optind = 2; /* behind the command */
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        const char *value = from_environment(&flags[i], a);
        table[i] = (struct option){flags[i].name, flags[i].kind == SWITCH ? no_argument : required_argument,
                                   NULL, 1};
        if (value && !set(o, &flags[i], value)) {
            fprintf(stderr, "ursa-dp: the variable of --%s: %s is expected, not %s\n", flags[i].name,
                    expected(flags[i].kind), value);
            return false;
        }
    }
    table[ARRAY_LEN(flags)] = (struct option){"help", no_argument, NULL, 'h'};
    while ((c = getopt_long(argc, argv, "d:h", table, &at)) != -1) {
        if (c == 'h') {
            options_print_help(stdout);
            *status = 0;
            return false;
        }
        if (c == 'd') { /* kuma-dp's short form */
            o->dataplane_file = optarg;
        } else if (c != 1) {
            return false;
        } else if (!set(o, &flags[at], optarg)) {
            fprintf(stderr, "ursa-dp: --%s: %s is expected, not %s\n", flags[at].name,
                    expected(flags[at].kind), optarg);
            return false;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "ursa-dp: unexpected argument %s\n", argv[optind]);
        return false;
    }
    return true;
}
