/* cors.c -- see cors.h. */
#include "cors.h"

#include "router.h"
#include "server.h"

#define ORIGIN_MAX 512 /* no origin is longer */

/* A domain is a whole origin or a regular expression for one; case is nothing. COMPAT: kuma-cp takes a match
 * anywhere in the origin, so that "example.com" also allows https://example.com.evil.test; here all of it
 * must match. */
static bool compile(struct str domain, regex_t *out)
{
    struct arena scratch;
    bool good;

    arena_init(&scratch);
    good = regcomp(out, arena_printf(&scratch, "^(" STR_FMT ")$", STR_ARG(domain)).p,
                   REG_EXTENDED | REG_ICASE | REG_NOSUB) == 0;
    arena_fini(&scratch);
    return good;
}

bool api_check_origin_pattern(struct str domain)
{
    regex_t pattern;
    bool good = compile(domain, &pattern);

    if (good)
        regfree(&pattern);
    return good;
}

enum err_kind cors_init(struct cors *c, const struct str_list *domains, struct err *e)
{
    c->n = 0;
    c->patterns = xcalloc(domains->n + 1, sizeof(*c->patterns));
    for (; c->n < domains->n; c->n++) {
        if (!compile(domains->v[c->n], &c->patterns[c->n]))
            return err_set(e, ERR_INVALID,
                           "apiServer.corsAllowedDomains: " STR_FMT " is no regular expression",
                           STR_ARG(str_quote(e->arena, domains->v[c->n])));
    }
    return ERR_NONE;
}

void cors_fini(struct cors *c)
{
    for (size_t i = 0; i < c->n; i++)
        regfree(&c->patterns[i]);
    free(c->patterns);
    *c = (struct cors){0};
}

/* The request's origin when it is allowed, else NULL. */
static const char *allowed_origin(const struct request *r)
{
    const struct cors *c = &r->server->api->cors;
    struct str origin = c->n > 0 && r->port == API_REST ? request_header(r, "Origin") : STR_NONE;

    if (origin.n == 0 || origin.n > ORIGIN_MAX)
        return NULL;
    for (size_t i = 0; i < c->n; i++) {
        if (regexec(&c->patterns[i], origin.p, 0, NULL, 0) == 0) /* the library's strings end with a NUL */
            return origin.p;
    }
    return NULL;
}

bool cors_preflight(struct request *r)
{
    struct str method = request_header(r, "Access-Control-Request-Method");

    if (!r->is_options || method.n == 0 || !allowed_origin(r) || router_find(r) != ERR_METHOD)
        return false;
    r->preflight_methods = r->allow;
    r->allow = NULL;
    answer_empty(r, 200);
    return true;
}

void cors_add_headers(const struct request *r, struct MHD_Response *response)
{
    const char *origin = allowed_origin(r);

    if (r->port == API_REST)
        MHD_add_response_header(response, "Vary", "Origin"); /* who asks depends on it (auth/user.c) */
    if (!origin)
        return;
    MHD_add_response_header(response, "Access-Control-Allow-Origin", origin);
    MHD_add_response_header(response, "Access-Control-Expose-Headers",
                            "Access-Control-Allow-Origin, ETag, Ursa-Revision");
    if (r->preflight_methods) {
        MHD_add_response_header(response, "Access-Control-Allow-Methods", r->preflight_methods);
        MHD_add_response_header(response, "Access-Control-Allow-Headers",
                                "Accept, Authorization, Content-Type, If-Match, If-None-Match");
    }
}
