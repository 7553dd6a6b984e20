#!/bin/sh
# SPDX-License-Identifier: MIT
set -eu
cd "$1"
git ls-files lab .ci/run fixtures/xen/build '*.sh' | xargs shellcheck --external-sources --severity=warning
