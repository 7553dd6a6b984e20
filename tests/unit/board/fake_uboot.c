/* SPDX-License-Identifier: MIT */
#include "fake_uboot.h"

#include "util/file.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include <cmocka.h>

static void say(struct fake_uboot *fake, const char *text)
{
    size_t length = strlen(text);

    assert_true(fake->out_length + length < sizeof fake->out);
    memcpy(fake->out + fake->out_length, text, length);
    fake->out_length += length;
    fake->ready_ns = fake->now_ns + fake->thinks_ns;
}

__attribute__((format(printf, 2, 3))) static void sayf(struct fake_uboot *fake, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    say(fake, text);
}

void fake_uboot_init(struct fake_uboot *fake, const char *root)
{
    *fake = (struct fake_uboot){
        .banner = "\r\n\r\nU-Boot 2023.01\r\n\r\nDRAM:  1 GiB\r\nHit any key to stop autoboot:  2 ",
        .root = root,
        .piece = 64,
        .thinks_ns = 1000000,
    };
}

static bool fails(struct fake_uboot *fake, struct p2p_error *error)
{
    if (++fake->calls != fake->fail_at) {
        return false;
    }
    p2p_error_set(error, fake->failure, "made to fail");
    return true;
}

static void prompt(struct fake_uboot *fake)
{
    fake->at_prompt = true;
    say(fake, "=> ");
    fake->pause = fake->out_length;
    if (fake->after_prompt != NULL) {
        say(fake, fake->after_prompt);
    }
}

/* A TFTP server runs as somebody else. */
static void assert_open_to_all(char *path)
{
    struct stat status;

    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & S_IROTH, S_IROTH);
    *strrchr(path, '/') = '\0';
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & (S_IROTH | S_IXOTH), S_IROTH | S_IXOTH);
}

static void load(struct fake_uboot *fake, uint64_t address, const char *name, bool tftp)
{
    char path[2 * FAKE_UBOOT_LINE_BYTES];
    char *data = NULL;
    size_t size = 0;

    snprintf(path, sizeof path, "%s/%s", fake->root, name);
    if (p2p_read_file(path, 1 << 20, &data, &size, &(struct p2p_error){0}) != P2P_OK) {
        sayf(fake, tftp ? "\r\nTFTP error: 'File not found' (1)\r\nNot retrying...\r\n%.0s" : "Failed to load '%s'\r\n",
             name);
    } else {
        assert_open_to_all(path);
        fake->memory[fake->loaded].address = address;
        fake->memory[fake->loaded++].crc = crc32(0, (const Bytef *)data, (uInt)size);
        size += (size_t)fake->size_off;
        if (tftp) {
            sayf(fake, "Loading: *\b###\r\n\t 940.4 KiB/s\r\ndone\r\nBytes transferred = %zu (%zx hex)\r\n", size,
                 size);
        } else {
            sayf(fake, "%zu bytes read in 17 ms (55.1 MiB/s)\r\n", size);
        }
    }
    free(data);
}

static void crc(struct fake_uboot *fake, uint64_t address, uint64_t size)
{
    unsigned long found = 0;

    for (size_t i = 0; i < fake->loaded; i++) { /* the last one stands */
        found = fake->memory[i].address == address ? fake->memory[i].crc : found;
    }
    sayf(fake, "crc32 for %" PRIx64 " ... %" PRIx64 " ==> %08lx\r\n", address, address + size - 1, found);
}

static void obey(struct fake_uboot *fake)
{
    char name[FAKE_UBOOT_LINE_BYTES];
    uint64_t address, size;

    if (sscanf(fake->line, "tftpboot 0x%" SCNx64 " %599s", &address, name) == 2) {
        load(fake, address, name, true);
    } else if (sscanf(fake->line, "load virtio 0 0x%" SCNx64 " %599s", &address, name) == 2) {
        load(fake, address, name, false);
    } else if (sscanf(fake->line, "crc32 0x%" SCNx64 " 0x%" SCNx64, &address, &size) == 2) {
        crc(fake, address, size);
    } else if (strncmp(fake->line, "booti ", 6) == 0) {
        say(fake, "## Flattened Device Tree blob at 48000000\r\n\r\nStarting kernel ...\r\n\r\n(XEN) Xen version");
        fake->started = true;
    } else if (strncmp(fake->line, "setenv ", 7) != 0) {
        sayf(fake, "Unknown command '%.*s' - try 'help'\r\n", (int)strcspn(fake->line, " "), fake->line);
    }
}

static void run_line(struct fake_uboot *fake)
{
    const struct fake_order *order = NULL;

    assert_true(fake->line_count < FAKE_UBOOT_LINES);
    fake->line[fake->line_length] = '\0';
    fake->line_length = 0;
    memcpy(fake->lines[fake->line_count++], fake->line, sizeof fake->line);
    say(fake, "\r\n");
    for (size_t i = 0; i < FAKE_UBOOT_ORDERS && order == NULL; i++) {
        const char *line = fake->orders[i].line;

        order = line != NULL && strncmp(fake->line, line, strlen(line)) == 0 ? &fake->orders[i] : NULL;
    }
    fake->at_prompt = false;
    if (order != NULL) {
        say(fake, order->says);
        fake->started = order->hangs;
    } else {
        obey(fake);
    }
    if (!fake->started) {
        prompt(fake);
    }
}

static void hear(struct fake_uboot *fake, char byte)
{
    char echo[2] = {byte == fake->garbled ? '?' : byte};

    if (fake->started) {
        return;
    }
    if (!fake->at_prompt) {
        fake->keys++;
        fake->key = byte;
        if (!fake->deaf) {
            say(fake, "\b\b\b 0\r\n");
            prompt(fake);
        }
    } else if (byte == '\r') {
        run_line(fake);
    } else if (byte != fake->eaten) {
        assert_true(fake->line_length + 1 < sizeof fake->line);
        fake->line[fake->line_length++] = byte;
        say(fake, echo);
    }
}

static enum p2p_code console_write(void *self, const char *text, struct p2p_error *error)
{
    struct fake_uboot *fake = self;

    if (fails(fake, error)) {
        return fake->failure;
    }
    for (; *text != '\0'; text++) {
        hear(fake, *text);
    }
    return P2P_OK;
}

static enum p2p_code console_read(void *self, char *bytes, size_t capacity, size_t *count, struct p2p_error *error)
{
    struct fake_uboot *fake = self;
    size_t left;

    *count = 0;
    if (fails(fake, error)) {
        return fake->failure;
    }
    if (fake->banner != NULL) { /* the power has just come */
        const char *banner = fake->banner;

        fake->banner = NULL;
        fake->at_prompt = strstr(banner, "=> ") != NULL;
        say(fake, banner);
    }
    left = (fake->out_read < fake->pause ? fake->pause : fake->out_length) - fake->out_read;
    if (fake->now_ns >= fake->ready_ns) {
        *count = left < capacity ? left : capacity;
        *count = *count < fake->piece ? *count : fake->piece;
        memcpy(bytes, fake->out + fake->out_read, *count);
        fake->out_read += *count;
    }
    return P2P_OK;
}

static uint64_t now_ns(void *self)
{
    const struct fake_uboot *fake = self;

    return fake->now_ns;
}

static enum p2p_code advance(void *self, uint64_t until_ns, struct p2p_error *error)
{
    struct fake_uboot *fake = self;

    if (fails(fake, error)) {
        return fake->failure;
    }
    fake->now_ns = fake->out_read < fake->out_length && fake->ready_ns < until_ns ? fake->ready_ns : until_ns;
    return P2P_OK;
}

struct p2p_console fake_uboot_console(struct fake_uboot *fake)
{
    return (struct p2p_console){.self = fake, .read = console_read, .write = console_write};
}

struct p2p_clock fake_uboot_clock(struct fake_uboot *fake)
{
    return (struct p2p_clock){.self = fake, .now_ns = now_ns, .advance = advance};
}
