/* gRPC's header checks, framing, status codes and text encoding. */
#include "../../lib/test.h"

#include <string.h>

#include "../../../src/net/grpc.h"
#include "ursa/xds.h"

#define ADS "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"

TEST(every_kind_of_error_has_a_code)
{
    static const struct {
        enum err_kind kind;
        int want;
    } rows[] = {
        {ERR_NONE, 0},     {ERR_INVALID, 3}, {ERR_MALFORMED, 3},        {ERR_NOT_FOUND, 5}, {ERR_EXISTS, 6},
        {ERR_CONFLICT, 9}, {ERR_STALE, 10},  {ERR_UNAUTHENTICATED, 16}, {ERR_DENIED, 7},    {ERR_METHOD, 12},
        {ERR_MEDIA, 12},   {ERR_LIMIT, 8},   {ERR_UNAVAILABLE, 14},     {ERR_PEER, 14},     {ERR_NO_SPACE, 8},
        {ERR_IO, 13},      {ERR_BUG, 13},    {ERR_TOO_OFTEN, 8},
    };
    EXPECT_INT("all kinds", ARRAY_LEN(rows), ERR_BUG + 1);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        EXPECT_INT(err_kind_name(rows[i].kind), grpc_code_of(rows[i].kind), rows[i].want);
}

TEST(headers_are_checked)
{
    static const char big[GRPC_HEADER_MAX] = "";
    static const struct {
        const char *name;
        const char *fields[12]; /* name, value ... */
        unsigned want_http;
        enum err_kind want_kind;
        const char *want_token;
    } rows[] = {
        {"a call", {":method", "POST", ":path", ADS, "content-type", "application/grpc"}, 0, ERR_NONE, ""},
        {"health discovery",
         {":method", "POST", ":path", "/envoy.service.health.v3.HealthDiscoveryService/StreamHealthCheck",
          "content-type", "application/grpc"},
         0,
         ERR_NONE,
         ""},
        {"with a token",
         {":method", "POST", ":path", ADS, "content-type", "application/grpc+proto", "authorization", "t"},
         0,
         ERR_NONE,
         "t"},
        {"not encoded",
         {":method", "POST", ":path", ADS, "content-type", "application/grpc;v=1", "grpc-encoding",
          "identity"},
         0,
         ERR_NONE,
         ""},
        {"GET", {":method", "GET", ":path", ADS, "content-type", "application/grpc"}, 405, ERR_NONE, ""},
        {"JSON", {":method", "POST", ":path", ADS, "content-type", "application/json"}, 415, ERR_NONE, ""},
        {"gRPC-web",
         {":method", "POST", ":path", ADS, "content-type", "application/grpc-web"},
         415,
         ERR_NONE,
         ""},
        {"no type", {":method", "POST", ":path", ADS}, 415, ERR_NONE, ""},
        {"nothing", {NULL}, 405, ERR_NONE, ""},
        {"delta",
         {":method", "POST", ":path",
          "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources", "content-type",
          "application/grpc"},
         0,
         ERR_NONE,
         ""},
        {"path with more",
         {":method", "POST", ":path", ADS "/", "content-type", "application/grpc"},
         200,
         ERR_METHOD,
         ""},
        {"compressed",
         {":method", "POST", ":path", ADS, "content-type", "application/grpc", "grpc-encoding", "gzip"},
         200,
         ERR_MEDIA,
         ""},
        {"two tokens",
         {":method", "POST", ":path", ADS, "content-type", "application/grpc", "authorization", "a",
          "authorization", "b"},
         200,
         ERR_UNAUTHENTICATED,
         "a"},
        {"too large",
         {":method", "POST", ":path", ADS, "content-type", "application/grpc", "x-large", big},
         431,
         ERR_NONE,
         ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct grpc_head head;
        struct grpc_status status;

        grpc_head_init(&head);
        for (const char *const *f = rows[i].fields; *f; f += 2)
            grpc_head_add(&head, str_from_c(f[0]),
                          f[1] == big ? str_from(big, sizeof(big)) : str_from_c(f[1]));
        EXPECT_INT(rows[i].name, grpc_head_check(&head, &status), rows[i].want_http);
        EXPECT_CSTR(rows[i].name, err_kind_name(status.kind), err_kind_name(rows[i].want_kind));
        EXPECT_STR(rows[i].name, grpc_head_authorization(&head), rows[i].want_token);
        grpc_head_fini(&head);
    }
}

/* What a reader makes of the bytes: "message|message|", then "+" when one is incomplete, or the name of the
 * fault. */
static void read_in_pieces(struct str bytes, size_t piece, struct buf *got)
{
    struct grpc_reader r;
    struct grpc_status status;
    struct str message;
    enum grpc_event event = GRPC_MORE;

    grpc_reader_init(&r);
    for (size_t at = 0; at < bytes.n && event != GRPC_FAULT; at += piece) {
        struct str in = str_slice(bytes, at, at + piece);

        while ((event = grpc_reader_next(&r, &in, &message, &status)) == GRPC_MESSAGE)
            buf_printf(got, STR_FMT "|", STR_ARG(message));
    }
    if (event == GRPC_FAULT)
        buf_printf(got, "%s", err_kind_name(status.kind));
    else if (grpc_reader_is_amid(&r))
        buf_printf(got, "+");
    EXPECT_TRUE("holds nothing between messages", grpc_reader_is_amid(&r) || grpc_reader_held(&r) == 0);
    grpc_reader_fini(&r);
}

TEST(bytes_are_cut_into_messages)
{
    static const struct {
        const char *name;
        struct str bytes;
        const char *want;
    } rows[] = {
        {"nothing", STR_INIT(""), ""},
        {"one", STR_INIT("\0\0\0\0\3abc"), "abc|"},
        {"an empty one", STR_INIT("\0\0\0\0\0"), "|"},
        {"several", STR_INIT("\0\0\0\0\1a\0\0\0\0\0\0\0\0\0\2bc"), "a||bc|"},
        {"half a prefix", STR_INIT("\0\0\0\0\1a\0\0"), "a|+"},
        {"half a message", STR_INIT("\0\0\0\0\4abc"), "+"},
        {"compressed", STR_INIT("\1\0\0\0\1a"), "media"},
        {"no gRPC", STR_INIT("GET / HTTP/1.1"), "malformed"},
        {"too large by one", STR_INIT("\0\0\x10\0\1"), "limit"},
        {"far too large", STR_INIT("\0\xff\xff\xff\xff"), "limit"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t piece = 1; piece <= rows[i].bytes.n + 1; piece++) {
            struct buf got;

            buf_init(&got, 4096);
            read_in_pieces(rows[i].bytes, piece, &got);
            EXPECT_STR(rows[i].name, buf_str(&got), rows[i].want);
            buf_fini(&got);
        }
    }
}

TEST(the_largest_message_is_accepted)
{
    struct buf wire;
    struct grpc_reader r;
    struct grpc_status status;
    struct str message = STR_NONE;
    uint8_t prefix[GRPC_PREFIX_SIZE];

    buf_init(&wire, DISCOVERY_REQUEST_MAX + GRPC_PREFIX_SIZE);
    grpc_prefix_write(prefix, DISCOVERY_REQUEST_MAX);
    buf_add(&wire, prefix, sizeof(prefix));
    memset(buf_room(&wire, DISCOVERY_REQUEST_MAX), 'x', DISCOVERY_REQUEST_MAX);
    buf_grown(&wire, DISCOVERY_REQUEST_MAX);
    grpc_reader_init(&r);
    for (size_t at = 0; at < wire.n; at += 16384) {
        struct str in = str_slice(buf_str(&wire), at, at + 16384);

        while (grpc_reader_next(&r, &in, &message, &status) == GRPC_MESSAGE)
            EXPECT_INT("size", message.n, DISCOVERY_REQUEST_MAX);
    }
    EXPECT_TRUE("came", message.n > 0);
    grpc_reader_fini(&r);
    buf_fini(&wire);
}

TEST(status_texts_are_encoded)
{
    static char long_text[GRPC_TEXT_MAX + 1];
    static const struct {
        const char *name, *text, *want;
    } rows[] = {
        {"plain", "resource \"a\" not found; x", "resource \"a\" not found; x"},
        {"percent", "100%", "100%25"},
        {"line end", "a\r\nb", "a%0D%0Ab"},
        {"UTF-8", "\xc3\xa9", "%C3%A9"},
        {"delete", "\x7f~", "%7F~"},
        {"empty", "", ""},
    };
    struct buf got;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_init(&got, 4096);
        grpc_message_encode(str_from_c(rows[i].text), &got);
        EXPECT_STR(rows[i].name, buf_str(&got), rows[i].want);
        buf_fini(&got);
    }
    memset(long_text, 'x', GRPC_TEXT_MAX - 1);
    memcpy(long_text + GRPC_TEXT_MAX - 1, "\xc3\xa9", 2);
    buf_init(&got, 4096);
    grpc_message_encode(str_from(long_text, sizeof(long_text)), &got);
    EXPECT_INT("is cut before a character that does not fit", got.n, GRPC_TEXT_MAX - 1);
    buf_fini(&got);
}
