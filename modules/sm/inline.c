/* SPDX-License-Identifier: MIT */
/* Stream management inside of SASL2 and Bind 2 (XEP-0198 section 9). */
#include "modules/sm/sm.h"

void
sm_offer_resumption(XY_SELF, struct xy_stream *stream, struct xy_node *authentication,
                    struct xy_node *in)
{
    (void)stream;
    (void)authentication;
    if (self->resume_for.ms != XY_NONE)
        xy_node_add(in, XY_STR(XY_NS_SM), XY_STR("sm"));
}

xy_verdict
sm_resume_inline(XY_SELF, struct xy_stream *stream, const struct xy_node *authenticate,
                 struct xy_node *success)
{
    const struct xy_node *element =
        xy_node_child(authenticate, XY_STR(XY_NS_SM), XY_STR("resume"));
    return element && sm_resume(self, stream, element, success) ? XY_DONE : XY_PASS;
}

void
sm_release_inline(XY_SELF, struct xy_stream *stream)
{
    sm_release(stream);
}

void
sm_offer_enabling(XY_SELF, struct xy_stream *stream, struct xy_node *in)
{
    (void)stream;
    xy_node_set(xy_node_add(in, XY_NO_STR, XY_STR("feature")), "var", XY_STR(XY_NS_SM));
}

void
sm_enable_inline(XY_SELF, struct xy_session *session, const struct xy_node *bind,
                 struct xy_node *bound)
{
    const struct xy_node *element = xy_node_child(bind, XY_STR(XY_NS_SM), XY_STR("enable"));
    if (element && !sm_enable(self, session, element, bound))
        sm_fill_failed(xy_node_add(bound, XY_STR(XY_NS_SM), XY_STR("failed")),
                       XY_INTERNAL_SERVER_ERROR, NULL);
}
