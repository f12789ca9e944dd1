/* SPDX-License-Identifier: MIT */
/*
 * Sets of certificates: immutable, shared by all sessions made from them, swapped whole by a
 * reload. One set of credentials per certificate, so that what a name is served is decided here
 * and nowhere else. The tls-server-end-point binding (RFC 5929 4.1) is a property of the
 * certificate and computed once.
 */
#include "core/net/parts.h"

#include <errno.h>
#include <gnutls/x509.h>

enum { CHAIN_MOST = 16 };

static const char priorities[] =
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-MAC-ALL:+AEAD";

struct pem {
    struct xy_str path;
    gnutls_datum_t bytes;
};

static bool
load(struct pem *pem, struct xy_str path, const char *what, struct xy_str *error)
{
    pem->path = path;
    errno = 0;
    if (gnutls_load_file(xy_temp_cstr(path), &pem->bytes) == 0)
        return true;
    *error = xy_temp_printf("%s " XY_FMT ": %s", what, XY_ARG(path),
                            errno ? strerror(errno) : "cannot be read");
    return false;
}

static void
note_end_point(struct certificate *into, gnutls_x509_crt_t leaf)
{
    gnutls_digest_algorithm_t hash =
        gnutls_sign_get_hash_algorithm(gnutls_x509_crt_get_signature_algorithm(leaf));
    if (hash == GNUTLS_DIG_MD5 || hash == GNUTLS_DIG_SHA1)
        hash = GNUTLS_DIG_SHA256;
    size_t len = sizeof(into->end_point);
    if (gnutls_x509_crt_get_fingerprint(leaf, hash, into->end_point, &len) == 0)
        into->end_point_len = len;
}

static void
check_time(gnutls_x509_crt_t leaf, struct xy_str path)
{
    time_t now = (time_t)(xy_now_ms() / 1000);
    if (gnutls_x509_crt_get_expiration_time(leaf) < now)
        xy_warn("tls.expired", "the certificate has expired; clients will refuse it",
                XY_F_STR_AS("file", path));
    else if (gnutls_x509_crt_get_activation_time(leaf) > now)
        xy_warn("tls.not_yet_valid", "the certificate is not valid yet; clients will refuse it",
                XY_F_STR_AS("file", path));
}

static bool
pair(struct certificate *into, gnutls_x509_crt_t *chain, unsigned count,
     const struct pem *certificate, const struct pem *key, struct xy_str *error)
{
    gnutls_x509_privkey_t private_key;
    gnutls_x509_privkey_init(&private_key);
    int result = gnutls_x509_privkey_import2(private_key, &key->bytes, GNUTLS_X509_FMT_PEM,
                                             NULL, GNUTLS_PKCS_PLAIN);
    if (result != 0) {
        *error = xy_temp_printf("key " XY_FMT ": no private key can be read from it: %s",
                                XY_ARG(key->path), gnutls_strerror(result));
    } else {
        result =
            gnutls_certificate_set_x509_key(into->credentials, chain, (int)count, private_key);
        if (result == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
            *error = xy_temp_printf("key " XY_FMT " does not belong to certificate " XY_FMT,
                                    XY_ARG(key->path), XY_ARG(certificate->path));
        else if (result != 0)
            *error = xy_temp_printf("certificate " XY_FMT ": %s", XY_ARG(certificate->path),
                                    gnutls_strerror(result));
    }
    gnutls_x509_privkey_deinit(private_key);
    return result == 0;
}

static bool
import(struct certificate *into, const struct pem *certificate, const struct pem *key,
       struct xy_str *error)
{
    gnutls_x509_crt_t chain[CHAIN_MOST];
    unsigned count = CHAIN_MOST;
    int result =
        gnutls_x509_crt_list_import(chain, &count, &certificate->bytes, GNUTLS_X509_FMT_PEM,
                                    GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);
    if (result < 1) {
        *error = xy_temp_printf("certificate " XY_FMT ": %s", XY_ARG(certificate->path),
                                result ? gnutls_strerror(result) : "there is none in it");
        return false;
    }
    count = (unsigned)result;
    bool done = pair(into, chain, count, certificate, key, error);
    if (done) {
        note_end_point(into, chain[0]);
        check_time(chain[0], certificate->path);
    }
    for (unsigned i = 0; i < count; i++)
        gnutls_x509_crt_deinit(chain[i]);
    return done;
}

/* The form a name has in SNI. */
static char *
wire_name(struct xy_str name)
{
    gnutls_datum_t mapped;
    if (!name.len || gnutls_idna_map(name.at, (unsigned)name.len, &mapped, 0) != 0)
        return (char *)(uintptr_t)xyi_str_copy(name).at;
    char *copy =
        (char *)(uintptr_t)xyi_str_copy(xy_str_of((char *)mapped.data, mapped.size)).at;
    gnutls_free(mapped.data);
    return copy;
}

static bool
add(struct xyi_tls *tls, const struct xyi_tls_certificate *wanted, struct xy_str *error)
{
    struct certificate *into = &tls->certificates[tls->count++];
    struct pem certificate = {0}, key = {0};
    gnutls_certificate_allocate_credentials(&into->credentials);
    into->host = wanted->host.len ? wire_name(wanted->host) : NULL;
    bool done = load(&certificate, wanted->certificate, "certificate", error) &&
                load(&key, wanted->key, "key", error) &&
                import(into, &certificate, &key, error);
    gnutls_free(certificate.bytes.data);
    if (key.bytes.data)
        gnutls_memset(key.bytes.data, 0, key.bytes.size);
    gnutls_free(key.bytes.data);
    return done;
}

struct xyi_tls *
xyi_tls_new(const struct xyi_tls_certificate *certificates, size_t count, struct xy_str *error)
{
    xy_assert(count > 0);
    struct xyi_tls *tls = xyi_alloc(sizeof(*tls) + count * sizeof(tls->certificates[0]));
    atomic_init(&tls->references, 1);
    int result = gnutls_priority_init(&tls->priorities, priorities, NULL);
    xy_assert(result == 0);
    for (size_t i = 0; i < count; i++) {
        if (!add(tls, &certificates[i], error)) {
            xyi_tls_drop(tls);
            return NULL;
        }
    }
    return tls;
}

struct xyi_tls *
xyi_tls_keep(struct xyi_tls *tls)
{
    if (tls)
        atomic_fetch_add_explicit(&tls->references, 1, memory_order_relaxed);
    return tls;
}

void
xyi_tls_drop(struct xyi_tls *tls)
{
    if (!tls || atomic_fetch_sub(&tls->references, 1) != 1)
        return;
    for (size_t i = 0; i < tls->count; i++) {
        gnutls_certificate_free_credentials(tls->certificates[i].credentials);
        xyi_free(tls->certificates[i].host);
    }
    gnutls_priority_deinit(tls->priorities);
    xyi_free(tls);
}

const struct certificate *
xyi_tls_choose(const struct xyi_tls *tls, struct xy_str name)
{
    const struct certificate *otherwise = NULL;
    char *wanted = wire_name(name);
    const struct certificate *found = NULL;
    for (size_t i = 0; i < tls->count && !found; i++) {
        const struct certificate *candidate = &tls->certificates[i];
        if (!candidate->host)
            otherwise = candidate;
        else if (wanted && strcmp(candidate->host, wanted) == 0)
            found = candidate;
    }
    xyi_free(wanted);
    if (found)
        return found;
    return otherwise ? otherwise : &tls->certificates[0];
}
