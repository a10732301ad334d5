/* envoy.h -- the Envoy program: asked for its version, then run. */
#ifndef URSA_DP_ENVOY_H
#define URSA_DP_ENVOY_H

#include "options.h"

struct envoy_version {
    struct str version; /* 1.40.0; "unknown" when the program does not say */
    struct str build;   /* the whole of what it says */
};
/* Reads the output of --version: "envoy  version: <hash>/1.40.0/Clean/RELEASE/BoringSSL". */
struct envoy_version envoy_version_parse(struct str output, struct arena *);
struct envoy_version envoy_version_ask(const char *program, struct arena *);

/* Runs Envoy, passes signals on and waits for its end: its exit status, or 128 + the signal that ended it. */
int envoy_run(const struct options *, const char *bootstrap_file);

#endif
