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

# kantor_check_kernels(<target> <sources>): where nvcc is found, compiles the same sources for a GPU: warnings are errors,
# and so are spilled registers. KANTOR_CUDA_ARCHITECTURES says for which ones.
set(KANTOR_CUDA_ARCHITECTURES 90 CACHE STRING "Compute capabilities that kernels are compiled for, e.g. 80;90;100")
find_program(KANTOR_NVCC nvcc HINTS ENV CUDA_PATH /usr/local/cuda PATH_SUFFIXES bin DOC "The CUDA compiler")
function(kantor_check_kernels target)
  if(NOT KANTOR_NVCC)
    message(STATUS "No nvcc: CUDA kernels are compiled for the emulated device only")
    return()
  endif()
  string(REPLACE ";" ":" architectures "${KANTOR_CUDA_ARCHITECTURES}")
  set(logs)
  foreach(source IN LISTS ARGN)
    get_filename_component(source ${source} ABSOLUTE)
    get_filename_component(name ${source} NAME_WE)
    set(log ${CMAKE_CURRENT_BINARY_DIR}/${name}.registers.txt)
    file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/ops/*.h ${CMAKE_SOURCE_DIR}/runtime/*.h)
    add_custom_command(
      OUTPUT ${log}
      COMMAND ${CMAKE_COMMAND} -DNVCC=${KANTOR_NVCC} -DSOURCE=${source} -DARCHITECTURES=${architectures}
              -DINCLUDES=${CMAKE_SOURCE_DIR}:${CMAKE_SOURCE_DIR}/include -DLOG=${log}
              -P ${CMAKE_SOURCE_DIR}/../cmake/CheckKernels.cmake
      DEPENDS ${source} ${headers} ${CMAKE_SOURCE_DIR}/../cmake/CheckKernels.cmake
      COMMENT "Compiling ${name}.cu with nvcc"
      VERBATIM)
    list(APPEND logs ${log})
  endforeach()
  add_custom_target(${target} ALL DEPENDS ${logs})
endfunction()
