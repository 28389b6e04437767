# cmake -DFILE=TOOL -DREADELF=readelf -P CheckStatic.cmake
#
# Fails if TOOL asks for a library other than glibc's, or looks for libraries
# where it was built.
execute_process(COMMAND ${READELF} -d ${FILE}
  OUTPUT_VARIABLE dynamic RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "'${READELF} -d ${FILE}' failed")
endif()
# Brackets would join the items of a list.
string(REGEX REPLACE "[][]" "" dynamic "${dynamic}")
string(REGEX MATCHALL "Shared library: [^\n]*" entries "${dynamic}")
if(NOT entries)
  message(FATAL_ERROR "${FILE} names no library; expected libc.so.6")
endif()
foreach(entry IN LISTS entries)
  string(REPLACE "Shared library: " "" library "${entry}")
  if(NOT library MATCHES "^(libc|libm|libdl|librt|libpthread|ld-linux-x86-64)\\.so")
    message(SEND_ERROR "${FILE} needs ${library}; a static tool needs glibc alone")
  endif()
endforeach()
if(dynamic MATCHES "\\((RPATH|RUNPATH)\\)[^\n]*")
  message(SEND_ERROR "${FILE} has ${CMAKE_MATCH_0}")
endif()
