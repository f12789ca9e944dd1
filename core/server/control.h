/* SPDX-License-Identifier: MIT */
/* Between the two files of the control socket: the socket itself, and its clients. */
#ifndef XYI_CONTROL_H
#define XYI_CONTROL_H

#include "core/server/server.h"

struct xyi_client {
    struct xyi_link_node in_all;
    struct xyi_job job;
    struct xyi_watch *watch;
    int fd;
    bool busy, hung_up;
    void *fiber; /* that carries out its request */
    char *in;
    size_t in_len, in_size;
    char *out;
    size_t out_at, out_len;
};

struct xyi_control { /* logic thread */
    int fd;
    struct xyi_watch *watch;
    struct xy_str path;
    struct xyi_link_node clients;
    unsigned count, busy;
    bool closing;
    struct xyi_wait idle; /* closing: nobody is busy any more */
};
extern struct xyi_control xyi_control;

void xyi_client_new(int fd);
void xyi_client_unwatch(struct xyi_client *client);
void xyi_client_free(struct xyi_client *client); /* leaves its descriptor open */

#endif
