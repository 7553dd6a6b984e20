# SPDX-License-Identifier: MIT
# Every library comes from the distribution; `./lab setup` installs what is missing.
find_package(PkgConfig REQUIRED)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson>=2.13)
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka>=1.1.5)
pkg_check_modules(FTDI REQUIRED IMPORTED_TARGET libftdi1>=1.5)
pkg_check_modules(USB REQUIRED IMPORTED_TARGET libusb-1.0>=1.0.24)
pkg_check_modules(SERIALPORT REQUIRED IMPORTED_TARGET libserialport>=0.1.1)
pkg_check_modules(GPIOD REQUIRED IMPORTED_TARGET libgpiod>=2.0)
find_package(ZLIB REQUIRED)

# libfdt ships no .pc file on Debian 12.
find_path(LIBFDT_INCLUDE_DIR libfdt.h REQUIRED)
find_library(LIBFDT_LIBRARY fdt REQUIRED)
add_library(p2p_libfdt INTERFACE)
target_include_directories(p2p_libfdt SYSTEM INTERFACE ${LIBFDT_INCLUDE_DIR})
target_link_libraries(p2p_libfdt INTERFACE ${LIBFDT_LIBRARY})
