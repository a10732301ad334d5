/* commands.c -- every command: one row. */
#include "cli.h"

/* clang-format off */
const struct command commands[] = {
    {"apply", "", 0, 0, WITH(FILE) | WITH(VARIABLE) | WITH(DRY_RUN), WITH(FILE),
     "Create or update resources",
     "All documents of all files are one transaction: everything is applied, or nothing is. Their order does not\n"
     "matter. Each fault is told as FILE:LINE:COLUMN.\n\n"
     "  ursactl apply -f mesh.yaml -f policies/\n"
     "  ursactl apply -f dataplane.yaml -v name=web-1 -v port=8080\n"
     "  generate-policies | ursactl apply --dry-run -f -",
     run_apply},
    {"get", "TYPE [NAME]", 1, 2, WITH(OUTPUT) | WITH(ALL_MESHES) | WITH(SIZE) | WITH(OFFSET), 0,
     "Show resources",
     "  ursactl get meshes\n"
     "  ursactl get dataplanes --mesh blue\n"
     "  ursactl get dataplane web --mesh blue -o yaml",
     run_get},
    {"delete", "TYPE NAME", 2, 2, 0, 0,
     "Delete a resource",
     "  ursactl delete dataplane web --mesh blue",
     run_delete},
    {"inspect dataplanes", "", 0, 0, WITH(OUTPUT) | WITH(ALL_MESHES) | WITH(TAG_FILTER) | WITH(GATEWAY), 0,
     "Show what proxies there are and how they are doing",
     "  ursactl inspect dataplanes --mesh blue --tag kuma.io/service=web",
     run_inspect_dataplanes},
    {"inspect meshes", "", 0, 0, WITH(OUTPUT), 0,
     "Show what is in each mesh", NULL, run_inspect_meshes},
    {"generate dataplane-token", "", 0, 0,
     WITH(PROXY_NAME) | WITH(PROXY_TAG) | WITH(PROXY_TYPE) | WITH(VALID_FOR), WITH(VALID_FOR),
     "Issue a token that proves which mesh a proxy is of",
     "Without a name, tags and a type it is good for every proxy of the mesh.\n\n"
     "  ursactl generate dataplane-token --mesh blue --name web --valid-for 24h > web.token\n"
     "  ursactl generate dataplane-token --mesh blue --tag kuma.io/service=web,web-api --valid-for 720h",
     run_generate_dataplane_token},
    {"generate user-token", "", 0, 0, WITH(USER_NAME) | WITH(GROUP) | WITH(VALID_FOR),
     WITH(USER_NAME) | WITH(VALID_FOR),
     "Issue a token for a user of the API",
     "  ursactl generate user-token --name jane --group mesh-system:admin --valid-for 24h > jane.token",
     run_generate_user_token},
    {"config control-planes add", "", 0, 0,
     WITH(ENTRY_NAME) | WITH(AUTH_TYPE) | WITH(AUTH_CONF) | WITH(HEADERS) | WITH(OVERWRITE) | WITH(SKIP_CHECK),
     WITH(ENTRY_NAME) | WITH(ADDRESS),
     "Remember a control plane and make it the active one",
     "  ursactl config control-planes add --name local --address http://localhost:5681\n"
     "  ursactl config control-planes add --name prod --address https://mesh.example.com:5682 \\\n"
     "      --ca-cert-file ca.pem --token-file jane.token",
     run_config_add},
    {"config control-planes list", "", 0, 0, 0, 0, "Show the control planes", NULL, run_config_list},
    {"config control-planes switch", "", 0, 0, WITH(ENTRY_NAME), WITH(ENTRY_NAME),
     "Make another control plane the active one", NULL, run_config_switch},
    {"config control-planes remove", "", 0, 0, WITH(ENTRY_NAME), WITH(ENTRY_NAME),
     "Forget a control plane", NULL, run_config_remove},
    {"config view", "", 0, 0, 0, 0, "Show the configuration without its tokens", NULL, run_config_view},
    {"version", "", 0, 0, WITH(DETAILED), 0, "Show the versions of ursactl and of the control plane", NULL,
     run_version},
    {NULL, NULL, 0, 0, 0, 0, NULL, NULL, NULL},
};
/* clang-format on */
