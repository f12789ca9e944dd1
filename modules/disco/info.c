/* SPDX-License-Identifier: MIT */
/* What a host or an account is and can do (XEP-0030 section 3). */
#include "modules/disco/disco.h"

static void
add_identity(struct xy_node *query, const char *category, const char *type, const char *name)
{
    struct xy_node *identity = xy_node_add(query, XY_NO_STR, XY_STR("identity"));
    xy_node_set(identity, "category", xy_str_from(category));
    xy_node_set(identity, "type", xy_str_from(type));
    xy_node_set(identity, "name", xy_str_from(name));
}

static void
add_feature(void *query, const char *var)
{
    xy_node_set(xy_node_add(query, XY_NO_STR, XY_STR("feature")), "var", xy_str_from(var));
}

void
disco_fill(struct disco *self, struct xy_host *host, struct xy_user *user,
           const struct xy_jid *asker, struct xy_node *query)
{
    if (user)
        add_identity(query, "account", "registered", NULL);
    else
        add_identity(query, "server", "im", "xylem");
    xy_features_each(host, user ? XY_IQ_ACCOUNT : XY_IQ_HOST, add_feature, query);
    (void)xy_run_disco_info(host, host, user, asker, XY_NO_STR, query);
    if (!user)
        contacts_add(self, query);
}

/* FNV-1a; a zero byte ends each text. */
static uint64_t
mix(uint64_t print, struct xy_str text)
{
    for (size_t i = 0; i <= text.len; i++)
        print = (print ^ (i < text.len ? (unsigned char)text.at[i] : 0)) * 0x100000001b3u;
    return print;
}

static void
mix_feature(void *print, const char *var)
{
    *(uint64_t *)print = mix(*(uint64_t *)print, xy_str_from(var));
}

uint64_t
disco_print(struct disco *self, struct xy_host *host)
{
    uint64_t print = 0xcbf29ce484222325u;
    xy_features_each(host, XY_IQ_HOST, mix_feature, &print);
    for (size_t i = 0; i < self->contacts.count; i++)
        print = mix(print, self->contacts.at[i]);
    return print;
}
