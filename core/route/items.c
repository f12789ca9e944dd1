/* SPDX-License-Identifier: MIT */
/* Items of outboxes, and lists of them. An item holds references on what it is made of. */
#include "core/base/sanitize.h"
#include "core/route/objects.h"

static struct item *spare; /* a free list: an item a stanza is the steady state */

void
xyi_items_init(struct items *items)
{
    items->first = NULL;
    items->last = &items->first;
    items->count = 0;
}

void
xyi_items_append(struct items *items, struct item *item)
{
    item->next = NULL;
    *items->last = item;
    items->last = &item->next;
    items->count++;
}

void
xyi_items_append_all(struct items *to, struct items *from)
{
    if (!from->first)
        return;
    *to->last = from->first;
    to->last = from->last;
    to->count += from->count;
    xyi_items_init(from);
}

struct item *
xyi_items_take(struct items *items)
{
    struct item *item = items->first;
    if (!item)
        return NULL;
    items->first = item->next;
    if (!items->first)
        items->last = &items->first;
    items->count--;
    return item;
}

struct item *
xyi_item_copy(const struct item *of)
{
    struct item *item = spare;
    if (item)
        spare = item->next;
    else
        item = xyi_alloc(sizeof(*item));
    *item = *of;
    if (item->stanza)
        xy_stanza_keep(item->stanza);
    if (item->parcel)
        xyi_parcel_keep(item->parcel);
    if (item->share)
        item->share->refs++;
    (void)xyi_login_keep(item->login);
    if (item->ids) {
        item->ids = xyi_alloc(item->count * sizeof(*item->ids));
        memcpy(item->ids, of->ids, item->count * sizeof(*item->ids));
    }
    return item;
}

const struct xy_stanza *
xyi_item_stanza(const struct xy_session *session, const struct item *item)
{
    if (!item->addressed || !item->stanza)
        return item->stanza;
    struct xy_stanza *own = xy_stanza_edit(item->stanza);
    xy_stanza_set_to(own, session->jid);
    xyi_stanza_freeze(own);
    return own;
}

void
xyi_share_drop(struct share *share)
{
    if (share && --share->refs == 0)
        xyi_free(share);
}

void
xyi_item_free(struct item *item)
{
    xy_stanza_drop(item->stanza);
    xyi_parcel_drop(item->parcel);
    xyi_share_drop(item->share);
    xyi_login_drop(item->login);
    xyi_free(item->ids);
#ifdef XYI_ASAN /* it would not see who still looks at a spare one */
    xyi_free(item);
#else
    item->next = spare;
    spare = item;
#endif
}
