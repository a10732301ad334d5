/* answer.c -- see answer.h. The answers are kuma-cp's (rest-api.md 10.1). */
#include "answer.h"

#include "ursa/base/base64.h"
#include "ursa/base/json.h"

#define MAX_REASON 2000 /* bytes of a refusal that are shown */

enum err_kind answer_read(const struct client_answer *answer, struct arena *a, struct str *yaml,
                          struct err *e)
{
    struct str reason = str_slice(answer->body, 0, MAX_REASON);
    size_t bad_at;
    JSON_AUTO body = NULL;

    if (answer->status == 404)
        return err_set(e, ERR_UNAVAILABLE, "the control plane does not know this proxy yet");
    if (answer->status >= 500 || answer->status == 429) /* another one of this address guessed tokens */
        return err_set(e, ERR_UNAVAILABLE, "the control plane answers %ld: " STR_FMT, answer->status,
                       STR_ARG(reason));
    if (answer->status != 200)
        return err_set(e, ERR_DENIED, "the control plane refuses this proxy (%ld): " STR_FMT, answer->status,
                       STR_ARG(reason));
    if (json_parse(answer->body, &body, e) != ERR_NONE ||
        !base64_decode(a, json_str(json_get(body, "bootstrap")), yaml, &bad_at) || yaml->n == 0)
        return err_set(e, ERR_MALFORMED,
                       "what answers at --cp-address sends no bootstrap: is it a control plane?");
    return ERR_NONE;
}
