/* schemas.c -- GET /openapi.json: what the API takes and answers, for tools. Made when first asked for, then
 * the same bytes for everybody. */
#include "openapi.h"
#include "router.h"
#include "server.h"

void openapi_get(struct request *r)
{
    struct api *api = r->server->api;

    if (!api->openapi) {
        json_t *document = openapi_document(&r->err);
        struct str text;

        if (!document) {
            r->err.kind = ERR_BUG;
            answer_error(r);
            return;
        }
        text = json_format_pretty(&r->arena, document);
        api->openapi = blob_new(text.p, text.n);
        json_decref(document);
    }
    answer_text(r, 200, TYPE_JSON, blob_str(api->openapi));
}
