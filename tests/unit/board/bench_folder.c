/* SPDX-License-Identifier: MIT */
#include "bench_folder.h"

#include "fake_qemu.h"
#include "util/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

uint64_t bench_folder_open_fds(void)
{
    uint64_t open = 0;

    for (int fd = 0; fd < 64; fd++) {
        open |= (uint64_t)(fcntl(fd, F_GETFD) >= 0) << fd;
    }
    return open;
}

static bool put_file(const char *path, const void *data, size_t size)
{
    return p2p_write_file(path, data, size, &(struct p2p_error){0}) == P2P_OK;
}

static void fill_bench(struct bench_folder *f)
{
    f->bench.board.kind = P2P_BOARD_QEMU_VIRT;
    f->bench.board.qemu = f->qemu;
    f->bench.board.gic = 3;
    f->bench.board.memory_mib = 1024;
    f->bench.board.wires = f->wires;
    f->bench.stub = f->stub;
    f->bench.pins = (struct p2p_pins){.stimulus = FAKE_QEMU_STIMULUS, .answer = FAKE_QEMU_ANSWER, .query = 5};
    f->bench.probe.node = f->node;
    f->bench.probe.runner = f->runner;
    f->bench.probe.image = f->image;
    f->bench.probe.clk_hz = 125000000;
    f->bench.timeouts.boot_s = 10;
    f->bench.timeouts.stall_s = 10;
    f->xen = (struct p2p_xen){.image = f->xen_image, .scheduler = "null", .extra_command_line = f->no_extra};
    f->on_xen.xen = &f->xen;
}

bool bench_folder_make(struct bench_folder *f)
{
    static const char magic[4] = {'A', 'R', 'M', 0x64}, mark[] = "xen,domain";
    char image[128] = {0};

    *f = (struct bench_folder){
        .folder = "/tmp/p2p-test-board,XXXXXX", .qemu = "/proc/self/exe", .node = "/proc/self/exe"};
    if (mkdtemp(f->folder) == NULL || chdir(f->folder) != 0) {
        return false;
    }
    snprintf(f->stub, sizeof f->stub, "%s/stub.bin", f->folder);
    snprintf(f->wires, sizeof f->wires, "%s/wires.so", f->folder);
    snprintf(f->xen_image, sizeof f->xen_image, "%s/xen", f->folder);
    snprintf(f->image, sizeof f->image, "%s/probe.bin", f->folder);
    snprintf(f->runner, sizeof f->runner, "%s/main.js", f->folder);
    memcpy(image + 56, magic, sizeof magic);
    memcpy(image + 64, mark, sizeof mark);
    fill_bench(f);
    unsetenv("FAKE_QEMU");
    unsetenv("FAKE_PROBE");
    setenv("FAKE_PROBE_ARGUMENTS", "probe-arguments", 1);
    setenv("TMPDIR", f->folder, 1);
    f->open_before = bench_folder_open_fds();
    return put_file(f->stub, "stub", 4) && put_file(f->wires, "elf", 3) && put_file(f->image, "bin", 3) &&
           put_file(f->runner, "js", 2) && put_file(f->xen_image, image, sizeof image);
}

bool bench_folder_remove(const struct bench_folder *f)
{
    DIR *folder = opendir(".");
    struct dirent *entry;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        unlink(entry->d_name);
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return chdir("/") == 0 && rmdir(f->folder) == 0 && bench_folder_open_fds() == f->open_before &&
           waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD;
}

void bench_folder_assert_error(const struct bench_folder *f, enum p2p_code code, const char *part)
{
    assert_int_equal(f->error.code, code);
    if (strstr(f->error.message, part) == NULL) {
        fail_msg("\"%s\" in \"%s\"", part, f->error.message);
    }
}
