/* SPDX-License-Identifier: MIT */
/*
 * What the files share that tell about rooms: disco, search, avatars, hats, commands.
 */
#ifndef SHOW_H
#define SHOW_H

#include "modules/muc/muc.h"

#define NS_COMMANDS "http://jabber.org/protocol/commands"

/* ---- forms (XEP-0004): form.c
 * ------------------------------------------------------------------ */
struct xy_node *form_begin(struct xy_node *parent, const char *type, const char *form_type);
/* Label and type may be NULL. */
struct xy_node *form_field(struct xy_node *form, const char *type, const char *var,
                           const char *label);
void form_value(struct xy_node *field, struct xy_str value);
/* A field with one value; nothing if the value is empty. */
void form_say(struct xy_node *form, const char *type, const char *var, const char *label,
              struct xy_str value);
/* The first value of a field, trimmed; absent: no such field, or empty. */
struct xy_str form_read(const struct xy_node *form, const char *var);

/* ---- a page of a list (XEP-0059): page.c
 * -------------------------------------------------------- */
struct page {
    bool asked;                  /* there is a <set/> */
    int64_t most;                /* 0: only the count */
    struct xy_str after, before; /* where the former page ended or began; absent: at an end */
    bool backwards;              /* what stands before `before`, or the last */
    int64_t index;               /* XY_NONE: not asked for */
};
/* false: makes no sense. `most` is between 0 and `limit`. */
bool page_read(const struct xy_node *query, int64_t limit, struct page *page);
/* What was given; `first` absent: nothing. index and count XY_NONE: not known. */
void page_add(struct xy_node *query, struct xy_str first, struct xy_str last, int64_t index,
              int64_t count);

/* ---- rooms by their rows: listing.c
 * ------------------------------------------------------------- */
struct listed {
    const struct xy_jid *jid; /* the fiber's */
    struct xy_str name;       /* never empty: its local part then */
    struct xy_str description, language;
    struct settings settings;
    int64_t created_ms;
    bool has_password, locked;
    int64_t occupants; /* now */
};
struct listing { /* in the order of their addresses */
    const struct xy_jid *after,
        *before;    /* both exclusive; NULL: no bound. `before` only backwards */
    bool backwards; /* the last of them; the answer is in order anyhow */
    bool hidden;    /* also hidden and locked ones */
    int64_t skip, most;
    /* filled */
    struct listed *at;
    size_t count;
};
XY_SUSPENDS XY_CHECK xy_status rooms_list(struct muc *self, struct listing *listing);
/* How many public ones; of those before `below` if that is not NULL. */
XY_SUSPENDS XY_CHECK xy_status rooms_count(struct muc *self, const struct xy_jid *below,
                                           int64_t *count);
struct listed listed_in_memory(struct xy_room *room); /* has been entered since it is there */
int64_t count_occupants(struct xy_room *room);        /* nicks, not clients */

/* ---- how much there is in memory: metrics.c ------------------------------------------------------ */
struct room_counts {
    int64_t rooms, busy; /* busy: somebody is in them */
    int64_t occupants, clients, most; /* nicks, sessions; of the largest */
};
struct room_counts muc_count_rooms(struct muc *self);
int64_t muc_gauge_rooms(XY_SELF);
int64_t muc_gauge_occupants(XY_SELF);
int64_t muc_gauge_clients(XY_SELF);

/* ---- who may see: roominfo.c
 * -------------------------------------------------------------------- */
/* Is there, or would be let in without being asked for anything; owners and admins are always.
 */
XY_SUSPENDS XY_CHECK xy_status is_insider(struct muc *self, struct xy_room *room,
                                          const struct xy_jid *who, bool *insider);

/* ---- hats (XEP-0317): hats.c
 * -------------------------------------------------------------------- */
enum { HATS_MOST = 100, HATS_WORN_MOST = 20, HAT_TEXT_MOST = 256, HAT_URI_MOST = 1024 };
struct hat {
    struct xy_str uri, title, hue; /* hue may be empty */
    struct xy_str jid;             /* of a list of who wears what */
};
XY_SUSPENDS XY_CHECK xy_status hats_list(struct xy_room *room, struct hat **list,
                                         size_t *count);
XY_SUSPENDS XY_CHECK xy_status hats_worn(struct xy_room *room, struct hat **list,
                                         size_t *count);
/* All of these write first and tell the occupants then. XY_ABSENT: there is no such hat, or it
 * is not worn; XY_FULL; XY_INVALID: a text is too long, or no hue. */
XY_SUSPENDS XY_CHECK xy_status hat_define(struct muc *self, struct xy_room *room,
                                          const struct hat *hat);
XY_SUSPENDS XY_CHECK xy_status hat_destroy(struct muc *self, struct xy_room *room,
                                           struct xy_str uri);
XY_SUSPENDS XY_CHECK xy_status hat_assign(struct muc *self, struct xy_room *room,
                                          const struct xy_jid *who, struct xy_str uri);
XY_SUSPENDS XY_CHECK xy_status hat_take(struct muc *self, struct xy_room *room,
                                        const struct xy_jid *who, struct xy_str uri);
/* Of all hats there are, hex; absent: there are none. */
XY_SUSPENDS struct xy_str hats_hash(struct xy_room *room);

/* ---- ad-hoc commands of a room (XEP-0050): adhoc.c
 * ------------------------------------------------ */
/* disco#items and #info of the commands; false: no such node. */
void adhoc_list(struct xy_room *room, struct xy_node *query);
bool adhoc_describe(struct xy_str node, struct xy_node *query);

/* ---- statements, for module.c
 * ------------------------------------------------------------------------ */
enum { MUC_LISTING_SQL = 8, MUC_HAT_SQL = 8, MUC_AVATAR_SQL = 2 };
extern const struct xy_statement muc_listing_sql[MUC_LISTING_SQL], muc_hat_sql[MUC_HAT_SQL],
    muc_avatar_sql[MUC_AVATAR_SQL];

#endif
