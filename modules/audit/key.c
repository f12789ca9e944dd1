/* SPDX-License-Identifier: MIT */
/*
 * The signing key: an Ed25519 key in a file of its own (PKCS #8, PEM, as `openssl genpkey`
 * writes it), which the database never sees. Invariant: what follows a head is signed by the
 * key the log itself named for it. Another key in the file is refused, because a log that
 * anybody can go on with under a key of his own proves nothing.
 *
 * A change of key (rekey.c), in this order, each step durable before the next: the new key in
 * FILE.next; the record that names it, under a head by the old key; a head by the new key;
 * FILE.next becomes FILE. Whoever starts in between finds the key the log asks for in FILE.next
 * and finishes the change.
 */
#include "audit.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/eddsa.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH = 4096, TEXT = 256 };
static const char private_prefix[] =
    "\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20"; /* RFC 8410 section 7 */
static const char public_prefix[] = "\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
static const char begin[] = "-----BEGIN PRIVATE KEY-----\n",
                  end[] = "\n-----END PRIVATE KEY-----\n";

/* ---- files, on a helper thread ----------------------------------------------------------- */

struct errand {
    enum { READ, WRITE, RENAME } what;
    char path[PATH], other[PATH]; /* other: the new name */
    char text[TEXT];
    size_t len;
    int problem; /* errno; EPERM: others may read it */
};

static void
read_file(struct errand *errand)
{
    struct stat about;
    int fd = open(errand->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ssize_t got = fd < 0 ? -1 : fstat(fd, &about);
    if (got == 0 && (about.st_mode & 077)) {
        errno = EPERM;
        got = -1;
    }
    if (got == 0)
        got = read(fd, errand->text, TEXT);
    errand->problem = got < 0 ? errno : 0;
    errand->len = got < 0 ? 0 : (size_t)got;
    if (fd >= 0)
        close(fd);
}

/* The name of a file is durable when its directory is. */
static int
sync_directory(const char *path)
{
    char directory[PATH];
    snprintf(directory, sizeof(directory), "%s", path);
    char *slash = strrchr(directory, '/');
    if (slash)
        slash[slash == directory] = '\0';
    int fd = open(slash ? directory : ".", O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    int problem = fd < 0 || fsync(fd) != 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    return problem;
}

static void
write_file(struct errand *errand)
{
    int fd = open(errand->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);
    bool good = fd >= 0 && write(fd, errand->text, errand->len) == (ssize_t)errand->len &&
                fsync(fd) == 0;
    errand->problem = good ? sync_directory(errand->path) : errno ? errno : EIO;
    if (fd >= 0)
        close(fd);
}

static void
run(void *argument)
{
    struct errand *errand = argument;
    if (errand->what == READ)
        read_file(errand);
    else if (errand->what == WRITE)
        write_file(errand);
    else if (rename(errand->path, errand->other) != 0)
        errand->problem = errno;
    else
        errand->problem = sync_directory(errand->other);
}

/* It is the instance's memory because a helper that hangs still has it in hand. */
static struct errand *
errand_new(XY_SELF, int what, struct xy_str path)
{
    struct errand *errand = xy_keep_alloc(self, sizeof(*errand));
    errand->what = what == READ ? READ : what == WRITE ? WRITE : RENAME;
    snprintf(errand->path, sizeof(errand->path), XY_FMT, XY_ARG(path));
    return errand;
}

static int
do_errand(struct errand *errand)
{
    return xy_offload(run, errand) == XY_OK ? errand->problem : ETIMEDOUT;
}

static void
errand_free(XY_SELF, struct errand *errand)
{
    if (errand->problem == ETIMEDOUT)
        return;
    explicit_bzero(errand, sizeof(*errand));
    xy_keep_free(self, errand);
}

/* ---- keys as text ------------------------------------------------------------------------ */

static void
adopt_seed(struct signer *signer)
{
    ed25519_sha512_public_key(signer->public, signer->seed);
    signer->known = true;
}

static bool
parse(struct xy_str pem, struct signer *signer)
{
    enum { PREFIX = sizeof(private_prefix) - 1 };
    struct xy_str der, text = xy_str_trim(pem), first = xy_str_trim(xy_str_from(begin)),
                       last = xy_str_trim(xy_str_from(end));
    if (text.len < first.len + last.len || !xy_str_starts(text, first) ||
        !xy_str_ends(text, last))
        return false;
    text = xy_str_of(text.at + first.len, text.len - first.len - last.len);
    if (xy_temp_unbase64(xy_str_trim(text), &der) != XY_OK || der.len != PREFIX + KEY ||
        memcmp(der.at, private_prefix, PREFIX) != 0)
        return false;
    memcpy(signer->seed, der.at + PREFIX, KEY);
    explicit_bzero((void *)(uintptr_t)der.at, der.len);
    adopt_seed(signer);
    return true;
}

static struct xy_str
der_of(const char *prefix, size_t len, const unsigned char key[KEY])
{
    struct xy_buffer der = {0};
    xy_buffer_add(&der, xy_str_of(prefix, len));
    xy_buffer_add(&der, key_str(key));
    return xy_buffer_str(&der);
}

struct xy_str
audit_key_pem(const unsigned char public[KEY])
{
    struct xy_str der = der_of(public_prefix, sizeof(public_prefix) - 1, public);
    return xy_temp_printf("-----BEGIN PUBLIC KEY-----\n" XY_FMT "\n-----END PUBLIC KEY-----\n",
                          XY_ARG(xy_temp_base64(der)));
}

void
audit_sign(const struct signer *signer, struct head *head)
{
    memcpy(head->key, signer->public, KEY);
    struct xy_str bytes = audit_head_bytes(head);
    ed25519_sha512_sign(signer->public, signer->seed, bytes.len, (const uint8_t *)bytes.at,
                        head->signature);
}

/* ---- the file ---------------------------------------------------------------------------- */

static struct xy_str
path_of(XY_SELF, const char *suffix)
{
    struct xy_str path = self->key.path;
    return path.len ? xy_temp_printf(XY_FMT "%s", XY_ARG(path), suffix)
                    : xy_temp_printf(XY_FMT "/audit.key%s", XY_ARG(xy_data_dir()), suffix);
}

/* 0, or why not, as errno says it; EINVAL: it is no such key. */
static int
load(XY_SELF, const char *suffix, struct signer *signer)
{
    xy_temp_open();
    struct errand *errand = errand_new(self, READ, path_of(self, suffix));
    int problem = do_errand(errand);
    if (!problem && !parse(xy_str_of(errand->text, errand->len), signer))
        problem = EINVAL;
    errand_free(self, errand);
    xy_temp_close();
    return problem;
}

static int
make(XY_SELF, const char *suffix, struct signer *signer)
{
    xy_random(signer->seed, KEY);
    adopt_seed(signer);
    struct errand *errand = errand_new(self, WRITE, path_of(self, suffix));
    struct xy_str der = der_of(private_prefix, sizeof(private_prefix) - 1, signer->seed);
    errand->len = (size_t)snprintf(errand->text, TEXT, "%s" XY_FMT "%s", begin,
                                   XY_ARG(xy_temp_base64(der)), end);
    int problem = do_errand(errand);
    errand_free(self, errand);
    return problem;
}

static xy_status
complain(XY_SELF, const char *why)
{
    xy_error("audit.key", why, XY_F_STR_AS("file", path_of(self, "")));
    return XY_BROKEN;
}

static const char *
problem_text(int problem)
{
    return problem == EPERM    ? "others than its owner may read the key of the audit log"
           : problem == EINVAL ? "the key of the audit log is no Ed25519 key in PEM"
           : problem == ENOENT ? "the key of the audit log is missing"
                               : "the key of the audit log cannot be read";
}

static bool
is_key(const struct signer *signer, const unsigned char key[KEY])
{
    return signer->known && memcmp(signer->public, key, KEY) == 0;
}

bool
audit_is_lost(const struct audit *self, const unsigned char key[KEY])
{
    static const unsigned char nobody[KEY];
    struct xy_str rest = self->lost_key, hex = xy_temp_hex(key_str(key));
    bool lost = false;
    while (rest.len && !lost)
        lost = xy_str_equal(xy_str_cut(&rest, ' '), hex);
    return lost && memcmp(key, nobody, KEY) != 0;
}

/* A log that has begun names the key it goes on with. */
static xy_status
open_named(XY_SELF, const struct head *head, int problem)
{
    struct signer other = {.known = false};
    if (is_key(&self->signer, head->next))
        return XY_OK;
    if (load(self, ".next", &other) == 0 && is_key(&other, head->next)) {
        memcpy(self->former, self->signer.public, KEY);
        self->signer = other;
        self->untaken = true;
        return XY_OK;
    }
    if (!audit_is_lost(self, head->next))
        return complain(self, problem ? problem_text(problem)
                                      : "the audit log goes on with another key than that of "
                                        "the file");
    if (problem == ENOENT)
        problem = make(self, "", &self->signer);
    return problem ? complain(self, problem_text(problem)) : XY_OK;
}

xy_status
audit_key_open(XY_SELF, const struct head *head)
{
    int problem = load(self, "", &self->signer);
    if (head->tree.size)
        return open_named(self, head, problem);
    if (problem == ENOENT) {
        problem = make(self, "", &self->signer);
        if (!problem)
            xy_notice("audit.key_made", "made a key for the audit log; keep a copy of it",
                      XY_F_STR_AS("file", path_of(self, "")));
        else
            return complain(self, "the key of the audit log cannot be written");
    }
    return problem ? complain(self, problem_text(problem)) : XY_OK;
}

xy_status
audit_key_make(XY_SELF, struct signer *signer)
{
    int problem = make(self, ".next", signer);
    if (problem == EEXIST) /* of a change that was not finished: nothing names it */
        problem = load(self, ".next", signer);
    return problem ? complain(self, "another key cannot be written beside it") : XY_OK;
}

xy_status
audit_key_take(XY_SELF)
{
    struct errand *errand = errand_new(self, RENAME, path_of(self, ".next"));
    snprintf(errand->other, sizeof(errand->other), XY_FMT, XY_ARG(path_of(self, "")));
    int problem = do_errand(errand);
    errand_free(self, errand);
    return problem ? complain(self, "the new key cannot take the place of the old one") : XY_OK;
}
