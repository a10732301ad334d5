/* config.c -- see config.h. The file is kept as a tree; everything reads and changes that. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ursa/base/json.h"
#include "ursa/base/yaml.h"

#define MAX_CONFIG ((size_t)1 << 20)
#define DEFAULT_ADDRESS "http://localhost:5681"
#define MASK "*****"

/* ---- the tree ---- */

static json_t *default_root(void)
{
    return json_pack("{s:[{s:s,s:s}],s:[{s:s,s:{s:{s:s}}}],s:s}", "contexts", "name", "local", "controlPlane",
                     "local", "controlPlanes", "name", "local", "coordinates", "apiServer", "url",
                     DEFAULT_ADDRESS, "currentContext", "local");
}

/* The member of a list of objects that has this name, and its place; NULL when there is none. */
static json_t *find_named(const json_t *list, struct str name, size_t *at)
{
    for (*at = 0; *at < json_array_size(list); ++*at)
        if (str_eq(json_str(json_get(json_array_get(list, *at), "name")), name))
            return json_array_get(list, *at);
    return NULL;
}

/* The root's list of that key, made when it is missing. */
static json_t *list_of(struct config *c, const char *key)
{
    if (!json_is_array(json_get(c->root, key)))
        json_object_set_new(c->root, key, json_array());
    return json_get(c->root, key);
}

static const json_t *api_server_of(const json_t *entry)
{
    return json_get(json_get(entry, "coordinates"), "apiServer");
}

static json_t *api_server_from(const struct control_plane *cp)
{
    json_t *api = json_object(), *auth = json_object(), *headers = json_array();

    json_object_set_new(api, "url", json_from_str(cp->address));
    if (cp->ca_cert_file.n)
        json_object_set_new(api, "caCertFile", json_from_str(cp->ca_cert_file));
    if (cp->client_cert_file.n) {
        json_object_set_new(api, "clientCertFile", json_from_str(cp->client_cert_file));
        json_object_set_new(api, "clientKeyFile", json_from_str(cp->client_key_file));
    }
    if (cp->skip_verify)
        json_object_set_new(api, "skipVerify", json_true());
    if (cp->token.n)
        json_object_set_new(auth, "token", json_from_str(cp->token));
    if (cp->token_file.n)
        json_object_set_new(auth, "tokenFile", json_from_str(cp->token_file));
    if (json_object_size(auth)) {
        json_object_set_new(api, "authType", json_string("tokens"));
        json_object_set(api, "authConf", auth);
    }
    for (size_t i = 0; i < cp->headers.n; i++)
        json_array_append_new(headers, json_pack("{s:o,s:o}", "key", json_from_str(cp->headers.v[i].key),
                                                 "value", json_from_str(cp->headers.v[i].value)));
    if (json_array_size(headers))
        json_object_set(api, "headers", headers);
    json_decref(headers);
    json_decref(auth);
    return api;
}

static void api_server_read(const json_t *api, struct arena *a, struct control_plane *cp)
{
    const json_t *auth = json_get(api, "authConf"), *headers = json_get(api, "headers"), *header;
    size_t i;

    *cp = (struct control_plane){.address = arena_str(a, json_str(json_get(api, "url"))),
                                 .ca_cert_file = arena_str(a, json_str(json_get(api, "caCertFile"))),
                                 .client_cert_file = arena_str(a, json_str(json_get(api, "clientCertFile"))),
                                 .client_key_file = arena_str(a, json_str(json_get(api, "clientKeyFile"))),
                                 .skip_verify = json_is_true(json_get(api, "skipVerify")),
                                 .token = arena_str(a, json_str(json_get(auth, "token"))),
                                 .token_file = arena_str(a, json_str(json_get(auth, "tokenFile")))};
    cp->headers.v = ARENA_ARRAY(a, struct pair, json_array_size(headers) + 1);
    json_array_foreach(headers, i, header)
    {
        cp->headers.v[cp->headers.n++] = (struct pair){arena_str(a, json_str(json_get(header, "key"))),
                                                       arena_str(a, json_str(json_get(header, "value")))};
    }
}

static const json_t *current_entry(const struct config *c)
{
    size_t at;
    const json_t *context =
        find_named(json_get(c->root, "contexts"), json_str(json_get(c->root, "currentContext")), &at);

    return context ? find_named(json_get(c->root, "controlPlanes"),
                                json_str(json_get(context, "controlPlane")), &at)
                   : NULL;
}

struct str config_current_name(const struct config *c)
{
    return json_str(json_get(current_entry(c), "name"));
}

void config_current(const struct config *c, struct arena *a, struct control_plane *cp)
{
    api_server_read(api_server_of(current_entry(c)), a, cp);
    if (!cp->address.n)
        cp->address = STR(DEFAULT_ADDRESS);
}

bool config_has(const struct config *c, struct str name)
{
    size_t at;

    return find_named(json_get(c->root, "controlPlanes"), name, &at) != NULL;
}

bool config_at(const struct config *c, size_t i, struct str *name, struct str *address)
{
    const json_t *entry = json_array_get(json_get(c->root, "controlPlanes"), i);

    *name = json_str(json_get(entry, "name"));
    *address = json_str(json_get(api_server_of(entry), "url"));
    return entry != NULL;
}

/* Replaces the member of that name or appends. */
static void put_named(json_t *list, struct str name, json_t *item)
{
    size_t at;

    if (find_named(list, name, &at))
        json_array_set_new(list, at, item);
    else
        json_array_append_new(list, item);
}

void config_put(struct config *c, struct str name, const struct control_plane *cp)
{
    put_named(list_of(c, "contexts"), name,
              json_pack("{s:o,s:o}", "name", json_from_str(name), "controlPlane", json_from_str(name)));
    put_named(list_of(c, "controlPlanes"), name,
              json_pack("{s:o,s:{s:o}}", "name", json_from_str(name), "coordinates", "apiServer",
                        api_server_from(cp)));
    json_object_set_new(c->root, "currentContext", json_from_str(name));
}

bool config_remove(struct config *c, struct str name)
{
    json_t *contexts = list_of(c, "contexts"), *context;
    size_t at, i;

    if (!find_named(list_of(c, "controlPlanes"), name, &at))
        return false;
    json_array_remove(list_of(c, "controlPlanes"), at);
    for (i = json_array_size(contexts); i-- > 0;) {
        context = json_array_get(contexts, i);
        if (str_eq(json_str(json_get(context, "controlPlane")), name))
            json_array_remove(contexts, i);
    }
    if (!current_entry(c))
        json_object_set_new(c->root, "currentContext",
                            json_from_str(json_str(json_get(json_array_get(contexts, 0), "name"))));
    return true;
}

bool config_switch(struct config *c, struct str name)
{
    size_t at;

    if (!find_named(json_get(c->root, "contexts"), name, &at))
        return false;
    json_object_set_new(c->root, "currentContext", json_from_str(name));
    return true;
}

struct str config_view(const struct config *c, struct arena *a)
{
    JSON_AUTO copy = json_deep_copy(c->root);
    json_t *entry, *auth, *headers, *header;
    const char *key;
    json_t *value;
    size_t i, j;
    void *next;

    json_array_foreach(json_get(copy, "controlPlanes"), i, entry)
    {
        auth = json_get(api_server_of(entry), "authConf");
        json_object_foreach_safe(auth, next, key, value)
        {
            if (strcmp(key, "tokenFile") != 0)
                json_object_set_new(auth, key, json_string(MASK));
        }
        headers = json_get(api_server_of(entry), "headers");
        json_array_foreach(headers, j, header)
        {
            if (json_get(header, "value"))
                json_object_set_new(header, "value", json_string(MASK));
        }
    }
    return yaml_format(a, copy);
}

/* ---- the file ---- */

static enum err_kind find_path(const struct options *o, struct arena *a, struct config *c, struct err *e)
{
    const char *home = getenv("HOME");

    if (o->no_config)
        c->path = STR("");
    else if (o->config_file.n)
        c->path = o->config_file;
    else if (home && *home)
        c->path = arena_printf(a, "%s/.ursa/ursactl.yaml", home);
    else
        return err_set(e, ERR_INVALID, "there is no HOME: say --config-file FILE or --no-config");
    return ERR_NONE;
}

enum err_kind config_load(const struct options *o, struct arena *a, struct config *c, struct err *e)
{
    struct yaml_doc *docs;
    struct str text;
    size_t n = 0;

    c->root = NULL;
    if (find_path(o, a, c, e) != ERR_NONE)
        return e->kind;
    if (c->path.n == 0 || access(c->path.p, F_OK) != 0) {
        c->root = default_root();
        return ERR_NONE;
    }
    if (client_read_file(c->path.p, MAX_CONFIG, a, &text, e) != ERR_NONE)
        return e->kind;
    if (yaml_parse(text, 1, &docs, &n, e) != ERR_NONE) {
        err_add_context(e, "%s", c->path.p);
        return e->kind;
    }
    c->root = n ? docs[0].root : default_root();
    if (!json_is_object(c->root)) {
        config_close(c);
        return err_set(e, ERR_INVALID, "%s is no configuration of ursactl", c->path.p);
    }
    return ERR_NONE;
}

void config_close(struct config *c)
{
    json_decref(c->root);
    c->root = NULL;
}

enum err_kind config_save(const struct config *c, struct arena *a, struct err *e)
{
    struct str dir = arena_str(a, str_slice(c->path, 0, str_rchr(c->path, '/')));

    if (c->path.n == 0)
        return err_set(e, ERR_INVALID, "with --no-config there is no configuration to change");
    if (dir.n > 0 && dir.n < c->path.n && mkdir(dir.p, 0700) != 0 && errno != EEXIST)
        return err_set(e, ERR_IO, "%s: %m", dir.p);
    return client_write_file(c->path, 0600, yaml_format(a, c->root), a, e);
}
