/* SPDX-License-Identifier: MIT */
/*
 * Sessions in rooms: who is where, what each of them may get, and that it came once, in order and
 * from whom it says. Session c is in the rooms c % stride + k * stride, k < rooms_each, so that each
 * room has the same number of occupants and two sessions share no more rooms than they must. An
 * occupant's nick is the number of his session.
 */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#include "client.h"

struct crowd {
    int sessions, rooms, rooms_each; /* given */
    int stride, occupants;           /* follow; occupants of one room */
    const char *service, *tag;       /* rooms are called tagNNNNNN@service */
    int body_bytes;
    const char *mishear; /* one delivery as lost, doubled, or another's; NULL: none */
    /* what came, of all sessions */
    uint64_t entered, presences, subjects, configured, left, deliveries, faults;
    uint64_t sent;
    bool leaving;
};
extern struct crowd crowd;

/* False, with a word on stderr: the numbers do not divide. */
bool crowd_init(void);
int crowd_room(const struct client *client, int k);
int crowd_member(int room, int slot); /* the session */
void crowd_enter(struct client *client, int room);
void crowd_configure(struct client *client, int room); /* as it is: an instant room */
void crowd_leave(struct client *client, int room);
void crowd_speak(struct client *client); /* in his next room */
void crowd_fault(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The program's. */
void crowd_has_entered(struct client *client, int room);    /* his own presence has come */
void crowd_has_subject(struct client *client, int room);    /* … and the subject: the join is over */
void crowd_has_configured(struct client *client);
void crowd_has_left(struct client *client, int room);
void crowd_has_reflected(struct client *client); /* his own message has come back */

#endif
