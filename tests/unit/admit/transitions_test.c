/* transitions_test.c -- which writes set a mesh on its way to another posture, and how it is led on. */
#include "fixture.h"
#include "ursa/posture.h"

#define BACKEND(name) "{\"name\":\"" name "\",\"type\":\"builtin\"}"
#define MESH_OF(mtls) "{\"type\":\"Mesh\",\"name\":\"m\"" mtls "}"
#define ENABLED(name, backends) ",\"mtls\":{\"enabledBackend\":\"" name "\",\"backends\":[" backends "]}"
#define OFF MESH_OF("")
#define STRICT(name) MESH_OF(ENABLED(name, BACKEND(name)))
#define PERMISSIVE(name)                                                                                     \
    MESH_OF(ENABLED(name, "{\"name\":\"" name "\",\"type\":\"builtin\",\"mode\":\"PERMISSIVE\"}"))
#define BOTH(name) MESH_OF(ENABLED(name, BACKEND("a") "," BACKEND("b")))
#define BROKEN(name)                                                                                         \
    "{\"type\":\"Secret\",\"mesh\":\"m\",\"name\":\"m.ca-builtin-cert-" name "\",\"data\":\"eA==\"}"

/* What proxies are told: the record's words, or that the mesh is where it is to be. */
static struct str told(struct fixture *f)
{
    struct snap *snap = store_snap(f->store);
    const struct resource *record = posture_record(snap, STR("m"));
    struct str text = record ? posture_text(resource_mesh_posture(record), &f->arena) : STR("arrived");
    snap_unref(snap);
    return text;
}

static struct resource *record_of(struct fixture *f)
{
    struct snap *snap = store_snap(f->store);
    const struct resource *record = posture_record(snap, STR("m"));
    struct resource *held = record ? resource_ref((struct resource *)(uintptr_t)record) : NULL;
    snap_unref(snap);
    return held;
}

static struct str advance(struct fixture *f)
{
    struct resource *record = record_of(f);
    if (!record)
        FAIL("the mesh is not on its way");
    struct str text = run_request(f, admit_advance_new(record));
    resource_unref(record);
    return text;
}

TEST(writes_set_a_mesh_on_its_way)
{
    static const struct {
        const char *name;
        const char *steps[10]; /* documents, or "advance"; what proxies are told after each is in 'want' */
        const char *want[10];
    } rows[] = {
        {"one that is created is there", {STRICT("a")}, {"arrived"}},
        {"what changes nothing",
         {STRICT("a"), STRICT("a"), MESH_OF(ENABLED("a", BACKEND("a")) ",\"routing\":{}")},
         {"arrived", "arrived", "arrived"}},
        {"on and off",
         {OFF, STRICT("a"), "advance", "advance", OFF, "advance", "advance"},
         {"arrived", "serve both, dial plain, issue from a, trust a",
          "serve both, dial tls, issue from a, trust a", "arrived",
          "serve both, dial tls, issue from a, trust a", "serve both, dial plain, issue from a, trust a",
          "arrived"}},
        {"permissive and back",
         {STRICT("a"), PERMISSIVE("a"), "advance", STRICT("a"), "advance", "advance"},
         {"arrived", "serve both, dial tls, issue from a, trust a", "arrived",
          "serve both, dial ready, issue from a, trust a", "serve both, dial tls, issue from a, trust a",
          "arrived"}},
        {"another CA, with care",
         {STRICT("a"), BOTH("a"), BOTH("b"), "advance", STRICT("b"), "advance"},
         {"arrived", "arrived", "serve tls, dial tls, issue from a, trust a and b", "arrived",
          "serve tls, dial tls, issue from b, trust b and a", "arrived"}},
        {"another CA, at a stroke",
         {STRICT("a"), STRICT("b"), "advance", "advance"},
         {"arrived", "serve tls, dial tls, issue from a, trust b and a",
          "serve tls, dial tls, issue from b, trust b and a", "arrived"}},
        {"a change of mind",
         {STRICT("a"), STRICT("b"), "advance", STRICT("a"), "advance"},
         {"arrived", "serve tls, dial tls, issue from a, trust b and a",
          "serve tls, dial tls, issue from b, trust b and a",
          "serve tls, dial tls, issue from a, trust a and b", "arrived"}},
        {"back where all are still: nobody is waited for",
         {OFF, STRICT("a"), OFF, STRICT("a"), "advance", OFF, STRICT("a"), "advance", "advance"},
         {"arrived", "serve both, dial plain, issue from a, trust a", "arrived",
          "serve both, dial plain, issue from a, trust a", "serve both, dial tls, issue from a, trust a",
          "serve both, dial plain, issue from a, trust a", "serve both, dial plain, issue from a, trust a",
          "serve both, dial tls, issue from a, trust a", "arrived"}},
        {"back from two changes that nobody has yet",
         {STRICT("a"), STRICT("b"), STRICT("c"), STRICT("a")},
         {"arrived", "serve tls, dial tls, issue from a, trust b and a",
          "serve tls, dial tls, issue from a, trust c and b and a", "arrived"}},
        {"a secret that is no CA: the last one stays in use",
         {STRICT("a"), BROKEN("a"), "advance", STRICT("b"), "advance", "advance"},
         {"arrived", "serve tls, dial tls, issue from a, trust a",
          "serve tls, dial tls, issue from a, trust a", "serve tls, dial tls, issue from a, trust b and a",
          "serve tls, dial tls, issue from b, trust b and a", "arrived"}},
        {"a secret of a CA that is not in use",
         {STRICT("a"), STRICT("b"), "advance", "advance", BROKEN("a")},
         {"arrived", "serve tls, dial tls, issue from a, trust b and a",
          "serve tls, dial tls, issue from b, trust b and a", "arrived", "arrived"}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        fixture_init(&f);
        log_set_module_level("admit", (enum log_level) - 1); /* a CA that cannot be read is reported */
        for (size_t k = 0; rows[i].steps[k]; k++) {
            const char *step = rows[i].steps[k];
            struct str text = strcmp(step, "advance") == 0 ? advance(&f) : run_docs(&f, DOCS(step));
            if (str_find(text, STR(":")) < text.n)
                FAIL("%s, step %zu: " STR_FMT, rows[i].name, k, STR_ARG(text));
            struct str name = arena_printf(&f.arena, "%s, step %zu", rows[i].name, k);
            EXPECT_STR(name.p, told(&f), rows[i].want[k]);
        }
        fixture_fini(&f);
    }
}

TEST(only_the_record_that_was_taken_over_is_led_on)
{
    struct fixture f;
    fixture_init(&f);
    run_docs(&f, DOCS(STRICT("a")));
    run_docs(&f, DOCS(STRICT("b")));
    struct resource *first = record_of(&f);
    EXPECT_STR("a step", advance(&f), "updated");
    EXPECT_STR("once", run_request(&f, admit_advance_new(first)), "unchanged");
    EXPECT_STR("no further", told(&f), "serve tls, dial tls, issue from b, trust b and a");
    EXPECT_STR("the last step", advance(&f), "deleted");
    EXPECT_STR("it has arrived", run_request(&f, admit_advance_new(first)), "unchanged");
    resource_unref(first);
    fixture_fini(&f);
}

TEST(a_record_makes_no_history_and_goes_with_its_mesh)
{
    struct fixture f;
    fixture_init(&f);
    run_docs(&f, DOCS(STRICT("a")));
    run_docs(&f, DOCS(STRICT("b")));
    struct snap *before = store_snap(f.store);
    EXPECT_STR("a step", advance(&f), "updated");
    struct snap *after = store_snap(f.store);
    EXPECT_INT("no revision", snap_revision(after), snap_revision(before));
    EXPECT_TRUE("a sequence", snap_sequence(after) > snap_sequence(before));
    EXPECT_STR("the mesh goes", run_docs(&f, DOCS("-Mesh//m")), "deleted");
    EXPECT_STR("so does it", names_of(&f, RES_MESH_POSTURE, "m"), "");
    EXPECT_STR("its successor is where it is to be", run_docs(&f, DOCS(STRICT("b"))), "created");
    EXPECT_STR("at once", told(&f), "arrived");
    snap_unref(before);
    snap_unref(after);
    fixture_fini(&f);
}

TEST(a_dry_run_sets_nothing_on_its_way)
{
    struct fixture f;
    fixture_init(&f);
    run_docs(&f, DOCS(STRICT("a")));
    struct admit_request *req = request_of(DOCS(OFF));
    req->dry_run = true;
    EXPECT_STR("fine", run_request(&f, req), "updated");
    EXPECT_STR("not set on its way", told(&f), "arrived");
    fixture_fini(&f);
}

/* Proxies that do not follow must not make the list of those whom all trust grow without end. */
TEST(cas_cannot_change_faster_than_proxies_follow)
{
    struct fixture f;
    fixture_init(&f);
    run_docs(&f, DOCS(STRICT("first")));
    for (int i = 0; i < POSTURE_TRUSTED_MAX - 1; i++) {
        struct str doc = arena_printf(&f.arena, STRICT("ca-%d"), i, i);
        EXPECT_STR("another", run_docs(&f, DOCS(doc.p)), "updated");
    }
    EXPECT_STR(
        "one too many", run_docs(&f, DOCS(STRICT("last"))),
        "updated; 0: mesh \"m\" would trust 9 CAs: wait until its proxies have followed the last changes");
    EXPECT_STR("after the next step there is room", advance(&f), "updated");
    EXPECT_STR("and the one after it", advance(&f), "deleted");
    EXPECT_STR("again", run_docs(&f, DOCS(STRICT("last"))), "updated");
    fixture_fini(&f);
}
