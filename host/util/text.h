/* SPDX-License-Identifier: MIT */
/* Text of others for our user's terminal. */
#ifndef P2P_UTIL_TEXT_H
#define P2P_UTIL_TEXT_H

/*
 * Makes visible, in place, what a terminal would obey and JSON would refuse: a line break becomes "|", a tab " ", each
 * byte of other control characters (also of those above U+0080) and of what is no UTF-8 "?".
 */
void p2p_make_printable(char *text);

#endif
