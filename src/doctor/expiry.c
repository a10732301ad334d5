/* expiry.c -- how long a certificate has to go. */
#include "expiry.h"

#include "ursa/base/clock.h"

enum expiry expiry_of(int64_t expires_ns, int64_t now_ns)
{
    int64_t left = expires_ns - now_ns;

    if (left <= 0)
        return EXPIRY_PAST;
    if (left <= EXPIRY_CLOSE_NS)
        return EXPIRY_CLOSE;
    return left <= EXPIRY_NEAR_NS ? EXPIRY_NEAR : EXPIRY_FAR;
}

int64_t expiry_changes_ns(int64_t expires_ns, int64_t now_ns)
{
    static const int64_t before[] = {
        [EXPIRY_FAR] = EXPIRY_NEAR_NS, [EXPIRY_NEAR] = EXPIRY_CLOSE_NS, [EXPIRY_CLOSE] = 0};
    enum expiry now = expiry_of(expires_ns, now_ns);

    return now == EXPIRY_PAST ? INT64_MAX : expires_ns - before[now];
}

struct finding *expiry_add(struct exam *x, enum finding_id expires, enum finding_id expired, struct str mesh,
                           int64_t expires_ns)
{
    enum expiry expiry = expiry_of(expires_ns, x->world->now_ns);

    if (expiry == EXPIRY_FAR)
        return NULL;
    return exam_add(x, expiry == EXPIRY_PAST ? expired : expires,
                    expiry == EXPIRY_NEAR ? FINDING_WARNING : FINDING_ERROR, mesh);
}

struct str expiry_text(const struct exam *x, int64_t expires_ns)
{
    const int64_t minute = 60 * NS_PER_S, hour = 60 * minute, day = 24 * hour;
    int64_t left = expires_ns - x->world->now_ns;
    struct str at = time_format(x->arena, expires_ns);
    int64_t unit = left >= 2 * day ? day : left >= 2 * hour ? hour : minute;

    if (left <= 0)
        return arena_printf(x->arena, "expired at " STR_FMT, STR_ARG(at));
    return arena_printf(x->arena, "expires at " STR_FMT ", in %lld %s", STR_ARG(at), (long long)(left / unit),
                        unit == day    ? "days"
                        : unit == hour ? "hours"
                                       : "minutes");
}
