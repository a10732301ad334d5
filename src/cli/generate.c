/* generate.c -- ursactl generate: tokens that the control plane issues. */
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "render.h"
#include "ursa/base/json.h"

/* Takes over 'request'. The token alone goes to standard output; a terminal gets a newline, too. */
static int issue(struct cli *cli, const char *path, json_t *request)
{
    struct client_answer answer;
    struct str body = json_format(cli->arena, request);

    json_decref(request);
    if (cli_connect(cli) != ERR_NONE ||
        connection_send(cli->connection, "POST", str_from_c(path), "application/json", body, cli->arena,
                        &answer, &cli->err) != ERR_NONE)
        return cli_fail(cli);
    render_text(answer.body);
    if (isatty(STDOUT_FILENO))
        putchar('\n');
    explicit_bzero((char *)(uintptr_t)answer.body.p, answer.body.n);
    return 0;
}

/* {"kuma.io/service": ["web", "web-api"]}: values are separated by commas, a repeated key adds. */
static json_t *tags_json(const struct pair_list *tags)
{
    json_t *out = json_object();

    for (size_t i = 0; i < tags->n; i++) {
        struct str rest = tags->v[i].value, value;
        const char *key = tags->v[i].key.p;
        json_t *values = json_get(out, key);

        if (!values) {
            values = json_array();
            json_object_set_new(out, key, values);
        }
        while (str_next(&rest, ',', &value))
            json_array_append_new(values, json_from_str(value));
    }
    return out;
}

int run_generate_dataplane_token(struct cli *cli)
{
    const struct options *o = cli->options;

    return issue(cli, "/tokens/dataplane",
                 json_pack("{s:o,s:o,s:o,s:o,s:o}", "name", json_from_str(o->name), "mesh",
                           json_from_str(o->mesh), "tags", tags_json(&o->tags), "type",
                           json_from_str(o->proxy_type), "validFor", json_from_str(o->valid_for)));
}

int run_generate_user_token(struct cli *cli)
{
    const struct options *o = cli->options;
    json_t *groups = json_array();

    for (size_t i = 0; i < o->groups.n; i++)
        json_array_append_new(groups, json_from_str(o->groups.v[i]));
    return issue(cli, "/tokens/user",
                 json_pack("{s:o,s:o,s:o}", "name", json_from_str(o->name), "groups", groups, "validFor",
                           json_from_str(o->valid_for)));
}
