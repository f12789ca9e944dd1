/* SPDX-License-Identifier: MIT */
/*
 * The core's option tables: every key of the configuration file that is no module's, once.
 */
#include "core/server/config.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

#define CORE(field, ...) XY_OPTION_IN(xyi_config_core, field, __VA_ARGS__)
static const struct xy_option core[] = {
    CORE(data_dir, .initial = "/var/lib/xylem", .effect = XY_RESTART,
         .doc =
             "Where the server keeps what is its own: the embedded database, copies of loaded "
             "modules, the lock that keeps a second server out."),
    CORE(control, .initial = "/run/xylem/xylem.sock", .effect = XY_RESTART,
         .doc = "The unix socket xylemctl talks to. Only the server's user, root and the "
                "members of control_group may."),
    CORE(control_group, .initial = "", .effect = XY_RESTART,
         .doc = "A group of this machine whose members may use xylemctl, too, each by his own "
                "name in the records: four eyes take two people. The server's user must be in "
                "it. Empty: none."),
    CORE(io_threads, .initial = "auto", .choices = "auto|0|1|2|3|4|5|6|7|8",
         .effect = XY_RESTART,
         .doc =
             "Threads for sockets, TLS and parsing beside the one that routes. auto: none up "
             "to three cores, from four on cores - 2, at most 8."),
    CORE(governance, .initial = "evidential", .choices = "evidential|hygienic|minimal",
         .doc = "What becomes of the content of messages that were taken back, where no option "
                "of a module says it. evidential: sealed for ever; hygienic: destroyed after "
                "seven days; minimal: destroyed at once. The module retention destroys it. "
                "Evidence of them is kept in any case."),
};

#define STORAGE(field, ...) XY_OPTION_IN(xyi_config_storage, field, __VA_ARGS__)
static const struct xy_option storage[] = {
    STORAGE(driver, .initial = "sqlite", .choices = "sqlite|pgsql", .effect = XY_RESTART,
            .doc = "sqlite is embedded and meant for up to a few million messages; pgsql is "
                   "PostgreSQL."),
    STORAGE(path, .initial = "", .effect = XY_RESTART,
            .doc = "The file of the sqlite database. Empty: xylem.db in data_dir."),
    STORAGE(url, .initial = "", .effect = XY_RESTART,
            .doc = "Where PostgreSQL is: postgresql://user:password@host/database."),
    STORAGE(durability, .initial = "full", .choices = "full|relaxed", .effect = XY_RESTART,
            .doc =
                "full: a message counts as accepted when it is on the disk. relaxed: a power "
                "cut may take the last moments with it; a crash of the server does not."),
    STORAGE(timeout, .initial = "30 s", .min = 100, .effect = XY_RESTART,
            .doc = "How long a request waits for a database that is locked or away before it "
                   "fails with an error."),
};

#define TLS(field, ...) XY_OPTION_IN(xyi_config_tls, field, __VA_ARGS__)
static const struct xy_option tls[] = {
    TLS(certificate, .initial = "", .effect = XY_RECONNECT,
        .doc = "PEM file with the certificate and its chain. A reload reads it again."),
    TLS(key, .initial = "", .effect = XY_RECONNECT, .doc = "PEM file with the private key."),
};

#define LOG(field, ...) XY_OPTION_IN(xyi_config_log, field, __VA_ARGS__)
static const struct xy_option log_rows[] = {
    LOG(level, .initial = "info", .choices = "debug|info|notice|warn|error",
        .doc = "What is logged: this and everything graver."),
    LOG(format, .initial = "text", .choices = "text|json", .doc = "Lines for people or JSON."),
    LOG(file, .initial = "", .doc = "Empty: standard error. A reload opens it anew."),
};

#define LIMIT(field, ...) XY_OPTION_IN(xyi_config_limits, field, .none = true, __VA_ARGS__)
static const struct xy_option limits[] = {
    LIMIT(connections, .initial = "20000", .min = 1, .max = 1000000,
          .doc = "Connections in all. The limit on open files of the process must allow them."),
    LIMIT(connections_per_address, .initial = "256", .min = 1, .effect = XY_RECONNECT,
          .doc = "Connections from one address; of IPv6 from one /64."),
    LIMIT(sessions, .initial = "20", .min = 1, .effect = XY_RECONNECT,
          .doc = "Sessions one account may have at a time."),
    LIMIT(auth_failures, .initial = "10", .min = 1,
          .doc =
              "Failed logins from one address to one account before further ones are refused "
              "for a while."),
    LIMIT(auth_timeout, .initial = "60 s", .min = 1000, .effect = XY_RECONNECT,
          .doc = "Time from connecting to a bound session."),
    LIMIT(stanza_rate, .initial = "50/s burst 500", .effect = XY_RECONNECT,
          .doc = "Stanzas taken from one connection; beyond, it is read more slowly."),
    LIMIT(byte_rate, .initial = "1000000/s burst 4000000", .effect = XY_RECONNECT,
          .doc = "Bytes taken from one connection; beyond, it is read more slowly."),
    LIMIT(stanza_bytes, .initial = "256 KiB", .min = 10000, .effect = XY_RECONNECT,
          .doc = "Size of a stanza. RFC 6120 asks for at least 10000 bytes."),
    LIMIT(stanza_bytes_before_login, .initial = "10000", .min = 1000, .effect = XY_RECONNECT,
          .doc = "The same before a client has authenticated."),
    LIMIT(depth, .initial = "50", .min = 5, .effect = XY_RECONNECT,
          .doc = "How deep elements of a stanza may be nested."),
    LIMIT(attributes, .initial = "50", .min = 10, .effect = XY_RECONNECT,
          .doc = "Attributes of one element."),
    LIMIT(children, .initial = "10000", .min = 10, .effect = XY_RECONNECT,
          .doc = "Elements in one stanza."),
    LIMIT(output_bytes, .initial = "1 MiB", .min = 65536, .effect = XY_RECONNECT,
          .doc = "Bytes waiting for a client that reads slowly; beyond, it is disconnected."),
    LIMIT(output_stalled, .initial = "60 s", .min = 1000, .effect = XY_RECONNECT,
          .doc = "How long a client may take nothing of what waits for it."),
    LIMIT(idle, .initial = "5 min", .min = 1000, .effect = XY_RECONNECT,
          .doc = "Silence after which a client is asked whether it is still there."),
    LIMIT(grace, .initial = "10 s", .min = 0, .max = 10 * 60 * 1000,
          .doc =
              "How long the connection of a client without stream management must live on "
              "after its machine has taken a message, for the message to count as received."),
    LIMIT(fibers, .initial = "8192", .min = 64, .max = 1000000,
          .doc =
              "Requests waiting at a time, for the database mostly; beyond, they queue. Each "
              "takes a stack of 64 KiB."),
};

#define RELOAD(field, ...) XY_OPTION_IN(xyi_config_reload, field, __VA_ARGS__)
static const struct xy_option reload[] = {
    RELOAD(grace, .initial = "30 s", .min = 100,
           .doc =
               "How long handlers of a replaced module may take to finish before their waits "
               "are cancelled."),
};

#define PASSWORDS(field, ...) XY_OPTION_IN(xyi_config_passwords, field, __VA_ARGS__)
static const struct xy_option passwords[] = {
    PASSWORDS(iterations, .initial = "4096", .min = 4096, .max = 10000000,
              .doc = "Rounds of hashing (SCRAM, RFC 5802) for passwords set from now on."),
};

#define BY_CLASS(field, text)                                     \
    XY_OPTION_IN(xyi_config_by_class, field, .initial = "preset", \
                 .choices = "preset|evidential|hygienic|minimal", .doc = (text))
static const struct xy_option by_class[] = {
    BY_CLASS(user, "What people write."),
    BY_CLASS(notice, "Notices of administrators."),
    BY_CLASS(news, "News."),
    BY_CLASS(service, "What bots write."),
    BY_CLASS(integration, "What integrated systems write."),
};

static const struct xy_option listen_rows[] = {
    {.name = "for",
     .type = XY_OPTION_CHOICE,
     .offset = offsetof(struct xyi_config_listen, service),
     .initial = "c2s",
     .choices = "c2s|s2s|http",
     .doc = "Who connects: clients, servers or web clients."},
    XY_OPTION_IN(xyi_config_listen, address, .initial = "",
                 .doc = "A numeric address. Empty: all of the machine, IPv4 and IPv6."),
    XY_OPTION_IN(xyi_config_listen, port, .max = 65535,
                 .doc = "5222 for clients by custom, 5223 with direct TLS. 0: any free one."),
    XY_OPTION_IN(
        xyi_config_listen, tls, .initial = "starttls", .choices = "none|starttls|direct",
        .doc = "starttls: begins plain, must encrypt; direct: TLS from the first byte; "
               "none: for proxies on this machine, loopback addresses only."),
};

const struct xyi_option_table xyi_listen_table = {listen_rows, COUNT(listen_rows)};
const struct xyi_option_table xyi_tls_table = {tls, COUNT(tls)};

#define SECTION(field, rows, text)                                       \
    {                                                                    \
        .name = #field, .about = (text), .table = {(rows), COUNT(rows)}, \
        .offset = offsetof(struct xyi_config, field)                     \
    }
const struct xyi_section xyi_sections[] = {
    {.table = {core, COUNT(core)}, .offset = offsetof(struct xyi_config, core)},
    SECTION(storage, storage, "The database."),
    SECTION(tls, tls, "The server's certificate; host_config gives one host its own."),
    SECTION(log, log_rows, "The log."),
    SECTION(limits, limits, "What one client, and all of them, may use up."),
    SECTION(reload, reload, "Changing the server while it runs."),
    SECTION(passwords, passwords, "How passwords are kept."),
    SECTION(governance_by_class, by_class,
            "`governance` for single classes of messages; preset: as for all."),
};
const size_t xyi_sections_count = COUNT(xyi_sections);

const char *const xyi_top_keys[] = {
    "hosts",  "listen",    "host_config",         "modules", "storage", "tls", "log", "limits",
    "reload", "passwords", "governance_by_class", NULL};
