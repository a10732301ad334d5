/* machine.c -- the control plane's own files, disk, clock and certificates. */
#include "exam.h"
#include "expiry.h"
#include "ursa/base/clock.h"

#define OTHERS 077 /* permission bits of all but the owner */
#define CLOCK_SLACK_NS (60 * NS_PER_S)
#define DISK_LOW ((uint64_t)512 << 20) /* bytes */
#define DISK_EMPTY ((uint64_t)64 << 20)

static void check_certificates(struct exam *x, const struct doctor_facts *facts)
{
    for (size_t i = 0; i < facts->n_certificates; i++) {
        const struct doctor_certificate *c = &facts->certificates[i];
        struct arena *a = x->arena;
        struct finding *f = expiry_add(x, FOUND_SERVER_CERTIFICATE_EXPIRES, FOUND_SERVER_CERTIFICATE_EXPIRED,
                                       STR(""), c->expires_ns);

        if (!f)
            continue;
        f->resource = c->file;
        f->text = arena_printf(a, "the certificate of " STR_FMT " " STR_FMT, STR_ARG(c->what),
                               STR_ARG(expiry_text(x, c->expires_ns)));
        f->remedy = arena_printf(a,
                                 "put a new one in place of the files of " STR_FMT
                                 " ('ursactl generate tls-certificate' makes one): ursa-cp follows them",
                                 STR_ARG(c->setting));
    }
}

static void check_files(struct exam *x, const struct doctor_facts *facts)
{
    for (size_t i = 0; i < facts->n_files; i++) {
        const struct doctor_file *file = &facts->files[i];
        struct arena *a = x->arena;
        struct finding *f;

        if (!(file->mode & OTHERS) || !(f = exam_add(x, FOUND_FILE_OPEN_TO_OTHERS, FINDING_ERROR, STR(""))))
            continue;
        f->resource = file->path;
        f->text = arena_printf(a, "others than its owner may use it (mode %03o), and it holds private keys",
                               file->mode & 0777);
        f->remedy = arena_printf(a, "chmod go= " STR_FMT, STR_ARG(file->path));
    }
}

static void check_disk(struct exam *x, const struct doctor_facts *facts)
{
    struct arena *a = x->arena;
    struct finding *f;

    if (!facts->disk_path.p || facts->disk_free >= DISK_LOW ||
        !(f = exam_add(x, FOUND_DISK_LOW, facts->disk_free < DISK_EMPTY ? FINDING_ERROR : FINDING_WARNING,
                       STR(""))))
        return;
    f->resource = facts->disk_path;
    f->text = arena_printf(a, "%llu MiB are free where the store is: without room every write is refused",
                           (unsigned long long)(facts->disk_free >> 20));
    f->remedy =
        STR("make room on that file system, or keep less: store.history.revisions, store.history.age, "
            "audit.maxSize");
}

/* ---- the clock ---- */

static int64_t newest_change(const struct snap *snap)
{
    int64_t newest = 0;

    for (enum res_type t = 0; t < RES_N; t++) {
        struct snap_range range = snap_range(snap, t, STR_NONE);
        struct snap_iter it = snap_iter(&range);

        for (const struct resource *r; (r = snap_next(&it));)
            if (r->modified_ns > newest)
                newest = r->modified_ns;
    }
    return newest;
}

static void check_clock(struct exam *x)
{
    int64_t newest = newest_change(x->world->snap);
    struct arena *a = x->arena;
    struct finding *f;

    if (newest <= x->world->now_ns + CLOCK_SLACK_NS ||
        !(f = exam_add(x, FOUND_CLOCK_BEHIND, FINDING_ERROR, STR(""))))
        return;
    f->resource = STR("clock");
    f->text = arena_printf(a,
                           "the clock says " STR_FMT ", and something was stored at " STR_FMT
                           ": certificates and tokens are held against a time that is wrong now, or was",
                           STR_ARG(time_format(a, x->world->now_ns)), STR_ARG(time_format(a, newest)));
    f->remedy = STR("let the machine take its time from NTP (timedatectl)");
}

void check_machine(struct exam *x)
{
    const struct doctor_facts *facts = x->world->facts;

    check_clock(x);
    if (!facts)
        return;
    check_certificates(x, facts);
    check_files(x, facts);
    check_disk(x, facts);
}
