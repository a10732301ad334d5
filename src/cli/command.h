/* command.h -- the table of commands and the table of flags: parsing and help are read from them.
 *
 * A command is one row (commands.c), a flag is one row (flags.c); a command's row names the flags it takes.
 */
#ifndef URSA_CLI_COMMAND_H
#define URSA_CLI_COMMAND_H

#include <stdio.h>

#include "options.h"
#include "ursa/base/err.h"
#include "ursa/resource.h"

enum flag_kind {
    FLAG_SWITCH,
    FLAG_TEXT,
    FLAG_ANY_TEXT,          /* may be empty */
    FLAG_DURATION,          /* into an int64_t of nanoseconds */
    FLAG_DURATION_TEXT,     /* checked, kept as text */
    FLAG_OPTIONAL_DURATION, /* into an int64_t of nanoseconds; "--wait" alone is 30 s */
    FLAG_NUMBER,            /* into an int64_t */
    FLAG_CHOICE,            /* into an int: which of the words of 'value' */
    FLAG_CHOICE_TEXT,       /* one of the words of 'value', kept as text */
    FLAG_LIST,              /* texts; may be repeated */
    FLAG_WORDS,             /* texts, several separated by commas; may be repeated */
    FLAG_PAIRS              /* KEY=VALUE[,KEY=VALUE...]; may be repeated */
};

enum flag_id {
    F_NONE, /* ends a command's list */
    /* every command takes these */
    F_ADDRESS,
    F_CA_CERT_FILE,
    F_CLIENT_CERT_FILE,
    F_CLIENT_KEY_FILE,
    F_SKIP_VERIFY,
    F_TOKEN,
    F_TOKEN_FILE,
    F_CONFIG_FILE,
    F_NO_CONFIG,
    F_MESH,
    F_API_TIMEOUT,
    F_LOG_LEVEL,
    F_HELP,
    F_N_GLOBAL,
    /* some take these */
    F_FILE = F_N_GLOBAL,
    F_VARIABLE,
    F_DRY_RUN,
    F_OUTPUT,
    F_ALL_MESHES,
    F_SIZE,
    F_OFFSET,
    F_TAG_FILTER,
    F_GATEWAY,
    F_INGRESS,
    F_VIEW,
    F_ZONE_PROXY_VIEW,
    F_PROXY_NAME,
    F_PROXY_TAG,
    F_PROXY_TYPE,
    F_USER_NAME,
    F_GROUP,
    F_ROLE,
    F_VALID_FOR,
    F_ZONE,
    F_SCOPE,
    F_SIGNING_KEY_PATH,
    F_KID,
    F_KEY_FORMAT,
    F_CERTIFICATE_TYPE,
    F_HOSTNAME,
    F_KEY_TYPE,
    F_KEY_FILE,
    F_CERT_FILE,
    F_ENTRY_NAME,
    F_AUTH_TYPE,
    F_AUTH_CONF,
    F_HEADERS,
    F_OVERWRITE,
    F_SKIP_CHECK,
    F_DETAILED,
    F_WAIT,
    F_CA_BACKEND,
    F_SINCE,
    F_DAEMON_CONFIG,
    F_ROLLBACK_TO,
    F_REVISION,
    F_TO,
    F_FROM,
    F_WITH_SECRETS,
    F_N
};
#define NEEDED 0x80 /* with a flag_id: the command does not run without it */
_Static_assert(F_N <= NEEDED, "a flag and NEEDED fit into a byte");

struct flag {
    const char *name;
    char letter; /* "-m"; 0: none */
    enum flag_kind kind;
    size_t offset;        /* of its member in struct options */
    const char *value;    /* what help calls its value; the words of a choice: "table|yaml|json" */
    const char *fallback; /* default; NULL: none */
    const char *help;
};
extern const struct flag flags[F_N];

struct cli; /* cli.h */
#define MAX_FLAGS 12
struct command {
    const char *words; /* "config control-planes add"; POLICY stands for any policy that can be inspected */
    const char *arguments;    /* "TYPE [NAME]", "" */
    uint8_t flags[MAX_FLAGS]; /* flag_id, maybe NEEDED; the global ones are implied */
    const char *summary;      /* NULL: for scripts only, help does not list it */
    const char *details;      /* paragraphs and examples for 'help'; may be NULL */
    int (*run)(struct cli *); /* returns the exit status */
};
extern const struct command commands[]; /* ends with words == NULL */

/* NULL is "ursactl" without a command: it takes the global flags. */
bool command_takes(const struct command *, enum flag_id);
bool command_needs(const struct command *, enum flag_id);
/* How many of its arguments must be given, and may be. */
void command_count_arguments(const struct command *, size_t *min, size_t *max);
/* May the word stand where a command's words say 'pattern'? */
bool word_matches(struct str pattern, struct str word);
/* What may stand there, up to RES_N words; returns how many. */
size_t command_word_choices(struct str pattern, struct str *choices);
/* Do the command's words begin with these? *rest is what follows them. */
bool command_begins_with(const struct command *, const struct str *words, size_t n, struct str *rest);
/* What help and the man page show of a flag: "--mesh MESH", "--wait[=DURATION]"; in the arena. */
struct str flag_usage(struct arena *, const struct flag *);

/* ---- parsing (parse.c) ---- */

#define MAX_ARGUMENTS 4

struct parsed {
    const struct command *command; /* NULL: see 'topic' */
    struct str topic;              /* what help would explain: the command's or the group's words */
    struct options options;
    enum res_type policy; /* what stands where the command's words say POLICY; else RES_N */
    struct str arguments[MAX_ARGUMENTS];
    size_t n_arguments;
};
/* Reads argv[1..argc). ERR_INVALID: the text says what is wrong, with a suggestion. A group of commands
 * ("config"), no word at all, and a wish for help are no errors: then 'command' is NULL. */
MUST_USE enum err_kind parse_arguments(int argc, char **argv, struct arena *, struct parsed *, struct err *e);
/* The same of a line that is still being typed: what is wrong or missing is passed over. *open is the flag
 * whose value would come next, NULL when none would. */
void parse_unfinished(int argc, char **argv, struct arena *, struct parsed *, const struct flag **open);

/* ---- help (help.c) ---- */

/* All about a command, a group of commands, or (no words) everything; the topic must exist. */
void help_print(struct arena *, struct str topic, FILE *out);

/* ---- suggestions (suggest.c) ---- */

/* The candidate nearest to 'word', or STR_NONE when none is near. */
struct str suggest_nearest(struct str word, const struct str *candidates, size_t n);
/* "; did you mean <nearest>?", or "". */
struct str suggest_text(struct arena *, struct str word, const struct str *candidates, size_t n);

#endif
