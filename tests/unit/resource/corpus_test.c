/* corpus_test.c -- the recorded answers of the reference (../shared/fixtures/validation) against decoding,
 * rules and output.
 *
 * Each case is taken as far as a document can be judged alone. What needs other resources is named in
 * 'elsewhere' and belongs to the replay over HTTP; a case that needs them without being named fails, and so
 * does a name without a case. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../lib/test.h"
#include "ursa/base/buf.h"
#include "ursa/base/json.h"
#include "ursa/base/yaml.h"
#include "ursa/resource.h"

/* Refused by the reference for what only the newest state or the CA code knows: the document itself is fine.
 */
static const struct {
    const char *name, *reason;
} elsewhere[] = {
    {"Mesh/008-mtls-type-vault", "which CA plug-ins there are"},
    {"Mesh/006-mtls-two-backends", "nothing: a mesh may have two here"},
    {"Mesh/010-mtls-name-uppercase", "names of CA secrets"},
    {"Mesh/012-mtls-name-space", "names of CA secrets"},
    {"Mesh/013-mtls-name-too-long", "names of CA secrets"},
    {"Mesh/014-mtls-name-label-over-63", "names of CA secrets"},
    {"Mesh/018-mtls-builtin-conf-bad-type", "conf of a CA backend"},
    {"Mesh/019-mtls-builtin-ca-expiration-bad", "conf of a CA backend"},
    {"Mesh/020-mtls-builtin-rsabits-tiny", "conf of a CA backend"},
    {"Mesh/021-mtls-provided-no-conf", "conf of a CA backend"},
    {"Mesh/022-mtls-provided-empty-sources", "conf of a CA backend"},
    {"Mesh/023-mtls-provided-not-pem", "a provided CA's certificate"},
    {"Mesh/026-mtls-provided-not-ca", "a provided CA's certificate"},
    {"Mesh/027-mtls-provided-key-agreement", "a provided CA's certificate"},
    {"Mesh/028-mtls-provided-key-mismatch", "a provided CA's certificate"},
    {"Dataplane/036-constraint-wildcard-missing", "the Mesh's constraints"},
    {"Dataplane/037-constraint-none-met", "the Mesh's constraints"},
    {"Dataplane/038-constraint-restricted", "the Mesh's constraints"},
    {"Dataplane/039-constraint-gateway", "the Mesh's constraints"},
    {"Dataplane/040-mesh-missing", "which meshes there are"},
    {"ExternalService/016-rate-limit-conflict", "RateLimits of the mesh"},
    {"RateLimit/017-external-service-conflict", "ExternalServices of the mesh"},
    {"RateLimit/018-external-service-conflict-wildcard", "ExternalServices of the mesh"},
    {"ProxyTemplate/014-vhost-add-no-domains", "Envoy's messages"},
    {"ProxyTemplate/025-resource-native-envoy-resource-is-not-valid-invalid-cluster", "Envoy's messages"},
    {"ProxyTemplate/026-resource-native-envoy-resource-is-not-valid-json-cannot-unma", "Envoy's messages"},
    {"MeshProxyPatch/026-value-not-yaml", "Envoy's messages"},
    {"_common/021-mesh-unknown-policy", "which meshes there are"},
};

/* Texts with a NUL are refused before they are read (tests/conformance/deviations.yaml). */
static const char *const with_nul[] = {"MeshHealthCheck/019-event-log-path"};

/* Reasons that end in the text of a Go library: what follows is not compared. */
static const char *const go_tails[] = {"could not parse config: ",
                                       "template pre evaluation failed with error='"};

/* Reasons that need Envoy's messages, which this room does not know. */
static bool is_native(const json_t *cause)
{
    return str_has_prefix(json_str(json_get(cause, "reason")), STR("native Envoy resource is not valid: "));
}

struct run {
    struct arena arena;
    size_t n_compared, n_skipped, n_elsewhere;
};

static const char *shared_folder(void)
{
    const char *set = getenv("URSA_SHARED");

    return set ? set : "../shared";
}

static struct str read_file(struct arena *a, const char *path)
{
    FILE *f = fopen(path, "re");
    char *text;
    long size;

    if (!f)
        return STR_NONE;
    fseek(f, 0, SEEK_END);
    size = ftell(f);
    rewind(f);
    text = arena_alloc(a, (size_t)size + 1);
    size_t n = fread(text, 1, (size_t)size, f);
    fclose(f);
    return str_from(text, n);
}

/* "%20" and the like; the fixtures' names are short. */
static struct str percent_decode(struct arena *a, struct str s)
{
    char *out = arena_alloc(a, s.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '%' && i + 2 < s.n) {
            char digits[3] = {s.p[i + 1], s.p[i + 2], '\0'};

            out[n++] = (char)strtoul(digits, NULL, 16);
            i += 2;
        } else {
            out[n++] = s.p[i];
        }
    }
    return str_from(out, n);
}

/* /collection/name or /meshes/mesh/collection/name; false when the collection is none of ours. */
static bool key_from_path(struct arena *a, struct str path, struct res_key *key)
{
    struct str parts[6] = {{0}}, rest = str_slice(path, 1, str_chr(path, '?'));
    size_t n = 0;

    while (n < ARRAY_LEN(parts) && str_next(&rest, '/', &parts[n]))
        n++;
    if (n > 0 && parts[n - 1].n == 0)
        n--; /* a trailing slash */
    *key = (struct res_key){.type = RES_N};
    if (n == 4) {
        key->mesh = percent_decode(a, parts[1]);
        key->type = res_type_by_path(parts[2]);
        key->name = percent_decode(a, parts[3]);
    } else if (n == 2) {
        key->type = res_type_by_path(parts[0]);
        key->name = percent_decode(a, parts[1]);
    }
    return key->type != RES_N;
}

static bool is_elsewhere(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++)
        if (strcmp(elsewhere[i].name, name) == 0)
            return true;
    return false;
}

static bool has_nul(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(with_nul); i++)
        if (strcmp(with_nul[i], name) == 0)
            return true;
    return false;
}

/* The fixtures were written by a YAML library for which y and n are strings; for ours, as for kumactl, they
 * are booleans. */
static struct str quote_yes_and_no(struct arena *a, struct str text)
{
    struct str rest = text, line;
    struct buf out;

    buf_init(&out, BUF_MAX_RESOURCE);
    while (str_next(&rest, '\n', &line)) {
        bool bare = line.n > 2 && line.p[line.n - 2] == ' ' && strchr("yYnN", line.p[line.n - 1]);

        if (bare)
            buf_printf(&out, STR_FMT "'%c'\n", STR_ARG(str_slice(line, 0, line.n - 1)), line.p[line.n - 1]);
        else
            buf_printf(&out, STR_FMT "\n", STR_ARG(line));
    }
    text = arena_str(a, buf_str(&out));
    buf_fini(&out);
    return text;
}

/* The document of a case as JSON; NULL when it is none (the error says why). */
static json_t *read_document(struct arena *a, const char *base, const json_t *request, struct err *e)
{
    const json_t *raw = json_get(request, "rawBody");
    struct yaml_doc *docs;
    size_t n_docs;
    json_t *doc = NULL;

    if (raw) {
        if (json_parse(json_str(raw), &doc, e) != ERR_NONE)
            return NULL;
        return doc;
    }
    struct str text = read_file(a, (const char *)arena_printf(a, "%s.yaml", base).p);

    if (yaml_parse(quote_yes_and_no(a, text), 1, &docs, &n_docs, e) != ERR_NONE || n_docs != 1)
        return NULL;
    return docs[0].root;
}

/* ---- comparing ---- */

static bool reason_matches(struct str got, struct str want)
{
    for (size_t i = 0; i < ARRAY_LEN(go_tails); i++)
        if (str_has_prefix(want, str_from_c(go_tails[i])))
            return str_has_prefix(got, str_from_c(go_tails[i]));
    return str_eq(got, want);
}

static int by_text(const void *a, const void *b)
{
    const struct str *x = a, *y = b;

    return str_cmp(*x, *y);
}

/* A mesh may have two here (tests/conformance/deviations.yaml). */
static bool is_of_two_backends(const json_t *cause)
{
    return str_eq(json_str(json_get(cause, "reason")), STR("cannot have more than 1 backends"));
}

/* The causes that a document has by itself. */
static json_t *offline_causes(const json_t *body)
{
    json_t *list = json_array(), *cause;
    size_t i;

    json_array_foreach(json_get(body, "invalid_parameters"), i, cause)
    {
        if (!is_native(cause) && !is_of_two_backends(cause))
            json_array_append(list, cause);
    }
    return list;
}

static void compare_causes(const char *name, struct arena *a, const struct err *e, const json_t *body,
                           bool unordered)
{
    JSON_AUTO wanted = offline_causes(body);
    size_t n = json_array_size(wanted);
    struct str *got = ARENA_ARRAY(a, struct str, e->n_causes), *want = ARENA_ARRAY(a, struct str, n);

    for (size_t i = 0; i < e->n_causes; i++)
        got[i] =
            arena_printf(a, STR_FMT " | " STR_FMT, STR_ARG(e->causes[i].field), STR_ARG(e->causes[i].reason));
    for (size_t i = 0; i < n; i++) {
        const json_t *p = json_array_get(wanted, i);
        struct str reason = json_str(json_get(p, "reason"));

        if (i < e->n_causes && !unordered && reason_matches(e->causes[i].reason, reason))
            reason = e->causes[i].reason;
        want[i] =
            arena_printf(a, STR_FMT " | " STR_FMT, STR_ARG(json_str(json_get(p, "field"))), STR_ARG(reason));
    }
    if (unordered) {
        qsort(got, e->n_causes, sizeof(got[0]), by_text);
        qsort(want, n, sizeof(want[0]), by_text);
    }
    for (size_t i = 0; i < n && i < e->n_causes; i++)
        EXPECT_STR(name, got[i], want[i].p);
    EXPECT_INT(name, e->n_causes, n);
}

/* The printed text is that of the tree. */
static void compare_printed(const char *name, struct arena *a, const struct resource *r)
{
    JSON_AUTO tree = resource_to_json(r);
    struct buf printed;

    buf_init(&printed, BUF_MAX_RESOURCE);
    resource_print(r, 0, &printed);
    buf_add_byte(&printed, '\n');
    EXPECT_STR(name, buf_str(&printed), json_format_pretty(a, tree).p);
    buf_fini(&printed);
}

/* What GET shows, as text: equal members in equal order. */
static void compare_get(const char *name, struct arena *a, struct resource *r, bool is_new,
                        const json_t *want)
{
    struct resource *stored = r->key.type == RES_MESH        ? mesh_apply_defaults(r)
                              : r->key.type == RES_DATAPLANE ? dataplane_apply_defaults(r, STR_NONE, is_new)
                                                             : resource_ref(r);
    JSON_AUTO got = resource_to_json(stored);
    JSON_AUTO timeless = json_deep_copy(want);

    compare_printed(name, a, stored);
    resource_unref(stored);
    json_object_del(got, "creationTime");
    json_object_del(got, "modificationTime");
    json_object_del(timeless, "creationTime");
    json_object_del(timeless, "modificationTime");
    EXPECT_STR(name, json_format(a, got), json_format(a, timeless).p);
}

static const char *class_name(enum err_kind kind)
{
    return kind == ERR_NONE        ? "accepted"
           : kind == ERR_INVALID   ? "invalid"
           : kind == ERR_MALFORMED ? "malformed"
                                   : "?";
}

static bool has_flag(const json_t *recorded, struct str flag)
{
    const json_t *flags = json_get(recorded, "flags");

    for (size_t i = 0; i < json_array_size(flags); i++)
        if (str_eq(json_str(json_array_get(flags, i)), flag))
            return true;
    return false;
}

static void run_case(struct run *run, const char *name, const char *base, const json_t *recorded)
{
    const json_t *request = json_get(recorded, "request"), *body = json_get(recorded, "body");
    int status = (int)json_integer_value(json_get(recorded, "status"));
    struct res_key want_key;
    struct resource *r = NULL;
    struct err e;

    if (!str_eq(json_str(json_get(request, "method")), STR("PUT")) || (status >= 401 && status < 500) ||
        !key_from_path(&run->arena, json_str(json_get(request, "path")), &want_key) ||
        (res_type_info(want_key.type)->traits & RES_READ_ONLY)) {
        run->n_skipped++;
        return;
    }
    err_init(&e, &run->arena);
    json_t *doc = read_document(&run->arena, base, request, &e);
    if (doc && resource_decode(want_key.type, doc, &r, &e) == ERR_NONE &&
        resource_check_meta(&want_key, resource_doc_type(doc), &r->key, &e) != ERR_NONE) {
        resource_unref(r);
        r = NULL;
    }
    const char *want = status < 300                           ? "accepted"
                       : json_get(body, "invalid_parameters") ? "invalid"
                                                              : "malformed";
    JSON_AUTO causes = offline_causes(body);
    bool offline = status < 300 ||
                   (str_eq(json_str(json_get(body, "title")), STR("Could not process a resource")) &&
                    json_array_size(causes) > 0) ||
                   str_eq(json_str(json_get(body, "title")), STR("Bad Request"));

    if (!offline && !is_elsewhere(name))
        FAIL("%s: needs other resources but is not listed", name);
    if (is_elsewhere(name)) {
        run->n_elsewhere++;
        want = "accepted";
    }
    if (has_nul(name))
        want = "malformed";
    if (strcmp(class_name(e.kind), want) != 0)
        FAIL("%s: got %s (" STR_FMT "), want %s", name, class_name(e.kind),
             STR_ARG(err_render(&e, &run->arena)), want);
    if (e.kind == ERR_INVALID)
        compare_causes(name, &run->arena, &e, body, has_flag(recorded, STR("unorderedParameters")));
    if (r && json_get(recorded, "get"))
        compare_get(name, &run->arena, r, status == 201, json_get(json_get(recorded, "get"), "body"));
    run->n_compared++;
    resource_unref(r);
    json_decref(doc);
}

static void run_folder(struct run *run, const char *folder)
{
    struct str path = arena_printf(&run->arena, "%s/fixtures/validation/%s", shared_folder(), folder);
    static const struct str suffix = STR_INIT(".response.json");
    struct dirent **entries;
    int n = scandir(path.p, &entries, NULL, alphasort);

    if (n < 0)
        FAIL("%s: no such folder", path.p);
    for (int i = 0; i < n; i++) {
        struct str file = str_from_c(entries[i]->d_name);
        struct err e;
        json_t *recorded;

        if (str_has_suffix(file, suffix)) {
            struct str stem = str_slice(file, 0, file.n - suffix.n);
            struct str base = arena_printf(&run->arena, "%s/" STR_FMT, path.p, STR_ARG(stem));
            struct str text = read_file(&run->arena, arena_printf(&run->arena, "%s%s", base.p, suffix.p).p);

            err_init(&e, &run->arena);
            if (json_parse(text, &recorded, &e) != ERR_NONE)
                FAIL("%s: " STR_FMT, base.p, STR_ARG(e.text));
            run_case(run, arena_printf(&run->arena, "%s/" STR_FMT, folder, STR_ARG(stem)).p, base.p,
                     recorded);
            json_decref(recorded);
        }
        free(entries[i]);
    }
    free(entries);
}

TEST(documents_are_judged_and_shown_as_recorded)
{
    struct run run = {0};

    if (access(arena_printf(&run.arena, "%s/fixtures/validation", shared_folder()).p, R_OK) != 0) {
        arena_fini(&run.arena);
        SKIP("no ../shared/fixtures/validation");
        return;
    }
    for (enum res_type type = 0; type < RES_N_SHOWN; type++)
        run_folder(&run, res_type_info(type)->name.p);
    run_folder(&run, "_common");
    printf("corpus: %zu cases compared, %zu of them judged further elsewhere, %zu skipped (other methods, "
           "media types, types)\n",
           run.n_compared, run.n_elsewhere, run.n_skipped);
    EXPECT_INT("listed and met", run.n_elsewhere, ARRAY_LEN(elsewhere));
    EXPECT_TRUE("cases were found", run.n_compared > 1100);
    arena_fini(&run.arena);
}
