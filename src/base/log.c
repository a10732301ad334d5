/* log.c -- one event, one line, one write(2): lines of several threads never mix. */
#include "ursa/base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ursa/base/clock.h"
#include "ursa/base/count.h"
#include "ursa/base/lock.h"

#define LINES_PER_SECOND 10
#define MAX_MODULES 32
#define MAX_TEXT 4096           /* of one event; the rest is cut */
#define MAX_LINE (6 * MAX_TEXT) /* every byte may need \u00xx */
#define FOLLOWS_DEFAULT (-1)

static const char *const level_names[] = {"error", "warn", "info", "debug"};

static atomic_int default_level = LOG_INFO;
static atomic_bool as_json;

/* Entries are added under the lock and never removed, so readers need only the count. */
static struct {
    char name[24];
    atomic_int level;
} modules[MAX_MODULES];
static atomic_size_t n_modules;

static struct lock lock = LOCK_INIT; /* protects additions to 'modules', and all log_sites */

static int module_find(const char *module)
{
    size_t n = atomic_load_explicit(&n_modules, memory_order_acquire);

    for (size_t i = 0; i < n; i++)
        if (strcmp(modules[i].name, module) == 0)
            return (int)i;
    return -1;
}

void log_set_level(enum log_level level)
{
    size_t n = atomic_load_explicit(&n_modules, memory_order_acquire);

    atomic_store(&default_level, (int)level);
    for (size_t i = 0; i < n; i++)
        atomic_store(&modules[i].level, FOLLOWS_DEFAULT);
}

/* Names come from an operator: one that is too long or too many changes nothing. */
void log_set_module_level(const char *module, enum log_level level)
{
    lock_take(&lock);
    size_t n = atomic_load_explicit(&n_modules, memory_order_relaxed);
    int i = module_find(module);

    if (i >= 0) {
        atomic_store(&modules[i].level, (int)level);
    } else if (n < MAX_MODULES && strlen(module) < sizeof(modules[0].name)) {
        memcpy(modules[n].name, module, strlen(module) + 1);
        atomic_store(&modules[n].level, (int)level);
        atomic_store_explicit(&n_modules, n + 1, memory_order_release);
    }
    lock_drop(&lock);
}

bool log_level_parse(struct str s, enum log_level *level)
{
    for (size_t i = 0; i < ARRAY_LEN(level_names); i++) {
        if (!str_eq(s, str_from_c(level_names[i])))
            continue;
        *level = (enum log_level)i;
        return true;
    }
    return false;
}

void log_set_json(bool on)
{
    atomic_store(&as_json, on);
}

bool log_wants(const char *module, enum log_level level)
{
    int i = module_find(module);
    int limit = i < 0 ? FOLLOWS_DEFAULT : atomic_load_explicit(&modules[i].level, memory_order_relaxed);

    if (limit == FOLLOWS_DEFAULT)
        limit = atomic_load_explicit(&default_level, memory_order_relaxed);
    return (int)level <= limit;
}

/* Whether the site may write now; '*suppressed' is what it could not since it last did. */
static bool site_admit(struct log_site *site, unsigned *suppressed)
{
    int64_t second = clock_mono_ns() / NS_PER_S;

    lock_take(&lock);
    if (site->second != second) {
        site->second = second;
        site->n_lines = 0;
    }
    bool admitted = site->n_lines < LINES_PER_SECOND;

    if (admitted) {
        site->n_lines++;
        *suppressed = site->n_suppressed;
        site->n_suppressed = 0;
    } else {
        site->n_suppressed++;
    }
    lock_drop(&lock);
    return admitted;
}

struct line {
    size_t n;
    char p[MAX_LINE + 256]; /* with the frame around the text */
};

PRINTF_LIKE(2, 3) static void line_add(struct line *l, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int n = vsnprintf(l->p + l->n, sizeof(l->p) - l->n, fmt, args);
    va_end(args);
    size_t left = sizeof(l->p) - 1 - l->n;

    if (n > 0)
        l->n += (size_t)n < left ? (size_t)n : left;
}

/* Control characters are escaped, so that an event cannot forge a line; JSON needs valid UTF-8 besides. */
static void line_add_text(struct line *l, struct str s, bool json)
{
    while (s.n > 0) {
        size_t size = str_utf8_size(s);
        unsigned char c = (unsigned char)s.p[0];

        if (json && (c == '"' || c == '\\'))
            line_add(l, "\\%c", c);
        else if (c == '\n' || c == '\t' || c == '\r')
            line_add(l, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
        else if (c < 0x20 || c == 0x7f)
            line_add(l, json ? "\\u%04x" : "\\x%02x", c);
        else if (size == 0)
            line_add(l, json ? "\\ufffd" : "\\x%02x", c);
        else if (c == 0xc2 && (unsigned char)s.p[1] < 0xa0) /* control characters once more */
            line_add(l, "\\u%04x", (unsigned char)s.p[1]);
        else
            line_add(l, "%.*s", (int)size, s.p);
        s = str_slice(s, size ? size : 1, s.n);
    }
}

static void line_add_time(struct line *l)
{
    int64_t now = clock_wall_ns();
    time_t s = now / NS_PER_S;
    struct tm t;

    gmtime_r(&s, &t);
    line_add(l, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour,
             t.tm_min, t.tm_sec, (int)(now % NS_PER_S / NS_PER_MS));
}

void log_write(struct log_site *site, enum log_level level, const char *module, const char *fmt, ...)
{
    char text[MAX_TEXT];
    struct line line;
    unsigned suppressed = 0;
    bool json = atomic_load(&as_json);
    va_list args;

    if (!site_admit(site, &suppressed)) {
        COUNT(log_lines_suppressed);
        return;
    }
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    size_t used = n < 0 ? 0 : (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;

    line.n = 0;
    line_add(&line, "%s", json ? "{\"time\":\"" : "");
    line_add_time(&line);
    line_add(&line, json ? "\",\"level\":\"%s\",\"module\":\"%s\",\"message\":\"" : " %s %s ",
             level_names[level], module);
    line_add_text(&line, str_from(text, used), json);
    if (json)
        line_add(&line, "\"");
    if (suppressed > 0)
        line_add(&line, json ? ",\"suppressed\":%u" : " suppressed=%u", suppressed);
    line_add(&line, json ? "}\n" : "\n");
    /* Nobody can be told when standard error is gone. */
    ssize_t written = write(STDERR_FILENO, line.p, line.n);
    (void)written;
}
