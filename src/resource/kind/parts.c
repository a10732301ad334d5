/* parts.c -- messages that several types have. */
#include "kind.h"

const struct field empty_fields[] = {
    F_END,
};

const struct field admin_fields[] = {
    F_U32("port", struct dp_admin, port),
    F_END,
};

const struct field backend_conf_fields[] = {
    F_STR("backend", struct backend_conf, backend),
    F_END,
};

const struct field data_source_fields[] = {
    F_OPT_STR("secret", struct data_source, secret, .oneof = 1),
    F_OPT_STR("file", struct data_source, file, .oneof = 1),
    F_OPT_BYTES("inline", struct data_source, inline_bytes, .oneof = 1),
    F_OPT_STR("inlineString", struct data_source, inline_string, .oneof = 1),
    F_END,
};

void rule_data_source(const struct data_source *source, const struct path *at, struct err *e)
{
    if (source && source->secret.n == 0 && source->file.n == 0 && source->inline_bytes.n == 0 &&
        source->inline_string.n == 0)
        err_cause(e, at, "data source cannot be empty");
}
