/* render.h -- values as ursactl prints them: ages, dates, tags, trees, errors. */
#ifndef URSA_CLI_RENDER_H
#define URSA_CLI_RENDER_H

#include <jansson.h>

#include "options.h"
#include "ursa/base/err.h"

void render_text(struct str); /* to standard output */
/* A resource, an overview or a list as YAML or JSON, to standard output. */
void render_tree(struct arena *, const json_t *, enum output);
/* YAML or JSON rather than a table? 'output' is an enum output, as flags keep it. */
bool render_is_tree(int output);
/* To standard error: "Error: <text>", then "* field: message" for each cause. */
void render_error(const struct err *);
/* One line to standard error, as it is but for control characters. */
void render_line(struct str);

/* kumactl's rounding: "never" for the future, "59s", "59m", "23h", "364d", "3y". */
struct str render_age(struct arena *, int64_t age_ns);
/* The age of an RFC 3339 time; "never" for none. */
struct str render_ago(struct arena *, struct str time, int64_t now_ns);
/* An RFC 3339 time as local "2026-11-23 09:22:27"; "-" for none. */
struct str render_date(struct arena *, struct str time);
/* The tags of a Dataplane's inbounds and gateway: "a=1 b=2,3", sorted. */
struct str render_dataplane_tags(struct arena *, const json_t *networking);
/* One set of tags, sorted: "a=1<between>b=2". */
struct str render_tags(struct arena *, const json_t *tags, const char *between);
/* A service's "partially_degraded" as kumactl says it: "Partially degraded". */
struct str render_service_status(struct arena *, struct str);

#endif
