/* Views: which endpoints a service has, and what two views share. */
#include <string.h>

#include "../../lib/test.h"
#include "ursa/base/buf.h"
#include "ursa/base/json.h"
#include "ursa/mesh.h"

/* JSON of a text with single quotes. */
static struct str json_text(struct arena *a, const char *text)
{
    char *json = arena_cstr(a, str_from_c(text));
    for (char *p = json; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    return str_from_c(json);
}

static struct resource *resource(enum res_type type, const char *text)
{
    struct arena a;
    arena_init(&a);
    struct err e;
    err_init(&e, &a);
    json_t *doc = NULL;
    struct resource *r = NULL;
    if (json_parse(json_text(&a, text), &doc, &e) || resource_decode(type, doc, &r, &e))
        FAIL("%s: " STR_FMT, text, STR_ARG(e.text));
    json_decref(doc);
    arena_fini(&a);
    return r;
}

static struct resource *dataplane(const char *name, const char *networking)
{
    char text[1024];
    snprintf(text, sizeof text, "{'type': 'Dataplane', 'mesh': 'm', 'name': '%s', 'networking': {%s}}", name,
             networking);
    return resource(RES_DATAPLANE, text);
}

/* "10.0.0.1:80 10.0.0.2:80" */
static struct str addresses(struct arena *a, const struct view *v, const char *service)
{
    const struct service *s = view_service(v, str_from_c(service));
    if (!s)
        return STR("none");
    struct str text = STR("");
    for (size_t i = 0; i < s->n_endpoints; i++)
        text = arena_printf(a, STR_FMT "%s" STR_FMT ":%u", STR_ARG(text), i ? " " : "",
                            STR_ARG(s->endpoints[i].address), s->endpoints[i].port);
    return text;
}

TEST(endpoints_are_the_healthy_inbounds_of_a_service)
{
    static const struct {
        const char *name, *networking, *want;
    } rows[] = {
        {"plain", "'address': '10.0.0.1', 'inbound': [{'port': 80, 'tags': {'kuma.io/service': 's'}}]",
         "10.0.0.1:80"},
        {"another service",
         "'address': '10.0.0.1', 'inbound': [{'port': 80, 'tags': {'kuma.io/service': 't'}}]", "none"},
        {"own address",
         "'address': '10.0.0.1', 'inbound': [{'port': 80, 'address': '10.0.0.7', 'tags': {'kuma.io/service': "
         "'s'}}]",
         "10.0.0.7:80"},
        {"advertised",
         "'address': '10.0.0.1', 'advertisedAddress': '10.9.9.9', 'inbound': [{'port': 80, 'tags': "
         "{'kuma.io/service': 's'}}]",
         "10.9.9.9:80"},
        {"ready",
         "'address': '10.0.0.1', 'inbound': [{'port': 80, 'health': {'ready': true}, 'tags': "
         "{'kuma.io/service': 's'}}]",
         "10.0.0.1:80"},
        {"not ready",
         "'address': '10.0.0.1', 'inbound': [{'port': 80, 'health': {}, 'tags': {'kuma.io/service': 's'}}]",
         ""},
        {"not probed yet",
         "'address': '10.0.0.1', 'inbound': [{'port': 80, 'serviceProbe': {'tcp': {}}, 'tags': "
         "{'kuma.io/service': 's'}}]",
         ""},
        {"sorted by port",
         "'address': '10.0.0.1', 'inbound': [{'port': 90, 'tags': {'kuma.io/service': 's'}}, {'port': 80, "
         "'tags': {'kuma.io/service': 's'}}]",
         "10.0.0.1:80 10.0.0.1:90"},
        {"a gateway offers none", "'address': '10.0.0.1', 'gateway': {'tags': {'kuma.io/service': 's'}}",
         "none"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a;
        arena_init(&a);
        struct resource *list[] = {resource(RES_MESH, "{'type': 'Mesh', 'name': 'm'}"),
                                   dataplane("d", rows[i].networking)};
        struct snap *snap = snap_from_list(list, ARRAY_LEN(list), 1);
        struct view *v = view_new(snap, STR("m"));
        EXPECT_STR(rows[i].name, addresses(&a, v, "s"), rows[i].want);
        view_unref(v);
        snap_unref(snap);
        resource_unref(list[0]);
        resource_unref(list[1]);
        arena_fini(&a);
    }
}

struct world {
    struct resource *mesh, *d1, *d2, *d2_moved, *insight;
    struct snap *one, *two, *moved;
};

static struct world world_new(void)
{
    struct world w = {
        .mesh =
            resource(RES_MESH, "{'type': 'Mesh', 'name': 'm', 'mtls': {'enabledBackend': 'ca', 'backends': "
                               "[{'name': 'ca', 'type': 'builtin', 'mode': 'PERMISSIVE'}]}}"),
        .d1 = dataplane("d1",
                        "'address': '10.0.0.1', 'inbound': [{'port': 80, 'tags': {'kuma.io/service': 's'}}, "
                        "{'port': 81, 'tags': {'kuma.io/service': 'other'}}]"),
        .d2 = dataplane("d2",
                        "'address': '10.0.0.2', 'inbound': [{'port': 80, 'tags': {'kuma.io/service': 's'}}]"),
        .d2_moved = dataplane(
            "d2", "'address': '10.0.0.2', 'inbound': [{'port': 80, 'tags': {'kuma.io/service': 't'}}]"),
        .insight = resource(
            RES_DATAPLANE_INSIGHT,
            "{'type': 'DataplaneInsight', 'mesh': 'm', 'name': 'd1', 'mTLS': {'issuedBackend': 'ca'}}"),
    };
    w.one = snap_from_list((struct resource *[]){w.mesh, w.d1, w.insight}, 3, 1);
    w.two = snap_from_list((struct resource *[]){w.mesh, w.d1, w.d2, w.insight}, 4, 2);
    w.moved = snap_from_list((struct resource *[]){w.mesh, w.d1, w.d2_moved, w.insight}, 4, 3);
    return w;
}

static void world_free(struct world *w)
{
    snap_unref(w->one);
    snap_unref(w->two);
    snap_unref(w->moved);
    struct resource *all[] = {w->mesh, w->d1, w->d2, w->d2_moved, w->insight};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        resource_unref(all[i]);
}

static void note(void *ctx, struct str service)
{
    buf_add_str(ctx, service);
}

TEST(the_next_view_shares_what_did_not_change)
{
    struct world w = world_new();
    struct arena a;
    arena_init(&a);
    struct buf touched;
    buf_init(&touched, 64);
    struct view *v1 = view_new(w.one, STR("m"));
    struct change add[] = {{CHANGE_PUT, NULL, w.d2}};
    struct view *v2 = view_next(v1, w.two, add, 1, note, &touched);
    EXPECT_STR("touched", buf_str(&touched), "s");
    buf_fini(&touched);
    EXPECT_STR("before", addresses(&a, v1, "s"), "10.0.0.1:80");
    EXPECT_STR("after", addresses(&a, v2, "s"), "10.0.0.1:80 10.0.0.2:80");
    EXPECT_TRUE("shared", view_service(v1, STR("other")) == view_service(v2, STR("other")));
    EXPECT_INT("revision", view_revision(v2), 2);

    struct change move[] = {{CHANGE_PUT, w.d2, w.d2_moved}};
    struct view *v3 = view_next(v2, w.moved, move, 1, NULL, NULL);
    EXPECT_STR("left", addresses(&a, v3, "s"), "10.0.0.1:80");
    EXPECT_STR("joined", addresses(&a, v3, "t"), "10.0.0.2:80");
    EXPECT_TRUE("equal sets, equal versions",
                view_service(v1, STR("s"))->version == view_service(v3, STR("s"))->version);

    struct change drop[] = {{CHANGE_DELETE, w.d2_moved, NULL}};
    struct view *v4 = view_next(v3, w.one, drop, 1, NULL, NULL);
    EXPECT_STR("nobody left", addresses(&a, v4, "t"), "none");
    view_unref(v1);
    view_unref(v2);
    view_unref(v3);
    view_unref(v4);
    arena_fini(&a);
    world_free(&w);
}

TEST(a_batch_may_name_one_dataplane_many_times)
{
    struct world w = world_new();
    struct arena a;
    arena_init(&a);
    struct view *empty = view_new(w.one, STR("m")), *full = view_new(w.two, STR("m"));
    const struct {
        const char *name;
        struct view *from;
        struct snap *to;
        struct change changes[3];
        size_t n;
        const char *s, *t;
    } rows[] = {
        {"created, moved",
         empty,
         w.moved,
         {{CHANGE_PUT, NULL, w.d2}, {CHANGE_PUT, w.d2, w.d2_moved}},
         2,
         "10.0.0.1:80",
         "10.0.0.2:80"},
        {"created, deleted",
         empty,
         w.one,
         {{CHANGE_PUT, NULL, w.d2_moved}, {CHANGE_DELETE, w.d2_moved, NULL}},
         2,
         "10.0.0.1:80",
         "none"},
        {"deleted, made again elsewhere",
         full,
         w.moved,
         {{CHANGE_DELETE, w.d2, NULL}, {CHANGE_PUT, NULL, w.d2_moved}},
         2,
         "10.0.0.1:80",
         "10.0.0.2:80"},
        {"moved there and back",
         full,
         w.two,
         {{CHANGE_PUT, w.d2, w.d2_moved}, {CHANGE_PUT, w.d2_moved, w.d2}},
         2,
         "10.0.0.1:80 10.0.0.2:80",
         "none"},
        {"deleted, made again, deleted",
         full,
         w.one,
         {{CHANGE_DELETE, w.d2, NULL}, {CHANGE_PUT, NULL, w.d2}, {CHANGE_DELETE, w.d2, NULL}},
         3,
         "10.0.0.1:80",
         "none"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct view *v = view_next(rows[i].from, rows[i].to, rows[i].changes, rows[i].n, NULL, NULL);
        EXPECT_STR(rows[i].name, addresses(&a, v, "s"), rows[i].s);
        EXPECT_STR(rows[i].name, addresses(&a, v, "t"), rows[i].t);
        view_unref(v);
    }
    view_unref(empty);
    view_unref(full);
    arena_fini(&a);
    world_free(&w);
}

TEST(a_service_speaks_what_all_of_its_inbounds_have_in_common)
{
#define INBOUND(port, protocol, more)                                                                        \
    "{'port': " #port ", 'tags': {'kuma.io/service': 's', 'kuma.io/protocol': '" protocol "'}" more "}"
    static const struct {
        const char *name, *inbounds;
        enum protocol want;
    } rows[] = {
        {"one", INBOUND(80, "http", ""), PROTOCOL_HTTP},
        {"two alike", INBOUND(80, "grpc", "") "," INBOUND(81, "grpc", ""), PROTOCOL_GRPC},
        {"in common", INBOUND(80, "grpc", "") "," INBOUND(81, "http2", ""), PROTOCOL_HTTP2},
        {"none healthy", INBOUND(80, "http", ", 'health': {}"), PROTOCOL_HTTP},
        {"an unhealthy one counts", INBOUND(80, "http", "") "," INBOUND(81, "tcp", ", 'health': {}"),
         PROTOCOL_TCP},
    };
#undef INBOUND
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char networking[512];
        snprintf(networking, sizeof networking, "'address': '10.0.0.1', 'inbound': [%s]", rows[i].inbounds);
        struct resource *list[] = {resource(RES_MESH, "{'type': 'Mesh', 'name': 'm'}"),
                                   dataplane("d", networking)};
        struct snap *snap = snap_from_list(list, ARRAY_LEN(list), 1);
        struct view *v = view_new(snap, STR("m"));
        EXPECT_INT(rows[i].name, view_service(v, STR("s"))->protocol, rows[i].want);
        view_unref(v);
        snap_unref(snap);
        resource_unref(list[0]);
        resource_unref(list[1]);
    }
}

TEST(changes_of_other_meshes_are_skipped)
{
    struct world w = world_new();
    struct view *v1 = view_new(w.one, STR("m"));
    struct resource *alien =
        resource(RES_DATAPLANE, "{'type': 'Dataplane', 'mesh': 'n', 'name': 'd1', 'networking': {'address': "
                                "'10.0.0.9', 'inbound': [{'port': 80, 'tags': {'kuma.io/service': 's'}}]}}");
    struct change c[] = {{CHANGE_PUT, NULL, alien}};
    struct view *v2 = view_next(v1, w.one, c, 1, NULL, NULL);
    EXPECT_TRUE("the same service", view_service(v1, STR("s")) == view_service(v2, STR("s")));
    struct snap *none = snap_from_list(NULL, 0, 9);
    EXPECT_TRUE("no mesh, no view", !view_new(none, STR("m")) && !view_next(v2, none, NULL, 0, NULL, NULL));
    snap_unref(none);
    view_unref(v1);
    view_unref(v2);
    resource_unref(alien);
    world_free(&w);
}

TEST(a_service_is_tls_ready_when_all_of_its_proxies_hold_a_certificate)
{
    struct world w = world_new();
    struct view *one = view_new(w.one, STR("m")), *two = view_new(w.two, STR("m"));
    EXPECT_TRUE("d1 holds one", view_service_tls_ready(one, STR("s")));
    EXPECT_TRUE("d2 holds none", !view_service_tls_ready(two, STR("s")));
    EXPECT_TRUE("nobody offers it", !view_service_tls_ready(one, STR("t")));
    view_unref(one);
    view_unref(two);
    world_free(&w);
}

/* While a mesh changes its CA both count: clients must not fall back to plain text meanwhile. */
TEST(what_a_posture_says_goes_before_what_the_mesh_says)
{
    static const struct {
        const char *name, *posture;
        bool ready;
        enum tls_serve serve;
        enum tls_dial dial;
        const char *issuer;
    } rows[] = {
        {"none", NULL, true, SERVE_BOTH, DIAL_READY, "ca"},
        {"to another CA",
         "{'serve': 'TLS', 'dial': 'TLS', 'issuer': {'backend': 'new'}, 'trusted': [{'backend': 'new'}, "
         "{'backend': 'ca'}]}",
         true, SERVE_TLS, DIAL_TLS, "new"},
        {"whose certificates are trusted no more",
         "{'serve': 'BOTH', 'issuer': {'backend': 'new'}, 'trusted': [{'backend': 'new'}]}", false,
         SERVE_BOTH, DIAL_PLAIN, "new"},
    };
    struct world w = world_new();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a;
        arena_init(&a);
        struct err e;
        err_init(&e, &a);
        struct res_key key = posture_key(STR("m"));
        struct resource *record = NULL;
        if (rows[i].posture)
            record = resource_from_stored(&key, json_text(&a, rows[i].posture), &e);
        struct snap *snap =
            snap_from_list((struct resource *[]){w.mesh, w.d1, w.insight, record}, record ? 4 : 3, 1);
        struct view *v = view_new(snap, STR("m"));
        struct stance stance = view_stance(v);
        EXPECT_INT(rows[i].name, view_service_tls_ready(v, STR("s")), rows[i].ready);
        EXPECT_INT(rows[i].name, stance.serve, rows[i].serve);
        EXPECT_INT(rows[i].name, stance.dial, rows[i].dial);
        EXPECT_STR(rows[i].name, stance.issuer, rows[i].issuer);
        view_unref(v);
        snap_unref(snap);
        resource_unref(record);
        arena_fini(&a);
    }
    world_free(&w);
}
