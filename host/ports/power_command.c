/* SPDX-License-Identifier: MIT */
#include "ports/power_command.h"

#include "config/plan.h"
#include "util/deadline.h"
#include "util/file.h"
#include "util/process.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEP_MS = 50, WORDS_BYTES = 200 };

/* ---- One program ---- */

/* The length of "{name}" at `text` with its braces; 0: none. */
static size_t placeholder_at(const char *text)
{
    size_t length = text[0] == '{' ? strspn(text + 1, "abcdefghijklmnopqrstuvwxyz_") : 0;

    return length > 0 && text[1 + length] == '}' ? length + 2 : 0;
}

static const char *value_of(const char *text, size_t length, const struct p2p_placeholder *placeholders, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(placeholders[i].name) == length - 2 && strncmp(text + 1, placeholders[i].name, length - 2) == 0) {
            return placeholders[i].value;
        }
    }
    return NULL;
}

static enum p2p_code expand(const struct p2p_command *command, const char *argument,
                            const struct p2p_placeholder *placeholders, size_t count, char **expanded,
                            struct p2p_error *error)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    enum p2p_code code = P2P_OK;

    if (stream == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "%s: out of memory", command->what);
    }
    while (*argument != '\0' && code == P2P_OK) {
        size_t length = placeholder_at(argument);
        const char *value = length == 0 ? NULL : value_of(argument, length, placeholders, count);

        if (length == 0) {
            (void)fputc(*argument++, stream);
        } else if (value != NULL) {
            (void)fputs(value, stream);
            argument += length;
        } else {
            code = p2p_error_set(error, P2P_E_INPUT, "%s: %s: no such placeholder: %.*s", command->what,
                                 command->arguments[0], (int)length, argument);
        }
    }
    if (fclose(stream) != 0 && code == P2P_OK) {
        code = p2p_error_set(error, P2P_E_HOST, "%s: out of memory", command->what);
    }
    if (code != P2P_OK) {
        free(text);
        return code;
    }
    *expanded = text;
    return P2P_OK;
}

static enum p2p_code failed(const struct p2p_command *command, const struct p2p_process *process, const char *how,
                            struct p2p_error *error)
{
    char words[WORDS_BYTES];

    p2p_process_complaint(process, words, sizeof words);
    return p2p_error_set(error, P2P_E_BENCH, "%s: %s: %s: %s", command->what, command->arguments[0], how,
                         words[0] != '\0' ? words : "it printed nothing");
}

static enum p2p_code wait_for(const struct p2p_command *command, struct p2p_process *process, int stop_fd,
                              struct p2p_error *error)
{
    struct p2p_deadline deadline = p2p_deadline_in_ms((int64_t)command->timeout_s * 1000);
    char how[64];

    while (!p2p_process_ended(process, STEP_MS)) {
        if (p2p_wait_fd(-1, 0, stop_fd, p2p_deadline_in_ms(0)) == P2P_WAIT_STOPPED) {
            return p2p_error_set(error, P2P_E_INTERRUPTED, "interrupted");
        }
        if (p2p_deadline_left_ms(deadline) == 0) {
            snprintf(how, sizeof how, "not done within %" PRIu32 " s", command->timeout_s);
            return failed(command, process, how, error);
        }
    }
    p2p_process_describe(process, how, sizeof how); /* the only way that it tells its exit code */
    return strcmp(how, "exit code 0") == 0 ? P2P_OK : failed(command, process, how, error);
}

enum p2p_code p2p_command_run(const struct p2p_command *command, const struct p2p_placeholder *placeholders,
                              size_t placeholder_count, int stop_fd, struct p2p_error *error)
{
    char *owned[P2P_COMMAND_ARGUMENTS_MAX] = {NULL};
    const char *arguments[P2P_COMMAND_ARGUMENTS_MAX + 1] = {NULL};
    struct p2p_process *process = NULL;
    enum p2p_code code = P2P_OK;

    for (size_t i = 0; command->arguments[i] != NULL && code == P2P_OK; i++) {
        if (i == P2P_COMMAND_ARGUMENTS_MAX) {
            code = p2p_error_set(error, P2P_E_INPUT, "%s: %s: more than %d arguments", command->what,
                                 command->arguments[0], P2P_COMMAND_ARGUMENTS_MAX);
        } else {
            code = expand(command, command->arguments[i], placeholders, placeholder_count, &owned[i], error);
            arguments[i] = owned[i];
        }
    }
    if (code == P2P_OK) {
        struct p2p_error cause = {0};

        process = p2p_process_start(arguments, NULL, 0, &cause);
        code = process != NULL ? wait_for(command, process, stop_fd, error)
                               : p2p_error_set(error, p2p_failure(&cause), "%s: %s", command->what, cause.message);
    }
    p2p_process_stop(process);
    for (size_t i = 0; i < P2P_COMMAND_ARGUMENTS_MAX; i++) {
        free(owned[i]);
    }
    return code;
}

/* ---- Power ---- */

struct p2p_power_command {
    struct p2p_power_command_setup setup;
    bool off;     /* by us, successfully, and not switched on since */
    bool touched; /* there was an `on` since */
    struct p2p_error fault;
};

struct p2p_power_command *p2p_power_command_new(const struct p2p_power_command_setup *setup)
{
    struct p2p_power_command *power = calloc(1, sizeof *power);

    if (power != NULL) {
        power->setup = *setup;
    }
    return power;
}

/* Not interrupted: the board has to be off, whatever the user wants. Its deadline holds. */
static enum p2p_code switch_off(struct p2p_power_command *power)
{
    struct p2p_error cause = {0};
    enum p2p_code code = p2p_command_run(&power->setup.off, NULL, 0, -1, &cause);

    power->fault = (struct p2p_error){0};
    power->off = code == P2P_OK;
    if (code != P2P_OK) {
        p2p_error_set(&power->fault, P2P_E_BENCH, "the board may still be on: %s", cause.message);
    }
    return power->fault.code;
}

enum p2p_code p2p_power_command_check(const struct p2p_power_command *power, struct p2p_error *error)
{
    return power->fault.code == P2P_OK ? P2P_OK : p2p_error_set(error, power->fault.code, "%s", power->fault.message);
}

static enum p2p_code power_on(void *self, const struct p2p_configuration *configuration, uint64_t seed,
                              struct p2p_error *error)
{
    struct p2p_power_command *power = self;
    const struct p2p_placeholder name = {.name = "configuration", .value = configuration->name};

    (void)seed;
    if (!power->off && switch_off(power) != P2P_OK) {
        return p2p_power_command_check(power, error);
    }
    power->off = false;
    power->touched = true;
    return p2p_command_run(&power->setup.on, &name, 1, power->setup.stop_fd, error);
}

static void power_off(void *self)
{
    struct p2p_power_command *power = self;

    if (power->touched && !power->off) {
        switch_off(power);
    }
}

void p2p_power_command_free(struct p2p_power_command *power)
{
    if (power != NULL) {
        power_off(power);
        free(power);
    }
}

struct p2p_power p2p_power_command_port(struct p2p_power_command *power)
{
    return (struct p2p_power){.self = power, .on = power_on, .off = power_off};
}
