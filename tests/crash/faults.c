/* SPDX-License-Identifier: MIT */
/*
 * The disk as tests want it (LD_PRELOAD): full, broken, slow, remembered write by write, and
 * deadly at a chosen write. Looks at the files below XYLEM_FAULTS_DIR alone, SQLite's -shm left
 * out: that is memory, not a file; what is sent to a database whose socket lies in
 * XYLEM_FAULTS_SOCKET counts as written. Faults are switched by a shared page,
 * XYLEM_FAULTS_CONTROL.
 *
 * While `counting`, all writes, truncations, flushes and sends have one order, and the process
 * is killed as if by somebody else just before, in the middle of or just after number
 * `kill_at`: none that comes later has begun.
 *
 * The log, XYLEM_FAULTS_LOG, is what a power cut leaves us to think about: each write is in it
 * before it is done, each flush once when it begins and once when it has succeeded. So what was
 * logged before a flush that ended is on the disk, whatever came of the rest. replay.py reads
 * it.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { FILES = 4096, LONGEST = 4096, KINDS = 3072, DATABASE = -2 };
enum moment { BEFORE, INSIDE, AFTER };

struct control {        /* faults.py has the same */
    uint32_t full;      /* writes: ENOSPC */
    uint32_t broken;    /* writes: EIO */
    uint32_t unflushed; /* flushes: EIO, and nothing is flushed */
    uint32_t slow_us;   /* flushes take so much longer */
    uint64_t refused;   /* how many of these calls failed */
    uint64_t slowed;
    uint64_t kill_at; /* 0: nobody is killed */
    uint64_t writes;  /* since somebody made it 0 */
    uint32_t moment;
    uint32_t counting;
    char kinds[KINDS]; /* of the first: w write, t truncate, f flush, s sent to the database */
};
struct record {      /* replay.py has the same; `length` bytes follow */
    uint8_t kind;    /* o open, w write, t truncate, f flush begins, F has succeeded, u unlink,
                        r rename: two names with a zero between, d the directory's flush */
    uint8_t created; /* by this open */
    uint16_t file;
    uint32_t length;
    uint64_t offset; /* of a truncate: the new length */
};

static struct control *control, quiet;
static const char *directory, *database;
static size_t directory_length, database_length;
static int log_file = -1;
/* Which of the files of the directory a descriptor is: 0 none, else its number; their names are
 * in the log. -1: the directory itself; DATABASE: a connection to it. The lock keeps the log in
 * the order of the calls. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int16_t file_of[FILES];
static uint16_t files;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
set_up(void)
{
    const char *path = getenv("XYLEM_FAULTS_CONTROL"), *log = getenv("XYLEM_FAULTS_LOG");
    control = &quiet;
    directory = getenv("XYLEM_FAULTS_DIR");
    directory_length = directory ? strlen(directory) : 0;
    database = getenv("XYLEM_FAULTS_SOCKET");
    database_length = database ? strlen(database) : 0;
    if (path) {
        int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
        void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (page != MAP_FAILED)
            control = page;
        syscall(SYS_close, file);
    }
    if (log)
        log_file = (int)syscall(SYS_openat, AT_FDCWD, log,
                                O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static bool
is_ours(const char *path)
{
    size_t length = strlen(path);
    return directory && strncmp(path, directory, directory_length) == 0 &&
           (path[directory_length] == '/' || !path[directory_length]) &&
           !(length > 4 && strcmp(path + length - 4, "-shm") == 0);
}

/* With the lock held, but for a flush. */
static void
note(char kind, int file, uint64_t offset, const void *bytes, size_t length, bool created)
{
    if (log_file < 0)
        return;
    struct record record = {(uint8_t)kind, created, (uint16_t)file, (uint32_t)length, offset};
    struct iovec parts[] = {{&record, sizeof(record)}, {(void *)(uintptr_t)bytes, length}};
    if (syscall(SYS_writev, log_file, parts, length ? 2 : 1) != (long)(sizeof(record) + length))
        abort(); /* a log with a hole proves nothing */
}

/* ---- dying ------------------------------------------------------------------------------- */

static void
die(void)
{
    syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    for (;;)
        syscall(SYS_pause);
}

/* Both with the lock held, on either side of what is counted, whose number it is; 0: nothing
 * is. Of what is the last *length may be halved. */
static uint64_t
begins(char kind, size_t *length)
{
    if (!control->counting)
        return 0;
    uint64_t number = ++control->writes;
    if (number <= KINDS)
        control->kinds[number - 1] = kind;
    if (number != control->kill_at)
        return number;
    if (control->moment == BEFORE || (control->moment == INSIDE && !length))
        die();
    if (control->moment == INSIDE)
        *length /= 2;
    return number;
}

static void
ends(uint64_t number)
{
    if (number && number == control->kill_at)
        die();
}

static int
number_of(int fd)
{
    pthread_once(&once, set_up);
    return fd >= 0 && fd < FILES ? file_of[fd] : 0;
}

static int
opened(int fd, bool created)
{
    char link[64], path[LONGEST];
    if (fd < 0 || fd >= FILES || !directory)
        return fd;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof(path) - 1);
    pthread_mutex_lock(&lock);
    file_of[fd] = 0;
    if (length > 0 && (path[length] = '\0', is_ours(path))) {
        file_of[fd] = (size_t)length == directory_length ? -1 : (int16_t)++files;
        if (file_of[fd] > 0)
            note('o', file_of[fd], 0, path, (size_t)length, created);
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

static int
open_as(int at, const char *path, int flags, mode_t mode)
{
    pthread_once(&once, set_up);
    bool created = false;
    if (flags & O_CREAT) {
        /* Whether this call makes the file decides whether a power cut unmakes it. */
        int fd = (int)syscall(SYS_openat, at, path, flags | O_EXCL, mode);
        if (fd >= 0 || errno != EEXIST || flags & O_EXCL)
            return opened(fd, created = true);
    }
    return opened((int)syscall(SYS_openat, at, path, flags, mode), created);
}

#define MODE(last)                       \
    mode_t mode = 0;                     \
    if (flags & (O_CREAT | O_TMPFILE)) { \
        va_list list;                    \
        va_start(list, last);            \
        mode = va_arg(list, mode_t);     \
        va_end(list);                    \
    }

#define REPLACES __attribute__((visibility("default")))
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);

REPLACES int
open(const char *path, int flags, ...)
{
    MODE(flags)
    return open_as(AT_FDCWD, path, flags, mode);
}
REPLACES int
open64(const char *path, int flags, ...)
{
    MODE(flags)
    return open_as(AT_FDCWD, path, flags, mode);
}
REPLACES int
__open_2(const char *path, int flags)
{
    return open_as(AT_FDCWD, path, flags, 0);
}
REPLACES int
__open64_2(const char *path, int flags)
{
    return open_as(AT_FDCWD, path, flags, 0);
}
REPLACES int
openat(int at, const char *path, int flags, ...)
{
    MODE(flags)
    return open_as(at, path, flags, mode);
}
REPLACES int
openat64(int at, const char *path, int flags, ...)
{
    MODE(flags)
    return open_as(at, path, flags, mode);
}

REPLACES int
close(int fd)
{
    if (fd >= 0 && fd < FILES) {
        pthread_mutex_lock(&lock);
        file_of[fd] = 0;
        pthread_mutex_unlock(&lock);
    }
    return (int)syscall(SYS_close, fd);
}

static ssize_t
refuse(int reason)
{
    __atomic_add_fetch(&control->refused, 1, __ATOMIC_RELAXED);
    errno = reason;
    return -1;
}

/* `offset` -1: where the descriptor stands. */
static ssize_t
write_at(int fd, const void *bytes, size_t length, off_t offset)
{
    int file = number_of(fd);
    if (file > 0 && control->full)
        return refuse(ENOSPC);
    if (file > 0 && control->broken)
        return refuse(EIO);
    if (file > 0)
        pthread_mutex_lock(&lock);
    if (file > 0) {
        off_t place = offset < 0 ? (off_t)syscall(SYS_lseek, fd, 0, SEEK_CUR) : offset;
        note('w', file, (uint64_t)place, bytes, length, false);
    }
    uint64_t number = file > 0 ? begins('w', &length) : 0;
    ssize_t done = offset < 0 ? syscall(SYS_write, fd, bytes, length)
                              : syscall(SYS_pwrite64, fd, bytes, length, offset);
    if (file > 0) {
        ends(number);
        pthread_mutex_unlock(&lock);
    }
    return done;
}

REPLACES ssize_t
write(int fd, const void *bytes, size_t length)
{
    return write_at(fd, bytes, length, -1);
}
REPLACES ssize_t
pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
    return write_at(fd, bytes, length, offset);
}
REPLACES ssize_t
pwrite64(int fd, const void *bytes, size_t length, off64_t offset)
{
    return write_at(fd, bytes, length, offset);
}

static int
truncate_at(int fd, off_t length)
{
    int file = number_of(fd);
    if (file <= 0)
        return (int)syscall(SYS_ftruncate, fd, length);
    pthread_mutex_lock(&lock);
    note('t', file, (uint64_t)length, NULL, 0, false);
    uint64_t number = begins('t', NULL);
    int done = (int)syscall(SYS_ftruncate, fd, length);
    ends(number);
    pthread_mutex_unlock(&lock);
    return done;
}
REPLACES int
ftruncate(int fd, off_t length)
{
    return truncate_at(fd, length);
}
REPLACES int
ftruncate64(int fd, off64_t length)
{
    return truncate_at(fd, length);
}

/* ---- flushing ---------------------------------------------------------------------------- */

static void
linger(void)
{
    uint32_t us = control->slow_us;
    if (!us)
        return;
    __atomic_add_fetch(&control->slowed, 1, __ATOMIC_RELAXED);
    nanosleep(&(struct timespec){us / 1000000, (long)(us % 1000000) * 1000}, NULL);
}

static void
note_flush(char kind, int file)
{
    pthread_mutex_lock(&lock);
    note(kind, file < 0 ? 0 : file, 0, NULL, 0, false);
    pthread_mutex_unlock(&lock);
}

static int
flush_in_order(int fd, long call)
{
    pthread_mutex_lock(&lock);
    uint64_t number = begins('f', NULL);
    int done = (int)syscall(call, fd);
    ends(number);
    pthread_mutex_unlock(&lock);
    return done;
}

static int
flush(int fd, long call)
{
    int file = number_of(fd);
    if (!file)
        return (int)syscall(call, fd);
    linger();
    if (control->unflushed)
        return (int)refuse(EIO);
    if (file > 0)
        note_flush('f', file);
    int done = control->counting ? flush_in_order(fd, call) : (int)syscall(call, fd);
    if (done == 0)
        note_flush(file < 0 ? 'd' : 'F', file);
    return done;
}
REPLACES int
fsync(int fd)
{
    return flush(fd, SYS_fsync);
}
REPLACES int
fdatasync(int fd)
{
    return flush(fd, SYS_fdatasync);
}

/* ---- a database behind a socket ------------------------------------------------------------
 */

REPLACES int
connect(int fd, const struct sockaddr *address, socklen_t length)
{
    const struct sockaddr_un *local = (const void *)address;
    pthread_once(&once, set_up);
    bool ours = database && fd >= 0 && fd < FILES && address->sa_family == AF_UNIX &&
                strncmp(local->sun_path, database, database_length) == 0;
    pthread_mutex_lock(&lock);
    if (ours)
        file_of[fd] = DATABASE;
    pthread_mutex_unlock(&lock);
    return (int)syscall(SYS_connect, fd, address, length);
}

REPLACES ssize_t
send(int fd, const void *bytes, size_t length, int flags)
{
    if (number_of(fd) != DATABASE)
        return syscall(SYS_sendto, fd, bytes, length, flags, NULL, 0);
    pthread_mutex_lock(&lock);
    uint64_t number = begins('s', &length);
    ssize_t done = syscall(SYS_sendto, fd, bytes, length, flags, NULL, 0);
    ends(number);
    pthread_mutex_unlock(&lock);
    return done;
}

/* ---- names ------------------------------------------------------------------------------- */

REPLACES int
unlink(const char *path)
{
    pthread_once(&once, set_up);
    bool ours = is_ours(path);
    pthread_mutex_lock(&lock);
    int done = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (done == 0 && ours)
        note('u', 0, 0, path, strlen(path), false);
    pthread_mutex_unlock(&lock);
    return done;
}

REPLACES int
rename(const char *from, const char *to)
{
    char names[2 * LONGEST];
    pthread_once(&once, set_up);
    bool ours = is_ours(from) || is_ours(to);
    pthread_mutex_lock(&lock);
    int done = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (done == 0 && ours) {
        int length = snprintf(names, sizeof(names), "%s%c%s", from, 0, to);
        note('r', 0, 0, names, (size_t)length, false);
    }
    pthread_mutex_unlock(&lock);
    return done;
}
