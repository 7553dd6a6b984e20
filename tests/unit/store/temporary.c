/* SPDX-License-Identifier: MIT */
#include "temporary.h"

#include "util/file.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { FOLDERS_OPEN = 8 };

char *temporary_folder(void)
{
    char *folder = strdup("/tmp/pin2pin-test-XXXXXX");

    assert_non_null(folder);
    assert_non_null(mkdtemp(folder));
    return folder;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static void remove_tree(const char *path)
{
    assert_int_equal(nftw(path, remove_entry, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS), 0);
}

void temporary_remove(char *folder)
{
    remove_tree(folder);
    free(folder);
}

void temporary_copy(const char *from, const char *to)
{
    char *command = p2p_format("cp -R '%s/.' '%s'", from, to);

    assert_non_null(command);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): both names are the test's own */
    free(command);
}

void temporary_write(const char *folder, const char *name, const char *text)
{
    char *path = p2p_format("%s/%s", folder, name);
    struct p2p_error error = {0};

    assert_non_null(path);
    assert_int_equal(p2p_write_file(path, text, strlen(text), &error), P2P_OK);
    free(path);
}

void temporary_delete(const char *folder, const char *name)
{
    char *path = p2p_format("%s/%s", folder, name);

    assert_non_null(path);
    remove_tree(path);
    free(path);
}
