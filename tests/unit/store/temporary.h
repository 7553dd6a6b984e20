/* SPDX-License-Identifier: MIT */
/* Folders for one test. Everything here ends the running test if it can't be done. */
#ifndef P2P_TESTS_STORE_TEMPORARY_H
#define P2P_TESTS_STORE_TEMPORARY_H

/* A fresh, empty folder; give it to temporary_remove. */
char *temporary_folder(void);
/* With all that is in it; frees the name. */
void temporary_remove(char *folder);

/* Copies what is in `from` (folders, too) into `to`. */
void temporary_copy(const char *from, const char *to);
void temporary_write(const char *folder, const char *name, const char *text);
/* `name` may be a folder with contents. */
void temporary_delete(const char *folder, const char *name);

#endif
