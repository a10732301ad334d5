/* Who is there, who may come back, and whether that stays so. */
#include "../../../src/rollout/absent.h"

#include "../../lib/test.h"
#include "ursa/base/clock.h"

#define T0 (INT64_C(1700000000) * NS_PER_S)
#define S NS_PER_S

static const struct presence_options options = {.instance_id = STR_INIT("this"), .started_ns = T0};

/* A subscription: from which instance, when it ended (0: it has not). */
struct sub {
    const char *id, *instance;
    int64_t ended_ns;
};

static struct snap *snap_of(const struct sub *subs, size_t n, bool has_dataplane)
{
    static const struct dp_inbound inbound = {.port = 80};
    struct dp_networking networking = {
        .address = STR("10.0.0.1"), .inbound = (struct dp_inbound *)(uintptr_t)&inbound, .n_inbound = 1};
    struct dataplane_spec dataplane = {.networking = &networking};
    struct dp_subscription list[4];
    struct dataplane_insight_spec insight = {.subscriptions = list, .n_subscriptions = n};
    struct mesh_spec mesh = {0};
    for (size_t i = 0; i < n; i++)
        list[i] = (struct dp_subscription){.id = str_from_c(subs[i].id),
                                           .control_plane_instance_id = str_from_c(subs[i].instance),
                                           .connect_time = {true, T0},
                                           .disconnect_time = {subs[i].ended_ns != 0, subs[i].ended_ns}};
    struct resource *made[] = {
        resource_from_spec(&(struct res_key){RES_MESH, STR_NONE, STR("m")}, &mesh),
        resource_from_spec(&(struct res_key){RES_DATAPLANE_INSIGHT, STR("m"), STR("p")}, &insight),
        resource_from_spec(&(struct res_key){RES_DATAPLANE, STR("m"), STR("p")}, &dataplane)};
    struct snap *snap = snap_from_list(made, has_dataplane ? 3 : 2, 1);
    for (size_t i = 0; i < ARRAY_LEN(made); i++)
        resource_unref(made[i]);
    return snap;
}

TEST(who_was_online_a_moment_ago_is_waited_for)
{
    static const struct {
        const char *name;
        struct sub subs[3];
        int64_t now_ns;
        bool online, absent;
        int64_t until_ns;
    } rows[] = {
        {"never online", {{0}}, T0 + 5 * S, false, false, 0},
        {"online", {{"a", "this", 0}}, T0 + 5 * S, true, false, 0},
        {"on two streams, the newer of which ended",
         {{"a", "this", 0}, {"b", "this", T0 + S}},
         T0 + 5 * S,
         true,
         false,
         0},
        {"just gone", {{"a", "this", T0 + 100 * S}}, T0 + 101 * S, false, true, T0 + 160 * S},
        {"gone for a minute", {{"a", "this", T0 + 100 * S}}, T0 + 160 * S, false, false, 0},
        {"left open by the last instance", {{"a", "last", 0}}, T0 + 5 * S, false, true, T0 + 60 * S},
        {"... and this one has been here for a minute", {{"a", "last", 0}}, T0 + 60 * S, false, false, 0},
        {"a clock that went back", {{"a", "this", T0 + 9000 * S}}, T0 + 5 * S, false, true, T0 + 65 * S},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t n = 0;
        while (n < ARRAY_LEN(rows[i].subs) && rows[i].subs[n].id)
            n++;
        struct snap *snap = snap_of(rows[i].subs, n, true);
        struct presence p;
        presence_look(&p, &options, snap, STR("m"), rows[i].now_ns);
        EXPECT_INT(rows[i].name, p.online.n, rows[i].online);
        EXPECT_INT(rows[i].name, p.absent.n, rows[i].absent);
        EXPECT_INT(rows[i].name, p.until_ns, rows[i].until_ns);
        presence_fini(&p);
        snap_unref(snap);
    }
}

TEST(whoever_lost_its_stream_meanwhile_is_asked_about_again)
{
    static const struct {
        const char *name;
        struct sub subs[2];
        bool has_dataplane, held;
    } rows[] = {
        {"the same stream", {{"a", "this", 0}}, true, true},
        {"the same beside an ended one", {{"a", "this", 0}, {"b", "this", T0}}, true, true},
        {"it is gone", {{"a", "this", T0 + S}}, true, false},
        {"it came back", {{"a", "this", T0 + S}, {"b", "this", 0}}, true, false},
        {"its dataplane is gone", {{"a", "this", T0 + S}}, false, true},
    };
    static const struct sub before = {"a", "this", 0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct snap *then = snap_of(&before, 1, true), *now;
        now = snap_of(rows[i].subs, rows[i].subs[1].id ? 2 : 1, rows[i].has_dataplane);
        struct presence p;
        presence_look(&p, &options, then, STR("m"), T0);
        EXPECT_INT(rows[i].name, presence_held(&p, &options, now, STR("m")), rows[i].held);
        presence_fini(&p);
        snap_unref(then);
        snap_unref(now);
    }
}
