/* events_test.c -- the ring of recent events: places, filters, what is kept, who is told. */
#include "ursa/events.h"

#include <stdio.h>
#include <string.h>

#include "../../lib/test.h"
#include "ursa/base/clock.h"

#define NOW_S INT64_C(1800000000)

struct world {
    struct store *store;
    struct events *events;
    struct arena arena;
    struct err err;
    struct access_config access;
};

static void world_init(struct world *w, size_t kept)
{
    static const struct store_options memory = {.kind = STORE_MEMORY, .history_revisions = 100};
    static struct str admins[] = {STR_INIT("mesh-system:admin")};
    *w = (struct world){.access = {.admin_resources = {{admins, 1}, {admins, 1}}}};
    clock_fake(NS_PER_S, NOW_S * NS_PER_S);
    arena_init(&w->arena);
    err_init(&w->err, &w->arena);
    if (store_open(&memory, &w->store, &w->err) != ERR_NONE)
        FAIL("store_open");
    w->events = events_new(w->store, kept);
}

static void world_fini(struct world *w)
{
    events_free(w->events);
    store_close(w->store);
    arena_fini(&w->arena);
    clock_fake(-1, -1);
}

static void expect_none(const char *what, enum err_kind kind)
{
    EXPECT_CSTR(what, err_kind_name(kind), err_kind_name(ERR_NONE));
}

static struct resource *make(enum res_type type, const char *mesh, const char *name)
{
    struct res_key key = {type, str_from_c(mesh), str_from_c(name)};
    if (type == RES_MESH)
        return resource_from_spec(&key, &(struct mesh_spec){0});
    return resource_from_spec(&key, &(struct secret_spec){.data = STR("eA==")});
}

/* Puts or deletes, a client transaction each; 'names' separated by blanks are one. */
static void change(struct world *w, enum res_type type, const char *mesh, const char *names, bool put,
                   enum res_origin origin)
{
    struct store_origin who = {.author = STR("john"), .origin = origin, .now_ns = NOW_S * NS_PER_S};
    struct str rest = str_from_c(names), name;
    uint64_t revision;
    expect_none("begin", store_begin(w->store, &w->err));
    expect_none("tx", store_tx_begin(w->store, &who, &w->err));
    while (str_next(&rest, ' ', &name)) {
        char *c = arena_cstr(&w->arena, name);
        struct res_key key = {type, str_from_c(mesh), name};
        if (put) {
            struct resource *r = make(type, mesh, c);
            expect_none("put", store_tx_put(w->store, r, &w->err));
            resource_unref(r);
        } else {
            expect_none("delete", store_tx_delete(w->store, &key, &w->err));
        }
    }
    expect_none("end", store_tx_end(w->store, true, &revision, &w->err));
    expect_none("commit", store_commit(w->store, &w->err));
}

/* "id name" of every event that passes, and how it ends when not with nothing more. */
static const char *read_all(struct world *w, struct event_cursor *c, const struct event_filter *f)
{
    static char out[1024];
    struct blob *text;
    size_t n = 0;
    enum event_found found;
    out[0] = '\0';
    while ((found = events_next(w->events, c, f, &text)) == EVENT_FOUND) {
        struct str all = blob_str(text), id = str_slice(all, str_find(all, STR("id: ")) + 4, all.n),
                   name = str_slice(all, str_find(all, STR("\"name\":\"")) + 8, all.n);
        n += (size_t)snprintf(out + n, sizeof(out) - n, "%s" STR_FMT " " STR_FMT, n ? ", " : "",
                              STR_ARG(str_slice(id, 0, str_chr(id, '\n'))),
                              STR_ARG(str_slice(name, 0, str_chr(name, '"'))));
        blob_unref(text);
    }
    if (found == EVENT_LOST)
        snprintf(out + n, sizeof(out) - n, "%slost", n ? ", " : "");
    return out;
}

static struct event_filter everything(const struct world *w)
{
    return (struct event_filter){.access = &w->access, .user = &user_admin};
}

TEST(an_event_on_the_wire)
{
    struct world w;
    struct blob *text;
    struct event_cursor c;
    world_init(&w, 10);
    struct event_filter f = everything(&w);
    events_from_now(w.events, &c);
    change(&w, RES_MESH, "", "m", true, ORIGIN_API);
    EXPECT_INT("found", events_next(w.events, &c, &f, &text), EVENT_FOUND);
    EXPECT_STR(
        "a change", blob_str(text),
        "event: resource\nid: 1-0\ndata: {\"revision\":1,\"time\":\"2027-01-15T08:00:00Z\",\"op\":\"create\","
        "\"author\":\"john\",\"type\":\"Mesh\",\"name\":\"m\"}\n\n");
    blob_unref(text);
    const struct event_member members[] = {{"xds", STR("lds")}, {"reason", STR("a \"b\"\nc")}};
    events_add(w.events, EVENT_NACK, &(struct res_key){RES_DATAPLANE, STR("m"), STR("web")}, "refused",
               members, ARRAY_LEN(members));
    EXPECT_INT("found", events_next(w.events, &c, &f, &text), EVENT_FOUND);
    EXPECT_STR(
        "a refusal", blob_str(text),
        "event: nack\nid: 1-1\ndata: {\"revision\":1,\"time\":\"2027-01-15T08:00:00Z\",\"state\":\"refused\","
        "\"xds\":\"lds\",\"reason\":\"a "
        "\\\"b\\\"\\nc\",\"type\":\"Dataplane\",\"mesh\":\"m\",\"name\":\"web\"}\n\n");
    blob_unref(text);
    world_fini(&w);
}

/* m at 1, then a proxy; a and b at 2, then a proxy; c at 3. */
static void happen(struct world *w)
{
    change(w, RES_MESH, "", "m", true, ORIGIN_API);
    events_add(w->events, EVENT_PROXY, &(struct res_key){RES_DATAPLANE, STR("m"), STR("p")}, "online", NULL,
               0);
    change(w, RES_SECRET, "m", "a b", true, ORIGIN_API);
    events_add(w->events, EVENT_PROXY, &(struct res_key){RES_DATAPLANE, STR("m"), STR("p")}, "offline", NULL,
               0);
    change(w, RES_SECRET, "m", "c", true, ORIGIN_API);
}

/* 'from' is a place, or a revision. */
static bool begin(struct world *w, const char *from, struct event_cursor *c)
{
    struct event_place place;
    uint64_t revision = 0;
    if (event_place_parse(str_from_c(from), &place))
        return events_from_place(w->events, place, c);
    return str_to_uint(str_from_c(from), UINT64_MAX, &revision) &&
           events_from_revision(w->events, revision, c);
}

TEST(where_a_reader_begins)
{
    static const struct {
        const char *name;
        size_t kept;
        const char *from; /* a revision, or a place */
        bool held;
        const char *want;
    } rows[] = {
        {"behind a revision", 10, "1", true, "1-1 p, 2-0 a, 2-1 b, 2-2 p, 3-0 c"},
        {"behind one of two changes", 10, "2", true, "2-2 p, 3-0 c"},
        {"behind the newest", 10, "3", true, ""},
        {"before all", 10, "0", true, "1-0 m, 1-1 p, 2-0 a, 2-1 b, 2-2 p, 3-0 c"},
        {"behind a place", 10, "2-0", true, "2-1 b, 2-2 p, 3-0 c"},
        {"behind the newest place", 10, "3-0", true, ""},
        {"between places", 10, "2-7", true, "3-0 c"},
        {"a place to come", 10, "3-1", false, ""},
        {"a revision that is not whole", 3, "1", false, ""},
        {"a revision whose changes are the reader's", 3, "2", true, "2-2 p, 3-0 c"},
        {"the last that has gone", 3, "2-0", true, "2-1 b, 2-2 p, 3-0 c"},
        {"before the last that has gone", 3, "1-1", false, ""},
        {"of an earlier instance", 10, "0-5", false, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world w;
        struct event_cursor c;
        world_init(&w, rows[i].kept);
        happen(&w);
        struct event_filter f = everything(&w);
        EXPECT_INT(rows[i].name, begin(&w, rows[i].from, &c), rows[i].held);
        EXPECT_CSTR(rows[i].name, read_all(&w, &c, &f), rows[i].want);
        world_fini(&w);
    }
}

/* As happen(), by an instance that is gone. */
TEST(where_a_reader_begins_after_a_restart)
{
    static const struct {
        const char *name;
        size_t kept;
        const char *from;
        bool held;
        const char *want;
    } rows[] = {
        {"before all", 10, "0", true, "1-0 m, 2-0 a, 2-1 b, 3-0 c"},
        {"behind a revision", 10, "1", true, "2-0 a, 2-1 b, 3-0 c"},
        {"behind the newest", 10, "3", true, ""},
        {"a place with changes to come again", 10, "2-0", false, "2-0 a, 2-1 b, 3-0 c"},
        {"behind all changes of a revision", 10, "2-1", false, "3-0 c"},
        {"behind what is not known any more", 10, "2-2", false, "3-0 c"},
        {"a place of the newest", 10, "3-0", false, ""},
        {"what the ring holds", 3, "1", true, "2-0 a, 2-1 b, 3-0 c"},
        {"what it does not", 3, "0", false, ""},
        {"half a revision", 2, "2-0", false, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world w;
        struct event_cursor c;
        world_init(&w, 10);
        happen(&w);
        struct events *gone = w.events;
        w.events = events_new(w.store, rows[i].kept);
        expect_none("recall", events_recall(w.events, w.store, &w.err));
        struct event_filter f = everything(&w);
        EXPECT_INT(rows[i].name, begin(&w, rows[i].from, &c), rows[i].held);
        EXPECT_CSTR(rows[i].name, read_all(&w, &c, &f), rows[i].want);
        events_add(w.events, EVENT_PROXY, &(struct res_key){RES_DATAPLANE, STR("m"), STR("p")}, "online",
                   NULL, 0);
        EXPECT_CSTR("and then what happens now", read_all(&w, &c, &f), "3-1800000001 p");
        events_free(gone);
        world_fini(&w);
    }
}

TEST(filters)
{
    static const struct {
        const char *name, *mesh, *group;
        enum res_type type; /* RES_N: all */
        unsigned kinds;
        const char *want;
    } rows[] = {
        {"all", NULL, "mesh-system:admin", RES_N, 0, "m n p q s t k"},
        {"a mesh and itself", "m", "mesh-system:admin", RES_N, 0, "m p s"},
        {"a type", NULL, "mesh-system:admin", RES_MESH, 0, "m n"},
        {"proxies are Dataplanes", NULL, "mesh-system:admin", RES_DATAPLANE, 0, "p q"},
        {"a kind", NULL, "mesh-system:admin", RES_N, 1u << EVENT_PROXY, "p q"},
        {"what is of the control plane", NULL, "mesh-system:admin", RES_N, 1u << EVENT_FINDING, "k"},
        {"a viewer of a mesh", NULL, "mesh:m:viewer", RES_N, 0, "m p"},
        {"its admin", NULL, "mesh:m:admin", RES_N, 0, "m p s"},
        {"nobody's secrets for a user", NULL, "mesh-system:authenticated", RES_N, 0, "m n p q"},
    };
    struct world w;
    world_init(&w, 10);
    change(&w, RES_MESH, "", "m n", true, ORIGIN_API);
    events_add(w.events, EVENT_PROXY, &(struct res_key){RES_DATAPLANE, STR("m"), STR("p")}, "online", NULL,
               0);
    events_add(w.events, EVENT_PROXY, &(struct res_key){RES_DATAPLANE, STR("n"), STR("q")}, "online", NULL,
               0);
    change(&w, RES_SECRET, "m", "s", true, ORIGIN_API);
    change(&w, RES_SECRET, "n", "t", true, ORIGIN_API);
    events_add(w.events, EVENT_FINDING, &(struct res_key){.type = RES_N, .name = STR("k")}, "found", NULL, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str group = str_from_c(rows[i].group);
        struct user user = {.name = STR("john"), .groups = {&group, 1}};
        struct event_filter f = {.mesh = str_from_c(rows[i].mesh),
                                 .types = rows[i].type == RES_N ? 0 : UINT64_C(1) << rows[i].type,
                                 .kinds = rows[i].kinds,
                                 .access = &w.access,
                                 .user = &user};
        struct event_cursor c;
        struct blob *text;
        char got[64] = "";
        EXPECT_TRUE("held", events_from_revision(w.events, 0, &c));
        while (events_next(w.events, &c, &f, &text) == EVENT_FOUND) {
            struct str all = blob_str(text),
                       name = str_slice(all, str_find(all, STR("\"name\":\"")) + 8, all.n);
            size_t n = strlen(got);
            snprintf(got + n, sizeof(got) - n, "%s%c", n ? " " : "", name.p[0]);
            blob_unref(text);
        }
        EXPECT_CSTR(rows[i].name, got, rows[i].want);
    }
    world_fini(&w);
}

TEST(who_reads_slowly_falls_out)
{
    struct world w;
    struct event_cursor c;
    world_init(&w, 3);
    struct event_filter f = everything(&w);
    events_from_now(w.events, &c);
    change(&w, RES_MESH, "", "a b c", true, ORIGIN_API);
    struct event_cursor in_time = c;
    EXPECT_CSTR("all three are kept", read_all(&w, &in_time, &f), "1-0 a, 1-1 b, 1-2 c");
    change(&w, RES_MESH, "", "d", true, ORIGIN_API);
    EXPECT_CSTR("the first is not", read_all(&w, &c, &f), "lost");
    EXPECT_CSTR("who read is not affected", read_all(&w, &in_time, &f), "2-0 d");
    world_fini(&w);
}

static int n_notices;

static void take_notice(struct mail *mail)
{
    (void)mail;
    n_notices++;
}

TEST(a_listener_is_told_once)
{
    struct world w;
    struct mailbox box;
    struct mail mail = {.handle = take_notice};
    world_init(&w, 3);
    mailbox_init(&box);
    n_notices = 0;
    events_listen(w.events, &box, &mail);
    change(&w, RES_MESH, "", "a b", true, ORIGIN_API);
    change(&w, RES_MESH, "", "c", true, ORIGIN_API);
    mailbox_run(&box);
    EXPECT_INT("one notice", n_notices, 1);
    events_heed(w.events);
    EXPECT_INT("nothing new", (long long)mailbox_run(&box), 0);
    change(&w, RES_MESH, "", "c", false, ORIGIN_API);
    mailbox_run(&box);
    EXPECT_INT("another", n_notices, 2);
    EXPECT_TRUE("not heeded", events_unlisten(w.events));
    change(&w, RES_MESH, "", "c", true, ORIGIN_API);
    EXPECT_INT("none after it", (long long)mailbox_run(&box), 0);
    mailbox_fini(&box);
    world_fini(&w);
}

TEST(what_makes_no_history_has_the_revision_before_it)
{
    struct world w;
    struct event_cursor c;
    world_init(&w, 10);
    struct event_filter f = everything(&w);
    change(&w, RES_MESH, "", "m", true, ORIGIN_API);
    change(&w, RES_SECRET, "m", "x", true, ORIGIN_PROXY); /* of what type does not matter here */
    EXPECT_TRUE("held", events_from_revision(w.events, 1, &c));
    EXPECT_CSTR("behind it", read_all(&w, &c, &f), "1-1 x");
    world_fini(&w);
}
