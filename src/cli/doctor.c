/* doctor.c -- ursactl doctor: what the control plane finds wrong, and how long the caller's own token has to
 * go, which it does not know. */
#include "doctor.h"

#include "cli.h"
#include "render.h"
#include "ursa/base/claims.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"
#include "ursa/base/jws.h"
#include "ursa/findings_text.h"

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
        render_text(findings_text(a, answer));
    if (!o->mesh_given && json_is_false(json_get(answer, "controlPlane")))
        fprintf(stderr,
                "The control plane itself was not looked at: it is for its administrators, who show their "
                "token (--token-file)\n");
    return findings_count(answer, "error") ? 1 : 0;
}
