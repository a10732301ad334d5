/* man.c -- ursactl man: the manual page ursactl(1), from the tables of commands and flags. */
#include "cli.h"
#include "render.h"
#include "ursa/base/roff.h"
#include "ursa/version.h"

static void write_flags(struct buf *out, struct arena *a, const struct command *c, enum flag_id first,
                        enum flag_id end)
{
    for (enum flag_id i = first; i < end; i++) {
        const struct flag *f = &flags[i];
        struct str term = flag_usage(a, f);

        if (!command_takes(c, i))
            continue;
        if (f->letter)
            term = arena_printf(a, "-%c, " STR_FMT, f->letter, STR_ARG(term));
        roff_item(out, term,
                  arena_printf(a, "%s%s%s%s%s", f->help, f->fallback ? " (default " : "",
                               f->fallback ? f->fallback : "", f->fallback ? ")" : "",
                               command_needs(c, i) ? " (required)" : ""));
    }
}

static void write_command(struct buf *out, struct arena *a, const struct command *c)
{
    struct str usage = arena_printf(a, "%s%s%s", c->words, *c->arguments ? " " : "", c->arguments);

    roff_subheading(out, usage.p);
    roff_paragraph(out, arena_printf(a, "%s.", c->summary));
    if (c->details)
        roff_prose(out, str_from_c(c->details));
    write_flags(out, a, c, F_N_GLOBAL, F_N);
}

static void write_types(struct buf *out, struct arena *a)
{
    struct str all = STR("");

    for (enum res_type t = 0; t < RES_N_SHOWN; t++)
        all = arena_printf(a, STR_FMT "%s" STR_FMT, STR_ARG(all), t ? ", " : "",
                           STR_ARG(res_type_info(t)->cli));
    roff_heading(out, "TYPES");
    roff_paragraph(out, STR("TYPE is one of these words, or its plural; POLICY one that is a policy:"));
    roff_paragraph(out, arena_printf(a, STR_FMT ".", STR_ARG(all)));
}

static void write_rest(struct buf *out)
{
    roff_heading(out, "FILES");
    roff_item(
        out, STR("~/.ursa/ursactl.yaml"),
        STR("The control planes that are known and which one is meant. kumactl can read it, and ursactl "
            "kumactl's (--config-file ~/.kumactl/config)."));
    roff_heading(out, "ENVIRONMENT");
    roff_item(out, STR("URSA_TOKEN"), STR("The user token, when no flag names one."));
    roff_item(out, STR("https_proxy, no_proxy"),
              STR("As curl(1) reads them; this machine is reached directly."));
    roff_heading(out, "EXIT STATUS");
    roff_item(out, STR("0"), STR("Everything succeeded."));
    roff_item(out, STR("1"),
              STR("Something failed; diff: there is a difference; status and apply --wait: not every proxy "
                  "has it."));
    roff_item(out, STR("2"), STR("The command line is wrong, nothing was done; diff: something failed."));
    roff_heading(out, "SEE ALSO");
    roff_paragraph(out, STR("ursa-cp(8), ursa-dp(1)"));
}

void man_write(struct arena *a, struct buf *out)
{
    roff_begin(out, "ursactl", 1, URSA_VERSION, "manage the meshes of Ursa");
    roff_heading(out, "SYNOPSIS");
    roff_paragraph(out, STR("ursactl COMMAND [arguments] [flags]"));
    roff_heading(out, "DESCRIPTION");
    roff_paragraph(out,
                   STR("ursactl talks to the API of a control plane, Ursa's or Kuma's. It checks whom it "
                       "talks to, prints results on standard output and everything else on standard error. "
                       "Commands and flags that kumactl has are called the same and mean the same."));
    roff_heading(out, "COMMANDS");
    for (const struct command *c = commands; c->words; c++)
        if (c->summary)
            write_command(out, a, c);
    write_types(out, a);
    roff_heading(out, "FLAGS OF EVERY COMMAND");
    write_flags(out, a, NULL, F_NONE + 1, F_N_GLOBAL);
    write_rest(out);
}

int run_man(struct cli *cli)
{
    struct buf out;

    buf_init(&out, SIZE_MAX);
    man_write(cli->arena, &out);
    render_text(buf_str(&out));
    buf_fini(&out);
    return 0;
}
