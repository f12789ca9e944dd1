/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the sasl2 module share. module.c offers and takes elements, login.c leads
 * from <authenticate/> to <success/>, upgrade.c through the tasks between, agent.c knows who the
 * client is, state.c keeps a login that is under way in a note of the stream.
 */
#ifndef SASL2_H
#define SASL2_H

#define XY_STATE sasl2
#include <xylem/xylem.h>

struct sasl2 {
    const bool upgrade;
    xy_counter upgrades;
};

/* ---- state.c ----------------------------------------------------------------------------- */
enum stage {
    IDLE,     /* nothing is under way */
    EXCHANGE, /* challenged: <response/> is due */
    OFFERED,  /* a task was named: <next/> is due */
    ASKED,    /* and begun: <task-data/> is due */
};
enum { SALT_SIZE = 16 };
/* A login between two elements of the client. */
struct login {
    unsigned char stage;
    bool continued; /* <continue/> has been sent: no second <authenticate/>, whatever follows */
    unsigned char wanted; /* bit 1 << enum xy_hash: keys to be added, the lowest just now */
    unsigned char salt[SALT_SIZE];
    int64_t iterations;
    xy_owner owner;
    unsigned account, element; /* bytes of `text` */
    char text[]; /* the account that was proved, then <authenticate/> as it came */
};
struct login *login_find(struct xy_stream *stream); /* or NULL */
/* Copies both; `account` may be NULL. */
struct login *login_keep(struct xy_stream *stream, enum stage stage,
                         const struct xy_jid *account, const struct xy_node *authenticate);
/* Back to IDLE; what it was about is forgotten. */
void login_end(struct xy_stream *stream);
const struct xy_jid *login_account(const struct login *login);
const struct xy_node *login_element(const struct login *login); /* in the fiber's memory */

/* ---- agent.c ----------------------------------------------------------------------------- */
void agent_note(struct xy_stream *stream, const struct xy_node *authenticate);
xy_status agent_provide(struct sasl2 *self, struct xy_stream *stream,
                        struct xy_user_agent *agent);

/* ---- login.c: what the client says, at the stage it may say it --------------------------- */
void login_begin(struct sasl2 *self, struct xy_stream *stream, const struct xy_node *element);
void login_go_on(struct sasl2 *self, struct xy_stream *stream, const struct xy_node *element);
struct xy_node *login_reply(struct xy_stanza **stanza, const char *name);
void login_refuse(struct xy_stream *stream, const struct xy_sasl_outcome *outcome);
/* <success/> and what goes with it. */
void login_finish(struct xy_stream *stream, const struct xy_node *authenticate,
                  const struct xy_sasl_outcome *outcome);


/* ---- upgrade.c: tasks of XEP-0480 -------------------------------------------------------- */
void upgrade_offer(struct sasl2 *self, struct xy_stream *stream,
                   struct xy_node *authentication);
/* Whether <success/> has to wait because <continue/> has been sent. `outcome` is a success that
 * showed a password. */
bool upgrade_begin(struct sasl2 *self, struct xy_stream *stream,
                   const struct xy_node *authenticate, const struct xy_sasl_outcome *outcome);
void upgrade_next(struct xy_stream *stream, const struct xy_node *element);
void upgrade_data(struct sasl2 *self, struct xy_stream *stream, const struct xy_node *element);

#endif
