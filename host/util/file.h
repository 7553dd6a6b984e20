/* SPDX-License-Identifier: MIT */
/* Files: whole reads, durable writes, and files that live in memory only. */
#ifndef P2P_UTIL_FILE_H
#define P2P_UTIL_FILE_H

#include "util/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads a whole file, at most `limit` bytes. *data is NUL-terminated beyond its *size bytes; free() it.
 * P2P_E_INPUT: the file is missing, unreadable, not a file, or longer.
 */
enum p2p_code p2p_read_file(const char *path, size_t limit, char **data, size_t *size, struct p2p_error *error);

/*
 * The file has either its old or its new contents at any time, whatever dies: temporary name in the same folder, sync,
 * rename, sync of the folder. On failure the temporary is removed.
 */
enum p2p_code p2p_write_file(const char *path, const void *data, size_t size, struct p2p_error *error);

/* Writes all of it; short writes and EINTR are continued. False: errno. */
bool p2p_write_all(int fd, const void *data, size_t size);

/* fsync that EINTR does not end. False: errno. */
bool p2p_sync(int fd);

/* Makes the name of a new file as durable as its bytes. False: errno. */
bool p2p_sync_folder_of(const char *path);

/* mkdir -p. */
enum p2p_code p2p_make_folders(const char *path, struct p2p_error *error);

/* A sealed-size anonymous file for a child process: no name in any folder, gone with its last user. -1: see `error`. */
int p2p_memory_file(const char *name, const void *data, size_t size, struct p2p_error *error);

/* printf to a fresh string; free() it. NULL: out of memory. */
char *p2p_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
