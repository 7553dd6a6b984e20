/* SPDX-License-Identifier: MIT */
/* Texts that may quote a damaged file, or are cut in the middle of a character, for formats that refuse such bytes. */
#ifndef P2P_REPORTS_PLAIN_H
#define P2P_REPORTS_PLAIN_H

/* What is not printable ASCII becomes '?', as in result.json. */
static inline char p2p_plain_character(char character)
{
    if (character < ' ' || character > '~') {
        character = '?';
    }
    return character;
}

#endif
