/* SPDX-License-Identifier: MIT */
#include "ports/virtual_probe.h"

#include "ports/socket_stream.h"
#include "ports/wires_stream.h"
#include "util/process.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ARGUMENTS_MAX = 32,
    LAST_WORDS_MS = 1000,
    COMPLAINT_BYTES = 400,
    TEXT_BYTES = 32,
};

/* The runner takes 15 digits. */
#define SEED_RANGE UINT64_C(1000000000000000)

struct p2p_virtual_probe {
    struct p2p_process *process;
    struct p2p_wires_stream stream;
    struct p2p_wires_frame frame;
    uint64_t now_ns, until_ns;
    bool running;
};

/* A socket for each stream: [0] ours, [1] the runner's. */
struct sockets {
    int edges[2], uart[2];
};

enum p2p_code p2p_virtual_probe_check(const struct p2p_probe_plan *plan, struct p2p_error *error)
{
    const struct {
        const char *path, *what;
    } files[] = {
        {plan->runner, "the virtual probe's runner is not there (probe.runner)"},
        {plan->image, "the probe's firmware is not there; build it: ./lab build"},
    };

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct stat status;

        if (stat(files[i].path, &status) != 0) {
            return p2p_error_set_errno(error, P2P_E_INPUT, errno, "%s: %s", files[i].path, files[i].what);
        }
        if (!S_ISREG(status.st_mode)) {
            return p2p_error_set(error, P2P_E_INPUT, "%s: expected a file; %s", files[i].path, files[i].what);
        }
    }
    return P2P_OK;
}

/* Why it ended is in its own words, a FAULT that nobody has read or what it printed; ours only say what we saw. */
static enum p2p_code explain_death(struct p2p_virtual_probe *probe, const char *seen, struct p2p_error *error)
{
    char state[64], complaint[COMPLAINT_BYTES];
    struct p2p_error last = {0};

    probe->frame.type = 0;
    while (p2p_wires_receive(&probe->stream, &probe->frame, &last) == P2P_OK) {
    }
    if (probe->frame.type == WIRES_FAULT) {
        return p2p_error_set(error, P2P_E_BENCH, "%s; %s", last.message, seen);
    }
    p2p_process_describe(probe->process, state, sizeof state);
    p2p_process_complaint(probe->process, complaint, sizeof complaint);
    return p2p_error_set(error, P2P_E_BENCH, "%s: %s: %s", seen, state,
                         complaint[0] != '\0' ? complaint : "it printed nothing");
}

enum p2p_code p2p_virtual_probe_explain(struct p2p_virtual_probe *probe, const struct p2p_error *cause,
                                        struct p2p_error *error)
{
    if (cause->code == P2P_E_BENCH && p2p_process_ended(probe->process, LAST_WORDS_MS)) {
        return explain_death(probe, cause->message, error);
    }
    return p2p_error_set(error, cause->code, "%s", cause->message);
}

/* Of what was seen at its edges' stream: there its end shows at once, and a FAULT has its words with it. */
static enum p2p_code explain(struct p2p_virtual_probe *probe, const struct p2p_error *cause, struct p2p_error *error)
{
    return probe->stream.gone ? p2p_virtual_probe_explain(probe, cause, error)
                              : p2p_error_set(error, cause->code, "%s", cause->message);
}

static enum p2p_code take_hello(struct p2p_virtual_probe *probe, struct p2p_error *error)
{
    enum p2p_code code = p2p_wires_receive(&probe->stream, &probe->frame, error);
    unsigned version;

    if (code != P2P_OK) {
        return code;
    }
    if (probe->frame.type != WIRES_HELLO) {
        return p2p_error_set(error, P2P_E_BENCH, "the virtual probe: a frame of type 0x%02x; HELLO comes first",
                             probe->frame.type);
    }
    version = probe->frame.size >= 2 ? (unsigned)wires_get(probe->frame.payload, 2) : 0;
    if (version != WIRES_VERSION) {
        return p2p_error_set(error, P2P_E_BENCH, "the virtual probe speaks version %u of the wires, expected %d",
                             version, WIRES_VERSION);
    }
    return P2P_OK;
}

/* A probe that stands short of where it was to run would be sent there again and again. */
static enum p2p_code take_paused(struct p2p_virtual_probe *probe, struct p2p_error *error)
{
    enum p2p_code code = p2p_wires_receive(&probe->stream, &probe->frame, error);

    if (code == P2P_OK) {
        code = p2p_wires_paused_at(&probe->stream, &probe->frame, &probe->now_ns, error);
    }
    if (code == P2P_OK && probe->now_ns != probe->until_ns) {
        code = p2p_error_set(error, P2P_E_BENCH,
                             "the virtual probe stands at %" PRIu64 " ns, expected it to run until %" PRIu64 " ns",
                             probe->now_ns, probe->until_ns);
    }
    return code;
}

static enum p2p_code await_start(struct p2p_virtual_probe *probe, struct p2p_error *error)
{
    struct p2p_error cause = {0};
    enum p2p_code code = take_hello(probe, &cause);

    if (code == P2P_OK) {
        code = take_paused(probe, &cause);
    }
    return code == P2P_OK ? P2P_OK : explain(probe, &cause, error);
}

static enum p2p_code start_process(struct p2p_virtual_probe *probe, const struct p2p_virtual_probe_setup *setup,
                                   const struct sockets *sockets, struct p2p_error *error)
{
    const struct p2p_probe_plan *plan = setup->plan;
    char edges_fd[TEXT_BYTES], uart_fd[TEXT_BYTES], clk_hz[TEXT_BYTES], ppm[TEXT_BYTES], seed[TEXT_BYTES];
    const int fds[] = {sockets->edges[1], sockets->uart[1]};
    const char *arguments[ARGUMENTS_MAX] = {plan->node, plan->runner, "--image", plan->image, "--edges-fd",
                                            edges_fd,   "--uart-fd",  uart_fd,   "--clk-hz",  clk_hz,
                                            ppm,        "--seed",     seed};
    size_t count = 13;

    snprintf(edges_fd, sizeof edges_fd, "%d", fds[0]);
    snprintf(uart_fd, sizeof uart_fd, "%d", fds[1]);
    snprintf(clk_hz, sizeof clk_hz, "%" PRIu32, plan->clk_hz);
    snprintf(ppm, sizeof ppm, "--ppm=%.6f", plan->clock_ppm); /* apart, "-1" would be an option */
    snprintf(seed, sizeof seed, "%" PRIu64, setup->seed % SEED_RANGE);
    for (const char *const *line = setup->wiring; *line != NULL && count + 2 < ARGUMENTS_MAX; line++) {
        arguments[count++] = "--line";
        arguments[count++] = *line;
    }
    probe->process = p2p_process_start(arguments, fds, sizeof fds / sizeof fds[0], error);
    return probe->process != NULL ? P2P_OK : p2p_failure(error);
}

static void close_socket(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

static enum p2p_code open_sockets(struct sockets *sockets, struct p2p_error *error)
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets->edges) != 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets->uart) != 0) {
        return p2p_error_set_errno(error, P2P_E_HOST, errno, "the virtual probe: socketpair");
    }
    return P2P_OK;
}

struct p2p_virtual_probe *p2p_virtual_probe_start(const struct p2p_virtual_probe_setup *setup,
                                                  struct p2p_byte_stream *uart, struct p2p_error *error)
{
    struct p2p_virtual_probe *probe = calloc(1, sizeof *probe);
    struct sockets sockets = {{-1, -1}, {-1, -1}};
    enum p2p_code code;

    if (probe == NULL) {
        p2p_error_set(error, P2P_E_HOST, "out of memory");
        return NULL;
    }
    probe->stream = (struct p2p_wires_stream){
        .peer = "the virtual probe", .stall_ms = (int64_t)setup->stall_s * 1000, .stop_fd = setup->stop_fd, .fd = -1};
    code = open_sockets(&sockets, error);
    if (code == P2P_OK) {
        code = start_process(probe, setup, &sockets, error);
    }
    /* Our copies of its ends must be gone before we wait, else its death would not end the streams. */
    close_socket(&sockets.edges[1]);
    close_socket(&sockets.uart[1]);
    probe->stream.fd = sockets.edges[0];
    if (code == P2P_OK) {
        code = await_start(probe, error);
    }
    if (code == P2P_OK) {
        code = p2p_socket_stream_open(sockets.uart[0], uart, error);
        sockets.uart[0] = -1;
    }
    if (code != P2P_OK) {
        close_socket(&sockets.uart[0]);
        p2p_virtual_probe_stop(probe);
        return NULL;
    }
    return probe;
}

void p2p_virtual_probe_stop(struct p2p_virtual_probe *probe)
{
    if (probe != NULL) {
        p2p_wires_stream_close(&probe->stream);
        p2p_process_stop(probe->process);
        free(probe);
    }
}

uint64_t p2p_virtual_probe_now_ns(const struct p2p_virtual_probe *probe)
{
    return probe->now_ns;
}

uint64_t p2p_virtual_probe_until_ns(const struct p2p_virtual_probe *probe)
{
    return probe->running ? probe->until_ns : probe->now_ns;
}

bool p2p_virtual_probe_running(const struct p2p_virtual_probe *probe)
{
    return probe->running;
}

int p2p_virtual_probe_fd(const struct p2p_virtual_probe *probe)
{
    return probe->stream.fd;
}

enum p2p_code p2p_virtual_probe_see(struct p2p_virtual_probe *probe, const struct wires_record *records, size_t count,
                                    struct p2p_error *error)
{
    struct p2p_error cause = {0};

    for (size_t i = 0; i < count; i++) {
        wires_put_record(probe->frame.payload + i * WIRES_RECORD_BYTES, &records[i]);
    }
    if (p2p_wires_send(&probe->stream, WIRES_SEEN, probe->frame.payload, (uint32_t)(count * WIRES_RECORD_BYTES),
                       &cause) != P2P_OK) {
        return explain(probe, &cause, error);
    }
    return P2P_OK;
}

enum p2p_code p2p_virtual_probe_run(struct p2p_virtual_probe *probe, uint64_t until_ns, struct p2p_error *error)
{
    struct p2p_error cause = {0};

    if (p2p_wires_send_run(&probe->stream, until_ns, &cause) != P2P_OK) {
        return explain(probe, &cause, error);
    }
    probe->until_ns = until_ns;
    probe->running = true;
    return P2P_OK;
}

enum p2p_code p2p_virtual_probe_take(struct p2p_virtual_probe *probe, struct p2p_error *error)
{
    struct p2p_error cause = {0};

    if (take_paused(probe, &cause) != P2P_OK) {
        return explain(probe, &cause, error);
    }
    probe->running = false;
    return P2P_OK;
}
