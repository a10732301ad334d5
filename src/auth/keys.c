/* keys.c -- the secrets that hold signing keys and revocation lists: names, look-up, reading.
 *
 * A dataplane token belongs to a mesh and is signed with that mesh's key; the other kinds are global. A key
 * is replaced by storing the next serial; tokens of the old one stay valid until its secret is deleted. */
#include "keys.h"

#include "ursa/base/hash.h"

struct kind_info {
    struct str key_prefix;
    struct str revocations;
    bool of_mesh; /* kept in the mesh, whose name is part of the secret's */
};

static const struct kind_info kinds[] = {
    [TOKEN_DATAPLANE] = {STR_INIT("dataplane-token-signing-key"), STR_INIT("dataplane-token-revocations"),
                         true},
    [TOKEN_USER] = {STR_INIT("user-token-signing-key"), STR_INIT("user-token-revocations"), false},
    [TOKEN_ZONE] = {STR_INIT("zone-token-signing-key"), STR_INIT("zone-token-revocations"), false},
    [TOKEN_ZONE_INGRESS] = {STR_INIT("zone-ingress-token-signing-key"),
                            STR_INIT("zone-ingress-token-revocations"), false},
};

static struct res_key secret_key(struct arena *a, const struct kind_info *kind, struct str base,
                                 struct str mesh)
{
    if (!kind->of_mesh)
        return (struct res_key){.type = RES_GLOBAL_SECRET, .name = base};
    return (struct res_key){.type = RES_SECRET,
                            .mesh = mesh,
                            .name = arena_printf(a, STR_FMT "-" STR_FMT, STR_ARG(base), STR_ARG(mesh))};
}

struct res_key signing_key_secret(struct arena *a, enum token_kind kind, struct str mesh, unsigned serial)
{
    struct res_key key = secret_key(a, &kinds[kind], kinds[kind].key_prefix, mesh);

    key.name = arena_printf(a, STR_FMT "-%u", STR_ARG(key.name), serial);
    return key;
}

struct res_key token_revocations_secret(struct arena *a, enum token_kind kind, struct str mesh)
{
    return secret_key(a, &kinds[kind], kinds[kind].revocations, mesh);
}

enum err_kind signing_key_new(struct arena *a, struct str *pem, struct err *e)
{
    PKEY_AUTO key = NULL;
    struct blob *text;

    if (pkey_new_ec(&key, e))
        return e->kind;
    text = pkey_to_pem(key);
    *pem = arena_str(a, blob_str(text));
    blob_unref(text);
    return ERR_NONE;
}

static enum err_kind not_found(const struct res_key *key, unsigned serial, struct err *e)
{
    static const char advice[] = "If signing key was rotated, regenerate the token";

    if (key->type == RES_GLOBAL_SECRET)
        return err_set(e, ERR_NOT_FOUND,
                       "there is no signing key with KID %u. GlobalSecret of name \"" STR_FMT
                       "\" is not found. %s",
                       serial, STR_ARG(key->name), advice);
    return err_set(e, ERR_NOT_FOUND,
                   "there is no signing key with KID %u. Secret of name \"" STR_FMT "\" in mesh \"" STR_FMT
                   "\" is not found. %s",
                   serial, STR_ARG(key->name), STR_ARG(key->mesh), advice);
}

static enum err_kind read_key(const struct resource *secret, unsigned serial, struct signing_key *out,
                              struct err *e)
{
    out->serial = serial;
    if (pkey_read(resource_secret(secret)->data, &out->pkey, e)) {
        err_add_context(e, "signing key \"" STR_FMT "\"", STR_ARG(secret->key.name));
        return e->kind;
    }
    if (jws_key_alg(out->pkey, &out->alg))
        return ERR_NONE;
    signing_key_fini(out);
    return err_set(e, ERR_INVALID, "signing key \"" STR_FMT "\": expected " JWS_KEY_EXPECTED,
                   STR_ARG(secret->key.name));
}

void signing_key_fini(struct signing_key *key)
{
    EVP_PKEY_free(key->pkey);
    key->pkey = NULL;
}

enum err_kind signing_key_find(const struct snap *snap, enum token_kind kind, struct str mesh,
                               unsigned serial, struct signing_key *out, struct err *e)
{
    struct res_key key = signing_key_secret(e->arena, kind, mesh, serial);
    const struct resource *secret = snap_find(snap, key.type, key.mesh, key.name);

    return secret ? read_key(secret, serial, out, e) : not_found(&key, serial, e);
}

unsigned serial_parse(struct str text)
{
    uint64_t serial;

    if (text.n == 0 || text.p[0] < '1' || text.p[0] > '9')
        return 0;
    return str_to_uint(text, SERIAL_MAX, &serial) ? (unsigned)serial : 0;
}

/* The serial at the end of a secret's name; 0 when the name is not 'prefix'-<serial>. */
static unsigned serial_of(struct str name, struct str prefix)
{
    if (!str_has_prefix(name, prefix) || name.n <= prefix.n || name.p[prefix.n] != '-')
        return 0;
    return serial_parse(str_slice(name, prefix.n + 1, name.n));
}

/* 0: there is none. */
static unsigned newest_serial(const struct snap *snap, enum token_kind kind, struct str mesh, struct arena *a)
{
    struct res_key prefix = secret_key(a, &kinds[kind], kinds[kind].key_prefix, mesh);
    struct snap_range secrets = snap_range_prefix(snap, prefix.type, prefix.mesh, prefix.name);
    struct snap_iter it = snap_iter(&secrets);
    const struct resource *secret;
    unsigned newest = 0;

    while ((secret = snap_next(&it))) {
        unsigned serial = serial_of(secret->key.name, prefix.name);

        if (serial > newest)
            newest = serial;
    }
    return newest;
}

enum err_kind signing_key_newest(const struct snap *snap, enum token_kind kind, struct str mesh,
                                 struct signing_key *out, struct err *e)
{
    unsigned newest = newest_serial(snap, kind, mesh, e->arena);

    return signing_key_find(snap, kind, mesh, newest ? newest : 1, out, e);
}

int64_t signing_key_made_ns(const struct snap *snap, enum token_kind kind, struct str mesh, struct arena *a,
                            struct res_key *out)
{
    unsigned newest = newest_serial(snap, kind, mesh, a);

    if (!newest)
        return 0;
    *out = signing_key_secret(a, kind, mesh, newest);
    return snap_find(snap, out->type, out->mesh, out->name)->modified_ns;
}

uint64_t token_keys_version(const struct snap *snap, enum token_kind kind, struct str mesh)
{
    struct arena scratch;
    uint64_t version = 1;

    arena_init(&scratch);
    const struct str bases[] = {kinds[kind].key_prefix, kinds[kind].revocations};
    for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
        struct res_key prefix = secret_key(&scratch, &kinds[kind], bases[i], mesh);
        struct snap_range secrets = snap_range_prefix(snap, prefix.type, prefix.mesh, prefix.name);
        struct snap_iter it = snap_iter(&secrets);
        const struct resource *secret;

        while ((secret = snap_next(&it))) {
            struct str name = secret->key.name;

            version = hash_mix(hash_mix(version, hash_content(name.p, name.n)), secret->spec_json->hash);
        }
    }
    arena_fini(&scratch);
    return version;
}

bool token_is_revoked(const struct snap *snap, enum token_kind kind, struct str mesh, struct str id,
                      struct arena *a)
{
    struct res_key key = token_revocations_secret(a, kind, mesh);
    const struct resource *secret = snap_find(snap, key.type, key.mesh, key.name);
    struct str list, entry;

    if (!secret || id.n == 0)
        return false;
    list = resource_secret(secret)->data;
    if (str_has_suffix(list, STR("\n")))
        list.n--;
    while (str_next(&list, ',', &entry)) {
        if (str_eq(entry, id))
            return true;
    }
    return false;
}
