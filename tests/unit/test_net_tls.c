/* SPDX-License-Identifier: MIT */
/*
 * TLS: STARTTLS and direct, versions, SNI, ALPN, channel bindings as GnuTLS computes them on
 * the other side, everything that must be refused, and sets of certificates. The certificates
 * are made here.
 */
#include "tests/unit/net_world.h"

#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <sys/stat.h>
#include <time.h>

#define MESSAGE(text) "<message><body>" text "</body></message>"
#define STARTTLS      "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define PROCEED       "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"

/* ---- certificates ---------------------------------------------------------------------------
 */

struct kind {
    gnutls_pk_algorithm_t algorithm;
    unsigned bits;
    gnutls_digest_algorithm_t digest;
};
static const struct kind p256 = {
    GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), GNUTLS_DIG_SHA256};
static const struct kind rsa = {GNUTLS_PK_RSA, 2048, GNUTLS_DIG_SHA384};
static const struct kind rsa_sha1 = {GNUTLS_PK_RSA, 2048, GNUTLS_DIG_SHA1};
static const struct kind ed25519 = {GNUTLS_PK_EDDSA_ED25519, 0, GNUTLS_DIG_SHA512};

static const char *
path_of(const char *name)
{
    static char paths[16][128];
    static unsigned next;
    if (!world.folder[0]) {
        strcpy(world.folder, "/tmp/xylem-tls-XXXXXX");
        CHECK(mkdtemp(world.folder) != NULL);
    }
    char *path = paths[next++ % 16];
    snprintf(path, sizeof(paths[0]), "%s/%s", world.folder, name);
    return path;
}

static void
put_file(const char *name, const void *bytes, size_t len)
{
    FILE *file = fopen(path_of(name), "w");
    CHECK(file && fwrite(bytes, 1, len, file) == len && fclose(file) == 0);
}

static void
remove_folder(void)
{
    char command[200];
    snprintf(command, sizeof(command), "rm -rf '%s'", world.folder);
    CHECK(!world.folder[0] || system(command) == 0);
}

/* Writes NAME.pem and NAME.key, self-signed, valid until `days` from now. */
static void
make_certificate(const char *name, struct kind kind, const char *host, int days)
{
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t certificate;
    gnutls_x509_privkey_init(&key);
    gnutls_x509_crt_init(&certificate);
    CHECK(gnutls_x509_privkey_generate(key, kind.algorithm, kind.bits, 0) == 0);
    CHECK(gnutls_x509_crt_set_version(certificate, 3) == 0);
    CHECK(gnutls_x509_crt_set_serial(certificate, "\x01", 1) == 0);
    time_t now = time(NULL);
    CHECK(gnutls_x509_crt_set_activation_time(certificate, now - 86400 * 10) == 0);
    CHECK(gnutls_x509_crt_set_expiration_time(certificate, now + 86400 * days) == 0);
    CHECK(gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, host,
                                        (unsigned)strlen(host)) == 0);
    CHECK(gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME, host,
                                               (unsigned)strlen(host), 0) == 0);
    CHECK(gnutls_x509_crt_set_key(certificate, key) == 0);
    CHECK(gnutls_x509_crt_sign2(certificate, certificate, key, kind.digest, 0) == 0);
    gnutls_datum_t pem;
    char file[100];
    CHECK(gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &pem) == 0);
    snprintf(file, sizeof(file), "%s.pem", name);
    put_file(file, pem.data, pem.size);
    gnutls_free(pem.data);
    CHECK(gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN,
                                            &pem) == 0);
    snprintf(file, sizeof(file), "%s.key", name);
    put_file(file, pem.data, pem.size);
    gnutls_free(pem.data);
    gnutls_x509_crt_deinit(certificate);
    gnutls_x509_privkey_deinit(key);
}

static struct xyi_tls_certificate
certificate(const char *host, const char *name)
{
    char file[100];
    struct xyi_tls_certificate made = {.host = xy_str_from(host)};
    snprintf(file, sizeof(file), "%s.pem", name);
    made.certificate = xy_str_from(path_of(file));
    snprintf(file, sizeof(file), "%s.key", name);
    made.key = xy_str_from(path_of(file));
    return made;
}

static struct xyi_tls *
tls_of(const struct xyi_tls_certificate *certificates, size_t count)
{
    bool lend = !xyi_temp();
    if (lend)
        xyi_temp_set(xyi_arena_new(256));
    struct xy_str error = XY_NO_STR;
    struct xyi_tls *tls = xyi_tls_new(certificates, count, &error);
    if (!tls)
        fprintf(stderr, XY_FMT "\n", XY_ARG(error));
    CHECK(tls != NULL);
    if (lend) {
        xyi_arena_free(xyi_temp());
        xyi_temp_set(NULL);
    }
    return tls;
}

static void
run_with(unsigned io_threads, enum xyi_listen_tls tls, struct kind kind, void (*client)(void))
{
    make_certificate("one", kind, "a.example", 10);
    struct xyi_tls_certificate one = certificate(NULL, "one");
    world.tls = tls_of(&one, 1);
    world_run(io_threads, tls, client);
    remove_folder();
}

/* ---- a TLS client
 * ---------------------------------------------------------------------------- */

#define ONLY(version) "NORMAL:-VERS-ALL:+VERS-" version

struct hello {
    const char *priorities, *sni, *alpn;
};

static int
client_try_tls(struct client *client, struct hello hello)
{
    CHECK(gnutls_init(&client->tls, GNUTLS_CLIENT) == 0);
    CHECK(gnutls_certificate_allocate_credentials(&client->credentials) == 0);
    CHECK(gnutls_credentials_set(client->tls, GNUTLS_CRD_CERTIFICATE, client->credentials) ==
          0);
    const char *priorities = hello.priorities ? hello.priorities : "NORMAL";
    CHECK(gnutls_priority_set_direct(client->tls, priorities, NULL) == 0);
    if (hello.sni)
        CHECK(gnutls_server_name_set(client->tls, GNUTLS_NAME_DNS, hello.sni,
                                     strlen(hello.sni)) == 0);
    gnutls_datum_t alpn = {(unsigned char *)(uintptr_t)hello.alpn,
                           hello.alpn ? (unsigned)strlen(hello.alpn) : 0};
    if (hello.alpn)
        CHECK(gnutls_alpn_set_protocols(client->tls, &alpn, 1, 0) == 0);
    gnutls_transport_set_int(client->tls, client->fd);
    gnutls_handshake_set_timeout(client->tls, WAIT_MS);
    int result;
    do
        result = gnutls_handshake(client->tls);
    while (result < 0 && !gnutls_error_is_fatal(result));
    return result;
}

static void
client_tls(struct client *client, struct hello hello)
{
    int result = client_try_tls(client, hello);
    if (result != 0)
        fprintf(stderr, "handshake: %s\n", gnutls_strerror(result));
    CHECK(result == 0);
}

static void
client_starttls(struct client *client)
{
    client_send(client, HEADER);
    client_expect(client, ANSWER);
    client_send(client, STARTTLS);
    client_expect(client, PROCEED);
    CHECK_EQ(client->len, 0);
}

static void
client_chat(struct client *client)
{
    client_login(client);
    client_send(client, MESSAGE("secret"));
    client_expect(client, MESSAGE("secret"));
    client_send(client, FOOTER);
    client_expect(client, FOOTER);
    CHECK_EQ(gnutls_record_recv(client->tls, client->got, 1), 0); /* close_notify */
    client_close(client);
}

/* ---- the usual
 * ------------------------------------------------------------------------------- */

static void
chat_starttls(void)
{
    static const char *const versions[] = {ONLY("TLS1.3"), ONLY("TLS1.2")};
    for (unsigned i = 0; i < 2; i++) {
        struct client *client = client_connect();
        client_starttls(client);
        client_tls(client, (struct hello){.priorities = versions[i], .sni = "A.Example"});
        CHECK(!(gnutls_session_get_flags(client->tls) & GNUTLS_SFLAGS_SESSION_TICKET));
        client_chat(client);
        until_ended(i + 1);
        const struct visitor *visitor = &world.visitors[i];
        CHECK(strcmp(visitor->heard, "opened header stanza secured header stanza header stanza "
                                     "closing ended") == 0);
        CHECK(strncmp(visitor->tls, i ? "TLS1.2 AES-" : "TLS1.3 AES-", 11) == 0);
        CHECK(strcmp(visitor->sni, "a.example") == 0);
    }
}

NET_TEST(starttls_works_on_tls_1_2_and_1_3)
{
    run_with(io_threads, XYI_TLS_STARTTLS, p256, chat_starttls);
}

static void
chat_direct(void)
{
    static const struct hello hellos[] = {
        {.priorities = ONLY("TLS1.3")},
        {.priorities = ONLY("TLS1.2")},
        {.alpn = "xmpp-client", .sni = "elsewhere.example"},
    };
    for (unsigned i = 0; i < 3; i++) {
        struct client *client = client_connect();
        client_tls(client, hellos[i]);
        gnutls_datum_t protocol = {NULL, 0};
        CHECK_EQ(gnutls_alpn_get_selected_protocol(client->tls, &protocol) == 0,
                 hellos[i].alpn != NULL);
        client_chat(client);
        until_ended(i + 1);
        CHECK(strcmp(world.visitors[i].heard,
                     "opened secured header stanza header stanza closing ended") == 0);
    }
    CHECK(strcmp(world.visitors[2].sni, "elsewhere.example") == 0);
}

NET_TEST(direct_tls_works_with_and_without_alpn)
{
    run_with(io_threads, XYI_TLS_DIRECT, rsa, chat_direct);
}

static void *
send_a_lot(void *argument)
{
    static char body[40000];
    memset(body, 'y', sizeof(body) - 1);
    for (int i = 0; i < 50; i++) {
        client_send(argument, "<message><body>");
        client_send(argument, body);
        client_send(argument, "</body></message>");
    }
    return NULL;
}

static void
stream_a_lot(void)
{
    struct client *client = client_connect();
    client_tls(client, (struct hello){0});
    client_login(client);
    pthread_t sender;
    CHECK(pthread_create(&sender, NULL, send_a_lot, client) == 0);
    for (int i = 0; i < 50; i++)
        client_expect(client, "</message>");
    pthread_join(sender, NULL);
    CHECK_EQ(client->len, 0);
    client_close(client);
    until_ended(1);
}

NET_TEST(stanzas_span_records_and_records_span_reads)
{
    run_with(io_threads, XYI_TLS_DIRECT, p256, stream_a_lot);
}

static void
type_slowly(void)
{
    struct client *client = client_connect();
    client_tls(client, (struct hello){0});
    client_login(client);
    for (const char *at = MESSAGE("letter by letter"); *at; at++)
        client_send_bytes(client, at, 1); /* a record each */
    client_expect(client, MESSAGE("letter by letter"));
    client_close(client); /* no close_notify: as good as any end */
    until_ended(1);
    CHECK(!strstr(world.visitors[0].heard, "failed"));
}

NET_TEST(one_byte_records_are_fine)
{
    run_with(io_threads, XYI_TLS_DIRECT, p256, type_slowly);
}

/* Through a socket pair of its own: what GnuTLS writes is passed on one byte at a time. */
static ssize_t
push_slowly(gnutls_transport_ptr_t pointer, const void *at, size_t len)
{
    int fd = (int)(intptr_t)pointer;
    for (size_t i = 0; i < len; i++)
        CHECK(send(fd, (const char *)at + i, 1, MSG_NOSIGNAL) == 1);
    return (ssize_t)len;
}

static void
write_byte_by_byte(void)
{
    struct client *client = client_connect();
    CHECK(gnutls_init(&client->tls, GNUTLS_CLIENT) == 0);
    gnutls_certificate_allocate_credentials(&client->credentials);
    gnutls_credentials_set(client->tls, GNUTLS_CRD_CERTIFICATE, client->credentials);
    gnutls_set_default_priority(client->tls);
    gnutls_transport_set_int(client->tls, client->fd);
    gnutls_transport_set_push_function(client->tls, push_slowly);
    CHECK(gnutls_handshake(client->tls) == 0);
    client_chat(client);
    until_ended(1);
}

NET_TEST(records_may_arrive_byte_by_byte)
{
    run_with(io_threads, XYI_TLS_DIRECT, p256, write_byte_by_byte);
}

/* ---- channel bindings and names
 * ---------------------------------------------------------------- */

static void
check_binding(struct client *client, gnutls_channel_binding_t type, const unsigned char *ours,
              size_t len)
{
    gnutls_datum_t theirs;
    CHECK(gnutls_session_channel_binding(client->tls, type, &theirs) == 0);
    CHECK_EQ(theirs.size, len);
    CHECK(memcmp(theirs.data, ours, len) == 0);
    gnutls_free(theirs.data);
}

static void
compare_bindings(void)
{
    static const char *const versions[] = {ONLY("TLS1.3"), ONLY("TLS1.2")};
    for (unsigned i = 0; i < 2; i++) {
        struct client *client = client_connect();
        client_tls(client, (struct hello){.priorities = versions[i]});
        client_login(client);
        const struct visitor *visitor = &world.visitors[i];
        check_binding(client, GNUTLS_CB_TLS_SERVER_END_POINT, visitor->end_point,
                      visitor->end_point_len);
        CHECK_EQ(visitor->exporter_len, 32);
        check_binding(client, GNUTLS_CB_TLS_EXPORTER, visitor->exporter, 32);
        client_close(client);
        until_ended(i + 1);
    }
    CHECK(memcmp(world.visitors[0].exporter, world.visitors[1].exporter, 32) != 0);
}

NET_TEST(channel_bindings_agree_on_p256)
{
    run_with(io_threads, XYI_TLS_DIRECT, p256, compare_bindings);
    CHECK_EQ(world.visitors[0].end_point_len, 32);
}

TEST(channel_bindings_agree_on_rsa_sha384)
{
    run_with(0, XYI_TLS_DIRECT, rsa, compare_bindings);
    CHECK_EQ(world.visitors[0].end_point_len, 48);
}

TEST(channel_bindings_agree_on_rsa_sha1)
{
    run_with(0, XYI_TLS_DIRECT, rsa_sha1, compare_bindings);
    CHECK_EQ(world.visitors[0].end_point_len, 32); /* RFC 5929 4.1: SHA-256 then */
}

TEST(channel_bindings_agree_on_ed25519)
{
    run_with(0, XYI_TLS_DIRECT, ed25519, compare_bindings);
}

static void
bind_without_master_secret(void)
{
    struct client *client = client_connect();
    client_tls(client, (struct hello){.priorities = ONLY("TLS1.2") ":%NO_SESSION_HASH"});
    client_login(client);
    client_close(client);
    until_ended(1);
    CHECK_EQ(world.visitors[0].exporter_len, 0);
    CHECK_EQ(world.visitors[0].end_point_len, 32);
}

TEST(no_exporter_without_extended_master_secret)
{
    run_with(0, XYI_TLS_DIRECT, p256, bind_without_master_secret);
}

static void
check_served(struct client *client, const char *host)
{
    unsigned count;
    const gnutls_datum_t *served = gnutls_certificate_get_peers(client->tls, &count);
    CHECK(served && count == 1);
    gnutls_x509_crt_t leaf;
    gnutls_x509_crt_init(&leaf);
    CHECK(gnutls_x509_crt_import(leaf, served, GNUTLS_X509_FMT_DER) == 0);
    CHECK(gnutls_x509_crt_check_hostname(leaf, host));
    gnutls_x509_crt_deinit(leaf);
}

static void
ask_for_names(void)
{
    static const struct {
        const char *sni, *served;
    } cases[] = {
        {"b.example", "b.example"},
        {"B.EXAMPLE", "b.example"},
        {"xn--bcher-kva.example", "xn--bcher-kva.example"},
        {"c.example", "default.example"},
        {NULL, "a.example"}, /* by `to` of the header before STARTTLS */
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct client *client = client_connect();
        client_starttls(client);
        client_tls(client, (struct hello){.sni = cases[i].sni});
        check_served(client, cases[i].served);
        client_login(client);
        const struct visitor *visitor = &world.visitors[i];
        check_binding(client, GNUTLS_CB_TLS_SERVER_END_POINT, visitor->end_point,
                      visitor->end_point_len);
        client_close(client);
        until_ended(i + 1);
    }
}

NET_TEST(each_name_is_served_its_certificate)
{
    make_certificate("default", p256, "default.example", 10);
    make_certificate("one", p256, "a.example", 10);
    make_certificate("two", rsa, "b.example", 10);
    make_certificate("three", p256, "xn--bcher-kva.example", 10);
    struct xyi_tls_certificate all[] = {
        certificate("a.example", "one"),
        certificate(NULL, "default"),
        certificate("b.example", "two"),
        certificate("b\xc3\xbc"
                    "cher.example",
                    "three"),
    };
    world.tls = tls_of(all, 4);
    world_run(io_threads, XYI_TLS_STARTTLS, ask_for_names);
    remove_folder();
}

/* ---- what is refused
 * ------------------------------------------------------------------------------ */

static bool
has_failures(void *argument)
{
    struct xyi_net_counts counts;
    xyi_net_counts(&counts);
    return counts.tls_failures == *(uint64_t *)argument;
}

static void
until_refused(uint64_t times)
{
    until(has_failures, &times);
    until_ended((unsigned)times);
}

static void
ask_for_old_versions(void)
{
    static const struct hello hellos[] = {
        {.priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.1:%VERIFY_ALLOW_SIGN_WITH_SHA1"},
        {.priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.0"},
        {.priorities = ONLY("TLS1.2") ":-KX-ALL:+RSA"}, /* no forward secrecy */
        {.priorities = ONLY("TLS1.2") ":-CIPHER-ALL:+AES-128-CBC"},
        {.alpn = "h2"},
    };
    unsigned count = sizeof(hellos) / sizeof(hellos[0]);
    for (unsigned i = 0; i < count; i++) {
        struct client *client = client_connect();
        int result = client_try_tls(client, hellos[i]);
        CHECK_EQ(result, GNUTLS_E_FATAL_ALERT_RECEIVED);
        client_close(client);
    }
    until_refused(count);
    CHECK(strcmp(world.visitors[0].heard, "opened ended") == 0);
}

NET_TEST(old_versions_and_weak_suites_are_refused)
{
    run_with(io_threads, XYI_TLS_DIRECT, p256, ask_for_old_versions);
}

static void
send_garbage(void)
{
    struct client *client = client_connect();
    client_send(client, HEADER);
    client_expect_end(client);
    client_close(client);
    client = client_connect();
    client_send_bytes(client, "\x16\x03\x01\x00\x05\x63\x00\x00\x01!", 10);
    client_expect_end(client);
    client_close(client);
    client = client_connect();
    client_close(client); /* nothing at all */
    until_refused(3);
    CHECK(strcmp(world.visitors[1].heard, "opened ended") == 0);
}

NET_TEST(garbage_instead_of_a_hello_is_refused)
{
    run_with(io_threads, XYI_TLS_DIRECT, p256, send_garbage);
}

static void
send_garbage_later(void)
{
    struct client *client = client_connect();
    client_tls(client, (struct hello){0});
    client_login(client);
    CHECK(send(client->fd,
               "\x17\x03\x03\x00\x14"
               "0123456789abcdefghij",
               25, 0) == 25);
    client_expect_end(client);
    client_close(client);
    until_heard("opened secured header stanza header ended");
}

NET_TEST(a_forged_record_ends_the_link)
{
    run_with(io_threads, XYI_TLS_DIRECT, p256, send_garbage_later);
}

static void
inject(void)
{
    static const char *const injected[] = {
        STARTTLS "<auth xmlns='urn:test'/>",
        STARTTLS HEADER,
        STARTTLS "\n<",
    };
    for (unsigned i = 0; i < 3; i++) {
        struct client *client = client_connect();
        client_send(client, HEADER);
        client_expect(client, ANSWER);
        client_send(client, injected[i]);
        client_expect(client, PROCEED);
        client_expect_end(client);
        CHECK_EQ(client->len, 0);
        client_close(client);
    }
    until_refused(3);
    CHECK(strcmp(world.visitors[0].heard, "opened header stanza ended") == 0);
}

NET_TEST(bytes_behind_starttls_close_the_connection)
{
    run_with(io_threads, XYI_TLS_STARTTLS, p256, inject);
}

/* Clients that end each element with a line feed mean no harm, however TCP cuts it. */
static void
end_lines(void)
{
    for (unsigned i = 0; i < 2; i++) {
        struct client *client = client_connect();
        client_send(client, HEADER "\n");
        client_expect(client, ANSWER);
        client_send(client, i ? STARTTLS "\r\n" : STARTTLS);
        client_expect(client, PROCEED);
        client_send(client, " \n");
        client_tls(client, (struct hello){0});
        client_chat(client);
    }
    until_ended(2);
}

NET_TEST(white_space_behind_starttls_is_nothing)
{
    run_with(io_threads, XYI_TLS_STARTTLS, p256, end_lines);
}

static void
wait_in_handshake(void)
{
    struct client *client = client_connect();
    client_starttls(client);
    client_send_bytes(client, "\x16\x03\x01", 3);
    poll(NULL, 0, 30);
    xyi_clock_advance(9000);
    poll(NULL, 0, 30);
    until_heard("opened header stanza");
    xyi_clock_advance(1001);
    client_expect_end(client);
    client_close(client);
    until_refused(1);
    until_heard("opened header stanza ended");
}

NET_TEST(a_handshake_has_its_time)
{
    xyi_clock_freeze((int64_t)time(NULL) * 1000);
    run_with(io_threads, XYI_TLS_STARTTLS, p256, wait_in_handshake);
}

static void
renegotiate(void)
{
    struct client *client = client_connect();
    client_tls(client, (struct hello){.priorities = ONLY("TLS1.2")});
    client_login(client);
    CHECK(gnutls_handshake(client->tls) != 0);
    client_close(client);
    until_heard("opened secured header stanza header ended");
}

NET_TEST(renegotiation_ends_the_link)
{
    run_with(io_threads, XYI_TLS_DIRECT, p256, renegotiate);
}

static void
update_keys(void)
{
    struct client *client = client_connect();
    client_tls(client, (struct hello){.priorities = ONLY("TLS1.3")});
    client_login(client);
    for (int i = 0; i < 3; i++) {
        CHECK(gnutls_session_key_update(client->tls, GNUTLS_KU_PEER) == 0);
        client_send(client, MESSAGE("new keys"));
        client_expect(client, MESSAGE("new keys"));
    }
    client_close(client);
    until_ended(1);
}

NET_TEST(keys_may_be_updated)
{
    run_with(io_threads, XYI_TLS_DIRECT, p256, update_keys);
}

static void
close_first(void *argument)
{
    xyi_link_close(world.visitors[0].link, XY_STR("never to be sent"));
    (void)argument;
}

static void
be_closed_in_handshake(void)
{
    struct client *client = client_connect();
    client_starttls(client);
    on_logic(close_first, NULL);
    client_expect_end(client);
    CHECK_EQ(client->len, 0); /* nothing in the clear */
    client_close(client);
    until_heard("opened header stanza ended");
}

NET_TEST(a_close_during_the_handshake_sends_nothing)
{
    run_with(io_threads, XYI_TLS_STARTTLS, p256, be_closed_in_handshake);
}

static void
expect_no_tls(void)
{
    struct client *client = client_connect();
    client_expect_end(client);
    client_close(client);
    until_refused(1);
}

NET_TEST(without_certificates_there_is_no_tls)
{
    world_run(io_threads, XYI_TLS_DIRECT, expect_no_tls);
}

/* ---- sets of certificates
 * ----------------------------------------------------------------------------- */

static void
swap(void *argument)
{
    struct xyi_tls_certificate two = certificate(NULL, "two");
    struct xyi_tls *tls = tls_of(&two, 1);
    xyi_net_configure(&world.limits, tls);
    xyi_tls_drop(tls);
    xyi_tls_drop(world.tls);
    world.tls = NULL;
    (void)argument;
}

static void
live_through_swap(void)
{
    struct client *old = client_connect();
    client_tls(old, (struct hello){0});
    check_served(old, "a.example");
    client_login(old);
    on_logic(swap, NULL);
    struct client *new = client_connect();
    client_tls(new, (struct hello){0});
    check_served(new, "b.example");
    client_login(new);
    client_send(old, MESSAGE("still the old keys"));
    client_expect(old, MESSAGE("still the old keys"));
    client_close(old);
    client_close(new);
    until_ended(2);
}

NET_TEST(new_certificates_serve_new_connections)
{
    make_certificate("two", p256, "b.example", 10);
    run_with(io_threads, XYI_TLS_DIRECT, p256, live_through_swap);
}

static void
check_error(const char *certificate_name, const char *key_name, const char *expected)
{
    struct xyi_tls_certificate wanted = {.certificate = xy_str_from(path_of(certificate_name)),
                                         .key = xy_str_from(path_of(key_name))};
    struct xy_str error = XY_NO_STR;
    CHECK(!xyi_tls_new(&wanted, 1, &error));
    char text[500], *folder; /* the sentence without the folder's name */
    snprintf(text, sizeof(text), XY_FMT, XY_ARG(error));
    while ((folder = strstr(text, world.folder))) {
        const char *rest = folder + strlen(world.folder) + 1;
        memmove(folder, rest, strlen(rest) + 1);
    }
    CHECK_STR(xy_str_from(text), expected);
}

TEST(a_set_that_cannot_be_made_says_why)
{
    xyi_temp_set(xyi_arena_new(1024));
    make_certificate("one", p256, "a.example", 10);
    make_certificate("two", p256, "b.example", 10);
    put_file("empty.pem", "", 0);
    put_file("junk.pem", "-----BEGIN CERTIFICATE-----\njunk\n-----END CERTIFICATE-----\n", 59);
    check_error("none.pem", "one.key", "certificate none.pem: No such file or directory");
    check_error("one.pem", "none.key", "key none.key: No such file or directory");
    check_error("one.pem", "two.key", "key two.key does not belong to certificate one.pem");
    check_error("empty.pem", "one.key", "certificate empty.pem: No certificate was found.");
    check_error("junk.pem", "one.key", "certificate junk.pem: ASN1 parser: Error in TAG.");
    check_error("one.pem", "one.pem",
                "key one.pem: no private key can be read from it: The requested data were not "
                "available.");
    CHECK(mkdir(path_of("folder"), 0700) == 0);
    check_error("folder", "one.key", "certificate folder: Is a directory");
    xyi_arena_free(xyi_temp());
    remove_folder();
}

TEST(an_expired_certificate_is_only_warned_of)
{
    make_certificate("old", p256, "a.example", -1);
    char log[128];
    snprintf(log, sizeof(log), "%s", path_of("log"));
    CHECK_EQ(xyi_log_configure(XY_LEVEL_INFO, XYI_LOG_TEXT, xy_str_from(log)), XY_OK);
    struct xyi_tls_certificate old = certificate(NULL, "old");
    struct xyi_tls *tls = tls_of(&old, 1);
    xyi_tls_drop(tls);
    FILE *file = fopen(log, "r");
    char line[1000] = "";
    CHECK(file && fgets(line, sizeof(line), file));
    fclose(file);
    CHECK(strstr(line, "tls.expired") && strstr(line, "old.pem"));
    remove_folder();
}

END_TESTS
