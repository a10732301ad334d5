/* options.h -- what ursa-dp was told: flags (kuma-dp's names where it has the same thing) over environment
 * variables over defaults. */
#ifndef URSA_DP_OPTIONS_H
#define URSA_DP_OPTIONS_H

#include <stdio.h>

#include "ursa/base/buf.h"
#include "ursa/base/log.h"
#include "ursa/client.h"

#define MAX_VARIABLES 64

struct options {
    const char *cp_address;   /* https://localhost:5678 */
    const char *ca_cert_file; /* NULL: the local control plane's, if there is one */
    bool skip_verify;
    const char *mesh, *name;                         /* NULL: those of the Dataplane */
    const char *dataplane;                           /* the resource's text; NULL: none */
    const char *dataplane_file;                      /* NULL: none */
    struct client_variable variables[MAX_VARIABLES]; /* --dataplane-var */
    size_t n_variables;
    const char *token, *token_file;
    const char *binary_path; /* envoy */
    const char *config_dir;  /* NULL: a temporary one */
    const char *envoy_log_level;
    enum log_level log_level;
    const char *xds_transport; /* NULL: the control plane's choice */
    const char *concurrency;   /* Envoy's worker threads */
    int64_t drain_time_ns, retry_for_ns;
    uint16_t dns_port, dns_resolver_port; /* 0: none */
};

void options_print_help(FILE *);
/* The manual page ursa-dp(1). */
void options_write_man(struct buf *);

/* Reads the flags of 'ursa-dp run ...'; false after printing what is wrong or the help: *status is then the
 * exit status. */
MUST_USE bool options_read(struct options *, int argc, char **argv, struct arena *, int *status);

#endif
