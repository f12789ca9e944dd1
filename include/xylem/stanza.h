/* SPDX-License-Identifier: MIT */
/*
 * Stanzas are trees in an arena. While you build one it is yours and mutable; once routed or sent
 * it is frozen: immutable, reference-counted, possibly in ten queues and on another thread. To
 * change a frozen one take xy_stanza_edit(). Stanzas handed to a handler are borrowed for the
 * call. Stanzas you make (new, edit, reply, error, parse) hold one reference that belongs to the
 * running fiber and is dropped by itself when the handler's job ends; whatever sends, routes or
 * stores one takes a reference of its own. xy_stanza_keep() holds one longer.
 */
#ifndef XYLEM_STANZA_H
#define XYLEM_STANZA_H

#include <xylem/jid.h>
#include <xylem/str.h>

struct xy_stanza;
struct xy_node; /* an element; lives in its stanza */

enum xy_kind { XY_MESSAGE, XY_PRESENCE, XY_IQ, XY_NONZA }; /* nonza: any other top-level element */

/* ---- reading: absent answers are absent strings and NULL nodes, and can be passed on -------- */
XY_API enum xy_kind xy_stanza_kind(const struct xy_stanza *stanza);
XY_API const struct xy_node *xy_stanza_root(const struct xy_stanza *stanza);
XY_API struct xy_str xy_stanza_id(const struct xy_stanza *stanza);
XY_API struct xy_str xy_stanza_type(const struct xy_stanza *stanza);
XY_API struct xy_str xy_stanza_lang(const struct xy_stanza *stanza); /* xml:lang */
/* Prepared addresses, held by the stanza. NULL when absent (a malformed one never gets this far). */
XY_API const struct xy_jid *xy_stanza_from(const struct xy_stanza *stanza);
XY_API const struct xy_jid *xy_stanza_to(const struct xy_stanza *stanza);
XY_API bool xy_stanza_is_error(const struct xy_stanza *stanza); /* type='error' */
/* The first child element with that name and namespace; either may be absent: matches any. */
XY_API const struct xy_node *xy_stanza_child(const struct xy_stanza *stanza, struct xy_str ns,
                                             struct xy_str name);
/* The one child element of an iq request, NULL if there is none or more than one. */
XY_API const struct xy_node *xy_stanza_payload(const struct xy_stanza *stanza);
/* When the server first received it, wall clock ms. */
XY_API int64_t xy_stanza_received_ms(const struct xy_stanza *stanza);
/* What a new stanza says came in `cause`, an edit of which needs no such word: evidence of it names the
 * session that sent that (xy_session_login()). */
XY_API void xy_stanza_set_cause(struct xy_stanza *stanza, const struct xy_stanza *cause);

XY_API struct xy_str xy_node_name(const struct xy_node *node);
XY_API struct xy_str xy_node_ns(const struct xy_node *node);
XY_API struct xy_str xy_node_attr(const struct xy_node *node, const char *name); /* un-namespaced, or "xml:lang" */
XY_API struct xy_str xy_node_text(const struct xy_node *node); /* its own character data, joined in the fiber's memory if split */
XY_API const struct xy_node *xy_node_child(const struct xy_node *node, struct xy_str ns, struct xy_str name);
XY_API const struct xy_node *xy_node_first(const struct xy_node *node); /* first child element */
XY_API const struct xy_node *xy_node_next(const struct xy_node *node);  /* next sibling element */
XY_API bool xy_node_is(const struct xy_node *node, struct xy_str ns, struct xy_str name);

/* ---- building -------------------------------------------------------------------------------- */
/* `name` is "message", "presence", "iq" or, for XY_NONZA, anything; ns absent means jabber:client. */
XY_API struct xy_stanza *xy_stanza_new(struct xy_str ns, struct xy_str name);
XY_API struct xy_node *xy_stanza_top(struct xy_stanza *stanza); /* the mutable root */
XY_API void xy_stanza_set_from(struct xy_stanza *stanza, const struct xy_jid *from); /* NULL removes */
XY_API void xy_stanza_set_to(struct xy_stanza *stanza, const struct xy_jid *to);
XY_API void xy_stanza_set_id(struct xy_stanza *stanza, struct xy_str id);
XY_API void xy_stanza_set_type(struct xy_stanza *stanza, struct xy_str type);

/* All text is copied into the stanza; what is no character of XML 1.0 leaves as U+FFFD. ns absent
 * inherits the parent's. Names are yours, not the user's: ASCII, or the process ends. */
XY_API struct xy_node *xy_node_add(struct xy_node *parent, struct xy_str ns, struct xy_str name);
/* Absent value removes. On a root `to` and `from` are addresses: prepared, absent if malformed. */
XY_API void xy_node_set(struct xy_node *node, const char *name, struct xy_str value);
XY_API void xy_node_add_text(struct xy_node *node, struct xy_str text);
/* One element as text that stands for itself, in the fiber's memory; and back: NULL when malformed. */
XY_API struct xy_str xy_node_xml(const struct xy_node *node);
XY_API struct xy_node *xy_node_add_xml(struct xy_node *parent, struct xy_str text);
/* Adds a deep copy of `child`, which may belong to any stanza. */
XY_API struct xy_node *xy_node_add_copy(struct xy_node *parent, const struct xy_node *child);
/* Removes a child element of `parent`; one found in what an edit was made from will do, and one that
 * is gone already does nothing. xy_node_next() still goes on from it. */
XY_API void xy_node_remove(struct xy_node *parent, const struct xy_node *child);
XY_API void xy_node_clear(struct xy_node *node); /* removes all children and text */

/* The same object if we are the only holder and it is not frozen, else a copy of the header whose
 * children still point into the original (which stays alive). The copy is mutable at the top
 * level: attributes, adding and removing children. xy_node_mutable() makes a child editable. */
XY_API struct xy_stanza *xy_stanza_edit(const struct xy_stanza *stanza);
XY_API struct xy_node *xy_node_mutable(struct xy_stanza *stanza, const struct xy_node *child);

/* A reply to `request`: same kind and id, from and to exchanged, type as given. */
XY_API struct xy_stanza *xy_stanza_reply(const struct xy_stanza *request, struct xy_str type);

/* XEP-0203: adds <delay from stamp/>; `ms` is when it was first received. */
XY_API void xy_stanza_add_delay(struct xy_stanza *stanza, const struct xy_jid *from, int64_t ms);

XY_API const struct xy_stanza *xy_stanza_keep(const struct xy_stanza *stanza); /* freezes, takes a reference */
XY_API void xy_stanza_drop(const struct xy_stanza *stanza);

/* Bytes as they would be sent on a stream whose namespace is jabber:client; the fiber's memory. */
XY_API struct xy_str xy_stanza_text(const struct xy_stanza *stanza);
/* The inverse, for stored stanzas: restricted XML, one element, addresses prepared. NULL when
 * malformed. */
XY_API struct xy_stanza *xy_stanza_parse(struct xy_str text);

/* ---- errors (RFC 6120 section 8.3.3) --------------------------------------------------------- */
typedef enum xy_condition {
    XY_BAD_REQUEST,
    XY_ERROR_CONFLICT,
    XY_FEATURE_NOT_IMPLEMENTED,
    XY_FORBIDDEN,
    XY_ERROR_GONE,
    XY_INTERNAL_SERVER_ERROR,
    XY_ITEM_NOT_FOUND,
    XY_JID_MALFORMED,
    XY_NOT_ACCEPTABLE,
    XY_NOT_ALLOWED,
    XY_NOT_AUTHORIZED,
    XY_POLICY_VIOLATION,
    XY_RECIPIENT_UNAVAILABLE,
    XY_REDIRECT,
    XY_REGISTRATION_REQUIRED,
    XY_REMOTE_SERVER_NOT_FOUND,
    XY_REMOTE_SERVER_TIMEOUT,
    XY_RESOURCE_CONSTRAINT,
    XY_SERVICE_UNAVAILABLE,
    XY_SUBSCRIPTION_REQUIRED,
    XY_UNDEFINED_CONDITION,
    XY_UNEXPECTED_REQUEST,
    XY_CONDITIONS
} xy_condition;

XY_API const char *xy_condition_name(xy_condition condition); /* "service-unavailable" */
XY_API const char *xy_condition_type(xy_condition condition); /* the RFC's default: "cancel" … */
/* The one mapping from a failed function to a stanza error. */
XY_API xy_condition xy_status_condition(xy_status status);
/* The error reply to `stanza`, or NULL if that must not be answered: an error itself, an iq
 * result, or a presence that only says "gone" or probes. `text` may be absent. */
XY_API struct xy_stanza *xy_stanza_error(const struct xy_stanza *stanza, xy_condition condition,
                                         struct xy_str text);
/* Adds an application-specific condition (RFC 6120 8.3.4) to an error made above. */
XY_API void xy_stanza_error_add(struct xy_stanza *error, struct xy_str ns, struct xy_str name);

#endif
