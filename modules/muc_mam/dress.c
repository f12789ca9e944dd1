/* SPDX-License-Identifier: MIT */
/*
 * An archived message as its reader may see it. Invariant: what speaks for the room in it
 * (<x/> of muc#user) is the room's, written now; whatever lay there was its author's (XEP-0313
 * 10.4), and real addresses go to those alone who may see them at the time of reading.
 */
#include "modules/muc_mam/muc_mam.h"

static void
strip(struct xy_stanza *message)
{
    const struct xy_str ns = XY_STR(NS_MUC_USER);
    const struct xy_node *forged;
    while ((forged = xy_stanza_child(message, ns, XY_STR("x"))))
        xy_node_remove(xy_stanza_top(message), forged);
}

void
muc_mam_dress(struct xy_stanza *message, const struct xy_jid *real)
{
    strip(message);
    xy_stanza_set_to(message, NULL);
    if (!real)
        return;
    struct xy_node *x = xy_node_add(xy_stanza_top(message), XY_STR(NS_MUC_USER), XY_STR("x"));
    xy_node_set(xy_node_add(x, XY_NO_STR, XY_STR("item")), "jid", xy_jid_text(real));
}
