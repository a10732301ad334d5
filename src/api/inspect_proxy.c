/* inspect_proxy.c -- what a proxy itself says: its configuration, counters and clusters, asked of its Envoy
 * while the request waits (ursa/proxy_admin.h). */
#include "router.h"
#include "server.h"
#include "ursa/envoy.h"
#include "ursa/envoy_build.h"

struct asked {
    struct address_query address; /* when it has a host name */
    struct proxy_question question;
    struct request *request;
    const char *content_type;
};

/* Where a proxy's admin port is; all borrowed. */
struct admin_port {
    struct str mesh, name, address;
    const struct dp_admin *admin;
};

/* The paths of zone proxies name no mesh; what is not there is answered. */
static bool find_proxy(struct request *r, struct admin_port *out)
{
    enum res_type type = r->mesh.p                                                      ? RES_DATAPLANE
                         : str_eq(r->segments[0], res_type_info(RES_ZONE_EGRESS)->path) ? RES_ZONE_EGRESS
                                                                                        : RES_ZONE_INGRESS;
    const struct resource *res = snap_find(r->snap, type, r->mesh, r->name);

    r->title = type == RES_DATAPLANE     ? "Could not get dataplane resource"
               : type == RES_ZONE_EGRESS ? "Could not get zone egress resource"
                                         : "Could not get zone ingress resource";
    if (!res) {
        answer_fault(r, ERR_NOT_FOUND, "not found");
        return false;
    }
    *out = (struct admin_port){.mesh = res->key.mesh, .name = res->key.name};
    if (type == RES_DATAPLANE) {
        out->address = resource_dataplane(res)->networking->address;
        out->admin = resource_dataplane(res)->networking->admin;
    } else if (type == RES_ZONE_EGRESS && resource_zone_egress(res)->networking) {
        out->address = resource_zone_egress(res)->networking->address;
        out->admin = resource_zone_egress(res)->networking->admin;
    } else if (type == RES_ZONE_INGRESS && resource_zone_ingress(res)->networking) {
        out->address = resource_zone_ingress(res)->networking->address;
        out->admin = resource_zone_ingress(res)->networking->admin;
    }
    return true;
}

static void answer_asked(struct mail *mail)
{
    struct proxy_question *q = CONTAINER_OF(mail, struct proxy_question, mail);
    struct asked *asked = CONTAINER_OF(q, struct asked, question);
    struct request *r = asked->request;

    if (q->kind == ERR_NONE)
        answer_take(r, 200, asked->content_type, &q->body);
    else
        answer_fault(r, q->kind, "%s", q->reason);
    buf_fini(&q->body);
    request_resume(r);
}

/* False: it is answered already. */
static bool ask_at(struct asked *asked, struct str address)
{
    struct request *r = asked->request;
    const struct resource *ca = snap_find(r->snap, RES_GLOBAL_SECRET, STR_NONE, STR("envoy-admin-ca"));
    /* On the admin port's own address Envoy has nothing in front of it (compile/parts/admin.c). */
    bool plain = str_eq(address, r->options->bootstrap.admin_address);

    if (!plain && (!ca || !resource_secret(ca)->data.p)) {
        answer_fault(r, ERR_PEER, "there is no CA between the control plane and proxies");
        return false;
    }
    asked->question.address = address;
    asked->question.ca_pem = plain ? STR_NONE : resource_secret(ca)->data;
    if (proxy_admin_ask(r->server->api->proxy_admin, &asked->question))
        return true;
    answer_fault(r, ERR_UNAVAILABLE, "too many proxies are being asked at the moment: try again");
    return false;
}

static void take_address(struct mail *mail)
{
    struct address_query *found = CONTAINER_OF(mail, struct address_query, mail);
    struct asked *asked = CONTAINER_OF(found, struct asked, address);
    struct request *r = asked->request;

    if (*found->address && ask_at(asked, str_from_c(found->address)))
        return;
    if (!*found->address)
        answer_fault(r, ERR_PEER, "no address was found for the proxy's host name");
    request_resume(r);
}

static void find_address(struct asked *asked, struct str name)
{
    struct request *r = asked->request;

    asked->address =
        (struct address_query){.mail.handle = take_address, .box = &r->server->api->mailbox, .name = name};
    engine_find_address(r->options->engine, &asked->address);
}

static void ask(struct request *r, const char *path, const char *content_type, void (*finish)(struct buf *))
{
    struct asked *asked = ARENA_NEW(&r->arena, struct asked);
    struct admin_port port;

    if (!find_proxy(r, &port))
        return;
    r->title = "Could not execute admin operation";
    asked->request = r;
    asked->content_type = content_type;
    asked->question = (struct proxy_question){
        .mail.handle = answer_asked,
        .box = &r->server->api->mailbox,
        .host = port.address,
        .port =
            (uint16_t)(port.admin && port.admin->port ? port.admin->port : r->options->bootstrap.admin_port),
        .node_id = arena_printf(&r->arena, STR_FMT "." STR_FMT, STR_ARG(port.mesh), STR_ARG(port.name)),
        .path = path,
        .finish = finish,
    };
    if (port.address.n && !envoy_address_is_ip(port.address)) {
        request_suspend(r);
        find_address(asked, port.address);
    } else if (ask_at(asked, port.address)) {
        request_suspend(r);
    }
}

void inspect_config_dump_get(struct request *r)
{
    ask(r, "/config_dump", TYPE_JSON, envoy_redact_dump);
}

void inspect_stats_get(struct request *r)
{
    ask(r, "/stats", "text/plain", NULL);
}

void inspect_clusters_get(struct request *r)
{
    ask(r, "/clusters", "text/plain", NULL);
}
