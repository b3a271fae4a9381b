# cmake -DNVCC=... -DSOURCE=x.cu -DARCHITECTURES=90 -DINCLUDES=a:b -DLOG=x.log -P CheckKernels.cmake
#
# Compiles SOURCE with nvcc, warnings being errors, and fails where a kernel spills registers. LOG gets a line a kernel.
string(REPLACE ":" ";" includes "${INCLUDES}")
list(TRANSFORM includes PREPEND -I)
string(REPLACE ":" ";" architectures "${ARCHITECTURES}")
set(lines)
foreach(architecture IN LISTS architectures)
  execute_process(
    COMMAND ${NVCC} -std=c++20 -O3 -gencode arch=compute_${architecture},code=sm_${architecture} -Werror all-warnings
            -Xcompiler -Wall,-Wextra -fmad=false -Xptxas -v ${includes} -cubin -o ${LOG}.cubin ${SOURCE}
    RESULT_VARIABLE status OUTPUT_VARIABLE out ERROR_VARIABLE report)
  file(REMOVE ${LOG}.cubin)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${SOURCE} does not compile for sm_${architecture}:\n${out}${report}")
  endif()
  string(REGEX MATCHALL "[0-9]+ bytes spill stores|Function properties for [^\n]+|Used [0-9]+ registers[^\n]*"
         facts "${report}")
  set(kernel "?")
  foreach(fact IN LISTS facts)
    if(fact MATCHES "Function properties for (.+)")
      set(kernel ${CMAKE_MATCH_1})
    elseif(fact MATCHES "([0-9]+) bytes spill stores" AND NOT CMAKE_MATCH_1 EQUAL 0)
      message(FATAL_ERROR "${SOURCE}, sm_${architecture}: ${kernel} spills ${CMAKE_MATCH_1} bytes:\n${report}")
    elseif(fact MATCHES "Used ([0-9]+) registers")
      list(APPEND lines "sm_${architecture} ${kernel}: ${fact}")
    endif()
  endforeach()
endforeach()
list(JOIN lines "\n" text)
file(WRITE ${LOG} "${text}\n")
