/* SPDX-License-Identifier: MIT */
/*
 * A board's console over any byte stream. Who boots the board (U-Boot's driver) reads it first, the session afterwards;
 * the session still gets every byte of the boot, in order and raw.
 */
#ifndef P2P_PORTS_STREAM_CONSOLE_H
#define P2P_PORTS_STREAM_CONSOLE_H

#include "ports/byte_stream.h"
#include "ports/ports.h"

/* What is kept for the session. A boot says some 10 KiB. */
enum { P2P_CONSOLE_KEPT_BYTES_MAX = 1 << 20 };

struct p2p_stream_console;

/*
 * Takes over `stream`, also when it fails (NULL: out of memory), and closes it in the end. `clock` stamps what comes;
 * what it points to is borrowed.
 */
struct p2p_stream_console *p2p_stream_console_new(const struct p2p_byte_stream *stream, const struct p2p_clock *clock);
void p2p_stream_console_free(struct p2p_stream_console *console);

/*
 * Before each boot, while the board is off: forgets what the boot before has left, here and on the line. P2P_E_BENCH:
 * the line does not fall silent.
 */
enum p2p_code p2p_stream_console_restart(struct p2p_stream_console *console, struct p2p_error *error);

/*
 * For who boots the board: what it reads is kept for the session. P2P_E_BENCH once P2P_CONSOLE_KEPT_BYTES_MAX are kept:
 * the board babbles. Borrows `console`, as the next does.
 */
struct p2p_console p2p_stream_console_boot_port(struct p2p_stream_console *console);

/* For the session: first what was kept, then what comes. */
struct p2p_console p2p_stream_console_port(struct p2p_stream_console *console);

/*
 * The stamp of the bytes that the session read last: the bench time of the look at the line that found them. All of
 * them came after the look before that one; nothing finer is known.
 */
uint64_t p2p_stream_console_stamp_ns(const struct p2p_stream_console *console);

/* What to poll until a read is worth a call; as p2p_byte_stream.poll_fds. */
size_t p2p_stream_console_poll_fds(const struct p2p_stream_console *console, struct pollfd fds[P2P_STREAM_FDS_MAX]);

#endif
