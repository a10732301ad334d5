/* check.c -- see check.h. Touches no store, no work dir and no network: it is for CI. */
#include "check.h"

#include <getopt.h>
#include <stdio.h>

#include "inputs.h"
#include "ursa/admit.h"
#include "ursa/base/json.h"
#include "ursa/base/map.h"
#include "ursa/envoy.h"

#define OUTPUT_MAX ((size_t)1 << 30)
#define LOCATE_BYTES ((size_t)1 << 30) /* nobody waits behind this one */

struct check {
    struct arena arena;
    struct err err; /* what keeps it from checking */
    struct inputs inputs;
    struct documents docs;
    bool as_json, existing;
    struct buf text; /* the faults, a line each ... */
    json_t *list;    /* ... or as JSON */
    size_t n_faults;
};

/* ---- telling ---- */

static void add_line(struct check *c, struct str file, struct text_pos pos, const struct document *d,
                     struct str field, struct str message)
{
    buf_add_printable(&c->text, file);
    if (pos.line)
        buf_printf(&c->text, ":%zu:%zu", pos.line, pos.column);
    buf_add_str(&c->text, STR(": "));
    if (d && d->type != RES_N) {
        buf_printf(&c->text, STR_FMT "%s", STR_ARG(res_type_info(d->type)->name), d->key.name.n ? " " : "");
        buf_add_printable(&c->text, d->key.name);
        buf_add_str(&c->text, STR(": "));
    }
    if (field.n) {
        buf_add_printable(&c->text, field);
        buf_add_str(&c->text, STR(": "));
    }
    buf_add_printable(&c->text, message);
    buf_add_byte(&c->text, '\n');
}

static void put_text(json_t *o, const char *key, struct str s)
{
    if (s.n)
        json_object_set_new(o, key, json_from_str(s));
}

static json_t *fault_json(struct str file, struct text_pos pos, const struct document *d, struct str field,
                          struct str message)
{
    json_t *fault = json_object();

    json_object_set_new(fault, "file", json_from_str(file));
    json_object_set_new(fault, "line", json_integer((json_int_t)pos.line));
    json_object_set_new(fault, "column", json_integer((json_int_t)pos.column));
    if (d && d->type != RES_N) {
        put_text(fault, "type", res_type_info(d->type)->name);
        put_text(fault, "mesh", d->key.mesh);
        put_text(fault, "name", d->key.name);
    }
    json_object_set_new(fault, "field", json_from_str(field));
    json_object_set_new(fault, "message", json_from_str(message));
    return fault;
}

/* 'd' NULL: of the file itself. */
static void tell(struct check *c, struct str file, struct text_pos pos, const struct document *d,
                 struct str field, struct str message)
{
    c->n_faults++;
    if (c->as_json)
        json_array_append_new(c->list, fault_json(file, pos, d, field, message));
    else
        add_line(c, file, pos, d, field, message);
}

static void tell_document(struct check *c, const struct document *d, const struct err *e)
{
    struct str file = c->inputs.list.v[d->text].name;

    if (e->kind != ERR_NONE && e->n_causes == 0)
        tell(c, file, document_locate(&c->docs, d, STR("")), d, STR(""),
             e->text.n ? e->text : str_from_c(err_kind_name(e->kind)));
    for (size_t i = 0; i < e->n_causes; i++)
        tell(c, file, document_locate(&c->docs, d, e->causes[i].field), d, e->causes[i].field,
             e->causes[i].reason);
}

/* ---- checking ---- */

static void read_documents(struct check *c)
{
    for (size_t i = 0; i < c->inputs.list.n; i++) {
        const struct input *input = &c->inputs.list.v[i];
        struct text_pos pos = {0};
        struct err e;

        err_init(&e, &c->arena);
        if (documents_read(&c->docs, input->text, !input->is_json, &e) == ERR_NONE)
            continue;
        text_pos_take(&e.text, &pos);
        tell(c, input->name, pos, NULL, STR(""), e.text);
    }
}

static struct str place_of(void *ctx, const struct document *d)
{
    struct check *c = ctx;
    struct text_pos pos = document_locate(&c->docs, d, STR(""));

    return arena_printf(&c->arena, "that at " STR_FMT ":%zu:%zu", STR_ARG(c->inputs.list.v[d->text].name),
                        pos.line, pos.column);
}

/* The Meshes that are not among the documents and are there all the same: every control plane makes
 * "default", and --existing says that what is named is there. */
static void note_meshes(struct check *c, struct offline *offline)
{
    struct str *meshes = ARENA_ARRAY(&c->arena, struct str, c->docs.list.n + 1);
    struct map known;

    map_init(&known);
    for (size_t i = 0; i < c->docs.list.n; i++)
        if (c->docs.list.v[i].type == RES_MESH)
            map_put(&known, c->docs.list.v[i].key.name, c);
    if (!map_put(&known, STR("default"), c))
        meshes[offline->n_meshes++] = STR("default");
    for (size_t i = 0; c->existing && i < c->docs.list.n; i++) {
        const struct document *d = &c->docs.list.v[i];

        if (d->res && d->key.mesh.n && !map_put(&known, d->key.mesh, c))
            meshes[offline->n_meshes++] = d->key.mesh;
    }
    map_fini(&known);
    offline->meshes = meshes;
}

static enum err_kind check_documents(struct check *c)
{
    struct offline offline = {.secrets_elsewhere = c->existing};
    struct admit_request *req;

    for (size_t i = 0; i < c->docs.list.n; i++)
        if (document_identify(&c->docs, &c->docs.list.v[i]))
            document_decode(&c->docs, &c->docs.list.v[i]);
    documents_refuse_duplicates(&c->docs, place_of, c);
    note_meshes(c, &offline);
    req = admit_documents(&c->docs, true);
    if (req && admit_check(&offline, req, &c->err) != ERR_NONE) {
        admit_request_free(req);
        return c->err.kind;
    }
    for (size_t i = 0; i < c->docs.list.n; i++)
        tell_document(c, &c->docs.list.v[i], admit_document_err(req, &c->docs.list.v[i]));
    admit_request_free(req);
    return ERR_NONE;
}

/* ---- the command ---- */

static int usage(FILE *out)
{
    fputs("usage: ursa-cp check [-o text|json] [--existing] FILE|DIR|-...\n"
          "\n"
          "Checks resources in YAML or JSON as the API would, without one: each by itself, and the rules "
          "between them.\n"
          "A folder stands for all *.yaml, *.yml and *.json files in it and below.\n"
          "\n"
          "  -o, --output   text: FILE:LINE:COLUMN: TYPE NAME: FIELD: MESSAGE, a line each fault; or json\n"
          "  --existing     meshes that are named and not among the files are taken to be stored already, "
          "and so are\n"
          "                 the secrets that Meshes name; without it only the mesh \"default\" is\n"
          "\n"
          "Exit status: 0 no fault, 1 faults, 2 something could not be read or understood.\n",
          out);
    return out == stdout ? 0 : 2;
}

static int parse(struct check *c, int argc, char **argv)
{
    static const struct option options[] = {{"output", required_argument, NULL, 'o'},
                                            {"existing", no_argument, NULL, 'e'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int option;

    optind = 2; /* behind the command */
    while ((option = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
        struct str word = str_from_c(optarg);

        if (option == 'o' && (str_eq(word, STR("json")) || str_eq(word, STR("text"))))
            c->as_json = str_eq(word, STR("json"));
        else if (option == 'e')
            c->existing = true;
        else
            return usage(option == 'h' ? stdout : stderr);
    }
    return optind == argc ? usage(stderr) : -1;
}

static int refuse(struct check *c)
{
    fprintf(stderr, "ursa-cp: " STR_FMT "\n", STR_ARG(err_render(&c->err, &c->arena)));
    return 2;
}

/* What was found, on standard output; in JSON also when it is nothing. */
static int print(struct check *c)
{
    struct buf *out = &c->text;

    if (c->as_json) {
        JSON_AUTO body = json_pack("{s:I, s:I, s:O}", "files", (json_int_t)c->inputs.list.n, "documents",
                                   (json_int_t)c->docs.list.n, "faults", c->list);
        buf_add_str(out, json_format_pretty(&c->arena, body));
    }
    bool written = out->n == 0 || fwrite(out->p, 1, out->n, stdout) == out->n;
    if (!written || fflush(stdout) != 0 || !buf_ok(out)) {
        perror("ursa-cp: standard output");
        return 2;
    }
    if (!c->as_json)
        fprintf(stderr, "%zu fault%s in %zu document%s of %zu file%s\n", c->n_faults,
                c->n_faults == 1 ? "" : "s", c->docs.list.n, c->docs.list.n == 1 ? "" : "s", c->inputs.list.n,
                c->inputs.list.n == 1 ? "" : "s");
    return c->n_faults ? 1 : 0;
}

static int run(struct check *c, char **paths)
{
    for (; *paths; paths++)
        if (inputs_add(&c->inputs, *paths, &c->err) != ERR_NONE)
            return refuse(c);
    read_documents(c);
    if (c->docs.list.n == 0 && c->n_faults == 0)
        err_set(&c->err, ERR_INVALID, "there are no documents to check");
    else
        (void)check_documents(c);
    return c->err.kind == ERR_NONE ? print(c) : refuse(c);
}

int check_command(int argc, char **argv)
{
    struct check c = {.list = json_array()};
    int status;

    arena_init(&c.arena);
    err_init(&c.err, &c.arena);
    inputs_init(&c.inputs, &c.arena);
    documents_init(&c.docs, &c.arena);
    c.docs.locate_bytes = LOCATE_BYTES;
    buf_init(&c.text, OUTPUT_MAX);
    resource_set_native_check(envoy_check_native);
    status = parse(&c, argc, argv);
    if (status < 0)
        status = run(&c, argv + optind);
    buf_fini(&c.text);
    json_decref(c.list);
    documents_fini(&c.docs);
    inputs_fini(&c.inputs);
    arena_fini(&c.arena);
    return status;
}
