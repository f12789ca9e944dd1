/* SPDX-License-Identifier: MIT */
/*
 * Evidence: salted commitments to every stored message, written with it and kept when its content
 * has gone. They confirm or refute what somebody says a message was, without the content. Erasing
 * a person destroys the salt: from then on nobody can confirm or refute anything. The forms are in
 * core/store/evidence.c and docs/audit.md.
 */
#ifndef XYLEM_EVIDENCE_H
#define XYLEM_EVIDENCE_H

#include <xylem/jid.h>
#include <xylem/message.h>
#include <xylem/removal.h>

struct xy_evidence {
    xy_message_id message;
    struct xy_str commitment; /* 32 bytes: to the stanza; 64: and to its text */
    struct xy_str salt;       /* 16 bytes; absent: erased */
};
/* Those behind `after`, by id, at most `limit`. Everything a later read finds has a higher id. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_evidence_read(xy_message_id after, int64_t limit,
                                                       struct xy_evidence **at, size_t *count);
/* XY_ABSENT: no message of that id was ever stored. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_evidence_find(xy_message_id id,
                                                       struct xy_evidence *evidence);
/* What was said: `from` wrote `text` (its first body) to `to`, a person or a room. XY_DENIED: it was
 * not; XY_GONE: nobody can tell any more; XY_UNSUPPORTED: it had no body. */
XY_API XY_CHECK xy_status xy_evidence_confirms(const struct xy_evidence *evidence,
                                               const struct xy_jid *from, const struct xy_jid *to,
                                               struct xy_str text);

/* Where a message came from, and what became of it (requirement S0-2): complete also when the message
 * has been purged, or its row is gone. What is absent or NULL was erased with a person, or a release
 * that did not write it stored the message. */
struct xy_provenance {
    xy_message_id id;
    int64_t at_ms;                  /* received, by the server's clock */
    const struct xy_jid *author;    /* bare; a room's private message: the room */
    const struct xy_jid *addressee; /* bare: an account, a room, or somebody elsewhere */
    bool has_class;
    enum xy_message_class class;
    struct xy_str commitment; /* 32 bytes, 64 with one to the text */
    bool provable;            /* it has its salt */
    int64_t login;            /* the session: 0: none, the server itself or one of its services wrote it */
    const struct xy_jid *session; /* its full address: who really wrote it */
    enum xy_login_path path;
    enum xy_source source;
    bool stored;               /* its row is there, with its content unless `purged` */
    bool held, removed, purged;
    /* of one that was taken back */
    enum xy_message_state state;
    struct xy_str operation, by, actor, reason;
    int64_t removed_ms;
};
/* XY_ABSENT: no message of that id was ever stored. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_message_provenance(xy_message_id id,
                                                            struct xy_provenance *provenance);

#endif
