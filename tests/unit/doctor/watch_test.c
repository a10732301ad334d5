/* watch_test.c -- certificates that come near their end are told of at the instants that are known, once, and
 * counted for as long as it is so. */
#include <stdio.h>

#include "ursa/base/count.h"
#include "world.h"

struct scene {
    struct world world; /* makes resources */
    struct store *store;
    struct events *events;
    struct doctor_watch *watch;
    struct event_cursor cursor;
    struct mailbox box;
    struct mail mail;
    struct access_config access;
    atomic_int own_days; /* the control plane's own certificate ends then */
    struct err err;
};

/* One certificate of the control plane's own. */
static void look(void *ctx, struct arena *a, struct doctor_facts *out)
{
    struct scene *s = ctx;

    *out =
        (struct doctor_facts){.certificates = ARENA_NEW(a, struct doctor_certificate), .n_certificates = 1};
    out->certificates[0] = (struct doctor_certificate){
        .file = STR("own.crt"), .expires_ns = MADE_NS + atomic_load(&s->own_days) * DAY_NS};
}

static void heed(struct mail *mail)
{
    events_heed(CONTAINER_OF(mail, struct scene, mail)->events);
}

static void expect_none(enum err_kind kind, const struct err *e)
{
    if (kind != ERR_NONE)
        FAIL(STR_FMT, STR_ARG(e->text));
}

static void scene_init(struct scene *s)
{
    static const struct store_options memory = {.kind = STORE_MEMORY, .history_revisions = 100};

    static struct str admins[] = {STR_INIT("mesh-system:admin")};

    *s = (struct scene){.mail.handle = heed, .access = {.admin_resources = {{admins, 1}, {admins, 1}}}};
    world_init(&s->world);
    err_init(&s->err, &s->world.arena);
    expect_none(store_open(&memory, &s->store, &s->err), &s->err);
    s->events = events_new(s->store, 100);
    mailbox_init(&s->box);
    events_from_now(s->events, &s->cursor);
    events_listen(s->events, &s->box, &s->mail);
    atomic_init(&s->own_days, 3650);
    const struct doctor_watch_options options = {
        .store = s->store, .events = s->events, .look = look, .look_ctx = s};
    expect_none(doctor_watch_start(&options, &s->watch, &s->err), &s->err);
}

static void scene_fini(struct scene *s)
{
    doctor_watch_stop(s->watch);
    if (events_unlisten(s->events))
        mailbox_run(&s->box);
    mailbox_fini(&s->box);
    events_free(s->events);
    store_close(s->store);
    world_fini(&s->world);
}

/* Stores all that the world has made since, as one transaction; deletes the Mesh when it has made nothing. */
static void store_all(struct scene *s, size_t first)
{
    const struct store_origin who = {.author = STR("john"), .origin = ORIGIN_API, .now_ns = MADE_NS};
    const struct res_key mesh = {RES_MESH, STR(""), STR("blue")};
    uint64_t revision;

    expect_none(store_begin(s->store, &s->err), &s->err);
    expect_none(store_tx_begin(s->store, &who, &s->err), &s->err);
    for (size_t i = first; i < s->world.n; i++) {
        s->world.v[i]->modified_ns = 0; /* not stored yet */
        expect_none(store_tx_put(s->store, s->world.v[i], &s->err), &s->err);
    }
    if (first == s->world.n)
        expect_none(store_tx_delete(s->store, &mesh, &s->err), &s->err);
    expect_none(store_tx_end(s->store, true, &revision, &s->err), &s->err);
    expect_none(store_commit(s->store, &s->err), &s->err);
}

static void put_mesh(struct scene *s, const char *life)
{
    size_t first = s->world.n;
    struct str doc =
        arena_printf(&s->world.arena,
                     "{'type':'Mesh','name':'blue','mtls':{'enabledBackend':'ca','backends':[{'name':'ca',"
                     "'type':'builtin','conf':{'caCert':{'expiration':'%s'}}}]}}",
                     life);

    world_add(&s->world, doc.p);
    store_all(s, first);
}

/* The clock says so, and the watch looks at it. */
static void set_days(struct scene *s, int days)
{
    clock_fake(0, MADE_NS + days * DAY_NS);
    doctor_watch_look(s->watch);
}

/* Waits for the next finding: "state severity name". */
static struct str next_finding(struct scene *s)
{
    const struct event_filter f = {.kinds = 1u << EVENT_FINDING, .access = &s->access, .user = &user_admin};
    struct blob *text;

    while (events_next(s->events, &s->cursor, &f, &text) != EVENT_FOUND) {
        (void)mailbox_wait(&s->box, -1);
        mailbox_run(&s->box);
    }
    struct str all = blob_str(text), data = str_slice(all, str_find(all, STR("data: ")) + 6, all.n - 2);
    struct err e;
    json_t *o = NULL;
    err_init(&e, &s->world.arena);
    EXPECT_INT("event", json_parse(data, &o, &e), ERR_NONE);
    struct str line = arena_printf(
        &s->world.arena, STR_FMT " " STR_FMT " " STR_FMT, STR_ARG(json_str(json_get(o, "state"))),
        STR_ARG(json_str(json_get(o, "severity"))), STR_ARG(json_str(json_get(o, "name"))));
    json_decref(o);
    blob_unref(text);
    return line;
}

static void expect_counts(const char *when, int near, int close, int past)
{
    EXPECT_INT(when, count_get("certificates_expire_in_30_days"), near);
    EXPECT_INT(when, count_get("certificates_expire_in_7_days"), close);
    EXPECT_INT(when, count_get("certificates_expired"), past);
}

TEST(a_ca_is_told_of_at_each_threshold_once)
{
    struct scene s;

    scene_init(&s);
    put_mesh(&s, "40d");
    set_days(&s, 11);
    EXPECT_STR("30 days", next_finding(&s), "ca-expires warning blue");
    set_days(&s, 12);
    set_days(&s, 34);
    EXPECT_STR("7 days", next_finding(&s), "ca-expires error blue");
    set_days(&s, 41);
    EXPECT_STR("the end", next_finding(&s), "ca-expired error blue");
    expect_counts("the end", 0, 0, 1);
    scene_fini(&s);
    expect_counts("nothing is watched any more", 0, 0, 0);
}

TEST(another_ca_begins_anew)
{
    struct scene s;

    scene_init(&s);
    put_mesh(&s, "20d");
    EXPECT_STR("short from the start", next_finding(&s), "ca-expires warning blue");
    put_mesh(&s, "5d");
    EXPECT_STR("another, shorter still", next_finding(&s), "ca-expires error blue");
    expect_counts("the one that there is", 0, 1, 0);
    put_mesh(&s, "25d");
    EXPECT_STR("a longer one", next_finding(&s), "ca-expires warning blue");
    store_all(&s, s.world.n);
    atomic_store(&s.own_days, 10);
    set_days(&s, 0);
    EXPECT_STR("our own", next_finding(&s), "server-certificate-expires warning own.crt");
    expect_counts("our own, and not the mesh's that is gone", 1, 0, 0);
    scene_fini(&s);
}

TEST(a_clock_that_was_set_back)
{
    struct scene s;

    scene_init(&s);
    atomic_store(&s.own_days, 40);
    set_days(&s, 41);
    EXPECT_STR("gone by", next_finding(&s), "server-certificate-expired error own.crt");
    set_days(&s, 11);
    put_mesh(&s, "20d");
    EXPECT_STR("a moment later", next_finding(&s), "ca-expires warning blue");
    expect_counts("both", 2, 0, 0);
    scene_fini(&s);
}
