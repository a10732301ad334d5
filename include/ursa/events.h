/* ursa/events.h -- what happens, told to whoever listens: changes of resources, proxies that come and go,
 * what Envoy refuses, certificates.
 *
 * One bounded ring of recent events. Changes come from the store's feed, the rest from the streams' observer
 * (insight.h). Every event has a place: the store's revision, and a number that only grows within it. Any
 * thread may add and read; nothing is held while a reader works but for a moment. */
#ifndef URSA_EVENTS_H
#define URSA_EVENTS_H

#include "ursa/auth.h"
#include "ursa/base/mailbox.h"

struct events;
/* 'kept': events in the ring. Subscribes to the store's feed: before the writer starts. */
struct events *events_new(struct store *, size_t kept);
/* The changes that the store's history keeps, as if they had just been told: a client goes on behind a
 * revision also when the control plane has been started anew. Before the writer starts and anybody reads;
 * waits for the store's reader. On a fault the ring stays empty. */
MUST_USE enum err_kind events_recall(struct events *, struct store *, struct err *e);
void events_free(struct events *); /* the writer and the streams have ended; NULL is ignored */

enum event_kind {
    EVENT_RESOURCE,
    EVENT_PROXY,
    EVENT_NACK,
    EVENT_CERTIFICATE,
    EVENT_CA,
    EVENT_FINDING,
    EVENT_KINDS
};
const char *event_kind_name(enum event_kind);
/* EVENT_KINDS when there is none of that name. */
enum event_kind event_kind_by_name(struct str);

/* ---- adding ---- */
struct event_member {
    const char *key;
    struct str text;
};
/* Something happened now to a proxy or a mesh: its state, and what else there is to tell. A key of type RES_N
 * means something of the control plane's own, of which its administrators hear. */
void events_add(struct events *, enum event_kind, const struct res_key *, const char *state,
                const struct event_member *, size_t n_members);
/* Likewise to a mesh. */
void events_add_mesh(struct events *, enum event_kind, struct str mesh, const char *state,
                     const struct event_member *, size_t n_members);

/* ---- reading ---- */
struct event_place {
    uint64_t revision, n;
};
/* "12-3"; false for anything else. */
MUST_USE bool event_place_parse(struct str, struct event_place *);
struct event_place events_newest(struct events *);

struct event_filter {
    struct str mesh; /* p == NULL: all; else what is in this mesh, and the Mesh itself */
    uint64_t types;  /* bit set of enum res_type; 0: all */
    unsigned kinds;  /* bit set of enum event_kind; 0: all */
    const struct access_config *access;
    const struct user *user; /* sees only what may be read */
};
/* Where a reader stands: behind an event of the ring. */
struct event_cursor {
    uint64_t next;
};
void events_from_now(struct events *, struct event_cursor *);
/* Behind that place; false when events behind it are not in the ring any more, or it is none of this store.
 * Then the cursor is where the changes go on that the reader has not seen, if they are kept: of an earlier
 * instance that is all that is known. Else it is behind everything. */
MUST_USE bool events_from_place(struct events *, struct event_place, struct event_cursor *);
/* Behind all changes of that revision; false when changes behind it are not in the ring any more: then the
 * cursor is behind everything. */
MUST_USE bool events_from_revision(struct events *, uint64_t revision, struct event_cursor *);
enum event_found { EVENT_NONE, EVENT_FOUND, EVENT_LOST };
/* The next event that passes, as it goes over the wire: a new reference, and the cursor behind it. Without
 * 'text' it stays before it. EVENT_LOST: it has fallen out of the ring. */
enum event_found events_next(struct events *, struct event_cursor *, const struct event_filter *,
                             struct blob **text);
/* One listener: 'mail' goes to 'box' when there is something new, and not again before events_heed(). */
void events_listen(struct events *, struct mailbox *box, struct mail *mail);
void events_heed(struct events *);
/* Ends it. True: the mail is under way, or in the box; it is the last. */
MUST_USE bool events_unlisten(struct events *);

#endif
