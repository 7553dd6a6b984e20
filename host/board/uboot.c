/* SPDX-License-Identifier: MIT */
#include "board/uboot.h"

#include "util/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum {
    HEARD_BYTES = 4096,
    PIECE_CHARACTERS = 16, /* a UART's receive FIFO: U-Boot does not listen while it prints */
    LAST_WORDS_BYTES = 160,
    EXPECTED_BYTES = 64,
    WITHIN_BYTES = 64,
};

#define NS_PER_S UINT64_C(1000000000)

struct dialogue {
    const struct p2p_uboot_plan *plan;
    const struct p2p_console *console;
    const struct p2p_clock *clock;
    struct p2p_error *error;
    uint64_t until_ns;         /* of the whole boot */
    char within[WITHIN_BYTES]; /* how long was listened last: "10 s" */
    char heard[HEARD_BYTES];   /* since U-Boot was last spoken to, its newest part; no carriage returns */
    size_t length;
    size_t expected; /* characters of echo */
};

/* ---- Listening ---- */

static void forget(struct dialogue *d)
{
    d->length = 0;
    d->heard[0] = '\0';
}

static void keep(struct dialogue *d, char byte)
{
    if (byte == '\r' || byte == '\0') {
        return;
    }
    if (d->length + 1 == sizeof d->heard) {
        d->length -= sizeof d->heard / 2;
        memmove(d->heard, d->heard + sizeof d->heard / 2, d->length);
    }
    d->heard[d->length++] = byte;
    d->heard[d->length] = '\0';
}

static enum p2p_code hear(struct dialogue *d, size_t *count)
{
    char bytes[256];
    enum p2p_code code = d->console->read(d->console->self, bytes, sizeof bytes, count, d->error);

    for (size_t i = 0; code == P2P_OK && i < *count; i++) {
        keep(d, bytes[i]);
    }
    return code;
}

/* No step takes longer than what is left of the boot. */
static uint64_t deadline_ns(struct dialogue *d, uint32_t timeout_s)
{
    uint64_t until_ns = d->clock->now_ns(d->clock->self) + timeout_s * NS_PER_S;

    if (until_ns > d->until_ns) {
        snprintf(d->within, sizeof d->within, "the %" PRIu32 " s of a boot (timeouts.boot_s)", d->plan->boot_s);
        return d->until_ns;
    }
    snprintf(d->within, sizeof d->within, "%" PRIu32 " s", timeout_s);
    return until_ns;
}

/* *there is false if the time is over. */
static enum p2p_code listen(struct dialogue *d, bool (*come)(const struct dialogue *d), uint32_t timeout_s, bool *there)
{
    const struct p2p_clock *clock = d->clock;
    uint64_t until_ns = deadline_ns(d, timeout_s);
    enum p2p_code code = P2P_OK;
    size_t count = 0;

    for (*there = come(d); code == P2P_OK && !*there; *there = come(d)) {
        code = hear(d, &count);
        if (code == P2P_OK && count == 0) {
            if (clock->now_ns(clock->self) >= until_ns) {
                return P2P_OK;
            }
            code = clock->advance(clock->self, until_ns, d->error);
        }
    }
    return code;
}

static bool at_prompt(const struct dialogue *d)
{
    const char *line = memrchr(d->heard, '\n', d->length);

    return strcmp(line == NULL ? d->heard : line + 1, d->plan->prompt) == 0;
}

static bool autoboot_near(const struct dialogue *d)
{
    return at_prompt(d) || strstr(d->heard, d->plan->autoboot) != NULL;
}

static bool echoed(const struct dialogue *d)
{
    return d->length >= d->expected;
}

static bool started_or_refused(const struct dialogue *d)
{
    return at_prompt(d) || strstr(d->heard, "Starting kernel") != NULL;
}

/* ---- Complaining ---- */

/* The newest that was heard, on one line, line breaks as "|"; without the prompt, if it has come. */
static const char *last_words(const struct dialogue *d, char words[LAST_WORDS_BYTES])
{
    size_t end = at_prompt(d) ? d->length - strlen(d->plan->prompt) : d->length;
    size_t count = 0;

    while (end > 0 && d->heard[end - 1] == '\n') {
        end--;
    }
    for (size_t i = end > LAST_WORDS_BYTES - 1 ? end - (LAST_WORDS_BYTES - 1) : 0; i < end; i++) {
        char byte = d->heard[i];

        if (byte == '\n' && count > 0 && words[count - 1] != '|') {
            words[count++] = '|';
        } else if (byte >= ' ' && byte <= '~') { /* no control sequences for our user's terminal */
            words[count++] = byte;
        }
    }
    words[count] = '\0';
    return count > 0 ? words : "nothing";
}

/* "WHAT; the console's last words: ..." */
static enum p2p_code complain(struct dialogue *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

static enum p2p_code complain(struct dialogue *d, const char *format, ...)
{
    char what[P2P_ERROR_MESSAGE_BYTES - LAST_WORDS_BYTES - 64], words[LAST_WORDS_BYTES];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return p2p_error_set(d->error, P2P_E_BENCH, "%s; the console's last words: %s", what, last_words(d, words));
}

/* ---- Speaking ---- */

/* What U-Boot says unasked must not pass for an echo. */
static enum p2p_code hear_out(struct dialogue *d)
{
    enum p2p_code code;
    size_t count = 0;

    do {
        code = hear(d, &count);
    } while (code == P2P_OK && count > 0);
    forget(d);
    return code;
}

static enum p2p_code check_line(struct dialogue *d, const char *line)
{
    if (strlen(line) > P2P_UBOOT_LINE_MAX) {
        return p2p_error_set(d->error, P2P_E_INPUT,
                             "a line for U-Boot has %zu characters, expected at most %d: %.40s...", strlen(line),
                             P2P_UBOOT_LINE_MAX, line);
    }
    for (const char *at = line; *at != '\0'; at++) {
        if (*at < ' ' || *at > '~') {
            return p2p_error_set(d->error, P2P_E_INPUT,
                                 "a line for U-Boot has byte 0x%02x, expected printable ASCII: %.40s",
                                 (unsigned char)*at, line);
        }
    }
    return P2P_OK;
}

/* A piece at a time, each awaited as echo: nothing is lost, and nothing garbled is run. */
static enum p2p_code type(struct dialogue *d, const char *line)
{
    enum p2p_code code = hear_out(d);
    bool there = true;

    for (size_t at = 0, end = strlen(line); at < end && code == P2P_OK; at += d->expected) {
        char piece[PIECE_CHARACTERS + 1];

        d->expected = (size_t)snprintf(piece, sizeof piece, "%s", line + at);
        d->expected = d->expected < PIECE_CHARACTERS ? d->expected : PIECE_CHARACTERS;
        forget(d);
        code = d->console->write(d->console->self, piece, d->error);
        if (code == P2P_OK) {
            code = listen(d, echoed, d->plan->command_s, &there);
        }
        if (code == P2P_OK && !there) {
            code = complain(d, "U-Boot does not echo \"%s\" of \"%s\" within %s: it hangs, or hears nothing", piece,
                            line, d->within);
        } else if (code == P2P_OK && strcmp(d->heard, piece) != 0) {
            code = complain(d, "the console garbles what is typed: \"%s\" of \"%s\" was echoed wrong", piece, line);
        }
    }
    return code;
}

/* What U-Boot says to it is then to be listened for. */
static enum p2p_code enter(struct dialogue *d, const char *line)
{
    enum p2p_code code = check_line(d, line);

    if (code == P2P_OK) {
        code = type(d, line);
    }
    forget(d);
    /* No "\n": that would be an empty line, which repeats the command. */
    return code == P2P_OK ? d->console->write(d->console->self, "\r", d->error) : code;
}

/* Its output is then in `heard`. */
static enum p2p_code command(struct dialogue *d, const char *line, uint32_t timeout_s)
{
    enum p2p_code code = enter(d, line);
    bool there = false;

    if (code == P2P_OK) {
        code = listen(d, at_prompt, timeout_s, &there);
    }
    if (code == P2P_OK && !there) {
        code = complain(d, "U-Boot did not end \"%s\" within %s: expected its prompt \"%s\"", line, d->within,
                        d->plan->prompt);
    }
    if (code == P2P_OK && strstr(d->heard, "Unknown command") != NULL) {
        code = complain(d, "U-Boot does not know \"%s\"", line);
    }
    return code;
}

/* ---- The stages ---- */

static enum p2p_code reach_prompt(struct dialogue *d)
{
    const struct p2p_uboot_plan *plan = d->plan;
    bool there = false;
    enum p2p_code code = listen(d, autoboot_near, plan->boot_s, &there);

    if (code != P2P_OK || at_prompt(d)) {
        return code;
    }
    if (!there && d->length == 0) {
        return p2p_error_set(d->error, P2P_E_BENCH,
                             "U-Boot is silent: nothing on the console within %" PRIu32
                             " s of power on: check the board's power, its UART's wiring and baud rate",
                             plan->boot_s);
    }
    if (!there) {
        return complain(d, "U-Boot did not announce its autoboot: expected \"%s\" within %" PRIu32 " s of power on",
                        plan->autoboot, plan->boot_s);
    }
    code = d->console->write(d->console->self, plan->autoboot_key, d->error);
    if (code == P2P_OK) {
        code = listen(d, at_prompt, plan->command_s, &there);
    }
    if (code == P2P_OK && !there) {
        code = complain(
            d, "U-Boot did not stop at its prompt: expected \"%s\" within %s of the key that stops its autoboot",
            plan->prompt, d->within);
    }
    return code;
}

static enum p2p_code set_up(struct dialogue *d)
{
    enum p2p_code code = P2P_OK;

    for (size_t i = 0; i < d->plan->setup_count && code == P2P_OK; i++) {
        code = command(d, d->plan->setup[i], d->plan->command_s);
    }
    return code;
}

static enum p2p_code load_file(struct dialogue *d, const char *folder, int file, size_t size)
{
    const struct p2p_uboot_plan *plan = d->plan;
    const char *name = p2p_boot_file_name((enum p2p_boot_file)file);
    bool tftp = plan->load == P2P_UBOOT_TFTP;
    char expected[EXPECTED_BYTES];
    char *line = p2p_format("%s%s 0x%" PRIx64 " %s/%s", tftp ? "tftpboot" : "load ", tftp ? "" : plan->interface,
                            plan->address[file], folder, name);
    enum p2p_code code;

    if (line == NULL) {
        return p2p_error_set(d->error, P2P_E_HOST, "out of memory");
    }
    if (tftp) {
        snprintf(expected, sizeof expected, "\nBytes transferred = %zu (%zx hex)", size, size);
    } else {
        snprintf(expected, sizeof expected, "\n%zu bytes read", size);
    }
    code = command(d, line, plan->load_s);
    if (code == P2P_OK && strstr(d->heard, expected) == NULL) {
        code = complain(d, "%s failed: expected \"%s\" from \"%s\"", tftp ? "TFTP" : "loading from the disk",
                        expected + 1, line);
    }
    free(line);
    return code;
}

static enum p2p_code load_from(struct dialogue *d, const char *folder, const struct p2p_boot_files *files)
{
    enum p2p_code code = P2P_OK;

    for (int i = 0; i < P2P_BOOT_FILE_COUNT && code == P2P_OK; i++) {
        if (files->file[i].data != NULL) {
            code = load_file(d, folder, i, files->file[i].size);
        }
    }
    return code;
}

/* A folder of our own: nobody else's files are replaced, and nobody's who boots another board from this server. */
static enum p2p_code load_by_tftp(struct dialogue *d, const struct p2p_boot_files *files)
{
    char *folder = p2p_format("%s/pin2pin-XXXXXX", d->plan->folder);
    enum p2p_code code;

    if (folder == NULL) {
        return p2p_error_set(d->error, P2P_E_HOST, "out of memory");
    }
    if (mkdtemp(folder) == NULL) {
        code =
            p2p_error_set_errno(d->error, P2P_E_BENCH, errno, "%s: cannot make a folder in the TFTP server's", folder);
        goto out;
    }
    if (chmod(folder, 0755) != 0) { /* mkdtemp's is ours alone; the server runs as somebody else */
        code = p2p_error_set_errno(d->error, P2P_E_BENCH, errno, "%s: cannot open it to the TFTP server", folder);
    } else {
        code = p2p_boot_files_write(files, folder, d->error);
    }
    if (code == P2P_OK) {
        code = load_from(d, strrchr(folder, '/') + 1, files);
    }
    p2p_boot_files_remove(folder);
    rmdir(folder);
out:
    free(folder);
    return code;
}

static enum p2p_code load_from_disk(struct dialogue *d, const char *configuration, const struct p2p_boot_files *files)
{
    char *folder = p2p_format("%s/%s", d->plan->folder, configuration);
    enum p2p_code code =
        folder != NULL ? load_from(d, folder, files) : p2p_error_set(d->error, P2P_E_HOST, "out of memory");

    free(folder);
    return code;
}

/* Last, when all are there: also files that lie on one another in memory, or a stale one on the card, show. */
static enum p2p_code check_memory(struct dialogue *d, const struct p2p_boot_files *files)
{
    enum p2p_code code = P2P_OK;

    for (int i = 0; i < P2P_BOOT_FILE_COUNT && code == P2P_OK; i++) {
        const struct p2p_blob *blob = &files->file[i];
        char line[EXPECTED_BYTES], expected[EXPECTED_BYTES];

        if (blob->data == NULL) {
            continue;
        }
        snprintf(line, sizeof line, "crc32 0x%" PRIx64 " 0x%zx", d->plan->address[i], blob->size);
        snprintf(expected, sizeof expected, "==> %08lx", crc32_z(0, blob->data, blob->size));
        code = command(d, line, d->plan->command_s);
        if (code == P2P_OK && strstr(d->heard, expected) == NULL) {
            code = complain(d,
                            "the board's memory does not hold the %s of this boot: expected \"%s\" from \"%s\": it is "
                            "another file, was damaged on its way, or another one was loaded over it",
                            p2p_boot_file_name((enum p2p_boot_file)i), expected, line);
        }
    }
    return code;
}

/* Ends with U-Boot's handing over, after which there is no prompt. */
static enum p2p_code start(struct dialogue *d, const struct p2p_boot_files *files)
{
    const uint64_t *address = d->plan->address;
    char line[EXPECTED_BYTES];
    bool there = false;
    /* U-Boot would write a saved one over the tree's own. */
    enum p2p_code code = command(d, "setenv bootargs", d->plan->command_s);

    snprintf(line, sizeof line, "booti 0x%" PRIx64 " - 0x%" PRIx64,
             address[files->file[P2P_BOOT_XEN].data != NULL ? P2P_BOOT_XEN : P2P_BOOT_STUB], address[P2P_BOOT_TREE]);
    if (code == P2P_OK) {
        code = enter(d, line);
    }
    if (code == P2P_OK) {
        code = listen(d, started_or_refused, d->plan->command_s, &there);
    }
    if (code == P2P_OK && (!there || at_prompt(d))) {
        code = complain(d, "booti failed: expected \"Starting kernel\" from \"%s\" within %s", line, d->within);
    }
    return code;
}

enum p2p_code p2p_uboot_boot(const struct p2p_uboot_plan *plan, const char *configuration,
                             const struct p2p_boot_files *files, const struct p2p_console *console,
                             const struct p2p_clock *clock, struct p2p_error *error)
{
    struct dialogue d = {.plan = plan,
                         .console = console,
                         .clock = clock,
                         .error = error,
                         .until_ns = clock->now_ns(clock->self) + plan->boot_s * NS_PER_S};
    enum p2p_code code = reach_prompt(&d);

    if (code == P2P_OK) {
        code = set_up(&d);
    }
    if (code == P2P_OK) {
        code = plan->load == P2P_UBOOT_TFTP ? load_by_tftp(&d, files) : load_from_disk(&d, configuration, files);
    }
    if (code == P2P_OK) {
        code = check_memory(&d, files);
    }
    return code == P2P_OK ? start(&d, files) : code;
}
