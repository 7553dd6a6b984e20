/* SPDX-License-Identifier: MIT */
/*
 * The edge file. Replaced at link time: pwrite (full disk, short writes, signals), fsync (errors, and which
 * came when), fread (a bad medium), calloc and strdup (no memory). Offsets and checksums here are written
 * from SPEC.md, not from the source.
 */
#include "store/edge_file.h"
#include "util/prng.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include <setjmp.h>

#include <cmocka.h>

enum {
    HEADER = 64,
    BLOCK = 4096,
    RECORDS = 16, /* offset in a block */
    PER_BLOCK = 510,
    IMAGE_BYTES = HEADER + 8 * BLOCK,
    MAX_EDGES = 2000,
};

/* For a call whose message is not looked at. */
#define UNHEARD (&(struct p2p_error){0})

static const struct p2p_edge_file_header hardware = {.tick_hz = 125000000, .time_base = P2P_TIME_HARDWARE};

/* ---- the fakes ---- */

struct fakes {
    uint64_t disk_bytes;      /* a file may grow to this size; in place, everything may be rewritten */
    size_t longest_write;     /* bytes a call */
    unsigned int interrupt;   /* so many calls of pwrite or fsync fail with EINTR before one does its work */
    unsigned int interrupted; /* how many of these have happened in a row */
    int write_errno;          /* if not 0, pwrite fails with it */
    int sync_errno;           /* if not 0, syncing a file fails with it */
    int sync_folder_errno;    /* if not 0, syncing a folder fails with it */
    int good_reads;           /* after so many of fread the medium fails; 0: never */
    int allocations;          /* so many succeed, then none; -1: all succeed */
    char calls[64];           /* w: pwrite, f: fsync of a file, d: fsync of a folder */
};

static struct fakes fakes;

ssize_t __real_pwrite(int fd, const void *buffer, size_t size, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *buffer, size_t size, off_t offset);
int __wrap_fsync(int fd);
size_t __real_fread(void *buffer, size_t size, size_t count, FILE *file);
size_t __wrap_fread(void *buffer, size_t size, size_t count, FILE *file);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);

static void note_call(char call)
{
    size_t used = strlen(fakes.calls);

    if (used + 1 < sizeof fakes.calls)
        fakes.calls[used] = call;
}

static bool interrupted(void)
{
    if (fakes.interrupted < fakes.interrupt) {
        fakes.interrupted++;
        errno = EINTR;
        return true;
    }
    fakes.interrupted = 0;
    return false;
}

ssize_t __wrap_pwrite(int fd, const void *buffer, size_t size, off_t offset)
{
    uint64_t room = (uint64_t)offset < fakes.disk_bytes ? fakes.disk_bytes - (uint64_t)offset : 0;

    if (interrupted())
        return -1;
    note_call('w');
    if (fakes.write_errno != 0 || room == 0) {
        errno = fakes.write_errno != 0 ? fakes.write_errno : ENOSPC;
        return -1;
    }
    if (size > room)
        size = (size_t)room;
    if (size > fakes.longest_write)
        size = fakes.longest_write;
    return __real_pwrite(fd, buffer, size, offset);
}

int __wrap_fsync(int fd)
{
    struct stat status;
    bool folder;

    if (interrupted())
        return -1;
    assert_int_equal(fstat(fd, &status), 0);
    folder = S_ISDIR(status.st_mode);
    note_call(folder ? 'd' : 'f');
    errno = folder ? fakes.sync_folder_errno : fakes.sync_errno;
    return errno != 0 ? -1 : 0;
}

/* Reading this at 0, where no page is, is an I/O error. */
static const char bad_medium[] = "/proc/self/mem";

size_t __wrap_fread(void *buffer, size_t size, size_t count, FILE *file)
{
    size_t got = __real_fread(buffer, size, count, file);

    if (fakes.good_reads > 0 && --fakes.good_reads == 0) {
        int bad = open(bad_medium, O_RDONLY | O_CLOEXEC);

        assert_true(bad >= 0);
        assert_int_equal(dup2(bad, fileno(file)), fileno(file));
        assert_int_equal(close(bad), 0);
        __fpurge(file); /* what was read ahead */
    }
    return got;
}

static bool allocation_fails(void)
{
    if (fakes.allocations < 0)
        return false;
    return fakes.allocations-- == 0;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return allocation_fails() ? NULL : __real_calloc(count, size);
}

char *__wrap_strdup(const char *text)
{
    return allocation_fails() ? NULL : __real_strdup(text);
}

/* ---- a folder of its own for each test ---- */

struct place {
    char folder[64];
    char path[80];
    char other[80];
};

static int set_up(void **state)
{
    struct place *place = malloc(sizeof *place);

    fakes = (struct fakes){.disk_bytes = UINT64_MAX, .longest_write = SIZE_MAX, .allocations = -1};
    if (place == NULL)
        return -1;
    snprintf(place->folder, sizeof place->folder, "/tmp/p2p-edge-file-XXXXXX");
    if (mkdtemp(place->folder) == NULL)
        return -1;
    snprintf(place->path, sizeof place->path, "%s/edges.p2p", place->folder);
    snprintf(place->other, sizeof place->other, "%s/other.p2p", place->folder);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    int status;

    (void)unlink(place->path);
    (void)unlink(place->other);
    status = rmdir(place->folder); /* fails if something else was left behind */
    free(place);
    return status;
}

/* ---- edges and files ---- */

/* All channels, levels, flags and both ends of the ticks; the same in the program that made the golden file.
 */
static struct p2p_edge edge_of(size_t i, size_t count)
{
    if (i == 0)
        return (struct p2p_edge){.channel = P2P_CHANNEL_MARK, .flags = P2P_MARK_ARMED};
    if (i == count - 1)
        return (struct p2p_edge){
            .ticks = (UINT64_C(1) << 56) - 1, .channel = P2P_CHANNEL_MARK, .flags = P2P_MARK_DISARMED};
    return (struct p2p_edge){
        .ticks = i * UINT64_C(0x123456789ab),
        .channel = (uint8_t)(i & 1),
        .level = (uint8_t)(i >> 1 & 1),
        .flags = i % 7 == 0    ? P2P_EDGE_GLITCH
                 : i % 11 == 0 ? P2P_EDGE_CLIPPED
                               : 0,
    };
}

static void make_edges(struct p2p_edge *edges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        edges[i] = edge_of(i, count);
}

static void assert_edges_equal(const struct p2p_edge *a, const struct p2p_edge *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(a[i].ticks, b[i].ticks);
        assert_int_equal(a[i].channel, b[i].channel);
        assert_int_equal(a[i].level, b[i].level);
        assert_int_equal(a[i].flags, b[i].flags);
    }
}

static struct p2p_edge_writer *open_writer(const char *path)
{
    struct p2p_error error = {0};
    struct p2p_edge_writer *writer = p2p_edge_writer_open(path, &hardware, &error);

    assert_string_equal(error.message, "");
    assert_non_null(writer);
    return writer;
}

/* A finished file of `count` edges of edge_of. */
static void write_file(const char *path, size_t count)
{
    struct p2p_edge edges[MAX_EDGES];
    struct p2p_edge_writer *writer = open_writer(path);

    make_edges(edges, count);
    assert_int_equal(p2p_edge_writer_append(writer, edges, count, UNHEARD), P2P_OK);
    assert_int_equal(p2p_edge_writer_finish(writer, UNHEARD), P2P_OK);
}

struct reading {
    enum p2p_code code;
    bool complete;
    size_t count;
    struct p2p_edge edges[MAX_EDGES + PER_BLOCK];
    struct p2p_edge_file_header header;
    struct p2p_error error;
};

/* Reads all there is, `piece` edges a call. */
static void read_in_pieces(const char *path, size_t piece, struct reading *reading)
{
    struct p2p_edge_reader *reader;
    size_t count;

    memset(reading, 0, sizeof *reading);
    reader = p2p_edge_reader_open(path, &reading->header, &reading->error);
    if (reader == NULL) {
        reading->code = reading->error.code;
        assert_int_not_equal(reading->code, P2P_OK);
        return;
    }
    do {
        assert_true(piece <= PER_BLOCK && reading->count <= MAX_EDGES);
        reading->code = p2p_edge_reader_next(reader, reading->edges + reading->count, piece, &count, &reading->error);
        assert_true(count <= piece);
        reading->count += count;
    } while (count > 0);
    reading->complete = p2p_edge_reader_complete(reader);
    p2p_edge_reader_close(reader);
}

static void read_file(const char *path, struct reading *reading)
{
    read_in_pieces(path, 100, reading);
}

/* The first `count` of the edges that a file of `written` edges would have. */
static void assert_reads(const struct reading *reading, size_t count, size_t written, bool complete)
{
    struct p2p_edge expected[MAX_EDGES];

    assert_string_equal(reading->error.message, "");
    assert_int_equal(reading->code, P2P_OK);
    assert_int_equal(reading->complete, complete);
    assert_int_equal(reading->count, count);
    make_edges(expected, written);
    assert_edges_equal(reading->edges, expected, count);
}

static void assert_error(enum p2p_code code, const struct p2p_error *error, enum p2p_code expected_code,
                         const char *format, const char *path)
{
    char expected[P2P_ERROR_MESSAGE_BYTES];
    const char *at = strstr(format, "@");

    assert_non_null(at);
    snprintf(expected, sizeof expected, "%.*s%s%s", (int)(at - format), format, path, at + 1);
    assert_string_equal(error->message, expected);
    assert_int_equal(error->code, expected_code);
    assert_int_equal(code, expected_code);
}

/* A file's bytes, to be spoilt. */
struct image {
    uint8_t bytes[IMAGE_BYTES];
    size_t size;
};

static void load_image(struct image *image, const char *path)
{
    FILE *file = fopen(path, "rb");

    assert_non_null(file);
    image->size = fread(image->bytes, 1, sizeof image->bytes, file);
    assert_true(image->size < sizeof image->bytes);
    fclose(file);
}

static void save_image(const struct image *image, size_t size, const char *path)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(image->bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void put(uint8_t *at, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static uint8_t *block_of(struct image *image, size_t number)
{
    return image->bytes + HEADER + number * BLOCK;
}

static void seal_header(struct image *image)
{
    put(image->bytes + 60, crc32(0, image->bytes, 60), 4);
}

static void seal_block(struct image *image, size_t number)
{
    uint8_t *block = block_of(image, number);

    put(block + 12, 0, 4);
    put(block + 12, crc32(0, block, BLOCK), 4);
}

static void assert_same_bytes(const char *path_a, const char *path_b)
{
    static struct image a;
    static struct image b;

    load_image(&a, path_a);
    load_image(&b, path_b);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.bytes, b.bytes, a.size);
}

/* ---- what is written is read ---- */

static void any_number_of_edges_comes_back(void **state)
{
    static const size_t counts[] = {0, 1, 2, 509, 510, 511, 1019, 1020, 1021, 1530};
    static const size_t pieces[] = {1, 7, 510, 400};
    static struct reading reading;
    struct place *place = *state;

    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        write_file(place->path, counts[i]);
        for (size_t k = 0; k < sizeof pieces / sizeof pieces[0]; k++) {
            read_in_pieces(place->path, pieces[k], &reading);
            assert_reads(&reading, counts[i], counts[i], true);
            assert_int_equal(reading.header.tick_hz, hardware.tick_hz);
            assert_int_equal(reading.header.time_base, hardware.time_base);
        }
        assert_int_equal(unlink(place->path), 0);
    }
}

static void today_reads_and_writes_the_golden_file(void **state)
{
    static const char golden[] = P2P_SOURCE_DIR "/tests/golden/edges-v1.p2p";
    const struct p2p_edge_file_header header = {.tick_hz = 1000000000, .time_base = P2P_TIME_INSTRUCTIONS};
    static struct reading reading;
    struct p2p_edge_writer *writer;
    struct place *place = *state;

    read_file(golden, &reading);
    assert_reads(&reading, 530, 530, true);
    assert_int_equal(reading.header.tick_hz, header.tick_hz);
    assert_int_equal(reading.header.time_base, header.time_base);

    writer = p2p_edge_writer_open(place->path, &header, UNHEARD);
    assert_non_null(writer);
    assert_int_equal(p2p_edge_writer_append(writer, reading.edges, reading.count, UNHEARD), P2P_OK);
    assert_int_equal(p2p_edge_writer_finish(writer, UNHEARD), P2P_OK);
    assert_same_bytes(place->path, golden);
}

/* Appends all edges in pieces of random size, with flushes (one, two, none) in between. */
static void write_at_random(const char *path, const struct p2p_edge *edges, size_t count, struct p2p_prng *prng)
{
    struct p2p_edge_writer *writer = open_writer(path);

    for (size_t done = 0; done < count;) {
        size_t piece = (size_t)p2p_prng_upto(prng, count - done < 300 ? count - done : 300);

        assert_int_equal(p2p_edge_writer_append(writer, edges + done, piece, UNHEARD), P2P_OK);
        done += piece;
        for (uint64_t flushes = p2p_prng_below(prng, 3); flushes > 0; flushes--)
            assert_int_equal(p2p_edge_writer_flush(writer, UNHEARD), P2P_OK);
    }
    assert_int_equal(p2p_edge_writer_finish(writer, UNHEARD), P2P_OK);
}

static void bytes_do_not_depend_on_flushes(void **state)
{
    uint64_t seed = (uint64_t)time(NULL);
    struct p2p_edge edges[MAX_EDGES];
    struct place *place = *state;
    struct p2p_prng prng;

    print_message("seed %" PRIu64 "\n", seed);
    p2p_prng_seed(&prng, seed);
    for (int round = 0; round < 100; round++) {
        /* every other round ends on the edge of a block, where a flush is likeliest to go wrong */
        size_t count = round % 2 == 0 ? PER_BLOCK * (1 + (size_t)p2p_prng_below(&prng, 3))
                                      : (size_t)p2p_prng_upto(&prng, MAX_EDGES);

        make_edges(edges, count);
        write_file(place->path, count);
        write_at_random(place->other, edges, count, &prng);
        assert_same_bytes(place->path, place->other);
        assert_int_equal(unlink(place->path), 0);
        assert_int_equal(unlink(place->other), 0);
    }
}

/* What is on the disk after a flush is what a killed process leaves. */
static void a_flush_puts_every_edge_on_the_disk(void **state)
{
    static struct reading reading;
    struct place *place = *state;
    struct p2p_edge_writer *writer = open_writer(place->path);
    struct p2p_edge edges[1100];

    make_edges(edges, 1100);
    for (size_t i = 0; i < 1100; i += 50) {
        assert_int_equal(p2p_edge_writer_append(writer, edges + i, 50, UNHEARD), P2P_OK);
        assert_int_equal(p2p_edge_writer_flush(writer, UNHEARD), P2P_OK);
        read_file(place->path, &reading);
        assert_reads(&reading, i + 50, 1100, false);
    }
    assert_int_equal(p2p_edge_writer_finish(writer, UNHEARD), P2P_OK);
}

static void a_full_block_is_written_at_once_and_only_once(void **state)
{
    struct p2p_edge edges[PER_BLOCK];
    struct place *place = *state;
    struct p2p_edge_writer *writer = open_writer(place->path);

    make_edges(edges, PER_BLOCK);
    assert_int_equal(p2p_edge_writer_append(writer, edges, PER_BLOCK, UNHEARD), P2P_OK);
    assert_string_equal(fakes.calls, "ww");
    assert_int_equal(p2p_edge_writer_flush(writer, UNHEARD), P2P_OK);
    assert_string_equal(fakes.calls, "ww");
    assert_int_equal(p2p_edge_writer_finish(writer, UNHEARD), P2P_OK);
}

static void a_flush_without_new_edges_writes_nothing(void **state)
{
    const struct p2p_edge edge = edge_of(1, 9);
    struct place *place = *state;
    struct p2p_edge_writer *writer = open_writer(place->path);

    assert_int_equal(p2p_edge_writer_flush(writer, UNHEARD), P2P_OK);
    assert_string_equal(fakes.calls, "w");
    assert_int_equal(p2p_edge_writer_append(writer, &edge, 1, UNHEARD), P2P_OK);
    assert_int_equal(p2p_edge_writer_flush(writer, UNHEARD), P2P_OK);
    assert_int_equal(p2p_edge_writer_flush(writer, UNHEARD), P2P_OK);
    assert_string_equal(fakes.calls, "ww");
    assert_int_equal(p2p_edge_writer_finish(writer, UNHEARD), P2P_OK);
    assert_string_equal(fakes.calls, "wwwfd");
}

static void finish_syncs_the_file_and_then_its_folder(void **state)
{
    struct place *place = *state;

    write_file(place->path, 600);
    assert_string_equal(fakes.calls, "wwwwfd"); /* header, full block, partial block, end block */
}

static void an_abandoned_file_keeps_its_edges_and_is_incomplete(void **state)
{
    static struct reading reading;
    struct p2p_edge edges[600];
    struct place *place = *state;
    struct p2p_edge_writer *writer = open_writer(place->path);

    make_edges(edges, 600);
    assert_int_equal(p2p_edge_writer_append(writer, edges, 600, UNHEARD), P2P_OK);
    p2p_edge_writer_abandon(writer);
    read_file(place->path, &reading);
    assert_reads(&reading, 600, 600, false);
}

static void nothing_may_be_closed(void **state)
{
    (void)state;
    assert_int_equal(p2p_edge_writer_finish(NULL, UNHEARD), P2P_OK);
    p2p_edge_writer_abandon(NULL);
    p2p_edge_reader_close(NULL);
}

/* ---- what the writer refuses ---- */

static void an_existing_file_is_left_alone(void **state)
{
    static struct reading reading;
    struct p2p_error error = {0};
    struct place *place = *state;

    write_file(place->path, 3);
    assert_null(p2p_edge_writer_open(place->path, &hardware, &error));
    assert_error(error.code, &error, P2P_E_INPUT, "@: cannot create: File exists", place->path);
    read_file(place->path, &reading);
    assert_reads(&reading, 3, 3, true);
}

static void a_missing_folder_is_said(void **state)
{
    struct p2p_error error = {0};
    struct place *place = *state;
    char path[120];

    snprintf(path, sizeof path, "%s/missing/edges.p2p", place->folder);
    assert_null(p2p_edge_writer_open(path, &hardware, &error));
    assert_error(error.code, &error, P2P_E_HOST, "@: cannot create: No such file or directory", path);
}

static void a_header_without_sense_makes_no_file(void **state)
{
    static const struct p2p_edge_file_header no_ticks = {.tick_hz = 0, .time_base = P2P_TIME_HARDWARE};
    static const struct p2p_edge_file_header no_base = {.tick_hz = 1, .time_base = (enum p2p_time_base)2};
    struct p2p_error error = {0};
    struct place *place = *state;

    assert_null(p2p_edge_writer_open(place->path, &no_ticks, &error));
    assert_error(error.code, &error, P2P_E_BENCH, "@: cannot record at 0 ticks a second in time base 0", place->path);
    error = (struct p2p_error){0};
    assert_null(p2p_edge_writer_open(place->path, &no_base, &error));
    assert_error(error.code, &error, P2P_E_BENCH, "@: cannot record at 1 ticks a second in time base 2", place->path);
    assert_int_equal(access(place->path, F_OK), -1);
}

/* The edges before it are kept; the file stays incomplete even if the caller goes on. */
static void an_impossible_edge_is_refused(void **state)
{
    static const struct {
        struct p2p_edge edge;
        const char *message;
    } cases[] = {
        {{.ticks = UINT64_C(1) << 56},
         "@: edge 2 is impossible: channel 0, level 0, flags 0x0, ticks 72057594037927936"},
        {{.channel = 2}, "@: edge 2 is impossible: channel 2, level 0, flags 0x0, ticks 0"},
        {{.channel = 8}, "@: edge 2 is impossible: channel 8, level 0, flags 0x0, ticks 0"},
        {{.level = 2}, "@: edge 2 is impossible: channel 0, level 2, flags 0x0, ticks 0"},
        {{.channel = 1, .flags = 4}, "@: edge 2 is impossible: channel 1, level 0, flags 0x4, ticks 0"},
        {{.channel = 7, .flags = 0}, "@: edge 2 is impossible: channel 7, level 0, flags 0x0, ticks 0"},
        {{.channel = 7, .flags = 3}, "@: edge 2 is impossible: channel 7, level 0, flags 0x3, ticks 0"},
    };
    static struct reading reading;
    struct place *place = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct p2p_edge_writer *writer = open_writer(place->path);
        struct p2p_edge edges[4] = {edge_of(0, 9), edge_of(1, 9), cases[i].edge, edge_of(3, 9)};
        struct p2p_error error = {0};
        enum p2p_code code = p2p_edge_writer_append(writer, edges, 4, &error);

        assert_error(code, &error, P2P_E_BENCH, cases[i].message, place->path);
        assert_int_equal(p2p_edge_writer_append(writer, edges, 1, UNHEARD), P2P_E_BENCH);
        assert_int_equal(p2p_edge_writer_finish(writer, UNHEARD), P2P_E_BENCH);
        read_file(place->path, &reading);
        assert_reads(&reading, 2, 9, false);
        assert_int_equal(unlink(place->path), 0);
    }
}

/* ---- the disk ---- */

static void short_and_interrupted_calls_are_continued(void **state)
{
    struct place *place = *state;

    write_file(place->path, 600);
    fakes.longest_write = 1000;
    fakes.interrupt = 2;
    fakes.calls[0] = '\0';
    write_file(place->other, 600);
    assert_same_bytes(place->path, place->other);
}

static void a_full_disk_says_how_much_was_kept(void **state)
{
    static const struct {
        size_t edges;
        uint64_t disk_bytes;
        size_t kept;
        const char *message;
    } cases[] = {
        {10, HEADER, 0, "@: kept the 0 edges before block 0, which cannot be written: No space left on device"},
        {1300, HEADER + BLOCK, 510,
         "@: kept the 510 edges before block 1, which cannot be written: No space left on device"},
        {1300, HEADER + 2 * BLOCK + 99, 1020, /* a torn block 2 */
         "@: kept the 1020 edges before block 2, which cannot be written: No space left on device"},
        {1300, HEADER + 3 * BLOCK, 1300, /* no room for the end block only */
         "@: kept the 1300 edges before block 3, which cannot be written: No space left on device"},
    };
    static struct reading reading;
    struct place *place = *state;
    struct p2p_edge edges[MAX_EDGES];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct p2p_error error = {0};
        struct p2p_edge_writer *writer;
        enum p2p_code code;

        fakes.disk_bytes = cases[i].disk_bytes;
        writer = open_writer(place->path);
        make_edges(edges, cases[i].edges);
        (void)p2p_edge_writer_append(writer, edges, cases[i].edges, &error);
        code = p2p_edge_writer_finish(writer, &error);
        assert_error(code, &error, P2P_E_HOST, cases[i].message, place->path);
        read_file(place->path, &reading);
        assert_reads(&reading, cases[i].kept, cases[i].edges, false);
        assert_int_equal(unlink(place->path), 0);
    }
}

static void an_error_stands_after_the_disk_recovers(void **state)
{
    static struct reading reading;
    struct p2p_edge edges[600];
    struct p2p_error error = {0};
    struct place *place = *state;
    struct p2p_edge_writer *writer = open_writer(place->path);

    make_edges(edges, 600);
    fakes.write_errno = EIO;
    assert_int_equal(p2p_edge_writer_append(writer, edges, 600, UNHEARD), P2P_E_HOST);
    fakes.write_errno = 0;
    assert_int_equal(p2p_edge_writer_append(writer, edges, 1, UNHEARD), P2P_E_HOST);
    assert_error(p2p_edge_writer_flush(writer, &error), &error, P2P_E_HOST,
                 "@: kept the 0 edges before block 0, which cannot be written: Input/output error", place->path);
    assert_int_equal(p2p_edge_writer_finish(writer, UNHEARD), P2P_E_HOST);
    read_file(place->path, &reading); /* what was in memory found its way in the end */
    assert_reads(&reading, PER_BLOCK, 600, false);
}

static void a_header_that_cannot_be_written_leaves_no_file(void **state)
{
    struct p2p_error error = {0};
    struct place *place = *state;

    fakes.disk_bytes = 30;
    assert_null(p2p_edge_writer_open(place->path, &hardware, &error));
    assert_error(error.code, &error, P2P_E_HOST, "@: cannot write: No space left on device", place->path);
    assert_int_equal(access(place->path, F_OK), -1);
}

static void finish_reports_a_failed_sync(void **state)
{
    struct p2p_error error = {0};
    struct place *place = *state;

    fakes.sync_errno = EIO;
    assert_error(p2p_edge_writer_finish(open_writer(place->path), &error), &error, P2P_E_HOST,
                 "@: cannot sync to the disk: Input/output error", place->path);
    assert_int_equal(unlink(place->path), 0);

    error = (struct p2p_error){0};
    fakes.sync_errno = 0;
    fakes.sync_folder_errno = EROFS;
    assert_error(p2p_edge_writer_finish(open_writer(place->path), &error), &error, P2P_E_HOST,
                 "@: cannot sync to the disk: Read-only file system", place->path);
}

static void no_memory_is_said(void **state)
{
    struct p2p_edge_file_header header;
    struct p2p_edge_writer *writer;
    struct place *place = *state;

    for (int i = 0; i < 2; i++) {
        struct p2p_error error = {0};

        fakes.allocations = i;
        assert_null(p2p_edge_writer_open(place->path, &hardware, &error));
        assert_error(error.code, &error, P2P_E_HOST, "@: Cannot allocate memory", place->path);
        error = (struct p2p_error){0};
        fakes.allocations = i;
        assert_null(p2p_edge_reader_open(place->path, &header, &error));
        assert_error(error.code, &error, P2P_E_HOST, "@: Cannot allocate memory", place->path);
    }
    fakes.allocations = -1;
    writer = open_writer(place->path);
    fakes.allocations = 0;
    assert_int_equal(p2p_edge_writer_finish(writer, UNHEARD), P2P_E_HOST); /* for the folder's name */
}

/* ---- what the reader makes of damage ---- */

/* Cut anywhere: whole blocks come out, and only the whole file is complete. */
static void a_cut_file_gives_its_whole_blocks(void **state)
{
    static const long around[] = {-2, -1, 0, 1, 15, 16, 17, 2000};
    static struct image image;
    static struct reading reading;
    struct place *place = *state;

    write_file(place->path, 1030); /* 510, 510, 10, end */
    load_image(&image, place->path);
    assert_int_equal(image.size, HEADER + 4 * BLOCK);
    for (size_t blocks = 0; blocks <= 4; blocks++) {
        for (size_t i = 0; i < sizeof around / sizeof around[0]; i++) {
            size_t size = (size_t)((long)(HEADER + blocks * BLOCK) + around[i]);
            size_t whole = size < HEADER ? 0 : (size - HEADER) / BLOCK;

            if (size < HEADER || size > image.size)
                continue;
            save_image(&image, size, place->path);
            read_file(place->path, &reading);
            assert_reads(&reading, whole * PER_BLOCK < 1030 ? whole * PER_BLOCK : 1030, 1030, size == image.size);
        }
    }
}

/* One wrong bit, or a block of zeros: torn at the end, an error before it. */
static void a_torn_block_is_an_error_only_if_something_follows(void **state)
{
    static const char *const messages[] = {
        "@: block 0 at offset 64: the checksum is wrong",
        "@: block 1 at offset 4160: the checksum is wrong",
        "@: block 2 at offset 8256: the checksum is wrong",
    };
    static const size_t flips[] = {0, 1, 4, 8, 10, 11, 12, 15, 16, 1000, 4095, BLOCK};
    static const size_t before[] = {0, 510, 1020, 1030};
    static struct image image;
    static struct image good;
    static struct reading reading;
    struct place *place = *state;

    write_file(place->path, 1030);
    load_image(&good, place->path);
    for (size_t number = 0; number < 4; number++) {
        for (size_t i = 0; i < sizeof flips / sizeof flips[0]; i++) {
            image = good;
            if (flips[i] == BLOCK)
                memset(block_of(&image, number), 0, BLOCK);
            else
                block_of(&image, number)[flips[i]] ^= 0x20;
            save_image(&image, image.size, place->path);
            read_file(place->path, &reading);
            assert_int_equal(reading.count, before[number]);
            if (number < 3)
                assert_error(reading.code, &reading.error, P2P_E_INPUT, messages[number], place->path);
            else
                assert_reads(&reading, 1030, 1030, false);
        }
    }
}

/* A block that a crash left torn at the end is an error once a single byte follows it. */
static void one_byte_after_a_torn_block_is_enough(void **state)
{
    static struct image image;
    static struct reading reading;
    struct place *place = *state;

    write_file(place->path, 1030);
    load_image(&image, place->path);
    block_of(&image, 2)[100] ^= 1;
    save_image(&image, HEADER + 3 * BLOCK, place->path);
    read_file(place->path, &reading);
    assert_reads(&reading, 1020, 1030, false);
    save_image(&image, HEADER + 3 * BLOCK + 1, place->path);
    read_file(place->path, &reading);
    assert_error(reading.code, &reading.error, P2P_E_INPUT, "@: block 2 at offset 8256: the checksum is wrong",
                 place->path);
}

/* With right checksums, in the last and in other blocks alike. */
static void contents_against_the_rules_are_an_error(void **state)
{
    static const struct {
        size_t block;
        size_t offset;
        size_t bytes;
        uint64_t value;
        const char *message;
    } cases[] = {
        {1, 0, 1, 'p', "@: block 1 at offset 4160: not the block that belongs here"},
        {1, 4, 4, 2, "@: block 1 at offset 4160: not the block that belongs here"},
        {1, 11, 1, 1, "@: block 1 at offset 4160: not the block that belongs here"},
        {1, 10, 1, 0, "@: block 1 at offset 4160: unknown kind"},
        {3, 10, 1, 3, "@: block 3 at offset 12352: unknown kind"},
        {1, 8, 2, 0, "@: block 1 at offset 4160: edge count out of range"},
        {1, 8, 2, 511, "@: block 1 at offset 4160: edge count out of range"},
        {1, 8, 2, 509, "@: block 1 at offset 4160: bytes behind the edges are not zero"},
        {2, BLOCK - 1, 1, 1, "@: block 2 at offset 8256: bytes behind the edges are not zero"},
        {2, RECORDS + 7, 1, 2 << 1, "@: block 2 at offset 8256: unknown channel, flag or mark"},
        {2, RECORDS + 7, 1, 6 << 1, "@: block 2 at offset 8256: unknown channel, flag or mark"},
        {2, RECORDS + 7, 1, 4 << 4, "@: block 2 at offset 8256: unknown channel, flag or mark"},
        {2, RECORDS + 9 * 8 + 7, 1, 7 << 1, "@: block 2 at offset 8256: unknown channel, flag or mark"},
        {2, RECORDS + 9 * 8 + 7, 1, 7 << 1 | 3 << 4, "@: block 2 at offset 8256: unknown channel, flag or mark"},
        {3, RECORDS, 8, 1029, "@: block 3 at offset 12352: the end block does not agree with the edges before it"},
        {3, RECORDS + 7, 1, 1, "@: block 3 at offset 12352: the end block does not agree with the edges before it"},
        {3, RECORDS + 8, 1, 1, "@: block 3 at offset 12352: the end block does not agree with the edges before it"},
        {3, 8, 2, 1, "@: block 3 at offset 12352: the end block does not agree with the edges before it"},
        {3, BLOCK, 1, 0, "@: block 3 at offset 12352: data after the end block"},
    };
    static const size_t before[] = {0, 510, 1020, 1030};
    static struct image good;
    static struct image image;
    static struct reading reading;
    struct place *place = *state;

    write_file(place->path, 1030);
    load_image(&good, place->path);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        image = good;
        put(block_of(&image, cases[i].block) + cases[i].offset, cases[i].value, cases[i].bytes);
        seal_block(&image, cases[i].block);
        save_image(&image, cases[i].offset == BLOCK ? image.size + 1 : image.size, place->path);
        read_file(place->path, &reading);
        assert_error(reading.code, &reading.error, P2P_E_INPUT, cases[i].message, place->path);
        assert_int_equal(reading.count, before[cases[i].block]);
        assert_false(reading.complete);
    }
}

/* Blocks 0 and 2 of a file of 510 + 510 + 10 edges, the latter twice: a short block amid the edges. */
static void only_the_last_block_of_edges_may_be_short(void **state)
{
    static struct image image;
    static struct reading reading;
    struct place *place = *state;

    write_file(place->path, 1030);
    load_image(&image, place->path);
    memcpy(block_of(&image, 1), block_of(&image, 2), BLOCK);
    put(block_of(&image, 1) + 4, 1, 4);
    seal_block(&image, 1);
    save_image(&image, image.size, place->path);
    read_file(place->path, &reading);
    assert_error(reading.code, &reading.error, P2P_E_INPUT,
                 "@: block 2 at offset 8256: edges after a block that is not full", place->path);
    assert_int_equal(reading.count, 520);
}

static void a_reading_error_stands(void **state)
{
    static struct image image;
    struct p2p_edge_file_header header;
    struct p2p_edge_reader *reader;
    struct p2p_edge edge;
    struct place *place = *state;
    size_t count = 1;

    write_file(place->path, 1030);
    load_image(&image, place->path);
    block_of(&image, 0)[100] ^= 1;
    save_image(&image, image.size, place->path);
    reader = p2p_edge_reader_open(place->path, &header, UNHEARD);
    assert_non_null(reader);
    for (int i = 0; i < 5; i++) {
        struct p2p_error error = {0};

        assert_error(p2p_edge_reader_next(reader, &edge, 1, &count, &error), &error, P2P_E_INPUT,
                     "@: block 0 at offset 64: the checksum is wrong", place->path);
        assert_int_equal(count, 0);
    }
    p2p_edge_reader_close(reader);
}

static void a_reader_at_the_end_stays_there(void **state)
{
    struct p2p_edge_file_header header;
    struct p2p_edge_reader *reader;
    struct p2p_edge edge;
    struct place *place = *state;
    size_t count = 0;

    write_file(place->path, 1);
    reader = p2p_edge_reader_open(place->path, &header, UNHEARD);
    assert_non_null(reader);
    assert_int_equal(p2p_edge_reader_next(reader, &edge, 1, &count, UNHEARD), P2P_OK);
    assert_int_equal(count, 1);
    assert_false(p2p_edge_reader_complete(reader)); /* not known yet */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(p2p_edge_reader_next(reader, &edge, 1, &count, UNHEARD), P2P_OK);
        assert_int_equal(count, 0);
        assert_true(p2p_edge_reader_complete(reader));
    }
    p2p_edge_reader_close(reader);
}

static void a_wrong_header_is_refused(void **state)
{
    static const struct {
        size_t offset;
        size_t bytes;
        uint64_t value;
        bool sealed;
        const char *message;
    } cases[] = {
        {0, 1, 'p', true, "@: not an edge file"},
        {7, 1, 'T', true, "@: not an edge file"},
        {8, 2, 2, true, "@: made by a newer pin2pin (edge file version 2; this one reads up to 1)"},
        {8, 2, 999, false, "@: made by a newer pin2pin (edge file version 999; this one reads up to 1)"},
        {20, 1, 1, false, "@: damaged: the header's checksum is wrong"},
        {60, 1, 0, false, "@: damaged: the header's checksum is wrong"},
        {8, 2, 0, true, "@: the header has a value that no pin2pin writes"},
        {10, 2, 128, true, "@: the header has a value that no pin2pin writes"},
        {12, 4, 8192, true, "@: the header has a value that no pin2pin writes"},
        {16, 8, 0, true, "@: the header has a value that no pin2pin writes"},
        {24, 1, 2, true, "@: the header has a value that no pin2pin writes"},
        {25, 1, 1, true, "@: the header has a value that no pin2pin writes"},
        {59, 1, 1, true, "@: the header has a value that no pin2pin writes"},
    };
    static struct image good;
    static struct image image;
    static struct reading reading;
    struct place *place = *state;

    write_file(place->path, 3);
    load_image(&good, place->path);
    assert_int_not_equal(good.bytes[60], 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        image = good;
        put(image.bytes + cases[i].offset, cases[i].value, cases[i].bytes);
        if (cases[i].sealed)
            seal_header(&image);
        save_image(&image, image.size, place->path);
        read_file(place->path, &reading);
        assert_error(reading.code, &reading.error, P2P_E_INPUT, cases[i].message, place->path);
    }
    for (size_t size = 0; size < HEADER; size++) {
        save_image(&good, size, place->path);
        read_file(place->path, &reading);
        assert_error(reading.code, &reading.error, P2P_E_INPUT, "@: not an edge file", place->path);
    }
}

static void what_cannot_be_read_is_said(void **state)
{
    static struct reading reading;
    struct place *place = *state;

    read_file(place->path, &reading);
    assert_error(reading.code, &reading.error, P2P_E_INPUT, "@: cannot open: No such file or directory", place->path);
    read_file(place->folder, &reading);
    assert_error(reading.code, &reading.error, P2P_E_INPUT, "@: not a regular file", place->folder);
    read_file(bad_medium, &reading);
    assert_error(reading.code, &reading.error, P2P_E_HOST, "@: cannot read: Input/output error", bad_medium);
}

static void a_medium_that_fails_is_not_the_end_of_the_file(void **state)
{
    static struct image image;
    static struct reading reading;
    struct place *place = *state;

    write_file(place->path, 1030);
    load_image(&image, place->path);
    fakes.good_reads = 2; /* the header and block 0 */
    read_file(place->path, &reading);
    assert_error(reading.code, &reading.error, P2P_E_HOST, "@: cannot read: Input/output error", place->path);
    assert_int_equal(reading.count, 510);

    /* Block 0 is the last and torn, but that it is the last cannot be found out. */
    block_of(&image, 0)[100] ^= 1;
    save_image(&image, HEADER + BLOCK, place->path);
    fakes.good_reads = 2;
    read_file(place->path, &reading);
    assert_error(reading.code, &reading.error, P2P_E_INPUT, "@: block 0 at offset 64: the checksum is wrong",
                 place->path);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(any_number_of_edges_comes_back),
        IN_A_FOLDER(today_reads_and_writes_the_golden_file),
        IN_A_FOLDER(bytes_do_not_depend_on_flushes),
        IN_A_FOLDER(a_flush_puts_every_edge_on_the_disk),
        IN_A_FOLDER(a_full_block_is_written_at_once_and_only_once),
        IN_A_FOLDER(a_flush_without_new_edges_writes_nothing),
        IN_A_FOLDER(finish_syncs_the_file_and_then_its_folder),
        IN_A_FOLDER(an_abandoned_file_keeps_its_edges_and_is_incomplete),
        IN_A_FOLDER(nothing_may_be_closed),
        IN_A_FOLDER(an_existing_file_is_left_alone),
        IN_A_FOLDER(a_missing_folder_is_said),
        IN_A_FOLDER(a_header_without_sense_makes_no_file),
        IN_A_FOLDER(an_impossible_edge_is_refused),
        IN_A_FOLDER(short_and_interrupted_calls_are_continued),
        IN_A_FOLDER(a_full_disk_says_how_much_was_kept),
        IN_A_FOLDER(an_error_stands_after_the_disk_recovers),
        IN_A_FOLDER(a_header_that_cannot_be_written_leaves_no_file),
        IN_A_FOLDER(finish_reports_a_failed_sync),
        IN_A_FOLDER(no_memory_is_said),
        IN_A_FOLDER(a_cut_file_gives_its_whole_blocks),
        IN_A_FOLDER(a_torn_block_is_an_error_only_if_something_follows),
        IN_A_FOLDER(one_byte_after_a_torn_block_is_enough),
        IN_A_FOLDER(contents_against_the_rules_are_an_error),
        IN_A_FOLDER(only_the_last_block_of_edges_may_be_short),
        IN_A_FOLDER(a_reading_error_stands),
        IN_A_FOLDER(a_reader_at_the_end_stays_there),
        IN_A_FOLDER(a_wrong_header_is_refused),
        IN_A_FOLDER(what_cannot_be_read_is_said),
        IN_A_FOLDER(a_medium_that_fails_is_not_the_end_of_the_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
