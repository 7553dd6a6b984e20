/* SPDX-License-Identifier: MIT */
#include "config/json_reader.h"
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

#define HEAD "{\"schema\": \"pin2pin.test\", \"version\": 1, "

enum { LIMIT_BYTES = 1 << 20 };

static const struct p2p_json_key KEYS[] = {
    {"schema", "the kind"}, {"version", "the form"}, {"number", "how many"}, {"flag", "whether"},
    {"text", "what"},       {"choice", "which"},     {"name", "who"},        {"path", "where"},
    {"inner", "inside"},    {"list", "more"},        {NULL, NULL},
};
static const struct p2p_json_key INNER_KEYS[] = {{"number", "how many"}, {NULL, NULL}};
static const struct p2p_json_range RANGE = {5, 9};
static const char *const CHOICES[] = {"one", "two", "three", NULL};

struct fixture {
    char folder[32]; /* fresh, absolute */
    char *path;
    struct p2p_json_file *file;
    struct p2p_json_object root;
    struct p2p_error error;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    assert_non_null(fixture);
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/p2p-json-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fixture->path = p2p_format("%s/f.json", fixture->folder);
    assert_non_null(fixture->path);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    p2p_json_file_free(fixture->file);
    unlink(fixture->path);
    rmdir(fixture->folder);
    free(fixture->path);
    free(fixture);
    return 0;
}

static void write_bytes(struct fixture *fixture, const char *text, size_t size)
{
    assert_int_equal(p2p_write_file(fixture->path, text, size, &fixture->error), P2P_OK);
}

/* Opens HEAD followed by `rest`, after closing what was open before. */
static void open_text(struct fixture *fixture, const char *rest)
{
    char *text = p2p_format("%s%s", HEAD, rest);

    p2p_json_file_free(fixture->file);
    fixture->error = (struct p2p_error){0};
    write_bytes(fixture, text, strlen(text));
    free(text);
    fixture->file = p2p_json_file_load(fixture->path, &fixture->error);
    assert_non_null(fixture->file);
    fixture->root = p2p_json_root(fixture->file, "pin2pin.test", 1, KEYS);
}

/* The recorded message is the file's path and `rest`. */
static void assert_refused(const struct fixture *fixture, const char *rest)
{
    size_t length = strlen(fixture->path);

    assert_int_equal(fixture->error.code, P2P_E_INPUT);
    assert_int_equal(strncmp(fixture->error.message, fixture->path, length), 0);
    assert_string_equal(fixture->error.message + length, rest);
}

static void a_missing_file_is_the_user_s_fault(void **state)
{
    struct fixture *fixture = *state;

    assert_null(p2p_json_file_load(fixture->path, &fixture->error));
    assert_refused(fixture, ": cannot open: No such file or directory");
}

static void a_folder_is_no_file(void **state)
{
    struct fixture *fixture = *state;

    assert_null(p2p_json_file_load(fixture->folder, &fixture->error));
    assert_int_equal(fixture->error.code, P2P_E_INPUT);
}

static void a_file_may_have_one_mebibyte(void **state)
{
    struct fixture *fixture = *state;
    char *text = malloc(LIMIT_BYTES + 1);

    assert_non_null(text);
    memset(text, ' ', LIMIT_BYTES + 1);
    text[0] = '{';
    text[1] = '}';
    write_bytes(fixture, text, LIMIT_BYTES);
    fixture->file = p2p_json_file_load(fixture->path, &fixture->error);
    assert_non_null(fixture->file);
    write_bytes(fixture, text, LIMIT_BYTES + 1);
    assert_null(p2p_json_file_load(fixture->path, &fixture->error));
    assert_int_equal(fixture->error.code, P2P_E_INPUT);
    free(text);
}

static void integers_are_taken_up_to_both_edges(void **state)
{
    struct fixture *fixture = *state;

    open_text(fixture, "\"number\": 5, \"inner\": {\"number\": 9}}");
    struct p2p_json_object inner = p2p_json_child(&fixture->root, "inner", INNER_KEYS);

    assert_int_equal(p2p_json_integer(&fixture->root, "number", RANGE), 5);
    assert_int_equal(p2p_json_integer_or(&inner, "number", RANGE, 7), 9);
    assert_int_equal(p2p_json_file_code(fixture->file), P2P_OK);
}

static void reals_may_be_written_as_integers(void **state)
{
    struct fixture *fixture = *state;

    open_text(fixture, "\"number\": 2.5}");
    assert_true(p2p_json_real(&fixture->root, "number") == 2.5);
    open_text(fixture, "\"number\": -3}");
    assert_true(p2p_json_real(&fixture->root, "number") == -3.0);
    assert_int_equal(p2p_json_file_code(fixture->file), P2P_OK);
    open_text(fixture, "\"number\": \"2.5\"}");
    assert_true(p2p_json_real(&fixture->root, "number") == 0.0);
    assert_refused(fixture, ": $.number: expected a number, found the string \"2.5\"");
    open_text(fixture, "\"text\": \"2.5\"}");
    p2p_json_real(&fixture->root, "number");
    assert_refused(fixture, ": $.number: missing, expected a number: how many");
}

static void null_is_not_the_same_as_missing(void **state)
{
    struct fixture *fixture = *state;

    open_text(fixture, "\"number\": null, \"flag\": false}");
    assert_true(p2p_json_is_null(&fixture->root, "number"));
    assert_true(p2p_json_has(&fixture->root, "number"));
    assert_false(p2p_json_is_null(&fixture->root, "flag"));
    assert_false(p2p_json_is_null(&fixture->root, "text"));
    assert_int_equal(p2p_json_file_code(fixture->file), P2P_OK);
}

static void fallbacks_stand_in_for_what_is_not_there(void **state)
{
    struct fixture *fixture = *state;
    struct p2p_json_object none;

    open_text(fixture, "\"number\": 6}");
    none = p2p_json_child_or_none(&fixture->root, "inner", INNER_KEYS);
    assert_int_equal(p2p_json_integer_or(&none, "number", RANGE, 100), 100);
    assert_true(p2p_json_boolean_or(&fixture->root, "flag", true));
    assert_false(p2p_json_boolean_or(&fixture->root, "flag", false));
    assert_string_equal(p2p_json_string_or(&fixture->root, "text", "t"), "t");
    assert_int_equal(p2p_json_choice_or(&fixture->root, "choice", CHOICES, 2), 2);
    assert_true(p2p_json_has(&fixture->root, "number"));
    assert_false(p2p_json_has(&fixture->root, "list"));
    assert_int_equal(p2p_json_file_code(fixture->file), P2P_OK);
    assert_string_equal(fixture->error.message, "");
}

static void values_come_before_fallbacks(void **state)
{
    struct fixture *fixture = *state;

    open_text(fixture, "\"number\": 6, \"flag\": false, \"text\": \"\", \"choice\": \"two\"}");
    assert_int_equal(p2p_json_integer_or(&fixture->root, "number", RANGE, 7), 6);
    assert_false(p2p_json_boolean_or(&fixture->root, "flag", true));
    assert_string_equal(p2p_json_string_or(&fixture->root, "text", ""), "");
    assert_int_equal(p2p_json_choice_or(&fixture->root, "choice", CHOICES, 2), 1);
    assert_int_equal(p2p_json_choice(&fixture->root, "choice", CHOICES), 1);
    assert_int_equal(p2p_json_file_code(fixture->file), P2P_OK);
}

static void an_empty_string_is_refused_where_it_means_nothing(void **state)
{
    struct fixture *fixture = *state;

    open_text(fixture, "\"text\": \"\"}");
    assert_string_equal(p2p_json_string_or(&fixture->root, "text", "fallback"), "");
    assert_refused(fixture,
                   ": $.text: expected a string, not empty and without control characters, found the string \"\"");
}

static void only_the_first_mistake_is_told(void **state)
{
    struct fixture *fixture = *state;
    char name[8] = "before";

    open_text(fixture, "\"number\": 4, \"name\": \"A\", \"inner\": 1, \"list\": {}}");
    assert_int_equal(p2p_json_integer(&fixture->root, "number", RANGE), 5);
    p2p_json_name(&fixture->root, "name", name, sizeof name);
    assert_string_equal(name, "");
    assert_null(p2p_json_child(&fixture->root, "inner", INNER_KEYS).json);
    assert_int_equal(p2p_json_array_length(&fixture->root, "list", RANGE), 0);
    assert_null(p2p_json_path(&fixture->root, "path"));
    assert_null(p2p_json_allocate(&fixture->root, 1, 1));
    p2p_json_refuse(&fixture->root, "number", "another mistake");
    assert_int_equal(p2p_json_file_code(fixture->file), P2P_E_INPUT);
    assert_refused(fixture, ": $.number: expected an integer from 5 to 9, found the integer 4");
}

static void elements_know_their_place(void **state)
{
    struct fixture *fixture = *state;
    struct p2p_json_object second;

    open_text(fixture, "\"list\": [{\"number\": 8}, {\"number\": 10}]}");
    assert_int_equal(p2p_json_array_length(&fixture->root, "list", (struct p2p_json_range){2, 2}), 2);
    second = p2p_json_element(&fixture->root, "list", 1, INNER_KEYS);
    p2p_json_integer(&second, "number", RANGE);
    assert_refused(fixture, ": $.list[1].number: expected an integer from 5 to 9, found the integer 10");
}

static void a_near_key_is_suggested(void **state)
{
    static const struct {
        const char *typed;
        const char *rest;
    } cases[] = {
        {"nunber", "did you mean \"number\"?"},  /* one replaced */
        {"numbers", "did you mean \"number\"?"}, /* one too many */
        {"nmbe", "did you mean \"number\"?"},    /* two missing */
        {"tetx", "did you mean \"text\"?"},      /* swapped: two replaced */
        {"flog", "did you mean \"flag\"?"},
        {"nxmbre", "expected one of: "}, /* three away from number and from name */
        {"zzzz", "expected one of: "},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *rest = p2p_format("\"%s\": 1}", cases[i].typed);
        char *expected = p2p_format(": $: unknown key \"%s\", %s", cases[i].typed, cases[i].rest);

        open_text(fixture, rest);
        assert_int_equal(fixture->error.code, P2P_E_INPUT);
        assert_int_equal(strncmp(fixture->error.message + strlen(fixture->path), expected, strlen(expected)), 0);
        free(expected);
        free(rest);
    }
}

static void paths_are_relative_to_the_file(void **state)
{
    static const struct {
        const char *text;
        const char *expected; /* with a leading '@': below the file's folder */
    } cases[] = {
        {"a", "@/a"},       {"./a//b/./c/", "@/a/b/c"}, {"a/../b", "@/b"},   {"a/b/../../c", "@/c"},
        {"...", "@/..."},   {".a/..b", "@/.a/..b"},     {".", "@"},          {"../a", "/tmp/a"},
        {"../../a", "/a"},  {"../../../../a", "/a"},    {"../..", "/"},      {"/", "/"},
        {"//x//y", "/x/y"}, {"/a/../..", "/"},          {"/a/./../b", "/b"},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool below = cases[i].expected[0] == '@';
        char *rest = p2p_format("\"path\": \"%s\"}", cases[i].text);
        char *expected = p2p_format("%s%s", below ? fixture->folder : "", cases[i].expected + (below ? 1 : 0));
        char *path;

        open_text(fixture, rest);
        path = p2p_json_path(&fixture->root, "path");
        assert_non_null(path);
        assert_string_equal(path, expected);
        free(path);
        free(expected);
        free(rest);
    }
}

/* The file is read through FOLDER/x/link, which is FOLDER itself: "a" must not mean FOLDER/x/link/a. */
static void a_linked_folder_is_resolved_first(void **state)
{
    struct fixture *fixture = *state;
    char *inner = p2p_format("%s/x", fixture->folder);
    char *link = p2p_format("%s/x/link", fixture->folder);
    char *linked_file = p2p_format("%s/x/link/f.json", fixture->folder);
    char *expected = p2p_format("%s/a", fixture->folder);
    char *path;

    open_text(fixture, "\"path\": \"a\"}");
    assert_int_equal(mkdir(inner, 0700), 0);
    assert_int_equal(symlink("..", link), 0);
    p2p_json_file_free(fixture->file);
    fixture->file = p2p_json_file_load(linked_file, &fixture->error);
    assert_non_null(fixture->file);
    fixture->root = p2p_json_root(fixture->file, "pin2pin.test", 1, KEYS);
    path = p2p_json_path(&fixture->root, "path");
    assert_string_equal(path, expected);
    free(path);
    unlink(link);
    rmdir(inner);
    free(expected);
    free(linked_file);
    free(link);
    free(inner);
}

static void a_relative_file_name_is_relative_to_here(void **state)
{
    struct fixture *fixture = *state;
    char *before = getcwd(NULL, 0);
    char *expected = p2p_format("%s/a", fixture->folder);
    char *path;

    open_text(fixture, "\"path\": \"a\"}");
    p2p_json_file_free(fixture->file);
    assert_int_equal(chdir(fixture->folder), 0);
    fixture->file = p2p_json_file_load("f.json", &fixture->error);
    assert_int_equal(chdir(before), 0);
    assert_non_null(fixture->file);
    fixture->root = p2p_json_root(fixture->file, "pin2pin.test", 1, KEYS);
    path = p2p_json_path(&fixture->root, "path");
    assert_string_equal(path, expected);
    free(path);
    free(expected);
    free(before);
}

static void names_fill_their_buffer(void **state)
{
    struct fixture *fixture = *state;
    char name[4];

    open_text(fixture, "\"name\": \"0_z\"}");
    p2p_json_name(&fixture->root, "name", name, sizeof name);
    assert_string_equal(name, "0_z");
    open_text(fixture, "\"name\": \"abcd\"}");
    p2p_json_name(&fixture->root, "name", name, sizeof name);
    assert_refused(fixture, ": $.name: expected a name of at most 3 of a-z 0-9 . _ -, the first of a-z 0-9, found "
                            "the string \"abcd\"");
}

static void strings_end_with_null(void **state)
{
    struct fixture *fixture = *state;
    size_t count = 99;
    char **strings;

    open_text(fixture, "\"list\": [\"a\", \"b c\", \"\\u00fc\", \"d\", \"e\"]}");
    strings = p2p_json_strings(&fixture->root, "list", RANGE, &count);
    assert_non_null(strings);
    assert_int_equal(count, 5);
    assert_string_equal(strings[0], "a");
    assert_string_equal(strings[1], "b c");
    assert_string_equal(strings[2], "\xc3\xbc");
    assert_string_equal(strings[4], "e");
    assert_null(strings[5]);
    p2p_json_file_free(fixture->file); /* they are copies */
    fixture->file = NULL;
    assert_string_equal(strings[3], "d");
    p2p_json_strings_free(strings);
    p2p_json_strings_free(NULL);
}

/* None at all, where none are needed: the array may be empty, or left out. */
static void no_strings_are_an_empty_list(void **state)
{
    static const struct p2p_json_range from_none = {0, 2};
    static const char *const texts[] = {"\"list\": []}", "\"text\": \"\"}"};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < 2; i++) {
        size_t count = 99;
        char **strings;

        open_text(fixture, texts[i]);
        strings = p2p_json_strings(&fixture->root, "list", from_none, &count);
        assert_non_null(strings);
        assert_int_equal(count, 0);
        assert_null(strings[0]);
        assert_int_equal(p2p_json_file_code(fixture->file), P2P_OK);
        p2p_json_strings_free(strings);
    }
}

static void wrong_strings_are_refused(void **state)
{
    static const struct p2p_json_range two_or_three = {2, 3};
    static const struct {
        const char *text, *rest;
    } cases[] = {
        {"\"text\": \"\"}", ": $.list: missing, expected an array of 2 to 3 strings: more"},
        {"\"list\": \"a b\"}", ": $.list: expected an array of 2 to 3 strings, found the string \"a b\""},
        {"\"list\": null}", ": $.list: expected an array of 2 to 3 strings, found null"},
        {"\"list\": [\"a\"]}", ": $.list: expected an array of 2 to 3 strings, found 1"},
        {"\"list\": [\"a\", \"b\", \"c\", \"d\"]}", ": $.list: expected an array of 2 to 3 strings, found 4"},
        {"\"list\": [\"a\", 7]}",
         ": $.list: expected only strings in it, not empty and without control characters, found the integer 7"},
        {"\"list\": [\"a\", \"\", \"b\"]}",
         ": $.list: expected only strings in it, not empty and without control characters, found the string \"\""},
        {"\"list\": [\"a\", \"b\\n\"]}",
         ": $.list: expected only strings in it, not empty and without control characters, found the string \"b\\n\""},
        {"\"list\": [\"a\", [\"b\"]]}",
         ": $.list: expected only strings in it, not empty and without control characters, found an array"},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t count = 99;

        open_text(fixture, cases[i].text);
        assert_null(p2p_json_strings(&fixture->root, "list", two_or_three, &count));
        assert_int_equal(count, 0);
        assert_refused(fixture, cases[i].rest);
    }
}

static void keys_are_told_in_the_files_order(void **state)
{
    static const char *const expected[] = {"schema", "version", "text", "flag", "name"};
    struct fixture *fixture = *state;

    open_text(fixture, "\"text\": \"a\", \"flag\": true, \"name\": \"n\"}");
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_string_equal(p2p_json_key_at(&fixture->root, i), expected[i]);
    }
    assert_null(p2p_json_key_at(&fixture->root, sizeof expected / sizeof expected[0]));
    p2p_json_refuse(&fixture->root, "text", "wrong");
    assert_null(p2p_json_key_at(&fixture->root, 0));
}

static void an_object_may_have_names_for_keys(void **state)
{
    struct fixture *fixture = *state;
    struct p2p_json_object named, inner;

    open_text(fixture, "\"inner\": {\"b.1\": {\"number\": 7}, \"a\": {}}}");
    named = p2p_json_child(&fixture->root, "inner", NULL);
    assert_string_equal(p2p_json_key_at(&named, 0), "b.1");
    assert_string_equal(p2p_json_key_at(&named, 1), "a");
    inner = p2p_json_child(&named, "b.1", INNER_KEYS);
    assert_int_equal(p2p_json_integer(&inner, "number", RANGE), 7);
    inner = p2p_json_child(&named, "a", INNER_KEYS);
    assert_int_equal(p2p_json_integer(&inner, "number", RANGE), 5);
    assert_refused(fixture, ": $.inner.a.number: missing, expected an integer from 5 to 9: how many");

    open_text(fixture, "\"inner\": {\"../x\": {}}}");
    p2p_json_child(&fixture->root, "inner", NULL);
    assert_refused(fixture, ": $.inner: key \"../x\": expected a name of at most 63 of a-z 0-9 . _ -, the first of "
                            "a-z 0-9");
}

static void integers_come_in_arrays(void **state)
{
    static const struct p2p_json_range two_or_three = {2, 3};
    static const struct {
        const char *text, *rest;
    } cases[] = {
        {"\"list\": [5]}", ": $.list: expected an array of 2 to 3 integers from 5 to 9, found 1"},
        {"\"list\": [5, 5, 5, 5]}", ": $.list: expected an array of 2 to 3 integers from 5 to 9, found 4"},
        {"\"list\": 5}", ": $.list: expected an array of 2 to 3 integers from 5 to 9, found the integer 5"},
        {"\"list\": [5, 10]}", ": $.list: expected an array of 2 to 3 integers from 5 to 9, found the integer 10"},
        {"\"list\": [5, \"6\"]}", ": $.list: expected an array of 2 to 3 integers from 5 to 9, found the string \"6\""},
        {"\"number\": 1}", ": $.list: missing, expected an array of 2 to 3 integers from 5 to 9: more"},
    };
    struct fixture *fixture = *state;
    uint64_t values[3] = {0};

    open_text(fixture, "\"list\": [9, 5]}");
    assert_int_equal(p2p_json_integers(&fixture->root, "list", two_or_three, RANGE, values), 2);
    assert_int_equal(values[0], 9);
    assert_int_equal(values[1], 5);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        open_text(fixture, cases[i].text);
        assert_int_equal(p2p_json_integers(&fixture->root, "list", two_or_three, RANGE, values), 0);
        assert_refused(fixture, cases[i].rest);
    }
}

static void values_are_picked_one_for_each_key(void **state)
{
    static const struct p2p_json_range some = {1, 3};
    static const struct p2p_json_key keys[] = {
        {"number", "how many"}, {"choice", "which"}, {"name", "who"}, {NULL, NULL}};
    struct fixture *fixture = *state;
    struct p2p_json_object arrays, picked;
    char text[8];

    open_text(fixture, "\"inner\": {\"choice\": [\"two\", \"one\"], \"number\": [7, 8, 99]}}");
    arrays = p2p_json_child(&fixture->root, "inner", keys);
    assert_int_equal(p2p_json_values(&arrays, "choice", some), 2);
    assert_int_equal(p2p_json_values(&arrays, "number", some), 3);
    picked = p2p_json_pick(&arrays, (const size_t[]){1, 0});
    assert_int_equal(p2p_json_choice(&picked, "choice", CHOICES), 0);
    assert_int_equal(p2p_json_integer(&picked, "number", RANGE), 7);
    assert_false(p2p_json_has(&picked, "name"));
    p2p_json_text(&picked, "choice", text, sizeof text);
    assert_string_equal(text, "one");
    p2p_json_text(&picked, "number", text, sizeof text);
    assert_string_equal(text, "7");
    assert_int_equal(p2p_json_index_in(&picked, "choice", &arrays), 1);
    picked = p2p_json_pick(&arrays, (const size_t[]){0, 2});
    p2p_json_integer(&picked, "number", RANGE);
    assert_refused(fixture, ": $.inner.number: expected an integer from 5 to 9, found the integer 99");
    assert_null(p2p_json_pick(&arrays, (const size_t[]){0, 0}).json); /* of a file that has failed */
}

static void what_is_no_choice_of_values_is_refused(void **state)
{
    static const struct p2p_json_range some = {1, 2};
    static const char *const wrong[][2] = {
        {"[]", "0"},
        {"[1, 2, 3]", "3"},
        {"1", "the integer 1"},
        {"[1.5]", "the real number 1.5"},
        {"[null]", "null"},
        {"[{}]", "an object"},
        {"[\"a\", \"a\"]", "the string \"a\""},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char text[64], rest[128];

        snprintf(text, sizeof text, "\"list\": %s}", wrong[i][0]);
        snprintf(rest, sizeof rest,
                 ": $.list: expected an array of 1 to 2 strings or integers, none of them twice, found %s",
                 wrong[i][1]);
        open_text(fixture, text);
        p2p_json_values(&fixture->root, "list", some);
        assert_refused(fixture, rest);
    }
    open_text(fixture, "\"list\": [1, 2]}");
    p2p_json_index_in(&fixture->root, "version", &fixture->root);
    assert_refused(fixture, ": $.version: expected one of the values of $.version, found the integer 1");
}

static void an_error_from_elsewhere_keeps_its_code(void **state)
{
    static const struct p2p_error cause = {.code = P2P_E_HOST, .message = "no memory at all"};
    struct fixture *fixture = *state;

    open_text(fixture, "\"text\": \"a\"}");
    p2p_json_fail(&fixture->root, &cause);
    assert_int_equal(p2p_json_file_code(fixture->file), P2P_E_HOST);
    assert_string_equal(fixture->error.message, "no memory at all");
}

static void a_real_must_be_there_and_within(void **state)
{
    static const struct p2p_json_real_range range = {0.5, 2};
    struct fixture *fixture = *state;

    open_text(fixture, "\"number\": 0.5}");
    assert_true(p2p_json_real_within(&fixture->root, "number", range) == 0.5);
    open_text(fixture, "\"number\": 2.5}");
    assert_true(p2p_json_real_within(&fixture->root, "number", range) == 0.5);
    assert_refused(fixture, ": $.number: expected a number from 0.5 to 2, found the real number 2.5");
    open_text(fixture, "\"flag\": true}");
    p2p_json_real_within(&fixture->root, "number", range);
    assert_refused(fixture, ": $.number: missing, expected a number from 0.5 to 2: how many");
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(a_missing_file_is_the_user_s_fault),
        WITH_FOLDER(a_folder_is_no_file),
        WITH_FOLDER(a_file_may_have_one_mebibyte),
        WITH_FOLDER(integers_are_taken_up_to_both_edges),
        WITH_FOLDER(reals_may_be_written_as_integers),
        WITH_FOLDER(null_is_not_the_same_as_missing),
        WITH_FOLDER(fallbacks_stand_in_for_what_is_not_there),
        WITH_FOLDER(values_come_before_fallbacks),
        WITH_FOLDER(an_empty_string_is_refused_where_it_means_nothing),
        WITH_FOLDER(only_the_first_mistake_is_told),
        WITH_FOLDER(elements_know_their_place),
        WITH_FOLDER(a_near_key_is_suggested),
        WITH_FOLDER(paths_are_relative_to_the_file),
        WITH_FOLDER(a_linked_folder_is_resolved_first),
        WITH_FOLDER(a_relative_file_name_is_relative_to_here),
        WITH_FOLDER(names_fill_their_buffer),
        WITH_FOLDER(strings_end_with_null),
        WITH_FOLDER(no_strings_are_an_empty_list),
        WITH_FOLDER(wrong_strings_are_refused),
        WITH_FOLDER(keys_are_told_in_the_files_order),
        WITH_FOLDER(an_object_may_have_names_for_keys),
        WITH_FOLDER(integers_come_in_arrays),
        WITH_FOLDER(values_are_picked_one_for_each_key),
        WITH_FOLDER(what_is_no_choice_of_values_is_refused),
        WITH_FOLDER(an_error_from_elsewhere_keeps_its_code),
        WITH_FOLDER(a_real_must_be_there_and_within),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
