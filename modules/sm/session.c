/* SPDX-License-Identifier: MIT */
/*
 * What becomes of a session: its row follows it. It knows how many stanzas are handled as soon
 * as the messages among them are durable, and all the rest while there is no connection.
 */
#include "modules/sm/sm.h"

xy_verdict
sm_keep_lost(XY_SELF, struct xy_session *session)
{
    struct managed *note = managed(session);
    if (!note || !note->id)
        return XY_PASS;
    note->detached = true;
    note->asked = note->due = false;
    note->lost_ms = xy_monotonic_ms();
    return XY_DONE;
}

void
sm_save_detached(XY_SELF, struct xy_session *session)
{
    xy_session_settle(session);
    struct managed *note = managed(session);
    if (note && note->detached && xy_session_is_open(session))
        sm_row_detach(session);
}

void
sm_save_resumed(XY_SELF, struct xy_session *session)
{
    if (managed(session))
        sm_row_attach(session);
}

static void
save_again(void *instance, void *argument)
{
    struct xy_session *session = sm_later_session(instance, argument);
    struct managed *note = session ? managed(session) : NULL;
    if (note && note->detached && note->stale)
        sm_row_detach(session);
}

/* Stored messages wait in the store as well; a row that is no good stays so. */
void
sm_note_queued(XY_SELF, struct xy_session *session, const struct xy_stanza *stanza,
               xy_message_id message)
{
    struct managed *note = managed(session);
    bool lost = note && note->detached && !message && !sm_only_counts(stanza);
    if (!lost || note->broken || note->stale)
        return;
    note->stale = true;
    sm_later(self, 0, save_again, session);
}

void
sm_answer_handled(XY_SELF, struct xy_session *session)
{
    struct managed *note = managed(session);
    if (note && note->asked)
        sm_answer(session);
}

void
sm_save_handled(XY_SELF, struct xy_session *from, uint32_t handled, struct xy_txn *txn)
{
    struct managed *note = managed(from);
    if (note && note->id)
        sm_row_handled(txn, note->id, handled);
}

void
sm_save_end(XY_SELF, struct xy_session *session)
{
    struct managed *note = managed(session);
    if (note && note->id)
        sm_row_end(note->id, xy_session_handled(session));
}

void
sm_forget_account(XY_SELF, const struct xy_jid *bare, xy_owner owner)
{
    (void)bare;
    if (sm_rows_drop(owner) != XY_OK)
        xy_warn("sm.not_dropped", "rows of a deleted account stay", XY_F_INT(owner));
}
