/* SPDX-License-Identifier: MIT */
#include "counters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 160, NAME_BYTES = 32 };

struct label {
    char name[NAME_BYTES];
    unsigned address;
};

struct assembler {
    struct program *program;
    struct label labels[PROGRAM_MAX];
    size_t label_count;
    char targets[PROGRAM_MAX][NAME_BYTES]; /* of each instruction; "" if it has none */
};

static unsigned address_of(const struct assembler *assembler, const char *name)
{
    for (size_t i = 0; i < assembler->label_count; i++) {
        if (strcmp(assembler->labels[i].name, name) == 0) {
            return assembler->labels[i].address;
        }
    }
    fail_msg("capture.pio: no label %s", name);
    return 0;
}

/* `rest` is a label, a number of bits, or empty. */
static void add(struct assembler *assembler, enum opcode opcode, const char *rest, bool jumps)
{
    struct program *program = assembler->program;

    assert_true(program->size < PROGRAM_MAX && strlen(rest) < NAME_BYTES);
    program->code[program->size].opcode = opcode;
    if (jumps) {
        memcpy(assembler->targets[program->size], rest, strlen(rest));
    } else {
        program->code[program->size].operand = (unsigned)strtoul(rest, NULL, 10);
    }
    program->size++;
}

static bool assemble_label(struct assembler *assembler, const char *line)
{
    struct label *label = &assembler->labels[assembler->label_count];
    const char *start = strncmp(line, "public ", 7) == 0 ? line + 7 : line;
    const size_t length = strlen(start);

    if (length < 2 || start[length - 1] != ':') {
        return false;
    }
    assert_true(assembler->label_count < PROGRAM_MAX && length <= NAME_BYTES);
    memcpy(label->name, start, length - 1);
    label->address = assembler->program->size;
    assembler->label_count++;
    return true;
}

static bool assemble_instruction(struct assembler *assembler, const char *line)
{
    static const struct {
        const char *text;
        enum opcode opcode;
        bool jumps;
    } forms[] = {
        {"jmp x-- ", OP_JMP_X_DEC, true},
        {"jmp pin ", OP_JMP_PIN, true},
        {"jmp ", OP_JMP, true},
        {"in x, ", OP_IN_X, false},
        {"in y, ", OP_IN_Y, false},
        {"in null, ", OP_IN_NULL, false},
        {"push noblock", OP_PUSH_NOBLOCK, false},
    };

    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        const size_t length = strlen(forms[i].text);

        if (strncmp(line, forms[i].text, length) == 0) {
            add(assembler, forms[i].opcode, line + length, forms[i].jumps);
            return true;
        }
    }
    return false;
}

/* `line` is without comment and without blanks at its ends. */
static void assemble(struct assembler *assembler, const char *line)
{
    struct program *program = assembler->program;

    if (strcmp(line, ".wrap_target") == 0) {
        program->wrap_target = program->size;
    } else if (strcmp(line, ".wrap") == 0) {
        program->wrap = program->size - 1;
    } else if (line[0] != '\0' && strcmp(line, ".program capture") != 0 && !assemble_label(assembler, line) &&
               !assemble_instruction(assembler, line)) {
        fail_msg("capture.pio: the model does not know \"%s\"", line);
    }
}

static char *trim(char *line)
{
    line[strcspn(line, ";\n")] = '\0';
    line += strspn(line, " \t");
    for (size_t length = strlen(line); length > 0 && strchr(" \t", line[length - 1]) != NULL; length--) {
        line[length - 1] = '\0';
    }
    return line;
}

void program_load(struct program *program)
{
    struct assembler assembler = {.program = program};
    FILE *file = fopen(P2P_SOURCE_DIR "/firmware/rp2040/capture.pio", "r");
    char line[LINE_BYTES];

    assert_non_null(file);
    memset(program, 0, sizeof *program);
    while (fgets(line, sizeof line, file) != NULL) {
        assemble(&assembler, trim(line));
    }
    fclose(file);
    for (unsigned i = 0; i < program->size; i++) {
        if (assembler.targets[i][0] != '\0') {
            program->code[i].operand = address_of(&assembler, assembler.targets[i]);
        }
    }
    program->early = address_of(&assembler, "early");
    program->late = address_of(&assembler, "late");
}

struct counter counter_start(const struct program *program, bool late, uint32_t decrements)
{
    return (struct counter){.pc = late ? program->late : program->early, .x = 0 - decrements, .y = 1};
}

static void shift_in(struct counter *counter, uint32_t value, unsigned bits)
{
    counter->isr = counter->isr << bits | (value & ((UINT32_C(1) << bits) - 1));
}

static void push(struct counter *counter)
{
    if (counter->fifo_count < FIFO_WORDS) {
        counter->fifo[counter->fifo_count++] = counter->isr;
    } else {
        counter->stalled = true;
    }
    counter->isr = 0;
}

void counter_step(struct counter *counter, const struct program *program, bool level)
{
    const unsigned operand = program->code[counter->pc].operand;
    unsigned next = counter->pc == program->wrap ? program->wrap_target : counter->pc + 1;

    switch (program->code[counter->pc].opcode) {
    case OP_JMP:
        next = operand;
        break;
    case OP_JMP_PIN:
        next = level ? operand : next;
        break;
    case OP_JMP_X_DEC:
        next = counter->x != 0 ? operand : next;
        counter->x--;
        break;
    case OP_IN_X:
        shift_in(counter, counter->x, operand);
        break;
    case OP_IN_Y:
        shift_in(counter, counter->y, operand);
        break;
    case OP_IN_NULL:
        shift_in(counter, 0, operand);
        break;
    case OP_PUSH_NOBLOCK:
        push(counter);
        break;
    }
    counter->pc = next;
}

bool counter_pull(struct counter *counter, uint32_t *word)
{
    if (counter->fifo_count == 0) {
        return false;
    }
    *word = counter->fifo[0];
    counter->fifo_count--;
    memmove(counter->fifo, counter->fifo + 1, counter->fifo_count * sizeof counter->fifo[0]);
    return true;
}
