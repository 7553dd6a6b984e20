/* SPDX-License-Identifier: MIT */
/*
 * A model of the RP2040's PIO, cycle by cycle, that runs firmware/rp2040/capture.pio itself: as much of the assembler's
 * language and of the state machine as that file needs.
 */
#ifndef P2P_TESTS_COUNTERS_H
#define P2P_TESTS_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROGRAM_MAX = 32, FIFO_WORDS = 8 };

enum opcode { OP_JMP, OP_JMP_PIN, OP_JMP_X_DEC, OP_IN_X, OP_IN_Y, OP_IN_NULL, OP_PUSH_NOBLOCK };

struct program {
    struct {
        enum opcode opcode;
        unsigned operand; /* address to jump to, or number of bits */
    } code[PROGRAM_MAX];
    unsigned size, wrap_target, wrap, early, late;
};

/* One state machine. */
struct counter {
    unsigned pc;
    uint32_t x, y, isr;
    uint32_t fifo[FIFO_WORDS];
    size_t fifo_count;
    bool stalled; /* FDEBUG.RXSTALL: a push was dropped */
};

/* Fails the running test if the file holds what the model does not know. */
void program_load(struct program *program);

/* `x` as after so many decrements from 0; `late` for phase 1. */
struct counter counter_start(const struct program *program, bool late, uint32_t decrements);

/* One cycle with the pin at `level`. */
void counter_step(struct counter *counter, const struct program *program, bool level);

/* The oldest word of the FIFO; false: it is empty. */
bool counter_pull(struct counter *counter, uint32_t *word);

#endif
