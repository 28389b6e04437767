# The targets of the installed package, for a project that has SimplexIR as a
# folder: add_subdirectory(simplexir EXCLUDE_FROM_ALL).
simplexir_get_libraries(_libraries)
foreach(_library IN LISTS _libraries)
  # Within this project the include directories are those of the folders.
  target_include_directories(${_library} INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
  target_include_directories(${_library} SYSTEM INTERFACE $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>)
  get_target_property(_name ${_library} EXPORT_NAME)
  if(NOT _name)
    set(_name ${_library})
  endif()
  add_library(SimplexIR::${_name} ALIAS ${_library})
endforeach()
if(NOT SIMPLEXIR_STATIC)
  set(SIMPLEXIR_GLOBAL GLOBAL)
  include(SimplexIRInterfaces)
  include(SimplexIRMLIRCAPI)
endif()
