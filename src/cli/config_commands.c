/* config_commands.c -- ursactl config: which control planes there are. */
#include <stdlib.h>

#include "cli.h"
#include "config.h"
#include "render.h"
#include "table.h"
#include "ursa/base/json.h"

/* Files are remembered by their full path: commands run anywhere. */
static enum err_kind full_path(struct arena *a, struct str file, struct str *out, struct err *e)
{
    char *real;

    *out = file;
    if (file.n == 0)
        return ERR_NONE;
    real = realpath(file.p, NULL);
    if (!real)
        return err_set(e, ERR_NOT_FOUND, "%s: %m", file.p);
    *out = arena_str(a, str_from_c(real));
    free(real);
    return ERR_NONE;
}

static struct str auth_token(const struct options *o)
{
    for (size_t i = 0; i < o->auth_conf.n; i++)
        if (str_eq(o->auth_conf.v[i].key, STR("token")))
            return o->auth_conf.v[i].value;
    return o->token;
}

/* It must be one that speaks Kuma's API. */
static enum err_kind check_control_plane(struct cli *cli, const struct control_plane *cp)
{
    JSON_AUTO index = NULL;

    if (connection_open_to(cp, cli->options->api_timeout_ns, cli->arena, &cli->connection, &cli->err) !=
            ERR_NONE ||
        connection_get(cli->connection, STR("/"), cli->arena, &index, &cli->err) != ERR_NONE) {
        err_add_context(&cli->err, "could not connect to the control plane (--skip-check adds it anyway)");
        return cli->err.kind;
    }
    if (!str_eq(json_str(json_get(index, "tagline")), STR("Kuma")))
        return err_set(&cli->err, ERR_INVALID,
                       "what answers at " STR_FMT " is no control plane of Ursa or Kuma",
                       STR_ARG(cp->address));
    return ERR_NONE;
}

int run_config_add(struct cli *cli)
{
    const struct options *o = cli->options;
    struct control_plane cp = {.skip_verify = o->skip_verify, .token = auth_token(o), .headers = o->headers};
    struct config config;

    if (o->auth_type.n && !cp.token.n && !o->token_file.n)
        return cli_misuse(cli, "--auth-type=tokens needs --auth-conf token=TOKEN or --token-file FILE");
    if (!o->client_cert_file.n != !o->client_key_file.n)
        return cli_misuse(cli, "--client-cert-file and --client-key-file go together");
    if (cp.token.n && o->token_file.n)
        return cli_misuse(cli, "give the token or --token-file, not both");
    if (address_normalize(cli->arena, o->address, &cp.address, &cli->err) != ERR_NONE ||
        full_path(cli->arena, o->ca_cert_file, &cp.ca_cert_file, &cli->err) != ERR_NONE ||
        full_path(cli->arena, o->client_cert_file, &cp.client_cert_file, &cli->err) != ERR_NONE ||
        full_path(cli->arena, o->client_key_file, &cp.client_key_file, &cli->err) != ERR_NONE ||
        full_path(cli->arena, o->token_file, &cp.token_file, &cli->err) != ERR_NONE ||
        config_load(o, cli->arena, &config, &cli->err) != ERR_NONE)
        return cli_fail(cli);
    if (!o->overwrite && config_has(&config, o->name)) {
        err_set(&cli->err, ERR_EXISTS,
                "Control Plane with name \"" STR_FMT
                "\" already exists. Use --overwrite to replace an existing one.",
                STR_ARG(o->name));
    } else if (o->skip_check || check_control_plane(cli, &cp) == ERR_NONE) {
        config_put(&config, o->name, &cp);
        if (config_save(&config, cli->arena, &cli->err) == ERR_NONE)
            printf("added Control Plane \"" STR_FMT "\"\nswitched active Control Plane to \"" STR_FMT "\"\n",
                   STR_ARG(o->name), STR_ARG(o->name));
    }
    config_close(&config);
    return cli->err.kind == ERR_NONE ? 0 : cli_fail(cli);
}

int run_config_list(struct cli *cli)
{
    static const char *const headers[] = {"ACTIVE", "NAME", "ADDRESS"};
    struct str cells[ARRAY_LEN(headers)];
    struct config config;
    struct table table;

    if (config_load(cli->options, cli->arena, &config, &cli->err) != ERR_NONE)
        return cli_fail(cli);
    table_init(&table, cli->arena, ARRAY_LEN(headers), headers);
    for (size_t i = 0; config_at(&config, i, &cells[1], &cells[2]); i++) {
        cells[0] = str_eq(cells[1], config_current_name(&config)) ? STR("*") : STR("");
        table_add(&table, cells);
    }
    render_text(table_render(&table));
    config_close(&config);
    return 0;
}

/* What 'remove' and 'switch' share: load, change, save, say. */
static int change(struct cli *cli, bool (*change_fn)(struct config *, struct str), const char *done)
{
    struct str name = cli->options->name;
    struct config config;

    if (config_load(cli->options, cli->arena, &config, &cli->err) != ERR_NONE)
        return cli_fail(cli);
    if (!change_fn(&config, name)) {
        err_set(&cli->err, ERR_NOT_FOUND, "there is no Control Plane with name \"" STR_FMT "\"",
                STR_ARG(name));
    } else if (config_save(&config, cli->arena, &cli->err) == ERR_NONE) {
        struct str current = config_current_name(&config);
        if (done)
            printf("%s Control Plane \"" STR_FMT "\"\n", done, STR_ARG(name));
        if (current.n)
            printf("switched active Control Plane to \"" STR_FMT "\"\n", STR_ARG(current));
        else
            printf("there is no active Control Plane left; 'ursactl config control-planes add' makes one\n");
    }
    config_close(&config);
    return cli->err.kind == ERR_NONE ? 0 : cli_fail(cli);
}

int run_config_remove(struct cli *cli)
{
    return change(cli, config_remove, "removed");
}

int run_config_switch(struct cli *cli)
{
    return change(cli, config_switch, NULL);
}

int run_config_view(struct cli *cli)
{
    struct config config;

    if (config_load(cli->options, cli->arena, &config, &cli->err) != ERR_NONE)
        return cli_fail(cli);
    render_text(config_view(&config, cli->arena));
    config_close(&config);
    return 0;
}
