/* TLS contexts whose certificates come by SDS, and those secrets. */
#include <string.h>

#include "ursa/base/json.h"
#include "ursa/envoy_build.h"

#define TLS "envoy.extensions.transport_sockets.tls.v3."

static json_t *sds(struct str name)
{
    return envoy_pack("{s: s%, s: o}", "name", PACK_STR(name), "sdsConfig", envoy_ads());
}

static json_t *common_context(const struct envoy_tls *tls)
{
    json_t *san = envoy_pack("{s: s, s: {s: s%}}", "sanType", tls->san_type, "matcher", tls->san_match,
                             PACK_STR(tls->san));
    return envoy_pack("{s: {s: {s: [o]}, s: o}, s: [o]}", "combinedValidationContext",
                      "defaultValidationContext", "matchTypedSubjectAltNames", san,
                      "validationContextSdsSecretConfig", sds(tls->ca_secret),
                      "tlsCertificateSdsSecretConfigs", sds(tls->identity_secret));
}

json_t *envoy_upstream_tls(const struct envoy_tls *tls, const char *alpn, struct str sni)
{
    json_t *common = common_context(tls);
    json_object_set_new(common, "alpnProtocols", envoy_pack("[s]", alpn));
    return envoy_extension("envoy.transport_sockets.tls", TLS "UpstreamTlsContext",
                           envoy_pack("{s: o, s: s%}", "commonTlsContext", common, "sni", PACK_STR(sni)));
}

json_t *envoy_downstream_tls(const struct envoy_tls *tls)
{
    return envoy_extension(
        "envoy.transport_sockets.tls", TLS "DownstreamTlsContext",
        envoy_pack("{s: o, s: b}", "commonTlsContext", common_context(tls), "requireClientCertificate", 1));
}

json_t *envoy_secret_certificate(struct str name, struct str chain_pem, struct str key_pem)
{
    return envoy_pack("{s: s%, s: {s: {s: o}, s: {s: o}}}", "name", PACK_STR(name), "tlsCertificate",
                      "certificateChain", "inlineBytes", envoy_bytes(chain_pem), "privateKey", "inlineBytes",
                      envoy_bytes(key_pem));
}

json_t *envoy_secret_ca(struct str name, struct str bundle_pem)
{
    return envoy_pack("{s: s%, s: {s: {s: o}}}", "name", PACK_STR(name), "validationContext", "trustedCa",
                      "inlineBytes", envoy_bytes(bundle_pem));
}

void envoy_secret_wipe(json_t *secret)
{
    const json_t *key = json_object_get(
        json_object_get(json_object_get(secret, "tlsCertificate"), "privateKey"), "inlineBytes");
    if (key)
        explicit_bzero((char *)(uintptr_t)json_string_value(key), json_string_length(key));
    json_decref(secret);
}
