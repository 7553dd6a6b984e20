/* SPDX-License-Identifier: MIT */
#ifndef P2P_TESTS_DOCTOR_FINDING_ASSERTS_H
#define P2P_TESTS_DOCTOR_FINDING_ASSERTS_H

#include "doctor/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* `says` is a part of the message, `cure` of the cure. */
static inline void assert_finding(const struct p2p_finding *finding, enum p2p_finding_status status, const char *says,
                                  const char *cure)
{
    if (finding->status != status || strstr(finding->message, says) == NULL || strstr(finding->cure, cure) == NULL) {
        fail_msg("expected %s, \"%s\", \"%s\"; found %s, \"%s\", \"%s\"", p2p_finding_status_name(status), says, cure,
                 p2p_finding_status_name(finding->status), finding->message, finding->cure);
    }
    assert_int_equal(finding->cure[0] != '\0', status == P2P_FINDING_WARNING || status == P2P_FINDING_FAILED);
}

/* What `check` says now. */
static inline void assert_check(p2p_check_fn *check, struct p2p_examination *examination,
                                enum p2p_finding_status status, const char *says, const char *cure)
{
    struct p2p_finding finding = {.name = "it"};

    check(examination, &finding);
    assert_finding(&finding, status, says, cure);
}

#endif
