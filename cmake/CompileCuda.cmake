# cmake -DNVCC=... -DSOURCE=x.cu -DARCHITECTURES=80:90 -DPTX=90 -DINCLUDES=a:b -DOBJECT=x.o -DDEPENDENCIES=x.d -DLOG=x.txt
#       [-DLAUNCHER=ccache] -P CompileCuda.cmake
#
# Compiles SOURCE with nvcc, warnings being errors, and fails where a kernel spills registers. LOG gets a line a kernel.
# -fmad=false is nvcc's -ffp-contract=off: a product and a sum become one instruction where the code says fmaf and nowhere
# else, so that what is written once gives one result on the CPU, the emulated device and the GPU.
string(REPLACE ":" ";" includes "${INCLUDES}")
list(TRANSFORM includes PREPEND -I)
string(REPLACE ":" ";" architectures "${ARCHITECTURES}")
set(targets)
foreach(architecture IN LISTS architectures)
  list(APPEND targets -gencode arch=compute_${architecture},code=sm_${architecture})
endforeach()
if(PTX)
  list(APPEND targets -gencode arch=compute_${PTX},code=compute_${PTX})
endif()
execute_process(
  COMMAND ${LAUNCHER} ${NVCC} -x cu -std=c++20 -O2 ${targets} -Werror all-warnings
          -Xcompiler -Wall,-Wextra,-fPIC,-fvisibility=hidden,-fno-math-errno,-ffp-contract=off -fmad=false -Xptxas -v
          ${includes} -MD -MF ${DEPENDENCIES} -MT ${OBJECT} -c -o ${OBJECT} ${SOURCE}
  RESULT_VARIABLE status OUTPUT_VARIABLE out ERROR_VARIABLE report)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${SOURCE} does not compile for ${ARCHITECTURES}:\n${out}${report}")
endif()
string(REGEX MATCHALL "for 'sm_[0-9]+'|[0-9]+ bytes spill stores|Function properties for [^\n]+|Used [0-9]+ registers[^\n]*"
       facts "${report}")
set(lines)
set(kernel "?")
set(architecture "?")
foreach(fact IN LISTS facts)
  if(fact MATCHES "for '(sm_[0-9]+)'")
    set(architecture ${CMAKE_MATCH_1})
  elseif(fact MATCHES "Function properties for (.+)")
    set(kernel ${CMAKE_MATCH_1})
  elseif(fact MATCHES "([0-9]+) bytes spill stores" AND NOT CMAKE_MATCH_1 EQUAL 0)
    file(REMOVE ${OBJECT})
    message(FATAL_ERROR "${SOURCE}, ${architecture}: ${kernel} spills ${CMAKE_MATCH_1} bytes:\n${report}")
  elseif(fact MATCHES "Used ([0-9]+) registers")
    list(APPEND lines "${architecture} ${kernel}: ${fact}")
  endif()
endforeach()
list(JOIN lines "\n" text)
file(WRITE ${LOG} "${text}\n")
