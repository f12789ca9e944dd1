/* SPDX-License-Identifier: MIT */
/* Between finding a proof and writing it down. */
#ifndef AUDIT_PROVE_H
#define AUDIT_PROVE_H

#include "audit.h"

struct proof {
    bool of_message;
    struct xy_evidence evidence;
    struct batch batch;
    int64_t at; /* of the message in its batch */
    struct hash *path;
    unsigned path_len;
    struct record record;
    struct head head;
    struct xy_str text; /* what became of --text */
};

/* As field `document` of the answer. */
XY_SUSPENDS xy_status audit_put_proof(struct xy_command *command, const struct proof *proof);

#endif
