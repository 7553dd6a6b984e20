/* SPDX-License-Identifier: MIT */
/* edges.p2p: the edges of one boot, as host/store/SPEC.md writes down. */
#ifndef P2P_STORE_EDGE_FILE_H
#define P2P_STORE_EDGE_FILE_H

#include "capture/edge.h"
#include "util/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct p2p_edge_file_header {
    uint64_t tick_hz;
    enum p2p_time_base time_base;
};

/*
 * Writer. Appends blocks; the block being filled is written again in place at each p2p_edge_writer_flush, so
 * a process killed between two calls loses nothing that was flushed, and the bytes of the finished file
 * depend on the edges only, never on when they were flushed. The first error stands: every later call returns
 * it again.
 */
struct p2p_edge_writer;

/* Creates `path`, which must not exist. NULL: see `error`. Free with finish or abandon. */
struct p2p_edge_writer *p2p_edge_writer_open(const char *path, const struct p2p_edge_file_header *header,
                                             struct p2p_error *error);
/* An edge that the format has no place for is P2P_E_BENCH; those before it are in the file. */
enum p2p_code p2p_edge_writer_append(struct p2p_edge_writer *writer, const struct p2p_edge *edges, size_t count,
                                     struct p2p_error *error);
enum p2p_code p2p_edge_writer_flush(struct p2p_edge_writer *writer, struct p2p_error *error);
/* The digest (SPEC.md) of all edges appended; flushes them. Without meaning after an error. */
uint32_t p2p_edge_writer_digest(struct p2p_edge_writer *writer);
/*
 * Writes the end block, syncs the file and its folder, and closes. After an error, now or before: no end
 * block. Frees the writer whatever it returns; `writer` may be NULL.
 */
enum p2p_code p2p_edge_writer_finish(struct p2p_edge_writer *writer, struct p2p_error *error);
/* Flushes what can be flushed and closes without an end block: the file says itself that it is incomplete. */
void p2p_edge_writer_abandon(struct p2p_edge_writer *writer); /* frees; may be NULL */

/* Reader. Streams; constant memory. */
struct p2p_edge_reader;

/* NULL: not readable, not an edge file, or a version of the future; see `error`. */
struct p2p_edge_reader *p2p_edge_reader_open(const char *path, struct p2p_edge_file_header *header,
                                             struct p2p_error *error);
/*
 * Up to `capacity` edges (>= 1). *count == 0: no more. A last block that a crash tore (too short, or with a
 * wrong checksum, and nothing after it) is the end of an incomplete file, not an error. Any other block whose
 * checksum or contents are wrong is P2P_E_INPUT, with block and offset. Either way the edges of all blocks
 * before it have been handed out. An error stands: every later call returns it again.
 */
enum p2p_code p2p_edge_reader_next(struct p2p_edge_reader *reader, struct p2p_edge *edges, size_t capacity,
                                   size_t *count, struct p2p_error *error);
/* After *count == 0: true if the end block was there, i.e. the recording was closed properly. */
bool p2p_edge_reader_complete(const struct p2p_edge_reader *reader);
/* The digest (SPEC.md) of the blocks of edges loaded so far: after *count == 0, of the file. */
uint32_t p2p_edge_reader_digest(const struct p2p_edge_reader *reader);
void p2p_edge_reader_close(struct p2p_edge_reader *reader); /* may be NULL */

#endif
