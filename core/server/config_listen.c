/* SPDX-License-Identifier: MIT */
/*
 * The `listen` list: what sockets it comes to, and what may not be: an address twice, plain
 * text beyond loopback, a service nobody gives, TLS without a certificate.
 */
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/server/config.h"

static const char *const default_listen = "[{ for: c2s, port: 5222, tls: starttls }, "
                                          "{ for: c2s, port: 5223, tls: direct }]";

struct address {
    int family; /* 0: not numeric */
    unsigned char bytes[16];
};

static struct address
parse_address(struct xy_str text)
{
    struct address address = {0};
    const char *numeric = xy_temp_cstr(text);
    if (inet_pton(AF_INET, numeric, address.bytes) == 1)
        address.family = AF_INET;
    else if (inet_pton(AF_INET6, numeric, address.bytes) == 1)
        address.family = AF_INET6;
    return address;
}

static bool
is_loopback(const struct address *address)
{
    static const unsigned char one[16] = {[15] = 1}, mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (address->family == AF_INET)
        return address->bytes[0] == 127;
    return memcmp(address->bytes, one, 16) == 0 ||
           (memcmp(address->bytes, mapped, 12) == 0 && address->bytes[12] == 127);
}

static bool
is_any(const struct address *address)
{
    static const unsigned char zero[16];
    return memcmp(address->bytes, zero, sizeof(zero)) == 0;
}

/* `::` takes IPv4 too, where there is IPv6 at all. */
static bool
has_ipv6(void)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0;
    if (fd >= 0)
        close(fd);
    return has;
}

static bool
overlap(const struct xyi_listen *a, const struct xyi_listen *b)
{
    struct address one = parse_address(a->address), other = parse_address(b->address);
    if (a->port != b->port || a->port == 0)
        return false;
    if (one.family != other.family)
        return is_any(one.family == AF_INET6 ? &one : &other);
    return is_any(&one) || is_any(&other) || memcmp(one.bytes, other.bytes, 16) == 0;
}

struct xy_str
xyi_config_service_name(int service)
{
    static const struct xy_str names[] = {XY_STR_INIT("c2s"), XY_STR_INIT("s2s"),
                                          XY_STR_INIT("http")};
    return names[service];
}

/* The place of an option of the entry, or of the entry. */
static const struct xyi_yaml *
place_of(const struct xyi_yaml *entry, const char *option)
{
    const struct xyi_yaml *value = xyi_yaml_get(entry, xy_str_from(option));
    return value ? value : entry;
}

static bool
has_certificate(const struct xyi_config *config)
{
    bool found = config->tls.certificate.path.len;
    for (size_t i = 0; i < config->hosts_count; i++)
        found = found || config->host_tls[i].certificate.path.len;
    return found;
}

static bool
check_entry(const struct xyi_config *config, const struct xyi_config_listen *listen,
            const struct xyi_yaml *at, struct xy_diagnostics *to)
{
    size_t before = xyi_errors(to);
    struct address address = parse_address(listen->address);
    if (listen->service.index != XYI_C2S)
        xyi_complain_at(to, place_of(at, "for"), "for: no module serves " XY_FMT " listeners",
                        XY_ARG(xyi_config_service_name(listen->service.index)));
    else if (listen->address.len && !address.family)
        xyi_complain_at(to, place_of(at, "address"),
                        "address: `" XY_FMT
                        "` is not a numeric address such as 127.0.0.1 or ::1",
                        XY_ARG(listen->address));
    else if (listen->tls.index == XYI_TLS_NONE && !is_loopback(&address))
        xyi_complain_at(to, place_of(at, "tls"),
                        "tls: none is for loopback addresses only, such as address: 127.0.0.1");
    else if (listen->tls.index != XYI_TLS_NONE && !has_certificate(config))
        xyi_complain_at(
            to, place_of(at, "tls"),
            "tls: this listener needs a certificate: set tls: { certificate: FILE, key: "
            "FILE }");
    return xyi_errors(to) == before;
}

static void
add_socket(struct xyi_config *config, const struct xyi_config_listen *listen,
           const struct xyi_yaml *at, struct xy_diagnostics *to)
{
    struct xyi_socket *socket = &config->sockets[config->sockets_count];
    *socket = (struct xyi_socket){
        .listen = {.address = listen->address,
                   .port = (uint16_t)listen->port,
                   .tls = (enum xyi_listen_tls)listen->tls.index,
                   .tag = listen->service.index},
        .at = at,
    };
    for (size_t i = 0; i < config->sockets_count; i++) {
        const struct xyi_socket *other = &config->sockets[i];
        if (!overlap(&other->listen, &socket->listen))
            continue;
        xyi_complain_at(to, at,
                        "port %d of " XY_FMT " is taken already, by the listener at " XY_FMT
                        ":%d:%d",
                        (int)listen->port, XY_ARG(listen->address), XY_ARG(other->at->file),
                        other->at->line, other->at->column);
        return;
    }
    config->sockets_count++;
}

static void
read_entry(struct xyi_config *config, const struct xyi_yaml *at, struct xy_diagnostics *to)
{
    struct xyi_config_listen listen = {0};
    size_t before = xyi_errors(to);
    if (at->kind != XYI_YAML_MAP) {
        xyi_complain_at(to, at,
                        "each listener must be a map, such as { for: c2s, port: 5222 }");
        return;
    }
    xyi_options_read(xyi_listen_table, at, NULL, config->base, config->arena, &listen, to);
    if (xyi_errors(to) != before || !check_entry(config, &listen, at, to))
        return;
    if (!listen.address.len)
        listen.address = has_ipv6() ? XY_STR("::") : XY_STR("0.0.0.0");
    add_socket(config, &listen, at, to);
}

static const struct xyi_yaml *
make_default(struct xyi_config *config, struct xy_diagnostics *to)
{
    struct xy_str text = xyi_arena_printf(config->arena, "listen: %s", default_listen);
    struct xyi_yaml *map = xyi_yaml_parse(config->arena, config->file, text, to);
    struct xyi_yaml *list = xyi_yaml_get(map, XY_STR("listen"));
    for (struct xyi_yaml *entry = list->first; entry; entry = entry->next) {
        entry->line = entry->key_line = 0; /* they stand nowhere in the file */
        for (struct xyi_yaml *value = entry->first; value; value = value->next)
            value->line = value->key_line = 0;
    }
    return list;
}

void
xyi_config_read_listen(struct xyi_config *config, struct xy_diagnostics *to)
{
    const struct xyi_yaml *list = xyi_yaml_get(config->tree, XY_STR("listen"));
    size_t most = 1;
    if (!list)
        list = make_default(config, to);
    for (const struct xyi_yaml *at = list->first; at; at = at->next)
        most++;
    config->sockets = xyi_arena_alloc(config->arena, most * sizeof(*config->sockets));
    if (list->kind != XYI_YAML_LIST) {
        xyi_complain_at(to, list, "listen: must be a list, such as [{ for: c2s, port: 5222 }]");
        return;
    }
    for (const struct xyi_yaml *at = list->first; at; at = at->next)
        read_entry(config, at, to);
}
