/* SPDX-License-Identifier: MIT */
#include "board/boot_files.h"

#include "base_tree.h"
#include "util/file.h"

#include <libfdt.h>
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

int __real_vasprintf(char **text, const char *format, va_list arguments);
int __wrap_vasprintf(char **text, const char *format, va_list arguments);

static int allocations_until_failure; /* 0: none fails */

int __wrap_vasprintf(char **text, const char *format, va_list arguments)
{
    if (allocations_until_failure > 0 && --allocations_until_failure == 0) {
        return -1;
    }
    return __real_vasprintf(text, format, arguments);
}

static char scheduler_options[] = "", xen_path[] = "xen-image";

struct fixture {
    char folder[64], home[4096];
    alignas(8) uint8_t base[BASE_TREE_BYTES];
    struct p2p_pins pins;
    struct p2p_boot_setup setup;
    struct p2p_xen xen;
    struct p2p_configuration native, trap;
    struct p2p_boot_files files;
    struct p2p_error error;
};

static void put(const char *path, const char *data, size_t size)
{
    struct p2p_error error = {0};

    assert_int_equal(p2p_write_file(path, data, size, &error), P2P_OK);
}

static int set_up(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;
    const struct base_tree shape = base_tree_of_virt();
    char image[128] = {0};

    *f = (struct fixture){.folder = "/tmp/p2p-boot-files-XXXXXX", .pins = {3, 4, 5}};
    if (getcwd(f->home, sizeof f->home) == NULL || mkdtemp(f->folder) == NULL || chdir(f->folder) != 0) {
        return -1;
    }
    f->setup = (struct p2p_boot_setup){
        .base_tree = f->base,
        .base_tree_size = base_tree_make(&shape, f->base),
        .pins = &f->pins,
        .stub = "stub",
        .stub_address = 0x50000000,
        .partial_address = 0x50100000,
    };
    f->xen = (struct p2p_xen){.image = xen_path, .scheduler = "null", .extra_command_line = scheduler_options};
    f->trap.xen = &f->xen;
    memcpy(image + 56, "ARMd", 4);
    memcpy(image + 64, "xen,domain", 11);
    put(xen_path, image, sizeof image);
    put("stub", "the stub", 8);
    allocations_until_failure = 0;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    p2p_boot_files_free(&f->files);
    p2p_boot_files_remove(".");
    unlink(xen_path);
    unlink("stub");
    return chdir(f->home) == 0 ? rmdir(f->folder) : -1;
}

static enum p2p_code make(struct fixture *f, const struct p2p_configuration *configuration)
{
    f->error = (struct p2p_error){0};
    p2p_boot_files_free(&f->files);
    return p2p_boot_files_make(&f->setup, configuration, &f->files, &f->error);
}

static void assert_string_property(const struct p2p_blob *tree, const char *path, const char *name,
                                   const char *expected)
{
    const char *found = fdt_getprop(tree->data, fdt_path_offset(tree->data, path), name, NULL);

    assert_non_null(found);
    assert_string_equal(found, expected);
}

static void assert_module(const struct p2p_blob *tree, const char *path, uint64_t address, uint64_t size)
{
    const fdt64_t *reg = fdt_getprop(tree->data, fdt_path_offset(tree->data, path), "reg", NULL);

    assert_non_null(reg);
    assert_int_equal(fdt64_ld(reg), address);
    assert_int_equal(fdt64_ld(reg + 1), size);
}

static void xen_gets_four_files(void **state)
{
    struct fixture *f = *state;
    const struct p2p_blob *file = f->files.file;

    assert_int_equal(make(f, &f->trap), P2P_OK);
    assert_int_equal(file[P2P_BOOT_XEN].size, 128);
    assert_memory_equal((const char *)file[P2P_BOOT_XEN].data + 56, "ARMd", 4);
    assert_int_equal(file[P2P_BOOT_STUB].size, 8);
    assert_memory_equal(file[P2P_BOOT_STUB].data, "the stub", 8);
    assert_string_property(&file[P2P_BOOT_TREE], "/chosen", "xen,xen-bootargs",
                           "console=dtuart dtuart=/pl011@9000000 conswitch=ax bootscrub=0 noreboot vwfi=trap "
                           "sched=null");
    assert_string_property(&file[P2P_BOOT_TREE], "/chosen/domU1/module@50000000", "bootargs",
                           "stimulus=3 answer=4 query=5");
    assert_module(&file[P2P_BOOT_TREE], "/chosen/domU1/module@50000000", 0x50000000, 8);
    assert_module(&file[P2P_BOOT_TREE], "/chosen/domU1/module@50100000", 0x50100000, file[P2P_BOOT_PARTIAL].size);
    assert_string_property(&file[P2P_BOOT_PARTIAL], "/passthrough/pl061@9030000", "xen,path", "/pl061@9030000");
}

static void a_neighbour_is_told_by_its_place(void **state)
{
    static const struct p2p_neighbour noisy = {.memory_mib = 16, .vcpus = 1}, large = {.memory_mib = 64, .vcpus = 2};
    static const struct p2p_module places[] = {{0x51000000, 84}, {0x52000000, 85}};
    struct fixture *f = *state;
    const struct p2p_blob *tree = &f->files.file[P2P_BOOT_TREE];
    const fdt64_t *memory;

    f->setup.neighbours = places;
    f->trap.neighbours[0] = &noisy;
    f->trap.neighbours[1] = &large;
    f->trap.neighbour_count = 2;
    assert_int_equal(make(f, &f->trap), P2P_OK);
    assert_module(tree, "/chosen/domU1/module@50000000", 0x50000000, 8);
    assert_module(tree, "/chosen/domU2/module@51000000", 0x51000000, 84);
    assert_module(tree, "/chosen/domU3/module@52000000", 0x52000000, 85);
    memory = fdt_getprop(tree->data, fdt_path_offset(tree->data, "/chosen/domU3"), "memory", NULL);
    assert_int_equal(fdt64_ld(memory), 64 * 1024);
}

static void a_guest_of_its_own_stands_in_for_the_stub(void **state)
{
    struct fixture *f = *state;
    char guest[] = "guest";

    put(guest, "another guest", 13);
    f->native.guest = guest;
    assert_int_equal(make(f, &f->native), P2P_OK);
    assert_int_equal(f->files.file[P2P_BOOT_STUB].size, 13);
    assert_memory_equal(f->files.file[P2P_BOOT_STUB].data, "another guest", 13);
    unlink(guest);
    assert_int_equal(make(f, &f->native), P2P_E_INPUT);
    assert_string_equal(f->error.message, "guest: cannot open: No such file or directory");
}

static void the_stub_alone_gets_two(void **state)
{
    struct fixture *f = *state;
    const struct p2p_blob *file = f->files.file;

    assert_int_equal(make(f, &f->native), P2P_OK);
    assert_null(file[P2P_BOOT_XEN].data);
    assert_null(file[P2P_BOOT_PARTIAL].data);
    assert_memory_equal(file[P2P_BOOT_STUB].data, "the stub", 8);
    assert_string_property(&file[P2P_BOOT_TREE], "/chosen", "bootargs", "stimulus=3 answer=4 query=5");
}

static void assert_refused(struct fixture *f, enum p2p_code code, const char *message)
{
    assert_int_equal(make(f, &f->trap), code);
    assert_string_equal(f->error.message, message);
}

static void what_is_no_image_or_no_tree_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(truncate("stub", (1 << 20) + 1), 0);
    assert_refused(f, P2P_E_INPUT, "stub: 1048577 bytes, expected at most 1048576");
    assert_int_equal(truncate("stub", 1 << 20), 0);
    assert_int_equal(make(f, &f->trap), P2P_OK);
    f->base[0] = 0;
    assert_refused(f, P2P_E_BENCH, "device tree: QEMU's own tree: FDT_ERR_BADMAGIC");
    put(xen_path, "MZ", 2);
    assert_refused(f, P2P_E_INPUT, "xen-image: not an arm64 boot image (no \"ARM\\x64\" at byte 56); expected Xen");
    unlink("stub");
    assert_refused(f, P2P_E_INPUT, "stub: cannot open: No such file or directory");
}

static void assert_holds(const char *path, const struct p2p_blob *blob)
{
    struct p2p_error error = {0};
    struct stat status;
    char *data = NULL;
    size_t size = 0;

    assert_int_equal(p2p_read_file(path, 1 << 20, &data, &size, &error), P2P_OK);
    assert_int_equal(size, blob->size);
    assert_memory_equal(data, blob->data, size);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0644);
    free(data);
}

static void they_are_written_for_everybody_to_read(void **state)
{
    struct fixture *f = *state;
    mode_t before = umask(077);

    assert_int_equal(make(f, &f->trap), P2P_OK);
    put("stub.bin", "of an earlier boot", 18);
    assert_int_equal(p2p_boot_files_write(&f->files, ".", &f->error), P2P_OK);
    umask(before);
    assert_holds("xen", &f->files.file[P2P_BOOT_XEN]);
    assert_holds("stub.bin", &f->files.file[P2P_BOOT_STUB]);
    assert_holds("tree.dtb", &f->files.file[P2P_BOOT_TREE]);
    assert_holds("partial.dtb", &f->files.file[P2P_BOOT_PARTIAL]);
}

static void files_of_another_configuration_do_not_stay(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, &f->trap), P2P_OK);
    assert_int_equal(p2p_boot_files_write(&f->files, ".", &f->error), P2P_OK);
    assert_int_equal(make(f, &f->native), P2P_OK);
    assert_int_equal(p2p_boot_files_write(&f->files, ".", &f->error), P2P_OK);
    assert_int_equal(access("xen", F_OK), -1);
    assert_int_equal(access("partial.dtb", F_OK), -1);
    assert_holds("tree.dtb", &f->files.file[P2P_BOOT_TREE]);
}

static void assert_none_is_left(void)
{
    for (int i = 0; i < P2P_BOOT_FILE_COUNT; i++) {
        assert_int_equal(access(p2p_boot_file_name((enum p2p_boot_file)i), F_OK), -1);
    }
}

static void a_failed_write_leaves_none(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(make(f, &f->trap), P2P_OK);
    assert_int_equal(mkdir("tree.dtb", 0755), 0); /* in the way */
    assert_int_equal(p2p_boot_files_write(&f->files, ".", &f->error), P2P_E_HOST);
    assert_string_equal(f->error.message, "./tree.dtb: cannot write: Is a directory");
    assert_int_equal(rmdir("tree.dtb"), 0);
    assert_none_is_left();

    f->error = (struct p2p_error){0};
    assert_int_equal(p2p_boot_files_write(&f->files, "nowhere", &f->error), P2P_E_HOST);
    assert_string_equal(f->error.message, "nowhere/xen: cannot write: No such file or directory");
}

static void out_of_memory_is_told(void **state)
{
    struct fixture *f = *state;
    int failure = 0;

    do {
        allocations_until_failure = ++failure;
        if (make(f, &f->trap) == P2P_OK) {
            p2p_boot_files_write(&f->files, ".", &f->error);
        }
        if (f->error.code != P2P_OK) {
            assert_int_equal(f->error.code, P2P_E_HOST);
            assert_non_null(strstr(f->error.message, "out of memory"));
            assert_none_is_left();
        }
    } while (f->error.code != P2P_OK);
    assert_int_equal(failure, 2 + 4 * 2 + 1); /* two command lines; each file's path and temporary path */
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(xen_gets_four_files),
        IN_A_FOLDER(a_neighbour_is_told_by_its_place),
        IN_A_FOLDER(a_guest_of_its_own_stands_in_for_the_stub),
        IN_A_FOLDER(the_stub_alone_gets_two),
        IN_A_FOLDER(what_is_no_image_or_no_tree_is_refused),
        IN_A_FOLDER(they_are_written_for_everybody_to_read),
        IN_A_FOLDER(files_of_another_configuration_do_not_stay),
        IN_A_FOLDER(a_failed_write_leaves_none),
        IN_A_FOLDER(out_of_memory_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
