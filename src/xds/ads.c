/* xds/ads.c -- the aggregated discovery service: all streams of one loop, and what they share. */
#include "stream.h"

#include <assert.h>
#include <stdlib.h>

#include "ursa/base/alloc.h"

struct ads *ads_new(const struct ads_options *options)
{
    struct ads *ads = xcalloc(1, sizeof(*ads));
    ads->options = *options;
    registry_init(&ads->registry, &ads->options);
    status_board_init(&ads->board);
    list_init(&ads->waiting);
    questions_init(&ads->questions);
    return ads;
}

bool ads_is_idle(const struct ads *ads)
{
    return ads->n_streams == 0 && ads->registry.n_under_way == 0 && questions_are_idle(&ads->questions);
}

void ads_free(struct ads *ads)
{
    if (!ads)
        return;
    assert(ads->n_open == 0);
    ads_stop_waiting(ads);
    while (!ads_is_idle(ads)) { /* the engine and the writer still have something of ours */
        mailbox_wait(ads->options.mailbox, -1);
        mailbox_run(ads->options.mailbox);
    }
    registry_fini(&ads->registry);
    status_board_fini(&ads->board);
    free(ads);
}

int64_t ads_deadline(const struct ads *ads)
{
    int64_t removal = registry_deadline(&ads->registry), wait = streams_deadline(ads),
            answer = questions_deadline(&ads->questions);
    int64_t first = removal < wait ? removal : wait;
    return first < answer ? first : answer;
}

void ads_run_timers(struct ads *ads, int64_t now_ns)
{
    registry_run_timers(&ads->registry, now_ns);
    streams_run_timers(ads, now_ns);
    questions_run_timers(ads, now_ns);
}

json_t *ads_proxy_json(struct ads *ads, struct str mesh, struct str name)
{
    return status_board_json(&ads->board, mesh, name);
}
