/* What every builder stands on: packing, extensions, addresses, names. */
#include "ursa/envoy_build.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <string.h>

#include "ursa/base/base64.h"
#include "ursa/base/clock.h"
#include "ursa/base/json.h"
#include "ursa/base/log.h"

json_t *envoy_pack(const char *fmt, ...)
{
    json_error_t fault;
    va_list args;
    va_start(args, fmt);
    json_t *tree = json_vpack_ex(&fault, 0, fmt, args);
    va_end(args);
    if (tree)
        return tree;
    log_error("envoy", "a tree could not be built: %s", fault.text);
    return json_null();
}

json_t *envoy_any(const char *message, json_t *body)
{
    json_t *any = envoy_pack("{s: s+}", "@type", "type.googleapis.com/", message);
    json_object_update_new(any, body);
    return any;
}

json_t *envoy_extension(const char *name, const char *message, json_t *body)
{
    return envoy_pack("{s: s, s: o}", "name", name, "typedConfig", envoy_any(message, body));
}

json_t *envoy_duration(int64_t ns)
{
    struct arena a = {0};
    arena_init(&a);
    json_t *text = json_from_str(duration_format_proto(&a, ns));
    arena_fini(&a);
    return text;
}

json_t *envoy_bytes(struct str bytes)
{
    struct arena a = {0};
    arena_init(&a);
    struct str coded = base64_encode(&a, bytes);
    json_t *text = json_from_str(coded);
    str_wipe(coded); /* it may be a key */
    arena_fini(&a);
    return text;
}

void envoy_set_str(json_t *object, struct str key, json_t *value)
{
    json_object_setn_new(object, key.p ? key.p : "", key.n, value);
}

struct str envoy_stat_name(struct arena *a, struct str name)
{
    char *clean = arena_cstr(a, name);
    for (size_t i = 0; i < name.n; i++) {
        char c = clean[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                    c == '-';
        if (!fine)
            clean[i] = '_';
    }
    return str_from(clean, name.n);
}

struct str envoy_host_port(struct arena *a, struct str address, uint32_t port)
{
    bool v6 = str_chr(address, ':') < address.n;
    return arena_printf(a, v6 ? "[" STR_FMT "]:%u" : STR_FMT ":%u", STR_ARG(address), port);
}

json_t *envoy_address(struct str address, uint32_t port)
{
    return envoy_pack("{s: {s: s%, s: I}}", "socketAddress", "address", PACK_STR(address), "portValue",
                      (json_int_t)port);
}

bool envoy_address_is_ip(struct str address)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char binary[sizeof(struct in6_addr)];
    if (address.n == 0 || address.n >= sizeof text)
        return false;
    memcpy(text, address.p, address.n);
    text[address.n] = '\0';
    return inet_pton(AF_INET, text, binary) == 1 || inet_pton(AF_INET6, text, binary) == 1;
}

json_t *envoy_ads(void)
{
    return envoy_pack("{s: {}, s: s}", "ads", "resourceApiVersion", "V3");
}

/* Without a time-out shorter than the control plane lets a poll wait. */
json_t *envoy_polling(void)
{
    return envoy_pack("{s: {s: s, s: s, s: [s], s: s, s: s}, s: s}", "apiConfigSource", "apiType", "REST",
                      "transportApiVersion", "V3", "clusterNames", ENVOY_POLLED_CLUSTER, "refreshDelay",
                      "0.050s", "requestTimeout", "30s", "resourceApiVersion", "V3");
}
