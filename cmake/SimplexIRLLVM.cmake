# Finds LLVM/MLIR 22 and says how this project's libraries link against it:
# the two shared libraries by default, archives with SIMPLEXIR_STATIC, and for
# simplex-compile alone with SIMPLEXIR_STATIC_COMPILER.
if(NOT PROJECT_IS_TOP_LEVEL)
  # The project around links what we link.
  set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)
endif()
find_package(MLIR REQUIRED CONFIG)
unset(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL)
if(NOT LLVM_VERSION_MAJOR EQUAL 22)
  message(FATAL_ERROR "SimplexIR needs LLVM/MLIR 22, found ${LLVM_PACKAGE_VERSION} "
                      "in ${LLVM_DIR}. Run scripts/setup, or set MLIR_DIR.")
endif()
message(STATUS "Using MLIR ${LLVM_PACKAGE_VERSION} from ${MLIR_DIR}")

list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
include(TableGen)
include(AddLLVM)
include(AddMLIR)
include(CMakeDependentOption)
include(SimplexIRStatic)

# Installed, tools and libraries find the shared MLIR where the build did.
if(NOT SIMPLEXIR_STATIC)
  set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)
endif()

# SYSTEM: upstream headers are not held to this project's warnings.
include_directories(SYSTEM ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
add_definitions(${LLVM_DEFINITIONS})
add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions>)

# simplexir_add_library(NAME sources... DEPENDS tablegen-targets LINK libraries)
function(simplexir_add_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
  set_property(GLOBAL APPEND PROPERTY SIMPLEXIR_LIBRARIES ${name})
endfunction()

# simplexir_get_libraries(VARIABLE): all that this build offers to others.
function(simplexir_get_libraries variable)
  get_property(libraries GLOBAL PROPERTY SIMPLEXIR_LIBRARIES)
  foreach(library SimplexIRReference SimplexIRC simplexir_runtime simplexir_runtime_static
          simplexir_mgpu simplexir_mgpu_static)
    if(TARGET ${library})
      list(APPEND libraries ${library})
    endif()
  endforeach()
  set(${variable} ${libraries} PARENT_SCOPE)
endfunction()

# A process that is over after one compilation spends a tenth of it on symbols of
# the shared libraries. In a subproject the archives' targets are left as the
# project around wants them.
simplexir_has_archives(_has_archives)
cmake_dependent_option(SIMPLEXIR_STATIC_COMPILER
  "Link simplex-compile statically against LLVM/MLIR" ${PROJECT_IS_TOP_LEVEL}
  "_has_archives;NOT SIMPLEXIR_SANITIZE" OFF)
if(NOT _has_archives)
  message(STATUS "simplex-compile shares libMLIR: the archives of LLVM, MLIR or what they need are not all here")
endif()

# A compiler allocates all the time: with the C library's malloc it takes a
# seventh longer to PTX.
option(SIMPLEXIR_TCMALLOC "Link simplex-compile against tcmalloc where it is" ${PROJECT_IS_TOP_LEVEL})
find_library(SIMPLEXIR_TCMALLOC_ARCHIVE libtcmalloc_minimal.a)
mark_as_advanced(SIMPLEXIR_TCMALLOC_ARCHIVE)
set(_compiler_malloc)
if(SIMPLEXIR_TCMALLOC AND NOT SIMPLEXIR_SANITIZE AND
   NOT "${CMAKE_CXX_FLAGS} ${CMAKE_EXE_LINKER_FLAGS}" MATCHES "-fsanitize")
  if(SIMPLEXIR_TCMALLOC_ARCHIVE)
    set(_compiler_malloc ${SIMPLEXIR_TCMALLOC_ARCHIVE})
  else()
    message(STATUS "simplex-compile uses the C library's malloc: no libtcmalloc_minimal.a "
                   "(Debian: libgoogle-perftools-dev)")
  endif()
endif()

# simplexir_link_mlir(TARGET [COMPILER] [MLIR archives...]): everything of LLVM
# and MLIR that a tool needs. COMPILER: SIMPLEXIR_STATIC_COMPILER and
# SIMPLEXIR_TCMALLOC decide. The archives matter to the static link only, which
# takes all of them unless told.
function(simplexir_link_mlir name)
  cmake_parse_arguments(ARG "COMPILER" "" "" ${ARGN})
  if(SIMPLEXIR_STATIC OR (ARG_COMPILER AND SIMPLEXIR_STATIC_COMPILER))
    simplexir_link_mlir_static(${name} ${ARG_UNPARSED_ARGUMENTS})
  else()
    target_link_libraries(${name} PRIVATE MLIR LLVM)
  endif()
  if(ARG_COMPILER)
    target_link_libraries(${name} PRIVATE ${_compiler_malloc})
  endif()
endfunction()
