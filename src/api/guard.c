/* guard.c -- see guard.h. Two doubts are looked for.
 *
 * What the header says: what may be said once only (framing, Host, who asks) said twice, framing in
 * contradiction or in a form of its own; names that are no tokens; control bytes.
 *
 * What it hides: the library hands out C strings, so a NUL ends a value early; it also joins folded lines and
 * takes bare line feeds. 0.9.75 cuts a header in place: every string points into the bytes as received. A
 * header that consists of the strings we got, in their order, one CR LF after each, hides nothing. */
#include "guard.h"

#include <string.h>

#define CRLF 2 /* bytes */

/* Fields of which one line is meant; readers of two do not agree on which. */
enum single {
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    HOST,
    CONTENT_TYPE,
    AUTHORIZATION,
    ORIGIN,
    FETCH_SITE,
    SINGLES
};

static const char *const singles[SINGLES] = {"Content-Length", "Transfer-Encoding", "Host",
                                             "Content-Type",   "Authorization",     "Origin",
                                             "Sec-Fetch-Site"};

struct header {
    const char *line; /* where the next line must begin */
    bool has[SINGLES];
    bool sound;
};

/* RFC 9110 section 5.6.2. */
static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i], lower = (char)(c | 32);
        if (!(c >= '0' && c <= '9') && !(lower >= 'a' && lower <= 'z') && !strchr("!#$%&'*+-.^_`|~", c))
            return false;
    }
    return s.n > 0;
}

static bool has_control_byte(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

static enum MHD_Result judge_line(void *ctx, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct header *h = ctx;
    struct str name = str_from_c(key), text = str_from_c(value);

    (void)kind;
    if (key != h->line || !is_token(name) || has_control_byte(text)) {
        h->sound = false;
        return MHD_NO;
    }
    h->line = text.p + text.n + CRLF;
    for (size_t i = 0; i < SINGLES; i++) {
        if (!str_eq_nocase(name, str_from_c(singles[i])))
            continue;
        h->sound = h->sound && !h->has[i] && (i != TRANSFER_ENCODING || str_eq_nocase(text, STR("chunked")));
        h->has[i] = true;
    }
    return MHD_YES;
}

static bool framing_is_clear(const struct header *h, const char *version)
{
    return !h->has[TRANSFER_ENCODING] || (!h->has[CONTENT_LENGTH] && strcmp(version, "HTTP/1.1") == 0);
}

bool guard_passes(const struct request *r, const char *method, const char *version)
{
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    struct header h = {.line = version + strlen(version) + CRLF, .sound = true};

    MHD_get_connection_values(r->connection, MHD_HEADER_KIND, judge_line, &h);
    return h.sound && h.has[HOST] && framing_is_clear(&h, version) &&
           r->target == method + strlen(method) + 1 && version == r->target + r->uri.n + 1 && size &&
           h.line + CRLF == method + size->header_size;
}
