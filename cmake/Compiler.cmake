# Flags of every native target. Floating point is left as written: products and sums are contracted only where the
# code says fma, so that one instruction set gives one result whatever the optimiser does.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O3 -g1")

add_library(kantor_flags INTERFACE)
target_compile_options(kantor_flags INTERFACE -Wall -Wextra -Werror -Wno-psabi -fno-math-errno -ffp-contract=off)

set(KANTOR_SANITIZE "" CACHE STRING "Sanitizers to build with, e.g. address,undefined or thread")
if(KANTOR_SANITIZE)
  target_compile_options(kantor_flags INTERFACE -fsanitize=${KANTOR_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(kantor_flags INTERFACE -fsanitize=${KANTOR_SANITIZE})
endif()
