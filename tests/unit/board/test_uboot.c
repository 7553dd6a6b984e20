/* SPDX-License-Identifier: MIT */
#include "board/uboot.h"

#include "fake_uboot.h"
#include "util/file.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NS_PER_S UINT64_C(1000000000)

static int allocations_until_failure; /* 0: none fails */

int __real_vasprintf(char **text, const char *format, va_list arguments);
int __wrap_vasprintf(char **text, const char *format, va_list arguments);

int __wrap_vasprintf(char **text, const char *format, va_list arguments)
{
    if (allocations_until_failure > 0 && --allocations_until_failure == 0) {
        return -1;
    }
    return __real_vasprintf(text, format, arguments);
}

struct fixture {
    char folder[64]; /* the TFTP server's, or the disk */
    struct fake_uboot fake;
    struct p2p_uboot_plan plan;
    struct p2p_boot_files files;
    struct p2p_error error;
};

static const char *const set_up_lines[] = {"setenv ipaddr 10.0.2.15", "setenv serverip 10.0.2.2"};
static char xen[] = "a Xen", stub[] = "the stub", tree[] = "a device tree", partial[] = "a partial tree";

static struct p2p_blob blob(char *text)
{
    return (struct p2p_blob){.data = text, .size = strlen(text)};
}

static int set_up(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;

    *f = (struct fixture){.folder = "/tmp/p2p-uboot-XXXXXX"};
    if (mkdtemp(f->folder) == NULL) {
        return -1;
    }
    fake_uboot_init(&f->fake, f->folder);
    f->files = (struct p2p_boot_files){{blob(xen), blob(stub), blob(tree), blob(partial)}};
    f->plan = (struct p2p_uboot_plan){
        .prompt = "=> ",
        .autoboot = "Hit any key to stop autoboot",
        .autoboot_key = " ",
        .setup = set_up_lines,
        .setup_count = 2,
        .load = P2P_UBOOT_TFTP,
        .interface = "virtio 0",
        .folder = f->folder,
        .address = {0x40600000, 0x50000000, 0x48000000, 0x50100000},
        .boot_s = 30,
        .command_s = 10,
        .load_s = 60,
    };
    allocations_until_failure = 0;
    *state = f;
    return 0;
}

static unsigned entries(const char *folder)
{
    DIR *directory = opendir(folder);
    unsigned count = 0;

    assert_non_null(directory);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        count += entry->d_name[0] != '.';
    }
    closedir(directory);
    return count;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    return entries(f->folder) == 0 ? rmdir(f->folder) : -1;
}

static enum p2p_code boot(struct fixture *f)
{
    struct p2p_console console = fake_uboot_console(&f->fake);
    struct p2p_clock clock = fake_uboot_clock(&f->fake);

    f->error = (struct p2p_error){0};
    return p2p_uboot_boot(&f->plan, "trap", &f->files, &console, &clock, &f->error);
}

static void assert_boots(struct fixture *f)
{
    if (boot(f) != P2P_OK) {
        fail_msg("%s", f->error.message);
    }
}

static void assert_fails(struct fixture *f, const char *message)
{
    assert_int_equal(boot(f), P2P_E_BENCH);
    assert_int_equal(f->error.code, P2P_E_BENCH);
    assert_string_equal(f->error.message, message);
}

/* `expected` holds a "*" where the name of the folder made by mkdtemp stands. */
static void assert_matches(const char *text, const char *expected)
{
    const char *star = strchr(expected, '*');
    size_t head = star == NULL ? strlen(expected) : (size_t)(star - expected);
    size_t skipped = star == NULL ? 0 : 6;

    if (strncmp(text, expected, head) != 0 || strlen(text) < head + skipped ||
        strcmp(text + head + skipped, star == NULL ? "" : star + 1) != 0) {
        fail_msg("found:    %s\nexpected: %s", text, expected);
    }
}

static void assert_lines(const struct fixture *f, const char *const *expected, size_t count)
{
    for (size_t i = 0; i < count && i < f->fake.line_count; i++) {
        assert_matches(f->fake.lines[i], expected[i]);
    }
    assert_int_equal(f->fake.line_count, count);
}

#define ASSERT_LINES(f, ...)                                                                                           \
    do {                                                                                                               \
        static const char *const expected[] = {__VA_ARGS__};                                                           \
        assert_lines((f), expected, sizeof expected / sizeof expected[0]);                                             \
    } while (0)

#define CHECKED "crc32 0x40600000 0x5", "crc32 0x50000000 0x8", "crc32 0x48000000 0xd", "crc32 0x50100000 0xe"

/* ---- It boots ---- */

static void tftp_loads_each_file_and_boots(void **state)
{
    struct fixture *f = *state;

    assert_boots(f);
    ASSERT_LINES(f, "setenv ipaddr 10.0.2.15", "setenv serverip 10.0.2.2", "tftpboot 0x40600000 pin2pin-*/xen",
                 "tftpboot 0x50000000 pin2pin-*/stub.bin", "tftpboot 0x48000000 pin2pin-*/tree.dtb",
                 "tftpboot 0x50100000 pin2pin-*/partial.dtb", CHECKED, "setenv bootargs",
                 "booti 0x40600000 - 0x48000000");
    assert_int_equal(f->fake.keys, 1);
    assert_int_equal(f->fake.key, ' ');
    assert_true(f->fake.now_ns < NS_PER_S);
}

/* As its user does. */
static char *put_on_disk(struct fixture *f)
{
    char *folder = p2p_format("%s/boards/trap", f->folder);

    assert_non_null(folder);
    assert_int_equal(p2p_make_folders(folder, &f->error), P2P_OK);
    assert_int_equal(p2p_boot_files_write(&f->files, folder, &f->error), P2P_OK);
    f->plan.load = P2P_UBOOT_DISK;
    f->plan.folder = "/boards";
    return folder;
}

static void remove_from_disk(char *folder)
{
    p2p_boot_files_remove(folder);
    assert_int_equal(rmdir(folder), 0);
    *strrchr(folder, '/') = '\0';
    assert_int_equal(rmdir(folder), 0);
    free(folder);
}

static void a_disk_holds_a_folder_for_each_configuration(void **state)
{
    struct fixture *f = *state;
    char *folder = put_on_disk(f);

    f->plan.setup_count = 0;
    assert_boots(f);
    ASSERT_LINES(f, "load virtio 0 0x40600000 /boards/trap/xen", "load virtio 0 0x50000000 /boards/trap/stub.bin",
                 "load virtio 0 0x48000000 /boards/trap/tree.dtb", "load virtio 0 0x50100000 /boards/trap/partial.dtb",
                 CHECKED, "setenv bootargs", "booti 0x40600000 - 0x48000000");
    remove_from_disk(folder);
}

static void without_xen_the_stub_is_booted(void **state)
{
    struct fixture *f = *state;

    f->files.file[P2P_BOOT_XEN] = f->files.file[P2P_BOOT_PARTIAL] = (struct p2p_blob){0};
    f->plan.setup_count = 0;
    assert_boots(f);
    ASSERT_LINES(f, "tftpboot 0x50000000 pin2pin-*/stub.bin", "tftpboot 0x48000000 pin2pin-*/tree.dtb",
                 "crc32 0x50000000 0x8", "crc32 0x48000000 0xd", "setenv bootargs", "booti 0x50000000 - 0x48000000");
}

static void the_consoles_pieces_do_not_matter(void **state)
{
    struct fixture *f = *state;

    for (size_t piece = 1; piece < 20; piece++) {
        fake_uboot_init(&f->fake, f->folder);
        f->fake.piece = piece;
        assert_boots(f);
        assert_int_equal(f->fake.line_count, 12);
    }
}

static void a_uboot_without_autoboot_gets_no_key(void **state)
{
    struct fixture *f = *state;

    f->fake.banner = "U-Boot 2023.01\r\n\r\n=> ";
    assert_boots(f);
    assert_int_equal(f->fake.keys, 0);
    assert_true(f->fake.now_ns < NS_PER_S);
    assert_string_equal(f->fake.lines[0], "setenv ipaddr 10.0.2.15");
}

static void the_key_is_the_plans(void **state)
{
    struct fixture *f = *state;

    f->plan.autoboot_key = "d";
    f->plan.autoboot = "DRAM";
    assert_boots(f);
    assert_int_equal(f->fake.keys, 1);
    assert_int_equal(f->fake.key, 'd');
}

static void what_uboot_says_unasked_is_no_answer(void **state)
{
    struct fixture *f = *state;

    f->fake.after_prompt = "\r\nusb 1-1: new device\r\n";
    assert_boots(f);
    assert_int_equal(f->fake.line_count, 12);
}

/* Wherever the answer lies in all that is heard. */
static void much_output_does_not_hide_the_answer(void **state)
{
    static const char answer[] = "\r\n5 bytes read in 17 ms (1 KiB/s)\r\n";
    struct fixture *f = *state;
    char *folder = put_on_disk(f);

    f->plan.setup_count = 0;
    for (size_t length = 3900; length < 4300; length += 5) {
        char says[5000];

        memset(says, '#', length);
        memcpy(says + length, answer, sizeof answer);
        fake_uboot_init(&f->fake, f->folder);
        f->fake.orders[0] = (struct fake_order){.line = "load virtio 0 0x40600000", .says = says};
        f->fake.orders[1] = (struct fake_order){.line = "crc32 0x40600000", .says = "==> 126daa6b\r\n"};
        assert_boots(f);
    }
    remove_from_disk(folder);
}

/* ---- It does not ---- */

static void silence_is_told(void **state)
{
    struct fixture *f = *state;

    f->fake.banner = NULL;
    assert_fails(f, "U-Boot is silent: nothing on the console within 30 s of power on: check the board's power, its "
                    "UART's wiring and baud rate");
    assert_int_equal(f->fake.now_ns, 30 * NS_PER_S);
}

static void another_voice_than_uboots_is_told(void **state)
{
    struct fixture *f = *state;

    f->fake.banner = "BL31: v2.8\r\n\x1b[31mPANIC\x1b[0m at PC 0x1234\r\n\r\n";
    assert_fails(f,
                 "U-Boot did not announce its autoboot: expected \"Hit any key to stop autoboot\" within 30 s of power "
                 "on; the console's last words: BL31: v2.8|[31mPANIC[0m at PC 0x1234");
}

static void a_missed_autoboot_is_told(void **state)
{
    struct fixture *f = *state;

    f->fake.deaf = true;
    assert_fails(
        f, "U-Boot did not stop at its prompt: expected \"=> \" within 10 s of the key that stops its autoboot; the "
           "console's last words: U-Boot 2023.01|DRAM:  1 GiB|Hit any key to stop autoboot:  2 ");
    assert_int_equal(f->fake.keys, 1);
    assert_true(f->fake.now_ns >= 10 * NS_PER_S && f->fake.now_ns < 11 * NS_PER_S);
}

static void another_prompt_is_told(void **state)
{
    struct fixture *f = *state;

    f->plan.prompt = "ZynqMP> ";
    assert_fails(
        f, "U-Boot did not stop at its prompt: expected \"ZynqMP> \" within 10 s of the key that stops its "
           "autoboot; the console's last words: U-Boot 2023.01|DRAM:  1 GiB|Hit any key to stop autoboot:  2  0|=> ");
}

static void a_prompt_within_a_line_is_none(void **state)
{
    struct fixture *f = *state;

    f->fake.orders[0] = (struct fake_order){.line = "setenv ipaddr", .says = "a => b => ", .hangs = true};
    assert_fails(
        f, "U-Boot did not end \"setenv ipaddr 10.0.2.15\" within 10 s: expected its prompt \"=> \"; the console's "
           "last words: a => b => ");
}

static void an_unknown_command_is_told(void **state)
{
    static const char *const typo[] = {"setnev ipaddr"};
    struct fixture *f = *state;

    f->plan.setup = typo;
    f->plan.setup_count = 1;
    assert_fails(f, "U-Boot does not know \"setnev ipaddr\"; the console's last words: Unknown command 'setnev' - try "
                    "'help'");
}

/* Whatever of a line is lost or damaged, it is not run. */
static void an_eaten_character_is_told_and_nothing_is_run(void **state)
{
    struct fixture *f = *state;

    f->fake.eaten = '1';
    assert_fails(f,
                 "U-Boot does not echo \"setenv ipaddr 10\" of \"setenv ipaddr 10.0.2.15\" within 10 s: it hangs, or "
                 "hears nothing; the console's last words: setenv ipaddr 0");
    assert_int_equal(f->fake.line_count, 0);
}

static void a_garbled_character_is_told_and_nothing_is_run(void **state)
{
    struct fixture *f = *state;

    f->fake.garbled = '5';
    assert_fails(f,
                 "the console garbles what is typed: \".0.2.15\" of \"setenv ipaddr 10.0.2.15\" was echoed wrong; the "
                 "console's last words: .0.2.1?");
    assert_int_equal(f->fake.line_count, 0);
}

static void assert_fails_like(struct fixture *f, const char *message)
{
    assert_int_equal(boot(f), P2P_E_BENCH);
    assert_matches(f->error.message, message);
}

static void a_truncated_transfer_is_told(void **state)
{
    struct fixture *f = *state;

    f->fake.size_off = -1;
    assert_fails_like(
        f, "TFTP failed: expected \"Bytes transferred = 5 (5 hex)\" from \"tftpboot 0x40600000 pin2pin-*/xen\"; "
           "the console's last words: Loading: *###| 940.4 KiB/s|done|Bytes transferred = 4 (4 hex)");
}

static void a_tftp_error_is_told(void **state)
{
    struct fixture *f = *state;

    f->fake.root = "/nowhere";
    assert_fails_like(
        f, "TFTP failed: expected \"Bytes transferred = 5 (5 hex)\" from \"tftpboot 0x40600000 pin2pin-*/xen\"; "
           "the console's last words: TFTP error: 'File not found' (1)|Not retrying...");
    assert_int_equal(f->fake.line_count, 3);
}

static void a_tftp_server_that_is_silent_is_told(void **state)
{
    struct fixture *f = *state;

    f->plan.boot_s = 100;
    f->fake.orders[0] = (struct fake_order){.line = "tftpboot 0x5", .says = "Loading: *\bT T T T ", .hangs = true};
    assert_fails_like(f,
                      "U-Boot did not end \"tftpboot 0x50000000 pin2pin-*/stub.bin\" within 60 s: expected its prompt "
                      "\"=> \"; the console's last words: Loading: *T T T T ");
    assert_true(f->fake.now_ns >= 60 * NS_PER_S && f->fake.now_ns < 61 * NS_PER_S);
}

/* The answer to the command before was the same: both files have 5 bytes. */
static void no_answer_is_not_the_answer_before(void **state)
{
    struct fixture *f = *state;

    f->files.file[P2P_BOOT_STUB] = blob(xen);
    f->fake.orders[0] = (struct fake_order){.line = "tftpboot 0x5", .says = ""};
    assert_fails_like(f, "TFTP failed: expected \"Bytes transferred = 5 (5 hex)\" from \"tftpboot 0x50000000 "
                         "pin2pin-*/stub.bin\"; the console's last words: nothing");
}

static void a_disk_that_has_no_file_is_told(void **state)
{
    struct fixture *f = *state;

    f->plan.load = P2P_UBOOT_DISK;
    f->plan.folder = "";
    assert_fails(
        f, "loading from the disk failed: expected \"5 bytes read\" from \"load virtio 0 0x40600000 /trap/xen\"; the "
           "console's last words: Failed to load '/trap/xen'");
}

/* "15 bytes read" are no "5 bytes read". */
static void a_longer_file_on_the_disk_is_told(void **state)
{
    struct fixture *f = *state;

    f->plan.load = P2P_UBOOT_DISK;
    f->fake.orders[0] = (struct fake_order){.line = "load virtio 0", .says = "15 bytes read in 1 ms (1 KiB/s)\r\n"};
    assert_int_equal(boot(f), P2P_E_BENCH);
    assert_non_null(strstr(f->error.message, "expected \"5 bytes read\""));
    assert_non_null(strstr(f->error.message, "last words: 15 bytes read in 1 ms (1 KiB/s)"));
}

static void another_file_in_memory_is_told(void **state)
{
    static const char *const crcs[] = {"crc32 0x40600000", "crc32 0x50000000", "crc32 0x48000000", "crc32 0x50100000"};
    struct fixture *f = *state;

    for (size_t i = 0; i < 4; i++) {
        fake_uboot_init(&f->fake, f->folder);
        f->fake.orders[0] = (struct fake_order){.line = crcs[i], .says = "crc32 for 0 ... 4 ==> 00000000\r\n"};
        assert_int_equal(boot(f), P2P_E_BENCH);
        assert_non_null(strstr(f->error.message, "the board's memory does not hold the "));
        assert_non_null(strstr(f->error.message, p2p_boot_file_name((enum p2p_boot_file)i)));
        assert_int_equal(f->fake.line_count, 2 + 4 + i + 1);
    }
}

static void files_over_one_another_are_told(void **state)
{
    struct fixture *f = *state;

    f->plan.address[P2P_BOOT_PARTIAL] = f->plan.address[P2P_BOOT_STUB];
    assert_fails(f,
                 "the board's memory does not hold the stub.bin of this boot: expected \"==> b71fb155\" from \"crc32 "
                 "0x50000000 0x8\": it is another file, was damaged on its way, or another one was loaded over it; the "
                 "console's last words: crc32 for 50000000 ... 50000007 ==> 531cce39");
}

static void a_refused_booti_is_told(void **state)
{
    struct fixture *f = *state;

    f->fake.orders[0] = (struct fake_order){.line = "booti", .says = "Bad Linux ARM64 Image magic!\r\n"};
    assert_fails(f,
                 "booti failed: expected \"Starting kernel\" from \"booti 0x40600000 - 0x48000000\" within 10 s; the "
                 "console's last words: Bad Linux ARM64 Image magic!");
    assert_true(f->fake.now_ns < NS_PER_S);
}

static void a_booti_that_hangs_is_told(void **state)
{
    struct fixture *f = *state;

    f->fake.orders[0] = (struct fake_order){.line = "booti", .says = "## Flattened", .hangs = true};
    assert_fails(f,
                 "booti failed: expected \"Starting kernel\" from \"booti 0x40600000 - 0x48000000\" within 10 s; the "
                 "console's last words: ## Flattened");
    assert_true(f->fake.now_ns >= 10 * NS_PER_S);
}

/* No step is late, but all together are. */
static void a_boot_that_drags_on_is_told(void **state)
{
    static const char within[] = " within the 8 s of a boot (timeouts.boot_s): ";
    struct fixture *f = *state;

    f->fake.thinks_ns = NS_PER_S / 2;
    f->plan.boot_s = 8;
    assert_int_equal(boot(f), P2P_E_BENCH);
    if (strstr(f->error.message, within) == NULL) {
        fail_msg("%s", f->error.message);
    }
    assert_int_equal(f->fake.now_ns, 8 * NS_PER_S);

    fake_uboot_init(&f->fake, f->folder);
    f->fake.thinks_ns = NS_PER_S / 2;
    f->plan.boot_s = 100;
    assert_boots(f);
    assert_true(f->fake.now_ns > 8 * NS_PER_S);
}

/* ---- The bench file's lines ---- */

static void use_line(struct fixture *f, const char *const *line)
{
    f->plan.setup = line;
    f->plan.setup_count = 1;
}

static void a_line_of_480_characters_is_the_longest(void **state)
{
    static char line[P2P_UBOOT_LINE_MAX + 2] = "setenv x ";
    const char *const lines[] = {line};
    struct fixture *f = *state;

    memset(line + 9, 'y', P2P_UBOOT_LINE_MAX - 9);
    use_line(f, lines);
    assert_boots(f);
    assert_string_equal(f->fake.lines[0], line);

    fake_uboot_init(&f->fake, f->folder);
    line[P2P_UBOOT_LINE_MAX] = 'y';
    assert_int_equal(boot(f), P2P_E_INPUT);
    assert_string_equal(f->error.message, "a line for U-Boot has 481 characters, expected at most 480: setenv x "
                                          "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy...");
    assert_int_equal(f->fake.line_count + f->fake.line_length, 0);
}

static void a_line_that_is_not_printable_is_refused(void **state)
{
    static const char *const lines[][1] = {{"setenv a\nreset"}, {"setenv a \x7f"}, {"\x03"}, {"setenv \xc3\xa4 1"}};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        fake_uboot_init(&f->fake, f->folder);
        use_line(f, lines[i]);
        assert_int_equal(boot(f), P2P_E_INPUT);
        assert_non_null(strstr(f->error.message, ", expected printable ASCII: "));
        assert_int_equal(f->fake.line_count + f->fake.line_length, 0);
    }
}

/* ---- Whatever fails, and whenever ---- */

static void a_folder_that_cannot_be_written_is_told(void **state)
{
    struct fixture *f = *state;

    f->plan.folder = "/nowhere";
    assert_fails_like(f, "/nowhere/pin2pin-*: cannot make a folder in the TFTP server's: No such file or directory");
}

static void any_port_may_fail_at_any_time(void **state)
{
    static const enum p2p_code codes[] = {P2P_E_BENCH, P2P_E_INTERRUPTED};
    struct fixture *f = *state;
    unsigned calls;

    assert_boots(f);
    calls = f->fake.calls;
    assert_true(calls > 50);
    for (unsigned i = 1; i <= calls; i++) {
        fake_uboot_init(&f->fake, f->folder);
        f->fake.fail_at = i;
        f->fake.failure = codes[i % 2];
        assert_int_equal(boot(f), codes[i % 2]);
        assert_string_equal(f->error.message, "made to fail");
        assert_int_equal(f->fake.calls, i); /* it was the last */
        assert_int_equal(entries(f->folder), 0);
    }
}

static void out_of_memory_is_told(void **state)
{
    struct fixture *f = *state;
    int failures = 0;

    do {
        fake_uboot_init(&f->fake, f->folder);
        allocations_until_failure = ++failures;
        if (boot(f) != P2P_OK) {
            assert_int_equal(f->error.code, P2P_E_HOST);
            assert_non_null(strstr(f->error.message, "out of memory"));
        }
        assert_int_equal(entries(f->folder), 0);
    } while (f->error.code != P2P_OK);
    assert_true(allocations_until_failure > 0); /* it was not reached */
    assert_true(failures > 10);
}

#define WITH_A_UBOOT(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_A_UBOOT(tftp_loads_each_file_and_boots),
        WITH_A_UBOOT(a_disk_holds_a_folder_for_each_configuration),
        WITH_A_UBOOT(without_xen_the_stub_is_booted),
        WITH_A_UBOOT(the_consoles_pieces_do_not_matter),
        WITH_A_UBOOT(a_uboot_without_autoboot_gets_no_key),
        WITH_A_UBOOT(the_key_is_the_plans),
        WITH_A_UBOOT(what_uboot_says_unasked_is_no_answer),
        WITH_A_UBOOT(much_output_does_not_hide_the_answer),
        WITH_A_UBOOT(silence_is_told),
        WITH_A_UBOOT(another_voice_than_uboots_is_told),
        WITH_A_UBOOT(a_missed_autoboot_is_told),
        WITH_A_UBOOT(another_prompt_is_told),
        WITH_A_UBOOT(a_prompt_within_a_line_is_none),
        WITH_A_UBOOT(an_unknown_command_is_told),
        WITH_A_UBOOT(an_eaten_character_is_told_and_nothing_is_run),
        WITH_A_UBOOT(a_garbled_character_is_told_and_nothing_is_run),
        WITH_A_UBOOT(a_truncated_transfer_is_told),
        WITH_A_UBOOT(a_tftp_error_is_told),
        WITH_A_UBOOT(a_tftp_server_that_is_silent_is_told),
        WITH_A_UBOOT(no_answer_is_not_the_answer_before),
        WITH_A_UBOOT(a_disk_that_has_no_file_is_told),
        WITH_A_UBOOT(a_longer_file_on_the_disk_is_told),
        WITH_A_UBOOT(another_file_in_memory_is_told),
        WITH_A_UBOOT(files_over_one_another_are_told),
        WITH_A_UBOOT(a_refused_booti_is_told),
        WITH_A_UBOOT(a_booti_that_hangs_is_told),
        WITH_A_UBOOT(a_boot_that_drags_on_is_told),
        WITH_A_UBOOT(a_line_of_480_characters_is_the_longest),
        WITH_A_UBOOT(a_line_that_is_not_printable_is_refused),
        WITH_A_UBOOT(a_folder_that_cannot_be_written_is_told),
        WITH_A_UBOOT(any_port_may_fail_at_any_time),
        WITH_A_UBOOT(out_of_memory_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
