/* inspect_text.c -- see inspect.h. COMPAT: the words and the indentation are kumactl's; it shows no rules. */
#include <stdlib.h>
#include <string.h>

#include "inspect.h"
#include "ursa/base/buf.h"
#include "ursa/base/json.h"
#include "ursa/base/yaml.h"

/* Text of others: a line break or an escape in it is none of ours. */
static void add(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        buf_add_byte(out, c < ' ' || c == 0x7f ? '?' : c);
    }
}

static struct str finish(struct arena *a, struct buf *out)
{
    struct str text = arena_str(a, buf_str(out));

    buf_fini(out);
    return text;
}

static void indent(struct buf *out, int depth)
{
    buf_printf(out, "%*s", 2 * depth, "");
}

static int by_text(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;

    return strcmp(*x, *y);
}

/* The keys of an object in order, in the arena. */
static size_t sorted_keys(struct arena *a, const json_t *object, const char ***keys)
{
    json_t *o = (json_t *)(uintptr_t)object;
    const char *key;
    json_t *value;
    size_t n = 0;

    *keys = ARENA_ARRAY(a, const char *, json_object_size(object) + 1);
    json_object_foreach(o, key, value)
    {
        (*keys)[n++] = key;
    }
    qsort(*keys, n, sizeof((*keys)[0]), by_text);
    return n;
}

/* ---- policies of a proxy ---- */

/* "127.0.0.1:8081:8081(web)", either part of which may be missing. */
static void add_place(struct buf *out, const json_t *item)
{
    struct str name = json_str(json_get(item, "name")), service = json_str(json_get(item, "service"));

    if (name.n)
        buf_add_byte(out, ' ');
    add(out, name);
    if (service.n && !str_eq(json_str(json_get(item, "type")), STR("service"))) {
        buf_add_byte(out, '(');
        add(out, service);
        buf_add_byte(out, ')');
    }
}

/* {"Timeout": [{"name": ...}]}, or one policy instead of a list. */
static void add_matched(struct buf *out, struct arena *a, const json_t *matched, int depth)
{
    const char **types;
    size_t n = sorted_keys(a, matched, &types), k;

    for (size_t i = 0; i < n; i++) {
        const json_t *policies = json_get(matched, types[i]), *policy;

        indent(out, depth);
        add(out, json_key_str(types[i]));
        buf_add_byte(out, '\n');
        if (json_is_object(policies)) {
            indent(out, depth + 1);
            add(out, json_str(json_get(policies, "name")));
            buf_add_byte(out, '\n');
        }
        json_array_foreach(policies, k, policy)
        {
            indent(out, depth + 1);
            add(out, json_str(json_get(policy, "name")));
            buf_add_byte(out, '\n');
        }
    }
}

static void add_sidecar(struct buf *out, struct arena *a, const json_t *items)
{
    static const char *const kinds[] = {"dataplane", "inbound", "outbound", "service"};
    static const char *const titles[] = {"DATAPLANE", "INBOUND", "OUTBOUND", "SERVICE"};
    const json_t *item;
    size_t i;

    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        json_array_foreach(items, i, item)
        {
            if (!str_eq(json_str(json_get(item, "type")), str_from_c(kinds[k])))
                continue;
            buf_printf(out, "%s", titles[k]);
            add_place(out, item);
            buf_printf(out, ":\n");
            add_matched(out, a, json_get(item, "matchedPolicies"), 1);
            buf_add_byte(out, '\n');
        }
    }
}

static void add_tags(struct buf *out, struct arena *a, const json_t *tags)
{
    const char **keys;
    size_t n = sorted_keys(a, tags, &keys);

    for (size_t i = 0; i < n; i++) {
        buf_printf(out, "%s", i ? " " : "");
        add(out, json_key_str(keys[i]));
        buf_add_byte(out, '=');
        add(out, json_str(json_get(tags, keys[i])));
    }
}

static void add_routes(struct buf *out, struct arena *a, const json_t *host, int depth)
{
    const json_t *route, *destination;
    size_t i, k;

    json_array_foreach(json_get(host, "routes"), i, route)
    {
        indent(out, depth);
        buf_printf(out, "ROUTE ");
        add(out, json_str(json_get(route, "route")));
        buf_printf(out, ":\n");
        json_array_foreach(json_get(route, "destinations"), k, destination)
        {
            indent(out, depth + 1);
            buf_printf(out, "DESTINATION ");
            add_tags(out, a, json_get(destination, "tags"));
            buf_printf(out, ":\n");
            add_matched(out, a, json_get(destination, "policies"), depth + 2);
        }
    }
}

/* What follows the word for a listener; its hosts, under theirs, at 'depth'. */
static void add_listener(struct buf *out, struct arena *a, const json_t *listener, const char *host_word,
                         int depth)
{
    const json_t *host;
    size_t i;

    add(out, json_str(json_get(listener, "protocol")));
    buf_printf(out, ":%lld):\n", (long long)json_integer_value(json_get(listener, "port")));
    json_array_foreach(json_get(listener, "hosts"), i, host)
    {
        indent(out, depth);
        buf_printf(out, "%s ", host_word);
        add(out, json_str(json_get(host, "hostName")));
        buf_printf(out, ":\n");
        add_routes(out, a, host, depth + 1);
    }
}

static void add_gateway(struct buf *out, struct arena *a, const json_t *answer)
{
    const json_t *listener;
    size_t i;

    buf_printf(out, "MESHGATEWAY:\n");
    add_matched(out, a, json_get(answer, "policies"), 1);
    json_array_foreach(json_get(answer, "listeners"), i, listener)
    {
        buf_printf(out, "\nLISTENER (");
        add_listener(out, a, listener, "HOSTNAME", 1);
    }
}

struct str text_of_policies(struct arena *a, const json_t *answer)
{
    struct buf out;

    buf_init(&out, SIZE_MAX);
    if (json_get(answer, "gateway"))
        add_gateway(&out, a, answer);
    else
        add_sidecar(&out, a, json_get(answer, "items"));
    return finish(a, &out);
}

/* ---- rules ---- */

/* The configuration as YAML, two blanks further in. */
static void add_conf(struct buf *out, struct arena *a, const json_t *conf)
{
    struct str rest = yaml_format(a, conf), line;

    while (rest.n > 0 && str_next(&rest, '\n', &line)) {
        indent(out, 2);
        add(out, line);
        buf_add_byte(out, '\n');
    }
}

static void add_rule(struct buf *out, struct arena *a, const json_t *rule)
{
    struct str type = json_str(json_get(rule, "type"));
    const json_t *address, *origin;
    size_t i;

    add(out, json_str(json_get(rule, "policyType")));
    buf_printf(out, "%s",
               str_eq(type, STR("ClientSubset"))        ? " for clients"
               : str_eq(type, STR("DestinationSubset")) ? " for destination "
                                                        : " of the proxy");
    if (str_eq(type, STR("DestinationSubset")))
        add(out, json_str(json_get(rule, "service")));
    if (json_object_size(json_get(rule, "subset")) > 0) {
        buf_printf(out, " with ");
        add_tags(out, a, json_get(rule, "subset"));
    }
    json_array_foreach(json_get(rule, "addresses"), i, address)
    {
        buf_printf(out, "%s", i ? ", " : " at ");
        add(out, json_str(address));
    }
    buf_printf(out, ":\n");
    json_array_foreach(json_get(rule, "origins"), i, origin)
    {
        buf_printf(out, "%s", i ? ", " : "  from ");
        add(out, json_str(json_get(origin, "name")));
    }
    buf_printf(out, "\n");
    add_conf(out, a, json_get(rule, "conf"));
    buf_add_byte(out, '\n');
}

struct str text_of_rules(struct arena *a, const json_t *answer)
{
    const json_t *rule;
    struct buf out;
    size_t i;

    buf_init(&out, SIZE_MAX);
    json_array_foreach(json_get(answer, "items"), i, rule)
    {
        add_rule(&out, a, rule);
    }
    if (json_array_size(json_get(answer, "items")) == 0)
        buf_printf(&out, "No policy with a targetRef applies to it\n");
    return finish(a, &out);
}

/* ---- proxies of a policy ---- */

static void add_attachments(struct buf *out, const json_t *attachments)
{
    const json_t *attachment;
    bool any = false;
    size_t i;

    json_array_foreach(attachments, i, attachment)
    {
        struct str type = json_str(json_get(attachment, "type"));

        if (str_eq(type, STR("dataplane"))) /* it is the proxy itself */
            continue;
        buf_printf(out, "%s", any ? "" : ":\n");
        any = true;
        indent(out, 2);
        add(out, type);
        add_place(out, attachment);
        buf_add_byte(out, '\n');
    }
    buf_printf(out, "\n");
}

static void add_gateway_attachments(struct buf *out, struct arena *a, const json_t *listeners)
{
    const json_t *listener;
    size_t i;

    buf_printf(out, ":\n");
    json_array_foreach(listeners, i, listener)
    {
        indent(out, 2);
        buf_printf(out, "listener (");
        add_listener(out, a, listener, "hostname", 3);
    }
    buf_printf(out, "\n");
}

struct str text_of_attached(struct arena *a, const json_t *answer)
{
    const json_t *item;
    struct buf out;
    size_t i;

    buf_init(&out, SIZE_MAX);
    buf_printf(&out, "Affected data plane proxies:\n\n");
    json_array_foreach(json_get(answer, "items"), i, item)
    {
        const json_t *listeners = json_get(item, "listeners");

        indent(&out, 1);
        add(&out, json_str(json_get(json_get(item, "dataplane"), "name")));
        if (json_array_size(listeners) > 0)
            add_gateway_attachments(&out, a, listeners);
        else
            add_attachments(&out, json_get(item, "attachments"));
    }
    return finish(a, &out);
}
