/* SPDX-License-Identifier: MIT */
/*
 * Acknowledgements (XEP-0198 section 4). Invariant: our h counts a stanza when everything it
 * caused is durable, never earlier; what the client acknowledges, it was sent.
 */
#include "modules/sm/sm.h"

void
sm_answer(struct xy_session *session)
{
    struct managed *note = managed(session);
    struct xy_stanza *answer = sm_element("a");
    sm_set_number(xy_stanza_top(answer), "h", xy_session_handled(session));
    note->asked = false;
    if (xy_session_is_connected(session))
        (void)xy_stream_send(xy_session_stream(session), answer);
}

/* The commits are slow: the client shall not take us for dead. */
static void
answer_late(void *instance, void *argument)
{
    struct xy_session *session = sm_later_session(instance, argument);
    struct managed *note = session ? managed(session) : NULL;
    if (note && note->asked && xy_monotonic_ms() - note->asked_ms >= PROMPTLY_MS)
        sm_answer(session);
}

void
sm_take_request(struct sm *self, struct xy_session *session)
{
    struct managed *note = managed(session);
    bool again = note->asked;
    note->asked = true;
    if (!again)
        note->asked_ms = xy_monotonic_ms();
    xy_session_when_handled(session); /* answers in session_handled, which may be now */
    if (note->asked && !again)
        sm_later(self, PROMPTLY_MS, answer_late, session);
}

/* The counters disagree: nothing can be repaired on this session. */
static void
refuse_count(struct xy_session *session, uint32_t h)
{
    uint32_t sent = xy_session_sent(session);
    struct xy_stanza *detail = sm_element("handled-count-too-high");
    sm_set_number(xy_stanza_top(detail), "h", h);
    sm_set_number(xy_stanza_top(detail), "send-count", sent);
    xy_stream_error_with(xy_session_stream(session), "undefined-condition",
                         xy_temp_printf("You acknowledged %u stanzas, but I only sent you %u "
                                        "so far",
                                        (unsigned)h, (unsigned)sent),
                         xy_stanza_root(detail));
    xy_session_close(session, NULL, XY_NO_STR);
}

void
sm_take_ack(struct sm *self, struct xy_session *session, const struct xy_node *ack)
{
    uint32_t h;
    if (sm_number(ack, "h", &h) != XY_OK) {
        xy_session_close(session, "bad-format", XY_STR("<a/> without a number of stanzas"));
    } else if (xy_session_acknowledge(session, h) != XY_OK) {
        refuse_count(session, h);
    } else {
        managed(session)->due = false;
        xy_count(&self->acks);
    }
}
