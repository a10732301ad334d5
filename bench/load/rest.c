/* rest.c -- discovery by polling: a connection for each question, which is a type or one name of it, as in
 * Envoy. A poll says which version is held and is answered when there is another; then the next one goes,
 * which accepts it. Envoy lets 50 to 100 ms go by before that; here it goes at once, so what is measured is
 * the server's time. */
#include <stdio.h>
#include <stdlib.h>

#include "http1.h"
#include "load.h"
#include "proxy.h"

struct question {
    struct conn conn;
    struct opening opening; /* of all but the first of a proxy */
    struct proxy *proxy;
    struct list node;
    enum xds_type type;
    struct name *name; /* NULL: all there is of the type */
    char *version;     /* that is held; NULL: none */
    struct buf answer;
    bool is_left; /* nobody wants to know any more; it is kept for who asks again */
};

static const char *const paths[XDS_N] = {
    [XDS_CLUSTER] = "clusters",   [XDS_ENDPOINT] = "endpoints", [XDS_SECRET] = "secrets",
    [XDS_LISTENER] = "listeners", [XDS_ROUTE] = "routes",       [XDS_EXTENSION] = "extension_configs",
};

/* ---- polls ---- */

static json_t *node_json(const struct proxy *p)
{
    json_t *metadata = json_object();

    if (p->dataplane.n > 0)
        json_object_set_new(metadata, "dataplane.resource", json_from_str(p->dataplane));
    return json_pack("{s: o, s: o, s: o}", "id",
                     json_sprintf(STR_FMT "." STR_FMT, STR_ARG(p->mesh), STR_ARG(p->name)), "cluster",
                     json_from_str(p->name), "metadata", metadata);
}

static void poll(struct question *q)
{
    json_t *request = json_pack("{s: o}", "node", node_json(q->proxy));
    struct str token = q->proxy->token;
    struct buf out;

    if (q->version)
        json_object_set_new(request, "version_info", json_string(q->version));
    if (q->name)
        json_object_set_new(request, "resource_names", json_pack("[o]", json_from_str(q->name->text)));
    char *body = json_dumps(request, JSON_COMPACT);

    buf_init(&out, HTTP1_BODY_MAX);
    buf_printf(&out,
               "POST /v3/discovery:%s HTTP/1.1\r\nHost: rest_cluster\r\nContent-Type: application/json\r\n",
               paths[q->type]);
    if (token.n > 0)
        buf_printf(&out, "Authorization: " STR_FMT "\r\n", STR_ARG(token));
    buf_printf(&out, "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
    conn_write(&q->conn, buf_str(&out));
    buf_fini(&out);
    free(body);
    json_decref(request);
}

/* ---- answers ---- */

static void hold_all(struct question *q, const json_t *resources)
{
    struct load *l = q->proxy->load;
    const json_t *resource;
    size_t i;

    json_array_foreach(resources, i, resource)
    {
        struct content *k = catalog_content_json(&l->catalog, q->type, resource);

        proxy_hold(q->proxy, k->name, k);
    }
    if (!q->name)
        holdings_sweep(&q->proxy->holdings, q->type, &l->changed);
    else if (json_array_size(resources) == 0)
        proxy_hold(q->proxy, q->name, NULL);
}

/* What follows from it may close this very question. */
static void take(struct question *q, struct str body)
{
    struct proxy *p = q->proxy;
    json_t *response = json_loadb(body.p, body.n, 0, NULL);

    if (!response) {
        conn_fail(&q->conn, "an answer is no JSON");
        return;
    }
    proxy_receives(p);
    hold_all(q, json_object_get(response, "resources"));
    free(q->version);
    q->version = xstrndup(str_from_c(json_string_value(json_object_get(response, "versionInfo"))));
    p->subs[q->type].is_answered = true;
    json_decref(response);
    poll(q);
    proxy_advance(p);
}

static void take_answer(struct question *q, const struct http1_answer *answer)
{
    char why[80];

    if (answer->status == 200) {
        take(q, answer->body);
    } else if (answer->status == 304) {
        poll(q);
    } else {
        snprintf(why, sizeof(why), "a poll was answered %u", answer->status);
        conn_fail(&q->conn, why);
    }
}

/* ---- connections ---- */

static struct question *question_of(struct conn *c)
{
    return CONTAINER_OF(c, struct question, conn);
}

/* The first question is of clusters, and stands for the proxy. */
static bool is_first(const struct question *q)
{
    return q->type == XDS_CLUSTER;
}

static void on_opened(struct conn *c)
{
    struct question *q = question_of(c);

    load_end_opening(q->proxy->load, &q->opening);
    if (is_first(q))
        proxy_opened(q->proxy);
    poll(q);
}

static void on_bytes(struct conn *c, struct str bytes)
{
    struct question *q = question_of(c);
    struct http1_answer answer;

    buf_add_str(&q->answer, bytes);
    if (!http1_answer_read(buf_str(&q->answer), &answer))
        return;
    take_answer(q, &answer);
    buf_fini(&q->answer);
}

static void close_question(struct question *q)
{
    load_end_opening(q->proxy->load, &q->opening);
    conn_close(&q->conn);
}

static void close_all(struct proxy *p)
{
    LIST_FOR (node, &p->questions)
        close_question(LIST_ITEM(node, struct question, node));
}

/* A proxy that loses one begins anew with all. */
static void on_failed(struct conn *c, const char *why)
{
    struct proxy *p = question_of(c)->proxy;

    close_all(p);
    proxy_failed(p, why);
}

static void on_buried(struct conn *c)
{
    buf_fini(&question_of(c)->answer);
}

static void open_question(struct question *q)
{
    static const struct conn_events events = {
        .opened = on_opened, .bytes = on_bytes, .failed = on_failed, .buried = on_buried};

    conn_open(&q->conn, &q->proxy->load->place, &events, q->proxy->number);
}

static void on_turn(struct opening *o)
{
    open_question(CONTAINER_OF(o, struct question, opening));
}

/* ---- questions ---- */

static struct question *question_new(struct proxy *p, enum xds_type type, struct name *name)
{
    struct question *q = xcalloc(1, sizeof(*q));

    q->proxy = p;
    q->type = type;
    q->name = name;
    q->opening.open = on_turn;
    list_init(&q->opening.node);
    buf_init(&q->answer, HTTP1_BODY_MAX);
    list_add_tail(&p->questions, &q->node);
    return q;
}

static struct question *find(const struct proxy *p, const struct name *name)
{
    LIST_FOR (node, &p->questions) {
        struct question *q = LIST_ITEM(node, struct question, node);

        if (q->name == name)
            return q;
    }
    return NULL;
}

static void ask(struct proxy *p, enum xds_type type, struct name *name)
{
    struct question *q = name ? find(p, name) : NULL;

    if (!q)
        q = question_new(p, type, name);
    q->is_left = false;
    load_open_soon(p->load, &q->opening);
    p->subs[type].is_active = true;
}

static void leave(struct question *q)
{
    q->is_left = true;
    free(q->version);
    q->version = NULL;
    close_question(q);
}

static void open_all(struct proxy *p)
{
    p->is_open = false;
    if (list_empty(&p->questions))
        question_new(p, XDS_CLUSTER, NULL);
    LIST_FOR (node, &p->questions) {
        struct question *q = LIST_ITEM(node, struct question, node);

        if (!is_first(q) && !q->is_left)
            load_open_soon(p->load, &q->opening);
    }
    open_question(LIST_ITEM(p->questions.next, struct question, node));
}

static void subscribe(struct proxy *p, enum xds_type type)
{
    ask(p, type, NULL);
}

static void change(struct proxy *p, enum xds_type type, const struct names *more, const struct names *less)
{
    for (size_t i = 0; i < more->n; i++)
        ask(p, type, more->v[i]);
    for (size_t i = 0; i < less->n; i++) {
        struct question *q = find(p, less->v[i]);

        if (q)
            leave(q);
    }
}

/* The next poll has done so. */
static void acknowledge_clusters(struct proxy *p)
{
    (void)p;
}

const struct protocol protocol_rest = {
    .name = "rest",
    .alpn = STR_INIT("http/1.1"),
    .open = open_all,
    .close = close_all,
    .subscribe = subscribe,
    .change = change,
    .acknowledge_clusters = acknowledge_clusters,
};
