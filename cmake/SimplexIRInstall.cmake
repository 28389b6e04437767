# `cmake --install`: tools, libraries, headers, and what find_package(SimplexIR)
# reads. Included last: it takes whatever targets this build has.
#
# Component `development` is what a project that embeds SimplexIR compiles
# against; the rest is what a user runs.
include(CMakePackageConfigHelpers)
set(_config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/SimplexIR)

simplexir_get_libraries(_libraries)
foreach(_library IN LISTS _libraries)
  # Paths of this machine stay out of the export.
  get_target_property(_includes ${_library} INTERFACE_INCLUDE_DIRECTORIES)
  set(_exported "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
  foreach(_include IN LISTS _includes)
    if(_include AND NOT _include MATCHES "INTERFACE:")
      list(APPEND _exported "$<BUILD_INTERFACE:${_include}>")
    elseif(_include MATCHES "BUILD_INTERFACE:")
      list(APPEND _exported "${_include}")
    endif()
  endforeach()
  set_target_properties(${_library} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${_exported}")
endforeach()
install(TARGETS ${_libraries} EXPORT SimplexIRTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(EXPORT SimplexIRTargets NAMESPACE SimplexIR::
  DESTINATION ${_config_dir} COMPONENT development)

foreach(_tool simplex-opt simplex-run simplex-compile simplex-tune)
  if(TARGET ${_tool})
    install(TARGETS ${_tool} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT tools)
  endif()
endforeach()
if(TARGET SimplexIRPlugin)
  install(TARGETS SimplexIRPlugin LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT tools)
endif()

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  COMPONENT development FILES_MATCHING PATTERN "*.h" PATTERN "*.td")
install(DIRECTORY ${PROJECT_BINARY_DIR}/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  COMPONENT development FILES_MATCHING PATTERN "*.inc"
  PATTERN "CMakeFiles" EXCLUDE)

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/SimplexIRConfig.cmake.in
  ${PROJECT_BINARY_DIR}/SimplexIRConfig.cmake INSTALL_DESTINATION ${_config_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/SimplexIRConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/SimplexIRConfig.cmake ${PROJECT_BINARY_DIR}/SimplexIRConfigVersion.cmake
  ${PROJECT_SOURCE_DIR}/cmake/SimplexIRInterfaces.cmake
  ${PROJECT_SOURCE_DIR}/cmake/SimplexIRMLIRCAPI.cmake
  DESTINATION ${_config_dir} COMPONENT development)
