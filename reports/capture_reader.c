/* SPDX-License-Identifier: MIT */
#include "reports/capture_reader.h"

#include "reports/capture_report.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_BYTES = 512, COLUMNS_MAX = 16 };

#define NS_END (UINT64_C(1) << 63)

/* The columns that are needed, and where in a line they stand. */
enum column { TIME_NS, CHANNEL, LEVEL, COLUMNS };

static const char *const COLUMN_NAMES[COLUMNS] = {"time_ns", "channel", "level"};

struct p2p_capture_reader {
    char *path;
    FILE *file;
    uint64_t line; /* the number of the latest one read */
    uint64_t last_ns;
    const char *expected_level[P2P_CAPTURE_CHANNELS]; /* the other than the last edge's; NULL before the first */
    size_t place[COLUMNS];
    size_t width; /* fields in a line */
    struct p2p_capture_summary summary;
};

/* A line cut into its fields. */
struct fields {
    char line[LINE_BYTES];
    char *field[COLUMNS_MAX];
    size_t count;
};

static enum p2p_code refuse(const struct p2p_capture_reader *reader, const char *what, const char *expected,
                            const char *found, struct p2p_error *error)
{
    return p2p_error_set(error, P2P_E_INPUT, "%s:%" PRIu64 ": %s: expected %s, found \"%.60s\"", reader->path,
                         reader->line, what, expected, found);
}

/* *there: a line has come. */
static enum p2p_code read_line(struct p2p_capture_reader *reader, char line[LINE_BYTES], bool *there,
                               struct p2p_error *error)
{
    size_t length;

    *there = fgets(line, LINE_BYTES, reader->file) != NULL;
    if (!*there) {
        return ferror(reader->file) == 0
                   ? P2P_OK
                   : p2p_error_set_errno(error, P2P_E_INPUT, errno, "%s: cannot read", reader->path);
    }
    reader->line++;
    length = strlen(line);
    if (length + 1 == LINE_BYTES && line[length - 1] != '\n') {
        return p2p_error_set(error, P2P_E_INPUT, "%s:%" PRIu64 ": longer than %d bytes", reader->path, reader->line,
                             LINE_BYTES - 2);
    }
    line[strcspn(line, "\r\n")] = '\0';
    return P2P_OK;
}

static enum p2p_code read_fields(struct p2p_capture_reader *reader, struct fields *fields, bool *there,
                                 struct p2p_error *error)
{
    enum p2p_code code = read_line(reader, fields->line, there, error);
    char *rest = fields->line;

    fields->count = 0;
    while (code == P2P_OK && *there && rest != NULL) {
        if (fields->count == COLUMNS_MAX) {
            return p2p_error_set(error, P2P_E_INPUT, "%s:%" PRIu64 ": more than %d fields", reader->path, reader->line,
                                 COLUMNS_MAX);
        }
        fields->field[fields->count++] = strsep(&rest, ",");
    }
    return code;
}

static enum p2p_code read_header(struct p2p_capture_reader *reader, struct p2p_error *error)
{
    struct fields fields;
    bool there;
    enum p2p_code code = read_fields(reader, &fields, &there, error);

    for (size_t column = 0; column < COLUMNS && code == P2P_OK; column++) {
        size_t place = 0;

        while (place < fields.count && strcmp(fields.field[place], COLUMN_NAMES[column]) != 0) {
            place++;
        }
        if (place == fields.count) {
            code = p2p_error_set(error, P2P_E_INPUT,
                                 "%s:1: no column \"%s\"; expected a first line with time_ns, channel and level",
                                 reader->path, COLUMN_NAMES[column]);
        }
        reader->place[column] = place;
    }
    reader->width = fields.count;
    return code;
}

/* Nanoseconds with up to 9 decimals, rounded to whole ones. False: it is no such number. */
static bool parse_ns(const char *text, uint64_t *ns)
{
    const size_t digits = strspn(text, "0123456789");
    char *end;

    errno = 0;
    *ns = strtoull(text, &end, 10);
    if (digits == 0 || errno != 0 || *ns >= NS_END) {
        return false;
    }
    if (*end == '.') {
        const size_t decimals = strspn(end + 1, "0123456789");

        *ns += end[1] >= '5';
        return decimals > 0 && decimals <= 9 && end[1 + decimals] == '\0';
    }
    return *end == '\0';
}

static bool parse_channel(const char *text, uint8_t *channel)
{
    for (unsigned i = 0; i < P2P_CAPTURE_CHANNELS; i++) {
        const char number[] = {(char)('0' + i), '\0'};

        if (strcmp(text, p2p_channel_name(i)) == 0 || strcmp(text, number) == 0) {
            *channel = (uint8_t)i;
            return true;
        }
    }
    return false;
}

static enum p2p_code take_fields(struct p2p_capture_reader *reader, const struct fields *fields,
                                 struct p2p_timed_edge *edge, struct p2p_error *error)
{
    const char *time, *channel, *level, **expected;

    if (fields->count != reader->width) {
        return p2p_error_set(error, P2P_E_INPUT, "%s:%" PRIu64 ": expected %zu fields, found %zu", reader->path,
                             reader->line, reader->width, fields->count);
    }
    time = fields->field[reader->place[TIME_NS]];
    channel = fields->field[reader->place[CHANNEL]];
    level = fields->field[reader->place[LEVEL]];
    if (!parse_ns(time, &edge->at_ns)) {
        return refuse(reader, "time_ns", "nanoseconds from 0", time, error);
    }
    if (edge->at_ns < reader->last_ns) {
        return refuse(reader, "time_ns", "a time not before the line above", time, error);
    }
    if (!parse_channel(channel, &edge->channel)) {
        return refuse(reader, "channel", "stimulus or answer (or 0, 1)", channel, error);
    }
    if (strcmp(level, "0") != 0 && strcmp(level, "1") != 0) {
        return refuse(reader, "level", "0 or 1", level, error);
    }
    expected = &reader->expected_level[edge->channel];
    if (*expected != NULL && strcmp(level, *expected) != 0) {
        return refuse(reader, "level", *expected[0] == '1' ? "1 (the channel is low)" : "0 (the channel is high)",
                      level, error);
    }
    edge->level = level[0] == '1';
    *expected = edge->level ? "0" : "1";
    reader->last_ns = edge->at_ns;
    return P2P_OK;
}

enum p2p_code p2p_capture_reader_next(struct p2p_capture_reader *reader, struct p2p_timed_edge *edge, bool *there,
                                      struct p2p_error *error)
{
    struct fields fields;
    enum p2p_code code = read_fields(reader, &fields, there, error);

    return code == P2P_OK && *there ? take_fields(reader, &fields, edge, error) : code;
}

static enum p2p_code go_to_edges(struct p2p_capture_reader *reader, struct p2p_error *error)
{
    reader->line = 0;
    reader->last_ns = 0;
    memset(reader->expected_level, 0, sizeof reader->expected_level);
    rewind(reader->file);
    return read_header(reader, error);
}

static enum p2p_code summarise(struct p2p_capture_reader *reader, struct p2p_error *error)
{
    bool seen[P2P_CAPTURE_CHANNELS] = {false}, there = true;
    enum p2p_code code = go_to_edges(reader, error);

    while (code == P2P_OK && there) {
        struct p2p_timed_edge edge = {0};

        code = p2p_capture_reader_next(reader, &edge, &there, error);
        if (code == P2P_OK && there) {
            reader->summary.edges++;
            reader->summary.last_ns = edge.at_ns;
            reader->summary.starts_high[edge.channel] |= !seen[edge.channel] && edge.level == 0;
            seen[edge.channel] = true;
        }
    }
    return code;
}

/* It is read twice; and a FIFO would wait for its other end. */
static enum p2p_code open_file(struct p2p_capture_reader *reader, struct p2p_error *error)
{
    const int fd = open(reader->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct stat status;

    if (fd < 0) {
        return p2p_error_set_errno(error, P2P_E_INPUT, errno, "%s: cannot open", reader->path);
    }
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(fd);
        return p2p_error_set(error, P2P_E_INPUT, "%s: not a regular file", reader->path);
    }
    reader->file = fdopen(fd, "r");
    if (reader->file == NULL) {
        close(fd);
        return p2p_error_set_errno(error, P2P_E_HOST, errno, "%s: cannot open", reader->path);
    }
    return P2P_OK;
}

struct p2p_capture_reader *p2p_capture_reader_open(const char *path, struct p2p_error *error)
{
    struct p2p_capture_reader *reader = calloc(1, sizeof *reader);

    if (reader != NULL) {
        reader->path = strdup(path);
    }
    if (reader == NULL || reader->path == NULL) {
        p2p_error_set(error, P2P_E_HOST, "out of memory");
        p2p_capture_reader_close(reader);
        return NULL;
    }
    if (open_file(reader, error) != P2P_OK || summarise(reader, error) != P2P_OK ||
        go_to_edges(reader, error) != P2P_OK) {
        p2p_capture_reader_close(reader);
        return NULL;
    }
    return reader;
}

void p2p_capture_reader_close(struct p2p_capture_reader *reader)
{
    if (reader != NULL) {
        if (reader->file != NULL) {
            fclose(reader->file);
        }
        free(reader->path);
        free(reader);
    }
}

const struct p2p_capture_summary *p2p_capture_reader_summary(const struct p2p_capture_reader *reader)
{
    return &reader->summary;
}
