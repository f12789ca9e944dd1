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

int64_t now_us(void);
/* The settings by option: for getopt_long(), and what it found; false: not one of them. */
#define CLIENT_OPTIONS                                                                \
    {"address", 1, NULL, 'a'}, {"port", 1, NULL, 'p'}, {"domain", 1, NULL, 'd'},      \
        {"prefix", 1, NULL, 'x'}, {"password", 1, NULL, 'w'},                         \
        {"mechanism", 1, NULL, 'c'}, {"tls", 1, NULL, 't'}
bool client_option(int letter, const char *value);
bool clients_init(int count); /* false, with a word on stderr: too few descriptors */
void clients_poll(int wait_ms);
/* Connects and logs in by itself; on_ready and on_bytes are called as it goes. */
void client_open(struct client *client, int number);
void client_close(struct client *client);
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
