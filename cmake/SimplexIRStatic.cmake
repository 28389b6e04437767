# Tools that need no LLVM, MLIR or libstdc++ on the machine they run on; glibc
# stays dynamic.
#
# The exported MLIR archives name the *shared* libLLVM as a dependency. A
# process with both copies of LLVM aborts ("Corruption of the global
# PassRegistry"), so the shared ones are taken off every imported target.

find_library(SIMPLEXIR_ZLIB_ARCHIVE libz.a)
find_library(SIMPLEXIR_ZSTD_ARCHIVE libzstd.a)
mark_as_advanced(SIMPLEXIR_ZLIB_ARCHIVE SIMPLEXIR_ZSTD_ARCHIVE)

# Whether all that a static link needs is installed: packages may leave out the
# archives.
function(simplexir_has_archives result)
  set(${result} OFF PARENT_SCOPE)
  foreach(library LLVMCore MLIRIR)
    if(NOT TARGET ${library})
      return()
    endif()
    get_target_property(file ${library} LOCATION)
    if(NOT file MATCHES "\\.a$" OR NOT EXISTS "${file}")
      return()
    endif()
  endforeach()
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libstdc++.a
    OUTPUT_VARIABLE standard OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(SIMPLEXIR_ZLIB_ARCHIVE AND SIMPLEXIR_ZSTD_ARCHIVE AND IS_ABSOLUTE "${standard}")
    set(${result} ON PARENT_SCOPE)
  endif()
endfunction()

# Removes shared LLVM and MLIR from the imported archives; zlib and zstd are
# linked as archives.
function(_simplexir_unshare_imports)
  get_property(done GLOBAL PROPERTY SIMPLEXIR_IMPORTS_UNSHARED)
  if(done)
    return()
  endif()
  set_property(GLOBAL PROPERTY SIMPLEXIR_IMPORTS_UNSHARED ON)

  foreach(pair "SIMPLEXIR_ZLIB_ARCHIVE:zlib1g-dev" "SIMPLEXIR_ZSTD_ARCHIVE:libzstd-dev")
    string(REPLACE ":" ";" pair ${pair})
    list(GET pair 0 archive)
    list(GET pair 1 package)
    if(NOT ${archive})
      message(FATAL_ERROR "A static link needs the package ${package} (scripts/setup installs it)")
    endif()
  endforeach()

  get_property(mlir GLOBAL PROPERTY MLIR_ALL_LIBS)
  foreach(library IN LISTS mlir LLVM_AVAILABLE_LIBS)
    if(NOT TARGET ${library})
      continue()
    endif()
    get_target_property(links ${library} INTERFACE_LINK_LIBRARIES)
    if(links)
      # Polly is not packaged.
      list(FILTER links EXCLUDE REGEX "^(.*LINK_ONLY:)?(LLVM|MLIR|Polly|PollyISL)>?$")
      list(TRANSFORM links REPLACE "^ZLIB::ZLIB$" "${SIMPLEXIR_ZLIB_ARCHIVE}")
      list(TRANSFORM links REPLACE "^zstd::libzstd_(shared|static)$" "${SIMPLEXIR_ZSTD_ARCHIVE}")
      set_target_properties(${library} PROPERTIES INTERFACE_LINK_LIBRARIES "${links}")
    endif()
  endforeach()
endfunction()

# Names of existing static archives among `candidates`, less the unwanted.
function(_simplexir_archives result)
  set(archives)
  foreach(library IN LISTS ARGN)
    # CAPI, tests and language bindings are never part of a tool. The last
    # four would link libedit, libffi, libcurl and libpfm.
    if(NOT TARGET ${library} OR library MATCHES
       "^MLIRCAPI|Test|Python|LLVMLineEditor|LLVMInterpreter|LLVMDebuginfod|Exegesis")
      continue()
    endif()
    get_target_property(type ${library} TYPE)
    # Debian exports archives that its packages leave out.
    get_target_property(file ${library} LOCATION)
    if(type STREQUAL "STATIC_LIBRARY" AND EXISTS "${file}")
      list(APPEND archives ${library})
    endif()
  endforeach()
  set(${result} ${archives} PARENT_SCOPE)
endfunction()

# simplexir_link_mlir_static(TARGET [MLIR archives...] [LLVM components...])
#
# Links TARGET against the MLIR archives named (their own dependencies follow),
# by default all of them, and against every LLVM archive. An archive only
# contributes the objects that something refers to, so what decides the size of
# a tool is what it registers: a tool should insert the dialects it needs, not
# call registerAllDialects.
function(simplexir_link_mlir_static name)
  cmake_parse_arguments(ARG "" "" "MLIR;COMPONENTS" ${ARGN})
  _simplexir_unshare_imports()

  set(mlir ${ARG_MLIR} ${ARG_UNPARSED_ARGUMENTS})
  if(NOT mlir)
    get_property(mlir GLOBAL PROPERTY MLIR_ALL_LIBS)
  endif()
  if(ARG_COMPONENTS)
    llvm_map_components_to_libnames(llvm ${ARG_COMPONENTS})
  else()
    set(llvm ${LLVM_AVAILABLE_LIBS})
  endif()
  _simplexir_archives(mlir ${mlir})
  _simplexir_archives(llvm ${llvm})
  target_link_libraries(${name} PRIVATE ${mlir} ${llvm})
  target_link_options(${name} PRIVATE
    -static-libstdc++ -static-libgcc -Wl,--gc-sections -Wl,--as-needed)
  # Debug builds keep their symbols.
  target_link_options(${name} PRIVATE $<$<CONFIG:Release,MinSizeRel>:-Wl,--strip-all>)
  # The symbols of MLIR stay private: a tool is no host for shared plugins.
  set_target_properties(${name} PROPERTIES ENABLE_EXPORTS OFF SKIP_BUILD_RPATH ON)
  if(SIMPLEXIR_BUILD_TESTS)
    add_test(NAME static-${name} COMMAND ${CMAKE_COMMAND} -DFILE=$<TARGET_FILE:${name}>
      -DREADELF=${CMAKE_READELF} -P ${PROJECT_SOURCE_DIR}/cmake/CheckStatic.cmake)
  endif()
endfunction()
