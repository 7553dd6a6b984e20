/* SPDX-License-Identifier: MIT */
#include "cli/verb_probe.h"

#include "reports/capture_reader.h"
#include "reports/capture_report.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PLAY_AT_ONCE = 1024, DESCRIPTION_BYTES = 160 };

#define NS_PER_S UINT64_C(1000000000)
#define STEP_NS  UINT64_C(50000000) /* how often the output is flushed and an end is looked for */
#define TAIL_NS  UINT64_C(1000000)  /* from a played file's last edge to the end */

/* Where every edge went that came. */
struct account {
    uint64_t edges[P2P_CAPTURE_CHANNELS]; /* written */
    uint64_t glitches, clipped;           /* of these */
    uint64_t left_out;                    /* came behind the last one that --edges asked for */
};

struct capture {
    struct p2p_probe_verb verb;
    struct p2p_probe_stand *stand;
    struct p2p_capture_report *report;
    FILE *out;
    struct account account;
    uint64_t end_ns; /* the stand's time; UINT64_MAX: until the user ends it */
    bool interrupted;

    struct p2p_capture_reader *player; /* NULL: nothing is played */
    uint64_t play_from_ns;
    struct p2p_timed_edge ahead; /* the player's next edge */
    bool is_ahead;
};

static uint64_t edges_written(const struct account *account)
{
    return account->edges[P2P_CHANNEL_STIMULUS] + account->edges[P2P_CHANNEL_ANSWER];
}

/* Without a limit the user's Ctrl-C is the normal end. */
static int exit_of_whole(const struct capture *capture)
{
    const struct p2p_options *options = capture->verb.options;
    const bool limited = options->has_seconds || options->has_edges || options->play != NULL;

    return capture->interrupted && limited ? P2P_EXIT_INTERRUPTED : P2P_EXIT_PASS;
}

static bool has_enough(const struct capture *capture)
{
    return capture->verb.options->has_edges && edges_written(&capture->account) >= capture->verb.options->edges;
}

static void take_edge(void *user, const struct p2p_edge *edge)
{
    struct capture *capture = user;

    if (has_enough(capture)) {
        capture->account.left_out++;
        return;
    }
    capture->account.edges[edge->channel]++;
    capture->account.glitches += (edge->flags & P2P_EDGE_GLITCH) != 0;
    capture->account.clipped += (edge->flags & P2P_EDGE_CLIPPED) != 0;
    p2p_capture_report_edge(capture->report, edge);
}

static const char *output_name(const struct capture *capture)
{
    const char *file = capture->verb.options->file;

    return file != NULL ? file : "stdout";
}

static enum p2p_code check_output(const struct capture *capture, struct p2p_error *error)
{
    return fflush(capture->out) == 0 && !ferror(capture->out)
               ? P2P_OK
               : p2p_error_set_errno(error, P2P_E_HOST, errno, "%s: cannot write", output_name(capture));
}

static bool is_same_file(const char *one, const char *other)
{
    struct stat a, b;

    return one != NULL && other != NULL && stat(one, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

/* What is wrong is told before the probe is started. */
static enum p2p_code check_options(struct capture *capture, struct p2p_error *error)
{
    const struct p2p_options *options = capture->verb.options;

    if (options->json && options->file == NULL) {
        return p2p_error_set(error, P2P_E_INPUT, "--json: the edges go to stdout; give them a file with -o FILE");
    }
    if (options->play == NULL) {
        return P2P_OK;
    }
    if (capture->verb.bench->probe.kind != P2P_PROBE_VIRTUAL) {
        return p2p_error_set(error, P2P_E_INPUT, "--play: %s has no virtual probe: its lines cannot be driven",
                             capture->verb.bench->path);
    }
    if (is_same_file(options->play, options->file)) {
        return p2p_error_set(error, P2P_E_INPUT, "%s: cannot be played and written at once", options->file);
    }
    capture->player = p2p_capture_reader_open(options->play, error);
    return capture->player != NULL ? P2P_OK : p2p_failure(error);
}

/* A channel whose first edge falls is high before; that edge is over when the probe is armed. */
static enum p2p_code raise_lines(struct capture *capture, struct p2p_error *error)
{
    const struct p2p_capture_summary *summary = p2p_capture_reader_summary(capture->player);
    const uint64_t now_ns = p2p_probe_stand_now_ns(capture->stand);
    enum p2p_code code = P2P_OK;

    for (uint8_t line = 0; line < P2P_CAPTURE_CHANNELS && code == P2P_OK; line++) {
        const struct wires_record edge = {.at_ns = now_ns, .line = line, .level = 1};

        if (summary->starts_high[line]) {
            code = p2p_probe_stand_drive(capture->stand, &edge, 1, error);
        }
    }
    if (code == P2P_OK) {
        code = p2p_probe_stand_advance(capture->stand, now_ns + TAIL_NS, error);
    }
    return code == P2P_OK ? p2p_capture_reader_next(capture->player, &capture->ahead, &capture->is_ahead, error) : code;
}

/* All that happens on the lines before `until_ns`. */
static enum p2p_code play_until(struct capture *capture, uint64_t until_ns, struct p2p_error *error)
{
    struct wires_record edges[PLAY_AT_ONCE];
    enum p2p_code code = P2P_OK;
    size_t count = 0;

    while (code == P2P_OK && capture->is_ahead && capture->play_from_ns + capture->ahead.at_ns < until_ns) {
        edges[count++] = (struct wires_record){.at_ns = capture->play_from_ns + capture->ahead.at_ns,
                                               .line = capture->ahead.channel,
                                               .level = capture->ahead.level};
        code = p2p_capture_reader_next(capture->player, &capture->ahead, &capture->is_ahead, error);
        if (code == P2P_OK && count == PLAY_AT_ONCE) {
            code = p2p_probe_stand_drive(capture->stand, edges, count, error);
            count = 0;
        }
    }
    return code == P2P_OK && count > 0 ? p2p_probe_stand_drive(capture->stand, edges, count, error) : code;
}

/* `name` is one of the option's words, or NULL. */
static enum p2p_capture_format format_of(const char *name)
{
    if (name != NULL && strcmp(name, "csv") == 0) {
        return P2P_CAPTURE_CSV;
    }
    return name != NULL && strcmp(name, "vcd") == 0 ? P2P_CAPTURE_VCD : P2P_CAPTURE_TEXT;
}

/* A FIFO that nobody reads is an error: to wait for a reader has no end. */
static enum p2p_code open_file(struct capture *capture, const char *path, struct p2p_error *error)
{
    struct stat status;
    int fd;

    if (stat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
        return p2p_error_set(error, P2P_E_INPUT, "%s: there is a file; give -o another name, or remove it", path);
    }
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_CLOEXEC, 0666);
    if (fd < 0) {
        return p2p_error_set_errno(error, P2P_E_INPUT, errno, "%s: cannot open", path);
    }
    capture->out = fcntl(fd, F_SETFL, 0) == 0 ? fdopen(fd, "w") : NULL;
    if (capture->out == NULL) {
        p2p_error_set_errno(error, P2P_E_HOST, errno, "%s: cannot open", path);
        close(fd);
        return P2P_E_HOST;
    }
    return P2P_OK;
}

static enum p2p_code open_output(struct capture *capture, struct p2p_error *error)
{
    const struct p2p_options *options = capture->verb.options;
    const struct p2p_probe_info *info = p2p_probe_stand_info(capture->stand);
    char description[DESCRIPTION_BYTES];
    struct p2p_capture_head head = {
        .probe = description,
        .tick_hz = info->tick_hz,
        .origin_ticks = p2p_probe_link_stats(p2p_probe_stand_link(capture->stand))->now_ticks,
    };

    snprintf(description, sizeof description, "probe %s, board id %s, firmware %s", info->name, info->serial,
             info->firmware);
    if (options->file != NULL && open_file(capture, options->file, error) != P2P_OK) {
        return p2p_failure(error);
    }
    capture->report = p2p_capture_report_new(format_of(options->format), &head, capture->out);
    return capture->report != NULL ? P2P_OK : p2p_error_set(error, P2P_E_HOST, "out of memory");
}

/* From now on it counts: the probe is armed. */
static void set_end(struct capture *capture)
{
    const struct p2p_options *options = capture->verb.options;
    const uint64_t now_ns = p2p_probe_stand_now_ns(capture->stand);

    capture->play_from_ns = now_ns;
    capture->end_ns = options->has_seconds ? now_ns + options->seconds * NS_PER_S : UINT64_MAX;
    if (capture->player != NULL) {
        const uint64_t played_ns = now_ns + p2p_capture_reader_summary(capture->player)->last_ns + TAIL_NS;

        capture->end_ns = played_ns < capture->end_ns ? played_ns : capture->end_ns;
    }
}

static enum p2p_code begin(struct capture *capture, struct p2p_error *error)
{
    const struct p2p_probe_stand_setup setup = {
        .bench = capture->verb.bench,
        .stop_fd = capture->verb.stop_fd,
        .on_edge = take_edge,
        .user = capture,
        .wiring = P2P_STAND_LINES,
        .seed = P2P_PROBE_SEED,
    };
    enum p2p_code code = P2P_OK;

    capture->stand = p2p_probe_stand_open(&setup, error);
    if (capture->stand == NULL) {
        return p2p_failure(error);
    }
    if (capture->player != NULL) {
        code = raise_lines(capture, error);
    }
    if (code == P2P_OK) { /* its time is the capture's origin */
        code = p2p_probe_stand_command(capture->stand, PROBE_GET_STATS, error);
    }
    if (code == P2P_OK) {
        code = open_output(capture, error);
    }
    if (code == P2P_OK) {
        code = p2p_probe_stand_request(capture->stand, P2P_PROBE_ARM, error);
    }
    set_end(capture);
    return code;
}

/* Until an end is reached, or the user says so: then the probe is asked for what it still has, in any case. */
static enum p2p_code record(struct capture *capture, struct p2p_error *error)
{
    enum p2p_code code = P2P_OK;

    while (code == P2P_OK && !has_enough(capture) && p2p_probe_stand_now_ns(capture->stand) < capture->end_ns) {
        const uint64_t step_ns = p2p_probe_stand_now_ns(capture->stand) + STEP_NS;
        const uint64_t until_ns = step_ns < capture->end_ns ? step_ns : capture->end_ns;

        code = play_until(capture, until_ns, error);
        if (code == P2P_OK) {
            code = p2p_probe_stand_advance(capture->stand, until_ns, error);
        }
        if (code == P2P_OK) {
            code = check_output(capture, error);
        }
    }
    if (code == P2P_E_INTERRUPTED && p2p_take_stop(capture->verb.stop_fd)) {
        *error = (struct p2p_error){0};
        capture->interrupted = true;
        code = P2P_OK;
    }
    return code == P2P_OK ? p2p_probe_stand_request(capture->stand, P2P_PROBE_STOP, error) : code;
}

/* Behind the last edge, whatever happened. */
static enum p2p_code end(struct capture *capture, enum p2p_code code, struct p2p_error *error)
{
    if (capture->report != NULL) {
        p2p_capture_report_end(capture->report, code == P2P_OK ? NULL : error->message);
        if (check_output(capture, error) != P2P_OK) {
            code = p2p_failure(error);
        }
    }
    if (capture->out != NULL && capture->out != stdout) {
        if (fclose(capture->out) != 0) {
            code = p2p_error_set_errno(error, P2P_E_HOST, errno, "%s: cannot write", output_name(capture));
        }
        capture->out = NULL;
    }
    return code;
}

static bool print_account_json(const struct capture *capture, const struct p2p_error *error)
{
    const struct account *account = &capture->account;
    const bool whole = error->code == P2P_OK;

    return p2p_print_answer(json_pack(
        "{ss sI sI sI sI sI sb sb ss?}", "file", capture->verb.options->file, "stimulus_edges",
        (json_int_t)account->edges[P2P_CHANNEL_STIMULUS], "answer_edges",
        (json_int_t)account->edges[P2P_CHANNEL_ANSWER], "glitches", (json_int_t)account->glitches, "clipped",
        (json_int_t)account->clipped, "left_out", (json_int_t)account->left_out, "whole", (int)whole, "interrupted",
        (int)(capture->interrupted || error->code == P2P_E_INTERRUPTED), "fault", whole ? NULL : error->message));
}

static void print_account(const struct capture *capture, bool whole)
{
    const struct account *account = &capture->account;

    fprintf(stderr,
            "%" PRIu64 " edges (%" PRIu64 " stimulus, %" PRIu64 " answer), %" PRIu64 " glitches, %" PRIu64 " clipped",
            edges_written(account), account->edges[P2P_CHANNEL_STIMULUS], account->edges[P2P_CHANNEL_ANSWER],
            account->glitches, account->clipped);
    if (account->left_out > 0) {
        fprintf(stderr, "; %" PRIu64 " more left out behind the last one asked for", account->left_out);
    }
    fprintf(stderr, "; %s\n",
            whole ? "none lost: the capture is whole" : "INCOMPLETE: edges may be missing, the last ones wrong");
}

int p2p_verb_probe_capture(const struct p2p_options *options)
{
    struct capture capture = {.out = options->file == NULL ? stdout : NULL};
    struct p2p_error error = {0};
    enum p2p_code code = p2p_probe_verb_prepare(&capture.verb, options, &error);
    bool recording;
    int exit_code;

    if (code == P2P_OK) {
        code = check_options(&capture, &error);
    }
    if (code == P2P_OK) {
        code = begin(&capture, &error);
    }
    if (code == P2P_OK) {
        code = record(&capture, &error);
    }
    recording = capture.report != NULL;
    code = end(&capture, code, &error);
    if (recording && !options->quiet) {
        print_account(&capture, code == P2P_OK);
    }
    exit_code = code != P2P_OK ? p2p_complain(&error, options) : exit_of_whole(&capture);
    if (recording && options->json && !print_account_json(&capture, &error)) {
        exit_code = P2P_EXIT_BENCH_FAULT;
    }
    p2p_capture_report_free(capture.report);
    p2p_capture_reader_close(capture.player);
    p2p_probe_stand_close(capture.stand);
    p2p_probe_verb_discard(&capture.verb);
    return options->file != NULL || code == P2P_OK ? p2p_finish_output(exit_code) : exit_code;
}
