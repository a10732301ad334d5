/* documents.c -- see documents.h. */
#include "documents.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "render.h"
#include "ursa/base/json.h"

#define MAX_FILE ((size_t)64 << 20)

/* The files after it are still looked at. */
void documents_tell(struct documents *d, struct str text)
{
    d->n_faults++;
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

static void add_text(struct documents *d, struct str name, struct str text)
{
    const struct pair_list *given = &d->cli->options->variables;
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
            documents_tell(d, bundle_relate(&scratch, name, e.text));
    }
    if (e.kind == ERR_NONE) {
        if (count_documents(name, text, &n, &e) != ERR_NONE)
            documents_tell(d, bundle_relate(&scratch, name, e.text));
        bundle_add(&d->bundle, name, text);
        d->n += n;
    }
    arena_fini(&scratch);
}

static void add_file(struct documents *d, struct str path)
{
    struct arena scratch;
    struct err e;
    struct str text;

    arena_init(&scratch);
    err_init(&e, &scratch);
    if (client_read_file(arena_cstr(&scratch, path), MAX_FILE, &scratch, &text, &e) != ERR_NONE)
        documents_tell(d, e.text);
    else
        add_text(d, str_eq(path, STR("-")) ? STR("<stdin>") : path, text);
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

static void add_folder(struct documents *d, struct str path)
{
    struct arena *a = d->cli->arena;
    struct dirent **entries;
    int n = scandir(path.p, &entries, is_resource_file, by_name);

    if (n < 0) {
        documents_tell(d, arena_printf(a, STR_FMT ": %m", STR_ARG(path)));
        return;
    }
    if (n == 0)
        documents_tell(d,
                       arena_printf(a, STR_FMT ": no *.yaml, *.yml or *.json in this folder", STR_ARG(path)));
    for (int i = 0; i < n; i++) {
        add_file(d, arena_printf(a, STR_FMT "%s%s", STR_ARG(path), str_has_suffix(path, STR("/")) ? "" : "/",
                                 entries[i]->d_name));
        free(entries[i]);
    }
    free(entries);
}

/* Another server than the control plane: no token, no certificate of ours. */
static void add_url(struct documents *d, struct str url)
{
    struct client_options o = {.timeout_ms = (long)(d->cli->options->api_timeout_ns / 1000000)};
    struct client_answer answer;
    struct client *client = NULL;
    struct err e;

    err_init(&e, d->cli->arena);
    if (client_new(&o, &client, &e) != ERR_NONE ||
        client_send(client, "GET", url, NULL, NULL, STR_NONE, d->cli->arena, &answer, &e) != ERR_NONE)
        documents_tell(d, e.text);
    else if (answer.status != 200)
        documents_tell(
            d, arena_printf(d->cli->arena, STR_FMT ": the server answers %ld", STR_ARG(url), answer.status));
    else
        add_text(d, url, answer.body);
    client_free(client);
}

static void add_argument(struct documents *d, struct str argument)
{
    struct stat st;

    if (str_has_prefix(argument, STR("http://")) || str_has_prefix(argument, STR("https://")))
        add_url(d, argument);
    else if (!str_eq(argument, STR("-")) && stat(argument.p, &st) == 0 && S_ISDIR(st.st_mode))
        add_folder(d, argument);
    else
        add_file(d, argument);
}

enum err_kind documents_read(struct documents *d, struct cli *cli, const char *consequence)
{
    const struct text_list *files = &cli->options->files;
    struct err *e = &cli->err;

    *d = (struct documents){.cli = cli};
    bundle_init(&d->bundle, cli->arena);
    for (size_t i = 0; i < files->n; i++)
        add_argument(d, files->v[i]);
    if (d->n_faults)
        return err_set(e, ERR_INVALID, "%s: %zu fault%s", consequence, d->n_faults,
                       d->n_faults == 1 ? "" : "s");
    if (d->n == 0)
        return err_set(e, ERR_INVALID, "no resource(s) passed to " STR_FMT, STR_ARG(cli->topic));
    if (!buf_ok(&d->bundle.text))
        return err_set(e, ERR_LIMIT, "too much at once: name fewer files");
    d->is_json = d->bundle.n == 1 && is_json_name(d->bundle.sources[0].name);
    return ERR_NONE;
}

void documents_fini(struct documents *d)
{
    bundle_fini(&d->bundle);
}

/* ---- telling ---- */

struct res_key document_key(const json_t *document)
{
    return (struct res_key){.type = res_type_by_name(json_str(json_get(document, "type"))),
                            .mesh = json_str(json_get(document, "mesh")),
                            .name = json_str(json_get(document, "name"))};
}

struct str document_fault(const struct bundle *b, const struct res_key *key, size_t line, size_t column,
                          struct str field, struct str message)
{
    struct str parts[] = {bundle_place(b, line, column),
                          cli_resource_label(b->arena, key->type, key->mesh, key->name), field, message};
    struct str text = STR("");

    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (parts[i].n)
            text = arena_printf(b->arena, STR_FMT "%s" STR_FMT, STR_ARG(text), text.n ? ": " : "",
                                STR_ARG(parts[i]));
    return text;
}
