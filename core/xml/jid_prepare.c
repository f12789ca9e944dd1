/* SPDX-License-Identifier: MIT */
/*
 * Preparation of JIDs by the stringprep profiles of RFC 6122: nodeprep, nameprep with IDNA2003
 * under the STD3 rules, resourceprep. Invariant: preparing a prepared JID gives the same bytes;
 * a text for which libidn would not is malformed. Code points that Unicode 3.2 did not know
 * pass unchanged (as in a query string of RFC 3454), because people do use them in nicknames.
 * Domains are kept in Unicode form; an A-label that IDNA2003 cannot decode stays as it is. No
 * state: any thread.
 */
#include "core/xml/jid_prepare.h"

#include <arpa/inet.h>
#include <idn-free.h>
#include <idna.h>
#include <stringprep.h>

enum { LOCAL = 1, DOMAIN = 2, RESOURCE = 4 };

/* Which parts take an ASCII character as it is. */
static int
plain_in(unsigned char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
        return LOCAL | DOMAIN | RESOURCE;
    if (c < ' ' || c > '~')
        return 0;
    if (c == '-' || c == '.')
        return LOCAL | DOMAIN | RESOURCE;
    return (c >= 'A' && c <= 'Z') || strchr(" \"&'/:<>@", c) ? RESOURCE : LOCAL | RESOURCE;
}

static bool
all_plain(struct xy_str raw, int part)
{
    for (size_t i = 0; i < raw.len; i++) {
        unsigned char c = (unsigned char)raw.at[i];
        bool letter = (unsigned)(c - 'a') < 26;
        if (!letter && !(plain_in(c) & part))
            return false;
    }
    return true;
}

static bool
label_is_plain(struct xy_str label)
{
    return label.len > 0 && label.len <= 63 && label.at[0] != '-' &&
           label.at[label.len - 1] != '-' && !xy_str_starts(label, XY_STR("xn--"));
}

static bool
domain_is_plain(struct xy_str raw)
{
    if (!all_plain(raw, DOMAIN))
        return false;
    while (raw.at) {
        if (!label_is_plain(xy_str_cut(&raw, '.')))
            return false;
    }
    return true;
}

static bool
prepare_by(const Stringprep_profile *profile, struct xy_str raw, char out[XYI_PART_MOST + 1])
{
    if (raw.len > XYI_PART_MOST || memchr(raw.at, '\0', raw.len))
        return false;
    memcpy(out, raw.at, raw.len);
    out[raw.len] = '\0';
    return stringprep(out, XYI_PART_MOST + 1, 0, profile) == STRINGPREP_OK;
}

/* "[2001:DB8::1]": its shortest form, lower case (RFC 5952). */
static bool
prepare_address(char out[XYI_PART_MOST + 1])
{
    struct in6_addr address;
    size_t len = strlen(out);
    if (len < 2 || out[len - 1] != ']')
        return false;
    out[len - 1] = '\0';
    if (inet_pton(AF_INET6, out + 1, &address) != 1 ||
        !inet_ntop(AF_INET6, &address, out + 1, XYI_PART_MOST - 2))
        return false;
    strcat(out, "]");
    return true;
}

static bool
prepare_domain(struct xy_str raw, char out[XYI_PART_MOST + 1])
{
    if (!prepare_by(stringprep_nameprep, raw, out))
        return false;
    if (out[0] == '[')
        return prepare_address(out);
    const int rules = IDNA_ALLOW_UNASSIGNED | IDNA_USE_STD3_ASCII_RULES;
    char *ascii = NULL, *unicode = NULL;
    bool good = idna_to_ascii_8z(out, &ascii, rules) == IDNA_SUCCESS &&
                idna_to_unicode_8z8z(ascii, &unicode, rules) == IDNA_SUCCESS;
    size_t len = good ? strlen(unicode) : 0;
    if (len && unicode[len - 1] == '.') /* the root's dot, RFC 6122 2.2 */
        len--;
    good = len > 0 && len <= XYI_PART_MOST;
    if (good) {
        memcpy(out, unicode, len);
        out[len] = '\0';
    }
    idn_free(ascii);
    idn_free(unicode);
    return good;
}

static bool
prepare_once(char part, struct xy_str raw, char out[XYI_PART_MOST + 1])
{
    if (raw.len == 0)
        return false;
    bool good = part == 'd'   ? prepare_domain(raw, out)
                : part == 'l' ? prepare_by(stringprep_xmpp_nodeprep, raw, out)
                              : prepare_by(stringprep_xmpp_resourceprep, raw, out);
    return good && out[0] != '\0';
}

bool
xyi_jid_part_slow(char part, struct xy_str raw, char out[XYI_PART_MOST + 1], size_t *len)
{
    char again[XYI_PART_MOST + 1];
    if (!prepare_once(part, raw, out))
        return false;
    *len = strlen(out);
    return prepare_once(part, xy_str_of(out, *len), again) && strcmp(out, again) == 0;
}

static bool
prepare(char part, struct xy_str raw, char out[XYI_PART_MOST + 1], size_t *len)
{
    bool plain = part == 'd'   ? domain_is_plain(raw)
                 : part == 'l' ? all_plain(raw, LOCAL)
                               : all_plain(raw, RESOURCE);
    if (!plain)
        return xyi_jid_part_slow(part, raw, out, len);
    if (raw.len == 0 || raw.len > XYI_PART_MOST)
        return false;
    memcpy(out, raw.at, raw.len);
    out[raw.len] = '\0';
    *len = raw.len;
    return true;
}

bool
xyi_jid_cut(struct xy_str text, struct xyi_jid_raw *raw)
{
    struct xy_str resource = text;
    struct xy_str domain = xy_str_cut(&resource, '/');
    struct xy_str local = XY_NO_STR;
    if (domain.len && memchr(domain.at, '@', domain.len))
        local = xy_str_cut(&domain, '@');
    *raw = (struct xyi_jid_raw){local, domain, resource};
    return domain.len && (!local.at || local.len) && (!resource.at || resource.len);
}

bool
xyi_jid_compose(const struct xyi_jid_raw *raw, struct xyi_jid_text *out)
{
    size_t at = 0;
    if (raw->local.len) {
        if (!prepare('l', raw->local, out->text, &at))
            return false;
        out->text[at++] = '@';
    }
    out->domain_at = at;
    if (!prepare('d', raw->domain, out->text + at, &out->domain_len))
        return false;
    at += out->domain_len;
    out->resource_at = 0;
    if (raw->resource.len) {
        out->text[at++] = '/';
        out->resource_at = at;
        size_t len;
        if (!prepare('r', raw->resource, out->text + at, &len))
            return false;
        at += len;
    }
    out->len = at;
    return true;
}

static xy_status
prepared_in_fiber(const struct xyi_jid_raw *raw, struct xy_str *prepared)
{
    struct xyi_jid_text composed;
    if (!xyi_jid_compose(raw, &composed))
        return XY_INVALID;
    *prepared = xy_temp_str(xy_str_of(composed.text, composed.len));
    return XY_OK;
}

xy_status
xyi_jid_prepare(struct xy_str text, struct xy_str *prepared)
{
    return prepared_in_fiber(&(struct xyi_jid_raw){.domain = text}, prepared);
}

xy_status
xyi_jid_normalize(struct xy_str text, struct xy_str *prepared)
{
    struct xyi_jid_raw raw;
    return xyi_jid_cut(text, &raw) ? prepared_in_fiber(&raw, prepared) : XY_INVALID;
}
