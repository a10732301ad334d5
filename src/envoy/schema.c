/* envoy/schema.c -- look-ups in the generated table. */
#include "schema.h"

#include <string.h>

/* Compares a slice with a name of the pool. */
static int name_cmp(struct str s, uint32_t offset)
{
    const char *name = schema_name(offset);
    int order = strncmp(s.p ? s.p : "", name, s.n);
    return order != 0 ? order : name[s.n] == '\0' ? 0 : -1;
}

const struct schema_message *schema_find_message(struct str name)
{
    size_t low = 0, high = schema_n_messages;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = name_cmp(name, schema_messages[mid].name);
        if (order == 0)
            return &schema_messages[mid];
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

static const struct schema_field *find_by_json_name(const struct schema_message *m, struct str name)
{
    const struct schema_field *fields = schema_message_fields(m);
    const uint8_t *by_name = schema_by_name + m->first_field;
    size_t low = 0, high = m->n_fields;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = name_cmp(name, fields[by_name[mid]].name);
        if (order == 0)
            return &fields[by_name[mid]];
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

/* protoc's rule for JSON names: an underscore goes and the letter behind it becomes upper case. 'size' bytes
 * at 'out'. */
static size_t camelize(struct str name, char *out, size_t size)
{
    size_t n = 0;
    bool upper = false;
    for (size_t i = 0; i < name.n && n < size; i++) {
        char c = name.p[i];
        if (c == '_') {
            upper = true;
            continue;
        }
        out[n++] = upper && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
        upper = false;
    }
    return n;
}

const struct schema_field *schema_find_field(const struct schema_message *m, struct str name)
{
    const struct schema_field *f = find_by_json_name(m, name);
    char camel[128];
    if (f || name.n > sizeof(camel) || str_chr(name, '_') == name.n)
        return f;
    f = find_by_json_name(m, str_from(camel, camelize(name, camel, sizeof(camel))));
    return f && name_cmp(name, f->proto_name) == 0 ? f : NULL; /* "a__b" is no name of a_b */
}

const struct schema_field *schema_find_number(const struct schema_message *m, uint32_t number)
{
    const struct schema_field *fields = schema_message_fields(m);
    /* Most messages number their fields 1, 2, 3 ... */
    if (number > 0 && number <= m->n_fields && fields[number - 1].number == number)
        return &fields[number - 1];
    size_t low = 0, high = m->n_fields;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (fields[mid].number == number)
            return &fields[mid];
        if (number < fields[mid].number)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

const struct schema_value *schema_find_value(const struct schema_enum *en, struct str name)
{
    const struct schema_value *values = schema_values + en->first_value;
    for (size_t i = 0; i < en->n_values; i++) {
        if (name_cmp(name, values[i].name) == 0)
            return &values[i];
    }
    return NULL;
}

const char *schema_find_value_name(const struct schema_enum *en, int32_t number)
{
    const struct schema_value *values = schema_values + en->first_value;
    for (size_t i = 0; i < en->n_values; i++) {
        if (values[i].number == number)
            return schema_name(values[i].name);
    }
    return NULL;
}
