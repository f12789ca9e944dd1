/* SPDX-License-Identifier: MIT */
/*
 * Who the client says it is (XEP-0388 2.3). The id must be a UUID of version 4; one that is not
 * is treated as if it were not there, because nothing depends on it that a client could not do
 * without. What is said here is for the account's owner and the administrator only.
 */
#include "modules/sasl2/sasl2.h"

enum { ID_LENGTH = 36, MOST_TEXT = 128 };

struct agent {
    unsigned id, software, device; /* bytes of `text`, in this order */
    char text[];
};
static const struct xy_note kind = {"sasl2.agent", 1, sizeof(struct agent)};

static bool
is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* RFC 4122: version 4, variant 1; in lower case, so that one id has one form. */
static struct xy_str
read_id(struct xy_str text)
{
    if (text.len != ID_LENGTH)
        return XY_NO_STR;
    char *id = xy_temp_alloc(ID_LENGTH + 1);
    for (size_t i = 0; i < ID_LENGTH; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        id[i] = text.at[i];
        if (id[i] >= 'A' && id[i] <= 'F')
            id[i] = (char)(id[i] + ('a' - 'A'));
        if (dash ? id[i] != '-' : !is_hex(id[i]))
            return XY_NO_STR;
    }
    bool variant = id[19] == '8' || id[19] == '9' || id[19] == 'a' || id[19] == 'b';
    return id[14] == '4' && variant ? xy_str_of(id, ID_LENGTH) : XY_NO_STR;
}

/* At most so much of it, whole characters. */
static struct xy_str
read_text(const struct xy_node *agent, const char *name)
{
    const struct xy_node *node = xy_node_child(agent, XY_STR(XY_NS_SASL2), xy_str_from(name));
    struct xy_str text = node ? xy_str_trim(xy_node_text(node)) : XY_NO_STR;
    if (text.len <= MOST_TEXT)
        return text;
    text.len = MOST_TEXT;
    while (text.len && ((unsigned char)text.at[text.len] & 0xc0) == 0x80)
        text.len--;
    return text;
}

static char *
append(char *at, struct xy_str s)
{
    if (s.len)
        memcpy(at, s.at, s.len);
    return at + s.len;
}

void
agent_note(struct xy_stream *stream, const struct xy_node *authenticate)
{
    const struct xy_node *said =
        xy_node_child(authenticate, XY_STR(XY_NS_SASL2), XY_STR("user-agent"));
    xy_stream_note_drop(stream, &kind);
    if (!said)
        return;
    struct xy_str id = read_id(xy_node_attr(said, "id"));
    struct xy_str software = read_text(said, "software"), device = read_text(said, "device");
    struct agent *agent = xy_stream_note_resize(
        stream, &kind, sizeof(*agent) + id.len + software.len + device.len);
    agent->id = (unsigned)id.len;
    agent->software = (unsigned)software.len;
    agent->device = (unsigned)device.len;
    append(append(append(agent->text, id), software), device);
}

xy_status
agent_provide(struct sasl2 *self __attribute__((unused)), struct xy_stream *stream,
              struct xy_user_agent *agent)
{
    *agent = (struct xy_user_agent){0};
    const struct agent *kept = xy_stream_note_find(stream, &kind);
    if (!kept)
        return XY_OK;
    const char *software = kept->text + kept->id, *device = software + kept->software;
    if (kept->id)
        agent->id = xy_temp_str(xy_str_of(kept->text, kept->id));
    if (kept->software)
        agent->software = xy_temp_str(xy_str_of(software, kept->software));
    if (kept->device)
        agent->device = xy_temp_str(xy_str_of(device, kept->device));
    return XY_OK;
}
