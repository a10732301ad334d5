/* Files of provided CAs: what is read, what is refused, and that nothing is read elsewhere. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../src/ca/file.h"
#include "brought.h"

/* <folder>/in (that is configured) and <folder>/out, with files and links. */
struct tree {
    struct world w;
    char folder[32];
    struct str_list folders;
};

static const char *at(struct tree *t, const char *name)
{
    return arena_printf(&t->w.arena, "%s/%s", t->folder, name).p;
}

static void write_file(struct tree *t, const char *name, const char *text, size_t n)
{
    int fd = open(at(t, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    EXPECT_TRUE(name, fd >= 0 && write(fd, text, n) == (ssize_t)n);
    close(fd);
}

static void tree_init(struct tree *t)
{
    world_init(&t->w);
    snprintf(t->folder, sizeof(t->folder), "/tmp/ursa-ca-XXXXXX");
    EXPECT_TRUE("folder", mkdtemp(t->folder) != NULL);
    EXPECT_INT("in", mkdir(at(t, "in"), 0700), 0);
    EXPECT_INT("in-2", mkdir(at(t, "in-2"), 0700), 0);
    EXPECT_INT("out", mkdir(at(t, "out"), 0700), 0);
    EXPECT_INT("below", mkdir(at(t, "in/below"), 0700), 0);
    t->folders = (struct str_list){.v = ARENA_ARRAY(&t->w.arena, struct str, 1), .n = 1};
    t->folders.v[0] = str_from_c(at(t, "in/"));
}

static void tree_fini(struct tree *t)
{
    const char *command = arena_printf(&t->w.arena, "rm -r %s", t->folder).p;

    EXPECT_INT("removed", system(command), 0); /* NOLINT(cert-env33-c) */
    world_fini(&t->w);
}

static void link_to(struct tree *t, const char *target, const char *name)
{
    EXPECT_INT(name, symlink(target, at(t, name)), 0);
}

TEST(what_is_read)
{
    static char large[(64 << 10) + 1];
    static const char outside[] = "f: it leads out of its folder of general.caFolders",
                      elsewhere[] = "f: it is in none of the folders of general.caFolders";
    struct tree t;

    tree_init(&t);
    write_file(&t, "in/ca.pem", "text", 4);
    write_file(&t, "in/below/ca.pem", "below", 5);
    write_file(&t, "in/empty", "", 0);
    write_file(&t, "in/full", large, sizeof(large) - 1);
    write_file(&t, "in/large", large, sizeof(large));
    write_file(&t, "in-2/ca.pem", "beside", 6);
    write_file(&t, "out/secret", "secret", 6);
    link_to(&t, "below/ca.pem", "in/link");
    link_to(&t, "below", "in/folder");
    link_to(&t, "../out/secret", "in/up");
    link_to(&t, at(&t, "out/secret"), "in/absolute");
    link_to(&t, "../out", "in/folder-out");
    link_to(&t, "loop", "in/loop");
    link_to(&t, "/proc/self/environ", "in/magic");
    EXPECT_INT("fifo", mkfifo(at(&t, "in/fifo"), 0600), 0);
    const struct {
        const char *path, *want, *fault; /* of the two one */
    } rows[] = {
        {"in/ca.pem", "text", NULL},
        {"in/below/ca.pem", "below", NULL},
        {"in//below/./ca.pem", "below", NULL},
        {"in/below/../ca.pem", "text", NULL},
        {"in/link", "below", NULL},
        {"in/folder/ca.pem", "below", NULL},
        {"in/empty", "", NULL},
        {"in/up", NULL, outside},
        {"in/absolute", NULL, outside},
        {"in/folder-out/secret", NULL, outside},
        {"in/../out/secret", NULL, outside},
        {"in/below/../../out/secret", NULL, outside},
        {"in/loop", NULL, outside},
        {"in/magic", NULL, outside},
        {"in-2/ca.pem", NULL, elsewhere},
        {"out/secret", NULL, elsewhere},
        {"out/../in/ca.pem", NULL, elsewhere},
        {"in", NULL, elsewhere},
        {"in/", NULL, elsewhere},
        {"in/none", NULL, "f: there is no such file"},
        {"in/ca.pem/x", NULL, "f: there is no such file"},
        {"in/below", NULL, "f: it is no regular file"},
        {"in/fifo", NULL, "f: it is no regular file"},
        {"in/large", NULL, "f: it is larger than 65536 bytes"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str text = STR_NONE;

        ca_file_read(&t.folders, str_from_c(at(&t, rows[i].path)), &t.w.arena, &text, AT_FIELD(NULL, "f"),
                     &t.w.err);
        EXPECT_STR(rows[i].path, world_fault(&t.w), rows[i].fault ? rows[i].fault : "(no error)");
        EXPECT_STR(rows[i].path, text.p ? text : STR("(nothing)"), rows[i].want ? rows[i].want : "(nothing)");
    }
    struct str text;

    ca_file_read(&t.folders, str_from_c(at(&t, "in/full")), &t.w.arena, &text, NULL, &t.w.err);
    EXPECT_INT("full", text.n, 64 << 10);
    ca_file_read(&t.folders, STR("ca.pem"), &t.w.arena, &text, NULL, &t.w.err);
    EXPECT_STR("relative", world_fault(&t.w), "it is in none of the folders of general.caFolders");
    tree_fini(&t);
}

TEST(without_folders)
{
    static const char want[] = "f: files of the control plane cannot be used (general.caFolders names no "
                               "folder): store the text as a secret";
    struct str text;
    struct tree t;

    tree_init(&t);
    write_file(&t, "in/ca.pem", "text", 4);
    ca_file_read(&(struct str_list){0}, str_from_c(at(&t, "in/ca.pem")), &t.w.arena, &text,
                 AT_FIELD(NULL, "f"), &t.w.err);
    EXPECT_STR("text", world_fault(&t.w), want);
    tree_fini(&t);
}

/* From conf to an authority, by way of the secrets that the writer makes of the files. */
TEST(of_a_backend)
{
    PKEY_AUTO key = NULL;
    struct authority *ca;
    struct ca_files files;
    struct blob *pem;
    struct tree t;

    tree_init(&t);
    EXPECT_INT("key", pkey_new_ec(&key, &t.w.err), ERR_NONE);
    pem = pkey_to_pem(key);
    struct str cert = brought_pem(&t.w, &(struct brought){.key = key});
    write_file(&t, "in/ca.pem", cert.p, cert.n);
    write_file(&t, "in/key.pem", blob_str(pem).p, blob_str(pem).n);
    struct ca_backend both = backend_of(
        "provided", conf_of(&t.w, "file", str_from_c(at(&t, "in/ca.pem")), str_from_c(at(&t, "in/key.pem"))));
    struct ca_backend none = backend_of(
        "provided", conf_of(&t.w, "file", str_from_c(at(&t, "in/no")), str_from_c(at(&t, "out/key.pem"))));
    struct ca_backend inline_string =
        backend_of("provided", conf_of(&t.w, "inlineString", cert, blob_str(pem)));

    EXPECT_TRUE("has files", ca_backend_has_files(&both));
    EXPECT_TRUE("has none", !ca_backend_has_files(&inline_string));
    EXPECT_INT("each its cause", ca_files_read(&t.folders, &none, 1, &t.w.arena, &files, &t.w.err),
               ERR_INVALID);
    EXPECT_STR("text", world_fault(&t.w),
               "mtls.backends[1].conf.cert.file: there is no such file; "
               "mtls.backends[1].conf.key.file: it is in none of the folders of general.caFolders");
    EXPECT_INT("read", ca_files_read(&t.folders, &both, 0, &t.w.arena, &files, &t.w.err), ERR_NONE);
    EXPECT_TRUE("certificate", str_eq(files.cert, cert));
    EXPECT_TRUE("key", str_eq(files.key, blob_str(pem)));
    struct res_key cert_secret = ca_provided_cert_secret(&t.w.arena, STR("demo"), both.name);
    struct res_key key_secret = ca_provided_key_secret(&t.w.arena, STR("demo"), both.name);

    EXPECT_STR("name", cert_secret.name, "demo.ca-provided-cert-ca-1");
    EXPECT_TRUE("in use", ca_backend_uses_secret(STR("demo"), &both, key_secret.name));
    EXPECT_TRUE("not in use", !ca_backend_uses_secret(STR("demo"), &inline_string, key_secret.name));
    EXPECT_INT("not stored", authority_load(t.w.snap, STR("demo"), &both, &ca, &t.w.err), ERR_NOT_FOUND);
    world_fault(&t.w);
    world_put(&t.w, cert_secret, files.cert);
    world_put(&t.w, key_secret, files.key);
    EXPECT_INT("check", ca_check_backend(t.w.snap, STR("demo"), &both, NULL, 0, &t.w.err), ERR_NONE);
    EXPECT_INT("load", authority_load(t.w.snap, STR("demo"), &both, &ca, &t.w.err), ERR_NONE);
    EXPECT_TRUE("bundle", str_eq(blob_str(authority_bundle(ca)), cert));
    authority_unref(ca);
    both.name = STR("Upper");
    EXPECT_INT("a name that makes no secret",
               ca_check_backend(t.w.snap, STR("demo"), &both, NULL, 0, &t.w.err), ERR_INVALID);
    EXPECT_STR("text", world_fault(&t.w),
               "mtls.backends[0].conf.mtls.backends.name: \"Upper\" name must be valid dns name");
    blob_unref(pem);
    tree_fini(&t);
}
