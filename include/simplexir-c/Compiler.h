/*===- Compiler.h - Compile attention from C ----------------------*- C -*-===*\
|*                                                                            *|
|* Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.     *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* MLIR text or bytecode, or the description of one attention in; the bytes   *|
|* of a .simplex file out, which simplexir-runtime.h loads and launches. C99; *|
|* needs no header of MLIR.                                                   *|
|*                                                                            *|
|* Threads: every function may be called on any thread at any time, and one   *|
|* compiler may compile on many threads at once. An outcome belongs to one    *|
|* thread at a time.                                                          *|
|*                                                                            *|
|* Errors are status codes and owned messages; nothing is printed, thrown, or *|
|* ends the process, except what LLVM itself holds for fatal: a bug in it, or *|
|* no memory left. Who must survive these compiles in a process of its own.   *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef SIMPLEXIR_C_COMPILER_H
#define SIMPLEXIR_C_COMPILER_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define SIMPLEXIR_C_API __attribute__((visibility("default")))
#else
#define SIMPLEXIR_C_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Grows when a function or a field is added; what was there keeps its meaning.
   A program runs with every library whose simplexirCompilerApiVersion() is at
   least the version that it was compiled with. */
#define SIMPLEXIR_COMPILER_API_VERSION 2

/* Available since API version 1. */
SIMPLEXIR_C_API uint32_t simplexirCompilerApiVersion(void);

/* `0.1.0 (LLVM 22.1.8)` and the like: part of a key for caches of artifacts.
   Available since API version 1. */
SIMPLEXIR_C_API const char *simplexirCompilerVersion(void);

typedef enum SimplexirCompilerStatusCode {
  SIMPLEXIR_COMPILER_OK = 0,
  /* The call itself is wrong: a null pointer, a struct size, no chip. */
  SIMPLEXIR_COMPILER_INVALID_ARGUMENT = 1,
  /* The module does not parse, or an operation in it (or the one described)
     is not valid. */
  SIMPLEXIR_COMPILER_INVALID_MODULE = 2,
  /* The module is valid and has no simplex.attention. */
  SIMPLEXIR_COMPILER_NO_ATTENTION = 3,
  /* The name of no chip, or `native` on a processor below x86-64-v2. */
  SIMPLEXIR_COMPILER_UNKNOWN_CHIP = 4,
  /* A valid module that cannot be compiled for one of the chips. */
  SIMPLEXIR_COMPILER_UNSUPPORTED = 5,
  /* Code generation failed, in LLVM or in ptxas. */
  SIMPLEXIR_COMPILER_FAILED = 6,
  SIMPLEXIR_COMPILER_OUT_OF_MEMORY = 7
} SimplexirCompilerStatusCode;
/* A SimplexirCompilerStatusCode. Later versions may return further codes. */
typedef int32_t SimplexirCompilerStatus;

/* `invalid_module` and the like; never NULL. Available since API version 1. */
SIMPLEXIR_C_API const char *
simplexirCompilerStatusName(SimplexirCompilerStatus status);

/* What compiling needs and no call changes. */
typedef struct SimplexirCompiler SimplexirCompiler;

/* Available since API version 1. */
SIMPLEXIR_C_API SimplexirCompilerStatus
simplexirCompilerCreate(SimplexirCompiler **compiler);
/* NULL is allowed. Outcomes outlive their compiler. Available since API
   version 1. */
SIMPLEXIR_C_API void simplexirCompilerDestroy(SimplexirCompiler *compiler);

/* Set structSize to sizeof(SimplexirCompileOptions) and zero the rest before
   filling it in: 0 in a field of a later version means "as before". */
typedef struct SimplexirCompileOptions {
  uint64_t structSize;
  /* `x86-64-v2`, `-v3`, `-v4`, `-v4-bf16`, `native`, `sm_80`, `sm_90a`, ... */
  const char *const *chips;
  size_t numChips;
  /* The path of ptxas, or NULL to search PATH and CUDA_HOME. Without ptxas the
     artifact holds PTX, and a warning says so. */
  const char *ptxas;
  /* The name of the module in messages, or NULL for `<module>`. */
  const char *sourceName;
  /* Not 0: no PTX for GPUs that are not among the chips. */
  int32_t noPortablePtx;
} SimplexirCompileOptions;

/* What a call came to: status, messages, and the artifact if there is one. */
typedef struct SimplexirOutcome SimplexirOutcome;

/* Compiles every function of the module that is one simplex.attention on its
   arguments to a kernel of the function's name. `module` is MLIR text or
   bytecode of `size` bytes, which need not end in a null byte.

   Returns the outcome's status. `*outcome` is the caller's, to be released
   with simplexirOutcomeDestroy(), also after an error; it is NULL only where
   `outcome` is, or without memory. Available since API version 1. */
SIMPLEXIR_C_API SimplexirCompilerStatus simplexirCompilerCompile(
    const SimplexirCompiler *compiler, const void *module, size_t size,
    const SimplexirCompileOptions *options, SimplexirOutcome **outcome);

/* Can this module be compiled for these chips, and if not, why? Runs every
   pass, and generates no code: what LLVM or ptxas would refuse after that is
   not found. The outcome has messages and no artifact. Available since API
   version 1. */
SIMPLEXIR_C_API SimplexirCompilerStatus simplexirCompilerCheck(
    const SimplexirCompiler *compiler, const void *module, size_t size,
    const SimplexirCompileOptions *options, SimplexirOutcome **outcome);

/* Elements of query, keys, values and out. The numbers are those of the
   runtime's SimplexirDType. */
typedef enum SimplexirElementType {
  SIMPLEXIR_ELEMENT_BF16 = 0,
  SIMPLEXIR_ELEMENT_F16 = 1,
  SIMPLEXIR_ELEMENT_F32 = 2,
  SIMPLEXIR_ELEMENT_F64 = 3
} SimplexirElementType;

/* One simplex.attention, described in place of a module. Set structSize to
   sizeof(SimplexirAttention) and zero the rest before filling it in. Batch and
   lengths are not here: one kernel serves all of them. */
typedef struct SimplexirAttention {
  uint64_t structSize;
  /* Of the kernel: letters, digits and `_`, no digit first; NULL for
     `attention`. */
  const char *name;
  /* The query and its keys: 2 to 5. */
  int32_t arity;
  /* A SimplexirElementType. */
  int32_t elementType;
  /* Of the query, and of keys and values; the second divides the first. */
  int64_t heads, keyHeads;
  /* Of query and keys, and of values and out. */
  int64_t headDim, valueDim;
  /* `multilinear`, `determinant`, or a form attribute in full, as in
     `#simplex.determinant<reversed = true>`; NULL for `multilinear`. */
  const char *form;
  /* arity - 1 sizes; 0 is unlimited. */
  const int64_t *windows;
  /* arity - 1 numbers each, or NULL for none. */
  const double *keyBiases, *valueBiases;
  /* Not 0: `scale` counts; otherwise it is 1/sqrt(headDim). */
  int32_t hasScale;
  /* Not 0: a window reaches to both sides. */
  int32_t bidirectional;
  double scale;
  /* Not 0: the kernel has the arguments query_position and key_position. */
  int32_t hasPositions;
  /* Not 0: it has the arguments range_begin and range_end. */
  int32_t hasKeyRange;
} SimplexirAttention;

/* simplexirCompilerCompile(), of a description: one kernel, whose arguments
   are query, keys, values, positions, key range, out, lse. A field that no
   attention can have is an invalid argument; fields that do not go together
   are an invalid module. Available since API version 2. */
SIMPLEXIR_C_API SimplexirCompilerStatus simplexirCompilerCompileAttention(
    const SimplexirCompiler *compiler, const SimplexirAttention *attention,
    const SimplexirCompileOptions *options, SimplexirOutcome **outcome);

/* simplexirCompilerCheck(), of a description. Available since API version 2. */
SIMPLEXIR_C_API SimplexirCompilerStatus simplexirCompilerCheckAttention(
    const SimplexirCompiler *compiler, const SimplexirAttention *attention,
    const SimplexirCompileOptions *options, SimplexirOutcome **outcome);

/* NULL is allowed here and below, and is an invalid argument. Available since
   API version 1. */
SIMPLEXIR_C_API SimplexirCompilerStatus
simplexirOutcomeStatus(const SimplexirOutcome *outcome);

/* All messages, a line each: `name:line:column: error: ...`, as compilers
   print them; "" if there are none. Lives as long as the outcome. Available
   since API version 1. */
SIMPLEXIR_C_API const char *
simplexirOutcomeText(const SimplexirOutcome *outcome);

typedef enum SimplexirSeverity {
  SIMPLEXIR_SEVERITY_NOTE = 0,
  SIMPLEXIR_SEVERITY_REMARK = 1,
  SIMPLEXIR_SEVERITY_WARNING = 2,
  SIMPLEXIR_SEVERITY_ERROR = 3
} SimplexirSeverity;

/* Set structSize before the call. The strings live as long as the outcome. */
typedef struct SimplexirDiagnostic {
  uint64_t structSize;
  /* A SimplexirSeverity. A note belongs to what comes before it. */
  int32_t severity;
  /* From 1; 0 where the message has no place. */
  uint32_t line, column;
  /* "" where the message has no place. */
  const char *file;
  const char *message;
} SimplexirDiagnostic;

/* Available since API version 1. */
SIMPLEXIR_C_API size_t
simplexirOutcomeNumDiagnostics(const SimplexirOutcome *outcome);
/* Available since API version 1. */
SIMPLEXIR_C_API SimplexirCompilerStatus
simplexirOutcomeDiagnosticAt(const SimplexirOutcome *outcome, size_t index,
                             SimplexirDiagnostic *diagnostic);

/* The bytes of a .simplex file, which live as long as the outcome; no bytes if
   there is no artifact. Available since API version 1. */
SIMPLEXIR_C_API SimplexirCompilerStatus simplexirOutcomeArtifact(
    const SimplexirOutcome *outcome, const void **data, size_t *size);

/* NULL is allowed. Available since API version 1. */
SIMPLEXIR_C_API void simplexirOutcomeDestroy(SimplexirOutcome *outcome);

#ifdef __cplusplus
}
#endif

#endif /* SIMPLEXIR_C_COMPILER_H */
