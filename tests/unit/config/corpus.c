/* SPDX-License-Identifier: MIT */
#include "corpus.h"

#include "util/file.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { FILE_BYTES_MAX = 1 << 20 };

typedef bool check_fn(const struct corpus_loader *loader, const char *path);

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);

    return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

static bool is_good(const struct corpus_loader *loader, const char *path)
{
    struct p2p_error error = {0};
    void *loaded = loader->load(path, &error);
    bool good = loaded != NULL && error.code == P2P_OK;

    if (!good) {
        print_error("refused: %s\n", error.message);
    }
    loader->free(loaded);
    return good;
}

/* `text` with the first `mark` in it replaced, if there is one; frees `text`. free() it. */
static char *replace(char *text, const char *mark, const char *by)
{
    char *at = strstr(text, mark);
    char *replaced = at == NULL ? text : p2p_format("%.*s%s%s", (int)(at - text), text, by, at + strlen(mark));

    assert_non_null(replaced);
    if (replaced != text) {
        free(text);
    }
    return replaced;
}

/* What NAME.expected says for NAME.json: @FILE@ is its path, @TESTS@ the folder of all these tests. free() it. */
static char *expected_message(const char *path)
{
    char *expected_path = p2p_format("%.*s.expected", (int)(strlen(path) - strlen(".json")), path);
    struct p2p_error error = {0};
    char *text;
    size_t size;

    assert_non_null(expected_path);
    assert_int_equal(p2p_read_file(expected_path, FILE_BYTES_MAX, &text, &size, &error), P2P_OK);
    assert_int_equal(strncmp(text, "@FILE@", strlen("@FILE@")), 0);
    assert_true(ends_with(text, "\n"));
    text[size - 1] = '\0';
    free(expected_path);
    return replace(replace(text, "@FILE@", path), "@TESTS@", P2P_SOURCE_DIR "/tests/unit/config");
}

static bool is_bad(const struct corpus_loader *loader, const char *path)
{
    struct p2p_error error = {0};
    void *loaded = loader->load(path, &error);
    char *expected = expected_message(path);
    bool bad = loaded == NULL && error.code == P2P_E_INPUT && strcmp(error.message, expected) == 0;

    if (!bad) {
        print_error("expected: %s\n   found: %s\n", expected, loaded == NULL ? error.message : "(loaded)");
    }
    free(expected);
    loader->free(loaded);
    return bad;
}

static size_t check_folder(const struct corpus_loader *loader, const char *virtue, check_fn *check)
{
    char *folder = p2p_format("%s/tests/unit/config/%s/%s", P2P_SOURCE_DIR, virtue, loader->kind);
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, alphasort);
    size_t files = 0;
    size_t failures = 0;

    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        if (ends_with(entries[i]->d_name, ".json")) {
            char *path = p2p_format("%s/%s", folder, entries[i]->d_name);

            files++;
            failures += check(loader, path) ? 0 : 1;
            free(path);
        }
        free(entries[i]);
    }
    free(entries);
    free(folder);
    assert_int_equal(failures, 0);
    return files;
}

size_t corpus_check_good(const struct corpus_loader *loader)
{
    return check_folder(loader, "good", is_good);
}

size_t corpus_check_bad(const struct corpus_loader *loader)
{
    return check_folder(loader, "bad", is_bad);
}

void corpus_check_truncated(const struct corpus_loader *loader, const char *path)
{
    struct p2p_error reading = {0};
    char *text;
    size_t size;

    assert_int_equal(p2p_read_file(path, FILE_BYTES_MAX, &text, &size, &reading), P2P_OK);
    assert_true(ends_with(text, "}\n"));
    for (size_t length = 0; length < size - 1; length++) {
        struct p2p_error error = {0};
        int fd = p2p_memory_file("truncated", text, length, &error);
        char *name = p2p_format("/proc/self/fd/%d", fd);
        size_t place;

        assert_null(loader->load(name, &error));
        assert_int_equal(error.code, P2P_E_INPUT);
        assert_int_equal(strncmp(error.message, name, strlen(name)), 0);
        place = strlen(name) + strspn(error.message + strlen(name), ":0123456789"); /* :LINE:COLUMN: */
        assert_true(place >= strlen(name) + strlen(":1:0:"));
        free(name);
        close(fd);
    }
    free(text);
}
