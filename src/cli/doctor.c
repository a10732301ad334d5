/* doctor.c -- ursactl doctor: what the control plane finds wrong, and how long the caller's own token has to
 * go, which it does not know. */
#include "doctor.h"

#include "cli.h"
#include "render.h"
#include "ursa/base/claims.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"
#include "ursa/base/jws.h"

#define TOKEN_NEAR_NS (7 * 24 * 3600 * NS_PER_S)

/* ---- the caller's token ---- */

json_t *doctor_token_finding(struct arena *a, struct str token, int64_t now_ns)
{
    struct token_claims claims;
    struct jws jws;
    struct err e;

    err_init(&e, a);
    if (!token.n || jws_read(token, a, &jws, &e) != ERR_NONE ||
        claims_read(jws.payload, TOKEN_USER, a, &claims, &e) != ERR_NONE || claims.expires_at <= 0 ||
        claims.expires_at > INT64_MAX / NS_PER_S || claims.expires_at * NS_PER_S - now_ns > TOKEN_NEAR_NS)
        return NULL;
    struct str text = arena_printf(a, "the token that you show expires at " STR_FMT,
                                   STR_ARG(time_format(a, claims.expires_at * NS_PER_S)));
    struct str remedy = arena_printf(a,
                                     "have another one issued ('ursactl generate user-token --name " STR_FMT
                                     "') while this one is good",
                                     STR_ARG(claims.name));
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "id", "token-expires", "severity", "warning", "mesh",
                     "", "resource", json_from_str(STR("your token")), "text", json_from_str(text), "remedy",
                     json_from_str(remedy));
}

/* ---- the text ---- */

static size_t count_severity(const json_t *findings, const char *severity)
{
    const json_t *f;
    size_t n = 0, i;

    json_array_foreach(findings, i, f) n += str_eq(json_str(json_get(f, "severity")), str_from_c(severity));
    return n;
}

static struct str finding_text(struct arena *a, const json_t *f)
{
    struct str mesh = json_str(json_get(f, "mesh"));
    struct str about = arena_printf(a, STR_FMT "%s" STR_FMT, STR_ARG(mesh), mesh.n ? ": " : "",
                                    STR_ARG(json_str(json_get(f, "resource"))));

    return arena_printf(
        a, "%-7.*s  " STR_FMT " (" STR_FMT ")\n         " STR_FMT "\n         remedy: " STR_FMT "\n",
        STR_ARG(json_str(json_get(f, "severity"))), STR_ARG(str_printable(a, about)),
        STR_ARG(json_str(json_get(f, "id"))), STR_ARG(str_printable(a, json_str(json_get(f, "text")))),
        STR_ARG(str_printable(a, json_str(json_get(f, "remedy")))));
}

struct str doctor_text(struct arena *a, const json_t *answer)
{
    const json_t *findings = json_get(answer, "findings"), *f;
    long long n_omitted = (long long)json_integer_value(json_get(answer, "omitted"));
    struct str text = STR("");
    size_t i;

    json_array_foreach(findings, i, f) text =
        arena_printf(a, STR_FMT STR_FMT, STR_ARG(text), STR_ARG(finding_text(a, f)));
    if (n_omitted)
        text = arena_printf(a, STR_FMT "... and %lld more like these\n", STR_ARG(text), n_omitted);
    size_t errors = count_severity(findings, "error"), warnings = count_severity(findings, "warning");
    return arena_printf(a, STR_FMT "%zu error%s, %zu warning%s, %zu for information\n", STR_ARG(text), errors,
                        errors == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s",
                        count_severity(findings, "info"));
}

/* ---- the command ---- */

int run_doctor(struct cli *cli)
{
    const struct options *o = cli->options;
    struct arena *a = cli->arena;
    struct str query = query_add(a, STR(""), "mesh", o->mesh_given ? o->mesh : STR(""));
    JSON_AUTO answer = NULL;
    json_t *findings, *own;

    if (cli_connect(cli) != ERR_NONE ||
        connection_get(cli->connection,
                       arena_printf(a, "/doctor%s" STR_FMT, query.n ? "?" : "", STR_ARG(query)), a, &answer,
                       &cli->err) != ERR_NONE) {
        cli_fail(cli);
        return 2;
    }
    findings = json_get(answer, "findings");
    own = doctor_token_finding(a, connection_token(cli->connection), clock_wall_ns());
    if (own)
        json_array_append_new(findings, own);
    if (render_is_tree(o->output))
        render_tree(a, answer, (enum output)o->output);
    else
        render_text(doctor_text(a, answer));
    return count_severity(findings, "error") ? 1 : 0;
}
