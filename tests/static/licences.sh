#!/bin/sh
# SPDX-License-Identifier: MIT
# Every source says its licence; GPL stands only where QEMU is called into.
set -eu
cd "$1"
status=0
for file in $(git ls-files '*.c' '*.h' '*.S' '*.inc' '*.lds' '*.py' '*.js' '*.pio' '*.sh' '*.cmake' 'CMakeLists.txt' lab .ci/run fixtures/xen/build); do
    [ -f "$file" ] || continue
    case "$file" in
    fixtures/virtual-board/*) want=GPL-2.0-or-later ;;
    *) want=MIT ;;
    esac
    if ! head -n 3 "$file" | grep -q "SPDX-License-Identifier: $want"; then
        echo "$file: expected SPDX-License-Identifier: $want in its first three lines"
        status=1
    fi
done
exit $status
