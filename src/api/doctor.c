/* doctor.c -- GET /doctor: what is wrong, or soon will be.
 *
 * The proxies' loops say who refuses its configuration; then the examination runs on the store's reader
 * thread, where there is time for it, and where the history is at hand. */
#include "ursa/doctor.h"
#include "past.h"
#include "router.h"
#include "server.h"
#include "ursa/base/clock.h"

struct visit {
    struct ads_question *asked; /* with its answer; NULL: the proxies' port is not open */
};

/* Administrators see all, others what is about the meshes that they may read. */
static struct doctor_reader reader_of(const struct request *r)
{
    return (struct doctor_reader){
        .control_plane = !r->mesh.p && past_is_open(r), .mesh = r->mesh, .user = &r->user};
}

static void look(const struct request *r, struct arena *a, struct doctor_facts *facts)
{
    const struct api_options *options = r->options;

    *facts = (struct doctor_facts){0};
    if (options->look)
        options->look(options->look_ctx, a, facts);
    facts->config = options->config;
}

/* On the reader's thread. */
static void examine(struct request *r, struct history *h)
{
    const struct visit *visit = r->handler_data;
    const struct doctor_reader reader = reader_of(r);
    struct doctor_world world = {.snap = r->snap, .now_ns = clock_wall_ns(), .history = h};
    struct doctor_facts facts;
    struct findings findings;

    if (reader.control_plane) {
        look(r, &r->arena, &facts);
        world.facts = &facts;
    }
    if (visit->asked) {
        world.laggards = visit->asked->laggards;
        world.n_laggards = visit->asked->n_laggards;
    }
    doctor_examine(&world, &reader, &r->arena, &findings);
    answer_json(r, 200, findings_to_json(&findings));
}

static void forget(struct request *r)
{
    struct visit *visit = r->handler_data;

    ads_question_free(visit->asked);
    visit->asked = NULL;
}

static void take_proxies(struct mail *mail)
{
    struct ads_question *q = CONTAINER_OF(mail, struct ads_question, mail);
    struct request *r = q->ctx;
    struct visit *visit = r->handler_data;

    visit->asked = q;
    request_read(r, examine, NULL);
}

void doctor_get(struct request *r)
{
    struct visit *visit = ARENA_NEW(&r->arena, struct visit);
    struct ads_question *q;

    r->title = "Could not examine";
    if (r->mesh.p && !snap_find_mesh(r->snap, r->mesh)) {
        answer_fault(r, ERR_NOT_FOUND, "not found");
        return;
    }
    r->handler_data = visit;
    r->ends = forget;
    q = api_question_new(r, take_proxies);
    request_suspend(r);
    if (api_ask_proxies(r->server->api, q))
        return;
    ads_question_free(q);
    request_read(r, examine, NULL);
}
