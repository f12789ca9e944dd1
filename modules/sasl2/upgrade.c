/* SPDX-License-Identifier: MIT */
/*
 * Tasks that add the keys of a newer SCRAM mechanism to an account that came without them
 * (XEP-0480). Offered by what the stream's header says, done by what the account that logged in
 * really lacks. What the client sends is SCRAM's SaltedPassword, which is not kept.
 */
#include "modules/sasl2/sasl2.h"

static const struct {
    enum xy_hash hash;
    const char *task;
} upgrades[] = {
    {XY_SHA256, "UPGR-SCRAM-SHA-256"},
    {XY_SHA512, "UPGR-SCRAM-SHA-512"},
};
enum { UPGRADES = sizeof(upgrades) / sizeof(upgrades[0]) };

void
upgrade_offer(struct sasl2 *self, struct xy_stream *stream, struct xy_node *authentication)
{
    const struct xy_jid *from = xy_stream_from(stream);
    unsigned hashes;
    if (!self->upgrade || !from || !xy_jid_local(from).len ||
        xy_account_hashes(xy_jid_bare(from), &hashes) != XY_OK)
        return;
    for (size_t i = 0; i < UPGRADES; i++)
        if (!(hashes & 1u << upgrades[i].hash))
            xy_node_add_text(
                xy_node_add(authentication, XY_STR(XY_NS_SASL_UPGRADE), XY_STR("upgrade")),
                xy_str_from(upgrades[i].task));
}

/* ---- <continue/> ------------------------------------------------------------------------- */

static unsigned
requested(const struct xy_node *authenticate)
{
    unsigned hashes = 0;
    const struct xy_node *node = xy_node_first(authenticate);
    for (; node; node = xy_node_next(node))
        for (size_t i = 0; i < UPGRADES; i++)
            if (xy_node_is(node, XY_STR(XY_NS_SASL_UPGRADE), XY_STR("upgrade")) &&
                xy_str_equal(xy_str_trim(xy_node_text(node)), xy_str_from(upgrades[i].task)))
                hashes |= 1u << upgrades[i].hash;
    return hashes;
}

static size_t
task_of(const struct login *login)
{
    size_t at = 0;
    while (at < UPGRADES - 1 && !(login->wanted & 1u << upgrades[at].hash))
        at++;
    return at;
}

static void
send_continue(struct xy_stream *stream, struct login *login, struct xy_str additional)
{
    struct xy_stanza *stanza;
    struct xy_node *top = login_reply(&stanza, "continue");
    if (additional.len)
        xy_node_add_text(xy_node_add(top, XY_NO_STR, XY_STR("additional-data")),
                         xy_temp_base64(additional));
    struct xy_node *tasks = xy_node_add(top, XY_NO_STR, XY_STR("tasks"));
    xy_node_add_text(xy_node_add(tasks, XY_NO_STR, XY_STR("task")),
                     xy_str_from(upgrades[task_of(login)].task));
    login->stage = OFFERED;
    login->continued = true;
    (void)xy_stream_send(stream, stanza);
}

bool
upgrade_begin(struct sasl2 *self, struct xy_stream *stream, const struct xy_node *authenticate,
              const struct xy_sasl_outcome *outcome)
{
    unsigned wanted = self->upgrade ? requested(authenticate) : 0;
    struct xy_account account;
    if (!wanted || xy_account_find(outcome->account, &account) != XY_OK)
        return false;
    wanted &= ~account.hashes;
    if (!wanted || xy_stream_stage(stream) != XY_STREAM_OPEN)
        return false;
    struct login *login = login_keep(stream, OFFERED, outcome->account, authenticate);
    login->wanted = (unsigned char)wanted;
    login->owner = account.owner;
    send_continue(stream, login, outcome->text);
    return true;
}

/* ---- one task ---------------------------------------------------------------------------- */

static void
refuse(struct xy_stream *stream, const char *condition)
{
    struct xy_sasl_outcome outcome = {.failure = condition};
    outcome.account = login_account(login_find(stream));
    login_refuse(stream, &outcome);
}

void
upgrade_next(struct xy_stream *stream, const struct xy_node *element)
{
    struct login *login = login_find(stream);
    const char *task = upgrades[task_of(login)].task;
    if (!xy_str_equal(xy_node_attr(element, "task"), xy_str_from(task))) {
        refuse(stream, "malformed-request");
        return;
    }
    xy_random(login->salt, sizeof(login->salt));
    login->iterations = xy_account_iterations();
    login->stage = ASKED;
    struct xy_stanza *stanza;
    struct xy_node *top = login_reply(&stanza, "task-data");
    struct xy_node *salt = xy_node_add(top, XY_STR(XY_NS_SCRAM_UPGRADE), XY_STR("salt"));
    xy_node_set(salt, "iterations", xy_temp_printf("%lld", (long long)login->iterations));
    xy_node_add_text(salt,
                     xy_temp_base64(xy_str_of((const char *)login->salt, sizeof(login->salt))));
    (void)xy_stream_send(stream, stanza);
}

/* The login stands even if the keys could not be stored: the next one will ask again. */
static void
store(struct sasl2 *self, const struct login *login, enum xy_hash hash, struct xy_str salted)
{
    struct xy_str salt = xy_temp_str(xy_str_of((const char *)login->salt, sizeof(login->salt)));
    xy_status status = xy_account_add_keys(login->owner, hash, salt, login->iterations, salted);
    xy_count_by(&self->upgrades, status == XY_OK);
    if (status != XY_OK && status != XY_CONFLICT)
        xy_warn("sasl2.upgrade", "a client's new keys could not be stored",
                XY_F_CSTR_AS("status", xy_status_name(status)));
}

static void
go_on(struct xy_stream *stream)
{
    struct login *login = login_find(stream);
    login->wanted &= (unsigned char)~(1u << upgrades[task_of(login)].hash);
    if (login->wanted) {
        send_continue(stream, login, XY_NO_STR);
        return;
    }
    const struct xy_node *authenticate = login_element(login);
    struct xy_sasl_outcome outcome = {.success = true, .account = login_account(login)};
    if (authenticate && outcome.account)
        login_finish(stream, authenticate, &outcome);
    else
        refuse(stream, "temporary-auth-failure");
}

void
upgrade_data(struct sasl2 *self, struct xy_stream *stream, const struct xy_node *element)
{
    const struct login *login = login_find(stream);
    const struct xy_node *node =
        xy_node_child(element, XY_STR(XY_NS_SCRAM_UPGRADE), XY_STR("hash"));
    enum xy_hash hash = upgrades[task_of(login)].hash;
    struct xy_str salted;
    if (!node) {
        refuse(stream, "malformed-request");
    } else if (xy_temp_unbase64(xy_str_trim(xy_node_text(node)), &salted) != XY_OK) {
        refuse(stream, "incorrect-encoding");
    } else if (salted.len != xy_hash_size(hash)) {
        refuse(stream, "malformed-request");
    } else {
        store(self, login, hash, salted);
        explicit_bzero((void *)(uintptr_t)salted.at, salted.len);
        if (xy_stream_stage(stream) == XY_STREAM_OPEN)
            go_on(stream);
    }
}
