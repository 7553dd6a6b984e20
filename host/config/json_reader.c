/* SPDX-License-Identifier: MIT */
#include "config/json_reader.h"

#include "util/file.h"
#include "util/name.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FILE_BYTES_MAX = 1 << 20,
    TEXT_BYTES = 512, /* a message without its file and place */
    SHOWN_BYTES = 64, /* a value or an unknown key as messages show it */
    KEY_BYTES = 32,   /* the longest key we know, with its NUL */
};

struct p2p_json_file {
    char *path;   /* as given, for messages */
    char *folder; /* absolute, without symbolic links */
    json_t *root;
    json_t *picked; /* keeps what p2p_json_pick made */
    struct p2p_error *error;
};

/* ---- Mistakes ---- */

static void fail_memory(struct p2p_json_file *file)
{
    p2p_error_set(file->error, P2P_E_HOST, "%s: out of memory", file->path);
}

void p2p_json_refuse(const struct p2p_json_object *object, const char *key, const char *format, ...)
{
    struct p2p_json_file *file = object->file;
    char text[TEXT_BYTES];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    p2p_error_set(file->error, P2P_E_INPUT, "%s: %s%s%s: %s", file->path, object->place, key == NULL ? "" : ".",
                  key == NULL ? "" : key, text);
}

void p2p_json_fail(const struct p2p_json_object *object, const struct p2p_error *cause)
{
    p2p_error_set(object->file->error, cause->code, "%s", cause->message);
}

/* A scalar as JSON text. In ASCII, so that no file sends control sequences to its reader's terminal. */
static void show(const json_t *scalar, char shown[SHOWN_BYTES])
{
    char *text = json_dumps(scalar, JSON_ENCODE_ANY | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15));

    if (text == NULL) {
        snprintf(shown, SHOWN_BYTES, "?"); /* no memory to show it: the place must do */
    } else if (strlen(text) < SHOWN_BYTES) {
        snprintf(shown, SHOWN_BYTES, "%s", text);
    } else {
        snprintf(shown, SHOWN_BYTES, "%.*s...", SHOWN_BYTES - 4, text);
    }
    free(text);
}

static const char *kind_of(const json_t *value)
{
    static const char *const kinds[] = {
        [JSON_OBJECT] = "an object",      [JSON_ARRAY] = "an array",
        [JSON_STRING] = "the string ",    [JSON_INTEGER] = "the integer ",
        [JSON_REAL] = "the real number ", [JSON_TRUE] = "the boolean ",
        [JSON_FALSE] = "the boolean ",    [JSON_NULL] = "",
    };

    return kinds[json_typeof(value)];
}

static void refuse_value(const struct p2p_json_object *object, const char *key, const char *expected,
                         const json_t *found)
{
    char shown[SHOWN_BYTES] = "";

    if (!json_is_object(found) && !json_is_array(found)) {
        show(found, shown);
    }
    p2p_json_refuse(object, key, "expected %s, found %s%s", expected, kind_of(found), shown);
}

void p2p_json_refuse_value(const struct p2p_json_object *object, const char *key, const char *expected)
{
    const json_t *found = json_object_get(object->json, key);

    if (found != NULL) {
        refuse_value(object, key, expected, found);
    }
}

/* ---- Keys ---- */

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein's distance, one row of the table at a time. `known` is shorter than KEY_BYTES. */
static size_t edit_distance(const char *known, const char *typed)
{
    size_t row[KEY_BYTES];
    size_t length = strlen(known);

    assert(length < KEY_BYTES);
    for (size_t i = 0; i <= length; i++) {
        row[i] = i;
    }
    for (size_t j = 0; typed[j] != '\0'; j++) {
        size_t diagonal = row[0];

        row[0] = j + 1;
        for (size_t i = 0; i < length; i++) {
            size_t replaced = diagonal + (known[i] != typed[j]);

            diagonal = row[i + 1];
            row[i + 1] = smaller(replaced, smaller(row[i], row[i + 1]) + 1);
        }
    }
    return row[length];
}

static const struct p2p_json_key *find_key(const struct p2p_json_key *keys, const char *name)
{
    while (keys->name != NULL && strcmp(keys->name, name) != 0) {
        keys++;
    }
    return keys->name == NULL ? NULL : keys;
}

/* The key that was likely meant: at most two slips away, and fewer than it has letters. NULL: none. */
static const char *nearest_key(const struct p2p_json_key *keys, const char *typed)
{
    const char *nearest = NULL;
    size_t best = 3;

    for (; keys->name != NULL; keys++) {
        size_t distance = edit_distance(keys->name, typed);

        if (distance < smaller(best, strlen(keys->name))) {
            best = distance;
            nearest = keys->name;
        }
    }
    return nearest;
}

static void list_keys(const struct p2p_json_key *keys, char list[TEXT_BYTES])
{
    size_t used = 0;

    list[0] = '\0';
    for (; keys->name != NULL; keys++) {
        used += (size_t)snprintf(list + used, TEXT_BYTES - used, "%s%s", used == 0 ? "" : ", ", keys->name);
        assert(used < TEXT_BYTES);
    }
}

static void refuse_key(const struct p2p_json_object *object, const char *typed)
{
    const char *nearest = nearest_key(object->keys, typed);
    json_t *text = json_string(typed);
    char shown[SHOWN_BYTES];
    char known[TEXT_BYTES];

    show(text, shown);
    list_keys(object->keys, known);
    if (nearest != NULL) {
        p2p_json_refuse(object, NULL, "unknown key %s, did you mean \"%s\"?", shown, nearest);
    } else {
        p2p_json_refuse(object, NULL, "unknown key %s, expected one of: %s", shown, known);
    }
    json_decref(text);
}

static void describe_name(char expected[TEXT_BYTES], size_t size)
{
    snprintf(expected, TEXT_BYTES, "a name of at most %zu of a-z 0-9 . _ -, the first of a-z 0-9", size - 1);
}

static void refuse_name(const struct p2p_json_object *object, const char *typed)
{
    json_t *text = json_string(typed);
    char shown[SHOWN_BYTES], expected[TEXT_BYTES];

    show(text, shown);
    describe_name(expected, P2P_NAME_BYTES);
    p2p_json_refuse(object, NULL, "key %s: expected %s", shown, expected);
    json_decref(text);
}

static void check_keys(const struct p2p_json_object *object)
{
    const char *key;
    json_t *value;

    json_object_foreach(object->json, key, value)
    {
        if (object->keys == NULL && !p2p_is_name(key, P2P_NAME_BYTES)) {
            refuse_name(object, key);
        } else if (object->keys != NULL && find_key(object->keys, key) == NULL) {
            refuse_key(object, key);
            break;
        }
    }
}

/* The value of `key`; NULL if it is not there, which is refused unless `optional`. */
static json_t *get(const struct p2p_json_object *object, const char *key, bool optional, const char *expected)
{
    const struct p2p_json_key *known = object->keys == NULL ? NULL : find_key(object->keys, key);
    json_t *value = json_object_get(object->json, key);

    assert(object->keys == NULL || known != NULL);
    if (value == NULL && object->json != NULL && !optional) {
        p2p_json_refuse(object, key, "missing, expected %s: %s", expected, known == NULL ? key : known->meaning);
    }
    return value;
}

const char *p2p_json_key_at(const struct p2p_json_object *object, size_t index)
{
    void *at = p2p_json_file_code(object->file) == P2P_OK ? json_object_iter(object->json) : NULL;

    while (at != NULL && index-- > 0) {
        at = json_object_iter_next(object->json, at);
    }
    return at == NULL ? NULL : json_object_iter_key(at);
}

bool p2p_json_has(const struct p2p_json_object *object, const char *key)
{
    return get(object, key, true, "") != NULL;
}

/* The length of the array `key`; 0 when it was left out, as one that may be empty may be, or refused. */
static size_t array_length(const struct p2p_json_object *object, const char *key, struct p2p_json_range lengths,
                           const char *expected)
{
    const json_t *array = get(object, key, lengths.min == 0, expected);
    size_t length = json_array_size(array);

    if (array != NULL && !json_is_array(array)) {
        refuse_value(object, key, expected, array);
    } else if (array != NULL && (length < lengths.min || length > lengths.max)) {
        p2p_json_refuse(object, key, "expected %s, found %zu", expected, length);
        length = 0;
    }
    return length;
}

/* ---- Numbers ---- */

static bool is_integer_in(const json_t *value, struct p2p_json_range range)
{
    return json_is_integer(value) && json_integer_value(value) >= (json_int_t)range.min &&
           json_integer_value(value) <= (json_int_t)range.max;
}

static uint64_t read_integer(const struct p2p_json_object *object, const char *key, struct p2p_json_range range,
                             const uint64_t *fallback)
{
    char expected[TEXT_BYTES];
    const json_t *value;

    assert(range.min <= range.max && range.max <= P2P_JSON_INTEGER_MAX);
    snprintf(expected, sizeof expected, "an integer from %" PRIu64 " to %" PRIu64, range.min, range.max);
    value = get(object, key, fallback != NULL, expected);
    if (value == NULL) {
        return fallback == NULL ? range.min : *fallback;
    }
    if (!is_integer_in(value, range)) {
        refuse_value(object, key, expected, value);
        return range.min;
    }
    return (uint64_t)json_integer_value(value);
}

uint64_t p2p_json_integer(const struct p2p_json_object *object, const char *key, struct p2p_json_range range)
{
    return read_integer(object, key, range, NULL);
}

uint64_t p2p_json_integer_or(const struct p2p_json_object *object, const char *key, struct p2p_json_range range,
                             uint64_t fallback)
{
    return read_integer(object, key, range, &fallback);
}

bool p2p_json_boolean_or(const struct p2p_json_object *object, const char *key, bool fallback)
{
    const json_t *value = get(object, key, true, "");

    if (value == NULL) {
        return fallback;
    }
    if (!json_is_boolean(value)) {
        refuse_value(object, key, "a boolean", value);
    }
    return json_is_true(value);
}

double p2p_json_real(const struct p2p_json_object *object, const char *key)
{
    const json_t *value = get(object, key, false, "a number");

    if (value != NULL && !json_is_number(value)) {
        refuse_value(object, key, "a number", value);
    }
    return json_number_value(value);
}

static double read_real(const struct p2p_json_object *object, const char *key, struct p2p_json_real_range range,
                        const double *fallback)
{
    char expected[64];
    const json_t *value;

    snprintf(expected, sizeof expected, "a number from %g to %g", range.min, range.max);
    value = get(object, key, fallback != NULL, expected);
    if (value != NULL && json_is_number(value) && json_number_value(value) >= range.min &&
        json_number_value(value) <= range.max) {
        return json_number_value(value);
    }
    if (value != NULL) {
        refuse_value(object, key, expected, value);
    }
    return fallback == NULL ? range.min : *fallback;
}

double p2p_json_real_within(const struct p2p_json_object *object, const char *key, struct p2p_json_real_range range)
{
    return read_real(object, key, range, NULL);
}

double p2p_json_real_or(const struct p2p_json_object *object, const char *key, struct p2p_json_real_range range,
                        double fallback)
{
    return read_real(object, key, range, &fallback);
}

bool p2p_json_is_object(const struct p2p_json_object *object, const char *key)
{
    return json_is_object(json_object_get(object->json, key));
}

bool p2p_json_is_null(const struct p2p_json_object *object, const char *key)
{
    return json_is_null(json_object_get(object->json, key));
}

size_t p2p_json_integers(const struct p2p_json_object *object, const char *key, struct p2p_json_range lengths,
                         struct p2p_json_range range, uint64_t *values)
{
    const json_t *array = json_object_get(object->json, key);
    char expected[TEXT_BYTES];
    size_t count;

    snprintf(expected, sizeof expected, "an array of %" PRIu64 " to %" PRIu64 " integers from %" PRIu64 " to %" PRIu64,
             lengths.min, lengths.max, range.min, range.max);
    count = array_length(object, key, lengths, expected);
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(array, i);

        if (!is_integer_in(value, range)) {
            refuse_value(object, key, expected, value);
            return 0;
        }
        values[i] = (uint64_t)json_integer_value(value);
    }
    return count;
}

/* ---- Strings ---- */

static bool has_control_characters(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f) {
            return true;
        }
    }
    return false;
}

/* `fallback` NULL: the key must be there. */
static const char *read_string(const struct p2p_json_object *object, const char *key, const char *fallback)
{
    bool may_be_empty = fallback != NULL && *fallback == '\0';
    const char *expected =
        may_be_empty ? "a string without control characters" : "a string, not empty and without control characters";
    const json_t *value = get(object, key, fallback != NULL, expected);
    const char *text = json_string_value(value);

    if (value == NULL) {
        return fallback == NULL ? "" : fallback;
    }
    if (text == NULL || has_control_characters(text) || (*text == '\0' && !may_be_empty)) {
        refuse_value(object, key, expected, value);
        return "";
    }
    return text;
}

const char *p2p_json_string(const struct p2p_json_object *object, const char *key)
{
    return read_string(object, key, NULL);
}

const char *p2p_json_string_or(const struct p2p_json_object *object, const char *key, const char *fallback)
{
    return read_string(object, key, fallback);
}

static char *copy_element(const struct p2p_json_object *object, const char *key, const json_t *array, size_t index)
{
    const json_t *value = json_array_get(array, index);
    const char *text = json_string_value(value);

    if (text == NULL || *text == '\0' || has_control_characters(text)) {
        refuse_value(object, key, "only strings in it, not empty and without control characters", value);
        return NULL;
    }
    return p2p_json_copy(object, text);
}

char **p2p_json_strings(const struct p2p_json_object *object, const char *key, struct p2p_json_range lengths,
                        size_t *count)
{
    const json_t *array = json_object_get(object->json, key);
    char expected[TEXT_BYTES];
    char **strings;

    snprintf(expected, sizeof expected, "an array of %" PRIu64 " to %" PRIu64 " strings", lengths.min, lengths.max);
    *count = array_length(object, key, lengths, expected);
    strings = p2p_json_allocate(object, *count + 1, sizeof *strings);
    for (size_t i = 0; strings != NULL && i < *count; i++) {
        strings[i] = copy_element(object, key, array, i);
        if (strings[i] == NULL) {
            p2p_json_strings_free(strings);
            strings = NULL;
        }
    }
    *count = strings == NULL ? 0 : *count;
    return strings;
}

void p2p_json_strings_free(char **strings)
{
    for (char **string = strings; string != NULL && *string != NULL; string++) {
        free(*string);
    }
    free(strings);
}

/* "a", "b" or "c", with their quotes */
static void list_choices(const char *const *choices, char list[TEXT_BYTES])
{
    size_t used = 0;

    for (size_t i = 0; choices[i] != NULL; i++) {
        const char *joint = i == 0 ? "" : choices[i + 1] == NULL ? " or " : ", ";

        used += (size_t)snprintf(list + used, TEXT_BYTES - used, "%s\"%s\"", joint, choices[i]);
        assert(used < TEXT_BYTES);
    }
}

static size_t read_choice(const struct p2p_json_object *object, const char *key, const char *const *choices,
                          const size_t *fallback)
{
    char expected[TEXT_BYTES];
    const json_t *value;

    list_choices(choices, expected);
    value = get(object, key, fallback != NULL, expected);
    if (value == NULL) {
        return fallback == NULL ? 0 : *fallback;
    }
    for (size_t i = 0; json_is_string(value) && choices[i] != NULL; i++) {
        if (strcmp(json_string_value(value), choices[i]) == 0) {
            return i;
        }
    }
    refuse_value(object, key, expected, value);
    return 0;
}

size_t p2p_json_choice(const struct p2p_json_object *object, const char *key, const char *const *choices)
{
    return read_choice(object, key, choices, NULL);
}

size_t p2p_json_choice_or(const struct p2p_json_object *object, const char *key, const char *const *choices,
                          size_t fallback)
{
    return read_choice(object, key, choices, &fallback);
}

void p2p_json_name(const struct p2p_json_object *object, const char *key, char *name, size_t size)
{
    char expected[TEXT_BYTES];
    const json_t *value;

    describe_name(expected, size);
    value = get(object, key, false, expected);
    name[0] = '\0';
    if (json_is_string(value) && p2p_is_name(json_string_value(value), size)) {
        snprintf(name, size, "%s", json_string_value(value));
    } else if (value != NULL) {
        refuse_value(object, key, expected, value);
    }
}

/* ---- Paths and copies ---- */

/* Takes out "." and ".." by the letters alone, as what the path names may not exist yet. `path` begins with
 * "/". */
static void fold_dots(char *path)
{
    const char *in = path;
    char *out = path; /* never ahead of `in`: each part gives at most the bytes it took */

    while (*in != '\0') {
        size_t length;

        in += strspn(in, "/");
        length = strcspn(in, "/");
        if (length == 2 && in[0] == '.' && in[1] == '.') {
            do {
                out -= out > path;
            } while (out > path && *out != '/');
        } else if (length > 1 || (length == 1 && in[0] != '.')) {
            *out++ = '/';
            memmove(out, in, length);
            out += length;
        }
        in += length;
    }
    if (out == path) {
        *out++ = '/';
    }
    *out = '\0';
}

char *p2p_json_path(const struct p2p_json_object *object, const char *key)
{
    struct p2p_json_file *file = object->file;
    const char *text = p2p_json_string(object, key);
    char *path;

    if (p2p_json_file_code(file) != P2P_OK) {
        return NULL;
    }
    path = text[0] == '/' ? strdup(text) : p2p_format("%s/%s", file->folder, text);
    if (path == NULL) {
        fail_memory(file);
        return NULL;
    }
    fold_dots(path);
    return path;
}

char *p2p_json_copy(const struct p2p_json_object *object, const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL) {
        fail_memory(object->file);
    }
    return copy;
}

void *p2p_json_allocate(const struct p2p_json_object *object, size_t count, size_t size)
{
    void *memory = NULL;

    if (p2p_json_file_code(object->file) == P2P_OK) {
        memory = calloc(count, size);
        if (memory == NULL) {
            fail_memory(object->file);
        }
    }
    return memory;
}

/* ---- Objects and arrays ---- */

static struct p2p_json_object enter(const struct p2p_json_object *parent, json_t *json, const struct p2p_json_key *keys,
                                    const char *place)
{
    struct p2p_json_object object = {.file = parent->file, .keys = keys};

    assert(strlen(place) < sizeof object.place);
    snprintf(object.place, sizeof object.place, "%s", place);
    if (json_is_object(json)) {
        object.json = json;
        check_keys(&object);
    } else if (json != NULL) {
        refuse_value(&object, NULL, "an object", json);
    }
    return object;
}

static struct p2p_json_object enter_child(const struct p2p_json_object *object, const char *key, bool optional,
                                          const struct p2p_json_key *keys)
{
    char place[TEXT_BYTES];

    snprintf(place, sizeof place, "%s.%s", object->place, key);
    return enter(object, get(object, key, optional, "an object"), keys, place);
}

struct p2p_json_object p2p_json_child(const struct p2p_json_object *object, const char *key,
                                      const struct p2p_json_key *keys)
{
    return enter_child(object, key, false, keys);
}

struct p2p_json_object p2p_json_child_or_none(const struct p2p_json_object *object, const char *key,
                                              const struct p2p_json_key *keys)
{
    return enter_child(object, key, true, keys);
}

size_t p2p_json_array_length(const struct p2p_json_object *object, const char *key, struct p2p_json_range lengths)
{
    char expected[TEXT_BYTES];

    snprintf(expected, sizeof expected, "an array of %" PRIu64 " to %" PRIu64 " objects", lengths.min, lengths.max);
    return array_length(object, key, lengths, expected);
}

struct p2p_json_object p2p_json_element(const struct p2p_json_object *object, const char *key, size_t index,
                                        const struct p2p_json_key *keys)
{
    char place[TEXT_BYTES];

    snprintf(place, sizeof place, "%s.%s[%zu]", object->place, key, index);
    return enter(object, json_array_get(get(object, key, true, ""), index), keys, place);
}

/* ---- Values to choose from ---- */

size_t p2p_json_values(const struct p2p_json_object *object, const char *key, struct p2p_json_range lengths)
{
    const json_t *array = json_object_get(object->json, key);
    char expected[TEXT_BYTES];
    size_t count;

    snprintf(expected, sizeof expected,
             "an array of %" PRIu64 " to %" PRIu64 " strings or integers, none of them twice", lengths.min,
             lengths.max);
    count = array_length(object, key, lengths, expected);
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(array, i);
        bool twice = false;

        for (size_t j = 0; j < i; j++) {
            twice = twice || json_equal(json_array_get(array, j), value);
        }
        if (twice || (!json_is_string(value) && !json_is_integer(value))) {
            refuse_value(object, key, expected, value);
        }
    }
    return count;
}

struct p2p_json_object p2p_json_pick(const struct p2p_json_object *object, const size_t *indices)
{
    struct p2p_json_file *file = object->file;
    struct p2p_json_object picked = *object;
    const char *key;
    json_t *array;

    picked.json = NULL;
    if (object->json == NULL || p2p_json_file_code(file) != P2P_OK) {
        return picked;
    }
    picked.json = json_object();
    file->picked = file->picked == NULL ? json_array() : file->picked;
    if (json_array_append_new(file->picked, picked.json) != 0) {
        fail_memory(file);
        picked.json = NULL;
        return picked;
    }
    json_object_foreach(object->json, key, array)
    {
        if (json_object_set(picked.json, key, json_array_get(array, *indices++)) != 0) {
            fail_memory(file);
        }
    }
    return picked;
}

size_t p2p_json_index_in(const struct p2p_json_object *object, const char *key, const struct p2p_json_object *arrays)
{
    const json_t *value = json_object_get(object->json, key), *array = json_object_get(arrays->json, key);
    char expected[TEXT_BYTES];

    for (size_t i = 0; i < json_array_size(array); i++) {
        if (json_equal(json_array_get(array, i), value)) {
            return i;
        }
    }
    snprintf(expected, sizeof expected, "one of the values of %s.%s", arrays->place, key);
    p2p_json_refuse_value(object, key, expected);
    return 0;
}

void p2p_json_text(const struct p2p_json_object *object, const char *key, char *text, size_t size)
{
    const json_t *value = json_object_get(object->json, key);

    if (json_is_integer(value)) {
        snprintf(text, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else {
        snprintf(text, size, "%s", json_is_string(value) ? json_string_value(value) : "");
    }
}

/* ---- The file ---- */

static void check_schema(const struct p2p_json_object *root, const char *schema)
{
    static const char *const kinds[] = {"plan", "bench", "result", "boot", "calibration", "xen"};
    char expected[TEXT_BYTES];
    const json_t *value;
    const char *found;

    snprintf(expected, sizeof expected, "\"%s\"", schema);
    value = get(root, "schema", false, expected);
    found = json_is_string(value) ? json_string_value(value) : "";
    if (value == NULL || strcmp(found, schema) == 0) {
        return;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strncmp(found, "pin2pin.", 8) == 0 && strcmp(found + 8, kinds[i]) == 0) {
            p2p_json_refuse(root, "schema", "expected %s, but this is a %s file (\"%s\")", expected, kinds[i], found);
        }
    }
    refuse_value(root, "schema", expected, value);
}

static void check_version(const struct p2p_json_object *root, uint64_t version)
{
    char expected[TEXT_BYTES];
    const json_t *value;

    snprintf(expected, sizeof expected, "the integer %" PRIu64, version);
    value = get(root, "version", false, expected);
    if (value == NULL || (json_is_integer(value) && json_integer_value(value) == (json_int_t)version)) {
        return;
    }
    if (json_is_integer(value) && json_integer_value(value) > (json_int_t)version) {
        p2p_json_refuse(root, "version", "expected %s, found %" JSON_INTEGER_FORMAT ": use a newer pin2pin", expected,
                        json_integer_value(value));
    }
    refuse_value(root, "version", expected, value);
}

struct p2p_json_object p2p_json_root(struct p2p_json_file *file, const char *schema, uint64_t version,
                                     const struct p2p_json_key *keys)
{
    struct p2p_json_object root = {.file = file, .keys = keys, .place = "$"};

    /* Before the keys: for a file of another kind or time each of its keys would look like a mistake. */
    if (json_is_object(file->root)) {
        root.json = file->root;
        check_schema(&root, schema);
        check_version(&root, version);
    }
    return enter(&root, file->root, keys, "$");
}

static char *folder_of(const char *path, struct p2p_error *error)
{
    char *copy = strdup(path);
    char *folder = copy == NULL ? NULL : realpath(dirname(copy), NULL);

    if (folder == NULL) {
        p2p_error_set_errno(error, errno == ENOMEM ? P2P_E_HOST : P2P_E_INPUT, errno, "%s: cannot find its folder",
                            path);
    }
    free(copy);
    return folder;
}

static json_t *parse(const char *path, const char *data, size_t size, struct p2p_error *error)
{
    json_error_t problem;
    json_t *root = json_loadb(data, size, JSON_REJECT_DUPLICATES, &problem);

    /* Out of memory often leaves jansson without words. */
    if (root == NULL && (json_error_code(&problem) == json_error_out_of_memory || problem.text[0] == '\0')) {
        p2p_error_set(error, P2P_E_HOST, "%s: out of memory", path);
    } else if (root == NULL) {
        for (char *at = problem.text; *at != '\0'; at++) {
            if (*at < ' ' || *at > '~') {
                *at = '?'; /* it quotes the file: see show() */
            }
        }
        p2p_error_set(error, P2P_E_INPUT, "%s:%d:%d: %s", path, problem.line, problem.column, problem.text);
    }
    return root;
}

struct p2p_json_file *p2p_json_file_load(const char *path, struct p2p_error *error)
{
    return p2p_json_file_load_long(path, FILE_BYTES_MAX, error);
}

struct p2p_json_file *p2p_json_file_load_long(const char *path, size_t limit, struct p2p_error *error)
{
    struct p2p_json_file *file = calloc(1, sizeof *file);
    struct p2p_json_file *loaded = NULL;
    char *data = NULL;
    size_t size = 0;

    if (file == NULL || (file->path = strdup(path)) == NULL) {
        p2p_error_set(error, P2P_E_HOST, "%s: out of memory", path);
        goto out;
    }
    file->error = error;
    if (p2p_read_file(path, limit, &data, &size, error) != P2P_OK) {
        goto out;
    }
    file->folder = folder_of(path, error);
    file->root = file->folder == NULL ? NULL : parse(path, data, size, error);
    if (file->root != NULL) {
        loaded = file;
        file = NULL;
    }
out:
    free(data);
    p2p_json_file_free(file);
    return loaded;
}

void p2p_json_file_free(struct p2p_json_file *file)
{
    if (file != NULL) {
        json_decref(file->root);
        json_decref(file->picked);
        free(file->folder);
        free(file->path);
        free(file);
    }
}

enum p2p_code p2p_json_file_code(const struct p2p_json_file *file)
{
    return file->error->code;
}
