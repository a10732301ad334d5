/* What other zones offer of a mesh's services, and what a change of their ingresses concerns. */
#include <string.h>

#include "../../lib/test.h"
#include "ursa/base/json.h"
#include "ursa/mesh.h"

#define INGRESS(name, zone, address, services)                                                               \
    "{\"type\":\"ZoneIngress\",\"name\":\"" name "\",\"zone\":\"" zone "\",\"networking\":{\"address\":"     \
    "\"10.9.0.1\",\"port\":10001" address "},\"availableServices\":[" services "]}"
#define AT(address) ",\"advertisedAddress\":\"" address "\",\"advertisedPort\":10001"
#define HAS(mesh, service, instances, more)                                                                  \
    "{\"mesh\":\"" mesh "\",\"instances\":" instances ",\"tags\":{\"kuma.io/service\":\"" service "\"" more  \
    "}}"

static struct resource *ingress_of(const char *text)
{
    struct arena a;
    struct err e;
    struct resource *r = NULL;
    JSON_AUTO doc = NULL;
    arena_init(&a);
    err_init(&e, &a);
    if (json_parse(str_from_c(text), &doc, &e) || resource_decode(RES_ZONE_INGRESS, doc, &r, &e))
        FAIL("%s: " STR_FMT, text, STR_ARG(err_render(&e, &a)));
    arena_fini(&a);
    return r;
}

static struct resource *mesh_of(const char *name)
{
    struct res_key key = {RES_MESH, STR_NONE, str_from_c(name)};
    struct mesh_spec spec = {0};
    return resource_from_spec(&key, &spec);
}

/* "address:port weight[ tag=value...]; ... from ingresses" */
static struct str text_of(const struct remote *r, struct arena *a)
{
    struct str text = STR("");
    if (!r)
        return STR("none");
    for (size_t i = 0; i < r->n; i++) {
        const struct endpoint *e = &r->v[i].endpoint;
        struct str version = tags_get(e->tags, STR("version"));
        text = arena_printf(a, STR_FMT STR_FMT ":%u %u" STR_FMT "; ", STR_ARG(text), STR_ARG(e->address),
                            e->port, r->v[i].weight,
                            STR_ARG(version.p ? arena_printf(a, " " STR_FMT, STR_ARG(version)) : version));
    }
    return arena_printf(a, STR_FMT "from %zu", STR_ARG(text), r->n_ingresses);
}

TEST(what_other_zones_offer)
{
    static const struct {
        const char *name;
        const char *ingresses[3];
        const char *want;
    } rows[] = {
        {"nobody", {NULL}, "none"},
        {"one", {INGRESS("i", "z", AT("192.0.2.1"), HAS("m", "api", "3", ""))}, "192.0.2.1:10001 3; from 1"},
        {"of another mesh", {INGRESS("i", "z", AT("192.0.2.1"), HAS("n", "api", "3", ""))}, "none"},
        {"another service", {INGRESS("i", "z", AT("192.0.2.1"), HAS("m", "db", "3", ""))}, "none"},
        {"no instance", {INGRESS("i", "z", AT("192.0.2.1"), HAS("m", "api", "0", ""))}, "none"},
        {"of this zone", {INGRESS("i", "", AT("192.0.2.1"), HAS("m", "api", "3", ""))}, "none"},
        {"nobody can reach it", {INGRESS("i", "z", "", HAS("m", "api", "3", ""))}, "none"},
        {"subsets, in an order of ours, each once",
         {INGRESS("i", "z", AT("192.0.2.1"),
                  HAS("m", "api", "3", ",\"version\":\"2\"") "," HAS(
                      "m", "api", "1", ",\"version\":\"1\"") "," HAS("m", "api", "3", ",\"version\":\"2\""))},
         "192.0.2.1:10001 1 1; 192.0.2.1:10001 3 2; from 1"},
        {"two places",
         {INGRESS("i", "z", AT("192.0.2.2"), HAS("m", "api", "3", "")),
          INGRESS("k", "y", AT("192.0.2.1"), HAS("m", "api", "2", ""))},
         "192.0.2.1:10001 2; 192.0.2.2:10001 3; from 2"},
        {"one place: who offers it speaks first",
         {INGRESS("i", "z", AT("192.0.2.1"), HAS("m", "db", "1", "")),
          INGRESS("k", "z", AT("192.0.2.1"), HAS("m", "api", "2", "")),
          INGRESS("l", "z", AT("192.0.2.1"), HAS("m", "api", "5", ""))},
         "192.0.2.1:10001 2; from 1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct resource *all[4] = {mesh_of("m")};
        struct arena a;
        size_t n = 1;
        arena_init(&a);
        for (size_t k = 0; k < 3 && rows[i].ingresses[k]; k++)
            all[n++] = ingress_of(rows[i].ingresses[k]);
        struct snap *snap = snap_from_list(all, n, 1);
        struct view *v = view_new(snap, STR("m"));
        struct remote *r = view_remote(v, STR("api"));
        EXPECT_STR(rows[i].name, text_of(r, &a), rows[i].want);
        remote_free(r);
        view_unref(v);
        snap_unref(snap);
        for (size_t k = 0; k < n; k++)
            resource_unref(all[k]);
        arena_fini(&a);
    }
}

static void tell(void *ctx, struct str mesh, struct str service)
{
    buf_printf(ctx, STR_FMT "/" STR_FMT " ", STR_ARG(mesh), STR_ARG(service));
}

TEST(what_a_change_concerns)
{
    static const struct {
        const char *name, *before, *after, *want;
    } rows[] = {
        {"it comes", NULL,
         INGRESS("i", "z", AT("192.0.2.1"), HAS("m", "api", "1", "") "," HAS("n", "db", "1", "")),
         "m/api n/db "},
        {"it goes", INGRESS("i", "z", AT("192.0.2.1"), HAS("m", "api", "1", "")), NULL, "m/api "},
        {"nothing", INGRESS("i", "z", AT("192.0.2.1"), HAS("m", "api", "1", "") "," HAS("n", "db", "1", "")),
         INGRESS("i", "z", AT("192.0.2.1"), HAS("n", "db", "1", "") "," HAS("m", "api", "1", "")), ""},
        {"instances, once for each side",
         INGRESS("i", "z", AT("192.0.2.1"), HAS("m", "api", "1", "") "," HAS("n", "db", "1", "")),
         INGRESS("i", "z", AT("192.0.2.1"), HAS("m", "api", "2", "") "," HAS("n", "db", "1", "")),
         "m/api m/api "},
        {"tags", INGRESS("i", "z", AT("192.0.2.1"), HAS("m", "api", "1", "")),
         INGRESS("i", "z", AT("192.0.2.1"), HAS("m", "api", "1", ",\"version\":\"1\"")), "m/api m/api "},
        {"its place", INGRESS("i", "z", AT("192.0.2.1"), HAS("m", "api", "1", "")),
         INGRESS("i", "z", AT("192.0.2.2"), HAS("m", "api", "1", "")), "m/api m/api "},
        {"its zone", INGRESS("i", "z", AT("192.0.2.1"), HAS("m", "api", "1", "")),
         INGRESS("i", "", AT("192.0.2.1"), HAS("m", "api", "1", "")), "m/api m/api "},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct change c = {CHANGE_PUT, rows[i].before ? ingress_of(rows[i].before) : NULL,
                           rows[i].after ? ingress_of(rows[i].after) : NULL};
        struct buf told;
        buf_init(&told, BUF_MAX_RESOURCE);
        remote_changes(&c, tell, &told);
        EXPECT_STR(rows[i].name, buf_str(&told), rows[i].want);
        buf_fini(&told);
        resource_unref(c.before);
        resource_unref(c.after);
    }
}
