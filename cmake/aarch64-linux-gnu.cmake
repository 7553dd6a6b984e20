# SPDX-License-Identifier: MIT
# Toolchain of an arm64 pin2pin: Debian's cross compiler, and all libraries from P2P_ARM64_ROOT.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

set(P2P_ARM64_ROOT ${CMAKE_CURRENT_LIST_DIR}/../build/bench-host/root CACHE PATH
    "An arm64 Debian, as ./lab setup unpacks it")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES P2P_ARM64_ROOT)
get_filename_component(CMAKE_SYSROOT ${P2P_ARM64_ROOT} REALPATH)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_LIBDIR} ${CMAKE_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${CMAKE_SYSROOT})
