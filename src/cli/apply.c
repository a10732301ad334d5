/* apply.c -- ursactl apply: all files in one POST /apply, which is one transaction; every fault with its
 * file, line and column. With --wait it answers when the proxies have it. */
#include "apply.h"

#include "cli.h"
#include "documents.h"
#include "progress.h"
#include "render.h"
#include "status.h"
#include "ursa/base/json.h"

#define MANY_DOCUMENTS 100 /* so many may take a while */

/* Proxies that a Mesh's new constraints would not let in again. */
static void print_strangers(const json_t *strangers)
{
    json_int_t total = json_integer_value(json_get(strangers, "total"));
    const json_t *list = json_get(strangers, "dataplanes"), *proxy;
    size_t i;

    if (total == 0)
        return;
    printf("  its constraints would not let in %" JSON_INTEGER_FORMAT
           " of its dataplanes, which stay until they are written or come back:\n",
           total);
    json_array_foreach(list, i, proxy)
    {
        printf("  " STR_FMT ": " STR_FMT "\n", STR_ARG(json_str(json_get(proxy, "name"))),
               STR_ARG(json_str(json_get(proxy, "reason"))));
    }
    if ((json_int_t)json_array_size(list) < total)
        printf("  ...\n");
}

static void print_outcomes(struct cli *cli, const json_t *answer)
{
    const char *note = json_is_true(json_get(answer, "dryRun")) ? " (dry run)" : "";
    const json_t *document;
    size_t i;

    json_array_foreach(json_get(answer, "documents"), i, document)
    {
        struct res_key key = document_key(document);

        printf(STR_FMT " " STR_FMT "%s\n",
               STR_ARG(cli_resource_label(cli->arena, key.type, key.mesh, key.name)),
               STR_ARG(json_str(json_get(document, "outcome"))), note);
        print_strangers(json_get(document, "notLetIn"));
    }
}

static size_t position(const json_t *fault, const char *key)
{
    json_int_t n = json_integer_value(json_get(fault, key));

    return n > 0 ? (size_t)n : 0;
}

struct str apply_fault_text(const struct bundle *b, const json_t *document, const json_t *fault)
{
    struct res_key key = document_key(document);

    return document_fault(b, &key, position(fault, "line"), position(fault, "column"),
                          json_str(json_get(fault, "field")), json_str(json_get(fault, "message")));
}

/* The faults of each document replace the causes, which say the same without the file. */
static void tell_faults(struct documents *d, const struct client_answer *answer)
{
    const json_t *document, *fault;
    JSON_AUTO body = NULL;
    struct err ignored;
    size_t i, j;

    err_init(&ignored, d->cli->arena);
    if (json_parse(answer->body, &body, &ignored) != ERR_NONE)
        return;
    json_array_foreach(json_get(body, "documents"), i, document)
    {
        json_array_foreach(json_get(document, "faults"), j, fault)
        {
            documents_tell(d, apply_fault_text(&d->bundle, document, fault));
        }
    }
    if (d->n_faults)
        d->cli->err.n_causes = 0;
}

static int wait_for_proxies(struct cli *cli, const struct client_answer *answer)
{
    int64_t revision;

    if (!str_to_int(answer->revision, 0, INT64_MAX, &revision)) {
        err_set(&cli->err, ERR_MALFORMED,
                "the control plane does not say which revision this is: there is nothing to wait for");
        return cli_fail(cli);
    }
    return status_show(cli, revision, cli->options->wait_ns);
}

static int send(struct documents *d)
{
    struct cli *cli = d->cli;
    struct client_answer answer = {.status = 0};
    JSON_AUTO body = NULL;

    if (d->n >= MANY_DOCUMENTS)
        progress_show("applying %zu documents ...", d->n);
    enum err_kind kind = connection_send(cli->connection, "POST",
                                         cli->options->dry_run ? STR("/apply?dryRun=true") : STR("/apply"),
                                         d->is_json ? "application/json" : "application/yaml",
                                         buf_str(&d->bundle.text), cli->arena, &answer, &cli->err);
    progress_end();
    if (kind != ERR_NONE) {
        if (answer.status >= 400)
            tell_faults(d, &answer);
        return cli_fail(cli);
    }
    if (json_parse(answer.body, &body, &cli->err) != ERR_NONE)
        return cli_fail(cli);
    print_outcomes(cli, body);
    return cli->options->wait_ns < 0 ? 0 : wait_for_proxies(cli, &answer);
}

int run_apply(struct cli *cli)
{
    struct documents d;
    int status;

    if (cli->options->wait_ns >= 0 && cli->options->dry_run)
        return cli_misuse(cli, "--wait and --dry-run: nothing will change");
    if (documents_read(&d, cli, "nothing was applied") != ERR_NONE || cli_connect(cli) != ERR_NONE)
        status = cli_fail(cli);
    else
        status = send(&d);
    documents_fini(&d);
    return status;
}
