/* The configuration: what is written is read again, in kumactl's form; tokens are masked; nobody else may
 * read it. */
#include "../../lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../src/cli/config.h"

struct world {
    struct arena arena;
    char dir[64];
    struct options options;
    struct err err;
};

static void begin(struct world *w)
{
    memset(w, 0, sizeof(*w));
    arena_init(&w->arena);
    err_init(&w->err, &w->arena);
    snprintf(w->dir, sizeof(w->dir), "/tmp/ursactl-test-XXXXXX");
    EXPECT_TRUE("a folder", mkdtemp(w->dir) != NULL);
    w->options.config_file = arena_printf(&w->arena, "%s/sub/ursactl.yaml", w->dir);
}

static void end(struct world *w)
{
    unlink(w->options.config_file.p);
    rmdir(arena_printf(&w->arena, "%s/sub", w->dir).p);
    EXPECT_INT("nothing is left behind", rmdir(w->dir), 0);
    arena_fini(&w->arena);
}

static void write_file(struct world *w, const char *text)
{
    FILE *f;

    mkdir(arena_printf(&w->arena, "%s/sub", w->dir).p, 0700);
    f = fopen(w->options.config_file.p, "w");
    EXPECT_TRUE("the file", f != NULL);
    fputs(text, f);
    fclose(f);
}

TEST(without_a_file_there_is_the_local_one)
{
    struct control_plane cp;
    struct config config;
    struct world w;

    begin(&w);
    EXPECT_INT("load", config_load(&w.options, &w.arena, &config, &w.err), ERR_NONE);
    config_current(&config, &w.arena, &cp);
    EXPECT_STR("name", config_current_name(&config), "local");
    EXPECT_STR("address", cp.address, "http://localhost:5681");
    EXPECT_TRUE("no token", cp.token.n == 0 && !cp.skip_verify);
    config_close(&config);
    end(&w);
}

TEST(what_is_saved_is_loaded)
{
    struct pair header = {STR("x-team"), STR("blue: #1")};
    struct control_plane in = {.address = STR("https://[::1]:5682"),
                               .ca_cert_file = STR("/tmp/a b/ca.pem"),
                               .client_cert_file = STR("/tmp/me.pem"),
                               .client_key_file = STR("/tmp/me.key"),
                               .skip_verify = true,
                               .token = STR("eyJ.a.b"),
                               .headers = {&header, 1, 1}},
                         out;
    struct config config;
    struct world w;
    struct stat st;

    begin(&w);
    EXPECT_INT("load", config_load(&w.options, &w.arena, &config, &w.err), ERR_NONE);
    config_put(&config, STR("prod"), &in);
    for (int i = 0; i < 2; i++) /* the second one replaces the file */
        EXPECT_INT("save", config_save(&config, &w.arena, &w.err), ERR_NONE);
    config_close(&config);
    EXPECT_INT("the file is there", stat(w.options.config_file.p, &st), 0);
    EXPECT_INT("only its owner may read it", st.st_mode & 0777, 0600);

    EXPECT_INT("load again", config_load(&w.options, &w.arena, &config, &w.err), ERR_NONE);
    config_current(&config, &w.arena, &out);
    EXPECT_STR("name", config_current_name(&config), "prod");
    EXPECT_STR("address", out.address, "https://[::1]:5682");
    EXPECT_STR("certificate", out.ca_cert_file, "/tmp/a b/ca.pem");
    EXPECT_STR("own certificate", out.client_cert_file, "/tmp/me.pem");
    EXPECT_STR("own key", out.client_key_file, "/tmp/me.key");
    EXPECT_STR("token", out.token, "eyJ.a.b");
    EXPECT_TRUE("skip-verify", out.skip_verify);
    EXPECT_INT("headers", out.headers.n, 1);
    EXPECT_STR("header", out.headers.v[0].value, "blue: #1");
    config_close(&config);
    end(&w);
}

TEST(entries_are_replaced_switched_and_removed)
{
    struct control_plane cp = {.address = STR("http://a")};
    struct str name, address;
    struct config config;
    struct world w;

    begin(&w);
    EXPECT_INT("load", config_load(&w.options, &w.arena, &config, &w.err), ERR_NONE);
    config_put(&config, STR("one"), &cp);
    cp.address = STR("http://b");
    config_put(&config, STR("one"), &cp);
    EXPECT_TRUE("replaced, not added",
                config_at(&config, 1, &name, &address) && !config_at(&config, 2, &name, &address));
    config_at(&config, 1, &name, &address);
    EXPECT_STR("replaced", address, "http://b");
    EXPECT_TRUE("switch", config_switch(&config, STR("local")));
    EXPECT_STR("switched", config_current_name(&config), "local");
    EXPECT_TRUE("no such", !config_switch(&config, STR("two")) && !config_remove(&config, STR("two")));
    EXPECT_TRUE("remove the active one", config_remove(&config, STR("local")));
    EXPECT_STR("the one left is active", config_current_name(&config), "one");
    EXPECT_TRUE("remove the last", config_remove(&config, STR("one")));
    EXPECT_TRUE("none is active", config_current_name(&config).n == 0 && !config_has(&config, STR("one")));
    config_current(&config, &w.arena, &cp);
    EXPECT_STR("the default address", cp.address, "http://localhost:5681");
    config_close(&config);
    end(&w);
}

TEST(kumactl_files_are_read_and_kept)
{
    static const char file[] =
        "contexts:\n- name: work\n  controlPlane: cp-a\n"
        "  defaults: {mesh: m}\n"
        "controlPlanes:\n- name: cp-a\n  coordinates:\n    apiServer:\n"
        "      url: https://a:5682\n      clientCertFile: /c.pem\n      authType: tokens\n"
        "      authConf: {token: secret-1}\n"
        "      headers: [{key: cookie, value: secret-2}]\ncurrentContext: work\n";
    struct control_plane cp;
    struct config config;
    struct world w;

    begin(&w);
    write_file(&w, file);
    EXPECT_INT("load", config_load(&w.options, &w.arena, &config, &w.err), ERR_NONE);
    config_current(&config, &w.arena, &cp);
    EXPECT_STR("by its context", cp.address, "https://a:5682");
    EXPECT_STR("token", cp.token, "secret-1");
    struct str view = config_view(&config, &w.arena);
    EXPECT_TRUE("the view shows no token", str_find(view, STR("secret-")) == view.n);
    EXPECT_TRUE("the view shows the rest", str_find(view, STR("clientCertFile: /c.pem")) < view.n &&
                                               str_find(view, STR("cookie")) < view.n);
    EXPECT_INT("save", config_save(&config, &w.arena, &w.err), ERR_NONE);
    config_close(&config);
    EXPECT_INT("load again", config_load(&w.options, &w.arena, &config, &w.err), ERR_NONE);
    config_current(&config, &w.arena, &cp);
    EXPECT_STR("the token is still there", cp.token, "secret-1");
    view = config_view(&config, &w.arena);
    EXPECT_TRUE("unknown keys, too", str_find(view, STR("mesh: m")) < view.n);
    config_close(&config);
    end(&w);
}

TEST(files_that_are_no_configuration_are_refused)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"a: [\n", "sub/ursactl.yaml: line 2, column 1: "},
        {"- 1\n", "sub/ursactl.yaml is no configuration of ursactl"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct config config;
        struct world w;

        begin(&w);
        write_file(&w, rows[i].text);
        EXPECT_TRUE(rows[i].text, config_load(&w.options, &w.arena, &config, &w.err) != ERR_NONE);
        if (str_find(w.err.text, str_from_c(rows[i].want)) == w.err.text.n)
            FAIL("%s: got " STR_FMT ", want %s", rows[i].text, STR_ARG(w.err.text), rows[i].want);
        end(&w);
    }
}

TEST(no_config_touches_no_file)
{
    struct config config;
    struct world w;

    begin(&w);
    w.options.no_config = true;
    write_file(&w, "not: [a, configuration");
    EXPECT_INT("load", config_load(&w.options, &w.arena, &config, &w.err), ERR_NONE);
    EXPECT_INT("save", config_save(&config, &w.arena, &w.err), ERR_INVALID);
    config_close(&config);
    end(&w);
}
