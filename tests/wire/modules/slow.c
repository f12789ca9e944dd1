/* SPDX-License-Identifier: MIT */
/*
 * Makes hooks wait, for tests of what happens meanwhile: those of a presence that carries
 * <slow xmlns='urn:xylem:test:slow' ms='…'/> (at='outgoing': before it is looked at), and the
 * end of a session whose resource is "slow"; and the stop of a server where somebody's resource
 * is "dawdler".
 */
#define XY_STATE slow
#include <xylem/xylem.h>

#define NS_SLOW "urn:xylem:test:slow"

static void
linger(const struct xy_stanza *presence, bool outgoing)
{
    const struct xy_node *slow = xy_stanza_child(presence, XY_STR(NS_SLOW), XY_STR("slow"));
    int64_t ms;
    if (!slow || xy_str_is(xy_node_attr(slow, "at"), "outgoing") != outgoing)
        return;
    if (xy_str_to_int(xy_node_attr(slow, "ms"), 1, 10000, &ms) == XY_OK)
        (void)!xy_sleep(ms);
}

static void
before(XY_SELF, struct xy_session *session, struct xy_stanza *presence)
{
    (void)session;
    linger(presence, true);
}

static void
meanwhile(XY_SELF, struct xy_session *session, const struct xy_stanza *presence, bool first)
{
    (void)session, (void)first;
    linger(presence, false);
}

static void
at_the_end(XY_SELF, struct xy_session *session)
{
    if (xy_str_is(xy_jid_resource(xy_session_jid(session)), "slow"))
        (void)!xy_sleep(500);
}

static void
look_for_dawdler(void *found, struct xy_session *session)
{
    if (xy_str_is(xy_jid_resource(xy_session_jid(session)), "dawdler"))
        *(bool *)found = true;
}

static void
dawdle(XY_SELF, const char *reason)
{
    (void)reason;
    bool found = false;
    xy_sessions_each(xy_host_of(self), look_for_dawdler, &found);
    if (found)
        (void)!xy_sleep(INT64_C(3600) * 1000);
}

static const struct xy_hook hooks[] = {
    XY_ON(presence_outgoing, before),
    XY_ON(session_presence, meanwhile, .after = "presence"),
    XY_ON(session_closed, at_the_end),
    XY_ON(server_stopping, dawdle),
};

XY_MODULE(slow, .about = "Lets tests look at what happens during a wait.",
          XY_TABLE(hooks, hooks));
