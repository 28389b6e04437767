# SimplexIR::MLIRCAPI: MLIR's own C interface, for users of
# simplexir-c/Registration.h. Distributions have no libMLIR-C.so, only archives
# whose CMake targets name MLIR's archives; a program that has the shared MLIR
# as well would then have two. So these are linked as plain files.
if(NOT TARGET SimplexIR::MLIRCAPI)
  add_library(SimplexIR::MLIRCAPI INTERFACE IMPORTED ${SIMPLEXIR_GLOBAL})
  target_include_directories(SimplexIR::MLIRCAPI SYSTEM INTERFACE ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
  foreach(_library IN LISTS MLIR_EXPORTED_TARGETS)
    if(_library MATCHES "^MLIRCAPI" AND TARGET ${_library})
      get_target_property(_file ${_library} LOCATION)
      if(EXISTS "${_file}")
        target_link_libraries(SimplexIR::MLIRCAPI INTERFACE "${_file}")
      endif()
    endif()
  endforeach()
  target_link_libraries(SimplexIR::MLIRCAPI INTERFACE MLIR LLVM)
endif()
