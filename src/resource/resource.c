/* resource.c -- the resource object: made from its canonical text, shared by reference, shown as JSON. */
#include "ursa/resource.h"

#include <assert.h>
#include <string.h>

#include "field.h"
#include "meta.h"
#include "ursa/base/alloc.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"

/* A typed spec and its key take about twice the bytes of its text (measured: one recorded document in 84
 * takes more and gets a second chunk). */
#define SPEC_BYTES(text_size) (2 * (text_size) + 160)

static struct resource *new_sized(const struct res_key *key, size_t spec_bytes)
{
    struct resource *r = xcalloc(1, sizeof(*r));

    atomic_init(&r->refs, 1);
    arena_init_sized(&r->arena, spec_bytes);
    r->key = (struct res_key){
        .type = key->type,
        .mesh = key->mesh.n ? arena_str(&r->arena, key->mesh) : STR_NONE,
        .name = arena_str(&r->arena, key->name),
    };
    return r;
}

struct resource *resource_new(const struct res_key *key)
{
    struct resource *r = new_sized(key, SPEC_BYTES(0));

    r->spec = arena_alloc(&r->arena, res_type_info(key->type)->spec_size);
    return r;
}

struct resource *resource_ref(struct resource *r)
{
    atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
    return r;
}

static bool is_secret(enum res_type type)
{
    return type == RES_SECRET || type == RES_GLOBAL_SECRET;
}

static void wipe(struct str s)
{
    if (s.n > 0)
        explicit_bzero((char *)(uintptr_t)s.p, s.n);
}

static void wipe_spec(enum res_type type, const void *spec)
{
    if (is_secret(type))
        wipe(((const struct secret_spec *)spec)->data);
}

void resource_unref(struct resource *r)
{
    if (!r || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) > 1)
        return;
    wipe_spec(r->key.type, r->spec);
    blob_unref(r->spec_json);
    arena_fini(&r->arena);
    free(r);
}

/* Every resource but an empty new one is made here, from the canonical or stored text of its spec. */
static struct resource *from_json(const struct res_key *key, struct str text, const json_t *spec,
                                  struct err *e)
{
    const struct res_type_info *type = res_type_info(key->type);
    struct resource *r = new_sized(key, SPEC_BYTES(text.n));
    void *made = arena_alloc(&r->arena, type->spec_size);

    r->spec = made;
    r->spec_json = is_secret(key->type) ? blob_new_secret(text.p, text.n) : blob_new(text.p, text.n);
    if (fields_decode(type->fields, spec, NULL, &r->arena, made, e) == ERR_NONE)
        return r;
    resource_unref(r);
    return NULL;
}

struct resource *resource_from_stored(const struct res_key *key, struct str spec_json, struct err *e)
{
    json_t *parsed = NULL;

    if (json_parse(spec_json, &parsed, e) != ERR_NONE)
        return NULL;
    struct resource *r = from_json(key, spec_json, parsed, e);
    json_decref(parsed);
    return r;
}

static struct resource *from_struct(const struct res_key *key, const void *spec, struct arena *scratch,
                                    struct err *e)
{
    JSON_AUTO tree = fields_encode(res_type_info(key->type)->fields, spec, scratch);
    struct str text = json_format(scratch, tree);
    struct resource *r = from_json(key, text, tree, e);

    if (is_secret(key->type))
        wipe(text);
    return r;
}

struct resource *resource_from_spec(const struct res_key *key, const void *spec)
{
    struct arena scratch;
    struct err e;

    arena_init(&scratch);
    err_init(&e, &scratch);
    struct resource *r = from_struct(key, spec, &scratch, &e);
    assert(r); /* what the tables print, they read */
    arena_fini(&scratch);
    return r;
}

struct resource *resource_with_spec(const struct resource *r, const void *spec)
{
    struct resource *made = resource_from_spec(&r->key, spec);

    made->origin = r->origin;
    made->revision = r->revision;
    made->created_ns = r->created_ns;
    made->modified_ns = r->modified_ns;
    return made;
}

enum err_kind resource_decode(enum res_type type, const json_t *doc, struct resource **out, struct err *e)
{
    const struct res_type_info *info = res_type_info(type);
    struct res_key key = {.type = type};
    struct arena scratch;

    *out = NULL;
    if ((info->traits & RES_TARGET_REF) && fields_check_schema(info->fields, info->name, doc, e) != ERR_NONE)
        return e->kind;
    if (meta_decode(doc, &key, e) != ERR_NONE)
        return e->kind;
    arena_init(&scratch);
    void *spec = arena_alloc(&scratch, info->spec_size);
    if (fields_decode(info->fields, doc, NULL, &scratch, spec, e) == ERR_NONE) {
        info->check(spec, e);
        if (e->kind == ERR_NONE)
            *out = from_struct(&key, spec, &scratch, e);
    }
    wipe_spec(type, spec);
    arena_fini(&scratch);
    return e->kind;
}

/* ---- as JSON ---- */

static void add_time(json_t *o, const char *key, int64_t ns, struct arena *a)
{
    json_object_set_new_nocheck(o, key, json_from_str(time_format(a, ns)));
}

json_t *resource_meta_to_json(const struct resource *r, struct str type_name)
{
    struct arena scratch;
    json_t *o = json_object();

    arena_init(&scratch);
    json_object_set_new_nocheck(o, "type", json_from_str(type_name));
    if (res_type_info(r->key.type)->scope == SCOPE_MESH)
        json_object_set_new_nocheck(o, "mesh", json_from_str(r->key.mesh));
    json_object_set_new_nocheck(o, "name", json_from_str(r->key.name));
    add_time(o, "creationTime", r->created_ns, &scratch);
    add_time(o, "modificationTime", r->modified_ns, &scratch);
    arena_fini(&scratch);
    return o;
}

/* What stands beside the meta part. */
static json_t *fields_to_json(const struct resource *r)
{
    return r->spec_json ? json_read_own(blob_str(r->spec_json)) : json_object();
}

json_t *resource_spec_to_json(const struct resource *r)
{
    json_t *fields = fields_to_json(r);

    if (!(res_type_info(r->key.type)->traits & RES_TARGET_REF))
        return fields;
    json_t *spec = json_incref(json_get(fields, "spec"));

    json_decref(fields);
    return spec ? spec : json_object();
}

json_t *resource_to_json(const struct resource *r)
{
    json_t *o = resource_meta_to_json(r, res_type_info(r->key.type)->name);
    JSON_AUTO fields = fields_to_json(r);

    json_object_update(o, fields);
    return o;
}

/* ---- typed access ---- */

static const void *spec_of(const struct resource *r, bool type_is_right)
{
    assert(type_is_right);
    return r->spec;
}

/* Specs of a family begin with the same members. */
static bool begins_with(const struct resource *r, const char *member)
{
    return str_eq(str_from_c(res_type_info(r->key.type)->fields[0].name), str_from_c(member));
}

const struct mesh_spec *resource_mesh(const struct resource *r)
{
    return spec_of(r, r->key.type == RES_MESH);
}

const struct dataplane_spec *resource_dataplane(const struct resource *r)
{
    return spec_of(r, r->key.type == RES_DATAPLANE);
}

const struct policy_spec *resource_policy(const struct resource *r)
{
    return spec_of(r, begins_with(r, "sources"));
}

const struct target_ref *resource_target_ref(const struct resource *r)
{
    return spec_of(r, res_type_info(r->key.type)->traits & RES_TARGET_REF);
}

const struct selector_spec *resource_selectors(const struct resource *r)
{
    return spec_of(r, begins_with(r, "selectors"));
}

const struct traffic_route_spec *resource_traffic_route(const struct resource *r)
{
    return spec_of(r, r->key.type == RES_TRAFFIC_ROUTE);
}

const struct timeout_spec *resource_timeout(const struct resource *r)
{
    return spec_of(r, r->key.type == RES_TIMEOUT);
}

const struct circuit_breaker_spec *resource_circuit_breaker(const struct resource *r)
{
    return spec_of(r, r->key.type == RES_CIRCUIT_BREAKER);
}

const struct retry_spec *resource_retry(const struct resource *r)
{
    return spec_of(r, r->key.type == RES_RETRY);
}

const struct secret_spec *resource_secret(const struct resource *r)
{
    return spec_of(r, r->key.type == RES_SECRET || r->key.type == RES_GLOBAL_SECRET);
}

const struct dataplane_insight_spec *resource_dataplane_insight(const struct resource *r)
{
    return spec_of(r, r->key.type == RES_DATAPLANE_INSIGHT);
}

const struct zone_spec *resource_zone(const struct resource *r)
{
    return spec_of(r, r->key.type == RES_ZONE);
}

const struct zone_ingress_spec *resource_zone_ingress(const struct resource *r)
{
    return spec_of(r, r->key.type == RES_ZONE_INGRESS);
}

const struct zone_egress_spec *resource_zone_egress(const struct resource *r)
{
    return spec_of(r, r->key.type == RES_ZONE_EGRESS);
}

const struct external_service_spec *resource_external_service(const struct resource *r)
{
    return spec_of(r, r->key.type == RES_EXTERNAL_SERVICE);
}

const struct mesh_gateway_spec *resource_mesh_gateway(const struct resource *r)
{
    return spec_of(r, r->key.type == RES_MESH_GATEWAY);
}

const struct mesh_gateway_route_spec *resource_mesh_gateway_route(const struct resource *r)
{
    return spec_of(r, r->key.type == RES_MESH_GATEWAY_ROUTE);
}

const struct traffic_log_spec *resource_traffic_log(const struct resource *r)
{
    return spec_of(r, r->key.type == RES_TRAFFIC_LOG);
}

const struct traffic_trace_spec *resource_traffic_trace(const struct resource *r)
{
    return spec_of(r, r->key.type == RES_TRAFFIC_TRACE);
}

const struct health_check_spec *resource_health_check(const struct resource *r)
{
    return spec_of(r, r->key.type == RES_HEALTH_CHECK);
}

const struct rate_limit_spec *resource_rate_limit(const struct resource *r)
{
    return spec_of(r, r->key.type == RES_RATE_LIMIT);
}

const struct fault_injection_spec *resource_fault_injection(const struct resource *r)
{
    return spec_of(r, r->key.type == RES_FAULT_INJECTION);
}

const struct proxy_template_spec *resource_proxy_template(const struct resource *r)
{
    return spec_of(r, r->key.type == RES_PROXY_TEMPLATE);
}

const struct virtual_outbound_spec *resource_virtual_outbound(const struct resource *r)
{
    return spec_of(r, r->key.type == RES_VIRTUAL_OUTBOUND);
}
