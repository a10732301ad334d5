/* commands.c -- every command: one row. */
#include "cli.h"

/* clang-format off */
const struct command commands[] = {
    {"apply", "", {F_FILE | NEEDED, F_VARIABLE, F_DRY_RUN},
     "Create or update resources",
     "All documents of all files are one transaction: everything is applied, or nothing is. Their order does not\n"
     "matter. Each fault is told as FILE:LINE:COLUMN.\n\n"
     "  ursactl apply -f mesh.yaml -f policies/\n"
     "  ursactl apply -f dataplane.yaml -v name=web-1 -v port=8080\n"
     "  generate-policies | ursactl apply --dry-run -f -",
     run_apply},
    {"get", "TYPE [NAME]", {F_OUTPUT, F_ALL_MESHES, F_SIZE, F_OFFSET},
     "Show resources",
     "  ursactl get meshes\n"
     "  ursactl get dataplanes --mesh blue\n"
     "  ursactl get dataplane web --mesh blue -o yaml",
     run_get},
    {"delete", "TYPE NAME", {F_NONE},
     "Delete a resource",
     "  ursactl delete dataplane web --mesh blue",
     run_delete},
    {"inspect dataplanes", "", {F_OUTPUT, F_ALL_MESHES, F_TAG_FILTER, F_GATEWAY},
     "Show what proxies there are and how they are doing",
     "  ursactl inspect dataplanes --mesh blue --tag kuma.io/service=web",
     run_inspect_dataplanes},
    {"inspect meshes", "", {F_OUTPUT},
     "Show what is in each mesh", NULL, run_inspect_meshes},
    {"generate dataplane-token", "", {F_PROXY_NAME, F_PROXY_TAG, F_PROXY_TYPE, F_VALID_FOR | NEEDED},
     "Issue a token that proves which mesh a proxy is of",
     "Without a name, tags and a type it is good for every proxy of the mesh.\n\n"
     "  ursactl generate dataplane-token --mesh blue --name web --valid-for 24h > web.token\n"
     "  ursactl generate dataplane-token --mesh blue --tag kuma.io/service=web,web-api --valid-for 720h",
     run_generate_dataplane_token},
    {"generate user-token", "", {F_USER_NAME | NEEDED, F_GROUP, F_VALID_FOR | NEEDED},
     "Issue a token for a user of the API",
     "  ursactl generate user-token --name jane --group mesh-system:admin --valid-for 24h > jane.token",
     run_generate_user_token},
    {"config control-planes add", "", {F_ENTRY_NAME | NEEDED, F_AUTH_TYPE, F_AUTH_CONF, F_HEADERS, F_OVERWRITE, F_SKIP_CHECK, F_ADDRESS | NEEDED},
     "Remember a control plane and make it the active one",
     "  ursactl config control-planes add --name local --address http://localhost:5681\n"
     "  ursactl config control-planes add --name prod --address https://mesh.example.com:5682 \\\n"
     "      --ca-cert-file ca.pem --token-file jane.token",
     run_config_add},
    {"config control-planes list", "", {F_NONE}, "Show the control planes", NULL, run_config_list},
    {"config control-planes switch", "", {F_ENTRY_NAME | NEEDED},
     "Make another control plane the active one", NULL, run_config_switch},
    {"config control-planes remove", "", {F_ENTRY_NAME | NEEDED},
     "Forget a control plane", NULL, run_config_remove},
    {"config view", "", {F_NONE}, "Show the configuration without its tokens", NULL, run_config_view},
    {"version", "", {F_DETAILED}, "Show the versions of ursactl and of the control plane", NULL,
     run_version},
    {"completion", "bash|zsh|fish", {F_NONE},
     "Print what makes a shell complete ursactl's commands, flags and names",
     "  source <(ursactl completion bash)\n"
     "  ursactl completion zsh > \"${fpath[1]}/_ursactl\"\n"
     "  ursactl completion fish > ~/.config/fish/completions/ursactl.fish",
     run_completion},
    {"man", "", {F_NONE}, NULL, NULL, run_man},
    {.words = NULL},
};
/* clang-format on */
