/* SPDX-License-Identifier: MIT */
/* What people are told of a message's class and state, and of the session it came from. */
#include <xylem/evidence.h>
#include "core/store/parts.h"

#define NAME(names, value) name_of(names, sizeof(names) / sizeof(names[0]), (size_t)(value))

static struct xy_str
name_of(const char *const *names, size_t count, size_t value)
{
    return xy_str_from(value < count ? names[value] : "unknown");
}

struct xy_str xy_message_class_name(enum xy_message_class class)
{
    static const char *const names[] = {[XY_USER_MESSAGE] = "user",
                                        [XY_ADMIN_NOTICE] = "notice",
                                        [XY_NEWS] = "news",
                                        [XY_SERVICE_MESSAGE] = "service",
                                        [XY_INTEGRATION_MESSAGE] = "integration"};
    return NAME(names, class);
}

struct xy_str
xy_message_state_name(enum xy_message_state state)
{
    static const char *const names[] = {[XY_MESSAGE_LIVE] = "live",
                                        [XY_MESSAGE_RETRACTED] = "retracted",
                                        [XY_MESSAGE_MODERATED] = "moderated",
                                        [XY_MESSAGE_REMOVED] = "removed",
                                        [XY_MESSAGE_EXPIRED] = "expired"};
    return NAME(names, state);
}

struct xy_str
xy_login_path_name(enum xy_login_path path)
{
    static const char *const names[] = {
        [XY_LOGIN_UNKNOWN] = "unknown", [XY_LOGIN_SASL] = "sasl",
        [XY_LOGIN_SASL2] = "sasl2",     [XY_LOGIN_SASL2_BIND2] = "sasl2+bind2",
        [XY_LOGIN_FAST] = "fast",       [XY_LOGIN_FAST_BIND2] = "fast+bind2",
        [XY_LOGIN_RESUMED] = "resumed"};
    return NAME(names, path);
}

struct xy_str
xy_source_name(enum xy_source source)
{
    static const char *const names[] = {
        [XY_SOURCE_UNKNOWN] = "unknown", [XY_SOURCE_LOOPBACK] = "loopback",
        [XY_SOURCE_PRIVATE] = "private", [XY_SOURCE_LINK_LOCAL] = "link-local",
        [XY_SOURCE_SHARED] = "shared",   [XY_SOURCE_PUBLIC] = "public",
        [XY_SOURCE_UNIX] = "unix"};
    return NAME(names, source);
}
