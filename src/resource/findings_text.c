/* findings_text.c -- see ursa/findings_text.h. */
#include "ursa/findings_text.h"

#include "ursa/base/json.h"

size_t findings_count(const json_t *answer, const char *severity)
{
    const json_t *findings = json_get(answer, "findings"), *f;
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

struct str findings_text(struct arena *a, const json_t *answer)
{
    const json_t *findings = json_get(answer, "findings"), *f;
    long long n_omitted = (long long)json_integer_value(json_get(answer, "omitted"));
    struct str text = STR("");
    size_t i;

    json_array_foreach(findings, i, f) text =
        arena_printf(a, STR_FMT STR_FMT, STR_ARG(text), STR_ARG(finding_text(a, f)));
    if (n_omitted)
        text = arena_printf(a, STR_FMT "... and %lld more like these\n", STR_ARG(text), n_omitted);
    size_t errors = findings_count(answer, "error"), warnings = findings_count(answer, "warning");
    return arena_printf(a, STR_FMT "%zu error%s, %zu warning%s, %zu for information\n", STR_ARG(text), errors,
                        errors == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s",
                        findings_count(answer, "info"));
}
