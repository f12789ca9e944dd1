/* SPDX-License-Identifier: MIT */
/*
 * The subscription state tables (RFC 6121 appendix A), as rules that yield every cell: four
 * bits and pre-approval. tests/wire/test_roster_states.py compares all cells with the tables.
 */
#include "roster.h"

struct transition
roster_outbound(unsigned state, enum xy_subscription_kind kind)
{
    struct transition t = {.state = state, .forward = true};
    switch (kind) {
    case XY_SUBSCRIBE:
        if (!(state & (TO | OUT)))
            t.state |= OUT;
        break;
    case XY_UNSUBSCRIBE:
        t.state &= ~(unsigned)(TO | OUT);
        break;
    case XY_SUBSCRIBED:
        t.forward = state & IN;
        if (state & IN)
            t.state = (state & ~(unsigned)(IN | APPROVED)) | FROM;
        else if (!(state & FROM))
            t.state |= APPROVED; /* 3.4: never routed */
        break;
    case XY_UNSUBSCRIBED:
        t.forward = state & (IN | FROM);
        t.state &= ~(unsigned)(IN | FROM | APPROVED);
        break;
    }
    return t;
}

struct transition
roster_inbound(unsigned state, enum xy_subscription_kind kind)
{
    struct transition t = {.state = state};
    switch (kind) {
    case XY_SUBSCRIBE:
        t.auto_reply = state & (FROM | APPROVED);
        if (state & APPROVED)
            t.state = (state & ~(unsigned)APPROVED) | FROM;
        else if (!(state & FROM))
            t.state |= IN;
        t.forward = !t.auto_reply && !(state & IN);
        break;
    case XY_SUBSCRIBED:
        t.forward = state & OUT;
        if (state & OUT)
            t.state = (state & ~(unsigned)OUT) | TO;
        break;
    case XY_UNSUBSCRIBE:
        t.forward = state & (IN | FROM);
        t.state &= ~(unsigned)(IN | FROM);
        break;
    case XY_UNSUBSCRIBED:
        t.forward = state & (OUT | TO);
        t.state &= ~(unsigned)(OUT | TO);
        break;
    }
    return t;
}

bool
roster_state_is_legal(unsigned state)
{
    bool asks_what_it_has = (state & TO) && (state & OUT);
    bool asked_what_it_gave = (state & FROM) && (state & (IN | APPROVED));
    return !asks_what_it_has && !asked_what_it_gave && !((state & IN) && (state & APPROVED));
}

const char *
roster_subscription_name(unsigned state)
{
    static const char *const names[] = {"none", "to", "from", "both"};
    return names[state & (TO | FROM)];
}
