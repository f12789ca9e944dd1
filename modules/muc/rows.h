/* SPDX-License-Identifier: MIT */
/*
 * The tables of the module. Shared by the files that keep
 * rooms and affiliations; everybody else goes through muc.h.
 */
#ifndef MUC_ROWS_H
#define MUC_ROWS_H

#include "modules/muc/muc.h"

extern const struct xy_statement muc_sql_affiliation, muc_sql_affiliations, muc_sql_affiliations_since,
    muc_sql_nick_owner, muc_sql_count_affiliations, muc_sql_save_affiliation, muc_sql_delete_affiliation,
    muc_sql_room_version, muc_sql_rooms_of, muc_sql_affiliates, muc_sql_forget_affiliations;
extern const struct xy_statement muc_sql_room, muc_sql_insert_room, muc_sql_insert_owner,
    muc_sql_update_room, muc_sql_delete_room, muc_sql_delete_affiliations, muc_sql_delete_hats,
    muc_sql_delete_worn, muc_sql_delete_avatar, muc_sql_delete_behind, muc_sql_delete_subject,
    muc_sql_subject, muc_sql_set_subject, muc_sql_drop_subject, muc_sql_adopt_subject,
    muc_sql_move_subject,
    muc_sql_count_rooms, muc_sql_count_owned, muc_sql_temporary;

struct room_row {
    int64_t number, created_ms, version, removed;
    bool locked;
    bool listed, persistent; /* as the settings say, for queries; not read back */
    struct xy_str config;    /* pack.c */
};
/* XY_ABSENT: no such room. */
XY_SUSPENDS XY_CHECK xy_status room_row_read(const struct xy_jid *jid, struct room_row *row);
/* The room and, if `owner` is not NULL, its owner. XY_CONFLICT: it exists. */
XY_SUSPENDS XY_CHECK xy_status room_row_insert(const struct xy_jid *jid, const struct room_row *row,
                                               const struct xy_jid *owner);
XY_SUSPENDS XY_CHECK xy_status room_row_update(const struct room_row *row);
/* With everything that hangs on it. */
XY_SUSPENDS XY_CHECK xy_status room_row_delete(int64_t number);
XY_SUSPENDS XY_CHECK xy_status room_rows_count(const struct xy_jid *service, int64_t *count);
XY_SUSPENDS XY_CHECK xy_status room_rows_owned(const struct xy_jid *service, const struct xy_jid *owner,
                                               int64_t *count);
/* Column: jid. Temporary rooms made before `before_ms`. */
XY_SUSPENDS XY_CHECK xy_status room_rows_temporary(const struct xy_jid *service, int64_t before_ms,
                                                   struct xy_rows **rows);

/* ---- affiliation_rows.c ---- */
struct affiliation_row {
    struct affiliated is;
    int64_t version;
};
/* Those of one affiliation, or with XY_UNAFFILIATED all that changed behind `since` and all outcasts. */
XY_SUSPENDS XY_CHECK xy_status affiliation_rows_read(int64_t room, enum xy_affiliation which, int64_t since,
                                                     struct affiliation_row **list, size_t *count);
XY_SUSPENDS XY_CHECK xy_status affiliation_rows_count(int64_t room, int64_t *count);
/* The row of exactly that JID, or XY_ABSENT. */
XY_SUSPENDS XY_CHECK xy_status affiliation_row_read(int64_t room, const struct xy_jid *bare,
                                                    struct affiliation_row *row);
/* As muc_set_affiliations() says; `version` is that of the row. */
void affiliation_row_add(struct xy_txn *txn, int64_t room, const struct affiliated *row, int64_t version);
/* Column: jid, of the rooms where `bare` has an affiliation. */
XY_SUSPENDS XY_CHECK xy_status affiliation_rows_rooms(const struct xy_jid *bare, struct xy_rows **rows);
XY_SUSPENDS XY_CHECK xy_status affiliation_rows_forget(const struct xy_jid *bare);

/* Settings and texts of a room as one text of lines "name value", so that a later version adds
 * settings without a migration; what is missing is as default_config says. */
struct xy_str muc_pack(struct xy_room *room);
void muc_unpack(struct xy_room *room, struct xy_str packed);
/* The next line of it: false at the end. `value` is in the fiber's memory. */
bool muc_unpack_line(struct xy_str *packed, struct xy_str *name, struct xy_str *value);

#endif
