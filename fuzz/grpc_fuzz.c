/* grpc_fuzz.c -- any bytes as gRPC frames: no crash, and however they are cut into pieces, the same messages
 * and the same end.
 */
#include <stdlib.h>

#include "../src/net/grpc.h"
#include "ursa/base/hash.h"
#include "ursa/xds.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

struct outcome {
    uint64_t messages; /* a hash over all of them */
    enum err_kind fault;
    bool is_amid;
};

static struct outcome read_frames(struct str wire, size_t piece)
{
    struct grpc_reader r;
    struct outcome out = {0};
    enum grpc_event event = GRPC_MORE;

    grpc_reader_init(&r);
    for (size_t at = 0; at < wire.n && event != GRPC_FAULT; at += piece) {
        struct str in = str_slice(wire, at, at + piece), message;
        struct grpc_status status;

        while ((event = grpc_reader_next(&r, &in, &message, &status)) == GRPC_MESSAGE) {
            if (message.n > DISCOVERY_REQUEST_MAX)
                abort();
            out.messages = hash_mix(out.messages, hash_content(message.p, message.n));
        }
        if (event == GRPC_FAULT)
            out.fault = status.kind;
        if (in.n > 0 && event == GRPC_MORE)
            abort();
    }
    out.is_amid = event != GRPC_FAULT && grpc_reader_is_amid(&r);
    grpc_reader_fini(&r);
    return out;
}

/* grpc-message must be printable ASCII, and bounded. */
static void check_text(struct str text)
{
    struct buf out;

    buf_init(&out, 3 * GRPC_TEXT_MAX);
    grpc_message_encode(text, &out);
    if (!buf_ok(&out))
        abort();
    for (size_t i = 0; i < out.n; i++)
        if (out.p[i] < 0x20 || out.p[i] > 0x7e)
            abort();
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const size_t pieces[] = {1, 3, 5, 64};
    struct str wire = str_from(bytes, n);
    struct outcome whole = read_frames(wire, n + 1);

    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        struct outcome cut = read_frames(wire, pieces[i]);

        if (cut.messages != whole.messages || cut.fault != whole.fault || cut.is_amid != whole.is_amid)
            abort();
    }
    check_text(wire);
    return 0;
}
