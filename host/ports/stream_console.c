/* SPDX-License-Identifier: MIT */
#include "ports/stream_console.h"

#include <stdlib.h>
#include <string.h>

/* The bytes of one look at the line. */
struct piece {
    struct piece *next;
    uint64_t stamp_ns;
    size_t taken; /* by the session */
    size_t count;
    char bytes[];
};

struct p2p_stream_console {
    struct p2p_byte_stream stream;
    struct p2p_clock clock;
    struct piece *first, *last; /* kept for the session */
    size_t kept;                /* bytes */
    uint64_t stamp_ns;          /* of the session's latest read */
};

struct p2p_stream_console *p2p_stream_console_new(const struct p2p_byte_stream *stream, const struct p2p_clock *clock)
{
    struct p2p_stream_console *console = calloc(1, sizeof *console);

    if (console == NULL) {
        stream->close(stream->self);
        return NULL;
    }
    console->stream = *stream;
    console->clock = *clock;
    return console;
}

static void drop_first(struct p2p_stream_console *console)
{
    struct piece *piece = console->first;

    console->first = piece->next;
    if (console->first == NULL) {
        console->last = NULL;
    }
    free(piece);
}

static void forget(struct p2p_stream_console *console)
{
    while (console->first != NULL) {
        drop_first(console);
    }
    console->kept = 0;
}

void p2p_stream_console_free(struct p2p_stream_console *console)
{
    if (console != NULL) {
        forget(console);
        console->stream.close(console->stream.self);
        free(console);
    }
}

static enum p2p_code read_line(struct p2p_stream_console *console, char *bytes, size_t capacity, size_t *count,
                               uint64_t *stamp_ns, struct p2p_error *error)
{
    struct p2p_error cause = {0};
    enum p2p_code code;

    *count = 0;
    code = console->stream.read(console->stream.self, (uint8_t *)bytes, capacity, count, &cause);
    *stamp_ns = console->clock.now_ns(console->clock.self);
    return code == P2P_OK ? P2P_OK : p2p_error_set(error, code, "the board's console: %s", cause.message);
}

enum p2p_code p2p_stream_console_restart(struct p2p_stream_console *console, struct p2p_error *error)
{
    char bytes[4096];
    size_t count = 0, dropped = 0;
    uint64_t stamp_ns;
    enum p2p_code code;

    forget(console);
    do {
        code = read_line(console, bytes, sizeof bytes, &count, &stamp_ns, error);
        dropped += count;
        if (code == P2P_OK && dropped > P2P_CONSOLE_KEPT_BYTES_MAX) {
            return p2p_error_set(error, P2P_E_BENCH,
                                 "the board's console does not fall silent although the board should be off");
        }
    } while (code == P2P_OK && count > 0);
    return code;
}

static enum p2p_code keep(struct p2p_stream_console *console, const char *bytes, size_t count, uint64_t stamp_ns,
                          struct p2p_error *error)
{
    struct piece *piece = malloc(sizeof *piece + count);

    if (piece == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "the board's console: out of memory");
    }
    *piece = (struct piece){.stamp_ns = stamp_ns, .count = count};
    memcpy(piece->bytes, bytes, count);
    if (console->last != NULL) {
        console->last->next = piece;
    } else {
        console->first = piece;
    }
    console->last = piece;
    console->kept += count;
    return P2P_OK;
}

static enum p2p_code boot_read(void *self, char *bytes, size_t capacity, size_t *count, struct p2p_error *error)
{
    struct p2p_stream_console *console = self;
    size_t room = P2P_CONSOLE_KEPT_BYTES_MAX - console->kept;
    uint64_t stamp_ns = 0;
    enum p2p_code code;

    *count = 0;
    if (room == 0) {
        return p2p_error_set(
            error, P2P_E_BENCH,
            "the board babbles: %d bytes on its console, and it is not booted yet: check the console's "
            "baud rate, and whether the board restarts over and over",
            P2P_CONSOLE_KEPT_BYTES_MAX);
    }
    code = read_line(console, bytes, capacity < room ? capacity : room, count, &stamp_ns, error);
    if (code == P2P_OK && *count > 0) {
        code = keep(console, bytes, *count, stamp_ns, error);
        *count = code == P2P_OK ? *count : 0;
    }
    return code;
}

static void hand_out_kept(struct p2p_stream_console *console, char *bytes, size_t capacity, size_t *count)
{
    struct piece *piece = console->first;
    size_t left = piece->count - piece->taken;

    *count = left < capacity ? left : capacity;
    memcpy(bytes, piece->bytes + piece->taken, *count);
    console->stamp_ns = piece->stamp_ns;
    console->kept -= *count;
    piece->taken += *count;
    if (piece->taken == piece->count) {
        drop_first(console);
    }
}

static enum p2p_code session_read(void *self, char *bytes, size_t capacity, size_t *count, struct p2p_error *error)
{
    struct p2p_stream_console *console = self;

    uint64_t stamp_ns = 0;
    enum p2p_code code;

    if (console->first != NULL) {
        hand_out_kept(console, bytes, capacity, count);
        return P2P_OK;
    }
    code = read_line(console, bytes, capacity, count, &stamp_ns, error);
    if (*count > 0) {
        console->stamp_ns = stamp_ns;
    }
    return code;
}

static enum p2p_code console_write(void *self, const char *text, struct p2p_error *error)
{
    const struct p2p_stream_console *console = self;
    struct p2p_error cause = {0};
    enum p2p_code code = console->stream.write(console->stream.self, (const uint8_t *)text, strlen(text), &cause);

    return code == P2P_OK ? P2P_OK : p2p_error_set(error, code, "the board's console: %s", cause.message);
}

struct p2p_console p2p_stream_console_boot_port(struct p2p_stream_console *console)
{
    return (struct p2p_console){.self = console, .read = boot_read, .write = console_write};
}

struct p2p_console p2p_stream_console_port(struct p2p_stream_console *console)
{
    return (struct p2p_console){.self = console, .read = session_read, .write = console_write};
}

uint64_t p2p_stream_console_stamp_ns(const struct p2p_stream_console *console)
{
    return console->stamp_ns;
}

size_t p2p_stream_console_poll_fds(const struct p2p_stream_console *console, struct pollfd fds[P2P_STREAM_FDS_MAX])
{
    return console->stream.poll_fds(console->stream.self, fds);
}
