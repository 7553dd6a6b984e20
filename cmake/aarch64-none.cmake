# SPDX-License-Identifier: MIT
# Toolchain of the bare-metal guest stub. Debian's Linux cross compiler does: nothing of its libc is linked.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_ASM_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_OBJCOPY aarch64-linux-gnu-objcopy)
# CMake's trial program would want a libc.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
