/* SPDX-License-Identifier: MIT */
#include "config/xen_build.h"

#include "util/file.h"

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

#define BUILDS P2P_SOURCE_DIR "/tests/unit/config/builds"

static void a_build_says_what_it_is(void **state)
{
    struct p2p_xen_build build;
    struct p2p_error error = {0};

    (void)state;
    assert_int_equal(p2p_xen_build_load(BUILDS, "4.20-debug", &build, &error), P2P_OK);
    assert_string_equal(build.name, "4.20-debug");
    assert_string_equal(build.image, BUILDS "/4.20-debug/xen");
    assert_string_equal(build.version, "4.20");
    assert_true(build.debug);
    assert_string_equal(build.schedulers[0], "credit");
    assert_string_equal(build.schedulers[4], "arinc653");
    assert_null(build.schedulers[5]);
    p2p_xen_build_release(&build);
}

static void assert_refused(const char *name, const char *part)
{
    struct p2p_xen_build build;
    struct p2p_error error = {0};

    assert_int_equal(p2p_xen_build_load(BUILDS, name, &build, &error), P2P_E_INPUT);
    if (strstr(error.message, part) == NULL) {
        fail_msg("\"%s\" in \"%s\"", part, error.message);
    }
    p2p_xen_build_release(&build);
}

static void what_is_no_build_is_refused(void **state)
{
    (void)state;
    assert_refused("4.21", BUILDS "/4.21/xen.json: cannot open: No such file or directory");
    assert_refused("half", BUILDS "/half/xen.json:1:54: ");
    assert_refused("moved", BUILDS "/moved/xen.json: $.name: \"4.20\" is not the name of the folder");
}

/* Each line of a sound xen.json, replaced by one that is not. */
static void every_value_is_checked(void **state)
{
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"\"schema\": \"pin2pin.plan\"", "$.schema: expected \"pin2pin.xen\", but this is a plan file"},
        {"\"version\": 2", "$.version: expected the integer 1, found 2: use a newer pin2pin"},
        {"\"xen_version\": \"unstable\"", "$.xen_version: expected a version such as \"4.17\" or \"4.17.4\""},
        {"\"debug\": 1", "$.debug: expected a boolean, found the integer 1"},
        {"\"schedulers\": []", "$.schedulers: expected an array of 1 to 16 strings, found 0"},
    };
    char folder[] = "/tmp/p2p-xen-build-XXXXXX", path[64], text[512];

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/b", folder);
    assert_int_equal(mkdir(path, 0755), 0);
    snprintf(path, sizeof path, "%s/b/xen.json", folder);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static const char *const sound[] = {"\"schema\": \"pin2pin.xen\"", "\"version\": 1",
                                            "\"xen_version\": \"4.20\"", "\"debug\": false",
                                            "\"schedulers\": [\"credit\"]"};
        struct p2p_xen_build build;
        struct p2p_error error = {0};
        size_t used = (size_t)snprintf(text, sizeof text, "{\"name\": \"b\"");

        for (size_t j = 0; j < sizeof sound / sizeof sound[0]; j++) {
            used += (size_t)snprintf(text + used, sizeof text - used, ", %s", j == i ? cases[i].line : sound[j]);
        }
        snprintf(text + used, sizeof text - used, "}");
        assert_int_equal(p2p_write_file(path, text, strlen(text), &error), P2P_OK);
        assert_int_equal(p2p_xen_build_load(folder, "b", &build, &error), P2P_E_INPUT);
        assert_non_null(strstr(error.message, cases[i].message));
        p2p_xen_build_release(&build);
    }
    unlink(path);
    path[strlen(path) - strlen("/xen.json")] = '\0';
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void versions_have_two_or_three_numbers(void **state)
{
    static const char *const good[] = {"4.17", "4.17.4", "0.0", "999.999.999"};
    static const char *const bad[] = {"", "4", "4.", ".4", "4.17.", "4.17.4.1", "4.x", "4,17", " 4.17", "1000.1"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(p2p_is_xen_version(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(p2p_is_xen_version(bad[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_build_says_what_it_is),
        cmocka_unit_test(what_is_no_build_is_refused),
        cmocka_unit_test(every_value_is_checked),
        cmocka_unit_test(versions_have_two_or_three_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
