/* answer.h -- what the control plane's answer to a bootstrap request means. */
#ifndef URSA_DP_ANSWER_H
#define URSA_DP_ANSWER_H

#include "ursa/client.h"

/* Envoy's bootstrap, as YAML. ERR_UNAVAILABLE: asking again may help; ERR_DENIED: the control plane says no,
 * with its reason; ERR_MALFORMED: who answers is no control plane. */
MUST_USE enum err_kind answer_read(const struct client_answer *, struct arena *, struct str *yaml,
                                   struct err *e);

#endif
