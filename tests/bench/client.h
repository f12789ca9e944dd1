/* SPDX-License-Identifier: MIT */
/*
 * A cheap XMPP client for load: one epoll loop, thousands of connections, any server. It scans
 * for the few markers it needs instead of parsing, so that the generator is not what is
 * measured.
 */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum client_tls { CLIENT_PLAIN, CLIENT_STARTTLS, CLIENT_DIRECT };
enum client_stage {
    CLIENT_CONNECTING,
    CLIENT_HEADER,
    CLIENT_PROCEED,
    CLIENT_HANDSHAKE,
    CLIENT_AUTH_HEADER,
    CLIENT_CHALLENGE,
    CLIENT_SUCCESS,
    CLIENT_BIND_HEADER,
    CLIENT_BINDING,
    CLIENT_READY,
    CLIENT_DEAD,
};

struct settings {
    const char *address, *domain, *prefix, *password, *mechanism;
    int port;
    enum client_tls tls;
    bool presence;
};
extern struct settings settings;

struct client {
    int fd, number;
    enum client_stage stage;
    bool wants_write;
    gnutls_session_t tls;
    char *in, *out;
    size_t in_len, in_size, out_len, out_size, out_at;
    char nonce[32];
    char *first_bare;
    int64_t started_us, read_us;
    /* chat: what the mode keeps */
    uint64_t sent, received;
    unsigned waiting;
    bool touched;
};

extern int client_epoll;
int64_t now_us(void);
void clients_init(void);
/* Connects and logs in by itself; on_ready and on_bytes are called as it goes. */
void client_open(struct client *client, int number);
void client_close(struct client *client);
void client_event(struct client *client, uint32_t events);
void client_send(struct client *client, const char *bytes,
                 size_t len); /* queues; flush sends */
void client_printf(struct client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void client_flush(struct client *client);

/* The mode's. client_bytes gets the unread input of a ready client and returns how much it
 * used. */
void client_ready(struct client *client);
size_t client_bytes(struct client *client, char *at, size_t len);
void client_lost(struct client *client, const char *why);

#endif
