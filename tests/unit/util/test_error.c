/* SPDX-License-Identifier: MIT */
#include "util/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void the_first_error_wins(void **state)
{
    struct p2p_error error = {0};

    (void)state;
    assert_int_equal(p2p_error_set(&error, P2P_E_INPUT, "%s: line %d", "a.plan.json", 7), P2P_E_INPUT);
    assert_int_equal(p2p_error_set(&error, P2P_E_HOST, "later"), P2P_E_HOST);
    assert_int_equal(p2p_error_set_errno(&error, P2P_E_BENCH, ENOENT, "later still"), P2P_E_BENCH);
    assert_int_equal(error.code, P2P_E_INPUT);
    assert_string_equal(error.message, "a.plan.json: line 7");
}

static void the_cause_is_appended(void **state)
{
    struct p2p_error error = {0};

    (void)state;
    assert_int_equal(p2p_error_set_errno(&error, P2P_E_HOST, ENOSPC, "%s: cannot write", "x"), P2P_E_HOST);
    assert_int_equal(error.code, P2P_E_HOST);
    assert_string_equal(error.message, "x: cannot write: No space left on device");
}

/* What a console or an emulator says must not reach our user's terminal as it is. */
static void control_characters_become_visible(void **state)
{
    struct p2p_error error = {0};

    (void)state;
    p2p_error_set(&error, P2P_E_BENCH, "the board: \033]0;%s\007", "owned");
    assert_string_equal(error.message, "the board: ?]0;owned?");
    error = (struct p2p_error){0};
    p2p_error_set_errno(&error, P2P_E_HOST, EIO, "\033%s", "c");
    assert_string_equal(error.message, "?c: Input/output error");
}

static void a_long_message_is_cut_inside_its_buffer(void **state)
{
    char long_text[2 * P2P_ERROR_MESSAGE_BYTES];

    (void)state;
    memset(long_text, 'x', sizeof long_text);
    /* Over the whole, just at the end, and with room for a part of the cause only. */
    for (size_t length = P2P_ERROR_MESSAGE_BYTES - 5; length < P2P_ERROR_MESSAGE_BYTES + 3; length++) {
        /* Of exactly its own size: what is written beyond it meets the sanitizer. */
        struct p2p_error *error = calloc(1, sizeof *error);

        assert_non_null(error);
        p2p_error_set_errno(error, P2P_E_HOST, EIO, "%.*s", (int)length, long_text);
        assert_int_equal(strlen(error->message), P2P_ERROR_MESSAGE_BYTES - 1);
        assert_memory_equal(error->message, long_text, P2P_ERROR_MESSAGE_BYTES - 5);
        free(error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_error_wins),
        cmocka_unit_test(the_cause_is_appended),
        cmocka_unit_test(control_characters_become_visible),
        cmocka_unit_test(a_long_message_is_cut_inside_its_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
