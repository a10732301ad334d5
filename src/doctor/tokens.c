/* tokens.c -- what makes tokens good: keys that have been in use for long, revocations that revoke nothing,
 * the token of the first start. Whether a token that was issued will end soon cannot be known here: tokens
 * are not kept. */
#include "exam.h"
#include "ursa/auth.h"
#include "ursa/base/clock.h"

#define KEY_OLD_NS (365 * 24 * 3600 * NS_PER_S)

static const char *const kind_words[TOKEN_KINDS] = {[TOKEN_DATAPLANE] = "dataplane",
                                                    [TOKEN_USER] = "user",
                                                    [TOKEN_ZONE] = "zone",
                                                    [TOKEN_ZONE_INGRESS] = "zone ingress"};

static struct str secret_title(struct arena *a, const struct res_key *key)
{
    return arena_printf(a, STR_FMT " " STR_FMT, STR_ARG(res_type_info(key->type)->name), STR_ARG(key->name));
}

static void check_key(struct exam *x, enum token_kind kind, struct str mesh)
{
    struct res_key key;
    int64_t made = signing_key_made_ns(x->world->snap, kind, mesh, x->arena, &key);
    struct arena *a = x->arena;
    struct finding *f;

    if (!made || x->world->now_ns - made < KEY_OLD_NS ||
        !(f = exam_add(x, FOUND_SIGNING_KEY_OLD, FINDING_INFO, mesh)))
        return;
    f->resource = secret_title(a, &key);
    f->text = arena_printf(a, "the newest key that signs %s tokens is from " STR_FMT, kind_words[kind],
                           STR_ARG(time_format(a, made)));
    f->remedy = STR(
        "store a key of the next number ('ursactl generate signing-key'), give out new tokens, then delete "
        "the old one: what it signed is good until then");
}

/* ---- revocations ---- */

static bool is_no_id(struct str entry)
{
    size_t n_dots = 0;

    for (size_t i = 0; i < entry.n; i++) {
        if ((unsigned char)entry.p[i] <= ' ')
            return true;
        n_dots += entry.p[i] == '.';
    }
    return entry.n == 0 || n_dots >= 2;
}

/* Entries are counted, never shown: one may be a whole token. */
static void check_revocations(struct exam *x, enum token_kind kind, struct str mesh)
{
    const struct res_key key = token_revocations_secret(x->arena, kind, mesh);
    const struct resource *secret = snap_find(x->world->snap, key.type, key.mesh, key.name);
    struct str list = secret ? resource_secret(secret)->data : STR_NONE, entry;
    size_t n = 0, first = 0;
    struct arena *a = x->arena;
    struct finding *f;

    if (str_has_suffix(list, STR("\n")))
        list.n--;
    for (size_t i = 1; list.n > 0 && str_next(&list, ',', &entry); i++) {
        if (!is_no_id(entry))
            continue;
        n++;
        first = first ? first : i;
    }
    if (n == 0 || !(f = exam_add(x, FOUND_REVOCATION_OF_NOTHING, FINDING_WARNING, mesh)))
        return;
    f->resource = secret_title(a, &key);
    f->text = arena_printf(
        a, "%zu of its entries, the first of them number %zu, can be no token's id: they revoke nothing", n,
        first);
    f->remedy =
        STR("put in the tokens' ids (their claim \"jti\"), with commas and nothing else between them");
}

static void check_kind(struct exam *x, enum token_kind kind, struct str mesh)
{
    check_key(x, kind, mesh);
    check_revocations(x, kind, mesh);
}

void check_mesh_tokens(struct mesh_exam *m)
{
    check_kind(m->exam, TOKEN_DATAPLANE, m->name);
}

/* ---- the control plane's ---- */

static void check_bootstrap_token(struct exam *x)
{
    static const char name[] = "admin-user-token";
    const struct resource *token = snap_find(x->world->snap, RES_GLOBAL_SECRET, STR_NONE, str_from_c(name));
    struct finding *f;

    if (!token || !(f = exam_add(x, FOUND_BOOTSTRAP_ADMIN_TOKEN, FINDING_WARNING, STR(""))))
        return;
    f->resource = resource_title(x->arena, token);
    f->text = STR("the administrator's token of the first start is still kept, for ten years and for nobody "
                  "in particular");
    f->remedy = STR(
        "issue one for each administrator ('ursactl generate user-token --name NAME --group "
        "mesh-system:admin "
        "--valid-for 720h'), put the old one's id into GlobalSecret user-token-revocations, 'ursactl delete "
        "global-secret admin-user-token', and set apiServer.authn.tokens.bootstrapAdminToken to false");
}

void check_tokens(struct exam *x)
{
    check_bootstrap_token(x);
    for (enum token_kind kind = TOKEN_USER; kind < TOKEN_KINDS; kind++)
        check_kind(x, kind, STR(""));
}
