# Compiler settings shared by every target: warnings, sanitizers, ccache, lld.
if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

find_program(SIMPLEXIR_CCACHE ccache)
if(SIMPLEXIR_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${SIMPLEXIR_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${SIMPLEXIR_CCACHE})
endif()

add_compile_options(-Wall -Wextra $<$<COMPILE_LANGUAGE:CXX>:-Wno-redundant-move>)
if(SIMPLEXIR_WERROR)
  add_compile_options(-Werror)
endif()
if(SIMPLEXIR_STATIC)
  # Lets --gc-sections drop what no tool refers to.
  add_compile_options(-ffunction-sections -fdata-sections)
endif()
if(SIMPLEXIR_SANITIZE)
  # libMLIR's type information is not all exported: no vptr checks.
  add_compile_options(-fsanitize=${SIMPLEXIR_SANITIZE} -fno-sanitize=vptr
                      -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SIMPLEXIR_SANITIZE})
endif()

# Links in a third of the time of GNU ld.
find_program(SIMPLEXIR_LLD NAMES ld.lld-22 ld.lld PATHS /usr/lib/llvm-22/bin)
if(SIMPLEXIR_LLD)
  get_filename_component(_lld_dir ${SIMPLEXIR_LLD} DIRECTORY)
  add_link_options(-fuse-ld=lld -B${_lld_dir})
endif()

# TableGen's output is not held to the warnings.
include_directories(${PROJECT_SOURCE_DIR}/include)
include_directories(SYSTEM ${PROJECT_BINARY_DIR}/include)
