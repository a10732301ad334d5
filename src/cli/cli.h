/* cli.h -- one run of ursactl: what the handlers of the commands share.
 *
 * A handler prints its result on standard output, everything else on standard error, and returns the exit
 * status: 0 only if everything succeeded, 1 on failure, 2 when it was called wrongly. */
#ifndef URSA_CLI_CLI_H
#define URSA_CLI_CLI_H

#include "command.h"
#include "connection.h"

struct cli {
    struct arena *arena;
    struct str topic; /* the command's words, for "help" */
    const struct options *options;
    const struct str *arguments;
    size_t n_arguments;
    enum res_type policy;          /* where the command's words say POLICY */
    struct connection *connection; /* see cli_connect */
    struct err err;                /* of this run; in the arena */
};

/* Opens the connection that options, environment and configuration describe, once. */
MUST_USE enum err_kind cli_connect(struct cli *);
/* Prints the error with its causes; returns 1. */
int cli_fail(struct cli *);
/* Prints what is wrong with the call; returns 2. */
int cli_misuse(const struct cli *, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The type that a word of the command line means. ERR_INVALID: the text suggests another and lists all. */
MUST_USE enum err_kind cli_find_type(struct cli *, struct str word, enum res_type *type);
/* The name of a resource for people: "mesh/blue", "dataplane/green/web"; 'type' may be RES_N. */
struct str cli_resource_label(struct arena *, enum res_type, struct str mesh, struct str name);
/* Replaces the error by one that says which resource there is not. */
void cli_not_found(struct cli *, enum res_type, struct str name);
/* "revision=N" when --revision is given, else "". */
struct str cli_revision_query(const struct cli *);
/* The table of a list, and how to see the rest when it is one page of more. */
void cli_print_list(struct str table, const json_t *list);

int run_apply(struct cli *);
int run_diff(struct cli *);
int run_export(struct cli *);
int run_get(struct cli *);
int run_watch(struct cli *);
int run_restore(struct cli *);
int run_backup(struct cli *);
int run_rollback(struct cli *);
int run_status(struct cli *);
int run_rotate_ca(struct cli *);
int run_history(struct cli *);
int run_doctor(struct cli *);
int run_delete(struct cli *);
int run_inspect_dataplanes(struct cli *);
int run_inspect_meshes(struct cli *);
int run_inspect_dataplane(struct cli *);
int run_inspect_services(struct cli *);
int run_inspect_zones(struct cli *);
int run_inspect_zone_ingresses(struct cli *);
int run_inspect_zone_egresses(struct cli *);
int run_inspect_zone_ingress(struct cli *);
int run_inspect_zone_egress(struct cli *);
int run_inspect_meshgateway(struct cli *);
int run_inspect_policy(struct cli *);
int run_generate_dataplane_token(struct cli *);
int run_generate_user_token(struct cli *);
int run_generate_zone_token(struct cli *);
int run_generate_zone_ingress_token(struct cli *);
int run_generate_signing_key(struct cli *);
int run_generate_public_key(struct cli *);
int run_generate_tls_certificate(struct cli *);
int run_config_add(struct cli *);
int run_config_list(struct cli *);
int run_config_remove(struct cli *);
int run_config_switch(struct cli *);
int run_config_view(struct cli *);
int run_version(struct cli *);
int run_completion(struct cli *);
int run_man(struct cli *);

/* The page that run_man prints (man.c). */
struct buf;
void man_write(struct arena *, struct buf *);

#endif
