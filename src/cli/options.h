/* options.h -- what one call of ursactl was told, whatever the command: flags write here through the table in
 * flags.c.
 *
 * Texts are NUL-terminated; one that was not given has p == NULL. */
#ifndef URSA_CLI_OPTIONS_H
#define URSA_CLI_OPTIONS_H

#include "ursa/base/arena.h"

struct text_list {
    struct str *v;
    size_t n, n_slots;
};

struct pair {
    struct str key, value;
};
struct pair_list {
    struct pair *v;
    size_t n, n_slots;
};

enum output { OUTPUT_TABLE, OUTPUT_WIDE, OUTPUT_YAML, OUTPUT_JSON };

struct options {
    /* every command */
    struct str address, ca_cert_file, client_cert_file, client_key_file, token, token_file;
    bool skip_verify;
    struct str config_file;
    bool no_config;
    struct str mesh;
    bool mesh_given;        /* else it is the default */
    int64_t api_timeout_ns; /* 0: none */
    int log_level;          /* index of the choices of --log-level */
    bool help;
    /* some */
    struct text_list files;
    struct pair_list variables; /* {{ KEY }} in files */
    bool dry_run;
    int output; /* enum output */
    bool all_meshes;
    int64_t size, offset; /* -1: not given */
    struct str name;
    struct pair_list tags;
    bool gateway, ingress;
    int view, zone_proxy_view; /* indices of the choices of --type */
    struct str proxy_type;
    struct str valid_for; /* checked, sent as it is */
    struct text_list groups;
    struct str role, zone;
    struct text_list scopes;
    struct str signing_key_path, kid;
    int key_format, certificate_type, key_type; /* indices of the flags' choices */
    struct text_list hostnames;
    struct str key_file, cert_file;
    struct str auth_type;
    struct pair_list auth_conf, headers;
    bool overwrite, skip_check;
    bool detailed;
    int64_t wait_ns;    /* -1: not given */
    struct str backend; /* "": not given */
    int64_t from, to;   /* revisions; -1: not given */
    int64_t revision;   /* -1: not given */
    struct str daemon_config;
    int64_t since; /* -1: not given */
    bool with_secrets;
};

static inline bool str_given(struct str s)
{
    return s.p != NULL;
}

#endif
