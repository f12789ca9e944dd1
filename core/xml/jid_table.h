/* SPDX-License-Identifier: MIT */
/* The JID itself, and the table it is in: between jid_table.c and jid.c. */
#ifndef XYI_JID_TABLE_H
#define XYI_JID_TABLE_H

#include "core/xml/jid_prepare.h"

struct xy_jid {
    atomic_uint word; /* references and whether a reclaim is under way, see jid_table.c */
    bool borrowed;    /* handed out since its reclaim was asked for: give it another round */
    uint16_t aliases; /* spellings remembered that lead here */
    uint32_t local_len, resource_len;
    size_t len;
    uint64_t hash;
    struct xy_jid *next;        /* in its slot */
    struct xy_jid *bare, *host; /* itself, or held: bare by a full JID, host by a bare one */
    const char *local; /* of a bare JID behind its text, of a full one in the bare one */
    struct xyi_mail mail;
    char text[];
};

bool xyi_jids_are_here(void); /* on the logic thread */
struct xy_jid *xyi_jid_find(struct xy_str text, uint64_t hash);
/* A JID without references, its reclaim under way, with `room` zeroed bytes behind its text. */
struct xy_jid *xyi_jid_insert(struct xy_str text, uint64_t hash, size_t room);
/* Spellings that preparation changes, with what they come to: a client that writes
 * Romeo@Example.org does so in every stanza. */
struct xy_jid *xyi_jid_find_alias(struct xy_str text, uint64_t hash);
void xyi_jid_add_alias(struct xy_jid *jid, struct xy_str text, uint64_t hash);

#endif
