/* SPDX-License-Identifier: MIT */
/*
 * Inside xylemctl: finding the server, input, output. Every way a command can go ends in an answer
 * document as the control socket gives it, and one function prints it.
 */
#ifndef XYI_CTL_H
#define XYI_CTL_H

#include "core/server/server.h"

struct xyi_ctl {
    struct xy_str file; /* of the configuration */
    struct xy_str path; /* of the control socket, when given */
    json_t *words;      /* without our own options */
    bool json;
    int socket; /* -1: no server answers */
};

/* The whole program: exit status. */
int xyi_ctl_main(int count, char **words);

/* An answer made here: status, exit code and error text. */
json_t *xyi_ctl_answer(xy_status status, struct xy_str error);
int xyi_ctl_print(const json_t *answer, bool as_json); /* the exit status */

/* XY_ABSENT: nobody listens; XY_DENIED, XY_BROKEN with *error. */
XY_CHECK xy_status xyi_ctl_connect(struct xyi_ctl *ctl, struct xy_str path, struct xy_str *error);
json_t *xyi_ctl_ask(const struct xyi_ctl *ctl, const json_t *request); /* NULL: it hung up */
void xyi_ctl_await_end(const struct xyi_ctl *ctl);

/* What the command reads: NULL when it reads nothing. On failure an error in *error. */
XY_CHECK xy_status xyi_ctl_input(const struct xyi_ctl *ctl, const struct xy_command_row *row,
                                 json_t **input, struct xy_str *error);

/* Without a server, in this process. */
json_t *xyi_ctl_alone(struct xyi_ctl *ctl);

#endif
