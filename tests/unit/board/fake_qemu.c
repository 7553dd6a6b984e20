/* SPDX-License-Identifier: MIT */
#include "fake_qemu.h"

#include "base_tree.h"
#include "util/file.h"
#include "wires_peer.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EDGES_MAX = 1024 };

static bool asked(const char *what)
{
    const char *order = getenv("FAKE_QEMU");

    return order != NULL && strcmp(order, what) == 0;
}

static int complain(void)
{
    (void)fprintf(stderr, "qemu: no such luck\nqemu: sorry\n");
    return 1;
}

static const char *value_of(char **argv, const char *option)
{
    for (; *argv != NULL; argv++) {
        if (strcmp(*argv, option) == 0) {
            return argv[1];
        }
    }
    return "";
}

/* The number after "fd=" in an option's value; -1: none. */
static int fd_of(char **argv, const char *option)
{
    const char *at = strstr(value_of(argv, option), "fd=");

    return at != NULL ? (int)strtol(at + 3, NULL, 10) : -1;
}

/* As QEMU does: a doubled comma stands for itself. */
static int dump_tree(const char *escaped)
{
    char path[256] = "";
    struct base_tree shape = base_tree_of_virt();
    alignas(8) uint8_t blob[BASE_TREE_BYTES];
    size_t size = base_tree_make(&shape, blob);

    for (size_t length = 0; *escaped != '\0' && length + 1 < sizeof path; length++) {
        path[length] = *escaped;
        escaped += strncmp(escaped, ",,", 2) == 0 ? 2 : 1;
    }
    if (asked("not dump")) {
        return complain();
    }
    return p2p_write_file(path, blob, size, &(struct p2p_error){0}) == P2P_OK ? 0 : 2;
}

static bool note_dump(char **argv)
{
    const char *gic = strstr(value_of(argv, "-M"), "gic-version=");
    FILE *file = fopen("dumps", "a");
    bool done = file != NULL && gic != NULL &&
                fprintf(file, "%c %s\n", gic[strlen("gic-version=")], value_of(argv, "-smp")) > 0;

    return file != NULL && fclose(file) == 0 && done;
}

/* One a line. */
static void keep_arguments(char **argv)
{
    FILE *file = fopen("arguments", "w");

    for (argv++; file != NULL && *argv != NULL; argv++) {
        (void)fprintf(file, "%s\n", *argv);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

/* False: it can't be read, as when the descriptor is not inherited. */
static bool keep_copy(const char *from, const char *to)
{
    char *data = NULL;
    size_t size = 0;
    bool done = p2p_read_file(from, 1 << 20, &data, &size, &(struct p2p_error){0}) == P2P_OK &&
                p2p_write_file(to, data, size, &(struct p2p_error){0}) == P2P_OK;

    free(data);
    return done;
}

static bool keep_partial_tree(char **argv)
{
    char path[64];

    for (; *argv != NULL; argv++) {
        if (strstr(*argv, ",addr=0x50100000,") != NULL && sscanf(*argv, "loader,file=%63[^,]", path) == 1) {
            return keep_copy(path, "passthrough.dtb");
        }
    }
    return true;
}

struct board {
    int fd;
    uint8_t stimulus, answer;          /* lines */
    struct peer_edge edges[EDGES_MAX]; /* to come, ascending */
    size_t count;
    uint8_t level; /* of the answer */
    struct peer_frame frame;
};

static bool enqueue(struct board *board, const struct peer_edge *edge)
{
    size_t at = board->count++;

    if (board->count > EDGES_MAX) {
        return false;
    }
    for (; at > 0 && board->edges[at - 1].at_ns > edge->at_ns; at--) {
        board->edges[at] = board->edges[at - 1];
    }
    board->edges[at] = *edge;
    return true;
}

/* One edge happens; the guest answers a stimulus by turning its line over. */
static bool happen(struct board *board)
{
    struct peer_edge edge = board->edges[0];
    uint8_t record[RECORD_BYTES];

    memmove(board->edges, board->edges + 1, --board->count * sizeof board->edges[0]);
    peer_put_edge(record, &edge);
    if (edge.line == board->stimulus && edge.level == 1) {
        board->level ^= 1;
        enqueue(board, &(struct peer_edge){edge.at_ns + FAKE_QEMU_ANSWER_NS, board->answer, board->level, 1});
    }
    return peer_send(board->fd, SEEN, record, sizeof record);
}

static bool run(struct board *board)
{
    uint64_t until_ns = peer_get(board->frame.payload, 8);
    bool alive = true;

    if (asked("hang")) {
        pause();
    }
    while (alive && board->count > 0 && board->edges[0].at_ns <= until_ns) {
        alive = happen(board);
    }
    return alive && peer_send(board->fd, PAUSED, board->frame.payload, 8);
}

/* Pauses wherever it is asked to, until the host is gone. */
static int run_board(int fd)
{
    static const uint8_t hello[12] = {1, 0, 8, 0, 2, 0, 10, 0}, start[8];
    static struct board board = {.stimulus = FAKE_QEMU_STIMULUS, .answer = FAKE_QEMU_ANSWER};
    bool alive = peer_send(fd, HELLO, hello, sizeof hello) && peer_send(fd, PAUSED, start, 8);

    board.fd = fd;
    while (alive && peer_receive(fd, &board.frame)) {
        if (asked("die in mid-run")) {
            return complain();
        }
        if (board.frame.type == RUN) {
            alive = run(&board);
        }
        for (uint32_t at = 0; board.frame.type == EDGES && at < board.frame.size; at += RECORD_BYTES) {
            struct peer_edge edge = peer_get_edge(board.frame.payload + at);

            alive = enqueue(&board, &edge);
        }
    }
    return 0;
}

int fake_qemu(char **argv)
{
    const char *dump = strstr(value_of(argv, "-M"), "dumpdtb=");
    int console = fd_of(argv, "-chardev"), wires = fd_of(argv, "-plugin");

    if (dump != NULL) {
        return note_dump(argv) ? dump_tree(dump + strlen("dumpdtb=")) : 3;
    }
    keep_arguments(argv);
    if (asked("die at once")) {
        return complain();
    }
    if (!keep_copy(value_of(argv, "-dtb"), "boot.dtb") || !keep_partial_tree(argv) ||
        write(console, "hello\n", 6) != 6) {
        return 4;
    }
    return run_board(wires);
}
