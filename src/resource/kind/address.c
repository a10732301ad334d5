/* address.c -- addresses, names and URLs as the reference's Go libraries accept them. */
#include <arpa/inet.h>
#include <string.h>

#include "rules.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The address as IPv6; IPv4 becomes ::ffff:a.b.c.d. */
static bool ip_parse(struct str s, struct in6_addr *address)
{
    char text[INET6_ADDRSTRLEN + 1];

    if (s.n == 0 || s.n >= sizeof(text))
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    if (inet_pton(AF_INET6, text, address) == 1)
        return true;
    memcpy(address->s6_addr, (const uint8_t[12]){[10] = 0xff, [11] = 0xff}, 12);
    return inet_pton(AF_INET, text, address->s6_addr + 12) == 1;
}

bool is_ip(struct str s)
{
    struct in6_addr address;

    return ip_parse(s, &address);
}

bool meets_loopback(struct str s)
{
    static const uint8_t any_v4[16] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t loopback_v4[16] = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1};
    struct in6_addr address;

    return ip_parse(s, &address) &&
           (memcmp(&address, &in6addr_any, 16) == 0 || memcmp(&address, any_v4, 16) == 0 ||
            memcmp(&address, loopback_v4, 16) == 0);
}

static bool is_dns_label(struct str s)
{
    if (s.n < 1 || s.n > 63 || s.p[0] == '-')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!is_alpha(s.p[i]) && !is_digit(s.p[i]) && s.p[i] != '_' && s.p[i] != '-')
            return false;
    return true;
}

static bool are_dns_labels(struct str s)
{
    struct str rest = s, label;

    while (str_next(&rest, '.', &label))
        if (!is_dns_label(label))
            return false;
    return true;
}

bool is_dns_name(struct str s)
{
    size_t n_dots = 0;

    for (size_t i = 0; i < s.n; i++)
        n_dots += s.p[i] == '.';
    if (s.n == 0 || s.n - n_dots > 255 || is_ip(s))
        return false;
    /* One final '.' or '_' may follow the labels. */
    if (s.p[s.n - 1] == '.' || s.p[s.n - 1] == '_')
        return are_dns_labels(str_slice(s, 0, s.n - 1)) || are_dns_labels(s);
    return are_dns_labels(s);
}

bool are_escapes_valid(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '%' && (s.n - i < 3 || !is_hex(s.p[i + 1]) || !is_hex(s.p[i + 2])))
            return false;
    return true;
}

/* What may stand before the '@' of a URL. */
static bool is_user(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_alpha(s.p[i]) && !is_digit(s.p[i]) && !strchr("-._:~!$&'()*+,;=%@", s.p[i]))
            return false;
    return are_escapes_valid(s);
}

/* A URL's host may hold the characters of names and sub-delimiters, and escapes of bytes that are not ASCII.
 */
static bool are_host_bytes_valid(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (c == '%' && (s.n - i < 3 || s.p[i + 1] < '8' || !is_hex(s.p[i + 1]) || !is_hex(s.p[i + 2])))
            return false;
        if (!is_alpha(c) && !is_digit(c) && !((unsigned char)c & 0x80) &&
            !strchr("-_.~!$&'()*+,;=:[]<>\"%", c))
            return false;
    }
    return true;
}

static bool are_digits(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_digit(s.p[i]))
            return false;
    return true;
}

bool authority_split(struct str s, struct request_uri *uri)
{
    size_t at = str_rchr(s, '@');
    struct str user = at < s.n ? str_slice(s, 0, at) : STR_NONE;
    struct str host = at < s.n ? str_slice(s, at + 1, s.n) : s;
    /* Of an IPv6 address in brackets, only what follows them can be a port. */
    size_t bracket = host.n > 0 && host.p[0] == '[' ? str_rchr(host, ']') : 0;

    if (bracket == host.n && host.n > 0)
        return false;
    struct str tail = str_slice(host, bracket, host.n);
    size_t colon = bracket > 0 ? str_chr(tail, ':') : str_rchr(tail, ':');

    if (bracket > 0 && tail.n > 1 && colon != 1)
        return false;
    uri->user = user;
    uri->port = str_slice(tail, colon + 1, tail.n);
    return is_user(user) && are_digits(uri->port) && are_host_bytes_valid(host);
}

bool request_uri_split(struct str s, struct request_uri *uri)
{
    *uri = (struct request_uri){.path = s};
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    if (s.n == 0 || s.p[0] == ':')
        return false;
    if (str_eq(s, STR("*")))
        return true;

    size_t scheme = 0;
    if (is_alpha(s.p[0]))
        while (scheme < s.n && (is_alpha(s.p[scheme]) || is_digit(s.p[scheme]) || strchr("+-.", s.p[scheme])))
            scheme++;
    bool has_scheme = scheme > 0 && scheme < s.n && s.p[scheme] == ':';
    struct str rest = has_scheme ? str_slice(s, scheme + 1, s.n) : s;

    if (has_scheme)
        uri->scheme = str_slice(s, 0, scheme);
    uri->query = str_slice(rest, str_chr(rest, '?') + 1, rest.n);
    rest = str_slice(rest, 0, str_chr(rest, '?'));
    if (rest.n == 0 || rest.p[0] != '/') {
        uri->opaque = rest; /* as in mailto:x */
        uri->path = STR_NONE;
        return has_scheme;
    }
    if (has_scheme && str_has_prefix(rest, STR("//"))) {
        rest = str_slice(rest, 2, rest.n);
        size_t path = str_chr(rest, '/');

        if (!authority_split(str_slice(rest, 0, path), uri))
            return false;
        rest = str_slice(rest, path, rest.n);
    }
    uri->path = rest;
    return are_escapes_valid(rest);
}

bool is_request_uri(struct str s, struct str *port)
{
    struct request_uri uri;
    bool is_one = request_uri_split(s, &uri);

    if (port)
        *port = uri.port;
    return is_one;
}

bool host_port_split(struct str s, struct str *host, struct str *port)
{
    size_t colon = str_rchr(s, ':');
    struct str before = str_slice(s, 0, colon);

    *host = *port = STR("");
    if (colon == s.n)
        return false;
    if (before.n >= 2 && before.p[0] == '[' && before.p[before.n - 1] == ']')
        before = str_slice(before, 1, before.n - 1);
    else if (str_chr(before, ':') < before.n)
        return false;
    if (str_chr(before, '[') < before.n || str_chr(before, ']') < before.n)
        return false;
    *host = before;
    *port = str_slice(s, colon + 1, s.n);
    return true;
}

bool is_host_port(struct str s)
{
    struct str host, port;

    return host_port_split(s, &host, &port) && host.n > 0 && port.n > 0;
}
