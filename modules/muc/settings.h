/* SPDX-License-Identifier: MIT */
/*
 * The settings of a room, said once. From this list come the struct of `default_config`, its
 * option rows (options.c) and the table that forms, storage and commands work by (settings.c).
 *
 *     KIND(field of struct settings, name, form variable, other variables clients know it by,
 *          default as in the configuration, label, choices or bounds)
 */
#ifndef MUC_SETTINGS_H
#define MUC_SETTINGS_H

#define PROSODY "{http://prosody.im/protocol/muc}roomconfig_"

#define MUC_SETTINGS(TEXT, BOOL, INT, SECONDS, CHOICE, ROLES)                                      \
    TEXT(TEXT_NAME, name, "muc#roomconfig_roomname", NULL, "Name of the room", 0, 1000)            \
    TEXT(TEXT_DESCRIPTION, description, "muc#roomconfig_roomdesc", NULL,                           \
         "Description of the room", 0, 10000)                                                      \
    TEXT(TEXT_LANGUAGE, language, "muc#roomconfig_lang", NULL,                                     \
         "Language spoken in the room, such as en", 0, 64)                                         \
    BOOL(persistent, persistent, "muc#roomconfig_persistentroom", NULL, "off",                     \
         "Keep the room when nobody is in it")                                                     \
    BOOL(public_room, public, "muc#roomconfig_publicroom", NULL, "on",                             \
         "List the room where anybody can find it")                                                \
    BOOL(members_only, members_only, "muc#roomconfig_membersonly", NULL, "off",                    \
         "Let members in and nobody else")                                                         \
    BOOL(moderated, moderated, "muc#roomconfig_moderatedroom", NULL, "off",                        \
         "Let only those speak who have voice")                                                    \
    BOOL(members_by_default, members_by_default, "members_by_default",                             \
         "muc#roomconfig_members_by_default", "off",                                                \
         "Give newcomers voice, also in a moderated room")                                         \
    CHOICE(whois, whois, "muc#roomconfig_whois", NULL, "moderators", "Who may see real JIDs",      \
           "moderators|anyone")                                                                    \
    CHOICE(allow_pm, allow_pm, "muc#roomconfig_allowpm", NULL, "anyone",                           \
           "Who may send private messages", "anyone|participants|moderators|none")                 \
    ROLES(present, presence_broadcast, "muc#roomconfig_presencebroadcast", NULL,                   \
          "[moderator, participant, visitor]", "Roles whose presence is shown to others")          \
    CHOICE(members_list, members_list, "muc#roomconfig_getmemberlist", NULL, "anyone",             \
           "Who may see the list of members, where real JIDs are known",                           \
           "anyone|participants|moderators")                                                       \
    INT(max_users, max_users, "muc#roomconfig_maxusers", NULL, "0",                                \
        "Occupants at most, 0 for as many as the service allows", 0, 1000000)                      \
    BOOL(change_subject, change_subject, "muc#roomconfig_changesubject", NULL, "off",              \
         "Let participants change the subject")                                                    \
    BOOL(change_nick, change_nick, "muc#roomconfig_changenick",                                    \
         "muc#roomconfig_allow_nick_change", "on", "Let occupants change their nick")              \
    BOOL(allow_visitor_nick_change, visitor_nick_change,                                           \
         "muc#roomconfig_allowvisitornickchange",                                                  \
         "allow_visitor_nickchange muc#roomconfig_allow_visitor_nickchange", "on",                 \
         "Let visitors change their nick")                                                         \
    BOOL(allow_visitor_status, visitor_status, "muc#roomconfig_allowvisitorstatus",                \
         "allow_visitor_status muc#roomconfig_allow_visitor_status", "on",                         \
         "Show the status text of visitors")                                                       \
    BOOL(allow_invites, allow_invites, "muc#roomconfig_allowinvites",                              \
         "allow_user_invites " PROSODY "allowmemberinvites", "off",                                \
         "Let members invite others into a members-only room")                                     \
    BOOL(allow_voice_requests, voice_requests, "muc#roomconfig_allowvoicerequests",                \
         "allow_voice_requests muc#roomconfig_allow_voice_requests", "on",                         \
         "Let visitors ask for voice")                                                             \
    SECONDS(voice_request_s, voice_request_interval,                                               \
            "muc#roomconfig_voicerequestmininterval",                                              \
            "voice_request_min_interval muc#roomconfig_voice_request_min_interval", "1 min",       \
            "Time between two requests for voice, in seconds", 0, 86400)                           \
    SECONDS(slow_mode_s, slow_mode, "muc#roomconfig_slow_mode_duration", NULL, "0 s",              \
            "Time between two messages of one participant, in seconds, 0 for any", 0, 86400)       \
    BOOL(allow_registration, registration, "muc#roomconfig_allowregistration",                     \
         PROSODY "allow_registration", "on",                                                       \
         "Let people register a nick in an open room")                                             \
    BOOL(allow_query_users, query_users, "muc#roomconfig_allowqueryusers",                         \
         "allow_query_users muc#roomconfig_allow_query_users", "on",                               \
         "Pass requests from one occupant to another on")                                          \
    BOOL(public_list, public_list, "public_list", "muc#roomconfig_public_list", "on",              \
         "Show the occupants to those outside")                                                    \
    INT(history, history, "muc#roomconfig_historylength",                                          \
        PROSODY "historylength muc#roomconfig_defaulthistorymessages", "25",                       \
        "Messages that a newcomer is shown", 0, 10000)                                             \
    BOOL(archived, archived, "muc#roomconfig_enablearchiving",                                     \
         "muc#roomconfig_enablelogging muc#roomconfig_mam mam", "on", "Keep an archive")           \
    TEXT(TEXT_PASSWORD, password, "muc#roomconfig_roomsecret", NULL, "Password", 0, 1000)          \
    TEXT(TEXT_CONTACTS, contacts, "muc#roomconfig_contactjid", "muc#roominfo_contactjid",          \
         "Addresses of those who answer for the room", 0, 10000)                                   \
    TEXT(TEXT_LOGS, logs, "muc#roomconfig_logs", "muc#roominfo_logs",                              \
         "Where a public archive can be read", 0, 2000)                                            \
    TEXT(TEXT_PUBSUB, pubsub, "muc#roomconfig_pubsub", NULL,                                       \
         "Publish-subscribe node that goes with the room", 0, 2000)

/* The options of `default_config`. */
#define MUC_NO_FIELD(...)
#define MUC_BOOL_FIELD(field, option, ...)    const bool option;
#define MUC_INT_FIELD(field, option, ...)     const int64_t option;
#define MUC_SECONDS_FIELD(field, option, ...) const xy_duration option;
#define MUC_CHOICE_FIELD(field, option, ...)  const xy_choice option;
#define MUC_ROLES_FIELD(field, option, ...)   const xy_list option;
struct defaults {
    MUC_SETTINGS(MUC_NO_FIELD, MUC_BOOL_FIELD, MUC_INT_FIELD, MUC_SECONDS_FIELD,
                 MUC_CHOICE_FIELD, MUC_ROLES_FIELD)
};

#endif
