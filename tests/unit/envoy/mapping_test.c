/* The codec, rule by rule of protobuf's JSON mapping: JSON to wire and back, and what is refused where. */
#include "../../lib/test.h"

#include <stdlib.h>
#include <string.h>

#include "ursa/base/json.h"
#include "ursa/envoy.h"

#define CORE "envoy.config.core.v3."
#define PB "google.protobuf."
#define SOURCE_INFO "google.api.expr.v1alpha1.SourceInfo"
#define EIGHT(s) s s s s s s s s
#define STRUCT_URL "type.googleapis.com/google.protobuf.Struct"

static struct str hex(struct arena *a, struct str bytes)
{
    struct buf b;
    buf_init(&b, 1 << 16);
    for (size_t i = 0; i < bytes.n; i++)
        buf_printf(&b, "%02x", (uint8_t)bytes.p[i]);
    struct str text = arena_str(a, buf_str(&b));
    buf_fini(&b);
    return text;
}

static struct str unhex(struct arena *a, const char *text)
{
    char *bytes = arena_alloc(a, strlen(text) / 2 + 1);
    size_t n = 0;
    for (; text[2 * n]; n++) {
        const char pair[] = {text[2 * n], text[2 * n + 1], '\0'};
        bytes[n] = (char)strtoul(pair, NULL, 16);
    }
    return str_from(bytes, n);
}

/* The wire bytes as hex, or the first fault. */
static struct str encode(struct arena *a, const char *message, const char *json)
{
    struct err e;
    struct buf out;
    json_error_t at;
    err_init(&e, a);
    buf_init(&out, 1 << 16);
    json_t *tree = json_loads(json, JSON_DECODE_ANY, &at);
    if (!tree)
        FAIL("%s: %s", json, at.text);
    struct str text = envoy_encode(str_from_c(message), tree, &out, &e) == ERR_NONE ? hex(a, buf_str(&out))
                                                                                    : err_render(&e, a);
    if (e.kind != ERR_NONE && out.n > 0)
        FAIL("%s: bytes were left behind a fault", json);
    json_decref(tree);
    buf_fini(&out);
    return text;
}

static struct str decode(struct arena *a, const char *message, const char *wire)
{
    struct err e;
    json_t *tree = NULL;
    err_init(&e, a);
    if (envoy_decode(str_from_c(message), unhex(a, wire), &tree, &e) != ERR_NONE)
        return err_render(&e, a);
    struct str text = json_format(a, tree);
    json_decref(tree);
    return text;
}

TEST(json_to_wire_and_back)
{
    static const struct {
        const char *name, *message, *json, *wire;
        const char *back; /* NULL: the same JSON */
    } rows[] = {
        {"empty", CORE "Address", "{}", "", NULL},
        {"null is absent", CORE "SocketAddress", "{\"address\":null,\"portValue\":null}", "", "{}"},
        {"default is not written", CORE "SocketAddress",
         "{\"address\":\"\",\"ipv4Compat\":false,\"protocol\":\"TCP\"}", "", "{}"},
        {"default in a oneof is", CORE "SocketAddress", "{\"portValue\":0}", "1800", NULL},
        {"number order, not key order", CORE "SocketAddress", "{\"portValue\":80,\"address\":\"a\"}",
         "1201611850", "{\"address\":\"a\",\"portValue\":80}"},
        {"proto names", CORE "SocketAddress", "{\"port_value\":80,\"ipv4_compat\":true}", "18503001",
         "{\"portValue\":80,\"ipv4Compat\":true}"},
        {"empty sub-message", CORE "Address", "{\"socketAddress\":{}}", "0a00", NULL},
        {"a length of two bytes", PB "StringValue", "\"" EIGHT("xxxxxxxxxxxxxxxx") "\"",
         "0a8001" EIGHT("78787878787878787878787878787878"), NULL},

        {"enum by name", CORE "SocketAddress", "{\"protocol\":\"UDP\"}", "0801", NULL},
        {"enum by number", CORE "SocketAddress", "{\"protocol\":1}", "0801", "{\"protocol\":\"UDP\"}"},
        {"enum of the future", CORE "SocketAddress", "{\"protocol\":77}", "084d", NULL},
        {"negative enum", CORE "SocketAddress", "{\"protocol\":-1}", "08ffffffffffffffffff01", NULL},

        {"bool wrapper", PB "BoolValue", "true", "0801", NULL},
        {"false wrapper", PB "BoolValue", "false", "", NULL},
        {"wrapper in a field", "envoy.config.route.v3.RouteConfiguration", "{\"validateClusters\":false}",
         "3a00", NULL},
        {"uint32", PB "UInt32Value", "4294967295", "08ffffffff0f", NULL},
        {"uint32 of a string", PB "UInt32Value", "\"7\"", "0807", "7"},
        {"integer with a point", PB "UInt32Value", "7.0", "0807", "7"},
        {"integer with an exponent", PB "Int32Value", "-1e3", "0898f8ffffffffffffff01", "-1000"},
        {"int32", PB "Int32Value", "-2147483648", "0880808080f8ffffffff01", NULL},
        {"int64 is text", PB "Int64Value", "\"-9223372036854775808\"", "0880808080808080808001", NULL},
        {"int64 of a number", PB "Int64Value", "5", "0805", "\"5\""},
        {"uint64", PB "UInt64Value", "\"18446744073709551615\"", "08ffffffffffffffffff01", NULL},
        {"zero int64", PB "Int64Value", "\"0\"", "", NULL},
        {"double", PB "DoubleValue", "1.5", "09000000000000f83f", NULL},
        {"whole double", PB "DoubleValue", "100", "090000000000005940", NULL},
        {"minus zero", PB "DoubleValue", "-0.0", "090000000000000080", "0"},
        {"double of a string", PB "DoubleValue", "\"-2.5e3\"", "09000000000088a3c0", "-2500"},
        {"NaN", PB "DoubleValue", "\"NaN\"", "09000000000000f87f", NULL},
        {"infinity", PB "DoubleValue", "\"-Infinity\"", "09000000000000f0ff", NULL},
        {"float", PB "FloatValue", "0.1", "0dcdcccc3d", NULL},
        {"float of nine digits", PB "FloatValue", "16777217", "0d0000804b", "16777216"},
        {"float infinity", PB "FloatValue", "\"Infinity\"", "0d0000807f", NULL},
        {"string", PB "StringValue", "\"ü\"", "0a02c3bc", NULL},
        {"bytes", PB "BytesValue", "\"+/8=\"", "0a02fbff", NULL},
        {"bytes, URL alphabet, no padding", PB "BytesValue", "\"-_8\"", "0a02fbff", "\"+/8=\""},
        {"no bytes in a oneof", CORE "DataSource", "{\"inlineBytes\":\"\"}", "1200", NULL},

        {"whole duration", PB "Duration", "\"5s\"", "0805", NULL},
        {"zero duration", PB "Duration", "\"0s\"", "", NULL},
        {"duration, three decimals", PB "Duration", "\"0.25s\"", "1080e59a77", "\"0.250s\""},
        {"duration, six decimals", PB "Duration", "\"1.000250s\"", "08011090a10f", "\"1.000250s\""},
        {"duration, nine decimals", PB "Duration", "\"1.000000001s\"", "08011001", NULL},
        {"negative duration", PB "Duration", "\"-0.500s\"", "1080b6ca91feffffffff01", NULL},
        {"longest duration", PB "Duration", "\"315576000000s\"", "0880bcaece9709", NULL},
        {"time", PB "Timestamp", "\"1970-01-01T00:00:05Z\"", "0805", NULL},
        {"time with a zone and decimals", PB "Timestamp", "\"1970-01-01T02:00:05.5+02:00\"",
         "08051080cab5ee01", "\"1970-01-01T00:00:05.500Z\""},
        {"first time", PB "Timestamp", "\"0001-01-01T00:00:00Z\"", "088092b8c398feffffff01", NULL},
        {"last time", PB "Timestamp", "\"9999-12-31T23:59:59.999999999Z\"", "08ff82d1ffaf0710ff93ebdc03",
         NULL},
        {"field mask", PB "FieldMask", "\"userName,a.bC\"", "0a09757365725f6e616d650a05612e625f63", NULL},
        {"empty field mask", PB "FieldMask", "\"\"", "", NULL},

        {"struct", PB "Struct", "{\"b\":[1,null,\"x\"],\"a\":{\"t\":true}}",
         "0a100a0161120b2a090a070a0174120220010a1b0a0162121632140a0911000000000000f03f0a0208000a031a0178",
         "{\"a\":{\"t\":true},\"b\":[1,null,\"x\"]}"},
        {"empty struct", PB "Struct", "{}", "", NULL},
        {"null value", PB "Value", "null", "0800", NULL},
        {"string value", PB "Value", "\"\"", "1a00", NULL},
        {"list value", PB "ListValue", "[false,0]", "0a0220000a09110000000000000000", NULL},

        {"map sorted by key", CORE "Metadata", "{\"filterMetadata\":{\"b\":{},\"a\":{}}}",
         "0a050a016112000a050a01621200", "{\"filterMetadata\":{\"a\":{},\"b\":{}}}"},
        {"integer keys by value", SOURCE_INFO, "{\"positions\":{\"10\":1,\"9\":0,\"-1\":2}}",
         "220d08ffffffffffffffffff0110022204080910002204080a1001",
         "{\"positions\":{\"-1\":2,\"9\":0,\"10\":1}}"},
        {"packed", SOURCE_INFO, "{\"lineOffsets\":[1,300,-1]}", "1a0d01ac02ffffffffffffffffff01", NULL},
        {"empty list", SOURCE_INFO, "{\"lineOffsets\":[],\"extensions\":[]}", "", "{}"},
        {"repeated messages", SOURCE_INFO, "{\"extensions\":[{},{\"id\":\"x\"}]}", "320032030a0178", NULL},

        {"any", PB "Any", "{\"@type\":\"type.googleapis.com/google.rpc.Status\",\"code\":5}",
         "0a25747970652e676f6f676c65617069732e636f6d2f676f6f676c652e7270632e53746174757312020805", NULL},
        {"empty any", PB "Any", "{}", "", NULL},
        {"any of an empty message", PB "Any", "{\"@type\":\"x/google.rpc.Status\"}",
         "0a13782f676f6f676c652e7270632e537461747573", NULL},
        {"any of google.protobuf.Empty", PB "Any", "{\"@type\":\"x/google.protobuf.Empty\",\"value\":{}}",
         "0a17782f676f6f676c652e70726f746f6275662e456d707479", "{\"@type\":\"x/google.protobuf.Empty\"}"},
        {"any of a well-known type", PB "Any", "{\"@type\":\"x/google.protobuf.Duration\",\"value\":\"5s\"}",
         "0a1a782f676f6f676c652e70726f746f6275662e4475726174696f6e12020805", NULL},
        {"any of an unknown type", PB "Any", "{\"@type\":\"x/no.such.Type\",\"value\":\"AQI=\"}",
         "0a0e782f6e6f2e737563682e5479706512020102", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a;
        arena_init(&a);
        EXPECT_STR(rows[i].name, encode(&a, rows[i].message, rows[i].json), rows[i].wire);
        EXPECT_STR(rows[i].name, decode(&a, rows[i].message, rows[i].wire),
                   rows[i].back ? rows[i].back : rows[i].json);
        arena_fini(&a);
    }
}

TEST(faults_name_their_field)
{
    static const struct {
        const char *name, *message, *json, *want;
    } rows[] = {
        {"no object", CORE "Address", "[]", "must be an object"},
        {"unknown field", CORE "Address", "{\"socketAddress\":{\"prot\":1}}",
         "socketAddress.prot: unknown field of envoy.config.core.v3.SocketAddress"},
        {"neither JSON name nor proto name", CORE "SocketAddress", "{\"port__value\":1}",
         "port__value: unknown field of envoy.config.core.v3.SocketAddress"},
        {"both names", CORE "SocketAddress", "{\"portValue\":1,\"port_value\":1}",
         "port_value: is given twice, as \"portValue\" and as \"port_value\""},
        {"two of a oneof", CORE "SocketAddress", "{\"portValue\":1,\"namedPort\":\"x\"}",
         "namedPort: must not be set together with \"portValue\""},
        {"one of a oneof is null", CORE "SocketAddress",
         "{\"portValue\":1,\"namedPort\":null,\"protocol\":\"X\"}",
         "protocol: unknown value \"X\", expected one of TCP, UDP"},
        {"all faults", CORE "SocketAddress", "{\"protocol\":true,\"address\":1,\"portValue\":-1}",
         "protocol: must be one of TCP, UDP; address: must be a string; portValue: must be an integer in the "
         "range [0, 4294967295]"},
        {"bool", PB "BoolValue", "\"true\"", "must be true or false"},
        {"uint32 too large", PB "UInt32Value", "4294967296",
         "must be an integer in the range [0, 4294967295]"},
        {"int32 with a fraction", PB "Int32Value", "1.5",
         "must be an integer in the range [-2147483648, 2147483647]"},
        {"int64 of a word", PB "Int64Value", "\"five\"",
         "must be an integer in the range [-9223372036854775808, 9223372036854775807]"},
        {"uint64 too large", PB "UInt64Value", "\"18446744073709551616\"",
         "must be an integer in the range [0, 18446744073709551615]"},
        {"float too large", PB "FloatValue", "1e39",
         "must be a number, \"NaN\", \"Infinity\" or \"-Infinity\""},
        {"double of a hex number", PB "DoubleValue", "\"0x10\"",
         "must be a number, \"NaN\", \"Infinity\" or \"-Infinity\""},
        {"double of nothing", PB "DoubleValue", "\"\"",
         "must be a number, \"NaN\", \"Infinity\" or \"-Infinity\""},
        {"base64", PB "BytesValue", "\"a*==\"", "must be bytes in base64"},
        {"base64 with wrong padding", PB "BytesValue", "\"AQI==\"", "must be bytes in base64"},
        {"duration without a unit", PB "Duration", "\"5\"", "must be a duration in seconds such as \"1.5s\""},
        {"duration in minutes", PB "Duration", "\"5m\"", "must be a duration in seconds such as \"1.5s\""},
        {"duration that is a number", PB "Duration", "5", "must be a duration in seconds such as \"1.5s\""},
        {"duration with ten decimals", PB "Duration", "\"1.0000000001s\"",
         "must be a duration in seconds such as \"1.5s\""},
        {"duration too long", PB "Duration", "\"315576000000.1s\"",
         "must be a duration in seconds such as \"1.5s\""},
        {"no such day", PB "Timestamp", "\"2023-02-29T00:00:00Z\"",
         "must be a time such as \"2006-01-02T15:04:05Z\""},
        {"time without a zone", PB "Timestamp", "\"2023-02-28T00:00:00\"",
         "must be a time such as \"2006-01-02T15:04:05Z\""},
        {"list", SOURCE_INFO, "{\"lineOffsets\":5}", "lineOffsets: must be an array"},
        {"list element", SOURCE_INFO, "{\"lineOffsets\":[1,\"x\"]}",
         "lineOffsets[1]: must be an integer in the range [-2147483648, 2147483647]"},
        {"null in a list", SOURCE_INFO, "{\"extensions\":[null]}", "extensions[0]: must not be null"},
        {"map", SOURCE_INFO, "{\"positions\":[]}", "positions: must be an object"},
        {"map key", SOURCE_INFO, "{\"positions\":{\"x\":1}}",
         "positions[\"x\"]: must be an integer in the range [-9223372036854775808, 9223372036854775807]"},
        {"map key twice", SOURCE_INFO, "{\"positions\":{\"1\":1,\"01\":2}}",
         "positions[\"1\"]: is given twice"},
        {"map value", CORE "Metadata", "{\"filterMetadata\":{\"a.b\":5}}",
         "filterMetadata[\"a.b\"]: must be an object"},
        {"null in a map", CORE "Metadata", "{\"filterMetadata\":{\"a\":null}}",
         "filterMetadata[\"a\"]: must not be null"},
        {"any without a type", PB "Any", "{\"code\":5}",
         "@type: must be a type URL such as type.googleapis.com/google.protobuf.Struct"},
        {"any with a bare type", PB "Any", "{\"@type\":\"google.rpc.Status\"}",
         "@type: must be a type URL such as type.googleapis.com/google.protobuf.Struct"},
        {"any of an unknown type", PB "Any", "{\"@type\":\"x/no.such.Type\",\"a\":1}",
         "@type: unknown message type \"no.such.Type\""},
        {"any with an unknown field", PB "Any", "{\"@type\":\"x/google.rpc.Status\",\"kode\":5}",
         "kode: unknown field of google.rpc.Status"},
        {"any without the value", PB "Any", "{\"@type\":\"" STRUCT_URL "\",\"a\":1}",
         "a: unknown field: google.protobuf.Struct stands in \"value\"; value: must be set"},
        {"unknown message", "no.such.Message", "{}", "unknown message type \"no.such.Message\""},
        {"empty message name", "", "{}", "unknown message type \"\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a;
        arena_init(&a);
        EXPECT_STR(rows[i].name, encode(&a, rows[i].message, rows[i].json), rows[i].want);
        arena_fini(&a);
    }
}

TEST(wire_that_other_writers_make)
{
    static const struct {
        const char *name, *message, *wire, *want;
    } rows[] = {
        {"fields in any order", CORE "SocketAddress", "1850120161", "{\"portValue\":80,\"address\":\"a\"}"},
        {"unknown field", CORE "SocketAddress", "b206036162631850", "{\"portValue\":80}"},
        {"known number, other wire type", CORE "SocketAddress", "0a0161", "{}"},
        {"the last scalar counts", CORE "SocketAddress", "1201611201621200", "{}"},
        {"the last of a oneof counts", CORE "SocketAddress", "1850220161", "{\"namedPort\":\"a\"}"},
        {"messages merge", CORE "Address", "0a031201610a021850",
         "{\"socketAddress\":{\"address\":\"a\",\"portValue\":80}}"},
        {"merging ousts of a oneof too", CORE "Address", "0a0218500a03220161",
         "{\"socketAddress\":{\"namedPort\":\"a\"}}"},
        {"unpacked", SOURCE_INFO, "180118021a0103", "{\"lineOffsets\":[1,2,3]}"},
        {"packed, and none", SOURCE_INFO, "1a00", "{}"},
        {"map entry without key and value", SOURCE_INFO, "2200", "{\"positions\":{\"0\":0}}"},
        {"map entry without a message", CORE "Metadata", "0a030a0161", "{\"filterMetadata\":{\"a\":{}}}"},
        {"value without a member", PB "Value", "", "null"},
        {"written default", CORE "SocketAddress", "08001200", "{}"},
        {"bool of a long varint", PB "BoolValue", "088080808010", "true"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a;
        arena_init(&a);
        EXPECT_STR(rows[i].name, decode(&a, rows[i].message, rows[i].wire), rows[i].want);
        arena_fini(&a);
    }
}

TEST(malformed_wire)
{
    static const struct {
        const char *name, *message, *wire, *want;
    } rows[] = {
        {"varint cut off", CORE "SocketAddress", "1880", "cut off"},
        {"tag cut off", CORE "SocketAddress", "80", "cut off"},
        {"varint of eleven bytes", CORE "SocketAddress", "188080808080808080808001", "cut off"},
        {"length beyond the end", CORE "SocketAddress", "120561", "cut off"},
        {"length near 2^64", CORE "SocketAddress", "12ffffffffffffffffff01", "cut off"},
        {"fixed64 cut off", PB "DoubleValue", "0900000000", "cut off"},
        {"fixed32 cut off", PB "FloatValue", "0d0000", "cut off"},
        {"field number zero", CORE "SocketAddress", "0000", "cut off"},
        {"group", CORE "SocketAddress", "0b0c", "cut off"},
        {"wire type 7", CORE "SocketAddress", "0f", "cut off"},
        {"within a sub-message", CORE "Address", "0a021880", "socketAddress: cut off"},
        {"packed run", SOURCE_INFO, "1a0180", "lineOffsets[0]: cut off"},
        {"map entry", CORE "Metadata", "0a020a05", "filterMetadata: cut off"},
        {"string that is not UTF-8", CORE "SocketAddress", "1201ff", "address: not UTF-8"},
        {"key that is not UTF-8", CORE "Metadata", "0a030a01ff", "filterMetadata: a key is not UTF-8"},
        {"key with NUL", CORE "Metadata", "0a030a0100", "filterMetadata: a key contains NUL"},
        {"any without a type", PB "Any", "12020805", "not a type URL"},
        {"any whose type has no slash", PB "Any", "0a0161", "not a type URL"},
        {"any with bad content", PB "Any", "0a13782f676f6f676c652e7270632e53746174757312011a", "cut off"},
        {"duration with mixed signs", PB "Duration", "080110ffffffffffffffffff01", "out of range"},
        {"duration out of range", PB "Duration", "0881bcaece9709", "out of range"},
        {"time out of range", PB "Timestamp", "0880b3d1ffaf07", "out of range"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a;
        arena_init(&a);
        EXPECT_STR(rows[i].name, decode(&a, rows[i].message, rows[i].wire), rows[i].want);
        arena_fini(&a);
    }
}

/* [[[...]]] */
static json_t *nested_list(int depth)
{
    json_t *v = json_array();
    while (--depth > 0)
        v = json_pack("[o]", v);
    return v;
}

TEST(depth_is_limited_alike_in_both_directions)
{
    static const struct {
        const char *name;
        int depth;
        enum err_kind want;
    } rows[] = {
        {"64 levels", 64, ERR_NONE}, {"65 levels", 65, ERR_INVALID}, {"1000 levels", 1000, ERR_INVALID}};
    struct arena a;
    struct err e;
    struct buf out;
    arena_init(&a);
    buf_init(&out, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *tree = nested_list(rows[i].depth), *back;
        err_init(&e, &a);
        buf_clear(&out);
        EXPECT_INT(rows[i].name, envoy_encode(STR(PB "Value"), tree, &out, &e), rows[i].want);
        if (rows[i].want == ERR_NONE) {
            EXPECT_INT(rows[i].name, envoy_decode(STR(PB "Value"), buf_str(&out), &back, &e), ERR_NONE);
            EXPECT_TRUE(rows[i].name, json_equal(tree, back));
            json_decref(back);
            /* One more list around the same bytes. */
            struct buf deeper, value;
            buf_init(&deeper, 1 << 20);
            buf_init(&value, 1 << 20);
            pb_put_bytes(&value, 1, buf_str(&out));
            pb_put_bytes(&deeper, 6, buf_str(&value));
            EXPECT_INT(rows[i].name, envoy_decode(STR(PB "Value"), buf_str(&deeper), &back, &e),
                       ERR_MALFORMED);
            buf_fini(&value);
            buf_fini(&deeper);
        }
        json_decref(tree);
    }
    buf_fini(&out);
    arena_fini(&a);
}

TEST(a_full_buffer_is_an_error_and_keeps_what_was_there)
{
    struct arena a;
    struct err e;
    struct buf out;
    arena_init(&a);
    JSON_AUTO tree = json_pack("{s:{s:s}}", "socketAddress", "address", "0123456789");
    for (size_t cap = 1; cap < 15; cap++) {
        err_init(&e, &a);
        buf_init(&out, cap);
        buf_add_byte(&out, 'x');
        EXPECT_INT("kind", envoy_encode(STR(CORE "Address"), tree, &out, &e), ERR_LIMIT);
        EXPECT_INT("size", out.n, 1);
        buf_fini(&out);
    }
    err_init(&e, &a);
    buf_init(&out, 15);
    buf_add_byte(&out, 'x');
    EXPECT_INT("kind", envoy_encode(STR(CORE "Address"), tree, &out, &e), ERR_NONE);
    EXPECT_INT("size", out.n, 15);
    buf_fini(&out);
    arena_fini(&a);
}
