/* What nobody may see of a configuration dump. */
#include "../../lib/test.h"
#include "ursa/envoy.h"

#define JWT "eyJhbGciOiJFUzI1NiJ9.eyJNZXNoIjoibSJ9.c2ln-_"

static const struct {
    const char *name, *text, *want; /* single quotes; NULL: as it was */
} rows[] = {
    {"nothing to hide", "{'a': 'b', 'c': ['d', 1, null], 'value': 'x'}", NULL},
    {"the token of a proxy",
     "{'initial_metadata': [{'key': 'authorization', 'value': 'secret'}], 'value': 'x'}",
     "{'initial_metadata': [{'key': 'authorization', 'value': '[redacted]'}], 'value': 'x'}"},
    {"however it is spelled", "{'key':'Authorization','value':'a\\\"b'}",
     "{'key':'Authorization','value':'[redacted]'}"},
    {"other headers are not secret", "{'key': 'accept', 'value': 'x'}, {'value': 'y'}", NULL},
    {"of this object only", "[{'key': 'authorization'}, {'value': 'x'}]", NULL},
    {"a JWT anywhere", "['" JWT "', 'Bearer " JWT "', 'see " JWT "']",
     "['[redacted]', '[redacted]', 'see " JWT "']"},
    {"two points make no JWT", "['eyJ', 'a.b.c', 'eyJ.b', 'eyJ a.b.c']", NULL},
    {"a key in PEM", "{'inline_string': '-----BEGIN EC PRIVATE KEY-----\\nabc'}",
     "{'inline_string': '[redacted]'}"},
    {"a key in base64", "{'inline_bytes': 'LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCg=='}",
     "{'inline_bytes': '[redacted]'}"},
    {"a certificate is not secret", "{'inline_bytes': 'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg=='}", NULL},
    {"a key behind a certificate",
     "{'inline_string': '-----BEGIN CERTIFICATE-----\\nx\\n-----BEGIN PRIVATE KEY-----\\n'}",
     "{'inline_string': '[redacted]'}"},
    {"names are no values", "{'" JWT "': 1}", NULL},
    {"no JSON at all", "say 'a", NULL},
    {"cut in a string", "{'key': 'authorization', 'value': 'sec",
     "{'key': 'authorization', 'value': '[redacted]'"},
    {"cut in an escape", "{'key': 'authorization', 'value': 'sec\\",
     "{'key': 'authorization', 'value': '[redacted]'"},
    {"what is empty is not secret", "{'key': 'authorization', 'value': ''}", NULL},
    {"as many as there is room for", "'key':'authorization','value':'a''b''c''d''e''f''g''h''i''j'",
     "'key':'authorization','value':'[redacted]''[redacted]''[redacted]''[redacted]''[redacted]''[redacted]"
     "''[redacted]''[redacted]''[redacted]''[redacted]'"},
    {"nothing", "", NULL},
};

TEST(tokens_and_keys_are_taken_out)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena a;
        struct buf text;
        arena_init(&a);
        char *given = arena_cstr(&a, str_from_c(rows[i].text));
        char *want = arena_cstr(&a, str_from_c(rows[i].want ? rows[i].want : rows[i].text));
        for (char *p = given; *p; p++)
            *p = *p == '\'' ? '"' : *p;
        for (char *p = want; *p; p++)
            *p = *p == '\'' ? '"' : *p;
        buf_init(&text, 4096);
        buf_add_str(&text, str_from_c(given));
        envoy_redact_dump(&text);
        EXPECT_STR(rows[i].name, buf_str(&text), want);
        buf_fini(&text);
        arena_fini(&a);
    }
}
