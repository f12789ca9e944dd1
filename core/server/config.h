/* SPDX-License-Identifier: MIT */
/*
 * The top-level configuration: read by option tables, checked as a whole, then immutable. One is
 * running; a reload reads the next beside it.
 */
#ifndef XYI_CONFIG_H
#define XYI_CONFIG_H

#include "core/conf/conf.h"
#include "core/route/route_internal.h"

struct xyi_config_core {
    xy_path data_dir, control;
    struct xy_str control_group;
    xy_choice io_threads; /* 0: auto, else threads + 1 */
    xy_choice governance; /* enum xy_governance */
};
struct xyi_config_storage {
    xy_choice driver, durability;
    xy_path path;
    xy_secret url;
    xy_duration timeout;
};
struct xyi_config_tls {
    xy_path certificate, key;
};
struct xyi_config_log {
    xy_choice level, format;
    xy_path file;
};
struct xyi_config_limits {
    int64_t connections, connections_per_address, sessions, auth_failures;
    int64_t depth, attributes, children, fibers;
    xy_size stanza_bytes, stanza_bytes_before_login, output_bytes;
    xy_rate stanza_rate, byte_rate;
    xy_duration auth_timeout, output_stalled, idle, grace;
};
struct xyi_config_reload {
    xy_duration grace;
};
struct xyi_config_passwords {
    int64_t iterations;
};
struct xyi_config_by_class { /* of messages; 0: as `governance` says, else enum xy_governance + 1 */
    xy_choice user, notice, news, service, integration;
};

enum xyi_service { XYI_C2S, XYI_S2S, XYI_HTTP };
struct xyi_config_listen { /* one entry of `listen` */
    xy_choice service, tls;
    struct xy_str address;
    int64_t port;
};
struct xyi_socket {
    struct xyi_listen listen;
    const struct xyi_yaml *at;
};

struct xyi_certificate { /* as loaded, to see at a reload whether it has changed */
    struct xy_str host, path;
    uint64_t version;
};

struct xyi_config {
    struct xyi_arena *arena;
    struct xy_str file, base; /* as given; its directory, absolute */
    const struct xyi_yaml *tree;
    struct xyi_config_core core;
    struct xyi_config_storage storage;
    struct xyi_config_tls tls;
    struct xyi_config_log log;
    struct xyi_config_limits limits;
    struct xyi_config_reload reload;
    struct xyi_config_passwords passwords;
    struct xyi_config_by_class governance_by_class;
    const struct xy_jid **hosts;           /* the three run side by side */
    struct xyi_config_tls *host_tls;
    const struct xyi_yaml **host_modules;
    size_t hosts_count;
    struct xyi_socket *sockets;
    size_t sockets_count;
    int64_t connections; /* limits.connections, or fewer if open files do not allow it */
    struct xyi_certificate *certificates;
    size_t certificates_count;
};

/* A map of the file and the struct its options fill; the first has no name: the top level. */
struct xyi_section {
    const char *name, *about;
    struct xyi_option_table table;
    size_t offset;
};
extern const struct xyi_section xyi_sections[];
extern const size_t xyi_sections_count;
extern const struct xyi_option_table xyi_listen_table, xyi_tls_table;
/* Keys of the top level that are no options of the first section, NULL behind the last. */
extern const char *const xyi_top_keys[];

/* Reads and checks `file`; what is wrong is complained of. NULL: it cannot be read at all. */
struct xyi_config *xyi_config_load(struct xy_str file, struct xy_diagnostics *to);
/* The same, then everything a start would look at: certificates, modules with their options. Starts
 * nothing. The live server may do it too. */
XY_SUSPENDS struct xyi_config *xyi_config_check(struct xy_str file, struct xy_diagnostics *to);
/* Cautions of what is valid and can lose a message. */
void xyi_config_lint(const struct xyi_config *config, struct xy_diagnostics *to);
void xyi_config_free(struct xyi_config *config); /* NULL is fine */
/* What relative paths in `file` are relative to. */
struct xy_str xyi_config_base(struct xyi_arena *arena, struct xy_str file);
void xyi_config_read_listen(struct xyi_config *config, struct xy_diagnostics *to);
bool xyi_config_has(const struct xyi_config *config, const char *section, const char *option);
/* All certificates, loaded. NULL: none is configured, or complained. */
struct xyi_tls *xyi_config_load_tls(struct xyi_config *config, struct xy_diagnostics *to);
/* Changes from the running one that take a restart are complained of. */
void xyi_config_check_restart(const struct xyi_config *running, const struct xyi_config *next,
                              struct xy_diagnostics *to);
unsigned xyi_config_io_threads(const struct xyi_config *config);
struct xyi_bus_wish xyi_config_wish(const struct xyi_config *config);
struct xy_str xyi_config_service_name(int service);

/* Every value of a configuration, for show and diff. */
struct xyi_item {
    struct xyi_item *next;
    struct xy_str name, value, origin; /* "limits.depth", "30", "default" or "file:line" */
    enum xy_effect effect;
    bool secret; /* never show the value */
};
/* In xyi_temp(). `everything`: also listeners, and modules by the tables in their files. */
struct xyi_item *xyi_config_items(const struct xyi_config *config, bool everything);
struct xy_str xyi_item_text(const struct xyi_item *item); /* "(set)" for a secret */

/* ---- documents --------------------------------------------------------------------------------- */
struct xy_str xyi_config_defaults(void); /* of the core and all modules found, as YAML */
struct xy_str xyi_config_man(void);      /* xylem.yaml(5) */
struct xy_str xyi_config_schema(void);   /* JSON Schema */

/* ---- where the parts of the server lie: beside libxylem ----------------------------------------- */
struct xy_str xyi_modules_path(void); /* XYLEM_MODULES in the environment comes first */
/* The tables of every module there is a file of, by name, on or off. */
typedef void xyi_each_module_file_fn(void *argument, const struct xy_module *module);
void xyi_each_module_file(xyi_each_module_file_fn *each, void *argument);
struct xy_str xyi_drivers_path(void);

#endif
