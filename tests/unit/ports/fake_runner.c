/* SPDX-License-Identifier: MIT */
#include "fake_runner.h"

#include "fake_probe.h"
#include "wires_peer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINES = 8, EDGES_MAX = 1 << 18, NO_CHANNEL = PROBE_CHANNELS };

struct runner {
    int edges_fd, uart_fd;
    uint8_t channels[LINES]; /* by line */
    uint64_t now_ns;
    bool started;
    struct peer_edge edges[EDGES_MAX]; /* shown, and not come to yet */
    size_t edge_next, edge_count;
    struct peer_frame frame;
    struct fake_probe probe;
};

static bool asked(const char *what)
{
    const char *order = getenv("FAKE_PROBE");

    return order != NULL && strcmp(order, what) == 0;
}

bool fake_runner_is_meant(char **argv)
{
    return argv[1] != NULL && argv[2] != NULL && strcmp(argv[2], "--image") == 0;
}

static void keep_arguments(char **argv)
{
    const char *path = getenv("FAKE_PROBE_ARGUMENTS");
    FILE *file = path != NULL ? fopen(path, "w") : NULL;

    for (argv++; file != NULL && *argv != NULL; argv++) {
        (void)fprintf(file, "%s\n", *argv);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

/* "3=2": the board's line 3 is at the stimulus' GPIO. */
static void wire(struct runner *runner, const char *text)
{
    char *end;
    unsigned long line = strtoul(text, &end, 10);

    if (*end == '=' && line < LINES) {
        runner->channels[line] = strtoul(end + 1, NULL, 10) == 2 ? 0 : 1;
    }
}

static void read_arguments(struct runner *runner, char **argv)
{
    memset(runner->channels, NO_CHANNEL, sizeof runner->channels);
    for (; argv[0] != NULL && argv[1] != NULL; argv++) {
        if (strcmp(argv[0], "--edges-fd") == 0) {
            runner->edges_fd = (int)strtol(argv[1], NULL, 10);
        } else if (strcmp(argv[0], "--uart-fd") == 0) {
            runner->uart_fd = (int)strtol(argv[1], NULL, 10);
        } else if (strcmp(argv[0], "--line") == 0) {
            wire(runner, argv[1]);
        }
    }
}

__attribute__((format(printf, 2, 3), noreturn)) static void fault(const struct runner *runner, const char *format, ...)
{
    char text[128];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)peer_send(runner->edges_fd, FAULT, text, strlen(text));
    exit(1);
}

__attribute__((noreturn)) static void crash(void)
{
    (void)fprintf(stderr, "TypeError: x is undefined\n    at main.js:1\n");
    exit(3);
}

static void pause_at(const struct runner *runner, uint64_t at_ns)
{
    uint8_t payload[8];

    peer_put(payload, at_ns, sizeof payload);
    if (!peer_send(runner->edges_fd, PAUSED, payload, sizeof payload)) {
        exit(0);
    }
}

static void greet(const struct runner *runner)
{
    static const uint8_t hello[12] = {1, 0, 2, 0}, other[12] = {2, 0, 2, 0};
    const bool is_other = asked("another version");

    if (asked("die at once")) {
        crash();
    }
    if (asked("fault at once")) {
        fault(runner, "the image is empty");
    }
    if (!asked("no hello")) {
        (void)peer_send(runner->edges_fd, HELLO, is_other ? other : hello, sizeof hello);
    }
    if (asked("no pause")) {
        pause();
    }
    pause_at(runner, asked("no hello") ? 1 : asked("late start") ? 5 : 0);
}

static void see(struct runner *runner)
{
    if (runner->frame.size % RECORD_BYTES != 0) {
        fault(runner, "SEEN with %u bytes", runner->frame.size);
    }
    memmove(runner->edges, runner->edges + runner->edge_next,
            (runner->edge_count - runner->edge_next) * sizeof runner->edges[0]);
    runner->edge_count -= runner->edge_next;
    runner->edge_next = 0;
    for (uint32_t at = 0; at < runner->frame.size; at += RECORD_BYTES) {
        struct peer_edge edge = peer_get_edge(runner->frame.payload + at);
        uint64_t least_ns = runner->edge_count > 0 ? runner->edges[runner->edge_count - 1].at_ns : runner->now_ns;

        if (edge.at_ns < least_ns || runner->edge_count == EDGES_MAX || edge.line >= LINES) {
            fault(runner, "an edge at %llu ns, before %llu ns, or too many", (unsigned long long)edge.at_ns,
                  (unsigned long long)least_ns);
        }
        runner->edges[runner->edge_count++] = edge;
    }
}

static void say(struct runner *runner)
{
    uint8_t bytes[256];
    size_t count;

    while ((count = fake_probe_say(&runner->probe, bytes, sizeof bytes)) > 0) {
        if (send(runner->uart_fd, bytes, count, MSG_NOSIGNAL) != (ssize_t)count) {
            return; /* the cable is out */
        }
    }
}

static void hear(struct runner *runner)
{
    uint8_t bytes[256];
    ssize_t count = recv(runner->uart_fd, bytes, sizeof bytes, MSG_DONTWAIT);

    if (count > 0) {
        fake_probe_hear(&runner->probe, bytes, (size_t)count);
    }
}

static void misbehave(struct runner *runner, uint64_t until_ns)
{
    if (asked("die in run")) {
        crash();
    } else if (asked("fault in run")) {
        fault(runner, "no such pin");
    } else if (asked("hang in run")) {
        pause();
    } else if (asked("short run")) {
        pause_at(runner, until_ns - 1);
        pause();
    } else if (asked("close UART")) {
        shutdown(runner->uart_fd, SHUT_RDWR);
    }
}

static void run(struct runner *runner)
{
    uint64_t until_ns = peer_get(runner->frame.payload, 8);

    if (until_ns < runner->now_ns) {
        fault(runner, "RUN until %llu ns, before the present", (unsigned long long)until_ns);
    }
    misbehave(runner, until_ns);
    if (!runner->started) {
        runner->started = true;
        fake_probe_start(&runner->probe);
    }
    hear(runner);
    while (runner->edge_next < runner->edge_count && runner->edges[runner->edge_next].at_ns < until_ns) {
        const struct peer_edge *edge = &runner->edges[runner->edge_next++];

        fake_probe_pass(&runner->probe, edge->at_ns);
        if (runner->channels[edge->line] != NO_CHANNEL) {
            fake_probe_edge(&runner->probe, runner->channels[edge->line], edge->level);
        }
        say(runner);
    }
    fake_probe_pass(&runner->probe, until_ns);
    fake_probe_flush(&runner->probe);
    say(runner);
    runner->now_ns = until_ns;
    pause_at(runner, until_ns);
}

int fake_runner(char **argv)
{
    static struct runner runner;

    keep_arguments(argv);
    read_arguments(&runner, argv);
    greet(&runner);
    while (peer_receive(runner.edges_fd, &runner.frame)) {
        if (runner.frame.type == SEEN) {
            see(&runner);
        } else if (runner.frame.type == RUN && runner.frame.size == 8) {
            run(&runner);
        } else {
            fault(&runner, "a frame of type 0x%02x", runner.frame.type);
        }
    }
    return 0;
}
