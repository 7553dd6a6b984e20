#!/bin/sh
# SPDX-License-Identifier: MIT
# cppcheck.sh SOURCE BUILD: the product's own C files; the stub's too, with the sizes of AArch64.
set -eu
cd "$1"
check() {
    cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr --enable=warning,performance,portability \
        --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches -j "$(nproc)" "$@"
}
# shellcheck disable=SC2046 # no file of ours has blanks in its name
check -Ihost -I. -D_GNU_SOURCE -DSYS_CLK_HZ=125000000 '-DP2P_VERSION="0"' $(git ls-files 'host/*.c' 'reports/*.c' 'fixtures/*.c' 'firmware/*.c')
# shellcheck disable=SC2046
check --platform=unix64 -Iguest-stub -Iguest-stub/core/normal '-DP2P_VERSION="0"' $(git ls-files 'guest-stub/*.c' | grep -v tests/)
echo "cppcheck: clean"
