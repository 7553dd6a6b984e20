/* SPDX-License-Identifier: MIT */
#include "util/lock.h"

#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    TRIES = 3,          /* of opening a file that another makes at the same moment */
    TIME_BYTES = 32,    /* "2026-11-22T18:00:00Z" */
    HOST_BYTES = 64,    /* as much of its name as is shown */
    WHAT_BYTES = 256,   /* likewise of what it is for */
    SHARED_MODE = 0666, /* the next user may be another, and writes its own text */
};

struct p2p_lock {
    int fd;
    char left_by[P2P_LOCK_OWNER_BYTES];
};

/* ---- The file ---- */

/* Everybody has to arrive at the same folder, so what a user may do does not count; sticky: none renames our files. */
static const char *lock_folder(void)
{
    static const char *const folders[] = {"/run/lock/pin2pin", "/run/lock", "/tmp"};
    const char *chosen = getenv(P2P_LOCK_FOLDER_VARIABLE);
    struct stat status;

    if (chosen != NULL && chosen[0] != '\0') {
        return chosen;
    }
    for (size_t i = 0; i + 1 < sizeof folders / sizeof folders[0]; i++) {
        if (stat(folders[i], &status) == 0 && S_ISDIR(status.st_mode) &&
            (status.st_mode & (S_ISVTX | S_IWOTH)) == (S_ISVTX | S_IWOTH)) {
            return folders[i];
        }
    }
    return folders[sizeof folders / sizeof folders[0] - 1];
}

/* "bench lab" -> FOLDER/pin2pin-bench-lab.lock. Two names that differ in other bytes only share a lock. */
static char *lock_path(const char *name)
{
    char *path = p2p_format("%s/pin2pin-%s.lock", lock_folder(), name);

    for (char *at = path == NULL ? NULL : path + strlen(path) - strlen(name) - strlen(".lock"); at != NULL && *at != 0;
         at++) {
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", *at) == NULL) {
            *at = '-';
        }
    }
    return path;
}

/*
 * Neither a link to follow, nor a second name of a file that is not ours to overwrite, nor anything that hangs. Without
 * O_CREAT first: in a sticky folder the kernel may refuse that for the file of another (fs.protected_regular).
 */
static int open_file(const char *path)
{
    int fd = -1;

    for (int i = 0; i < TRIES && fd < 0; i++) {
        fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT) {
            fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, SHARED_MODE);
            if (fd >= 0) {
                fchmod(fd, SHARED_MODE); /* whatever the umask; if it fails, another user is told that it may not */
            }
        }
        if (fd < 0 && errno != ENOENT && errno != EEXIST) {
            return -1;
        }
    }
    return fd;
}

static bool is_ours(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1;
}

static enum p2p_code cannot_open(const char *name, const char *path, int errno_value, struct p2p_error *error)
{
    if (errno_value == ELOOP || errno_value == EISDIR || errno_value == ENXIO) {
        return p2p_error_set(error, P2P_E_BENCH, "%s: its lock file %s is no plain file: remove it", name, path);
    }
    return p2p_error_set_errno(error, P2P_E_HOST, errno_value,
                               "%s: cannot open its lock file %s (" P2P_LOCK_FOLDER_VARIABLE " names another folder)",
                               name, path);
}

/* ---- The text: one owner, one line, as in messages ---- */

static void format_time(time_t at, char text[TIME_BYTES])
{
    struct tm utc;

    gmtime_r(&at, &utc);
    strftime(text, TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

static void format_owner(const char *what, uint64_t lease_s, char text[P2P_LOCK_OWNER_BYTES])
{
    const struct passwd *user = getpwuid(geteuid());
    const time_t now = time(NULL);
    char since[TIME_BYTES], until[TIME_BYTES] = "", host[HOST_BYTES] = "";

    format_time(now, since);
    if (lease_s > 0) {
        format_time(now + (time_t)lease_s, until);
    }
    gethostname(host, sizeof host - 1); /* containers of one computer may share the folder */
    snprintf(text, P2P_LOCK_OWNER_BYTES, "pid %" PRIdMAX " (%s@%s, since %s, %.*s%s%s)", (intmax_t)getpid(),
             user != NULL ? user->pw_name : "?", host, since, WHAT_BYTES, what, lease_s > 0 ? ", until " : "", until);
}

/* Anybody may have written it: it is shown, not believed. "": it says nothing. */
static void read_owner(int fd, char owner[P2P_LOCK_OWNER_BYTES])
{
    ssize_t count = pread(fd, owner, P2P_LOCK_OWNER_BYTES - 1, 0);

    owner[count > 0 ? count : 0] = '\0';
    owner[strcspn(owner, "\n")] = '\0';
    for (char *at = owner; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || (unsigned char)*at >= 0x7f) {
            *at = '?';
        }
    }
}

static bool write_text(int fd, const char *text, size_t length)
{
    return ftruncate(fd, 0) == 0 && pwrite(fd, text, length, 0) == (ssize_t)length;
}

static bool is_overdue(const char *owner)
{
    const char *until = strstr(owner, ", until ");
    char now[TIME_BYTES];

    format_time(time(NULL), now); /* of one form: their order is that of the times */
    return until != NULL && strncmp(until + strlen(", until "), now, strlen(now)) < 0;
}

/* ---- The lock ---- */

/* Of the open file, not of the process: closing another descriptor of the same file does not drop it. */
static bool lock_file(int fd)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fcntl(fd, F_OFD_SETLK, &whole) == 0;
}

static bool is_locked(int fd)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}

static enum p2p_code refuse(const char *name, int fd, struct p2p_error *error)
{
    char owner[P2P_LOCK_OWNER_BYTES];

    read_owner(fd, owner);
    return p2p_error_set(error, P2P_E_BENCH, "%s is in use by %s%s", name,
                         owner[0] != '\0' ? owner : "a process that has not said who it is",
                         is_overdue(owner) ? ": it should be done by now; look whether it hangs" : "");
}

static enum p2p_code claim(struct p2p_lock *lock, const char *name, const char *path, const char *what,
                           uint64_t lease_s, struct p2p_error *error)
{
    char owner[P2P_LOCK_OWNER_BYTES];
    size_t length;

    lock->fd = open_file(path);
    if (lock->fd < 0) {
        return cannot_open(name, path, errno, error);
    }
    if (!is_ours(lock->fd)) {
        return p2p_error_set(error, P2P_E_BENCH, "%s: its lock file %s is no plain file: remove it", name, path);
    }
    if (!lock_file(lock->fd)) {
        return errno == EAGAIN || errno == EACCES
                   ? refuse(name, lock->fd, error)
                   : p2p_error_set_errno(error, P2P_E_HOST, errno, "%s: cannot lock %s", name, path);
    }
    read_owner(lock->fd, lock->left_by);
    format_owner(what, lease_s, owner);
    length = strlen(owner);
    owner[length] = '\n';
    if (!write_text(lock->fd, owner, length + 1)) {
        return p2p_error_set_errno(error, P2P_E_HOST, errno, "%s: cannot write %s", name, path);
    }
    return P2P_OK;
}

struct p2p_lock *p2p_lock_take(const char *name, const char *what, uint64_t lease_s, struct p2p_error *error)
{
    struct p2p_lock *lock = calloc(1, sizeof *lock);
    char *path = lock_path(name);
    enum p2p_code code;

    if (lock == NULL || path == NULL) {
        code = p2p_error_set(error, P2P_E_HOST, "%s: out of memory", name);
        goto out;
    }
    code = claim(lock, name, path, what, lease_s, error);
    if (code != P2P_OK && lock->fd >= 0) {
        close(lock->fd);
    }
out:
    if (code != P2P_OK) {
        free(lock);
        lock = NULL;
    }
    free(path);
    return lock;
}

void p2p_lock_release(struct p2p_lock *lock)
{
    if (lock == NULL) {
        return;
    }
    (void)write_text(lock->fd, "", 0); /* else the next owner is told that we were killed, no more */
    close(lock->fd);
    free(lock);
}

const char *p2p_lock_left_by(const struct p2p_lock *lock)
{
    return lock->left_by;
}

bool p2p_lock_owner(const char *name, char owner[P2P_LOCK_OWNER_BYTES])
{
    char *path = lock_path(name);
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool held = fd >= 0 && is_ours(fd) && is_locked(fd);

    owner[0] = '\0';
    if (held) {
        read_owner(fd, owner);
    }
    if (fd >= 0) {
        close(fd);
    }
    free(path);
    return held;
}
