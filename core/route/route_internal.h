/* SPDX-License-Identifier: MIT */
/*
 * Streams, sessions, users and the router inside the core.
 */
#ifndef XYI_ROUTE_H
#define XYI_ROUTE_H

#include <xylem/xylem.h>
#include "core/bus/bus.h"
#include "core/net/net.h"
#include "core/store/store.h"

struct xyi_c2s_limits {
    int64_t auth_timeout_ms; /* from accept to bind */
    int64_t sessions;        /* per account */
    int64_t auth_failures;   /* xy_login_failures_allowed(); 0 counts as XY_NONE */
    int64_t grace_ms;        /* see outbox_marks.c */
    bool plain_needs_tls;    /* STARTTLS listeners: nothing but starttls before TLS */
};
/* Once, before listeners open. Registers the link events. */
void xyi_route_start(unsigned io_threads);
/* Behind the modules' start, before listeners open: tells modules of accounts whose deletion a crash
 * interrupted. */
XY_SUSPENDS XY_CHECK xy_status xyi_departures_finish(void);
void xyi_governance_set(enum xy_message_class class, enum xy_governance governance);
void xyi_route_configure(const struct xyi_c2s_limits *limits);
/* Ends every stream with <condition/> ("system-shutdown") and waits until they are gone. */
XY_SUSPENDS void xyi_route_stop(const char *condition);

/* As xy_account_create(), of keys instead of a password. */
XY_SUSPENDS XY_CHECK xy_status xyi_account_create_with(const struct xy_jid *bare,
                                                       const struct xyi_key_set *sets,
                                                       size_t count);

struct xyi_route_counts {
    uint64_t streams, sessions, users, messages, presences, iqs, delivered, bounced, stored;
    uint64_t logins, auth_failures;
};
void xyi_route_counts(struct xyi_route_counts *counts);
/* For `session list`; must not suspend. */
void xyi_sessions_each(void (*each)(void *argument, struct xy_session *session),
                       void *argument);
/* The server stops: what clients that count (XEP-0198) send from now on is neither handled nor
 * counted, so that they send it again to the next one. */
void xyi_route_go_deaf(void);
/* Hosts removed by a reload: their streams end with host-gone. */
void xyi_route_hosts_changed(void);

#endif
