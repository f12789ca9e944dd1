/* SPDX-License-Identifier: MIT */
/*
 * What joins in at a SASL2 login (XEP-0388) and at a Bind 2 (XEP-0386). sasl2 fires the first group,
 * bind2 the second. Order of a login, all on one fiber: sasl2_begin until the proof is right and the
 * tasks are done; sasl2_resume; sasl2_success (bind2 binds there); <success/> is sent; features,
 * unless it was resumed; sasl2_finished (what was bound or resumed is released: XEP-0388 wants the
 * features right behind <success/>).
 */
#ifndef XYLEM_SASL2_H
#define XYLEM_SASL2_H

#include <xylem/sasl.h>

/* ---- fired by sasl2 -------------------------------------------------------------------------- */
/* Add what may stand in <authenticate/> to `in`, the <inline/> of <authentication/>; mechanisms and
 * what stands beside them go to `authentication`. */
XY_EVENT(sasl2_offer, (struct xy_stream *stream, struct xy_node *authentication, struct xy_node *in),
         (stream, authentication, in))
/* The client begins: XY_DONE: the mechanism is mine, `outcome` is filled (never a challenge).
 * XY_PASS: it is sasl's. The stream's device is known: sasl2_user_agent. */
XY_FILTER(sasl2_begin, (struct xy_stream *stream, const struct xy_node *authenticate, struct xy_str mechanism,
                        struct xy_str message, struct xy_sasl_outcome *outcome),
          (stream, authenticate, mechanism, message, outcome))
/* Logged in (xy_stream_account() is set). The client asks to resume? XY_DONE: done, `success` has the
 * answer, nothing is bound. XY_PASS: it did not ask, or could not, which `success` then says. */
XY_FILTER(sasl2_resume, (struct xy_stream *stream, const struct xy_node *authenticate, struct xy_node *success),
          (stream, authenticate, success))
/* Logged in: add results of inline features to `success`. `resumed`: sasl2_resume was done. */
XY_EVENT(sasl2_success, (struct xy_stream *stream, const struct xy_node *authenticate, struct xy_node *success,
                         bool resumed),
         (stream, authenticate, success, resumed))
/* <success/> has been sent, and features if they are due. */
XY_EVENT(sasl2_finished, (struct xy_stream *stream), (stream))

/* Who the client is: <user-agent/> of the <authenticate/> this stream logged in with. Absent strings
 * if it did not say. Known from sasl2_begin on. The fiber's memory. */
struct xy_user_agent {
    struct xy_str id, software, device;
};
XY_SERVICE(sasl2_user_agent, (struct xy_stream *stream, struct xy_user_agent *agent), (stream, agent))

/* ---- fired by bind2 -------------------------------------------------------------------------- */
/* Add a <feature var=…/> to `in`, the <inline/> of <bind/>. */
XY_EVENT(bind2_offer, (struct xy_stream *stream, struct xy_node *in), (stream, in))
/* The session is bound and holds its output back (xy_session_release() comes with <success/>). `bind`
 * is what the client asked; add results to `bound`. Nothing that was accepted after the session
 * was bound is in the archive below xy_session_since(). */
XY_EVENT(bind2_bound, (struct xy_session *session, const struct xy_node *bind, struct xy_node *bound),
         (session, bind, bound))

#endif
