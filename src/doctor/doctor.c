/* doctor.c -- see ursa/doctor.h: runs the checks and puts in order what they found. */
#include "ursa/doctor.h"

#include <string.h>

#include "exam.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"

static void (*const control_plane_checks[])(struct exam *) = {check_settings, check_machine, check_tokens};
static void (*const mesh_checks[])(struct mesh_exam *) = {
    check_authorities, check_mesh_tokens, check_permissive, check_journey,
    check_permissions, check_matches,     check_proxies,    check_refusals};

static const char *const id_names[FINDING_KINDS] = {
#define FINDING(id, name) name,
#include "ursa/findings.def"
#undef FINDING
};
static const char *const severity_names[] = {"error", "warning", "info"};

struct str finding_id_name(enum finding_id id)
{
    return str_from_c(id_names[id]);
}

struct str finding_severity_name(enum finding_severity severity)
{
    return str_from_c(severity_names[severity]);
}

/* ---- collecting ---- */

struct finding *exam_add(struct exam *x, enum finding_id id, enum finding_severity severity, struct str mesh)
{
    const struct finding fresh = {.id = id, .severity = severity, .mesh = mesh};

    if (x->n_of[id] == FINDINGS_EACH_MAX) {
        x->n_omitted++;
        return NULL;
    }
    x->n_of[id]++;
    VEC_PUSH(&x->found, fresh);
    return &x->found.v[x->found.n - 1];
}

struct finding *mesh_add(struct mesh_exam *m, enum finding_id id, enum finding_severity severity)
{
    return exam_add(m->exam, id, severity, m->name);
}

struct str resource_title(struct arena *a, const struct resource *r)
{
    return arena_printf(a, STR_FMT " " STR_FMT, STR_ARG(res_type_info(r->key.type)->name),
                        STR_ARG(r->key.name));
}

static int by_urgency(const void *left, const void *right)
{
    const struct finding *a = left, *b = right;
    int order = (int)a->severity - (int)b->severity;

    if (order == 0)
        order = str_cmp(a->mesh, b->mesh);
    if (order == 0)
        order = str_cmp(finding_id_name(a->id), finding_id_name(b->id));
    return order ? order : str_cmp(a->resource, b->resource);
}

static void hand_over(struct exam *x, struct findings *out)
{
    size_t n = x->found.n < FINDINGS_MAX ? x->found.n : FINDINGS_MAX;

    if (x->found.n > 0)
        qsort(x->found.v, x->found.n, sizeof(x->found.v[0]), by_urgency);
    *out = (struct findings){
        .v = ARENA_ARRAY(x->arena, struct finding, n), .n = n, .n_omitted = x->n_omitted + x->found.n - n};
    if (n > 0)
        memcpy(out->v, x->found.v, n * sizeof(out->v[0]));
}

/* ---- the examination ---- */

static void examine_mesh(struct exam *x, const struct resource *mesh)
{
    struct mesh_exam m = {.exam = x,
                          .name = mesh->key.name,
                          .resource = mesh,
                          .spec = resource_mesh(mesh),
                          .dataplanes = snap_range(x->world->snap, RES_DATAPLANE, mesh->key.name)};

    memset(x->n_of, 0, sizeof(x->n_of));
    arena_init(&m.scratch);
    for (size_t i = 0; i < ARRAY_LEN(mesh_checks); i++)
        mesh_checks[i](&m);
    arena_fini(&m.scratch);
}

static bool is_asked(const struct doctor_reader *reader, struct str mesh)
{
    return (!reader->mesh.p || str_eq(mesh, reader->mesh)) && access_sees_mesh(reader->user, mesh);
}

void doctor_examine(const struct doctor_world *world, const struct doctor_reader *reader, struct arena *arena,
                    struct findings *out)
{
    struct exam x = {.world = world, .reader = reader, .arena = arena};
    struct snap_range meshes = snap_range(world->snap, RES_MESH, STR_NONE);
    struct snap_iter it = snap_iter(&meshes);

    for (size_t i = 0; reader->control_plane && i < ARRAY_LEN(control_plane_checks); i++)
        control_plane_checks[i](&x);
    for (const struct resource *mesh; (mesh = snap_next(&it));)
        if (is_asked(reader, mesh->key.name))
            examine_mesh(&x, mesh);
    if (reader->control_plane) {
        memset(x.n_of, 0, sizeof(x.n_of));
        check_shared(&x);
    }
    hand_over(&x, out);
    out->control_plane = reader->control_plane;
    VEC_FINI(&x.found);
    VEC_FINI(&x.authorities);
}

/* ---- as JSON ---- */

json_t *findings_to_json(const struct findings *findings)
{
    json_t *list = json_array(), *body = json_object();

    for (size_t i = 0; i < findings->n; i++) {
        const struct finding *f = &findings->v[i];
        json_t *o = json_object();

        json_object_set_new(o, "id", json_from_str(finding_id_name(f->id)));
        json_object_set_new(o, "severity", json_from_str(finding_severity_name(f->severity)));
        json_object_set_new(o, "mesh", json_from_str(f->mesh));
        json_object_set_new(o, "resource", json_from_str(f->resource));
        json_object_set_new(o, "text", json_from_str(f->text));
        json_object_set_new(o, "remedy", json_from_str(f->remedy));
        json_array_append_new(list, o);
    }
    json_object_set_new(body, "findings", list);
    json_object_set_new(body, "controlPlane", json_boolean(findings->control_plane));
    json_object_set_new(body, "omitted", json_integer((json_int_t)findings->n_omitted));
    return body;
}
