/* commands.c -- every command: one row. */
#include "cli.h"

/* clang-format off */
const struct command commands[] = {
    {"apply", "", {F_FILE | NEEDED, F_VARIABLE, F_DRY_RUN, F_WAIT},
     "Create or update resources",
     "All documents of all files are one transaction: everything is applied, or nothing is. Their order does not\n"
     "matter. Each fault is told as FILE:LINE:COLUMN. With --wait it ends when the proxies have it, or says who\n"
     "has not and why: then the answer is 1. A mesh whose CA or mTLS mode changes is led there in steps, which go\n"
     "on behind that: GET /meshes/MESH/ca says how far it is.\n\n"
     "  ursactl apply -f mesh.yaml -f policies/\n"
     "  ursactl apply -f dataplane.yaml -v name=web-1 -v port=8080\n"
     "  ursactl apply -f policies/ --wait=1m\n"
     "  generate-policies | ursactl apply --dry-run -f -",
     run_apply},
    {"diff", "", {F_FILE, F_VARIABLE, F_FROM, F_TO, F_OUTPUT},
     "Show what apply would change, or what changed between two revisions",
     "Nothing but reads is asked for. The answer is 0 when there is no difference, 1 when there is one, 2 when\n"
     "something is wrong. Revisions are compared over all meshes unless --mesh names one.\n\n"
     "  ursactl diff -f mesh.yaml -f policies/\n"
     "  ursactl diff --from 40 --to 42 --mesh blue",
     run_diff},
    {"export", "", {F_WITH_SECRETS, F_REVISION, F_OUTPUT},
     "Print everything that is stored, for apply to take back",
     "With --mesh only what belongs to that mesh. Insights and times are left out, and secrets unless they are\n"
     "asked for.\n\n"
     "  ursactl export > everything.yaml\n"
     "  ursactl export --mesh blue --with-secrets > blue.yaml",
     run_export},
    {"history", "[TYPE] [NAME]", {F_OUTPUT, F_SIZE, F_OFFSET},
     "Show who changed what and when, the newest first",
     "Over all meshes unless --mesh names one. -o wide shows every change of a revision.\n\n"
     "  ursactl history --size 10\n"
     "  ursactl history timeout slow-backends --mesh blue",
     run_history},
    {"status", "", {F_REVISION, F_WAIT, F_OUTPUT},
     "Show which proxies have a revision, and who has not and why",
     "Over all meshes unless --mesh names one. The answer is 0 when every proxy that is online has it, else 1.\n\n"
     "  ursactl status --wait=1m --mesh blue",
     run_status},
    {"doctor", "", {F_OUTPUT},
     "Show what is wrong or soon will be, the worst first, each with its remedy",
     "Settings that are open, certificates that end, policies that select nobody, proxies that are gone or refuse.\n"
     "Over all meshes that you may see unless --mesh names one. The answer is 0 without errors, 1 with some, 2 when\n"
     "nothing could be asked.\n\n"
     "  ursactl doctor\n"
     "  ursactl doctor --mesh blue -o json",
     run_doctor},
    {"rollback", "", {F_ROLLBACK_TO | NEEDED, F_DRY_RUN, F_OUTPUT},
     "Make the state of a revision the state again",
     "One transaction, a new revision: of everything, or of the mesh that --mesh names. Dataplanes that proxies\n"
     "brought stay, and so do secrets that exist.\n\n"
     "  ursactl rollback --to 40 --mesh blue --dry-run",
     run_rollback},
    {"rotate ca", "", {F_CA_BACKEND, F_WAIT, F_OUTPUT},
     "Lead a mesh to another root without losing a request",
     "Its builtin CA gets a new root, or the backend that is named issues from then on. Proxies are led there step by\n"
     "step: all trust the new one, then certificates come from it, then the old one goes. Each step waits until every\n"
     "proxy that is online has the last one. The answer is 0 when the mesh has arrived; it goes on without ursactl, too.\n\n"
     "  ursactl rotate ca --mesh blue\n"
     "  ursactl rotate ca --mesh blue --backend ca-2 --wait=1m",
     run_rotate_ca},
    {"backup", "FILE", {F_NONE},
     "Save the control plane's store in a file, while it runs",
     "The state of one revision, with every key and secret: keep the file as safe as the store. - is standard output.\n\n"
     "  ursactl backup ursa-$(date +%F).db",
     run_backup},
    {"restore", "FILE", {F_DAEMON_CONFIG},
     "Put a backup in the store's place, while the control plane is stopped",
     "This runs 'ursa-cp restore --from FILE', on the machine that has the store and as the user that owns it.\n\n"
     "  systemctl stop ursa && sudo -u ursa ursactl restore ursa-2026-11-26.db && systemctl start ursa",
     run_restore},
    {"watch", "[TYPE]", {F_SINCE, F_OUTPUT},
     "Show what happens as it happens: changes, proxies, refusals, certificates",
     "Over all meshes unless --mesh names one. -o json is one object a line. A lost connection is made again and goes\n"
     "on where it was.\n\n"
     "  ursactl watch --mesh blue\n"
     "  ursactl watch timeouts --since 40 -o json",
     run_watch},
    {"get", "TYPE [NAME]", {F_OUTPUT, F_ALL_MESHES, F_SIZE, F_OFFSET, F_REVISION},
     "Show resources",
     "  ursactl get meshes\n"
     "  ursactl get dataplanes --mesh blue\n"
     "  ursactl get dataplanes --mesh blue -o wide\n"
     "  ursactl get dataplane web --mesh blue -o yaml\n"
     "  ursactl get timeouts --mesh blue --revision 40",
     run_get},
    {"delete", "TYPE NAME", {F_NONE},
     "Delete a resource",
     "  ursactl delete dataplane web --mesh blue",
     run_delete},
    {"inspect dataplanes", "", {F_OUTPUT, F_ALL_MESHES, F_TAG_FILTER, F_GATEWAY, F_INGRESS},
     "Show what proxies there are and how they are doing",
     "  ursactl inspect dataplanes --mesh blue --tag kuma.io/service=web",
     run_inspect_dataplanes},
    {"inspect dataplane", "NAME", {F_VIEW, F_OUTPUT},
     "Show what applies to a proxy, or what its Envoy says",
     "  ursactl inspect dataplane web-1 --mesh blue\n"
     "  ursactl inspect dataplane web-1 --mesh blue --type rules -o yaml\n"
     "  ursactl inspect dataplane web-1 --mesh blue --type clusters",
     run_inspect_dataplane},
    {"inspect meshes", "", {F_OUTPUT},
     "Show what is in each mesh", NULL, run_inspect_meshes},
    {"inspect services", "", {F_OUTPUT, F_ALL_MESHES},
     "Show the services of a mesh", NULL, run_inspect_services},
    {"inspect zones", "", {F_OUTPUT}, "Show the zones and how they are doing", NULL, run_inspect_zones},
    {"inspect zone-ingresses", "", {F_OUTPUT}, "Show the zones' ingresses and how they are doing", NULL,
     run_inspect_zone_ingresses},
    {"inspect zoneegresses", "", {F_OUTPUT}, "Show the zones' egresses and how they are doing", NULL,
     run_inspect_zone_egresses},
    {"inspect zoneingress", "ZONE-INGRESS", {F_ZONE_PROXY_VIEW, F_OUTPUT}, "Show what a zone ingress's Envoy says", NULL,
     run_inspect_zone_ingress},
    {"inspect zoneegress", "NAME", {F_ZONE_PROXY_VIEW, F_OUTPUT}, "Show what a zone egress's Envoy says", NULL,
     run_inspect_zone_egress},
    {"inspect meshgateway", "NAME", {F_OUTPUT}, "Show the proxies that serve a gateway", NULL, run_inspect_meshgateway},
    {"inspect POLICY", "NAME", {F_OUTPUT},
     "Show the proxies that a policy applies to",
     "  ursactl inspect timeout slow-backends --mesh blue\n"
     "  ursactl inspect meshtrafficpermission allow-all --mesh blue",
     run_inspect_policy},
    {"generate dataplane-token", "", {F_PROXY_NAME, F_PROXY_TAG, F_PROXY_TYPE, F_VALID_FOR | NEEDED, F_SIGNING_KEY_PATH, F_KID},
     "Issue a token that proves which mesh a proxy is of",
     "Without a name, tags and a type it is good for every proxy of the mesh.\n\n"
     "  ursactl generate dataplane-token --mesh blue --name web --valid-for 24h > web.token\n"
     "  ursactl generate dataplane-token --mesh blue --tag kuma.io/service=web,web-api --valid-for 720h",
     run_generate_dataplane_token},
    {"generate user-token", "", {F_USER_NAME | NEEDED, F_GROUP, F_ROLE, F_VALID_FOR | NEEDED, F_SIGNING_KEY_PATH, F_KID},
     "Issue a token for a user of the API",
     "With a role the user is confined to the mesh: viewers read it, operators also write its policies and\n"
     "Dataplanes, admins also the Mesh itself and its secrets.\n\n"
     "  ursactl generate user-token --name jane --group mesh-system:admin --valid-for 24h > jane.token\n"
     "  ursactl generate user-token --name joe --mesh blue --role operator --valid-for 720h > joe.token",
     run_generate_user_token},
    {"generate zone-token", "", {F_ZONE | NEEDED, F_SCOPE, F_VALID_FOR | NEEDED, F_SIGNING_KEY_PATH, F_KID},
     "Issue a token that proves which zone an ingress or egress is of",
     "  ursactl generate zone-token --zone east --scope egress --valid-for 24h > east.token",
     run_generate_zone_token},
    {"generate zone-ingress-token", "", {F_ZONE | NEEDED, F_VALID_FOR | NEEDED, F_SIGNING_KEY_PATH, F_KID},
     "Issue a token of the older sort for a zone ingress",
     "  ursactl generate zone-ingress-token --zone east --valid-for 24h > east.token",
     run_generate_zone_ingress_token},
    {"generate signing-key", "", {F_KEY_FORMAT},
     "Make a private key that signs tokens",
     "No control plane is asked. A new key in a secret of the next number is used from then on.\n\n"
     "  ursactl generate signing-key --format pem > key.pem\n"
     "  ursactl apply -v key=\"$(ursactl generate signing-key)\" -f user-token-signing-key-2.yaml",
     run_generate_signing_key},
    {"generate public-key", "", {F_SIGNING_KEY_PATH | NEEDED},
     "Print the public half of a signing key",
     "  ursactl generate public-key --signing-key-path key.pem > public.pem",
     run_generate_public_key},
    {"generate tls-certificate", "", {F_CERTIFICATE_TYPE | NEEDED, F_HOSTNAME, F_KEY_TYPE, F_KEY_FILE, F_CERT_FILE},
     "Make a certificate that signs itself",
     "  ursactl generate tls-certificate --type server --hostname mesh.example.com,192.0.2.1",
     run_generate_tls_certificate},
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
