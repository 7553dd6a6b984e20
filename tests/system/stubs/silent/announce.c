/* SPDX-License-Identifier: MIT */
/* Faulty on purpose: answers, but never says READY. */
#include "core/variant.h"

void announce(const struct stub *stub)
{
    (void)stub;
}
