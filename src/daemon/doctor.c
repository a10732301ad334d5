/* doctor.c -- see doctor.h. */
#include "doctor.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "files.h"
#include "ursa/ca.h"
#include "ursa/store.h"

#define FACTS_MAX 8

static void add_certificate(struct doctor_facts *facts, const char *what, const char *setting,
                            const char *file, struct arena *a)
{
    struct doctor_certificate *c = &facts->certificates[facts->n_certificates];
    struct str_list names;
    struct str pem;
    struct err e;
    bool is_ca;

    err_init(&e, a);
    if (files_read(file, a, &pem, &e) != ERR_NONE ||
        cert_describe(pem, a, &names, &is_ca, &c->expires_ns, &e) != ERR_NONE)
        return; /* it was read when the daemon started, and is when it reloads: those say what is wrong */
    c->what = str_from_c(what);
    c->setting = str_from_c(setting);
    c->file = str_from_c(file);
    facts->n_certificates++;
}

static void add_file(struct doctor_facts *facts, const char *path)
{
    struct stat st;

    if (*path && stat(path, &st) == 0)
        facts->files[facts->n_files++] = (struct doctor_file){str_from_c(path), st.st_mode & 07777};
}

static void add_disk(struct doctor_facts *facts, const char *store, struct arena *a)
{
    struct str path = str_from_c(store);
    size_t cut = str_rchr(path, '/');
    const char *folder = cut == path.n ? "." : cut == 0 ? "/" : arena_cstr(a, str_slice(path, 0, cut));
    struct statvfs fs;

    if (statvfs(folder, &fs) != 0)
        return;
    facts->disk_path = str_from_c(folder);
    facts->disk_free = (uint64_t)fs.f_bavail * fs.f_frsize;
}

void daemon_look(void *ctx, struct arena *a, struct doctor_facts *facts)
{
    const struct config *c = ctx;
    const char *cert =
        *c->tls_cert_file ? c->tls_cert_file : arena_printf(a, "%s/ursa-cp.crt", c->work_dir).p;
    const char *key = *c->tls_key_file ? c->tls_key_file : arena_printf(a, "%s/ursa-cp.key", c->work_dir).p;

    *facts = (struct doctor_facts){.certificates = ARENA_ARRAY(a, struct doctor_certificate, FACTS_MAX),
                                   .files = ARENA_ARRAY(a, struct doctor_file, FACTS_MAX)};
    add_certificate(facts, "the proxies' port", "general.tlsCertFile", cert, a);
    if (*c->https_cert_file)
        add_certificate(facts, "the HTTPS API", "apiServer.https.tlsCertFile", c->https_cert_file, a);
    add_file(facts, c->work_dir);
    add_file(facts, key);
    add_file(facts, c->https_key_file);
    if (c->store_kind != STORE_SQLITE)
        return;
    add_file(facts, c->seal_key_file);
    add_file(facts, c->sqlite_path);
    add_file(facts, arena_printf(a, "%s-wal", c->sqlite_path).p);
    add_disk(facts, c->sqlite_path, a);
}
