# SPDX-License-Identifier: MIT
# Flags and the two kinds of target this tree is made of.

set(P2P_WARNINGS
    -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes
    -Wmissing-prototypes -Wcast-qual -Wundef -Wvla -Wformat=2 -Wswitch-enum -Wpointer-arith)
set(P2P_SANITIZE -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)

function(p2p_c_options target)
    target_compile_options(${target} PRIVATE ${P2P_WARNINGS})
    target_compile_definitions(${target} PRIVATE _GNU_SOURCE P2P_VERSION="${PROJECT_VERSION}")
    set_target_properties(${target} PROPERTIES C_STANDARD 17 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
endfunction()

# p2p_library(NAME SOURCES a.c b.c [NEEDS util stats] [LINK PkgConfig::X])
# makes p2p_NAME for the product and p2p_NAME_san, its twin under ASan and UBSan, for the tests.
function(p2p_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;NEEDS;LINK" ${ARGN})
    foreach(suffix "" "_san")
        set(target p2p_${name}${suffix})
        add_library(${target} STATIC ${ARG_SOURCES})
        p2p_c_options(${target})
        target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR}/host ${CMAKE_SOURCE_DIR})
        foreach(need ${ARG_NEEDS})
            target_link_libraries(${target} PUBLIC p2p_${need}${suffix})
        endforeach()
        target_link_libraries(${target} PUBLIC ${ARG_LINK})
        if(suffix)
            target_compile_options(${target} PUBLIC ${P2P_SANITIZE} -UNDEBUG)
            target_link_options(${target} PUBLIC ${P2P_SANITIZE})
        endif()
    endforeach()
endfunction()

# p2p_unit_test(NAME SOURCES test_x.c NEEDS stats util [WRAP malloc write] [DEFINES A=B])
# A cmocka program under ASan and UBSan; WRAP lists the functions it replaces at link time.
function(p2p_unit_test name)
    cmake_parse_arguments(ARG "" "" "SOURCES;NEEDS;WRAP;DEFINES" ${ARGN})
    set(target unit_${name})
    add_executable(${target} ${ARG_SOURCES})
    p2p_c_options(${target})
    target_compile_definitions(${target} PRIVATE ${ARG_DEFINES} P2P_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    foreach(need ${ARG_NEEDS})
        target_link_libraries(${target} PRIVATE p2p_${need}_san)
    endforeach()
    target_link_libraries(${target} PRIVATE PkgConfig::CMOCKA)
    foreach(function_name ${ARG_WRAP})
        target_link_options(${target} PRIVATE -Wl,--wrap=${function_name})
    endforeach()
    add_test(NAME unit.${name} COMMAND ${target})
    set_tests_properties(unit.${name} PROPERTIES LABELS unit TIMEOUT 120)
endfunction()
