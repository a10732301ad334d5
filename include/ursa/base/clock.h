/* ursa/base/clock.h -- time behind functions that tests replace. Any thread. */
#ifndef URSA_BASE_CLOCK_H
#define URSA_BASE_CLOCK_H

#include "ursa/base/arena.h"

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

int64_t clock_mono_ns(void); /* never goes back; for timers and durations */
int64_t clock_wall_ns(void); /* since 1970 UTC; for time stamps */
/* How long poll() and its like are to wait until then (monotonic): -1 for INT64_MAX, 0 when it is over; never
 * too short. */
int clock_ms_until(int64_t deadline_ns);
/* Tests only: both clocks stand at these values until moved; a NULL-like (-1, -1) restores the real ones. */
void clock_fake(int64_t mono_ns, int64_t wall_ns);

/* RFC 3339 UTC with up to 9 fractional digits, trailing zeros dropped: 2026-11-23T09:22:27.3113Z */
struct str time_format(struct arena *, int64_t wall_ns);
/* The same into the caller's memory, without a NUL; returns how many bytes. */
#define TIME_TEXT 32
size_t time_text(int64_t wall_ns, char text[TIME_TEXT]);
MUST_USE bool time_parse(struct str, int64_t *wall_ns);

/* Go's duration syntax: sign, decimal numbers with units ns us µs ms s m h; "0" alone is allowed. */
MUST_USE bool duration_parse(struct str, int64_t *ns);
/* The same as a regular expression, but for its range: for schemas. */
#define DURATION_PATTERN "^[-+]?(0|(([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h))+)$"
/* Why duration_parse() refuses this text, as Go says it: time: unknown unit "d" in duration "1d". */
struct str duration_explain(struct arena *, struct str);
/* Protobuf JSON: seconds with 0, 3, 6 or 9 decimals: "1.500s", "3600s". */
struct str duration_format_proto(struct arena *, int64_t ns);
/* Go's String(): "1h0m0s", "1m30s", "500ms", "0s". */
struct str duration_format_go(struct arena *, int64_t ns);

#endif
