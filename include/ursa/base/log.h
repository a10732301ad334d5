/* ursa/base/log.h -- one event, one line: key=value, module first, to standard error.
 *
 *     2026-11-23T09:22:27.311Z info xds mesh=demo proxy=web-1 connected
 *
 * Levels per module change at run time. Lines of one call site are limited to 10 a second; what was
 * left out is counted in the next line ("suppressed=17"). Never log tokens, keys or secret bodies. Any
 * thread. */
#ifndef URSA_BASE_LOG_H
#define URSA_BASE_LOG_H

#include "ursa/base/str.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log_site { /* one per call site, static */
    int64_t second;
    unsigned n_lines, n_suppressed;
};

void log_set_level(enum log_level);                            /* all modules */
void log_set_module_level(const char *module, enum log_level); /* overrides, for a module */
MUST_USE bool log_level_parse(struct str, enum log_level *);   /* error warn info debug */
void log_set_json(bool on);
bool log_wants(const char *module, enum log_level);
void log_write(struct log_site *, enum log_level, const char *module, const char *fmt, ...) PRINTF_LIKE(4, 5);

#define LOG_AT(level, module, ...)                                                                           \
    do {                                                                                                     \
        if (log_wants((module), (level))) {                                                                  \
            static struct log_site log_site_;                                                                \
            log_write(&log_site_, (level), (module), __VA_ARGS__);                                           \
        }                                                                                                    \
    } while (0)
#define log_error(module, ...) LOG_AT(LOG_ERROR, module, __VA_ARGS__)
#define log_warn(module, ...) LOG_AT(LOG_WARN, module, __VA_ARGS__)
#define log_info(module, ...) LOG_AT(LOG_INFO, module, __VA_ARGS__)
#define log_debug(module, ...) LOG_AT(LOG_DEBUG, module, __VA_ARGS__)

#endif
