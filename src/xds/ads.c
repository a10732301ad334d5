/* xds/ads.c -- the aggregated discovery service: all streams of one loop, what they share, and what the loops
 * share. */
#include "stream.h"

#include <assert.h>
#include <stdlib.h>

#include "ursa/base/alloc.h"
#include "ursa/base/json.h"

struct ads_group *ads_group_new(const struct ads_options *options)
{
    struct ads_group *group = xcalloc(1, sizeof(*group));
    group->options = *options;
    registry_init(&group->registry, &group->options);
    return group;
}

void ads_group_free(struct ads_group *group)
{
    if (!group)
        return;
    registry_fini(&group->registry);
    VEC_FINI(&group->services);
    free(group);
}

struct ads *ads_new(struct ads_group *group, struct mailbox *mailbox)
{
    struct ads *ads = xcalloc(1, sizeof(*ads));
    ads->group = group;
    ads->options = group->options;
    ads->mailbox = mailbox;
    desk_init(&ads->desk, &group->registry, mailbox);
    status_board_init(&ads->board, &group->options, mailbox);
    list_init(&ads->waiting);
    questions_init(&ads->questions);
    hds_init(&ads->hds);
    polls_init(&ads->polls);
    if (group->services.n == 0)
        desk_await_stored(&ads->desk);
    VEC_PUSH(&group->services, ads);
    return ads;
}

bool ads_is_idle(const struct ads *ads)
{
    return ads->n_streams == 0 && ads->desk.n_under_way == 0 && questions_are_idle(&ads->questions) &&
           hds_is_idle(&ads->hds) && polls_are_idle(&ads->polls);
}

void ads_free(struct ads *ads)
{
    if (!ads)
        return;
    assert(ads_is_idle(ads));
    desk_fini(&ads->desk);
    status_board_fini(&ads->board);
    hds_fini(&ads->hds);
    polls_fini(&ads->polls);
    free(ads);
}

int64_t ads_deadline(const struct ads *ads)
{
    int64_t removal = desk_deadline(&ads->desk), wait = streams_deadline(ads),
            answer = questions_deadline(&ads->questions);
    int64_t first = removal < wait ? removal : wait, poll = timers_next(&ads->polls.timers);
    first = first < answer ? first : answer;
    return first < poll ? first : poll;
}

void ads_run_timers(struct ads *ads, int64_t now_ns)
{
    desk_run_timers(&ads->desk, now_ns);
    streams_run_timers(ads, now_ns);
    questions_run_timers(ads, now_ns);
    timers_run(&ads->polls.timers, now_ns);
}

void ads_stop_waiting(struct ads *ads)
{
    questions_stop(ads);
    polls_stop(ads);
}

json_t *ads_proxy_json(struct ads_group *group, struct str mesh, struct str name)
{
    JSON_AUTO streams = json_array();
    for (size_t i = 0; i < group->services.n; i++)
        status_board_list(&group->services.v[i]->board, mesh, name, streams);
    if (json_array_size(streams) == 0)
        return NULL;
    json_t *o = json_object();
    json_object_set_new(o, "mesh", json_from_str(mesh));
    json_object_set_new(o, "name", json_from_str(name));
    json_object_set(o, "streams", streams);
    return o;
}

void hurry_all(struct ads_group *group, uint64_t id, void (*handle)(struct mail *))
{
    for (size_t i = 0; i < group->services.n; i++) {
        struct hurry *h = xmalloc(sizeof(*h));
        *h = (struct hurry){.mail.handle = handle, .ads = group->services.v[i], .id = id};
        mailbox_send(h->ads->mailbox, &h->mail);
    }
}
