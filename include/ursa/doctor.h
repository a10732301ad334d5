/* ursa/doctor.h -- what is wrong with a control plane and its meshes, or soon will be: findings, each with
 * its remedy (docs/decisions/0024).
 *
 * doctor_examine() is a pure function of what it is given: a snapshot, the settings, and what is known of
 * files and of running proxies. Any thread, but no loop's: it may take 100 ms for ten thousand Dataplanes.
 * Texts live in the caller's arena or in what was given. */
#ifndef URSA_DOCTOR_H
#define URSA_DOCTOR_H

#include <jansson.h>

#include "ursa/base/clock.h"
#include "ursa/events.h"
#include "ursa/xds.h"

enum finding_severity {                /* the worst first, which is how they are shown */
                        FINDING_ERROR, /* something does not work, or anybody may do what only administrators
                                          should */
                        FINDING_WARNING, /* it will not go on like this, or hardly is what was meant */
                        FINDING_INFO     /* good to know */
};
struct str finding_severity_name(enum finding_severity); /* "error", "warning", "info" */

enum finding_id {
#define FINDING(id, name) FOUND_##id,
#include "ursa/findings.def"
#undef FINDING
    FINDING_KINDS
};
struct str finding_id_name(enum finding_id); /* "ca-expired" */

struct finding {
    enum finding_id id;
    enum finding_severity severity;
    struct str mesh;     /* "": it is about the control plane, or about several meshes */
    struct str resource; /* what it is about: "TrafficPermission web", a setting, a file */
    struct str text;
    struct str remedy; /* what to do, with the setting or the command */
};
#define FINDINGS_EACH_MAX 20 /* of one kind in one mesh */
#define FINDINGS_MAX 1000
struct findings {
    struct finding *v; /* by severity, mesh, id, resource */
    size_t n, n_omitted;
    bool control_plane; /* the control plane itself was examined, too: the reader is told of it */
};

/* ---- what is known beside the snapshot ---- */
/* A certificate of the control plane's own. */
struct doctor_certificate {
    struct str what, file; /* "the proxies' port", and where it was read */
    struct str setting;    /* that names the file */
    int64_t expires_ns;
};
/* A file or folder that holds what others must not read. */
struct doctor_file {
    struct str path;
    unsigned mode; /* permission bits */
};
struct doctor_facts {
    const json_t *config; /* as GET /config shows it */
    struct doctor_certificate *certificates;
    size_t n_certificates;
    struct doctor_file *files;
    size_t n_files;
    struct str disk_path; /* where the store is; p == NULL: it is in memory */
    uint64_t disk_free;   /* bytes */
};
/* Finds out the facts: reads files, so it belongs on no loop's thread. Texts go into the arena. */
typedef void doctor_look(void *ctx, struct arena *, struct doctor_facts *out);

/* Whom the findings are for. */
struct doctor_reader {
    bool control_plane; /* sees what is about it, or about several meshes */
    struct str mesh;    /* p == NULL: every mesh that 'user' sees */
    const struct user *user;
};
struct doctor_world {
    const struct snap *snap;
    int64_t now_ns;                     /* wall clock */
    const struct doctor_facts *facts;   /* NULL: nothing is known, or nobody asks */
    const struct ads_laggard *laggards; /* proxies that have not taken over the state, or refuse it */
    size_t n_laggards;
    struct history *history; /* NULL: there is none to ask */
};
void doctor_examine(const struct doctor_world *, const struct doctor_reader *, struct arena *,
                    struct findings *out);
/* {"findings": [...], "omitted": n}; the caller owns it. */
json_t *findings_to_json(const struct findings *);

/* ---- the watch ----
 * Says when a CA or one of the control plane's own certificates is 30 days, 7 days and nothing away from its
 * end: in the log, as an event (EVENT_FINDING), and in the gauges certificates_expire_in_30_days,
 * certificates_expire_in_7_days and certificates_expired, of which each certificate is in one at most. */
struct doctor_watch;
struct doctor_watch_options {
    struct store *store;
    struct events *events;
    doctor_look *look; /* for the control plane's own certificates */
    void *look_ctx;
};
/* Subscribes to the store's feed: before the writer starts. */
MUST_USE enum err_kind doctor_watch_start(const struct doctor_watch_options *, struct doctor_watch **out,
                                          struct err *e);
/* The control plane has other certificates now. Any thread. */
void doctor_watch_look(struct doctor_watch *);
void doctor_watch_stop(struct doctor_watch *); /* the writer has ended; NULL is ignored */

/* ---- how long a certificate has to go ---- */
enum expiry { EXPIRY_FAR, EXPIRY_NEAR, EXPIRY_CLOSE, EXPIRY_PAST };
#define EXPIRY_NEAR_NS (30 * 24 * 3600 * NS_PER_S)
#define EXPIRY_CLOSE_NS (7 * 24 * 3600 * NS_PER_S)
enum expiry expiry_of(int64_t expires_ns, int64_t now_ns);
/* When it will be the next; INT64_MAX: it is past, which is the last. */
int64_t expiry_changes_ns(int64_t expires_ns, int64_t now_ns);

#endif
