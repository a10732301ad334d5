/* catalog.c -- reads resources as far as a proxy's behaviour depends on them. */
#include "catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ursa/base/hash.h"

enum { ANY_VALUE = 2 };

void catalog_init(struct catalog *c)
{
    arena_init(&c->arena);
    map_init(&c->contents);
    for (size_t i = 0; i < XDS_N; i++)
        map_init(&c->names[i]);
}

struct name *catalog_name(struct catalog *c, enum xds_type type, struct str text)
{
    struct name *name = map_find(&c->names[type], text);

    if (name)
        return name;
    name = ARENA_NEW(&c->arena, struct name);
    *name = (struct name){.text = arena_str(&c->arena, text), .type = type};
    map_put(&c->names[type], name->text, name);
    return name;
}

static void add_ref(struct catalog *c, struct content *k, enum xds_type type, const json_t *text)
{
    if (!json_is_string(text))
        return;
    struct name *name = catalog_name(c, type, str_from_c(json_string_value(text)));

    for (size_t i = 0; i < k->refs.n; i++)
        if (k->refs.v[i] == name)
            return;
    VEC_PUSH(&k->refs, name);
}

/* Anywhere in a resource: a secret, a route configuration or a filter that is to be fetched by name. */
static void find_refs(struct catalog *c, struct content *k, const json_t *tree)
{
    const char *key;
    json_t *child;
    size_t i;

    if (json_is_object(tree)) {
        if (json_object_get(tree, "sdsConfig"))
            add_ref(c, k, XDS_SECRET, json_object_get(tree, "name"));
        if (json_object_get(tree, "configDiscovery"))
            add_ref(c, k, XDS_EXTENSION, json_object_get(tree, "name"));
        add_ref(c, k, XDS_ROUTE, json_object_get(tree, "routeConfigName"));
    }
    json_object_foreach((json_t *)(uintptr_t)tree, key, child) find_refs(c, k, child);
    json_array_foreach(tree, i, child) find_refs(c, k, child);
}

static void read_cluster(struct catalog *c, struct content *k, const json_t *tree)
{
    const char *kind = json_string_value(json_object_get(tree, "type"));
    json_t *service = json_object_get(json_object_get(tree, "edsClusterConfig"), "serviceName");

    if (kind && strcmp(kind, "EDS") == 0)
        add_ref(c, k, XDS_ENDPOINT, service ? service : json_object_get(tree, "name"));
}

static void read_endpoint(struct content *k, const json_t *lb_endpoint)
{
    const json_t *endpoint = json_object_get(lb_endpoint, "endpoint");
    const json_t *socket = json_object_get(json_object_get(endpoint, "address"), "socketAddress");
    struct str address = str_from_c(json_string_value(json_object_get(socket, "address"))), high;
    uint64_t x, y;

    k->n_endpoints++;
    if (!str_has_prefix(address, STR(VICTIM_NETWORK)))
        return;
    address = str_slice(address, sizeof(VICTIM_NETWORK) - 1, address.n);
    if (!str_next(&address, '.', &high) || !str_to_uint(high, 255, &x) || !str_to_uint(address, 255, &y))
        return;
    json_int_t port = json_integer_value(json_object_get(socket, "portValue"));
    struct stamp stamp = {(uint32_t)(x << 8 | y), (uint32_t)port - VICTIM_PORT};

    VEC_PUSH(&k->stamps, stamp);
}

static void read_endpoints(struct content *k, const json_t *tree)
{
    json_t *locality, *endpoint;
    size_t i, n;

    json_array_foreach(json_object_get(tree, "endpoints"), i, locality)
    {
        json_array_foreach(json_object_get(locality, "lbEndpoints"), n, endpoint) read_endpoint(k, endpoint);
    }
}

static void read_tree(struct catalog *c, enum xds_type type, const json_t *tree, struct content *k)
{
    const char *name = json_string_value(json_object_get(tree, xds_type_info(type)->name_field.p));

    k->name = catalog_name(c, type, str_from_c(name));
    if (type == XDS_CLUSTER)
        read_cluster(c, k, tree);
    if (type == XDS_ENDPOINT)
        read_endpoints(k, tree);
    else
        find_refs(c, k, tree);
}

static void read_wire(struct catalog *c, enum xds_type type, struct str wire, struct content *k)
{
    const struct xds_type_info *info = xds_type_info(type);
    struct arena scratch;
    struct err e;
    json_t *tree = NULL;

    arena_init(&scratch);
    err_init(&e, &scratch);
    if (envoy_decode(info->message, wire, &tree, &e) != ERR_NONE) {
        fprintf(stderr, "ads_load: a resource cannot be read: " STR_FMT "\n", STR_ARG(e.text));
        exit(1);
    }
    read_tree(c, type, tree, k);
    json_decref(tree);
    arena_fini(&scratch);
}

/* The key is fixed: the bytes come from the server under test. */
static uint64_t hash_of(enum xds_type type, struct str any)
{
    const uint64_t key[2] = {type, 0};

    return hash_siphash(key, any.p, any.n);
}

static struct content *find_or_add(struct catalog *c, uint64_t hash, size_t size, bool *is_new)
{
    struct content *k = map_find(&c->contents, str_from(&hash, sizeof(hash)));

    *is_new = !k;
    if (k)
        return k;
    k = ARENA_NEW(&c->arena, struct content);
    k->hash = hash;
    k->size = size;
    map_put(&c->contents, str_from(&k->hash, sizeof(k->hash)), k);
    return k;
}

struct content *catalog_content(struct catalog *c, enum xds_type type, struct str any, struct str version)
{
    bool is_new;
    struct content *k = find_or_add(c, hash_of(type, any), any.n, &is_new);
    struct pb_reader reader;
    struct pb_field field;

    if (!is_new)
        return k;
    k->version = arena_str(&c->arena, version);
    pb_reader_init(&reader, any);
    while (pb_next(&reader, &field))
        if (field.number == ANY_VALUE)
            read_wire(c, type, field.bytes, k);
    return k;
}

struct content *catalog_content_json(struct catalog *c, enum xds_type type, const json_t *resource)
{
    char *text = json_dumps(resource, JSON_COMPACT);
    bool is_new;
    struct content *k = find_or_add(c, hash_of(type, str_from_c(text)), strlen(text), &is_new);

    if (is_new)
        read_tree(c, type, resource, k);
    free(text);
    return k;
}
