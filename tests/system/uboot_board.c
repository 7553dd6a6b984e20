/* SPDX-License-Identifier: MIT */
/*
 * A lab bench's boot, alone: the boot files, the console over a byte stream, U-Boot driven over it, and then what a
 * session waits for. test_uboot.py starts it beside a real U-Boot.
 */
#include "board/uboot.h"
#include "ports/socket_stream.h"
#include "ports/stream_console.h"
#include "session/boot_log.h"
#include "util/deadline.h"
#include "util/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { SETUP_LINES_MAX = 8, READY_S = 10, TREE_BYTES_MAX = 4 << 20, GIC = 2 };

static const char USAGE[] =
    "usage: uboot_board -b BASE.dtb -s STUB [-x XEN] [-v trap|native] -w FOLDER\n"
    "       uboot_board ... -c SOCKET -l LOG -t FOLDER|-d FOLDER [-u LINE]... [-p PROMPT] [-T S]\n";

struct options {
    const char *base, *stub, *write_to, *socket, *log;
    struct p2p_xen xen;
    struct p2p_configuration configuration;
    const char *setup[SETUP_LINES_MAX];
    struct p2p_uboot_plan plan;
};

struct lab {
    struct p2p_stream_console *console;
    struct p2p_boot_log log;
    FILE *file;
};

static uint64_t now_ns(void *self)
{
    (void)self;
    return (uint64_t)p2p_monotonic_ns();
}

static enum p2p_code advance(void *self, uint64_t until_ns, struct p2p_error *error)
{
    const struct lab *lab = self;
    struct pollfd fds[P2P_STREAM_FDS_MAX];
    size_t count = p2p_stream_console_poll_fds(lab->console, fds);
    struct p2p_deadline deadline = {.at_ns = (int64_t)until_ns};

    return p2p_wait_fds(fds, count, -1, deadline) != P2P_WAIT_FAILED ? P2P_OK
                                                                     : p2p_error_set(error, P2P_E_HOST, "poll");
}

static enum p2p_code open_console(struct lab *lab, const char *path, const struct p2p_clock *clock,
                                  struct p2p_error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct p2p_byte_stream stream;
    enum p2p_code code;

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return p2p_error_set(error, P2P_E_HOST, "%s: cannot connect", path);
    }
    code = p2p_socket_stream_open(fd, &stream, error);
    if (code == P2P_OK) {
        lab->console = p2p_stream_console_new(&stream, clock);
        code = lab->console != NULL ? P2P_OK : p2p_error_set(error, P2P_E_HOST, "out of memory");
    }
    return code;
}

/* As a session does: everything goes to the log file. */
static enum p2p_code follow(struct lab *lab, struct p2p_error *error)
{
    struct p2p_console console = p2p_stream_console_port(lab->console);
    enum p2p_code code;
    char bytes[256];
    size_t count = 0;

    do {
        code = console.read(console.self, bytes, sizeof bytes, &count, error);
        p2p_boot_log_feed(&lab->log, bytes, count);
        (void)fwrite(bytes, 1, count, lab->file);
    } while (code == P2P_OK && count > 0);
    return code;
}

/* Until `said` is something. */
static enum p2p_code await(struct lab *lab, const char *said, const char *what, struct p2p_error *error)
{
    uint64_t until_ns = now_ns(lab) + READY_S * UINT64_C(1000000000);
    enum p2p_code code = P2P_OK;

    while (code == P2P_OK && said[0] == '\0' && lab->log.complaint[0] == '\0' && now_ns(lab) < until_ns) {
        code = advance(lab, until_ns, error);
        if (code == P2P_OK) {
            code = follow(lab, error);
        }
    }
    return code != P2P_OK || said[0] != '\0'
               ? code
               : p2p_error_set(error, P2P_E_BENCH, "no %s; last line: %s", what, lab->log.last);
}

/* What runs must be what was composed: Xen's own words, asked for as a session asks for them. */
static enum p2p_code check(struct lab *lab, const struct options *options, const struct p2p_pins *pins,
                           struct p2p_error *error)
{
    struct p2p_bench bench = {.board.gic = GIC, .pins = *pins};
    struct p2p_console console = p2p_stream_console_port(lab->console);
    enum p2p_code code = p2p_boot_log_check(&lab->log, &options->configuration, &bench, error);

    if (code != P2P_OK || options->configuration.xen == NULL) {
        return code;
    }
    code = console.write(console.self, "w", error);
    if (code == P2P_OK) {
        code = await(lab, lab->log.xen_command_line, "command line from Xen", error);
    }
    return code == P2P_OK ? p2p_boot_log_check_command_line(&lab->log, options->configuration.xen, error) : code;
}

static double seconds_since(uint64_t start_ns)
{
    return (double)(now_ns(NULL) - start_ns) / 1e9;
}

static enum p2p_code boot(const struct options *options, const struct p2p_boot_files *files,
                          const struct p2p_pins *pins, struct p2p_error *error)
{
    struct lab lab = {.file = fopen(options->log, "wb")};
    struct p2p_clock clock = {.self = &lab, .now_ns = now_ns, .advance = advance};
    uint64_t start_ns = now_ns(NULL);
    struct p2p_console boot_port;
    enum p2p_code code;

    if (lab.file == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "%s: cannot write", options->log);
    }
    code = open_console(&lab, options->socket, &clock, error);
    if (code == P2P_OK) {
        boot_port = p2p_stream_console_boot_port(lab.console);
        code = p2p_uboot_boot(&options->plan, options->configuration.name, files, &boot_port, &clock, error);
    }
    if (code == P2P_OK) {
        printf("U-Boot handed over after %.2f s\n", seconds_since(start_ns));
        code = follow(&lab, error);
    }
    if (code == P2P_OK) {
        code = await(&lab, lab.log.ready, "READY", error);
    }
    if (code == P2P_OK) {
        printf("ready after %.2f s: Xen %s: %s\n", seconds_since(start_ns), lab.log.xen_version, lab.log.ready);
        code = check(&lab, options, pins, error);
    }
    if (lab.console != NULL) {
        follow(&lab, &(struct p2p_error){0});
    }
    p2p_stream_console_free(lab.console);
    (void)fclose(lab.file);
    return code;
}

static bool parse(int argc, char **argv, struct options *options)
{
    struct p2p_uboot_plan *plan = &options->plan;
    static char version[] = "4.17", scheduler[] = "credit2", none[] = "";

    options->xen = (struct p2p_xen){.extra_command_line = none};
    snprintf(options->xen.version, sizeof options->xen.version, "%s", version);
    snprintf(options->xen.scheduler, sizeof options->xen.scheduler, "%s", scheduler);
    snprintf(options->configuration.name, sizeof options->configuration.name, "test");
    *plan = (struct p2p_uboot_plan){
        .prompt = "=> ",
        .autoboot = "Hit any key to stop autoboot",
        .autoboot_key = " ",
        .setup = options->setup,
        .interface = "virtio 0",
        .address = {0x40600000, 0x50000000, 0x48000000, 0x50100000},
        .boot_s = 10,
        .command_s = 10,
        .load_s = 10,
    };
    for (int option; (option = getopt(argc, argv, "b:s:x:v:w:c:l:t:d:u:p:T:")) != -1;) {
        switch (option) {
        case 'b':
            options->base = optarg;
            break;
        case 's':
            options->stub = optarg;
            break;
        case 'x':
            options->xen.image = optarg;
            options->configuration.xen = &options->xen;
            break;
        case 'v':
            options->xen.vwfi = strcmp(optarg, "native") == 0 ? P2P_VWFI_NATIVE : P2P_VWFI_TRAP;
            break;
        case 'w':
            options->write_to = optarg;
            break;
        case 'c':
            options->socket = optarg;
            break;
        case 'l':
            options->log = optarg;
            break;
        case 't':
        case 'd':
            plan->load = option == 't' ? P2P_UBOOT_TFTP : P2P_UBOOT_DISK;
            plan->folder = optarg;
            break;
        case 'u':
            if (plan->setup_count == SETUP_LINES_MAX) {
                return false;
            }
            options->setup[plan->setup_count++] = optarg;
            break;
        case 'p':
            plan->prompt = optarg;
            break;
        case 'T':
            plan->boot_s = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        default:
            return false;
        }
    }
    return options->base != NULL && options->stub != NULL &&
           (options->write_to != NULL || (options->socket != NULL && options->log != NULL && plan->folder != NULL));
}

int main(int argc, char **argv)
{
    struct options options = {0};
    struct p2p_error error = {0};
    struct p2p_boot_files files = {0};
    const struct p2p_pins pins = {.stimulus = 0, .answer = 1, .query = 2};
    struct p2p_boot_setup setup;
    char *base = NULL;
    size_t base_size = 0;
    enum p2p_code code;

    if (!parse(argc, argv, &options)) {
        (void)fputs(USAGE, stderr);
        return 2;
    }
    setup = (struct p2p_boot_setup){
        .pins = &pins,
        .stub = options.stub,
        .stub_address = options.plan.address[P2P_BOOT_STUB],
        .partial_address = options.plan.address[P2P_BOOT_PARTIAL],
    };
    code = p2p_read_file(options.base, TREE_BYTES_MAX, &base, &base_size, &error);
    if (code == P2P_OK) {
        setup.base_tree = base;
        setup.base_tree_size = base_size;
        code = p2p_boot_files_make(&setup, &options.configuration, &files, &error);
    }
    if (code == P2P_OK) {
        code = options.write_to != NULL ? p2p_boot_files_write(&files, options.write_to, &error)
                                        : boot(&options, &files, &pins, &error);
    }
    if (code != P2P_OK) {
        (void)fprintf(stderr, "%s\n", error.message);
    }
    p2p_boot_files_free(&files);
    free(base);
    return code == P2P_OK ? 0 : 4;
}
