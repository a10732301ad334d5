/* man.c -- see man.h. */
#include "man.h"

#include "config.h"
#include "ursa/base/roff.h"
#include "ursa/version.h"

/* Each line set as it is: commands and what they do stand in columns. */
static void write_usage(struct buf *out, struct arena *a, struct str usage)
{
    struct str text = STR(""), line;

    while (usage.n > 0 && str_next(&usage, '\n', &line))
        if (line.n > 0)
            text = arena_printf(
                a, STR_FMT "  " STR_FMT "\n", STR_ARG(text),
                STR_ARG(str_has_prefix(line, STR("usage: ")) ? str_slice(line, 7, line.n) : str_trim(line)));
    roff_prose(out, text);
}

void man_write(struct buf *out, struct str usage)
{
    struct arena arena;

    arena_init(&arena);
    roff_begin(out, "ursa-cp", 8, URSA_VERSION, "the control plane of Ursa");
    roff_heading(out, "SYNOPSIS");
    write_usage(out, &arena, usage);
    roff_heading(out, "DESCRIPTION");
    roff_prose(
        out,
        STR("ursa-cp keeps the meshes: their resources in its store, an HTTP API for whoever manages them, "
            "and the configuration that it gives to the proxies of each mesh.\n\n"
            "SIGTERM ends it in order. SIGHUP reads the certificates and log.level again, and opens the "
            "audit log again. It tells a service manager when it is ready."));
    roff_heading(out, "SETTINGS");
    roff_prose(
        out,
        STR("Defaults, then the file of --config-file, then the environment. Dots of a key are the file's "
            "nesting; kuma-cp's KUMA_ variables are accepted too."));
    config_write_man(out, &arena);
    roff_heading(out, "FILES");
    roff_item(out, STR("/etc/ursa/ursa.yaml"), STR("The configuration that the systemd unit names."));
    roff_item(
        out, STR("~/.ursa, $STATE_DIRECTORY"),
        STR("The work dir: the store, the certificate of the TLS ports, the audit log, and seal.key. That is "
            "what "
            "the store's and its backups' secrets are sealed with: without it neither opens, so keep a copy, "
            "but not beside the backups."));
    roff_heading(out, "EXIT STATUS");
    roff_item(out, STR("0"), STR("It ended in order."));
    roff_item(
        out, STR("1"),
        STR("It could not start or go on; the last line says why. Of check: faults; of doctor: errors."));
    roff_item(out, STR("2"),
              STR("The command line or the configuration is at fault; nothing was touched. Of check and "
                  "doctor: they could not look."));
    roff_heading(out, "SEE ALSO");
    roff_paragraph(out, STR("ursactl(1), ursa-dp(1)"));
    arena_fini(&arena);
}
