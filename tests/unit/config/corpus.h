/* SPDX-License-Identifier: MIT */
/* Files as test data: good/KIND/ must load; each NAME.json in bad/KIND/ must be refused in the words of
 * NAME.expected. */
#ifndef P2P_TESTS_CONFIG_CORPUS_H
#define P2P_TESTS_CONFIG_CORPUS_H

#include "util/error.h"

#include <stddef.h>

struct corpus_loader {
    const char *kind; /* "plan", "bench" */
    void *(*load)(const char *path, struct p2p_error *error);
    void (*free)(void *loaded);
};

/* Both fail the running cmocka test at the end if a file did not do as it must, and return the number of
 * files. */
size_t corpus_check_good(const struct corpus_loader *loader);
size_t corpus_check_bad(const struct corpus_loader *loader);

/* Every beginning of the file at `path` but the whole is refused, with line and column. */
void corpus_check_truncated(const struct corpus_loader *loader, const char *path);

#endif
