/* SPDX-License-Identifier: MIT */
/*
 * The logic thread's end of a connection. Invariant: after TELL_ENDED the I/O side tells
 * nothing more, and after DO_FREE, which answers it, the logic thread asks nothing more: in
 * between the block stays, so neither counts references.
 */
#include "core/net/net_internal.h"

static const struct xyi_link_events *events; /* logic thread */
static struct xyi_link_node all = {&all, &all};
static size_t count;

void
xyi_links_start(const struct xyi_link_events *wanted)
{
    events = wanted;
}

size_t
xyi_links_count(void)
{
    return count;
}

static void
ask_mail(struct xyi_link *link, struct mail *mail)
{
    xyi_post_add(&link->io->to_io, &mail->mail);
}

static void
ask(struct xyi_link *link, enum mail_what what)
{
    ask_mail(link, xyi_mail_new(link, what));
}

struct xyi_link *
xyi_link_new(int fd, const struct sockaddr *peer, const struct xyi_listen *listen)
{
    struct xyi_link *link = xyi_alloc(sizeof(*link));
    link->io = xyi_io_next();
    link->tag = listen->tag;
    link->listen_tls = listen->tls;
    xyi_address_of(peer, &link->address, link->peer);
    link->conn.fd = fd;
    link->conn.io = link->io;
    xyi_list_append(&all, &link->in_all);
    count++;
    events->opened(link);
    ask(link, DO_START);
    return link;
}

static void
forget(struct mail *mail)
{
    struct xyi_link *link = mail->link;
    xyi_list_remove(&link->in_all);
    count--;
    xyi_admit_leave(&link->address);
    xyi_mail_free(mail);
    ask(link, DO_FREE);
}

static void
secured(struct mail *mail)
{
    mail->link->facts = mail->facts;
    events->secured(mail->link);
}

/* Says what happened; true: that was the last of this link. */
static bool
tell(struct mail *mail)
{
    struct xyi_link *link = mail->link;
    switch (mail->what) {
    case TELL_HEADER:
        events->header(link, mail->header);
        xyi_free(mail->header);
        break;
    case TELL_STANZA:
        events->stanza(link, mail->element);
        break;
    case TELL_SECURED:
        secured(mail);
        break;
    case TELL_CLOSING:
        events->closing(link);
        break;
    case TELL_FAILED:
        events->failed(link, mail->condition, xy_str_from(mail->text));
        xyi_free(mail->text);
        break;
    case TELL_IDLE:
        events->idle(link, mail->silent_ms);
        break;
    case TELL_CONFIRMED:
        events->confirmed(link, mail->mark);
        break;
    case TELL_ENDED:
        events->ended(link);
        return true;
    case DO_START ... DO_FREE: /* go to xyi_conn_open_mail() */
        break;
    }
    return false;
}

void
xyi_link_open_mail(struct xyi_mail *opened)
{
    struct mail *mail = (struct mail *)(void *)opened;
    if (tell(mail))
        forget(mail);
    else
        xyi_mail_free(mail);
}

void
xyi_links_cut_all(void)
{
    for (struct xyi_link_node *at = all.next; at != &all; at = at->next)
        ask(XYI_LIST_OF(at, struct xyi_link, in_all), DO_CUT);
}

/* ---- what the logic thread says --------------------------------------------------------- */

void
xyi_link_continue(struct xyi_link *link)
{
    ask(link, DO_CONTINUE);
}

void
xyi_link_handled(struct xyi_link *link)
{
    uint64_t handled = atomic_fetch_add(&link->handled, 1) + 1;
    uint64_t resume_at = atomic_load(&link->resume_at);
    if (resume_at && handled >= resume_at && atomic_exchange(&link->resume_at, 0))
        ask(link, DO_RESUME);
}

void
xyi_link_starttls(struct xyi_link *link)
{
    ask(link, DO_STARTTLS);
}

void
xyi_link_restart(struct xyi_link *link)
{
    ask(link, DO_RESTART);
}

void
xyi_link_authenticated(struct xyi_link *link)
{
    ask(link, DO_AUTHENTICATED);
}

static struct mail *
bytes_mail(struct xyi_link *link, enum mail_what what, struct xy_str bytes)
{
    struct mail *mail = xyi_mail_new(link, what);
    mail->text = NULL;
    mail->len = bytes.len;
    if (bytes.len) {
        mail->text = xyi_alloc(bytes.len);
        memcpy(mail->text, bytes.at, bytes.len);
    }
    return mail;
}

void
xyi_link_write(struct xyi_link *link, struct xy_str bytes)
{
    if (!link->closing && bytes.len)
        ask_mail(link, bytes_mail(link, DO_WRITE, bytes));
}

void
xyi_link_send(struct xyi_link *link, const struct xy_stanza *stanza, const struct xy_jid *to)
{
    if (link->closing)
        return;
    struct mail *mail = xyi_mail_new(link, DO_SEND);
    mail->stanza = xy_stanza_keep(stanza);
    mail->to = xy_jid_keep(to);
    ask_mail(link, mail);
}

void
xyi_link_mark(struct xyi_link *link, uint64_t mark)
{
    if (link->closing)
        return;
    struct mail *mail = xyi_mail_new(link, DO_MARK);
    mail->mark = mark;
    ask_mail(link, mail);
}

void
xyi_link_close(struct xyi_link *link, struct xy_str bytes)
{
    if (link->closing)
        return;
    link->closing = true;
    ask_mail(link, bytes_mail(link, DO_CLOSE, bytes));
}
