/* settings.c -- settings that open what had better stay closed: each restores a default of kuma-cp, or came
 * with the first start. */
#include "exam.h"
#include "ursa/base/json.h"

static const json_t *setting(const json_t *config, const char *key)
{
    struct str rest = str_from_c(key), part;

    while (config && str_next(&rest, '.', &part))
        config = json_object_getn(config, part.p, part.n);
    return config;
}

/* ---- what makes a value a finding ---- */

static bool is_on(const json_t *config, const json_t *value)
{
    (void)config;
    return json_is_true(value);
}

/* ---- the settings ---- */

static const struct row {
    const char *key;
    enum finding_id id;
    enum finding_severity severity;
    bool (*is_found)(const json_t *config, const json_t *value);
    const char *text, *remedy;
} rows[] = {
    {"apiServer.authn.localhostIsAdmin", FOUND_OPEN_ADMIN, FINDING_WARNING, is_on,
     "every user and every process of this machine is the administrator, for requests from 127.0.0.1 need no "
     "credentials",
     "set it to false as soon as an administrator has a token of their own: 'ursactl generate user-token "
     "--name "
     "NAME --group mesh-system:admin --valid-for 720h'"},
};

void check_settings(struct exam *x)
{
    const json_t *config = x->world->facts ? x->world->facts->config : NULL;

    for (size_t i = 0; config && i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        const json_t *value = setting(config, row->key);
        struct finding *f;

        if (!value || !row->is_found(config, value))
            continue;
        f = exam_add(x, row->id, row->severity, STR(""));
        if (!f)
            continue;
        f->resource = str_from_c(row->key);
        f->text = str_from_c(row->text);
        f->remedy = str_from_c(row->remedy);
    }
}
