/*===- Registration.h - For users of MLIR's C API -----------------*- C -*-===*\
|*                                                                            *|
|* Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.     *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* Dialect, passes and pipelines, for a context and a pass manager of yours.  *|
|* The functions of MLIR's own C API are not in libSimplexIR-C: link what you *|
|* link already, or the CMake target SimplexIR::MLIRCAPI.                     *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef SIMPLEXIR_C_REGISTRATION_H
#define SIMPLEXIR_C_REGISTRATION_H

#include "mlir-c/IR.h"

#ifdef __cplusplus
extern "C" {
#endif

/* mlirGetDialectHandle__simplex__(): enough to build, parse and print.
   Available since API version 1. */
MLIR_DECLARE_CAPI_DIALECT_REGISTRATION(Simplex, simplex);

/* The dialects, interfaces and translations that the pipelines need, `simplex`
   included. Available since API version 1. */
MLIR_CAPI_EXPORTED void simplexirRegisterDialects(MlirDialectRegistry registry);

/* Makes every pass and pipeline known, so that mlirParsePassPipeline() and
   mlirOpPassManagerAddPipeline() take `simplex-cpu-pipeline{chip=native}` and
   the like. Calls after the first do nothing. Available since API version
   1. */
MLIR_CAPI_EXPORTED void simplexirRegisterPasses(void);

#ifdef __cplusplus
}
#endif

#endif /* SIMPLEXIR_C_REGISTRATION_H */
