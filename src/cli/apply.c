/* apply.c -- ursactl apply: all files in one POST /apply, which is one transaction; every fault with its
 * file, line and column. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "apply.h"
#include "cli.h"
#include "progress.h"
#include "render.h"
#include "ursa/base/json.h"

#define MAX_FILE ((size_t)64 << 20)
#define MAX_DOCUMENTS 10000 /* what POST /apply takes */
#define MANY_DOCUMENTS 100  /* so many may take a while */

struct apply {
    struct cli *cli;
    struct bundle bundle;
    size_t n_documents, n_faults;
    bool is_json; /* one file that says so: its numbers and escapes are JSON's */
};

/* Prints a fault at once; the files after it are still looked at. */
static void tell_fault(struct apply *p, struct str text)
{
    p->n_faults++;
    render_line(text);
}

/* ---- reading ---- */

static bool is_json_name(struct str name)
{
    return str_has_suffix(name, STR(".json"));
}

/* How many documents there are; a text that is none is a fault here, with its own line. */
static enum err_kind count_documents(struct str name, struct str text, size_t *n, struct err *e)
{
    struct yaml_doc *docs;
    json_t *root;

    if (is_json_name(name)) {
        *n = 1;
        if (json_parse(text, &root, e) == ERR_NONE)
            json_decref(root);
        return e->kind;
    }
    if (yaml_parse(text, MAX_DOCUMENTS, &docs, n, e) != ERR_NONE)
        return e->kind;
    for (size_t i = 0; i < *n; i++)
        json_decref(docs[i].root);
    return ERR_NONE;
}

static void add_text(struct apply *p, struct str name, struct str text)
{
    const struct pair_list *given = &p->cli->options->variables;
    struct arena scratch;
    struct err e;
    size_t n = 0;

    arena_init(&scratch);
    err_init(&e, &scratch);
    if (given->n > 0) { /* without variables braces are left alone, as kumactl does */
        struct client_variable *v = ARENA_ARRAY(&scratch, struct client_variable, given->n);
        for (size_t i = 0; i < given->n; i++)
            v[i] = (struct client_variable){given->v[i].key, given->v[i].value};
        if (client_fill_in(text, v, given->n, &scratch, &text, &e) != ERR_NONE)
            tell_fault(p, bundle_relate(&scratch, name, e.text));
    }
    if (e.kind == ERR_NONE) {
        if (count_documents(name, text, &n, &e) != ERR_NONE)
            tell_fault(p, bundle_relate(&scratch, name, e.text));
        bundle_add(&p->bundle, name, text);
        p->n_documents += n;
    }
    arena_fini(&scratch);
}

static void add_file(struct apply *p, struct str path)
{
    struct arena scratch;
    struct err e;
    struct str text;

    arena_init(&scratch);
    err_init(&e, &scratch);
    if (client_read_file(arena_cstr(&scratch, path), MAX_FILE, &scratch, &text, &e) != ERR_NONE)
        tell_fault(p, e.text);
    else
        add_text(p, str_eq(path, STR("-")) ? STR("<stdin>") : path, text);
    arena_fini(&scratch);
}

static int is_resource_file(const struct dirent *entry)
{
    struct str name = str_from_c(entry->d_name);

    return !str_has_prefix(name, STR(".")) &&
           (str_has_suffix(name, STR(".yaml")) || str_has_suffix(name, STR(".yml")) || is_json_name(name));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void add_folder(struct apply *p, struct str path)
{
    struct arena *a = p->cli->arena;
    struct dirent **entries;
    int n = scandir(path.p, &entries, is_resource_file, by_name);

    if (n < 0) {
        tell_fault(p, arena_printf(a, STR_FMT ": %m", STR_ARG(path)));
        return;
    }
    if (n == 0)
        tell_fault(p, arena_printf(a, STR_FMT ": no *.yaml, *.yml or *.json in this folder", STR_ARG(path)));
    for (int i = 0; i < n; i++) {
        add_file(p, arena_printf(a, STR_FMT "%s%s", STR_ARG(path), str_has_suffix(path, STR("/")) ? "" : "/",
                                 entries[i]->d_name));
        free(entries[i]);
    }
    free(entries);
}

/* Another server than the control plane: no token, no certificate of ours. */
static void add_url(struct apply *p, struct str url)
{
    struct client_options o = {.timeout_ms = (long)(p->cli->options->api_timeout_ns / 1000000)};
    struct client_answer answer;
    struct client *client = NULL;
    struct err e;

    err_init(&e, p->cli->arena);
    if (client_new(&o, &client, &e) != ERR_NONE ||
        client_send(client, "GET", url, NULL, NULL, STR_NONE, p->cli->arena, &answer, &e) != ERR_NONE)
        tell_fault(p, e.text);
    else if (answer.status != 200)
        tell_fault(
            p, arena_printf(p->cli->arena, STR_FMT ": the server answers %ld", STR_ARG(url), answer.status));
    else
        add_text(p, url, answer.body);
    client_free(client);
}

static void add_argument(struct apply *p, struct str argument)
{
    struct stat st;

    if (str_has_prefix(argument, STR("http://")) || str_has_prefix(argument, STR("https://")))
        add_url(p, argument);
    else if (!str_eq(argument, STR("-")) && stat(argument.p, &st) == 0 && S_ISDIR(st.st_mode))
        add_folder(p, argument);
    else
        add_file(p, argument);
}

static enum err_kind read_everything(struct apply *p)
{
    const struct text_list *files = &p->cli->options->files;
    struct err *e = &p->cli->err;

    for (size_t i = 0; i < files->n; i++)
        add_argument(p, files->v[i]);
    if (p->n_faults)
        return err_set(e, ERR_INVALID, "nothing was applied: %zu fault%s", p->n_faults,
                       p->n_faults == 1 ? "" : "s");
    if (p->n_documents == 0)
        return err_set(e, ERR_INVALID, "no resource(s) passed to apply");
    if (!buf_ok(&p->bundle.text))
        return err_set(e, ERR_LIMIT, "too much for one transaction: apply fewer files at a time");
    p->is_json = p->bundle.n == 1 && is_json_name(p->bundle.sources[0].name);
    return ERR_NONE;
}

/* ---- telling ---- */

static struct str label_of(struct arena *a, const json_t *document)
{
    return cli_resource_label(a, res_type_by_name(json_str(json_get(document, "type"))),
                              json_str(json_get(document, "mesh")), json_str(json_get(document, "name")));
}

static void print_outcomes(struct cli *cli, const json_t *answer)
{
    const char *note = json_is_true(json_get(answer, "dryRun")) ? " (dry run)" : "";
    const json_t *document;
    size_t i;

    json_array_foreach(json_get(answer, "documents"), i, document)
    {
        printf(STR_FMT " " STR_FMT "%s\n", STR_ARG(label_of(cli->arena, document)),
               STR_ARG(json_str(json_get(document, "outcome"))), note);
    }
}

static size_t position(const json_t *fault, const char *key)
{
    json_int_t n = json_integer_value(json_get(fault, key));

    return n > 0 ? (size_t)n : 0;
}

/* "policies.yaml:12:7: timeout/blue/t1: conf.http: message", whatever of it is known. */
struct str apply_fault_text(const struct bundle *b, const json_t *document, const json_t *fault)
{
    struct str parts[] = {bundle_place(b, position(fault, "line"), position(fault, "column")),
                          label_of(b->arena, document), json_str(json_get(fault, "field")),
                          json_str(json_get(fault, "message"))};
    struct str text = STR("");

    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (parts[i].n)
            text = arena_printf(b->arena, STR_FMT "%s" STR_FMT, STR_ARG(text), text.n ? ": " : "",
                                STR_ARG(parts[i]));
    return text;
}

/* The faults of each document replace the causes, which say the same without the file. */
static void tell_faults(struct apply *p, const struct client_answer *answer)
{
    const json_t *document, *fault;
    JSON_AUTO body = NULL;
    struct err ignored;
    size_t i, j;

    err_init(&ignored, p->cli->arena);
    if (json_parse(answer->body, &body, &ignored) != ERR_NONE)
        return;
    json_array_foreach(json_get(body, "documents"), i, document)
    {
        json_array_foreach(json_get(document, "faults"), j, fault)
        {
            tell_fault(p, apply_fault_text(&p->bundle, document, fault));
        }
    }
    if (p->n_faults)
        p->cli->err.n_causes = 0;
}

static int send(struct apply *p)
{
    struct cli *cli = p->cli;
    struct client_answer answer = {.status = 0};
    JSON_AUTO body = NULL;

    if (p->n_documents >= MANY_DOCUMENTS)
        progress_show("applying %zu documents ...", p->n_documents);
    enum err_kind kind = connection_send(cli->connection, "POST",
                                         cli->options->dry_run ? STR("/apply?dryRun=true") : STR("/apply"),
                                         p->is_json ? "application/json" : "application/yaml",
                                         buf_str(&p->bundle.text), cli->arena, &answer, &cli->err);
    progress_end();
    if (kind != ERR_NONE) {
        if (answer.status >= 400)
            tell_faults(p, &answer);
        return cli_fail(cli);
    }
    if (json_parse(answer.body, &body, &cli->err) != ERR_NONE)
        return cli_fail(cli);
    print_outcomes(cli, body);
    return 0;
}

int run_apply(struct cli *cli)
{
    struct apply p = {.cli = cli};
    int status;

    bundle_init(&p.bundle, cli->arena);
    if (read_everything(&p) != ERR_NONE || cli_connect(cli) != ERR_NONE)
        status = cli_fail(cli);
    else
        status = send(&p);
    bundle_fini(&p.bundle);
    return status;
}
