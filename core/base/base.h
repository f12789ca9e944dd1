/* SPDX-License-Identifier: MIT */
/*
 * The core's own ground floor: memory, arenas, lists, inboxes, the injected clock, deferred
 * reclaim. Depends on nothing but libc. Functions of the core that modules must not see are named
 * xyi_ and carry the version node XYLEM_PRIVATE.
 */
#ifndef XYI_BASE_H
#define XYI_BASE_H

#include <stdatomic.h>
#include <xylem/clock.h>
#include <xylem/log.h>
#include <xylem/memory.h>
#include <xylem/metric.h>
#include <xylem/status.h>
#include <xylem/str.h>

/* For thread-local variables: reached without a call, because the library is there from the start. */
#define XYI_TLS __attribute__((tls_model("initial-exec")))

/* ---- heap: zeroed; ends the process when there is none. Thread-safe. -------------------------- */
void *xyi_alloc(size_t size);
void *xyi_resize(void *block, size_t size); /* new bytes are not zeroed */
void xyi_free(const void *block);
struct xy_str xyi_str_copy(struct xy_str s); /* NUL behind it; free .at */

/* ---- arena: bump allocation, freed at once. One thread at a time. ----------------------------- */
struct xyi_arena; /* first chunk `first` bytes, then doubling up to 16 KiB */
struct xyi_arena *xyi_arena_new(size_t first);
void *xyi_arena_alloc(struct xyi_arena *arena, size_t size); /* zeroed, 16-aligned */
void *xyi_arena_take(struct xyi_arena *arena, size_t size);  /* the same, not zeroed */
struct xy_str xyi_arena_str(struct xyi_arena *arena, struct xy_str s);
struct xy_str xyi_arena_printf(struct xyi_arena *arena, const char *format, ...) XY_PRINTF(2, 3);
struct xy_str xyi_arena_vprintf(struct xyi_arena *arena, const char *format, va_list arguments) XY_PRINTF(2, 0);
void xyi_arena_reset(struct xyi_arena *arena); /* empties it, keeps the first chunk */
void xyi_arena_free(struct xyi_arena *arena);  /* NULL is fine */
/* Runs release(object) when the arena is reset or freed, last first: for things an arena owns but
 * does not hold (a stanza reference, another arena). */
void xyi_arena_defer(struct xyi_arena *arena, void (*release)(void *object), void *object);
/* The running fiber's arena, behind xy_temp_*. Set by the scheduler; a thread outside any fiber
 * (tests, tools) sets its own. Thread-local. */
struct xyi_arena *xyi_temp(void);
void xyi_temp_set(struct xyi_arena *arena);

/* ---- intrusive doubly linked list, circular with a head ---------------------------------------- */
struct xyi_link_node {
    struct xyi_link_node *next, *prev;
};
#define XYI_LIST_OF(node, type, field) ((type *)(void *)((char *)(node)-offsetof(type, field)))
static inline void
xyi_list_init(struct xyi_link_node *head)
{
    head->next = head->prev = head;
}
static inline bool
xyi_list_empty(const struct xyi_link_node *head)
{
    return head->next == head;
}
static inline void
xyi_list_append(struct xyi_link_node *head, struct xyi_link_node *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}
static inline void
xyi_list_remove(struct xyi_link_node *node) /* safe on a node removed before */
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = node->prev = node;
}

/* ---- inbox: how threads talk. Many producers, one consumer, FIFO per producer. ----------------- */
/* An intrusive stack pushed by one CAS and taken by one exchange. Only a sleeping consumer is woken
 * (eventfd, edge-triggered, never read). */
struct xyi_mail {
    struct xyi_mail *next;
    void (*open)(struct xyi_mail *mail); /* runs on the consumer's thread; owns the mail */
};
struct xyi_inbox {
    _Atomic(struct xyi_mail *) top;
    atomic_bool asleep;
    int fd; /* the consumer polls it for input, EPOLLET */
};
void xyi_inbox_init(struct xyi_inbox *inbox);
void xyi_inbox_close(struct xyi_inbox *inbox);
void xyi_inbox_post(struct xyi_inbox *inbox, struct xyi_mail *mail);
/* first … last linked by next, in order of sending. */
void xyi_inbox_post_chain(struct xyi_inbox *inbox, struct xyi_mail *first, struct xyi_mail *last);
size_t xyi_inbox_open_all(struct xyi_inbox *inbox); /* consumer: opens what is there, returns how many */
bool xyi_inbox_may_sleep(struct xyi_inbox *inbox);  /* consumer: sets asleep; false when mail came in */
void xyi_inbox_awake(struct xyi_inbox *inbox);
extern struct xyi_inbox xyi_logic_inbox; /* everything for the logic thread */

/* ---- clock ------------------------------------------------------------------------------------- */
/* A test clock: both clocks stand still from now on and move only by xyi_clock_advance(). */
void xyi_clock_freeze(int64_t wall_ms);
void xyi_clock_advance(int64_t ms);
bool xyi_clock_is_frozen(void);
int64_t xyi_clock_real_us(void); /* monotonic, never frozen: for measuring */
#define XYI_TIME_SIZE sizeof("2026-11-21T08:00:00.123Z")
void xyi_time_write(int64_t ms, char out[XYI_TIME_SIZE]); /* xy_time_format() without a fiber */
/* On a thread that calls this once per turn of its loop, xy_now_ms() and xy_monotonic_ms() stand
 * still within the turn; on others they ask the system each time. */
void xyi_clock_turn(void);

/* ---- log ----------------------------------------------------------------------------------------- */
enum xyi_log_format { XYI_LOG_TEXT, XYI_LOG_JSON };
/* file absent: standard error. Thread-safe; reopens the file, so a reload rotates. XY_BROKEN keeps the old. */
XY_CHECK xy_status xyi_log_configure(enum xy_level level, enum xyi_log_format format, struct xy_str file);
/* Lines below error are limited to 20 a second for each event; one more then says how many were
 * left out. It is written with the next line of any kind, or by this call (once per turn). */
void xyi_log_tick(void);
/* Fields every line of the running fiber gets; set by the scheduler and stream code. Thread-local. */
struct xyi_log_scope {
    struct xy_str module, host, stream;
};
extern _Thread_local struct xyi_log_scope xyi_log_scope XYI_TLS;
/* Names the module whose code runs, when xyi_log_scope.module is absent: asked for only when a line
 * is written, so that firing a hook costs nothing. Set by the bus for the logic thread. */
extern _Thread_local struct xy_str (*xyi_log_module)(void) XYI_TLS;

/* ---- maps keyed by bytes, for the core: as xy_map_* without an instance ------------------------- */
struct xy_map *xyi_map_new(void);
/* For whoever owns maps (an instance): its place in the owner's list. xy_map_free() takes it out. */
struct xyi_link_node *xyi_map_owner_node(struct xy_map *map);
struct xy_map *xyi_map_of_owner_node(struct xyi_link_node *node);

/* ---- deferred reclaim: "handles stay valid until the fiber that got them ends" ------------------ */
/* Logic thread only. An object retired now is freed once every fiber that runs or waits now has
 * ended. The scheduler reports fibers by enter/leave. */
uint64_t xyi_epoch_enter(void);          /* a fiber begins; returns its epoch */
void xyi_epoch_leave(uint64_t epoch);    /* it ended */
void xyi_retire(void *object, void (*release)(void *object));
void xyi_epoch_sweep(void);              /* once per turn: releases what is due */
void xyi_epoch_end(void);                /* no fiber is left: releases the rest */

/* ---- random, encodings --------------------------------------------------------------------------- */
void xyi_random(void *out, size_t size); /* getrandom(2) */
struct xy_str xyi_random_token(size_t bytes); /* url-safe text, in xyi_temp() */
uint64_t xyi_hash(struct xy_str s); /* keyed per process (SipHash-1-3): safe against chosen keys */
uint64_t xyi_siphash13(const uint64_t key[2], struct xy_str s);

#endif
