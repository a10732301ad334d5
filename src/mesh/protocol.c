/* Protocols of services, and what several endpoints have in common.
 *
 * A protocol stands on another one: grpc on http2, http2 and http and kafka on tcp. What two endpoints share
 * is the first protocol that both stand on, so the order of endpoints does not matter. */
#include "ursa/mesh.h"

static enum protocol below(enum protocol p)
{
    if (p == PROTOCOL_GRPC)
        return PROTOCOL_HTTP2;
    return p == PROTOCOL_TCP ? PROTOCOL_UNKNOWN : PROTOCOL_TCP;
}

static bool stands_on(enum protocol p, enum protocol base)
{
    while (p != base && p != PROTOCOL_UNKNOWN)
        p = below(p);
    return p == base;
}

enum protocol protocol_parse(struct str s)
{
    static const struct {
        struct str name;
        enum protocol protocol;
    } names[] = {{STR_INIT("http"), PROTOCOL_HTTP},
                 {STR_INIT("http2"), PROTOCOL_HTTP2},
                 {STR_INIT("grpc"), PROTOCOL_GRPC},
                 {STR_INIT("kafka"), PROTOCOL_KAFKA},
                 {STR_INIT("tcp"), PROTOCOL_TCP}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_eq(s, names[i].name))
            return names[i].protocol;
    }
    return PROTOCOL_UNKNOWN;
}

enum protocol protocol_common(enum protocol a, enum protocol b)
{
    if (a == PROTOCOL_NONE || a == b)
        return b;
    if (b == PROTOCOL_NONE)
        return a;
    if (a == PROTOCOL_UNKNOWN || b == PROTOCOL_UNKNOWN)
        return PROTOCOL_UNKNOWN;
    while (!stands_on(b, a))
        a = below(a);
    return a;
}

bool protocol_is_http(enum protocol p)
{
    return p == PROTOCOL_HTTP || p == PROTOCOL_HTTP2 || p == PROTOCOL_GRPC;
}
