# kantor_add_emulated_kernels(<target> <sources>): an object library of .cu files compiled by g++ for the emulated device
# (runtime/cuda/emulator). -fsanitize=thread makes the compiler call a function at each load and store; the emulator's
# checker is what it calls, so nothing is linked with the real thread sanitizer.
function(kantor_add_emulated_kernels target)
  set_source_files_properties(${ARGN} PROPERTIES LANGUAGE CXX)
  add_library(${target} OBJECT ${ARGN})
  target_link_libraries(${target} PRIVATE kantor_flags)
  target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/include)
  target_compile_options(${target} PRIVATE -O2 -fsanitize=thread --param tsan-instrument-func-entry-exit=0
                         -Wno-unknown-pragmas)
endfunction()
