/* SPDX-License-Identifier: MIT */
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

char *p2p_format(const char *format, ...)
{
    va_list arguments;
    char *text = NULL;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0) {
        text = NULL;
    }
    va_end(arguments);
    return text;
}

bool p2p_write_all(int fd, const void *data, size_t size)
{
    const char *at = data;

    while (size > 0) {
        ssize_t written = write(fd, at, size);

        if (written < 0 && errno != EINTR) {
            return false;
        }
        if (written > 0) {
            at += written;
            size -= (size_t)written;
        }
    }
    return true;
}

static bool read_all(int fd, char *at, size_t size, size_t *got)
{
    *got = 0;
    while (*got < size) {
        ssize_t count = read(fd, at + *got, size - *got);

        if (count < 0 && errno != EINTR) {
            return false;
        }
        if (count == 0) {
            break;
        }
        if (count > 0) {
            *got += (size_t)count;
        }
    }
    return true;
}

enum p2p_code p2p_read_file(const char *path, size_t limit, char **data, size_t *size, struct p2p_error *error)
{
    enum p2p_code code = P2P_OK;
    struct stat status;
    char *buffer = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang us */

    if (fd < 0) {
        return p2p_error_set_errno(error, P2P_E_INPUT, errno, "%s: cannot open", path);
    }
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        code = p2p_error_set(error, P2P_E_INPUT, "%s: not a regular file", path);
        goto out;
    }
    if ((uint64_t)status.st_size > limit) {
        code = p2p_error_set(error, P2P_E_INPUT, "%s: %lld bytes, expected at most %zu", path,
                             (long long)status.st_size, limit);
        goto out;
    }
    buffer = malloc((size_t)status.st_size + 1);
    if (buffer == NULL) {
        code = p2p_error_set(error, P2P_E_HOST, "%s: out of memory", path);
        goto out;
    }
    if (!read_all(fd, buffer, (size_t)status.st_size, size)) {
        code = p2p_error_set_errno(error, P2P_E_INPUT, errno, "%s: cannot read", path);
        goto out;
    }
    buffer[*size] = '\0';
    *data = buffer;
    buffer = NULL;
out:
    free(buffer);
    close(fd);
    return code;
}

bool p2p_sync(int fd)
{
    int status;

    do {
        status = fsync(fd);
    } while (status != 0 && errno == EINTR);
    return status == 0;
}

bool p2p_sync_folder_of(const char *path)
{
    char *copy = strdup(path);
    int fd = copy == NULL ? -1 : open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && p2p_sync(fd);

    if (fd >= 0) {
        close(fd);
    }
    free(copy);
    return synced;
}

enum p2p_code p2p_write_file(const char *path, const void *data, size_t size, struct p2p_error *error)
{
    enum p2p_code code = P2P_OK;
    char *temporary = p2p_format("%s.tmp", path);
    int fd = -1;

    if (temporary == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "%s: out of memory", path);
    }
    fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || !p2p_write_all(fd, data, size) || !p2p_sync(fd) || rename(temporary, path) != 0) {
        code = p2p_error_set_errno(error, P2P_E_HOST, errno, "%s: cannot write", path);
        unlink(temporary);
    } else if (!p2p_sync_folder_of(path)) {
        code = p2p_error_set_errno(error, P2P_E_HOST, errno, "%s: cannot sync its folder", path);
    }
    if (fd >= 0) {
        close(fd);
    }
    free(temporary);
    return code;
}

static bool is_folder(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

enum p2p_code p2p_make_folders(const char *path, struct p2p_error *error)
{
    char *copy = strdup(path);
    enum p2p_code code = P2P_OK;

    if (copy == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "%s: out of memory", path);
    }
    for (char *at = copy + strspn(copy, "/"); at != NULL && code == P2P_OK;) {
        char *slash = strchr(at, '/');

        if (slash != NULL) {
            *slash = '\0';
        }
        if (mkdir(copy, 0755) != 0 && (errno != EEXIST || !is_folder(copy))) {
            code = p2p_error_set_errno(error, P2P_E_HOST, errno, "%s: cannot make the folder", copy);
        }
        if (slash != NULL) {
            *slash++ = '/';
        }
        at = slash;
    }
    free(copy);
    return code;
}

int p2p_memory_file(const char *name, const void *data, size_t size, struct p2p_error *error)
{
    /* Not close-on-exec: it exists to be handed to a child. Spawning closes all descriptors that are not named. */
    int fd = memfd_create(name, MFD_ALLOW_SEALING);

    if (fd < 0 || !p2p_write_all(fd, data, size) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0) {
        p2p_error_set_errno(error, P2P_E_HOST, errno, "%s: cannot make a file in memory", name);
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    return fd;
}
