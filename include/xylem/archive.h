/* SPDX-License-Identifier: MIT */
/*
 * Reading archives: entries of one owner, oldest first or newest first, with the state of each
 * message applied. Order is the order of ids, which is the order of acceptance. Everything here
 * reads what is durable at the call.
 */
#ifndef XYLEM_ARCHIVE_H
#define XYLEM_ARCHIVE_H

#include <xylem/removal.h>

/* ---- public ids (XEP-0359) ------------------------------------------------------------------- */
/* The id and the owner under a block cipher: unguessable, self-checking, never reused; the ids of
 * one message in two archives have nothing in common. */
XY_API struct xy_str xy_stanza_id_make(xy_owner owner, xy_message_id id); /* the fiber's memory */
/* XY_ABSENT: not an id of this owner's archive, so nobody ever got it from us. */
XY_API XY_CHECK xy_status xy_stanza_id_parse(xy_owner owner, struct xy_str text, xy_message_id *id);
/* For administrators: whichever archive it is of. */
XY_API XY_CHECK xy_status xy_stanza_id_open(struct xy_str text, xy_owner *owner, xy_message_id *id);

/* Whose archive a bare JID has: an account's owner, else a room's. XY_ABSENT: neither. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_archive_owner(const struct xy_jid *bare, xy_owner *owner);

/* ---- reading --------------------------------------------------------------------------------- */
struct xy_archive_query {
    xy_owner owner;
    xy_message_id after, before; /* both exclusive; before 0: no bound */
    const struct xy_jid *with;   /* NULL: anybody; bare: all its resources; full: that one. In a room's
                                    archive: an occupant (full), or a real author (bare) */
    int64_t limit;               /* entries wanted, at least 1 */
    bool newest;                 /* the newest `limit` between the bounds instead of the oldest */
};
struct xy_archived {
    xy_message_id id;
    struct xy_str stanza_id; /* public */
    bool outgoing;           /* the owner sent it */
    enum xy_message_state state;
    struct xy_stanza *stanza; /* with its from and to, without stanza-id and delay; the fiber's.
                                 Emptied (a tombstone) when its content has been removed. */
    const struct xy_jid *author; /* bare: see xy_archive_authors() */
};
struct xy_archive_page {
    struct xy_archived *at; /* chronological in either direction */
    size_t count;
    bool more; /* the bounds hold more entries, beyond the far end of the page */
};
XY_API XY_SUSPENDS XY_CHECK xy_status xy_archive_read(const struct xy_archive_query *query,
                                                      struct xy_archive_page *page);
/* Fills `author`: of a room's message, who really wrote it. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_archive_authors(const struct xy_archive_page *page);
/* Those of `ids` that the archive has, chronological, each once. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_archive_read_ids(xy_owner owner, const xy_message_id *ids,
                                                          size_t count, struct xy_archive_page *page);
/* XY_ABSENT: it was there once, or not at all. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_archive_has(xy_owner owner, xy_message_id id);
/* The oldest and the newest id below `before` (0: of all); both 0 when empty. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_archive_bounds(xy_owner owner, xy_message_id before,
                                                        xy_message_id *oldest, xy_message_id *newest);

/* ---- retention ------------------------------------------------------------------------------- */
/* Takes the oldest entries below `before` out of the archive, at most `most` of them; content goes
 * when no archive, queue or hold has it any more. *removed < most: there are no more. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_archive_trim(xy_owner owner, xy_message_id before,
                                                      int64_t most, int64_t *removed);
/* The id with `count` entries above it; 0: there are not so many. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_archive_nth(xy_owner owner, int64_t count, xy_message_id *id);

#endif
