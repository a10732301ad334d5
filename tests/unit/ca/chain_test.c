/* CAs of more than one certificate: what is sent, what is trusted, what is refused. */
#include "brought.h"

#define AT "mtls.backends[0].conf.cert"

/* A root, a CA below it, and one below that; keys of each. */
struct family {
    struct world w;
    EVP_PKEY *root_key, *middle_key, *issuing_key;
    struct str root, middle, issuing, issuing_key_pem;
    struct blob *key_text;
};

static void family_init(struct family *f)
{
    world_init(&f->w);
    EXPECT_INT("key", pkey_new_p384(&f->root_key, &f->w.err), ERR_NONE);
    EXPECT_INT("key", pkey_new_rsa(2048, &f->middle_key, &f->w.err), ERR_NONE);
    EXPECT_INT("key", pkey_new_ec(&f->issuing_key, &f->w.err), ERR_NONE);
    f->root = brought_pem(&f->w, &(struct brought){.key = f->root_key, .name = "root"});
    f->middle = brought_pem(
        &f->w, &(struct brought){
                   .key = f->middle_key, .name = "middle", .issuer = f->root, .issuer_key = f->root_key});
    f->issuing = brought_pem(&f->w, &(struct brought){.key = f->issuing_key,
                                                      .name = "issuing",
                                                      .issuer = f->middle,
                                                      .issuer_key = f->middle_key});
    f->key_text = pkey_to_pem(f->issuing_key);
    f->issuing_key_pem = blob_str(f->key_text);
}

static void family_fini(struct family *f)
{
    blob_unref(f->key_text);
    EVP_PKEY_free(f->root_key);
    EVP_PKEY_free(f->middle_key);
    EVP_PKEY_free(f->issuing_key);
    world_fini(&f->w);
}

static struct str joined(struct family *f, struct str a, struct str b, struct str c)
{
    return arena_printf(&f->w.arena, STR_FMT STR_FMT STR_FMT, STR_ARG(a), STR_ARG(b), STR_ARG(c));
}

static struct str fault_of(struct family *f, const struct ca_backend *backend)
{
    enum err_kind kind = ca_check_backend(f->w.snap, STR("demo"), backend, NULL, 0, &f->w.err);

    EXPECT_INT("kind", kind, f->w.err.kind);
    return world_fault(&f->w);
}

static struct authority *authority_of(struct family *f, const char *name, struct str certs)
{
    struct ca_backend backend =
        backend_of("provided", conf_of(&f->w, "inlineString", certs, f->issuing_key_pem));
    struct authority *ca = NULL;

    EXPECT_STR(name, fault_of(f, &backend), "(no error)");
    EXPECT_INT(name, authority_load(f->w.snap, STR("demo"), &backend, &ca, &f->w.err), ERR_NONE);
    return ca;
}

/* What a proxy that trusts the bundle makes of a leaf and what comes with it. */
static bool is_accepted(struct str bundle, struct str shown)
{
    BIO *in = BIO_new_mem_buf(shown.p, (int)shown.n);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    STACK_OF(X509) *between = sk_X509_new_null();
    X509 *leaf = PEM_read_bio_X509(in, NULL, NULL, NULL), *cert;
    bool accepted;

    while ((cert = PEM_read_bio_X509(in, NULL, NULL, NULL)))
        sk_X509_push(between, cert);
    BIO_free(in);
    in = BIO_new_mem_buf(bundle.p, (int)bundle.n);
    while ((cert = PEM_read_bio_X509(in, NULL, NULL, NULL))) {
        X509_STORE_add_cert(store, cert);
        X509_free(cert);
    }
    BIO_free(in);
    X509_STORE_CTX_init(ctx, store, leaf, between);
    X509_STORE_CTX_set_time(ctx, 0, (time_t)NOW_S);
    X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_PARTIAL_CHAIN);
    X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
    accepted = X509_verify_cert(ctx) == 1;
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    sk_X509_pop_free(between, X509_free);
    X509_free(leaf);
    return accepted;
}

TEST(what_is_sent_and_what_is_trusted)
{
    static const struct str uris[] = {STR_INIT("spiffe://demo/web")};
    struct family f;

    family_init(&f);
    struct str other = brought_pem(&f.w, &(struct brought){.key = f.middle_key, .name = "the next root"});
    struct str own = brought_pem(&f.w, &(struct brought){.key = f.issuing_key, .name = "own root"});
    const struct {
        const char *name;
        struct str certs, trusted, between;
    } rows[] = {
        {"a root", own, own, STR("")},
        {"a chain", joined(&f, f.issuing, f.middle, f.root), f.root,
         joined(&f, f.issuing, f.middle, STR(""))},
        {"in another order", joined(&f, f.issuing, f.root, f.middle), f.root,
         joined(&f, f.issuing, f.middle, STR(""))},
        {"a chain without its root", joined(&f, f.issuing, f.middle, STR("")), f.middle, f.issuing},
        {"a CA alone", f.issuing, f.issuing, STR("")},
        {"a root and the next one", joined(&f, own, other, STR("")), joined(&f, own, other, STR("")),
         STR("")},
        {"a chain and another root", joined(&f, f.issuing, other, joined(&f, f.middle, f.root, STR(""))),
         joined(&f, other, f.root, STR("")), joined(&f, f.issuing, f.middle, STR(""))},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct authority *ca = authority_of(&f, rows[i].name, rows[i].certs);
        struct str bundle = blob_str(authority_bundle(ca)), shown;
        struct leaf *leaf;

        EXPECT_STR(rows[i].name, bundle, rows[i].trusted.p);
        EXPECT_INT(rows[i].name, authority_issue(ca, uris, 1, DAY_NS, &leaf, &f.w.err), ERR_NONE);
        shown = blob_str(leaf->cert_pem);
        EXPECT_TRUE(rows[i].name, str_has_suffix(shown, rows[i].between));
        EXPECT_TRUE(rows[i].name, is_accepted(bundle, shown));
        leaf_unref(leaf);
        authority_unref(ca);
    }
    family_fini(&f);
}

/* The authority ends with the first of the certificates that lead to its root. */
TEST(a_chain_ends_with_its_first)
{
    struct family f;

    family_init(&f);
    struct str middle = brought_pem(&f.w, &(struct brought){.key = f.middle_key,
                                                            .name = "middle",
                                                            .issuer = f.root,
                                                            .issuer_key = f.root_key,
                                                            .from_s = -10,
                                                            .to_s = 3600});
    struct authority *ca = authority_of(&f, "chain", joined(&f, f.issuing, middle, f.root));

    EXPECT_INT("end", authority_expires_ns(ca), (NOW_S + 3600) * NS_PER_S);
    authority_unref(ca);
    family_fini(&f);
}

TEST(chain_faults)
{
    PKEY_AUTO small = NULL;
    PKEY_AUTO odd = NULL;
    struct family f;

    family_init(&f);
    EXPECT_INT("key", pkey_new_rsa(1024, &small, &f.w.err), ERR_NONE);
    odd = EVP_EC_gen("secp256k1");
    struct brought below = {
        .key = f.issuing_key, .name = "issuing", .issuer = f.root, .issuer_key = f.root_key};
    struct brought expired = {.key = f.issuing_key, .from_s = -100, .to_s = -1};
    struct brought early = {.key = f.issuing_key, .from_s = 60, .to_s = 100};
    struct brought weak = below, constrained = below, clients = below;

    weak.digest = EVP_sha1();
    constrained.extra = NID_name_constraints;
    constrained.extra_text = "critical,permitted;URI:.example.com";
    clients.extra = NID_ext_key_usage;
    clients.extra_text = "clientAuth";
    struct str closed = brought_pem(
        &f.w, &(struct brought){.key = f.root_key, .name = "root", .basic = "critical,CA:TRUE,pathlen:0"});
    struct str own = brought_pem(&f.w, &(struct brought){.key = f.issuing_key, .name = "own root"});
    struct str foreign = brought_pem(&f.w, &(struct brought){.key = f.root_key, .name = "root"});
    struct str stranger = brought_pem(
        &f.w, &(struct brought){
                  .key = f.middle_key, .name = "stranger", .issuer = foreign, .issuer_key = f.root_key});
    const struct {
        const char *name;
        struct str certs;
        const char *want; /* NULL: accepted */
    } rows[] = {
        {"expired", brought_pem(&f.w, &expired), AT "[0]: it has expired at 2027-01-15T07:59:59Z"},
        {"not yet", brought_pem(&f.w, &early), AT "[0]: it is not valid before 2027-01-15T08:01:00Z"},
        {"expired root",
         joined(&f, brought_pem(&f.w, &below), STR(""),
                brought_pem(
                    &f.w, &(struct brought){.key = f.root_key, .name = "root", .from_s = -100, .to_s = -1})),
         AT "[1]: it has expired at 2027-01-15T07:59:59Z"},
        {"RSA of 1024 beside it",
         joined(&f, own, brought_pem(&f.w, &(struct brought){.key = small}), STR("")),
         AT "[1]: its RSA key has 1024 bits: at least 2048 are needed"},
        {"a curve that proxies do not know",
         joined(&f, own, brought_pem(&f.w, &(struct brought){.key = odd}), STR("")),
         AT "[1]: its key must be RSA, or EC on P-256, P-384 or P-521"},
        {"SHA-1", joined(&f, brought_pem(&f.w, &weak), f.root, STR("")),
         AT "[0]: its signature uses sha1: SHA-256, SHA-384 or SHA-512 is needed"},
        {"SHA-1 of a root, which nobody verifies",
         brought_pem(&f.w, &(struct brought){.key = f.issuing_key, .digest = EVP_sha1()}), NULL},
        {"path length", joined(&f, f.issuing, f.middle, closed),
         AT "[2]: its path length constraint of 0 is too small: with certificates of proxies it needs 2"},
        {"path length of one that signs itself",
         brought_pem(&f.w, &(struct brought){.key = f.issuing_key, .basic = "critical,CA:TRUE,pathlen:0"}),
         NULL},
        {"does not belong here", joined(&f, own, stranger, STR("")),
         AT "[1]: it is no root, and has issued none of the certificates that lead from the first one"},
        {"a root of the same name with another key",
         joined(&f, f.issuing, f.middle,
                brought_pem(&f.w, &(struct brought){.key = f.issuing_key, .name = "root"})),
         NULL},
        {"name constraints", joined(&f, brought_pem(&f.w, &constrained), f.root, STR("")),
         AT ": proxies would not accept what it signs: permitted subtree violation"},
        {"for clients only", joined(&f, brought_pem(&f.w, &clients), f.root, STR("")),
         AT ": proxies would not accept what it signs: unsuitable certificate purpose"},
        {"several",
         joined(&f, brought_pem(&f.w, &expired), brought_pem(&f.w, &(struct brought){.key = small}), STR("")),
         AT "[0]: it has expired at 2027-01-15T07:59:59Z; " AT
            "[1]: its RSA key has 1024 bits: at least 2048 are needed"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ca_backend backend =
            backend_of("provided", conf_of(&f.w, "inlineString", rows[i].certs, f.issuing_key_pem));

        EXPECT_STR(rows[i].name, fault_of(&f, &backend), rows[i].want ? rows[i].want : "(no error)");
    }
    family_fini(&f);
}

/* What has been let in once is not held against the clock again. */
TEST(a_stored_ca_may_have_ended)
{
    struct family f;

    family_init(&f);
    struct str ended = brought_pem(&f.w, &(struct brought){.key = f.issuing_key, .from_s = -100, .to_s = -1});
    struct ca_backend backend =
        backend_of("provided", conf_of(&f.w, "inlineString", ended, f.issuing_key_pem));
    struct ca_backend other = backend;

    other.conf.text = STR("{}");
    EXPECT_INT("the same", ca_check_backend(f.w.snap, STR("demo"), &backend, &backend, 0, &f.w.err),
               ERR_NONE);
    EXPECT_INT("it was another one", ca_check_backend(f.w.snap, STR("demo"), &backend, &other, 0, &f.w.err),
               ERR_INVALID);
    EXPECT_STR("text", world_fault(&f.w), AT "[0]: it has expired at 2027-01-15T07:59:59Z");
    other = backend;
    other.type = STR("builtin");
    EXPECT_INT("of another type", ca_check_backend(f.w.snap, STR("demo"), &backend, &other, 0, &f.w.err),
               ERR_INVALID);
    family_fini(&f);
}
