/* SPDX-License-Identifier: MIT */
/* See crowd.h. Stanzas are found by their names and ends; of each only the first tag is read.
 */
#include "crowd.h"
#include "meter.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_MUC "http://jabber.org/protocol/muc"

struct crowd crowd;
enum { DIGITS = 6, MOST_FAULTS_SAID = 5, MISHEARD = 50 };
/* By membership and the slot of the other in that room. */
static uint8_t *seen;    /* his presence */
static uint32_t *heard;  /* how many of his messages */
static uint32_t *spoken; /* by membership: how many of one's own */
static char at_service[256];
static size_t at_service_len;

void
crowd_fault(const char *format, ...)
{
    if (crowd.faults++ >= MOST_FAULTS_SAID)
        return;
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

bool
crowd_init(void)
{
    if (crowd.rooms % crowd.rooms_each || crowd.sessions % (crowd.rooms / crowd.rooms_each)) {
        fprintf(stderr,
                "rooms must be a multiple of rooms-each, sessions of rooms / rooms-each\n");
        return false;
    }
    crowd.stride = crowd.rooms / crowd.rooms_each;
    crowd.occupants = crowd.sessions / crowd.stride;
    size_t memberships = (size_t)crowd.sessions * (size_t)crowd.rooms_each;
    seen = calloc(memberships * (size_t)crowd.occupants, sizeof(*seen));
    heard = calloc(memberships * (size_t)crowd.occupants, sizeof(*heard));
    spoken = calloc(memberships, sizeof(*spoken));
    at_service_len = (size_t)snprintf(at_service, sizeof(at_service), "@%s", crowd.service);
    return true;
}

int
crowd_room(const struct client *client, int k)
{
    return client->number % crowd.stride + k * crowd.stride;
}

int
crowd_member(int room, int slot)
{
    return room % crowd.stride + slot * crowd.stride;
}

static size_t
membership(const struct client *client, int room)
{
    return (size_t)client->number * (size_t)crowd.rooms_each + (size_t)(room / crowd.stride);
}

static size_t
pair(const struct client *client, int room, int other)
{
    return membership(client, room) * (size_t)crowd.occupants + (size_t)(other / crowd.stride);
}

/* ---- what is sent --------------------------------------------------------------------------
 */

void
crowd_enter(struct client *client, int room)
{
    client_printf(client,
                  "<presence to='%s%06d@%s/n%06d'><x xmlns='" NS_MUC
                  "'><history maxstanzas='0' maxchars='0'/></x></presence>",
                  crowd.tag, room, crowd.service, client->number);
}

void
crowd_configure(struct client *client, int room)
{
    client_printf(client,
                  "<iq type='set' id='c' to='%s%06d@%s'><query xmlns='" NS_MUC
                  "#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>",
                  crowd.tag, room, crowd.service);
}

void
crowd_leave(struct client *client, int room)
{
    client_printf(client, "<presence to='%s%06d@%s/n%06d' type='unavailable'/>", crowd.tag,
                  room, crowd.service, client->number);
}

void
crowd_speak(struct client *client)
{
    int room = crowd_room(client, (int)(client->sent++ % (unsigned)crowd.rooms_each));
    char padding[4096];
    int pad = crowd.body_bytes - 33 > 0 ? crowd.body_bytes - 33 : 0;
    memset(padding, 'x', (size_t)pad);
    padding[pad] = '\0';
    uint32_t number = spoken[membership(client, room)]++;
    client_printf(client,
                  "<message to='%s%06d@%s' type='groupchat' id='m%llu'>"
                  "<body>%06d %08x %016llx %s</body></message>",
                  crowd.tag, room, crowd.service, (unsigned long long)client->sent,
                  client->number, number, (unsigned long long)now_us(), padding);
    crowd.sent++;
}

/* ---- what comes ----------------------------------------------------------------------------
 */

static const char *
find(const char *at, const char *end, const char *what)
{
    return memmem(at, (size_t)(end - at), what, strlen(what));
}

static int
decimal(const char *at)
{
    int number = 0;
    for (int i = 0; i < DIGITS; i++)
        number = number * 10 + (at[i] - '0');
    return number;
}

static uint64_t
hex(const char *at, int digits)
{
    uint64_t number = 0;
    for (int i = 0; i < digits; i++)
        number = number << 4 | (uint64_t)(at[i] <= '9' ? at[i] - '0' : at[i] - 'a' + 10);
    return number;
}

struct origin {
    int room, nick; /* nick -1: the room itself */
};

/* From the first tag of a stanza; false: it is not from a room, or not from one he is in. */
static bool
origin_of(const struct client *client, const char *at, const char *tag_end, struct origin *from)
{
    const char *service = memmem(at, (size_t)(tag_end - at), at_service, at_service_len);
    size_t tag_len = strlen(crowd.tag);
    if (!service || service - DIGITS - tag_len < at ||
        memcmp(service - DIGITS - tag_len, crowd.tag, tag_len) != 0)
        return false; /* or from a crowd before this one, whose sessions are being missed */
    const char *nick = service + at_service_len;
    from->room = decimal(service - DIGITS);
    from->nick = *nick == '/' && nick + 2 + DIGITS <= tag_end ? decimal(nick + 2) : -1;
    if (from->room < 0 || from->room >= crowd.rooms || from->nick < -1 ||
        from->nick >= crowd.sessions ||
        from->room % crowd.stride != client->number % crowd.stride ||
        (from->nick >= 0 && from->nick % crowd.stride != from->room % crowd.stride)) {
        crowd_fault("user %d: from where he is not, or nobody is: %.*s", client->number,
                    (int)(tag_end - at), at);
        return false;
    }
    return true;
}

/* One delivery is taken for what it is not, to see that it would be noticed; true: for none. */
static bool
mishear(uint32_t *number, int *author)
{
    static uint64_t deliveries;
    if (!crowd.mishear || ++deliveries != MISHEARD)
        return false;
    *number -= *crowd.mishear == 'd';
    *author += *crowd.mishear == 'o';
    return *crowd.mishear == 'l';
}

static void
on_message(struct client *client, const char *at, const char *tag_end, const char *end)
{
    struct origin from;
    if (!origin_of(client, at, tag_end, &from))
        return;
    const char *body = find(tag_end, end, "<body>");
    if (!body || from.nick < 0) {
        if (find(tag_end, end, "<subject")) {
            crowd.subjects++;
            crowd_has_subject(client, from.room);
        }
        return;
    }
    body += 6;
    uint32_t *next = &heard[pair(client, from.room, from.nick)];
    uint32_t number = (uint32_t)hex(body + 7, 8);
    int author = decimal(body);
    if (mishear(&number, &author))
        return;
    if (author != from.nick || number != *next)
        crowd_fault("user %d, room %d: message %u of %d came as %u of %d", client->number,
                    from.room, number, author, *next, from.nick);
    *next = number + 1;
    crowd.deliveries++;
    delays_add(client->read_us - (int64_t)hex(body + 16, 16));
    if (from.nick == client->number)
        crowd_has_reflected(client);
}

static void
on_presence(struct client *client, const char *at, const char *tag_end)
{
    struct origin from;
    if (!origin_of(client, at, tag_end, &from) || from.nick < 0)
        return;
    uint8_t *there = &seen[pair(client, from.room, from.nick)];
    bool comes = !find(at, tag_end, "unavailable"), own = from.nick == client->number;
    if (*there == comes || (!comes && !crowd.leaving))
        crowd_fault("user %d, room %d: %d %s", client->number, from.room, from.nick,
                    comes    ? "came twice"
                    : *there ? "has left"
                             : "left twice");
    *there = comes;
    crowd.presences += comes;
    if (own && comes) {
        crowd.entered++;
        crowd_has_entered(client, from.room);
    } else if (own) { /* he sees no more of that room */
        memset(&seen[membership(client, from.room) * (size_t)crowd.occupants], 0,
               (size_t)crowd.occupants);
        crowd.left++;
        crowd_has_left(client, from.room);
    }
}

static void
on_stanza(struct client *client, const char *at, const char *tag_end, const char *end)
{
    if (find(at, tag_end, "error")) {
        crowd_fault("user %d got %.*s", client->number, (int)(end - at), at);
        return;
    }
    if (at[1] == 'm')
        on_message(client, at, tag_end, end);
    else if (at[1] == 'p')
        on_presence(client, at, tag_end);
    else if (at[1] == 'i' && memmem(at, (size_t)(tag_end - at), at_service, at_service_len)) {
        crowd.configured++;
        crowd_has_configured(client);
    }
}

/* Behind the stanza that begins at `at`; NULL: it is not all there yet. */
static const char *
end_of(const char *at, const char *end, const char **tag_end)
{
    *tag_end = memchr(at, '>', (size_t)(end - at));
    if (!*tag_end)
        return NULL;
    if (at[1] == '/' || (*tag_end)[-1] == '/')
        return *tag_end + 1;
    const char *close = at[1] == 'm'   ? "</message>"
                        : at[1] == 'p' ? "</presence>"
                        : at[1] == 'i' ? "</iq>"
                                       : "</stream:error>";
    const char *found = find(*tag_end, end, close);
    return found ? found + strlen(close) : NULL;
}

size_t
client_bytes(struct client *client, char *in, size_t len)
{
    const char *at = in, *end = in + len, *tag_end;
    client->read_us = now_us();
    while (at < end) {
        const char *next = *at == '<' ? end_of(at, end, &tag_end) : at + 1;
        if (!next)
            break;
        if (*at == '<')
            on_stanza(client, at, tag_end, next);
        at = next;
    }
    return (size_t)(at - in);
}
