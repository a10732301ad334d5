/* grpc.h -- gRPC over HTTP/2 as pure functions: the checks of a request's header, messages in their 5-byte
 * frames, status codes.
 *
 * Facts: gRPC's document "gRPC over HTTP2". */
#ifndef URSA_NET_GRPC_H
#define URSA_NET_GRPC_H

#include "ursa/base/buf.h"
#include "ursa/base/err.h"
#include "ursa/xds.h"

enum grpc_code {
    GRPC_OK = 0,
    GRPC_INVALID_ARGUMENT = 3,
    GRPC_NOT_FOUND = 5,
    GRPC_ALREADY_EXISTS = 6,
    GRPC_PERMISSION_DENIED = 7,
    GRPC_RESOURCE_EXHAUSTED = 8,
    GRPC_FAILED_PRECONDITION = 9,
    GRPC_ABORTED = 10,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_INTERNAL = 13,
    GRPC_UNAVAILABLE = 14,
    GRPC_UNAUTHENTICATED = 16,
};
/* The only map from kinds of errors to status codes. */
enum grpc_code grpc_code_of(enum err_kind);

/* How a call ends. */
struct grpc_status {
    enum err_kind kind;
    struct str text; /* may be empty */
};

/* ---- the request's header ---- */
#define GRPC_HEADER_MAX 16384u /* bytes, counted as HTTP/2 does: name, value and 32 for each field */

struct grpc_head {
    size_t n_bytes; /* of all fields */
    bool is_post, is_grpc, is_ads, is_hds, is_encoded;
    enum xds_variant variant; /* of the discovery protocol, by the method's name */
    unsigned n_authorizations;
    size_t authorization_size;
    char *authorization; /* the first value; wiped by grpc_head_fini */
};
void grpc_head_init(struct grpc_head *);
void grpc_head_fini(struct grpc_head *);
void grpc_head_add(struct grpc_head *, struct str name, struct str value);
/* 0: a call for one of the discovery services. 200: it is gRPC but refused with '*status'. Else the HTTP
 * status to refuse it with. */
unsigned grpc_head_check(const struct grpc_head *, struct grpc_status *status);
struct str grpc_head_authorization(const struct grpc_head *); /* STR_NONE when there is none */

/* ---- messages ---- */
#define GRPC_PREFIX_SIZE 5
void grpc_prefix_write(uint8_t prefix[GRPC_PREFIX_SIZE], size_t message_size);

/* Cuts a stream of bytes into messages. Holds memory only while a message is incomplete. */
struct grpc_reader {
    uint8_t prefix[GRPC_PREFIX_SIZE];
    uint8_t n_prefix;
    uint32_t size;   /* of the message, once the prefix is whole */
    struct buf body; /* what is there of a message that came in pieces */
};
enum grpc_event { GRPC_MORE, GRPC_MESSAGE, GRPC_FAULT };
void grpc_reader_init(struct grpc_reader *);
void grpc_reader_fini(struct grpc_reader *);
/* Takes bytes off the front of '*in'. GRPC_MORE: it is used up. GRPC_MESSAGE: '*message' is one, valid until
 * the next call and as long as what
 * '*in' pointed to. GRPC_FAULT: the call must end with '*status'; the reader is of no more use. */
enum grpc_event grpc_reader_next(struct grpc_reader *, struct str *in, struct str *message,
                                 struct grpc_status *status);
bool grpc_reader_is_amid(const struct grpc_reader *); /* a message has begun and is not whole */
size_t grpc_reader_held(const struct grpc_reader *);  /* bytes of memory */

/* ---- trailers ---- */
#define GRPC_TEXT_MAX 1024 /* bytes of a status text that are sent; clients bound their headers */
/* Appends grpc-message's form: everything but printable ASCII as %XX, '%' too. Cuts at GRPC_TEXT_MAX, not
 * amid a character. */
void grpc_message_encode(struct str text, struct buf *out);

#endif
