#!/bin/sh
# SPDX-License-Identifier: MIT
# clang-tidy.sh SOURCE BUILD: the product's own C files, rules in .clang-tidy.
set -eu
cd "$1"
git ls-files 'host/*.c' 'reports/*.c' 'fixtures/*.c' 'firmware/protocol/*.c' 'firmware/core/*.c' |
    xargs -P "$(nproc)" -n 4 clang-tidy -p "$2" --quiet
