/* SPDX-License-Identifier: MIT */
/*
 * In-band registration (XEP-0077). New accounts only where the operator opens it, and so many
 * per address; whoever is logged in may change the password or remove the account. Removal goes
 * through the core, which has the other modules send their cancellations (S3-21).
 */
#define XY_STATE registration
#include <xylem/xylem.h>

struct registration {
    const bool open, password_change, removal;
    const int64_t per_address, password_length;
    const xy_duration period;
    struct xy_map *taken;
    xy_counter created, changed, removed;
};

struct wish {
    struct xy_str username, password;
    bool remove;
};

struct refusal {
    xy_condition condition;
    const char *text;
};

static struct wish
read_wish(const struct xy_node *query)
{
    struct xy_str ns = XY_STR(XY_NS_REGISTER);
    const struct xy_node *username = xy_node_child(query, ns, XY_STR("username"));
    const struct xy_node *password = xy_node_child(query, ns, XY_STR("password"));
    return (struct wish){
        .username = username ? xy_node_text(username) : XY_NO_STR,
        .password = password ? xy_node_text(password) : XY_NO_STR,
        .remove = xy_node_child(query, ns, XY_STR("remove")),
    };
}

static void
add(struct xy_node *query, const char *name, struct xy_str text)
{
    struct xy_node *node = xy_node_add(query, XY_NO_STR, xy_str_from(name));
    if (text.len)
        xy_node_add_text(node, text);
}

static struct xy_node *
begin_form(struct xy_stanza *result)
{
    return xy_node_add(xy_stanza_top(result), XY_STR(XY_NS_REGISTER), XY_STR("query"));
}

/* Letters, not bytes: continuation bytes of UTF-8 do not count. */
static int64_t
letters(struct xy_str text)
{
    int64_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char)text.at[i] & 0xc0) != 0x80;
    return count;
}

static bool
is_weak(const struct registration *self, struct xy_str password, const struct xy_jid *account)
{
    return letters(password) < self->password_length ||
           xy_str_equal(password, xy_jid_local(account)) ||
           xy_str_equal(password, xy_jid_text(account));
}

/* ---- before login: new accounts
 * -------------------------------------------------------------- */

static bool
may_register(const struct registration *self, const struct xy_stream *stream)
{
    return self->open && xy_stream_stage(stream) == XY_STREAM_OPEN;
}

static void
offer(XY_SELF, struct xy_stream *stream, struct xy_node *features)
{
    if (may_register(self, stream))
        xy_node_add(features, XY_STR(XY_NS_REGISTER_FEATURE), XY_STR("register"));
}

/* Whether somebody has the name shows here, which registration cannot avoid; attempts that get
 * so far therefore count like successes. Suspends: hashes the password. */
static xy_status
create(struct registration *self, struct xy_stream *stream, const struct xy_jid *account,
       struct xy_str password, struct refusal *refusal)
{
    struct xy_str address = xy_throttle_address(xy_stream_peer(stream));
    if (!xy_throttle_take(self->taken, address, self->per_address, self->period.ms)) {
        *refusal = (struct refusal){XY_RESOURCE_CONSTRAINT, "Too many new accounts; try later"};
        return XY_FULL;
    }
    xy_status status = xy_account_create(account, password);
    if (status == XY_OK) {
        xy_count(&self->created);
        xy_notice("register.created", "somebody registered an account",
                  XY_F_STR_AS("account", xy_jid_text(account)),
                  XY_F_STR_AS("peer", xy_stream_peer(stream)));
    } else if (status == XY_INVALID) {
        *refusal = (struct refusal){XY_NOT_ACCEPTABLE, "Not a possible name or password"};
    } else {
        *refusal = (struct refusal){xy_status_condition(status), NULL};
    }
    return status;
}

static xy_status
register_account(struct registration *self, struct xy_stream *stream, const struct wish *wish,
                 struct refusal *refusal)
{
    struct xy_str host = xy_jid_text(xy_host_jid(xy_stream_host(stream)));
    const struct xy_jid *account =
        wish->username.len ? xy_jid_make(wish->username, host, XY_NO_STR) : NULL;
    *refusal = (struct refusal){XY_NOT_ACCEPTABLE, "Give a possible user name and a password"};
    if (wish->remove) /* XEP-0077 table 1: nobody is registered here */
        *refusal = (struct refusal){XY_UNEXPECTED_REQUEST, NULL};
    else if (account && is_weak(self, wish->password, account))
        *refusal = (struct refusal){XY_NOT_ACCEPTABLE, "The password is too weak"};
    else if (account)
        return create(self, stream, account, wish->password, refusal);
    return XY_INVALID;
}

static struct xy_stanza *
form_for_new(const struct xy_stanza *iq)
{
    struct xy_stanza *result = xy_stanza_reply(iq, XY_STR("result"));
    struct xy_node *query = begin_form(result);
    add(query, "instructions", XY_STR("Choose a user name and a password."));
    add(query, "username", XY_NO_STR);
    add(query, "password", XY_NO_STR);
    return result;
}

static struct xy_stanza *
refuse(const struct xy_stanza *iq, const struct refusal *refusal)
{
    return xy_stanza_error(iq, refusal->condition, xy_str_from(refusal->text));
}

static xy_verdict
take_element(XY_SELF, struct xy_stream *stream, const struct xy_stanza *iq)
{
    const struct xy_node *query = xy_stanza_kind(iq) == XY_IQ ? xy_stanza_payload(iq) : NULL;
    if (!query || !xy_node_is(query, XY_STR(XY_NS_REGISTER), XY_STR("query")) ||
        xy_stream_stage(stream) != XY_STREAM_OPEN)
        return XY_PASS;
    struct refusal refusal = {XY_NOT_ALLOWED, "Registration is closed"};
    struct xy_stanza *answer = NULL;
    struct wish wish = read_wish(query);
    bool is_set = xy_str_is(xy_stanza_type(iq), "set");
    if (self->open && xy_str_is(xy_stanza_type(iq), "get"))
        answer = form_for_new(iq);
    else if (self->open && is_set && register_account(self, stream, &wish, &refusal) == XY_OK)
        answer = xy_stanza_reply(iq, XY_STR("result"));
    if (!answer)
        answer = refuse(iq, &refusal);
    if (answer)
        (void)xy_stream_send(stream, answer);
    return XY_DONE;
}

/* ---- after login: one's own account
 * ---------------------------------------------------------- */

static const struct xy_jid *
own_account(const struct xy_iq *iq)
{
    struct xy_session *session = xy_iq_session(iq);
    return session && xy_session_host(session) == xy_iq_host(iq)
               ? xy_user_jid(xy_session_user(session))
               : NULL;
}

static xy_status
show(XY_SELF, struct xy_iq *iq)
{
    const struct xy_jid *account = own_account(iq);
    if (!account)
        return xy_iq_error(iq, XY_NOT_ALLOWED, XY_NO_STR);
    struct xy_stanza *result = xy_iq_result(iq);
    struct xy_node *query = begin_form(result);
    add(query, "registered", XY_NO_STR);
    add(query, "username", xy_jid_local(account));
    add(query, "password", XY_NO_STR);
    return xy_iq_reply(iq, result);
}

/* The answer goes first: the account's sessions end with it. */
static xy_status
remove_account(struct registration *self, struct xy_iq *iq, const struct xy_jid *account)
{
    const struct xy_node *first = xy_node_first(xy_iq_payload(iq));
    if (xy_node_next(first))
        return xy_iq_error(iq, XY_BAD_REQUEST, XY_STR("Nothing goes with <remove/>"));
    if (!self->removal)
        return xy_iq_error(iq, XY_NOT_ALLOWED, XY_STR("Ask the administrator"));
    (void)xy_iq_reply(iq, NULL);
    xy_status status = xy_account_delete(account);
    xy_count_by(&self->removed, status == XY_OK);
    xy_notice("register.removed", "an account was to be removed by its owner",
              XY_F_STR_AS("account", xy_jid_text(account)),
              XY_F_CSTR_AS("status", xy_status_name(status)));
    return XY_OK;
}

static xy_status
change_password(struct registration *self, struct xy_iq *iq, const struct xy_jid *account,
                const struct wish *wish)
{
    if (!wish->username.len || !wish->password.len)
        return xy_iq_error(iq, XY_BAD_REQUEST, XY_STR("User name and password are needed"));
    if (xy_jid_make(wish->username, xy_jid_domain(account), XY_NO_STR) != account)
        return xy_iq_error(iq, XY_NOT_ALLOWED, XY_STR("Not your own user name"));
    if (!self->password_change)
        return xy_iq_error(iq, XY_NOT_ALLOWED, XY_STR("Ask the administrator"));
    if (is_weak(self, wish->password, account))
        return xy_iq_error(iq, XY_NOT_ACCEPTABLE, XY_STR("The password is too weak"));
    xy_status status = xy_account_set_password(account, wish->password);
    if (status == XY_INVALID)
        return xy_iq_error(iq, XY_NOT_ACCEPTABLE, XY_STR("Not a possible password"));
    if (status != XY_OK)
        return status;
    xy_count(&self->changed);
    return xy_iq_reply(iq, NULL);
}

static xy_status
change(XY_SELF, struct xy_iq *iq)
{
    const struct xy_jid *account = own_account(iq);
    struct wish wish = read_wish(xy_iq_payload(iq));
    if (!account)
        return xy_iq_error(iq, XY_NOT_ALLOWED, XY_NO_STR);
    return wish.remove ? remove_account(self, iq, account)
                       : change_password(self, iq, account, &wish);
}

static xy_status
start(XY_SELF)
{
    self->taken = xy_map_new(self);
    return XY_OK;
}

static void
hand_over(XY_SELF, struct xy_handover *to)
{
    xy_handover_put(to, "taken", 1, xy_throttle_save(self->taken));
}

static void
adopt(XY_SELF, struct xy_handover *from)
{
    struct xy_str taken;
    if (xy_handover_get(from, "taken", 1, &taken) == XY_OK)
        xy_throttle_load(self->taken, taken);
}

static const struct xy_option options[] = {
    XY_OPTION(open, .initial = "off", .doc = "Whether strangers may register accounts."),
    XY_OPTION(per_address, .initial = "5", .min = 1, .max = 1000000, .none = true,
              .doc = "Accounts that one address may register in a period; names that are taken "
                     "count too."),
    XY_OPTION(period, .initial = "1 h", .min = 1000, .max = INT64_C(366) * 24 * 3600 * 1000,
              .doc = "The period of per_address."),
    XY_OPTION(password_length, .initial = "8", .min = 1, .max = 1000,
              .doc = "The least length of a password that a user chooses."),
    XY_OPTION(password_change, .initial = "on",
              .doc = "Whether users may change their password."),
    XY_OPTION(removal, .initial = "on", .doc = "Whether users may remove their account."),
};
static const struct xy_hook hooks[] = {
    XY_ON(stream_features, offer),
    XY_ON(stream_element, take_element),
};
static const struct xy_iq_route iqs[] = {
    XY_IQ_ROUTE(XY_GET, XY_NS_REGISTER, "query", show),
    XY_IQ_ROUTE(XY_SET, XY_NS_REGISTER, "query", change),
};
static const struct xy_metric metrics[] = {
    XY_METRIC(created, .unit = "accounts", .doc = "Accounts registered in band."),
    XY_METRIC(changed, .unit = "passwords", .doc = "Passwords changed by their users."),
    XY_METRIC(removed, .unit = "accounts", .doc = "Accounts removed by their users."),
};

XY_MODULE(register, .about = "Lets users register, change passwords, leave (XEP-0077).",
          XY_STATE_SIZE, XY_START(start), XY_HAND_OVER(hand_over), XY_ADOPT(adopt),
          XY_TABLE(options, options), XY_TABLE(hooks, hooks), XY_TABLE(iqs, iqs),
          XY_TABLE(metrics, metrics));
