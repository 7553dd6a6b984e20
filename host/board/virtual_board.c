/* SPDX-License-Identifier: MIT */
#include "board/virtual_board.h"

#include "board/boot_files.h"
#include "board/qemu_launch.h"
#include "board/xen_image.h"
#include "util/deadline.h"
#include "util/file.h"
#include "util/process.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    STUB_ADDRESS = 0x50000000,    /* free with 512 MiB and more: QEMU puts its tree at 0x48000000 */
    PARTIAL_ADDRESS = 0x50100000, /* the domain's partial tree */
    STUB_BYTES_MAX = 0x100000,    /* what lies between the two */
    NEIGHBOUR_ADDRESS = 0x51000000,
    NEIGHBOUR_BYTES_MAX = 0x1000000, /* each: the last one ends at 336 MiB of memory */
    GICS = 2,
    TREE_BYTES_MAX = 4 << 20,
    WIRES_BYTES_MAX = 1 << 24,
    DUMP_TIMEOUT_MS = 20000,
    DUMP_STEP_MS = 100,
    COMPLAINT_BYTES = 400,
};

/* What QEMU's own device tree depends on, beside the bench. */
struct machine {
    uint32_t gic;
    uint32_t cpus;
};

struct p2p_virtual_board {
    const struct p2p_bench *bench;
    int stop_fd; /* borrowed */
    struct p2p_wires *wires;
    struct p2p_socket_console console;
    struct p2p_process *qemu;
    struct p2p_blob trees[GICS][P2P_CPUS_MAX]; /* QEMU's own, of each machine that was needed */
};

/* Left to itself it has one CPU: icount runs several in turns on one clock, and their latencies would be artefacts. */
static struct machine machine_of(const struct p2p_bench *bench, const struct p2p_configuration *configuration)
{
    return (struct machine){.gic = configuration->gic > 0 ? configuration->gic : bench->board.gic,
                            .cpus = configuration->cpus > 0 ? configuration->cpus : 1};
}

static struct p2p_blob *tree_of(struct p2p_virtual_board *board, struct machine machine)
{
    return &board->trees[machine.gic - 2][machine.cpus - 1];
}

/* What both the dump and the boots have in common: the tree depends on all of it. */
static void add_machine(struct p2p_qemu_launch *launch, const struct p2p_bench *bench, struct machine machine,
                        const char *dump_path)
{
    p2p_qemu_launch_add(launch, bench->board.qemu);
    p2p_qemu_launch_add(launch, "-M");
    p2p_qemu_launch_add_owned(launch, p2p_format("virt,virtualization=on,gic-version=%" PRIu32 "%s%s", machine.gic,
                                                 dump_path != NULL ? ",dumpdtb=" : "",
                                                 dump_path != NULL ? p2p_qemu_launch_escape(launch, dump_path) : ""));
    p2p_qemu_launch_add(launch, "-cpu");
    p2p_qemu_launch_add(launch, "cortex-a53");
    p2p_qemu_launch_add(launch, "-smp");
    p2p_qemu_launch_add_owned(launch, p2p_format("%" PRIu32, machine.cpus));
    p2p_qemu_launch_add(launch, "-m");
    p2p_qemu_launch_add_owned(launch, p2p_format("%" PRIu32, bench->board.memory_mib));
    p2p_qemu_launch_add(launch, "-nodefaults");
    p2p_qemu_launch_add(launch, "-display");
    p2p_qemu_launch_add(launch, "none");
}

static enum p2p_code qemu_failed(struct p2p_process *qemu, const char *what, struct p2p_error *error)
{
    char state[64], complaint[COMPLAINT_BYTES];

    p2p_process_describe(qemu, state, sizeof state);
    p2p_process_complaint(qemu, complaint, sizeof complaint);
    return p2p_error_set(error, P2P_E_BENCH, "%s: QEMU: %s: %s", what, state,
                         complaint[0] != '\0' ? complaint : "it printed nothing");
}

/* False: it did not end by itself in time, or the user wants out. */
static bool ended_or_stopped(struct p2p_process *qemu, int stop_fd, enum p2p_code *code, struct p2p_error *error)
{
    struct p2p_deadline deadline = p2p_deadline_in_ms(DUMP_TIMEOUT_MS);

    while (!p2p_process_ended(qemu, DUMP_STEP_MS)) {
        if (p2p_wait_fd(-1, 0, stop_fd, p2p_deadline_in_ms(0)) == P2P_WAIT_STOPPED) {
            *code = p2p_error_set(error, P2P_E_INTERRUPTED, "interrupted");
            return false;
        }
        if (p2p_deadline_left_ms(deadline) == 0) {
            *code = qemu_failed(qemu, "dumping its device tree took too long", error);
            return false;
        }
    }
    return true;
}

static enum p2p_code dump_tree_to(struct p2p_virtual_board *board, struct machine machine, const char *path,
                                  struct p2p_error *error)
{
    struct p2p_blob *tree = tree_of(board, machine);
    struct p2p_qemu_launch launch = {0};
    enum p2p_code code = P2P_OK;
    struct p2p_process *qemu;
    char *data = NULL;

    add_machine(&launch, board->bench, machine, path);
    qemu = p2p_qemu_launch_start(&launch, error);
    if (qemu == NULL) {
        code = p2p_failure(error);
    } else if (!ended_or_stopped(qemu, board->stop_fd, &code, error)) {
        /* said already */
    } else if (p2p_read_file(path, TREE_BYTES_MAX, &data, &tree->size, &(struct p2p_error){0}) != P2P_OK) {
        code = qemu_failed(qemu, "no device tree from it", error);
    }
    tree->data = data;
    p2p_process_stop(qemu);
    p2p_qemu_launch_free(&launch);
    return code;
}

/* QEMU replaces the file by a rename, so it can't be one in memory: a folder for the 50 ms that this takes. */
static enum p2p_code dump_tree(struct p2p_virtual_board *board, struct machine machine, struct p2p_error *error)
{
    const char *temporary = getenv("TMPDIR");
    bool given = temporary != NULL && temporary[0] != '\0';
    char *folder = p2p_format("%s/pin2pin-XXXXXX", given ? temporary : "/tmp");
    char *path = NULL;
    enum p2p_code code;

    if (folder == NULL || mkdtemp(folder) == NULL) {
        code = p2p_error_set_errno(error, P2P_E_HOST, errno, "%s: cannot make a temporary folder",
                                   folder != NULL ? folder : "TMPDIR");
        free(folder);
        return code;
    }
    path = p2p_format("%s/base.dtb", folder);
    code = path == NULL ? p2p_error_set(error, P2P_E_HOST, "out of memory") : dump_tree_to(board, machine, path, error);
    if (path != NULL) {
        unlink(path);
    }
    rmdir(folder);
    free(path);
    free(folder);
    return code;
}

/* Of each machine once: it takes QEMU 50 ms. */
static enum p2p_code need_tree(struct p2p_virtual_board *board, struct machine machine, struct p2p_error *error)
{
    return tree_of(board, machine)->data != NULL ? P2P_OK : dump_tree(board, machine, error);
}

static enum p2p_code measure_file(const char *path, off_t limit, const char *cure, uint64_t *size,
                                  struct p2p_error *error)
{
    struct stat status;

    if (stat(path, &status) != 0) {
        return p2p_error_set_errno(error, P2P_E_INPUT, errno, "%s: %s", path, cure);
    }
    if (!S_ISREG(status.st_mode) || status.st_size == 0 || status.st_size > limit) {
        return p2p_error_set(error, P2P_E_INPUT, "%s: expected a file of 1..%lld bytes; %s", path, (long long)limit,
                             cure);
    }
    *size = (uint64_t)status.st_size;
    return P2P_OK;
}

static enum p2p_code check_files(const struct p2p_bench *bench, struct p2p_error *error)
{
    uint64_t size;
    enum p2p_code code =
        measure_file(bench->stub, STUB_BYTES_MAX, "the guest stub is not there; build it: ./lab build", &size, error);

    return code == P2P_OK ? measure_file(bench->board.wires, WIRES_BYTES_MAX,
                                         "the wires plugin is not there; build it: ./lab build", &size, error)
                          : code;
}

struct p2p_virtual_board *p2p_virtual_board_open(const struct p2p_bench *bench, int stop_fd, struct p2p_error *error)
{
    struct p2p_virtual_board *board = calloc(1, sizeof *board);

    if (board == NULL) {
        p2p_error_set(error, P2P_E_HOST, "out of memory");
        return NULL;
    }
    board->bench = bench;
    board->stop_fd = stop_fd;
    board->console.fd = -1;
    board->wires = p2p_wires_new(&bench->pins, bench->timeouts.stall_s, stop_fd);
    if (board->wires == NULL) {
        p2p_error_set(error, P2P_E_HOST, "out of memory");
        goto fail;
    }
    if (check_files(bench, error) != P2P_OK ||
        need_tree(board, machine_of(bench, &(struct p2p_configuration){0}), error) != P2P_OK) {
        goto fail;
    }
    return board;
fail:
    p2p_virtual_board_close(board);
    return NULL;
}

void p2p_virtual_board_off(struct p2p_virtual_board *board)
{
    p2p_wires_detach(board->wires);
    p2p_process_stop(board->qemu);
    board->qemu = NULL;
    if (board->console.fd >= 0) {
        close(board->console.fd);
        board->console.fd = -1;
    }
}

void p2p_virtual_board_close(struct p2p_virtual_board *board)
{
    if (board == NULL) {
        return;
    }
    if (board->wires != NULL) {
        p2p_virtual_board_off(board);
    }
    p2p_wires_free(board->wires);
    for (size_t i = 0; i < GICS; i++) {
        for (size_t j = 0; j < P2P_CPUS_MAX; j++) {
            free(board->trees[i][j].data);
        }
    }
    free(board);
}

static void add_loader(struct p2p_qemu_launch *launch, const char *path, uint64_t address)
{
    p2p_qemu_launch_add(launch, "-device");
    p2p_qemu_launch_add_owned(launch, p2p_format("loader,file=%s,addr=0x%" PRIx64 ",force-raw=on",
                                                 p2p_qemu_launch_escape(launch, path), address));
}

static void add_tree(struct p2p_qemu_launch *launch, int fd)
{
    p2p_qemu_launch_add(launch, "-dtb");
    p2p_qemu_launch_add_owned(launch, p2p_format("/proc/self/fd/%d", fd));
}

static enum p2p_code add_native(struct p2p_qemu_launch *launch, const char *guest, const struct p2p_blob *tree,
                                struct p2p_error *error)
{
    int fd = p2p_qemu_launch_add_file(launch, "native.dtb", tree->data, tree->size, error);

    if (fd < 0) {
        return p2p_failure(error);
    }
    p2p_qemu_launch_add(launch, "-kernel");
    p2p_qemu_launch_add(launch, guest);
    add_tree(launch, fd);
    return P2P_OK;
}

static enum p2p_code add_xen(struct p2p_qemu_launch *launch, const struct p2p_configuration *configuration,
                             const char *guest, const struct p2p_boot_files *files, struct p2p_error *error)
{
    const struct p2p_blob *host = &files->file[P2P_BOOT_TREE], *partial = &files->file[P2P_BOOT_PARTIAL];
    int host_fd = p2p_qemu_launch_add_file(launch, "host.dtb", host->data, host->size, error);
    int partial_fd = p2p_qemu_launch_add_file(launch, "passthrough.dtb", partial->data, partial->size, error);
    char partial_path[32];

    if (host_fd < 0 || partial_fd < 0) {
        return p2p_failure(error);
    }
    p2p_qemu_launch_add(launch, "-kernel");
    p2p_qemu_launch_add(launch, configuration->xen->image);
    add_tree(launch, host_fd);
    add_loader(launch, guest, STUB_ADDRESS);
    snprintf(partial_path, sizeof partial_path, "/proc/self/fd/%d", partial_fd);
    add_loader(launch, partial_path, PARTIAL_ADDRESS);
    for (size_t i = 0; i < configuration->neighbour_count; i++) {
        add_loader(launch, configuration->neighbours[i]->image, NEIGHBOUR_ADDRESS + i * NEIGHBOUR_BYTES_MAX);
    }
    return P2P_OK;
}

/* Where the neighbours are loaded, and their sizes, which Xen takes from the tree. */
static enum p2p_code place_neighbours(const struct p2p_configuration *configuration,
                                      struct p2p_module modules[P2P_NEIGHBOURS_MAX], struct p2p_error *error)
{
    enum p2p_code code = P2P_OK;

    for (size_t i = 0; i < configuration->neighbour_count && code == P2P_OK; i++) {
        modules[i].address = NEIGHBOUR_ADDRESS + i * NEIGHBOUR_BYTES_MAX;
        code = measure_file(configuration->neighbours[i]->image, NEIGHBOUR_BYTES_MAX,
                            "the neighbour's image is not there; build it: ./lab build", &modules[i].size, error);
    }
    return code;
}

/* QEMU loads the images itself; the trees are composed for them. */
static enum p2p_code add_boot_files(struct p2p_qemu_launch *launch, struct p2p_virtual_board *board,
                                    const struct p2p_configuration *configuration, struct p2p_error *error)
{
    const struct p2p_blob *tree = tree_of(board, machine_of(board->bench, configuration));
    struct p2p_module neighbours[P2P_NEIGHBOURS_MAX] = {{0}};
    const struct p2p_boot_setup setup = {
        .base_tree = tree->data,
        .base_tree_size = tree->size,
        .pins = &board->bench->pins,
        .stub = board->bench->stub,
        .stub_address = STUB_ADDRESS,
        .partial_address = PARTIAL_ADDRESS,
        .neighbours = neighbours,
    };
    const char *guest = p2p_boot_guest(&setup, configuration);
    struct p2p_boot_files files = {0};
    uint64_t guest_size = 0;
    enum p2p_code code = P2P_OK;

    if (configuration->xen != NULL) {
        code = p2p_xen_image_check(configuration->xen->image, error);
    }
    if (code == P2P_OK) {
        code = measure_file(guest, STUB_BYTES_MAX, "the guest is not there", &guest_size, error);
    }
    if (code == P2P_OK) {
        code = place_neighbours(configuration, neighbours, error);
    }
    if (code == P2P_OK) {
        code = p2p_boot_files_compose(&setup, configuration, guest_size, &files, error);
    }
    if (code == P2P_OK) {
        code = configuration->xen != NULL ? add_xen(launch, configuration, guest, &files, error)
                                          : add_native(launch, guest, &files.file[P2P_BOOT_TREE], error);
    }
    p2p_boot_files_free(&files);
    return code;
}

/* A pair of sockets: [0] ours, [1] the child's, owned by the launch. */
static enum p2p_code add_socket(struct p2p_qemu_launch *launch, int pair[2], struct p2p_error *error)
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        pair[0] = -1;
        return p2p_error_set_errno(error, P2P_E_HOST, errno, "socketpair");
    }
    p2p_qemu_launch_add_fd(launch, pair[1]);
    return P2P_OK;
}

static void add_instruments(struct p2p_qemu_launch *launch, const struct p2p_bench *bench, int wires_fd, int console_fd)
{
    p2p_qemu_launch_add(launch, "-no-reboot");
    /* 1 instruction = 1 virtual ns; idle time is skipped, not slept. */
    p2p_qemu_launch_add(launch, "-icount");
    p2p_qemu_launch_add(launch, "shift=0,sleep=off");
    p2p_qemu_launch_add(launch, "-chardev");
    p2p_qemu_launch_add_owned(launch, p2p_format("socket,id=console,fd=%d", console_fd));
    p2p_qemu_launch_add(launch, "-serial");
    p2p_qemu_launch_add(launch, "chardev:console");
    p2p_qemu_launch_add(launch, "-plugin");
    p2p_qemu_launch_add_owned(launch,
                              p2p_format("%s,fd=%d", p2p_qemu_launch_escape(launch, bench->board.wires), wires_fd));
}

static enum p2p_code start_qemu(struct p2p_virtual_board *board, struct p2p_qemu_launch *launch,
                                struct p2p_error *error)
{
    int wires[2] = {-1, -1}, console[2] = {-1, -1};
    enum p2p_code code = add_socket(launch, wires, error);

    if (code == P2P_OK) {
        code = add_socket(launch, console, error);
    }
    if (code == P2P_OK) {
        add_instruments(launch, board->bench, wires[1], console[1]);
        board->qemu = p2p_qemu_launch_start(launch, error);
        code = board->qemu != NULL ? P2P_OK : p2p_failure(error);
    }
    board->console.fd = console[0];
    if (code != P2P_OK) {
        if (wires[0] >= 0) {
            close(wires[0]);
        }
        return code;
    }
    /* Our copies of QEMU's ends must be gone before we wait, else its death would not end the streams. */
    close(launch->fds[--launch->fd_count]);
    close(launch->fds[--launch->fd_count]);
    return p2p_wires_attach(board->wires, wires[0], error);
}

enum p2p_code p2p_virtual_board_on(struct p2p_virtual_board *board, const struct p2p_configuration *configuration,
                                   struct p2p_error *error)
{
    const struct machine machine = machine_of(board->bench, configuration);
    struct p2p_qemu_launch launch = {0};
    struct p2p_error cause = {0};
    enum p2p_code code;

    p2p_virtual_board_off(board);
    add_machine(&launch, board->bench, machine, NULL);
    code = need_tree(board, machine, &cause);
    if (code == P2P_OK) {
        code = add_boot_files(&launch, board, configuration, &cause);
    }
    if (code == P2P_OK) {
        code = start_qemu(board, &launch, &cause);
    }
    if (code == P2P_E_BENCH && board->qemu != NULL && p2p_process_ended(board->qemu, 1000)) {
        /* Its words tell why it died, ours why it was made to end. */
        qemu_failed(board->qemu, p2p_wires_board_gone(board->wires) ? "the virtual board did not start" : cause.message,
                    error);
    } else if (code != P2P_OK) {
        p2p_error_set(error, code, "%s", cause.message);
    }
    if (code != P2P_OK) {
        p2p_virtual_board_off(board);
    }
    p2p_qemu_launch_free(&launch);
    return code;
}

enum p2p_code p2p_virtual_board_explain(struct p2p_virtual_board *board, const struct p2p_error *cause,
                                        struct p2p_error *error)
{
    if (board->qemu != NULL && p2p_wires_board_gone(board->wires) && p2p_process_ended(board->qemu, 500)) {
        return qemu_failed(board->qemu, cause->message, error);
    }
    return p2p_error_set(error, cause->code, "%s", cause->message);
}

struct p2p_wires *p2p_virtual_board_wires(struct p2p_virtual_board *board)
{
    return board->wires;
}

struct p2p_socket_console *p2p_virtual_board_console(struct p2p_virtual_board *board)
{
    return &board->console;
}
