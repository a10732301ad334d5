/* completion.c -- ursactl completion: what a shell reads once. The scripts hold no list of anything; they
 * hand the words to "ursactl __complete" (complete.c) and show what it prints. */
#include <string.h>

#include "cli.h"

/* Readline takes a word apart at '=' and ':', so what stands before the last of them is cut off again. */
static const char bash_script[] =
    "# bash completion for ursactl: source <(ursactl completion bash)\n"
    "_ursactl() {\n"
    "    local line=${COMP_LINE:0:COMP_POINT} current cut answer IFS=$' \\t\\n'\n"
    "    local -a words\n"
    "    read -ra words <<<\"$line\"\n"
    "    [[ $line == *[[:blank:]] ]] && words+=('')\n"
    "    current=${words[${#words[@]} - 1]}\n"
    "    cut=${current%\"${current##*[=:]}\"}\n"
    "    COMPREPLY=()\n"
    "    while IFS=$'\\t' read -r answer _; do\n"
    "        if [[ $answer == :files ]]; then\n"
    "            compopt -o filenames 2>/dev/null\n"
    "            COMPREPLY+=($(compgen -f -- \"${current#\"$cut\"}\"))\n"
    "        elif [[ -n $answer ]]; then\n"
    "            COMPREPLY+=(\"${answer#\"$cut\"}\")\n"
    "        fi\n"
    "    done < <(\"${words[0]/#\\~/$HOME}\" __complete \"${words[@]:1}\" 2>/dev/null)\n"
    "}\n"
    "complete -F _ursactl ursactl\n";

static const char zsh_script[] =
    "#compdef ursactl\n"
    "# zsh completion for ursactl: source <(ursactl completion zsh)\n"
    "_ursactl() {\n"
    "    local answer value meaning\n"
    "    local -a candidates\n"
    "    while IFS= read -r answer; do\n"
    "        if [[ $answer == :files ]]; then\n"
    "            compset -P '--*='\n"
    "            _files\n"
    "            return\n"
    "        fi\n"
    "        value=${answer%%$'\\t'*}\n"
    "        meaning=${answer#\"$value\"}\n"
    "        candidates+=(\"${value//:/\\\\:}${meaning:+:${meaning#$'\\t'}}\")\n"
    "    done < <(${(Q)words[1]} __complete \"${(@Q)words[2,CURRENT]}\" 2>/dev/null)\n"
    "    _describe ursactl candidates\n"
    "}\n"
    "if [[ ${funcstack[1]} == _ursactl ]]; then\n"
    "    _ursactl \"$@\"\n"
    "else\n"
    "    compdef _ursactl ursactl\n"
    "fi\n";

static const char fish_script[] =
    "# fish completion for ursactl: ursactl completion fish | source\n"
    "function __ursactl_complete\n"
    "    set -l words (commandline -opc)\n"
    "    set -l current (commandline -ct)\n"
    "    for answer in ($words[1] __complete $words[2..] \"$current\" 2>/dev/null)\n"
    "        if test \"$answer\" = :files\n"
    "            __fish_complete_path \"$current\"\n"
    "        else\n"
    "            echo $answer\n"
    "        end\n"
    "    end\n"
    "end\n"
    "complete -c ursactl -f -a '(__ursactl_complete)'\n";

int run_completion(struct cli *cli)
{
    static const struct {
        const char *shell, *script;
    } rows[] = {{"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script}};
    struct str names[ARRAY_LEN(rows)], given = cli->arguments[0];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        names[i] = str_from_c(rows[i].shell);
        if (str_eq(names[i], given)) {
            fputs(rows[i].script, stdout);
            return 0;
        }
    }
    return cli_misuse(cli, "there are scripts for bash, zsh and fish, not for \"" STR_FMT "\"" STR_FMT,
                      STR_ARG(given), STR_ARG(suggest_text(cli->arena, given, names, ARRAY_LEN(names))));
}
