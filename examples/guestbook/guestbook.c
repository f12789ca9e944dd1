/* SPDX-License-Identifier: MIT */
/*
 * Keeps the names of those the greeter welcomed last and shows them to whoever asks. It listens
 * to a hook of another module: built against that module's header, and quietly idle while that
 * one is off. Its book is in memory and is handed over when a reload brings new code.
 */
#define XY_STATE guestbook
#include <xylem/greeter.h>
#include <xylem/xylem.h>

#define NS_GUESTBOOK "urn:xylem:example:guestbook"
enum { MOST_PAGES = 100 };

struct guestbook {
    const int64_t pages;
    struct xy_str names[MOST_PAGES]; /* the newest first */
    size_t count;
};

static const struct xy_option options[] = {
    XY_OPTION(pages, .initial = "10", .min = 1, .max = MOST_PAGES,
              .doc = "Names that are kept."),
};

static void
enter(XY_SELF, struct xy_str name)
{
    if (self->count == MOST_PAGES)
        xy_keep_free(self, self->names[--self->count].at);
    memmove(&self->names[1], &self->names[0], self->count * sizeof(self->names[0]));
    self->names[0] = xy_keep_str(self, name);
    self->count++;
    while (self->count > (size_t)self->pages)
        xy_keep_free(self, self->names[--self->count].at);
}

static void
note_guest(XY_SELF, struct xy_user *user, struct xy_str text)
{
    (void)text;
    enter(self, xy_jid_local(xy_user_jid(user)));
}

static xy_status
read_book(XY_SELF, struct xy_iq *iq)
{
    struct xy_stanza *result = xy_iq_result(iq);
    struct xy_node *book =
        xy_node_add(xy_stanza_top(result), XY_STR(NS_GUESTBOOK), XY_STR("book"));
    for (size_t i = 0; i < self->count && i < (size_t)self->pages; i++)
        xy_node_add_text(xy_node_add(book, XY_NO_STR, XY_STR("guest")), self->names[i]);
    return xy_iq_reply(iq, result);
}

/* ---- over to new code: one record, a name a line ---------------------------------------- */

static void
hand_over(XY_SELF, struct xy_handover *to)
{
    xy_handover_put(to, "names", 1, xy_temp_join(self->names, self->count, "\n"));
}

/* Runs twice, and the second time the book is newer: so it is written anew. */
static void
adopt(XY_SELF, struct xy_handover *from)
{
    struct xy_str names;
    if (xy_handover_get(from, "names", 1, &names) != XY_OK)
        return;
    while (self->count > 0)
        xy_keep_free(self, self->names[--self->count].at);
    while (names.len > 0 && self->count < (size_t)self->pages)
        self->names[self->count++] = xy_keep_str(self, xy_str_cut(&names, '\n'));
}

static const struct xy_hook hooks[] = {XY_ON(greeter_greeted, note_guest)};
static const struct xy_iq_route iqs[] = {
    XY_IQ_ROUTE(XY_GET, NS_GUESTBOOK, "book", read_book, .where = XY_IQ_HOST),
};

XY_MODULE(guestbook, .about = "Shows whom the greeter has welcomed last.", XY_STATE_SIZE,
          XY_HAND_OVER(hand_over), XY_ADOPT(adopt), XY_TABLE(options, options),
          XY_TABLE(hooks, hooks), XY_TABLE(iqs, iqs), );
