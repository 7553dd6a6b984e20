# SPDX-License-Identifier: MIT
include_guard(DIRECTORY)
set(P2P_XEN_DIR ${CMAKE_SOURCE_DIR}/build/xen CACHE PATH "Folder that holds 4.17/xen and 4.20/xen")

# p2p_program_test(KIND FILE TIMEOUT_S): a Python program that tests the whole of pin2pin, with the help of bench.py.
# By Debian's own interpreter, for python3-jsonschema; -B keeps __pycache__ out of the tree.
function(p2p_program_test kind file timeout_s)
    string(REGEX REPLACE "^test_(.*)\\.py$" "${kind}.\\1" name ${file})
    add_test(NAME ${name} COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_SOURCE_DIR}/${file})
    set_tests_properties(${name} PROPERTIES LABELS ${kind} TIMEOUT ${timeout_s})
    set_property(TEST ${name} PROPERTY ENVIRONMENT
        PYTHONPATH=${CMAKE_SOURCE_DIR}/tests/system
        P2P_SOURCE=${CMAKE_SOURCE_DIR}
        PIN2PIN=$<TARGET_FILE:pin2pin>
        STUBS=${CMAKE_BINARY_DIR}/guest-stub
        WIRES=$<TARGET_FILE:wires>
        XEN=${P2P_XEN_DIR}
        PROBE_RUNNER=${CMAKE_SOURCE_DIR}/fixtures/virtual-probe/main.js
        PROBE_IMAGE=${CMAKE_BINARY_DIR}/firmware/pin2pin-probe.bin)
endfunction()
