/* insight/overview.c -- a Dataplane together with what is known of its connections (rest-api.md 5.1). */
#include "ursa/base/json.h"
#include "ursa/insight.h"

static void print_member(struct str name, struct str text, size_t level, struct buf *out)
{
    json_indent(out, name, level);
    json_indent(out, text, level);
}

void overview_print(const struct snap *snap, const struct resource *dataplane, bool always, size_t level,
                    struct buf *out)
{
    const struct res_key *key = &dataplane->key;
    const struct resource *insight = snap_find(snap, RES_DATAPLANE_INSIGHT, key->mesh, key->name);

    resource_print_meta(dataplane, STR("DataplaneOverview"), level, out);
    print_member(STR(",\"dataplane\":"), resource_spec_text(dataplane), level + 1, out);
    if (insight || always)
        print_member(STR(",\"dataplaneInsight\":"), insight ? resource_spec_text(insight) : STR("{}"),
                     level + 1, out);
    json_indent(out, STR("}"), level + 1);
}
