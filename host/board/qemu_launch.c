/* SPDX-License-Identifier: MIT */
#include "board/qemu_launch.h"

#include "util/file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void p2p_qemu_launch_add(struct p2p_qemu_launch *launch, const char *argument)
{
    if (launch->argument_count + 1 == P2P_QEMU_ARGUMENTS_MAX) { /* the last place is the NULL's */
        launch->incomplete = true;
        return;
    }
    launch->arguments[launch->argument_count++] = argument;
}

static bool own(struct p2p_qemu_launch *launch, char *text)
{
    if (text == NULL || launch->owned_count == P2P_QEMU_ARGUMENTS_MAX) {
        launch->incomplete = true;
        free(text);
        return false;
    }
    launch->owned[launch->owned_count++] = text;
    return true;
}

void p2p_qemu_launch_add_owned(struct p2p_qemu_launch *launch, char *text)
{
    if (own(launch, text)) {
        p2p_qemu_launch_add(launch, text);
    }
}

const char *p2p_qemu_launch_escape(struct p2p_qemu_launch *launch, const char *path)
{
    char *copy = malloc(2 * strlen(path) + 1);
    char *at = copy;

    if (!own(launch, copy)) {
        return "";
    }
    for (; *path != '\0'; path++) {
        *at++ = *path;
        if (*path == ',') {
            *at++ = ',';
        }
    }
    *at = '\0';
    return copy;
}

void p2p_qemu_launch_add_fd(struct p2p_qemu_launch *launch, int fd)
{
    if (launch->fd_count == P2P_QEMU_FDS_MAX) {
        launch->incomplete = true;
        close(fd);
        return;
    }
    launch->fds[launch->fd_count++] = fd;
}

int p2p_qemu_launch_add_file(struct p2p_qemu_launch *launch, const char *name, const void *data, size_t size,
                             struct p2p_error *error)
{
    int fd = p2p_memory_file(name, data, size, error);

    if (fd >= 0) {
        p2p_qemu_launch_add_fd(launch, fd);
    }
    return fd;
}

struct p2p_process *p2p_qemu_launch_start(struct p2p_qemu_launch *launch, struct p2p_error *error)
{
    if (launch->incomplete) {
        p2p_error_set(error, P2P_E_HOST, "cannot start QEMU: out of memory for its command line");
        return NULL;
    }
    launch->arguments[launch->argument_count] = NULL;
    return p2p_process_start(launch->arguments, launch->fds, launch->fd_count, error);
}

void p2p_qemu_launch_free(struct p2p_qemu_launch *launch)
{
    for (size_t i = 0; i < launch->owned_count; i++) {
        free(launch->owned[i]);
    }
    for (size_t i = 0; i < launch->fd_count; i++) {
        close(launch->fds[i]);
    }
}
