/* generate.c -- ursactl generate: tokens, issued by the control plane or signed here with a key of one's own.
 */
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "offline.h"
#include "render.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"

/* The token alone goes to standard output; a terminal gets a newline, too. Wiped. */
static int show(struct str token)
{
    render_text(token);
    if (isatty(STDOUT_FILENO))
        putchar('\n');
    str_wipe(token);
    return 0;
}

/* ---- by the control plane ---- */

/* Takes over 'request'. */
static int issue(struct cli *cli, const char *path, json_t *request)
{
    struct client_answer answer;
    struct str body = json_format(cli->arena, request);

    json_decref(request);
    if (cli_connect(cli) != ERR_NONE ||
        connection_send(cli->connection, "POST", str_from_c(path), "application/json", body, cli->arena,
                        &answer, &cli->err) != ERR_NONE)
        return cli_fail(cli);
    return show(answer.body);
}

static json_t *list_json(const struct str_list *list)
{
    json_t *out = json_array();

    for (size_t i = 0; i < list->n; i++)
        json_array_append_new(out, json_from_str(list->v[i]));
    return out;
}

static json_t *tags_json(struct arena *a, const struct token_claims *c)
{
    json_t *out = json_object();

    for (size_t i = 0; i < c->n_tags; i++)
        json_object_set_new(out, arena_cstr(a, c->tags[i].name), list_json(&c->tags[i].values));
    return out;
}

static int ask(struct cli *cli, enum token_kind kind, const struct token_claims *c)
{
    json_t *valid_for = json_from_str(cli->options->valid_for);

    switch (kind) {
    case TOKEN_DATAPLANE:
        return issue(cli, "/tokens/dataplane",
                     json_pack("{s:o,s:o,s:o,s:o,s:o}", "name", json_from_str(c->name), "mesh",
                               json_from_str(c->mesh), "tags", tags_json(cli->arena, c), "type",
                               json_from_str(c->type), "validFor", valid_for));
    case TOKEN_USER:
        return issue(cli, "/tokens/user",
                     json_pack("{s:o,s:o,s:o}", "name", json_from_str(c->name), "groups",
                               list_json(&c->groups), "validFor", valid_for));
    case TOKEN_ZONE:
        return issue(cli, "/tokens/zone",
                     json_pack("{s:o,s:o,s:o}", "zone", json_from_str(c->zone), "scope", list_json(&c->scope),
                               "validFor", valid_for));
    case TOKEN_ZONE_INGRESS:
        break;
    }
    return issue(cli, "/tokens/zone-ingress",
                 json_pack("{s:o,s:o}", "zone", json_from_str(c->zone), "validFor", valid_for));
}

/* ---- here ---- */

static int sign(struct cli *cli, enum token_kind kind, struct token_claims *claims)
{
    const struct options *o = cli->options;
    int64_t valid_ns;
    struct str token;

    if (!o->kid.n)
        return cli_misuse(cli,
                          "--signing-key-path needs --kid: the name of the key that the control plane knows");
    if (!duration_parse(o->valid_for, &valid_ns) || valid_ns <= 0)
        return cli_misuse(cli, "--valid-for: a token that is good for no time is good for nothing");
    if (offline_sign(o->signing_key_path, o->kid, kind, claims, valid_ns, cli->arena, &token, &cli->err) !=
        ERR_NONE)
        return cli_fail(cli);
    return show(token);
}

static int generate(struct cli *cli, enum token_kind kind, struct token_claims *claims)
{
    if (cli->options->signing_key_path.n)
        return sign(cli, kind, claims);
    if (cli->options->kid.n)
        return cli_misuse(cli, "--kid goes with --signing-key-path: the control plane chooses its own key");
    return ask(cli, kind, claims);
}

/* ---- the commands ---- */

static size_t count_commas(struct str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == ',';
    return n;
}

/* Values are separated by commas, a repeated key adds. */
static void read_tags(struct cli *cli, struct token_claims *c)
{
    const struct pair_list *given = &cli->options->tags;
    size_t n_values = given->n;

    for (size_t i = 0; i < given->n; i++)
        n_values += count_commas(given->v[i].value);
    c->tags = ARENA_ARRAY(cli->arena, struct token_tag, given->n + 1);
    for (size_t i = 0; i < given->n; i++) {
        struct str rest = given->v[i].value, value;
        size_t at = 0;

        while (at < c->n_tags && !str_eq(c->tags[at].name, given->v[i].key))
            at++;
        if (at == c->n_tags)
            c->tags[c->n_tags++] = (struct token_tag){
                .name = given->v[i].key, .values = {ARENA_ARRAY(cli->arena, struct str, n_values), 0}};
        while (str_next(&rest, ',', &value))
            c->tags[at].values.v[c->tags[at].values.n++] = value;
    }
}

int run_generate_dataplane_token(struct cli *cli)
{
    const struct options *o = cli->options;
    struct token_claims claims = {.name = o->name, .mesh = o->mesh, .type = o->proxy_type};

    read_tags(cli, &claims);
    return generate(cli, TOKEN_DATAPLANE, &claims);
}

/* A role is a group: docs/decisions/0007. */
int run_generate_user_token(struct cli *cli)
{
    const struct options *o = cli->options;
    struct token_claims claims = {.name = o->name};
    struct str_list *groups = &claims.groups;

    groups->v = ARENA_ARRAY(cli->arena, struct str, o->groups.n + 1);
    for (; groups->n < o->groups.n; groups->n++)
        groups->v[groups->n] = o->groups.v[groups->n];
    if (o->role.n)
        groups->v[groups->n++] =
            arena_printf(cli->arena, "mesh:" STR_FMT ":" STR_FMT, STR_ARG(o->mesh), STR_ARG(o->role));
    return generate(cli, TOKEN_USER, &claims);
}

int run_generate_zone_token(struct cli *cli)
{
    static const struct str both[] = {STR_INIT("ingress"), STR_INIT("egress")};
    const struct text_list *given = &cli->options->scopes;
    struct token_claims claims = {.zone = cli->options->zone};
    size_t n = ARRAY_LEN(both) + given->n;

    for (size_t i = 0; i < given->n; i++)
        n += count_commas(given->v[i]);
    claims.scope.v = ARENA_ARRAY(cli->arena, struct str, n);
    for (size_t i = 0; i < given->n; i++) {
        struct str rest = given->v[i], scope;

        while (str_next(&rest, ',', &scope)) {
            if (!str_eq(scope, both[0]) && !str_eq(scope, both[1]) && !str_eq(scope, STR("cp")))
                return cli_misuse(cli, "--scope: one of ingress, egress, cp is expected, not \"" STR_FMT "\"",
                                  STR_ARG(scope));
            claims.scope.v[claims.scope.n++] = scope;
        }
    }
    for (size_t i = 0; given->n == 0 && i < ARRAY_LEN(both); i++)
        claims.scope.v[claims.scope.n++] = both[i];
    return generate(cli, TOKEN_ZONE, &claims);
}

int run_generate_zone_ingress_token(struct cli *cli)
{
    struct token_claims claims = {.zone = cli->options->zone};

    return generate(cli, TOKEN_ZONE_INGRESS, &claims);
}
