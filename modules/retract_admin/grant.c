/* SPDX-License-Identifier: MIT */
/*
 * Who may remove and who may approve (requirements S0-17, S1-8): separate grants, by the name
 * the control socket vouches for. Invariant: whoever is refused is on record.
 */
#include "modules/retract_admin/retract_admin.h"

xy_status
grant_record(struct xy_command *command, const struct xy_audit_record *record)
{
    xy_status status = xy_run_audit_write(NULL, record);
    if (status != XY_OK)
        return xy_fail(command, status, "it cannot be recorded, so it is not done: %s",
                       xy_status_name(status));
    return XY_OK;
}

xy_status
grant_refuse(struct retract_admin *self, struct xy_command *command, const char *reason,
             const char *words)
{
    struct xy_audit_record record = {.operation = xy_audit_operation(),
                                     .actor = xy_command_actor(command),
                                     .kind = XY_STR("refuse"),
                                     .reason = xy_str_from(reason),
                                     .words = xy_str_from(words)};
    xy_count(&self->refused);
    xy_warn("retract_admin.refused", "an administrator was refused",
            XY_F_STR_AS("actor", record.actor), XY_F_CSTR_AS("reason", reason));
    xy_status status = grant_record(command, &record);
    return status == XY_OK ? xy_fail(command, XY_DENIED, "%s", words) : status;
}

xy_status
grant_check(struct retract_admin *self, struct xy_command *command, enum right right)
{
    bool removes = right == RIGHT_REMOVE;
    if (xy_list_has(removes ? &self->grant : &self->approvers, xy_command_actor(command)))
        return XY_OK;
    return grant_refuse(self, command, removes ? "no-grant" : "no-approver",
                        removes
                            ? "you may not remove messages: retract_admin.grant names who may"
                            : "you may not approve: retract_admin.approvers names who may");
}
