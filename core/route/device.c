/* SPDX-License-Identifier: MIT */
/*
 * The devices of an account: who has to get a message before it is received by all. A client
 * that says who it is, is one; the others are together device 0.
 */
#include "core/route/objects.h"

int64_t
xy_client_number(struct xy_str user_agent_id)
{
    /* A number for a name of 122 random bits: who knows one account's names gains nothing from
     * meeting another's number, since numbers only count within an account. */
    static const uint64_t key[2] = {0x78796c656d646576, 0x6963652d69642031};
    if (!user_agent_id.len)
        return 0;
    int64_t id = (int64_t)(xyi_siphash13(key, user_agent_id) >> 1);
    return id ? id : 1;
}

void
xyi_devices_unknown(struct xy_user *user)
{
    user->device_count = -1;
}

static bool
is_known(const struct xy_user *user, int64_t device)
{
    for (int i = 0; i < user->device_count; i++)
        if (user->devices[i] == device)
            return true;
    return false;
}

static void
add(struct xy_user *user, int64_t device)
{
    if (is_known(user, device))
        return;
    int64_t *larger = xyi_alloc((size_t)(user->device_count + 1) * sizeof(*larger));
    if (user->device_count)
        memcpy(larger, user->devices, (size_t)user->device_count * sizeof(*larger));
    larger[user->device_count++] = device;
    xyi_free(user->devices);
    user->devices = larger;
}

xy_status
xyi_devices_load(struct xy_user *user)
{
    while (user->device_count < 0) {
        xy_user_settle(user); /* of one that arrives just now */
        struct xy_rows *rows;
        xy_status status = xyi_devices_read(user->owner, &rows);
        if (status != XY_OK)
            return status;
        if (user->device_count >= 0 || user->commits)
            continue;
        user->device_count = 0;
        while (xy_rows_next(rows))
            add(user, xy_rows_int(rows, 0));
    }
    return XY_OK;
}

static void
arrived(void *argument, xy_status status, const struct xy_txn *txn)
{
    (void)txn;
    struct xy_user *user = argument;
    if (status != XY_OK) {
        xy_warn("device.not_written", "a device is not known: it may miss what others get",
                XY_F_STR_AS("account", xy_jid_text(user->jid)),
                XY_F_CSTR_AS("status", xy_status_name(status)));
        xyi_devices_unknown(user);
    }
    user->pending = -1;
    xyi_user_commit_done(user);
}

void
xyi_device_arrives(struct xy_user *user, int64_t device)
{
    struct xy_txn *txn = xyi_txn_detached();
    xyi_txn_removes(txn, XYI_MOVED);
    xyi_device_seen(txn, user->owner, device, xy_now_ms());
    if (user->device_count >= 0)
        add(user, device);
    xyi_user_commit_begins(user);
    xyi_txn_submit(txn, arrived, user);
}
