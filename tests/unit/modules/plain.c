/* SPDX-License-Identifier: MIT */
/*
 * What reloads are tried on. Variant 2 is newer code that adopts; variant 3 has another layout,
 * so it knows nothing of the records of the others.
 */
#define XY_STATE plain
#include <xylem/xylem.h>

#include "probe.h"

struct plain {
    const int64_t quota, depth;
    const struct xy_str place, motto;
    const xy_list words;
    const struct xy_jid *const boss;
    struct {
        const bool lit;
        const int64_t beds;
    } room;
    xy_counter heard;
    int64_t ticks, tasks, seen;
    struct xy_timer *timer;
    struct xy_strand *strand;
    struct xy_map *map;
};

static const struct xy_option options[] = {
    XY_OPTION(quota, .initial = "100", .max = 100000, .doc = "Live."),
    XY_OPTION(depth, .initial = "1", .effect = XY_REPLACE, .doc = "Replaces."),
    XY_OPTION(place, .initial = "here", .effect = XY_RESTART, .doc = "Takes a restart."),
    XY_OPTION(motto, .initial = "none", .doc = "A text."),
    XY_OPTION(words, .initial = "[a, b]", .effect = XY_RECONNECT, .doc = "A list."),
    XY_OPTION(boss, .initial = "", .doc = "A JID."),
    XY_OPTION_GROUP_ROW("room", "A group."),
    XY_OPTION(room.lit, .initial = "off", .doc = "Its first member."),
    XY_OPTION(room.beds, .initial = "1", .max = 9, .doc = "Its second."),
};

enum { FAILS = 13, SLEEPS = 14, FORBIDDEN = 666 };

static void
check(const struct plain *self, struct xy_diagnostics *to)
{
    if (self->quota == FORBIDDEN)
        xy_complain(to, "quota", "is forbidden");
}

static void
tick(void *self, void *argument)
{
    (void)argument;
    ((struct plain *)self)->ticks++;
}

static void
task(void *self, void *argument)
{
    struct probe *probe = argument;
    ((struct plain *)self)->tasks++;
    if (probe)
        (void)!probe->wait(probe);
    if (probe)
        probe_say(probe, xy_temp_printf("task%d", VARIANT));
}

static xy_status
start(XY_SELF)
{
    self->map = xy_map_new(self);
    (void)xy_map_put(self->map, XY_STR("key"), xy_keep_alloc(self, 10));
    self->timer = xy_every(self, 100, tick, NULL);
    (void)xy_after(self, 50, tick, NULL);
    self->strand = xy_strand_new(self);
    xy_strand_post(self->strand, task, NULL);
    if (self->quota == SLEEPS)
        return xy_sleep(3600000);
    return self->quota == FAILS ? XY_DENIED : XY_OK;
}

static void
stop(XY_SELF)
{
    xy_timer_stop(self->timer);
    xy_strand_post(self->strand, task, NULL); /* too late: dropped */
    xy_notice("plain.stopped", "stopped", XY_F_INT_AS("variant", VARIANT));
}

static void
hand_over(XY_SELF, struct xy_handover *to)
{
    xy_handover_put(to, "seen", VARIANT == 3 ? 2 : 1, XY_KEY(self->seen));
}

static void
adopt(XY_SELF, struct xy_handover *from)
{
    struct xy_str seen;
    if (xy_handover_get(from, "seen", VARIANT == 3 ? 2 : 1, &seen) == XY_OK)
        memcpy(&self->seen, seen.at, sizeof(self->seen));
}

static void
answer(XY_SELF, struct probe *probe)
{
    xy_count(&self->heard);
    self->seen++;
    probe_say(probe, xy_temp_printf("plain%d quota=%lld depth=%lld motto=" XY_FMT " words=%zu",
                                    VARIANT, (long long)self->quota, (long long)self->depth,
                                    XY_ARG(self->motto), self->words.count));
    probe_say(probe,
              xy_temp_printf("seen=%lld heard=%llu ticks=%lld tasks=%lld boss=" XY_FMT,
                             (long long)self->seen, (unsigned long long)self->heard.count,
                             (long long)self->ticks, (long long)self->tasks,
                             XY_ARG(self->boss ? xy_jid_text(self->boss) : XY_NO_STR)));
    probe_say(probe,
              xy_temp_printf("room=%d,%lld", self->room.lit, (long long)self->room.beds));
}

static void
wait(XY_SELF, struct probe *probe)
{
    struct xy_str motto = self->motto; /* still there after the wait */
    if (probe->number == 1) {
        xy_strand_post(self->strand, task, probe);
        return;
    }
    probe_say(probe, xy_temp_printf("in%d", VARIANT));
    xy_status status = probe->wait(probe);
    probe_say(probe, xy_temp_printf("out%d %s " XY_FMT, VARIANT, xy_status_name(status),
                                    XY_ARG(motto)));
}

static const struct xy_hook hooks[] = {
    XY_ON(probe_event, answer),
    XY_ON(probe_wait, wait),
};

static xy_status
command(XY_SELF, struct xy_command *command)
{
    (void)command;
    return XY_OK;
}
static const struct xy_command_row commands[] = {
    XY_COMMAND("plain show", command, .about = "Shows."),
    XY_COMMAND("plain show all", command, .about = "Shows all."),
};

static const struct xy_metric metrics[] = {XY_METRIC(heard, .doc = "Events heard.")};

XY_MODULE(plain, .about = "Tried in tests.", XY_STATE_SIZE, XY_START(start), XY_STOP(stop),
          XY_HAND_OVER(hand_over), XY_ADOPT(adopt), XY_CHECKER(check),
          XY_TABLE(options, options), XY_TABLE(hooks, hooks), XY_TABLE(commands, commands),
          XY_TABLE(metrics, metrics), );
