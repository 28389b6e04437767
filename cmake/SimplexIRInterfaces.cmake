# SimplexIR::Dialect and SimplexIR::Compiler: libraries of this project together
# with the shared MLIR and LLVM. Included by the installed package and by a
# subproject build; SIMPLEXIR_GLOBAL is then GLOBAL, as other folders use them.
foreach(_name Dialect Compiler)
  if(TARGET SimplexIR::SimplexIR${_name} AND NOT TARGET SimplexIR::${_name})
    add_library(SimplexIR::${_name} INTERFACE IMPORTED ${SIMPLEXIR_GLOBAL})
    target_include_directories(SimplexIR::${_name} SYSTEM INTERFACE ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
    target_link_libraries(SimplexIR::${_name} INTERFACE SimplexIR::SimplexIR${_name})
    if(TARGET SimplexIR::SimplexIRTransforms)
      target_link_libraries(SimplexIR::${_name} INTERFACE
        SimplexIR::SimplexIRTransforms SimplexIR::SimplexIRDialect)
    endif()
    target_link_libraries(SimplexIR::${_name} INTERFACE MLIR LLVM)
  endif()
endforeach()
