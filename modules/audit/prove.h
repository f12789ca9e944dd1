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
    struct tree_proof ranges; /* from the record to the root of the head */
    struct hash log_path[TREE_PROOF];
    struct xy_str text; /* what became of --text */
};

/* From `record` and `head`. XY_BROKEN: the record as it is now is not what the head is over. */
XY_SUSPENDS XY_CHECK xy_status audit_find_path(struct proof *proof);
/* As field `document` of the answer. */
void audit_put_proof(struct xy_command *command, const struct proof *proof);

#endif
