/* SPDX-License-Identifier: MIT */
/*
 * Files. Replaced at link time: write and read (full disk, short, signals), fsync and rename (errors, and which came
 * when), malloc, strdup and vasprintf (no memory).
 */
#include "util/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- the fakes ---- */

struct fakes {
    size_t longest;       /* bytes that one call of read or write moves */
    int interrupts;       /* so many calls of read or write fail with EINTR first */
    int write_errno;      /* if not 0, write fails with it */
    int read_errno;       /* if not 0, read fails with it */
    int sync_errno;       /* if not 0, syncing a file fails with it */
    int folder_errno;     /* if not 0, syncing a folder fails with it */
    int rename_errno;     /* if not 0, rename fails with it */
    int good_allocations; /* so many succeed, then one fails; -1: all succeed */
    char calls[32];       /* w: write, f: fsync of a file, r: rename, d: fsync of a folder */
};

static struct fakes fakes;

ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __wrap_write(int fd, const void *data, size_t size);
ssize_t __real_read(int fd, void *data, size_t size);
ssize_t __wrap_read(int fd, void *data, size_t size);
int __wrap_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
int __real_vasprintf(char **text, const char *format, va_list arguments);
int __wrap_vasprintf(char **text, const char *format, va_list arguments);

static void note_call(char call)
{
    size_t used = strlen(fakes.calls);

    if (used + 1 < sizeof fakes.calls) {
        fakes.calls[used] = call;
    }
}

static bool fails(int errno_value)
{
    if (fakes.interrupts > 0) {
        fakes.interrupts--;
        errno = EINTR;
        return true;
    }
    errno = errno_value;
    return errno_value != 0;
}

ssize_t __wrap_write(int fd, const void *data, size_t size)
{
    if (fails(fakes.write_errno)) {
        return -1;
    }
    note_call('w');
    return __real_write(fd, data, size < fakes.longest ? size : fakes.longest);
}

ssize_t __wrap_read(int fd, void *data, size_t size)
{
    return fails(fakes.read_errno) ? -1 : __real_read(fd, data, size < fakes.longest ? size : fakes.longest);
}

int __wrap_fsync(int fd)
{
    struct stat status;
    bool folder;

    assert_int_equal(fstat(fd, &status), 0);
    folder = S_ISDIR(status.st_mode);
    note_call(folder ? 'd' : 'f');
    errno = folder ? fakes.folder_errno : fakes.sync_errno;
    return errno != 0 ? -1 : 0;
}

int __wrap_rename(const char *from, const char *to)
{
    note_call('r');
    errno = fakes.rename_errno;
    return errno != 0 ? -1 : __real_rename(from, to);
}

static bool allocation_fails(void)
{
    if (fakes.good_allocations < 0) {
        return false;
    }
    errno = ENOMEM;
    return fakes.good_allocations-- == 0;
}

void *__wrap_malloc(size_t size)
{
    return allocation_fails() ? NULL : __real_malloc(size);
}

char *__wrap_strdup(const char *text)
{
    return allocation_fails() ? NULL : __real_strdup(text);
}

int __wrap_vasprintf(char **text, const char *format, va_list arguments)
{
    return allocation_fails() ? -1 : __real_vasprintf(text, format, arguments);
}

static void make_good(void)
{
    fakes = (struct fakes){.longest = SIZE_MAX, .good_allocations = -1};
}

/* ---- a folder of its own for each test ---- */

struct place {
    char folder[64];
    char path[80];
};

static struct place place;

static int set_up(void **state)
{
    (void)state;
    make_good();
    snprintf(place.folder, sizeof place.folder, "/tmp/p2p-test-file-XXXXXX");
    if (mkdtemp(place.folder) == NULL) {
        return -1;
    }
    snprintf(place.path, sizeof place.path, "%s/a file", place.folder);
    return 0;
}

/* Fails when the test leaves anything but the file: a temporary, for one. */
static int tear_down(void **state)
{
    (void)state;
    make_good();
    unlink(place.path);
    return rmdir(place.folder);
}

static void put(const char *text)
{
    struct p2p_error error = {0};

    assert_int_equal(p2p_write_file(place.path, text, strlen(text), &error), P2P_OK);
    memset(fakes.calls, 0, sizeof fakes.calls);
}

static void assert_contents(const char *text)
{
    struct p2p_error error = {0};
    char *data = NULL;
    size_t size = 0;

    make_good();
    assert_int_equal(p2p_read_file(place.path, 1000, &data, &size, &error), P2P_OK);
    assert_int_equal(size, strlen(text));
    assert_string_equal(data, text);
    free(data);
}

static void assert_nothing_but_the_file(void)
{
    struct dirent *entry;
    DIR *folder = opendir(place.folder);

    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.') {
            assert_string_equal(entry->d_name, "a file");
        }
    }
    closedir(folder);
}

static void assert_message_has(const struct p2p_error *error, const char *part)
{
    if (strstr(error->message, part) == NULL) {
        fail_msg("\"%s\" in \"%s\"", part, error->message);
    }
}

/* ---- reading ---- */

static void assert_unreadable(const char *path, size_t limit, enum p2p_code code, const char *part)
{
    struct p2p_error error = {0};
    char *data = NULL;
    size_t size = 0;

    assert_int_equal(p2p_read_file(path, limit, &data, &size, &error), code);
    assert_int_equal(error.code, code);
    assert_null(data);
    assert_message_has(&error, path);
    assert_message_has(&error, part);
}

static void any_bytes_come_back(void **state)
{
    static const char bytes[] = "a\0b\xff\n";
    struct p2p_error error = {0};
    char *data = NULL;
    size_t size = 0;

    (void)state;
    assert_int_equal(p2p_write_file(place.path, bytes, sizeof bytes - 1, &error), P2P_OK);
    fakes.longest = 2;
    fakes.interrupts = 2;
    assert_int_equal(p2p_read_file(place.path, sizeof bytes - 1, &data, &size, &error), P2P_OK);
    assert_int_equal(size, sizeof bytes - 1);
    assert_memory_equal(data, bytes, sizeof bytes); /* with the NUL beyond them */
    free(data);
}

static void nothing_is_a_file_too(void **state)
{
    (void)state;
    put("");
    assert_contents("");
}

static void what_cannot_be_read_is_the_users_fault(void **state)
{
    (void)state;
    assert_unreadable(place.path, 10, P2P_E_INPUT, "cannot open: No such file");
    assert_unreadable(place.folder, 10, P2P_E_INPUT, "not a regular file");
    put("four");
    assert_unreadable(place.path, 3, P2P_E_INPUT, "4 bytes, expected at most 3");
    fakes.read_errno = EIO;
    assert_unreadable(place.path, 4, P2P_E_INPUT, "cannot read: Input/output error");
}

static void a_fifo_without_a_writer_is_refused_at_once(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(place.path, 0600), 0);
    assert_unreadable(place.path, 10, P2P_E_INPUT, "not a regular file");
}

static void no_memory_to_read_into_is_the_hosts_fault(void **state)
{
    (void)state;
    put("four");
    fakes.good_allocations = 0;
    assert_unreadable(place.path, 10, P2P_E_HOST, "out of memory");
}

/* ---- writing ---- */

static void a_write_is_synced_renamed_and_synced(void **state)
{
    struct p2p_error error = {0};

    (void)state;
    assert_int_equal(p2p_write_file(place.path, "new", 3, &error), P2P_OK);
    assert_string_equal(fakes.calls, "wfrd");
    assert_nothing_but_the_file();
    assert_contents("new");
}

static void short_and_interrupted_writes_are_continued(void **state)
{
    struct p2p_error error = {0};

    (void)state;
    fakes.longest = 2;
    fakes.interrupts = 3;
    assert_int_equal(p2p_write_file(place.path, "seven b", 7, &error), P2P_OK);
    assert_string_equal(fakes.calls, "wwwwfrd");
    assert_contents("seven b");
}

static void assert_write_fails(const char *part)
{
    struct p2p_error error = {0};

    assert_int_equal(p2p_write_file(place.path, "new", 3, &error), P2P_E_HOST);
    assert_int_equal(error.code, P2P_E_HOST);
    assert_message_has(&error, place.path);
    assert_message_has(&error, part);
    assert_nothing_but_the_file();
}

static void a_failed_write_leaves_the_old_contents(void **state)
{
    (void)state;
    put("old");
    fakes.write_errno = ENOSPC;
    assert_write_fails("No space left on device");
    assert_contents("old");
    fakes.sync_errno = EIO;
    assert_write_fails("Input/output error");
    assert_string_equal(fakes.calls, "wf");
    assert_contents("old");
    fakes.rename_errno = EROFS;
    assert_write_fails("Read-only file system");
    assert_contents("old");
    fakes.good_allocations = 0;
    assert_write_fails("out of memory");
    assert_contents("old");
}

static void a_folder_that_does_not_sync_is_said(void **state)
{
    (void)state;
    put("old");
    fakes.folder_errno = EIO;
    assert_write_fails("cannot sync its folder: Input/output error");
    assert_contents("new");
    fakes.good_allocations = 1;
    assert_write_fails("cannot sync its folder: Cannot allocate memory");
}

static void a_missing_folder_is_said(void **state)
{
    struct p2p_error error = {0};

    (void)state;
    assert_int_equal(p2p_write_file("/tmp/p2p-no-such-folder/x", "new", 3, &error), P2P_E_HOST);
    assert_string_equal(error.message, "/tmp/p2p-no-such-folder/x: cannot write: No such file or directory");
}

static void write_all_says_why_it_failed(void **state)
{
    (void)state;
    fakes.write_errno = EPIPE;
    assert_false(p2p_write_all(1, "x", 1));
    assert_int_equal(errno, EPIPE);
    assert_true(p2p_write_all(-1, NULL, 0));
}

/* ---- folders ---- */

static bool is_folder(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static void folders_are_made_with_their_parents(void **state)
{
    static const char *const tails[] = {"a", "a/b/c", "a/b/c", "a//d/", "a/./e"};
    static const char *const made[] = {"a/b/c", "a/b", "a/d", "a/e", "a"};
    struct p2p_error error = {0};
    char path[96];

    (void)state;
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", place.folder, tails[i]);
        assert_int_equal(p2p_make_folders(path, &error), P2P_OK);
        assert_true(is_folder(path));
    }
    assert_int_equal(p2p_make_folders("/", &error), P2P_OK);
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", place.folder, made[i]);
        assert_int_equal(rmdir(path), 0);
    }
}

static void a_relative_folder_is_made_here(void **state)
{
    struct p2p_error error = {0};
    char *before = getcwd(NULL, 0);

    (void)state;
    assert_non_null(before);
    assert_int_equal(chdir(place.folder), 0);
    assert_int_equal(p2p_make_folders("x/y", &error), P2P_OK);
    assert_int_equal(rmdir("x/y"), 0);
    assert_int_equal(rmdir("x"), 0);
    assert_int_equal(chdir(before), 0);
    free(before);
}

static void assert_no_folder(const char *path, const char *part)
{
    struct p2p_error error = {0};

    assert_int_equal(p2p_make_folders(path, &error), P2P_E_HOST);
    assert_message_has(&error, part);
}

static void a_folder_that_cannot_be_is_said(void **state)
{
    char below[96];

    (void)state;
    put("a file is in the way");
    snprintf(below, sizeof below, "%s/deeper", place.path);
    assert_no_folder(below, place.path);
    assert_no_folder(place.path, "File exists");
    assert_no_folder("", "No such file or directory");
    fakes.good_allocations = 0;
    assert_no_folder(place.path, "out of memory");
}

/* ---- files in memory ---- */

static void a_memory_file_holds_its_bytes_at_a_sealed_size(void **state)
{
    struct p2p_error error = {0};
    char back[8] = {0};
    int fd;

    (void)state;
    fakes.longest = 3;
    fd = p2p_memory_file("tree", "bytes", 5, &error);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, back, sizeof back, 0), 5);
    assert_string_equal(back, "bytes");
    assert_int_equal(ftruncate(fd, 4), -1);
    assert_int_equal(ftruncate(fd, 6), -1);
    close(fd);
}

static void a_memory_file_that_cannot_be_filled_is_closed(void **state)
{
    struct p2p_error error = {0};
    int next = dup(0);

    (void)state;
    assert_true(next >= 0);
    close(next);
    fakes.write_errno = ENOSPC;
    assert_int_equal(p2p_memory_file("tree", "bytes", 5, &error), -1);
    assert_int_equal(error.code, P2P_E_HOST);
    assert_string_equal(error.message, "tree: cannot make a file in memory: No space left on device");
    assert_int_equal(fcntl(next, F_GETFD), -1);
}

static void format_gives_a_fresh_string_or_null(void **state)
{
    char *text = p2p_format("%s-%d", "a", 7);

    (void)state;
    assert_string_equal(text, "a-7");
    free(text);
    fakes.good_allocations = 0;
    assert_null(p2p_format("%s", "a"));
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(any_bytes_come_back),
        IN_A_FOLDER(nothing_is_a_file_too),
        IN_A_FOLDER(what_cannot_be_read_is_the_users_fault),
        IN_A_FOLDER(a_fifo_without_a_writer_is_refused_at_once),
        IN_A_FOLDER(no_memory_to_read_into_is_the_hosts_fault),
        IN_A_FOLDER(a_write_is_synced_renamed_and_synced),
        IN_A_FOLDER(short_and_interrupted_writes_are_continued),
        IN_A_FOLDER(a_failed_write_leaves_the_old_contents),
        IN_A_FOLDER(a_folder_that_does_not_sync_is_said),
        IN_A_FOLDER(a_missing_folder_is_said),
        IN_A_FOLDER(write_all_says_why_it_failed),
        IN_A_FOLDER(folders_are_made_with_their_parents),
        IN_A_FOLDER(a_relative_folder_is_made_here),
        IN_A_FOLDER(a_folder_that_cannot_be_is_said),
        IN_A_FOLDER(a_memory_file_holds_its_bytes_at_a_sealed_size),
        IN_A_FOLDER(a_memory_file_that_cannot_be_filled_is_closed),
        IN_A_FOLDER(format_gives_a_fresh_string_or_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
