/* SPDX-License-Identifier: MIT */
/*
 * Strict reading of the JSON files that people write. Every message names the file, the place as a JSON path
 * (`$.configurations[2].xen.image`), what was expected there and what was found.
 *
 * The first mistake is recorded and the file is failed from then on: getters go on to return harmless values
 * and record nothing more. So a loader reads all fields in a row and asks p2p_json_file_code once, at the
 * end.
 */
#ifndef P2P_CONFIG_JSON_READER_H
#define P2P_CONFIG_JSON_READER_H

#include "util/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* JSON readers in other languages keep integers in a double: beyond this they would read another number than
 * we do. */
#define P2P_JSON_INTEGER_MAX ((UINT64_C(1) << 53) - 1)

enum { P2P_JSON_PLACE_BYTES = 128 };

/* A key that an object may have; a table of them ends with {NULL, NULL}. Ask for keys in the table only. */
struct p2p_json_key {
    const char *name;
    const char *meaning; /* told to who left it out */
};

struct p2p_json_range {
    uint64_t min;
    uint64_t max; /* inclusive; at most P2P_JSON_INTEGER_MAX */
};

struct p2p_json_real_range {
    double min;
    double max; /* inclusive */
};

struct p2p_json_file;

/* One object of the file; a plain value, valid as long as the file. The fields are json_reader.c's own. */
struct p2p_json_object {
    struct p2p_json_file *file;
    struct json_t *json; /* NULL: not there or refused, all getters are quiet */
    const struct p2p_json_key *keys;
    char place[P2P_JSON_PLACE_BYTES];
};

/*
 * Reads at most 1 MiB of well-formed JSON without duplicate keys. NULL: see `error`, which is kept for later
 * mistakes and must outlive the file. Free with p2p_json_file_free, which takes all objects and borrowed
 * strings with it.
 */
struct p2p_json_file *p2p_json_file_load(const char *path, struct p2p_error *error);
/* The same for a file that the program writes, which may be longer: at most `limit` bytes. */
struct p2p_json_file *p2p_json_file_load_long(const char *path, size_t limit, struct p2p_error *error);
void p2p_json_file_free(struct p2p_json_file *file);

/* P2P_OK as long as nothing was refused. */
enum p2p_code p2p_json_file_code(const struct p2p_json_file *file);

/* The outermost object; it must say `schema` and `version` of itself. `keys` list these two as well. */
struct p2p_json_object p2p_json_root(struct p2p_json_file *file, const char *schema, uint64_t version,
                                     const struct p2p_json_key *keys);

bool p2p_json_has(const struct p2p_json_object *object, const char *key);

struct p2p_json_object p2p_json_child(const struct p2p_json_object *object, const char *key,
                                      const struct p2p_json_key *keys);
/* May be left out: then every getter on it gives its fallback. */
struct p2p_json_object p2p_json_child_or_none(const struct p2p_json_object *object, const char *key,
                                              const struct p2p_json_key *keys);

/*
 * The name of the key at `index`, in the order of the file; borrowed from it. NULL: no more keys, or the file has
 * failed. An object that was entered with NULL for its keys may have any: each has to be a name, as of p2p_json_name.
 */
const char *p2p_json_key_at(const struct p2p_json_object *object, size_t index);

/*
 * An array of objects: its length, 0 when refused, and its elements. An array that may be empty may be left out, too.
 */
size_t p2p_json_array_length(const struct p2p_json_object *object, const char *key, struct p2p_json_range lengths);
struct p2p_json_object p2p_json_element(const struct p2p_json_object *object, const char *key, size_t index,
                                        const struct p2p_json_key *keys);

/* Getters: without _or the key must be there; with _or `fallback` stands in for it. */
uint64_t p2p_json_integer(const struct p2p_json_object *object, const char *key, struct p2p_json_range range);
uint64_t p2p_json_integer_or(const struct p2p_json_object *object, const char *key, struct p2p_json_range range,
                             uint64_t fallback);
double p2p_json_real(const struct p2p_json_object *object, const char *key);
double p2p_json_real_within(const struct p2p_json_object *object, const char *key, struct p2p_json_real_range range);
double p2p_json_real_or(const struct p2p_json_object *object, const char *key, struct p2p_json_real_range range,
                        double fallback);
/* True if the key is there and says null: a figure that there is none of. */
bool p2p_json_is_null(const struct p2p_json_object *object, const char *key);
/* True if the key is there and has an object: of a key that takes a string, too. */
bool p2p_json_is_object(const struct p2p_json_object *object, const char *key);
bool p2p_json_boolean_or(const struct p2p_json_object *object, const char *key, bool fallback);

/*
 * Borrowed from the file, or `fallback` itself; "" when refused. No control characters; not empty, unless the
 * fallback is empty, too.
 */
const char *p2p_json_string(const struct p2p_json_object *object, const char *key);
const char *p2p_json_string_or(const struct p2p_json_object *object, const char *key, const char *fallback);

/*
 * An array of strings as above; ends with NULL, *count is without it. Free with p2p_json_strings_free. NULL: refused.
 * An array that may be empty may be left out, too.
 */
char **p2p_json_strings(const struct p2p_json_object *object, const char *key, struct p2p_json_range lengths,
                        size_t *count);
void p2p_json_strings_free(char **strings); /* may be NULL */

/* An array of integers likewise, into `values` of lengths.max; returns how many. */
size_t p2p_json_integers(const struct p2p_json_object *object, const char *key, struct p2p_json_range lengths,
                         struct p2p_json_range range, uint64_t *values);

/* Index into `choices`, a table that ends with NULL. */
size_t p2p_json_choice(const struct p2p_json_object *object, const char *key, const char *const *choices);
size_t p2p_json_choice_or(const struct p2p_json_object *object, const char *key, const char *const *choices,
                          size_t fallback);

/* [a-z0-9][a-z0-9._-]*, safe as the name of a folder, in `name` of `size` bytes. */
void p2p_json_name(const struct p2p_json_object *object, const char *key, char *name, size_t size);

/*
 * An array of values to choose from, strings or integers, none of them twice: how many. What they have to be is for the
 * getters to say that read a picked one.
 */
size_t p2p_json_values(const struct p2p_json_object *object, const char *key, struct p2p_json_range lengths);
/*
 * `object`, whose keys are all such arrays, as if each key had one value of its array alone: of the i-th key that with
 * indices[i]. Its getters name the array in their messages. Valid as long as the file.
 */
struct p2p_json_object p2p_json_pick(const struct p2p_json_object *object, const size_t *indices);
/* Which value of the array `key` of `arrays` the `key` of `object` is; 0 when refused, as it is none. */
size_t p2p_json_index_in(const struct p2p_json_object *object, const char *key, const struct p2p_json_object *arrays);
/* A string as it is, an integer in decimal; "" when it is neither. */
void p2p_json_text(const struct p2p_json_object *object, const char *key, char *text, size_t size);

/* Absolute, as relative to the file's folder. It need not exist. free() it; NULL when refused. */
char *p2p_json_path(const struct p2p_json_object *object, const char *key);

/* strdup that fails the file when out of memory. */
char *p2p_json_copy(const struct p2p_json_object *object, const char *text);
/* calloc likewise; NULL without a word for a file that has failed. */
void *p2p_json_allocate(const struct p2p_json_object *object, size_t count, size_t size);

/* Records a mistake in the value of `key`, for rules that only the caller knows. */
void p2p_json_refuse(const struct p2p_json_object *object, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Fails the file with what went wrong elsewhere, as it is. */
void p2p_json_fail(const struct p2p_json_object *object, const struct p2p_error *cause);
/* As the first, with the words "expected `expected`, found `the value as it is`". */
void p2p_json_refuse_value(const struct p2p_json_object *object, const char *key, const char *expected);

#endif
