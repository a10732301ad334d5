/* documents.c -- documents as one request. */
#include "ursa/admit.h"

/* Cross-resource faults are looked for also when some documents are wrong by themselves, so that all are told
 * at once; but not when a Mesh is among the wrong ones. */
static size_t count_to_put(const struct documents *ds)
{
    size_t n = 0;

    for (size_t i = 0; i < ds->list.n; i++) {
        const struct document *d = &ds->list.v[i];

        if (!d->res && (d->type == RES_MESH || d->type == RES_N))
            return 0;
        n += d->res != NULL;
    }
    return n;
}

struct admit_request *admit_documents(struct documents *ds, bool dry_run)
{
    size_t n = count_to_put(ds);
    struct admit_request *req;

    if (n == 0)
        return NULL;
    req = admit_request_new(n);
    req->dry_run = dry_run || n < ds->list.n;
    n = 0;
    for (size_t i = 0; i < ds->list.n; i++) {
        struct document *d = &ds->list.v[i];

        if (!d->res)
            continue;
        d->op = n;
        req->ops[n].kind = ADMIT_PUT;
        req->ops[n].keep_unchanged = true;
        req->ops[n++].res = d->res;
        d->res = NULL;
    }
    return req;
}

const struct err *admit_document_err(const struct admit_request *req, const struct document *d)
{
    const struct err *e = req && d->op != SIZE_MAX ? &req->ops[d->op].err : NULL;

    return e && e->kind != ERR_NONE ? e : &d->err;
}
