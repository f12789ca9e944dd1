/* SPDX-License-Identifier: MIT */
/* Changes of the module set under way: what is kept, changed, handed over, finished, given up.
 */
#include "tests/unit/bus.h"

/* ---- tools ------------------------------------------------------------------------------ */

static unsigned
mapped(const char *module)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512], found[8][256];
    unsigned count = 0;
    struct xy_str pattern = xy_temp_printf("/private/%s-", module);
    while (maps && fgets(line, sizeof(line), maps)) {
        const char *at = strstr(line, pattern.at);
        bool seen = !at;
        for (unsigned i = 0; i < count && !seen; i++)
            seen = strcmp(found[i], at) == 0;
        if (!seen && count < 8)
            snprintf(found[count++], sizeof(found[0]), "%s", at);
    }
    if (maps)
        fclose(maps);
    return count;
}

static struct xy_instance *
plain(void)
{
    for (size_t i = 0; xyi_bus_live && i < xyi_bus_live->wants.count; i++)
        if (strcmp(xyi_bus_live->wants.at[i].chosen->module->name, "plain") == 0)
            return xyi_bus_live->wants.at[i].chosen;
    return NULL;
}

static bool
says_of_plain(const char *text)
{
    const char *found = said("example.org");
    if (strstr(found, text))
        return true;
    fprintf(stderr, "no \"%s\" in \"%s\"\n", text, found);
    return false;
}

/* ---- code ------------------------------------------------------------------------------- */

TEST(handlers_that_wait_finish_in_the_old_code)
{
    begin();
    put("plain-1");
    CHECK(change("modules: { plain: on }"));
    struct shot one = {.what = WAIT}, two = {.what = WAIT}, three = {.what = WAIT};
    launch(&one);
    launch(&two);
    put("plain-2");
    CHECK(change("modules: { plain: on }"));
    CHECK(is_listed(report.replaced, "plain@example.org: its code changed\n"));
    launch(&three);
    CHECK_EQ(mapped("plain"), 2);
    CHECK(says_of_plain("plain2 "));
    go_on(&three);
    CHECK(strcmp(three.probe.text, "in2 out2 ok none") == 0);
    go_on(&two);
    CHECK(strcmp(two.probe.text, "in1 out1 ok none") == 0);
    CHECK_EQ(xyi_bus_draining(), 1);
    CHECK_EQ(mapped("plain"), 2);
    go_on(&one);
    CHECK(strcmp(one.probe.text, "in1 out1 ok none") == 0);
    CHECK_EQ(xyi_bus_draining(), 0);
    if (unmaps()) {
        CHECK_EQ(mapped("plain"), 1);
        CHECK_EQ(copies(), 1);
    }
    xyi_run_on_fiber(end_bus, NULL, NULL);
    CHECK(!unmaps() || (mapped("plain") == 0 && copies() == 0));
    finish();
}

/* A handler not yet called in a firing that began before still is called, in the old code. */
TEST(a_firing_keeps_the_handlers_it_began_with)
{
    begin();
    put("plain-1");
    put("definer-1");
    CHECK(change("modules: { definer: on, plain: on }"));
    struct shot shot = {.what = WAIT};
    launch(&shot); /* waits in definer; plain is next */
    put("plain-2");
    put("definer-2");
    CHECK(change("modules: { plain: on, definer: on }"));
    CHECK_EQ(xyi_bus_draining(), 2);
    go_on(&shot);
    CHECK(!shot.done && xyi_bus_draining() == 2);
    go_on(&shot);
    CHECK(strcmp(shot.probe.text, "definer1 in1 out1 ok none") == 0);
    CHECK_EQ(xyi_bus_draining(), 0);
    finish();
}

TEST(the_same_path_may_be_overwritten_in_place)
{
    begin();
    put("plain-1");
    CHECK(change("modules: { plain: on }"));
    shell(xy_temp_cstr(
        xy_temp_printf("cat '%s/plain-2.so' > '%s/modules/plain.so'", built, place)));
    CHECK(says_of_plain("plain1 "));
    CHECK(change("modules: { plain: on }"));
    CHECK(says_of_plain("plain2 "));
    put("plain-1"); /* back to what was there before */
    CHECK(change("modules: { plain: on }"));
    CHECK(says_of_plain("plain1 "));
    finish();
}

TEST(what_is_queued_finishes_in_the_old_code)
{
    begin();
    put("plain-1");
    CHECK(change("modules: { plain: on }"));
    struct shot first = {.what = WAIT, .probe.number = 1}, second = first;
    launch(&first); /* posts to a strand; the task waits */
    launch(&second);
    CHECK(first.done && second.done);
    put("plain-2");
    CHECK(change("modules: { plain: on }"));
    CHECK_EQ(xyi_bus_draining(), 1);
    go_on(&first);
    CHECK(strcmp(first.probe.text, "task1") == 0 && second.probe.len == 0);
    CHECK_EQ(xyi_bus_draining(), 1);
    go_on(&second);
    CHECK(strcmp(second.probe.text, "task1") == 0);
    CHECK_EQ(xyi_bus_draining(), 0);
    finish();
}

/* ---- state ------------------------------------------------------------------------------ */

TEST(state_is_adopted_by_name_and_version)
{
    begin();
    put("plain-1");
    CHECK(change("modules: { plain: on }"));
    CHECK(says_of_plain("seen=1 heard=1 "));
    put("plain-2");
    CHECK(change("modules: { plain: on }"));
    CHECK(says_of_plain("plain2 ") && says_of_plain("seen=3 heard=3 "));
    put("plain-3"); /* knows no version 1; the counter goes on all the same */
    CHECK(change("modules: { plain: on }"));
    CHECK(says_of_plain("seen=1 heard=4 "));
    finish();
}

TEST(what_changes_between_the_phases_is_adopted_too)
{
    begin();
    put("plain-1");
    CHECK(change("modules: { plain: on }"));
    put("plain-2");
    struct change held = {.yaml = "modules: { plain: on }", .hold = true};
    xyi_run_on_fiber(make_change, &held, NULL);
    CHECK(held.bus);
    CHECK(says_of_plain("plain1 ") && says_of_plain("seen=2 "));
    xyi_bus_commit(held.bus, GRACE_MS);
    CHECK(says_of_plain("seen=3 heard=3 ") && says_of_plain("plain2 "));
    finish();
}

/* ---- options ---------------------------------------------------------------------------- */

TEST(nothing_changed_is_kept)
{
    begin();
    put("plain-1");
    CHECK(change("modules: { plain: { quota: 7 } }"));
    struct xy_instance *before = plain();
    put("plain-1"); /* another file of the same content */
    CHECK(change("modules: { plain: { quota: 7, depth: 1 } }"));
    CHECK(plain() == before && is_listed(report.kept, "plain@example.org\n"));
    CHECK(report.replaced.len == 0 && report.retuned.len == 0 && report.added.len == 0);
    CHECK_EQ(xyi_bus_draining(), 0);
    CHECK_EQ(mapped("plain"), 1);
    finish();
}

TEST(live_options_are_retuned_in_place)
{
    begin();
    put("plain-1");
    CHECK(change("modules: { plain: { motto: before, boss: anna@example.org } }"));
    struct xy_instance *before = plain();
    CHECK(says_of_plain("quota=100 depth=1 motto=before words=2 seen=1 ") &&
          says_of_plain("boss=anna@example.org"));
    struct shot shot = {.what = WAIT}, again = shot;
    launch(&shot);
    CHECK(change("modules: { plain: { motto: after, words: [x, y, z], quota: 9, boss: "
                 "bob@example.org } }"));
    CHECK(plain() == before);
    CHECK(is_listed(report.retuned, "plain@example.org: quota, motto, words, boss\n"));
    CHECK(says_of_plain("quota=9 depth=1 motto=after words=3 ") && says_of_plain("seen=4 ") &&
          says_of_plain("boss=bob@example.org"));
    go_on(&shot); /* holds a text of before */
    CHECK(strcmp(shot.probe.text, "in1 out1 ok before") == 0);
    launch(&again);
    go_on(&again);
    CHECK(strcmp(again.probe.text, "in1 out1 ok after") == 0);
    CHECK(change("modules: { plain: on }"));
    CHECK(says_of_plain("quota=100 depth=1 motto=none words=2 ") && says_of_plain(" boss="));
    finish();
}

TEST(options_of_class_replace_replace)
{
    begin();
    put("plain-1");
    CHECK(change("modules: { plain: on }"));
    struct xy_instance *before = plain();
    CHECK(says_of_plain("seen=1"));
    CHECK(change("modules: { plain: { depth: 2, quota: 8 } }"));
    CHECK(plain() != before && plain()->library == before->library);
    CHECK(is_listed(report.replaced, "plain@example.org: quota, depth\n"));
    CHECK(says_of_plain("quota=8 depth=2 ") && says_of_plain("seen=3"));
    turns(3);
    CHECK_EQ(mapped("plain"), 1);
    finish();
}

TEST(options_of_class_restart_refuse_the_change)
{
    begin();
    put("plain-1");
    CHECK(change("modules: { plain: { place: here } }"));
    struct xy_instance *before = plain();
    CHECK(!change("modules: { plain: { quota: 5, place: there } }"));
    CHECK(complained("test.yaml:1:38: module plain: a change of place takes a restart"));
    CHECK(is_listed(report.refused, "plain@example.org: place takes a restart\n"));
    put("plain-3"); /* also when the code changes with it */
    CHECK(!change("modules: { plain: { place: there } }"));
    CHECK(plain() == before && says_of_plain("plain1 quota=100 "));
    finish();
}

/* ---- failures --------------------------------------------------------------------------- */

TEST(a_start_that_fails_changes_nothing)
{
    begin();
    put("plain-1");
    put("first-1");
    CHECK(change("modules: { plain: on }"));
    struct xyi_bus *before = xyi_bus_live;
    struct xy_instance *instance = plain();
    put("plain-2");
    CHECK(!change("modules: { first: on, plain: { quota: 13 } }"));
    CHECK(complained("test.yaml:1:30: module plain@example.org does not start: denied"));
    CHECK(xyi_bus_live == before && plain() == instance && instance->snapshots == 1);
    CHECK(says_of_plain("plain1 quota=100 "));
    pass_time(200);
    CHECK(says_of_plain("ticks=3 "));
    CHECK_EQ(xyi_bus_draining(), 0);
    if (unmaps()) {
        CHECK(mapped("plain") == 1 && mapped("first") == 0);
        CHECK_EQ(copies(), 1);
    }
    CHECK(change("modules: { first: on, plain: on }"));
    CHECK(says_of_plain("plain2 "));
    finish();
}

static void start_change(struct xyi_job *job);
struct background {
    struct change change;
    struct xyi_job job;
};
static void
start_change(struct xyi_job *job)
{
    make_change(&XYI_LIST_OF(job, struct background, job)->change);
}

TEST(others_go_on_while_a_change_is_prepared)
{
    begin();
    put("plain-1");
    CHECK(change("modules: { plain: on }"));
    put("plain-2");
    struct background slow = {.change.yaml = "modules: { plain: { quota: 14 } }",
                              .job.run = start_change};
    xyi_spawn(&slow.job);
    turns(2);
    CHECK(!slow.change.done && says_of_plain("plain1 "));
    CHECK(!change("modules: {}") &&
          complained("another change of the module set is under way"));
    pass_time(29000);
    CHECK(!slow.change.done && says_of_plain("ticks=291 ")); /* the deadline is its own */
    pass_time(1010);
    CHECK(slow.change.done && !slow.change.bus);
    CHECK(complained("module plain@example.org does not start: cancelled"));
    CHECK(says_of_plain("plain1 "));
    CHECK(change("modules: { plain: on }"));
    finish();
}

TEST(a_dry_run_leaves_no_trace)
{
    begin();
    put("plain-1");
    CHECK(change("modules: { plain: on }"));
    put("plain-2");
    put("first-1");
    struct change held = {.yaml = "modules: { plain: on, first: on }", .hold = true};
    xyi_run_on_fiber(make_change, &held, NULL);
    CHECK(held.bus && is_listed(report.added, "first@example.org\n"));
    CHECK(!change("modules: {}") && complained("another change"));
    pass_time(500);
    CHECK(says_of_plain("plain1 ") && says_of_plain("ticks=6 tasks=1 "));
    xyi_bus_discard(held.bus);
    turns(3);
    CHECK_EQ(xyi_bus_draining(), 0);
    CHECK(says_of_plain("plain1 "));
    if (unmaps())
        CHECK(mapped("plain") == 1 && mapped("first") == 0 && copies() == 1);
    finish();
}

/* ---- timers ----------------------------------------------------------------------------- */

TEST(timers_and_tasks_begin_with_the_commit)
{
    begin();
    put("plain-1");
    struct change held = {.yaml = "modules: { plain: on }", .hold = true};
    xyi_run_on_fiber(make_change, &held, NULL);
    pass_time(1000);
    xyi_bus_commit(held.bus, GRACE_MS);
    turns(2);
    CHECK(says_of_plain("ticks=0 tasks=1 "));
    pass_time(40);
    CHECK(says_of_plain("ticks=0 "));
    pass_time(20);
    CHECK(says_of_plain("ticks=1 ")); /* the one-shot */
    pass_time(40);
    CHECK(says_of_plain("ticks=2 "));
    pass_time(1000);
    CHECK(says_of_plain("ticks=12 "));
    xyi_clock_advance(1050); /* beats missed are left out, the rhythm stays */
    turns(3);
    CHECK(says_of_plain("ticks=13 "));
    pass_time(50);
    CHECK(says_of_plain("ticks=14 "));
    finish();
}

TEST(timers_of_what_leaves_fire_no_more)
{
    begin();
    put("plain-1");
    CHECK(change("modules: { plain: on }"));
    struct shot shot = {.what = WAIT};
    launch(&shot);
    struct xy_instance *old = plain();
    CHECK(change("modules: { plain: { depth: 2 } }"));
    uint64_t calls = old->calls;
    pass_time(500);
    CHECK(old->calls == calls && old->running == 1);
    CHECK(says_of_plain("ticks=6 "));
    go_on(&shot);
    CHECK_EQ(xyi_bus_draining(), 0);
    finish();
}

/* ---- leaving ---------------------------------------------------------------------------- */

TEST(a_removed_module_goes)
{
    begin();
    put("plain-1");
    CHECK(change("modules: { plain: on }"));
    struct shot shot = {.what = WAIT};
    launch(&shot);
    CHECK(change("modules: { plain: off }"));
    CHECK(is_listed(report.removed, "plain@example.org\n"));
    CHECK(says("example.org", ""));
    CHECK_EQ(xyi_bus_draining(), 1);
    go_on(&shot);
    CHECK(strcmp(shot.probe.text, "in1 out1 ok none") == 0);
    CHECK(xyi_bus_draining() == 0 && (!unmaps() || mapped("plain") == 0));
    finish();
}

TEST(after_the_grace_time_waits_are_cancelled)
{
    begin();
    put("plain-1");
    CHECK(change("modules: { plain: on }"));
    struct shot shot = {.what = WAIT};
    launch(&shot);
    CHECK(change("modules: {}"));
    pass_time(GRACE_MS - 10);
    CHECK(!shot.done);
    pass_time(20);
    CHECK(shot.done && strcmp(shot.probe.text, "in1 out1 cancelled none") == 0);
    CHECK(xyi_bus_draining() == 0 && xyi_bus_abandoned() == 0);
    finish();
}

/* The fiber is in another module, called from the one that leaves, when cancelling begins. */
TEST(who_comes_back_later_is_cancelled_later)
{
    begin();
    put("definer-1");
    put("plain-1");
    CHECK(change("modules: { definer: on, plain: on }"));
    struct shot shot = {.what = WAIT, .flags = XYI_UNCANCELLABLE};
    launch(&shot);
    CHECK(change("modules: {}"));
    pass_time(GRACE_MS + 10);
    CHECK(!shot.done && xyi_bus_draining() == 2);
    shot.flags = 0;
    go_on(&shot); /* definer goes on, plain is called and waits */
    CHECK(!shot.done && shot.waits == 2);
    pass_time(GRACE_MS / 5);
    CHECK(shot.done && strcmp(shot.probe.text, "definer1 in1 out1 cancelled none") == 0);
    turns(3);
    CHECK_EQ(xyi_bus_draining(), 0);
    finish();
}

/* It does nothing wrong: a firing of a module that stays may still come to it. */
TEST(who_is_only_waited_for_is_not_abandoned)
{
    begin();
    put("definer-1");
    put("plain-1");
    CHECK(change("modules: { definer: on, plain: on }"));
    struct shot shot = {.what = WAIT};
    launch(&shot);
    put("plain-2");
    CHECK(change("modules: { definer: on, plain: on }"));
    pass_time(5 * GRACE_MS);
    CHECK(!shot.done && xyi_bus_draining() == 1 && xyi_bus_abandoned() == 0);
    go_on(&shot);
    go_on(&shot);
    CHECK(strcmp(shot.probe.text, "definer1 in1 out1 ok none") == 0);
    CHECK_EQ(xyi_bus_draining(), 0);
    finish();
}

TEST(what_does_not_come_to_its_end_is_abandoned_and_stays_mapped)
{
    begin();
    put("plain-1");
    CHECK(change("modules: { plain: on }"));
    struct shot shot = {.what = WAIT, .flags = XYI_UNCANCELLABLE};
    launch(&shot);
    put("plain-2");
    CHECK(change("modules: { plain: on }"));
    pass_time(2 * GRACE_MS - 20);
    CHECK(xyi_bus_draining() == 1 && xyi_bus_abandoned() == 0);
    pass_time(40);
    CHECK(xyi_bus_draining() == 0 && xyi_bus_abandoned() == 1);
    CHECK_EQ(mapped("plain"), 2);
    CHECK(says_of_plain("plain2 "));
    go_on(&shot); /* it did come, and found its code */
    CHECK(strcmp(shot.probe.text, "in1 out1 ok none") == 0);
    CHECK(xyi_bus_abandoned() == 0 && (!unmaps() || mapped("plain") == 1));
    finish();
}

/* ---- the end ---------------------------------------------------------------------------- */

struct ender {
    struct xyi_job job;
    bool done;
};

static void
run_end(struct xyi_job *job)
{
    xyi_bus_end(GRACE_MS);
    XYI_LIST_OF(job, struct ender, job)->done = true;
}

TEST(the_end_waits_for_handlers_then_cancels_them)
{
    begin();
    put("plain-1");
    put("first-1");
    CHECK(change("modules: { plain: on, first: on }"));
    struct shot quick = {.what = WAIT}, slow = quick;
    launch(&quick);
    launch(&slow);
    struct ender ender = {.job.run = run_end};
    xyi_spawn(&ender.job);
    turns(3);
    CHECK(!ender.done && !xy_host_first() &&
          xyi_bus_draining() == 2); /* both: firings hold them */
    CHECK(!change("modules: {}") && complained("the server is stopping"));
    go_on(&quick);
    CHECK(strcmp(quick.probe.text, "in1 out1 ok none") == 0);
    pass_time(GRACE_MS + 10);
    CHECK(strcmp(slow.probe.text, "in1 out1 cancelled none") == 0);
    CHECK(ender.done && xyi_bus_abandoned() == 0);
    CHECK(change("modules: { first: on }")); /* another life, as in tests */
    finish();
}

TEST(the_end_abandons_what_cannot_be_cancelled)
{
    begin();
    put("plain-1");
    CHECK(change("modules: { plain: on }"));
    struct shot shot = {.what = WAIT, .flags = XYI_UNCANCELLABLE};
    launch(&shot);
    struct ender ender = {.job.run = run_end};
    xyi_spawn(&ender.job);
    pass_time(2 * GRACE_MS - 50);
    CHECK(!ender.done);
    pass_time(100);
    CHECK(ender.done && xyi_bus_abandoned() == 1);
    go_on(&shot);
    CHECK(shot.done && xyi_bus_abandoned() == 0);
    finish();
}

/* What drained just before waits for every fiber to end; the end does not wait for that. */
TEST(the_end_takes_what_has_drained_already)
{
    begin();
    put("plain-1");
    put("definer-1");
    CHECK(change("modules: { definer: on, plain: on }"));
    struct shot other = {.what = WAIT};
    launch(&other); /* a fiber of another module */
    CHECK(change("modules: { definer: on }"));
    CHECK_EQ(xyi_bus_draining(), 1);
    struct ender ender = {.job.run = run_end};
    xyi_spawn(&ender.job);
    turns(3);
    go_on(&other);
    go_on(&other);
    CHECK(ender.done && xyi_bus_draining() == 0);
    finish();
}

END_TESTS
