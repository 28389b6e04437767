# `ninja simplexir-doc`: the reference pages of the dialect and the passes, as
# Markdown in build/NAME/docs, from the descriptions in the TableGen files.
set(_doc_dir ${PROJECT_BINARY_DIR}/docs)
set(_td ${PROJECT_SOURCE_DIR}/include/simplexir)
set(_tblgen_flags -I ${PROJECT_SOURCE_DIR}/include)
foreach(_include IN LISTS MLIR_INCLUDE_DIRS LLVM_INCLUDE_DIRS)
  list(APPEND _tblgen_flags -I ${_include})
endforeach()
set(_pages)
function(_simplexir_doc page td)
  set(output ${_doc_dir}/${page}.md)
  file(GLOB_RECURSE depends ${_td}/*.td)
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${_doc_dir}
    COMMAND ${MLIR_TABLEGEN_EXE} ${ARGN} ${_tblgen_flags} ${td} -o ${output}
    DEPENDS ${depends} VERBATIM)
  set(_pages ${_pages} ${output} PARENT_SCOPE)
endfunction()

_simplexir_doc(simplex-dialect ${_td}/Dialect/Simplex/IR/SimplexOps.td -gen-dialect-doc -dialect=simplex)
_simplexir_doc(forms ${_td}/Dialect/Simplex/IR/SimplexInterfaces.td -gen-attr-interface-docs)
_simplexir_doc(passes ${_td}/Transforms/Passes.td -gen-pass-doc)
_simplexir_doc(codegen-passes ${_td}/Codegen/Passes.td -gen-pass-doc)
_simplexir_doc(host-passes ${_td}/Codegen/Host/Passes.td -gen-pass-doc)
_simplexir_doc(gpu-passes ${_td}/Codegen/GPU/Passes.td -gen-pass-doc)
_simplexir_doc(hopper-passes ${_td}/Codegen/Hopper/Passes.td -gen-pass-doc)
add_custom_target(simplexir-doc DEPENDS ${_pages})
