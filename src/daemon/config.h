/* config.h -- the daemon's settings: defaults < file < environment, each checked, all faults at once. */
#ifndef URSA_DAEMON_CONFIG_H
#define URSA_DAEMON_CONFIG_H

#include <jansson.h>

#include "ursa/admit.h"
#include "ursa/base/buf.h"
#include "ursa/base/err.h"
#include "ursa/base/log.h"
#include "ursa/bootstrap.h"

/* Public keys of tokens that are issued elsewhere, as the settings name them: the text or a file. */
struct public_keys {
    struct public_key {
        struct str kid, mesh, key;
        const char *key_file; /* NULL: 'key' is given */
    } * v;
    size_t n;
};
struct token_settings {
    bool issues, use_secrets;
    struct public_keys keys;
};

struct config {
    const char *work_dir, *tls_cert_file, *tls_key_file;
    struct str_list ca_folders;
    enum log_level log_level;
    bool log_json;
    int store_kind; /* enum store_kind */
    const char *sqlite_path;
    const char *seal_key_file;
    bool makes_seal_key; /* the file is that of the work dir */
    uint64_t history_revisions;
    int64_t history_age_ns;
    bool api_enabled;
    const char *api_interface;
    uint16_t api_port;
    bool https_enabled;
    const char *https_interface;
    uint16_t https_port;
    const char *https_cert_file, *https_key_file, *client_certs_dir;
    bool require_client_cert;
    enum authn_type authn_type;
    bool api_read_only;
    struct str_list cors_domains;
    uint64_t api_max_body, api_max_connections, api_max_waiters;
    uint64_t max_event_streams, events_kept;
    int64_t api_timeout_ns;
    bool localhost_is_admin, bootstrap_admin_token;
    const char *access_type; /* "static": there is no other */
    struct access_config access;
    struct mesh_grants mesh_roles;
    const char *dp_interface;
    uint16_t dp_port;
    uint64_t dp_max_connections, dp_loops;
    bool dp_authenticate;
    bool hds_enabled;
    int64_t hds_interval_ns, hds_refresh_ns, hds_timeout_ns, hds_check_interval_ns, hds_no_traffic_ns;
    uint64_t hds_healthy, hds_unhealthy;
    struct token_settings user_tokens, dp_tokens;
    uint64_t bad_tokens_a_second;
    bool allow_core_dumps;
    enum bootstrap_transport xds_transport;
    const char *admin_address;
    uint16_t admin_port;
    const char *xds_host;
    uint16_t xds_port;
    int64_t status_flush_ns, deregistration_delay_ns, poll_limit_ns;
    bool skip_mesh_creation;
    struct vip_pool vips;
    const char *vip_domain;
    uint16_t vip_port;
    const char *audit_file;
    uint64_t audit_max_size;
    const char *diag_interface;
    uint16_t diag_port;
};

/* Reads the defaults, then 'file' (NULL: none), then the environment. Texts live in the arena. On faults
 * ERR_INVALID with one cause each: the field is "FILE:LINE:COLUMN: key" or the variable's name. Unknown keys
 * of the file are faults, unknown URSA_ variables warnings. */
MUST_USE enum err_kind config_load(const char *file, char *const *environment, struct arena *,
                                   struct config *, struct err *e);
/* The effective configuration with its nesting, as GET /config shows it; the caller owns it. No setting holds
 * a secret, only paths to some. */
json_t *config_to_json(const struct config *);
/* The commented sample file configs/ursa.yaml. */
void config_write_sample(struct buf *);
/* Every setting as an item of a manual page. */
void config_write_man(struct buf *, struct arena *);

#endif
