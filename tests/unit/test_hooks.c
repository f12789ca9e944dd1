/* SPDX-License-Identifier: MIT */
/* Hooks: order, circles, what ends a filter, services, hosts, iq routes, features, commands. */
#include "tests/unit/bus.h"

/* ---- order, on made-up modules ---------------------------------------------------------- */

struct row {
    const char *module;
    enum xy_order order;
    const char *before, *after; /* the row's */
    const char *module_before, *module_after;
};

static const char *
ordered(const struct row *given, size_t count)
{
    static char text[256];
    static struct xyi_library libraries[8];
    static struct xyi_want wants[8];
    static struct xy_hook hooks[8];
    struct xyi_row rows[8];
    struct xyi_arena *arena = xyi_arena_new(256);
    struct xy_diagnostics *to = xyi_diagnostics_new(arena);
    if (!xyi_temp())
        xyi_temp_set(xyi_arena_new(1024));
    for (size_t i = 0; i < count; i++) {
        libraries[i].module = (struct xy_module){.name = given[i].module,
                                                 .before = given[i].module_before,
                                                 .after = given[i].module_after};
        wants[i] = (struct xyi_want){.library = &libraries[i]};
        hooks[i] = (struct xy_hook){
            .order = given[i].order, .before = given[i].before, .after = given[i].after};
        rows[i] = (struct xyi_row){&hooks[i], &wants[i]};
    }
    text[0] = 0;
    if (!xyi_rows_order(rows, count, "tried", to))
        snprintf(text, sizeof(text), XY_FMT, XY_ARG(xyi_diagnostics_first(to)->text));
    else
        for (size_t i = 0; i < count; i++)
            snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
                     rows[i].want->library->module.name);
    xyi_arena_free(arena);
    return text;
}
#define ORDER(...)                       \
    ordered((struct row[]){__VA_ARGS__}, \
            sizeof((struct row[]){__VA_ARGS__}) / sizeof(struct row))

TEST(order_is_that_of_the_configuration)
{
    CHECK(strcmp(ORDER({.module = "b"}, {.module = "a"}, {.module = "c"}), "b a c") == 0);
}

TEST(bands_come_first)
{
    CHECK(strcmp(ORDER({.module = "late", .order = XY_LATE}, {.module = "normal"},
                       {.module = "early", .order = XY_EARLY}),
                 "early normal late") == 0);
    /* A wish cannot leave its band. */
    CHECK(strcmp(ORDER({.module = "late", .order = XY_LATE, .before = "early"},
                       {.module = "early", .order = XY_EARLY}),
                 "early late") == 0);
}

TEST(before_and_after_move_only_what_they_must)
{
    CHECK(strcmp(ORDER({.module = "a"}, {.module = "b"}, {.module = "c"},
                       {.module = "d", .before = "b"}),
                 "a c d b") == 0);
    CHECK(strcmp(ORDER({.module = "a", .after = "c"}, {.module = "b"}, {.module = "c"}),
                 "b c a") == 0);
    CHECK(
        strcmp(ORDER({.module = "a", .after = "nobody  x c"}, {.module = "b"}, {.module = "c"}),
               "b c a") == 0);
    CHECK(strcmp(ORDER({.module = "a", .module_after = "c"}, {.module = "b"}, {.module = "c"}),
                 "b c a") == 0);
    CHECK(
        strcmp(ORDER({.module = "a"}, {.module = "b"}, {.module = "c", .module_before = "a b"}),
               "c a b") == 0);
    /* What a row says beats what its module says of all its rows. */
    CHECK(strcmp(ORDER({.module = "a", .after = "b", .module_before = "b"}, {.module = "b"}),
                 "b a") == 0);
    /* Part of a name is no name. */
    CHECK(strcmp(ORDER({.module = "a", .after = "cc"}, {.module = "c"}), "a c") == 0);
}

TEST(rows_of_one_module_keep_their_order)
{
    CHECK(strcmp(ORDER({.module = "a", .before = "a"}, {.module = "a"},
                       {.module = "b", .before = "a"}),
                 "b a a") == 0);
}

TEST(a_circle_is_printed)
{
    CHECK(strcmp(ORDER({.module = "x"}, {.module = "a", .before = "b"},
                       {.module = "b", .before = "c"}, {.module = "c", .before = "a"}),
                 "the order of hook tried is a circle: a before b before c before a") == 0);
    CHECK(strstr(ORDER({.module = "a", .before = "b"}, {.module = "b", .before = "a"}),
                 "a circle: "));
    CHECK(strstr(ORDER({.module = "a", .after = "b", .before = "b"}, {.module = "b"}),
                 "a circle: "));
}

/* ---- firing ----------------------------------------------------------------------------- */

TEST(handlers_run_in_order_and_the_first_done_ends_a_filter)
{
    begin();
    put("first-1");
    put("second-1");
    CHECK(change("modules: { second: on, first: on }"));
    CHECK(says("example.org", "first second second-late first-late"));
    struct shot shot = {.host = "example.org", .what = FILTER, .probe.number = 2};
    xyi_run_on_fiber(fire, &shot, NULL);
    CHECK(shot.verdict == XY_DONE && strcmp(shot.probe.text, "second") == 0);
    shot = (struct shot){.host = "example.org", .what = FILTER, .probe.number = 1};
    xyi_run_on_fiber(fire, &shot, NULL);
    CHECK(shot.verdict == XY_DONE && strcmp(shot.probe.text, "second first") == 0);
    shot = (struct shot){.host = "example.org", .what = FILTER};
    xyi_run_on_fiber(fire, &shot, NULL);
    CHECK(shot.verdict == XY_PASS && strcmp(shot.probe.text, "second first") == 0);
    CHECK(xyi_bus_live->holds == 1);
    finish();
}

TEST(a_service_has_one_provider_or_none)
{
    begin();
    put("first-1");
    put("second-1");
    CHECK(change("modules: { first: on }"));
    struct shot shot = {.host = "example.org", .what = SERVICE};
    xyi_run_on_fiber(fire, &shot, NULL);
    CHECK(shot.status == XY_UNSUPPORTED);
    CHECK(change("modules: { first: on, second: on }"));
    xyi_run_on_fiber(fire, &shot, NULL);
    CHECK(shot.status == XY_OK && strcmp(shot.probe.text, "second") == 0);
    shot.probe.number = 5;
    xyi_run_on_fiber(fire, &shot, NULL);
    CHECK(shot.status == XY_FULL);
    finish();
}

TEST(rivals_and_circles_are_refused)
{
    begin();
    put("first-3");
    put("second-3");
    CHECK(!change("modules: { first: on, second: on }"));
    CHECK(complained(
        "test.yaml:1:31: the service probe_service has two providers: first and second"));
    CHECK(complained("iq query of urn:test:same is answered by two: first and second"));
    CHECK(complained("the command `pair order` has two owners: first and second"));
    put("first-2");
    put("second-2");
    CHECK(!change("modules: { first: on, second: on }"));
    CHECK(complained(
        "the order of hook probe_event is a circle: second before first before second"));
    put("first-4");
    put("second-4");
    CHECK(!change("modules: { first: on, second: on }"));
    CHECK(complained("modules need each other in a circle: first needs second needs first"));
    CHECK(!change("modules: { first: on }"));
    CHECK(complained("module first@example.org needs second, which is off"));
    CHECK(!xyi_bus_live);
    finish();
}

TEST(hosts_have_modules_of_their_own)
{
    begin();
    put("first-1");
    put("second-1");
    put("wide-1");
    hosts_wanted = "one.example two.example";
    CHECK(change(
        "{ modules: { first: on, wide: on }, two.example: { second: on, first: off } }"));
    CHECK(says("one.example", "first wide=7 unsupported first-late"));
    CHECK(says("two.example", "wide=7 unsupported second second-late"));
    CHECK(says(NULL, "wide=7 unsupported")); /* no host: what serves them all */
    CHECK(host("three.example") == NULL && host("one.example") == xy_host_first());
    CHECK(xy_host_next(xy_host_first()) == host("two.example") &&
          !xy_host_next(host("two.example")));
    CHECK(host("romeo@two.example/garden") == host("two.example"));
    CHECK(xy_host_jid(host("two.example")) == xy_jid_parse(XY_STR("two.example")));
    CHECK(!change("{ modules: { wide: on }, two.example: { wide: { size: 8 } } }"));
    CHECK(complained("test.yaml:1:41: module wide is one for the whole server"));

    struct xy_host *two = host("two.example");
    hosts_wanted = "one.example";
    CHECK(change("modules: { first: on, wide: on }"));
    CHECK(!host("two.example") && !xy_host_next(two));
    CHECK(is_listed(report.removed, "second@two.example\n"));
    struct shot shot = {.what = EVENT}; /* a stream of the former host ends */
    xy_run_probe_event(two, &shot.probe);
    CHECK(strcmp(shot.probe.text, "wide=7 unsupported") == 0);
    hosts_wanted = "two.example";
    CHECK(change("modules: { first: on }"));
    CHECK(host("two.example") == two);
    CHECK(says("two.example", "first first-late"));
    finish();
}

/* ---- what is resolved beside hooks ------------------------------------------------------ */

static char listed[512];

static void
list_feature(void *nothing, const char *var)
{
    (void)nothing;
    snprintf(listed + strlen(listed), sizeof(listed) - strlen(listed), "%s ", var);
}

static const char *
features(unsigned where)
{
    listed[0] = 0;
    xy_features_each(host("example.org"), where, list_feature, NULL);
    return listed;
}

TEST(features_follow_from_routes_and_tables)
{
    begin();
    put("first-1");
    put("second-1");
    CHECK(change("modules: { second: on, first: on }"));
    CHECK(strcmp(features(XY_IQ_HOST),
                 "urn:test:a-host urn:test:both urn:test:first urn:test:second ") == 0);
    CHECK(strcmp(features(XY_IQ_ACCOUNT), "urn:test:both urn:test:first urn:test:second ") ==
          0);
    CHECK(change("modules: { first: on }"));
    CHECK(strcmp(features(XY_IQ_HOST), "urn:test:a-host urn:test:both urn:test:first ") == 0);
    finish();
}

TEST(iq_routes_are_found_and_hold_their_generation)
{
    begin();
    put("first-1");
    put("second-1");
    CHECK(change("modules: { second: on, first: on }"));
    struct xyi_iq_lookup found, none;
    xyi_iq_begin(host("example.org"), XY_STR("urn:test:second"), XY_STR("query"), &found);
    CHECK(found.count == 2 && strcmp(found.at[0].instance->module->name, "second") == 0);
    CHECK(found.at[0].route->types == XY_IQ_GET && found.at[1].route->types == XY_IQ_SET);
    xyi_iq_begin(host("example.org"), XY_STR("urn:test:second"), XY_STR("quer"), &none);
    CHECK(none.count == 0);
    xyi_iq_end(&none);
    xyi_iq_begin(host("example.org"), XY_NO_STR, XY_NO_STR, &none);
    CHECK(none.count == 0);
    xyi_iq_begin(NULL, XY_STR("urn:test:second"), XY_STR("query"), &none);
    CHECK(none.count == 0);

    CHECK(change("modules: { first: on }"));
    turns(3);
    CHECK_EQ(xyi_bus_draining(), 1); /* the look-up may still call it */
    CHECK(strcmp(found.at[0].route->element, "query") == 0);
    xyi_iq_end(&found);
    turns(3);
    CHECK_EQ(xyi_bus_draining(), 0);
    finish();
}

static void
list_hook(void *nothing, const char *hook, const struct xy_instance *instance,
          const struct xy_hook *row)
{
    (void)nothing;
    snprintf(listed + strlen(listed), sizeof(listed) - strlen(listed), "%s:%s:%s%s ", hook,
             instance->module->name, row->handler_name, xyi_hook_is_bound(hook) ? "" : "?");
}

static void
list_command(void *nothing, const struct xy_module *module, const struct xy_command_row *row)
{
    (void)nothing;
    snprintf(listed + strlen(listed), sizeof(listed) - strlen(listed), "%s:%s ", module->name,
             row->name);
}

TEST(hooks_and_commands_are_listed)
{
    begin();
    put("definer-1");
    put("listener-1");
    put("plain-1");
    hosts_wanted = "one.example two.example";
    CHECK(change("modules: { listener: on, definer: on }"));
    listed[0] = 0;
    xyi_bus_each_hook(host("one.example"), list_hook, NULL);
    CHECK(strcmp(listed, "definer_said:listener:hear probe_event:definer:pass_on? "
                         "probe_wait:definer:pass_on_later? ") == 0);
    CHECK(change("modules: { listener: on, plain: on }"));
    listed[0] = 0;
    xyi_bus_each_hook(host("one.example"), list_hook, NULL);
    CHECK(
        strcmp(
            listed,
            "definer_said:listener:hear? probe_event:plain:answer? probe_wait:plain:wait? ") ==
        0);
    CHECK(xyi_hook_is_bound("stanza_in") && !xyi_hook_is_bound("definer_said"));

    struct xy_instance *instance;
    const struct xy_command_row *row = xyi_bus_command(XY_STR("plain show"), &instance);
    CHECK(row && strcmp(row->name, "plain show") == 0 && instance->host == host("one.example"));
    row = xyi_bus_command_at(XY_STR("plain show all romeo@two.example"), host("two.example"),
                             &instance);
    CHECK(row && strcmp(row->name, "plain show all") == 0 &&
          instance->host == host("two.example"));
    CHECK(!xyi_bus_command(XY_STR("plain shows"), &instance) && !instance);
    CHECK(!xyi_bus_command(XY_STR("plain"), &instance));
    listed[0] = 0;
    xyi_bus_each_command(list_command, NULL);
    CHECK(strcmp(listed, "plain:plain show plain:plain show all ") == 0);
    finish();
}

/* ---- hooks of modules ------------------------------------------------------------------- */

TEST(a_module_fires_hooks_that_others_listen_to)
{
    begin();
    put("definer-1");
    put("listener-1");
    CHECK(change("modules: { listener: on, definer: on }"));
    CHECK(says("example.org", "definer1 heard1"));
    CHECK(change("modules: { listener: on }")); /* nobody fires it: no error */
    CHECK(says("example.org", ""));
    CHECK(change("modules: { definer: on }"));
    CHECK(says("example.org", "definer1"));
    finish();
}

TEST(signatures_of_definer_and_listener_must_agree)
{
    begin();
    put("definer-2");
    put("listener-1");
    CHECK(!change("modules: { listener: on, definer: on }"));
    CHECK(complained(
        "module listener: hear was built for another definer_said: wanted (of definer) "
        "`EVENT (struct probe *probe, bool loud, int64_t times)`, found "
        "`EVENT (struct probe *probe, bool loud)`"));
    put("listener-2");
    CHECK(change("modules: { listener: on, definer: on }"));
    CHECK(says("example.org", "definer2 heard2 heard2"));
    finish();
}

/* Old code on its way out fires its hook in the generation of now. */
TEST(old_code_reaches_listeners_of_its_own_signature_only)
{
    begin();
    put("definer-1");
    put("listener-1");
    CHECK(change("modules: { listener: on, definer: on }"));
    struct shot early = {.what = WAIT}, late = {.what = WAIT};
    launch(&early);
    launch(&late);
    CHECK(change("modules: { listener: on }"));
    go_on(&early);
    CHECK(early.done && strcmp(early.probe.text, "definer1 heard1") == 0);
    put("definer-2");
    put("listener-2");
    CHECK(change("modules: { listener: on, definer: on }"));
    go_on(&late);
    CHECK(late.done && strcmp(late.probe.text, "definer1") == 0);
    finish();
}

/* ---- speed ------------------------------------------------------------------------------ */

enum { BATCHES = 20, ROUNDS = 10000 };

/* The best batch: the machine has other things to do. In tenths of a nanosecond. */
static int64_t
measure(void (*run)(struct xy_host *at, struct xy_session *session))
{
    struct xy_host *at = host("example.org");
    int64_t best = INT64_MAX;
    for (int batch = 0; batch < BATCHES; batch++) {
        int64_t from = xyi_clock_real_us();
        for (int i = 0; i < ROUNDS; i++)
            run(at, NULL);
        int64_t took = (xyi_clock_real_us() - from) * 10000 / ROUNDS;
        best = took < best ? took : best;
    }
    return best;
}

/* Printed, never judged: run it in a release build. */
TEST(firing_costs_little)
{
    begin();
    put("load-1");
    CHECK(change("modules: { load: on }"));
    const struct xy_instance *instance = xyi_bus_live->wants.at[0].chosen;
    uint64_t before = instance->calls;
    double none = (double)measure(xy_run_session_available) / 10,
           ten = (double)measure(xy_run_session_closed) / 10,
           fifty = (double)measure(xy_run_session_opened) / 10;
    printf("# a firing with 0, 10, 50 empty handlers: %.1f, %.1f, %.1f ns\n", none, ten, fifty);
    CHECK_EQ(instance->calls - before, BATCHES * ROUNDS * (10 + 50));
    CHECK_EQ(instance->running, 0);
    finish();
}

END_TESTS
