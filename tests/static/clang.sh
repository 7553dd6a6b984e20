#!/bin/sh
# SPDX-License-Identifier: MIT
# clang.sh SOURCE BUILD: the whole tree with clang, warnings as errors.
set -eu
cmake -S "$1" -B "$2" -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=RelWithDebInfo -DP2P_FUZZERS=ON -DP2P_CROSS=OFF
cmake --build "$2"
