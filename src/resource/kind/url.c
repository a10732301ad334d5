/* url.c -- URLs and file paths as the reference's validation library knows them (resources.md 1.5). */
#include <arpa/inet.h>
#include <string.h>

#include "rules.h"

bool is_file_path(struct str s)
{
    struct str rest = str_slice(s, 3, s.n), part;

    if (str_has_prefix(s, STR("/")))
        return true;
    /* C:\folder\file; only the last part may be empty. */
    if (s.n < 3 || ((s.p[0] | 0x20) < 'a' || (s.p[0] | 0x20) > 'z') || s.p[1] != ':' || s.p[2] != '\\' ||
        rest.n > 32767)
        return false;
    for (size_t i = 0; i < rest.n; i++)
        if (strchr("/:*?\"<>|\r\n", rest.p[i]))
            return false;
    while (str_next(&rest, '\\', &part))
        if (part.n == 0 && rest.p)
            return false;
    return true;
}

/* ---- hosts ---- */

enum class {
    ALNUM = 1,  /* of ASCII */
    LETTER = 2, /* of ASCII, or of the rest of Unicode's first plane */
    DIGIT = 4,
    HYPHEN = 8,
    UNDERSCORE = 16,
    DOT = 32,
    SMALL_W = 64
};

/* The class of the character at '*i', which moves behind it; 0 when it is none that a host may have. */
static unsigned next_class(struct str s, size_t *i)
{
    unsigned char c = (unsigned char)s.p[*i];
    size_t size = str_utf8_size(str_slice(s, *i, s.n));

    *i += size ? size : 1;
    if (c >= '0' && c <= '9')
        return ALNUM | DIGIT;
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
        return ALNUM | LETTER | (c == 'w' ? SMALL_W : 0);
    /* From U+00A1 on; four bytes begin behind the first plane. */
    if (size == 2 || size == 3)
        return c > 0xc2 || (unsigned char)s.p[*i - 1] > 0xa0 ? LETTER : 0;
    return c == '-' ? HYPHEN : c == '_' ? UNDERSCORE : c == '.' ? DOT : 0;
}

/* The library's expression for names as an automaton: (A | B)? C (\.D)?
 * A: [alnum]([alnum_-]+)?[alnum]([-.][alnum]+)*
 * B: www\. | [alnum]+([-_.]?[alnum])*[alnum]\.[alnum]+
 * C: ([alnum or beyond]+-?-?)*[alnum or beyond]+
 * D: [letter or beyond]+ */
enum state { START, A1, A2, A3, A4, A5, B1, B2, B3, B4, B5, W1, W2, W3, W4, C1, C2, C3, D0, D1 };
#define STATE(s) (1u << (s))
#define BEFORE_C (STATE(START) | STATE(A3) | STATE(A5) | STATE(B5) | STATE(W4))

static const struct {
    unsigned from; /* a set of states */
    unsigned classes;
    enum state to;
} steps[] = {
    {STATE(START), ALNUM, A1},
    {STATE(A1) | STATE(A2), ALNUM | HYPHEN | UNDERSCORE, A2},
    {STATE(A1) | STATE(A2), ALNUM, A3},
    {STATE(A3) | STATE(A5), HYPHEN | DOT, A4},
    {STATE(A4) | STATE(A5), ALNUM, A5},
    {STATE(START) | STATE(B1) | STATE(B2), ALNUM, B1},
    {STATE(B1), HYPHEN | UNDERSCORE | DOT, B2},
    {STATE(B1), ALNUM, B3},
    {STATE(B3), DOT, B4},
    {STATE(B4) | STATE(B5), ALNUM, B5},
    {STATE(START), SMALL_W, W1},
    {STATE(W1), SMALL_W, W2},
    {STATE(W2), SMALL_W, W3},
    {STATE(W3), DOT, W4},
    {BEFORE_C | STATE(C1) | STATE(C2) | STATE(C3), ALNUM | LETTER, C1},
    {STATE(C1), HYPHEN, C2},
    {STATE(C2), HYPHEN, C3},
    {STATE(C1), DOT, D0},
    {STATE(D0) | STATE(D1), LETTER, D1},
};

static bool is_host_name(struct str s)
{
    unsigned states = STATE(START), next;

    for (size_t i = 0; i < s.n && states; states = next) {
        unsigned class = next_class(s, &i);

        next = 0;
        for (size_t k = 0; k < ARRAY_LEN(steps); k++)
            if ((states & steps[k].from) && (class & steps[k].classes))
                next |= STATE(steps[k].to);
    }
    return states & (STATE(C1) | STATE(D1));
}

/* Four numbers; the first from 1 to 229 or from 240 on, without leading zeros. */
static bool is_url_ipv4(struct str s)
{
    struct str part;
    uint64_t number;
    size_t n = 0;

    for (; str_next(&s, '.', &part); n++) {
        if (part.n > 3 || !str_to_uint(part, 255, &number) || (part.n == 3 && part.p[0] == '0'))
            return false;
        if (n == 0 && (part.p[0] == '0' || (number >= 224 && number < 240)))
            return false;
    }
    return n == 4;
}

static bool is_bracketed_ipv6(struct str s)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr ignored;

    if (s.n < 4 || s.n - 2 >= sizeof(text) || s.p[0] != '[' || s.p[s.n - 1] != ']')
        return false;
    memcpy(text, s.p + 1, s.n - 2);
    text[s.n - 2] = '\0';
    return inet_pton(AF_INET6, text, &ignored) == 1;
}

/* host[:port][/path]; a dot may stand behind the host. */
static bool is_url_tail(struct str s)
{
    size_t bracket = str_has_prefix(s, STR("[")) ? str_chr(s, ']') : 0, end = bracket;

    while (end < s.n && !strchr(":/?#", s.p[end]))
        end++;
    struct str host = str_slice(s, 0, end), rest = str_slice(s, end, s.n);

    if (str_has_suffix(host, STR(".")))
        host = str_slice(host, 0, host.n - 1);
    if (!is_host_name(host) && !is_url_ipv4(host) && !is_bracketed_ipv6(host))
        return false;
    if (str_has_prefix(rest, STR(":"))) {
        size_t n = 1;

        while (n < rest.n && rest.p[n] >= '0' && rest.p[n] <= '9')
            n++;
        if (n < 2 || n > 6)
            return false;
        rest = str_slice(rest, n, rest.n);
    }
    return rest.n == 0 || strchr("/?#", rest.p[0]);
}

static size_t scheme_size(struct str s)
{
    static const struct str schemes[] = {STR_INIT("ftp://"),  STR_INIT("tcp://"), STR_INIT("udp://"),
                                         STR_INIT("ws://"),   STR_INIT("wss://"), STR_INIT("http://"),
                                         STR_INIT("https://")};

    for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
        if (str_has_prefix(s, schemes[i]))
            return schemes[i].n;
    return 0;
}

/* Would Go's url.Parse take it, with "http://" before a host and port that stand alone? A text without either
 * is all path, which must look like a host. */
static bool is_parsed(struct str s)
{
    size_t end = str_chr(s, '#');
    struct str fragment = str_slice(s, end, s.n), whole = str_slice(s, 0, end);
    struct str path = str_slice(whole, 0, str_chr(whole, '?'));
    size_t slash = str_chr(path, '/');
    bool has_scheme = str_find(s, STR("://")) < s.n;
    bool has_colon = has_scheme ? str_chr(path, ':') < slash : str_chr(s, ':') < s.n;
    struct request_uri ignored;

    if (!are_escapes_valid(fragment))
        return false;
    if (has_scheme && has_colon)
        return request_uri_split(whole, &ignored);
    if (!has_colon)
        return are_escapes_valid(path) && (path.n == 0 || str_chr(path, '.') < path.n);
    return authority_split(str_slice(path, 0, slash), &ignored) &&
           are_escapes_valid(str_slice(path, slash, path.n));
}

static bool has_blank_or_control(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= 0x20 || s.p[i] == 0x7f)
            return true;
    return false;
}

bool is_url(struct str s)
{
    size_t scheme = scheme_size(s);
    struct str rest = str_slice(s, scheme, s.n);

    if (s.n <= 3 || s.n >= 2083 || has_blank_or_control(s) || !is_parsed(s))
        return false;
    if (is_url_tail(rest))
        return true;
    /* What stands before any '@' may be a user. */
    for (size_t i = 1; i < rest.n; i++)
        if (rest.p[i] == '@' && is_url_tail(str_slice(rest, i + 1, rest.n)))
            return true;
    return false;
}
