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

static bool is_sealed(enum res_type type)
{
    return res_type_info(type)->traits & RES_SEALED;
}

/* Ends an arena with what was made of a resource of this type. */
static void arena_end(struct arena *a, enum res_type type)
{
    if (is_sealed(type))
        arena_wipe(a);
    else
        arena_fini(a);
}

void resource_unref(struct resource *r)
{
    if (!r || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) > 1)
        return;
    blob_unref(r->spec_json);
    blob_unref(r->shown_json);
    arena_end(&r->arena, r->key.type);
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
    r->spec_json = is_sealed(key->type) ? blob_new_secret(text.p, text.n) : blob_new(text.p, text.n);
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
    return from_json(key, json_format(scratch, tree), tree, e);
}

struct resource *resource_from_spec(const struct res_key *key, const void *spec)
{
    struct arena scratch;
    struct err e;

    arena_init(&scratch);
    err_init(&e, &scratch);
    struct resource *r = from_struct(key, spec, &scratch, &e);
    assert(r); /* what the tables print, they read */
    arena_end(&scratch, key->type);
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

/* The tables print what they read, so the text of a spec that changed in place is one that decodes. */
struct blob *resource_show(const struct resource *r)
{
    struct arena scratch;

    arena_init(&scratch);
    JSON_AUTO tree = fields_encode(res_type_info(r->key.type)->fields, r->spec, &scratch);
    struct str text = json_format(&scratch, tree);
    struct blob *blob = blob_new(text.p, text.n);
    arena_fini(&scratch);
    return blob;
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
    arena_end(&scratch, type);
    return e->kind;
}

/* ---- as JSON ---- */

static void write_time(struct buf *out, struct str member, int64_t ns)
{
    char text[TIME_TEXT];

    buf_add_str(out, member);
    buf_add_byte(out, '"');
    buf_add(out, text, time_text(ns, text));
    buf_add_byte(out, '"');
}

/* The object's beginning, compact: the members that every resource has. */
static void write_meta(const struct resource *r, struct str type_name, struct buf *out)
{
    buf_add_str(out, STR("{\"type\":"));
    json_write_string(out, type_name);
    if (res_type_info(r->key.type)->scope == SCOPE_MESH) {
        buf_add_str(out, STR(",\"mesh\":"));
        json_write_string(out, r->key.mesh);
    }
    buf_add_str(out, STR(",\"name\":"));
    json_write_string(out, r->key.name);
    write_time(out, STR(",\"creationTime\":"), r->created_ns);
    write_time(out, STR(",\"modificationTime\":"), r->modified_ns);
}

static const struct blob *shown(const struct resource *r)
{
    return r->shown_json ? r->shown_json : r->spec_json;
}

/* The spec's members, compact, with the brace that ends the object: the rest of it. */
static struct str members_of(const struct blob *spec)
{
    return spec ? str_slice(blob_str(spec), 1, SIZE_MAX) : STR("}");
}

json_t *resource_meta_to_json(const struct resource *r, struct str type_name)
{
    struct buf text;

    buf_init(&text, BUF_MAX_RESOURCE);
    write_meta(r, type_name, &text);
    buf_add_byte(&text, '}');
    json_t *o = json_read_own(buf_str(&text));
    buf_fini(&text);
    return o;
}

/* A policy with a targetRef is {"spec":{...}}. */
struct str resource_spec_text(const struct resource *r)
{
    static const struct str open = STR_INIT("{\"spec\":");
    struct str text = shown(r) ? blob_str(shown(r)) : STR("{}");

    if (!str_has_prefix(text, open) || !(res_type_info(r->key.type)->traits & RES_TARGET_REF))
        return text;
    return str_slice(text, open.n, text.n - 1);
}

json_t *resource_spec_to_json(const struct resource *r)
{
    return json_read_own(resource_spec_text(r));
}

json_t *resource_to_json(const struct resource *r)
{
    struct buf text;
    struct str members = members_of(r->spec_json);

    buf_init(&text, BUF_MAX_RESOURCE);
    write_meta(r, res_type_info(r->key.type)->name, &text);
    buf_add_str(&text, members.n > 1 ? STR(",") : STR(""));
    buf_add_str(&text, members);
    json_t *o = json_read_own(buf_str(&text));
    buf_fini(&text);
    return o;
}

void resource_print_meta(const struct resource *r, struct str type_name, size_t level, struct buf *out)
{
    struct buf meta;

    buf_init(&meta, BUF_MAX_RESOURCE);
    write_meta(r, type_name, &meta);
    json_indent(out, buf_str(&meta), level);
    buf_fini(&meta);
}

void resource_print(const struct resource *r, size_t level, struct buf *out)
{
    struct str members = members_of(shown(r));

    resource_print_meta(r, res_type_info(r->key.type)->name, level, out);
    json_indent(out, members.n > 1 ? STR(",") : STR(""), level + 1);
    json_indent(out, members, level + 1);
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

const struct mesh_posture_spec *resource_mesh_posture(const struct resource *r)
{
    return spec_of(r, r->key.type == RES_MESH_POSTURE);
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

const struct zone_insight_spec *resource_zone_insight(const struct resource *r)
{
    return spec_of(r, r->key.type == RES_ZONE_INSIGHT);
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
