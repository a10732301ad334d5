/* tests/tools/world.h -- a control plane without doors: a memory store and its writer, fed with YAML.
 *
 * For programs of one thread. Whatever fails ends the program with a message. */
#ifndef URSA_TESTS_TOOLS_WORLD_H
#define URSA_TESTS_TOOLS_WORLD_H

#include "ursa/admit.h"

struct world;
/* 'subscribe' (may be NULL) runs between opening the store and starting the writer. */
struct world *world_new(void (*subscribe)(void *ctx, struct store *), void *ctx);
/* 'stop' (may be NULL) runs between stopping the writer and closing the store. */
void world_free(struct world *, void (*stop)(void));
struct store *world_store(struct world *);
/* Applies the documents one after the other, a request each, but for Dataplanes that follow each other: those
 * are one, and their services get VIPs in the order of names. "type: Delete" documents ({type, kind, mesh,
 * name}) delete; "type: Advance" ({type, mesh}) is the next step of a mesh on its way. */
void world_apply(struct world *, struct str yaml);
/* The same, for Dataplanes that their proxies bring. */
void world_bring(struct world *, struct str yaml);
/* All meshes that are on their way to another posture arrive, as they do while they have no proxies. */
void world_arrive(struct world *);
void world_delete(struct world *, enum res_type, struct str mesh, struct str name);

/* The whole file; the caller frees it. */
char *read_file(const char *path, size_t *n);
NORETURN void die(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
