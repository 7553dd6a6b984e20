/* SPDX-License-Identifier: MIT */
#include "board/xen_image.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

int __real_vasprintf(char **text, const char *format, va_list arguments);
int __wrap_vasprintf(char **text, const char *format, va_list arguments);

static bool no_memory;

int __wrap_vasprintf(char **text, const char *format, va_list arguments)
{
    return no_memory ? -1 : __real_vasprintf(text, format, arguments);
}

static char path[] = "/tmp/p2p-test-xen-image-XXXXXX";

static int set_up(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    return fd >= 0 ? close(fd) : -1;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    memset(path + sizeof path - 7, 'X', 6); /* a template again */
    return 0;
}

/* 64 bytes of header with the magic at 56, then `rest`; cut to `size`. */
static void put_image(const char *rest, size_t rest_bytes, size_t size)
{
    static const char magic[4] = {'A', 'R', 'M', 0x64};
    char image[128] = {0};
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

    memcpy(image + 56, magic, sizeof magic);
    memcpy(image + 64, rest, rest_bytes);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, image, size), size);
    close(fd);
}

static void assert_refused(const char *part)
{
    struct p2p_error error = {0};

    assert_int_equal(p2p_xen_image_check(path, &error), P2P_E_INPUT);
    assert_int_equal(error.code, P2P_E_INPUT);
    assert_non_null(strstr(error.message, path));
    if (strstr(error.message, part) == NULL) {
        fail_msg("\"%s\" in \"%s\"", part, error.message);
    }
}

static void an_image_with_xens_mark_is_xen(void **state)
{
    struct p2p_error error = {0};

    (void)state;
    put_image("abcxen,domain", 14, 128);
    assert_int_equal(p2p_xen_image_check(path, &error), P2P_OK);
    put_image("xen,domain", 11, 64 + 11); /* the very end */
    assert_int_equal(p2p_xen_image_check(path, &error), P2P_OK);
}

static void another_kernel_is_refused(void **state)
{
    (void)state;
    put_image("Linux version 6.1", 18, 128);
    assert_refused("not a Xen that can start domains");
    put_image("xen,domain", 10, 64 + 10); /* not the whole string */
    assert_refused("not a Xen that can start domains");
    put_image("xen,domains", 12, 128);
    assert_refused("not a Xen that can start domains");
}

static void another_file_is_refused(void **state)
{
    (void)state;
    put_image("", 0, 0);
    assert_refused("not an arm64 boot image");
    put_image("", 0, 63);
    assert_refused("not an arm64 boot image");
    put_image("", 0, 56);
    assert_refused("not an arm64 boot image (no \"ARM\\x64\" at byte 56)");
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(truncate(path, 128), 0);
    assert_refused("not an arm64 boot image");
}

static void what_cannot_be_read_is_refused(void **state)
{
    (void)state;
    assert_int_equal(truncate(path, (64 << 20) + 1), 0);
    assert_refused("67108865 bytes, expected at most 67108864");
    assert_int_equal(unlink(path), 0);
    assert_refused("cannot open");
}

static void assert_command_line(struct p2p_xen *xen, uint32_t cpus, const char *expected)
{
    const struct p2p_configuration configuration = {.xen = xen, .cpus = cpus};
    char *line = p2p_xen_command_line(&configuration);

    assert_string_equal(line, expected);
    free(line);
}

static void the_command_line_says_what_the_plan_asks(void **state)
{
    char none[] = "", extra[] = "loglvl=all guest_loglvl=all";
    struct p2p_xen plain = {.vwfi = P2P_VWFI_TRAP, .scheduler = "credit2", .extra_command_line = none};
    struct p2p_xen wordy = {.vwfi = P2P_VWFI_NATIVE, .scheduler = "null", .extra_command_line = extra};

    (void)state;
    assert_command_line(
        &plain, 0, "console=dtuart dtuart=/pl011@9000000 conswitch=ax bootscrub=0 noreboot vwfi=trap sched=credit2");
    assert_command_line(&wordy, 2,
                        "console=dtuart dtuart=/pl011@9000000 conswitch=ax bootscrub=0 noreboot vwfi=native sched=null "
                        "maxcpus=2 loglvl=all guest_loglvl=all");
}

static void no_memory_for_the_command_line_is_null(void **state)
{
    char none[] = "";
    struct p2p_xen xen = {.scheduler = "null", .extra_command_line = none};
    const struct p2p_configuration configuration = {.xen = &xen};

    (void)state;
    no_memory = true;
    assert_null(p2p_xen_command_line(&configuration));
    no_memory = false;
}

#define WITH_A_FILE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_A_FILE(an_image_with_xens_mark_is_xen),
        WITH_A_FILE(another_kernel_is_refused),
        WITH_A_FILE(another_file_is_refused),
        WITH_A_FILE(what_cannot_be_read_is_refused),
        cmocka_unit_test(the_command_line_says_what_the_plan_asks),
        cmocka_unit_test(no_memory_for_the_command_line_is_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
