/* SPDX-License-Identifier: MIT */
/*
 * A server in small on the network layer, and clients with real sockets that talk to it from a
 * thread. The logic side answers <auth/>, <starttls/> and echoes messages; what it hears is
 * written down as one word per event. NET_TEST(name) makes two cases: with io_threads 0 and 2.
 */
#ifndef XY_NET_WORLD_H
#define XY_NET_WORLD_H

#include "tests/unit/harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/socket.h>
#include "core/fiber/fiber_internal.h"
#include "core/net/net.h"

#define HEADER                                                   \
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' " \
    "xmlns:stream='http://etherx.jabber.org/streams' to='a.example' version='1.0'>"
#define ANSWER                              \
    "<stream:stream xmlns='jabber:client' " \
    "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
#define FOOTER "</stream:stream>"

enum { MOST_LINKS = 600, WAIT_MS = 20000 };

/* What the logic side knows of one connection. */
struct visitor {
    struct xyi_link *link; /* NULL: ended */
    char heard[4096];      /* "opened header stanza …" */
    char condition[64];    /* of `failed` */
    unsigned stanzas, unhandled, most_unhandled;
    uint64_t confirmed;
    int64_t silent_ms;
    char tls[32], sni[64];
    unsigned char exporter[32], end_point[64];
    size_t exporter_len, end_point_len;
    bool ended;
};

static struct world { /* the logic thread's, but for what says otherwise */
    struct visitor visitors[MOST_LINKS];
    unsigned opened, ended;
    bool keep_waiting;  /* before login: no xyi_link_continue() */
    bool keep_handling; /* no xyi_link_handled() */
    bool keep_closing;  /* no answer to </stream:stream> and errors */
    struct xyi_net_limits limits;
    struct xyi_tls *tls;
    struct xyi_listener *listener;
    uint16_t port; /* both */
    bool done;
    char folder[64];
} world;

/* ---- the logic side ------------------------------------------------------------------------
 */

static struct visitor *
visitor_of(struct xyi_link *link, const char *word)
{
    struct visitor *visitor = xyi_link_owner(link);
    CHECK(visitor && visitor->link == link && !visitor->ended);
    size_t len = strlen(visitor->heard), more = strlen(word);
    if (len + more + 2 < sizeof(visitor->heard)) {
        if (len)
            visitor->heard[len++] = ' ';
        memcpy(visitor->heard + len, word, more + 1);
    }
    return visitor;
}

static void
world_opened(struct xyi_link *link)
{
    CHECK(world.opened < MOST_LINKS);
    struct visitor *visitor = &world.visitors[world.opened++];
    visitor->link = link;
    xyi_link_set_owner(link, visitor);
    visitor_of(link, "opened");
}

static void
world_header(struct xyi_link *link, const struct xyi_stream_header *header)
{
    visitor_of(link, "header");
    CHECK_STR(header->default_ns, "jabber:client");
    CHECK_STR(header->name_ns, "http://etherx.jabber.org/streams");
    CHECK_STR(header->version, "1.0");
    xyi_link_write(link, XY_STR(ANSWER));
    if (!world.keep_waiting)
        xyi_link_continue(link);
}

static void
world_starttls(struct xyi_link *link)
{
    xyi_link_write(link, XY_STR("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"));
    xyi_link_starttls(link);
}

static void
world_login(struct xyi_link *link)
{
    xyi_link_write(link, XY_STR("<success/>"));
    xyi_link_authenticated(link);
    xyi_link_restart(link);
}

static void
world_stanza(struct xyi_link *link, struct xy_stanza *stanza)
{
    struct visitor *visitor = visitor_of(link, "stanza");
    visitor->stanzas++;
    visitor->unhandled++;
    if (visitor->unhandled > visitor->most_unhandled)
        visitor->most_unhandled = visitor->unhandled;
    const struct xy_node *root = xy_stanza_root(stanza);
    if (xy_node_is(root, XY_STR("urn:ietf:params:xml:ns:xmpp-tls"), XY_STR("starttls"))) {
        world_starttls(link);
    } else if (xy_node_is(root, XY_NO_STR, XY_STR("auth"))) {
        world_login(link);
    } else {
        xyi_stanza_freeze(stanza);
        xyi_link_send(link, stanza, NULL);
        if (!world.keep_waiting)
            xyi_link_continue(link);
    }
    xy_stanza_drop(stanza);
    if (!world.keep_handling) {
        visitor->unhandled--;
        xyi_link_handled(link);
    }
}

static void
world_secured(struct xyi_link *link)
{
    struct visitor *visitor = visitor_of(link, "secured");
    CHECK(xyi_link_is_secure(link));
    struct xy_str sni = xyi_link_sni(link);
    snprintf(visitor->tls, sizeof(visitor->tls), XY_FMT, XY_ARG(xyi_link_tls_name(link)));
    snprintf(visitor->sni, sizeof(visitor->sni), XY_FMT, XY_ARG(sni));
    struct xy_str exporter = xyi_link_channel_binding(link, XY_STR("tls-exporter"));
    struct xy_str end_point = xyi_link_channel_binding(link, XY_STR("tls-server-end-point"));
    CHECK(!xyi_link_channel_binding(link, XY_STR("tls-unique")).at);
    CHECK(exporter.len <= 32 && end_point.len <= 64);
    visitor->exporter_len = exporter.len;
    visitor->end_point_len = end_point.len;
    memcpy(visitor->exporter, exporter.at ? exporter.at : "", exporter.len);
    memcpy(visitor->end_point, end_point.at ? end_point.at : "", end_point.len);
}

static void
world_closing(struct xyi_link *link)
{
    visitor_of(link, "closing");
    if (!world.keep_closing)
        xyi_link_close(link, XY_STR(FOOTER));
}

static void
world_failed(struct xyi_link *link, const char *condition, struct xy_str text)
{
    struct visitor *visitor = visitor_of(link, "failed");
    CHECK(text.len < 500);
    snprintf(visitor->condition, sizeof(visitor->condition), "%s", condition);
    if (!world.keep_closing)
        xyi_link_close(link, XY_STR("<stream:error/>" FOOTER));
}

static void
world_idle(struct xyi_link *link, int64_t silent_ms)
{
    visitor_of(link, "idle")->silent_ms = silent_ms;
}

static void
world_confirmed(struct xyi_link *link, uint64_t mark)
{
    struct visitor *visitor = visitor_of(link, "confirmed");
    CHECK(mark > visitor->confirmed);
    visitor->confirmed = mark;
}

static void
world_ended(struct xyi_link *link)
{
    struct visitor *visitor = visitor_of(link, "ended");
    visitor->ended = true;
    visitor->link = NULL;
    world.ended++;
}

static const struct xyi_link_events world_events = {
    .opened = world_opened,
    .header = world_header,
    .stanza = world_stanza,
    .secured = world_secured,
    .closing = world_closing,
    .failed = world_failed,
    .idle = world_idle,
    .confirmed = world_confirmed,
    .ended = world_ended,
};

/* ---- running it -----------------------------------------------------------------------------
 */

static const struct xyi_net_limits no_limits = {
    .stanza_bytes_before = 65536,
    .stanza_bytes = 262144,
    .depth = 64,
    .attributes = 64,
    .children = 10000,
    .connections_per_address = XY_NONE,
    .connections = XY_NONE,
    .output_bytes = XY_NONE,
    .output_stalled_ms = XY_NONE,
    .stanza_rate_milli = XY_NONE,
    .stanza_burst = XY_NONE,
    .byte_rate = XY_NONE,
    .byte_burst = XY_NONE,
    .idle_ms = XY_NONE,
    .queued = 64,
};

static inline void
world_open(const char *address, enum xyi_listen_tls tls)
{
    struct xyi_listen listen = {.address = xy_str_from(address), .tls = tls, .tag = 7};
    struct xy_str error = XY_NO_STR;
    world.listener = xyi_listener_open(&listen, &error);
    CHECK(world.listener != NULL);
    world.port = xyi_listener_port(world.listener);
}

static void
world_start(unsigned io_threads, enum xyi_listen_tls tls)
{
    xyi_temp_set(xyi_arena_new(1024));
    if (!world.limits.stanza_bytes)
        world.limits = no_limits;
    xyi_loop_init();
    xyi_fibers_init((struct xyi_fiber_limits){.stack_bytes = 256 * 1024, .most = 100});
    xyi_jids_init();
    xyi_net_start(io_threads, &world_events);
    xyi_net_configure(&world.limits, world.tls);
    world_open("127.0.0.1", tls);
    xyi_listener_accept(world.listener);
}

struct errand {
    struct xyi_mail mail;
    void (*run)(void *argument);
    void *argument;
    sem_t done;
};

static void
errand_open(struct xyi_mail *mail)
{
    struct errand *errand = (struct errand *)(void *)mail;
    errand->run(errand->argument);
    sem_post(&errand->done);
}

/* From the client's thread: runs fn on the logic thread and waits for it. */
static inline void
on_logic(void (*run)(void *argument), void *argument)
{
    struct errand errand = {.mail.open = errand_open, .run = run, .argument = argument};
    sem_init(&errand.done, 0, 0);
    xyi_inbox_post(&xyi_logic_inbox, &errand.mail);
    while (sem_wait(&errand.done) != 0)
        ;
    sem_destroy(&errand.done);
}

struct question {
    bool (*holds)(void *argument);
    void *argument;
    bool answer;
};

static void
question_ask(void *argument)
{
    struct question *question = argument;
    question->answer = question->holds(question->argument);
}

/* From the client's thread: until it holds on the logic thread; a turn has passed in between.
 */
static inline void
until(bool (*holds)(void *argument), void *argument)
{
    int64_t end_us = xyi_clock_real_us() + WAIT_MS * 1000;
    for (;;) {
        struct question question = {holds, argument, false};
        on_logic(question_ask, &question);
        if (question.answer)
            return;
        CHECK(xyi_clock_real_us() < end_us);
        poll(NULL, 0, 1);
    }
}

static bool
has_heard(void *argument)
{
    return strcmp(world.visitors[0].heard, argument) == 0;
}

/* What the first visitor's logic side heard, in all and in that order. */
static inline void
until_heard(const char *words)
{
    until(has_heard, (void *)(uintptr_t)words);
}

static bool
has_ended(void *argument)
{
    return world.ended >= *(unsigned *)argument;
}

static inline void
until_ended(unsigned links)
{
    until(has_ended, &links);
}

static void
client_done(void *argument)
{
    (void)argument;
    world.done = true;
}

static void *
client_thread(void *argument)
{
    void (*client)(void) = *(void (**)(void))argument;
    client();
    on_logic(client_done, NULL);
    return NULL;
}

static void
world_stop(void)
{
    if (world.listener)
        xyi_listener_close(world.listener);
    xyi_net_stop();
    CHECK_EQ(world.ended, world.opened);
    xyi_tls_drop(world.tls);
    xyi_inbox_open_all(&xyi_logic_inbox); /* JIDs that I/O threads dropped */
    xyi_fibers_end();
    xyi_timers_end();
    xyi_jids_end();
    xyi_loop_end();
    xyi_arena_free(xyi_temp());
    xyi_temp_set(NULL);
}

static void
world_run(unsigned io_threads, enum xyi_listen_tls tls, void (*client)(void))
{
    world_start(io_threads, tls);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, client_thread, &client) == 0);
    while (!world.done)
        xyi_loop_turn();
    pthread_join(thread, NULL);
    world_stop();
}

/* Two cases: the scenario gets io_threads. */
#define NET_TEST(name)                                \
    static void scenario_##name(unsigned io_threads); \
    TEST(name##_in_one_loop)                          \
    {                                                 \
        scenario_##name(0);                           \
    }                                                 \
    TEST(name##_with_threads)                         \
    {                                                 \
        scenario_##name(2);                           \
    }                                                 \
    static void scenario_##name(unsigned io_threads)

/* ---- a client
 * -------------------------------------------------------------------------------- */

struct client {
    int fd;
    gnutls_session_t tls;
    gnutls_certificate_credentials_t credentials;
    char got[1 << 17];
    size_t len;
};

static struct client *
client_connect(void)
{
    struct client *client = xyi_alloc(sizeof(*client));
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(world.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CHECK(connect(client->fd, (struct sockaddr *)&to, sizeof(to)) == 0);
    struct timeval patience = {.tv_sec = WAIT_MS / 1000};
    setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    const int yes = 1;
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    return client;
}

static inline void
client_send_bytes(struct client *client, const char *at, size_t len)
{
    while (len) {
        ssize_t sent = client->tls ? gnutls_record_send(client->tls, at, len)
                                   : send(client->fd, at, len, MSG_NOSIGNAL);
        CHECK(sent > 0);
        at += sent;
        len -= (size_t)sent;
    }
}

static inline void
client_send(struct client *client, const char *text)
{
    client_send_bytes(client, text, strlen(text));
}

/* 0: the end, however it came. */
static inline size_t
client_read(struct client *client)
{
    CHECK(client->len + 1 < sizeof(client->got));
    size_t room = sizeof(client->got) - client->len - 1;
    char *at = client->got + client->len;
    errno = 0;
    ssize_t got =
        client->tls ? gnutls_record_recv(client->tls, at, room) : recv(client->fd, at, room, 0);
    while (client->tls && got == GNUTLS_E_AGAIN && errno != EAGAIN) /* after a key update */
        got = gnutls_record_recv(client->tls, at, room);
    bool gave_up = client->tls ? got == GNUTLS_E_AGAIN : got < 0 && errno == EAGAIN;
    CHECK(!gave_up);
    if (got <= 0)
        return 0;
    client->len += (size_t)got;
    client->got[client->len] = '\0';
    return (size_t)got;
}

/* Reads until `text` has come, and forgets everything up to its end. */
static inline void
client_expect(struct client *client, const char *text)
{
    char *found;
    while (!(found = strstr(client->got, text))) {
        if (!client_read(client)) {
            fprintf(stderr, "the end instead of %s after %s\n", text, client->got);
            harness_fail(__FILE__, __LINE__, "closed");
        }
    }
    found += strlen(text);
    client->len -= (size_t)(found - client->got);
    memmove(client->got, found, client->len + 1);
}

static inline void
client_expect_end(struct client *client)
{
    while (client_read(client))
        ;
}

static inline void
client_close(struct client *client)
{
    if (client->tls)
        gnutls_deinit(client->tls);
    if (client->credentials)
        gnutls_certificate_free_credentials(client->credentials);
    close(client->fd);
    xyi_free(client);
}

static inline void
client_login(struct client *client)
{
    client_send(client, HEADER);
    client_expect(client, ANSWER);
    client_send(client, "<auth xmlns='urn:test'/>");
    client_expect(client, "<success/>");
    client_send(client, HEADER);
    client_expect(client, ANSWER);
}

static inline struct client *
client_session(void)
{
    struct client *client = client_connect();
    client_login(client);
    return client;
}

#endif
