/* SPDX-License-Identifier: MIT */
/* What the parts of disco share. */
#ifndef DISCO_H
#define DISCO_H

#define XY_STATE disco
#include <xylem/xylem.h>

struct disco {
    const xy_list contacts;
    struct {
        uint64_t print; /* of what the version string was made from */
        int64_t until_ms;
        char ver[32];
    } caps;
};

/* info.c: the answer at the root, for a host (user NULL) or an account; hooks included. */
void disco_fill(struct disco *self, struct xy_host *host, struct xy_user *user,
                const struct xy_jid *asker, struct xy_node *query);
/* A number that changes when a host's features or addresses do. */
uint64_t disco_print(struct disco *self, struct xy_host *host);

/* contacts.c: XEP-0157 */
void contacts_add(const struct disco *self, struct xy_node *query);
void contacts_check(const struct disco *self, struct xy_diagnostics *to);

/* caps.c: XEP-0115 */
struct xy_str caps_hash(const struct xy_node *query); /* section 5.1, base64 */
#define CAPS_NODE "urn:x-xylem:server"
struct xy_str caps_ver(struct disco *self, struct xy_host *host);

#endif
