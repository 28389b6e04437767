/* Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 */

/* Dialect, passes and pipelines through MLIR's C API, from C99. */

#include "simplexir-c/Registration.h"
#include "simplexir-c/Compiler.h"

#include "mlir-c/Pass.h"

#include <stdio.h>
#include <string.h>

static int failures = 0;

static void check(int condition, const char *what) {
  if (condition)
    return;
  ++failures;
  fprintf(stderr, "failed: %s\n", what);
}

typedef struct Text {
  char bytes[1 << 16];
  size_t size;
} Text;

static void append(MlirStringRef part, void *data) {
  Text *text = (Text *)data;
  size_t room = sizeof(text->bytes) - 1 - text->size;
  size_t size = part.length < room ? part.length : room;
  memcpy(text->bytes + text->size, part.data, size);
  text->size += size;
  text->bytes[text->size] = 0;
}

static void checkText(const Text *text, const char *part, const char *what) {
  if (strstr(text->bytes, part))
    return;
  ++failures;
  fprintf(stderr, "failed: %s: '%s' is not in:\n%s\n", what, part, text->bytes);
}

static MlirStringRef string(const char *text) {
  return mlirStringRefCreateFromCString(text);
}

static const char source[] =
    "func.func @f(%q: tensor<1x?x4x16xf32>, %k: tensor<1x?x2x16xf32>)\n"
    "    -> tensor<1x?x4x16xf32> {\n"
    "  %out, %lse = simplex.attention query(%q) keys(%k) values(%k)\n"
    "      form multilinear windows [8]\n"
    "      : (tensor<1x?x4x16xf32>, tensor<1x?x2x16xf32>,\n"
    "         tensor<1x?x2x16xf32>)\n"
    "      -> (tensor<1x?x4x16xf32>, tensor<1x4x?xf32>)\n"
    "  return %out : tensor<1x?x4x16xf32>\n"
    "}\n";

/* The module after a pipeline given as text; 1 if it ran. */
static int runPipeline(MlirContext context, const char *pipeline,
                       Text *printed) {
  MlirModule module = mlirModuleCreateParse(context, string(source));
  MlirPassManager manager = mlirPassManagerCreate(context);
  Text error;
  int ok = 0;
  error.size = 0;
  printed->size = 0;
  printed->bytes[0] = 0;
  check(!mlirModuleIsNull(module), "the module parses");
  if (!mlirModuleIsNull(module) &&
      mlirLogicalResultIsSuccess(mlirOpPassManagerAddPipeline(
          mlirPassManagerGetAsOpPassManager(manager), string(pipeline), append,
          &error))) {
    MlirOperation op = mlirModuleGetOperation(module);
    ok = mlirLogicalResultIsSuccess(mlirPassManagerRunOnOp(manager, op));
    mlirOperationPrint(op, append, printed);
  }
  mlirPassManagerDestroy(manager);
  mlirModuleDestroy(module);
  return ok;
}

/* Bytecode that MLIR writes is a module that the compiler takes. */
static void compileBytecode(MlirContext context) {
  static Text bytecode;
  static const char *const chips[] = {"x86-64-v3"};
  MlirModule module = mlirModuleCreateParse(context, string(source));
  SimplexirCompiler *compiler = NULL;
  SimplexirOutcome *outcome = NULL;
  SimplexirCompileOptions options;
  const void *data = NULL;
  size_t size = 0;
  mlirOperationWriteBytecode(mlirModuleGetOperation(module), append, &bytecode);
  mlirModuleDestroy(module);
  check(bytecode.size > 4 && memcmp(bytecode.bytes, "ML\xefR", 4) == 0,
        "bytecode is written");
  memset(&options, 0, sizeof(options));
  options.structSize = sizeof(options);
  options.chips = chips;
  options.numChips = 1;
  check(simplexirCompilerCreate(&compiler) == SIMPLEXIR_COMPILER_OK,
        "a compiler is made");
  check(simplexirCompilerCompile(compiler, bytecode.bytes, bytecode.size,
                                 &options, &outcome) == SIMPLEXIR_COMPILER_OK,
        simplexirOutcomeText(outcome));
  simplexirOutcomeArtifact(outcome, &data, &size);
  check(size != 0, "bytecode compiles to an artifact");
  simplexirOutcomeDestroy(outcome);
  simplexirCompilerDestroy(compiler);
}

int main(void) {
  static Text text;
  MlirDialectRegistry registry = mlirDialectRegistryCreate();
  MlirDialectHandle handle = mlirGetDialectHandle__simplex__();
  MlirStringRef name = mlirDialectHandleGetNamespace(handle);
  MlirContext context;

  check(simplexirCompilerApiVersion() >= SIMPLEXIR_COMPILER_API_VERSION,
        "the library is as new as the header");
  check(name.length == 7 && memcmp(name.data, "simplex", 7) == 0,
        "the handle is of the dialect simplex");

  /* The dialect alone, in a context of the embedder. */
  context = mlirContextCreate();
  check(!mlirContextIsRegisteredOperation(context, string("simplex.attention")),
        "a new context has no simplex.attention");
  mlirDialectHandleRegisterDialect(handle, context);
  check(!mlirDialectIsNull(mlirDialectHandleLoadDialect(handle, context)),
        "the dialect loads");
  check(mlirContextIsRegisteredOperation(context, string("simplex.attention")),
        "the context has simplex.attention");
  mlirContextDestroy(context);

  /* All that the pipelines need. */
  simplexirRegisterDialects(registry);
  context = mlirContextCreateWithRegistry(registry, /*threadingEnabled=*/0);
  check(!runPipeline(context, "simplex-no-such-pass", &text),
        "an unknown pass is an error");
  simplexirRegisterPasses();
  simplexirRegisterPasses(); /* once more does no harm */
  check(
      runPipeline(context, "simplex-bufferize,simplex-outline-kernels", &text),
      "passes run");
  checkText(&text, "simplex.launch @f_kernel", "the attention became a launch");
  check(runPipeline(context, "simplex-nvptx-pipeline{chip=sm_80 emit=mlir}",
                    &text),
        "the NVPTX pipeline runs");
  checkText(&text, "gpu.func @f_kernel", "the kernel is a gpu.func");
  check(runPipeline(context, "simplex-cpu-pipeline{chip=x86-64-v3}", &text),
        "the CPU pipeline runs");
  checkText(&text, "llvm.func @f_kernel(", "the kernel is an llvm.func");
  compileBytecode(context);
  mlirContextDestroy(context);
  mlirDialectRegistryDestroy(registry);
  if (failures == 0)
    puts("passed");
  return failures != 0;
}
