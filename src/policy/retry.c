/* Retry: the retry policy of routes, connection attempts of TCP (xds.md 9.3). */
#include <string.h>

#include "policy.h"

#define HTTP_RETRY_ON "gateway-error,connect-failure,refused-stream"
#define GRPC_RETRY_ON                                                                                        \
    "cancelled,connect-failure,gateway-error,refused-stream,reset,resource-exhausted,unavailable"
#define BY_STATUS_CODE "retriable-status-codes"

/* Envoy joins with commas and spells with dashes what the resource spells with underscores. */
static void add_reason(struct buf *b, struct str name)
{
    if (b->n)
        buf_add_byte(b, ',');
    if (str_eq(name, STR("all_5xx")))
        name = STR("5xx");
    for (size_t i = 0; i < name.n; i++)
        buf_add_byte(b, (uint8_t)(name.p[i] == '_' ? '-' : name.p[i]));
}

static json_t *reasons(const struct u32_list *on, struct str (*name)(uint32_t), struct str otherwise,
                       bool by_code)
{
    struct buf b;
    buf_init(&b, 4096);
    for (size_t i = 0; i < on->n; i++)
        add_reason(&b, name(on->v[i]));
    if (b.n == 0)
        buf_add_str(&b, otherwise);
    if (by_code && str_find(buf_str(&b), STR(BY_STATUS_CODE)) == b.n)
        add_reason(&b, STR(BY_STATUS_CODE));
    json_t *text = json_from_str(buf_str(&b));
    buf_fini(&b);
    return text;
}

static void put_common(json_t *policy, struct opt_u32 num_retries, struct opt_dur per_try,
                       const struct back_off *back_off)
{
    put_u32(policy, "numRetries", num_retries);
    put_duration(policy, "perTryTimeout", per_try);
    if (!back_off)
        return;
    json_t *b = json_object();
    put_duration(b, "baseInterval", back_off->base_interval);
    put_duration(b, "maxInterval", back_off->max_interval);
    json_object_set_new(policy, "retryBackOff", b);
}

static void put_methods(json_t *policy, const struct u32_list *methods)
{
    json_t *list = json_array();
    for (size_t i = 0; i < methods->n; i++) {
        struct str name = retry_method_name(methods->v[i]);
        if (name.p && !str_eq(name, STR("NONE")))
            json_array_append_new(list, envoy_pack("{s: s, s: {s: s%}}", "name", ":method", "stringMatch",
                                                   "exact", PACK_STR(name)));
    }
    if (json_array_size(list))
        json_object_set(policy, "retriableRequestHeaders", list);
    json_decref(list);
}

static json_t *http_policy(const struct retry_http *c)
{
    const struct u32_list *codes = &c->retriable_status_codes;
    json_t *policy = envoy_pack("{s: o}", "retryOn",
                                reasons(&c->retry_on, retry_http_on_name, STR(HTTP_RETRY_ON), codes->n));
    put_common(policy, c->num_retries, c->per_try_timeout, c->back_off);
    if (codes->n) {
        json_t *list = json_array();
        for (size_t i = 0; i < codes->n; i++)
            json_array_append_new(list, json_integer(codes->v[i]));
        json_object_set_new(policy, "retriableStatusCodes", list);
    }
    put_methods(policy, &c->retriable_methods);
    return policy;
}

static json_t *grpc_policy(const struct retry_grpc *c)
{
    json_t *policy =
        envoy_pack("{s: o}", "retryOn", reasons(&c->retry_on, retry_grpc_on_name, STR(GRPC_RETRY_ON), false));
    put_common(policy, c->num_retries, c->per_try_timeout, c->back_off);
    return policy;
}

static void apply(const struct resource *res, enum policy_target target, enum protocol protocol, json_t *tree)
{
    const struct retry_conf *c = res ? resource_retry(res)->conf : NULL;
    if (!c)
        return;
    if (target == TARGET_OUTBOUND_TCP) {
        if (c->tcp)
            json_object_set_new(tree, "maxConnectAttempts", json_integer(c->tcp->max_connect_attempts));
        return;
    }
    /* COMPAT: services that speak plain http2 get no retry policy at all. */
    json_t *policy = NULL;
    if (protocol == PROTOCOL_HTTP && c->http)
        policy = http_policy(c->http);
    else if (protocol == PROTOCOL_GRPC && c->grpc)
        policy = grpc_policy(c->grpc);
    const json_t *hosts = json_object_get(tree, "virtualHosts");
    for (size_t i = 0; policy && i < json_array_size(hosts); i++)
        json_object_set(json_array_get(hosts, i), "retryPolicy", policy);
    json_decref(policy);
}

const struct policy policy_retry = {
    .type = RES_RETRY,
    .scope = POLICY_PER_DESTINATION,
    .targets = TARGET_OUTBOUND_TCP | TARGET_ROUTES,
    .apply = apply,
};
