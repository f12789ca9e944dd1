/* SPDX-License-Identifier: MIT */
/*
 * xylemctl audit message: where a message came from and what became of it (requirement S0-2).
 * No content, but more than administrators see otherwise: so it takes a right of its own, and
 * whoever asks is on record before he is answered, or refused.
 */
#include "audit.h"

/* A message's number, or the id an archive shows it by: anybody's, a person's or a room's. */
static xy_status
choose(struct xy_command *command, xy_message_id *id)
{
    struct xy_str text = xy_arg(command, "ID");
    xy_owner owner;
    if (xy_str_to_int(text, 1, INT64_MAX, id) == XY_OK ||
        xy_stanza_id_open(text, &owner, id) == XY_OK)
        return XY_OK;
    return xy_fail(command, XY_INVALID,
                   "neither a message number nor a stanza-id of an archive "
                   "here; for a client's id see message find");
}

static xy_status
refuse(XY_SELF, struct xy_command *command, xy_message_id id)
{
    xy_status status = audit_write(self, &(struct xy_audit_record){
                                             .actor = xy_command_actor(command),
                                             .kind = XY_STR("refuse"),
                                             .message = id,
                                             .reason = XY_STR("no-auditor"),
                                         });
    if (status != XY_OK)
        return xy_fail(command, status, "refused, which was not recorded: %s",
                       xy_status_name(status));
    return xy_fail(command, XY_DENIED,
                   "you may not see where messages came from: audit.auditors names who may");
}

static xy_status
permit(XY_SELF, struct xy_command *command, xy_message_id id)
{
    const struct xy_act act = {
        .kind = XY_ACT_PRIVILEGED_READ,
        .facts = xy_temp_printf("message=%lld\n", (long long)id),
    };
    if (!xy_list_has(&self->auditors, xy_command_actor(command)))
        return refuse(self, command, id);
    return xy_privileged(command, &act,
                         &(struct xy_audit_record){.message = id,
                                                   .reason = XY_STR("origin"),
                                                   .words = xy_arg(command, "purpose")});
}

/* ---- the answer -------------------------------------------------------------------------- */

static void
put_jid(struct xy_command *command, const char *key, const struct xy_jid *jid)
{
    if (jid)
        xy_put_str(command, key, xy_jid_text(jid));
}

/* From what it is now, where a former release wrote less down. */
static void
complete(struct xy_provenance *to, const struct xy_message_record *record)
{
    if (!to->author)
        to->author = record->author;
    if (!to->addressee)
        to->addressee = record->addressee;
    if (!to->has_class)
        to->class = record->class;
    to->has_class = true;
}

static void
put_origin(struct xy_command *command, const struct xy_provenance *from)
{
    xy_put_int(command, "message", from->id);
    xy_put_str(command, "received", xy_time_format(from->at_ms));
    put_jid(command, "from", from->author);
    put_jid(command, "sender", from->session);
    put_jid(command, "to", from->addressee);
    xy_put_str(command, "class",
               from->has_class ? xy_message_class_name(from->class) : XY_STR("unknown"));
    if (!from->login)
        return;
    xy_put_int(command, "login", from->login);
    xy_put_str(command, "logged_in", xy_time_format(xy_message_id_ms(from->login)));
    xy_put_str(command, "login_by", xy_login_path_name(from->path));
    xy_put_str(command, "source", xy_source_name(from->source));
}

static void
put_commitments(struct xy_command *command, const struct xy_provenance *from)
{
    struct xy_str both = from->commitment, first = xy_str_of(both.at, HASH);
    if (both.len < HASH)
        return;
    xy_put_str(command, "commitment", xy_temp_hex(first));
    if (both.len > HASH)
        xy_put_str(command, "text_commitment",
                   xy_temp_hex(xy_str_of(both.at + HASH, both.len - HASH)));
    xy_put_bool(command, "salt", from->provable);
}

static void
put_fate(struct xy_command *command, const struct xy_provenance *from)
{
    const char *content = from->purged    ? "purged"
                          : !from->stored ? "gone"
                          : from->removed ? "sealed"
                                          : "kept";
    xy_put_str(command, "content", xy_str_from(content));
    xy_put_bool(command, "held", from->held);
    if (!from->removed && !from->stored)
        return; /* it ended as messages do */
    xy_put_str(command, "state", xy_message_state_name(from->state));
    if (!from->removed)
        return;
    xy_put_str(command, "removed", xy_time_format(from->removed_ms));
    xy_put_str(command, "by", from->by);
    xy_put_str(command, "actor", from->actor);
    xy_put_str(command, "reason", from->reason);
    xy_put_str(command, "operation", from->operation);
}

xy_status
audit_command_message(XY_SELF, struct xy_command *command)
{
    struct xy_provenance from;
    struct xy_message_record record;
    xy_message_id id;
    xy_status status = choose(command, &id);
    if (status == XY_OK)
        status = permit(self, command, id);
    if (status != XY_OK)
        return status;
    status = xy_message_provenance(id, &from);
    if (status == XY_ABSENT)
        return xy_fail(command, status, "no message of that number was ever stored");
    xy_status known = status == XY_OK ? xy_message_look(id, &record) : status;
    if (known == XY_OK)
        complete(&from, &record);
    else if (known != XY_ABSENT)
        return xy_fail(command, known, "the database does not answer");
    put_origin(command, &from);
    if (known == XY_OK) {
        put_jid(command, "shown_from", record.from);
        xy_put_str(command, "type", record.type);
        xy_put_str(command, "client_id", record.client_id);
    }
    put_fate(command, &from);
    put_commitments(command, &from);
    return XY_OK;
}
