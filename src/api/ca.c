/* ca.c -- GET /meshes/{mesh}/ca: what the mesh's proxies are told about TLS, where that leads, and who keeps
 * it from going on; POST /meshes/{mesh}/ca/rotate: another root (decision 0021). */
#include "router.h"
#include "server.h"
#include "ursa/base/clock.h"
#include "ursa/posture.h"

/* ---- one posture ---- */

static json_t *roots_json(struct str pem, struct arena *a)
{
    json_t *list = json_array();
    struct root_facts *roots;
    struct err ignored;
    size_t n;

    err_init(&ignored, a);
    if (ca_describe_roots(pem, a, &roots, &n, &ignored) != ERR_NONE)
        return list;
    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object();

        json_object_set_new(o, "fingerprint", json_from_str(roots[i].fingerprint));
        json_object_set_new(o, "commonName", json_from_str(roots[i].common_name));
        json_object_set_new(o, "notBefore", json_from_str(time_format(a, roots[i].begins_ns)));
        json_object_set_new(o, "notAfter", json_from_str(time_format(a, roots[i].expires_ns)));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *trusted_json(const struct mesh_posture_spec *p, struct arena *a)
{
    json_t *list = json_array();

    for (size_t i = 0; i < p->n_trusted; i++) {
        json_t *o = json_object();

        json_object_set_new(o, "backend", json_from_str(p->trusted[i].backend));
        json_object_set_new(o, "roots", roots_json(p->trusted[i].roots, a));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *posture_json(const struct mesh_posture_spec *p, struct arena *a)
{
    json_t *o = json_object();

    json_object_set_new(o, "serve", json_string(posture_serve_word(p)));
    json_object_set_new(o, "dial", json_string(posture_dial_word(p)));
    if (p->issuer) {
        json_t *issuer = json_object();

        json_object_set_new(issuer, "backend", json_from_str(p->issuer->backend));
        json_object_set_new(issuer, "roots", roots_json(p->issuer->roots, a));
        json_object_set_new(o, "issuer", issuer);
    }
    json_object_set_new(o, "trusted", trusted_json(p, a));
    return o;
}

/* ---- where the mesh is ---- */

/* Postures hold keys: they are read into an arena of their own. */
static json_t *way_json(struct request *r, struct arena *secret)
{
    const struct resource *mesh = snap_find_mesh(r->snap, r->mesh);
    const struct resource *record = posture_record(r->snap, r->mesh);
    struct mesh_posture_spec wanted;
    json_t *body = json_object();
    struct err e;

    err_init(&e, secret);
    json_object_set_new(body, "mesh", json_from_str(r->mesh));
    json_object_set_new(body, "settled", json_boolean(!record));
    if (record) {
        const struct mesh_posture_spec *present = resource_mesh_posture(record);

        json_object_set_new(body, "since", json_from_str(time_format(secret, present->since.ns)));
        json_object_set_new(body, "present", posture_json(present, secret));
    }
    if (posture_wanted(r->snap, mesh, secret, &wanted, &e) == ERR_NONE)
        json_object_set_new(body, record ? "wanted" : "present", posture_json(&wanted, secret));
    else
        json_object_set_new(body, "fault", json_from_str(err_render(&e, secret)));
    return body;
}

static void answer_way(struct request *r, const struct ads_question *q)
{
    struct arena secret;
    json_t *body;

    arena_init(&secret);
    body = way_json(r, &secret);
    api_put_proxies(body, q);
    arena_wipe(&secret);
    answer_json(r, 200, body);
}

static void take_answer(struct mail *mail)
{
    struct ads_question *q = CONTAINER_OF(mail, struct ads_question, mail);
    struct request *r = q->ctx;

    answer_way(r, q);
    request_resume(r);
    ads_question_free(q);
}

void ca_get(struct request *r)
{
    struct ads_question *q;

    r->title = "Could not tell about the CA";
    if (!snap_find_mesh(r->snap, r->mesh)) {
        answer_fault(r, ERR_NOT_FOUND, "not found");
        return;
    }
    q = api_question_new(r, take_answer);
    request_suspend(r);
    if (api_ask_proxies(r->server->api, q))
        return;
    answer_way(r, q); /* of proxies nobody knows anything */
    ads_question_free(q);
    request_resume(r);
}

/* ---- a new root ---- */

static void answer_rotated(struct request *r)
{
    const struct admit_op *op = &r->write->ops[0];
    json_t *body;

    if (r->write->kind != ERR_NONE) {
        r->show_text = true;
        answer_fault(r, r->write->kind, STR_FMT, STR_ARG(op->err.text));
        return;
    }
    r->revision = arena_printf(&r->arena, "%llu", (unsigned long long)r->write->revision);
    body = json_object();
    json_object_set_new(body, "mesh", json_from_str(r->mesh));
    json_object_set_new(body, "revision", json_integer((json_int_t)r->write->revision));
    json_object_set_new(body, "sequence", json_integer((json_int_t)r->write->sequence));
    answer_json(r, 200, body);
}

/* The backend that is asked for, else the enabled one; NULL after answering the fault. */
static const struct ca_backend *find_backend(struct request *r, const struct mesh_spec *spec)
{
    const struct ca_backend *enabled = mesh_enabled_backend(spec), *found = NULL;
    struct str name = request_query(r, "backend");

    if (!name.p && enabled)
        name = enabled->name;
    for (size_t i = 0; spec->mtls && i < spec->mtls->n_backends; i++)
        if (str_eq(spec->mtls->backends[i].name, name))
            found = &spec->mtls->backends[i];
    if (!enabled)
        err_cause_at(&r->err, STR("backend"), STR("there is nothing to rotate: mTLS is off"));
    else if (!found)
        err_cause_at(&r->err, STR("backend"),
                     arena_printf(&r->arena, "must be one of the mesh's backends, not \"" STR_FMT "\"",
                                  STR_ARG(name)));
    else if (found == enabled && !str_eq(found->type, STR("builtin")))
        err_cause_at(&r->err, STR("backend"),
                     arena_printf(&r->arena,
                                  "the CA of \"" STR_FMT
                                  "\" is yours: it rotates when you apply another one, "
                                  "or name another backend",
                                  STR_ARG(found->name)));
    if (r->err.n_causes == 0)
        return found;
    answer_error(r);
    return NULL;
}

/* The Mesh as it is, but for the backend that is enabled. */
static struct admit_request *switch_new(const struct resource *mesh, struct str backend)
{
    struct admit_request *write = admit_request_new(1);
    struct mesh_spec spec = *resource_mesh(mesh);
    struct mesh_mtls mtls = *spec.mtls;

    mtls.enabled_backend = backend;
    spec.mtls = &mtls;
    write->ops[0] = (struct admit_op){.kind = ADMIT_PUT,
                                      .res = resource_from_spec(&mesh->key, &spec),
                                      .if_base = true,
                                      .base = resource_ref((struct resource *)(uintptr_t)mesh)};
    return write;
}

void ca_rotate_post(struct request *r)
{
    const struct resource *mesh = snap_find_mesh(r->snap, r->mesh);
    const struct ca_backend *backend;
    struct res_key secret;

    r->title = "Could not rotate the CA";
    if (!mesh) {
        answer_fault(r, ERR_NOT_FOUND, "not found");
        return;
    }
    backend = find_backend(r, resource_mesh(mesh));
    if (!backend)
        return;
    secret = ca_builtin_cert_secret(&r->arena, r->mesh, backend->name);
    request_write(r,
                  backend == mesh_enabled_backend(resource_mesh(mesh)) ? admit_renew_ca_new(&secret, NULL)
                                                                       : switch_new(mesh, backend->name),
                  answer_rotated);
}
