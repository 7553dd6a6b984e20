#!/bin/sh
# SPDX-License-Identifier: MIT
# virtual-bench.sh PIN2PIN PLAN: prints samples per second and peak memory on the virtual bench; fails nothing.
# Wall-clock figures belong to this machine and its load; memory does not.
set -eu
pin2pin=$1
plan=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

measure() { # CONFIGURATION SAMPLES
    /usr/bin/env time -f '%e %M' -o "$work/time" "$pin2pin" run -q --only "$1" --samples "$2" --boots 1 -o "$work/run" \
        "$plan" >"$work/out"
    read -r seconds kib <"$work/time"
    awk -v name="$1" -v n="$2" -v s="$seconds" -v k="$kib" \
        'BEGIN { printf "%-22s %8d samples %7.1f s %7.0f samples/s %6d KiB peak\n", name, n, s, n / s, k }'
    rm -rf "$work/run"
}

measure native 10000
measure native 100000
measure native 1000000
measure xen-4.17-vwfi-trap 100000
measure xen-4.17-vwfi-native 100000
measure xen-4.20-vwfi-trap 100000
measure xen-4.20-vwfi-native 100000
