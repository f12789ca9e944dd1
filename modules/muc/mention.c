/* SPDX-License-Identifier: MIT */
/* Whether a message speaks of somebody: by nick, as a word, or by a reference (XEP-0372). */
#include "modules/muc/unread.h"

/* ---- by nick
 * --------------------------------------------------------------------------------------- */

/* Letters of any script: beyond ASCII everything counts as one. */
static bool
is_letter(char byte)
{
    unsigned char c = (unsigned char)byte;
    return c >= 0x80 || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
}

static char
lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static bool
is_at(struct xy_str text, size_t at, struct xy_str word)
{
    for (size_t i = 0; i < word.len; i++)
        if (lower(text.at[at + i]) != lower(word.at[i]))
            return false;
    return true;
}

static bool
has_word(struct xy_str text, struct xy_str word)
{
    for (size_t at = 0; word.len && at + word.len <= text.len; at++) {
        size_t end = at + word.len;
        if (lower(text.at[at]) != lower(word.at[0]) || !is_at(text, at, word))
            continue;
        bool begins = at == 0 || !is_letter(text.at[at - 1]) || !is_letter(word.at[0]);
        bool ends =
            end == text.len || !is_letter(text.at[end]) || !is_letter(word.at[word.len - 1]);
        if (begins && ends)
            return true;
    }
    return false;
}

/* ---- by reference
 * ---------------------------------------------------------------------------------- */

static int
digit(char byte)
{
    char c = lower(byte);
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 5122: xmpp:juliet@example.org?…, with %-escapes. */
static const struct xy_jid *
jid_of(struct xy_str uri)
{
    struct xy_str scheme = xy_str_cut(&uri, ':');
    struct xy_str text = xy_str_cut(&uri, '?');
    struct xy_buffer jid = {0};
    if (!xy_str_is(scheme, "xmpp"))
        return NULL;
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.at[i];
        if (byte == '%' && i + 2 < text.len && digit(text.at[i + 1]) >= 0 &&
            digit(text.at[i + 2]) >= 0) {
            byte = (char)(digit(text.at[i + 1]) * 16 + digit(text.at[i + 2]));
            i += 2;
        }
        xy_buffer_add(&jid, xy_str_of(&byte, 1));
    }
    return jid.len ? xy_jid_parse(xy_buffer_str(&jid)) : NULL;
}

static bool
refers_to(const struct xy_stanza *message, const struct xy_node *reference,
          const struct member *member)
{
    const struct xy_jid *jid = jid_of(xy_node_attr(reference, "uri"));
    if (!jid || !xy_str_is(xy_node_attr(reference, "type"), "mention"))
        return false;
    if (xy_jid_bare(jid) == member->jid)
        return true;
    return xy_jid_bare(jid) == xy_jid_bare(xy_stanza_from(message)) && member->nick.len &&
           xy_str_equal(xy_jid_resource(jid), member->nick);
}

bool
muc_is_mentioned(const struct xy_stanza *message, const struct member *member)
{
    struct xy_str reference = XY_STR("urn:xmpp:reference:0");
    const struct xy_node *at = xy_node_first(xy_stanza_root(message));
    for (; at; at = xy_node_next(at)) {
        if (xy_node_is(at, reference, XY_STR("reference")) && refers_to(message, at, member))
            return true;
        if (xy_node_is(at, XY_STR(XY_NS_CLIENT), XY_STR("body")) &&
            has_word(xy_node_text(at), member->nick))
            return true;
    }
    return false;
}
