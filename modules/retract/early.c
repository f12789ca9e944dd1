/* SPDX-License-Identifier: MIT */
/*
 * A retraction that comes before the message it means (requirement S1-12): two clients of one
 * person can overtake each other. It waits, unanswered, for as long as it could be in time;
 * when the message is stored it is judged again, else it is answered like any that means
 * nothing.
 */
#include "modules/retract/retract.h"

enum { MOST = 1024, MOST_EACH = 8, WAIT_MS = 10 * 1000 };

struct early {
    struct early *next;
    const struct xy_stanza *stanza;
    const struct xy_jid *author, *addressee; /* bare; of the stanza */
    struct xy_str id;
    int64_t until_ms; /* monotonic */
    bool come;        /* the message is here */
};

static void look(void *instance, void *argument); /* a task */

static unsigned
count_of(const struct retract *self, const struct xy_jid *from)
{
    unsigned count = 0;
    for (const struct early *at = self->early; at; at = at->next)
        count += at->author == xy_jid_bare(from);
    return count;
}

bool
retract_wait_for(struct retract *self, struct judgement *j)
{
    if (self->early_count >= MOST || count_of(self, xy_stanza_from(j->message)) >= MOST_EACH)
        return false;
    struct early *early = xy_keep_alloc(self, sizeof(*early));
    early->stanza = xy_stanza_keep(j->message);
    early->author = xy_jid_bare(xy_stanza_from(early->stanza));
    early->addressee = xy_jid_bare(xy_stanza_to(early->stanza));
    early->id = j->id;
    early->until_ms = xy_monotonic_ms() + WAIT_MS;
    early->next = self->early;
    self->early = early;
    self->early_count++;
    (void)xy_after(self, WAIT_MS, look, NULL);
    return true;
}

void
retract_look_whether_awaited(struct retract *self, const struct xy_stanza *message)
{
    bool any = false;
    for (struct early *at = self->early; at; at = at->next) {
        if (at->author != xy_jid_bare(xy_stanza_from(message)) ||
            at->addressee != xy_jid_bare(xy_stanza_to(message)) ||
            !xy_str_equal(at->id, xy_stanza_id(message)))
            continue;
        at->come = any = true;
    }
    if (any)
        (void)xy_after(self, 0, look, NULL);
}

static struct early *
take_due(struct retract *self)
{
    for (struct early **at = &self->early; *at; at = &(*at)->next) {
        struct early *early = *at;
        if (!early->come && xy_monotonic_ms() < early->until_ms)
            continue;
        *at = early->next;
        self->early_count--;
        return early;
    }
    return NULL;
}

void
retract_forget_early(struct retract *self)
{
    struct early *early;
    while ((early = self->early)) {
        self->early = early->next;
        xy_stanza_drop(early->stanza);
        xy_keep_free(self, early);
    }
}

/* Judged as if it came now; its session may have gone, then nobody asks any more. */
static void
judge_again(struct retract *self, const struct xy_stanza *stanza)
{
    struct judgement j = {.message = stanza,
                          .session = xy_session_find(xy_stanza_from(stanza))};
    if (!j.session)
        return;
    retract_judge(self, &j);
    if (!j.verdict.why)
        retract_approve(self, &j);
    if (j.verdict.why)
        retract_refuse(self, &j);
    else
        xy_route((struct xy_stanza *)(uintptr_t)stanza);
}

static void
look(void *instance, void *argument)
{
    (void)argument;
    struct retract *self = instance;
    struct early *early;
    while ((early = take_due(self))) {
        judge_again(self, early->stanza);
        xy_stanza_drop(early->stanza);
        xy_keep_free(self, early);
    }
}
