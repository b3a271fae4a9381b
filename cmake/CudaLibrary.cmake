# The CUDA back-end's library, libkantor_cuda.so. The core opens it where a driver answers (runtime/cuda_loader.h), so a
# build without it, and a machine without a GPU, lack nothing.
#
#   KANTOR_CUDA                 whether it belongs to the build and the installation: ON, OFF, or AUTO, where nvcc is found and
#                               this machine has a driver. The environment variable of that name sets it.
#   KANTOR_CUDA_ARCHITECTURES   compute capabilities to compile for, e.g. 80;90. "native": those of this machine's GPUs, "all":
#                               80, 90 and 100, and PTX for those to come: what is shipped. "auto": native where there is a
#                               driver, else 90. The environment variable of that name sets it.
#   KANTOR_NVCC                 the compiler
#
# Where the tests are built and nvcc is found it is compiled whatever KANTOR_CUDA says (other than OFF): a kernel that nvcc
# does not take, or that spills registers, is an error of the build on machines without a GPU too.
set(KANTOR_CUDA AUTO CACHE STRING "Build libkantor_cuda.so: ON, OFF, AUTO (where there are nvcc and a driver)")
set(KANTOR_CUDA_ARCHITECTURES auto CACHE STRING "Compute capabilities of GPUs, e.g. 80;90, or native, all, auto")
foreach(name KANTOR_CUDA KANTOR_CUDA_ARCHITECTURES)
  if(NOT "$ENV{${name}}" STREQUAL "")
    get_property(text CACHE ${name} PROPERTY HELPSTRING)
    set(${name} "$ENV{${name}}" CACHE STRING "${text}" FORCE)
  endif()
endforeach()
find_program(KANTOR_NVCC nvcc HINTS ENV CUDA_PATH ENV CUDA_HOME /usr/local/cuda PATH_SUFFIXES bin DOC "The CUDA compiler")

if(KANTOR_NVCC)
  get_filename_component(cuda_root ${KANTOR_NVCC} REALPATH)
  get_filename_component(cuda_root ${cuda_root} DIRECTORY)
  get_filename_component(cuda_root ${cuda_root} DIRECTORY)
  find_library(KANTOR_CUDART libcudart_static.a HINTS ${cuda_root} PATH_SUFFIXES lib64 lib targets/x86_64-linux/lib
               targets/sbsa-linux/lib DOC "The CUDA runtime, to be linked in")
  set(kantor_cuda_headers ${cuda_root}/include)
endif()

set(kantor_has_driver FALSE)
if(EXISTS /proc/driver/nvidia/version OR EXISTS /dev/dxg)
  set(kantor_has_driver TRUE)
endif()

set(kantor_wants_cuda FALSE) # part of the installation
set(kantor_compiles_cuda FALSE)
if(KANTOR_CUDA AND NOT KANTOR_CUDA STREQUAL "AUTO")
  if(NOT KANTOR_NVCC OR NOT KANTOR_CUDART)
    message(FATAL_ERROR "KANTOR_CUDA is ${KANTOR_CUDA}, but there is no nvcc with libcudart_static.a: install the CUDA "
                        "toolkit (12.8 or later) and set CUDA_PATH to its folder, or set KANTOR_CUDA to OFF")
  endif()
  set(kantor_wants_cuda TRUE)
  set(kantor_compiles_cuda TRUE)
elseif(KANTOR_CUDA AND KANTOR_NVCC AND KANTOR_CUDART)
  set(kantor_wants_cuda ${kantor_has_driver})
  if(KANTOR_BUILD_TESTS OR kantor_has_driver)
    set(kantor_compiles_cuda TRUE)
  endif()
elseif(KANTOR_CUDA AND kantor_has_driver)
  message(STATUS "This machine has an NVIDIA driver but no nvcc: without libkantor_cuda.so Kantor runs on the CPU")
endif()

# kantor_cuda_targets(<numbers> <ptx>): what KANTOR_CUDA_ARCHITECTURES means.
function(kantor_cuda_targets numbers ptx)
  set(wanted "${KANTOR_CUDA_ARCHITECTURES}")
  if(wanted STREQUAL "auto")
    if(kantor_has_driver)
      set(wanted native)
    else()
      set(wanted 90)
    endif()
  endif()
  set(${ptx} "" PARENT_SCOPE)
  if(wanted STREQUAL "all")
    set(wanted 80 90 100)
    set(${ptx} 100 PARENT_SCOPE)
  elseif(wanted STREQUAL "native")
    execute_process(COMMAND nvidia-smi --query-gpu=compute_cap --format=csv,noheader OUTPUT_VARIABLE said ERROR_QUIET
                    RESULT_VARIABLE status)
    string(REGEX MATCHALL "[0-9]+\\.[0-9]" found "${said}")
    if(status EQUAL 0 AND found)
      list(REMOVE_DUPLICATES found)
      list(TRANSFORM found REPLACE "\\." "")
      set(wanted ${found})
    elseif(KANTOR_CUDA_ARCHITECTURES STREQUAL "auto") # a driver's traces in a container that has no GPU
      set(wanted 90)
    else()
      message(FATAL_ERROR "nvidia-smi names no GPU; set KANTOR_CUDA_ARCHITECTURES to the compute capabilities to compile "
                          "for, e.g. 90, or to all")
    endif()
  endif()
  set(${numbers} ${wanted} PARENT_SCOPE)
endfunction()

# kantor_use_cuda_runtime(<target>): compiles its C++ sources as host code for CUDA's own runtime, and links that in.
function(kantor_use_cuda_runtime target)
  target_compile_definitions(${target} PRIVATE KANTOR_CUDA_HOST)
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/include)
  target_include_directories(${target} SYSTEM PRIVATE ${kantor_cuda_headers})
  target_link_libraries(${target} PRIVATE kantor_flags ${KANTOR_CUDART} Threads::Threads ${CMAKE_DL_LIBS} rt)
  target_link_options(${target} PRIVATE -Wl,--exclude-libs,ALL,--as-needed)
endfunction()

# kantor_compile_cuda(<prefix> <sources>): sets <prefix>_OBJECTS.
function(kantor_compile_cuda prefix)
  kantor_cuda_targets(numbers ptx)
  list(JOIN numbers ":" numbers)
  set(objects)
  foreach(source IN LISTS ARGN)
    get_filename_component(source ${source} ABSOLUTE)
    get_filename_component(name ${source} NAME)
    set(to ${CMAKE_CURRENT_BINARY_DIR}/cuda/${name})
    add_custom_command(
      OUTPUT ${to}.o
      BYPRODUCTS ${to}.registers.txt
      COMMAND ${CMAKE_COMMAND} -DNVCC=${KANTOR_NVCC} -DSOURCE=${source} -DARCHITECTURES=${numbers} -DPTX=${ptx}
              -DINCLUDES=${CMAKE_SOURCE_DIR}:${CMAKE_SOURCE_DIR}/include -DOBJECT=${to}.o -DDEPENDENCIES=${to}.d
              -DLOG=${to}.registers.txt -DLAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER}
              -P ${CMAKE_SOURCE_DIR}/../cmake/CompileCuda.cmake
      DEPENDS ${source} ${CMAKE_SOURCE_DIR}/../cmake/CompileCuda.cmake
      DEPFILE ${to}.d
      COMMENT "Compiling ${name} with nvcc"
      VERBATIM)
    list(APPEND objects ${to}.o)
  endforeach()
  file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/cuda)
  set_source_files_properties(${objects} PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
  set(${prefix}_OBJECTS ${objects} PARENT_SCOPE)
endfunction()
