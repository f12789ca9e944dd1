/* SPDX-License-Identifier: MIT */
/* The parts of a JID between the preparation and the table. */
#ifndef XYI_JID_PREPARE_H
#define XYI_JID_PREPARE_H

#include "core/xml/xml.h"

enum {
    XYI_PART_MOST = 1023,                 /* bytes of a prepared part, RFC 6122 2.1 */
    XYI_JID_MOST = 3 * XYI_PART_MOST + 2, /* with '@' and '/' */
};

struct xyi_jid_raw {
    struct xy_str local, domain, resource; /* local and resource may be absent */
};
/* Cuts at the first '/', then at the first '@' before it. False when a separator stands beside
 * nothing. */
bool xyi_jid_cut(struct xy_str text, struct xyi_jid_raw *raw);

/* The whole prepared JID, NUL behind it. `domain_at` and `resource_at` are offsets; 0 for no
 * local part or resource. */
struct xyi_jid_text {
    size_t len, domain_at, domain_len, resource_at;
    char text[XYI_JID_MOST + 1];
};
/* False when a part is malformed. Any thread. */
bool xyi_jid_compose(const struct xyi_jid_raw *raw, struct xyi_jid_text *out);

/* One part by libidn alone, without the short cut for plain ASCII: `part` is 'l', 'd' or 'r'.
 * For the test that the short cut gives the same. */
bool xyi_jid_part_slow(char part, struct xy_str raw, char out[XYI_PART_MOST + 1], size_t *len);

#endif
