/* zones.c -- zones and zone proxies with what is known of their connections: read from a snapshot, paged. */
#include "overviews.h"
#include "page.h"
#include "router.h"
#include "ursa/insight.h"

static void list(struct request *r, enum res_type type, const char *title)
{
    struct snap_range range = snap_range(r->snap, type, STR_NONE);
    struct page page;
    struct items items;
    size_t first, end, n = 0;

    r->title = title;
    if (!page_read(r, &page))
        return;
    items_init(&items);
    page_bounds(&page, range.n, &first, &end);
    for (size_t i = first; i < end; i++, n++)
        overview_print(r->snap, snap_at(&range, i), false, ITEM_LEVEL, items_next(&items));
    page_answer_items(r, &page, range.n, n, &items); /* COMPAT: here total counts the page's items */
}

void zone_overview_list(struct request *r)
{
    list(r, RES_ZONE, "Could not retrieve zone overviews");
}

void zone_overview_get(struct request *r)
{
    overview_answer(r, RES_ZONE, "Could not retrieve a zone overview");
}

void zone_ingress_overview_list(struct request *r)
{
    list(r, RES_ZONE_INGRESS, "Could not retrieve zone ingress overviews");
}

void zone_ingress_overview_get(struct request *r)
{
    overview_answer(r, RES_ZONE_INGRESS, "Could not retrieve a zone ingress overview");
}

void zone_egress_overview_list(struct request *r)
{
    list(r, RES_ZONE_EGRESS, "Could not retrieve zone egress overviews");
}

void zone_egress_overview_get(struct request *r)
{
    overview_answer(r, RES_ZONE_EGRESS, "Could not retrieve a zone egress overview");
}

/* COMPAT: without zones the answer is a literal null. */
void status_zones_get(struct request *r)
{
    struct snap_range range = snap_range(r->snap, RES_ZONE, STR_NONE);
    struct snap_iter it = snap_iter(&range);
    json_t *zones = range.n > 0 ? json_array() : json_null();

    for (const struct resource *zone; (zone = snap_next(&it));) {
        json_t *o = json_object();
        json_object_set_new(o, "name", json_from_str(zone->key.name));
        json_object_set_new(o, "active", json_boolean(zone_is_online(r->snap, zone)));
        json_array_append_new(zones, o);
    }
    answer_json(r, 200, zones);
}
