/* Which policies with a targetRef select a proxy, where, and in which order (resources.md 6.6, M1 to M4). */
#include "docs.h"

#define WEB                                                                                                  \
    "{'type': 'Dataplane', 'name': 'dp', 'networking': {'address': '10.0.0.1', 'inbound': ["                 \
    "{'port': 80, 'tags': {'kuma.io/service': 'web', 'v': '1'}}, "                                           \
    "{'port': 81, 'tags': {'kuma.io/service': 'adm', 'team': 'a'}}]}}"
#define EDGE                                                                                                 \
    "{'type': 'Dataplane', 'name': 'dp', 'networking': {'address': '10.0.0.1', 'gateway': "                  \
    "{'type': 'BUILTIN', 'tags': {'kuma.io/service': 'edge', 'v': '1'}}}}"
#define KONG                                                                                                 \
    "{'type': 'Dataplane', 'name': 'dp', 'networking': {'address': '10.0.0.1', 'gateway': "                  \
    "{'tags': {'kuma.io/service': 'kong'}}}}"
#define GATEWAY(name, service)                                                                               \
    "{'type': 'MeshGateway', 'name': '" name                                                                 \
    "', 'tags': {'v': '2'}, 'selectors': [{'match': {'kuma.io/service': '" service                           \
    "'}}], 'conf': {'listeners': [{'port': 80, 'protocol': 'HTTP', 'tags': {'l': 'a'}}, "                    \
    "{'port': 81, 'protocol': 'TCP', 'tags': {'l': 'b', 'v': '3'}}]}}"
#define ACTION "'from': [{'targetRef': {'kind': 'Mesh'}, 'default': {'action': 'Allow'}}]"
#define PERMISSION(name, ref)                                                                                \
    "{'type': 'MeshTrafficPermission', 'name': '" name "', 'spec': {'targetRef': {" ref "}, " ACTION "}}"
#define TIMEOUT(name, ref)                                                                                   \
    "{'type': 'MeshTimeout', 'name': '" name "', 'spec': {'targetRef': {" ref                                \
    "}, 'to': [{'targetRef': {'kind': 'Mesh'}, 'default': {'http': {'requestTimeout': '1s'}}}]}}"
#define ROUTE(name, ref)                                                                                     \
    "{'type': 'MeshHTTPRoute', 'name': '" name "', 'spec': {'targetRef': {" ref                              \
    "}, 'to': [{'targetRef': {'kind': 'MeshService', 'name': 'x'}}]}}"

static const struct {
    const char *name, *docs[DOCS_MAX];
    enum res_type type;
    const char *want; /* name and a digit a place: 1 where it is selected */
} rows[] = {
    {"all of the mesh", {WEB, PERMISSION("a", "'kind': 'Mesh'")}, RES_MESH_TRAFFIC_PERMISSION, "a:11 "},
    {"tags of an inbound",
     {WEB, PERMISSION("a", "'kind': 'MeshSubset', 'tags': {'team': 'a'}")},
     RES_MESH_TRAFFIC_PERMISSION,
     "a:01 "},
    {"tags that no single inbound has",
     {WEB, PERMISSION("a", "'kind': 'MeshSubset', 'tags': {'team': 'a', 'v': '1'}")},
     RES_MESH_TRAFFIC_PERMISSION,
     ""},
    {"any value",
     {WEB, PERMISSION("a", "'kind': 'MeshSubset', 'tags': {'v': '*'}")},
     RES_MESH_TRAFFIC_PERMISSION,
     "a:10 "},
    {"a subset without tags is all",
     {WEB, PERMISSION("a", "'kind': 'MeshSubset'")},
     RES_MESH_TRAFFIC_PERMISSION,
     "a:11 "},
    {"a service",
     {WEB, PERMISSION("a", "'kind': 'MeshService', 'name': 'web'")},
     RES_MESH_TRAFFIC_PERMISSION,
     "a:10 "},
    {"another service",
     {WEB, PERMISSION("a", "'kind': 'MeshService', 'name': 'api'")},
     RES_MESH_TRAFFIC_PERMISSION,
     ""},
    {"a part of a service",
     {WEB, PERMISSION("a", "'kind': 'MeshServiceSubset', 'name': 'web', 'tags': {'v': '2'}"),
      PERMISSION("b", "'kind': 'MeshServiceSubset', 'name': 'web', 'tags': {'v': '1'}")},
     RES_MESH_TRAFFIC_PERMISSION,
     "b:10 "},
    {"merged by kind, then by name",
     {WEB, PERMISSION("a", "'kind': 'MeshServiceSubset', 'name': 'web'"),
      PERMISSION("b", "'kind': 'MeshService', 'name': 'web'"), PERMISSION("c", "'kind': 'MeshSubset'"),
      PERMISSION("d", "'kind': 'Mesh'"), PERMISSION("e", "'kind': 'Mesh'")},
     RES_MESH_TRAFFIC_PERMISSION,
     "d:11 e:11 c:11 b:10 a:10 "},
    {"a route's own target",
     {WEB, ROUTE("r", "'kind': 'MeshService', 'name': 'web'"),
      TIMEOUT("a", "'kind': 'MeshHTTPRoute', 'name': 'r'")},
     RES_MESH_TIMEOUT,
     "a:10 "},
    {"no such route", {WEB, TIMEOUT("a", "'kind': 'MeshHTTPRoute', 'name': 'r'")}, RES_MESH_TIMEOUT, ""},
    {"listeners are places, with the tags of proxy, gateway and listener",
     {EDGE, GATEWAY("g", "edge"), PERMISSION("a", "'kind': 'MeshSubset', 'tags': {'v': '2'}"),
      PERMISSION("b", "'kind': 'MeshSubset', 'tags': {'v': '3'}"),
      PERMISSION("c", "'kind': 'MeshService', 'name': 'edge'")},
     RES_MESH_TRAFFIC_PERMISSION,
     "a:10 b:01 c:11 "},
    {"a gateway by name, its listeners by their own tags",
     {EDGE, GATEWAY("g", "edge"), TIMEOUT("a", "'kind': 'MeshGateway', 'name': 'g'"),
      TIMEOUT("b", "'kind': 'MeshGateway', 'name': 'g', 'tags': {'l': 'b'}"),
      TIMEOUT("c", "'kind': 'MeshGateway', 'name': 'g', 'tags': {'v': '2'}"),
      TIMEOUT("d", "'kind': 'MeshGateway', 'name': 'other'")},
     RES_MESH_TIMEOUT,
     "a:11 b:01 "},
    {"a gateway means no sidecar",
     {WEB, GATEWAY("g", "web"), TIMEOUT("a", "'kind': 'MeshGateway', 'name': 'g'")},
     RES_MESH_TIMEOUT,
     ""},
    {"a gateway proxy without a gateway",
     {EDGE, GATEWAY("g", "other"), PERMISSION("a", "'kind': 'Mesh'")},
     RES_MESH_TRAFFIC_PERMISSION,
     ""},
    {"a delegated gateway is called nowhere",
     {KONG, PERMISSION("a", "'kind': 'Mesh'")},
     RES_MESH_TRAFFIC_PERMISSION,
     ""},
};

TEST(policies_select_the_proxies_that_their_target_means)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct docs d;
        docs_init(&d, rows[i].docs);
        struct places places = docs_places(&d);
        struct selection s =
            target_select(&d.arena, docs_list(&d, rows[i].type), docs_list(&d, RES_MESH_HTTP_ROUTE), &places);
        struct buf got;
        buf_init(&got, 4096);
        for (size_t k = 0; k < s.n; k++) {
            buf_printf(&got, STR_FMT ":", STR_ARG(s.v[k].policy->key.name));
            for (size_t p = 0; p < places.n; p++)
                buf_add_byte(&got, s.v[k].places[p] ? '1' : '0');
            buf_add_byte(&got, ' ');
        }
        EXPECT_STR(rows[i].name, buf_str(&got), rows[i].want);
        buf_fini(&got);
        docs_fini(&d);
    }
}

TEST(resources_are_found_by_name)
{
    static const char *const texts[DOCS_MAX] = {PERMISSION("a", "'kind': 'Mesh'"),
                                                PERMISSION("c", "'kind': 'Mesh'"),
                                                PERMISSION("d", "'kind': 'Mesh'")};
    struct docs d;
    docs_init(&d, texts);
    struct res_list list = docs_list(&d, RES_MESH_TRAFFIC_PERMISSION);
    EXPECT_TRUE("first", res_list_find(list, STR("a")) == list.v[0]);
    EXPECT_TRUE("last", res_list_find(list, STR("d")) == list.v[2]);
    EXPECT_TRUE("none", !res_list_find(list, STR("b")));
    EXPECT_TRUE("of none", !res_list_find((struct res_list){0}, STR("b")));
    docs_fini(&d);
}
