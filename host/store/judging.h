/* SPDX-License-Identifier: MIT */
/*
 * Verdicts from what stands in a result, and from nothing else: the same for a run, for its report years later, and for
 * the gate, which reads a file that may have been edited.
 */
#ifndef P2P_STORE_JUDGING_H
#define P2P_STORE_JUDGING_H

#include "store/result.h"

/*
 * Adds its findings to each configuration's judgement and to its confirmation's, which hold what the caller knows
 * besides (faults of boots) or are zero, and makes all that is derived from figures: exceedance bounds, ratios, the
 * verdict of the whole. Limits relative to another configuration are judged when all are known. False: out of memory.
 */
bool p2p_result_judge(struct p2p_result *result);

/*
 * Judges a result that was read from a file. The file's verdicts stand unless its own figures say worse: that is a
 * BENCH FAULT, for one of the two is wrong. False: out of memory.
 */
bool p2p_result_judge_again(struct p2p_result *result);

#endif
