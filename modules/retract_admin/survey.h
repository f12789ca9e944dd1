/* SPDX-License-Identifier: MIT */
/* A survey while it is made: what is chosen, and finding what refers to it (references.c). */
#ifndef RETRACT_ADMIN_SURVEY_H
#define RETRACT_ADMIN_SURVEY_H

#include "modules/retract_admin/retract_admin.h"

struct known { /* a chosen message */
    xy_message_id id;
    const struct xy_jid *author;
};
struct pass {
    struct survey *survey;
    struct xy_map *talks, *ids, *lines; /* conversations; their messages by id and by text */
    bool chooses;
};
struct seen {
    xy_message_id id;
    const struct xy_jid *author, *addressee;
    struct xy_str talk;
    const struct xy_stanza *stanza; /* NULL: not read */
};

/* A room, or two people. */
struct xy_str talk_of(const struct xy_jid *author, const struct xy_jid *addressee);
/* Of an account's or a room's archive; 0: there is none. */
XY_SUSPENDS XY_CHECK xy_status owner_of(const struct xy_jid *bare, xy_owner *owner);
/* `known` is where it stays. */
XY_SUSPENDS XY_CHECK xy_status remember(struct pass *pass, struct known *known,
                                        const struct seen *seen, struct xy_str client_id);
/* What seen->stanza corrects, reacts to, answers or quotes; only the last two. */
void note_references(struct pass *pass, const struct seen *seen);
void note_words(struct pass *pass, const struct seen *seen);
/* There is room for that many more; then it may be added. */
void make_room(struct survey *survey, size_t more);
void add_item(struct survey *survey, xy_message_id id, xy_message_id of, enum role role);

#endif
